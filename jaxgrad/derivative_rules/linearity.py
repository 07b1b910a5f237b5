"""A backward rule is linear in its cotangent, and a forward rule in its tangent.

Where the operations of a derivative program do not show it, it is asked for
L(a·g + b·h) = a·L(g) + b·L(h) at sizes of g all over the range of its dtype, and where the program
itself decides something by its cotangent.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.derivative_rules.at_point import AtPoint
from jaxgrad.derivative_rules.in_range import leaves_range
from jaxgrad.derivative_rules.judgement import agreement, digits_beyond
from jaxgrad.derivative_rules.linear_programs import Kind, kinds_of
from jaxgrad.derivative_rules.rules import Rules
from jaxgrad.derivative_rules.truth import text_of
from jaxgrad.errors import JaxgradError, UnsupportedPrimitive
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.program import Leaf, trace
from jaxgrad.special_points.thresholds import thresholds

__all__ = ["MOVED", "Bend", "Linearity"]

MOVED = {"fwd": "tangent", "rev": "cotangent"}
"""What a rule has to be linear in."""

Leaves = tuple[np.ndarray, ...]

# Sizes 2^±e, closer together where thresholds are likely; of a dtype those that it has.
EXPONENTS = (
    1, 2, 4, 7, 10, 14, 20, 27, 34, 42, 50, 60, 70, 82, 96, 112, 131, 153, 179, 209, 245, 287,
    336, 393, 460, 538, 630, 737, 862, 1009,
)  # fmt: skip
# As far from the ends of the range of a dtype: a rule may multiply before it decides.
FROM_THE_ENDS = (0, 1, 2, 4, 8)
# At a point that nobody asked for.
FEW_EXPONENTS = (1, 7, 20)
FEW_FROM_THE_ENDS = (0, 4)
# Numbers computed on the way, at about 4 μs each: a second.
BUDGET = 250_000
MOST_SPECIAL = 24


@dataclass(frozen=True)
class Bend:
    """Where a rule is not linear: L(a·g + b·h) is not a·L(g) + b·L(h).

    Args:
        mode: ``"fwd"`` or ``"rev"``.
        point: the value of each floating-point leaf.
        weights: a and b.
        moved: g and h, one array for each leaf.
        place: the leaf of the derivative, and the index in it.
        value, sum: of L(a·g + b·h) and of a·L(g) + b·L(h) there, as text.
    """

    mode: str
    point: list[np.ndarray]
    weights: tuple[float, float]
    moved: tuple[Leaves, Leaves]
    place: tuple[int, tuple[int, ...]]
    value: str
    sum: str


class Linearity:
    """Whether the derivative programs are linear, and how much was done to see it.

    Args:
        rules: the derivative programs of the first order.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.open = [mode for mode in rules.modes if rules.custom and not _is_plain(rules, mode)]
        self.seen: dict[str, int] = {}

    def bend(self, at: AtPoint, thorough: bool) -> Bend | None:
        """Where a program that is not plainly linear is seen not to be so.

        Args:
            at: a point.
            thorough: whether all sizes and special cotangents are asked for.
        """
        for mode in self.open:
            asked = _Asked(at, mode)
            for weights, g, h in asked.questions(thorough):
                found = asked.bend(weights, g, h)
                if found is not None:
                    return found
            self.seen[mode] = max(asked.count, self.seen.get(mode, 0))
        return None

    @property
    def notes(self) -> list[str]:
        """What is said of programs of which only numbers say that they are linear."""
        return [
            f"{mode} linear in the {MOVED[mode]} at {count} that were asked for"
            if count
            else f"{mode} not seen to be linear in the {MOVED[mode]}"
            for mode, count in self.seen.items()
        ]


def _is_plain(rules: Rules, mode: str) -> bool:
    """Whether the operations of a derivative program show that it is linear."""
    derived, fixed = rules[(mode,)], len(rules.primal.inputs)
    inputs = [Kind.FREE] * fixed + [Kind.LINEAR] * (len(derived.program.inputs) - fixed)
    found = kinds_of(derived.program.jaxpr, inputs)[derived.values :]
    return all(kind in (Kind.ZERO, Kind.LINEAR) for kind in found)


def _up_to(most: int, exponents: Sequence[int], from_the_end: Sequence[int]) -> list[int]:
    """Exponents that a dtype has, and those near the last one."""
    last = [most - k for k in from_the_end if most - k > 0]
    return list(dict.fromkeys([*(e for e in exponents if e <= most), *last]))


