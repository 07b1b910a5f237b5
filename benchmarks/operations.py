"""Seconds to check JAX's own operations, and small networks, layers and losses, to order 2.

The operations are those whose derivatives JAX's own tests check, at points as they draw them; the
functions on top of them are what people write. Each is checked once by jaxgrad and once by
``jax.test_util.check_grads``, in one process that has checked the others before, as a test suite
does; a second process takes the two in the other order, since whoever comes second finds what both
need compiled. What is reported is the ratio of the CPU seconds, summed over both processes.

``--budget SECONDS`` changes what jaxgrad may spend after the given point, ``--only NAME`` takes the
cases whose names contain it, ``--output FILE`` writes every case.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jaxgrad.claims.written_files import require_writable
from jaxgrad.errors import ArgumentError

ORDER = 2


@dataclass(frozen=True)
class Timed:
    """What one case took both checkers, in CPU seconds, and jaxgrad's verdict."""

    name: str
    verdict: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Of ours to theirs; above 1, jaxgrad is the slower."""
        return self.ours / self.theirs


def ours(case: Any, budget: float | None) -> str:
    """jaxgrad's verdict on a case, or the name of what it raised."""
    import jaxgrad

    try:
        return str(jaxgrad.check(case.function, case.args, ORDER, budget=budget).verdict)
    except jaxgrad.JaxgradError as error:
        return type(error).__name__


def theirs(case: Any) -> str:
    """JAX's check with a tolerance so wide that it looks at every order before it answers."""
    from jax.test_util import check_grads

    with contextlib.suppress(AssertionError):  # a false alarm costs as much as a pass
        check_grads(case.function, case.args, ORDER, ("fwd", "rev"), 10.0, 10.0)
    return ""


def taken(check: Callable[[], str]) -> tuple[float, str]:
    """The CPU seconds of a check, and what it found."""
    start = time.process_time()
    found = check()
    return time.process_time() - start, found


def run(ours_first: bool, budget: float | None, only: str) -> Iterator[Timed]:
    """Every case, checked by both."""
    from benchmarks.operation_cases import cases

    for case in cases():
        if only not in case.name:
            continue
        if ours_first:
            a, verdict = taken(lambda case=case: ours(case, budget))
            b, _ = taken(lambda case=case: theirs(case))
        else:
            b, _ = taken(lambda case=case: theirs(case))
            a, verdict = taken(lambda case=case: ours(case, budget))
        yield Timed(case.name, verdict, a, b)


def require_some(only: str) -> None:
    """Refuses a name that no case has.

    Raises:
        ArgumentError: there is none.
    """
    from benchmarks.operation_cases import cases

    names = [case.name for case in cases()]
    if not any(only in name for name in names):
        raise ArgumentError(f"--only {only}: no case has that in its name, such as {names[0]!r}")


def in_a_process(ours_first: bool, budget: float | None, only: str) -> list[Timed]:
    """The same in a process of its own, one line of JSON a case."""
    command = [sys.executable, "-m", "benchmarks.operations", "--process", str(int(ours_first))]
    command += ["--only", only] + ([] if budget is None else ["--budget", str(budget)])
    root = Path(__file__).parent.parent
    out = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return [Timed(*json.loads(line)) for line in out.stdout.splitlines()]


def summed(first: list[Timed], second: list[Timed]) -> list[Timed]:
    """The cases of both processes, their seconds added."""
    return [
        Timed(a.name, a.verdict, a.ours + b.ours, a.theirs + b.theirs)
        for a, b in zip(first, second, strict=True)
    ]


def report(found: list[Timed], output: Path | None) -> None:
    """The median and the largest ratio by kind, and every case that took four times as long."""
    console = Console(width=110)
    table = Table("cases", "number", "ours, CPU s", "JAX, CPU s", "median ratio", "largest", "> 4")
    kinds = sorted({each.name.partition(":")[0] for each in found})
    for kind in [*kinds, ""]:
        of_kind = [each for each in found if each.name.startswith(kind)]
        ratios = [each.ratio for each in of_kind]
        table.add_row(
            kind or "all",
            str(len(of_kind)),
            f"{sum(each.ours for each in of_kind):.1f}",
            f"{sum(each.theirs for each in of_kind):.1f}",
            f"{statistics.median(ratios):.2f}",
            f"{max(ratios):.2f}",
            str(sum(ratio > 4 for ratio in ratios)),
        )
    console.print(table)
    for each in sorted(found, key=lambda each: -each.ratio):
        if each.ratio > 4 or each.verdict not in ("AGREES", "PROVED"):
            console.print(f"{each.ratio:7.2f}  {each.ours:7.2f} s  {each.verdict:10} {each.name}")
    if output:
        rows = [
            f"| {e.name} | {e.verdict} | {e.ours:.3f} | {e.theirs:.3f} | {e.ratio:.2f} |"
            for e in found
        ]
        output.write_text(
            "| case | verdict | ours, s | JAX, s | ratio |\n|---|---|---|---|---|\n"
            + "\n".join(rows)
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float)
    parser.add_argument("--only", default="")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.process is not None:
        for each in run(bool(options.process), options.budget, options.only):
            print(json.dumps([each.name, each.verdict, each.ours, each.theirs]), flush=True)
        return
    try:
        if options.output:
            require_writable(f"--output {options.output}", options.output)
        require_some(options.only)
    except ArgumentError as error:
        parser.error(str(error))
    both = [in_a_process(first, options.budget, options.only) for first in (False, True)]
    report(summed(*both), options.output)


if __name__ == "__main__":
    main()
