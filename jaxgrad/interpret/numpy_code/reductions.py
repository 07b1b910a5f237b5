"""NumPy's reductions and running reductions over a number system.

Shape, dtype and errors are NumPy's own, from a run on zeros; the entries are the system's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code.elements import (
    dtype_of,
    has_exact,
    kind,
    known_integers,
    laid_out,
    lift,
    shadow,
)
from jaxgrad.interpret.numpy_code.ufuncs import FLOAT, refuse_keywords
from jaxgrad.interpret.rules.linear import rows_of
from jaxgrad.numbers.base import NumberSystem, objects

__all__ = ["accumulate", "reduce", "select_in"]

Fold = Callable[[NumberSystem, list[Any]], Any]


def _folding(combine: Callable[[NumberSystem, Any, Any], Any], start: Any) -> Fold:
    def fold(system: NumberSystem, xs: list[Any]) -> Any:
        if not xs:
            return start(system)
        return functools.reduce(lambda x, y: combine(system, x, y), xs)

    return fold


def _pairwise(name: str) -> Callable[[NumberSystem, Any, Any], Any]:
    limits, f = FLOAT[name]

    def combine(system: NumberSystem, x: Any, y: Any) -> Any:
        return system.carry_out(limits, f, x, y)

    return combine


def _constant(value: float) -> Callable[[NumberSystem], Any]:
    return lambda system: system.constant(value)


_all = _folding(lambda s, p, q: s.logical_and(p, q), lambda s: s.truth(True))
_any = _folding(lambda s, p, q: s.logical_or(p, q), lambda s: s.truth(False))
_NUMBERS: dict[str, Fold] = {
    "add": lambda s, xs: s.total(xs),
    "multiply": _folding(_pairwise("multiply"), _constant(1)),
    # NumPy refuses to take these of nothing.
    "maximum": _folding(_pairwise("maximum"), _constant(-np.inf)),
    "minimum": _folding(_pairwise("minimum"), _constant(np.inf)),
    "fmax": _folding(_pairwise("maximum"), _constant(-np.inf)),
    "fmin": _folding(_pairwise("minimum"), _constant(np.inf)),
}
_TRUTHS: dict[str, Fold] = {
    "logical_and": _all, "logical_or": _any, "bitwise_and": _all, "bitwise_or": _any,
    "maximum": _any, "minimum": _all, "add": _any, "multiply": _all,
}  # fmt: skip


def _fold_of(ufunc: Any, method: str, dtype: np.dtype, source: np.dtype) -> Fold:
    table = _TRUTHS if kind(dtype) == "b" else _NUMBERS
    # A count of truths is an integer far from every end of the integers.
    counts = ufunc is np.add and kind(source) == "b" and dtype.itemsize >= 4
    if ufunc.__name__ not in table or (kind(dtype) not in "fb" and not counts):
        raise UnsupportedPrimitive(
            f"np.{ufunc.__name__}.{method} to {dtype} over exact numbers has no rule"
        )
    return table[ufunc.__name__]


def reduce(system: NumberSystem, ufunc: Any, array: Any, keywords: dict[str, Any]) -> Any:
    """``ufunc.reduce(array, **keywords)`` as entries and their dtype; ``out`` is left to others.

    Raises:
        UnsupportedPrimitive: no rule, or a keyword that no one reads.
    """
    name = f"{ufunc.__name__}.reduce"
    refuse_keywords(name, keywords, ("axis", "dtype", "out", "keepdims", "initial", "where"))
    keywords = {k: v for k, v in keywords.items() if k != "out" and v is not np._NoValue}
    with np.errstate(all="ignore"):
        like = ufunc.reduce(shadow(array), **{k: shadow(v) for k, v in keywords.items()})
    dtype, source = np.asarray(like).dtype, np.dtype(dtype_of(array))
    if kind(dtype) in "iu" and not (ufunc is np.add and kind(source) == "b"):
        inputs = known_integers(name, [array, *keywords.values()])
        made = ufunc.reduce(inputs[0], **dict(zip(keywords, inputs[1:], strict=True)))
        return lift(system, made, dtype), dtype
    fold = _fold_of(ufunc, "reduce", dtype, source)
    values = lift(system, array, dtype)
    axis = keywords.get("axis", 0)
    if axis is None or not values.ndim:  # a scalar may be reduced along its axis 0
        axis = range(values.ndim)
    axes = normalize_axis_tuple(axis, values.ndim)
    rows, _ = rows_of(values, axes)
    initial = keywords.get("initial")
    start = [] if initial is None else list(lift(system, initial, dtype).flat)
    chosen: Any = map(list, rows)
    if keywords.get("where", True) is not True:
        masks, _ = rows_of(
            np.broadcast_to(lift(system, keywords["where"], bool), values.shape), axes
        )
        # The maximum with the initial value, taken once more, is the same; NumPy demands one.
        neutral = start[0] if start and ufunc.__name__ in _EXTREMES else fold(system, [])
        chosen = (_chosen(system, dtype, neutral, *pair) for pair in zip(rows, masks, strict=True))
    found = objects((fold(system, start + row) for row in chosen), np.shape(like))
    return laid_out(found, like), dtype


_EXTREMES = ("maximum", "minimum", "fmax", "fmin")


def _chosen(system: NumberSystem, dtype: np.dtype, neutral: Any, row: Any, mask: Any) -> list[Any]:
    known, select = [system.known(p) for p in mask], select_in(system, dtype)
    return [
        x if k else select(p, neutral, x)
        for x, p, k in zip(row, mask, known, strict=True)
        if k is not False
    ]


def select_in(system: NumberSystem, dtype: Any) -> Callable[[Any, Any, Any], Any]:
    """The selection among elements, or among truth values, by a truth value."""
    if kind(dtype) != "b":
        return system.select

    def select(p: Any, if_false: Any, if_true: Any) -> Any:
        kept = system.logical_and(p, if_true)
        return system.logical_or(kept, system.logical_and(system.logical_not(p), if_false))

    return select


def accumulate(system: NumberSystem, ufunc: Any, array: Any, keywords: dict[str, Any]) -> Any:
    """``ufunc.accumulate(array, **keywords)`` as entries and their dtype."""
    refuse_keywords(f"{ufunc.__name__}.accumulate", keywords, ("axis", "dtype", "out"))
    if has_exact(keywords.get("axis")):
        raise UnsupportedPrimitive("an axis that depends on a real variable")
    read = {k: v for k, v in keywords.items() if k != "out"}
    like = ufunc.accumulate(shadow(array), **read)
    if kind(like.dtype) in "iu":
        (plain,) = known_integers(f"{ufunc.__name__}.accumulate", [array])
        return lift(system, ufunc.accumulate(plain, **read), like.dtype), like.dtype
    fold = _fold_of(ufunc, "accumulate", like.dtype, np.dtype(dtype_of(array)))
    moved = np.moveaxis(lift(system, array, like.dtype), read.get("axis", 0), 0)
    made = np.empty(moved.shape, dtype=object)
    for i in range(len(moved)):
        made[i, ...] = moved[i, ...] if i == 0 else _next(system, fold, made[i - 1], moved[i])
    return laid_out(np.moveaxis(made, 0, read.get("axis", 0)), like), like.dtype


def _next(system: NumberSystem, fold: Fold, before: Any, here: Any) -> np.ndarray:
    pair = (x if isinstance(x, np.ndarray) else objects([x], ()) for x in (before, here))
    return system.map(lambda x, y: fold(system, [x, y]), *pair)
