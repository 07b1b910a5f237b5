"""Where the sigmoid runs out of values, and its gradient vanishes.

Over the real numbers σ(x) = 1/(1 + e⁻ˣ) lies strictly between 0 and 1, and its derivative
σ' = σ (1 − σ) is never 0: it falls towards 0 on both sides, about as fast as e^(−|x|). The
rectified linear unit ReL(x) = max(0, x) takes every value in [0, ∞), and its slope is 1 however
large x is.

Over floats there are finitely many values, so each of these "never" ends somewhere. Every float of
a dtype is evaluated here, and the first at which σ is exactly 0 or 1, and at which its gradient is
exactly 0, is found. The two sides differ a great deal, since XLA computes σ(x) as 1/(1 + e⁻ˣ):

* On the right σ is 1 as soon as e⁻ˣ is lost in 1 + e⁻ˣ, that is, below about half the distance
  from 1 to the next float, and then 1 − σ is exactly 0. The true gradient e⁻ˣ is at that point far
  from the smallest float: small numbers are dense, but 1 − σ is a difference of numbers near 1.
* On the left σ is near e^x itself, which a float can hold until it falls below the smallest normal
  number (where XLA makes subnormals 0), or until e⁻ˣ is larger than the largest float, so that
  1/(1 + e⁻ˣ) = 1/∞ = 0. Only then is the gradient 0.

A dtype without infinities has NaN for what is too large, and σ is NaN there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from flint import arb, fmpq

import jaxgrad
from jaxgrad import (
    Enclosure,
    Evidence,
    Extent,
    Float,
    Sweep,
    Verdict,
    conjunction,
    decide,
    enclose,
    float_dtypes,
    is_zero,
)

Parts = Iterator[tuple[str, Any]]
Function = Callable[[jax.Array], jax.Array]

_POINT = jnp.float32(0.75)  # fixes shape and dtype; an identity holds for every real x

# Wherever there are infinities, e⁻ˣ may overflow without harm.
_WITH_INFINITY = float_dtypes(infinities=True)


# ----------------------------------------------------------------------- F4: the ranges over ℝ


@jaxgrad.claim("σ(x) is in (0, 1) and ReL(x) is in [0, ∞), for every real x", source="F4: over ℝ")
def ranges(one: int = 1) -> Parts:
    """With e for e^x, any number above 0, σ = e/(1 + e); and max(0, x) = (x + |x|)/2."""
    yield (
        "σ = e^x/(1 + e^x)",
        jaxgrad.compare(
            lambda x: jnp.exp(x) / (one + jnp.exp(x)), jax.jit(jax.nn.sigmoid), _POINT, exact=True
        ),
    )
    yield (
        "0 < σ < 1",
        decide(lambda e, s: [s > 0, s < 1], where=lambda e, s: [e > 0, s * (one + e) == e]),
    )
    yield (
        "ReL = (x + |x|)/2",
        jaxgrad.compare(
            lambda x: (x + jnp.abs(x)) / (one + 1), jax.jit(jax.nn.relu), _POINT, exact=True
        ),
    )
    # m stands for |x|, the number with m² = x² and m ≥ 0. Each y ≥ 0 is a value, that at x = y.
    yield (
        "ReL ≥ 0, and ReL(y) = y for y ≥ 0",
        decide(
            lambda x, m, r: [r >= 0, r * (r - x) == 0],
            where=lambda x, m, r: [m >= 0, m * m == x * x, (one + 1) * r == x + m],
        ),
    )


# ------------------------------------------------------------------------- F4: σ of every float


@functools.cache
def _every_sigmoid(dtype: np.dtype, most: float, sigmoid: Function) -> Sweep:
    """σ of every float of a dtype: is it in [0, most], and where is it exactly 0 or 1?"""
    return jaxgrad.sweep(
        jax.jit(sigmoid),
        dtype,
        lambda x, s: (s >= 0) & (s <= most),
        count={"0": lambda x, s: is_zero(s), "1": lambda x, s: s == 1},
    )


def _ends(swept: Sweep) -> str:
    """From where on σ is exactly 0 and exactly 1."""
    low, high = swept.counts["0"].negative.last, swept.counts["1"].positive.first
    zero = "never exactly 0" if low is None else f"first exactly 0 at {low}"
    one = "never exactly 1" if high is None else f"first exactly 1 at {high}"
    return f"going out from x = 0, σ is {zero} and {one}"


@jaxgrad.claim(
    "σ(x) is in [0, 1] at every float x, the infinities included, of a dtype that has them",
    source="F4: over floats",
)
def sigmoid_of_floats(most: float = 1.0, dtypes: Sequence[np.dtype] = _WITH_INFINITY) -> Parts:
    """The closed interval: rounding may reach its ends, and does."""
    for dtype in dtypes:
        swept = _every_sigmoid(dtype, most, jax.nn.sigmoid)
        evidence = swept.evidence
        if evidence.verdict is Verdict.PROVED:
            text = f"{_ends(swept)}. {evidence.text}"
            evidence = Evidence(Verdict.PROVED, "exhaustion", text, trusts=evidence.trusts)
        yield dtype.name, evidence


@jaxgrad.claim(
    "σ(x) is in (0, 1) at every finite float x", source="F4: as written", expect=Verdict.REFUTED
)
def open_interval_of_floats(
    sigmoid: Function = jax.nn.sigmoid, dtypes: Sequence[np.dtype] = float_dtypes()
) -> Parts:
    """False in every dtype: at moderate x already σ is rounded to an end, or is NaN."""
    for dtype in dtypes:
        swept = _every_sigmoid(dtype, 1.0, sigmoid)
        zero, one = swept.counts["0"].negative.last, swept.counts["1"].positive.first
        at = one or zero or swept.failures.last
        if at is None or not np.isfinite(float(at.value)):
            yield dtype.name, Evidence(Verdict.PROVED, "exhaustion", swept.evidence.text)
            continue
        text = f"{_ends(swept)}; it is NaN at {swept.nan_outputs} of the numbers"
        yield (
            dtype.name,
            Evidence(
                Verdict.REFUTED,
                "exhaustion",
                text,
                counterexample=at.code("jax.jit(jax.nn.sigmoid)", "not 0 < y < 1"),
                trusts=swept.evidence.trusts,
            ),
        )


# ---------------------------------------------------------------- F5: the gradient's decay over ℝ


@jaxgrad.claim(
    "σ'(x) falls strictly as |x| grows, towards 0: σ'(x) < e^(−|x|); ReL'(x) is 1 for every x > 0",
    source="F5: over ℝ",
)
def decay(two: int = 2) -> Parts:
    """The sign of σ'' = σ' (1 − 2σ), σ' = σ (1 − σ), is that of ½ − σ, and σ > ½ where x > 0."""

    def second(x: jax.Array) -> jax.Array:
        s = jax.nn.sigmoid(x)
        return s * (1 - s) * (1 - two * s)

    slope = jax.grad(jax.jit(jax.nn.sigmoid))
    yield "σ'' = σ (1 − σ) (1 − 2σ)", jaxgrad.compare(second, jax.grad(slope), _POINT, exact=True)
    # As above e stands for e^x, so that x > 0 is e > 1.
    yield (
        "x > 0: σ'' < 0 and σ' < e^(−x)",
        decide(
            lambda e, s: [s * (1 - s) * (1 - two * s) < 0, s * (1 - s) * e < 1],
            where=lambda e, s: [e > 1, s * (1 + e) == e],
        ),
    )
    yield (
        "x < 0: σ'' > 0 and σ' < e^x",
        decide(
            lambda e, s: [s * (1 - s) * (1 - two * s) > 0, s * (1 - s) < e],
            where=lambda e, s: [e > 0, e < 1, s * (1 + e) == e],
        ),
    )

    def indicator(x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, two - 1, 0.0)

    yield (
        "ReL' = [x > 0]",
        jaxgrad.compare(indicator, jax.grad(jax.jit(jax.nn.relu)), _POINT, exact=True),
    )


# -------------------------------------------------------------- F5: the gradient at every float


@functools.cache
def _every_gradient(dtype: np.dtype, top: float) -> Sweep:
    """σ' of every float: is it exactly 0 just where σ has been rounded to 0 or to ``top`` = 1?"""

    def saturated(x: jax.Array) -> jax.Array:
        s = jax.lax.optimization_barrier(jax.nn.sigmoid(x))  # as stored, in its own dtype
        return is_zero(s) | (s == top)

    return jaxgrad.sweep(
        jax.jit(jax.grad(jax.nn.sigmoid)),
        dtype,
        lambda x, slope: is_zero(slope) == saturated(x),
        count={"0": lambda x, slope: is_zero(slope)},
    )


