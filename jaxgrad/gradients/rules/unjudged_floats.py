"""Floats that ``dtypes=`` asks for and that were not judged: nothing is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.numbers.listed import listed
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["ELSEWHERE", "FLOATS", "with_floats"]

FLOATS = "floats in "
"""What is judged in a dtype, whose name follows."""
ELSEWHERE = " at other points"
"""Behind it, where it is judged at the given point."""


def with_floats(found: GradientCheck, dtypes: Sequence[Any] | None) -> GradientCheck:
    """The check, which is UNDECIDED where it passes and floats that were asked for are not judged.

    Args:
        found: the check.
        dtypes: in which the compiled derivatives were asked for; None for no question.

    Example:
        >>> import numpy as np
        >>> right = GradientCheck(Verdict.AGREES, (), Evidence(Verdict.AGREES, "enclosure", "here"))
        >>> with_floats(right, [np.dtype("float16")]).evidence.text.partition(" (")[0]
        'not judged, though dtypes= asks for it: floats in float16'
        >>> with_floats(right, None) is right
        True
    """
    open_ones = list(_not_judged(found, dtypes or ())) if found else []
    if not open_ones:
        return found
    evidence = _undecided(
        f"not judged, though dtypes= asks for it: {'; '.join(open_ones)}; all else passes: "
        f"{found.evidence.text}"
    )
    return replace(found, verdict=Verdict.UNDECIDED, evidence=evidence)


def _undecided(text: str) -> Evidence:
    return Evidence(Verdict.UNDECIDED, "reason", text)


def _not_judged(found: GradientCheck, dtypes: Sequence[Any]) -> Iterator[str]:
    """What was asked for and has no answer, each with the reason."""
    missed = [x for x in found._missed if x.startswith(FLOATS) and not x.endswith(ELSEWHERE)]
    yield from (f"{what} (not reached)" for what in missed)
    for dtype in dtypes:
        what = f"{FLOATS}{dtype.name}"
        own = [x for x in found.floats if x.dtype == dtype.name]
        judged = {(x.mode, x.path) for x in own if x.status != "UNKNOWN"}
        unknown = (x for x in own if (x.mode, x.path) not in judged)
        for reason, modes in _by_reason(unknown).items():
            yield f"{what}, {listed(modes)} ({reason})"
        if not own and what not in missed:
            yield f"{what} (no derivative there has floats to judge)"


def _by_reason(unknown: Iterable[FloatResult]) -> dict[str, dict[str, None]]:
    """Reason -> the modes that have it, in their order."""
    found: dict[str, dict[str, None]] = {}
    for x in unknown:
        found.setdefault(x.reason, {})[x.mode] = None
    return found
