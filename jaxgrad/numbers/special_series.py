"""Special functions of truncated series, which are analytic except where they say otherwise."""

from __future__ import annotations

import functools
from collections.abc import Callable

from flint import arb

from jaxgrad.numbers import special_functions
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.hypergeometric import hypergeometric
from jaxgrad.numbers.listed import listed
from jaxgrad.numbers.owens import owens_t_of_polynomials
from jaxgrad.numbers.series import FINITE, Series, raised, unknown
from jaxgrad.numbers.taylor import along_curve, compose, expand

__all__ = ["SERIES", "by_coefficients"]


def _constant(x: Series) -> arb | None:
    """The number that a series is, if it is one without an infinitesimal part."""
    return x.at(0) if x.is_constant else None


def by_coefficients(name: str, *xs: Series) -> Series:
    """A function of numbers of which one may vary, if its coefficients in that one are known."""
    taylor = FUNCTIONS[name].taylor
    if len(xs) == 1:
        return compose(name, *xs)
    constants = [_constant(x) for x in xs]
    varying = [place for place, c in enumerate(constants) if c is None] or [max(taylor)]
    for x in xs:
        if x.reason is not None:
            return x
    if len(varying) > 1 or varying[0] not in taylor:
        which = listed(place + 1 for place in varying)
        return unknown(f"{name}, of which argument {which} varies", xs[0].terms)
    (place,) = varying

    def expansion(c: arb, count: int) -> list[arb]:
        arguments = [*constants[:place], c, *constants[place + 1 :]]
        return taylor[place](*arguments, count)

    return expand(name, expansion, xs[place])


def _absolute(x: Series) -> Series | None:
    sign = x.sign()
    return None if sign is None else (-x if sign < 0 else x)


def _bessel(order: int) -> Callable[[Series], Series]:
    """e^(−|x|) Iₙ(x), even or odd, by its branch of x ≥ 0."""
    name, branch = f"bessel_i{order}e", special_functions.bessel_branch(order)

    def apply(x: Series) -> Series:
        beside = _absolute(x)
        if beside is None:
            return x if x.reason is not None else unknown(f"{name} at a kink", x.terms)
        value = expand(name, branch, beside)
        return -value if order % 2 and x.sign() == -1 else value

    return apply


def _nonnegative(x: Series) -> bool:
    return x.sign() in (0, 1) and x.is_bounded


def _igamma(a: Series, x: Series) -> Series:
    """P(a, x) = P(a, c) + ∫₀ʰ g(c + τ) dτ with g(u) = u^(a−1) e^(−u)/Γ(a) and x = c + h."""
    for y in (a, x):
        if y.reason is not None:
            return y
    if not _nonnegative(x) or a.sign() != 1 or a.start != FINITE:
        return unknown("igamma outside of a > 0, x ≥ 0", x.terms)
    c, h = x.at(0), x.infinitesimal()
    fixed = expand("igamma", lambda s, n: special_functions.igamma_in_order(s, c, n), a)
    if h.is_zero:
        return fixed
    if c.is_zero():
        return _igamma_from_zero(a, x)
    if not c > 0:
        return unknown("igamma at a value that may be 0", x.terms)
    number = functools.partial(_number, terms=x.terms)
    reciprocal = expand("1/gamma", special_functions.reciprocal_gamma_coefficients, a)
    power = compose("exp", (a - number(1)) * number(c.log()) - number(c))
    count = h.powers
    # (c + τ) g' = (a − 1 − c − τ) g gives the coefficients of g one after the other.
    previous, current = number(0), power * reciprocal
    total, power_of_h = fixed, h
    for j in range(h.powers):
        total = total + current * power_of_h * number(arb(1) / (j + 1))
        factor = a - number(c + 1 + j)
        following = (factor * current - previous) * number(1 / (c * (j + 1)))
        previous, current = current, following
        power_of_h = power_of_h * h
    return total.cut(raised(h.start, count + 1))


def _igamma_from_zero(a: Series, x: Series) -> Series:
    """Where x is infinitesimal, P(a, x) is analytic in x for a positive integer a only."""
    order = _constant(a)
    if order is None or not order.is_integer():
        return unknown("igamma at 0 of an order that is no integer", x.terms)
    return expand("igamma", lambda c, n: special_functions.igamma_coefficients(order, c, n), x)


def _igammac(a: Series, x: Series) -> Series:
    return _number(1, x.terms) - _igamma(a, x)


def _number(value: arb | int, terms: int) -> Series:
    return Series([arb(value)], terms=terms)


def _betainc(a: Series, b: Series, x: Series) -> Series:
    rest = _number(1, x.terms) - x
    if not (_nonnegative(x) and _nonnegative(rest)):
        return unknown("betainc outside of 0 ≤ x ≤ 1", x.terms)
    if all(y.is_constant for y in (a, b)):
        return by_coefficients("regularized_incomplete_beta", a, b, x)
    for y in (a, b):
        if y.reason is not None:
            return y
    if a.sign() != 1 or b.sign() != 1 or not (a.start == b.start == FINITE):
        return unknown("betainc outside of a > 0, b > 0", x.terms)
    if x.is_zero or rest.is_zero:
        return _number(0 if x.is_zero else 1, x.terms)
    if x.at(0).mid() > 0.5:
        return _number(1, x.terms) - _betainc_by_all(b, a, rest, x)
    return _betainc_by_all(a, b, x, rest)


def _betainc_by_all(a: Series, b: Series, x: Series, rest: Series) -> Series:
    """I_x(a, b) = x^a (1 − x)^b Γ(a + b)/(Γ(a + 1) Γ(b)) ₂F₁(a + b, 1; a + 1; x), of 1 − x, too.

    Source: NIST Digital Library of Mathematical Functions, 8.17.8, https://dlmf.nist.gov/8.17#ii.
    """
    one = _number(1, x.terms)
    powers = a * compose("log", x) + b * compose("log", rest)
    gammas = compose("lgamma", a + b) - compose("lgamma", a + one) - compose("lgamma", b)
    return compose("exp", powers + gammas) * _SUM(a + b, one, a + one, x)


_SUM = hypergeometric(2)


def _hypergeometric(upper: int) -> Callable[..., Series]:
    """By x alone as its coefficients say; by the parameters as its sum does."""
    name, whole = f"hyp{upper}f1", hypergeometric(upper)

    def apply(*xs: Series) -> Series:
        fixed = all(x.is_constant for x in xs[:-1])
        return by_coefficients(name, *xs) if fixed else whole(*xs)

    return apply


def _owens_t(arguments: list[list[arb]], count: int) -> list[arb]:
    h, a = arguments
    return owens_t_of_polynomials(h, a, count)


SERIES: dict[str, Callable[..., Series]] = {
    "bessel_i0e": _bessel(0),
    "bessel_i1e": _bessel(1),
    "hyp1f1": _hypergeometric(1),
    "hyp2f1": _hypergeometric(2),
    "igamma": _igamma,
    "igammac": _igammac,
    "owens_t": functools.partial(along_curve, "owens_t", _owens_t),
    "regularized_incomplete_beta": _betainc,
}
"""name -> the function over series, where that is more than its coefficients say."""
