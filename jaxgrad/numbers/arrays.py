"""What a number system can do with whole arrays: all that the rules of primitives ask for.

An array of numbers is what its system makes of it.  Of a :class:`NumberSystem` it is a NumPy object
array of elements (:mod:`jaxgrad.numbers.elements`); of a system that computes with arrays as they
are, a :class:`SystemArray`, such as two arrays for the ends of intervals.  Rules use of either its
``shape``, ``ndim``, ``size``, ``reshape``, ``transpose`` and indexing, and otherwise these methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, UnsupportedPrimitive
from jaxgrad.numbers.base import NumberSystem

__all__ = ["Array", "ArraySystem", "NumberByNumber", "SystemArray"]

Array = Any
"""An array of a system's numbers or of its truth values."""


class NumberByNumber(UnsupportedPrimitive):
    """What is computed number by number was asked of a system of whole arrays."""


class SystemArray:
    """An array of numbers, or of truth values, kept as several arrays of one shape.

    A subclass is a pytree, so that it may be an argument and a result under ``jax.jit`` and
    ``jax.vmap``.

    Args:
        parts: arrays of one shape, of NumPy or of JAX.  A subclass has nothing beside them.

    Raises:
        ArgumentError: they are of different shapes, or a subclass has an ``__init__``.

    Example:
        >>> class Pair(SystemArray):
        ...     pass
        >>> Pair(np.zeros((2, 3)), np.ones((2, 3)))[1].reshape(3, 1).shape
        (3, 1)

    Source: docs/architecture.md, to add a number system.
    """

    def __init__(self, *parts: Any) -> None:
        shapes = {np.shape(part) for part in parts}
        if len(shapes) != 1 or any(isinstance(part, list | tuple) for part in parts):
            raise ArgumentError(
                f"{type(self).__name__} takes arrays of one shape, its parts; got "
                f"{', '.join(map(str, sorted(shapes))) or 'none'}"
            )
        self.parts = parts

    def __init_subclass__(cls) -> None:
        if "__init__" in cls.__dict__:
            raise ArgumentError(
                f"{cls.__name__} has an __init__ of its own: what it keeps beside its parts would "
                "be lost wherever entries are moved; make it a part, an array of the same shape"
            )
        jax.tree_util.register_pytree_node(cls, lambda array: (array.parts, None), cls._made_of)

    @classmethod
    def _made_of(cls, _: None, parts: Any) -> Self:
        """As JAX makes them, whose parts need not be arrays."""
        made = object.__new__(cls)
        made.parts = tuple(parts)
        return made

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.shape}"

    def each(self, f: Callable[[Any], Any]) -> Any:
        """The same of f of every part."""
        return type(self)(*map(f, self.parts))

    @property
    def shape(self) -> tuple[int, ...]:
        """That of each part."""
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many entries it has."""
        return int(np.prod(self.shape, dtype=int))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-dimensional array")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        # Indexing until there is an error never ends: JAX takes the last entry for any beyond it.
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return self.each(lambda part: part[index])

    def reshape(self, *shape: Any) -> Any:
        """The same entries in another shape, as of NumPy."""
        return self.each(lambda part: part.reshape(*shape))

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed if none is given, as of NumPy."""
        return self.each(lambda part: part.transpose(*axes))


