"""JAX's own programs that read the bits of floats, and the functions of the reals they compute."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.rules.registry import Equation, Outputs, Rule, Value, rule
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.programs.carried_programs import CARRYING, expanded, name_in_jax
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


__all__ = ["bit_program"]

# The exponents e of the floats 2^(e−1) ≤ |x| < 2^e of every dtype, subnormal ones included.
SMALLEST_EXPONENT, LARGEST_EXPONENT = -1073, 1024


def _elementwise(name: str) -> Rule:
    return lambda interpreter, equation, inputs: [
        interpreter.arrays.function(name, *interpreter.numbers(equation, inputs))
    ]


def _sign_bit(system: NumberSystem, x: Any) -> Any:
    """[x < 0], which is open at 0: the bit tells +0 from −0, which are one real number."""
    zero = system.constant(0)
    negative = system.compare("lt", x, zero)
    if system.known(negative) or system.known(system.compare("gt", x, zero)):
        return negative
    return system.compare("lt", system.divide(system.constant(1), x), zero)


def _ldexp(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """x·2ⁿ."""
    x, n = inputs
    if not is_concrete(n):
        raise UnsupportedPrimitive("`ldexp` by an exponent that depends on a real variable")
    x = interpreter.elements(x, equation.invars[0].aval.dtype)
    powers = interpreter.arrays.power(interpreter.arrays.lift(np.asarray(2)), np.asarray(n))
    return [interpreter.arrays.function("mul", x, powers)]


def _frexp(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """The m and the integer e with x = m·2^e and ½ ≤ |m| < 1, both 0 at 0."""
    system = interpreter.system
    x = interpreter.elements(inputs[0], equation.invars[0].aval.dtype)
    exponents = [_exponent(system, a) for a in x.reshape(-1)]
    powers = (system.constant(Fraction(2) ** -e) for e in exponents)
    mantissas = [a * power for a, power in zip(x.reshape(-1), powers, strict=True)]
    outputs = []
    for variable in equation.outvars:  # either may have been left out
        dtype = variable.aval.dtype
        if is_differentiable(dtype):
            outputs.append(objects(mantissas, x.shape))
        else:
            outputs.append(np.array(exponents, dtype).reshape(x.shape))
    return outputs


def _exponent(system: NumberSystem, x: Any) -> int:
    """The smallest e with |x| < 2^e, by bisection."""

    def holds(relation: str, y: Any, z: Any) -> bool:
        known = system.known(system.compare(relation, y, z))
        if known is None:
            raise CannotDecide("the exponent of a float depends on an open comparison")
        return known

    if holds("eq", x, system.constant(0)):
        return 0
    size, low, high = system.absolute(x), SMALLEST_EXPONENT - 1, LARGEST_EXPONENT
    if holds("lt", size, system.constant(Fraction(2) ** low)):
        raise CannotDecide("the exponent of a number that is smaller than every float")
    if not holds("lt", size, system.constant(2**high)):
        raise CannotDecide("the exponent of a number that is larger than every float")
    while high - low > 1:
        middle = (low + high) // 2
        if holds("lt", size, system.constant(Fraction(2) ** middle)):
            high = middle
        else:
            low = middle
    return high


def _sici(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Si(x) and Ci(|x|)."""
    numbers = interpreter.numbers(equation, inputs)
    parts = ("sine_integral", "cosine_integral_of_absolute")
    return [interpreter.arrays.function(part, *numbers) for part in parts]


