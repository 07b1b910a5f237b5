"""What a wrong number is like: twice the derivative, its transpose, that by another argument.

It is said where it holds in balls at the point and at one drawn near it at least, and along drawn
directions of all entries, so that it is no coincidence.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import arb, fmpq

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.enclosure import ENOUGH_BITS, FIRST_PRECISION, FLOAT_BITS
from jaxgrad.gradients.likeness import (
    Likeness,
    by_leaf,
    by_result,
    by_symmetry,
    decimal,
    times,
    where,
)
from jaxgrad.gradients.program_factors import Factors
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.code import WITH_RESPECT_TO
from jaxgrad.gradients.rules.connected import is_connected
from jaxgrad.gradients.rules.derivative_programs import Derivatives
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.not_finite import not_finite
from jaxgrad.gradients.rules.on_purpose import REVERSED, STRAIGHT_THROUGH, passes_on, vanishes
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.symmetric_points import instead, near_symmetric
from jaxgrad.gradients.special_points.drawn_points import drawn_points
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import WORDS, within
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.custom_rules import strip_custom_rules
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.source_lines import line_of
from jaxgrad.programs.trace import Program
from jaxgrad.verdict import Verdict

__all__ = ["diagnosis"]

STOP = "stop_gradient"
_Asked = tuple[AtPoint, Question]

# Operations over germs, at about 20 μs each: about a second.
BUDGET = 50_000
# Points at which the rule is wrong that are looked at, the given one included, and drawn ones among
# which they are looked for: beside a branch it may be right.
MOST_POINTS = 3
MOST_DRAWN = 6
# Directions and cotangents are drawn anew at each point, none like another.
FIRST_SEED = 2


def diagnosis(at: AtPoint, question: Question, found: Judgement) -> str:
    """What to say of a number that is wrong; nothing if it is like nothing that is known.

    Args:
        at: the point.
        question: the number.
        found: the judgement of it.
    """
    said = ""
    with (
        within(WORDS),
        contextlib.suppress(CannotDecide, JaxgradError, ZeroDivisionError),
        precision(FIRST_PRECISION),
    ):
        if _is_number(found.value):
            said = _Looked(at, question).words()
        else:
            said = not_finite(at, question)
    return said


def _is_number(text: str) -> bool:
    return text not in ("nan", "inf", "-inf")


class _Looked:
    """A number that is wrong, at the points that are looked at.

    Args:
        at: the point where it was found.
        question: the number.
    """

    def __init__(self, at: AtPoint, question: Question) -> None:
        self.at, self.rules, self.question = at, at.rules, question
        self.size = max(1, self.rules.size * self.rules.order)
        self.spent = 0

    def words(self) -> str:
        """What it is like, in words."""
        if self.question.is_value:
            return self._of_value(self._asked(lambda _: self.question))
        asked = self._asked(self._whole) if self._has_whole else []
        looks = (
            self._disconnected, self._multiple, self._alike, self._symmetric, self._zero,
            self._constant,
        )  # fmt: skip
        for look in looks:
            said = look(asked) if asked else ""
            if said:
                return said
        asked = self._asked(lambda _: self.question)
        return (self._multiple(asked) or self._factor(asked)) if asked else ""

    # -- where -----------------------------------------------------------------------------------
    def _asked(self, question: Callable[[int], Question]) -> list[_Asked]:
        """Points at which a number is wrong, the one at which it was found the first.

        Args:
            question: the number that is asked for at each, by its place in the list.
        """
        found: list[_Asked] = []
        for at in (self.at, *self._near):
            if len(found) == MOST_POINTS or not self._affords():
                break
            asked = question(len(found))
            if at.truth.defined and self._judged(at, asked) is Verdict.REFUTED:
                found.append((at, asked))
            elif at is self.at:
                return []
        return found if len(found) > 1 else []

    @cached_property
    def _near(self) -> list[AtPoint]:
        leaves = [
            replace(leaf, value=value)
            for leaf, value in zip(self.rules.primal.inputs, self.at.values, strict=True)
        ]
        primal = self.rules.primal
        points = (point.values for point in drawn_points(leaves))
        inside = (values for values in points if primal.is_inside(values))
        return [AtPoint(self.rules, values) for values in itertools.islice(inside, MOST_DRAWN)]

    def _affords(self) -> bool:
        self.spent += self.size
        return self.spent <= BUDGET

    @property
    def _has_whole(self) -> bool:
        leaf, (result, _) = self.question.leaf, self.question.cotangent.place
        return len(self.question.modes) == 1 and leaf is not None and result is not None

    def _whole(self, seed: int) -> Question:
        """The same by all entries of its leaf, and of all entries of the leaf of the result."""
        return replace(
            self.question,
            directions=(self.rules.direction(FIRST_SEED + seed, self.question.leaf),),
            cotangent=self.rules.cotangent(
                FIRST_SEED + MOST_POINTS + seed, self.question.cotangent.place[0]
            ),
        )

    # -- what is asked ---------------------------------------------------------------------------
    def _disconnected(self, asked: list[_Asked]) -> str:
        if any(at.numbers.enclosed(question) != 0 for at, question in asked):
            return ""
        inputs = self.rules.primal.inputs
        name = inputs[self.question.leaf or 0].path
        said = f"; {WITH_RESPECT_TO}{name} they give 0{where(len(asked))}"
        if not is_connected(self.rules, self.question):
            stopped = _stopped_at(self.rules.primal)
            cut = f"the stop_gradient at {stopped}" if stopped else "a stop_gradient"
            said += (
                f": {name} is disconnected, as where a bwd rule returns None or zeros for it, or "
                f"{cut} cuts it off"
            )
            if len(inputs) > 1:
                said += f" (if {name} is data, {_held_fixed(name)})"
        return said

    def _multiple(self, asked: list[_Asked]) -> str:
        """k times the derivative, with the same k everywhere."""
        ratios = [ratio for at, question in asked if (ratio := _ratio(at, question)) is not None]
        if len(ratios) < len(asked):
            return ""
        k, words = times(float(ratios[0].mid()))
        exact = k is not None and all(self._fits(at, x, x, k) for at, x in asked)
        if not exact and any(agreement(ratio, ratios[0]) < FLOAT_BITS for ratio in ratios[1:]):
            return ""
        if not exact:
            words = decimal(float(ratios[0].mid()))
        name = self.rules.primal.inputs[self.question.leaf or 0].path
        like = ", as a conjugate does" * (words == "minus" and name.endswith(".imag"))
        reversed_ = all(passes_on(at.sides(x), x) for at, x in asked)
        meant = REVERSED if reversed_ and self._has_whole else ""
        return self._said(asked, f"{words} {_what(self.question)}{like}") + meant

    def _alike(self, asked: list[_Asked]) -> str:
        """The transpose, the derivative by another leaf, and the like."""
        numbers = [self._likenesses(question) for _, question in asked]
        for alike in zip(*numbers, strict=True):
            for k, sign in ((1, ""), (-1, "minus ")):
                if not self._affords():
                    return ""
                pairs = zip(asked, alike, strict=True)
                if all(self._fits(at, x, true, k) for (at, x), (_, true) in pairs):
                    return self._said(asked, alike[0][0].words.format(sign))
        return ""

    def _likenesses(self, question: Question) -> Iterator[tuple[Likeness, Question]]:
        """Each with the number that the right derivative gives, if the wrong one is like that."""
        primal, v, u = self.rules.primal, question.directions[0], question.cotangent
        leaf, result = self.question.leaf or 0, self.question.cotangent.place[0] or 0
        names = [f"the derivative {WITH_RESPECT_TO}{x.path}" for x in primal.inputs]
        for likeness in by_leaf(self.rules.shapes, names, leaf, "the derivative"):
            moved = _moved(self.rules.shapes, likeness, v.leaves[leaf])
            yield likeness, replace(question, directions=(moved,))
        name = f"f{primal.outputs[result].path}"
        for likeness in by_result(self.rules.out_shapes[result], name, result):
            moved = _moved(self.rules.out_shapes, likeness, u.leaves[result])
            yield likeness, replace(question, cotangent=moved)

    def _symmetric(self, asked: list[_Asked]) -> str:
        """What is right for symmetric matrices, seen where the matrix is one."""
        at, question = asked[0]
        leaf, rules = question.leaf or 0, self.rules
        near = near_symmetric(rules.primal, at.values, leaf)
        if near is None or self._is_right(AtPoint(rules, near.beside)):
            return ""
        points, name = [AtPoint(rules, x) for x in near.points], rules.primal.inputs[leaf].path
        for likeness, matrix in by_symmetry(leaf):
            if not self._affords():
                return ""
            if all(self._is_like(each, i, likeness) for i, each in enumerate(points)):
                said = f"; where {name} is equal to its transpose they give {likeness.words}"
                return f"{said}{where(len(points))}{instead(rules.primal, leaf, matrix)}"
        return ""

    def _is_right(self, at: AtPoint) -> bool:
        return self._judged(at, self._whole(0)) is not Verdict.REFUTED

    def _is_like(self, at: AtPoint, seed: int, likeness: Likeness) -> bool:
        """Whether the rules give at a point what the derivative gives along another direction."""
        question = self._whole(seed)
        moved = _moved(self.rules.shapes, likeness, question.directions[0].leaves[likeness.leaf])
        return self._fits(at, question, replace(question, directions=(moved,)), 1)

    def _zero(self, asked: list[_Asked]) -> str:
        """Something, where the derivative is 0: what is meant is another function's, perhaps."""
        if any(not vanishes(at.sides(question)) for at, question in asked):
            return ""
        name = self.rules.primal.inputs[self.question.leaf or 0].path
        return f"; {WITH_RESPECT_TO}{name} the derivative is 0{where(len(asked))}{STRAIGHT_THROUGH}"

    def _constant(self, asked: list[_Asked]) -> str:
        """The same everywhere, where the derivative is not."""
        _, question = asked[0]
        numbers = [at.numbers.enclosed(question) for at, _ in asked]
        truths = [sides.right for at, _ in asked if (sides := at.sides(question)) is not None]
        if any(agreement(x, numbers[0]) < ENOUGH_BITS for x in numbers[1:]):
            return ""
        if len(truths) < len(asked) or any(truth.overlaps(truths[0]) for truth in truths[1:]):
            return ""
        return self._said(asked, "the same at every point, a constant")

    def _factor(self, asked: list[_Asked]) -> str:
        """A number of the program by which the derivative is multiplied, or divided."""
        single = (d.place[1] is not None for d in (*self.question.moving, self.question.cotangent))
        if not all(single) or not self._affords():
            return ""
        primal = self.rules.primal
        rules = self.rules[self.question.modes].program if len(self.question.modes) == 1 else None
        factors = Factors(primal.moving_program, rules, _derivative(primal))
        for at, question in asked:
            ratio = _ratio(at, question)
            moved, weights = (
                [Ball().constants(v) for v in direction.leaves]
                for direction in (question.directions[0], question.cotangent)
            )
            if ratio is None:
                return ""
            truth = at.numbers.enclosed(question) / ratio
            mapped = moved if self.question.modes == ("fwd",) else weights
            if not factors.keep(ratio, truth, at.numbers.point, mapped, moved):
                return ""
        return self._said(asked, f"{_what(self.question)} {factors.words}")

    def _of_value(self, asked: list[_Asked]) -> str:
        """k times the value of the function."""
        truths = [pairing(at.own.value, question.cotangent) for at, question in asked]
        numbers = [at.numbers.enclosed(question) for at, question in asked]
        if not asked or any(truth.contains(0) for truth in truths):
            return ""
        k, words = times(float((numbers[0] / truths[0]).mid()))
        pairs = list(zip(numbers, truths, strict=True))
        if k is None or any(agreement(x, y * _fmpq(k)) < FLOAT_BITS for x, y in pairs):
            return ""
        return f"; that is {words} the value of the function{where(len(asked))}"

    # -- numbers ---------------------------------------------------------------------------------
    def _judged(self, at: AtPoint, question: Question, number: arb | None = None) -> Verdict | None:
        """The verdict of a number; none where a kink makes it a weak one."""
        found = at.judge(question, number)
        return None if found is None or found.kink else found.verdict

    def _fits(self, at: AtPoint, given: Question, true: Question, k: Fraction | int) -> bool:
        """Whether the rules give for one question k times the truth of another."""
        found = self._judged(at, true, at.numbers.enclosed(given) / _fmpq(k))
        return found is Verdict.AGREES

    def _said(self, asked: list[_Asked], what: str) -> str:
        leaf, index = asked[0][1].moving[-1].place
        by = "along a drawn direction"
        if leaf is not None:
            path = self.rules.primal.inputs[leaf].path
            entry = list(index) if index and asked[0][1] is self.question else ""
            by = f"{WITH_RESPECT_TO}{path}{entry}"
        return f"; {by} they give {what}{where(len(asked))}"


