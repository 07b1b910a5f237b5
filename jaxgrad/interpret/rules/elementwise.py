"""Elementwise primitives: arithmetic, functions of one or two numbers, comparisons, selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import (
    evaluate,
    is_concrete,
    is_discrete,
    require_real,
    require_truth,
)
from jaxgrad.interpret.rules.logic import CHOICES, differ
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.base import COMPLEX, NumberSystem
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


__all__ = ["ELEMENTWISE", "apply_elementwise", "make_rule"]


def _horner(s: NumberSystem, x: Any, *coefficients: Any) -> Any:
    """c₀ + c₁x + c₂x² + …"""
    result = s.constant(0)
    for coefficient in reversed(coefficients):
        result = result * x + coefficient
    return result


def _function(name: str) -> Callable[..., Any]:
    return lambda s, *xs: s.apply(name, *xs)


# primitive -> the real function it is, in the operations of a number system.
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": lambda s, x, y: x + y,
    "add_any": lambda s, x, y: x + y,
    "sub": lambda s, x, y: x - y,
    "mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: s.divide(x, y),
    "neg": lambda s, x: -x,
    "square": lambda s, x: x * x,
    "one_minus_square": lambda s, x: s.constant(1) - x * x,
    "max": lambda s, x, y: s.maximum(x, y),
    "min": lambda s, x, y: s.minimum(x, y),
    "abs": lambda s, x: s.absolute(x),
    "sign": lambda s, x: s.sign(x),
    "polynomial": _horner,
    "clamp": lambda s, low, x, high: s.minimum(s.maximum(low, x), high),
    **{name: _function(name) for name, known in FUNCTIONS.items() if known.elementwise},
}

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
}


def apply_elementwise(
    interpreter: Interpreter, equation: Equation, inputs: list[Value], f: Any
) -> Any:
    """Applies f(system, *elements) to broadcast inputs."""
    system = interpreter.system
    arrays = [
        interpreter.elements(value, atom.aval.dtype)
        for value, atom in zip(inputs, equation.invars, strict=True)
    ]
    name = equation.primitive.name

    def apply(*xs: Any) -> Any:
        if any(isinstance(x, NonFinite) for x in xs):
            return apply_nonfinite(system, name, xs)
        return f(system, *xs)

    return system.map(apply, *arrays)


def real_or_none(dtype: Any) -> bool:
    """Whether the dtype of a result is that of the inputs, or floating point: of real numbers.

    To integers the inputs would be converted first, which cuts their fractions off.
    """
    return dtype is None or is_differentiable(dtype)


def make_rule(name: str, f: Callable[..., Any]) -> None:
    """Registers the rule of a primitive that is f(system, *elements) of each entry."""
    harmless = {"out_dtype": real_or_none} if name == "mul" else {}

    @rule(name, harmless=harmless)
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        if name in CHOICES and equation.outvars[0].aval.dtype == np.dtype(bool):
            return _of_truths(interpreter, inputs, CHOICES[name])
        require_real(equation)
        return apply_elementwise(interpreter, equation, inputs, f)


for _name, _f in ELEMENTWISE.items():
    make_rule(_name, _f)


def _of_truths(interpreter: Interpreter, inputs: list[Value], f: Callable[..., Any]) -> Any:
    truths = [interpreter.truths(value) for value in inputs]
    system = interpreter.system
    return interpreter.settle(system.map(lambda *ps: f(system, *ps), *truths))


def _identity(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    return list(inputs)


for _name, _unread in IDENTITY.items():
    rule(_name, harmless=dict.fromkeys(_unread, anything))(_identity)


@rule("integer_pow", reads=("y",))
def _integer_pow(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    require_real(equation)
    n = equation.params["y"]
    return apply_elementwise(interpreter, equation, inputs, lambda s, x: s.power(x, n))


@rule("pow")
def _pow(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """x^y: an integer exponent is a repeated product, whatever the sign of x."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    require_real(equation)
    base, exponent = inputs
    if is_concrete(exponent):
        system = interpreter.system
        base = interpreter.elements(base, equation.invars[0].aval.dtype)
        powers = np.asarray(exponent).astype(object)
        return system.map(lambda x, n: system.power(x, int(n)), base, powers)
    return apply_elementwise(interpreter, equation, inputs, lambda s, x, y: s.function("pow", x, y))


