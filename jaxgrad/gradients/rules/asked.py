"""What is asked of a derivative program that should be linear in some of its inputs.

L(a·g + b·h) = a·L(g) + b·L(h), at sizes of g all over the range of its dtype, and where the program
itself decides something by g.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.gradients.floats.arithmetic import least_float
from jaxgrad.gradients.rules.in_range import leaves_range
from jaxgrad.gradients.rules.judgement import agreement, digits_beyond
from jaxgrad.gradients.rules.operators import Leaves, Operator
from jaxgrad.gradients.rules.seen_as_run_on import LEFT
from jaxgrad.gradients.rules.sides import text_of
from jaxgrad.gradients.special_points.thresholds import thresholds
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import ObjectArray

__all__ = ["Apart", "Asked", "Bend", "affordable", "apart", "drawn", "sized"]

# Numbers computed on the way, at about 4 μs each: a second.
BUDGET = 250_000
# However large the program: the first questions are −1, and of sizes near 1 the two of either sign.
FEWEST = 8
# Sizes 2^±e, closer together where thresholds are likely; of a dtype those that it has.
EXPONENTS = (
    1, 2, 4, 7, 10, 14, 20, 27, 34, 42, 50, 60, 70, 82, 96, 112, 131, 153, 179, 209, 245, 287,
    336, 393, 460, 538, 630, 737, 862, 1009,
)  # fmt: skip
# As far from the ends of the range of a dtype: a rule may multiply before it decides.
FROM_THE_ENDS = (0, 1, 2, 4, 8)
# At a point that nobody asked for, of which there may be forty: a size near 1 and two further ones.
FEW_EXPONENTS = (1, 7, 20)
FEW_FROM_THE_ENDS = (0, 4)
# Of sizes like this a solver leaves what its tolerance is, and of others no more than so many times
# as much.
ORDINARY = (0.5, 0.75, 1.25, 1.5, 2.0, 3.0)
MOST_LEFT = 8
# Each of them is two questions, fewer in all than those of the sizes.
MOST_SPECIAL = 24


@dataclass(frozen=True)
class Apart:
    """Where L(a·g + b·h) is not a·L(g) + b·L(h).

    Args:
        weights: a and b.
        moved: g and h, one array for each leaf.
        place: the leaf of the derivative, and the index in it.
        value, sum: of L(a·g + b·h) and of a·L(g) + b·L(h) there, as text.
    """

    weights: tuple[float, float]
    moved: tuple[Leaves, Leaves]
    place: tuple[int, tuple[int, ...]]
    value: str
    sum: str


@dataclass(frozen=True)
class Bend:
    """Where a rule is not linear.

    Args:
        mode: ``"fwd"`` or ``"rev"``.
        point: the value of each floating-point leaf.
        aparts: the numbers that show it.
        leaves: the leaf of the arguments that each of them accuses; none of them where one number
            is of all leaves, as of a forward rule that is linear in each tangent by itself.
        like: what the first is like, in words; nothing if that is not known.
    """

    mode: str
    point: list[np.ndarray]
    aparts: Sequence[Apart]
    leaves: Sequence[int] = ()
    like: str = ""

    @property
    def apart(self) -> Apart:
        """The first of them."""
        return self.aparts[0]


def affordable(size: int, programs: int = 1) -> int:
    """How many questions one of so many programs of about this many operations may be asked."""
    return max(FEWEST, BUDGET // max(size, 1) // programs)


def sized(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers between a half and 1 in size, of either sign."""
    return generator.uniform(0.5, 1, shape) * generator.choice([-1, 1], shape)


def drawn(operator: Operator, seed: int) -> Leaves:
    """Values for what moves; the same for the same seed."""
    generator = np.random.default_rng(seed)
    return operator.like([sized(generator, x.shape) for x in operator.leaves])


