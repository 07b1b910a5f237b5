"""What NumPy's universal functions are over a number system.

Which loop runs, and hence what the function means (``+`` of booleans is *or*), NumPy itself says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code.elements import (
    Exact,
    dtype_of,
    has_exact,
    kind,
    known_integers,
    laid_out,
    lift,
    require_writable,
)
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.nonfinite import NonFinite
from jaxgrad.numbers.operations import operation

__all__ = ["FLOAT", "at", "call", "contract", "elementwise", "loop_of", "outer", "refuse_keywords"]


def _truncate(s: NumberSystem, x: Any) -> Any:
    negative = s.compare("lt", x, s.constant(0))
    return s.select(negative, s.function("floor", x), s.function("ceil", x))


def _floor_divide(s: NumberSystem, x: Any, y: Any) -> Any:
    """⌊x/y⌋ of real numbers; of 1 and −∞ NumPy has −1, of ∞ and 1 NaN.

    Raises:
        CannotDecide: one of them is an infinity.
    """
    if any(s.known(s.is_finite(z)) is False for z in (x, y)):
        raise CannotDecide("`floor_divide` of an infinity")
    return s.function("floor", s.divide(x, y))


def _heaviside(s: NumberSystem, x: Any, at_zero: Any) -> Any:
    zero, one = s.constant(0), s.constant(1)
    beside = s.select(s.compare("gt", x, zero), zero, one)
    return s.select(s.compare("eq", x, zero), beside, at_zero) + zero * x  # of NaN it is NaN


def _power(s: NumberSystem, x: Any, y: Any) -> Any:
    """An integer exponent is a repeated product, whatever the sign of x."""
    exponent = s.exact_value(y)
    if exponent is not None and exponent.denominator == 1:
        return s.power(x, int(exponent))
    if exponent is not None and 2 * exponent == 1:
        return s.sqrt(x)
    return s.function("pow", x, y)


# NumPy's name -> (the name by which its limits are known, the real function).
FLOAT: dict[str, tuple[str, Callable[..., Any]]] = {
    **{
        numpy_name: (name, operation(name))
        for numpy_name, name in {
            "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div",
            "negative": "neg", "square": "square", "maximum": "max", "minimum": "min",
            "fmax": "max", "fmin": "min", "absolute": "abs", "fabs": "abs", "sign": "sign",
            **{other: name for name, known in FUNCTIONS.items() for other in known.numpy},
        }.items()
    },
    "clip": ("clip", lambda s, x, low, high: s.minimum(s.maximum(x, low), high)),
    "positive": ("positive", lambda s, x: x),
    "conjugate": ("conjugate", lambda s, x: x),
    "reciprocal": ("reciprocal", lambda s, x: s.divide(s.constant(1), x)),
    "power": ("pow", _power),
    "float_power": ("pow", _power),
    "floor_divide": ("floor_divide", _floor_divide),
    "remainder": ("remainder", lambda s, x, y: x - y * _floor_divide(s, x, y)),
    "rint": ("round", lambda s, x: s.function("round_half_even", x)),
    "trunc": ("trunc", _truncate),
    "heaviside": ("heaviside", _heaviside),
    "log10": ("log10", lambda s, x: s.divide(s.log(x), s.log(s.constant(10)))),
    "logaddexp": ("logaddexp", lambda s, x, y: s.log(s.exp(x) + s.exp(y))),
    "hypot": ("hypot", lambda s, x, y: s.sqrt(x * x + y * y)),
}  # fmt: skip

_RELATIONS = {
    "greater": "gt", "less": "lt", "greater_equal": "ge", "less_equal": "le", "equal": "eq",
    "not_equal": "ne",
}  # fmt: skip


def _xor(s: NumberSystem, p: Any, q: Any) -> Any:
    return s.logical_and(s.logical_or(p, q), s.logical_not(s.logical_and(p, q)))


_LOGICAL: dict[str, Callable[..., Any]] = {
    "logical_and": lambda s, p, q: s.logical_and(p, q),
    "logical_or": lambda s, p, q: s.logical_or(p, q),
    "logical_not": lambda s, p: s.logical_not(p),
    "logical_xor": _xor,
}
# What the loops of booleans compute.
_BOOLEAN: dict[str, Callable[..., Any]] = {
    **_LOGICAL,
    "bitwise_and": _LOGICAL["logical_and"],
    "bitwise_or": _LOGICAL["logical_or"],
    "bitwise_xor": _xor,
    "invert": _LOGICAL["logical_not"],
    "add": _LOGICAL["logical_or"],
    "multiply": _LOGICAL["logical_and"],
    "maximum": _LOGICAL["logical_or"],
    "minimum": _LOGICAL["logical_and"],
}


def refuse_keywords(name: str, keywords: dict[str, Any], read: tuple[str, ...]) -> None:
    """Refuses a call with a keyword that no one reads.

    Raises:
        UnsupportedPrimitive: naming it.
    """
    for keyword in keywords:
        if keyword not in read:
            raise UnsupportedPrimitive(f"np.{name} with `{keyword}=` over exact numbers")


def loop_of(
    ufunc: Any, inputs: tuple[Any, ...], out: tuple[Any, ...] = (), **keywords: Any
) -> tuple[Any, ...]:
    """The dtypes of the loop that NumPy runs, those of the results last.

    Raises:
        TypeError: NumPy's own, where it has no such loop or refuses to cast.
    """
    dtypes = [dtype_of(x) for x in inputs]
    made = [o.dtype for o in out] or [None] * ufunc.nout
    wanted = keywords.get("dtype")
    casts = {"casting": keywords.get("casting", "same_kind")}
    if wanted is not None:
        casts["signature"] = (None,) * ufunc.nin + (np.dtype(wanted),)
    return ufunc.resolve_dtypes((*dtypes, *made), **casts)


def elementwise(
    system: NumberSystem, ufunc: Any, inputs: tuple[Any, ...], loop: tuple[Any, ...]
) -> np.ndarray:
    """The entries of ``ufunc(*inputs)``, given the loop that NumPy runs.

    Raises:
        UnsupportedPrimitive: the function has no rule, or integers would have to be computed.
    """
    name, result = ufunc.__name__, kind(loop[-1])
    discrete = {**_BOOLEAN, **_RELATIONS, "isfinite": 0, "isinf": 0, "isnan": 0}
    if result in "iu" or (result == "b" and name not in discrete):
        made = ufunc(*known_integers(name, inputs), dtype=loop[-1])
        return lift(system, made, loop[-1])
    _refuse_short_floats(name, inputs, loop)
    if name == "matmul":
        _require_floats(name, loop)
        left, right = (lift(system, x, dtype) for x, dtype in zip(inputs, loop, strict=False))
        return contract(system, left, right)
    if name in _RELATIONS:
        arrays = [_numbers(system, x, dtype) for x, dtype in zip(inputs, loop, strict=False)]
        return system.map(lambda x, y: system.compare(_RELATIONS[name], x, y), *arrays)
    if name in ("isfinite", "isinf", "isnan"):
        return _finite(system, name, lift(system, inputs[0], loop[0]))
    if name in _LOGICAL or (result == "b" and name in _BOOLEAN):
        arrays = [lift(system, x, bool) for x in inputs]
        return system.map(lambda *ps: _BOOLEAN[name](system, *ps), *arrays)
    if name not in FLOAT or result == "b":
        raise UnsupportedPrimitive(f"np.{name} over exact numbers has no rule")
    _require_floats(name, loop)
    return _apply(system, name, [lift(system, x, d) for x, d in zip(inputs, loop, strict=False)])


def _apply(system: NumberSystem, name: str, arrays: list[np.ndarray]) -> np.ndarray:
    limits, f = FLOAT[name]
    return system.map(lambda *xs: system.carry_out(limits, f, *xs), *arrays)


def _numbers(system: NumberSystem, value: Any, dtype: Any) -> np.ndarray:
    """Elements to compare; comparing neither wraps around nor knows booleans from 0 and 1."""
    return lift(system, value, float if kind(dtype) == "b" else dtype)


def _finite(system: NumberSystem, name: str, values: np.ndarray) -> np.ndarray:
    def apply(x: Any) -> Any:
        if isinstance(x, NonFinite):
            return system.truth(bool(getattr(np, name)(x.value)))
        finite = system.is_finite(x)
        if name == "isfinite":
            return finite
        if system.known(finite) is not True:
            raise UnsupportedPrimitive(f"np.{name} of a number that may not be finite")
        return system.truth(False)

    return system.map(apply, values)


def _refuse_short_floats(name: str, inputs: tuple[Any, ...], loop: tuple[Any, ...]) -> None:
    """Of truth values NumPy takes functions in float16, and what is meant is not its rounding."""
    truths = all(kind(dtype_of(x)) == "b" for x in inputs)
    if truths and loop[-1] == np.float16:
        raise UnsupportedPrimitive(f"np.{name} of truth values, which NumPy computes in float16")


def _require_floats(name: str, loop: tuple[Any, ...]) -> None:
    if kind(loop[-1]) != "f":
        raise UnsupportedPrimitive(
            f"np.{name} on {loop[-1]} values that depend on a real variable has no rule"
        )


def contract(system: NumberSystem, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A product of arrays by NumPy's own rules for their shapes; of matrices, by the system's."""
    matrices = left.ndim in (1, 2) and right.ndim in (1, 2) and left.size > 0
    if matrices and left.shape[-1] == right.shape[0]:  # else NumPy says what is wrong
        rows, columns = left.reshape(-1, left.shape[-1]), right.reshape(right.shape[0], -1)
        shape = (*left.shape[:-1], *right.shape[1:])
        return system.matmul(rows, columns).reshape(shape)
    result = np.matmul(left, right)
    return result if isinstance(result, np.ndarray) else objects([result], ())


