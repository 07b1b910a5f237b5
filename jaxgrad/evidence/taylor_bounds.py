"""Taylor coefficients of a smooth function at every point of a ball, and bounds made of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb, arb_series

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.asked import asked
from jaxgrad.evidence.bounds import interval_ball, rational
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.options import flag

__all__ = ["SEARCH_BITS", "Box", "Function", "ends", "series_function", "taylor", "upper_bound"]

# Precision of bounds by which boxes are left out; what is left is refined at any precision.
SEARCH_BITS = 128

Function = Callable[[arb_series], Any]
Box = tuple[Fraction, Fraction]


def taylor(f: Function, x: arb, terms: int, bits: int) -> list[arb]:
    """The first Taylor coefficients of f at every point of a ball.

    Args:
        f: series -> series.
        x: the ball.
        terms: how many coefficients.
        bits: working precision.

    Example:
        >>> [int(c.unique_fmpz()) for c in taylor(lambda x: x * x, arb(3), 3, 64)]
        [9, 6, 1]
    """
    with precision(bits, terms):
        try:
            series = f(arb_series([x, 1]) if terms > 1 else arb_series([x]))
        except ArgumentError:
            raise
        except (ValueError, ZeroDivisionError):  # FLINT: a divisor's ball contains 0
            return [arb.nan()] * terms
    if not isinstance(series, arb_series):
        raise ArgumentError(
            f"f returned {series!r:.60} ({type(series).__name__}), which is no Taylor series: "
            "return what the operations of flint.arb_series make of the argument"
        )
    found = series.coeffs()
    return [*found, *[arb(0)] * (terms - len(found))][:terms]


def upper_bound(
    f: Function, interval: tuple[Any, Any], *, absolute: bool = False, pieces: int = 64
) -> arb:
    """A bound of f (or |f|) from above on an interval, good to the first order in its pieces.

    max over the pieces of f(m) + f'(B)(B - m), for a piece's ball B and middle m. For the part of
    a tail where the function is not yet as simple as its limit.

    Args:
        f: series -> series, as for ``supremum``.
        interval: (a, b), rational ends.
        absolute: bound |f|.
        pieces: how many equal pieces.

    Raises:
        ArgumentError: the interval is empty, pieces < 1, or f returns no series.

    Example:
        >>> bool(upper_bound(lambda x: x * (1 - x), (0, 1)) < 0.26)
        True
    """
    low, high = ends(interval, "upper_bound")
    f = series_function(f, "upper_bound")
    absolute = flag("upper_bound: absolute", absolute)
    if not isinstance(pieces, int) or pieces < 1:
        raise ArgumentError(f"upper_bound: pieces must be at least 1, not {pieces}")
    width, highest = (high - low) / pieces, None
    for index in range(pieces):
        start = low + index * width
        ball = interval_ball(start, start + width)
        middle = interval_ball(start + width / 2, start + width / 2)
        at, slope = taylor(f, middle, 1, SEARCH_BITS)[0], taylor(f, ball, 2, SEARCH_BITS)[1]
        with precision(SEARCH_BITS):
            bound = at + slope * (ball - middle)
            bound = (abs(bound) if absolute else bound).upper()
        highest = bound if highest is None else highest.max(bound)
    assert highest is not None
    return highest


def series_function(f: Function, caller: str) -> Function:
    """f, which says what is wrong where it cannot compute with a series.

    Raises:
        ArgumentError: at once, if it is no function of one argument.

    Example:
        >>> series_function(lambda x: x * x, "supremum")(arb_series([1, 1], 2))
        1.00000000000000 + 2.00000000000000*x + O(x^2)
    """
    instead = "compute with its operators and methods, as in x.sin(), and no jax.numpy"
    return asked(f, 1, f"{caller}: f", "series (flint.arb_series)", instead)


def ends(interval: tuple[Any, Any], caller: str) -> Box:
    """The ends of an interval as rational numbers.

    Args:
        interval: (a, b).
        caller: what asks for it, for a message.

    Raises:
        ArgumentError: an end is no exact number, or the interval is empty.

    Example:
        >>> ends((0, "1/3"), "supremum")
        (Fraction(0, 1), Fraction(1, 3))
    """
    try:
        low, high = interval
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{caller}: {interval!r:.60} is no interval; give (lower, upper)"
        ) from error
    low, high = (rational(end, f"{caller}: an end of the interval") for end in (low, high))
    if low >= high:
        raise ArgumentError(f"{caller}: the interval [{low}, {high}] is empty; exchange its ends")
    return low, high
