"""Intervals as pairs of float64 arrays: enclosures that XLA compiles, and maps over a batch.

Every operation is rounded outwards, sums and products by a bound for any order of summation.  What
is assumed of the backend is that +, −, ×, ÷ and √ of float64 round to nearest, whether or not they
are fused, and that subnormal numbers may be taken for 0; functions have proved errors
(:mod:`jaxgrad.numbers.float64_functions`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.errors import ArgumentError
from jaxgrad.numbers.arrays import ArraySystem, SystemArray
from jaxgrad.numbers.interval_arithmetic import (
    TINY,
    UNIT,
    Interval,
    above,
    is_point,
    outwards,
    powers,
    product,
)
from jaxgrad.numbers.interval_functions import FUNCTIONS

__all__ = ["OF_NOTHING", "Interval", "IntervalTruths", "Intervals", "points", "require_float64"]

_SMALLEST = float(np.finfo(np.float64).tiny)
_LARGEST = float(np.finfo(np.float64).max)

OF_NOTHING = {"sum": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}
"""What each reduction makes of no entries."""


class IntervalTruths(SystemArray):
    """Where a truth may be false, and where it may be true."""


class Intervals(ArraySystem):
    """Enclosures of real numbers of 53 bits, as fast as a few compiled evaluations.

    An array is an ``Interval``, whose ``parts`` are the lower and the upper ends, float64 arrays of
    one shape; they are pytrees, and may be arguments and results of ``jax.jit`` and ``jax.vmap``.
    Where the ends are numbers, the true value is a real number between them; where one is NaN
    nothing is known of it.

    Raises:
        ArgumentError: float64 is not enabled.
        UnsupportedPrimitive: a program needs what intervals have not, such as the order of numbers.

    Example:
        >>> import jax
        >>> from jaxgrad import Intervals, run_over
        >>> with jax.enable_x64(True):
        ...     low, high = run_over(Intervals(), jax.nn.sigmoid, 1.0).parts
        >>> float(low) < 0.7310585786300049 < float(high), float(high) - float(low) < 1e-14
        (True, True)

    Source: R. E. Moore, Interval Analysis (1966); S. M. Rump, Fast and parallel interval
    arithmetic (1999), of products of matrices.
    """

    name = "interval"

    def lift(self, values: np.ndarray) -> Interval:
        require_float64("intervals")
        return points(np.asarray(values)).each(jnp.asarray)

    def move(self, f: Callable[..., Any], *arrays: Any) -> Any:
        if not all(isinstance(x, Interval) and is_point(x) for x in arrays):
            return super().move(f, *arrays)
        ends = [x.parts[0] for x in arrays]
        made = f(np if all(isinstance(end, np.ndarray) for end in ends) else jnp, *ends)
        return [Interval(x, x) for x in made] if isinstance(made, list | tuple) \
            else Interval(made, made)  # fmt: skip

    def function(self, name: str, *arrays: Interval) -> Interval:
        return FUNCTIONS[name](*arrays) if name in FUNCTIONS else super().function(name, *arrays)

    def power(self, array: Interval, exponents: np.ndarray) -> Interval:
        return powers(array, np.asarray(exponents))

    def reduce(self, name: str, rows: Interval) -> Interval:
        if name in ("max", "min"):
            if not rows.shape[-1]:
                return self.lift(np.full(rows.shape[:-1], OF_NOTHING[name]))
            return rows.each(lambda end: getattr(end, name)(-1))
        if name == "prod":
            return _product_of_rows(rows)
        if name != "sum":
            return super().reduce(name, rows)
        low, high = rows.parts
        terms = rows.shape[-1] + 2
        error = jnp.maximum(abs(low), abs(high)).sum(-1) * (terms * UNIT) + terms * TINY
        found = outwards(low.sum(-1) - error, high.sum(-1) + error)
        positive = (low >= 0).all(-1)  # and then so is the sum
        least = jnp.where(positive, jnp.maximum(found.parts[0], 0.0), found.parts[0])
        return Interval(least, found.parts[1])

    def contract(self, a: Interval, b: Interval) -> Interval:
        """By middles and radii: |AB − mn| ≤ |m|(s + (k + 2)u|n|) + r(|n| + s)."""
        if a.shape[-1] == 1:
            return product(a, b)
        (m, r), (n, s) = _middles(a), _middles(b)
        terms = a.shape[-1] + 2
        own = abs(n) * (terms * UNIT) + TINY  # of what is flushed, however large m is
        radius = abs(m) @ (own if s is None else s + own)
        if r is not None:
            radius = radius + r @ (abs(n) if s is None else abs(n) + s)
        radius = radius * (1 + 4 * terms * UNIT) + 4 * terms * TINY
        middle = m @ n
        return outwards(middle - radius, middle + radius)

    # -- truth ---------------------------------------------------------------------------------
    def truths(self, values: np.ndarray) -> IntervalTruths:
        return IntervalTruths(jnp.asarray(~np.asarray(values, bool)), jnp.asarray(values, bool))

    def compare(
        self, relation: str, a: Interval, b: Interval, ordered: bool = False
    ) -> IntervalTruths:
        if a is b:  # one value, whatever it is, if it is one
            known, holds = ~jnp.isnan(a.parts[0] + a.parts[1]), relation in ("le", "ge", "eq")
            return IntervalTruths(~known | (not holds), ~known | holds)
        if relation in ("gt", "ge"):
            return self.compare({"gt": "lt", "ge": "le"}[relation], b, a)
        (low, high), (least, most) = _both_or_none(a).parts, _both_or_none(b).parts
        if relation == "lt":
            return IntervalTruths(~(high < least), ~(low >= most))
        if relation == "le":
            return IntervalTruths(~(high <= least), ~(low > most))
        is_one = (low == high) & (high == least) & (least == most)
        apart = (high < least) | (low > most)
        same = IntervalTruths(~is_one, ~apart)
        return same if relation == "eq" else self.logic("not", same)

    def is_finite(self, array: Interval) -> IntervalTruths:
        finite = jnp.isfinite(array.parts[0]) & jnp.isfinite(array.parts[1])
        return IntervalTruths(~finite, jnp.ones_like(finite))

    def logic(self, name: str, *truths: IntervalTruths) -> IntervalTruths:
        if name == "not":
            return IntervalTruths(*reversed(truths[0].parts))
        (p_false, p_true), (q_false, q_true) = (truth.parts for truth in truths[:2])
        if name in ("and", "min"):
            return IntervalTruths(p_false | q_false, p_true & q_true)
        if name in ("or", "max"):
            return IntervalTruths(p_false & q_false, p_true | q_true)
        if name in ("xor", "ne"):
            return IntervalTruths(
                p_false & q_false | p_true & q_true, p_true & q_false | p_false & q_true
            )
        if name == "eq":
            return self.logic("not", self.logic("ne", *truths))
        if name == "clamp":
            return self.logic("and", self.logic("or", *truths[:2]), truths[2])
        return super().logic(name, *truths)

    def known(self, truths: IntervalTruths) -> np.ndarray | None:
        if any(isinstance(part, Tracer) for part in truths.parts):
            return None  # a compiled program has to do for every batch
        may_be_false, may_be_true = map(np.asarray, truths.parts)
        return None if (may_be_false & may_be_true).any() else may_be_true

    def select(self, truths: IntervalTruths, if_false: Any, if_true: Any) -> Any:
        may_be_false, may_be_true = truths.parts
        if isinstance(if_true, IntervalTruths):
            (p, q), (r, s) = if_false.parts, if_true.parts
            return IntervalTruths(
                may_be_false & p | may_be_true & r, may_be_false & q | may_be_true & s
            )
        (least, most), (low, high) = if_false.parts, if_true.parts
        either = jnp.minimum(least, low), jnp.maximum(most, high)
        return Interval(*(
            jnp.where(may_be_false, jnp.where(may_be_true, both, no), yes)
            for both, no, yes in zip(either, (least, most), (low, high), strict=True)
        ))  # fmt: skip

    def number(self, truths: IntervalTruths) -> Interval:
        may_be_false, may_be_true = truths.parts
        return Interval((~may_be_false).astype(float), may_be_true.astype(float))


def require_float64(numbers: str) -> None:
    """Refuse to make pairs of float64 arrays where JAX would make them float32.

    Args:
        numbers: what they are, for the error.

    Raises:
        ArgumentError: float64 is not enabled.
    """
    if not jax.config.read("jax_enable_x64"):
        raise ArgumentError(
            f"{numbers} are pairs of float64 arrays, which JAX makes float32 here; compute with "
            "them within `with jax.enable_x64(True)`"
        )


def _ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest floats around exact numbers, none of them subnormal."""
    if values.dtype == object or (values.dtype.kind in "iu" and values.dtype.itemsize == 8):
        pairs = [_around(value) for value in values.reshape(-1).tolist()]
        ends = np.array(pairs, np.float64).reshape(*values.shape, 2)
        low, high = ends[..., 0], ends[..., 1]
    else:
        low = high = values.astype(np.float64)
    subnormal = (abs(low) < _SMALLEST) & (low != 0) | (abs(high) < _SMALLEST) & (high != 0)
    low = np.where(subnormal, np.where(high > 0, 0.0, -_SMALLEST), low)
    return low, np.where(subnormal, np.where(low < 0, 0.0, _SMALLEST), high)


