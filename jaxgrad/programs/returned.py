"""What a callable returns has to be a tree of real numbers: everything else is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from jaxgrad.errors import ArgumentError
from jaxgrad.programs.trace import Leaf, is_differentiable

__all__ = ["kinds", "require_keyless", "require_numbers"]


def require_numbers(name: str, result: Any) -> None:
    """Requires real numbers and booleans in all leaves.

    Args:
        name: what to call the callable.
        result: the tree that it returned.

    Raises:
        ArgumentError: a leaf is a text, an object, a key, complex or the like.

    Example:
        >>> require_numbers("hand", {"a": 1.0, "b": "two"})
        Traceback (most recent call last):
            ...
        jaxgrad.errors.ArgumentError: hand['b'] is a value of type str, which is no array of ...
    """
    for path, value in tree_flatten_with_path(result)[0]:
        kind = _other_kind(value)
        if kind is not None:
            raise _no_numbers(f"{name}{keystr(path)}", kind)


def kinds(tree: Any) -> str:
    """The dtypes and shapes in a tree of arrays, as a jaxpr writes them.

    Example:
        >>> kinds({"w": np.ones((2, 3), np.float32), "b": (np.int32(1),)})
        "{'b': (int32[],), 'w': float32[2,3]}"
    """
    return str(jax.tree.map(_Kind, tree))


class _Kind:
    def __init__(self, leaf: Any) -> None:
        shape = ",".join(map(str, leaf.shape))
        self._text = f"{leaf.dtype.name}[{shape}]"

    def __repr__(self) -> str:
        return self._text


def require_keyless(name: str, outputs: Sequence[Leaf]) -> None:
    """As :func:`require_numbers`, of the outputs of a program, which else are numbers.

    Raises:
        ArgumentError: a leaf is a PRNG key.
    """
    for leaf in outputs:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.extended):
            raise _no_numbers(f"{name}{leaf.path}", "PRNG key")


def _no_numbers(where: str, kind: str) -> ArgumentError:
    return ArgumentError(
        f"{where} is a value of type {kind}, which is no array of numbers; return the gradient, a "
        "tree of real arrays (complex numbers as two), without names, keys and objects beside them"
    )


def _other_kind(value: Any) -> str | None:
    """What a leaf is, if it is not made of real numbers."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.extended):
        return "PRNG key"
    array = np.asarray(value)
    if array.dtype == jax.dtypes.float0 or array.dtype.kind in "biuf":
        return None
    if is_differentiable(array.dtype):
        return None
    if array.dtype == object and array.size and all(map(_is_number, array.flat)):
        return None
    name = type(value).__name__
    return f"{name} of dtype {array.dtype}" if isinstance(value, np.ndarray) else name


def _is_number(entry: Any) -> bool:
    """Whether an entry of an array of objects is a number, or an array of one."""
    if isinstance(entry, str | bytes):
        return False
    try:
        float(entry)
    except (TypeError, ValueError):
        return False
    return True
