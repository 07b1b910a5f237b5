"""Exact bounds of Arb balls, as rationals and as decimal strings rounded outward."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpz

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.asked import asked
from jaxgrad.numbers.ball import exact_ball

__all__ = [
    "Bounds",
    "Bracket",
    "ball_of",
    "bounds_of",
    "bracket_of",
    "computed",
    "decimal",
    "interval_ball",
    "rational",
]

# Decimal digits printed beyond those asked for: each bound is rounded by at most one unit of the
# last printed digit, so two more keep the printed bracket within 1/10 unit of the last asked for.
_GUARD_DIGITS = 2

Bracket = tuple[Any, Any]
"""A claimed (lower, upper), decimal strings or rationals: ``("0.19947", "0.19948")``."""


@dataclass(frozen=True)
class Bounds:
    """A closed interval with rational ends that holds a real number.

    Args:
        lower: at most the number.
        upper: at least the number.

    Example:
        >>> Bounds(Fraction(1, 3), Fraction(1, 2)).decimals(3)
        ('0.33333', '0.50000')
    """

    lower: Fraction
    upper: Fraction

    def resolves(self, digits: int) -> bool:
        """Whether the width is at most 10^-digits of the number itself."""
        least = 0 if self.lower <= 0 <= self.upper else min(abs(self.lower), abs(self.upper))
        return (self.upper - self.lower) * 10**digits <= least

    def decimals(self, digits: int) -> tuple[str, str]:
        """Both ends as decimals rounded outward, with two more than ``digits`` digits."""
        return (
            decimal(self.lower, digits + _GUARD_DIGITS, up=False),
            decimal(self.upper, digits + _GUARD_DIGITS, up=True),
        )

    def within(self, other: Bounds) -> bool:
        """Whether it lies inside another interval."""
        return other.lower <= self.lower and self.upper <= other.upper

    def disjoint(self, other: Bounds) -> bool:
        """Whether it has no point in common with another interval."""
        return self.upper < other.lower or other.upper < self.lower


def bounds_of(ball: arb) -> Bounds:
    """The exact ends of a finite ball.

    Args:
        ball: midpoint and radius.

    Raises:
        ArgumentError: it is no ball, or one that is not finite.

    Example:
        >>> bounds_of(arb(1) / 4).lower
        Fraction(1, 4)
    """
    if not isinstance(ball, arb):
        raise ArgumentError(
            f"bounds_of: {ball!r:.60} ({type(ball).__name__}) is no ball; give what is computed "
            "with flint.arb, such as arb(1) / 3"
        )
    if not ball.is_finite():
        raise ArgumentError(f"{ball} is no finite enclosure: raise the precision or split the box")
    middle, radius = _dyadic(ball.mid()), _dyadic(ball.rad())
    return Bounds(middle - radius, middle + radius)


def bracket_of(claimed: Bracket) -> Bounds:
    """A bracket (lower, upper) of decimal strings or rationals.

    Raises:
        ArgumentError: it is not two numbers in order, or one is a binary float.

    Example:
        >>> bracket_of(("0.1", "0.2")).lower
        Fraction(1, 10)
    """
    try:
        lower, upper = claimed
        found = Bounds(rational(lower, "an end"), rational(upper, "an end"))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{claimed!r} is no bracket ({error}): give (lower, upper) as decimal strings"
        ) from error
    if found.lower > found.upper:
        raise ArgumentError(f"the bracket {claimed!r} is empty: exchange its ends")
    return found


def rational(value: Any, name: str) -> Fraction:
    """A number that was given exactly: an integer, a rational, or a decimal string.

    Args:
        value: what was given.
        name: what it is, for the message.

    Raises:
        ArgumentError: it is rounded already (a float), or no number.

    Example:
        >>> rational("0.1", "the bound")
        Fraction(1, 10)
    """
    if isinstance(value, fmpq):
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, (Rational, fmpz)) and not isinstance(value, bool):
        return Fraction(int(value)) if isinstance(value, fmpz) else Fraction(value)
    if isinstance(value, str):
        try:
            return Fraction(value)
        except ValueError:
            pass
    raise ArgumentError(
        f"{name} is {_told(value)}; give an int, a Fraction or a decimal string such as '0.1'"
    )


def ball_of(value: Any, name: str) -> arb:
    """The ball that a callable returned, or that of the exact number it returned.

    Args:
        value: what was returned.
        name: what returned it, for the message.

    Raises:
        ArgumentError: a float, which is rounded already; None, a bool, or no number at all.

    Example:
        >>> ball_of(Fraction(1, 4), "the bound")
        0.250000000000000
    """
    if isinstance(value, arb):
        return value
    if isinstance(value, (Rational, fmpz, fmpq)) and not isinstance(value, bool):
        exact = rational(value, name)
        return exact_ball(exact.numerator if exact.denominator == 1 else exact)
    if inspect.iscoroutine(value):
        value.close()  # else Python warns that it was never awaited
    raise ArgumentError(
        f"{name} returned {_told(value)}; return a ball that is computed with flint.arb, an int or "
        "a Fraction"
    )


def computed(function: Callable[[], Any], name: str) -> arb:
    """The ball that a function of no arguments returns.

    Args:
        function: () -> ball.
        name: what it computes, for the message.

    Raises:
        ArgumentError: it is not callable, or returns no exact number.

    Example:
        >>> computed(lambda: arb(1) / 4, "the bound")
        0.250000000000000
    """
    if not callable(function):
        raise ArgumentError(
            f"{name} is {_told(function)}; give a function of no arguments that computes it, since "
            "it is computed anew at each precision: `lambda: ...`"
        )
    return ball_of(asked(function, 0, name, "", "")(), name)


def _told(value: object) -> str:
    """What a value is, and the slip of the pen that it most likely comes from."""
    if value is None:
        return "None (a forgotten `return`?)"
    text = f"{value!r:.60} ({type(value).__name__})"
    if isinstance(value, (bool, np.bool_)):
        return f"{text}, a truth value and no number"
    if isinstance(value, (float, np.floating)):
        return f"{text}, which is rounded already"
    return f"{text}, which is no exact number"


def decimal(value: Fraction, digits: int, *, up: bool) -> str:
    """A rational as a decimal string with this many significant digits, rounded down or up.

    Args:
        value: any rational.
        digits: at least 1.
        up: round towards +infinity, else towards -infinity.

    Example:
        >>> decimal(Fraction(2, 3), 4, up=False), decimal(Fraction(-2, 3), 4, up=False)
        ('0.6666', '-0.6667')
    """
    if value == 0:
        return "0"
    exponent = _decimal_exponent(value)
    scale = digits - 1 - exponent
    scaled = value * 10**scale if scale >= 0 else value / 10**-scale
    whole = (
        -((-scaled.numerator) // scaled.denominator)
        if up
        else scaled.numerator // scaled.denominator
    )
    sign, figures = ("-" if whole < 0 else ""), str(abs(whole))
    if -digits < exponent < digits:
        return sign + _plain(figures, scale)
    return f"{sign}{figures[0]}.{figures[1:] or '0'}e{len(figures) - 1 - scale:+03d}"


def interval_ball(lower: Fraction, upper: Fraction) -> arb:
    """A ball that contains a closed interval with rational ends.

    Args:
        lower: the least number of the interval, an int or a Fraction.
        upper: the greatest one, at least ``lower``.

    Raises:
        ArgumentError: an end is no exact number, or they are not in order.

    Example:
        >>> bool(interval_ball(Fraction(1, 3), Fraction(1, 2)).contains(arb(0.4)))
        True
    """
    lower, upper = rational(lower, "interval_ball: lower"), rational(upper, "interval_ball: upper")
    if lower > upper:
        raise ArgumentError(
            f"interval_ball: lower is {lower} and upper is {upper}, which is less: exchange them"
        )
    return exact_ball(lower).union(exact_ball(upper))


def _dyadic(value: arb) -> Fraction:
    """An exact ball as the rational it is."""
    mantissa, exponent = (int(part) for part in value.man_exp())
    return Fraction(mantissa * 2**exponent) if exponent >= 0 else Fraction(mantissa, 2**-exponent)


def _decimal_exponent(value: Fraction) -> int:
    """The e with 10^e <= |value| < 10^(e+1)."""
    value = abs(value)
    guess = len(str(value.numerator)) - len(str(value.denominator))
    power = Fraction(10) ** guess
    return guess if value >= power else guess - 1


def _plain(figures: str, scale: int) -> str:
    if scale <= 0:
        return figures + "0" * -scale
    figures = figures.rjust(scale + 1, "0")
    return f"{figures[:-scale]}.{figures[-scale:]}"
