"""What is held fixed among the arguments: what is no array, and what is not asked about.

Functions, strings and other objects are leaves of many a module.  JAX can trace none of them, so
each becomes a part of the tree that has no leaf, and is put back wherever the function is called.
"""

from __future__ import annotations

import functools
import numbers
import operator
from collections.abc import Callable, Collection, Sequence
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from jaxgrad.errors import ArgumentError, kind_of
from jaxgrad.programs.by_places import never_traced
from jaxgrad.programs.trace import is_differentiable

__all__ = [
    "Held",
    "as_given",
    "cast_held",
    "checked_argnums",
    "has_held",
    "held_as_given",
    "held_in_words",
    "held_objects",
    "hidden",
    "is_held",
    "numbers_as_given",
    "paths_of_held",
    "revealing",
    "with_number",
    "without_derivative",
]


@jax.tree_util.register_pytree_node_class
class Held:
    """A leaf that is no array as a part of the tree; two are the same if their objects are.

    Args:
        value: the object.

    Example:
        >>> jax.tree.leaves({"activation": Held(abs), "width": 3.0})
        [3.0]
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def tree_flatten(self) -> tuple[tuple[()], Held]:
        """No leaves, and itself for the structure."""
        return (), self

    @classmethod
    def tree_unflatten(cls, own: Held, _: Any) -> Held:
        """Itself."""
        return own

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def is_held(node: Any) -> bool:
    """Whether a part of a tree is an object that is held."""
    return isinstance(node, Held)


def hidden(args: Sequence[Any]) -> tuple[Any, ...]:
    """The arguments without leaves that are no arrays, which become parts of the tree.

    What holds numbers that JAX does not see in it stays a leaf: it would be held unseen.

    Example:
        >>> jax.tree.leaves(hidden([(abs, 2.0), "relu"]))
        [2.0]
    """
    leaves, tree = jax.tree.flatten(tuple(args))
    if not any(map(_is_object, leaves)):
        return tuple(args)
    return jax.tree.unflatten(tree, [Held(x) if _is_object(x) else x for x in leaves])


def revealing(function: Callable[..., Any], args: Sequence[Any]) -> Callable[..., Any]:
    """A function of the arguments as :func:`hidden` leaves them; itself if that is as they were."""
    if not callable(function) or not has_held(args):
        return function

    @functools.wraps(function)
    def revealed(*args: Any) -> Any:
        leaves, tree = jax.tree.flatten(args, is_leaf=is_held)
        return function(*jax.tree.unflatten(tree, [x.value if is_held(x) else x for x in leaves]))

    return revealed


def as_given(
    function: Callable[..., Any], args: Sequence[Any], held: Collection[int]
) -> Callable[..., Any]:
    """A function to which Python's numbers among what is held come as they are.

    JAX would trace them, and a static argument of ``jax.jit`` or one in ``nondiff_argnums`` has to
    be known: f may branch on it.

    Args:
        function: of the arguments as :func:`hidden` leaves them.
        args: the arguments.
        held: which of them are held fixed.

    Example:
        >>> power = as_given(lambda x, n: x**2 if n > 1 else x, (3.0, 2.0), {1})
        >>> float(jax.jit(power)(3.0, 2.0))
        9.0
    """
    known = _held_numbers(args, held)
    if not callable(function) or not known:
        return function

    @functools.wraps(function)
    def called(*args: Any) -> Any:
        leaves, tree = jax.tree.flatten(args)
        return function(*jax.tree.unflatten(tree, [known.get(k, x) for k, x in enumerate(leaves)]))

    return called


def numbers_as_given(
    args: Sequence[Any], held: Collection[int], values: Sequence[Any]
) -> list[Any]:
    """The values of all leaves, Python's numbers among what is held in place of their arrays."""
    known = _held_numbers(args, held)
    return [known.get(k, value) for k, value in enumerate(values)]


def _held_numbers(args: Sequence[Any], held: Collection[int]) -> dict[int, float]:
    """Those that are leaves, by where they are among all leaves."""
    found, start = {}, 0
    for i, argument in enumerate(args):
        leaves = jax.tree.leaves(argument)
        if i in held:
            found |= {start + k: leaf for k, leaf in enumerate(leaves) if type(leaf) is float}
        start += len(leaves)
    return found


