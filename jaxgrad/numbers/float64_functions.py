"""Elementary functions in float64 by nothing but +, −, ×, ÷ and √, with proved errors.

What a backend computes for e^x nobody has bounded.  Of these each is a polynomial on a small
interval, to which its argument is reduced, and its error is bounded by counting roundings, of which
each is of relative size u = 2⁻⁵³ at most, fused with another or not.  What is below 2⁻¹⁰²² may be
taken for 0, before and after each operation: that is not counted, and is at most 2⁻¹⁰²¹ altogether.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, ctx

__all__ = [
    "ERRORS",
    "atan",
    "cos",
    "exp",
    "expm1",
    "log",
    "log1p",
    "logistic",
    "sin",
    "split",
    "tanh",
]

ERRORS: dict[str, float] = {
    "exp": 2.0**-50,
    "expm1": 2.0**-48,
    "log": 2.0**-49,
    "log1p": 2.0**-49,
    "logistic": 2.0**-49,
    "tanh": 2.0**-46,
    "sin": 2.0**-49,
    "cos": 2.0**-49,
    "atan": 2.0**-49,
}
"""The largest relative error of each, of what is no smaller than 2⁻¹⁰²²."""

_LARGEST = float(np.finfo(np.float64).max)


def split(value: arb, bits: int) -> tuple[float, arb]:
    """A number of some bits, and what is left of the value."""
    _, exponent = math.frexp(float(value))
    unit = Fraction(2) ** (exponent - bits)
    head = float(round(Fraction(float(value)) / unit) * unit)
    return head, value - arb(head)


def _constants() -> dict[str, float]:
    """log 2 and π/2 in parts of which a multiple by a whole number is exact."""
    before, ctx.prec = ctx.prec, 300
    try:
        log2_head, log2_rest = split(arb(2).log(), 32)
        first, rest = split(arb.pi() / 2, 33)
        second, rest = split(rest, 33)
        return {
            "log2_head": log2_head, "log2_tail": float(log2_rest), "log2": float(arb(2).log()),
            "quarter": first, "quarter_2": second, "quarter_3": float(rest),
            "half_pi": float(arb.pi() / 2),
        }  # fmt: skip
    finally:
        ctx.prec = before


_OF = _constants()
_ROOT_HALF = math.sqrt(0.5)
_EIGHTH = math.tan(math.pi / 8)


def _compiled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Traced once for each shape, wherever it is called."""
    return functools.wraps(function)(jax.jit(function))


def _horner(x: Any, coefficients: list[float]) -> Any:
    result = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result * x + coefficient
    return result


def _power_of_two(k: Any) -> Any:
    """2^k of whole numbers −1022 ≤ k ≤ 1023."""
    return jax.lax.bitcast_convert_type((k.astype(jnp.int64) + 1023) << 52, jnp.float64)


# e^r = 1 + r(1 + r/2 + …): of |r| ≤ 0.347 the remainder of degree 13 is below 2⁻⁵⁷.
_EXP = [1 / math.factorial(k + 1) for k in range(13)]


def _exp_reduced(x: Any) -> tuple[Any, Any]:
    """k and r = x − k log 2, of |r| ≤ 0.347; r is wrong by 2⁻⁵³ at most.

    k log2_head is exact, and so is its difference from x: either is at most twice the other.
    """
    k = jnp.round(x * (1 / _OF["log2"]))
    return k, (x - k * _OF["log2_head"]) - k * _OF["log2_tail"]


@_compiled
def exp(x: Any) -> Any:
    """e^x.  1 + r·q has errors of u for the sum, 0.35·3u for the product and 2⁻⁵³ for r: 8u in all.

    Above the largest float it is that: no more than e^x.
    """
    k, r = _exp_reduced(jnp.clip(x, -800.0, 710.0))
    half = jnp.floor(k * 0.5)
    value = (1 + r * _horner(r, _EXP)) * _power_of_two(half) * _power_of_two(k - half)
    return jnp.where(x > 709.5, jnp.where(jnp.isinf(value), _LARGEST, value), value)


def _exp_of_negative(x: Any) -> Any:
    """e^x of x ≤ 0, as above; below 2⁻¹⁰²² it is that."""
    k, r = _exp_reduced(jnp.maximum(x, -708.39))
    return (1 + r * _horner(r, _EXP)) * _power_of_two(k)


@_compiled
def expm1(x: Any) -> Any:
    """e^x − 1: by the same series near 0, and where |x| > 0.34 by e^x, of which 3.5 times the error
    is that of the difference: 32u."""
    small = abs(x) <= 0.34
    near = jnp.where(small, x, 0.0)
    return jnp.where(small, near * _horner(near, _EXP), exp(x) - 1)


# log((1 + s)/(1 − s)) = 2s(1 + s²/3 + s⁴/5 + …): of |s| ≤ 0.172 the rest is below 2⁻⁵⁹.
_LOG = [2 / (2 * k + 1) for k in range(12)]


