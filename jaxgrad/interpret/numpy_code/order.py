"""NumPy's functions that choose places: they need every comparison they make decided."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code.code import NumberArray
from jaxgrad.interpret.numpy_code.elements import Exact, kind, known, laid_out, lift, shadow
from jaxgrad.interpret.numpy_code.functions import as_array, numpy_function
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.ordering import decided, first

__all__: list[str] = []


@numpy_function("nonzero")
def _nonzero(a: Any) -> Any:
    a = as_array(a)
    return np.nonzero(known(Exact(a.system, lift(a.system, a, bool), bool)))


@numpy_function("count_nonzero")
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    a = as_array(a)
    truths = NumberArray(a.system, lift(a.system, a, bool), bool)
    return np.sum(truths, axis, np.intp, keepdims=keepdims)


def _place(name: str, relation: str) -> None:
    @numpy_function(name)
    def place(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        """The place of the first largest or smallest entry."""
        a = as_array(a)
        system, values = a.system, lift(a.system, a, a.dtype if kind(a.dtype) != "b" else float)
        like = getattr(np, name)(shadow(a), axis, keepdims=keepdims)
        moved = values.reshape(1, -1) if axis is None else np.moveaxis(values, axis, -1)
        found = np.zeros(moved.shape[:-1], np.intp)
        for row in np.ndindex(found.shape):
            found[row] = first(system, relation, moved[row])
        if out is not None:
            raise UnsupportedPrimitive(f"np.{name} with `out=` over exact numbers")
        return found.reshape(np.shape(like))[()]


_place("argmax", "gt")
_place("argmin", "lt")


@numpy_function("argsort")
def _argsort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    return _sorted(as_array(a), axis, bool(stable) or kind in ("stable", "mergesort"))


@numpy_function("sort")
def _sort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    a = as_array(a)
    places = _sorted(a, axis, True)
    values = a.values.reshape(-1) if axis is None else a.values
    moved = np.take_along_axis(values, places, -1 if axis is None else axis)
    return NumberArray(a.system, laid_out(moved, np.sort(shadow(a), axis)), a.dtype)


def _sorted(a: Any, axis: Any, ties: bool) -> np.ndarray:
    """The places in ascending order; only a stable sort says how it orders ties."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    values = lift(a.system, a, a.dtype if kind(a.dtype) != "b" else float)
    moved = np.moveaxis(values, axis, -1)
    places = np.empty(moved.shape, np.intp)
    for row in np.ndindex(moved.shape[:-1]):
        places[row] = _order(a.system, moved[row], ties)
    return np.moveaxis(places, -1, axis)


def _order(system: Any, row: np.ndarray, ties: bool) -> list[int]:
    order: list[int] = []
    for i, x in enumerate(row):
        k = len(order)
        while k and decided(system, "lt", x, row[order[k - 1]]):
            k -= 1
        if k and not ties and decided(system, "eq", x, row[order[k - 1]]):
            raise CannotDecide("the order in which a sort that is not stable leaves equal entries")
        order.insert(k, i)
    return order
