"""What a number system can do with whole arrays: all that the rules of primitives ask for.

An array of numbers is what its system makes of it.  Of a :class:`NumberSystem` it is a NumPy object
array of elements (:class:`Elements`); of a system that computes with arrays as they are, a
:class:`SystemArray`, such as two arrays for the ends of intervals.  Rules use of either its
``shape``, ``ndim``, ``size``, ``reshape``, ``transpose`` and indexing, and otherwise these methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import NumberSystem, objects
from jaxgrad.numbers.matrices import matrix_function
from jaxgrad.numbers.operations import LOGIC, operation
from jaxgrad.numbers.ordering import first, places

__all__ = ["Array", "ArraySystem", "Elements", "SystemArray", "array_system"]

Array = Any
"""An array of a system's numbers or of its truth values."""


class SystemArray:
    """An array of numbers, or of truth values, kept as several arrays of one shape.

    A subclass is a pytree, so that it may be an argument and a result under ``jax.jit`` and
    ``jax.vmap``.

    Args:
        parts: arrays of one shape, of NumPy or of JAX.

    Example:
        >>> class Pair(SystemArray):
        ...     pass
        >>> Pair(np.zeros((2, 3)), np.ones((2, 3)))[1].reshape(3, 1).shape
        (3, 1)
    """

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __init_subclass__(cls) -> None:
        jax.tree_util.register_pytree_node(
            cls, lambda array: (array.parts, None), lambda _, parts: cls(*parts)
        )

    def each(self, f: Callable[[Any], Any]) -> Any:
        """The same of f of every part."""
        return type(self)(*map(f, self.parts))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))

    def __getitem__(self, index: Any) -> Any:
        return self.each(lambda part: part[index])

    def reshape(self, *shape: Any) -> Any:
        return self.each(lambda part: part.reshape(*shape))

    def transpose(self, *axes: Any) -> Any:
        return self.each(lambda part: part.transpose(*axes))


