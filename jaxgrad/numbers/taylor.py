"""Taylor coefficients of elementary functions about a ball, and what they make of a series."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import flint
from flint import arb, arb_series

from jaxgrad.numbers.series import Series, unknown

__all__ = ["FUNCTIONS", "compose"]

Expansion = Callable[[arb, int], list[arb]]


@contextlib.contextmanager
def _series_length(count: int) -> Iterator[None]:
    saved = flint.ctx.cap
    flint.ctx.cap = count
    try:
        yield
    finally:
        flint.ctx.cap = saved


def _entire(*derivatives: Callable[[arb], arb]) -> Expansion:
    """A function whose derivatives repeat: f⁽ᵏ⁾/k! with f⁽ᵏ⁾ the k-th of the cycle."""

    def expansion(c: arb, count: int) -> list[arb]:
        cycle = [derivative(c) for derivative in derivatives]
        return [cycle[k % len(cycle)] / arb(k).fac() for k in range(count)]

    return expansion


def _by_series(function: Callable[[arb_series], arb_series]) -> Expansion:
    def expansion(c: arb, count: int) -> list[arb]:
        with _series_length(count):
            found = function(arb_series([c, 1], prec=count)).coeffs()
        return [*found, *[arb(0)] * (count - len(found))][:count]

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


def _digamma(c: arb, count: int) -> list[arb]:
    log_gamma = FUNCTIONS["lgamma"](c, count + 1)
    return [c.digamma(), *((k + 1) * log_gamma[k + 1] for k in range(1, count))]


def _log_gamma(c: arb, count: int) -> list[arb]:
    if not c > 0:
        return [arb.nan()] * count
    return _by_series(arb_series.lgamma)(c, count)


def _erf_inv(c: arb, count: int) -> list[arb]:
    """y' = (√π/2) e^(y²): each pass of Picard's iteration settles one more coefficient."""
    with _series_length(count):
        half = arb.pi().sqrt() / 2
        y = arb_series([c.erfinv()], prec=count)
        for _ in range(count):
            y = arb_series([c.erfinv()], prec=count) + ((y * y).exp() * half).integral()
        found = y.coeffs()
    return [*found, *[arb(0)] * (count - len(found))][:count]


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
    "digamma": _digamma,
    "erf": _by_series(arb_series.erf),
    "erf_inv": _erf_inv,
    "erfc": _by_series(arb_series.erfc),
    "exp": _entire(arb.exp),
    "lgamma": _log_gamma,
    "log": _by_derivative(arb.log, lambda x: x.inv()),
    "sin": _entire(arb.sin, arb.cos, _minus(arb.sin), _minus(arb.cos)),
    "sinh": _entire(arb.sinh, arb.cosh),
    "tan": _by_series(arb_series.tan),
}
"""name -> (c, n) -> the first n Taylor coefficients about c; NaN where there are none."""


def compose(name: str, x: Series) -> Series:
    """f(x) = Σ f⁽ᵏ⁾(c)/k! (x − c)ᵏ for the finite part c of x.

    Args:
        name: a key of :data:`FUNCTIONS`.
        x: a series without negative exponents.

    Example:
        >>> compose("sin", Series([arb(1)], start=1)).coefficients[0]
        1.00000000000000
    """
    if x.reason is not None:
        return x
    if x.start < 0 or (x.end is not None and x.end <= 0):
        return unknown(f"{name} at a value without a known finite part", x.terms)
    c = x.at(0)
    h = x.infinitesimal()
    if not c.is_finite() and not c.is_exact():
        return unknown(f"{name} at a value that nothing bounds", x.terms)
    if h.is_zero or not c.is_finite():
        return _constant(name, c, x.terms)
    step, stop = h.start, x.terms * x.ramification
    count = -(-stop // step) + 1  # h to this power is beyond the terms that are kept
    coefficients = FUNCTIONS[name](c, count)
    if not all(a.is_finite() for a in coefficients):
        return unknown(f"{name} is not analytic at {c.str(6)}", x.terms)
    result = Series([coefficients[-1]], 0, x.ramification, True, x.terms)
    for a in reversed(coefficients[:-1]):
        result = result * h + Series([a], 0, x.ramification, True, x.terms)
    return result.cut(step * count)


def _constant(name: str, c: arb, terms: int) -> Series:
    value = FUNCTIONS[name](c, 1)[0]
    if value.is_nan():
        return unknown(f"{name} at {c.str(6)}", terms)
    return Series([value], terms=terms)