class _Asked:
    """One derivative program at one point, as a function of what it should be linear in."""

    def __init__(self, at: AtPoint, mode: str) -> None:
        rules = at.rules
        self.at, self.mode, self.count = at, mode, 0
        self._derived = rules[(mode,)]
        primal = rules.primal
        self.leaves: Sequence[Leaf] = primal.inputs if mode == "fwd" else primal.outputs
        self._like = primal.like_inputs if mode == "fwd" else primal.like_outputs
        self._outputs = primal.outputs if mode == "fwd" else primal.inputs
        self._found: dict[Any, list[ObjectArray] | None] = {}
        limits = [jnp.finfo(leaf.dtype) for leaf in (*self.leaves, *self._outputs)]
        self._tiny = max(float(limit.smallest_normal) for limit in limits)
        # Two factors of two are left for the cotangent itself and for a sum of two.
        self._largest = min(int(limit.maxexp) for limit in limits) - 2
        self._least = max(int(limit.minexp) for limit in limits) + 2
        self._affordable = max(8, BUDGET // max(rules.size, 1))

    # -- what is asked ---------------------------------------------------------------------------
    def questions(self, thorough: bool) -> Iterator[tuple[tuple[float, float], Leaves, Leaves]]:
        """(a, b), g and h, those that show the usual mistakes first."""
        g, h, zero = (
            self._drawn(0),
            self._drawn(1),
            self._like([np.zeros(x.shape) for x in self.leaves]),
        )
        asked = itertools.chain(
            (((a, 0.0), g, zero) for a in self._sizes(FEW_EXPONENTS, FEW_FROM_THE_ENDS)),
            (((0.0, 0.0), g, zero), ((1.0, 1.0), g, h), ((1.0, 1.0), h, zero)),
            self._more(g, h, zero) if thorough else (),
        )
        return itertools.islice(asked, self._affordable)

    def _more(self, g: Leaves, h: Leaves, zero: Leaves) -> Iterator[Any]:
        for a in self._sizes(EXPONENTS, FROM_THE_ENDS):
            yield (a, 0.0), g, zero
        halves = [float(jnp.finfo(leaf.dtype).max) / 2 for leaf in self.leaves]
        largest = self._like([np.sign(x) * half for x, half in zip(g, halves, strict=True)])
        yield (2.0, 0.0), largest, zero
        for s in self._special(g):
            yield (2.0, 0.0), s, zero
            yield (1.0, 1.0), s, self._towards_zero(s, h)

    def _towards_zero(self, s: Leaves, h: Leaves) -> Leaves:
        """h as large as s and away from it, so that what is special at s is not so at s + h."""
        size = max((float(np.max(abs(x), initial=0)) for x in s), default=0.0)
        size = 2.0 ** np.floor(np.log2(size)) if size else 1.0
        return self._like(
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

    def _drawn(self, seed: int) -> Leaves:
        generator = np.random.default_rng(seed)
        return self._like(
            [generator.uniform(0.5, 1, x.shape) * generator.choice([-1, 1], x.shape)
             for x in self.leaves]
        )  # fmt: skip

    def _special(self, g: Leaves) -> list[Leaves]:
        """Where the program compares what moves, divides by it and the like."""
        point = tuple(self.at.values)
        leaves = [replace(x, value=v) for x, v in zip(self.leaves, g, strict=True)]
        try:
            program = trace(lambda *u: self._derived.function(point, u)[1], g)
        except (JaxgradError, TypeError, ValueError):  # traced once before, of other arguments
            return []
        return [tuple(found) for found in thresholds(program, leaves, MOST_SPECIAL)]

    # -- what is answered ------------------------------------------------------------------------
    def bend(self, weights: tuple[float, float], g: Leaves, h: Leaves) -> Bend | None:
        """The entry in which the two sides are apart, the first one."""
        a, b = map(exact_ball, weights)
        both = [
            Ball().map(lambda x, y: x * a + y * b, *map(Ball().constants, pair))
            for pair in zip(g, h, strict=True)
        ]
        if not self._has(both):
            return None
        whole, first = self._at(both), self._at(g)
        second = self._at(h) if weights[1] else first
        if whole is None or first is None or second is None:
            return None
        self.count += 1
        for k, value in enumerate(whole):
            for index in np.ndindex(value.shape):
                total = first[k][index] * a
                if weights[1]:  # 0 times NaN is not 0
                    total += second[k][index] * b
                said = self._said(value[index], total, both, k, index)
                if said is not None and not self._leaves_range(value[index], both, g, h, weights):
                    return Bend(self.mode, self.at.values, weights, (g, h), (k, index), *said)
        return None

    def _has(self, moved: Sequence[ObjectArray]) -> bool:
        """Whether the dtypes have numbers as large."""
        return all(
            bool(abs(x) <= float(jnp.finfo(leaf.dtype).max))
            for leaf, values in zip(self.leaves, moved, strict=True)
            for x in values.flat
        )

    def _said(
        self, value: arb, total: arb, moved: Any, leaf: int, index: tuple[int, ...]
    ) -> tuple[str, str] | None:
        """Both numbers as text, if they are apart; below the least normal one XLA has 0."""
        if not total.is_finite() or abs(total) > float(jnp.finfo(self._outputs[leaf].dtype).max):
            return None
        if not value.is_finite():
            floats = [np.array([float(x) for x in u.flat]).reshape(u.shape) for u in moved]
            computed = self._derived.floats(tuple(self.at.values), self._like(floats))
            number = float(computed[self._derived.values :][leaf][index])
            return None if np.isfinite(number) else (str(number), text_of(total))
        if value.overlaps(total) or max(abs(value).upper(), abs(total).upper()) < self._tiny:
            return None
        digits = digits_beyond(agreement(value, total))
        return text_of(value, digits), text_of(total, digits)

    def _leaves_range(
        self, value: arb, both: Any, g: Leaves, h: Leaves, weights: tuple[float, float]
    ) -> bool:
        """Whether that they are apart may be the doing of an overflow, or of an underflow."""
        moved = [both, g, h] if weights[1] else [both, g]
        runs = [
            [*self.at.balls, *(x if x.dtype == object else Ball().constants(x) for x in leaves)]
            for leaves in moved
        ]
        parts = [exact_ball(a) for a in weights[: len(moved) - 1]]
        return leaves_range(self._derived.program, runs, parts, every=not value.is_finite())

    def _at(self, moved: Any) -> list[ObjectArray] | None:
        """L of this, kept if it is one of few; None where it has no exact value."""
        if moved[0].dtype == object:
            return self._evaluated(moved)
        key = b"".join(leaf.tobytes() for leaf in moved)
        if key not in self._found:
            self._found[key] = self._evaluated(moved)
        return self._found[key]

    def _evaluated(self, moved: Any) -> list[ObjectArray] | None:
        try:
            return self._derived.balls(self.at.balls, tuple(moved))[self._derived.values :]
        except (CannotDecide, UnsupportedPrimitive):
            return None
