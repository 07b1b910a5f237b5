"""Arrays of numbers that come one by one: NumPy object arrays of a number system's elements."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.arrays import ArraySystem
from jaxgrad.numbers.base import NumberSystem, objects
from jaxgrad.numbers.clock import ticking
from jaxgrad.numbers.matrices import matrix_function
from jaxgrad.numbers.operations import LOGIC, operation
from jaxgrad.numbers.ordering import first, places

__all__ = ["Elements", "array_system"]


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
        if type(system).carry_out is NumberSystem.carry_out:
            return system.map(functools.partial(f, system), *arrays)
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
        return objects((self.combined(combine, list(row)) for row in ticking(flat)), shape)

    def combined(self, combine: Callable[..., Any], row: list[Any]) -> Any:
        """A row of numbers as one, by the definition of a reduction."""
        return combine(self.system, row)

    def contract(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        products = [self.system.matmul(x, y) for x, y in ticking(zip(a, b, strict=True))]
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

    def accumulate(
        self, name: str | None, flat: np.ndarray, places: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        system, out = self.system, flat.copy()
        if name is None:
            out[places] = updates
            return out
        f = operation(name)
        for place, update in ticking(zip(places.tolist(), updates, strict=True)):
            out[place] = system.carry_out(name, f, out[place], update)
        return out

    def truths(self, values: np.ndarray) -> np.ndarray:
        return self.system.map(lambda p: self.system.truth(bool(p)), np.asarray(values))

    def compare(
        self, relation: str, a: np.ndarray, b: np.ndarray, ordered: bool = False
    ) -> np.ndarray:
        compare = self.system.ordered if ordered else self.system.compare
        return self.system.map(lambda x, y: compare(relation, x, y), a, b)

    def opened(self, truths: np.ndarray, ties: np.ndarray) -> np.ndarray:
        return self.system.map(self.system.opened, truths, ties)

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