def _held_fixed(name: str) -> str:
    """How an argument is held fixed, or a number within one, which argnums= cannot name."""
    if name.partition("[")[0] == "args" or name.isidentifier():
        return "argnums= names the arguments that are not"
    return (
        "take it out of the argument and let the function hold it, as equinox.partition and "
        "equinox.combine do; argnums= names whole arguments"
    )


def _ratio(at: AtPoint, question: Question) -> arb | None:
    """What the rules give, divided by the truth; None where either is 0 or no number."""
    sides = at.sides(question)
    if sides is None or len(sides.known) < 2 or sides.kink or sides.right.contains(0):
        return None
    ratio = at.numbers.enclosed(question) / sides.right
    return ratio if ratio.is_finite() and not ratio.contains(0) else None


def _stopped_at(primal: Primal) -> str:
    """Where the caller's code stops gradients, if it says so itself."""
    stops = (x for x in equations(primal.moving_program.jaxpr) if x.primitive.name == STOP)
    lines = (line_of(equation) for equation in stops)
    return next((str(line) for line in lines if line and STOP in line.text), "")


def _derivative(primal: Primal) -> Program | None:
    """JAX's derivative of the function without its custom rules, if there is one."""
    own = strip_custom_rules(primal.truth_program.jaxpr)
    with contextlib.suppress(JaxgradError, NotImplementedError, TypeError, ValueError):
        return Derivatives(primal, own)[("fwd",)].program
    return None


def _what(question: Question) -> str:
    order = len(question.moving)
    return "the derivative" if order == 1 else f"derivative {order}"


def _fmpq(k: Fraction | int) -> fmpq:
    return fmpq(k.numerator, k.denominator)


def _moved(shapes: Sequence[tuple[int, ...]], likeness: Likeness, v: np.ndarray) -> Direction:
    leaves = [np.zeros(shape) for shape in shapes]
    leaves[likeness.leaf] = likeness.moved(v)
    return Direction(leaves)
