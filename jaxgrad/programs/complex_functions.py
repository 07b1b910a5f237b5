"""The elementary functions of complex numbers by their real and imaginary parts.

Principal values.  On a branch cut the sign of a zero chooses between two, which no real number has.

Source: NIST Digital Library of Mathematical Functions, sections 4.2, 4.15, 4.23, 4.28 and 4.37.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad

from jaxgrad.programs.complex_parts import COMPLEX_RULES, Pair, real_dtype, whole_literal

__all__ = ["ARGUMENT", "BY_ANOTHER_WAY", "multiplied"]

BY_ANOTHER_WAY = frozenset({
    "div", "sign", "exp", "exp2", "expm1", "log", "log1p", "sqrt", "rsqrt", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "logistic", "asin", "acos", "atan", "asinh", "acosh", "atanh", "pow",
})  # fmt: skip
"""Functions that XLA computes otherwise than by these formulas, and as well in the plane alone: an
error of one part may be as large as one of the other."""

_ONE = Pair(1, 0)


def multiplied(z: Pair, w: Pair) -> Pair:
    """zw, where either may have a part that is Python's 0."""
    (a, b), (c, d) = z, w
    return Pair(_sum(_times(a, c), _opposite(_times(b, d))), _sum(_times(a, d), _times(b, c)))


def _times(x: Any, y: Any) -> Any:
    if _is_zero(x) or _is_zero(y):
        return 0
    return y if _is_one(x) else x if _is_one(y) else x * y


def _sum(x: Any, y: Any) -> Any:
    return y if _is_zero(x) else x if _is_zero(y) else x + y


def _opposite(x: Any) -> Any:
    return 0 if _is_zero(x) else -x


def _is_zero(x: Any) -> bool:
    return type(x) is int and x == 0


def _is_one(x: Any) -> bool:
    return type(x) is int and x == 1


def _added(z: Pair, w: Pair) -> Pair:
    return Pair(_sum(z.real, w.real), _sum(z.imag, w.imag))


def _subtracted(z: Pair, w: Pair) -> Pair:
    return _added(z, Pair(_opposite(w.real), _opposite(w.imag)))


def _halved(z: Pair) -> Pair:
    return Pair(z.real / 2, z.imag / 2)


def _times_i(z: Pair) -> Pair:
    return Pair(-z.imag, z.real)


def _divided_by_i(z: Pair) -> Pair:
    return Pair(z.imag, -z.real)


def _size(z: Pair) -> Any:
    """|z|²."""
    return z.real * z.real + z.imag * z.imag


def _absolute(z: Pair) -> Any:
    return lax.sqrt(_size(z))


def _divided(z: Pair, w: Pair) -> Pair:
    over, size = multiplied(z, Pair(w.real, -w.imag)), _size(w)
    return Pair(over.real / size, over.imag / size)


def _reciprocal(w: Pair) -> Pair:
    size = _size(w)
    return Pair(w.real / size, -w.imag / size)


def _sign(z: Pair) -> Pair:
    size = _absolute(z)
    nothing = size == 0
    return Pair(*(jnp.where(nothing, part, part / size) for part in z))


def _exp(z: Pair) -> Pair:
    size = lax.exp(z.real)
    return Pair(size * lax.cos(z.imag), size * lax.sin(z.imag))


def _exp2(z: Pair) -> Pair:
    log2 = lax.log(lax.full_like(z.real, 2))
    return _exp(Pair(z.real * log2, z.imag * log2))


def _expm1(z: Pair) -> Pair:
    cosine, half = lax.cos(z.imag), lax.sin(z.imag / 2)
    real = lax.expm1(z.real) * cosine - 2 * half * half
    return Pair(real, lax.exp(z.real) * lax.sin(z.imag))


ARGUMENT = "argument_in_parts"
"""The primitive of the argument of a complex number, of its imaginary and its real part."""

