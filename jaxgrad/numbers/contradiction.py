"""Whether the fields of a function's entry contradict its balls, at a few points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flint import arb

from jaxgrad.numbers.function import Function

__all__ = ["contradiction"]

# The first argument, and how far each other is beyond the one before it: of both signs, and no
# multiples of 1/2, where functions have their poles and ends.
PLACES, APART = (0.1875, -0.625, 1.875), 0.25
# How far to go from such a point, and by how many coefficients: what comes after them is enclosed.
STEP, COUNT = arb(2) ** -10, 4


def contradiction(known: Function) -> str | None:
    """The field that is certainly wrong, unless it is the balls that are; None if none is.

    Example:
        >>> from jaxgrad.numbers.functions import FUNCTIONS
        >>> contradiction(FUNCTIONS["erf"])
    """
    for place in PLACES:
        point = [arb(place + APART * k) for k in range(known.arity)]
        ball = known.ball
        if ball is None or (known.domain is not None and not known.domain.holds(*point)):
            continue
        if known.parity is not None:
            sign = -1 if known.parity == "odd" else 1
            if _apart(sign * ball(*point), ball(-point[0])):
                return "parity"
        for i, expansion in known.taylor.items():
            if _apart(_by_coefficients(expansion, point, i), ball(*_changed(point, i, STEP))):
                return f"taylor, of argument {i}"
    return None


def _by_coefficients(expansion: Callable[..., list[arb]], point: Sequence[arb], place: int) -> arb:
    """The value a step away: Σ aₖ hᵏ, and the rest in Lagrange's form."""
    between = _changed(point, place, arb(0).union(STEP))
    coefficients = [*expansion(*point, COUNT), expansion(*between, COUNT + 1)[COUNT]]
    return sum((a * STEP**k for k, a in enumerate(coefficients)), arb(0))


def _changed(point: Sequence[arb], place: int, step: arb) -> list[arb]:
    return [x + step if k == place else x for k, x in enumerate(point)]


def _apart(x: arb, y: arb) -> bool:
    return x.is_finite() and y.is_finite() and not x.overlaps(y)
