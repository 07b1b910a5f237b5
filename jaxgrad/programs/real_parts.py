"""Functions of complex numbers as functions of the real and imaginary parts of these.

A function from Cⁿ to Cᵐ is differentiated by JAX as one of real numbers from R²ⁿ to R²ᵐ, whether
or not it is holomorphic: that is what is judged.  Tangents are complex numbers, and a cotangent u
of JAX stands for the functional w ↦ Re(uw), so that the gradient of a real function f(x + iy) is
∂f/∂x − i ∂f/∂y.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["Parts", "are_complex", "has_parts", "is_parts", "of_parts", "parted", "returns_complex"]


@functools.partial(jax.tree_util.register_dataclass, data_fields=("real", "imag"), meta_fields=())
@dataclass(frozen=True)
class Parts:
    """A complex array as two real ones.

    Args:
        real: the real part.
        imag: the imaginary part.

    Example:
        >>> [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(Parts(1.0, 2.0))]
        ['.real', '.imag']
    """

    real: Any
    imag: Any


def is_parts(node: Any) -> bool:
    """Whether a part of a tree is a complex array in parts."""
    return isinstance(node, Parts)


def _is_complex(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return (
        isinstance(value, complex) if dtype is None else jnp.issubdtype(dtype, jnp.complexfloating)
    )


def parted(args: Sequence[Any]) -> tuple[Any, ...]:
    """The arguments with :class:`Parts` in place of complex arrays.

    Example:
        >>> parted((1.0, np.complex64(2 + 3j)))
        (1.0, Parts(real=np.float32(2.0), imag=np.float32(3.0)))
    """

    def leaf(value: Any) -> Any:
        if not _is_complex(value):
            return value
        array = np.asarray(value)[()]
        return Parts(np.real(array), np.imag(array))

    return (
        jax.tree.map(leaf, tuple(args))
        if any(map(_is_complex, jax.tree.leaves(args)))
        else tuple(args)
    )


def has_parts(args: Sequence[Any]) -> bool:
    """Whether there are :class:`Parts` among the arguments."""
    return any(map(is_parts, jax.tree.leaves(tuple(args), is_leaf=is_parts)))


def are_complex(tree: Any) -> bool:
    """Whether a tree of results holds :class:`Parts`."""
    return has_parts([jax.tree.unflatten(tree, range(tree.num_leaves))])


def returns_complex(dtypes: Sequence[Any]) -> bool:
    """Whether some of the dtypes of results are complex."""
    return any(jnp.issubdtype(dtype, jnp.complexfloating) for dtype in dtypes)


def of_parts(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one of arguments that hold :class:`Parts`, which returns these as well.

    Args:
        function: of complex numbers, or that returns some.

    Example:
        >>> print(of_parts(lambda z: z * z)(Parts(1.0, 2.0)).real)
        -3.0
    """
    if not callable(function):
        return function

    @functools.wraps(function)
    def in_parts(*args: Any) -> Any:
        joined = jax.tree.map(
            lambda node: _joined(node) if is_parts(node) else node, args, is_leaf=is_parts
        )
        return jax.tree.map(_split, function(*joined))

    return in_parts


def _joined(parts: Parts) -> Any:
    real, imag = parts.real, parts.imag
    if all(isinstance(part, np.ndarray | np.generic) for part in (real, imag)):
        joined = np.empty(np.shape(real), np.result_type(real, np.complex64))
        joined.real, joined.imag = real, imag
        return joined[()]
    return lax.complex(*map(jnp.asarray, (real, imag)))


def _split(value: Any) -> Any:
    return Parts(jnp.real(value), jnp.imag(value)) if _is_complex(value) else value
