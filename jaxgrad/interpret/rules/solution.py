"""The solution that a solver with loops comes near to: of the system itself, by elimination."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.rules.registry import Equation, Value
from jaxgrad.numbers.arrays import ArraySystem
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.elements import Elements
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.jet import Jet
from jaxgrad.numbers.perturbed import Perturbed
from jaxgrad.programs.bounded_loops import with_bounded_loops
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.linear_systems import direct_solve, right_hand_side
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__ = ["FEWEST_BITS", "solution_nearby"]

# To how many bits a solver has to have the solution, or to half those of a float that holds fewer:
# half those of a float32, which a tolerance of 1e-5, JAX's own, leaves of well-conditioned systems.
FEWEST_BITS = 12
# Numbers that are real ones or next to these, as they are or moved.
_NEXT_TO_REAL = Ball | Germ | Jet | Perturbed
# Elimination takes n³/3 operations, some 20 μs each over germs: of so many less than two seconds.
MOST_UNKNOWNS = 64


def solution_nearby(
    interpreter: Interpreter, equation: Equation, inputs: Sequence[Value]
) -> list[Value] | None:
    """The solution of the system of a ``custom_linear_solve``, where its solver comes near to it.

    Its derivative rule takes what the solver returns for the solution, whose derivative it gives.
    A solver that comes near to that of the system transposed has it instead, and is wrong.

    Args:
        interpreter: over real numbers or such as are next to them.
        equation: whose solver has loops.
        inputs: of the equation.

    Returns:
        None where it is not near, or that is not known.
    """
    wanted = right_hand_side(equation)
    if not 0 < sum(math.prod(v.aval.shape) for v in wanted) <= MOST_UNKNOWNS:
        return None
    if not _is_of_real_numbers(interpreter.arrays):
        return None
    transposed = equation.params["jaxprs"].vecmat is not None
    returned: list[Any] = []
    for product in ("matvec", "vecmat") if transposed else ("matvec",):
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
            found = interpreter.call(direct_solve(equation, product), list(inputs))
            returned = returned or _returned(interpreter, equation, inputs)
            if _is_near(interpreter, found, returned[: len(wanted)], wanted):
                return [*found, *(_beside(interpreter, x) for x in returned[len(wanted) :])]
    return None


def _is_of_real_numbers(arrays: ArraySystem) -> bool:
    """Whether that is what numbers are, and not whatever floats may make of them."""
    return isinstance(arrays, Elements) and isinstance(arrays.system, _NEXT_TO_REAL)


def _returned(interpreter: Interpreter, equation: Equation, inputs: Sequence[Value]) -> list[Any]:
    """What the solver returns in floats."""
    lengths, solve = equation.params["const_lengths"], equation.params["jaxprs"].solve
    first = lengths.matvec + lengths.vecmat
    ours = [*range(first, first + lengths.solve), *range(sum(lengths), len(inputs))]
    floats = [_floats(interpreter, inputs[i], equation.invars[i].aval.dtype) for i in ours]
    try:
        # Programs of 64-bit numbers stay such, whatever is being traced.
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            return evaluated(with_bounded_loops(solve), list(map(jnp.asarray, floats)), bind)
    except Exception as error:  # whatever a callback within raises
        raise CannotDecide(f"JAX's own run of a solver fails: {first_line(error)}") from error


def _beside(interpreter: Interpreter, value: Any) -> Value:
    """What a solver returns beside the solution, as how often it turned.

    That is what JAX's own run has; of real numbers, as of a residual, nothing is known.
    """
    value = np.asarray(value)
    if not is_differentiable(value.dtype):
        return value
    system = interpreter.system
    unknown = system.function("log", system.real(arb(0, 1)))
    return objects([unknown] * value.size, value.shape)


def _floats(interpreter: Interpreter, value: Any, dtype: Any) -> Any:
    if is_concrete(value):
        return value
    numbers = [float(_real(interpreter, x).mid()) for x in value.flat]
    return np.array(numbers).reshape(value.shape).astype(dtype)


def _real(interpreter: Interpreter, x: Any) -> arb:
    real, _ = interpreter.system.apart(x)
    if not real.is_finite():
        raise CannotDecide("a number next to no real one")
    return real


def _is_near(
    interpreter: Interpreter, found: list[Value], returned: list[Any], variables: Sequence[Any]
) -> bool:
    """Whether all numbers are the same to so many bits of the largest, or may be the same."""
    bits = min(FEWEST_BITS, *(jnp.finfo(v.aval.dtype).nmant // 2 + 1 for v in variables))
    pairs = [
        (_real(interpreter, x), float(y))
        for ours, theirs in zip(found, returned, strict=True)
        for x, y in zip(np.asarray(ours).flat, np.asarray(theirs, np.float64).flat, strict=True)
    ]
    if not all(math.isfinite(y) for _, y in pairs):
        return False
    largest = max((x.abs_upper() for x, _ in pairs), default=arb(0))
    return all(x.contains(y) or abs(x - y) <= largest * arb(2) ** -bits for x, y in pairs)
