"""The argument of a complex number, which on the branch cut depends on the sign of a zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flint import arb

from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.programs.complex_functions import ARGUMENT

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__: list[str] = []

_ON_A_CUT = (
    "a complex number on the branch cut of a function (0, or negative): there the sign of a zero "
    "chooses the value, which no real number has"
)


@rule(ARGUMENT)
def _argument(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    imag, real = interpreter.numbers(equation, inputs)
    system = interpreter.system
    pairs = zip(imag.flat, real.flat, strict=True)
    return objects((_angle(system, y, x) for y, x in pairs), imag.shape)


def _angle(system: Any, y: Any, x: Any) -> Any:
    """atan2(y, x); on the cut, of balls, all that it may be."""
    zero = system.constant(0)
    on_line = system.known(system.compare("eq", y, zero))
    if not on_line or system.known(system.compare("gt", x, zero)):
        return system.apply("atan2", y, x)
    if isinstance(y, arb) and isinstance(system, Ball):
        # Next to 0 every angle is found, so that it has none.
        is_negative = system.known(system.compare("lt", x, zero))
        return arb.pi().union(-arb.pi()) if is_negative else arb.nan()
    raise CannotDecide(_ON_A_CUT)
