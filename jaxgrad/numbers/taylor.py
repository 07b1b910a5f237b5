"""Taylor coefficients of elementary functions about a ball, and what they make of a series."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb, arb_series

from jaxgrad.numbers.ball import has_no_value
from jaxgrad.numbers.precision import series_length
from jaxgrad.numbers.series import Series, unknown
from jaxgrad.numbers.special_functions import digamma_coefficients, lgamma_coefficients, padded

__all__ = ["FUNCTIONS", "Expansion", "compose", "expand"]

Expansion = Callable[[arb, int], list[arb]]


def _entire(*derivatives: Callable[[arb], arb]) -> Expansion:
    """A function whose derivatives repeat: f⁽ᵏ⁾/k! with f⁽ᵏ⁾ the k-th of the cycle."""

    def expansion(c: arb, count: int) -> list[arb]:
        cycle = [derivative(c) for derivative in derivatives]
        return [cycle[k % len(cycle)] / arb(k).fac() for k in range(count)]

    return expansion


def _by_series(function: Callable[[arb_series], arb_series]) -> Expansion:
    def expansion(c: arb, count: int) -> list[arb]:
        with series_length(count):
            try:
                found = function(arb_series([c, 1], prec=count)).coeffs()
            except ZeroDivisionError:  # a pole
                return [arb.nan()] * count
        return padded(found, count)

    return expansion


def _by_derivative(
    value: Callable[[arb], arb], derivative: Callable[[arb_series], arb_series]
) -> Expansion:
    """The constant term, and the integral of the derivative."""
    slope = _by_series(derivative)

    def expansion(c: arb, count: int) -> list[arb]:
        rest = slope(c, max(count - 1, 1))
        return [value(c), *(a / (k + 1) for k, a in enumerate(rest))][:count]

    return expansion


def _erf_inv(c: arb, count: int) -> list[arb]:
    """y' = (√π/2) e^(y²): each pass of Picard's iteration settles one more coefficient."""
    with series_length(count):
        half = arb.pi().sqrt() / 2
        value = y = arb_series([c.erfinv()])
        for _ in range(count - 1):
            y = value + ((y * y).exp() * half).integral()
        found = y.coeffs()
    return padded(found, count)


def _minus(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    return lambda c: -function(c)


FUNCTIONS: dict[str, Expansion] = {
    "acos": _by_series(arb_series.acos),
    "acosh": _by_derivative(arb.acosh, lambda x: (x * x - 1).rsqrt()),
    "asin": _by_series(arb_series.asin),
    "asinh": _by_derivative(arb.asinh, lambda x: (x * x + 1).rsqrt()),
    "atan": _by_series(arb_series.atan),
    "atanh": _by_derivative(arb.atanh, lambda x: (1 - x * x).inv()),
    "cos": _entire(arb.cos, _minus(arb.sin), _minus(arb.cos), arb.sin),
    "cosh": _entire(arb.cosh, arb.sinh),
    "cosine_integral": _by_series(arb_series.ci),
    "digamma": digamma_coefficients,
    "erf": _by_series(arb_series.erf),
    "erf_inv": _erf_inv,
    "erfc": _by_series(arb_series.erfc),
    "erfi": _by_series(arb_series.erfi),
    "exp": _entire(arb.exp),
    "expi": _by_series(arb_series.ei),
    "lgamma": lgamma_coefficients,
    "log": _by_derivative(arb.log, lambda x: x.inv()),
    "sin": _entire(arb.sin, arb.cos, _minus(arb.sin), _minus(arb.cos)),
    "sine_integral": _by_series(arb_series.si),
    "sinh": _entire(arb.sinh, arb.cosh),
    "tan": _by_series(arb_series.tan),
}
"""name -> (c, n) -> the first n Taylor coefficients about c; NaN where there are none."""


def compose(name: str, x: Series) -> Series:
    """f(x) = Σ f⁽ᵏ⁾(c)/k! (x − c)ᵏ for the finite part c of x.

    Args:
        name: a key of :data:`FUNCTIONS`.
        x: a series that has a limit.

    Example:
        >>> compose("sin", Series([arb(0), arb(1)])).coefficients[0]
        1.00000000000000
    """
    return expand(name, FUNCTIONS[name], x)


def expand(name: str, expansion: Expansion, x: Series) -> Series:
    """Σ aₖ (x − c)ᵏ for the finite part c of x and the coefficients aₖ of an expansion about c."""
    if x.reason is not None:
        return x
    if not x.is_bounded:
        return unknown(f"{name} at a value without a known finite part", x.terms)
    c = x.at(0)
    h = x.infinitesimal()
    if not c.is_finite() and not c.is_exact():
        return unknown(f"{name} at a value that nothing bounds", x.terms)
    if h.is_zero or not c.is_finite():
        return _constant(name, expansion, c, x.terms)
    found = h.expanded(lambda count: expansion(c, count))
    return unknown(f"{name} is not analytic at {c.str(6)}", x.terms) if found is None else found


def _constant(name: str, expansion: Expansion, c: arb, terms: int) -> Series:
    value = arb.nan() if has_no_value(name, c) else expansion(c, 1)[0]
    if value.is_nan():
        return unknown(f"{name} at {c.str(6)}", terms)
    return Series([value], terms=terms)
