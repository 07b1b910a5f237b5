"""Arguments as Python source that can be pasted and run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.programs.array_code import MOST_ENTRIES, large_array
from jaxgrad.programs.held import Held, is_held
from jaxgrad.programs.real_parts import Parts

__all__ = ["arguments_as_code", "as_code", "imports", "in_scope"]


def as_code(tree: Any) -> str:
    """Source whose value is the tree, every number exact, large arrays in short.

    Args:
        tree: lists, tuples, dicts and None with arrays or numbers as leaves.

    Raises:
        TypeError: the tree holds a container that has no literal.

    Example:
        >>> as_code([(np.float32(0.1), None)])
        '[(np.float32(0.10000000149011612), None)]'
    """
    if tree is None:
        return "None"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {as_code(value)}" for key, value in tree.items()) + "}"
    if type(tree) is list:
        return "[" + ", ".join(map(as_code, tree)) + "]"
    if type(tree) is tuple:
        inside = ", ".join(map(as_code, tree))
        return f"({inside},)" if len(tree) == 1 else f"({inside})"
    if isinstance(tree, Parts):
        return f"Parts({as_code(tree.real)}, {as_code(tree.imag)})"
    if isinstance(tree, Held):
        return _held(tree.value)
    if isinstance(tree, bool | int | float):
        return _literal(tree)
    if not hasattr(tree, "dtype"):
        raise TypeError(f"{type(tree).__name__} has no literal")
    return _array(tree)


def _held(value: Any) -> str:
    """What is held, where it has a literal."""
    if type(value) in (str, bytes, int, bool):
        return repr(value)
    if type(value) is complex:
        return _literal(value)
    if not isinstance(value, np.ndarray | np.generic | jax.Array) or not _is_numeric(value.dtype):
        raise TypeError(f"{type(value).__name__} has no literal")
    text = _array(value)
    return f"jnp.asarray({text})" if isinstance(value, jax.Array) and text[:2] == "np" else text


def _is_numeric(dtype: Any) -> bool:
    return any(jnp.issubdtype(dtype, kind) for kind in (np.number, np.bool_, jax.dtypes.prng_key))


def arguments_as_code(args: Sequence[Any]) -> str:
    """Lines that set ``args``, from the caller's own where what is no number has no literal.

    Args:
        args: as :func:`~jaxgrad.programs.held.hidden` leaves them.

    Example:
        >>> print(arguments_as_code((np.float32(0.5), Held("relu"))))
        args = (np.float32(0.5), 'relu')
        >>> print(arguments_as_code((np.float32(0.5), Held(abs))))
        leaves, tree = jax.tree.flatten(args)
        for k, x in {0: np.float32(0.5)}.items():
            leaves[k] = x
        args = jax.tree.unflatten(tree, leaves)
    """
    try:
        return f"args = {as_code(tuple(args))}"
    except TypeError:
        leaves = jax.tree.leaves(tuple(args), is_leaf=is_held)
    values = {k: value for k, value in enumerate(leaves) if not is_held(value)}
    if len(values) == len(leaves):
        own = as_code(leaves)
        return f"args = jax.tree.unflatten(jax.tree.structure(args),\n    {own})"
    return (
        "leaves, tree = jax.tree.flatten(args)\n"
        f"for k, x in {as_code(values)}.items():\n"
        "    leaves[k] = x\n"
        "args = jax.tree.unflatten(tree, leaves)"
    )


def _array(value: Any) -> str:
    if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        data = np.asarray(jax.random.key_data(value)).tolist()
        return f"jax.random.wrap_key_data(np.array({data}, np.uint32))"
    array = np.asarray(value)
    name = array.dtype.name
    module = "np" if array.dtype.kind in "biufc" and hasattr(np, name) else "jnp"
    numbers = array.astype(np.float64) if module == "jnp" else array
    if array.ndim == 0 and module == "np":
        return f"np.{name}({_literal(numbers.item())})" if name != "bool" else repr(numbers.item())
    if array.size > MOST_ENTRIES:
        return large_array(array, f"{module}.{name}")
    function = "np.array" if module == "np" else "jnp.array"
    text = f"{function}({_literal(numbers.tolist())}, {module}.{name})"
    return f"{text}.reshape({array.shape})" if array.size == 0 else text


def _literal(value: Any) -> str:
    """Numbers as they are written in a program that imports NumPy.

    Example:
        >>> _literal([0.5, float("-inf")])
        '[0.5, -np.inf]'
    """
    return re.sub(r"\b(inf|nan)\b", r"np.\1", repr(value))


def in_scope(names: str, lines: Sequence[str]) -> str:
    """Lines of code as one text, after one that says what they need.

    Args:
        names: the functions that they call.
        lines: they set ``args``, or change some of its leaves.

    Example:
        >>> print(in_scope("`f`", ["args = (1.0,)", "print(f(*args))"]))
        # with `f` in scope
        args = (1.0,)
        print(f(*args))
    """
    own = any(line.startswith("args = (") for line in lines)
    more = "" if own else ", and `args` as they were given,"
    return "\n".join([f"# with {names}{more} in scope", *lines])


def imports(leaves: Sequence[Any]) -> list[str]:
    """The import lines, and the switch to 64 bits where a leaf needs it."""
    lines = ["import jax", "import jax.numpy as jnp", "import numpy as np"]
    if any(np.dtype(leaf.dtype).itemsize == 8 for leaf in leaves if _is_number(leaf)):
        lines.append('jax.config.update("jax_enable_x64", True)')
    return lines


def _is_number(leaf: Any) -> bool:
    return not jnp.issubdtype(leaf.dtype, jax.dtypes.extended)