_argument_p = Primitive(ARGUMENT)
_argument_p.def_impl(lax.atan2)
_argument_p.def_abstract_eval(lambda y, x: y)
ad.defjvp(
    _argument_p,
    lambda t, y, x: t * x / (x * x + y * y),
    lambda t, y, x: -t * y / (x * x + y * y),
)


def _angle(z: Pair) -> Any:
    return _argument_p.bind(*map(jnp.asarray, (z.imag, z.real)))


def _log(z: Pair) -> Pair:
    return Pair(lax.log(_size(z)) / 2, _angle(z))


def _log1p(z: Pair) -> Pair:
    size = z.real * (2 + z.real) + z.imag * z.imag  # |1 + z|² − 1
    return Pair(lax.log1p(size) / 2, _angle(Pair(1 + z.real, z.imag)))


def _of_angle(size: Any, angle: Any) -> Pair:
    return Pair(size * lax.cos(angle), size * lax.sin(angle))


def _sqrt(z: Pair) -> Pair:
    return _of_angle(lax.sqrt(_absolute(z)), _angle(z) / 2)


def _rsqrt(z: Pair) -> Pair:
    return _of_angle(1 / lax.sqrt(_absolute(z)), -_angle(z) / 2)


def _sin(z: Pair) -> Pair:
    return Pair(lax.sin(z.real) * lax.cosh(z.imag), lax.cos(z.real) * lax.sinh(z.imag))


def _cos(z: Pair) -> Pair:
    return Pair(lax.cos(z.real) * lax.cosh(z.imag), -lax.sin(z.real) * lax.sinh(z.imag))


def _tan(z: Pair) -> Pair:
    below = lax.cos(2 * z.real) + lax.cosh(2 * z.imag)
    return Pair(lax.sin(2 * z.real) / below, lax.sinh(2 * z.imag) / below)


def _turned(function: Callable[[Pair], Pair]) -> Callable[[Pair], Pair]:
    """z ↦ f(iz)/i, which makes sinh of sin, and so on."""
    return lambda z: _divided_by_i(function(_times_i(z)))


def _cosh(z: Pair) -> Pair:
    return Pair(lax.cosh(z.real) * lax.cos(z.imag), lax.sinh(z.real) * lax.sin(z.imag))


def _logistic(z: Pair) -> Pair:
    # 1/(1 + e⁻ᶻ) = (1 + tanh(z/2))/2
    tanh = _turned(_tan)(_halved(z))
    return Pair((1 + tanh.real) / 2, tanh.imag / 2)


def _asin(z: Pair) -> Pair:
    root = _sqrt(_subtracted(_ONE, multiplied(z, z)))
    return _divided_by_i(_log(_added(_times_i(z), root)))


def _acos(z: Pair) -> Pair:
    asin = _asin(z)
    quarter = 2 * lax.atan(lax.full_like(z.real, 1))
    return Pair(quarter - asin.real, -asin.imag)


def _acosh(z: Pair) -> Pair:
    roots = multiplied(_sqrt(_added(z, _ONE)), _sqrt(_subtracted(z, _ONE)))
    return _log(_added(z, roots))


def _atanh(z: Pair) -> Pair:
    difference = _subtracted(_log(_added(_ONE, z)), _log(_subtracted(_ONE, z)))
    return _halved(difference)


def _asinh(z: Pair) -> Pair:
    return _log(_added(z, _sqrt(_added(multiplied(z, z), _ONE))))


def _atan(z: Pair) -> Pair:
    return _divided_by_i(_atanh(_times_i(z)))


def _pow(z: Pair, w: Any) -> Pair:
    logarithm = _log(z)
    exponent = w if isinstance(w, Pair) else Pair(w.astype(z.real.dtype), 0)
    power = _exp(multiplied(logarithm, exponent))
    nothing = (z.real == 0) & (z.imag == 0) & (exponent.real > 0)
    return Pair(*(jnp.where(nothing, 0, part) for part in power))


