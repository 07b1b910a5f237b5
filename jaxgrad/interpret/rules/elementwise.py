"""Elementwise primitives: arithmetic, functions of one or two numbers, comparisons, selection."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import (
    evaluate,
    is_concrete,
    require_real,
    require_truth,
)
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.operations import LOGIC, OPERATIONS
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


__all__ = ["ELEMENTWISE", "IDENTITY", "make_rule", "real_or_none"]

# The primitives that are one function of each entry, arithmetic included.
ELEMENTWISE = (*OPERATIONS, *(name for name, known in FUNCTIONS.items() if known.elementwise))

# The identity on real numbers -> the parameters that leave it so: rounding belongs to the question
# about floats, the others are where an array lies and what it is called.
IDENTITY: dict[str, tuple[str, ...]] = {
    "copy": (),
    "device_put": ("devices", "srcs", "copy_semantics"),
    "stop_gradient": (),
    "reduce_precision": ("exponent_bits", "mantissa_bits"),
    "optimization_barrier": (),
    "name": ("name",),
    "sharding_constraint": ("layout", "context_mesh", "unconstrained_dims"),
    "layout_constraint": ("layout",),
    "reshard": ("dst_sharding", "concrete_mesh"),
}


def real_or_none(dtype: Any) -> bool:
    """Whether the dtype of a result is that of the inputs, or floating point: of real numbers.

    To integers the inputs would be converted first, which cuts their fractions off.
    """
    return dtype is None or is_differentiable(dtype)


def make_rule(name: str) -> None:
    """Registers the rule of a primitive that is the function of its name, of each entry."""
    harmless = {"out_dtype": real_or_none} if name == "mul" else {}

    @rule(name, harmless=harmless)
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if name in LOGIC and equation.outvars[0].aval.dtype == np.dtype(bool):
            return _of_truths(interpreter, name, inputs)
        require_real(equation)
        return interpreter.arrays.function(name, *interpreter.numbers(equation, inputs))


for _name in ELEMENTWISE:
    make_rule(_name)


def _of_truths(interpreter: Interpreter, name: str, inputs: list[Value]) -> Value:
    truths = [interpreter.truths(value) for value in inputs]
    return interpreter.settle(interpreter.arrays.logic(name, *truths))


def _identity(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    return list(inputs)


for _name, _unread in IDENTITY.items():
    rule(_name, harmless=dict.fromkeys(_unread, anything), exact_if_known=False)(_identity)


@rule("integer_pow", reads=("y",))
def _integer_pow(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    require_real(equation)
    (base,) = interpreter.numbers(equation, inputs)
    return interpreter.arrays.power(base, np.asarray(equation.params["y"]))


@rule("pow")
def _pow(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """x^y: an integer exponent is a repeated product, whatever the sign of x."""
    require_real(equation)
    base, exponent = inputs
    if is_concrete(exponent):
        base = interpreter.elements(base, equation.invars[0].aval.dtype)
        return interpreter.arrays.power(base, exponent)
    return interpreter.arrays.function("pow", *interpreter.numbers(equation, inputs))


@rule("round", reads=("rounding_method",))
def _round(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    method = equation.params["rounding_method"].name
    name = {"AWAY_FROM_ZERO": "round_half_away", "TO_NEAREST_EVEN": "round_half_even"}[method]
    return interpreter.arrays.function(name, *interpreter.numbers(equation, inputs))


@rule("lt", "le", "gt", "ge", "eq", "ne")
def _compare(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    name = str(equation.primitive.name)
    if equation.invars[0].aval.dtype == np.dtype(bool):
        if name not in LOGIC:
            raise UnsupportedPrimitive(
                f"`{name}` on booleans that depend on a real variable has no rule"
            )
        return _of_truths(interpreter, name, inputs)
    numbers = interpreter.numbers(equation, inputs)
    return interpreter.settle(interpreter.arrays.compare(name, *numbers))


@rule("and", "or", "not", "xor")
def _logical(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    require_truth(equation)
    return _of_truths(interpreter, str(equation.primitive.name), inputs)


@rule("is_finite")
def _is_finite(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    return interpreter.settle(interpreter.arrays.is_finite(inputs[0]))


@rule("select_n")
def _select_n(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    predicate, *cases = inputs
    variable = equation.outvars[0].aval
    cases = [interpreter.elements(case, variable.dtype) for case in cases]
    if is_concrete(predicate):
        return interpreter.arrays.move(
            functools.partial(_choose, np.asarray(predicate).astype(int)), *cases
        )
    if equation.invars[0].aval.dtype == np.dtype(bool):
        result = interpreter.arrays.select(predicate, *cases)
    else:
        result = _by_number(interpreter, predicate, cases)
    return interpreter.settle(result) if variable.dtype == np.dtype(bool) else result


def _by_number(interpreter: Interpreter, number: Value, cases: list[Value]) -> Value:
    """The case of this number, which is open."""
    arrays, result = interpreter.arrays, cases[0]
    for i, case in enumerate(cases[1:], 1):
        is_this = arrays.compare("eq", number, arrays.lift(np.asarray(i)))
        result = arrays.select(is_this, result, case)
    return result


def _choose(chosen: np.ndarray, xp: Any, *cases: Any) -> Any:
    """The case that is chosen at each entry, or everywhere."""
    result = cases[0]
    for i, case in enumerate(cases[1:], 1):
        result = xp.where(chosen == i, case, result)
    return result


# A weak type says how dtypes are promoted later on, which the tracing has done.
@rule(
    "convert_element_type",
    reads=("new_dtype",),
    harmless={"weak_type": anything},
    exact_if_known=False,
)
def _convert_element_type(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    (value,) = inputs
    new, arrays = equation.params["new_dtype"], interpreter.arrays
    if is_concrete(value):
        if is_differentiable(new):  # an integer is the same real number
            return arrays.lift(np.asarray(value))
        return evaluate(interpreter, equation, inputs)
    if equation.invars[0].aval.dtype == np.dtype(bool):
        if np.dtype(new) == bool:
            return value
        return arrays.number(value)  # also 0 or 1 as an integer
    if is_differentiable(new):
        return value
    if np.dtype(new) == bool:
        return interpreter.settle(arrays.compare("ne", value, arrays.lift(np.asarray(0))))
    return _truncated(interpreter, value, new)


def _truncated(interpreter: Interpreter, value: Value, dtype: Any) -> np.ndarray:
    """Known real numbers as integers, rounded towards 0."""
    whole = interpreter.arrays.integers(value)
    limits = np.iinfo(dtype)
    if any(n is None or not limits.min <= n <= limits.max for n in whole):
        raise UnsupportedPrimitive(
            f"convert_element_type to {np.dtype(dtype).name} of a value that depends on a real "
            "variable, or that does not fit"
        )
    return np.array(whole, dtype).reshape(value.shape)


# Known numbers are given to the primitive itself, with all its parameters.
@rule("bitcast_convert_type", "random_bits", reads=("new_dtype", "bit_width", "shape"))
def _no_real_meaning(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    raise UnsupportedPrimitive(
        f"`{equation.primitive.name}` reads the bits of a float, which is no function of the reals"
    )
