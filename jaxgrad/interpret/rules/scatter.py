"""Scatters: each update is combined with the entry that it lands on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax
from jax.lax import GatherScatterMode

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import evaluate, is_discrete, require_real
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.numbers.base import objects

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


_SCATTERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "scatter": lambda s, x, y: y,
    "scatter-add": lambda s, x, y: x + y,
    "scatter-sub": lambda s, x, y: x - y,
    "scatter-mul": lambda s, x, y: x * y,
    "scatter-max": lambda s, x, y: s.maximum(x, y),
    "scatter-min": lambda s, x, y: s.minimum(x, y),
}


def _register(name: str, combine: Callable[[Any, Any, Any], Any]) -> None:
    @rule(
        name,
        reads=("dimension_numbers", "mode", "unique_indices", "update_jaxpr", "update_consts"),
    )
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        operand, indices, updates = inputs
        if indices.dtype == object:
            raise UnsupportedPrimitive(f"`{name}` with an index that depends on a real variable")
        dtype = equation.outvars[0].aval.dtype
        if name != "scatter":
            require_real(equation)
        operand, updates = (interpreter.elements(value, dtype) for value in (operand, updates))
        targets = _targets(equation, operand.shape, indices, updates.shape)
        landed = [target for target in targets if target >= 0]
        if len(set(landed)) < len(landed):
            _refuse_duplicates(equation)
        combined = _combination(interpreter, equation, combine)
        out = operand.reshape(-1).copy()
        for update, target in zip(updates.reshape(-1), targets, strict=True):
            if target >= 0:
                out[target] = combined(out[target], update)
        return out.reshape(operand.shape)


def _refuse_duplicates(equation: Equation) -> None:
    name = equation.primitive.name
    if name == "scatter":
        raise UnsupportedPrimitive(
            "`scatter` of two updates to one entry: which of them stays is not defined"
        )
    if equation.params["unique_indices"]:
        raise UnsupportedPrimitive(
            f"`{name}` of two updates to one entry, with indices that were promised to be unique: "
            "what it returns is not defined"
        )


def _combination(
    interpreter: Interpreter, equation: Equation, combine: Callable[[Any, Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    """What becomes of an entry and its update; a plain ``scatter`` may carry a program for it."""
    program = equation.params["update_jaxpr"]
    if equation.primitive.name != "scatter" or program is None:
        return lambda x, y: combine(interpreter.system, x, y)
    constants = equation.params["update_consts"]

    def run(x: Any, y: Any) -> Any:
        inputs = [objects([x], ()), objects([y], ())]
        (out,) = interpreter.run(getattr(program, "jaxpr", program), constants, inputs)
        return interpreter.elements(out, equation.outvars[0].aval.dtype)[()]

    return run


for _name, _combine in _SCATTERS.items():
    _register(_name, _combine)


def _targets(
    equation: Equation, shape: tuple[int, ...], indices: Any, updates: tuple[int, ...]
) -> list[int]:
    """Where each update lands as a flat position, -1 for one that is dropped.

    Raises:
        UnsupportedPrimitive: one is out of bounds that was promised not to be.

    Adding updates is linear, and its transpose takes to each update the entry it landed on: here
    the number of that entry, counted from 1, and 0 where there is none.
    """
    params = equation.params
    promised = params["mode"] == GatherScatterMode.PROMISE_IN_BOUNDS

    def land(values: Any) -> Any:
        return lax.scatter_add(
            jax.numpy.zeros(shape, values.dtype),
            jax.numpy.asarray(indices),
            values,
            params["dimension_numbers"],
            mode=GatherScatterMode.FILL_OR_DROP if promised else params["mode"],
        )

    with jax.enable_x64(True):  # keeps 64-bit indices, and counts exactly
        numbers = jax.numpy.arange(1.0, 1.0 + math.prod(shape)).reshape(shape)
        unit = jax.ShapeDtypeStruct(updates, numbers.dtype)
        (found,) = jax.linear_transpose(land, unit)(numbers)
    targets = [int(number) - 1 for number in np.asarray(found).reshape(-1)]
    if promised and -1 in targets:
        raise UnsupportedPrimitive(
            f"`{equation.primitive.name}` to an index out of bounds that was promised to be in "
            "bounds: what it returns is not defined"
        )
    return targets