_ERF, _SPECIAL = "/jax/_src/lax/erf.py", "/jax/_src/scipy/special.py"
_UFUNCS = "/jax/_src/numpy/ufuncs.py"
# Functions with a derivative rule of their own, whose program reads bits, iterates, or is an
# approximation by polynomials: (name, file) -> the kinds of inputs and outputs, the rule.
_WITH_RULES: dict[tuple[str, str], tuple[str, str, Rule]] = {
    ("exp_neg_sq", _ERF): ("f", "f", _elementwise("exp_neg_sq")),
    ("_frexp", _UFUNCS): ("f", "fi", _frexp),
    ("_erfcx", _SPECIAL): ("f", "f", _elementwise("erfcx")),
    ("_erfcinv", _SPECIAL): ("f", "f", _elementwise("erfcinv")),
    ("_dawsn", _SPECIAL): ("f", "f", _elementwise("dawson")),
    ("_expn", _SPECIAL): ("ff", "f", _elementwise("expn")),
    ("_ndtri", _SPECIAL): ("f", "f", _elementwise("ndtri")),
    ("expi", _SPECIAL): ("f", "f", _elementwise("expi")),
    ("hyp1f1", _SPECIAL): ("fff", "f", _elementwise("hyp1f1")),
    ("hyp2f1", _SPECIAL): ("ffff", "f", _elementwise("hyp2f1")),
    ("log_ndtr", _SPECIAL): ("f", "f", _elementwise("log_ndtr")),
    ("_owens_t_impl", _SPECIAL): ("ff", "f", _elementwise("owens_t")),
    ("sici", _SPECIAL): ("f", "ff", _sici),
}


# Primitives that carry their own program, since jax 0.12, by their type.
_CARRYING: dict[str, Rule] = {"Ldexp": _ldexp, "Frexp": _frexp}


def bit_program(inner: Any, equation: Equation) -> Rule | None:
    """The rule of a program that is written for floats, by where it was written; else None.

    A program that was differentiated keeps the name of the function, but the program of a custom
    rule is always the function itself, of which some results may have been left out.
    """
    information = getattr(getattr(inner, "jaxpr", inner), "debug_info", None)
    name, _, place = str(getattr(information, "func_src_info", "")).partition(" at ")
    path = place.rpartition(":")[0].replace("\\", "/")
    known = next((key for key in _NAMES if name == key[0] and path.endswith(key[1])), None)
    if known == _SIGN_BIT:
        # The one boolean that this program makes; tangents stand behind the number.
        floats = set(_kinds(equation.invars)) == {"f"}
        return _sign_bits if floats and _kinds(equation.outvars) == "b" else None
    if known is None or equation.primitive.name != "custom_jvp_call":
        return None
    count = equation.params["num_consts"]  # constants of the program stand before its arguments
    inputs, outputs, meaning = _WITH_RULES[known]
    found = _kinds(equation.outvars)
    arguments = equation.invars[count:]
    if _kinds(arguments) != inputs or found not in (outputs, *_PARTS.get(known, ())):
        return None
    if not _entry_by_entry(arguments, equation.outvars):
        return None
    return lambda interpreter, equation, values: meaning(
        interpreter, equation.replace(invars=arguments), values[count:]
    )


def _entry_by_entry(arguments: Sequence[Any], results: Sequence[Any]) -> bool:
    """Whether NumPy broadcasts the arguments as the program does.

    Of a batch it need not: functions that broadcast within have arguments of shapes (2,) and (2, 2)
    for a number and a vector, each with its first axis for the batch.
    """
    rank = len(results[0].aval.shape)
    return all(len(v.aval.shape) in (0, rank) for v in arguments)


_SIGN_BIT = ("signbit", _UFUNCS)
_NAMES = (*_WITH_RULES, _SIGN_BIT)
# Results that tell by their kind which of several they are, where the others are left out.
_PARTS = {("_frexp", _UFUNCS): ("f", "i")}


def _sign_bits(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    system = interpreter.system
    zero = system.constant(0)

    def sign_bit(x: Any) -> Any:
        return system.carry_out("lt", lambda s, y, _: _sign_bit(s, y), x, zero)

    # Tangents stand behind the number.
    number = interpreter.elements(inputs[0], equation.invars[0].aval.dtype)
    return [interpreter.settle(system.map(sign_bit, number))]


def _kinds(variables: Sequence[Any]) -> str:
    """One letter for each variable: f for floats, i for integers, b for booleans."""
    dtypes = [variable.aval.dtype for variable in variables]
    return "".join("f" if is_differentiable(d) else np.dtype(d).kind for d in dtypes)


@rule(CARRYING, reads=("_prim",), exact_if_known=False)
def _carrying(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """A primitive of JAX's that stands for no program of its own, as it reads bits: what it
    computes; of others the program that it runs."""
    known = _CARRYING.get(name_in_jax(equation))
    if known is not None:
        return known(interpreter, equation, inputs)
    return interpreter.call(expanded(equation), inputs)
