"""The general law: |w σ'(wa + b)| reaches 1 only for large w, and then only for very special a.

A gradient that does not vanish needs factors |w σ'(z)| ≥ 1, where z = wa + b. A large w does not
give them for free, because z depends on w as well. With s = σ(z), and with t = eᶻ > 0,

    σ'(z) = s(1 − s) = t/(1 + t)²,    so |w σ'(z)| ≥ 1  means  |w| t ≥ (1 + t)².

This is a statement about polynomials, and such statements can be *decided*: a procedure answers
yes or no for all real numbers at once. Solving the quadratic in t, with r = √(1 − 4/|w|),

    |w σ'(wa + b)| ≥ 1   ⇔   |w| ≥ 4  and  1/T ≤ eᶻ ≤ T,    T = ½|w|(1 + r) − 1,

and since z = wa + b is linear in a, the set of such a is an interval around −b/w, of width

    width(|w|) = (2/|w|) ln( ½|w| (1 + √(1 − 4/|w|)) − 1 ).

It never exceeds 0.4478, and for large |w| it shrinks like 2 ln|w| / |w|.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb, arb_series

import jaxgrad
from jaxgrad import (
    Bounds,
    Bracket,
    Enclosure,
    Evidence,
    Verdict,
    decide,
    enclose,
    interval_ball,
    precision,
    supremum,
)
from jaxgrad.networks import layer


@jax.jit
def _factor(w: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """w σ'(wa + b), as JAX has it: the derivative of a neuron's output by its input."""
    return jax.grad(layer("sigmoid"), argnums=2)(w, b, a)


_POINT = jnp.float32(5), jnp.float32(0.25), jnp.float32(-1)


# ------------------------------------------------------------------------------------------- D1


@jaxgrad.claim("|w σ'(wa + b)| ≥ 1 needs |w| ≥ 4", source="D1: a factor of size one")
def large_weight_needed(
    four: Fraction = Fraction(4), strict: bool = False
) -> Iterator[tuple[str, Any]]:
    """s = σ(z) lies in (0, 1), so it is enough to decide the statement for all w and such s."""

    def in_terms_of_s(w: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        s = jax.nn.sigmoid(w * a + b)
        return w * s * (1 - s)

    yield "w σ'(wa + b) = w s(1 - s)", jaxgrad.compare(in_terms_of_s, _factor, *_POINT, exact=True)

    def reaches_one(w: Any, s: Any) -> list[Any]:
        return [abs(w * s * (1 - s)) >= 1, s > 0, s < 1]

    # Sharp: |w| = 4 does it, at s = ½ alone, that is for z = 0.
    yield (
        "|w s(1 - s)| ≥ 1 implies |w| ≥ 4",
        decide(
            lambda w, s: abs(w) > four if strict else abs(w) >= four,
            where=reaches_one,
            equality=lambda w, s: [abs(w) == four, 2 * s == 1],
        ),
    )


# ------------------------------------------------------------------------------------------- D2


def _roots(t: Any, w: Any, r: Any) -> list[Any]:
    """t = eᶻ > 0, and r = √(1 − 4/w) for w ≥ 4; here and below w stands for |w|."""
    return [t > 0, w >= 4, r >= 0, w * r * r == w - 4]


def _half_width(w: Any, quarters: int = 4) -> arb:
    """ln T / |w|, half the width of the interval of a."""
    w = arb(w)
    return ((w / 2) * (1 + (1 - quarters / w).sqrt()) - 1).log() / w


@jaxgrad.claim(
    "the set of a with |w σ'(wa + b)| ≥ 1 is an interval around -b/w with ends at ± ln T / |w|",
    source="D2: the exact interval",
)
def exact_interval(one: int = 1) -> Iterator[tuple[str, Any]]:
    """T = ½w(1 + r) − 1 is the larger root of w t = (1 + t)², and 1/T is the other one.

    1/T ≤ eᶻ ≤ T is |z| ≤ ln T because exp grows, and |wa + b| ≤ ln T is |a + b/w| ≤ ln T / |w|.
    """

    def in_terms_of_t(w: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        t = jnp.exp(w * a + b)
        return w * t / (1 + t) ** 2

    yield (
        "w σ'(wa + b) = w t/(1 + t)²",
        jaxgrad.compare(in_terms_of_t, _factor, *_POINT, exact=True),
    )

    def reaches_one(t: Any, w: Any, r: Any) -> list[Any]:
        return [w * t >= (1 + t) ** 2]

    def between(t: Any, w: Any, r: Any) -> list[Any]:  # multiplied by 2: t ≤ T and 1 ≤ t T
        twice = w * (1 + r) - 2 * one
        return [2 * t <= twice, t * twice >= 2]

    yield (
        "|w σ'| ≥ 1 only inside",
        decide(between, where=lambda t, w, r: _roots(t, w, r) + reaches_one(t, w, r)),
    )
    yield (
        "|w σ'| ≥ 1 everywhere inside",
        decide(reaches_one, where=lambda t, w, r: _roots(t, w, r) + between(t, w, r)),
    )


@jaxgrad.claim(
    "its width is (2/|w|) ln(½|w|(1 + √(1 - 4/|w|)) - 1) < 2 ln|w| / |w|",
    source="D2: how small the interval is",
)
def width(quarters: int = 4) -> Iterator[tuple[str, Evidence | Enclosure]]:
    """The width is twice ln T / |w|, and T = ½w(1 + r) − 1 < w."""
    yield (
        "T < |w|",
        decide(lambda t, w, r: w * (1 + r) - 2 < 2 * w, where=_roots),
    )
    # At |w| = 4 the interval is the single point a = −b/w.
    yield "|w| = 4", _at_four(quarters)
    for w in (5, 10, 100, 1000):
        value = partial(_width_at, w, quarters)
        yield f"|w| = {w}", _checked_width(w, enclose(value, 10, name=f"width at |w| = {w}"))


def _width_at(w: int, quarters: int) -> arb:
    return 2 * _half_width(w, quarters)


def _at_four(quarters: int) -> Evidence:
    zero = _width_at(4, quarters) == 0  # true of balls only if both are exact
    text = "the closed form is exactly 0, the interval is the point -b/w"
    return Evidence(
        Verdict.PROVED if zero else Verdict.REFUTED,
        "enclosure",
        text if zero else "the closed form is not 0, but D1 leaves the single point z = 0",
        trusts=("Arb",),
    )


def _checked_width(w: int, found: Enclosure) -> Evidence:
    """Hold the closed form against σ' itself: |w σ'(z)| crosses 1 at the end of the interval.

    The enclosed half-width is stretched and shrunk by 2⁻³⁰ of itself; w σ' must be below 1 at
    the first, above 1 at the second.
    """
    if found.bounds is None:
        return found.evidence
    half = interval_ball(found.bounds.lower, found.bounds.upper) / 2
    with precision(200):
        hair = arb(2) ** -30
        slopes = [w / (4 * (w * half * (1 + side) / 2).cosh() ** 2) for side in (hair, -hair)]
    if slopes[0] < 1 and slopes[1] > 1:
        text = f"{found.evidence.text} Just outside |w σ'| < 1, just inside > 1."
        return replace(found.evidence, text=text)
    text = f"|w σ'| does not cross 1 at half of {found.evidence.enclosures}"
    verdict = Verdict.REFUTED if slopes[0] > 1 or slopes[1] < 1 else Verdict.UNDECIDED
    return Evidence(verdict, "enclosure", text, trusts=("Arb",))


def _bell(u: arb_series) -> Any:
    """u / cosh² u = 4u e^(−2u) / (1 + e^(−2u))²."""
    decay = (-2 * u).exp()
    return 4 * u * decay / ((1 + decay) * (1 + decay))


@jaxgrad.claim(
    "over all w the interval is never wider than 0.44774320469…, its width at |w| = 6.894151032…",
    source="D2: the largest width",
    picture="jaxgrad.claims.pictures.interval:interval",
)
def largest_width(
    largest: Bracket = ("0.447743204694", "0.447743204695"),
    at: Bracket = ("6.89415103227", "6.89415103228"),
    two: int = 2,
) -> Iterator[tuple[str, Any]]:
    """Write |w| = 4cosh²u with u ≥ 0: the square root disappears.

    Then r = tanh u and T = e^(2u), so the width is 2 · 2u / (4cosh²u) = u/cosh²u: smooth, with one
    maximum, where 2u tanh u = 1. Every |w| ≥ 4 is such a 4cosh²u, because cosh grows from 1 to ∞.
    """

    # E = e^(2u) ≥ 1 makes these polynomials: 4cosh²u = (1 + E)²/E and tanh u = (E − 1)/(E + 1).
    def substituted(E: Any, w: Any, r: Any) -> list[Any]:
        return [E >= 1, w * E == (1 + E) ** 2, r * (E + 1) == E - 1]

    yield (
        "|w| = 4cosh²u gives r = tanh u and T = e^(2u)",
        decide(
            lambda E, w, r: [r >= 0, w * r * r == w - 4, w * (1 + r) - 2 == two * E],
            where=substituted,
        ),
    )
    # For u ≥ 4: u/cosh²u ≤ 4u e^(−2u), which falls from u = ½ on, so it is at most 16 e^(−8).
    highest = supremum(
        _bell,
        (0, 4),
        outside_bounds={"u ≥ 4": lambda: 16 * arb(-8).exp()},
        digits=14,  # |w| is wanted to 10, and loses some on the way from u to 4cosh²u
        claimed=largest,
        name="largest width",
    )
    yield "the largest width", highest
    if highest.locations:
        yield "attained at", enclose(lambda: _weight(highest), 10, claimed=at, name="|w|")


def _weight(highest: Any) -> arb:
    """4cosh²u at the enclosed u."""
    (place,) = highest.locations
    return 4 * interval_ball(place.lower, place.upper).cosh() ** 2


# ------------------------------------------------------------------------------------------- D3


def _slope(v: arb_series) -> Any:
    """σ'(v) = e^(−v) / (1 + e^(−v))²."""
    decay = (-v).exp()
    return decay / ((1 + decay) * (1 + decay))


