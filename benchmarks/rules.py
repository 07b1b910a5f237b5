"""Derivative checkers beside each other: bugs that shipped, mutants, and right rules.

One command, one run: ``python benchmarks/rules.py``.  Every checker is asked with its default
settings.  The exit code is 1 if jaxgrad misses a wrong rule or flags a right one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: the folder above holds `benchmarks`
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import jax

from benchmarks.cases import Case
from benchmarks.hand_rules import HAND_RULES
from benchmarks.historical_bugs import BUGS
from benchmarks.mutants import Mutant, mutants
from benchmarks.peers import FLAGGED, NOT_EXPRESSIBLE, OURS, PASSED, UNDECIDED, available, run
from benchmarks.right_rules import DEFECTS, right_rules
from jaxgrad.claims.written_files import require_writable
from jaxgrad.errors import ArgumentError

JAX = "jax.test_util.check_grads"
TABLES = ("bugs", "unasked", "defects", "mutants", "right")
# Parts of each table that the worker processes take in turn.
PARTS = 8
# Every so many checks one starts with nothing compiled, and those are timed: JAX compiles anew in
# every test process, and whichever checker came first would compile for the others, too.
TIMED_EVERY = 20
# The sample of --quick: every so many rules and cases.
QUICK_RULES, QUICK_RIGHT = 26, 60


@dataclass(frozen=True)
class Row:
    """The answer of one checker on one case; seconds only where they were measured cold."""

    table: str
    checker: str
    case: str
    outcome: str
    seconds: float | None
    text: str
    equivalent: bool = False


# -- running -------------------------------------------------------------------------------------
def _cases(table: str, part: int, quick: bool, every: int) -> list[tuple[Case, Mutant | None]]:
    if table == "mutants":
        chosen = HAND_RULES[:: QUICK_RULES if quick else 1][part::PARTS]
        return [(mutant.case(), mutant) for mutant in mutants(chosen)]
    if table == "bugs":
        found = [bug.case("wrong", "trigger") for bug in BUGS]
    elif table == "unasked":
        found = [bug.case("wrong", "innocent") for bug in BUGS if bug.innocent]
    elif table == "defects":
        found = list(DEFECTS)
    else:
        found = right_rules()[:: QUICK_RIGHT if quick else every]
    return [(case, None) for case in found[part::PARTS]]


def _work(task: tuple[str, int, bool, int, tuple[str, ...]]) -> list[Row]:
    table, part, quick, every, checkers = task
    rows = []
    for i, (case, mutant) in enumerate(_cases(table, part, quick, every)):
        timed = table in ("mutants", "right") and (part + i * PARTS) % TIMED_EVERY == 0
        equivalent = False
        for checker in checkers:
            if timed:
                jax.clear_caches()
            answer = run(checker, case)
            if checker == OURS and mutant is not None and answer.outcome != FLAGGED:
                equivalent = _equivalent(mutant)
            rows.append(
                Row(table, checker, case.name, answer.outcome, answer.seconds if timed else None,
                    " ".join(answer.text.split())[:300], equivalent)
            )  # fmt: skip
    return rows


def _equivalent(mutant: Mutant) -> bool:
    try:
        return mutant.equivalent()
    except Exception:  # not proved, then
        return False


def measure(checkers: Sequence[str], quick: bool, every: int, workers: int) -> list[Row]:
    """Asks every checker about every case."""
    parts = [(table, part) for table in TABLES for part in range(PARTS)]
    tasks = [(*part, quick, every, tuple(checkers)) for part in parts]
    rows: list[Row] = []
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for i, found in enumerate(pool.imap_unordered(_work, tasks), 1):
            rows += found
            seconds = time.perf_counter() - start
            print(f"\r{i} of {len(tasks)} parts, {seconds:.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)
    return rows


# -- reporting -----------------------------------------------------------------------------------
class Report:
    """What the rows amount to."""

    def __init__(self, rows: Sequence[Row], checkers: Sequence[str]) -> None:
        self.rows = [row for row in rows if not row.equivalent]
        self.equivalent = sorted({row.case for row in rows if row.equivalent})
        self.checkers = checkers

    def of(self, checker: str, *tables: str) -> list[Row]:
        return [row for row in self.rows if row.checker == checker and row.table in tables]

    def misses(self, checker: str) -> list[Row]:
        """Wrong rules that pass, or that nothing is decided about."""
        wrong = self.of(checker, "bugs", "unasked", "mutants")
        return [row for row in wrong if row.outcome in (PASSED, UNDECIDED)]

    def alarms(self, checker: str) -> list[Row]:
        """Right rules that do not pass."""
        return [r for r in self.of(checker, "right") if r.outcome in (FLAGGED, UNDECIDED)]

    def markdown(self) -> str:
        lines = [
            "| checker | shipped bugs caught | found from another point | mutants caught "
            "| right rules flagged | not expressible | seconds a check | ratio |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for checker in self.checkers:
            caught = [self._share(checker, table) for table in ("bugs", "unasked", "mutants")]
            flagged = self._share(checker, "right")
            none = sum(r.outcome == NOT_EXPRESSIBLE for r in self.of(checker, *TABLES))
            seconds = f"{self._seconds(checker):.3f}"
            lines.append(
                f"| {checker} | {' | '.join(caught)} | {flagged} | {none} | {seconds} "
                f"| {self._ratio(checker)} |"
            )
        lines += ["", *self._notes()]
        return "\n".join(lines)

    def _share(self, checker: str, table: str) -> str:
        asked = [r for r in self.of(checker, table) if r.outcome != NOT_EXPRESSIBLE]
        open_ = sum(row.outcome == UNDECIDED for row in asked)
        more = f" ({open_} undecided)" if open_ else ""
        return f"{sum(row.outcome == FLAGGED for row in asked)}/{len(asked)}{more}"

    def _times(self, checker: str) -> dict[str, float]:
        rows = self.of(checker, *TABLES)
        return {
            f"{r.table} {r.case}": r.seconds
            for r in rows
            if r.seconds is not None and r.outcome != NOT_EXPRESSIBLE
        }

    def _seconds(self, checker: str) -> float:
        return statistics.median([*self._times(checker).values()] or [float("nan")])

    def _ratio(self, checker: str) -> str:
        """The median over the checks that both were timed on."""
        ours, theirs = self._times(checker), self._times(JAX)
        both = [ours[name] / theirs[name] for name in ours if name in theirs]
        return f"{statistics.median(both):.2f}" if both else "–"

    def _notes(self) -> Iterator[str]:
        yield "Defects of JAX itself, found from a point where it is right: " + ", ".join(
            f"{checker} {self._share(checker, 'defects')}" for checker in self.checkers
        )
        yield ""
        yield f"{len(self.equivalent)} mutants proved equal to the right rule are left out."
        yield f"Seconds: the median of every {TIMED_EVERY}th check, with nothing compiled before; "
        yield f"ratio: the median of the ratios to {JAX} over the checks both were timed on."
        yield f"Versions: {_versions()}."
        for title, rows in (
            ("Wrong rules that jaxgrad did not catch", self.misses(OURS)),
            ("Right rules that jaxgrad did not pass", self.alarms(OURS)),
        ):
            yield ""
            yield f"{title}: {len(rows)}"
            for row in rows:
                yield f"- {row.case} ({row.table}, {row.outcome}): {row.text}"

    def details(self) -> str:
        """Every miss and false alarm of every checker by name."""
        lines = []
        for checker in self.checkers:
            for title, rows in (
                ("missed", self.misses(checker)),
                ("flagged", self.alarms(checker)),
            ):
                lines += ["", f"## {checker}: {title} {len(rows)}", ""]
                lines += [f"- {row.table}: {row.case}" for row in rows]
        lines += ["", "## Defects of JAX itself", ""]
        lines += [f"- {r.case}: {r.outcome} {r.text}" for r in self.of(OURS, "defects")]
        lines += ["", f"## Equivalent mutants: {len(self.equivalent)}", ""]
        return "\n".join([*lines, *(f"- {name}" for name in self.equivalent)])


def _versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for package in ("jax", "chex", "autograd", "torch"):
        try:
            found.append(f"{package} {version(package)}")
        except Exception:  # not installed
            found.append(f"no {package}")
    return ", ".join(found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a sample, in less than a minute")
    parser.add_argument("--every", type=int, default=1, help="every so many right rules (1)")
    parser.add_argument("--ours", action="store_true", help="jaxgrad alone")
    parser.add_argument("--output", type=Path, help="write the table and every name to this file")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    chosen: Any = parser.parse_args(arguments)
    for name in ("every", "workers"):
        if getattr(chosen, name) < 1:
            parser.error(f"--{name} is {getattr(chosen, name)}; give 1 or more")
    try:
        if chosen.output:
            require_writable(f"--output {chosen.output}", chosen.output)
    except ArgumentError as error:
        parser.error(str(error))
    checkers = [OURS] if chosen.ours else available()
    report = Report(measure(checkers, chosen.quick, chosen.every, chosen.workers), checkers)
    print(report.markdown())
    if chosen.output:
        chosen.output.write_text(f"{report.markdown()}\n{report.details()}\n", encoding="utf-8")
    return 1 if report.misses(OURS) or report.alarms(OURS) else 0


if __name__ == "__main__":
    raise SystemExit(main())
