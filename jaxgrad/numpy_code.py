"""Runs NumPy code unchanged over any number system.

:class:`NumberArray` answers NumPy's functions and universal functions by its number system.  It
never turns into floats: code that asks for them gets a TypeError, and nothing is rounded unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.rules.elementwise import ELEMENTWISE

__all__ = ["NumberArray"]

# NumPy's name -> JAX's name of the same real function.
_SAME = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "negative": "neg",
    "square": "square", "maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min",
    "absolute": "abs", "fabs": "abs", "sign": "sign", "exp": "exp", "exp2": "exp2", "log": "log",
    "log1p": "log1p", "expm1": "expm1", "tanh": "tanh", "sqrt": "sqrt", "cbrt": "cbrt",
    "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "floor": "floor", "ceil": "ceil",
}  # fmt: skip
_RELATIONS = {
    "greater": "gt", "less": "lt", "greater_equal": "ge", "less_equal": "le", "equal": "eq",
    "not_equal": "ne",
}  # fmt: skip
_LOGICAL = {
    "logical_and": "logical_and", "logical_or": "logical_or", "logical_not": "logical_not",
    "bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not",
}  # fmt: skip
_CONSTANT_LIKE = {"zeros_like": 0, "ones_like": 1}


class NumberArray(NDArrayOperatorsMixin):
    """An array over a number system that NumPy code takes for an array.

    Args:
        system: the numbers.
        values: an object array of the system's elements, or of its truth values.
        dtype: the dtype that the code is told.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> x = NumberArray(Ball(), Ball().constants(np.array([0.0, 1.0])), np.dtype(np.float32))
        >>> np.where(x > 0, x, 1 / (1 + np.exp(-x))).values
        array([0.500000000000000, 1.00000000000000], dtype=object)
    """

    def __init__(self, system: NumberSystem, values: np.ndarray, dtype: Any) -> None:
        self.system = system
        self.values = values
        self.dtype = np.dtype(dtype)

    # -- what arrays can do ------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size(self) -> int:
        return self.values.size

    @property
    def T(self) -> NumberArray:
        return self._like(self.values.T)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[NumberArray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> NumberArray:
        taken = self.values[index]
        return self._like(taken if isinstance(taken, np.ndarray) else objects([taken], ()))

    def __setitem__(self, index: Any, value: Any) -> None:
        lifted = self._lift(value)
        self.values[index] = lifted if lifted.ndim else lifted[()]

    def __bool__(self) -> bool:
        if self.size != 1 or self.dtype != bool:
            raise TypeError("the truth value of an exact array")
        known = self.system.known(self.values.reshape(-1)[0])
        if known is None:
            raise CannotDecide("a Python `if` on a comparison that is open")
        return known

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("an exact array does not turn into floats")

    def __float__(self) -> float:
        raise TypeError("an exact number does not turn into a float")

    def __repr__(self) -> str:
        return f"NumberArray({self.values!r})"

    def reshape(self, *shape: Any) -> NumberArray:
        return self._like(self.values.reshape(*shape))

    def transpose(self, *axes: Any) -> NumberArray:
        return self._like(self.values.transpose(*axes))

    def ravel(self) -> NumberArray:
        return self._like(self.values.ravel())

    flatten = ravel

    def copy(self) -> NumberArray:
        return self._like(self.values.copy())

    def astype(self, dtype: Any, **_: Any) -> NumberArray:
        new = np.dtype(dtype)
        if new.kind != "f":
            raise TypeError(f"an exact array does not turn into {new}")
        if self.dtype == bool:
            return NumberArray(self.system, self.system.map(self.system.number, self.values), new)
        return NumberArray(self.system, self.values, new)

    def sum(self, axis: Any = None, keepdims: bool = False) -> NumberArray:
        return self._reduce("add", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> NumberArray:
        return self._reduce("maximum", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> NumberArray:
        total = self.sum(axis, keepdims)
        return total / (self.size // max(total.size, 1))

    def dot(self, other: Any) -> NumberArray:
        return self._contract(self.values, self._lift(other), np.dot)

    # -- NumPy's protocols -------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if method == "reduce":
            return self._reduce(name, kwargs.get("axis", 0), bool(kwargs.get("keepdims")))
        if method == "outer":
            left, right = (self._wrap(x) for x in inputs)
            shape = left.shape + (1,) * right.ndim
            return self.__array_ufunc__(ufunc, "__call__", left.reshape(shape), right)
        if method != "__call__" or kwargs.get("out") is not None:
            raise UnsupportedPrimitive(f"np.{name}.{method} over exact numbers")
        if name == "matmul":
            left, right = (self._lift(x) for x in inputs)
            return self._contract(left, right, np.matmul)
        return self._elementwise(name, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function.__name__
        if name == "where":
            return self._where(*args)
        if name in _CONSTANT_LIKE:
            constant = self.system.constant(_CONSTANT_LIKE[name])
            shape = args[0].shape
            return self._like(objects([constant] * int(np.prod(shape)), shape))
        if name in ("sum", "amax", "max", "mean"):
            method = "max" if name == "amax" else name
            return getattr(args[0], method)(*args[1:], **kwargs)
        if name in ("dot", "inner", "tensordot", "vdot"):
            left, right = self._lift(args[0]), self._lift(args[1])
            return self._contract(left, right, lambda a, b: function(a, b, *args[2:], **kwargs))
        if name in ("outer",):
            left, right = (self._wrap(x).ravel() for x in args[:2])
            return left[:, None] * right[None, :]
        if name not in _STRUCTURAL:
            raise UnsupportedPrimitive(f"np.{name} over exact numbers has no rule")
        return self._rewrap(function(*map(self._unwrap, args), **kwargs))

    # -- helpers -----------------------------------------------------------------------------
    def _like(self, values: np.ndarray) -> NumberArray:
        return NumberArray(self.system, values, self.dtype)

    def _lift(self, value: Any) -> np.ndarray:
        if isinstance(value, NumberArray):
            return value.values
        array = np.asarray(value)
        if array.dtype == bool:
            return self.system.map(lambda p: self.system.truth(bool(p)), array)
        return self.system.constants(array)

    def _wrap(self, value: Any) -> NumberArray:
        return value if isinstance(value, NumberArray) else self._like(self._lift(value))

    def _unwrap(self, value: Any) -> Any:
        if isinstance(value, NumberArray):
            return value.values
        if isinstance(value, list | tuple):
            return type(value)(map(self._unwrap, value))
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return self.system.constants(value)
        return value

    def _rewrap(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(self._rewrap, value))
        if not isinstance(value, np.ndarray):
            value = objects([value], ())
        flat = value.reshape(-1)
        # np.diag and np.pad fill with Python zeros.
        lifted = (self.system.constant(x) if isinstance(x, int | float) else x for x in flat)
        return self._like(objects(lifted, value.shape))

    def _elementwise(self, name: str, inputs: Any) -> NumberArray:
        system = self.system
        if name in ("power", "float_power"):
            return self._power(*inputs)
        if name == "reciprocal":
            inputs, name = (1, *inputs), "divide"
        if name in _LOGICAL:
            arrays = [self._truths(x) for x in inputs]
            function = getattr(system, _LOGICAL[name])
            return NumberArray(system, system.map(function, *arrays), bool)
        arrays = [self._numbers(x) for x in inputs]
        if name in _RELATIONS:
            relation = _RELATIONS[name]
            compared = system.map(lambda x, y: system.compare(relation, x, y), *arrays)
            return NumberArray(system, compared, bool)
        if name not in _SAME:
            raise UnsupportedPrimitive(f"np.{name} over exact numbers has no rule")
        f = ELEMENTWISE[_SAME[name]]
        dtype = self.dtype if self.dtype != bool else np.dtype(float)
        return NumberArray(system, system.map(lambda *xs: f(system, *xs), *arrays), dtype)

    def _numbers(self, value: Any) -> np.ndarray:
        """Elements; truth values count as 0 and 1, as they do in NumPy's arithmetic."""
        if isinstance(value, NumberArray) and value.dtype == bool:
            return self.system.map(self.system.number, value.values)
        array = value if isinstance(value, NumberArray) else np.asarray(value)
        return self._lift(array if array.dtype != bool else np.asarray(value, float))

    def _truths(self, value: Any) -> np.ndarray:
        return self._lift(value if isinstance(value, NumberArray) else np.asarray(value, bool))

    def _power(self, base: Any, exponent: Any) -> NumberArray:
        system = self.system
        if isinstance(exponent, NumberArray):
            powers = system.map(lambda x, y: system.function("pow", x, y), self._lift(base),
                                exponent.values)  # fmt: skip
            return self._like(powers)
        exponents = np.asarray(exponent)
        if not np.all(exponents == np.round(exponents)):
            if np.all(exponents == 0.5):
                return self._elementwise("sqrt", (base,))
            raise UnsupportedPrimitive("a power with a fractional exponent over exact numbers")
        powers = system.map(lambda x, n: system.power(x, int(n)), self._lift(base),
                            exponents.astype(object))  # fmt: skip
        return self._like(powers)

    def _reduce(self, name: str, axis: Any, keepdims: bool) -> NumberArray:
        operation: dict[str, Callable[[list[Any]], Any]] = {
            "add": self.system.total,
            "maximum": self.system.largest,
        }
        if name not in operation:
            raise UnsupportedPrimitive(f"np.{name}.reduce over exact numbers has no rule")
        values = self._numbers(self)
        axes = range(self.ndim) if axis is None else np.atleast_1d(axis)
        axes = tuple(int(a) % max(self.ndim, 1) for a in axes)
        kept = [a for a in range(self.ndim) if a not in axes]
        rows = values.transpose([*kept, *axes]).reshape([values.shape[a] for a in kept] + [-1])
        shape = rows.shape[:-1]
        flat = rows.reshape((int(np.prod(shape)), -1))
        reduced = objects((operation[name](list(row)) for row in flat), shape)
        if keepdims:
            reduced = reduced.reshape([1 if a in axes else n for a, n in enumerate(self.shape)])
        return NumberArray(self.system, reduced, self.dtype if self.dtype != bool else float)

    def _contract(self, left: np.ndarray, right: np.ndarray, product: Any) -> NumberArray:
        result = product(left, right)
        if not isinstance(result, np.ndarray):
            result = objects([result], ())
        return self._like(result)

    def _where(self, condition: Any, if_true: Any, if_false: Any) -> NumberArray:
        truths = self._truths(condition)
        values = self.system.map(
            self.system.select, truths, self._numbers(if_false), self._numbers(if_true)
        )
        dtype = next((x.dtype for x in (if_true, if_false) if isinstance(x, NumberArray)), float)
        return NumberArray(self.system, values, dtype)


_STRUCTURAL = frozenset({
    "reshape", "transpose", "ravel", "concatenate", "stack", "vstack", "hstack", "diag",
    "diagonal", "trace", "squeeze", "expand_dims", "broadcast_to", "flip", "moveaxis", "swapaxes",
    "repeat", "tile", "take", "atleast_1d", "atleast_2d", "copy", "pad",
})  # fmt: skip