@jaxgrad.claim(
    "outside the interval σ'(wa + b) < 1/|w|, so a large w drives it down",
    source="D3: outside the interval",
)
def outside(one: int = 1) -> Iterator[tuple[str, Evidence]]:
    """Outside means t = eᶻ > T or t < 1/T, with the T of D2; and |w| ≥ 4, else D1 says it."""

    def small(t: Any, w: Any, r: Any) -> list[Any]:
        return [w * t < (1 + t) ** 2]

    yield (
        "above",
        decide(small, lambda t, w, r: [*_roots(t, w, r), 2 * t > w * (1 + r) - 2 * one]),
    )
    yield (
        "below",
        decide(small, lambda t, w, r: [*_roots(t, w, r), t * (w * (1 + r) - 2 * one) < 2]),
    )


# sup v σ'(v) and sup v² σ'(v) over v ≥ 0, enclosed by the next claim.
FIRST: Bracket = ("0.223871602347", "0.223871602348")
SECOND: Bracket = ("0.439228839890", "0.439228839891")


@jaxgrad.claim(
    "at distance d from -b/w: |w σ'(wa + b)| ≤ 0.22388/d, and ≤ 0.43923/(|w| d²), for every w",
    source="D3: how fast it falls",
)
def falls(first: Bracket = FIRST, second: Bracket = SECOND) -> Iterator[tuple[str, Any]]:
    """With d = |a + b/w| we have |z| = |w| d =: v, and σ' is even. So

        |w σ'| d = v σ'(v)   and   |w σ'| |w| d² = v² σ'(v),

    and both are bounded: the suprema over v ≥ 0 are the constants. The first bound does not depend
    on w, and is below 1 for d > 0.22388, half the largest width of D2. The second one tends to 0.
    """
    # For v ≥ 20, σ'(v) ≤ e^(−v), and v² e^(−v) falls from v = 2 on: at most 400 e^(−20).
    tail = {"v ≥ 20": lambda: 400 * arb(-20).exp()}
    yield (
        "sup v σ'(v)",
        supremum(
            lambda v: v * _slope(v), (0, 20), outside_bounds=tail, claimed=first, name="sup v σ'(v)"
        ),
    )
    yield (
        "sup v² σ'(v)",
        supremum(
            lambda v: v * v * _slope(v),
            (0, 20),
            outside_bounds=tail,
            claimed=second,
            name="sup v² σ'(v)",
        ),
    )