def _gapless(side: Extent) -> bool:
    """Whether the floats of one sign that were counted are all those from one to infinity."""
    if side.first is None or side.last is None:
        return False
    outermost = max(side.first, side.last, key=lambda end: abs(float(end.value)))
    return np.isinf(float(outermost.value)) and side.count == 1 + abs(
        side.last.bits - side.first.bits
    )


def _true_slope(x: Float) -> Enclosure:
    """σ'(x) = 1/(2 + e^x + e^(−x)) at one float, enclosed."""
    exact = x.exact

    def slope() -> arb:
        at = arb(fmpq(exact.numerator, exact.denominator))
        return 1 / (2 + at.exp() + (-at).exp())

    return enclose(slope, name=f"σ'({float(x.value)!r})")


def _why_right(x: Float) -> str:
    spacing = float(ml_dtypes.finfo(x.dtype).eps)
    return (
        f"above, e^(−x) = {np.exp(-float(x.value)):.4g} is lost in 1 + e^(−x), half the distance "
        f"from 1 to the next float being {spacing / 2:.4g}: σ is 1, and 1 − σ is 0"
    )


def _why_left(x: Float) -> str:
    size, info = np.exp(-float(x.value)), ml_dtypes.finfo(x.dtype)
    if 1 + size > float(info.max):
        return (
            f"below, 1 + e^(−x) = {1 + size:.4g} exceeds the largest float {float(info.max):.4g}: "
            "σ is 1/∞ = 0"
        )
    if 1 / (1 + size) < float(info.smallest_normal):
        return (
            f"below, σ = {1 / (1 + size):.7g} is less than the smallest normal number "
            f"{float(info.smallest_normal):.7g}: a subnormal, which becomes 0"
        )
    return f"below, σ = {1 / (1 + size):.4g} is computed as 0"


