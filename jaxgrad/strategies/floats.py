"""Strategies of floats: every finite one, and those at which programs go wrong."""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxgrad.errors import ArgumentError
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = [
    "finite_floats",
    "floating_dtype",
    "floats_that_matter",
    "is_real",
    "require_bound",
    "values_that_matter",
]


def finite_floats(
    dtype: DTypeLike, *, largest: float | None = None, allow_subnormal: bool = True
) -> SearchStrategy[np.generic]:
    """Every finite float of a dtype, as a NumPy scalar of that dtype.

    Args:
        dtype: any floating dtype that JAX has, bfloat16 and the 8-bit ones included.
        largest: draw only |x| <= largest; None is the largest finite float.
        allow_subnormal: whether to draw what most devices flush to zero.

    Raises:
        ArgumentError: the dtype is not floating, or largest is negative or NaN.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> float(find(finite_floats("bfloat16"), lambda x: x > 2))
        3.0

    Source: claims A6 and F6, whose statements are about floats.
    """
    st = hypothesis_strategies()
    target = floating_dtype(dtype)
    require_bound(largest)
    limits = jnp.finfo(target)
    bound = float(limits.max) if largest is None else min(float(largest), float(limits.max))

    def accepted(x: Any) -> bool:
        if not math.isfinite(x) or abs(float(x)) > bound:
            return False  # rounding to a narrow dtype may step over the bound
        return allow_subnormal or x == 0 or abs(float(x)) >= float(limits.tiny)

    # A double holds every float of every narrower dtype, and rounding one gives each of them.
    width = 64 if target.itemsize == 8 else 32
    bound_drawn = bound if width == 64 else _below(bound)
    drawn = st.floats(-bound_drawn, bound_drawn, width=width)
    return drawn.map(target.type).filter(accepted)


def floats_that_matter(
    dtype: DTypeLike, *, allow_subnormal: bool = True
) -> SearchStrategy[np.generic]:
    """Those of :func:`values_that_matter`, which shrink towards the first ones.

    Args:
        dtype: any floating dtype with a zero.
        allow_subnormal: whether to draw what most devices flush to zero.

    Raises:
        ArgumentError: the dtype is not floating, or has no zero.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> float(find(floats_that_matter("float16"), lambda x: x < 0))
        -1.0

    Source: claims A6 and F6, whose statements are about floats.
    """
    values = values_that_matter(dtype, allow_subnormal=allow_subnormal)
    return hypothesis_strategies().sampled_from(values)


def values_that_matter(dtype: DTypeLike, *, allow_subnormal: bool = True) -> list[Any]:
    """The finite floats at which the arithmetic of a dtype changes, the simplest ones first.

    All are derived from ``jnp.finfo``: zeros of both signs, ±1 and its neighbours, powers of two,
    the largest and the least normal float with their neighbours, the least subnormal one, and those
    next to log(max), log(tiny), log(eps), √max, √tiny, 1/max and the like, where exp, the sum 1 +
    eˣ, a square or a reciprocal overflows, underflows or is absorbed.

    Args:
        dtype: any floating dtype with a zero.
        allow_subnormal: whether to have what most devices flush to zero.

    Raises:
        ArgumentError: the dtype is not floating, or has no zero.

    Example:
        >>> [float(x) for x in values_that_matter("float32")[:7]]
        [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5]
        >>> len(values_that_matter("bfloat16"))
        128

    Source: IEEE 754, whose limits they are.
    """
    target = floating_dtype(dtype)
    if float(np.zeros((), target)) != 0:
        raise ArgumentError(f"dtype {target.name} has no zero: pass float32, bfloat16, ...")
    limits = jnp.finfo(target)
    largest, tiny = float(limits.max), float(limits.tiny)
    found: dict[bytes, Any] = {}
    made: Any = target.type
    for size in _sizes(target):
        if size > largest:
            continue
        for value in (size, -size):
            x = made(value)
            size_of_x = abs(float(x))
            if math.isfinite(size_of_x) and (allow_subnormal or not 0 < size_of_x < tiny):
                found.setdefault(np.asarray(x).tobytes(), x)
    return list(found.values())


def _sizes(target: np.dtype) -> Iterator[float]:
    """Magnitudes, with repetitions."""
    limits = jnp.finfo(target)
    largest, tiny, eps = float(limits.max), float(limits.tiny), float(limits.eps)
    least = float(limits.smallest_subnormal)
    yield from (0.0, 1.0, 2.0, 0.5)
    yield from _with_neighbours(target, 1.0)
    yield from _powers_of_two(int(limits.nmant), least, largest)
    yield from (least, largest, tiny)
    for border in (largest, tiny):
        yield from _with_neighbours(target, border)
    # exp(x) overflows beyond log(max), is subnormal below log(tiny) and 0 below log(least);
    # 1 + exp(x) is 1 below log(eps).
    thresholds = [abs(math.log(x)) for x in (largest, tiny, least, eps)]
    # x·x overflows beyond √max, and is subnormal or 0 below √tiny and √least; 1 + x² is 1 below
    # √eps.
    thresholds += [math.sqrt(x) for x in (largest, tiny, least, eps)]
    # 1/x is subnormal beyond 1/tiny, and overflows below 1/max.
    thresholds += [1 / x for x in (largest, tiny)]
    for threshold in thresholds:
        yield from _with_neighbours(target, threshold)


def _powers_of_two(digits: int, least: float, largest: float) -> Iterator[float]:
    """Those near 1, where digits are lost, and ever fewer towards the ends of the exponents."""
    top, bottom = (math.frexp(end)[1] - 1 for end in (largest, least))
    for k in range(1, max(top, -bottom) + 1):
        near = k <= digits + 2
        if near or k & (k - 1) == 0 or k in (top, -bottom):
            yield from (2.0**sign for sign in (k, -k) if bottom <= sign <= top)


def _with_neighbours(target: np.dtype, value: float) -> Iterator[float]:
    """The nearest float and those beside it, 0 and infinity left out."""
    if not 0 < value <= float(jnp.finfo(target).max):
        return
    x = target.type(value)
    for y in (x, np.nextafter(x, target.type(0)), _next_up(x, target)):
        if y != 0 and math.isfinite(y):
            yield float(y)


def _next_up(x: Any, target: np.dtype) -> Any:
    limit = jnp.finfo(target).max
    return x if x >= limit else np.nextafter(x, target.type(limit))


def floating_dtype(dtype: Any) -> np.dtype:
    """The dtype.

    Raises:
        ArgumentError: it is not floating.
    """
    found = None
    with contextlib.suppress(TypeError):  # of what names no dtype
        found = np.dtype(dtype) if jnp.issubdtype(dtype, jnp.floating) else None
    if found is None:
        raise ArgumentError(f"dtype {dtype!r:.60} is not floating: pass float32, bfloat16, ...")
    return found


def is_real(value: Any) -> bool:
    """Whether it is a real number of Python or NumPy."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def require_bound(largest: Any) -> None:
    """Accepts a bound of sizes, or None.

    Raises:
        ArgumentError: it is negative, NaN or no number.
    """
    if largest is not None and not (is_real(largest) and largest >= 0):
        raise ArgumentError(f"largest is {largest!r:.60}: pass a bound >= 0, or None")


def _below(bound: float) -> float:
    """The largest float32 that is not above bound."""
    rounded = np.float32(bound)
    return float(rounded if rounded <= bound else np.nextafter(rounded, np.float32(0)))
