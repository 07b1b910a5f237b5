"""Are two programs the same function of every real input?  Equal polynomials or residues say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from flint import fmpq_mpoly

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients import enclosure
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.exclusion import Place, excluded, failing
from jaxgrad.gradients.probable import same_residues
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.canonical_signs import at
from jaxgrad.numbers.defined import Defined
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import INDICATORS, Ring, RingFull
from jaxgrad.numbers.zero import vanishes
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict

__all__ = ["Budget", "Identity", "equal_off_ties", "identity"]


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


def _probably(hand: Side, auto: Side, stopped: Identity) -> Identity:
    """What residues say, where they show every entry equal, and at the given point.

    Args:
        hand, auto: the sides.
        stopped: what polynomials say.
    """
    if hand.program is None or auto.program is None:
        return stopped
    try:
        found = same_residues(hand, auto)
        if not all(bool(leaf.all()) for leaf in found.equal):
            return replace(stopped, ties=found.ties)
        for side in (hand, auto):
            enclosure.truth_at(side, [leaf.value for leaf in side.inputs], system=Defined())
    except (CannotDecide, UnsupportedPrimitive):
        return stopped
    places = {fails: () for fails in sorted(found.conditions)}
    chooses = any(map(_chooses, (hand, auto)))
    return Identity(
        found.equal, places, ties=found.ties, chooses=chooses, log_error=found.log_error
    )


def _ties(kind: str) -> bool:
    """Whether generators stand for a choice or a jump: elsewhere everything is analytic."""
    if kind in INDICATORS or kind == "maximum":
        return True
    return kind in FUNCTIONS and FUNCTIONS[kind].jumps is not None


@dataclass(frozen=True)
class Identity:
    """What the polynomials of two sides, or their residues, say.

    Args:
        equal: for each output leaf a boolean array: shown to be equal; None if evaluation stopped.
        excluded: where the proof says nothing; see :func:`~jaxgrad.gradients.exclusion.excluded`.
        covers_given: whether the given point is certainly none of what is left out.
        off_ties: for each leaf whether the entries are equal wherever no comparison ties.
        ties: whether something was compared or rounded, so that there may be a tie.
        reason: why it stopped, if it did, or why it says nothing of the given point.
        chooses: whether a side has branches, in which something may be left out that is not taken.
        log_error: log₂ of how likely it is to be wrong, of what residues say; None of polynomials.
    """

    equal: list[np.ndarray] | None
    excluded: Mapping[str, Sequence[Place]] = field(default_factory=dict)
    covers_given: bool = True
    off_ties: list[np.ndarray] | None = None
    ties: bool = False
    reason: str | None = None
    chooses: bool = True
    log_error: float | None = None

    @property
    def verdict(self) -> Verdict:
        """What it is worth where it says that entries are equal."""
        return Verdict.PROVED if self.log_error is None else Verdict.PROBABLE

    @property
    def proved(self) -> bool:
        """Whether every entry of every leaf is proved equal, at the given point too."""
        return self.equal is not None and all(map(self.proves, range(len(self.equal))))

    def proves(self, leaf: int) -> bool:
        """Whether every entry of one output leaf is proved equal, at the given point too."""
        return self.covers_given and self.equal is not None and bool(self.equal[leaf].all())


def identity(hand: Side, auto: Side, budget: Budget | None = None) -> Identity:
    """Evaluates both sides as polynomials of symbolic inputs and holds them against each other.

    Plain polynomials first; if they grow past the budget, once more with every sum that is
    multiplied named, so that a deep or wide network stays small: equal names are equal values.
    Where these stop, too, residues modulo random primes, which are wrong with a chance of at most
    2⁻¹⁰⁰.

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
    return _probably(hand, auto, result)


def equal_off_ties(hand: Side, auto: Side) -> float | None:
    """Whether residues show two sides to be the same function wherever no comparison ties.

    Args:
        hand, auto: the sides, of which polynomials stop and residues are not the same.

    Returns:
        log₂ of how likely that is to be wrong; None where it is not shown.
    """
    try:
        found = same_residues(hand, auto, off_ties=True)
    except (CannotDecide, UnsupportedPrimitive):
        return None
    return found.log_error if all(bool(leaf.all()) for leaf in found.equal) else None


