"""Runs NumPy code unchanged over any number system.

:class:`NumberArray` is an object array to NumPy's own machinery, so that what is a view and what is
a copy is NumPy's doing, and answers NumPy's universal functions and functions by its number
system.  It never turns into floats: code that asks for them gets a TypeError, and nothing is
rounded unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code import reductions as numpy_reductions
from jaxgrad.interpret.numpy_code import ufuncs as numpy_ufuncs
from jaxgrad.interpret.numpy_code.elements import (
    Exact,
    has_exact,
    kind,
    known,
    laid_out,
    lift,
    lock,
    require_writable,
)
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects

__all__ = ["FUNCTIONS", "NumberArray", "NumberScalar", "scalar_of", "store"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""NumPy's functions over exact numbers by name, filled by the module ``functions`` beside it."""


class _Answering(Exact, NDArrayOperatorsMixin):
    """What arrays and scalars share: NumPy's protocols."""

    __hash__ = None  # type: ignore[assignment]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size(self) -> int:
        return self.values.size

    def __bool__(self) -> bool:
        if self.size != 1:
            raise TypeError("the truth value of an exact array")
        (element,) = self.values.reshape(-1)
        if self.dtype != bool:
            element = self.system.compare("ne", element, self.system.constant(0))
        answer = self.system.known(element)
        if answer is None:
            raise CannotDecide("a Python `if` on a comparison that is open")
        return answer

    def __float__(self) -> float:
        raise TypeError(
            "an exact number does not turn into a float, nor fit into an array of floats such as "
            "np.zeros makes; np.zeros_like(x) makes one for exact numbers"
        )

    def __int__(self) -> int:
        if kind(self.dtype) != "f" and self.size == 1:
            return int(known(self).reshape(-1)[0])
        raise TypeError("an exact number does not turn into an integer: it would be truncated")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.values!r})"

    def __copy__(self) -> Any:
        return FUNCTIONS["copy"](self)

    def __deepcopy__(self, memo: Any) -> Any:
        return FUNCTIONS["copy"](self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name, system = ufunc.__name__, self.system
        if method == "at":
            return numpy_ufuncs.at(system, ufunc, inputs)
        out, where = (kwargs.get("out") or (None,))[0], True
        plain = {k: v for k, v in kwargs.items() if k != "out"}
        if isinstance(out, Exact) and not any(map(has_exact, (*inputs, *plain.values()))):
            where = plain.pop("where", True) if method == "__call__" else True
            made = np.asarray(getattr(ufunc, method)(*inputs, **plain))
            return store(system, out, lift(system, made, made.dtype), made.dtype, where)
        if method == "reduce":
            values, dtype = numpy_reductions.reduce(system, ufunc, inputs[0], kwargs)
        elif method == "accumulate":
            values, dtype = numpy_reductions.accumulate(system, ufunc, inputs[0], kwargs)
        elif method in ("__call__", "outer"):
            run = numpy_ufuncs.call if method == "__call__" else numpy_ufuncs.outer
            values, dtype, out, where = run(system, ufunc, inputs, kwargs)
        else:
            raise UnsupportedPrimitive(f"np.{name}.{method} over exact numbers")
        if out is not None:
            return store(system, out, values, dtype, where)
        if where is not True:
            raise UnsupportedPrimitive(
                f"np.{name} with `where=` and no `out=`: it fills nothing in"
            )
        return (
            NumberArray(system, values, dtype) if values.ndim else scalar_of(system, values, dtype)
        )

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function.__name__
        module = function.__module__
        # np.linalg has functions of its own by the names of others.
        if name not in FUNCTIONS or not (module == "numpy" or function is np.linalg.norm):
            prefix = "np" if module == "numpy" else f"np{module.removeprefix('numpy')}"
            raise UnsupportedPrimitive(f"{prefix}.{name} over exact numbers has no rule")
        return FUNCTIONS[name](*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS and hasattr(np.ndarray, name) and name != "resize":  # in place
            return lambda *args, **kwargs: FUNCTIONS[name](self, *args, **kwargs)
        if not name.startswith("__") and hasattr(np.ndarray, name):
            raise UnsupportedPrimitive(f"the method or attribute `{name}` of an exact array")
        raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")


class NumberArray(_Answering):
    """An array over a number system that NumPy code takes for an array.

    Args:
        system: the numbers.
        values: an object array of the system's elements, or of its truth values.
        dtype: the dtype that the code is told.

    Example:
        >>> import jaxgrad.interpret.sides  # which fills FUNCTIONS
        >>> from jaxgrad.numbers.ball import Ball
        >>> x = NumberArray(Ball(), Ball().constants(np.array([0.0, 1.0])), np.dtype(np.float32))
        >>> np.where(x > 0, x, 1 / (1 + np.exp(-x))).values
        array([0.500000000000000, 1.00000000000000], dtype=object)
        >>> isinstance(x, np.ndarray)
        True
    """

    @property
    def __class__(self) -> type:  # what isinstance asks for, so that code takes NumPy's branch
        return np.ndarray

    @property
    def T(self) -> NumberArray:
        return self._like(self.values.T)

    @property
    def mT(self) -> NumberArray:
        return self._like(self.values.swapaxes(-1, -2))

    @property
    def real(self) -> NumberArray:
        return self

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return self._taken(self.values[_known_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        require_writable(self.values)
        lifted = lift(self.system, value, self.dtype)
        if isinstance(index, Exact) and kind(index.dtype) == "b" and lifted.ndim == 0:
            rest = (1,) * (self.ndim - index.values.ndim)  # a mask goes along the first axes
            mask = Exact(self.system, index.values.reshape(index.values.shape + rest), bool)
            store(self.system, self, lifted, self.dtype, mask)
            return
        index = _known_index(index)
        if isinstance(self.values[index], np.ndarray):
            self.values[index] = lifted if lifted.ndim else lifted[()]
        elif lifted.size == 1:
            self.values[index] = lifted.reshape(-1)[0]
        else:
            raise ValueError("setting an array element with a sequence.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Its entries as scalars; they cannot share what they are, so neither is written to."""
        if kind(self.dtype) != "f":
            entries = known(self)
        elif dtype is not None and np.dtype(dtype) != object:
            raise TypeError("an exact array does not turn into floats")
        else:
            scalars = (
                scalar_of(self.system, objects([x], ()), self.dtype) for x in self.values.flat
            )
            entries = laid_out(objects(scalars, self.shape), self.values)
        if copy is not True:
            lock(self.values)
            entries.flags.writeable = False
        return entries

    def reshape(self, *shape: Any, **keywords: Any) -> NumberArray:
        return self._like(self.values.reshape(*shape, **keywords))

    def transpose(self, *axes: Any) -> NumberArray:
        return self._like(self.values.transpose(*axes))

    def flatten(self, order: Any = "C") -> NumberArray:
        return self._like(self.values.flatten(order))

    def copy(self, order: Any = "C") -> NumberArray:
        return self._like(self.values.copy(order))

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        self[...] = FUNCTIONS["sort"](self, axis)

    def tolist(self) -> Any:
        return [x.tolist() if isinstance(x, NumberArray) else x.item() for x in self]

    def item(self, *index: Any) -> Any:
        return scalar_of(self.system, objects([self.values.item(*index)], ()), self.dtype)

    def astype(
        self,
        dtype: Any,
        order: Any = "K",
        casting: str = "unsafe",
        subok: Any = True,
        copy: Any = True,
    ) -> NumberArray:
        if not np.can_cast(self.dtype, dtype, casting):  # type: ignore[arg-type]
            raise TypeError(f"Cannot cast array data from {self.dtype} to {np.dtype(dtype)}")
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        lifted = lift(self.system, self, np.dtype(dtype))
        return NumberArray(self.system, lifted.copy(order), dtype)

    def _like(self, values: np.ndarray) -> NumberArray:
        return NumberArray(self.system, values, self.dtype)

    def _taken(self, taken: Any) -> Any:
        if isinstance(taken, np.ndarray):
            return self._like(taken)
        return scalar_of(self.system, objects([taken], ()), self.dtype)


class NumberScalar(_Answering):
    """What NumPy makes of one entry: it cannot be written to, and shares nothing.

    Args:
        system: the numbers.
        values: an object array of shape ().
        dtype: the dtype that the code is told.
        taken_for: the class that ``isinstance`` is told.
    """

    def __init__(
        self, system: NumberSystem, values: np.ndarray, dtype: Any, taken_for: type | None = None
    ) -> None:
        super().__init__(system, values, dtype)
        self._taken_for = taken_for or self.dtype.type

    @property
    def __class__(self) -> type:
        return self._taken_for

    @property
    def T(self) -> NumberScalar:
        return self

    real = T

    def __getitem__(self, index: Any) -> Any:
        found = self.values[index]
        if isinstance(found, np.ndarray):
            return NumberArray(self.system, found.copy(), self.dtype)
        return self

    def __bool__(self) -> bool:
        # Of an object array np.logical_and and np.any would return these numbers, not truth values.
        if kind(self.dtype) == "f":
            raise TypeError("the truth value of an exact number: compare it with 0")
        return super().__bool__()

    def __format__(self, specification: str) -> str:
        return repr(self)  # for people to read: digits would be those of a float

    def item(self) -> NumberScalar:
        return NumberScalar(self.system, self.values, self.dtype, float)

    def flatten(self, order: Any = "C") -> NumberArray:
        return self.reshape(-1)

    def astype(self, dtype: Any, copy: Any = True) -> Any:
        return scalar_of(self.system, lift(self.system, self, np.dtype(dtype)), dtype)

    def reshape(self, *shape: Any) -> NumberArray:
        return NumberArray(self.system, self.values.copy().reshape(*shape), self.dtype)

    # An operation in place makes another number.
    __iadd__ = NDArrayOperatorsMixin.__add__  # type: ignore[assignment]
    __isub__ = NDArrayOperatorsMixin.__sub__  # type: ignore[assignment]
    __imul__ = NDArrayOperatorsMixin.__mul__  # type: ignore[assignment]
    __itruediv__ = NDArrayOperatorsMixin.__truediv__  # type: ignore[assignment]
    __ifloordiv__ = NDArrayOperatorsMixin.__floordiv__  # type: ignore[assignment]
    __imod__ = NDArrayOperatorsMixin.__mod__  # type: ignore[assignment]
    __ipow__ = NDArrayOperatorsMixin.__pow__  # type: ignore[assignment]
    __iand__ = NDArrayOperatorsMixin.__and__  # type: ignore[assignment]
    __ior__ = NDArrayOperatorsMixin.__or__  # type: ignore[assignment]
    __ixor__ = NDArrayOperatorsMixin.__xor__  # type: ignore[assignment]


class _Discrete(NumberScalar):
    """A truth value or an integer; where it is known, NumPy may have it for an index."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return known(self)

    def __index__(self) -> int:
        return int(self)


def _answer(name: str) -> Callable[..., Any]:
    return lambda self, *others: getattr(np, name)(self, *others)


# NumPy asks the entries of an object array for methods named as the function is.
for _name in numpy_ufuncs.FLOAT:
    setattr(NumberScalar, _name, _answer(_name))


def scalar_of(system: NumberSystem, values: np.ndarray, dtype: Any) -> NumberScalar:
    """One entry as the code is to see it."""
    return (NumberScalar if kind(dtype) == "f" else _Discrete)(system, values, dtype)


def store(system: NumberSystem, out: Any, values: np.ndarray, dtype: Any, where: Any = True) -> Any:
    """Writes entries into ``out``, where a mask holds, as NumPy casts and broadcasts.

    Raises:
        UnsupportedPrimitive: ``out`` is an array of floats.
        TypeError: NumPy would refuse the cast.
    """
    if not isinstance(out, Exact) and kind(dtype) != "f":
        np.copyto(
            out,
            known(Exact(system, values, dtype)),
            "same_kind",
            where if where is True else np.asarray(where),
        )
        return out
    if not isinstance(out, Exact):
        raise UnsupportedPrimitive(
            "exact numbers do not fit into an array of floats such as np.zeros makes; "
            "np.zeros_like(x) makes one for exact numbers"
        )
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"Cannot cast output from {np.dtype(dtype)} to {out.dtype}")
    require_writable(out.values)
    entries = lift(system, NumberArray(system, values, dtype), out.dtype)
    if where is not True:
        mask = lift(system, where, bool)
        choose = numpy_reductions.select_in(system, out.dtype)
        entries = system.map(choose, mask, out.values, entries)
    out.values[...] = entries if entries.ndim else entries[()]
    return out


def _known_index(index: Any) -> Any:
    """An index of known integers and truth values.

    Raises:
        CannotDecide: a comparison in it is open.
        UnsupportedPrimitive: a number in it depends on a real variable.
    """
    if isinstance(index, tuple):
        return tuple(map(_known_index, index))
    if not has_exact(index):
        return index
    if isinstance(index, Exact):
        return known(index)
    raise UnsupportedPrimitive("an index that depends on a real variable")
