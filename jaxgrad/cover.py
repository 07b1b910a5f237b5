"""Prove that a function is positive on a box by covering it with boxes on which a ball shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from .errors import ArgumentError
from .outward import interval_ball, working
from .verdict import Evidence, Verdict

__all__ = ["covers"]

_BITS = 128
# Balls over boxes are wide because of the boxes, not because of rounding; more bits would not help.

_MOST_BOXES = 200_000
# Some seconds of Arb evaluations. Where the function touches zero no number of boxes suffices.


def covers(
    margin: Callable[..., arb],
    box: Sequence[tuple[Any, Any]],
    *,
    outside_margins: Mapping[str, Callable[[], arb]] | None = None,
    name: str = "margin",
    most_boxes: int = _MOST_BOXES,
) -> Evidence:
    """Prove that a function is positive everywhere on a box, and outside it by separate bounds.

    margin(x_1, ..., x_n) > 0 for all x in the box: the box is halved along its widest side until
    every part has a ball that lies right of zero, or a point has one that does not reach above it.

    Args:
        margin: n balls -> ball that contains the function's values on the box of those balls.
        box: one (lower, upper) with rational ends for each variable.
        outside_margins: description of a set outside the box -> () -> ball that bounds the
            function on it from below; each must be positive.
        name: what is shown to be positive, for the text.
        most_boxes: give up after this many.

    Returns:
        Evidence of kind "cover": PROVED, REFUTED with a point, or UNDECIDED.

    Raises:
        ArgumentError: the box is empty or has no sides.

    Example:
        >>> covers(lambda x: 1 - x * (1 - x) * 3, [(0, 1)]).verdict
        <Verdict.PROVED: 'PROVED'>

    Source: claims D3, F4, F5.
    """
    start = [(Fraction(low), Fraction(high)) for low, high in box]
    if not start or any(low > high for low, high in start):
        raise ArgumentError(
            f"covers: the box {box!r} is empty; give (lower, upper) for each variable"
        )
    pending, count = [start], 0
    with working(_BITS):
        for where, bound in (outside_margins or {}).items():
            if not arb(bound()) > 0:
                return _undecided(f"the bound {arb(bound())} for {where} is not above zero")
        while pending:
            part = pending.pop()
            count += 1
            if count > most_boxes:
                return _undecided(
                    f"{most_boxes} boxes did not suffice; open near {_named(_middle(part))}, where "
                    f"{name} may touch zero"
                )
            ball = margin(*(interval_ball(low, high) for low, high in part))
            if ball > 0:
                continue
            point = _middle(part)
            if margin(*(interval_ball(x, x) for x in point)) <= 0:
                return _refuted(name, point)
            pending += _halves(part)
    tails = "".join(f"; {where} by a separate bound" for where in outside_margins or {})
    return Evidence(
        Verdict.PROVED,
        "cover",
        f"{name} is positive on {count} boxes that cover {_sides(start)}{tails}.",
        trusts=("Arb", *(f"the bound given for {where}" for where in outside_margins or {})),
    )


def _halves(part: list[tuple[Fraction, Fraction]]) -> list[list[tuple[Fraction, Fraction]]]:
    widths = [high - low for low, high in part]
    widest = widths.index(max(widths))
    low, high = part[widest]
    middle = (low + high) / 2
    return [[*part[:widest], side, *part[widest + 1 :]] for side in ((low, middle), (middle, high))]


def _middle(part: list[tuple[Fraction, Fraction]]) -> list[Fraction]:
    return [(low + high) / 2 for low, high in part]


def _refuted(name: str, point: list[Fraction]) -> Evidence:
    values = ", ".join(f"Fraction({x.numerator}, {x.denominator})" for x in point)
    return Evidence(
        Verdict.REFUTED,
        "cover",
        f"{name} is not positive at {_named(point)}.",
        counterexample=f"from fractions import Fraction\nx = ({values},)",
        trusts=("Arb",),
    )


def _undecided(reason: str) -> Evidence:
    return Evidence(Verdict.UNDECIDED, "reason", f"Undecided: {reason}.")


def _named(point: list[Fraction]) -> str:
    return "(" + ", ".join(f"{float(x):.12g}" for x in point) + ")"


def _sides(box: list[tuple[Fraction, Fraction]]) -> str:
    return " x ".join(f"[{low}, {high}]" for low, high in box)
