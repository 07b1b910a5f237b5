"""What ``jaxgrad sweep`` does: check a predicate of a function at every float of a dtype."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from pathlib import Path
from typing import Any

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.claims.one_object import print_error, printed
from jaxgrad.claims.refusals import refusing
from jaxgrad.claims.timeout import ending_after
from jaxgrad.verdict import Verdict

__all__ = ["sweep"]


def sweep(options: argparse.Namespace) -> int:
    """Evaluate a function on every float of a dtype, print the verdict, and return the exit code.

    Args:
        options: as the command line declares them.

    Raises:
        ArgumentError: a name or the dtype cannot be used, or the function or predicate raises.
    """
    function = named("MODULE:FUNCTION", options.function)
    holds = named("--holds", options.holds)
    sys.path.append(str(Path.cwd()))  # for what these import when they are called
    from jaxgrad.claims.swept_dtype import swept_dtype
    from jaxgrad.evidence.sweep import sweep

    dtype = swept_dtype(options.dtype)
    whose = f"{options.function}, or --holds {options.holds},"
    meant = (
        "the first takes one float, an array of shape (), and the second arrays of one "
        "dimension, of floats and of what comes of each, and returns booleans"
    )
    with (
        refusing(options.function, whose, meant),
        ending_after(options.timeout, functools.partial(_given_up, options)),
    ):
        result = sweep(function, dtype, holds, keep=options.keep, part=options.part)
    if options.json:
        printed()
        print(json.dumps(_object(options, result), indent=1))
    else:
        print(f"{result.verdict}: {options.function} on {result.checked} values of {dtype.name}")
        print(result.evidence.text)
        if result.counterexample is not None:
            print(f"counterexample:\n{result.counterexample}")
    if result.verdict is Verdict.UNDECIDED:
        return Exit.UNDECIDED
    return Exit.ALL_EXPECTED if result.verdict.passes else Exit.NOT_EXPECTED


def _object(options: argparse.Namespace, result: Any) -> dict[str, Any]:
    """What ``--json`` prints of a sweep; floats are texts, for JSON has no infinity."""
    from jaxgrad.claims.report.json_report import versions

    found = result.failures
    ends = {"first": found.first, "last": found.last}
    failures = {
        name: None if x is None else {"value": str(float(x.value)), "bits": hex(x.bits)}
        for name, x in ends.items()
    }
    return {
        "function": options.function,
        "holds": options.holds,
        "dtype": result.dtype.name,
        **result.evidence.to_dict(),
        "checked": result.checked,
        "failures": {"count": found.total, **failures},
        "nan_outputs": result.nan_outputs,
        "versions": versions(),
    }


def _given_up(options: argparse.Namespace) -> int:
    """Says that it took too long, and what is known; one float that fails refutes all the same."""
    from jaxgrad.evidence.swept import SweptSoFar
    from jaxgrad.numbers.progress import known_so_far

    late = f"its sweep took longer than --timeout {options.timeout:g}"
    for found in known_so_far():
        if isinstance(found, SweptSoFar) and found.failing is not None:
            if options.json:
                known = {"verdict": "REFUTED", "evidence": f"{found.counts}, though {late}"}
                printed()
                print(json.dumps({**known, "counterexample": found.failing.code}), flush=True)
                return Exit.NOT_EXPECTED
            print(f"{Verdict.REFUTED}: {options.function}, though {late}")
            print(f"{found.counts}\ncounterexample:\n{found.failing.code}")
            return Exit.NOT_EXPECTED
        print(f"jaxgrad, given up: {found}", file=sys.stderr)
    error = f"{options.function} is UNDECIDED: {late}"
    print_error(options, error)
    return Exit.UNDECIDED