@jaxgrad.claim(
    "for fixed a ≠ 0 and b: |w σ'(wa + b)| ≤ 1.757/(|w| a²) → 0 as |w| → ∞",
    source="D3: fixed a and b",
)
def vanishes(
    half: Fraction = Fraction(1, 2), rounded: Fraction = Fraction("1.757")
) -> Iterator[tuple[str, Any]]:
    """As soon as |wa| ≥ 2|b|, the distance d = |a + b/w| is at least |a|/2.

    The second bound above is then at most 4 · 0.43923/(|w| a²). An activation a = 0 is the one
    exception: there z = b whatever w is, and w σ'(b) grows with w. It is no contradiction, since
    the interval around −b/w has 0 in it as soon as ln T ≥ |b|.
    """
    # Squares in place of absolute values: |wa + b| ≥ |wa|/2.
    yield (
        "d ≥ |a|/2",
        decide(
            lambda w, a, b: (w * a + b) ** 2 >= half**2 * (w * a) ** 2,
            where=lambda w, a, b: [(w * a) ** 2 >= 4 * b * b],
        ),
    )
    yield "the constant", _four_times(SECOND, rounded)

    def at_zero(w: jax.Array, b: jax.Array) -> jax.Array:
        return _factor(w, jnp.zeros_like(w), b)

    yield (
        "the exception a = 0: w σ'(b)",
        jaxgrad.compare(
            lambda w, b: w * jax.nn.sigmoid(b) * jax.nn.sigmoid(-b),
            at_zero,
            jnp.float32(9),
            jnp.float32(1),
            exact=True,
        ),
    )


def _four_times(bracket: Bracket, rounded: Fraction) -> Evidence:
    """Whether four times an enclosed constant stays below its rounding."""
    lower, upper = (4 * Fraction(end) for end in bracket)
    verdict = Verdict.PROVED if upper <= rounded else Verdict.REFUTED
    text = f"4 sup v² σ'(v), the supremum as enclosed above, against {rounded}"
    ends = Bounds(lower, upper).decimals(10)
    return Evidence(verdict, "enclosure", text, {"4 sup v² σ'(v)": ends}, trusts=("Arb",))
