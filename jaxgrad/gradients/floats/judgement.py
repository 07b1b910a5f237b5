"""Is a float that a compiled derivative returned the value of its formula, as far as it can be?

A float f of a true value g is within its allowance when

    |f − g| ≤ m·u·|g| + max_k max(m·|g(x·(1 + u·ξ_k)) − g(x)|, |g(x·(1 + m·u·ξ_k)) − g(x)|) + s

with u, m and s as in :mod:`jaxgrad.gradients.floats.sides` and ξ_k vectors of signs; x
stands for the point and for the direction or cotangent.  The second term in the maximum is the
first one for a smooth g to first order, and sees a branch that m roundings of the inputs may reach.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.floats.programs import Compiled
from jaxgrad.gradients.floats.sides import digits_right, rounded_once
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.truth import Sides, Truth
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.precision import precision

__all__ = ["FloatJudgement", "TrueValues", "judge_float"]

# Two doublings past the first precision, which itself has four times the digits of a float64.
PRECISIONS = (FIRST_PRECISION, 2 * FIRST_PRECISION, 4 * FIRST_PRECISION)
# Vectors of signs tried before a float is called unstable: all +, all −, and drawn ones.  Each is
# a witness, and with 6 drawn ones a given pair of entries is moved apart but for 1 case in 64.
SIGN_VECTORS = 8


@dataclass(frozen=True)
class FloatJudgement:
    """What is made of one float.

    Args:
        status: ``"STABLE"``, ``"UNSTABLE"`` or ``"UNKNOWN"``.
        reason: why it is not stable.
        grave: NaN or an infinity where the truth is another value.
        truth: the true value, as text.
        digits: how many decimal digits are right.
        excess: the error in allowances, to find the worst.
    """

    status: str
    reason: str = ""
    grave: bool = False
    truth: str = "unknown"
    digits: float = math.inf
    excess: float = 0.0


class TrueValues:
    """The true values of every number that a compiled derivative returns for a point and a seed.

    Args:
        compiled: the derivative.
        point: floats of its dtype.
        seed: the direction or the cotangent.
    """

    def __init__(self, compiled: Compiled, point: Sequence[np.ndarray], seed: Direction) -> None:
        self.compiled, self.point, self.seed = compiled, point, seed
        self.evaluations = 0
        self._values: dict[int, list[ObjectArray]] = {}
        self._changes: dict[tuple[int, int], list[ObjectArray]] = {}

    def values(self, bits: int) -> list[ObjectArray]:
        """The formula at a precision.

        Raises:
            CannotDecide, UnsupportedPrimitive: as the rules do.
        """
        if bits not in self._values:
            with precision(bits):
                self._values[bits] = self._at(arb(0), np.random.default_rng(0), 0)
        return self._values[bits]

    def change(self, bits: int, witness: int) -> list[ObjectArray]:
        """What m roundings of the inputs may change, as one vector of signs shows it."""
        key = bits, witness
        if key not in self._changes:
            truth, many = self.values(bits), self.compiled.roundings
            factor = many if witness < SIGN_VECTORS else 1  # of the change, or else of u
            with precision(bits):
                step = self.compiled.unit * (many // factor)
                moved = self._at(step, np.random.default_rng(witness), witness % SIGN_VECTORS)
                self._changes[key] = [
                    Ball().map(lambda x, y: abs(x - y) * factor, new, old)
                    for new, old in zip(moved, truth, strict=True)
                ]
        return self._changes[key]

    def _at(self, step: arb, rng: np.random.Generator, k: int) -> list[ObjectArray]:
        self.evaluations += 1
        moved = []
        for leaf in (*self.point, *self.compiled.arrays(self.seed)):
            shape = np.shape(leaf)
            signs = rng.choice([-1, 1], shape) if k > 1 else np.full(shape, 1 - 2 * k)
            values = Ball().constants(np.asarray(leaf))
            moved.append(values if step.is_zero() else rounded_once(values, step, signs))
        return self.compiled.balls(moved[: len(self.point)], moved[len(self.point) :])

    @cached_property
    def _truth(self) -> Truth | None:
        with precision(PRECISIONS[-1]):
            try:
                return Truth(self.compiled.primal.truth_program, self.point, 1)
            except (CannotDecide, UnsupportedPrimitive):
                return None

    @property
    def defined(self) -> bool:
        """Whether the function is a real number at the point, as far as can be seen."""
        return self._truth is None or self._truth.defined

    @property
    def certainly_defined(self) -> bool:
        """Whether the function is a real number at the point."""
        return self._truth is not None and self._truth.defined

    def sides(self, output: int, index: tuple[int, ...]) -> Sides:
        """The one-sided derivatives, which no derivative rule has a part in."""
        unknown = Sides(arb.nan(), arb.nan())
        if self._truth is None:
            return unknown
        direction, cotangent = self.compiled.entry(self.seed, output, index)
        with precision(PRECISIONS[-1]):
            try:
                return self._truth.sides(direction, 1, cotangent)
            except (CannotDecide, UnsupportedPrimitive):
                return unknown


def judge_float(
    exact: TrueValues, output: int, index: tuple[int, ...], value: float
) -> FloatJudgement | None:
    """Judges one float; None where the function has no derivative to be held against.

    Args:
        exact: the true values.
        output: which output of the derivative program.
        index: the entry of it.
        value: what the compiled program returned there.
    """
    found, reason = None, "no derivative is known there"
    for bits in PRECISIONS:
        with precision(bits):
            try:
                truth = exact.values(bits)[output][index]
                found = _judge_at(exact, output, index, value, bits) if truth.is_finite() else None
            except (CannotDecide, UnsupportedPrimitive) as error:
                reason = str(error)
                break
            if found is not None or not truth.is_finite():
                break
    if found is None:
        with precision(PRECISIONS[-1]):
            found = _by_sides(exact, exact.sides(output, index), output, value, reason)
    return found if found.status == "STABLE" or exact.defined else None


def _judge_at(
    exact: TrueValues, output: int, index: tuple[int, ...], value: float, bits: int
) -> FloatJudgement | None:
    """The judgement by a finite ball; None where it takes a higher precision."""
    compiled, truth = exact.compiled, exact.values(bits)[output][index]
    text = truth.str(10, radius=False)
    largest = float(jnp.finfo(compiled.program.outputs[output].dtype).max)
    if abs(truth) > largest and (math.isnan(value) or truth * _sign(value) > 0):
        return FloatJudgement("STABLE", truth=text)  # the dtype has no such number
    if math.isnan(value):
        return (
            FloatJudgement("UNSTABLE", "nan", True, text, -math.inf, math.inf)
            if (abs(truth) <= largest)
            else None
        )
    error = abs(exact_ball(value) - truth) if math.isfinite(value) else largest - abs(truth)
    wrong_way = math.isinf(value) and not bool(truth * _sign(value) > 0)
    bounded, allowance = True, arb(0)
    for allowance in _allowances(exact, output, index, bits):
        if not wrong_way and error <= allowance:
            return FloatJudgement("STABLE", truth=text, digits=digits_right(value, truth))
        bounded = bounded and allowance.is_finite()
    if not bounded:
        return FloatJudgement("UNKNOWN", "ill-conditioned beyond all bounds", truth=text)
    if not (wrong_way or error > allowance):
        return None
    if math.isinf(value):
        return FloatJudgement("UNSTABLE", "infinite", True, text, -math.inf, math.inf)
    excess = float((error / allowance).mid()) if allowance > 0 else math.inf
    reason = "underflow" if value == 0 else "digits lost"
    return FloatJudgement("UNSTABLE", reason, False, text, digits_right(value, truth), excess)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _allowances(exact: TrueValues, output: int, index: tuple[int, ...], bits: int) -> Iterator[arb]:
    """Allowances that grow with every witness, the first of which costs no evaluation."""
    compiled, truth = exact.compiled, exact.values(bits)[output][index]
    rounding = compiled.roundings * compiled.unit * abs(truth) + compiled.smallest
    yield rounding
    change = arb(0)
    for witness in range(2 * SIGN_VECTORS):
        change = change.max(exact.change(bits, witness)[output][index])
        yield rounding + change


def _by_sides(
    exact: TrueValues, sides: Sides, output: int, value: float, reason: str
) -> FloatJudgement:
    """The judgement where the formula has no value: any float between the sides is right."""
    known, text = sides.known, str(sides)
    if not known:
        if math.isnan(value) and exact.certainly_defined:  # whatever its derivative is, if it is
            return FloatJudgement("UNSTABLE", "nan", digits=-math.inf, excess=math.inf)
        return FloatJudgement("UNKNOWN", reason)
    low, high = min(known, key=_middle), max(known, key=_middle)
    if math.isnan(value):
        return FloatJudgement("UNSTABLE", "nan", True, text, -math.inf, math.inf)
    if math.isinf(value):
        largest = float(jnp.finfo(exact.compiled.program.outputs[output].dtype).max)
        reaches = high > largest if value > 0 else low < -largest
        if reaches:
            return FloatJudgement("STABLE", truth=text)
        return FloatJudgement("UNSTABLE", "infinite", True, text, -math.inf, math.inf)
    compiled = exact.compiled
    around = [compiled.roundings * compiled.unit * abs(x) + compiled.smallest for x in (low, high)]
    number = exact_ball(value)
    if number >= low - around[0] and number <= high + around[1]:
        return FloatJudgement("STABLE", truth=text)
    if sides.kink or not all(x.is_finite() for x in known):
        return FloatJudgement("UNKNOWN", "at a kink, and not between the sides", truth=text)
    if number < low - around[0] or number > high + around[1]:
        return FloatJudgement(
            "UNSTABLE", "digits lost", False, text, digits_right(value, low), math.inf
        )
    return FloatJudgement("UNKNOWN", "the enclosure is too wide", truth=text)


def _middle(x: arb) -> float:
    return float(x.mid()) if x.is_finite() else math.inf if x > 0 else -math.inf
