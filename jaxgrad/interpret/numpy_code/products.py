"""NumPy's sums of products, which need no more than ``+`` and ``×``, run by NumPy itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code.code import FUNCTIONS, NumberArray
from jaxgrad.interpret.numpy_code.elements import (
    dtype_of,
    exact_in,
    has_exact,
    kind,
    known_integers,
    laid_out,
    lift,
    shadow,
)
from jaxgrad.interpret.numpy_code.functions import numpy_function
from jaxgrad.interpret.numpy_code.moves import wrapped
from jaxgrad.interpret.numpy_code.ufuncs import contract
from jaxgrad.numbers.base import NumberSystem, objects

__all__: list[str] = []


def _as_array(value: Any) -> Any:
    """An operand that NumPy has made into an array."""
    if isinstance(value, NumberArray | np.ndarray):
        return value
    whole = np.array(value, dtype=object) if has_exact(value) else np.asarray(value)
    if not has_exact(value):
        return whole
    first, dtype = exact_in(whole), np.dtype(dtype_of(whole))
    return NumberArray(first.system, lift(first.system, whole, dtype), dtype)


def _product(
    name: str, function: Callable[..., Any], operands: tuple[Any, ...], contracted: Any = None
) -> Any:
    """``function(*operands)``; ``contracted`` is the same of object arrays, if it differs."""
    arrays = [_as_array(x) for x in operands]
    like = function(*map(shadow, arrays))
    dtype, system = np.asarray(like).dtype, exact_in(*arrays).system
    if kind(dtype) != "f":
        made = function(*known_integers(name, arrays))
        return wrapped(system, lift(system, made, dtype), like)
    found = (contracted or function)(*(lift(system, x, dtype) for x in arrays))
    if isinstance(found, np.ndarray) and isinstance(like, np.generic):
        found = found[()]
    return wrapped(system, found, like)


def _register(name: str, count: int) -> None:
    """Registers a function of so many operands, other arguments after them."""

    def apply(*args: Any, **keywords: Any) -> Any:
        for keyword in ("out", "dtype"):
            if keywords.get(keyword) is not None:
                raise UnsupportedPrimitive(f"np.{name} with `{keyword}=` over exact numbers")
        function = getattr(np, name)
        return _product(name, lambda *xs: function(*xs, *args[count:], **keywords), args[:count])

    FUNCTIONS[name] = apply


for _name, _count in {
    "inner": 2, "tensordot": 2, "kron": 2, "cross": 2, "trace": 1, "convolve": 2
}.items():  # fmt: skip
    _register(_name, _count)


@numpy_function("dot")
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        raise UnsupportedPrimitive("np.dot with `out=` over exact numbers")
    system: NumberSystem = exact_in(a, b).system
    matrices = all(np.ndim(shadow(x)) in (1, 2) for x in (a, b))
    return _product(
        "dot", np.dot, (a, b), (lambda x, y: contract(system, x, y)) if matrices else None
    )


@numpy_function("vdot")
def _vdot(a: Any, b: Any) -> Any:
    return np.dot(np.ravel(a), np.ravel(b))


class _Summand:
    """An element that may be added to the 0 with which np.einsum starts."""

    def __init__(self, element: Any) -> None:
        self.element = element

    def __radd__(self, zero: int) -> _Summand:
        return self

    def __add__(self, other: _Summand) -> _Summand:
        return _Summand(self.element + other.element)

    def __mul__(self, other: _Summand) -> _Summand:
        return _Summand(self.element * other.element)


@numpy_function("einsum")
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise UnsupportedPrimitive("np.einsum without a string of subscripts")

    def function(*xs: Any) -> Any:
        return np.einsum(subscripts, *xs, optimize=optimize)

    def contracted(*arrays: np.ndarray) -> Any:
        zeros = [np.zeros_like(x, dtype=float) for x in arrays]
        like = function(*zeros)
        if any(np.may_share_memory(like, x) for x in zeros):  # "ii->i" is a view
            return function(*arrays)
        found = function(*(objects(map(_Summand, x.flat), x.shape) for x in arrays))
        if not isinstance(found, np.ndarray):
            return getattr(found, "element", found)
        # An empty sum is the 0 itself.
        entries = objects((getattr(x, "element", x) for x in found.flat), found.shape)
        return laid_out(entries, like)

    return _product("einsum", function, operands, contracted)