def call(system: NumberSystem, ufunc: Any, inputs: Any, keywords: dict[str, Any]) -> Any:
    """``ufunc(*inputs, **keywords)`` as entries, their dtype, and the given ``out``, if any."""
    name = ufunc.__name__
    # The order in memory and subclasses of arrays make no difference to numbers.
    refuse_keywords(name, keywords, ("out", "where", "dtype", "casting", "order", "subok"))
    if ufunc.nout != 1:
        raise UnsupportedPrimitive(f"np.{name} over exact numbers has no rule")
    out = keywords.get("out") or ()
    loop = loop_of(ufunc, inputs, out, **{k: keywords.get(k, d) for k, d in _CASTS.items()})
    values = _laid_out(ufunc, elementwise(system, ufunc, inputs, loop), inputs)
    return values, loop[-1], (out[0] if out else None), keywords.get("where", True)


def _laid_out(ufunc: Any, values: np.ndarray, inputs: Any) -> np.ndarray:
    """The results in the order in memory in which NumPy makes them of such inputs."""
    arrays = [x.values if isinstance(x, Exact) else np.asarray(x) for x in inputs]
    if all(x.ndim < 2 or x.flags.c_contiguous for x in arrays):
        return values
    zeros = [np.zeros_like(x, dtype=bool) for x in arrays]
    if ufunc is np.matmul:
        return laid_out(values, np.matmul(*zeros))
    return laid_out(values, {1: np.logical_not, 2: np.logical_or, 3: np.where}[ufunc.nin](*zeros))


