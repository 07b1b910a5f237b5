"""Owen's T function, T(h, a) = 1/2π ∫₀ᵃ exp(−h²(1 + x²)/2)/(1 + x²) dx, and its series."""

from __future__ import annotations

from collections.abc import Sequence

from flint import acb, arb, arb_series

from jaxgrad.numbers.precision import series_length
from jaxgrad.numbers.special_functions import Coefficients, padded

__all__ = ["owens_t", "owens_t_in_first", "owens_t_in_second", "owens_t_of_polynomials"]


def owens_t(h: arb, a: arb) -> arb:
    """T(h, a), by FLINT's rigorous integration of what is left beside exp(−h²/2)."""
    if not (h.is_finite() and a.is_finite()):
        return arb.nan()
    square = h * h / 2

    def integrand(x: acb, _: bool) -> acb:
        return (-square * x * x).exp() / (1 + x * x)

    found = acb.integral(integrand, acb(0), acb(a)).real
    return (-square).exp() * found / (2 * arb.pi())


def owens_t_of_polynomials(h: Sequence[arb], a: Sequence[arb], count: int) -> Coefficients:
    """The coefficients of T along a curve, by ∂T/∂h = −φ(h) erf(ah/√2)/2 and ∂T/∂a."""
    with series_length(count):
        x, y = (arb_series(list(c), prec=count) for c in (h, a))
        square, around = x * x / 2, 1 + y * y
        by_first = (-square).exp() * (x * y / arb(2).sqrt()).erf() / (-2 * (2 * arb.pi()).sqrt())
        by_second = (-square * around).exp() / around / (2 * arb.pi())
        slope = by_first * x.derivative() + by_second * y.derivative()
        found = slope.integral() + owens_t(h[0], a[0])
    return padded(found.coeffs(), count)


def owens_t_in_first(h: arb, a: arb, count: int) -> Coefficients:
    return owens_t_of_polynomials([h, arb(1)], [a], count)


def owens_t_in_second(h: arb, a: arb, count: int) -> Coefficients:
    return owens_t_of_polynomials([h], [a, arb(1)], count)
