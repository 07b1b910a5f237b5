"""The truth that a derivative rule is held against, and the judgement of one number by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.engines.enclosure import ENOUGH_BITS
from jaxgrad.interpret import interpret
from jaxgrad.numbers.ball import Ball, relative_bits
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.one_sided import OneSided, one_sided_derivatives
from jaxgrad.rule_programs import Primal
from jaxgrad.verdict import Verdict

__all__ = ["Judgement", "Sides", "Truth", "judge"]


@dataclass(frozen=True)
class Sides:
    """A one-sided derivative from the right and from the left; NaN where there is none."""

    right: arb
    left: arb

    @property
    def known(self) -> list[arb]:
        """The sides of which something is known: enclosed, or certainly infinite."""
        return [t for t in (self.right, self.left) if t.is_finite() or t > 0 or t < 0]

    @property
    def kink(self) -> bool:
        """Whether the two sides certainly differ."""
        return len(self.known) == 2 and not self.right.overlaps(self.left)

    def __str__(self) -> str:
        texts = [_text(t) for t in self.known]
        if not texts:
            return "unknown"
        if self.kink:
            return f"{_text(self.left)} from the left and {_text(self.right)} from the right"
        return texts[0] if len(self.known) == 2 else f"{texts[0]} from one side"


def _text(x: arb) -> str:
    if x.is_finite():
        return x.str(12)
    return "inf" if x > 0 else "-inf" if x < 0 else "nan"


@dataclass(frozen=True)
class Judgement:
    """What is made of one number that a rule gives.

    Args:
        verdict: AGREES, REFUTED or UNDECIDED.
        bits: relative bits of agreement; infinite where equal, or accepted between two sides.
        kink: whether the function has a kink there.
        value: the number, as text.
        truth: what it is held against, as text.
    """

    verdict: Verdict
    bits: float
    kink: bool
    value: str
    truth: str


def judge(value: arb, sides: Sides, in_floats: Any, rounded: Any) -> Judgement:
    """Judges one number by the one-sided derivatives: equal to both, or between the two.

    Args:
        value: the enclosure of what the rule gives.
        sides: the one-sided derivatives.
        in_floats: called without arguments where the formula is no real number: what JAX computes.
        rounded: called without arguments where the formula is not the derivative: its enclosure
            for constants that are rounded numbers.  A rule that is the derivative but for the
            rounding of its constants agrees, to fewer bits.
    """

    def result(verdict: Verdict, bits: float = math.inf, shown: str | None = None) -> Judgement:
        return Judgement(verdict, bits, sides.kink, shown or _text(value), str(sides))

    known = sides.known
    if not known:
        return result(Verdict.UNDECIDED)
    if not value.is_finite():
        computed = float(in_floats())
        agrees = any(not t.is_finite() and (t > 0) == (computed > 0) for t in known)
        if math.isfinite(computed):
            return result(Verdict.UNDECIDED)
        return result(
            Verdict.AGREES if agrees and math.isinf(computed) else Verdict.REFUTED,
            shown=str(computed),
        )
    if all(value < t for t in known) or all(value > t for t in known):
        bits = -math.inf if sides.kink else min(_bits(value, t) for t in known)
        around = rounded()
        if bits > 0 and around.is_finite() and all(around.overlaps(t) for t in known):
            return result(Verdict.AGREES, bits)
        return result(Verdict.REFUTED)
    if sides.kink or not all(t.is_finite() for t in known):
        return result(Verdict.AGREES)
    bits = min(_bits(value, t) for t in known)
    return result(Verdict.AGREES if bits >= ENOUGH_BITS else Verdict.UNDECIDED, bits)


def _bits(value: arb, truth: arb) -> float:
    """Relative bits of agreement, or absolute ones where the true value may be 0."""
    difference = value - truth
    if not difference.is_finite():
        return -math.inf
    larger = value if abs(value).lower() > abs(truth).lower() else truth
    if abs(larger).lower() > 0:
        return relative_bits(difference, larger)
    # Twice as many absolute bits are asked of a number that no precision tells from 0.
    return relative_bits(difference, arb(1)) / 2


class Truth:
    """The one-sided derivatives of a primal at its point, along any direction.

    Args:
        primal: the function.
        order: the highest derivative that will be asked for.
    """

    def __init__(self, primal: Primal, order: int) -> None:
        self._primal = primal
        self._order = order
        self._found: dict[bytes, OneSided] = {}
        system = Ball()
        point = [system.constants(value) for value in primal.point]
        self._value: list[ObjectArray] = interpret(primal.moving_program, system, point)
        self.reasons: set[str] = set()

    def along(self, direction: Sequence[np.ndarray]) -> OneSided:
        """The derivatives up to the order along a direction."""
        key = b"".join(np.asarray(leaf, np.float64).tobytes() for leaf in direction)
        if key not in self._found:
            found = one_sided_derivatives(
                self._primal.moving_program, self._primal.point, direction, self._order
            )
            self.reasons |= set(found.reasons)
            for side in (found.right, found.left):
                self._drop_jumps(side)
            self._found[key] = found
        return self._found[key]

    def entry(
        self, direction: Sequence[np.ndarray], order: int, leaf: int, index: tuple[int, ...]
    ) -> Sides:
        """The derivative of one entry of the result."""
        found = self.along(direction)
        return Sides(found.right[leaf][(order, *index)], found.left[leaf][(order, *index)])

    def product(
        self, direction: Sequence[np.ndarray], order: int, cotangent: Sequence[np.ndarray]
    ) -> Sides:
        """The derivative of ⟨u, f⟩ for a cotangent u."""
        found = self.along(direction)
        return Sides(
            _weighted([leaf[order, ...] for leaf in found.right], cotangent),
            _weighted([leaf[order, ...] for leaf in found.left], cotangent),
        )

    def mixed(
        self, v: Sequence[np.ndarray], w: Sequence[np.ndarray], cotangent: Sequence[np.ndarray]
    ) -> Sides | None:
        """D²⟨u, f⟩(v, w) = (D²(v+w)² − D²(v−w)²)/4; None where a kink leaves it without meaning."""
        total = []
        for sign in (1, -1):
            line = [a + sign * b for a, b in zip(v, w, strict=True)]
            both = [self.product(line, k, cotangent) for k in (1, 2)]
            if any(len(sides.known) < 2 or sides.kink for sides in both):
                return None
            total.append(both[1])
        plus, minus = total
        return Sides((plus.right - minus.right) / 4, (plus.left - minus.left) / 4)

    def _drop_jumps(self, side: list[ObjectArray]) -> None:
        """A side whose limit is not the value of f has no derivative."""
        for leaf, values in zip(side, self._value, strict=True):
            for index in np.ndindex(values.shape):
                value = values[index]
                if value.is_finite() and not value.overlaps(leaf[(0, *index)]):
                    self.reasons.add("f jumps at the point")
                    for k in range(len(leaf)):
                        leaf[(k, *index)] = arb.nan()


def _weighted(values: list[ObjectArray], weights: Sequence[np.ndarray]) -> arb:
    total = arb(0)
    for leaf, weight in zip(values, weights, strict=True):
        for x, u in zip(leaf.reshape(-1), np.asarray(weight).reshape(-1), strict=True):
            if u != 0:
                total += x * float(u)
    return total
