"""Functions of intervals by the names of JAX's primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxgrad.numbers import float64_functions as float64
from jaxgrad.numbers.float64_tables import TABLE_ERROR, erf_quotient, scaled_erfc
from jaxgrad.numbers.interval_arithmetic import (
    Interval,
    above,
    each_end,
    magnitudes,
    negative,
    outwards,
    product,
    reciprocal,
    square,
    total,
)

__all__ = ["FUNCTIONS", "half_away"]

_Rule = Callable[..., Interval]


def _exactly(value: float) -> Interval:
    return Interval(jnp.asarray(value), jnp.asarray(value))


def _increasing(name: str, low: float = -jnp.inf, high: float = jnp.inf) -> _Rule:
    """The rule of an increasing function with values between two bounds."""
    f, error = getattr(float64, name), float64.ERRORS[name]

    def apply(x: Interval) -> Interval:
        below, most = x.each(f).parts
        wide = outwards(below - abs(below) * error, most + abs(most) * error)
        return Interval(jnp.maximum(wide.parts[0], low), jnp.minimum(wide.parts[1], high))

    return apply


def _grows(f: _Rule) -> _Rule:
    """The rule of a function that grows with every argument, by what is made of it at each end."""

    def apply(*xs: Interval) -> Interval:
        low, high = (f(*(Interval(x.parts[k], x.parts[k]) for x in xs)) for k in (0, 1))
        return Interval(low.parts[0], high.parts[1])

    return apply


def _root(x: Interval) -> Interval:
    wide = outwards(*map(jnp.sqrt, x.parts))
    return Interval(jnp.maximum(wide.parts[0], 0.0), wide.parts[1])


def _turning(name: str) -> _Rule:
    """sin or cos: at the middle, and no further from that than the radius."""
    f, error = getattr(float64, name), float64.ERRORS[name]

    def apply(x: Interval) -> Interval:
        low, high = x.parts
        middle = low / 2 + high / 2
        radius = above(jnp.maximum(high - middle, middle - low))
        value = f(middle)
        wide = outwards(value - abs(value) * error, value + abs(value) * error)
        found = outwards(wide.parts[0] - radius, wide.parts[1] + radius)
        exact = (low == middle) & (middle == high)
        ends = (jnp.where(exact, *pair) for pair in zip(wide.parts, found.parts, strict=True))
        return Interval(*(jnp.clip(end, -1.0, 1.0) for end in ends))

    return apply


_exp = _increasing("exp", low=0.0)
_expm1 = _increasing("expm1", low=-1.0)
_log = _increasing("log")
_log1p = _increasing("log1p")
_tanh = _increasing("tanh", -1.0, 1.0)
_logistic = _increasing("logistic", 0.0, 1.0)
_atan = _increasing("atan")
_sin, _cos = _turning("sin"), _turning("cos")


def _difference(x: Interval, y: Interval) -> Interval:
    return total(x, negative(y))


def _quotient(x: Interval, y: Interval) -> Interval:
    return product(x, reciprocal(y))


def _times(factor: float, x: Interval) -> Interval:
    return product(_exactly(factor), x)


def _of_logarithm(name: str, x: Interval, sign: int = 1) -> Interval:
    """x log 2, or x/log 2, of what comes as a number that is rounded."""
    two = _log(_exactly(2.0))
    return product(x, two if sign > 0 else reciprocal(two))


def _logaddexp(x: Interval, y: Interval) -> Interval:
    """max + log(1 + e^−|x − y|)."""
    larger = each_end(jnp.maximum)(x, y)
    return total(larger, _log1p(_exp(negative(magnitudes(_difference(x, y))))))


def _with_sign(x: Interval, of_magnitude: Interval) -> Interval:
    """An odd function at a point, by what it is at its magnitude."""
    negative_ = x.parts[0] < 0
    low, high = of_magnitude.parts
    return Interval(jnp.where(negative_, -high, low), jnp.where(negative_, -low, high))


def _asinh(x: Interval) -> Interval:
    """log(x + √(x² + 1)) as log1p(a + a²/(1 + √(a² + 1))) of a = |x|, with the sign of x."""
    a = magnitudes(x)
    squared = square(a)
    root = _root(total(squared, _exactly(1.0)))
    found = _log1p(total(a, _quotient(squared, total(root, _exactly(1.0)))))
    return _with_sign(x, found)


def _sinh(x: Interval) -> Interval:
    """(t + t/(t + 1))/2 of t = e^a − 1 of a = |x|, with the sign of x."""
    t = _expm1(magnitudes(x))
    return _with_sign(x, _times(0.5, total(t, _quotient(t, total(t, _exactly(1.0))))))


def _cosh(x: Interval) -> Interval:
    """(e^a + e^−a)/2 of a = |x|."""
    a = magnitudes(x)
    grows = _grows(lambda b: _times(0.5, total(_exp(b), _exp(negative(b)))))(a)
    return Interval(jnp.maximum(grows.parts[0], 1.0), grows.parts[1])


def _atanh(x: Interval) -> Interval:
    """½ log1p(2x/(1 − x))."""
    return _times(0.5, _log1p(_quotient(_times(2.0, x), _difference(_exactly(1.0), x))))


def _asin(x: Interval) -> Interval:
    """atan(x/√((1 − x)(1 + x)))."""
    one = _exactly(1.0)
    return _atan(_quotient(x, _root(product(_difference(one, x), total(one, x)))))


def _acosh(x: Interval) -> Interval:
    """log1p(t + √(t(t + 2))) of t = x − 1."""
    t = _difference(x, _exactly(1.0))
    return _log1p(total(t, _root(product(t, total(t, _exactly(2.0))))))


def _acos(x: Interval) -> Interval:
    """π/2 − asin x = 2 atan √((1 − x)/(1 + x)), which falls."""
    one = _exactly(1.0)
    return _times(2.0, _atan(_root(_quotient(_difference(one, x), total(one, x)))))


def _falls(f: _Rule) -> _Rule:
    grows = _grows(lambda x: f(negative(x)))
    return lambda x: grows(negative(x))


def _cube_root(x: Interval) -> Interval:
    """e^(log a/3) of a = |x| with its sign; 0 of 0."""
    low = x.parts[0]
    a = abs(low)
    positive = jnp.where(a > 0, a, 1.0)
    found = _exp(_quotient(_log(Interval(positive, positive)), _exactly(3.0)))
    least, most = (jnp.where(a > 0, end, 0.0 * a) for end in found.parts)
    return Interval(jnp.where(low < 0, -most, least), jnp.where(low < 0, -least, most))


def _tabulated(f: Callable[[Any], Any], a: Any, end: float) -> Interval:
    """A function that falls, of a ≥ 0, by its table: below the end, and from 0 to there beyond."""
    value = f(jnp.minimum(a, end))
    found = outwards(value - value * TABLE_ERROR, value + value * TABLE_ERROR)
    return Interval(jnp.where(a < end, found.parts[0], 0.0), found.parts[1])


def _erf(x: Interval) -> Interval:
    """x·(erf(a)/a) of a = |x|, and from 1 − 2⁻⁵³ on where a ≥ 6; of points."""
    (end,) = x.parts[:1]
    inside = product(x, _tabulated(erf_quotient, abs(end), 6.0))
    far, sign = abs(end) >= 6, jnp.sign(end)
    nearly = 1 - 2.0**-53
    low, high = (jnp.where(far, jnp.where(sign > 0, p, n), own) for p, n, own in (
        (nearly, -1.0, inside.parts[0]), (1.0, -nearly, inside.parts[1])))  # fmt: skip
    return Interval(jnp.clip(low, -1.0, 1.0), jnp.clip(high, -1.0, 1.0))


def _erfc(x: Interval) -> Interval:
    """e^(−a²) times the scaled function of a = |x|, and 2 less that where x < 0; of points."""
    (end,) = x.parts[:1]
    a = abs(end)
    tail = product(_exp(negative(square(x))), _tabulated(scaled_erfc, a, 20.0))
    tail = Interval(jnp.maximum(tail.parts[0], 0.0), tail.parts[1])
    other = _difference(_exactly(2.0), tail)
    return Interval(
        *(jnp.where(end < 0, *pair) for pair in zip(other.parts, tail.parts, strict=True))
    )


def _power(x: Interval, y: Interval) -> Interval:
    """e^(y log x)."""
    return _exp(product(y, _log(x)))


def _polynomial(x: Interval, *coefficients: Interval) -> Interval:
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = total(product(result, x), coefficient)
    return result


def _clamp(low: Interval, x: Interval, high: Interval) -> Interval:
    return each_end(jnp.minimum)(each_end(jnp.maximum)(low, x), high)


def half_away(x: Any) -> Any:
    """Nearest whole numbers, those between two away from 0."""
    whole = jnp.trunc(x)
    return whole + jnp.where(abs(x - whole) >= 0.5, jnp.sign(x), 0.0)


FUNCTIONS: dict[str, _Rule] = {
    "add": total,
    "add_any": total,
    "sub": _difference,
    "mul": product,
    "div": _quotient,
    "neg": negative,
    "square": square,
    "one_minus_square": lambda x: _difference(_exactly(1.0), square(x)),
    "polynomial": _polynomial,
    "abs": magnitudes,
    "sign": each_end(jnp.sign),
    "max": each_end(jnp.maximum),
    "min": each_end(jnp.minimum),
    "clamp": _clamp,
    "floor": each_end(jnp.floor),
    "ceil": each_end(jnp.ceil),
    "round_half_even": each_end(jnp.round),
    "round_half_away": each_end(half_away),
    "exp": _exp,
    "exp2": _grows(lambda x: _exp(_of_logarithm("exp2", x))),
    "exp_neg_sq": lambda x: _exp(negative(square(x))),
    "expm1": _expm1,
    "log": _log,
    "log2": _grows(lambda x: _of_logarithm("log2", _log(x), -1)),
    "log1p": _log1p,
    "logaddexp": _grows(_logaddexp),
    "logistic": _logistic,
    "sqrt": _root,
    "rsqrt": lambda x: reciprocal(_root(x)),
    "cbrt": _grows(_cube_root),
    "pow": _power,
    "tanh": _tanh,
    "sinh": _grows(_sinh),
    "cosh": _cosh,
    "asinh": _grows(_asinh),
    "acosh": _grows(_acosh),
    "atanh": _grows(_atanh),
    "sin": _sin,
    "cos": _cos,
    "tan": lambda x: _quotient(_sin(x), _cos(x)),
    "atan": _atan,
    "erf": _grows(_erf),
    "erfc": _falls(_erfc),
    "asin": _grows(_asin),
    "acos": _falls(_acos),
}
"""What is not here is refused, and left to the balls."""
