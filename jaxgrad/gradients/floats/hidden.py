"""What the rounding of a compiled rule could hide: no float tells a number from one so near to it.

The allowance is the one of :mod:`jaxgrad.gradients.floats.allowance`, of the derivative program
that gives the number.  Where floats may be so far from the value of their formula, another formula
that is no further from it is as good.

There m is a bound for the worst case, in which all roundings push the same way.  Of many that
follow one another they do not: if none of them is biased by those before it, m add up to no more
than λ√m of one, but for a chance of 2·exp(−λ²/2) (Higham and Mary, A new approach to probabilistic
rounding error analysis, 2019, theorem 2.4).  To forgive a difference it takes that it could be
rounding, and so m is no more than λ√m here, where λ makes the chance that of the last bit of a
float64.

Where terms cancel, intermediate results are larger than the number that they make, and so are their
roundings.  That is a fault of an algorithm, but no float tells a formula from another one within
it: a difference is forgiven, too, that is within √m or λ times the spread of the program's results
where each operation rounds its result to one side or the other, at random (Parker 1997, Monte Carlo
arithmetic), and within what they add up to in the worst case (Higham 2002, section 3.3).
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION, balls
from jaxgrad.gradients.floats.allowance import SIGN_VECTORS, TrueValues, distance
from jaxgrad.gradients.floats.arithmetic import Arithmetic
from jaxgrad.gradients.witness import enclosures
from jaxgrad.interpret.turns import counting_turns, how_run_on, is_run_on
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.perturbed import Perturbed, Twins
from jaxgrad.numbers.pivot_choice import first_pivots
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.random_rounding import RoundedAtRandom
from jaxgrad.numbers.rounded_once import RoundedOnce
from jaxgrad.numbers.running_error import Rounded
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.trace import Program

__all__ = [
    "SOME_BITS",
    "RoundedProgram",
    "Weights",
    "arithmetic_of",
    "bits_beyond_rounding",
    "hidden_by",
    "rounded",
]

Weights = Sequence[tuple[int, tuple[int, ...], float]]

LAMBDA = math.sqrt(2 * math.log(2 * 2.0**53))
# Half the bits of a bfloat16: of what agrees to less no float says that it is the same number.
SOME_BITS = 4
# Where a difference is so many times what the first vectors of signs show that rounding may do, two
# of them drawn, the others are not tried.
FEW, FAR = 4, 1000
# Runs with random rounding, of which the spread is taken.  The root mean square of 16 is below half
# the true one in 1 of 900 (χ² of 16 below 4), for which √m makes up from four roundings on; of a
# few that push against each other so many runs leave nothing in one of 2¹⁵, where two do and are
# equal.  One alone spreads by half a unit in every run.
RUNS = 16
# Runs are kept of the directions that are asked for last.
MOST_KEPT = 16


class KeptRuns:
    """Runs with random rounding, which are the same whatever precision asks for them."""

    def __init__(self) -> None:
        self._runs: dict[Any, list[list[ObjectArray]]] = {}

    def of(self, program: Program, point: Sequence[Any], bits: int) -> list[list[ObjectArray]]:
        """Those of a program, which is kept elsewhere, as many as there are; the last few."""
        where = b"".join(np.asarray(x).tobytes() for x in point)
        key = id(program), where, bits, how_run_on()
        if key not in self._runs and len(self._runs) == MOST_KEPT:
            del self._runs[next(iter(self._runs))]
        return self._runs.setdefault(key, [])


class RoundedProgram(TrueValues):
    """How far the results of a program may be from their formulas at a point.

    What rounding the inputs changes is asked within the branches that the program takes: at a tie a
    float may take another one, but a formula that is wrong there is wrong.

    Args:
        program: a traced program.
        values: the point, a value for each of its inputs.
        known: its results at this point before it was rounded to the dtypes, if somebody has them:
            they are as large.
        arithmetic: what rounding is in it, if that is known.
        kept: where its runs with random rounding are kept, if others ask for the same.
    """

    def __init__(
        self,
        program: Program,
        values: Sequence[Any],
        known: Sequence[ObjectArray] | None = None,
        arithmetic: Arithmetic | None = None,
        kept: KeptRuns | None = None,
    ) -> None:
        point = [
            np.asarray(x, leaf.dtype) if leaf.differentiable else x
            for x, leaf in zip(values, program.inputs, strict=True)
        ]
        formula = functools.partial(interpret, program, Ball())
        arithmetic = arithmetic or arithmetic_of(program) or _counted(program, point)
        super().__init__(formula, program.inputs, point, program.outputs, arithmetic)
        self._program, self._moved, self._known = program, Perturbed(Ball()), known
        self._bits = _bits()
        self._at_random = (kept or KeptRuns()).of(program, self._point, self._bits)

    def hides(self, weights: Weights, difference: arb) -> bool | None:
        """Whether a difference is within what rounding may make of a weighed sum of results.

        Args:
            weights: (output, index, weight) of every term.
            difference: its size.

        Returns:
            None where nothing bounds what rounding may do, or neither is known well enough.
        """
        found = self._is_allowed(weights, difference)
        return self._is_rounded_away(weights, difference) if found is False else found

    def _is_rounded_away(self, weights: Weights, difference: arb) -> bool | None:
        """Whether a difference is within what rounding every result does, but for that chance.

        None where rounding leaves no number, as where something overflows.
        """
        # One that is larger than all others together spreads as far as it ever goes.
        if not difference <= self._at_worst(weights):
            return False
        truth = self.values(self._bits)
        # m roundings spread as √m do, and add up to m, or λ√m.
        most = max(self._arithmetic.chains[k] for k, _, _ in weights)
        times, squares = min(math.sqrt(max(most, 1)), LAMBDA), arb(0)
        for run in self._runs():
            if not all(run[k][index].is_finite() for k, index, _ in weights):
                return None
            moved = sum((w * (run[k][i] - truth[k][i]) for k, i, w in weights), arb(0))
            squares += moved * moved
            if difference <= times * (squares / RUNS).sqrt():
                return True  # the runs that follow add to the mean of all, and take nothing away
        return False

    def _at_worst(self, weights: Weights) -> arb:
        """What every operation that rounds once makes of a weighed sum; infinite if not known."""
        total = arb(0)
        for k, index, weight in weights:
            found = None if self._running is None else self._running[k][index]
            if not isinstance(found, Rounded) or not found.value.is_finite():
                return arb.pos_inf()
            total += abs(weight) * arb(found.value.rad())
        return total

    @functools.cached_property
    def _running(self) -> list[Any] | None:
        try:
            with precision(self._bits):
                return enclosures(self._program, self._point, RoundedOnce(), constants=True)
        except (CannotDecide, UnsupportedPrimitive):
            return None

    def _runs(self) -> Iterator[list[ObjectArray]]:
        """The results where every operation is rounded at random; none where they are not had."""
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
            for seed in range(RUNS):
                if seed == len(self._at_random):
                    self._at_random.append(self._run(seed))
                yield self._at_random[seed]

    def _run(self, seed: int) -> list[ObjectArray]:
        with precision(self._bits), first_pivots():
            run = enclosures(self._program, self._point, RoundedAtRandom(seed), constants=True)
        return [Ball().map(_plain, leaf) for leaf in run]

    def _is_allowed(self, weights: Weights, difference: arb) -> bool | None:
        """Whether a difference is within the allowance."""
        allowed = arb(0)
        try:
            for tried, allowed in enumerate(self._sums(weights)):
                if difference <= allowed:
                    return True
                if tried >= FEW and difference > FAR * allowed:
                    return False
        except (CannotDecide, UnsupportedPrimitive):
            return None
        return False if difference > allowed else None

    def _sums(self, weights: Weights) -> Iterator[arb]:
        each = [self.allowances(k, index, self._bits) for k, index, _ in weights]
        for terms in zip(*each, strict=True):
            pairs = zip(weights, terms, strict=True)
            yield sum((abs(weight) * term for (_, _, weight), term in pairs), arb(0))

    def rounding(self, output: int, truth: arb) -> arb:
        own, times = self._arithmetic, self.chain(output)
        return times * own.unit(output) * abs(truth) + own.smallest(output, times)

    def chain(self, output: int) -> float:
        """How many times one rounding all those that follow one another to an output are.

        Example:
            >>> from jaxgrad.programs.trace import trace
            >>> x = np.ones(1000, np.float32)
            >>> 270 < RoundedProgram(trace(lambda x: x.sum(), (x,)), [x]).chain(0) < 280
            True
        """
        return _chain(self._arithmetic, output)

    def allowances(self, output: int, index: tuple[int, ...], bits: int) -> Iterator[arb]:
        known = self.values(bits) if self._known is None else self._known
        yield self.rounding(output, known[output][index])
        rounding, change = self.rounding(output, self.values(bits)[output][index]), arb(0)
        for witness in range(SIGN_VECTORS):
            change = change.max(self._change(output, bits, witness)[output][index])
            yield rounding + self.chain(output) * change

    def _change(self, output: int, bits: int, witness: int) -> list[ObjectArray]:
        """What one rounding of the inputs changes, one with the u of an output."""
        key = self._arithmetic.alike(output), bits, witness
        if key not in self._changes:
            truth, numbers = self.values(bits), self._moved
            with precision(bits):
                pairs = zip(self._exact, self._rounded(output, 1, witness), strict=True)
                found = interpret(self._program, numbers, [numbers.given(*pair) for pair in pairs])
                moved = [numbers.moved(leaf) for leaf in found]
                self._changes[key] = [
                    Ball().map(distance, *pair) for pair in zip(moved, truth, strict=True)
                ]
        return self._changes[key]


def _chain(arithmetic: Arithmetic, output: int) -> float:
    most = max(arithmetic.chains[output], 1)
    return min(most, LAMBDA * math.sqrt(most))


def _bits() -> int:
    """The first precision; that in force of loops that are run on, of which the first tells nothing
    where they are long."""
    return max(FIRST_PRECISION, ctx.prec) if is_run_on() else FIRST_PRECISION


def _plain(x: Any) -> arb:
    """The number that a run gave; NaN of what is none."""
    return x.moved.value if isinstance(x, Twins) else arb.nan()


def arithmetic_of(program: Program) -> Arithmetic | None:
    """What rounding is in a program, wherever it runs; None where a loop turns as it comes."""
    return None if holds_primitive(program.jaxpr, ("while",)) else _arithmetic(program)


def _arithmetic(program: Program, turns: Mapping[int, int] | None = None) -> Arithmetic:
    """Rounding before a comparison makes a float another one, no formula."""
    return Arithmetic.of(program, turns, choices=False)


def _counted(program: Program, point: list[Any]) -> Arithmetic:
    """What rounding is in a program at a point: its loops turn as often as over exact numbers."""
    with counting_turns() as turns, precision(_bits()):
        interpret(program, Ball(), balls(program.inputs, point))
    return _arithmetic(program, turns)


def rounded(program: Program, values: Sequence[Any], *known: Any) -> RoundedProgram | None:
    """The program at a point; None where a loop of it does not end.

    Args:
        program, values: as for :class:`RoundedProgram`.
        known: what else that class takes.
    """
    try:
        return RoundedProgram(program, values, *known)
    except (CannotDecide, UnsupportedPrimitive):
        return None


def bits_beyond_rounding(program: Program) -> tuple[float, ...]:
    """To how many bits each result agrees at least with what its own rounding hides, at any point.

    That is what λ√m roundings of a result make of it, whatever the conditioning of the program: two
    numbers that agree to more bits than these are no further apart than
    :meth:`RoundedProgram.hides` forgives.  ∞ where nobody knows how often it is rounded, and
    :data:`SOME_BITS` at least.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> cube = trace(lambda x: x * x * x, (np.float32(3),))
        >>> [round(bits, 3) for bits in bits_beyond_rounding(cube)]
        [23.0]
    """
    arithmetic = arithmetic_of(program)
    unknown = tuple(math.inf for _ in program.outputs)
    if arithmetic is None:
        return unknown
    try:
        chains = [_chain(arithmetic, k) for k in range(len(program.outputs))]
    except (CannotDecide, UnsupportedPrimitive):
        return unknown
    pairs = zip(chains, program.outputs, strict=True)
    hidden = [
        chain * float(arithmetic.unit(k)) if leaf.differentiable else 0.0
        for k, (chain, leaf) in enumerate(pairs)
    ]
    # Of the larger of two numbers, where that is the other one.
    bits = (math.log2((1 + part) / part) if part else math.inf for part in hidden)
    return tuple(max(known, SOME_BITS) for known in bits)


def hidden_by(program: Program, values: Sequence[Any], difference: arb) -> bool | None:
    """Whether the rounding of a program could hide a difference in its one number at a point.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> x = np.float32(3)
        >>> square = trace(lambda x: x * x, (x,))
        >>> hidden_by(square, [x], arb(1e-6)), hidden_by(square, [x], arb(1e-5))
        (True, False)
    """
    found = rounded(program, values)
    return None if found is None else found.hides([(0, (), 1.0)], difference)