def _integer_pow(z: Pair, y: int) -> Pair:
    if y < 0:
        return _reciprocal(_integer_pow(z, -y))
    result, square, rest = _ONE, z, y
    while rest:
        result = multiplied(result, square) if rest & 1 else result
        rest >>= 1
        square = multiplied(square, square) if rest else square
    return result


def _polynomial(z: Pair, *coefficients: Pair) -> Pair:
    """By Horner's rule, as JAX computes it."""
    result = Pair(0, 0)
    for coefficient in reversed(coefficients):
        result = _added(multiplied(result, z), coefficient)
    return result


def _conj(z: Any) -> Pair:
    return Pair(z.real, -z.imag) if isinstance(z, Pair) else Pair(z, 0)


def _is_later(z: Pair, w: Pair) -> Any:
    """Whether z comes after w in the order by the real part, then by the imaginary one."""
    return (z.real > w.real) | ((z.real == w.real) & (z.imag > w.imag))


def _greater(z: Pair, w: Pair) -> Pair:
    return Pair(*(jnp.where(_is_later(w, z), *parts) for parts in zip(w, z, strict=True)))


def _lesser(z: Pair, w: Pair) -> Pair:
    return Pair(*(jnp.where(_is_later(z, w), *parts) for parts in zip(w, z, strict=True)))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "mul": multiplied, "div": _divided, "square": lambda z: multiplied(z, z),
    "one_minus_square": lambda z: _subtracted(_ONE, multiplied(z, z)),
    "real": lambda z: z.real, "imag": lambda z: z.imag, "conj": _conj, "complex": Pair,
    "abs": _absolute, "sign": _sign, "exp": _exp, "exp2": _exp2, "expm1": _expm1, "log": _log,
    "log1p": _log1p, "sqrt": _sqrt, "rsqrt": _rsqrt, "sin": _sin, "cos": _cos, "tan": _tan,
    "sinh": _turned(_sin), "cosh": _cosh, "tanh": _turned(_tan), "logistic": _logistic,
    "asin": _asin, "acos": _acos, "atan": _atan, "asinh": _asinh, "acosh": _acosh,
    "atanh": _atanh, "polynomial": _polynomial, "max": _greater, "min": _lesser,
    "eq": lambda z, w: (z.real == w.real) & (z.imag == w.imag),
    "ne": lambda z, w: (z.real != w.real) | (z.imag != w.imag),
}  # fmt: skip


def _whole(value: Any, variable: Any) -> Any:
    """A result whose parts are arrays: a number may stand for an array of it."""
    if not isinstance(value, Pair):
        return value
    shape, dtype = variable.aval.shape, real_dtype(variable.aval.dtype)

    def array(part: Any) -> Any:
        part = np.asarray(part, dtype) if type(part) is int else part
        return part if np.shape(part) == shape else jnp.broadcast_to(part, shape)

    return Pair(*map(array, value))


def _rule(function: Callable[..., Any]) -> Any:
    return lambda equation, values: [_whole(function(*values), equation.outvars[0])]


for _name, _function in _FUNCTIONS.items():
    COMPLEX_RULES[_name] = _rule(_function)


def _power(equation: Any, values: Any) -> list[Any]:
    (z,) = values
    return [_whole(_integer_pow(z, equation.params["y"]), equation.outvars[0])]


def _power_of_any(equation: Any, values: Any) -> list[Any]:
    """By a whole number that stands in the equation, as by that: no branch is cut then."""
    z, exponent = values
    whole = exponent if isinstance(exponent, int) else whole_literal(equation.invars[1])
    if whole is None:
        return _rule(_pow)(equation, values)
    return [_whole(_integer_pow(z, whole), equation.outvars[0])]


COMPLEX_RULES["integer_pow"], COMPLEX_RULES["pow"] = _power, _power_of_any
