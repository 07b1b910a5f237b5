"""Why the gradient vanishes: the sigmoid's derivative is at most ¼, and most weights are below 1.

With s = σ(z) the derivative is σ'(z) = s(1 − s), a parabola in s with its top at s = ½, that is at
z = 0 (A6). A weight drawn from N(0, 1) is below 1 in absolute value more often than not (A7), and
then |w σ'(z)| < ¼ (A8): every layer multiplies the gradient by less than a quarter.

Over the reals these are decided once and for all. Computers have floats instead, so the bound is
also checked at every float that there is of a dtype, for the derivative that `jax.grad` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import acb, arb

import jaxgrad
from jaxgrad import (
    Bracket,
    Sweep,
    Verdict,
    decide,
    enclose,
    float_dtypes,
    is_zero,
)

Parts = Iterator[tuple[str, Any]]

_QUARTER = Fraction(1, 4)
_CALL = "jax.jit(jax.grad(jax.nn.sigmoid))"

# ------------------------------------------------------------------- A6: the bound, over the reals


@jaxgrad.claim(
    "σ'(z) <= 1/4 for every real z, with equality at z = 0 only",
    source="A6: the bound of the derivative",
    picture="jaxgrad.claims.pictures.activations:activations",
)
def bound(quarter: Fraction = _QUARTER, top: Fraction = Fraction(1)) -> Parts:
    """The derivative as `jax.grad` has it, then two decisions.

    Args:
        quarter: the bound.
        top: the value of e⁻ᶻ where equality is said to be attained: e⁰.
    """

    def by_hand(z: jax.Array) -> jax.Array:
        s = 1 / (1 + jnp.exp(-z))
        return s * (1 - s)

    automatic = jax.grad(jax.jit(jax.nn.sigmoid))
    yield "jax.grad is s(1 − s)", jaxgrad.compare(by_hand, automatic, jnp.float32(0.5), exact=True)
    yield (
        "s(1 − s) <= 1/4 on (0, 1), equality at s = 1/2 only",
        decide(
            lambda s: s * (1 - s) <= quarter,
            lambda s: [s > 0, s < 1],
            equality=lambda s: s * (1 + top) == 1,
        ),
    )
    # The same in u = e⁻ᶻ, which passes through every positive number once as z runs over ℝ, so that
    # u = 1 says z = 0: s = 1/(1 + u) and σ' = u/(1 + u)².
    yield (
        "u/(1 + u)² <= 1/4 for u = exp(−z) > 0, equality at u = 1 only, so at z = 0 only",
        decide(lambda u: u <= quarter * (1 + u) ** 2, lambda u: u > 0, equality=lambda u: u == top),
    )


# ------------------------------------------------------------------- A6: the bound, over the floats
#
# A sweep evaluates the compiled derivative at every float of a dtype. Outputs are looked at in
# float32, which holds every narrower float exactly. Where a dtype has infinities, e⁻ᶻ overflows to
# infinity and σ(z) is 0. Where it has none, e⁻ᶻ overflows to NaN, and so do σ and its derivative:
# the bound, a statement on numbers, fails there as it is written and holds of whatever number is
# returned.


@jaxgrad.claim(
    "what jax.grad of the sigmoid returns is at most 1/4, at every float of the dtypes that have "
    "infinities",
    source="A6: every float of the dtypes with infinities",
)
def every_float(quarter: Fraction = _QUARTER, dtypes: Iterable[Any] | None = None) -> Parts:
    """float16, bfloat16, float32 and three 8-bit dtypes."""
    for dtype in float_dtypes(infinities=True) if dtypes is None else map(np.dtype, dtypes):
        swept = _swept(dtype, quarter)
        text = f"{swept.evidence.text} 1/4 is attained {swept.counts['attained']}."
        yield dtype.name, swept.never(None, text, call=_CALL, shown=["attained", "NaN"])


@jaxgrad.claim(
    "what jax.grad of the sigmoid returns is at most 1/4, at every float of the dtypes that have "
    "no infinities",
    source="A6: every float of the dtypes without infinities",
    expect=Verdict.REFUTED,
)
def every_float_without_infinities(dtypes: Iterable[Any] | None = None) -> Parts:
    """The counterexamples are NaN: float8_e8m0fnu, which has no zero, returns nothing else."""
    for dtype in float_dtypes(infinities=False) if dtypes is None else map(np.dtype, dtypes):
        swept = _swept(dtype, _QUARTER)
        text = f"{swept.evidence.text} NaN is returned {swept.counts['NaN']}."
        yield dtype.name, swept.never(None, text, call=_CALL, shown=["NaN", "above"])


@jaxgrad.claim(
    "what jax.grad of the sigmoid returns is at most 1/4 or NaN, at every float of the dtypes that "
    "have no infinities",
    source="A6: corrected for the dtypes without infinities",
)
def numbers_without_infinities(
    quarter: Fraction = _QUARTER, dtypes: Iterable[Any] | None = None
) -> Parts:
    """float8_e8m0fnu is left out: it returns no number, and nothing could be said of it."""
    for dtype in float_dtypes(infinities=False) if dtypes is None else map(np.dtype, dtypes):
        swept = _swept(dtype, quarter)
        numbers = swept.checked - swept.nan_inputs - swept.nan_outputs
        if numbers == 0:
            continue
        above = swept.counts["above"]
        text = (
            f"Of {swept.checked} bit patterns {swept.nan_inputs} are NaN, and {swept.nan_outputs} "
            f"of the others give NaN. Of the {numbers} numbers returned {above.total} are above "
            f"{quarter}. 1/4 is attained {swept.counts['attained']}."
        )
        yield dtype.name, swept.never("above", text, call=_CALL, shown=["attained", "NaN"])


@jaxgrad.claim(
    "what jax.grad of the sigmoid returns is 1/4 at z = 0 only, among the floats of a dtype",
    source="A6: where floats attain the bound",
    expect=Verdict.REFUTED,
)
def attained_at_zero_only(dtypes: Iterable[Any] | None = None) -> Parts:
    """True over the reals, false for floats, and mostly not the fault of the program.

    σ'(z) = ¼ − z²/16 + …, and below ¼ the floats with p significant bits are 2^−(p+2) apart. For
    |z| < 2^((1−p)/2) the distance z²/16 is less than half of that, so that ¼ is the float nearest
    to σ'(z): |z| < 3.45e−4 in float32, where p = 24. The floats beyond are the program's own error.
    float8_e8m0fnu, which returns NaN only, is left out.
    """
    every = float_dtypes(infinities=True) + float_dtypes(infinities=False)
    for dtype in every if dtypes is None else map(np.dtype, dtypes):
        swept = _swept(dtype, _QUARTER)
        attained, elsewhere = swept.counts["attained"], swept.counts["attained elsewhere"]
        if attained.total:
            text = f"1/4 is attained {attained}; without zero {elsewhere}"
            yield (
                dtype.name,
                swept.never("attained elsewhere", text, call=_CALL, shown=["attained"]),
            )


@cache
def _swept(dtype: np.dtype, quarter: Fraction) -> Sweep:
    """Every float of a dtype: where the bound fails, where it is attained, where there is NaN."""
    limit = _rounded_down(quarter)
    return jaxgrad.sweep(
        jax.jit(jax.grad(jax.nn.sigmoid)),
        dtype,
        lambda x, y: _wide(y) <= limit,
        count={
            "attained": lambda x, y: _wide(y) == 0.25,
            "attained elsewhere": lambda x, y: (_wide(y) == 0.25) & ~is_zero(x),
            "above": lambda x, y: _wide(y) > limit,
            "NaN": lambda x, y: jnp.isnan(y),
        },
    )


def _wide(y: jax.Array) -> jax.Array:
    return y.astype(jnp.float32)


def _rounded_down(limit: Fraction) -> np.float32:
    """The largest float32 that is not above it: a float is at most one iff at most the other."""
    nearest = np.float32(float(limit))
    return nearest if Fraction(float(nearest)) <= limit else np.nextafter(nearest, np.float32(-1))


# ------------------------------------------------------------------- A7, A8: most weights are small


@jaxgrad.claim(
    "for w ~ N(0, 1), most |w| < 1: the probability is erf(1/√2) > 1/2",
    source="A7: most weights are below 1",
)
def most_weights(
    most: Fraction = Fraction(1, 2), claimed: Bracket = ("0.6826894921", "0.6826894922")
) -> Parts:
    """P(|w| < 1) is the integral of the density over (−1, 1), which is erf(1/√2) by t = w/√2.

    Args:
        most: "most" says that the probability is above this.
        claimed: where it is said to lie.
    """

    def closed_form() -> arb:
        return (1 / arb(2).sqrt()).erf()

    def integral() -> arb:
        def density(w: acb, _: bool) -> acb:
            return (-w * w / 2).exp() / (2 * arb.pi()).sqrt()

        return acb.integral(density, acb(-1), acb(1)).real

    name = "P(|w| < 1)"
    yield "erf(1/√2)", enclose(closed_form, claimed=claimed, name=name)
    yield "the integral of the density", enclose(integral, claimed=claimed, name=name)
    yield "more than half", enclose(closed_form, claimed=(most, 1), name=name)


@jaxgrad.claim("|w σ'(z)| < 1/4 when |w| < 1", source="A8: a factor of the product")
def factor(quarter: Fraction = _QUARTER, weight: int = 1) -> Parts:
    """σ(z) is some s of (0, 1), and σ'(z) is s(1 − s).

    Args:
        quarter: the bound of the factor.
        weight: the bound of |w|.
    """
    strict = decide(
        lambda w, s: abs(w * s * (1 - s)) < quarter,
        lambda w, s: [abs(w) < weight, s > 0, s < 1],
    )
    yield "|w s(1 − s)| < 1/4 for |w| < 1 and s in (0, 1)", strict