def _of_quotient(s: Any) -> Any:
    return s * _horner(s * s, _LOG)


def _parts(x: Any) -> tuple[Any, Any]:
    """e and m with x = m 2^e, √½ ≤ m < √2."""
    bits = jax.lax.bitcast_convert_type(x, jnp.int64)
    exponent = (bits >> 52) - 1022
    m = jax.lax.bitcast_convert_type((bits & ((1 << 52) - 1)) | (1022 << 52), jnp.float64)
    low = m < _ROOT_HALF
    return (exponent - low).astype(jnp.float64), jnp.where(low, 2 * m, m)


@_compiled
def log(x: Any) -> Any:
    """log x = e log 2 + log m.  s = (m − 1)/(m + 1) is wrong by 3u, and the sum nowhere less than a
    half of either: 16u.  NaN below 2⁻¹⁰²²."""
    e, m = _parts(jnp.where(x >= 2.0**-1022, x, 1.0))
    value = e * _OF["log2_head"] + (e * _OF["log2_tail"] + _of_quotient((m - 1) / (m + 1)))
    return jnp.where(x >= 2.0**-1022, jnp.where(jnp.isinf(x), jnp.inf, value), jnp.nan)


@_compiled
def log1p(x: Any) -> Any:
    """log(1 + x): near 0 by s = x/(2 + x), and else by log, where rounding 1 + x is 4u of it."""
    small = (x > -0.29) & (x < 0.41)
    near = jnp.where(small, x, 0.0)
    return jnp.where(small, _of_quotient(near / (2 + near)), log(1 + x))


@_compiled
def logistic(x: Any) -> Any:
    """1/(1 + e^−x), of e^−|x|: 16u."""
    e = _exp_of_negative(-abs(x))
    return jnp.where(x >= 0, 1.0, e) / (1 + e)


@_compiled
def tanh(x: Any) -> Any:
    """tanh |x| = −t/(t + 2) of t = e^(−2|x|) − 1: twice 32u and some."""
    t = expm1(-2 * abs(x))
    return jnp.sign(x) * (-t / (t + 2))


# Of |r| ≤ 0.79 what is left of either series is below 2⁻⁶³ of it.
_SIN = [(-1) ** k / math.factorial(2 * k + 1) for k in range(10)]
_COS = [(-1) ** k / math.factorial(2 * k) for k in range(11)]
_FARTHEST = 2.0**19


def _turned(x: Any, quarters: int) -> Any:
    """sin(x + quarters π/2); NaN of |x| > 2¹⁹, and beside a multiple k of π/2 by |k| 2⁻⁶⁴ or less.

    k times the first two parts of π/2 is exact, and so is the first difference; the second is
    where it is small, and is rounded by u of itself elsewhere.  The third is wrong by |k| 2⁻¹¹⁸
    besides its rounding, so that r is wrong by 4u of itself at most, and so is sin r; cos r of
    |r| ≤ 0.79 is by less: with the series 16u.
    """
    x = jnp.where(abs(x) <= _FARTHEST, x, jnp.nan)
    k = jnp.round(x * (1 / _OF["half_pi"]))
    r = ((x - k * _OF["quarter"]) - k * _OF["quarter_2"]) - k * _OF["quarter_3"]
    r = jnp.where(abs(r) >= abs(k) * 2.0**-64, r, jnp.nan)
    turn = k.astype(jnp.int64) + quarters
    square = r * r
    value = jnp.where(turn & 1 == 0, r * _horner(square, _SIN), _horner(square, _COS))
    return jnp.where(turn & 2 == 0, value, -value)


@_compiled
def sin(x: Any) -> Any:
    """sin x."""
    return _turned(x, 0)


@_compiled
def cos(x: Any) -> Any:
    """cos x = sin(x + π/2)."""
    return _turned(x, 1)


# atan y = y(1 − y²/3 + y⁴/5 − …): of |y| ≤ 0.4143 the rest is below 2⁻⁵⁷.
_ATAN = [(-1) ** k / (2 * k + 1) for k in range(22)]


@_compiled
def atan(x: Any) -> Any:
    """atan x: of a = |x| by π/2 − atan(1/a) if a > tan 3π/8, π/4 + atan((a − 1)/(a + 1)) if
    a > tan π/8, and else the series.  a − 1 is exact near 1, and each sum more than 0.39: 16u."""
    a = abs(x)
    far, near = a > 1 / _EIGHTH, a <= _EIGHTH
    y = jnp.where(far, -1 / jnp.where(far, a, 1.0), jnp.where(near, a, (a - 1) / (a + 1)))
    start = jnp.where(far, _OF["half_pi"], jnp.where(near, 0.0, _OF["half_pi"] / 2))
    return jnp.sign(x) * (start + y * _horner(y * y, _ATAN))