@rule("round", reads=("rounding_method",))
def _round(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    method = equation.params["rounding_method"].name
    name = {"AWAY_FROM_ZERO": "round_half_away", "TO_NEAREST_EVEN": "round_half_even"}[method]
    return apply_elementwise(interpreter, equation, inputs, lambda s, x: s.function(name, x))


@rule("lt", "le", "gt", "ge", "eq", "ne")
def _compare(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    name = str(equation.primitive.name)
    if equation.invars[0].aval.dtype == np.dtype(bool):
        return _compare_truths(interpreter, name, inputs)
    result = apply_elementwise(interpreter, equation, inputs, lambda s, x, y: s.compare(name, x, y))
    return interpreter.settle(result)


def _compare_truths(interpreter: Interpreter, name: str, inputs: list[Value]) -> Outputs:
    system = interpreter.system
    p, q = (interpreter.truths(value) for value in inputs)

    def same(a: Any, b: Any) -> Any:
        both = system.logical_and(a, b)
        return system.logical_or(both, system.logical_not(system.logical_or(a, b)))

    if name == "eq":
        return interpreter.settle(system.map(same, p, q))
    if name == "ne":
        return interpreter.settle(system.map(lambda a, b: system.logical_not(same(a, b)), p, q))
    raise UnsupportedPrimitive(f"`{name}` on booleans that depend on a real variable has no rule")


def _logical(name: str, f: Callable[..., Any]) -> None:
    @rule(name)
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        require_truth(equation)
        return _of_truths(interpreter, inputs, f)


_logical("and", lambda s, p, q: s.logical_and(p, q))
_logical("or", lambda s, p, q: s.logical_or(p, q))
_logical("not", lambda s, p: s.logical_not(p))
_logical("xor", differ)


@rule("is_finite")
def _is_finite(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    result = apply_elementwise(interpreter, equation, inputs, lambda s, x: s.is_finite(x))
    return interpreter.settle(result)


@rule("select_n")
def _select_n(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    predicate, *cases = inputs
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    dtype = equation.outvars[0].aval.dtype
    cases = [interpreter.elements(case, dtype) for case in cases]
    shape = equation.outvars[0].aval.shape
    if is_concrete(predicate):
        chosen = np.broadcast_to(np.asarray(predicate).astype(int), shape)
        return _choose(chosen, cases)
    system = interpreter.system
    predicate = np.broadcast_to(predicate, shape)
    if equation.invars[0].aval.dtype == np.dtype(bool):
        result = system.map(system.select, predicate, *cases)
    else:
        result = system.map(lambda i, *xs: _by_number(system, i, xs), predicate, *cases)
    return interpreter.settle(result) if np.dtype(dtype) == bool else result


def _by_number(system: NumberSystem, number: Any, cases: tuple[Any, ...]) -> Any:
    """The case of this number, which is open."""
    result = cases[0]
    for i, case in enumerate(cases[1:], 1):
        result = system.select(system.compare("eq", number, system.constant(i)), result, case)
    return result


def _choose(chosen: np.ndarray, cases: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack([np.broadcast_to(case, chosen.shape).reshape(-1) for case in cases])
    return stacked[chosen.reshape(-1), np.arange(chosen.size)].reshape(chosen.shape)


# A weak type says how dtypes are promoted later on, which the tracing has done.
@rule("convert_element_type", reads=("new_dtype",), harmless={"weak_type": anything})
def _convert_element_type(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    (value,) = inputs
    new = equation.params["new_dtype"]
    system = interpreter.system
    if np.issubdtype(new, np.complexfloating):
        raise UnsupportedPrimitive(COMPLEX)
    if is_concrete(value):
        if is_differentiable(new):  # an integer is the same real number
            return system.constants(np.asarray(value))
        return evaluate(interpreter, equation, inputs)
    if equation.invars[0].aval.dtype == np.dtype(bool):
        if np.dtype(new) == bool:
            return value
        return system.map(system.number, value)  # also 0 or 1 as an integer
    if is_differentiable(new):
        return value
    if np.dtype(new) == bool:
        zero = system.constant(0)
        return interpreter.settle(system.map(lambda x: system.compare("ne", x, zero), value))
    return _truncated(interpreter, value, new)


def _truncated(interpreter: Interpreter, value: np.ndarray, dtype: Any) -> np.ndarray:
    """Known real numbers as integers, rounded towards 0."""
    if not np.issubdtype(dtype, np.integer):
        raise UnsupportedPrimitive(
            f"convert_element_type to {np.dtype(dtype).name}: complex numbers have no rules yet"
        )
    known = [interpreter.system.exact_value(x) for x in value.reshape(-1)]
    whole = [None if x is None else int(x) for x in known]
    limits = np.iinfo(dtype)
    if any(n is None or not limits.min <= n <= limits.max for n in whole):
        raise UnsupportedPrimitive(
            f"convert_element_type to {np.dtype(dtype).name} of a value that depends on a real "
            "variable, or that does not fit"
        )
    return np.array(whole, dtype).reshape(value.shape)


# Known numbers are given to the primitive itself, with all its parameters.
@rule("nextafter", "bitcast_convert_type", "random_bits", reads=("new_dtype", "bit_width", "shape"))
def _no_real_meaning(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    raise UnsupportedPrimitive(
        f"`{equation.primitive.name}` reads the bits of a float, which is no function of the reals"
    )
