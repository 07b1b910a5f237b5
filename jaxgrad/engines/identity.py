"""Are two programs the same function of every real input?  Equal polynomials say yes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.field import Field, FieldFull, Poly
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.zero_test import is_zero
from jaxgrad.program import Leaf
from jaxgrad.sides import Side

__all__ = ["Budget", "Identity", "identity"]


@dataclass(frozen=True)
class Budget:
    """How far polynomials may grow before the evaluation is given up as UNDECIDED.

    Args:
        terms: of one polynomial.  FLINT multiplies about a million terms a second here, so this
            bounds one product to tenths of a second.
        work: exponents in all the terms made, a few seconds' worth: a term carries one exponent
            for each generator, and about a hundred million are handled in a second.
        generators: variables in all; every term of every polynomial is as long.
    """

    terms: int = 200_000
    work: int = 500_000_000
    generators: int = 1024


@dataclass(frozen=True)
class Identity:
    """What the polynomials of two sides say.

    Args:
        equal: for each output leaf a boolean array: proved equal; None if evaluation stopped.
        divisors: what must not vanish for the proof to apply, in the names of the inputs.
        off_ties: for each leaf whether the entries are equal wherever no comparison ties.
        reason: why it stopped, if it did.
    """

    equal: list[np.ndarray] | None
    divisors: tuple[str, ...] = ()
    off_ties: list[np.ndarray] | None = None
    reason: str | None = None

    @property
    def proved(self) -> bool:
        """Whether every entry of every leaf is proved equal."""
        return self.equal is not None and all(bool(leaf.all()) for leaf in self.equal)


def identity(hand: Side, auto: Side, budget: Budget | None = None) -> Identity:
    """Evaluates both sides as polynomials of symbolic inputs and holds them against each other.

    Plain polynomials first; if they grow past the budget, once more with every sum that is
    multiplied named, so that a deep or wide network stays small: equal names are equal values.

    Args:
        hand, auto: the sides.
        budget: see :class:`Budget`.
    """
    budget = budget or Budget()
    result = Identity(None)
    for name_sums in (False, True):
        result = _attempt(hand, auto, budget, name_sums)
        if result.equal is not None:
            return result
    return result


def _attempt(hand: Side, auto: Side, budget: Budget, name_sums: bool) -> Identity:
    size = sum(int(np.prod(leaf.shape)) for leaf in hand.inputs if leaf.differentiable)
    capacity = size + 64  # room for a small program; doubled until everything fits
    while capacity <= budget.generators:
        field = Field(capacity, budget.terms, budget.work, name_sums)
        try:
            return _evaluate(hand, auto, field)
        except FieldFull:
            capacity *= 2
        except (CannotDecide, UnsupportedPrimitive) as error:
            return Identity(None, reason=str(error))
    return Identity(None, reason=f"more than {budget.generators} distinct values need a name")


def variables(system: Polynomial, inputs: Sequence[Leaf]) -> list[np.ndarray]:
    """Symbolic inputs: one generator an entry; leaves that are not floating point stay fixed."""
    values = []
    for k, leaf in enumerate(inputs):
        if not leaf.differentiable:
            values.append(leaf.value)
            continue
        size = int(np.prod(leaf.shape))
        values.append(objects((system.variable((k, i)) for i in range(size)), leaf.shape))
    return values


def _evaluate(hand: Side, auto: Side, field: Field) -> Identity:
    system = Polynomial(field)
    left, right = (side.over(system, variables(system, side.inputs)) for side in (hand, auto))
    equal, off_ties = [], []
    for x, y in zip(left, right, strict=True):
        pairs = [_same(field, a, b) for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True)]
        equal.append(np.array([p[0] for p in pairs], bool).reshape(x.shape))
        off_ties.append(np.array([p[1] for p in pairs], bool).reshape(x.shape))
    divisors = tuple(describe(field, divisor, hand.inputs) for divisor in field.divisors)
    return Identity(equal, divisors, off_ties)


# Enough to recognise a divisor by; the whole of a long one helps nobody.
_LONGEST_DESCRIPTION = 60


def describe(field: Field, poly: Poly, inputs: Sequence[Leaf]) -> str:
    """A polynomial in the names of the inputs, cut short if it is long."""

    def name(match: re.Match[str]) -> str:
        generator = field.generators[int(match[1])]
        if generator.kind == "input":
            leaf, entry = generator.label
            index = np.unravel_index(entry, inputs[leaf].shape)
            return inputs[leaf].path + (str([int(i) for i in index]) if index else "")
        inner = ", ".join(describe(field, argument, inputs) for argument in generator.arguments)
        return f"({inner})" if generator.kind == "named" else f"{generator.kind}({inner})"

    text = re.sub(r"g(\d+)", name, str(poly))
    short = len(text) <= _LONGEST_DESCRIPTION
    return text if short else text[: _LONGEST_DESCRIPTION - 1] + "…"


def _same(field: Field, x: object, y: object) -> tuple[bool, bool]:
    """Whether two elements are equal, and whether they are where no comparison ties."""
    a, b = getattr(x, "poly", None), getattr(y, "poly", None)
    if a is None or b is None:
        return False, False
    if a == b:
        return True, True
    difference = a - b
    if is_zero(field, difference):
        return True, True
    return False, bool(is_zero(field, _without_ties(field, difference)))


def _without_ties(field: Field, poly: Poly) -> Poly:
    """The polynomial where no [u=0] holds."""
    for generator in field.used(poly):
        if generator.kind == "zero":
            poly = field.split(poly, generator)[0]
    return poly