def has_held(args: Sequence[Any]) -> bool:
    """Whether objects are held among the arguments."""
    return any(map(is_held, jax.tree.leaves(tuple(args), is_leaf=is_held)))


def paths_of_held(args: Sequence[Any], names: Sequence[str]) -> list[str]:
    """The key paths of the objects that are held."""
    return [path for path, _ in _held_objects(args, names)]


def held_objects(args: Sequence[Any], names: Sequence[str]) -> list[str]:
    """The same, with numbers, and with what an object is whose floats may be meant as variables."""
    found = _held_objects(args, names)
    return [with_number(path, value) + _unseen_floats(value) for path, value in found]


def with_number(path: str, value: Any) -> str:
    """What is held fixed, with its value where that is one number, a boolean or a short text.

    Example:
        >>> with_number("n", 2), with_number("label", np.int32(1)), with_number("x", np.ones(3))
        ('n = 2', 'label = 1', 'x')
    """
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        number = value.ndim == 0 and not jnp.issubdtype(value.dtype, jax.dtypes.extended)
        text = str(np.asarray(value)[()]) if number else ""
    else:
        text = repr(value) if isinstance(value, int | float | str) else ""
    return f"{path} = {text}" if 0 < len(text) <= _SHORT else path


def _held_objects(args: Sequence[Any], names: Sequence[str]) -> list[tuple[str, Any]]:
    return [
        (name + keystr(path), leaf.value)
        for argument, name in zip(args, names, strict=True)
        for path, leaf in tree_flatten_with_path(argument, is_leaf=is_held)[0]
        if is_held(leaf)
    ]


def held_in_words(paths: Sequence[str]) -> str:
    """What is held fixed, for a sentence on all values of the others.

    Example:
        >>> held_in_words(["y", "n"])
        ', y, n held fixed'
    """
    more = ", …" if len(paths) > _NAMED else ""
    return f", {', '.join(paths[:_NAMED])}{more} held fixed" if paths else ""


_NAMED, _SHORT = 3, 12  # how many, and of how many characters a value is


def _is_object(leaf: Any) -> bool:
    """Whether a leaf is neither an array nor what may stand for one, nor holds any."""
    if isinstance(leaf, type | np.dtype | int):  # a number of Python stays one under jax.grad
        return True
    if isinstance(leaf, numbers.Number) or any(hasattr(leaf, name) for name in _ARRAYS):
        return False
    return not any(map(_is_real, jax.tree.leaves(_attributes(leaf))))


def _attributes(leaf: Any) -> Any:
    """What an object holds; of a dataclass with slots its fields."""
    names = getattr(type(leaf), "__dataclass_fields__", ())
    slots = {name: getattr(leaf, name, None) for name in names}
    return getattr(leaf, "__dict__", slots)


def _unseen_floats(value: Any) -> str:
    """What is said of an object with floats of Python among what it holds."""
    if isinstance(value, type | ModuleType):
        return ""
    holds = any(type(x) is float for x in jax.tree.leaves(_attributes(value)))
    return f" ({kind_of(value)}, in which JAX sees no floats)" if holds else ""


# What has one of these is an array, or stands for one.
_ARRAYS = ("shape", "__array__", "__jax_array__")


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray | jax.Array) and is_differentiable(leaf.dtype)


# -- the arguments that are asked about ----------------------------------------------------------


def checked_argnums(argnums: Any, count: int) -> frozenset[int]:
    """The arguments that are held fixed where ``argnums`` names those that are not.

    Args:
        argnums: an index or several, from the end where negative, as for ``jax.grad``; None for
            all arguments.
        count: how many arguments there are.

    Raises:
        ArgumentError: it is something else, names none, no argument, or one twice.

    Example:
        >>> sorted(checked_argnums((0, -1), 4))
        [1, 2]
    """
    if argnums is None:
        return frozenset()
    several = argnums if isinstance(argnums, tuple | list | set | frozenset | range) else (argnums,)
    found = [_position(given, argnums, count) for given in several]
    if not found:
        raise ArgumentError(
            f"argnums is {argnums!r}, which names no argument; leave it out for all"
        )
    twice = next((i for i in found if found.count(i) > 1), None)
    if twice is not None:
        raise ArgumentError(f"argnums is {argnums!r}, which names argument {twice} twice")
    return frozenset(range(count)) - set(found)