@jaxgrad.claim(
    "jax.grad(jax.nn.sigmoid) is exactly 0 from some x > 0 up and from some x < 0 down, and only "
    "there: where σ is rounded to 1 or 0, though the true gradient is not 0",
    source="F5: over floats",
    picture="jaxgrad.claims.pictures.saturation:saturation",
)
def vanishing_floats(top: float = 1.0, dtypes: Sequence[np.dtype] = _WITH_INFINITY) -> Parts:
    """The first float on each side is found, and the true gradient there enclosed."""
    for dtype in dtypes:
        swept = _every_gradient(dtype, top)
        zeros = swept.counts["0"]
        right, left = zeros.positive.first, zeros.negative.last
        if swept.verdict is not Verdict.PROVED:
            yield dtype.name, swept
        elif (
            right is None
            or left is None
            or not (_gapless(zeros.positive) and _gapless(zeros.negative))
        ):
            text = f"the floats with gradient 0 are not two tails: {zeros}"
            yield dtype.name, Evidence(Verdict.UNDECIDED, "reason", text)
        else:
            text = (
                f"gradient exactly 0 at every float from {right} up and from {left} down, "
                f"{zeros.total} in all, and at no other. Why: {_why_right(right)}; "
                f"{_why_left(left)}. {swept.evidence.text}"
            )
            parts = {"sweep": swept, "above": _true_slope(right), "below": _true_slope(left)}
            yield dtype.name, conjunction(parts, text, "exhaustion")
