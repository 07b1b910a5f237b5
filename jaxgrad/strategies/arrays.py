"""Strategies of arrays, of their shapes, and of pytrees of arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxgrad.errors import ArgumentError
from jaxgrad.strategies.floats import finite_floats, require_bound
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["LARGEST", "arrays", "pytrees", "shapes"]

LARGEST = 8.0
"""What values are drawn up to: |N(0, 1)| is larger with probability erfc(8/√2) < 1.3e−15."""


def shapes(
    *, sizes: Sequence[int] = (1, 3, 4), min_dims: int = 0, max_dims: int = 2
) -> SearchStrategy[tuple[int, ...]]:
    """Shapes whose every axis has one of a few sizes.

    ``jax.jit`` compiles once for each shape, so that a hundred examples of free sizes are a hundred
    compilations. Here there are Σ_d |sizes|^d shapes, 13 by default, and later examples reuse what
    earlier ones have compiled.

    Args:
        sizes: of an axis; 0 for empty arrays.
        min_dims: the smallest number of axes.
        max_dims: the largest.

    Raises:
        ArgumentError: no sizes, one that is no integer >= 0, or numbers of axes out of order.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> find(shapes(sizes=(2, 5)), lambda shape: len(shape) == 2)
        (2, 2)

    Source: JAX's documentation of ``jax.jit``, which compiles for each shape.
    """
    if not isinstance(sizes, Sequence) or not sizes or not all(map(_is_size, sizes)):
        raise ArgumentError(f"sizes is {sizes!r:.60}: pass some integers >= 0, such as (1, 3)")
    if not (_is_size(min_dims) and _is_size(max_dims) and min_dims <= max_dims):
        raise ArgumentError(
            f"min_dims={min_dims!r:.40}, max_dims={max_dims!r:.40}: pass integers with "
            "0 <= min_dims <= max_dims"
        )
    st = hypothesis_strategies()
    axes = st.lists(st.sampled_from(list(sizes)), min_size=min_dims, max_size=max_dims)
    return axes.map(tuple)


def _is_size(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 0


def arrays(
    shape: tuple[int, ...] | SearchStrategy[tuple[int, ...]],
    dtype: DTypeLike = "float32",
    *,
    largest: float | None = LARGEST,
) -> SearchStrategy[np.ndarray]:
    """NumPy arrays of this shape, each element one of ``finite_floats``.

    Of other dtypes the elements are integers, booleans, or complex numbers of two such floats.

    Args:
        shape: of the arrays; () gives arrays without axes. Or a strategy, such as ``shapes()``.
        dtype: any dtype of numbers that JAX has.
        largest: draw only |x| <= largest, of complex numbers for either part; None is the largest
            finite number of the dtype.

    Raises:
        ArgumentError: the shape is none, the dtype is none of numbers, or largest is negative or
            NaN.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> find(arrays((2, 3)), lambda drawn: True).shape
        (2, 3)

    Source: claim E1.
    """
    elements, st = _elements(dtype, largest), hypothesis_strategies()

    def of_shape(sizes: Any) -> SearchStrategy[np.ndarray]:
        size = math.prod(_checked_shape(sizes))
        drawn = st.lists(elements, min_size=size, max_size=size)
        return drawn.map(lambda values: np.array(values, dtype).reshape(sizes))

    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(of_shape)  # pyright: ignore
    return of_shape(_checked_shape(shape))


def _checked_shape(shape: Any) -> tuple[int, ...]:
    """The shape, whether it is given or drawn by a strategy of the caller's."""
    if not isinstance(shape, tuple | list) or not all(map(_is_size, shape)):
        raise ArgumentError(
            f"shape is {shape!r:.60}: pass a tuple of integers >= 0, such as (3,), or a strategy, "
            "such as shapes()"
        )
    return tuple(shape)


def pytrees(tree: Any, *, largest: float | None = LARGEST) -> SearchStrategy[Any]:
    """Pytrees of arrays: the same containers, with an array drawn in place of each leaf.

    Args:
        tree: dicts, lists, tuples and the like, whose leaves are pairs (shape, dtype), or have a
            shape and a dtype themselves: ``jax.ShapeDtypeStruct``, arrays.
        largest: as for :func:`arrays`, of every leaf.

    Raises:
        ArgumentError: a leaf is neither, or as :func:`arrays` does.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> layer = {"w": ((2, 3), "float32"), "b": jax.ShapeDtypeStruct((2,), "bfloat16")}
        >>> drawn = find(pytrees(layer), lambda tree: True)
        >>> drawn["w"].shape, drawn["b"].dtype.name
        ((2, 3), 'bfloat16')

    Source: JAX's documentation of pytrees.
    """
    paths, structure = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_pair)
    leaves = [arrays(*_described(path, leaf), largest=largest) for path, leaf in paths]
    drawn = hypothesis_strategies().tuples(*leaves)
    return drawn.map(lambda found: jax.tree.unflatten(structure, found))


def _is_pair(node: Any) -> bool:
    """(shape, dtype): a tuple of integers, and what names a dtype."""
    if type(node) is not tuple or len(node) != 2 or not isinstance(node[0], tuple):
        return False
    return all(isinstance(n, int) for n in node[0]) and isinstance(node[1], str | type | np.dtype)


def _described(path: Any, leaf: Any) -> tuple[tuple[int, ...], Any]:
    if _is_pair(leaf):
        return leaf
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        return tuple(leaf.shape), leaf.dtype
    raise ArgumentError(
        f"pytrees: the leaf {jax.tree_util.keystr(path) or 'itself'} is {leaf!r:.60}; give a pair "
        "of a shape and a dtype, such as ((3, 4), 'float32'), a jax.ShapeDtypeStruct or an array"
    )


def _elements(dtype: Any, largest: float | None) -> SearchStrategy[Any]:
    st = hypothesis_strategies()
    require_bound(largest)
    try:
        kind = None if jnp.issubdtype(dtype, jax.dtypes.extended) else np.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or not (kind.kind == "b" or jnp.issubdtype(kind, jnp.number)):
        raise ArgumentError(f"dtype {dtype!r:.60} is none of numbers: pass float32, int32, ...")
    if jnp.issubdtype(kind, jnp.complexfloating):
        part = finite_floats(np.dtype(f"float{kind.itemsize * 4}"), largest=largest)
        return st.builds(complex, part.map(float), part.map(float))
    if jnp.issubdtype(kind, jnp.integer):
        limits = jnp.iinfo(kind)
        if largest is None or largest >= limits.max:
            return st.integers(int(limits.min), int(limits.max))
        bound = math.floor(largest)
        return st.integers(max(int(limits.min), -bound), bound)
    return st.booleans() if kind.kind == "b" else finite_floats(kind, largest=largest)
