"""NumPy's functions over exact numbers: what each computes, with NumPy's own signature.

A keyword that is not in a signature here is refused by its name, and so is a function that is not
here; nothing is dropped.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code import reductions as numpy_reductions
from jaxgrad.interpret.numpy_code.code import FUNCTIONS, NumberArray, store
from jaxgrad.interpret.numpy_code.elements import (
    UNWRITTEN,
    Exact,
    dtype_of,
    exact_in,
    has_exact,
    kind,
    known,
    laid_out,
    lift,
    shadow,
)
from jaxgrad.numbers.base import CannotDecide

__all__ = ["as_array", "numpy_function"]

_NONE = np._NoValue


def numpy_function(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers NumPy's functions of these names; the signature says what is read."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        def apply(name: str) -> Callable[..., Any]:
            def applied(*args: Any, **keywords: Any) -> Any:
                for keyword in keywords:
                    if keyword not in signature.parameters:
                        raise UnsupportedPrimitive(
                            f"np.{name} with `{keyword}=` over exact numbers"
                        )
                try:
                    signature.bind(*args, **keywords)
                except TypeError as error:
                    raise UnsupportedPrimitive(f"np.{name} over exact numbers: {error}") from error
                return function(*args, **keywords)

            return applied

        for name in names:
            FUNCTIONS[name] = apply(name)
        return function

    return register


def as_array(value: Any) -> Any:
    """What is put together of exact numbers, as one array."""
    if isinstance(value, Exact):
        return value
    first, whole = exact_in(value), value
    if isinstance(value, list | tuple):
        whole = np.array(value, dtype=object) if has_exact(value) else np.asarray(value)
    dtype = np.dtype(dtype_of(whole))
    return NumberArray(first.system, lift(first.system, whole, dtype), dtype)


# -- reductions ------------------------------------------------------------------------------
def _reduction(ufunc: np.ufunc, *names: str) -> None:
    @numpy_function(*names)
    def reduction(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NONE,
        initial: Any = _NONE, where: Any = True,
    ) -> Any:  # fmt: skip
        keywords = {"axis": axis, "keepdims": keepdims, "initial": initial, "where": where}
        if dtype is not None:
            keywords["dtype"] = dtype
        return _reduced(ufunc, as_array(a), out, keywords)


def _extreme(ufunc: np.ufunc, *names: str) -> None:
    @numpy_function(*names)
    def extreme(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NONE, initial: Any = _NONE,
        where: Any = True,
    ) -> Any:  # fmt: skip
        keywords = {"axis": axis, "keepdims": keepdims, "initial": initial, "where": where}
        return _reduced(ufunc, as_array(a), out, keywords)


def _truth(ufunc: np.ufunc, name: str) -> None:
    @numpy_function(name)
    def truth(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NONE, *, where: Any = True
    ) -> Any:
        keywords = {"axis": axis, "keepdims": keepdims, "where": where}
        return _reduced(ufunc, as_array(a), out, keywords)


def _reduced(ufunc: np.ufunc, a: Exact, out: Any, keywords: dict[str, Any]) -> Any:
    keywords = {k: v for k, v in keywords.items() if v is not _NONE}
    return a.__array_ufunc__(ufunc, "reduce", a, out=(out,), **keywords)  # type: ignore[attr-defined]


_reduction(np.add, "sum")
_reduction(np.multiply, "prod")
_extreme(np.maximum, "max", "amax")
_extreme(np.minimum, "min", "amin")
_truth(np.logical_and, "all")
_truth(np.logical_or, "any")


def _running(ufunc: np.ufunc, name: str) -> None:
    @numpy_function(name)
    def running(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        a = as_array(a)
        if axis is None:
            a, axis = a.reshape(-1), 0
        return a.__array_ufunc__(ufunc, "accumulate", a, axis=axis, dtype=dtype, out=(out,))


_running(np.add, "cumsum")
_running(np.multiply, "cumprod")


@numpy_function("mean")
def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    a = as_array(a)
    like = np.mean(np.zeros(a.values.shape, a.dtype), axis, dtype)
    if has_exact(where):
        raise CannotDecide("a mean over what a comparison that is open selects")
    total = np.sum(a, axis, like.dtype, keepdims=keepdims, where=where)
    ones = np.broadcast_to(np.ones(()), a.values.shape)
    count = np.sum(ones, axis, keepdims=keepdims, where=where)
    return np.divide(total, count, out=out, dtype=like.dtype)


@numpy_function("var")
def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    a = as_array(a)
    deviation = a - np.mean(a, axis, dtype, keepdims=True)
    total = np.sum(deviation * deviation, axis, dtype, keepdims=keepdims)
    size = np.size(np.zeros(a.values.shape)) // max(np.size(shadow(total)), 1)
    return np.divide(total, max(size - ddof, 0), out=out)


@numpy_function("std")
def _std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    return np.sqrt(FUNCTIONS["var"](a, axis, dtype, None, ddof, keepdims), out=out)


@numpy_function("norm")
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    x = as_array(x)
    vector = x.ndim == 1 if axis is None else isinstance(axis, int | np.integer)
    if ord is None or (ord == 2 and vector) or (ord == "fro" and not vector):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if vector and ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if vector and ord in (np.inf, -np.inf):
        extreme = np.max if ord > 0 else np.min
        return extreme(np.abs(x), axis=axis, keepdims=keepdims)
    raise UnsupportedPrimitive(f"np.linalg.norm with ord={ord!r} over exact numbers")


# -- entries one by one ----------------------------------------------------------------------
@numpy_function("where")
def _where(condition: Any, x: Any = _NONE, y: Any = _NONE) -> Any:
    first = exact_in(condition, x, y)
    system = first.system
    truths = lift(system, condition, bool)
    if x is _NONE or y is _NONE:
        return np.nonzero(known(Exact(system, truths, bool)))
    with np.errstate(all="ignore"):
        like = np.where(*map(shadow, (condition, x, y)))
    dtype = like.dtype
    arrays = (lift(system, value, dtype) for value in (y, x))
    choose = numpy_reductions.select_in(system, dtype)
    found = system.map(choose, truths, *arrays)
    return NumberArray(system, laid_out(found, like), dtype)


@numpy_function("clip")
def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None,
    max: Any = None,
) -> Any:  # fmt: skip
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None:
        return np.positive(a, out=out) if high is None else np.minimum(a, high, out=out)
    return (
        np.maximum(a, low, out=out)
        if high is None
        else np.minimum(np.maximum(a, low), high, out=out)
    )


@numpy_function("round", "around")
def _round(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    if decimals != 0:
        raise UnsupportedPrimitive("np.round to decimals, which are no floats, over exact numbers")
    return np.rint(a, out=out)


@numpy_function("outer")
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    left, right = (np.ravel(x) if has_exact(x) else np.asarray(x).ravel() for x in (a, b))
    return np.multiply(left[:, None], right[None, :], out=out)


@numpy_function("diff")
def _diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    a = as_array(a)
    if kind(a.dtype) != "f":
        raise UnsupportedPrimitive(f"np.diff of {a.dtype} values over exact numbers")
    moved = np.moveaxis(a, axis, 0)
    for _ in range(n):
        moved = moved[1:] - moved[:-1]
    return np.moveaxis(moved, 0, axis)


@numpy_function("nan_to_num")
def _nan_to_num(x: Any, copy: bool = True) -> Any:
    if bool(np.all(np.isfinite(x))):
        return np.copy(x) if copy else x
    raise UnsupportedPrimitive("np.nan_to_num of numbers that are not finite")


@numpy_function("real")
def _real(val: Any) -> Any:
    return as_array(val)


# -- arrays that are like another ------------------------------------------------------------
def _like(name: str, entry: Any) -> None:
    @numpy_function(name)
    def like(
        a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None, *,
        device: Any = None,
    ) -> Any:  # fmt: skip
        return _filled(a, dtype, order, shape, device, entry)


def _filled(a: Any, dtype: Any, order: Any, shape: Any, device: Any, entry: Any) -> Any:
    a = as_array(a)
    like = np.zeros_like(shadow(a), dtype=dtype, order=order, shape=shape, device=device)
    if kind(like.dtype) != "f":  # integers and truth values are NumPy's own
        return np.full_like(like, 0 if entry is UNWRITTEN else entry)
    value = entry if entry is UNWRITTEN else lift(a.system, entry, like.dtype)
    made = np.empty_like(like, dtype=object)
    made[...] = value if not isinstance(value, np.ndarray) or value.ndim else value[()]
    return NumberArray(a.system, made, like.dtype)


_like("zeros_like", 0)
_like("ones_like", 1)
_like("empty_like", UNWRITTEN)


@numpy_function("full_like")
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    return _filled(a, dtype, order, shape, device, fill_value)


# -- what arrays look like -------------------------------------------------------------------
@numpy_function("shape")
def _shape(a: Any) -> Any:
    return np.shape(shadow(a))


@numpy_function("ndim")
def _ndim(a: Any) -> Any:
    return np.ndim(shadow(a))


@numpy_function("size")
def _size(a: Any, axis: Any = None) -> Any:
    return np.size(shadow(a), axis)


@numpy_function("result_type")
def _result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*map(shadow, arrays_and_dtypes))


@numpy_function("iscomplexobj")
def _iscomplexobj(x: Any) -> bool:
    return np.iscomplexobj(shadow(x))


@numpy_function("isrealobj")
def _isrealobj(x: Any) -> bool:
    return np.isrealobj(shadow(x))


@numpy_function("copyto")
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, NumberArray):
        store(exact_in(src, where).system, dst, np.empty(()), float)  # refused
    lifted = as_array(src) if has_exact(src) else np.asarray(src)
    if not np.can_cast(lifted.dtype, dst.dtype, casting):
        raise TypeError(f"Cannot cast array data from {lifted.dtype} to {dst.dtype}")
    store(dst.system, dst, lift(dst.system, lifted, dst.dtype), dst.dtype, where)