class Asked:
    """The questions to one operator, and what it answers.

    Args:
        operator: a derivative program.
        affordable: the most questions.
    """

    def __init__(self, operator: Operator, affordable: int) -> None:
        self.operator, self.count = operator, 0
        self._found: dict[Any, list[ObjectArray] | None] = {}
        limits = [jnp.finfo(leaf.dtype) for leaf in (*operator.leaves, *operator.outputs)]
        self._tiny = max(least_float(limit.dtype) for limit in limits)
        # Two factors of two are left for the cotangent itself and for a sum of two.
        self._largest = min(int(limit.maxexp) for limit in limits) - 2
        self._least = max(int(limit.minexp) for limit in limits) + 2
        self._affordable = affordable

    def apart(self, thorough: bool) -> list[Apart]:
        """The first answer that is not what linearity says, of each leaf of which it is not.

        Args:
            thorough: whether all sizes and special cotangents are asked for.
        """
        for weights, g, h in self._questions(thorough):
            found = self._answer(weights, g, h)
            if found:
                return found
        return []

    def of_each(self, found: Apart) -> dict[int, Apart]:
        """The answers to the same question of one leaf that moves alone, where they are wrong.

        Args:
            found: an answer that is wrong where all leaves move.
        """
        count, said = len(self.operator.leaves), dict[int, Apart]()
        if count > self._affordable:
            return {}
        for k in range(count):
            g, h = (self._alone(k, leaves) for leaves in found.moved)
            wrong = self._answer(found.weights, g, h)
            if wrong:
                said[k] = wrong[0]
        return said

    def _alone(self, k: int, moved: Leaves) -> Leaves:
        """The same with 0 in place of every other leaf."""
        return tuple(x if i == k else np.zeros_like(x) for i, x in enumerate(moved))

    # -- what is asked ---------------------------------------------------------------------------
    def _questions(self, thorough: bool) -> Iterator[tuple[tuple[float, float], Leaves, Leaves]]:
        """(a, b), g and h, those that show the usual mistakes first."""
        operator = self.operator
        g, h = drawn(operator, 0), drawn(operator, 1)
        zero = operator.like([np.zeros(x.shape) for x in operator.leaves])
        asked = itertools.chain(
            (((a, 0.0), g, zero) for a in self._sizes(FEW_EXPONENTS, FEW_FROM_THE_ENDS)),
            (((0.0, 0.0), g, zero), ((1.0, 1.0), g, h), ((1.0, 1.0), h, zero)),
            self._more(g, h, zero) if thorough else (),
        )
        return itertools.islice(asked, self._affordable)

    def _more(self, g: Leaves, h: Leaves, zero: Leaves) -> Iterator[Any]:
        for a in self._sizes(EXPONENTS, FROM_THE_ENDS):
            yield (a, 0.0), g, zero
        halves = [float(jnp.finfo(leaf.dtype).max) / 2 for leaf in self.operator.leaves]
        largest = [np.sign(x) * half for x, half in zip(g, halves, strict=True)]
        yield (2.0, 0.0), self.operator.like(largest), zero
        for s in self._special(g):
            yield (2.0, 0.0), s, zero
            yield (1.0, 1.0), s, self._towards_zero(s, h)

    def _towards_zero(self, s: Leaves, h: Leaves) -> Leaves:
        """h as large as s and away from it, so that what is special at s is not so at s + h."""
        size = max((float(np.max(abs(x), initial=0)) for x in s), default=0.0)
        size = math.ldexp(1.0, math.frexp(size)[1] - 1) if size else 1.0  # a power of 2
        return self.operator.like(
            [-np.where(x < 0, -1.0, 1.0) * abs(y) * size for x, y in zip(s, h, strict=True)]
        )

    def _sizes(self, exponents: Sequence[int], from_the_ends: Sequence[int]) -> Iterator[float]:
        yield -1.0
        ups = _up_to(self._largest, exponents, from_the_ends)
        downs = _up_to(-self._least, exponents, from_the_ends)
        for up, down in itertools.zip_longest(ups, downs):
            for e in (up, None if down is None else -down):
                if e is not None:
                    yield 2.0**e
                    yield -(2.0**e)

    def _special(self, g: Leaves) -> list[Leaves]:
        """Where the program compares what moves, divides by it and the like."""
        traced = self.operator.traced(g)
        if traced is None:
            return []
        return [tuple(found) for found in thresholds(*traced, MOST_SPECIAL)]

    # -- what is answered ------------------------------------------------------------------------
    def _answer(self, weights: tuple[float, float], g: Leaves, h: Leaves) -> list[Apart]:
        """The entries in which the two sides are apart, the first one of each leaf."""
        a, b = map(exact_ball, weights)
        both = [
            Ball().map(lambda x, y: x * a + y * b, *map(Ball().constants, pair))
            for pair in zip(g, h, strict=True)
        ]
        if not self._has(both):
            return []
        whole, first = self.operator.balls(both), self._kept(g)
        second = self._kept(h) if weights[1] else first
        if whole is None or first is None or second is None:
            return []
        self.count += 1

        def of_entry(k: int, index: tuple[int, ...]) -> Apart | None:
            value, total = whole[k][index], first[k][index] * a
            if weights[1]:  # 0 times NaN is not 0
                total += second[k][index] * b
            said = apart(self.operator, value, total, both, (k, index), self._tiny)
            if said is None or self._is_tolerated(abs(value - total), k, weights):
                return None
            if self._leaves_range(value, both, g, h, weights):
                return None
            return Apart(weights, (g, h), (k, index), *said)

        firsts = (
            next(filter(None, (of_entry(k, index) for index in np.ndindex(values.shape))), None)
            for k, values in enumerate(whole)
        )
        return [found for found in firsts if found is not None]

    def _is_tolerated(self, difference: arb, leaf: int, weights: tuple[float, float]) -> bool:
        """Whether a solver may leave it, to which what is below an absolute tolerance is 0.

        That is half the digits of what the operator gives of an ordinary cotangent or tangent; or,
        as nobody knows the tolerance, some times what it leaves of ordinary ones, if that is small.
        """
        ordinary = self._kept(drawn(self.operator, 0)) if self.operator.has_tolerance else None
        if ordinary is None:
            return False
        size = max((abs(x).upper() for x in ordinary[leaf].flat), default=arb(0))
        left = self._left[leaf].min(size * LEFT) * max(1.0, *map(abs, weights))
        return bool(difference <= left.max(size * 2.0 ** -self.operator.bits(leaf)))

    @cached_property
    def _left(self) -> list[arb]:
        """What it may leave of ordinary ones, for each leaf that it gives."""
        g = drawn(self.operator, 0)
        first, found = self._kept(g), [arb(0)] * len(self.operator.outputs)
        for weight in ORDINARY:
            scaled = self.operator.balls([Ball().constants(x * weight) for x in map(_wide, g)])
            if scaled is None or first is None:
                continue
            for k, (leaf, once) in enumerate(zip(scaled, first, strict=True)):
                for x, y in zip(leaf.flat, once.flat, strict=True):
                    found[k] = found[k].max(abs(x - y * weight).upper())
        return [arb(x * MOST_LEFT) if x.is_finite() else arb(0) for x in found]

    def _has(self, moved: Sequence[ObjectArray]) -> bool:
        """Whether the dtypes have numbers as large."""
        return all(
            bool(abs(x) <= float(jnp.finfo(leaf.dtype).max))
            for leaf, values in zip(self.operator.leaves, moved, strict=True)
            for x in values.flat
        )

    def _leaves_range(
        self, value: arb, both: Any, g: Leaves, h: Leaves, weights: tuple[float, float]
    ) -> bool:
        """Whether that they are apart may be the doing of an overflow, or of an underflow."""
        moved = [both, g, h] if weights[1] else [both, g]
        runs = [self.operator.as_balls(leaves) for leaves in moved]
        parts = [exact_ball(a) for a in weights[: len(moved) - 1]]
        return leaves_range(self.operator.program, runs, parts, every=not value.is_finite())

    def _kept(self, moved: Leaves) -> list[ObjectArray] | None:
        """L of one of few, which is kept; None where it has no exact value."""
        key = b"".join(leaf.tobytes() for leaf in moved)
        if key not in self._found:
            self._found[key] = self.operator.balls(moved)
        return self._found[key]