def _attempt(hand: Side, auto: Side, budget: Budget, name_sums: bool) -> Identity:
    size = sum(int(np.prod(leaf.shape)) for leaf in hand.inputs if leaf.differentiable)
    capacity = size + 64  # room for a small program; doubled until everything fits
    spent = 0
    while capacity <= budget.generators:
        ring = Ring(capacity, budget.terms, budget.work, name_sums)
        ring.work = spent
        try:
            return _evaluate(hand, auto, ring)
        except RingFull:
            capacity, spent = 2 * capacity, ring.work
        except (CannotDecide, UnsupportedPrimitive) as error:
            return Identity(None, reason=str(error))
    return Identity(None, reason=f"more than {budget.generators} distinct values need a name")


def variables(system: Polynomial, inputs: Sequence[Leaf]) -> list[np.ndarray]:
    """Symbolic inputs: one generator an entry; what is held fixed is a constant."""
    values = []
    for k, leaf in enumerate(inputs):
        if not leaf.differentiable:
            values.append(system.constants(leaf.value) if leaf.real else leaf.value)
            continue
        size = int(np.prod(leaf.shape))
        values.append(objects((system.variable((k, i)) for i in range(size)), leaf.shape))
    return values


def _evaluate(hand: Side, auto: Side, ring: Ring) -> Identity:
    system = Polynomial(ring)
    left, right = (side.over(system, variables(system, side.inputs)) for side in (hand, auto))
    equal, off_ties = [], []
    for x, y in zip(left, right, strict=True):
        pairs = [_same(ring, a, b) for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True)]
        equal.append(np.array([p[0] for p in pairs], bool).reshape(x.shape))
        off_ties.append(np.array([p[1] for p in pairs], bool).reshape(x.shape))
    fails = failing(ring, _given(hand.inputs), FIRST_PRECISION)
    reason = None
    if fails is not None:
        where = fails.domain.fails
        reason = f"polynomials say nothing of the given point: it may be one where {where}"
    ties = any(_ties(g.kind) for g in ring.generators)
    outside, chooses = excluded(ring, hand.inputs), any(map(_chooses, (hand, auto)))
    return Identity(equal, outside, fails is None, off_ties, ties, reason, chooses)


# What computes numbers of which it returns some, or decides by numbers what is computed.
_CHOICES = frozenset({
    "eq", "ge", "gt", "le", "lt", "ne", "select_n", "cond", "while", "clamp", "max", "min",
    "argmax", "argmin", "reduce_max", "reduce_min", "cummax", "cummin", "reduce_window_max",
    "reduce_window_min", "select_and_gather_add", "select_and_scatter", "select_and_scatter_add",
    "scatter-max", "scatter-min", "sort", "top_k", "approx_top_k",
})  # fmt: skip


def _chooses(side: Side) -> bool:
    """Whether it may have branches; of NumPy code, whose choices no program shows, as if it had."""
    return side.program is None or holds_primitive(side.program.jaxpr, _CHOICES)


def _given(inputs: Sequence[Leaf]) -> dict[tuple[int, int], float]:
    """The given point by the labels of :func:`variables`."""
    return {
        (k, i): float(value)
        for k, leaf in enumerate(inputs)
        if leaf.differentiable
        for i, value in enumerate(np.asarray(leaf.value, np.float64).reshape(-1))
    }


def _same(ring: Ring, x: object, y: object) -> tuple[bool, bool]:
    """Whether two elements are equal, and whether they are where no comparison ties."""
    a, b = getattr(x, "poly", None), getattr(y, "poly", None)
    if a is None or b is None:
        return False, False
    if a == b:
        return True, True
    difference = a - b
    if vanishes(ring, difference):
        return True, True
    return False, bool(vanishes(ring, _without_ties(ring, difference)))


def _without_ties(ring: Ring, poly: fmpq_mpoly) -> fmpq_mpoly:
    """The polynomial where no [u=0] holds."""
    for generator in ring.used(poly):
        if generator.kind == "zero":
            poly = at(ring, poly, generator, 0)
    return poly
