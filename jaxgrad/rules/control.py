"""Calls, custom rules (their primal is interpreted) and control flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.rules.elementwise import apply_elementwise
from jaxgrad.rules.registry import CALLS, inner_jaxpr, rule, scan_counts
from jaxgrad.rules.structural import is_key

# JAX's own functions whose program reads the bits of floats in order to round less, and the real
# functions that their documentation says they are: (name, file) -> function.
DEVICES: dict[tuple[str, str], Callable[[NumberSystem, Any], Any]] = {
    ("exp_neg_sq", "/jax/_src/lax/erf.py"): lambda s, x: s.exp(-(x * x)),
}


@rule(*CALLS)
def _call(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    inner = inner_jaxpr(equation.params)
    device = _device(inner)
    if device is not None:
        return [apply_elementwise(interpreter, equation, inputs, device)]
    return interpreter.call(inner, inputs)


def _device(inner: Any) -> Callable[[NumberSystem, Any], Any] | None:
    """The real function of a program that is written for floats, by where it was written."""
    information = getattr(getattr(inner, "jaxpr", inner), "debug_info", None)
    name, _, place = str(getattr(information, "func_src_info", "")).partition(" at ")
    path = place.rpartition(":")[0].replace("\\", "/")
    for (function, file), meaning in DEVICES.items():
        if name == function and path.endswith(file):
            return meaning
    return None


@rule("scan")
def _scan(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    params = equation.params
    num_constants, num_carry = scan_counts(params)
    constants = inputs[:num_constants]
    carry = list(inputs[num_constants : num_constants + num_carry])
    sequences = inputs[num_constants + num_carry :]
    steps = range(params["length"])
    collected: list[list[Any]] = []
    for i in reversed(steps) if params["reverse"] else steps:
        rows = [sequence[i, ...] for sequence in sequences]
        outputs = interpreter.call(params["jaxpr"], [*constants, *carry, *rows])
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
        if rows and is_key(rows[0]):
            stacked.append(jax.numpy.stack(rows))
        elif rows:
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
    # The choice is a condition made an integer.
    condition = system.compare("ne", index.reshape(())[()], system.constant(0))
    known = system.known(condition)
    if known is not None:
        return interpreter.call(branches[int(known)], operands)
    both = [interpreter.call(branch, list(operands)) for branch in branches]
    return [
        _chosen(interpreter, condition, variable.aval.dtype, *values)
        for variable, *values in zip(equation.outvars, *both, strict=True)
    ]


def _chosen(
    interpreter: Any, condition: Any, dtype: Any, if_false: np.ndarray, if_true: np.ndarray
) -> np.ndarray:
    if is_key(if_false):
        raise UnsupportedPrimitive("`cond` that chooses a PRNG key by an open comparison")
    if if_false.dtype != object and if_true.dtype != object and np.array_equal(if_false, if_true):
        return if_false
    system = interpreter.system
    arrays = [interpreter.elements(value, dtype) for value in (if_false, if_true)]
    return system.map(lambda x, y: system.select(condition, x, y), *arrays)


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
