"""Taylor coefficients about a ball: what FLINT's power series and known derivatives give."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb, arb_series

from jaxgrad.numbers.precision import series_length

__all__ = ["Coefficients", "Expansion", "by_derivative", "by_series", "cycle", "minus", "padded",
           "unknown_coefficients"]  # fmt: skip

Coefficients = list[arb]
Expansion = Callable[[arb, int], Coefficients]
"""(c, n) -> the first n Taylor coefficients about c; NaN where there are none."""


def padded(coefficients: Coefficients, count: int) -> Coefficients:
    """The first coefficients of a series, of which FLINT drops trailing zeros."""
    return [*coefficients, *[arb(0)] * count][:count]


def unknown_coefficients(count: int) -> Coefficients:
    """Those of a function of which nothing is known there."""
    return [arb.nan()] * count


def cycle(*derivatives: Callable[[arb], arb]) -> Expansion:
    """A function whose derivatives repeat: f⁽ᵏ⁾/k! with f⁽ᵏ⁾ the k-th of the cycle."""

    def expansion(c: arb, count: int) -> Coefficients:
        values = [derivative(c) for derivative in derivatives]
        return [values[k % len(values)] / arb(k).fac() for k in range(count)]

    return expansion


def minus(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """x -> −f(x)."""
    return lambda c: -function(c)


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
