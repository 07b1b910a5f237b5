"""Intervals as pairs of float64 arrays: a number system in one file, which XLA compiles.

Every operation is rounded outwards, sums and products by a bound for any order of summation.  That
XLA's elementary functions are within 8 ulp is assumed here, not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad import ArraySystem, SystemArray

__all__ = ["Interval", "Intervals", "Truths"]

UNIT = 2.0**-52
TINY = 2.0**-1021  # of what XLA flushes to 0, each product has less than half
ULPS = 8


class Interval(SystemArray):
    """Lower and upper ends; NaN where nothing is known."""


class Truths(SystemArray):
    """Where a truth may be false, and where it may be true."""


def _above(x: Any) -> Any:
    """More than every real number that rounds to x: |x|u is an ulp or two."""
    return x + (abs(x) * UNIT + TINY)


def _outwards(low: Any, high: Any) -> Interval:
    return Interval(-_above(-low), _above(high))


def _product(x: Interval, y: Interval) -> Interval:
    (a, b), (c, d) = x.parts, y.parts
    low = jnp.minimum(jnp.minimum(a * c, a * d), jnp.minimum(b * c, b * d))
    high = jnp.maximum(jnp.maximum(a * c, a * d), jnp.maximum(b * c, b * d))
    return _outwards(low, high)


def _reciprocal(x: Interval) -> Interval:
    low, high = x.parts
    apart = (low > 0) | (high < 0)
    ends = [jnp.where(apart, 1 / end, jnp.nan) for end in (high, low)]
    return _outwards(*ends)


def _magnitudes(x: Interval) -> Interval:
    low, high = x.parts
    least = jnp.where((low <= 0) & (high >= 0), 0.0, jnp.minimum(abs(low), abs(high)))
    return Interval(least, jnp.maximum(abs(low), abs(high)))


def _increasing(f: Callable[[Any], Any], low: float = -jnp.inf, high: float = jnp.inf) -> Any:
    """The rule of an increasing function with values between two bounds."""

    def apply(x: Interval) -> Interval:
        below, above = (f(end) for end in x.parts)
        wide = _outwards(below - abs(below) * (ULPS * UNIT), above + abs(above) * (ULPS * UNIT))
        return Interval(jnp.maximum(wide.parts[0], low), jnp.minimum(wide.parts[1], high))

    return apply


def _each_end(f: Callable[..., Any]) -> Callable[..., Interval]:
    return lambda *xs: Interval(*(f(*ends) for ends in zip(*(x.parts for x in xs), strict=True)))


def _sum(x: Interval, y: Interval) -> Interval:
    return _outwards(x.parts[0] + y.parts[0], x.parts[1] + y.parts[1])


def _negative(x: Interval) -> Interval:
    return Interval(-x.parts[1], -x.parts[0])


def _square(x: Interval) -> Interval:
    least, most = _magnitudes(x).parts
    wide = _outwards(least * least, most * most)
    return Interval(jnp.maximum(wide.parts[0], 0.0), wide.parts[1])


FUNCTIONS: dict[str, Callable[..., Interval]] = {
    "add": _sum,
    "add_any": _sum,
    "sub": lambda x, y: _sum(x, _negative(y)),
    "mul": _product,
    "div": lambda x, y: _product(x, _reciprocal(y)),
    "neg": _negative,
    "square": _square,
    "abs": _magnitudes,
    "sign": _each_end(jnp.sign),
    "max": _each_end(jnp.maximum),
    "min": _each_end(jnp.minimum),
    "exp": _increasing(jnp.exp, low=0.0),
    "log": _increasing(jnp.log),
    "log1p": _increasing(jnp.log1p),
    "sqrt": _increasing(jnp.sqrt, low=0.0),
    "tanh": _increasing(jnp.tanh, -1.0, 1.0),
    "logistic": _increasing(jax.nn.sigmoid, 0.0, 1.0),
}


def _middles(x: Interval) -> tuple[Any, Any]:
    """The middles, and radii around them."""
    low, high = x.parts
    middle = low / 2 + high / 2
    return middle, _above(jnp.maximum(high - middle, middle - low))


class Intervals(ArraySystem):
    """Enclosures of real numbers, 53 bits wide and as fast as a few compiled evaluations.

    Example:
        >>> from jaxgrad import run_over
        >>> with jax.enable_x64(True):
        ...     low, high = run_over(Intervals(), jax.nn.sigmoid, 0.0).parts
        >>> bool(low <= 0.5 <= high)
        True
    """

    name = "interval"

    def lift(self, values: np.ndarray) -> Interval:
        if not jax.config.read("jax_enable_x64"):
            raise ValueError("pairs of float64 arrays need `with jax.enable_x64(True)`")
        exact = jnp.asarray(np.asarray(values, np.float64))
        return Interval(exact, exact)

    def function(self, name: str, *arrays: Interval) -> Interval:
        return FUNCTIONS[name](*arrays) if name in FUNCTIONS else super().function(name, *arrays)

    def power(self, array: Interval, exponents: np.ndarray) -> Interval:
        n = int(exponents)
        if n < 0:
            return _reciprocal(self.power(array, np.asarray(-n)))
        result = self.lift(np.ones(array.shape))
        for _ in range(n // 2):
            result = _product(result, _square(array))
        return _product(result, array) if n % 2 else result

    def reduce(self, name: str, rows: Interval) -> Interval:
        if name in ("max", "min"):
            return rows.each(lambda end: getattr(end, name)(-1))
        if name != "sum":
            return super().reduce(name, rows)
        error = jnp.maximum(*map(abs, rows.parts)).sum(-1) * ((rows.shape[-1] + 2) * UNIT)
        return _outwards(rows.parts[0].sum(-1) - error, rows.parts[1].sum(-1) + error)

    def contract(self, a: Interval, b: Interval) -> Interval:
        """By middles and radii: |AB − mn| ≤ |m|(s + (k + 2)u|n|) + r(|n| + s)."""
        (m, r), (n, s) = _middles(a), _middles(b)
        terms = a.shape[-1] + 2
        radius = abs(m) @ (s + abs(n) * (terms * UNIT)) + r @ (abs(n) + s)
        radius = radius * (1 + 4 * terms * UNIT) + terms * TINY
        middle = m @ n
        return _outwards(middle - radius, middle + radius)

    def truths(self, values: np.ndarray) -> Truths:
        return Truths(jnp.asarray(~np.asarray(values, bool)), jnp.asarray(values, bool))

    def compare(self, relation: str, a: Interval, b: Interval, ordered: bool = False) -> Truths:
        if relation in ("gt", "ge"):
            return self.compare({"gt": "lt", "ge": "le"}[relation], b, a)
        (low, high), (least, most) = a.parts, b.parts
        if relation == "lt":
            return Truths(~(high < least), ~(low >= most))
        if relation == "le":
            return Truths(~(high <= least), ~(low > most))
        is_one = (low == high) & (high == least) & (least == most)
        apart = (high < least) | (low > most)
        same = Truths(~is_one, ~apart)
        return same if relation == "eq" else self.logic("not", same)

    def is_finite(self, array: Interval) -> Truths:
        finite = jnp.isfinite(array.parts[0]) & jnp.isfinite(array.parts[1])
        return Truths(~finite, jnp.ones_like(finite))

    def logic(self, name: str, *truths: Truths) -> Truths:
        if name == "not":
            return Truths(*reversed(truths[0].parts))
        (p_false, p_true), (q_false, q_true) = (truth.parts for truth in truths)
        if name in ("and", "min"):
            return Truths(p_false | q_false, p_true & q_true)
        if name in ("or", "max"):
            return Truths(p_false & q_false, p_true | q_true)
        return super().logic(name, *truths)

    def known(self, truths: Truths) -> np.ndarray | None:
        if any(isinstance(part, Tracer) for part in truths.parts):
            return None  # a compiled program has to do for every batch
        may_be_false, may_be_true = map(np.asarray, truths.parts)
        return None if (may_be_false & may_be_true).any() else may_be_true

    def select(self, truths: Truths, if_false: Any, if_true: Any) -> Any:
        may_be_false, may_be_true = truths.parts
        if isinstance(if_true, Truths):
            (p, q), (r, s) = if_false.parts, if_true.parts
            return Truths(may_be_false & p | may_be_true & r, may_be_false & q | may_be_true & s)
        (least, most), (low, high) = if_false.parts, if_true.parts
        either = jnp.minimum(least, low), jnp.maximum(most, high)
        return Interval(*(
            jnp.where(may_be_false, jnp.where(may_be_true, both, no), yes)
            for both, no, yes in zip(either, (least, most), (low, high), strict=True)
        ))  # fmt: skip

    def number(self, truths: Truths) -> Interval:
        may_be_false, may_be_true = truths.parts
        return Interval((~may_be_false).astype(float), may_be_true.astype(float))