_CASTS = {"dtype": None, "casting": "same_kind"}


def outer(system: NumberSystem, ufunc: Any, inputs: Any, keywords: dict[str, Any]) -> Any:
    """``ufunc.outer(x, y)``: every entry of x with every entry of y."""
    left, right = (
        Exact(system, lift(system, x, dtype_of(x)), np.dtype(dtype_of(x))) for x in inputs
    )
    spread = left.values.reshape(left.values.shape + (1,) * right.values.ndim)
    return call(system, ufunc, (Exact(system, spread, left.dtype), right), keywords)


def at(system: NumberSystem, ufunc: Any, inputs: Any) -> None:
    """``ufunc.at(array, indices, operand)``: in place, once for every time an index is named."""
    array, indices, *operands = inputs
    if not isinstance(array, Exact) or has_exact(indices):
        raise UnsupportedPrimitive(f"np.{ufunc.__name__}.at with exact numbers outside the array")
    require_writable(array.values)
    loop = loop_of(ufunc, (array, *operands), (array,))
    places = np.arange(array.values.size).reshape(array.values.shape)[indices]
    lifted = [
        np.broadcast_to(lift(system, x, d), np.shape(places)).copy()  # it may be the array itself
        for x, d in zip(operands, loop[1:], strict=False)
    ]
    for k, place in np.ndenumerate(places):
        index = np.unravel_index(place, array.values.shape)
        entries = [objects([array.values[index]], ()), *(objects([x[k]], ()) for x in lifted)]
        exact = tuple(Exact(system, x, d) for x, d in zip(entries, loop, strict=False))
        array.values[index] = elementwise(system, ufunc, exact, loop)[()]
