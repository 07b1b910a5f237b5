"""Functions of mathematical physics that JAX has as primitives: values in balls, and expansions.

Each is the function of the reals that JAX documents; outside its domain, and where nothing here
encloses it, the value is NaN, of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import acb_series, arb, arb_series

from jaxgrad.numbers.precision import series_length
from jaxgrad.numbers.unique_integer import unique_integer

__all__ = [
    "bessel_branch", "bessel_i0e", "bessel_i1e", "betainc", "betainc_in_last",
    "digamma_coefficients", "expn", "expn_in_second", "hyp1f1", "hyp1f1_in_last", "hyp2f1",
    "hyp2f1_in_last", "igamma", "igamma_coefficients", "igamma_grad_a", "igamma_grad_a_in_order",
    "igamma_in_order", "igammac", "lgamma", "lgamma_coefficients", "padded", "polygamma",
    "polygamma_coefficients", "reciprocal_gamma_coefficients", "unknown_coefficients",
    "zeta", "zeta_in_first", "zeta_in_second",
]  # fmt: skip

Coefficients = list[arb]

# The order of a derivative of the digamma function is that of a power series to be divided; those
# that programs ask for are below 10, and one of this length takes a millisecond.
LARGEST_ORDER = 256


def padded(coefficients: Coefficients, count: int) -> Coefficients:
    """The first coefficients of a series, of which FLINT drops trailing zeros."""
    return [*coefficients, *[arb(0)] * count][:count]


def unknown_coefficients(count: int) -> Coefficients:
    """Those of a function of which nothing is known there."""
    return [arb.nan()] * count


def _integer(x: arb) -> int | None:
    return unique_integer(x) if x.is_exact() else None


# -- Bessel functions -----------------------------------------------------------------------------
def _scaled_bessel(order: int, u: arb) -> arb:
    return u.bessel_i(arb(order), scaled=True)


def bessel_i0e(x: arb) -> arb:
    return _scaled_bessel(0, abs(x))


def bessel_i1e(x: arb) -> arb:
    if x > 0 or x < 0:
        return x.sgn() * _scaled_bessel(1, abs(x))
    return x.bessel_i(arb(1)) * (-abs(x)).exp()


def bessel_branch(order: int) -> Callable[[arb, int], Coefficients]:
    """The branch e^(−u) Iₙ(u), which is that of x ≥ 0.

    2ᵏ Iₙ⁽ᵏ⁾ = Σ (k over j) I_(n−k+2j), by Iₙ' = (I_(n−1) + I_(n+1))/2, and I_(−m) = I_m (DLMF
    10.29.5, 10.27.1); the factor e^(−(u+t)) is e^(−u), which scales every term, times Σ (−t)ᵏ/k!.
    """

    def expansion(u: arb, count: int) -> Coefficients:
        scaled = [_scaled_bessel(m, u) for m in range(order + count)]
        bessel = []
        for k in range(count):
            total = sum(
                (arb(k).bin(j) * scaled[abs(order - k + 2 * j)] for j in range(k + 1)), arb(0)
            )
            bessel.append(total / arb(2) ** k / arb(k).fac())
        with series_length(count):
            decay = arb_series([arb(-1) ** k / arb(k).fac() for k in range(count)], prec=count)
            product = arb_series(bessel, prec=count) * decay
        return padded(product.coeffs(), count)

    return expansion


# -- the gamma function and its logarithmic derivatives -------------------------------------------
def lgamma(x: arb) -> arb:
    """log|Γ(x)|; Arb's own is that of Γ, which is no real number where Γ is negative."""
    return x.lgamma() if x > 0 else abs(x.gamma()).log()


def digamma_coefficients(x: arb, count: int) -> Coefficients:
    """ψ(x + t) = −r'/r for the entire function r = 1/Γ."""
    with series_length(count + 1):
        reciprocal = arb_series([x, 1], prec=count + 1).rgamma()
        if not reciprocal.coeffs() or reciprocal.coeffs()[0].contains(0):
            return unknown_coefficients(count)  # x may be a pole
        found = -(reciprocal.derivative() * reciprocal.inv())
    return padded(found.coeffs(), count)


def reciprocal_gamma_coefficients(x: arb, count: int) -> Coefficients:
    """1/Γ(x + t)."""
    with series_length(count):
        return padded(arb_series([x, 1], prec=count).rgamma().coeffs(), count)


def lgamma_coefficients(x: arb, count: int) -> Coefficients:
    """log|Γ(x + t)|, the integral of ψ."""
    slopes = digamma_coefficients(x, max(count - 1, 1))
    return [lgamma(x), *(slope / (k + 1) for k, slope in enumerate(slopes))][:count]


def polygamma_coefficients(m: arb, x: arb, count: int) -> Coefficients:
    """ψ⁽ᵐ⁾(x + t): from the m-th coefficient of ψ on, each times (m + k)!/k!."""
    order = _integer(m)
    if order is None or not 0 <= order <= LARGEST_ORDER:
        return unknown_coefficients(count)
    coefficients = digamma_coefficients(x, order + count)[order:]
    return [c * (arb(k + 1).rising(order)) for k, c in enumerate(coefficients)]


def polygamma(m: arb, x: arb) -> arb:
    return polygamma_coefficients(m, x, 1)[0]


