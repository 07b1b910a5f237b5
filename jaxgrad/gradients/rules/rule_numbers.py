"""The numbers that derivative rules give at a point: their formulas, enclosed, and JAX's floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction, pairing, terms
from jaxgrad.gradients.rules.question import Question
from jaxgrad.interpret.partly_known import PartlyKnown
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import ObjectArray

__all__ = ["RuleNumbers", "moved_by"]


def moved_by(question: Question) -> tuple[Any, tuple[Any, ...]]:
    """A key of what the program of a question is asked with beside the point, and its leaves."""
    directions, cotangent = question.directions, question.cotangent
    if len(question.modes) > 1:
        vs = tuple(direction.leaves for direction in directions)
        return (*(direction.key for direction in directions), cotangent.key), (vs, cotangent.leaves)
    moved = directions[0] if question.modes == ("fwd",) else cotangent
    return moved.key, (moved.leaves,)


class RuleNumbers:
    """What the rules answer to questions at one point; each program runs once for a direction.

    Args:
        rules: the derivative programs.
        values: the point, a value for each floating-point leaf.
        known: results over balls that somebody found together with those at other points.
    """

    def __init__(
        self,
        rules: DerivativePrograms,
        values: Sequence[np.ndarray],
        known: Mapping[tuple[str, ...], dict[Any, list[ObjectArray]]] | None = None,
    ) -> None:
        self._rules, self._values = rules, list(values)
        self.point = [Ball().constants(value) for value in values]
        found = {(modes, Ball): results for modes, results in (known or {}).items()}
        self._outputs: dict[Any, dict[Any, list[ObjectArray]]] = found
        self._floats: dict[Any, list[np.ndarray]] = {}
        self._known_programs: dict[tuple[str, ...], PartlyKnown] = {}

    def enclosed(self, question: Question, system: Callable[[], Ball] = Ball) -> arb:
        """The enclosure of what the rules give."""
        modes, cotangent = question.modes, question.cotangent
        found = self.outputs(question, system)
        if len(modes) > 1:
            return found[-1 if question.taken is None else question.taken][()]
        values = self._rules[modes].values
        if question.is_value:
            return pairing(found[:values], cotangent)
        return pairing(found[values:], cotangent if modes == ("fwd",) else question.directions[0])

    def outputs(self, question: Question, system: Callable[[], Ball] = Ball) -> list[ObjectArray]:
        """All results of the program that gives the number."""
        modes = question.modes
        known = self._any_balls(modes, system) if question.is_value and not modes[1:] else None
        if known is not None:  # the same whatever moves
            return known
        key, moved = moved_by(question)
        return self._balls(modes, key, system, *moved)

    def beside(self, question: Question) -> list[arb]:
        """The derivatives that come with a number of order 1, as the solver of a rule has them."""
        if len(question.modes) > 1 or question.is_value:
            return []
        found = self.outputs(question)[self._rules[question.modes].values :]
        return [x for leaf in found for x in leaf.flat]

    def _balls(
        self, modes: tuple[str, ...], key: Any, system: Callable[[], Ball], *moved: Any
    ) -> Any:
        outputs = self._outputs.setdefault((modes, system), {})
        if key not in outputs:
            derived = self._rules[modes]
            if system is Ball:
                outputs[key] = self._partly(modes).run(derived.filled(self.point, *moved))
            else:
                outputs[key] = derived.balls(self._values, *moved, system=system())
        return outputs[key]

    def _partly(self, modes: tuple[str, ...]) -> PartlyKnown:
        """The program of some modes, of which the point is known."""
        if modes not in self._known_programs:
            program = self._rules[modes].program
            moving = range(len(self.point), len(program.inputs))
            self._known_programs[modes] = PartlyKnown(program, moving)
        return self._known_programs[modes]

    def _any_balls(self, modes: tuple[str, ...], system: Callable[[], Ball]) -> Any:
        """The outputs along a direction that was asked for already, if there is one."""
        return next(iter(self._outputs.get((modes, system), {}).values()), None)

    def slopes(self, modes: tuple[str, ...], cotangent: Direction) -> list[ObjectArray]:
        """The first derivatives in reverse mode, by every entry of the arguments."""
        found = self._balls(modes, cotangent.key, Ball, cotangent.leaves)
        return found[self._rules[modes].values :]

    def floats(self, question: Question) -> float:
        """The number as JAX computes it."""
        return float(sum(self.terms(question)))

    def is_opposed(self, question: Question) -> bool:
        """Whether the number is a sum of infinities of both signs, NaN though no term of it is."""
        runs = self.terms(question)
        return math.inf in runs and -math.inf in runs and not any(map(math.isnan, runs))

    def terms(self, question: Question) -> list[float]:
        """What JAX computes of each entry that counts, weighed."""
        derived = self._rules[question.modes]
        found = self._runs(question)
        if len(question.modes) > 1:
            return [float(found[-1 if question.taken is None else question.taken])]
        if question.is_value:
            return terms(found[: derived.values], question.cotangent)
        forward = question.modes == ("fwd",)
        weights = question.cotangent if forward else question.directions[0]
        return terms(found[derived.values :], weights)

    def values(self, question: Question) -> list[float]:
        """What JAX computes of the function beside a first derivative, entry by entry."""
        if len(question.modes) > 1:
            return []
        derived = self._rules[question.modes]
        return terms(self._runs(question)[: derived.values], question.cotangent)

    def _runs(self, question: Question) -> list[np.ndarray]:
        """All results of the program that gives the number, as JAX computes them."""
        modes, (key, _) = question.modes, moved_by(question)
        if (modes, key) not in self._floats:
            primal = self._rules.primal
            vs = [primal.like_inputs(direction.leaves) for direction in question.directions]
            u = primal.like_outputs(question.cotangent.leaves)
            moved = (tuple(vs), u) if modes[1:] else (vs[0] if modes == ("fwd",) else u,)
            self._floats[modes, key] = self._rules[modes].floats(tuple(self._values), *moved)
        return self._floats[modes, key]
