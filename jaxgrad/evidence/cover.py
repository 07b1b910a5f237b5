"""Prove that a function is positive on a box by covering it with boxes on which a ball shows it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.asked import asked
from jaxgrad.evidence.bounds import ball_of, computed, interval_ball, rational
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.options import seconds
from jaxgrad.verdict import Evidence, Verdict, undecided

__all__ = ["covers"]

# Balls over boxes are wide because of the boxes, not because of rounding; more bits would not help.
# A side that was halved as often is as narrow as the rounding of its own ends: halving it once more
# shows nothing new, and its ends are rationals of hundreds of digits.
_BITS = 128

# Some hundred bytes each, so that those that wait fit into memory many times.
_MOST_BOXES = 200_000

# A box takes about 0.1 ms where the function is a few operations, so these are some 50 000 boxes.
# Where the function touches zero no number of boxes suffices.
_TIMEOUT_SECONDS = 5.0

_INSTEAD = "compute with their operators and methods, as in x.sin(), and no jax.numpy"

Box = list[tuple[Fraction, Fraction]]
Margin = Callable[..., Any]


def covers(
    margin: Margin,
    box: Sequence[tuple[Any, Any]],
    *,
    outside_margins: Mapping[str, Callable[[], arb]] | None = None,
    name: str = "margin",
    most_boxes: int = _MOST_BOXES,
    timeout: float = _TIMEOUT_SECONDS,
) -> Evidence:
    """Prove that a function is positive everywhere on a box, and outside it by separate bounds.

    margin(x_1, ..., x_n) > 0 for all x in the box: the box is halved along its widest side, the
    widest boxes first, until every part has a ball that lies right of zero, or a point has one that
    does not reach above it.

    Args:
        margin: n balls -> ball that contains the function's values on the box of those balls.
        box: one (lower, upper) for each variable: integers, Fractions or decimal strings.
        outside_margins: description of a set outside the box -> () -> ball that bounds the
            function on it from below; each must be positive.
        name: what is shown to be positive, for the text.
        most_boxes: give up after this many.
        timeout: give up after this many seconds.

    Returns:
        Evidence of kind "cover": PROVED, REFUTED with a point, or UNDECIDED, which names the budget
        that ended: boxes, seconds, or the halvings that the working precision tells apart.

    Raises:
        ArgumentError: the box is empty, has no sides or floats for ends; the function returns no
            ball, or the same one whatever its variables are.

    Example:
        >>> covers(lambda x: 1 - x * (1 - x) * 3, [(0, 1)]).verdict
        <Verdict.PROVED: 'PROVED'>

    Source: claims D3, F4, F5.
    """
    start = _box(box)
    timeout, outside_margins = _limits(most_boxes, timeout), _bounds_outside(outside_margins)
    margin = asked(margin, len(start), f"covers: {name}", "balls (flint.arb)", _INSTEAD)
    with precision(_BITS):
        for where, bound in outside_margins.items():
            ball = computed(bound, f"the bound for {where}")
            if not ball > 0:
                return undecided(f"the bound {ball} for {where} is not above zero")
        _require_dependence(margin, start, name)
        found = _cover(margin, start, name, _Budget(most_boxes, timeout))
    if isinstance(found, Evidence):
        return found
    tails = "".join(f"; {where} by a separate bound" for where in outside_margins)
    return Evidence(
        Verdict.PROVED,
        "cover",
        f"{name} is positive on {found} boxes that cover {_sides(start)}{tails}.",
        trusts=("Arb", *(f"the bound given for {where}" for where in outside_margins)),
    )


def _limits(most_boxes: Any, timeout: Any) -> float:
    """The seconds that it may take, if both limits are limits."""
    whole = isinstance(most_boxes, int) and not isinstance(most_boxes, bool)
    if not whole or most_boxes < 0:
        raise ArgumentError(f"covers: most_boxes is {most_boxes!r:.60}; it is an integer from 0 on")
    return seconds("covers: timeout", timeout, none_is_left=True)


def _bounds_outside(given: Any) -> dict[str, Callable[[], arb]]:
    if not isinstance(given, Mapping | None):
        raise ArgumentError(
            f"covers: outside_margins is {given!r:.60}; give a dict of what lies outside the box "
            "and functions that bound the margin there from below"
        )
    return dict(given or {})


@dataclass(frozen=True)
class _Budget:
    boxes: int
    seconds: float


def _cover(margin: Margin, start: Box, name: str, budget: _Budget) -> Evidence | int:
    """How many boxes it took, or the evidence that ended it."""
    pending, count, too_narrow = deque([(start, 0)]), 0, None
    ends = time.monotonic() + budget.seconds
    while pending:
        part, halvings = pending.popleft()
        point = _middle(part)
        if count >= budget.boxes or time.monotonic() > ends:
            spent = (
                f"{budget.boxes} boxes (`most_boxes`)"
                if count >= budget.boxes
                else f"{budget.seconds:g} s (`timeout`)"
            )
            return _open(f"the budget of {spent}", name, point)
        count += 1
        if _at(margin, part, name) > 0:
            continue
        value = _at(margin, [(x, x) for x in point], name)
        if value <= 0:
            return _refuted(name, point)
        if not value.is_finite():
            return undecided(
                f"the ball of {name} at {_named(point)} is not finite, so no box around that point "
                "is decided"
            )
        if halvings >= _BITS * len(part):
            too_narrow = too_narrow or point
        else:
            pending += [(half, halvings + 1) for half in _halves(part)]
    if too_narrow is not None:
        return _open(f"the budget of {_BITS} halvings of each side", name, too_narrow)
    return count


def _box(box: Sequence[tuple[Any, Any]]) -> Box:
    try:
        pairs = [(low, high) for low, high in box]
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"covers: {box!r:.60} is no box; give one (lower, upper) for each variable, in a list "
            "also where there is one: [(0, 1)]"
        ) from error
    start = [
        (rational(low, "covers: an end of the box"), rational(high, "covers: an end of the box"))
        for low, high in pairs
    ]
    if not start or any(low > high for low, high in start):
        raise ArgumentError(
            f"covers: the box {box!r} is empty; give (lower, upper) for each variable"
        )
    return start


def _at(margin: Margin, part: Box, name: str) -> arb:
    return ball_of(margin(*(interval_ball(low, high) for low, high in part)), name)


def _require_dependence(margin: Margin, start: Box, name: str) -> None:
    """A function that is the same ball on the box, on its halves and at its middle is a slip."""
    if all(low == high for low, high in start):
        return
    parts = [start, *_halves(start), [(x, x) for x in _middle(start)]]
    balls = [_at(margin, part, name) for part in parts]
    if all(ball.is_finite() and _same(ball, balls[0]) for ball in balls):
        raise ArgumentError(
            f"covers: {name} is {balls[0]} whatever its variables are, so there is nothing to "
            "cover; use them, or enclose() the constant"
        )


def _same(ball: arb, other: arb) -> bool:
    return bool(ball.mid() == other.mid() and ball.rad() == other.rad())


def _halves(part: Box) -> list[Box]:
    widths = [high - low for low, high in part]
    widest = widths.index(max(widths))
    low, high = part[widest]
    middle = (low + high) / 2
    return [[*part[:widest], side, *part[widest + 1 :]] for side in ((low, middle), (middle, high))]


def _middle(part: Box) -> list[Fraction]:
    return [(low + high) / 2 for low, high in part]


def _refuted(name: str, point: list[Fraction]) -> Evidence:
    values = ", ".join(f"Fraction({x.numerator}, {x.denominator})" for x in point)
    return Evidence(
        Verdict.REFUTED,
        "cover",
        f"{name} is not positive at {_named(point)}.",
        counterexample=(
            "# with `margin` in scope\n"
            "from fractions import Fraction\n"
            "from flint import arb\n"
            f"x = ({values},)\n"
            "print(margin(*(arb(v.numerator) / v.denominator for v in x)), 'should be positive')"
        ),
        trusts=("Arb",),
    )


def _open(budget: str, name: str, point: list[Fraction]) -> Evidence:
    return undecided(
        f"{budget} did not suffice; open near {_named(point)}, where {name} may touch zero"
    )


def _named(point: list[Fraction]) -> str:
    return "(" + ", ".join(f"{float(x):.12g}" for x in point) + ")"


def _sides(box: Box) -> str:
    return " x ".join(f"[{low}, {high}]" for low, high in box)
