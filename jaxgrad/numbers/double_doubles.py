"""The number system of balls about double-double middles: where 53 bits leave too much open."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers.double_double import DoubleDouble
from jaxgrad.numbers.double_double_functions import FUNCTIONS, powers
from jaxgrad.numbers.intervals import OF_NOTHING, Intervals, IntervalTruths, require_float64

__all__ = ["DoubleDoubles"]

_SMALLEST = float(np.finfo(np.float64).tiny)


class DoubleDoubles(Intervals):
    """Enclosures of real numbers of about a hundred bits, compiled by XLA.

    An array is a ``DoubleDouble``, whose ``parts`` are float64 arrays of one shape: the high and
    the low part of a middle, and a radius.  Where one is no finite number nothing is known.

    Raises:
        ArgumentError: float64 is not enabled.
        UnsupportedPrimitive: a program needs what these have not, such as the order of numbers.

    Example:
        >>> from jaxgrad import run_over
        >>> with jax.enable_x64(True):
        ...     high, low, radius = run_over(DoubleDoubles(), lambda x: jnp.exp(x) - 1, 1e-9).parts
        >>> (float(high) + float(low)) * 1e9, float(radius) < 1e-29
        (1.0000000005, True)

    Source: T. J. Dekker, A floating-point technique for extending the available precision (1971);
    D. E. Knuth, The Art of Computer Programming 2, 4.2.2.
    """

    name = "double-double"

    def lift(self, values: np.ndarray) -> DoubleDouble:
        require_float64("double-double numbers")
        return DoubleDouble(*map(jnp.asarray, _parts(np.asarray(values))))

    def function(self, name: str, *arrays: DoubleDouble) -> DoubleDouble:
        return FUNCTIONS[name](*arrays) if name in FUNCTIONS else self._refused(name)

    def power(self, array: DoubleDouble, exponents: np.ndarray) -> DoubleDouble:
        return powers(array, np.asarray(exponents))

    def reduce(self, name: str, rows: DoubleDouble) -> DoubleDouble:
        combine = {"sum": "add", "prod": "mul", "max": "max", "min": "min"}.get(name)
        if combine is None:
            raise self._lacks("reduce")
        if not rows.shape[-1]:
            return self.lift(np.full(rows.shape[:-1], OF_NOTHING[name]))
        return _of_rows(combine, rows)

    def contract(self, a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
        if a.shape[-1] == 1:
            return dd.product(a, b)
        if not a.shape[-1]:
            return self.lift(np.zeros((*a.shape[:-1], b.shape[-1])))
        return _contracted(a, b)

    def _refused(self, name: str) -> DoubleDouble:
        raise UnsupportedPrimitive(
            f"{name} is not known over the {self.name} numbers, nor over intervals; balls may know "
            "it"
        )

    # -- truth ---------------------------------------------------------------------------------
    def compare(
        self, relation: str, a: DoubleDouble, b: DoubleDouble, ordered: bool = False
    ) -> IntervalTruths:
        if relation in ("gt", "ge"):
            return self.compare({"gt": "lt", "ge": "le"}[relation], b, a)
        less, more, equal = _ordered(a, b, same=a is b)
        if relation == "lt":
            return IntervalTruths(~less, ~(more | equal))
        if relation == "le":
            return IntervalTruths(~(less | equal), ~more)
        same = IntervalTruths(~equal, ~(less | more))
        return same if relation == "eq" else self.logic("not", same)

    def is_finite(self, array: DoubleDouble) -> IntervalTruths:
        high, low, radius = array.parts
        finite = jnp.isfinite(high) & jnp.isfinite(low) & jnp.isfinite(radius)
        return IntervalTruths(~finite, jnp.ones_like(finite))

    def select(self, truths: IntervalTruths, if_false: Any, if_true: Any) -> Any:
        if isinstance(if_true, IntervalTruths):
            return super().select(truths, if_false, if_true)
        return _selected(truths, if_false, if_true)

    def number(self, truths: IntervalTruths) -> DoubleDouble:
        may_be_false, may_be_true = truths.parts
        half = (may_be_false & may_be_true) * 0.5
        return DoubleDouble((may_be_true & ~may_be_false) + half, jnp.zeros(half.shape), half)


# Each is compiled by itself, once for a shape, wherever a program asks for it.
def _folded(combine: Callable[[Any, Any], Any], start: Any, terms: Any) -> Any:
    """What is made of terms along the first axis, one after another, in a loop."""
    return jax.lax.scan(lambda made, term: (combine(made, term), None), start, terms)[0]


@functools.partial(jax.jit, static_argnums=0)
def _of_rows(name: str, rows: DoubleDouble) -> DoubleDouble:
    terms = rows.each(lambda part: jnp.moveaxis(part, -1, 0))
    return _folded(FUNCTIONS[name], terms[0], terms[1:])


@jax.jit
def _contracted(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    """A column of one and a row of the other at a time."""
    columns = a.each(lambda part: jnp.moveaxis(part, -1, 0)[..., :, None])
    rows = b.each(lambda part: jnp.moveaxis(part, -2, 0)[..., None, :])
    return _folded(
        lambda made, term: dd.total(made, dd.product(*term)),
        dd.product(columns[0], rows[0]),
        (columns[1:], rows[1:]),
    )


@functools.partial(jax.jit, static_argnames="same")
def _ordered(a: DoubleDouble, b: DoubleDouble, same: bool) -> tuple[Any, Any, Any]:
    """Whether a < b, a > b, and a = b, as far as that is known; none of them where it is not."""
    apart = dd.difference(a, b)
    known = jnp.isfinite(apart.parts[0]) & jnp.isfinite(apart.parts[2])
    differ = known & (dd.least(apart) > 0)
    exact = (a.parts[2] == 0) & (b.parts[2] == 0)
    equal = exact & (a.parts[0] == b.parts[0]) & (a.parts[1] == b.parts[1])
    one = jnp.full(known.shape, same) | equal
    return differ & (apart.parts[0] < 0), differ & (apart.parts[0] > 0), known & one


@jax.jit
def _selected(truths: IntervalTruths, if_false: DoubleDouble, if_true: DoubleDouble) -> Any:
    """One or the other, and where that is open a ball around both."""
    may_be_false, may_be_true = truths.parts
    (a, b, r), (c, d, s) = if_false.parts, if_true.parts
    both = dd.largest(dd.difference(if_false, if_true)) + r + s
    radius = jnp.where(may_be_true, jnp.where(may_be_false, both, s), r)
    return DoubleDouble(jnp.where(may_be_true, c, a), jnp.where(may_be_true, d, b), radius)


def _parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact numbers as balls; none of their parts is subnormal."""
    if values.dtype == object or (values.dtype.kind in "iu" and values.dtype.itemsize == 8):
        rows = [_ball_of(value) for value in values.reshape(-1).tolist()]
        made = np.array(rows, np.float64).reshape(*values.shape, 3)
        high, low, radius = made[..., 0], made[..., 1], made[..., 2]
    else:
        high = values.astype(np.float64)
        low = radius = np.zeros_like(high)
    for part in (high, low):
        small = (abs(part) < _SMALLEST) & (part != 0)
        radius = np.where(small, radius + 2 * _SMALLEST, radius)
    high, low = (np.where(abs(part) < _SMALLEST, 0.0, part) for part in (high, low))
    return high, low, np.where(radius > 0, np.maximum(radius, 2 * _SMALLEST), radius)


def _ball_of(value: int | float | Fraction) -> tuple[float, float, float]:
    """High part, low part and radius; nothing is known of what is beyond all floats."""
    try:
        high = float(value)
    except OverflowError:
        return math.inf, 0.0, math.inf
    if isinstance(value, float):
        return high, 0.0, 0.0
    low = float(Fraction(value) - Fraction(high))
    rest = abs(Fraction(value) - Fraction(high) - Fraction(low))
    return high, low, float(np.nextafter(float(rest), np.inf)) if rest else 0.0
