"""What is chosen by a condition: x₀ where it does not hold and x₁ where it does.

The value P of a condition [u > 0] is drawn, and x₀ + P·(x₁ − x₀) is what is chosen.  P is no 0 or
1, so what is made of several such numbers is made case by case, where all of them are chosen
by the same condition: a product of two is x₀y₀ + P·(x₁y₁ − x₀y₀), as if P² were P.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np

from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.function import Domain
from jaxgrad.numbers.functions import DIVISOR
from jaxgrad.numbers.residue_arithmetic import ARITHMETIC, ResidueArithmetic, ResidueElement
from jaxgrad.numbers.residue_blocks import Remainders
from jaxgrad.numbers.residue_sizes import VALUE

__all__ = ["MOST_CASES", "POSITIVE", "ZERO", "ResidueChoices", "chosen_from"]

POSITIVE, ZERO = "positive", "zero"
"""The kinds of [u > 0] and of [u = 0], each of which was made of u."""

MOST_CASES = 5
"""So deep are choices within choices taken apart: into 2⁵ forms of one number."""
# So many sums within sums are: each doubles what there is, so that 2⁸ are made of one number.
_DEEPEST = 8
# So many in all: three CPU seconds of a chain of twelve choices, seven of a neuron that spikes in
# twelve steps; four layers of relu take four.  Past them numbers are left whole.
_MOST_SPLITS = 4000
# What is taken apart without asking for the signs of its parts.
_WHATEVER_SIGN = frozenset({"add", "subtract", "negate", "exponential", "logarithm"})


class ResidueChoices(ResidueArithmetic):
    """Remainders of which some are chosen by conditions."""

    _depth = 0
    _splits = 0

    def choose(
        self, condition: ResidueElement, x: ResidueElement, y: ResidueElement, least: int = 0
    ) -> ResidueElement:
        """x where a condition does not hold and y where it does.

        Args:
            condition: a value [u > 0] or [u = 0].
            x, y: the numbers.
            least: the sign, if more is known of it than of both.
        """
        shape, (p, a, b) = self.together(condition, x, y)
        condition = ResidueElement(self, p)
        x, y = ResidueElement(self, a), ResidueElement(self, b)
        x, y = self.split(x, condition)[0], self.split(y, condition)[1]
        sign = max(self._common_sign(x, y), least)
        if self.same(x, y):
            return self._in_both_cases(x, sign)
        gap = self.fields.subtract(y.values.lanes, x.values.lanes)
        lanes = self.fields.add(x.values.lanes, self.fields.multiply(p.lanes, gap))
        sizes = self.size(x), self.size(y)
        size = sizes[0].plus(sizes[1]).times(VALUE).plus(sizes[0])
        return self.made(lanes, shape, "selection", (condition, x, y), size, sign, condition)

    def _common_sign(self, x: ResidueElement, y: ResidueElement) -> int:
        """What holds of the sign of either."""
        signs = self.sign_of(x), self.sign_of(y)
        return min(signs) if min(signs) > 0 else max(signs) if max(signs) < 0 else 0

    def _in_both_cases(self, x: ResidueElement, sign: int) -> ResidueElement:
        """A number that is the same in both cases: signs may be known of it that hold in one."""
        if self.blocks.constants(np.unique(x.values.places)) is not None:
            return x
        return self._of_sign(x, sign, _DEEPEST)

    def _of_sign(self, x: ResidueElement, sign: int, depth: int) -> ResidueElement:
        """The number with this sign, made of parts of which none is known but of an exponential."""
        kind, parts = self.kind(x), list[ResidueElement]()
        if kind in _WHATEVER_SIGN and depth:
            for part in self.operands(x):
                own = 2 if self.kind(part) == "exponential" else 0
                parts.append(self._of_sign(part, own, depth - 1))
        kind = kind if parts else ""
        return self.made(x.values.lanes, x.shape, kind, tuple(parts), self.size(x), sign)

    def split(
        self, x: ResidueElement, condition: ResidueElement, depth: int = 0
    ) -> tuple[ResidueElement, ResidueElement]:
        """x where a condition does not hold, and where it does."""
        alike = self._alike(self.choice_of(x), condition)
        if not alike.any() or depth > _DEEPEST or self._splits > _MOST_SPLITS:
            return x, x
        self._splits += 1
        tick()
        parts = self.operands(x)
        if self.kind(x) == "selection" and parts:
            off, on = (chosen_from(alike, x.values, part.values) for part in parts[1:])
            return ResidueElement(self, off), ResidueElement(self, on)
        if self.kind(x) not in ARITHMETIC or not parts:
            return x, x
        operate = getattr(self, self.kind(x))
        cases = [self.split(part, condition, depth + 1) for part in parts]
        return operate(*(off for off, _ in cases)), operate(*(on for _, on in cases))

    def _alike(self, choice: ResidueElement | None, condition: ResidueElement | None) -> np.ndarray:
        """Of which entries two conditions are the same."""
        if choice is None or condition is None or choice.shape != condition.shape:
            return np.zeros((), bool)
        return (choice.values.lanes == condition.values.lanes).all(0)

    def by_cases(
        self, f: Callable[[ResidueElement], ResidueElement], x: ResidueElement, zero: bool = True
    ) -> ResidueElement | None:
        """f(x) where a condition does not hold, and where it does; None if x has no choice.

        Args:
            f: a function.
            x: its argument.
            zero: whether f has a value at 0; if not it is left whole where a case is 0.
        """
        condition = self.choice_of(x)
        if condition is None or self._depth >= MOST_CASES:
            return None
        off, on = self.split(x, condition)
        vanishes = bool((self.is_zero(off) | self.is_zero(on)).any())
        if off is x or on is x or (vanishes and not zero):
            return None
        with self.deeper():
            return self.choose(condition, f(off), f(on))

    @contextlib.contextmanager
    def deeper(self) -> Iterator[None]:
        """Within it choices are those within a choice."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def add(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        return self._whatever_is_chosen(super().add, x, y) or super().add(x, y)

    def subtract(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        return self._whatever_is_chosen(super().subtract, x, y) or super().subtract(x, y)

    def _whatever_is_chosen(
        self,
        operate: Callable[[ResidueElement, ResidueElement], ResidueElement],
        x: ResidueElement,
        y: ResidueElement,
    ) -> ResidueElement | None:
        """What comes of two numbers if it is the same in both cases, or None."""
        condition = self.choice_of(x)
        if condition is None or not self._alike(condition, self.choice_of(y)).any():
            return None
        (a, b), (c, d) = self.split(x, condition), self.split(y, condition)
        off, on = operate(a, c), operate(b, d)
        same = (off.values.lanes == on.values.lanes).all(0)
        if not same.any():
            return None
        alike = self._in_both_cases(off, self._common_sign(off, on))
        return ResidueElement(self, chosen_from(same, operate(x, y).values, alike.values))

    def multiply(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        for p, z in ((x, y), (y, x)):
            simpler = self._times_what_is_compared(p, z)
            if simpler is not None:
                return simpler
        condition = self.choice_of(x)
        if condition is None or not self._alike(condition, self.choice_of(y)).any():
            return super().multiply(x, y)
        (a, b), (c, d) = self.split(x, condition), self.split(y, condition)
        if a is x:
            return super().multiply(x, y)
        return self.choose(condition, self.multiply(a, c), self.multiply(b, d))

    def _times_what_is_compared(
        self, p: ResidueElement, z: ResidueElement
    ) -> ResidueElement | None:
        """p·z for a z by whose sign p is chosen: where z is 0 it does not matter what p is."""
        condition = self.choice_of(p)
        if condition is None or condition.shape != z.shape:
            return None
        kind = self.kind(condition)
        if kind not in (POSITIVE, ZERO):
            return None
        (compared,) = self.operands(condition)
        opposite = self.fields.negate(compared.values.lanes)
        like = (compared.values.lanes == z.values.lanes) | (opposite == z.values.lanes)
        off, on = self.split(p, condition)
        if not bool(like.all()) or off is p:
            return None
        if kind == ZERO:
            # A number that grows without bound where z is 0 is not 0 there, times z.
            return self.multiply(off, z) if self._is_plain(off) else None
        return self.choose(condition, self.multiply(off, z), self.multiply(on, z))

    def _is_plain(self, x: ResidueElement) -> bool:
        """Whether every entry is 0, 1 or −1."""
        lanes = x.values.lanes
        opposite = self.fields.negate(lanes)
        return bool(((lanes == 0) | (lanes == 1) | (opposite == 1)).all())

    def reciprocal(self, y: ResidueElement) -> ResidueElement:
        if abs(self.sign_of(y)) < 2:
            self.require(DIVISOR, y)
        return self.by_cases(self.reciprocal, y, zero=False) or super().reciprocal(y)

    def require(self, domain: Domain, *xs: ResidueElement) -> None:
        """Takes for granted what the program itself asks for, and not what one of the cases does.

        Where the other case holds, whatever stands for the value of this one is not chosen.
        """
        if not self._depth:
            self.take_for_granted(domain, *xs)

    def power(self, x: ResidueElement, n: int) -> ResidueElement:
        found = self.by_cases(lambda z: self.power(z, n), x) if n > 0 else None
        return found or super().power(x, n)


def chosen_from(truths: np.ndarray, low: Remainders, high: Remainders) -> Remainders:
    """The one number where a truth does not hold, and the other where it does."""
    if bool(truths.all()):
        return high
    return Remainders(
        np.where(truths, high.lanes, low.lanes), np.where(truths, high.places, low.places)
    )