def _up_to(most: int, exponents: Sequence[int], from_the_end: Sequence[int]) -> list[int]:
    """Exponents that a dtype has, and those near the last one."""
    last = [most - k for k in from_the_end if most - k > 0]
    return list(dict.fromkeys([*(e for e in exponents if e <= most), *last]))


def apart(
    operator: Operator,
    value: arb,
    total: arb,
    moved: Sequence[Any],
    place: tuple[int, tuple[int, ...]],
    tiny: float,
) -> tuple[str, str] | None:
    """Both numbers as text, if they are apart; below the least normal one XLA has 0.

    Args:
        operator: what gave the first.
        value, total: what it gave, and what it should have given.
        moved: what it gave it for.
        place: the leaf that it gives, and the index in it.
        tiny: the least normal number.
    """
    leaf, index = place
    largest = float(jnp.finfo(operator.outputs[leaf].dtype).max)
    if not total.is_finite() or abs(total) > largest:
        return None
    if not value.is_finite():
        floats = [np.array([float(x) for x in u.flat]).reshape(u.shape) for u in moved]
        number = float(operator.floats(operator.like(floats))[leaf][index])
        return None if np.isfinite(number) else (str(number), text_of(total))
    if value.overlaps(total) or max(abs(value).upper(), abs(total).upper()) < tiny:
        return None
    alike = agreement(value, total)
    if alike > operator.bits(leaf):
        return None
    digits = digits_beyond(alike)
    return text_of(value, digits), text_of(total, digits)


def _wide(leaf: np.ndarray) -> np.ndarray:
    return np.asarray(leaf, np.float64)
