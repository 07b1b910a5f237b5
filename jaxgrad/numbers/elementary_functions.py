"""Elementary functions: values in balls where Arb has none that are tight, and expansions."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb, arb_series

from jaxgrad.numbers.precision import series_length
from jaxgrad.numbers.special_functions import Coefficients, padded, unknown_coefficients

__all__ = [
    "Expansion", "angle", "by_derivative", "by_series", "cosine", "cube_root", "cycle",
    "erf_inv_coefficients", "logistic", "power", "raised_to", "remainder", "round_half_away",
    "round_half_even", "sine",
]  # fmt: skip

Expansion = Callable[[arb, int], Coefficients]
"""(c, n) -> the first n Taylor coefficients about c; NaN where there are none."""
_UNIT_BALL = arb(0, 1)


def raised_to(x: arb, n: int | arb) -> arb:
    """xⁿ for an integer n.

    Arb knows nothing of a power of a ball whose midpoint is 0: that of its radius bounds it.
    """
    if n > 0 and x.mid().is_zero():
        return _UNIT_BALL * x.rad() ** n
    return x**n


def sine(x: arb) -> arb:
    """Of an infinity Arb has [−1, 1], and no number is its sine."""
    return arb.nan() if x.is_exact() and not x.is_finite() else x.sin()


def cosine(x: arb) -> arb:
    return arb.nan() if x.is_exact() and not x.is_finite() else x.cos()


def power(x: arb, y: arb) -> arb:
    """x^y of a real exponent: e^(y log x) for x > 0, and 0^y = 0 for y > 0."""
    if x.is_zero() and y > 0:
        return arb(0)
    return raised_to(x, y) if y.is_integer() else x**y


def cube_root(x: arb) -> arb:
    """The real cube root, which has the sign of x."""
    if x > 0:
        return x.root(3)
    if x < 0:
        return -((-x).root(3))
    if x.is_zero():
        return x
    # Around 0: the cube root is increasing, so it lies between those of the two ends.
    bound = x.abs_upper().root(3)
    return bound.union(-bound)


def logistic(x: arb) -> arb:
    """1/(1 + e⁻ˣ)."""
    # e^x/(1+e^x) on the left keeps the exponential small, and the quotient relative.
    if x < 0:
        e = x.exp()
        return e / (1 + e)
    return 1 / (1 + (-x).exp())


def angle(y: arb, x: arb) -> arb:
    """atan2(y, x); Arb has [−π, π] for it where both are NaN, and no number is an angle there."""
    return y + x if y.is_nan() or x.is_nan() else arb.atan2(y, x)


def remainder(x: arb, y: arb) -> arb:
    """x − y·trunc(x/y), of the sign of x."""
    quotient = x / y
    if quotient < 0:
        return x - y * quotient.ceil()
    if quotient >= 0:
        return x - y * quotient.floor()
    return x - y * quotient.floor().union(quotient.ceil())


def round_half_away(x: arb) -> arb:
    """The nearest integer, of two the one farther from 0."""
    half = arb(0.5)
    if x < 0:
        return -(half - x).floor()
    return (x + half).floor() if x >= 0 else _round_ends(x, round_half_away)


def round_half_even(x: arb) -> arb:
    """The nearest integer, of two the even one."""
    if x.is_integer():
        return x
    if x.is_exact():
        below = x.floor()
        middle = below + arb(0.5)
        if not middle.is_exact():  # nor is x a number that this precision tells from it
            return below.union(below + 1)
        odd = not (below / 2).is_integer()
        up = x > middle or (x == middle and odd)
        return below + 1 if up else below
    return _round_ends(x, round_half_even)


def _round_ends(x: arb, rounded: Callable[[arb], arb]) -> arb:
    """Rounding is monotone, so the ends enclose; of a NaN or the whole line there are none."""
    if not x.is_finite():
        return x
    return rounded(x.lower()).union(rounded(x.upper()))


# -- expansions -----------------------------------------------------------------------------------
def cycle(*derivatives: Callable[[arb], arb]) -> Expansion:
    """A function whose derivatives repeat: f⁽ᵏ⁾/k! with f⁽ᵏ⁾ the k-th of the cycle."""

    def expansion(c: arb, count: int) -> Coefficients:
        values = [derivative(c) for derivative in derivatives]
        return [values[k % len(values)] / arb(k).fac() for k in range(count)]

    return expansion


def by_series(function: Callable[[arb_series], arb_series]) -> Expansion:
    """A function that FLINT knows of power series."""

    def expansion(c: arb, count: int) -> Coefficients:
        with series_length(count):
            try:
                found = function(arb_series([c, 1], prec=count)).coeffs()
            except ZeroDivisionError:  # a pole
                return unknown_coefficients(count)
        return padded(found, count)

    return expansion


def by_derivative(
    value: Callable[[arb], arb], derivative: Callable[[arb_series], arb_series]
) -> Expansion:
    """The constant term, and the integral of the derivative."""
    slope = by_series(derivative)

    def expansion(c: arb, count: int) -> Coefficients:
        rest = slope(c, max(count - 1, 1))
        return [value(c), *(a / (k + 1) for k, a in enumerate(rest))][:count]

    return expansion


def erf_inv_coefficients(c: arb, count: int) -> Coefficients:
    """y' = (√π/2) e^(y²): each pass of Picard's iteration settles one more coefficient."""
    with series_length(count):
        half = arb.pi().sqrt() / 2
        value = y = arb_series([c.erfinv()])
        for _ in range(count - 1):
            y = value + ((y * y).exp() * half).integral()
        found = y.coeffs()
    return padded(found, count)
