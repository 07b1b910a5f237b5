"""Calls, custom rules (their primal is interpreted) and control flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.rules.registry import inner_jaxpr, rule


@rule(
    "jit",
    "pjit",
    "closed_call",
    "core_call",
    "call",
    "remat",
    "remat2",
    "checkpoint",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_vjp_call_jaxpr",
    "custom_lin",
)
def _call(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    return interpreter.call(inner_jaxpr(equation.params), inputs)


@rule("scan")
def _scan(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    params = equation.params
    constants = inputs[: params["num_consts"]]
    carry = list(inputs[params["num_consts"] : params["num_consts"] + params["num_carry"]])
    sequences = inputs[params["num_consts"] + params["num_carry"] :]
    steps = range(params["length"])
    collected: list[list[Any]] = []
    for i in reversed(steps) if params["reverse"] else steps:
        outputs = interpreter.call(params["jaxpr"], [*constants, *carry, *(s[i, ...] for s in sequences)])
        outputs = [np.asarray(value) for value in outputs]
        carry = outputs[: len(carry)]
        collected.append(outputs[len(carry) :])
    if params["reverse"]:
        collected.reverse()
    return carry + _stacked(interpreter, equation.outvars[len(carry) :], collected)


def _stacked(interpreter: Any, variables: Any, collected: list[list[Any]]) -> list[Any]:
    stacked = []
    for k, variable in enumerate(variables):
        rows = [row[k] for row in collected]
        if any(row.dtype == object for row in rows):
            rows = [interpreter.elements(row, variable.aval.dtype) for row in rows]
        if rows:
            stacked.append(np.stack(rows))
        else:
            stacked.append(interpreter.lift(np.zeros(variable.aval.shape, variable.aval.dtype)))
    return stacked


@rule("cond")
def _cond(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    """Runs the chosen branch; where the choice is open, both, and selects entry by entry."""
    index, *operands = inputs
    branches = equation.params["branches"]
    if index.dtype != object:
        chosen = min(max(int(index), 0), len(branches) - 1)
        return interpreter.call(branches[chosen], operands)
    if len(branches) != 2:
        raise UnsupportedPrimitive("`cond` of more than two branches with an open choice")
    system = interpreter.system
    condition = index.reshape(())[()]
    both = [interpreter.call(branch, list(operands)) for branch in branches]
    outputs = []
    for variable, if_false, if_true in zip(equation.outvars, *both, strict=True):
        arrays = [interpreter.elements(value, variable.aval.dtype) for value in (if_false, if_true)]
        outputs.append(system.map(lambda x, y: system.select(condition, x, y), *arrays))
    return outputs


@rule("while")
def _while(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    params = equation.params
    split = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    test_constants, constants = inputs[: split[0]], inputs[split[0] : split[1]]
    carry = list(inputs[split[1] :])
    while True:
        (condition,) = interpreter.call(params["cond_jaxpr"], [*test_constants, *carry])
        if condition.dtype == object:
            raise CannotDecide("whether a `while_loop` goes on depends on an open comparison")
        if not bool(condition):
            return carry
        carry = interpreter.call(params["body_jaxpr"], [*constants, *carry])
