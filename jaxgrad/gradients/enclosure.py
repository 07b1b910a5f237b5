"""Do two programs agree at a point?  Balls that do not meet say no, rigorously."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from flint import arb

from jaxgrad.gradients.zero_signs import Entry, as_run
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import Ball, relative_bits
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import Leaf

__all__ = ["Meeting", "balls", "draw", "meet", "meet_once", "settled", "truth_at"]

# The widest float has 53 significant bits: values that agree to twice as many are told apart from
# every neighbour of theirs, and from every product of two of them.
FLOAT_BITS = 53
ENOUGH_BITS = 2 * FLOAT_BITS
FIRST_PRECISION = 2 * ENOUGH_BITS
# Two doublings past the first precision: values that 848 bits do not tell apart are undecided.
PRECISIONS = (FIRST_PRECISION, 2 * FIRST_PRECISION, 4 * FIRST_PRECISION)
# Past this precision two balls that still meet are reported as they are.
LAST_PRECISION = 16 * FIRST_PRECISION
# Where what is open is a real number, it may be as small as a float64, 2^-1022, beside a 1 that
# cancels; the last precision holds the product of two such numbers, and more than a float of it.
FURTHER_PRECISIONS = (LAST_PRECISION // 2, LAST_PRECISION)
# An entry that no relative precision settles is 0 as far as can be seen: below every float64 that
# is not 0 (2^-1074), with as much again to spare.
ZERO_BITS = LAST_PRECISION // 2


@dataclass(frozen=True)
class Meeting:
    """How the balls of two sides lie at one point.

    Args:
        values: the point, a NumPy array for each input leaf.
        hand, auto: for each output leaf an object array of balls, or of truth values.
        apart: for each leaf a boolean array, True where the balls are disjoint.
        bits: for each leaf the relative bits to which entries agree, inf where exactly equal.
        absolute: for each leaf the absolute bits, for entries that are 0 as far as can be seen.
        working: the precision reached.
        hidden: for each leaf where the balls are disjoint by what rounding could hide, if any;
            where the sides differ, before the first entry of the leaf that it does not hide.
    """

    values: list[Any]
    hand: list[np.ndarray]
    auto: list[np.ndarray]
    apart: list[np.ndarray]
    bits: list[np.ndarray]
    absolute: list[np.ndarray]
    working: int
    hidden: list[np.ndarray] | None = None

    @property
    def differs(self) -> bool:
        """Whether some entry is proved to differ."""
        return any(leaf.any() for leaf in self.apart)

    @property
    def unseen(self) -> list[tuple[int, tuple[int, ...]]]:
        """(leaf, index) of entries that neither differ nor agree to enough bits."""
        missing = []
        for k, (bits, absolute) in enumerate(zip(self.bits, self.absolute, strict=True)):
            short = (bits < ENOUGH_BITS) & (absolute < ZERO_BITS) & ~self.apart[k]
            if self.hidden is not None:
                short &= ~self.hidden[k]
            missing += [(k, tuple(int(i) for i in index)) for index in np.argwhere(short)]
        return missing

    @property
    def seen(self) -> bool:
        """Whether both sides are numbers here, known to as many bits as a float64 has."""
        return all(
            bool((np.maximum(bits, absolute) >= FLOAT_BITS).all())
            for bits, absolute in zip(self.bits, self.absolute, strict=True)
        )

    def least_bits(self) -> int:
        """The fewest bits to which any entry agrees; entries that are equal exactly apart."""
        seen = [
            max(b, a)
            for bits, absolute in zip(self.bits, self.absolute, strict=True)
            for b, a in zip(bits.reshape(-1), absolute.reshape(-1), strict=True)
        ]
        finite = [bits for bits in seen if math.isfinite(bits)]
        return int(min(finite)) if finite else self.working


def balls(inputs: Sequence[Leaf], values: Sequence[Any]) -> list[Any]:
    """The exact balls of a point; leaves that are not floating point stay as they are."""
    return [
        _constants(leaf, np.asarray(value)) if leaf.real else value
        for leaf, value in zip(inputs, values, strict=True)
    ]


def _constants(leaf: Leaf, values: np.ndarray) -> Any:
    """The balls of a leaf, which do not move where it is held fixed."""
    system = Ball()
    found = system.constants(values)
    return found if leaf.differentiable else system.map(system.still, found)


def truth_at(
    side: Side, values: Sequence[Any], bits: int = FIRST_PRECISION, system: Ball | None = None
) -> list[np.ndarray]:
    """The outputs of a side at a point in balls of a precision, the first one unless it is given.

    Args:
        side: the side.
        values: the point.
        bits: the precision.
        system: the balls, if not all of them are taken.

    Raises:
        CannotDecide, UnsupportedPrimitive: as the rules do.
    """
    with precision(bits):
        return side.over(system or Ball(), balls(side.inputs, values))


def meet(hand: Side, auto: Side, values: list[Any]) -> Meeting:
    """Evaluates both sides at a point in Arb balls, the precision raised until it is decided.

    Raises:
        CannotDecide, UnsupportedPrimitive: as the rules do.
    """
    working = FIRST_PRECISION
    while True:
        meeting = _meet_at(hand, auto, values, working)
        if meeting.differs or not _wants_more(meeting) or working >= LAST_PRECISION:
            return meeting
        working *= 2


def meet_once(hand: Side, auto: Side, values: list[Any]) -> Meeting:
    """As :func:`meet`, at the first precision only."""
    return _meet_at(hand, auto, values, FIRST_PRECISION)


def settled(hand: Side, auto: Side, meeting: Meeting) -> Meeting:
    """A meeting that differs, at the precision that decides the entries which do not.

    :func:`meet` ends where one entry differs, whatever is known of the others by then.

    Raises:
        CannotDecide, UnsupportedPrimitive: as the rules do.
    """
    while _wants_more(meeting) and meeting.working < LAST_PRECISION:
        meeting = _meet_at(hand, auto, meeting.values, 2 * meeting.working)
    return meeting


def _wants_more(meeting: Meeting) -> bool:
    """Whether some entry neither differs nor agrees to enough bits."""
    pairs = zip(meeting.bits, meeting.apart, strict=True)
    return any(bool(((bits < ENOUGH_BITS) & ~apart).any()) for bits, apart in pairs)


def _meet_at(hand: Side, auto: Side, values: list[Any], working: int) -> Meeting:
    with precision(working):
        system, inputs = Ball(), balls(hand.inputs, values)
        left, right = (side.over(system, list(inputs)) for side in (hand, auto))
        apart, bits, absolute = [], [], []
        for x, y in zip(left, right, strict=True):
            rows = [_entry(a, b) for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True)]
            apart.append(np.array([r[0] for r in rows], bool).reshape(x.shape))
            bits.append(np.array([r[1] for r in rows], float).reshape(x.shape))
            absolute.append(np.array([r[2] for r in rows], float).reshape(x.shape))
        signed = as_run((hand, auto), values, inputs, _differences(left, right, apart))
        for (k, index), pair in signed.items():
            left[k][index], right[k][index] = pair
            apart[k][index], bits[k][index], absolute[k][index] = _entry(*pair)
    return Meeting(values, left, right, apart, bits, absolute, working)


def _differences(left: Any, right: Any, apart: Any) -> dict[Entry, arb]:
    """The numbers that are apart, and by how much."""
    places = [(k, tuple(index)) for k, x in enumerate(apart) for index in np.argwhere(x).tolist()]
    pairs = {(k, index): (left[k][index], right[k][index]) for k, index in places}
    return {
        place: a - b for place, (a, b) in pairs.items() if isinstance(a, arb) and isinstance(b, arb)
    }


def _entry(a: Any, b: Any) -> tuple[bool, float, float]:
    """(disjoint, relative bits of agreement, absolute bits of agreement)."""
    if a is UNKNOWN or b is UNKNOWN:
        return False, -math.inf, -math.inf
    a, b = (arb(int(x)) if isinstance(x, bool) else x for x in (a, b))
    if not (a.is_finite() and b.is_finite()):
        return False, -math.inf, -math.inf
    if not a.overlaps(b):
        return True, -math.inf, -math.inf
    if a.is_exact() and b.is_exact():  # they meet, so they are the same number
        return False, math.inf, math.inf
    difference = a - b
    larger = a if abs(a).lower() > abs(b).lower() else b
    return False, relative_bits(difference, larger), relative_bits(difference, arb(1))


def draw(inputs: Sequence[Leaf], seed: int) -> list[Any]:
    """A point near N(0, 1) in every floating-point leaf, the same for the same seed.

    Every bit of a number is drawn, as a program that rounds to multiples of any step is itself
    at these.  Of three points the second has multiples of 1/8 instead, of which some tie and whose
    sums are exact, four times as large and each of the sign that the first has not; and the third
    has no negative number, for roots and logarithms.
    """
    generator, before = np.random.default_rng(seed), np.random.default_rng(seed - (seed % 3 == 1))
    kind = seed % 3
    values = []
    for leaf in inputs:
        if not leaf.differentiable:
            values.append(leaf.value)
            continue
        drawn, other = generator.standard_normal(leaf.shape), before.standard_normal(leaf.shape)
        if kind == 1:  # exact in every float of 8 bits or more
            drawn = 0.0 - np.copysign(np.round(np.abs(drawn) * 32) / 8, other)
        elif kind == 2:
            drawn = np.abs(drawn)
        values.append(np.asarray(jax.numpy.asarray(drawn, leaf.dtype)))
    return values