def _around(value: int | float | Fraction) -> tuple[float, float]:
    if isinstance(value, float):
        return value, value
    try:
        near = float(value)
    except OverflowError:
        return (_LARGEST, math.inf) if value > 0 else (-math.inf, -_LARGEST)
    exact = Fraction(near)
    if exact == value:
        return near, near
    return (near, float(np.nextafter(near, np.inf))) if exact < value \
        else (float(np.nextafter(near, -np.inf)), near)  # fmt: skip


def _both_or_none(x: Interval) -> Interval:
    """Both ends, or NaN: of what is known at one end alone there may be no value."""
    if is_point(x):
        return x
    open_ = jnp.isnan(x.parts[0]) | jnp.isnan(x.parts[1])
    return Interval(*(jnp.where(open_, jnp.nan, end) for end in x.parts))


def _middles(x: Interval) -> tuple[Any, Any]:
    """The middles, and radii around them; None of points."""
    low, high = x.parts
    if is_point(x):
        return low, None
    middle = low / 2 + high / 2
    return middle, above(jnp.maximum(high - middle, middle - low))


def _product_of_rows(rows: Interval) -> Interval:
    count = rows.shape[-1]
    if not count:
        one = jnp.ones(rows.shape[:-1])
        return Interval(one, one)
    while count > 1:
        half = count // 2
        made = product(rows[..., :half], rows[..., half : 2 * half])
        left = rows[..., 2 * half :]
        rows = Interval(*(
            jnp.concatenate(pair, -1) for pair in zip(made.parts, left.parts, strict=True)
        ))  # fmt: skip
        count = rows.shape[-1]
    return rows[..., 0]


def points(values: np.ndarray) -> Interval:
    """Intervals of one float each, as they are handed to a compiled program.

    Example:
        >>> points(np.array([0.5, 1e-320])).parts[1].tolist()
        [0.5, 2.2250738585072014e-308]
    """
    low, high = _ends(values)
    return Interval(low, low if (low == high).all() else high)
