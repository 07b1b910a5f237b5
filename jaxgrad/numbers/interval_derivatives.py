"""The slopes of functions of one number, over intervals, written so that none cancels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.intervals import Interval, Intervals

__all__ = ["INTERVALS", "NOWHERE", "SLOPES", "function", "inverse", "number", "times"]

INTERVALS = Intervals()


def number(x: float) -> Interval:
    """One number."""
    return INTERVALS.lift(np.asarray(x))


def function(name: str, *xs: Interval) -> Interval:
    """A function of intervals; of those that they do not know, what all of its values lie in."""
    try:
        return INTERVALS.function(name, *xs)
    except UnsupportedPrimitive:
        if name not in _DEFINITIONS:
            raise
        return _DEFINITIONS[name](*xs)


def _pi() -> Interval:
    """Between the two floats beside it, of which ``np.pi`` is the lower one."""
    return Interval(jnp.float64(np.pi), jnp.float64(np.nextafter(np.pi, 4)))


# -- functions of one number, of its argument and its value ----------------------------------------
Rule = Callable[[Interval, Interval], Interval]


def times(*factors: Interval) -> Interval:
    """A product."""
    result = factors[0]
    for factor in factors[1:]:
        result = function("mul", result, factor)
    return result


def inverse(x: Interval) -> Interval:
    """1/x."""
    return function("div", number(1), x)


def _both_sides(x: Interval) -> Interval:
    """(1 − x)(1 + x), which does not cancel as 1 − x² does."""
    return times(function("sub", number(1), x), function("add", number(1), x))


def _bell(x: Interval) -> Interval:
    """e/(1 + e)² with e = e^(−|x|), the slope of σ."""
    small = function("exp", function("neg", function("abs", x)))
    return function("div", small, function("square", function("add", number(1), small)))


def _sinh(x: Interval) -> Interval:
    """Of a negative argument by the positive one, where nothing cancels."""
    positive, negative = (function("sinh", each) for each in (x, function("neg", x)))
    below = x.parts[1] < 0
    mirrored = function("neg", negative)
    ends = zip(mirrored.parts, positive.parts, strict=True)
    return Interval(*(jnp.where(below, left, right) for left, right in ends))


def _within(x: Interval, least: float, most: float) -> Interval:
    return Interval(*(jnp.full(x.shape, end) for end in (least, most)))


def _gauss(x: Interval) -> Interval:
    """2e^(−x²)/√π."""
    scale = function("div", number(2), function("sqrt", _pi()))
    return times(scale, function("exp", function("neg", function("square", x))))


_DEFINITIONS: dict[str, Callable[[Interval], Interval]] = {
    "erf": lambda x: _within(x, -1.0, 1.0),
    "erfc": lambda x: _within(x, 0.0, 2.0),
}

SLOPES: dict[str, Rule] = {
    "exp": lambda x, y: y,
    "exp2": lambda x, y: times(y, function("log", number(2))),
    "exp_neg_sq": lambda x, y: times(number(-2), x, y),
    "expm1": lambda x, y: function("exp", x),
    "log": lambda x, y: inverse(x),
    "log1p": lambda x, y: inverse(function("add", number(1), x)),
    "log2": lambda x, y: inverse(times(x, function("log", number(2)))),
    "sqrt": lambda x, y: function("div", number(0.5), y),
    "rsqrt": lambda x, y: function("div", times(number(-0.5), y), x),
    "cbrt": lambda x, y: inverse(times(number(3), function("square", y))),
    "square": lambda x, y: times(number(2), x),
    "neg": lambda x, y: number(-1),
    "one_minus_square": lambda x, y: times(number(-2), x),
    "logistic": lambda x, y: _bell(x),
    "tanh": lambda x, y: times(number(4), _bell(times(number(2), x))),
    "sin": lambda x, y: function("cos", x),
    "cos": lambda x, y: function("neg", function("sin", x)),
    "tan": lambda x, y: function("add", number(1), function("square", y)),
    "asin": lambda x, y: inverse(function("sqrt", _both_sides(x))),
    "acos": lambda x, y: function("div", number(-1), function("sqrt", _both_sides(x))),
    "atan": lambda x, y: inverse(function("add", number(1), function("square", x))),
    "sinh": lambda x, y: function("cosh", x),
    "cosh": lambda x, y: _sinh(x),
    "asinh": lambda x, y: inverse(
        function("sqrt", function("add", number(1), function("square", x)))
    ),
    "acosh": lambda x, y: inverse(
        function("sqrt", times(function("sub", x, number(1)), function("add", x, number(1))))
    ),
    "atanh": lambda x, y: inverse(_both_sides(x)),
    "erf": lambda x, y: _gauss(x),
    "erfc": lambda x, y: function("neg", _gauss(x)),
}
"""Name -> the slope, of the argument and the value."""

NOWHERE: dict[str, Callable[[Any, Any], Any]] = {
    "log": lambda low, high: high <= 0,
    "log2": lambda low, high: high <= 0,
    "rsqrt": lambda low, high: high <= 0,
    "sqrt": lambda low, high: high < 0,
    "log1p": lambda low, high: high <= -1,
    "asin": lambda low, high: (low > 1) | (high < -1),
    "acos": lambda low, high: (low > 1) | (high < -1),
    "acosh": lambda low, high: high < 1,
    "atanh": lambda low, high: (low >= 1) | (high <= -1),
}
"""Name -> where there certainly is no value, of the ends of the argument."""
