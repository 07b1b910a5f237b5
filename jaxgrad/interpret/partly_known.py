"""Runs of one program that differ in some of its inputs alone.

A rule is asked with cotangent after cotangent at one point.  What depends on the point alone, such
as the loops of a solver, is the same for all of them, and is run once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import ctx

from jaxgrad.interpret.every_pivot import with_every_pivot
from jaxgrad.interpret.loop_precision import with_bits_for_loops
from jaxgrad.interpret.turns import how_run_on
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.numbers.pivot_choice import Met, chosen_pivots
from jaxgrad.programs.trace import Program

__all__ = ["PartlyKnown"]


@dataclass(frozen=True)
class _Begun:
    """A walk that has come as far as the known inputs lead.

    Args:
        how: at which precision, and how loops are run on.
        interpreter: the walk.
        values: what is asked for later on.
        spent: what its loops have spent by then.
        pivots: which were chosen on the way, where they are open.
    """

    how: Any
    interpreter: Interpreter
    values: dict[Any, Any]
    spent: int
    pivots: Met


class PartlyKnown:
    """A program over balls, of whose inputs some are known.

    Args:
        program: the program.
        moving: the places of the inputs that are not known.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad.numbers.ball import exact_ball
        >>> from jaxgrad.numbers.base import objects
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(lambda x, y: jnp.square(x) * y, (2.0, 1.0))
        >>> partly = PartlyKnown(program, [1])
        >>> two, three, four = (objects([exact_ball(k)], ()) for k in (2, 3, 4))
        >>> partly.run([two, three])[0].item(), partly.run([two, four])[0].item()
        (12.0000000000000, 16.0000000000000)
    """

    def __init__(self, program: Program, moving: Sequence[int]) -> None:
        self._program, self._jaxpr = program, program.jaxpr.jaxpr
        self._first: list[Any] = []
        self._then: list[Any] = []
        moved = {self._jaxpr.invars[i] for i in moving}
        for equation in self._jaxpr.eqns:
            moves = any(not hasattr(a, "val") and a in moved for a in equation.invars)
            if moves or equation.effects:
                self._then.append(equation)
                moved.update(equation.outvars)
            else:
                self._first.append(equation)
        self._known: list[_Begun] = []

    def run(self, inputs: list[ObjectArray]) -> list[ObjectArray]:
        """What the program returns, of known inputs that are those of every call.

        Args:
            inputs: all of them, as :func:`~jaxgrad.interpret.walker.interpret` takes them.

        Raises:
            UnsupportedPrimitive, CannotDecide: as that does.
        """
        closed = self._program.jaxpr

        def run() -> list[Any]:
            interpreter, known = self._begun(inputs)
            values = {**known, **dict(zip(self._jaxpr.invars, inputs, strict=True))}
            interpreter.go_through(self._jaxpr, self._then, values)
            outputs = [interpreter.read(values, atom) for atom in self._jaxpr.outvars]
            return interpreter.results(self._program, outputs)

        return with_every_pivot(Ball(), lambda: with_bits_for_loops(closed, Ball(), run))

    def _begun(self, inputs: list[ObjectArray]) -> tuple[Interpreter, dict[Any, Any]]:
        """A walk that has come as far as the known inputs lead, at the precision in force."""
        how, choice = (ctx.prec, how_run_on()), chosen_pivots()
        assert choice is not None
        self._known = [known for known in self._known if known.how == how]
        begun = next((x for x in self._known if choice.agrees_with(x.pivots)), None)
        if begun is None:
            interpreter = Interpreter(Ball())
            values = interpreter.bound(self._jaxpr, self._program.jaxpr.consts, inputs)
            interpreter.go_through(self._jaxpr, self._first, values)
            begun = _Begun(
                how, interpreter, self._kept(values), interpreter.spent, choice.met.copy()
            )
            self._known.append(begun)
        choice.met |= begun.pivots
        begun.interpreter.spent = begun.spent
        return begun.interpreter, begun.values

    def _kept(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """The values that are asked for later on."""
        asked = {a for equation in self._then for a in equation.invars if not hasattr(a, "val")}
        asked.update(atom for atom in self._jaxpr.outvars if not hasattr(atom, "val"))
        return {variable: value for variable, value in values.items() if variable in asked}
