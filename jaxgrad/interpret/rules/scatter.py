"""Scatters: each update is combined with the entry that it lands on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax
from jax.lax import GatherScatterMode

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import require_real
from jaxgrad.interpret.rules.control import stacked
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.interpret.rules.structural import require_known

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__ = ["landed"]

Combination = Callable[[Value, Value], Value]
"""What becomes of entries and of the updates that land on them, both of shape (n,)."""

# scatter primitive -> what it combines by; the plain one takes the update.
_SCATTERS = {
    "scatter": None,
    "scatter-add": "add",
    "scatter-sub": "sub",
    "scatter-mul": "mul",
    "scatter-max": "max",
    "scatter-min": "min",
}


@rule(
    *_SCATTERS,
    reads=("dimension_numbers", "mode", "unique_indices", "update_jaxpr", "update_consts"),
)
def _scatter(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    operand, indices, updates = inputs
    require_known(equation, indices)
    if equation.primitive.name != "scatter":
        require_real(equation)
    operand, updates = interpreter.alike(equation, [operand, updates])
    targets = _targets(equation, operand.shape, indices, updates.shape)
    lands = targets[targets >= 0]
    if len(set(lands.tolist())) < len(lands):
        _refuse_duplicates(equation)
    combined = landed(
        interpreter,
        operand.reshape(-1),
        targets,
        updates.reshape(-1),
        _combination(interpreter, equation),
    )
    return combined.reshape(operand.shape)


def landed(
    interpreter: Interpreter, flat: Value, targets: np.ndarray, updates: Value, f: Combination
) -> Value:
    """The entries after every update has been combined with the one it lands on, in order.

    Args:
        flat: the entries, of shape (n,).
        targets: for each update its place among the entries, negative for one that is dropped.
        updates: of shape (k,).
        f: how they are combined.
    """
    for chosen in _rounds(targets):
        places = targets[chosen]
        # Where each entry of the result is among the old ones and, behind them, the new ones.
        result = np.arange(flat.size)
        result[places] = flat.size + np.arange(len(chosen))
        made = f(flat[places], updates[chosen])
        flat = interpreter.arrays.move(
            lambda xp, old, new, result=result: xp.concatenate([old, new])[result], flat, made
        )
    return flat


def _rounds(targets: np.ndarray) -> Iterator[np.ndarray]:
    """The updates that land, in lots of which no two land on one entry, in their order."""
    waiting = np.flatnonzero(targets >= 0)
    while len(waiting):
        _, first = np.unique(targets[waiting], return_index=True)
        first.sort()
        yield waiting[first]
        waiting = np.delete(waiting, first)


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


def _combination(interpreter: Interpreter, equation: Equation) -> Combination:
    """How an update is combined with its entry; a plain ``scatter`` may carry a program for it."""
    operation, program = _SCATTERS[equation.primitive.name], equation.params["update_jaxpr"]
    if operation is not None:
        return lambda x, y: interpreter.arrays.function(operation, x, y)
    if program is None:
        return lambda x, y: y
    constants = equation.params["update_consts"]

    def run(x: Value, y: Value) -> Value:
        made = [
            interpreter.run(getattr(program, "jaxpr", program), constants, [x[i, ...], y[i, ...]])
            for i in range(x.size)
        ]
        return stacked(interpreter, equation.outvars, made)[0]

    return run


def _targets(
    equation: Equation, shape: tuple[int, ...], indices: Any, updates: tuple[int, ...]
) -> np.ndarray:
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

    # With 64 bits indices are kept and counts exact.
    with jax.enable_x64(True), jax.ensure_compile_time_eval():
        numbers = jax.numpy.arange(1.0, 1.0 + math.prod(shape)).reshape(shape)
        unit = jax.ShapeDtypeStruct(updates, numbers.dtype)
        (found,) = jax.linear_transpose(land, unit)(numbers)
    targets = np.asarray(found).reshape(-1).astype(int) - 1
    if promised and -1 in targets:
        raise UnsupportedPrimitive(
            f"`{equation.primitive.name}` to an index out of bounds that was promised to be in "
            "bounds: what it returns is not defined"
        )
    return targets
