"""Balls that hold whatever floating-point arithmetic may return, not only the true number.

Every operation of Arb is widened by the error that XLA's implementation of it may make, as in a
running error analysis (Higham 2002, section 3.3), whatever the order in which sums are taken and
whether products and sums are fused.  Where a result may overflow nothing is known of it: NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.balancing import balanced
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.either_zero import angles
from jaxgrad.numbers.function import Function
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.matrices import matrix_function
from jaxgrad.numbers.no_number import NoNumber, over
from jaxgrad.numbers.three_valued import ThreeValued
from jaxgrad.numbers.vector_signs import one_or_parts

__all__ = ["Rounded", "RunningError", "backward_ulps"]

# In units in the last place.  XLA divides within 2, and may round a factor more where it
# reassociates constants; twice the sum of both.
ARITHMETIC_ULPS = 8
# No less than twice what is known of a function: those whose error is relative to their value are
# within 7 on XLA's CPU backend over every float32, all others within 155 of what was measured,
# float64 within 712 (exp2).
ACCURATE_ULPS = 16
OTHER_ULPS = 512
FLOAT64_ULPS = 2048
# Errors of decompositions of n rows, in n units in the last place of the norm of the matrix, and of
# vectors from orthonormal ones in those of 1, in float32 and in float64: no less than twice what
# tools/backward_errors.py measures, which is 3.5 and 3.8 but for singular values, 4.8 and 16.7; of
# complex ones no more, but for qr, 4.7.  Those of eigenvectors of matrices that are not symmetric
# are 4.0 and 3.2, of the matrix as LAPACK balances it; of Schur forms 6.5 and 6.3.
_BACKWARD_ULPS = {
    "qr": (7, 8), "eigh": (7, 8), "svd": (10, 34), "eig": (9, 9), "schur": (13, 13),
}  # fmt: skip
_COMPLEX_QR_ULPS = 10
_UNIT_BALL = arb(0, 1)


def backward_ulps(name: str, dtype: Any) -> int:
    """How far a decomposition of a matrix is off, for each of its rows."""
    kind = name.removeprefix("complex ")
    if kind not in ("eigh", "svd", "eig", "schur") and jnp.issubdtype(dtype, jnp.complexfloating):
        return _COMPLEX_QR_ULPS
    single, double = _BACKWARD_ULPS.get(kind, _BACKWARD_ULPS["qr"])
    return double if jnp.finfo(dtype).bits >= 64 else single


class Rounded:
    """An element: a ball around every result that the floats may have had so far.

    Args:
        value: the ball.
        system: the arithmetic it belongs to.
    """

    __slots__ = ("system", "value")

    def __init__(self, value: arb, system: RunningError) -> None:
        self.value = value
        self.system = system

    def __add__(self, other: Rounded) -> Rounded:
        return self.system.nearest(self.value + other.value)

    def __sub__(self, other: Rounded) -> Rounded:
        return self.system.nearest(self.value - other.value)

    def __mul__(self, other: Rounded) -> Rounded:
        return self.system.nearest(self.value * other.value)

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.system)


class RunningError(ThreeValued):
    """Real numbers together with the rounding errors of one floating-point dtype at a time.

    Args:
        dtype: the dtype in which the next operations are rounded; see :meth:`round_to`.

    Example:
        >>> system = RunningError(np.float32)
        >>> third = system.divide(system.constant(1), system.constant(3)).value
        >>> third.contains(arb(float(np.float32(1) / np.float32(3)))), third.contains(arb("0.3333"))
        (True, False)
    """

    name = "running error"
    arithmetic_ulps: float = ARITHMETIC_ULPS
    quotient_ulps: float = ARITHMETIC_ULPS
    sum_ulps: float = 2  # for each term
    rounds_constants = False
    """Whether a constant with all its bits is the rounding of a real number that is meant, as π."""

    def __init__(self, dtype: Any = np.float64) -> None:
        self.ball = Ball()
        self.exact = True
        """Whether results that are floats stay exact: not where floats are computed otherwise."""
        self.by_total_order = False
        """Whether comparisons tell −0 from 0, one real number: then these two are open."""
        self._dtype: Any = None
        self.round_to(dtype)

    def round_to(self, dtype: Any) -> None:
        """Sets the dtype in which what follows is rounded."""
        if self._dtype is not None and dtype == self._dtype:  # NumPy's float64 equals None
            return
        self._dtype = dtype
        limits = jnp.finfo(dtype)
        self.ulp = arb(float(limits.eps))
        # XLA flushes what is below the smallest normal number to 0.
        self.smallest_normal = arb(float(limits.smallest_normal))
        self.largest_float = arb(float(limits.max))
        self.double = limits.bits >= 64
        self.grid = arb(2) ** ((limits.nmant + 1) // 2)

    # -- rounding ----------------------------------------------------------------------------
    def rounded(
        self, value: arb, ulps: float | arb | None = None, size: arb | None = None
    ) -> Rounded:
        """The ball widened by a rounding error.

        Args:
            value: what was computed.
            ulps: the error, in units in the last place, if not that of arithmetic.
            size: of what, if not of the value itself.
        """
        if isinstance(value, NoNumber):
            return Rounded(value, self)
        ulps = self.arithmetic_ulps if ulps is None else ulps
        if value.is_zero() and size is None:
            return Rounded(value, self)
        size = value.abs_upper() if size is None else size
        if not size <= self.largest_float:
            return self._unknown()
        return Rounded(value + _UNIT_BALL * (size * self.ulp * ulps + self.smallest_normal), self)

    def _rounded_often(self, value: arb, ulps: float | arb) -> Rounded:
        """As :meth:`rounded`, of what was rounded on its way as well.

        One rounding makes no infinity of a number that the dtype has; of several the others may.
        """
        beyond = not value.abs_upper() * (1 + self.ulp * ulps) <= self.largest_float
        return self._unknown() if value.is_finite() and beyond else self.rounded(value, ulps)

    def nearest(self, value: arb) -> Rounded:
        """The ball widened by a rounding error, where there is one.

        A number of half the digits before and after the point is a float, and so is whatever
        comes of a few of them in another order of terms or factors: it stays exact.
        """
        if (
            self.exact
            and value.is_exact()
            and abs(value) < self.grid
            and (value * self.grid).is_integer()
        ):
            return Rounded(value, self)
        return self.rounded(value)

    def keep(self, x: Rounded) -> Rounded:
        """What becomes of a number that is kept for later: it stays as it is."""
        return x

    def _unknown(self) -> Rounded:
        return Rounded(arb.nan(), self)

    @property
    def other_ulps(self) -> float:
        """How far a function may be off of which no more is known, in units in the last place."""
        return FLOAT64_ULPS if self.double else OTHER_ULPS

    def _ulps(self, known: Function) -> float:
        least = ACCURATE_ULPS if known.error == "value" else OTHER_ULPS
        return max(FLOAT64_ULPS if self.double else least, 2 * (known.ulps or 0))

    def stored(self, x: Rounded, mantissa_bits: int | None = None) -> Rounded:
        """What becomes of a number that is converted to the dtype, or to fewer bits."""
        ulps = 1 if mantissa_bits is None else arb(2) ** -mantissa_bits / self.ulp
        return self.rounded(x.value, ulps)

    def stored_as(self, dtype: Any, values: np.ndarray) -> np.ndarray:
        """What becomes of numbers in NumPy code that converts them to a dtype.

        From then on everything is rounded in the coarsest dtype so far: which operations are
        computed in which is not known, and a wider enclosure still holds.
        """
        if np.dtype(dtype).itemsize >= np.dtype(np.float64).itemsize:
            return values  # it holds every number that the code computes with
        if jnp.finfo(dtype).eps > jnp.finfo(self._dtype).eps:
            self.round_to(dtype)
        return self.map(lambda x: self.stored(x) if isinstance(x, Rounded) else x, values)

    def _has_all_bits(self, value: arb) -> bool:
        """Whether a constant fills more than half the digits of a float."""
        return self.rounds_constants and value.bits() > (jnp.finfo(self._dtype).nmant + 1) // 2

    # -- constants and arithmetic ------------------------------------------------------------
    def constant(self, value: Any) -> Rounded:
        exact = self.ball.constant(value)
        if not exact.is_zero() and abs(exact) < self.smallest_normal:
            exact = exact.union(arb(0))  # where it enters an operation XLA may flush it
        return Rounded(exact, self)

    def still(self, x: Rounded) -> Rounded:
        return Rounded(self.ball.still(x.value), self)

    def divide(self, x: Rounded, y: Rounded) -> Rounded:
        if y.value.is_zero():
            return Rounded(over(x.value, y.value), self)
        # x/y may be taken as x·(1/y), and 1/y be flushed.
        flushed = abs(x.value).upper() * self.smallest_normal
        quotient = self._rounded_often(x.value / y.value, self.quotient_ulps)
        return Rounded(quotient.value + _UNIT_BALL * flushed, self)

    def power(self, x: Rounded, n: int) -> Rounded:
        if n < 0:
            return self.divide(self.constant(1), self.power(x, -n))
        # At most two products for each bit of n, and each doubles the error so far.
        found, ulps = self.ball.power(x.value, n), self.arithmetic_ulps * (1 + n)
        return self.rounded(found, ulps) if n < 3 else self._rounded_often(found, ulps)

    def total(self, terms: list[Rounded]) -> Rounded:
        size = sum((term.value.abs_upper() for term in terms), arb(0))
        return self._summed(self.ball.total([term.value for term in terms]), size, len(terms))

    def _summed(self, exact: arb, size: arb, count: int) -> Rounded:
        """A sum of so many terms of such a size in any order, or of products."""
        if count < 2 or size.is_zero():
            return Rounded(exact, self)
        error = size * self.ulp * (self.sum_ulps * count)
        # A sum of two is rounded once, which makes no infinity of what the dtype has; those of
        # more on their way to the whole, by as much as it may be off.
        if not (size if count == 2 else size + error) <= self.largest_float:
            return self._unknown()
        return Rounded(exact + _UNIT_BALL * (error + self.smallest_normal * count), self)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        count = a.shape[1]
        if not count or not a.size or not b.size:
            return super().matmul(a, b)
        left, right = ([[x.value for x in row] for row in matrix] for matrix in (a, b))
        exact = (flint.arb_mat(left) * flint.arb_mat(right)).entries()
        sizes = (flint.arb_mat(_sizes(left)) * flint.arb_mat(_sizes(right))).entries()
        pairs = zip(exact, sizes, strict=True)
        # Products are rounded, too: one more error each.
        entries = (self._summed(x, size.abs_upper(), count + 1) for x, size in pairs)
        return objects(entries, (a.shape[0], b.shape[1]))

    def apart(self, x: Rounded) -> tuple[arb, Rounded]:
        return x.value, self.constant(0)

    def real(self, ball: arb) -> Rounded:
        return Rounded(ball, self)

    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        """Of eigenvalues and singular values those of a matrix nearby, as LAPACK has them.

        Near in each entry as far as it is scaled where LAPACK balances a matrix, D⁻¹AD.
        """
        if "floats" not in options:
            return None
        values = [self.map(lambda x: x.value, a) for a in matrices]
        options["floats"] = options["floats"].known(one_or_parts(values), either_zero=True)
        general = name == "complex eig"
        scales = balanced(values) if general else np.ones(matrices[0].shape)
        squares = [
            x * x / arb(s * s) for a in values for x, s in zip(a.flat, scales.flat, strict=True)
        ]
        size = sum(squares, arb(0)).abs_upper().sqrt().abs_upper()
        ulps = backward_ulps(name, self._dtype) * max(scales.shape)
        near = [
            self.map(lambda x, s: self.rounded(x, ulps, size * arb(s)).value, a, scales)
            for a in values
        ]
        try:
            found, of_vectors = matrix_function(self.ball, name, *near, **options), arb(1)
        except CannotDecide:
            if name not in ("eigh", "svd"):
                raise
            found, of_vectors = self._repeated(name, values[0], size, options)
        forms = len(values) if name.endswith("schur") else 0  # which are as large as the matrix
        sizes = (
            size if each.ndim == 1 or k < forms else of_vectors for k, each in enumerate(found)
        )
        return tuple(
            self.map(lambda x, near=near: self.rounded(x, ulps, near.abs_upper()), each)
            for each, near in zip(found, sizes, strict=True)
        )

    def _repeated(
        self, name: str, a: np.ndarray, size: arb, options: dict[str, Any]
    ) -> tuple[Any, arb]:
        """The results for a matrix of repeated eigenvalues, and how far vectors are off.

        The spaces are as far off as the matrix is, for each distance to the next eigenvalue, and
        the vectors in them, made orthonormal, twice as far.
        """
        if not all(x.is_exact() for x in a.flat):
            raise CannotDecide("eigenvalues may be the same, of a matrix that is not known exactly")
        found = matrix_function(self.ball, name, a, **options)
        return found, 1 + 2 * len(a) * size / _least_distance(found)

    # -- functions ---------------------------------------------------------------------------
    def function(self, name: str, *xs: Rounded) -> Rounded:
        values = [x.value for x in xs]
        known = FUNCTIONS.get(name)
        if known is None or known.ball is None:
            return super().function(name, *xs)
        if known.jumps == "steps":
            return Rounded(self.ball.function(name, *values), self)
        # An argument that is reduced, scaled or taken the logarithm of is rounded first, but an
        # order, such as that of a polygamma function, is not.
        moved = arb(1, 1 * self.ulp * self.arithmetic_ulps)
        values = [y if y.is_integer() else y * moved for y in values]
        found = self.ball.function(name, *values)
        if name == "atan2":
            found = angles(found, *values)
        # Near its zeros an approximation is as good as the numbers that it is the difference of.
        size = found.abs_upper() if known.error == "value" else found.abs_upper().max(arb(1))
        if known.error == "exponents":
            size = sum((self._exponent(y) * size for y in values), size)
        if known.error == "terms":
            size = size.max(self._terms(name, values))
        return self.rounded(found, self._ulps(known), size)

    def _terms(self, name: str, values: list[arb]) -> arb:
        """No less than the absolute terms of a hypergeometric series together."""
        *above, below, x = values
        if not below > 0:
            return arb.pos_inf()
        return self.ball.function(name, *map(abs, above), below, abs(x)).abs_upper()

    @staticmethod
    def _exponent(y: arb) -> arb:
        """No less than y, |y log y| and log Γ(y) for a positive y, and |log y| for a small one."""
        logarithm = abs(abs(y).log())
        return (y.abs_upper() + 1) * (1 + logarithm.abs_upper())

    def sqrt(self, x: Rounded) -> Rounded:
        return self.rounded(x.value.sqrt())

    def maximum(self, x: Rounded, y: Rounded) -> Rounded:
        return self._chosen(self.ball.maximum(x.value, y.value), x, y)

    def minimum(self, x: Rounded, y: Rounded) -> Rounded:
        return self._chosen(self.ball.minimum(x.value, y.value), x, y)

    def _chosen(self, value: arb, x: Rounded, y: Rounded) -> Rounded:
        return x if value is x.value else y if value is y.value else Rounded(value, self)

    def absolute(self, x: Rounded) -> Rounded:
        return Rounded(self.ball.absolute(x.value), self)

    def sign(self, x: Rounded) -> Rounded:
        return Rounded(self.ball.sign(x.value), self)

    # -- truth -------------------------------------------------------------------------------
    def compare(self, relation: str, x: Rounded, y: Rounded) -> bool | None:
        if self.by_total_order and x.value.is_zero() and y.value.is_zero():
            return None
        return self.ball.compare(relation, x.value, y.value)

    def select(self, p: Any, if_false: Any, if_true: Any) -> Any:
        if p is not None:
            return if_true if p else if_false
        if not isinstance(if_true, Rounded):
            return self.ball.select(p, if_false, if_true)
        return Rounded(self.ball.select(p, if_false.value, if_true.value), self)

    def exact_value(self, x: Rounded) -> Any:
        return self.ball.exact_value(x.value)

    def is_finite(self, x: Rounded) -> Any:
        return self.ball.is_finite(x.value)  # nothing is known of what may have overflowed: NaN


def _least_distance(found: Sequence[np.ndarray]) -> arb:
    """How near two different eigenvalues or singular values are, or one of these to 0."""
    values = [x for each in found if each.ndim == 1 for x in each]
    others = [*values, arb(0)] if len(found) > 2 else values
    apart = [abs(x - y).lower() for x in values for y in others if not x.overlaps(y)]
    return min(apart, default=arb.pos_inf())


def _sizes(rows: list[list[arb]]) -> list[list[arb]]:
    return [[x.abs_upper() for x in row] for row in rows]
