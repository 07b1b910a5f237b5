"""Floats in order: every float of a dtype has a number, its neighbours the next ones.

The number of ±0 is 0, that of the least positive float 1, that of −x the negative one of x's; an
infinity comes after the largest float.  How many floats apart two numbers are is the difference.
"""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from flint import arb

from jaxgrad.evidence.float_formats import UNSIGNED, Float, Format, bits_of

__all__ = ["exact_doubles", "ordinal", "ordinals", "rounded_ball", "rounded_doubles"]

# Of a float64: explicit bits of the mantissa, and what its exponents are stored with.
_MANTISSA, _BIAS = 52, 1023


def _mantissa(format: Format) -> int:
    """Bits of the mantissa that are stored."""
    return int(ml_dtypes.finfo(format.dtype).nmant)


def _least_exponent(format: Format) -> int:
    """e of the least normal number 2^e."""
    return int(ml_dtypes.finfo(format.dtype).minexp)


def _offset(format: Format) -> int:
    """By how much the pattern of a float64, cut to this mantissa, exceeds that of the float."""
    return (_BIAS - 1 + _least_exponent(format)) << _mantissa(format)


def exact_doubles(format: Format, bits: jax.Array) -> jax.Array:
    """Floats as float64, made of their bits: XLA converts subnormal ones to 0.

    Args:
        format: of the floats.
        bits: their patterns, uint32 of shape (n,); of no NaN.

    Example:
        >>> with jax.enable_x64(True):
        ...     x = exact_doubles(Format(np.dtype("float32")), jnp.array([1, 0x3f800000], "uint32"))
        >>> x.tolist() == [2.0**-149, 1.0]
        True
    """
    magnitude = (bits & format.magnitude).astype(jnp.uint64)
    shift = _MANTISSA - _mantissa(format)
    normal = jax.lax.bitcast_convert_type((magnitude + _offset(format)) << shift, jnp.float64)
    unit = 2.0 ** (_least_exponent(format) - _mantissa(format))
    small = magnitude.astype(jnp.float64) * unit
    x = jnp.where(magnitude < format.first_normal, small, normal)
    if format.infinity is not None:
        x = jnp.where(magnitude == format.infinity, jnp.inf, x)
    return jnp.where((bits & np.uint32(format.sign)) != 0, -x, x)


def ordinals(format: Format, y: jax.Array) -> jax.Array:
    """The numbers of floats that are not NaN, int64.

    Args:
        format: of the floats.
        y: the floats, of shape (n,).

    Example:
        >>> with jax.enable_x64(True):
        ...     y = jnp.array([-0.0, 1.0, -1.0], "float16")
        ...     ordinals(Format(np.dtype("float16")), y).tolist()
        [0, 15360, -15360]
    """
    bits = jax.lax.bitcast_convert_type(y, UNSIGNED[format.bits]).astype(jnp.uint32)
    magnitude = (bits & format.magnitude).astype(jnp.int64)
    return jnp.where((bits & np.uint32(format.sign)) != 0, -magnitude, magnitude)


def rounded_doubles(format: Format, t: jax.Array) -> jax.Array:
    """The numbers of the floats that float64 round to, to nearest, ties to even.

    Args:
        format: of the floats.
        t: float64 of shape (n,), not NaN.

    Example:
        >>> with jax.enable_x64(True):
        ...     t = jnp.array([1 + 2**-11, 1 + 2**-10, 1e9, -1e-9])
        ...     rounded_doubles(Format(np.dtype("float16")), t).tolist()
        [15360, 15361, 31744, 0]
    """
    # Without a sign: processors shift such integers at once.
    stored = jax.lax.bitcast_convert_type(abs(t), jnp.uint64)
    shift = _MANTISSA - _mantissa(format)
    half, odd = (1 << (shift - 1)) - 1, (stored >> shift) & 1
    normal = ((stored + half + odd) >> shift).astype(jnp.int64) - _offset(format)
    unit = 2.0 ** (_mantissa(format) - _least_exponent(format))
    least = 2.0 ** _least_exponent(format)
    few = jnp.where(abs(t) < least, abs(t), 0.0)
    small = jnp.round(few * unit).astype(jnp.int64)
    magnitude = jnp.minimum(jnp.where(abs(t) < least, small, normal), format.last)
    return jnp.where(t < 0, -magnitude, magnitude)


def ordinal(x: Float) -> int:
    """The number of a float that is not NaN.

    Example:
        >>> ordinal(Float(np.dtype("float16"), 0xBC00))
        -15360
    """
    format = Format(x.dtype)
    magnitude = x.bits & int(format.magnitude)
    return -magnitude if x.bits & format.sign else magnitude


def ordinal_of(y: np.ndarray) -> int:
    """The number of what a function returned, of shape ()."""
    return ordinal(Float(y.dtype, int(bits_of(y))))


def rounded_ball(format: Format, t: arb) -> tuple[int, int]:
    """The numbers of the floats that the ends of a ball round to, to nearest, ties to even.

    Args:
        format: of the floats.
        t: a ball, finite, or exactly an infinity.

    Example:
        >>> rounded_ball(Format(np.dtype("float16")), arb(1) / 3)
        (13653, 13653)
    """
    if not t.is_finite():
        end = format.last if t > 0 else -format.last
        return end, end
    return _rounded_end(format, t.lower()), _rounded_end(format, t.upper())


def _rounded_end(format: Format, end: arb) -> int:
    mantissa, exponent = map(int, end.man_exp())
    above = abs(mantissa).bit_length() + exponent  # the end is below 2 to this power
    sign = -1 if mantissa < 0 else 1
    # As a fraction it would not fit into memory.
    if mantissa == 0 or above < _least_exponent(format) - _mantissa(format) - 1:
        return 0
    if above > 2 - _least_exponent(format) + 2 * _mantissa(format):
        return sign * format.last
    return _rounded(format, Fraction(mantissa) * Fraction(2) ** exponent)


def _rounded(format: Format, t: Fraction) -> int:
    size, least, mantissa = abs(t), _least_exponent(format), _mantissa(format)
    if size < Fraction(2) ** least:
        magnitude = round(size * Fraction(2) ** (mantissa - least))
    else:
        exponent = _exponent(size)
        # 2^e has the pattern (e − least + 1)·2^mantissa, and units follow one another from there.
        units = round(size * Fraction(2) ** (mantissa - exponent))
        magnitude = ((exponent - least) << mantissa) + units
    return min(magnitude, format.last) * (-1 if t < 0 else 1)


def _exponent(size: Fraction) -> int:
    """e with 2^e ≤ size < 2^(e + 1)."""
    e = size.numerator.bit_length() - size.denominator.bit_length()
    return e if Fraction(2) ** e <= size else e - 1
