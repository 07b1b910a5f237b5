"""Whether floats hold what a rule computes of its cotangent on its way.

A product with a cotangent that is beyond the largest float of its dtype, or below the least normal
one, is an infinity or 0 whatever the rule; that it is not what linearity says is no fault of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.programs.trace import Program, is_differentiable

__all__ = ["leaves_range"]


def leaves_range(
    program: Program, runs: Sequence[Sequence[Any]], weights: Sequence[arb], every: bool
) -> bool:
    """Whether a number on the way that is linear in what moves is no float of its dtype.

    Only one that the decision depends on counts: a rule that clips beside a term that overflows
    is not linear for that.  Numbers that are not linear, such as the square of a norm, may be
    anything: a rule that decides by them is not linear before they overflow.

    Args:
        program: a derivative program.
        runs: its inputs as balls at a·g + b·h, at g, and at h if b is not 0.
        weights: a, and b if it is not 0.
        every: whether all numbers count, also those that are not linear.
    """
    walks = [_walked(program, inputs) for inputs in runs]
    trail = _Trail(list(zip(*runs, strict=True)))
    for steps in zip(*walks, strict=False):
        if any(step.equation is not steps[0].equation for step in steps):
            return trail.beyond  # another branch from here on
        trail.add(steps, *_judged(steps, weights, every))
        if every and trail.beyond:
            return True
    return trail.decided_beyond if trail.decided else trail.beyond


@dataclass(frozen=True)
class _Step:
    """One equation as it ran: its values, and whether it ran other equations."""

    equation: Any
    arguments: list[Any]
    outputs: list[Any]
    calls: bool


@dataclass(frozen=True)
class _Known:
    """Of a value: whether it moves, is not linear, depends on a number that is no float."""

    moves: bool
    bent: bool = False
    beyond: bool = False


class _Trail:
    """What is known of every value so far, each known by its array, which calls hand on.

    Args:
        inputs: those of the program, each in all runs.
    """

    def __init__(self, inputs: Sequence[Sequence[Any]]) -> None:
        self._known = {id(values[0]): _Known(not _is_constant(values)) for values in inputs}
        self._any = _Known(moves=True)
        # Whether a step was seen at which what was linear ceases to be so.
        self.decided = self.decided_beyond = False

    @property
    def beyond(self) -> bool:
        """Whether any number so far is no float of its dtype."""
        return self._any.beyond

    def add(self, steps: Sequence[_Step], bent: bool, beyond: bool) -> None:
        """One step in all runs.

        Args:
            steps: it.
            bent: whether what it gives is certainly not linear.
            beyond: whether an entry of what it gives is no float of its dtype.
        """
        step = steps[0]
        given = [self._of(values) for values in zip(*(one.arguments for one in steps), strict=True)]
        if not any(known.moves for known in given):
            found = _Known(moves=False)
        else:
            self._any = _Known(True, self._any.bent or bent, self._any.beyond or beyond)
            within = step.calls and self._any.beyond
            depends = beyond or within or any(known.beyond for known in given)
            found = _Known(True, bent, depends)
            if bent and not step.calls and not any(known.bent for known in given):
                self.decided, self.decided_beyond = True, self.decided_beyond or depends
        for value in step.outputs:
            if id(value) not in self._known:
                self._known[id(value)] = found
            elif not step.calls and found.beyond:  # a cast gives the very array that it is given
                self._known[id(value)] = replace(self._known[id(value)], beyond=True)

    def _of(self, values: Sequence[Any]) -> _Known:
        """What is known of an argument; of a part that a loop takes, what holds of anything."""
        found = self._known.get(id(values[0]))
        if found is not None:
            return found
        return _Known(moves=False) if _is_constant(values) else self._any


def _is_constant(values: Sequence[Any]) -> bool:
    """Whether a value is the same in all runs."""
    first = np.asarray(values[0]).reshape(-1)
    others = [np.asarray(other).reshape(-1) for other in values[1:]]
    return all(_same(x, y) for other in others for x, y in zip(first, other, strict=True))


def _same(x: Any, y: Any) -> bool:
    if isinstance(x, arb) and isinstance(y, arb):
        return bool(x.mid() == y.mid()) and bool(x.rad() == y.rad())
    return x is y or bool(x == y)


def _judged(steps: Sequence[_Step], weights: Sequence[arb], every: bool) -> tuple[bool, bool]:
    """Whether what a step gives is certainly not linear, and whether a part of it is no float."""
    bent = beyond = False
    outputs = zip(*(step.outputs for step in steps), strict=True)
    for variable, values in zip(steps[0].equation.outvars, outputs, strict=True):
        if not is_differentiable(variable.aval.dtype) or any(map(is_concrete, values)):
            continue
        for linear, outside in _entries(variable, values, weights):
            bent |= not linear
            beyond |= outside and (every or linear)
    return bent, beyond


def _entries(
    variable: Any, values: Sequence[Any], weights: Sequence[arb]
) -> Iterator[tuple[bool, bool]]:
    """Of every entry: whether it may be linear, and whether it is certainly no float."""
    limits = jnp.finfo(variable.aval.dtype)
    least, most = arb(float(limits.smallest_normal)), arb(float(limits.max))
    for whole, *parts in zip(*(value.flat for value in values), strict=True):
        total = sum((a * x for a, x in zip(weights, parts, strict=True)), arb(0))
        sizes = [abs(x) for x in (whole, *parts) if x.is_finite()]
        outside = any(x > most or (x < least and not x.is_zero()) for x in sizes)
        yield bool(whole.overlaps(total)), outside


class _Walk(Interpreter):
    """Keeps what every equation was given and gave."""

    def __init__(self) -> None:
        super().__init__(Ball())
        self.steps: list[_Step] = []

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        before = len(self.steps)
        outputs = super().apply(equation, arguments)
        self.steps.append(_Step(equation, arguments, outputs, len(self.steps) > before))
        return outputs


def _walked(program: Program, inputs: Sequence[Any]) -> list[_Step]:
    walk = _Walk()
    with contextlib.suppress(CannotDecide):  # as far as it is known
        walk.run(program.jaxpr.jaxpr, program.jaxpr.consts, list(inputs))
    return walk.steps