def without_derivative(function: Any, args: Sequence[Any]) -> frozenset[int]:
    """The arguments that are held fixed where a rule has some in ``nondiff_argnums``.

    Beside those, the ones in which nothing is floating point.

    Example:
        >>> scaled = jax.custom_jvp(lambda x, factor, n: x * factor * n, nondiff_argnums=(1,))
        >>> sorted(without_derivative(scaled, (0.5, 2.0, 3)))
        [1, 2]
        >>> sorted(without_derivative(lambda x, factor: x * factor, (0.5, 2.0)))
        []
    """
    own = never_traced(function)
    if not own:
        return frozenset()
    moving = {i for i, x in enumerate(args) if any(map(_moves, jax.tree.leaves(x)))}
    return frozenset(range(len(args))) - (moving - set(own)) if moving - set(own) else frozenset()


def held_as_given(function: Any, args: Sequence[Any], held: Collection[int]) -> tuple[Any, ...]:
    """The arguments with what a rule has in ``nondiff_argnums`` as parts of the tree.

    JAX hands it on to the rule as it is, arrays and complex numbers too, and never as a tracer.
    Python's floats are left to :func:`as_given`.

    Args:
        function: that may have such a rule.
        args: the arguments.
        held: which of them are held fixed.

    Example:
        >>> weighed = jax.custom_jvp(lambda x, weights: x * weights.sum(), nondiff_argnums=(1,))
        >>> len(jax.tree.leaves(held_as_given(weighed, (0.5, np.ones(3)), {1})))
        1
    """
    own = set(held) & set(never_traced(function))
    if not own:
        return tuple(args)
    return tuple(jax.tree.map(_held, x) if i in own else x for i, x in enumerate(args))


def _held(leaf: Any) -> Any:
    return leaf if type(leaf) is float else Held(leaf)


def cast_held(args: Sequence[Any], cast: Callable[[Any], np.ndarray]) -> tuple[Any, ...]:
    """The arguments with other values for the floating-point arrays that are held as they are.

    Args:
        args: as :func:`held_as_given` leaves them.
        cast: makes an array of NumPy of each.

    Example:
        >>> [node] = cast_held((Held(np.float32(0.1)),), lambda x: x.astype(np.float16))
        >>> node.value
        np.float16(0.1)
    """

    def converted(node: Any) -> Any:
        if not (is_held(node) and isinstance(node.value, np.ndarray | np.generic | jax.Array)):
            return node
        if not is_differentiable(node.value.dtype):
            return node
        found = cast(node.value)
        is_jaxs = isinstance(node.value, jax.Array)
        return Held(jax.numpy.asarray(found) if is_jaxs else found[()])

    return jax.tree.map(converted, tuple(args), is_leaf=is_held)


def _moves(leaf: Any) -> bool:
    """Whether there is a derivative with respect to it."""
    dtype = getattr(leaf, "dtype", None)
    return isinstance(leaf, float | complex) or (
        isinstance(dtype, np.dtype) and jax.numpy.issubdtype(dtype, np.inexact)
    )


def _position(given: Any, argnums: Any, count: int) -> int:
    try:
        if isinstance(given, bool):
            raise TypeError
        index = operator.index(given)
    except TypeError:
        raise ArgumentError(
            f"argnums is {argnums!r:.60}; it is the index of an argument, or a tuple of several, "
            "as for jax.grad: argnums=0 or argnums=(0, 2)"
        ) from None
    if not -count <= index < count:
        raise ArgumentError(
            f"argnums names argument {index} of {count}; the first is 0 and the last "
            f"{count - 1}, or -1"
        )
    return index % count
