"""Comparisons of remainders: [u > 0] and [u = 0] are values of their own, which serve −u, too."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.numbers.prime_fields import NoResidue, PrimeFields, keys
from jaxgrad.numbers.residue_arithmetic import ResidueElement
from jaxgrad.numbers.residue_blocks import Remainders
from jaxgrad.numbers.residue_choices import MOST_CASES, POSITIVE, ZERO, ResidueChoices, chosen_from
from jaxgrad.numbers.residue_sizes import CONSTANT, VALUE

__all__ = ["CHOICES", "ResidueTruth"]

CHOICES = frozenset({POSITIVE, ZERO, "maximum"})
"""The names of values that stand for a comparison."""

# What each comparison of u with 0 is where u is negative, zero and positive.
_HOLDS = {
    "gt": (0, 0, 1),
    "ge": (0, 1, 1),
    "lt": (1, 0, 0),
    "le": (1, 1, 0),
    "eq": (0, 1, 0),
    "ne": (1, 0, 1),
}


class ResidueTruth(ResidueChoices):
    """Remainders that are compared and chosen between.

    Args:
        fields: the primes.
        off_ties: whether no u is 0 of which it is asked whether it is.
    """

    def __init__(self, fields: PrimeFields, off_ties: bool = False) -> None:
        super().__init__(fields)
        self._off_ties = off_ties
        self._met: set[bytes] = set()

    def truth(self, value: bool) -> ResidueElement:
        return self.constant(int(value))

    def compare(self, relation: str, x: Any, y: Any) -> ResidueElement:
        if isinstance(x, NonFinite) or isinstance(y, NonFinite):
            return apply_nonfinite(self, relation, (x, y))
        return self._sign_is(relation, self.subtract(x, y))

    def _sign_is(self, relation: str, x: ResidueElement) -> ResidueElement:
        """Whether x is positive, zero, …"""
        found = self.by_cases(lambda z: self._sign_is(relation, z), x)
        if found is not None:
            return found
        flat = x.values.flat()
        upright, positive, zero = self._conditions(flat, x.shape)
        sign, vanishes = self._certain(flat), (flat.lanes == 0).all(0)
        negative, tie, more = _HOLDS[relation]
        held = [vanishes, sign == 2, sign == -2], [tie, more, negative]
        first, second = (
            np.select(held[0], held[1], np.where(upright, *cases))
            for cases in ((negative, more), (more, negative))
        )
        between = np.select(held[0], held[1], tie)
        below, at, above = (
            self.made(np.broadcast_to(z, flat.lanes.shape), x.shape, "", (), CONSTANT, 1)
            for z in (first, between, second)
        )
        return self.choose(positive, self.choose(zero, below, at), above)

    def _conditions(
        self, x: Remainders, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, ResidueElement, ResidueElement]:
        """Of a flat x where u is x and not −x, [u > 0] and [u = 0]."""
        upright, base = self.upright(x.lanes)
        compared = self.made(base, shape, "", (), self.blocks.size(x.places))
        positive, zero = (
            self.made(values, shape, name, (compared,), VALUE, 1)
            for name, values in (
                (POSITIVE, self.value_of(POSITIVE, base)),
                (ZERO, np.zeros_like(base) if self._off_ties else self.value_of(ZERO, base)),
            )
        )
        return upright, positive, zero

    def _certain(self, x: Remainders) -> np.ndarray:
        """The sign of each entry of a flat array, as of its block."""
        signs = np.zeros(x.places.size, np.int64)
        for block, entries in self.blocks.several(x.places):
            signs[entries] = block.sign
        return signs

    def upright(self, lanes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of x and −x the one that was met first, and where that is x."""
        opposite = self.fields.negate(lanes)
        upright = np.ones(lanes.shape[1], bool)
        for k, (key, other) in enumerate(zip(keys(lanes), keys(opposite), strict=True)):
            upright[k] = key in self._met or other not in self._met
            if upright[k]:
                self._met.add(key)
        return upright, np.where(upright, lanes, opposite)

    # -- logic -------------------------------------------------------------------------------
    def logical_not(self, p: ResidueElement) -> ResidueElement:
        return self.subtract(self.constant(1), p)

    def logical_and(self, p: ResidueElement, q: ResidueElement) -> ResidueElement:
        return p if self.same(p, q) else self.multiply(p, q)

    def known(self, p: ResidueElement) -> bool | None:
        found = self.known_entries(p)
        return None if found is None or not found.size else bool(found.all())

    def known_entries(self, p: ResidueElement) -> np.ndarray | None:
        """Truth values as booleans, if every one of them is known."""
        false, true = (p.values.lanes == 0).all(0), (p.values.lanes == 1).all(0)
        return true if bool((false | true).all()) else None

    # -- choices -----------------------------------------------------------------------------
    def select(self, p: ResidueElement, if_false: Any, if_true: Any) -> Any:
        _, (truth, low, high) = self.together(p, if_false, if_true)
        false, true = (truth.lanes == 0).all(0), (truth.lanes == 1).all(0)
        known = false | true
        certain = chosen_from(true, low, high)
        if bool(known.all()):
            return ResidueElement(self, certain)
        if bool(((low.places < 0) | (high.places < 0))[~known].any()):
            raise NoResidue("a branch that holds an infinity is selected by an open condition")
        low, high = (_without_infinities(x) for x in (low, high))
        made = self._by_condition(*(ResidueElement(self, x) for x in (truth, low, high)))
        if not bool(known.any()):
            return made
        return ResidueElement(self, chosen_from(known, made.values, certain))

    def _by_condition(
        self, p: ResidueElement, x: ResidueElement, y: ResidueElement
    ) -> ResidueElement:
        """x + p·(y − x), case by case."""
        condition = self.choice_of(p)
        if condition is None or self._depth >= MOST_CASES:
            return self._between(p, x, y)
        cases = (self.split(z, condition) for z in (p, x, y))
        off, on = zip(*cases, strict=True)
        with self.deeper():
            return self.choose(condition, self._by_condition(*off), self._by_condition(*on))

    def _between(self, p: ResidueElement, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        """x + p·(y − x), and y or x itself where it is known which."""
        lanes = p.values.lanes
        false, true = (lanes == 0).all(0), (lanes == 1).all(0)
        certain = ResidueElement(self, chosen_from(true, x.values, y.values))
        if bool((false | true).all()):
            return certain
        made = self.add(x, self.multiply(p, self.subtract(y, x)))
        return ResidueElement(self, chosen_from(false | true, made.values, certain.values))

    def number(self, p: ResidueElement) -> ResidueElement:
        return p

    def maximum(self, x: Any, y: Any) -> Any:
        if isinstance(x, NonFinite) or isinstance(y, NonFinite):
            return apply_nonfinite(self, "max", (x, y))
        _, (a, b) = self.together(x, y)
        return self._larger(ResidueElement(self, a), ResidueElement(self, b))

    def absolute(self, x: ResidueElement) -> ResidueElement:
        return self._larger(x, self.negate(x), x, 1)

    def _larger(
        self,
        x: ResidueElement,
        y: ResidueElement,
        difference: ResidueElement | None = None,
        least: int = 0,
    ) -> ResidueElement:
        """The larger one of two, by the sign of their difference or of what is like it."""
        difference = difference or self.subtract(x, y)
        least = max(self.sign_of(x), self.sign_of(y), least)
        choice = self.choice_of(difference)
        if choice is not None and self._depth < MOST_CASES:
            (a, b), (c, d) = self.split(x, choice), self.split(y, choice)
            off, on = self.split(difference, choice)
            if off is not difference:
                with self.deeper():
                    both = self._larger(a, c, off, least), self._larger(b, d, on, least)
                    return self.choose(choice, *both, least)
        flat = difference.values.flat()
        upright, condition, _ = self._conditions(flat, x.shape)
        signs = self._certain(flat)
        # Where u = −x is positive, x is not.
        first = (upright & (signs == 0) | (signs > 0)).reshape(x.shape)
        second = (~upright & (signs == 0) | (signs > 0)).reshape(x.shape)
        off, on = (
            ResidueElement(self, chosen_from(which, y.values, x.values))
            for which in (second, first)
        )
        return self.choose(condition, off, on, least)

    def is_finite(self, x: ResidueElement) -> ResidueElement:
        return self.of_constants(np.asarray(x.values.places >= 0, np.float64))


def _without_infinities(x: Remainders) -> Remainders:
    """The same with another entry in place of each infinity; None of these is chosen."""
    finite = x.places >= 0
    if bool(finite.all()):
        return x
    if not bool(finite.any()):
        raise NoResidue("a branch that holds an infinity is selected by an open condition")
    return Remainders(x.lanes, np.where(finite, x.places, x.places[finite].reshape(-1)[0]))
