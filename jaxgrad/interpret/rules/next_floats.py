"""The next float: of a number that is one, and of others, between which the floats lie evenly."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.numbers.base import NumberSystem

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


@rule("nextafter")
def _next(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """The neighbour of numbers that are known to be floats, and of others as the next floats lie.

    Source: https://docs.jax.dev/en/latest/_autosummary/jax.lax.nextafter.html, which has the
    derivative 1.
    """
    dtype = equation.outvars[0].aval.dtype
    numbers = interpreter.numbers(equation, inputs)
    found = [
        _floats(interpreter, value, atom)
        for value, atom in zip(numbers, equation.invars, strict=True)
    ]
    floats = [x for x in found if x is not None]
    if len(floats) == len(found):
        with jax.ensure_compile_time_eval():
            return interpreter.arrays.lift(np.nextafter(floats[0], floats[1]).astype(dtype))
    step = functools.partial(_next_beside, interpreter.system, dtype)
    return interpreter.system.map(step, *numbers)


def _floats(interpreter: Interpreter, value: Any, atom: Any) -> np.ndarray | None:
    """Numbers that are known to be floats of their dtype; None where some of them are not."""
    dtype = atom.aval.dtype
    if hasattr(atom, "val"):  # which may be infinite
        return np.asarray(atom.val, dtype)
    known = [_known(interpreter.system, x) for x in value.reshape(-1)]
    floats = np.array([0 if x is None else float(x) for x in known]).astype(dtype)
    exact = (x is not None and x == float(y) for x, y in zip(known, floats, strict=True))
    return floats.reshape(value.shape) if all(exact) else None


def _known(system: NumberSystem, x: Any) -> Fraction | float | None:
    """The number that one is known to be, or the infinity."""
    found = system.exact_value(x)
    if found is not None or system.known(system.is_finite(x)) is not False:
        return found
    zero = system.constant(0)
    above, below = (system.known(system.compare(which, x, zero)) for which in ("gt", "lt"))
    return math.inf if above else -math.inf if below else None


def _next_beside(system: NumberSystem, dtype: Any, x: Any, y: Any) -> Any:
    """x moved towards y by the distance of floats where it lies, between two powers of 2.

    Raises:
        UnsupportedPrimitive: it is not known between which, or on which side of y.
    """
    above, below, same = (system.known(system.compare(which, y, x)) for which in ("gt", "lt", "eq"))
    if same:
        return y
    exponent = _exponent(system, x) if above or below else None
    limits = jax.numpy.finfo(dtype)
    if exponent is None or not limits.minexp <= exponent < limits.maxexp - 1:
        raise UnsupportedPrimitive(
            "`nextafter` of what is known neither to be a float nor to lie between two powers of 2"
        )
    distance = Fraction(2) ** (exponent - limits.nmant)
    return x + system.constant(distance if above else -distance)


def _exponent(system: NumberSystem, x: Any) -> int | None:
    """The n with 2ⁿ < |x| < 2ⁿ⁺¹, if it is known."""
    logarithm, two = system.function("log", system.absolute(x)), system.constant(2)
    quotient = system.divide(logarithm, system.function("log", two))
    found = system.exact_value(system.function("floor", quotient))
    return None if found is None else int(found)
