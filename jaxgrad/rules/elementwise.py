"""Elementwise primitives: arithmetic, functions of one or two numbers, comparisons, selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.program import is_differentiable
from jaxgrad.rules.registry import rule

__all__ = ["ELEMENTWISE", "apply_elementwise"]

S = NumberSystem


def _rsqrt(s: S, x: Any) -> Any:
    return s.divide(s.constant(1), s.sqrt(x))


def _softplus_difference(s: S, x: Any, y: Any) -> Any:
    """log(e^x + e^y) = max + log(1 + e^−|x − y|)."""
    return s.maximum(x, y) + s.log1p(s.exp(-s.absolute(x - y)))


def _method(name: str) -> Callable[..., Any]:
    return lambda s, x: getattr(s, name)(x)


def _function(name: str) -> Callable[..., Any]:
    return lambda s, *xs: s.function(name, *xs)


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
    "abs": _method("absolute"),
    "sign": _method("sign"),
    "exp": _method("exp"),
    "exp2": lambda s, x: s.exp(x * s.log(s.constant(2))),
    "log": _method("log"),
    "log1p": _method("log1p"),
    "expm1": _method("expm1"),
    "logistic": _method("logistic"),
    "tanh": _method("tanh"),
    "sqrt": _method("sqrt"),
    "rsqrt": _rsqrt,
    "pow": lambda s, x, y: s.function("pow", x, y),
    "clamp": lambda s, low, x, high: s.minimum(s.maximum(low, x), high),
    **{
        name: _function(name)
        for name in (
            "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh",
            "atanh", "erf", "erfc", "erf_inv", "lgamma", "digamma", "floor", "ceil", "cbrt",
        )
    },
}  # fmt: skip

# The identity on real numbers: rounding belongs to the question about floats.
IDENTITY = (
    "copy",
    "stop_gradient",
    "reduce_precision",
    "optimization_barrier",
    "real",
    "name",
    "sharding_constraint",
    "mesh_cast",
    "pvary",
)


def apply_elementwise(interpreter: Any, equation: Any, inputs: list[Any], f: Any) -> Any:
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


def is_discrete(interpreter: Any, equation: Any, inputs: list[Any]) -> bool:
    """Whether an equation involves known integers or booleans only."""
    from jaxgrad.interpret import is_concrete

    return all(is_concrete(value) for value in inputs)


def evaluate(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    """Runs a primitive on concrete values, where it is exact."""
    from jaxgrad.interpret import as_jax

    outputs = equation.primitive.bind(*map(as_jax, inputs), **equation.params)
    return [
        interpreter.lift(x) for x in (outputs if equation.primitive.multiple_results else [outputs])
    ]


def _make(name: str, f: Callable[..., Any]) -> None:
    @rule(name)
    def apply(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        if not is_differentiable(equation.outvars[0].aval.dtype):
            raise UnsupportedPrimitive(
                f"`{name}` on integers or booleans that depend on a real variable has no rule"
            )
        return apply_elementwise(interpreter, equation, inputs, f)


for _name, _f in ELEMENTWISE.items():
    _make(_name, _f)


@rule(*IDENTITY)
def _identity(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    return list(inputs)


@rule("integer_pow")
def _integer_pow(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    n = equation.params["y"]
    return apply_elementwise(interpreter, equation, inputs, lambda s, x: s.power(x, n))


@rule("pow")
def _pow(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    """x^y: an integer exponent is a repeated product, whatever the sign of x."""
    from jaxgrad.interpret import is_concrete

    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    base, exponent = inputs
    if is_concrete(exponent):
        system = interpreter.system
        base = interpreter.elements(base, equation.invars[0].aval.dtype)
        powers = np.asarray(exponent).astype(object)
        return system.map(lambda x, n: system.power(x, int(n)), base, powers)
    return apply_elementwise(interpreter, equation, inputs, lambda s, x, y: s.function("pow", x, y))


@rule("lt", "le", "gt", "ge", "eq", "ne", "lt_to", "le_to")
def _compare(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    name = equation.primitive.name
    if equation.invars[0].aval.dtype == np.dtype(bool):
        return _compare_truths(interpreter, name, inputs)
    result = apply_elementwise(
        interpreter, equation, inputs, lambda s, x, y: s.compare(name[:2], x, y)
    )
    return interpreter.settle(result)


def _compare_truths(interpreter: Any, name: str, inputs: list[Any]) -> Any:
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
    def apply(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        truths = [interpreter.truths(value) for value in inputs]
        system = interpreter.system
        return interpreter.settle(system.map(lambda *ps: f(system, *ps), *truths))


_logical("and", lambda s, p, q: s.logical_and(p, q))
_logical("or", lambda s, p, q: s.logical_or(p, q))
_logical("not", lambda s, p: s.logical_not(p))
_logical(
    "xor",
    lambda s, p, q: s.logical_and(s.logical_or(p, q), s.logical_not(s.logical_and(p, q))),
)


@rule("is_finite")
def _is_finite(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    result = apply_elementwise(interpreter, equation, inputs, lambda s, x: s.is_finite(x))
    return interpreter.settle(result)


@rule("select_n")
def _select_n(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    from jaxgrad.interpret import is_concrete

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
    result = system.map(system.select, np.broadcast_to(predicate, shape), *cases)
    return interpreter.settle(result) if np.dtype(dtype) == bool else result


def _choose(chosen: np.ndarray, cases: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack([np.broadcast_to(case, chosen.shape).reshape(-1) for case in cases])
    return stacked[chosen.reshape(-1), np.arange(chosen.size)].reshape(chosen.shape)


@rule("convert_element_type")
def _convert_element_type(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    from jaxgrad.interpret import is_concrete

    (value,) = inputs
    new = equation.params["new_dtype"]
    system = interpreter.system
    if is_concrete(value):
        if is_differentiable(new):  # an integer is the same real number
            return system.constants(np.asarray(value))
        return evaluate(interpreter, equation, inputs)
    if equation.invars[0].aval.dtype == np.dtype(bool):
        if not is_differentiable(new):
            raise UnsupportedPrimitive("an integer made from a condition on a real variable")
        return system.map(system.number, value)
    if is_differentiable(new):
        return value
    if np.dtype(new) == bool:
        zero = system.constant(0)
        return interpreter.settle(system.map(lambda x: system.compare("ne", x, zero), value))
    raise UnsupportedPrimitive(
        f"convert_element_type to {np.dtype(new).name} of a value that depends on a real variable"
    )


@rule("nextafter", "bitcast_convert_type", "random_bits")
def _no_real_meaning(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    raise UnsupportedPrimitive(
        f"`{equation.primitive.name}` reads the bits of a float, which is no function of the reals"
    )


