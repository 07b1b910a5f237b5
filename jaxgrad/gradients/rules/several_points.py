"""What is asked of rules at points that nobody asked for, answered for several of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jax.tree_util import tree_leaves

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.one_sided import analytic_at
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction, Unit, entry_count
from jaxgrad.gradients.rules.known import Known
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.rule_numbers import moved_by
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.pointwise import Pointwise, PointwiseArrays
from jaxgrad.numbers.vector_choice import no_free_vectors
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.trace import Program

__all__ = ["by_entries", "in_sums", "known_at"]

# Loops turn another number of times at every point, and what a solver promises is asked of balls.
BY_THEMSELVES = ("while", "custom_linear_solve")


def in_sums(rules: DerivativePrograms, line: Direction) -> list[Question]:
    """One question for every mode, of all results together; none of rules that are not linear.

    The sum is weighed by drawn numbers, so that no wrong entries cancel in it.

    Args:
        rules: the derivative programs.
        line: the direction in which everything moves.
    """
    if not rules.linear:
        return []
    u, other, found = _weights(rules), rules.direction(1), []
    if not u.support:
        return []
    for modes in (*((mode,) for mode in rules.modes), *rules.nested):
        vs = (line, other) if len(modes) == 2 else (line,) * len(modes)
        question = Question(modes, vs, u)
        found.append(question)
        if rules.custom and modes[1:]:
            found += question.beside()
    return found


def by_entries(rules: DerivativePrograms, line: Direction) -> list[Question]:
    """What is asked of every entry of the result where a sum does not tell."""
    other, found = rules.direction(1), []
    shapes, discrete = rules.out_shapes, rules.primal.discrete
    places = [(k, i) for k, shape in enumerate(shapes) for i in np.ndindex(shape)]
    for u in (Unit(shapes, k, i) for k, i in places if k not in discrete):
        found += [Question((mode,), (line,), u) for mode in rules.modes]
        for modes in rules.nested:
            found.append(Question(modes, (line,) * len(modes), u))
            found += [Question(modes, (line, other), u)] if len(modes) == 2 else []
    return found


def _weights(rules: DerivativePrograms) -> Direction:
    """Drawn weights of the results that have derivatives, 1 if there is but one entry."""
    discrete, shapes = rules.primal.discrete, rules.out_shapes
    u = rules.cotangent(1)
    u = u.only([k for k in range(len(u.leaves)) if k not in discrete])
    return Unit(shapes, *u.support[0]) if entry_count(shapes) == 1 and u.support else u


def known_at(
    rules: DerivativePrograms, points: Sequence[Sequence[np.ndarray]], questions: list[Question]
) -> list[Known]:
    """What questions need at points, as far as it can be had for several at once.

    Args:
        rules: the derivative programs.
        points: a value for each floating-point leaf, for every point.
        questions: what will be asked at each of them.
    """
    with no_free_vectors():  # they are asked for at one point after the other
        return _known_at(rules, points, questions)


def _known_at(
    rules: DerivativePrograms, points: Sequence[Sequence[np.ndarray]], questions: list[Question]
) -> list[Known]:
    found = [Known() for _ in points]
    primal = rules.primal.truth_program
    if not (found and questions) or holds_primitive(primal.jaxpr, BY_THEMSELVES):
        return found
    for known, values in _over_balls(primal, points, ()):
        found[known].value = values
    for direction in _lines(questions):
        sides = analytic_at(primal, points, direction.leaves, rules.order)
        for known, side in zip(found, sides, strict=True):
            if side is not None:
                known.lines[direction.key] = side
    for question in questions:
        _add_results(rules, points, question, found)
    return found


def _lines(questions: Iterable[Question]) -> list[Direction]:
    """The lines along which derivatives of all these directions are found."""
    lines: dict[bytes, Direction] = {}
    for question in questions:
        first, last = question.directions[0], question.directions[-1]
        mixed = [] if first is last else [first.plus(last, sign) for sign in (1, -1)]
        for line in (first, *mixed):
            lines.setdefault(line.key, line)
    return list(lines.values())


def _add_results(
    rules: DerivativePrograms,
    points: Sequence[Sequence[np.ndarray]],
    question: Question,
    found: list[Known],
) -> None:
    """Add the results of the program that answers a question, where they are not there."""
    key, moved = moved_by(question)
    if any(key in known.outputs.get(question.modes, {}) for known in found):
        return
    program = rules[question.modes].program
    if holds_primitive(program.jaxpr, BY_THEMSELVES):
        return
    for known, results in _over_balls(program, points, tree_leaves(list(moved))):
        found[known].outputs.setdefault(question.modes, {})[key] = results


def _over_balls(
    program: Program, points: Sequence[Sequence[np.ndarray]], moved: Sequence[np.ndarray]
) -> Iterator[tuple[int, list[ObjectArray]]]:
    """The results of a program at every point where they can be had, with the place of it."""
    numbers = Pointwise(Ball(), len(points))
    inputs = [
        numbers.joined([Ball().constants(value) for value in values])
        for values in zip(*points, strict=True)
    ]
    inputs += [numbers.constants(leaf) for leaf in moved]
    try:
        outputs = interpret(program, PointwiseArrays(numbers), inputs)
    except (CannotDecide, UnsupportedPrimitive):
        return
    for place, results in enumerate(zip(*map(numbers.split, outputs), strict=True)):
        if place not in numbers.failed:
            yield place, list(results)