class ArraySystem:
    """Numbers that come in whole arrays: a base for a system of your own.

    Its arrays are of subclasses of :class:`SystemArray`.  A subclass has ``lift`` and ``function``;
    where programs need them ``power``, ``reduce``, ``contract`` and ``matrix``; and where they
    compare, ``truths``, ``compare``, ``logic``, ``select`` and ``number``.  What it has not is
    refused by name.

    Raises:
        UnsupportedPrimitive: a program needs what a subclass has not.

    Example:
        >>> class Doubles(SystemArray):
        ...     pass
        >>> class Floats(ArraySystem):
        ...     name = "float"
        ...     def lift(self, values):
        ...         return Doubles(jnp.asarray(values, float))
        ...     def function(self, name, *arrays):
        ...         f = {"mul": jnp.multiply, "sin": jnp.sin}[name]
        ...         return Doubles(f(*(array.parts[0] for array in arrays)))
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
        """Arithmetic and functions of real numbers, entry by entry, of arrays that broadcast."""
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

    def compare(self, relation: str, a: Array, b: Array, ordered: bool = False) -> Array:
        """Whether ``a relation b`` (``lt le gt ge eq ne``), entry by entry.

        Args:
            relation: its name.
            a, b: arrays that broadcast.
            ordered: whether it puts entries in an order, in which NaN has no place.
        """
        raise self._lacks("compare")

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
        raise UnsupportedPrimitive(
            f"a primitive that is computed number by number, over the {self.name} numbers, which "
            "come in whole arrays"
        )

    def _lacks(self, method: str) -> UnsupportedPrimitive:
        return UnsupportedPrimitive(
            f"{type(self).__name__} has no method `{method}`, which the program needs; "
            "jaxgrad.ArraySystem says what it returns"
        )


class Elements(ArraySystem):
    """The arrays of a :class:`NumberSystem`: NumPy object arrays of its elements.

    Args:
        system: the numbers.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> balls = Elements(Ball())
        >>> balls.reduce("sum", balls.lift(np.array([[1.0, 2.0], [3.0, 4.0]])))
        array([3.00000000000000, 7.00000000000000], dtype=object)
    """

    def __init__(self, system: NumberSystem) -> None:
        self._system = system
        self.name = system.name

    @property
    def system(self) -> NumberSystem:
        return self._system

    def lift(self, values: np.ndarray) -> np.ndarray:
        return self.system.constants(values)

    def move(self, f: Callable[..., Any], *arrays: np.ndarray) -> Any:
        return f(np, *arrays)

    def function(self, name: str, *arrays: np.ndarray) -> np.ndarray:
        system, f = self.system, operation(name)
        return system.map(lambda *xs: system.carry_out(name, f, *xs), *arrays)

    def power(self, array: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        system = self.system

        def power(x: Any, n: Any) -> Any:
            return system.carry_out("integer_pow", lambda s, y: s.power(y, int(n)), x)

        return system.map(power, array, np.asarray(exponents).astype(object))

    def reduce(self, name: str, rows: np.ndarray) -> np.ndarray:
        combine = _REDUCTIONS[name]
        shape = rows.shape[:-1]
        flat = rows.reshape((int(np.prod(shape, dtype=int)), rows.shape[-1]))
        return objects((combine(self.system, list(row)) for row in flat), shape)

    def contract(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        products = [self.system.matmul(x, y) for x, y in zip(a, b, strict=True)]
        shape = (a.shape[0], a.shape[1], b.shape[2])
        return np.stack(products) if products else np.empty(shape, dtype=object)

    def matrix(self, name: str, *arrays: np.ndarray, **options: Any) -> Any:
        found = [
            matrix_function(self.system, name, *each, **options)
            for each in zip(*arrays, strict=True)
        ]
        if not found:
            raise UnsupportedPrimitive(f"`{name}` of no matrices")
        if isinstance(found[0], tuple):
            return [np.stack(parts) for parts in zip(*found, strict=True)]
        return np.stack(found)

    def truths(self, values: np.ndarray) -> np.ndarray:
        return self.system.map(lambda p: self.system.truth(bool(p)), np.asarray(values))

    def compare(
        self, relation: str, a: np.ndarray, b: np.ndarray, ordered: bool = False
    ) -> np.ndarray:
        compare = self.system.ordered if ordered else self.system.compare
        return self.system.map(lambda x, y: compare(relation, x, y), a, b)

    def is_finite(self, array: np.ndarray) -> np.ndarray:
        return self.system.map(self.system.is_finite, array)

    def logic(self, name: str, *truths: np.ndarray) -> np.ndarray:
        system, f = self.system, LOGIC[name]
        return system.map(lambda *ps: f(system, *ps), *truths)

    def known(self, truths: np.ndarray) -> np.ndarray | None:
        known = [self.system.known(p) for p in truths.reshape(-1)]
        if any(k is None for k in known):
            return None
        return np.array(known, dtype=bool).reshape(truths.shape)

    def select(self, truths: np.ndarray, if_false: np.ndarray, if_true: np.ndarray) -> np.ndarray:
        return self.system.map(self.system.select, truths, if_false, if_true)

    def number(self, truths: np.ndarray) -> np.ndarray:
        return self.system.map(self.system.number, truths)

    def places(self, relation: str, keys: Sequence[np.ndarray], stable: bool) -> np.ndarray:
        rows = zip(*keys, strict=True)
        found = [places(self.system, list(row), relation, stable=stable) for row in rows]
        return np.array(found, int).reshape(keys[0].shape)

    def first(self, relation: str, rows: np.ndarray) -> np.ndarray:
        return np.array([first(self.system, relation, row) for row in rows], int)

    def integers(self, array: np.ndarray) -> list[int | None]:
        known = [self.system.exact_value(x) for x in array.reshape(-1)]
        return [None if x is None else int(x) for x in known]


def _smallest(system: NumberSystem, xs: list[Any]) -> Any:
    """The minimum of a list, +∞ if it is empty; the very element where it is known which one."""
    negated = [-x for x in xs]
    largest = system.largest(negated)
    for x, y in zip(xs, negated, strict=True):
        if y is largest:
            return x
    return -largest


def _product(system: NumberSystem, xs: list[Any]) -> Any:
    result = system.constant(1)
    for x in xs:
        result = result * x
    return result


_REDUCTIONS: dict[str, Callable[[NumberSystem, list[Any]], Any]] = {
    "sum": lambda s, xs: s.total(xs),
    "prod": _product,
    "max": lambda s, xs: s.largest(xs),
    "min": _smallest,
}


def array_system(numbers: NumberSystem | ArraySystem) -> ArraySystem:
    """The arrays of a number system, which may be one of arrays already."""
    return numbers if isinstance(numbers, ArraySystem) else Elements(numbers)
