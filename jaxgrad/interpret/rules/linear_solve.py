"""A linear solver that is a program: ``custom_linear_solve``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from jaxgrad.interpret.budgets import has_loops
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.interpret.rules.solution import solution_nearby
from jaxgrad.numbers.arrays import ArraySystem
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.elements import Elements
from jaxgrad.programs.jaxprs import is_said_to_be_symmetric, source_name

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


@rule("custom_linear_solve", reads=("const_lengths", "jaxprs"), exact_if_known=False)
def _custom_linear_solve(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """What its ``solve`` returns; of the transposed equation that is the ``transpose_solve``.

    A solver without a loop is a formula, right or wrong.  One with a loop may be an iteration that
    ends before the solution, which its derivative rule takes for the solution: nothing is decided
    of that, unless it is certainly no approximation.

    Raises:
        CannotDecide: it holds a loop and certainly returns no solution, only what may be one
            nearly, as where an iteration stops at a tolerance; or the system is said to be
            symmetric, and is not.
    """
    lengths, programs = equation.params["const_lengths"], equation.params["jaxprs"]
    ends = np.cumsum(lengths)
    constants = dict(zip(lengths._fields, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))

    def call(name: str, *values: Any) -> list[Any]:
        given = [inputs[i] for i in constants[name]]
        return interpreter.call(getattr(programs, name), [*given, *values])

    wanted = inputs[ends[-1] :]
    if is_said_to_be_symmetric(programs):
        _require_symmetry(interpreter.arrays, lambda *x: call("matvec", *x), wanted)
    if has_loops(programs.solve):
        solution = solution_nearby(interpreter, equation, inputs)
        if solution is not None:
            return solution
    outputs = call("solve", *wanted)  # and what it returns beside the solution
    if not has_loops(programs.solve):
        return outputs
    system, solution = interpreter.system, outputs[: len(wanted)]
    found = call("matvec", *solution)
    apart = _first_apart(system, found, wanted)
    if apart is None or _is_no_nearer_than_zero(system, found, wanted):
        return outputs
    if programs.vecmat is not None and not _first_apart(system, call("vecmat", *solution), wanted):
        return outputs  # the solution of the system transposed
    raise CannotDecide(
        f"the solver `{source_name(programs.solve)}` of a `custom_linear_solve` returns no "
        f"solution of its system: {_told(*apart)}; either it is wrong, or it iterates until a "
        "tolerance, and then it has no derivative rule that is exact"
    )


def _require_symmetry(
    arrays: ArraySystem, matvec: Callable[..., list[Any]], wanted: list[Any]
) -> None:
    """Holds a solver to its promise ``symmetric=True``, beside which JAX says nothing.

    Of a system that is not symmetric ⟨y, Mx⟩ and ⟨x, My⟩ differ unless all bits of two drawn
    vectors cancel, however many unknowns it has.

    Derivatives along lines that leave the symmetric systems are those of the solver at one, so
    numbers with a part beside their value are not asked.

    Raises:
        CannotDecide: the promise is broken.
    """
    if not isinstance(arrays, Elements) or not isinstance(arrays.system, Ball):
        return
    system = arrays.system
    generator = np.random.default_rng(0)
    x, y = ([system.constants(generator.uniform(-1, 1, w.shape)) for w in wanted] for _ in range(2))
    if system.certainly_differ(_product(system, y, matvec(*x)), _product(system, x, matvec(*y))):
        raise CannotDecide(
            "a `custom_linear_solve` with symmetric=True whose system is not symmetric there"
        )


def _product(system: Any, left: list[Any], right: list[Any]) -> Any:
    """The sum of the products of all entries."""
    total = system.constant(0)
    for u, v in zip(left, right, strict=True):
        for a, b in zip(u.flat, v.flat, strict=True):
            total = total + a * b
    return total


def _told(x: Any, y: Any) -> str:
    if not (isinstance(x, arb) and isinstance(y, arb)):
        return "the derivatives of the two sides differ"
    return f"where {y.str(12, radius=False)} is wanted it has {x.str(12, radius=False)}"


def _first_apart(system: Any, found: list[Any], wanted: list[Any]) -> tuple[Any, Any] | None:
    """The first pair of entries that certainly differ."""
    pairs = (
        pair
        for left, right in zip(found, wanted, strict=True)
        for pair in zip(left.flat, right.flat, strict=True)
    )
    return next((pair for pair in pairs if system.certainly_differ(*pair)), None)


def _is_no_nearer_than_zero(system: Any, found: list[Any], wanted: list[Any]) -> bool:
    """Whether 0, with which iterations start, certainly leaves no larger residual."""
    residual = size = system.constant(0)
    for left, right in zip(found, wanted, strict=True):
        for x, y in zip(left.flat, right.flat, strict=True):
            residual, size = residual + (x - y) * (x - y), size + y * y
    return system.known(system.compare("ge", residual, size)) is True
