"""The floats of a dtype by their bits: which are NaN, infinite, subnormal or zero."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.programs.dtypes import named_dtype
from jaxgrad.programs.options import flag

__all__ = [
    "UNSIGNED",
    "Float",
    "Format",
    "bits_of",
    "float_dtypes",
    "format_of",
    "is_negative",
    "is_positive",
    "is_subnormal",
    "is_zero",
]

# The integer type whose bits are a float's, by width. Widths that are absent cannot be swept: 2^64
# values are too many, XLA has no 6-bit floats (some releases end the process when given one), and
# some releases cannot compile a program that makes 4-bit floats from integers.
UNSIGNED = {8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32}


@dataclass(frozen=True)
class Format:
    """How the bit patterns of a float dtype are divided among numbers, infinities and NaN.

    Magnitudes (the pattern without its sign) run zero, subnormals, normals, infinity, NaN.

    Args:
        dtype: the float dtype.

    Example:
        >>> Format(np.dtype("float16")).subnormals
        2046
    """

    dtype: np.dtype

    @property
    def name(self) -> str:
        """That of the dtype."""
        return self.dtype.name

    @cached_property
    def bits(self) -> int:
        """Width of a pattern."""
        return int(ml_dtypes.finfo(self.dtype).bits)

    @cached_property
    def signed(self) -> bool:
        """Whether negative numbers exist (float8_e8m0fnu has none)."""
        return float(ml_dtypes.finfo(self.dtype).min) < 0

    @cached_property
    def sign(self) -> int:
        """The pattern of the sign bit, or 0."""
        return 2 ** (self.bits - 1) if self.signed else 0

    @property
    def magnitude(self) -> np.uint32:
        """The mask that takes the sign bit away."""
        return np.uint32(2**self.bits - 1 - self.sign)

    @cached_property
    def infinity(self) -> int | None:
        """The pattern of +infinity, or None where the dtype has none."""
        after = self._largest_finite + 1
        if after < (self.sign or 2**self.bits) and np.isinf(float(self.value(after))):
            return after
        return None

    @cached_property
    def last(self) -> int:
        """The largest magnitude that is not NaN."""
        return self._largest_finite if self.infinity is None else self.infinity

    @cached_property
    def one_zero(self) -> bool:
        """Whether the pattern of -0 means NaN (the dtypes whose name ends in fnuz)."""
        return self.signed and bool(np.isnan(float(self.value(self.sign))))

    @cached_property
    def first_normal(self) -> int:
        """The pattern of the smallest positive normal number."""
        return int(bits_of(np.asarray(ml_dtypes.finfo(self.dtype).smallest_normal, self.dtype)))

    @cached_property
    def has_zero(self) -> bool:
        """Whether pattern 0 is zero (in float8_e8m0fnu it is the smallest power of two)."""
        return float(self.value(0)) == 0.0

    @property
    def _largest_finite(self) -> int:
        return int(bits_of(np.asarray(ml_dtypes.finfo(self.dtype).max, self.dtype)))

    @property
    def _signs(self) -> int:
        return 2 if self.signed else 1

    @property
    def numbers(self) -> int:
        """How many patterns are not NaN."""
        return self._signs * (self.last + 1) - self.one_zero

    @property
    def nans(self) -> int:
        """How many patterns are NaN."""
        return 2**self.bits - self.numbers

    @property
    def infinities(self) -> int:
        """How many patterns are infinite."""
        return 0 if self.infinity is None else self._signs

    @property
    def zeros(self) -> int:
        """How many patterns are zero: 2, 1 or 0."""
        return self._signs - self.one_zero if self.has_zero else 0

    @property
    def subnormals(self) -> int:
        """How many patterns are subnormal."""
        return self._signs * (self.first_normal - 1) if self.has_zero else 0

    def value(self, bits: int) -> Any:
        """The float with these bits, as a NumPy scalar."""
        return np.asarray(bits, _container(self.dtype)).view(self.dtype)[()]

    def is_nan(self, bits: jax.Array) -> jax.Array:
        """Which patterns (uint32) are NaN, decided on the integers."""
        beyond = (bits & self.magnitude) > self.last
        return beyond | (bits == np.uint32(self.sign)) if self.one_zero else beyond


@dataclass(frozen=True)
class Float:
    """One float, known by its bits.

    Args:
        dtype: the float dtype.
        bits: its pattern.

    Raises:
        ArgumentError: these are none.

    Example:
        >>> Float(np.dtype("float16"), 0x3C00).exact, Float(np.dtype("float16"), 0x3C00).python
        (Fraction(1, 1), 'np.asarray(0x3c00, np.uint16).view(np.float16)[()]')
    """

    dtype: np.dtype
    bits: int

    def __post_init__(self) -> None:
        if not (isinstance(self.dtype, np.dtype) and isinstance(self.bits, int | np.integer)):
            raise ArgumentError(
                f"Float: dtype is {self.dtype!r:.60} and bits are {self.bits!r:.60}; give a dtype "
                "and an integer, such as Float(np.dtype('float16'), 0x3c00)"
            )

    @property
    def value(self) -> Any:
        """The float as a NumPy scalar."""
        return Format(self.dtype).value(self.bits)

    @property
    def exact(self) -> Fraction:
        """Its exact rational value.

        Raises:
            ArgumentError: it is infinite or NaN.
        """
        if not np.isfinite(float(self.value)):
            raise ArgumentError(f"{self} is no rational number: ask for `value` instead of `exact`")
        return Fraction(float(self.value))

    @property
    def python(self) -> str:
        """An expression that rebuilds it from its bits, given np and ml_dtypes."""
        module = "np" if hasattr(np, self.dtype.name) else "ml_dtypes"
        width = (Format(self.dtype).bits + 3) // 4 + 2
        return (
            f"np.asarray({self.bits:#0{width}x}, np.{_container(self.dtype).name})"
            f".view({module}.{self.dtype.name})[()]"
        )

    def code(self, call: str, asserted: str | None = None) -> str:
        """Python that evaluates a function at this float.

        Args:
            call: Python of the function.
            asserted: Python of x and y that is true there; both are printed if None.

        Example:
            >>> print(Float(np.dtype("float16"), 0x3C00).code("jnp.sin", "y < x"))
            import jax, jax.numpy as jnp, ml_dtypes, numpy as np
            x = np.asarray(0x3c00, np.uint16).view(np.float16)[()]  # 1.0
            y = jnp.sin(jnp.asarray(x))
            assert y < x
        """
        return (
            "import jax, jax.numpy as jnp, ml_dtypes, numpy as np\n"
            f"x = {self.python}  # {float(self.value)!r}\n"
            f"y = {call}(jnp.asarray(x))\n"
            + ("print('at x =', x, 'y is', y)" if asserted is None else f"assert {asserted}")
        )

    def __str__(self) -> str:
        return f"{float(self.value)!r} ({self.dtype.name} bits {self.bits:#x})"


def float_dtypes(zero: bool | None = None, infinities: bool | None = None) -> tuple[np.dtype, ...]:
    """Every float dtype of this JAX that can be swept, narrowest first.

    Args:
        zero: only those that have a 0, or that have none.
        infinities: only those that have infinities, or that have none.

    Example:
        >>> [dtype.name for dtype in float_dtypes()][-3:]
        ['bfloat16', 'float16', 'float32']
        >>> [dtype.name for dtype in float_dtypes(zero=False)]
        ['float8_e8m0fnu']

    Source: claims A6, F4 and F6.
    """
    zero = flag("float_dtypes: zero", zero, default=True)
    infinities = flag("float_dtypes: infinities", infinities, default=True)
    found = set()
    for name in dir(jnp):
        if name.startswith(("float", "bfloat")) and name not in ("float_", "floating"):
            scalar = getattr(jnp, name)
            # jnp.float_ and jnp.float_power are no dtypes; float64 and 6-bit floats have no sweep.
            if isinstance(scalar, type(jnp.float32)) and _width(scalar.dtype) in UNSIGNED:
                found.add(np.dtype(scalar.dtype))
    every = sorted(found, key=lambda dtype: (_width(dtype), dtype.name))
    return tuple(
        dtype
        for dtype in every
        if zero in (None, Format(dtype).has_zero)
        and infinities in (None, Format(dtype).infinity is not None)
    )


def is_zero(x: jax.Array) -> jax.Array:
    """Which floats are exactly zero, read from the bits.

    ``x == 0`` does not tell: XLA compares a subnormal as if it were zero.

    Args:
        x: floats of any swept dtype, shape (n,).

    Example:
        >>> x = jnp.float32(1e-40)
        >>> bool(x == 0), bool(is_zero(x))
        (True, False)
    """
    format = _format_of_array(x)
    bits = _to_bits(x)
    if not format.has_zero:
        return jnp.zeros(x.shape, bool)
    return (bits == 0) if format.one_zero else (bits & format.magnitude) == 0


def is_subnormal(x: jax.Array) -> jax.Array:
    """Which floats are subnormal, read from the bits.

    Args:
        x: floats of any swept dtype, shape (n,).

    Example:
        >>> bool(is_subnormal(jnp.float32(1e-40)))
        True
    """
    format = _format_of_array(x)
    magnitude = _to_bits(x) & format.magnitude
    if not format.has_zero:
        return jnp.zeros(x.shape, bool)
    return (magnitude > 0) & (magnitude < format.first_normal)


def is_positive(x: jax.Array) -> jax.Array:
    """Which floats are > 0 as real numbers, subnormals included, read from the bits.

    Args:
        x: floats of any swept dtype, shape (n,).

    Example:
        >>> bool(jnp.float32(1e-40) > 0), bool(is_positive(jnp.float32(1e-40)))
        (False, True)
    """
    format = _format_of_array(x)
    bits = _to_bits(x)
    return ~format.is_nan(bits) & ~is_zero(x) & ((bits & np.uint32(format.sign)) == 0)


def is_negative(x: jax.Array) -> jax.Array:
    """Which floats are < 0 as real numbers, subnormals included, read from the bits.

    Args:
        x: floats of any swept dtype, shape (n,).

    Example:
        >>> bool(is_negative(jnp.float32(-1e-40))), bool(is_negative(jnp.float32(-0.0)))
        (True, False)
    """
    format = _format_of_array(x)
    bits = _to_bits(x)
    return ~format.is_nan(bits) & ~is_zero(x) & ((bits & np.uint32(format.sign)) != 0)


def format_of(dtype: Any) -> Format:
    """The format of a dtype that can be swept.

    Args:
        dtype: a dtype, a scalar type or a name.

    Raises:
        ArgumentError: it is no float dtype, or one of a width that cannot be swept.

    Example:
        >>> format_of(jnp.bfloat16).nans
        254
    """
    which = named_dtype(dtype)
    if which is not None and which.kind == "c":
        raise ArgumentError(
            f"{which.name} is complex, and what is swept are all floats of a dtype; sweep a "
            f"function of a real number, in one of {_names()}"
        )
    try:
        width = None if which is None else _width(which)
    except (TypeError, ValueError):
        width = None
    if which is None or width is None:
        raise ArgumentError(f"{dtype!r:.60} is no float dtype; take one of {_names()}")
    if width not in UNSIGNED:
        why = "has too many values" if width > 32 else "is a width that XLA cannot compute with"
        raise ArgumentError(f"{which.name} {why}; take one of {_names()}")
    return Format(which)


def _format_of_array(x: Any) -> Format:
    if not isinstance(x, jax.Array | np.ndarray | np.generic):
        raise ArgumentError(
            f"{x!r:.60} is no array of floats, whose bits could be read; give one of a dtype: "
            "jnp.float32(x), or jnp.asarray(x)"
        )
    return format_of(x.dtype)


def _names() -> str:
    return ", ".join(dtype.name for dtype in float_dtypes())


def _width(dtype: Any) -> int:
    return int(ml_dtypes.finfo(dtype).bits)


def _container(dtype: np.dtype) -> np.dtype:
    """The NumPy integer that holds one float; narrower floats take a byte each."""
    return np.dtype(f"uint{8 * dtype.itemsize}")


def bits_of(x: np.ndarray) -> np.ndarray:
    """The patterns of floats, as unsigned integers of the same shape."""
    x = np.asarray(x)
    return x.view(_container(x.dtype)) & np.asarray(2 ** _width(x.dtype) - 1, _container(x.dtype))


def _to_bits(x: jax.Array) -> jax.Array:
    return jax.lax.bitcast_convert_type(x, UNSIGNED[_width(x.dtype)]).astype(jnp.uint32)
