"""Derivative programs of order 2 and more, as compositions use them.

The derivative of a rule along its cotangent (a forward rule: along its tangent) is the rule itself,
since it is linear.  A rule that cuts its cotangent off, by a ``stop_gradient`` or by a rule of its
own, gives right derivatives of every order at a fixed cotangent and wrong ones of h(f(x)).  What a
nested rule gives has to be linear in its own cotangent, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jaxgrad.errors import NoDerivative
from jaxgrad.gradients.floats.arithmetic import least_float
from jaxgrad.gradients.floats.hidden import SOME_BITS, hidden_by
from jaxgrad.gradients.rules.asked import Apart, Asked, affordable, apart, sized
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derivatives import arguments_of, groups
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.gradients.rules.linear_programs import BY_RULES, Barred, is_linear
from jaxgrad.gradients.rules.operators import Leaves, Operator
from jaxgrad.gradients.witness import hold_program
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Program

__all__ = ["Compositions", "Cut", "HigherBend", "shown"]

# What is spent at a special point, of which there may be forty, of the budget of a given one.
SPECIAL_SHARE = 20

Arguments = list[Leaves]


@dataclass(frozen=True)
class Cut:
    """Where the derivative of a program along what it is linear in is not the program itself.

    Args:
        modes: of the derivatives, the last one the one that is wrong.
        group: in what it is linear.
        args: the arguments of the derivative, see :func:`composed`.
        moved: those of the program without the last derivative that give the same number.
        at_zero: whether what it is linear in is 0.
        value, truth: what the derivative is, and what it should be, as text.
    """

    modes: tuple[str, ...]
    group: str
    args: Arguments
    moved: Arguments
    at_zero: bool
    value: str
    truth: str


@dataclass(frozen=True)
class HigherBend:
    """Where a derivative of order 2 or more is not linear.

    Args:
        modes: of the derivatives.
        group: in what it is not linear.
        args: its arguments, see :func:`composed`.
        places: those that move.
        apart: the numbers that show it.
    """

    modes: tuple[str, ...]
    group: str
    args: Arguments
    places: tuple[int, ...]
    apart: Apart


class Compositions:
    """Whether the derivatives of order 2 and more are right where everything moves.

    Args:
        rules: the derivative programs.
    """

    def __init__(self, rules: DerivativePrograms) -> None:
        self.rules = rules
        self.seen: dict[tuple[str, ...], int] = {}

    @cached_property
    def open(self) -> list[tuple[str, ...]]:
        """The modes of which the operations alone do not show that they are right."""
        if not self.rules.custom:
            return []
        return [modes for modes in self.rules.nested if not shown(self.rules, modes)]

    def wrong(self, at: AtPoint, thorough: bool) -> Cut | HigherBend | None:
        """Where one is seen to be wrong.

        Args:
            at: a point.
            thorough: whether all sizes and special cotangents are asked for.
        """
        for modes in self.open:
            try:
                found = self._cut(at, modes, thorough) or self._bend(at, modes, thorough)
            except NoDerivative as error:
                self.rules.leave_out(f"{' then '.join(modes)} of a composition", error)
                continue
            if found is not None:
                return found
        return None

    @property
    def notes(self) -> list[str]:
        """What is said of programs of which only numbers say that they are linear."""
        return [
            f"{' then '.join(modes)} linear in the directions and the cotangent at {count} that "
            "were asked for"
            for modes, count in self.seen.items()
        ]

    # -- the derivative along what a program is linear in -------------------------------------
    def _cut(self, at: AtPoint, modes: tuple[str, ...], thorough: bool) -> Cut | None:
        order = len(modes)
        inner = self.rules.along_everything(modes[:-1]).program
        outer = self.rules.along_everything(modes).program
        args = self._drawn(at, order - 1)
        if thorough:
            hold_program(
                f"{' of '.join(reversed(modes))} of f",
                outer,
                _flat(self._drawn(at, order)),
                few_shapes=True,
            )
        still: Arguments = [tuple(np.zeros_like(x) for x in leaves) for leaves in args]
        for group, places in groups(order - 1):
            along = self._drawn(at, order - 1, seed=100)
            moving = [along[i] if i in places else zero for i, zero in enumerate(still)]
            moved = [along[i] if i in places else x for i, x in enumerate(args)]
            at_zero = [still[i] if i in places else x for i, x in enumerate(args)]
            for base in (args, at_zero) if thorough else (args,):
                said = _said(self.rules, (inner, outer), [*base, *moving], moved)
                if said is not None:
                    return Cut(modes, group, [*base, *moving], moved, base is at_zero, *said)
        return None

    # -- linearity ----------------------------------------------------------------------------
    def _bend(self, at: AtPoint, modes: tuple[str, ...], thorough: bool) -> HigherBend | None:
        program = self.rules.along_everything(modes).program
        programs = len(self.open) * (1 if thorough else SPECIAL_SHARE)
        budget = affordable(operations(program.jaxpr.jaxpr), programs)
        args, count = self._drawn(at, len(modes)), 0
        for group, places in self._not_plain(modes):
            moving = tuple(sorted(self._leaves(modes, places)))
            operator = Operator(program, tuple(_flat(args)), moving, exact=self.rules.exact)
            asked = Asked(operator, budget)
            found = asked.apart(thorough)
            if found:
                return HigherBend(modes, group, args, places, found[0])
            count += asked.count
        if count:
            self.seen[modes] = max(count, self.seen.get(modes, 0))
        return None

    def _not_plain(self, modes: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
        program = self.rules.along_everything(modes).program
        for group, places in groups(len(modes)):
            if not is_linear(program.jaxpr, self._leaves(modes, places)):
                yield group, places

    def _leaves(self, modes: tuple[str, ...], places: tuple[int, ...]) -> set[int]:
        """The leaves of some arguments among all leaves."""
        primal, found, first = self.rules.primal, set(), 0
        for i, kind in enumerate(arguments_of(len(modes))):
            count = len(primal.inputs if kind == "x" else primal.outputs)
            if i in places:
                found |= set(range(first, first + count))
            first += count
        return found

    def _drawn(self, at: AtPoint, order: int, seed: int = 0) -> Arguments:
        """Arguments at a point, all others drawn."""
        generator, primal = np.random.default_rng(seed), self.rules.primal
        found: Arguments = []
        for kind in arguments_of(order):
            like = primal.like_inputs if kind == "x" else primal.like_outputs
            shapes = self.rules.shapes if kind == "x" else self.rules.out_shapes
            found.append(like([sized(generator, shape) for shape in shapes]))
        return [tuple(at.values), *found[1:]]


def shown(rules: DerivativePrograms, modes: tuple[str, ...]) -> bool:
    """Whether operations show that derivatives are right along everything if they are along x.

    They are linear in each direction and in the cotangent, and what these move through on the way
    is differentiated by JAX's own rules, not by somebody's.
    """
    steps = [(modes[:k], BY_RULES) for k in range(1, len(modes))]
    return all(_each_is_linear(rules, *step) for step in (*steps, (modes, Barred())))


def _each_is_linear(rules: DerivativePrograms, modes: tuple[str, ...], barred: Barred) -> bool:
    """Whether the derivatives are linear in each of their arguments but the point."""
    derived, primal = rules[modes], rules.primal
    x, u = len(primal.inputs), len(primal.outputs)
    sizes = [*(x for _ in modes), u] if len(modes) > 1 else [x if "fwd" in modes else u]
    ends = np.cumsum([x, *sizes]).tolist()
    return all(
        is_linear(derived.program.jaxpr, range(*pair), derived.values, barred)
        for pair in itertools.pairwise(ends)
    )


def _flat(args: Arguments) -> list[np.ndarray]:
    return [leaf for leaves in args for leaf in leaves]


def _said(
    rules: DerivativePrograms, programs: tuple[Program, Program], args: Arguments, moved: Arguments
) -> tuple[str, str] | None:
    """The derivative and what it should be, as text, if they are apart.

    What the rounding of the compiled derivative could hide keeps them apart, too, and is no fault.
    """
    inner, outer = programs
    derivative = Operator(outer, tuple(_flat(args)), ())
    itself = Operator(inner, tuple(_flat(moved)), ())
    values, totals = derivative.balls(()), itself.balls(())
    if values is None or totals is None:
        return None
    value, total = values[0][()], totals[0][()]
    tiny = least_float(outer.outputs[0].dtype)
    said = apart(derivative, value, total, (), (0, ()), tiny)
    if said is None or rules.exact or not value.is_finite():
        return said
    hidden = hidden_by(outer, _flat(args), abs(value - total))
    return None if hidden or (hidden is None and agreement(value, total) >= SOME_BITS) else said
