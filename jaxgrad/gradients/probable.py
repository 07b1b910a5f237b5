"""Are two programs the same function of every real input, up to a chance of error?  By residues.

Where polynomials grow past their budget both programs are run at one random point modulo random
primes.  How likely two different functions are to have the same residues is bounded by the sizes of
the formulas, and so many primes are taken that it is at most 2⁻¹⁰⁷.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxgrad.interpret.sides import Side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.clock import within
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.prime_fields import NoResidue, PrimeFields
from jaxgrad.numbers.residue_functions import ResidueNumbers
from jaxgrad.numbers.residue_truth import CHOICES
from jaxgrad.numbers.residues import ResidueArrays, Residues
from jaxgrad.programs.trace import Leaf

__all__ = ["LARGEST_ERROR", "Residual", "same_residues"]

LARGEST_ERROR = 2.0**-107
"""How likely it may be that two functions are taken for the same and are not.

A check of derivative rules asks up to 128 times, and is to be wrong with a chance of 2⁻¹⁰⁰ at most.
"""

# Each has 50 bits: of a thousand numbers six are enough up to degree 2²⁶, and sixteen, which take
# less than three times as long, up to 2⁴⁰.
_FIRST_PRIMES, _MOST_PRIMES = 6, 16
# More bits than p and q, of 6 each, add: see below.
_EXPONENTS = 16.0
# Exponentials are found to be needed in smaller steps, or roots to be met before they are taken.
_MOST_RUNS = 6
# CPU time: three times what choices take that are taken apart as often as they are.
_SECONDS = 20.0


@dataclass(frozen=True)
class Residual:
    """What residues say of two programs.

    Args:
        equal: for each output leaf a boolean array: of the same residues.
        log_error: log₂ of how likely any two of all numbers that were made are to have the same
            residues without being the same function.
        conditions: where a number has no value, in words.
        ties: whether something was compared or rounded, so that there may be a tie.
    """

    equal: list[np.ndarray]
    log_error: float
    conditions: frozenset[str]
    ties: bool


def same_residues(hand: Side, auto: Side, *, off_ties: bool = False) -> Residual:
    """Runs both sides modulo random primes, as many as it takes.

    Args:
        hand, auto: the sides, both with a program.
        off_ties: whether it is asked of the points alone at which no comparison ties.

    Raises:
        NoResidue: no number of primes up to 16 is enough, residues do not tell, or it takes long.
        UnsupportedPrimitive: an operation of which residues know nothing.
    """
    with within(_SECONDS) as part:
        return _same_residues(hand, auto, off_ties)
    raise NoResidue(f"residues take more than {part.spent}")


def _same_residues(hand: Side, auto: Side, off_ties: bool) -> Residual:
    count = _FIRST_PRIMES
    while True:
        found, needed = _with_primes(hand, auto, count, off_ties)
        if needed <= count:
            return found
        if needed > _MOST_PRIMES:
            raise NoResidue(
                f"residues modulo {_MOST_PRIMES} primes may be the same by chance of formulas as "
                "large as these"
            )
        count = needed


def _with_primes(
    hand: Side, auto: Side, count: int, off_ties: bool = False
) -> tuple[Residual, int]:
    """What so many primes say, and how many are needed."""
    numbers = ResidueNumbers(PrimeFields(count), off_ties)
    drawn = [
        numbers.fields.drawn(math.prod(leaf.shape)) if leaf.differentiable else None
        for leaf in hand.inputs
    ]
    for _ in range(_MOST_RUNS):
        try:
            left, right = (_run(side, numbers, drawn) for side in (hand, auto))
        except RecursionError as error:
            raise NoResidue("numbers are made of others too deeply") from error
        if not numbers.again():
            return _held_together(numbers, left, right)
    raise NoResidue(f"residues are not the same numbers in {_MOST_RUNS} runs")


def _run(side: Side, numbers: ResidueNumbers, drawn: Sequence[np.ndarray | None]) -> list[Residues]:
    numbers.begin()
    system = ResidueArrays(numbers)
    inputs = [_input(system, leaf, lanes) for leaf, lanes in zip(side.inputs, drawn, strict=True)]
    assert side.program is not None
    return interpret(side.program, system, inputs)


def _input(system: ResidueArrays, leaf: Leaf, lanes: np.ndarray | None) -> object:
    if lanes is None:
        return system.lift(np.asarray(leaf.value)) if leaf.real else leaf.value
    return system.inputs(lanes, leaf.shape)


def _held_together(
    numbers: ResidueNumbers, left: Sequence[Residues], right: Sequence[Residues]
) -> tuple[Residual, int]:
    equal = []
    for x, y in zip(left, right, strict=True):
        pairs = zip(x.parts[:-1], y.parts[:-1], strict=True)
        same = np.ones(x.shape, bool)
        for a, b in pairs:
            same &= a == b
        infinite = (x.parts[-1] < 0) | (y.parts[-1] < 0)
        equal.append(same & (~infinite | (x.parts[-1] == y.parts[-1])))
    size = numbers.blocks.largest
    # An exponent is looked for as a multiple by p/q, of 6 bits each.
    chance = numbers.inverted.chance(size.plus(size)._replace(bits=size.bits + _EXPONENTS))
    pairs = 2 * math.log2(2 * (numbers.blocks.entries + numbers.made_before) + 2)
    each = -math.log2(chance)
    primes = len(numbers.fields.primes)
    needed = math.ceil((pairs - math.log2(LARGEST_ERROR)) / each) if each > 0 else _MOST_PRIMES + 1
    ties = any(map(_may_tie, numbers.drawn))
    conditions = frozenset(numbers.conditions)
    return Residual(equal, pairs - primes * each, conditions, ties), needed


def _may_tie(name: str) -> bool:
    """Whether values of this name stand for a choice or a jump."""
    known = FUNCTIONS.get(name)
    return name in CHOICES or (known is not None and known.jumps is not None)
