"""Intervals of a value and of its slope, with what says that the slope is the derivative.

Beside the intervals stands whether something ties (a maximum, a comparison, a step), so that the
slope need not be a derivative, and whether there certainly is no value (a logarithm of −1).  Rules
of JAX have no part in it: slopes of functions are written here, so that none cancels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.arrays import ArraySystem, SystemArray
from jaxgrad.numbers.interval_arithmetic import Interval
from jaxgrad.numbers.interval_derivatives import (
    INTERVALS,
    NOWHERE,
    SLOPES,
    function,
    inverse,
    number,
    times,
)

__all__ = ["IntervalSlopes", "SlopeTruths", "Slopes", "moving"]


class Slopes(SystemArray):
    """Ends of the value, ends of the slope, whether something ties, whether there is no value."""


class SlopeTruths(SystemArray):
    """Where a truth may be false, where it may be true, and where it may change nearby."""


def moving(low: Any, high: Any) -> Slopes:
    """The variable that slopes are taken with respect to.

    Args:
        low, high: ends of its value, float64 arrays of one shape.

    Example:
        >>> import jax
        >>> with jax.enable_x64(True):
        ...     x = moving(jnp.float64(2), jnp.float64(2))
        ...     low, high = IntervalSlopes().function("log", x).parts[2:4]
        >>> float(low) <= 0.5 <= float(high)
        True
    """
    one, no = jnp.ones_like(low), jnp.zeros(jnp.shape(low), bool)
    return Slopes(low, high, one, one, no, no)


# -- parts ---------------------------------------------------------------------------------------
def _value(x: Slopes) -> Interval:
    return Interval(*x.parts[:2])


def _slope(x: Slopes) -> Interval:
    return Interval(*x.parts[2:4])


def _is_constant(x: Slopes) -> bool:
    """Whether it does not move: what is lifted has slopes of NumPy, which are 0."""
    return isinstance(x.parts[2], np.ndarray)


def _made(value: Interval, slope: Interval | None, ties: Any, nowhere: Any) -> Slopes:
    """An array of these parts, in one shape; without a slope it is constant."""
    shape = value.shape
    if slope is None:
        zeros, no = np.zeros(shape), np.zeros(shape, bool)
        return Slopes(*value.parts, zeros, zeros, no, jnp.broadcast_to(nowhere, shape))
    parts = (*slope.parts, ties, nowhere)
    return Slopes(*value.parts, *(jnp.broadcast_to(part, shape) for part in parts))


def _either(*marks: Any) -> Any:
    result = marks[0]
    for mark in marks[1:]:
        result = result | mark
    return result


def _smooth(name: str, x: Slopes) -> Slopes:
    value = function(name, _value(x))
    outside = NOWHERE.get(name, lambda low, high: np.False_)(*x.parts[:2])
    nowhere = _either(x.parts[5], outside)
    if _is_constant(x):
        return _made(value, None, np.False_, nowhere)
    slope = function("mul", SLOPES[name](_value(x), value), _slope(x))
    return _made(value, slope, x.parts[4], nowhere)


# -- functions that tie, or jump -------------------------------------------------------------------
def _apart(x: Interval, y: Interval) -> tuple[Any, Any]:
    """Where x is certainly below y, and where it is certainly above."""
    (a, b), (c, d) = x.parts, y.parts
    return b < c, a > d


def _chosen(below: Any, above: Any, x: Interval, y: Interval) -> Interval:
    """y where ``below``, x where ``above``, either of them elsewhere."""
    return Interval(*(
        jnp.where(below, q, jnp.where(above, p, both))
        for p, q, both in zip(
            x.parts,
            y.parts,
            (jnp.minimum(x.parts[0], y.parts[0]), jnp.maximum(x.parts[1], y.parts[1])),
            strict=True,
        )
    ))  # fmt: skip


def _extreme(name: str, x: Slopes, y: Slopes) -> Slopes:
    if x is y:
        return x
    value, nowhere = function(name, _value(x), _value(y)), _either(x.parts[5], y.parts[5])
    if _is_constant(x) and _is_constant(y):
        return _made(value, None, np.False_, nowhere)
    below, above = _apart(_value(x), _value(y))
    first, second = (x, y) if name == "max" else (y, x)
    slope = _chosen(below, above, _slope(first), _slope(second))
    return _made(value, slope, _either(x.parts[4], y.parts[4], ~(below | above)), nowhere)


def _of_sign(name: str, x: Slopes) -> Slopes:
    """|x|, or its sign."""
    value = function(name, _value(x))
    if _is_constant(x):
        return _made(value, None, np.False_, x.parts[5])
    below, above = _apart(_value(x), number(0))
    ties = _either(x.parts[4], ~(below | above))
    slope = number(0)
    if name == "abs":
        slope = _chosen(below, above, _slope(x), function("neg", _slope(x)))
    return _made(value, slope, ties, x.parts[5])


def _steps(name: str, x: Slopes) -> Slopes:
    """Functions that are constant between multiples of ½."""
    value = function(name, _value(x))
    if _is_constant(x):
        return _made(value, None, np.False_, x.parts[5])
    low, high = x.parts[:2]
    half = jnp.floor(2 * low) / 2
    within = (half < low) & (high < half + 0.5)
    return _made(value, number(0), _either(x.parts[4], ~within), x.parts[5])


# -- functions of several numbers ------------------------------------------------------------------
def _linear(name: str, x: Slopes, y: Slopes) -> Slopes:
    value, nowhere = function(name, _value(x), _value(y)), _either(x.parts[5], y.parts[5])
    ties = _either(x.parts[4], y.parts[4])
    if _is_constant(x) and _is_constant(y):
        return _made(value, None, ties, nowhere)
    if _is_constant(y):
        return _made(value, _slope(x), ties, nowhere)
    if _is_constant(x):
        slope = function("neg", _slope(y)) if name == "sub" else _slope(y)
        return _made(value, slope, ties, nowhere)
    return _made(value, function(name, _slope(x), _slope(y)), ties, nowhere)


def _sum_of(terms: list[Interval]) -> Interval | None:
    """None of no terms."""
    result = None
    for term in terms:
        result = term if result is None else function("add", result, term)
    return result


def _by_parts(
    value: Interval, nowhere: Any, *parts: tuple[Slopes, Callable[[], Interval]]
) -> Slopes:
    """A function of several numbers, by its slope in each that moves."""
    terms = [times(slope(), _slope(x)) for x, slope in parts if not _is_constant(x)]
    ties = _either(*(x.parts[4] for x, _ in parts))
    return _made(value, _sum_of(terms), ties, _either(nowhere, *(x.parts[5] for x, _ in parts)))


def _product(x: Slopes, y: Slopes) -> Slopes:
    u, v = _value(x), _value(y)
    value = function("square", u) if x is y else function("mul", u, v)
    return _by_parts(value, np.False_, (x, lambda: v), (y, lambda: u))


def _quotient(x: Slopes, y: Slopes) -> Slopes:
    u, v = _value(x), _value(y)
    value = function("div", u, v)
    vanishes = (v.parts[0] == 0) & (v.parts[1] == 0)
    in_y = lambda: function("neg", function("div", value, v))  # noqa: E731
    return _by_parts(value, vanishes, (x, lambda: inverse(v)), (y, in_y))


def _power_of(x: Slopes, y: Slopes) -> Slopes:
    """x^y = e^(y log x) of x > 0; of x < 0 it has values where y is a whole number."""
    u, v = _value(x), _value(y)
    least, most = v.parts
    between = (jnp.floor(least) < least) & (most < jnp.floor(least) + 1)
    nowhere = between & (u.parts[1] < 0)
    log = function("log", u)
    value = function("exp", function("mul", v, log))

    def in_x() -> Interval:
        return times(v, function("exp", function("mul", function("sub", v, number(1)), log)))

    return _by_parts(value, nowhere, (x, in_x), (y, lambda: times(value, log)))


def _log_add_exp(x: Slopes, y: Slopes) -> Slopes:
    """log(eˣ + eʸ) = max(x, y) + log(1 + e^(−|x − y|))."""
    u, v = _value(x), _value(y)
    apart = function("sub", u, v)
    smaller = function("exp", function("neg", function("abs", apart)))
    value = function("add", function("max", u, v), function("log1p", smaller))
    in_y = lambda: function("logistic", function("neg", apart))  # noqa: E731
    return _by_parts(value, np.False_, (x, lambda: function("logistic", apart)), (y, in_y))


def _polynomial(x: Slopes, *coefficients: Slopes) -> Slopes:
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = _linear("add", _product(result, x), coefficient)
    return result


def _clamp(least: Slopes, x: Slopes, most: Slopes) -> Slopes:
    return _extreme("min", _extreme("max", x, least), most)


_OTHERS: dict[str, Callable[..., Slopes]] = {
    "add": lambda x, y: _linear("add", x, y),
    "add_any": lambda x, y: _linear("add", x, y),
    "sub": lambda x, y: _linear("sub", x, y),
    "mul": _product,
    "div": _quotient,
    "pow": _power_of,
    "polynomial": _polynomial,
    "logaddexp": _log_add_exp,
    "max": lambda x, y: _extreme("max", x, y),
    "min": lambda x, y: _extreme("min", x, y),
    "clamp": _clamp,
    "abs": lambda x: _of_sign("abs", x),
    "sign": lambda x: _of_sign("sign", x),
    "floor": lambda x: _steps("floor", x),
    "ceil": lambda x: _steps("ceil", x),
    "round_half_even": lambda x: _steps("round_half_even", x),
    "round_half_away": lambda x: _steps("round_half_away", x),
}


# -- the system ------------------------------------------------------------------------------------
class IntervalSlopes(ArraySystem):
    """The value and the slope of a program of one variable, enclosed, under ``jax.enable_x64``.

    Example:
        >>> import jax
        >>> from jaxgrad import run_over
        >>> with jax.enable_x64(True):
        ...     x = moving(jnp.float64(0), jnp.float64(0))
        ...     found = run_over(IntervalSlopes(), jax.nn.relu, x)
        >>> bool(found.parts[4])  # it ties: there is no derivative
        True
    """

    name = "interval slope"

    def lift(self, values: np.ndarray) -> Slopes:
        return _made(INTERVALS.lift(values), None, np.False_, np.False_)

    def function(self, name: str, *arrays: Slopes) -> Slopes:
        if name in SLOPES:
            return _smooth(name, *arrays)
        return _OTHERS[name](*arrays) if name in _OTHERS else super().function(name, *arrays)

    def power(self, array: Slopes, exponents: np.ndarray) -> Slopes:
        if np.size(exponents) != 1:
            raise UnsupportedPrimitive("powers with several exponents, of slopes of intervals")
        n, x = int(np.asarray(exponents).reshape(())), _value(array)
        if n == 0:
            return self.lift(np.ones(array.shape))
        value = INTERVALS.power(x, np.asarray(n))
        vanishes = (x.parts[0] == 0) & (x.parts[1] == 0) if n < 0 else np.False_

        def slope() -> Interval:
            return times(number(n), INTERVALS.power(x, np.asarray(n - 1)))

        return _by_parts(value, vanishes, (array, slope))

    def reduce(self, name: str, rows: Slopes) -> Slopes:
        combine = {"sum": "add", "prod": "mul", "max": "max", "min": "min"}[name]
        result = rows[..., 0]
        for k in range(1, rows.shape[-1]):
            result = self.function(combine, result, rows[..., k])
        return result

    def truths(self, values: np.ndarray) -> SlopeTruths:
        return _judged(INTERVALS.truths(values), np.False_)

    def compare(self, relation: str, a: Slopes, b: Slopes, ordered: bool = False) -> SlopeTruths:
        marks = _either(a.parts[4], a.parts[5], b.parts[4], b.parts[5])
        x, y = _value(a), _value(b)
        if a is b:  # as a program asks for NaN
            known = np.full(a.shape, relation in ("eq", "le", "ge"))
            return _judged(INTERVALS.truths(known), marks | jnp.isnan(x.parts[0] + x.parts[1]))
        truths = INTERVALS.compare(relation, x, y, ordered)
        if _is_constant(a) and _is_constant(b):
            return _judged(truths, marks)
        below, above = _apart(x, y)
        return _judged(truths, marks | ~(below | above))

    def is_finite(self, array: Slopes) -> SlopeTruths:
        truths = INTERVALS.is_finite(_value(array))
        return _judged(truths, _either(truths.parts[0], array.parts[4], array.parts[5]))

    def logic(self, name: str, *truths: SlopeTruths) -> SlopeTruths:
        found = INTERVALS.logic(name, *map(_inner, truths))
        return _judged(found, _either(*(truth.parts[2] for truth in truths)))

    def known(self, truths: SlopeTruths) -> np.ndarray | None:
        if any(isinstance(part, Tracer) for part in truths.parts):
            return None
        return None if np.asarray(truths.parts[2]).any() else INTERVALS.known(_inner(truths))

    def select(self, truths: SlopeTruths, if_false: Any, if_true: Any) -> Any:
        p, changes = _inner(truths), truths.parts[2]
        may_fail, holds = p.parts
        if isinstance(if_true, SlopeTruths):
            found = INTERVALS.select(p, _inner(if_false), _inner(if_true))
            return _judged(
                found, _either(changes, jnp.where(holds, if_true.parts[2], if_false.parts[2]))
            )
        value = INTERVALS.select(p, _value(if_false), _value(if_true))
        slope = INTERVALS.select(p, _slope(if_false), _slope(if_true))
        ties = _either(changes, jnp.where(holds, if_true.parts[4], if_false.parts[4]))
        # Where it is open which one is taken, there certainly is no value where neither has one.
        nowhere = (if_true.parts[5] | ~holds) & (if_false.parts[5] | ~may_fail)
        return _made(value, slope, ties, nowhere)

    def number(self, truths: SlopeTruths) -> Slopes:
        return _made(INTERVALS.number(_inner(truths)), number(0), truths.parts[2], np.False_)


def _inner(truths: SlopeTruths) -> Any:
    return type(INTERVALS.truths(np.asarray(True)))(*truths.parts[:2])


def _judged(truths: Any, changes: Any) -> SlopeTruths:
    return SlopeTruths(*truths.parts, jnp.broadcast_to(changes, truths.shape))