def zeta(s: arb, q: arb) -> arb:
    """ζ(s, q) = Σ (q + n)^(−s), s > 1; where q < 0 the sum has real terms for integers s only."""
    if s > 1 and q > 0:
        return s.zeta(q)
    order = _integer(s)
    if order is None or not 2 <= order <= LARGEST_ORDER:
        return arb.nan()
    # ψ⁽ᵐ⁾(q) = (−1)^(m+1) m! ζ(m+1, q)
    return digamma_coefficients(q, order)[order - 1] * (-1) ** order


def zeta_in_second(s: arb, q: arb, count: int) -> Coefficients:
    """ζ(s, q + t): the k-th derivative is (−1)ᵏ s(s+1)…(s+k−1) ζ(s+k, q)."""
    return [zeta(s + k, q) * s.rising(k) * (-1) ** k / arb(k).fac() for k in range(count)]


def zeta_in_first(s: arb, q: arb, count: int) -> Coefficients:
    if not (s > 1 and q > 0):
        return unknown_coefficients(count)
    with series_length(count):
        found = arb_series.zeta(arb_series([s, 1], prec=count), q)
    return padded(found.coeffs(), count)


# -- incomplete gamma and beta functions ----------------------------------------------------------
# Arb takes 7 s at 848 bits for P(a, x) with a = 10^4 and x near a, and more at more, and a
# hundredth of a second for Q(a, x) = 1 - P(a, x); below this order neither takes long.
LARGE_ORDER = 3_000


def igamma(a: arb, x: arb) -> arb:
    if not (a > 0 and x >= 0):
        return arb.nan()
    return 1 - igammac(a, x) if a > LARGE_ORDER else x.gamma_lower(a, regularized=1)


def igammac(a: arb, x: arb) -> arb:
    return x.gamma_upper(a, regularized=1) if a > 0 and x >= 0 else arb.nan()


def igamma_in_order(a: arb, x: arb, count: int) -> Coefficients:
    """P(a + t, x) = x^(a+t) e^(−x) ₁F₁(1; a+t+1; x)/Γ(a+t+1) (DLMF 8.5.1)."""
    if not (a > 0 and x >= 0):
        return unknown_coefficients(count)
    if x.is_zero():
        return [arb(0)] * count
    with series_length(count):
        series = acb_series.hypgeom(
            [acb_series([1], prec=count)],
            [acb_series([a + 1, 1], prec=count)],
            acb_series([x], prec=count),
            regularized=True,
        )
        kummer = arb_series([c.real for c in series.coeffs()], prec=count)
        power = arb_series([a * x.log() - x, x.log()], prec=count).exp()
        found = (kummer * power).coeffs()
    return [igamma(a, x), *padded(found, count)[1:]][:count]


def igamma_coefficients(a: arb, x: arb, count: int) -> Coefficients:
    """P(a, x + t)."""
    moved = arb_series([x, 1], prec=count)
    with series_length(count):
        if a > LARGE_ORDER:
            found = 1 - arb_series.gamma_upper(a, moved, regularized=1)
        else:
            found = arb_series.gamma_lower(a, moved, regularized=1)
    return padded(found.coeffs(), count)


def igamma_grad_a(a: arb, x: arb) -> arb:
    return igamma_in_order(a, x, 2)[1]


def igamma_grad_a_in_order(a: arb, x: arb, count: int) -> Coefficients:
    found = igamma_in_order(a, x, count + 1)
    return [found[k + 1] * (k + 1) for k in range(count)]


def betainc(a: arb, b: arb, x: arb) -> arb:
    defined = a > 0 and b > 0 and x >= 0 and x <= 1
    return x.beta_lower(a, b, regularized=1) if defined else arb.nan()


def betainc_in_last(a: arb, b: arb, x: arb, count: int) -> Coefficients:
    if not (a > 0 and b > 0):
        return unknown_coefficients(count)
    with series_length(count):
        found = arb_series.beta_lower(a, b, arb_series([x, 1], prec=count), regularized=1)
    return padded(found.coeffs(), count)


# -- exponential integrals and hypergeometric functions --------------------------------------------
def expn(n: arb, x: arb) -> arb:
    return x.expint(n)


def expn_in_second(n: arb, x: arb, count: int) -> Coefficients:
    """Eₙ' = −E_(n−1) (DLMF 8.19.13)."""
    return [expn(n - k, x) * (-1) ** k / arb(k).fac() for k in range(count)]


def hyp1f1(a: arb, b: arb, x: arb) -> arb:
    return x.hypgeom_1f1(a, b)


def hyp1f1_in_last(a: arb, b: arb, x: arb, count: int) -> Coefficients:
    """d/dx M(a, b, x) = a/b M(a+1, b+1, x) (DLMF 13.3.15)."""
    return [
        a.rising(k) / b.rising(k) / arb(k).fac() * hyp1f1(a + k, b + k, x) for k in range(count)
    ]


def hyp2f1(a: arb, b: arb, c: arb, x: arb) -> arb:
    return x.hypgeom_2f1(a, b, c)


def hyp2f1_in_last(a: arb, b: arb, c: arb, x: arb, count: int) -> Coefficients:
    """d/dx F(a, b; c; x) = ab/c F(a+1, b+1; c+1; x) (DLMF 15.5.1)."""
    return [
        a.rising(k) * b.rising(k) / c.rising(k) / arb(k).fac() * hyp2f1(a + k, b + k, c + k, x)
        for k in range(count)
    ]