class ArraySystem:
    """Numbers that come in whole arrays: a base for a system of your own.

    Its arrays are of subclasses of :class:`SystemArray`.  A subclass has ``lift`` and ``function``;
    where programs need them ``power``, ``reduce``, ``contract`` and ``matrix``; and where they
    compare, ``truths``, ``compare``, ``is_finite``, ``logic``, ``select`` and ``number``.  What it
    has not is refused by name.  Four methods ask what the numbers are, so they have an answer only
    where the parts are no tracers, not under ``jax.jit``: ``known``, which may be None always,
    ``places`` of a sort, ``first`` of an argmax, and ``integers`` of a conversion to integers.

    Raises:
        UnsupportedPrimitive: a program needs what a subclass has not.
        CannotDecide: for a subclass to raise, of :mod:`jaxgrad.errors`, where a program asks what
            its numbers do not tell.

    Example:
        >>> class Doubles(SystemArray):
        ...     pass
        >>> class Floats(ArraySystem):
        ...     name = "float"
        ...     def lift(self, values):
        ...         return Doubles(jnp.asarray(values, float))
        ...     def function(self, name, *arrays):
        ...         known = {"mul": jnp.multiply, "sin": jnp.sin}
        ...         if name not in known:
        ...             return super().function(name, *arrays)  # refuses it by name
        ...         return Doubles(known[name](*(array.parts[0] for array in arrays)))
        >>> from jaxgrad import run_over
        >>> x = Doubles(jnp.array([0.0, 1.0]))
        >>> run_over(Floats(), lambda x: x * jnp.sin(x)[::-1], x).parts[0].shape
        (2,)

    Source: docs/architecture.md, to add a number system.
    """

    name = "number"

    def lift(self, values: np.ndarray) -> Array:
        """Exact numbers, of any real dtype or Python's rationals, as an array of the system."""
        raise self._lacks("lift")

    def move(self, f: Callable[..., Any], *arrays: Array) -> Any:
        """f(xp, *arrays), one array or a list, where f moves entries and does nothing else.

        Args:
            f: in functions that NumPy and ``jax.numpy`` share, of which ``xp`` is one.
            arrays: all of numbers or all of truth values.
        """
        in_numpy = all(isinstance(part, np.ndarray) for array in arrays for part in array.parts)
        parts = zip(*(array.parts for array in arrays), strict=True)
        made = [f(np if in_numpy else jnp, *each) for each in parts]
        kind = type(arrays[0])
        if not isinstance(made[0], list | tuple):
            return kind(*made)
        return [kind(*parts) for parts in zip(*made, strict=True)]

    def function(self, name: str, *arrays: Array) -> Array:
        """Arithmetic and functions of real numbers, entry by entry, of arrays that broadcast.

        Args:
            name: that of JAX's primitive, such as ``"add"``, ``"square"``, ``"clamp"``, ``"erf"``;
                of some that JAX writes as programs, such as ``"logaddexp"``, a name for the whole.
            arrays: of one shape, or 0-dimensional.
        """
        raise UnsupportedPrimitive(
            f"{name} is not known over the {self.name} numbers; a method "
            f"`function(name, *arrays)` of {type(self).__name__} may say what it is"
        )

    def power(self, array: Array, exponents: np.ndarray) -> Array:
        """Integer powers, entry by entry; the exponents broadcast."""
        raise self._lacks("power")

    def reduce(self, name: str, rows: Array) -> Array:
        """``"sum"``, ``"prod"``, ``"max"`` or ``"min"`` over the last axis."""
        raise self._lacks("reduce")

    def contract(self, a: Array, b: Array) -> Array:
        """The products of matrices of shapes (batch, m, k) and (batch, k, n)."""
        raise self._lacks("contract")

    def matrix(self, name: str, *arrays: Array, **options: Any) -> Any:
        """A function of matrices, such as ``"cholesky"``, of arrays of shapes (batch, m, n)."""
        raise self._lacks("matrix")

    def truths(self, values: np.ndarray) -> Array:
        """Known truth values as an array of the system's own."""
        raise self._lacks("truths")

    def accumulate(
        self, name: str | None, flat: Array, places: np.ndarray, updates: Array
    ) -> Array:
        """The entries after each update, in order, has been combined with the one at its place.

        Args:
            name: by which function; an update replaces the entry if None.
            flat: the entries, of shape (n,).
            places: where each update lands.
            updates: of shape (k,).
        """
        for lot in _lots(places):
            # Where each entry of the result is among the old ones and, behind them, the new ones.
            result = np.arange(flat.size)
            result[places[lot]] = flat.size + np.arange(len(lot))
            new = updates[lot]
            if name is not None:
                new = self.function(name, flat[places[lot]], new)
            flat = self.move(
                lambda xp, old, made, result=result: xp.concatenate([old, made])[result], flat, new
            )
        return flat

    def compare(self, relation: str, a: Array, b: Array, ordered: bool = False) -> Array:
        """Whether ``a relation b`` (``lt le gt ge eq ne``), entry by entry.

        Args:
            relation: its name.
            a, b: arrays that broadcast.
            ordered: whether it puts entries in an order, in which NaN has no place.
        """
        raise self._lacks("compare")

    def opened(self, truths: Array, ties: Array) -> Array:
        """The truths, but open where ``ties`` hold, if the system has truths that are open."""
        return truths

    def is_finite(self, array: Array) -> Array:
        """Whether the entries are real numbers."""
        raise self._lacks("is_finite")

    def logic(self, name: str, *truths: Array) -> Array:
        """``"and"``, ``"or"``, ``"not"``, ``"xor"`` and their like, entry by entry."""
        raise self._lacks("logic")

    def known(self, truths: Array) -> np.ndarray | None:
        """Truth values as booleans if every one of them is decided, else None."""
        return None

    def select(self, truths: Array, if_false: Array, if_true: Array) -> Array:
        """``if_true`` where a truth holds, else ``if_false``: numbers, or truth values."""
        raise self._lacks("select")

    def number(self, truths: Array) -> Array:
        """1 where a truth holds, else 0."""
        raise self._lacks("number")

    def places(self, relation: str, keys: Sequence[Array], stable: bool) -> np.ndarray:
        """The order of the last axis by the first key, then the second; of shape (rows, n).

        Args:
            relation: ``"lt"`` for the smallest first, ``"gt"`` for the largest.
            keys: of shape (rows, n).
            stable: whether entries that tie keep their order; else they are refused.

        Raises:
            CannotDecide: it depends on an open comparison.
        """
        raise self._lacks("places")

    def first(self, relation: str, rows: Array) -> np.ndarray:
        """The place of the first entry of each row that no other is ``relation`` to.

        Raises:
            CannotDecide: it depends on an open comparison.
        """
        raise self._lacks("first")

    def integers(self, array: Array) -> list[int | None]:
        """The entries without their fractions, in order; None for those that are not known."""
        return [None] * array.size

    @property
    def system(self) -> NumberSystem:
        """What a rule computes with that goes number by number.

        Raises:
            UnsupportedPrimitive: these numbers come in whole arrays.
        """
        raise NumberByNumber(
            f"computed number by number, and the {self.name} numbers come in whole arrays; a "
            "jaxgrad.NumberSystem has them one by one"
        )

    def _lacks(self, method: str) -> UnsupportedPrimitive:
        return UnsupportedPrimitive(
            f"{type(self).__name__} has no method `{method}`, which the program needs; "
            "jaxgrad.ArraySystem says what it returns"
        )


def _lots(places: np.ndarray) -> Iterator[np.ndarray]:
    """The updates in lots of which no two land on one entry, in their order."""
    order = np.argsort(places, kind="stable")
    landed = places[order]
    first = np.searchsorted(landed, landed)  # where the updates of the same place begin
    turn = np.arange(len(places)) - first
    for k in range(int(turn.max(initial=-1)) + 1):
        yield np.sort(order[turn == k])
