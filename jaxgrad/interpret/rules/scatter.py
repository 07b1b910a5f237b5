"""Scatters: each update is combined with the entry that it lands on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax
from jax.lax import GatherScatterMode

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import require_real
from jaxgrad.interpret.rules.control import stacked
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.interpret.rules.remembered import places
from jaxgrad.interpret.rules.structural import require_known
from jaxgrad.numbers.arrays import ArraySystem
from jaxgrad.numbers.elements import Elements
from jaxgrad.numbers.perturbed import Perturbed
from jaxgrad.numbers.three_valued import ThreeValued

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__: list[str] = []

# Numbers by which no more is claimed than of the program as it runs here.
_RUN = ThreeValued | Perturbed

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
    flat, updates = operand.reshape(-1), updates.reshape(-1)
    kept = np.flatnonzero(targets >= 0)
    last = _last(targets[kept])
    if len(last) < len(kept):
        if _is_run(interpreter.arrays, equation):
            kept = kept[last]
        else:
            _refuse_duplicates(equation)
    name, program = _SCATTERS[equation.primitive.name], equation.params["update_jaxpr"]
    if name is None and program is not None:  # a plain one may carry a program, of unique updates
        updates = _combined(interpreter, equation, flat[targets[kept]], updates[kept])
        kept, targets = np.arange(len(kept)), targets[kept]
    result = interpreter.arrays.accumulate(name, flat, targets[kept], updates[kept])
    return result.reshape(operand.shape)


def _is_run(arrays: ArraySystem, equation: Equation) -> bool:
    """Whether a program takes updates as they are, over numbers that claim no more than its run."""
    plain = equation.primitive.name == "scatter" and equation.params["update_jaxpr"] is None
    return plain and isinstance(arrays, Elements) and isinstance(arrays.system, _RUN)


def _last(lands: np.ndarray) -> np.ndarray:
    """The places of the last update to every entry, which stays as XLA runs it on a CPU."""
    _, from_the_end = np.unique(lands[::-1], return_index=True)
    return np.sort(len(lands) - 1 - from_the_end)


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


def _combined(
    interpreter: Interpreter, equation: Equation, entries: Value, updates: Value
) -> Value:
    """What the program of a scatter makes of entries and of the updates that land on them."""
    program, constants = equation.params["update_jaxpr"], equation.params["update_consts"]
    if not entries.size:
        return updates
    made = [
        interpreter.run(
            getattr(program, "jaxpr", program), constants, [entries[i, ...], updates[i, ...]]
        )
        for i in range(entries.size)
    ]
    return stacked(interpreter, equation.outvars, made)[0]


def _targets(
    equation: Equation, shape: tuple[int, ...], indices: Any, updates: tuple[int, ...]
) -> np.ndarray:
    """Where each update lands as a flat position, -1 for one that is dropped.

    Raises:
        UnsupportedPrimitive: one is out of bounds that was promised not to be.
    """
    params = equation.params
    promised = params["mode"] == GatherScatterMode.PROMISE_IN_BOUNDS
    mode = GatherScatterMode.FILL_OR_DROP if promised else params["mode"]
    numbers = params["dimension_numbers"]
    targets = places(
        ("scatter", shape, updates, numbers, mode),
        [indices],
        lambda: _landed(shape, indices, updates, numbers, mode),
    )
    if promised and -1 in targets:
        raise UnsupportedPrimitive(
            f"`{equation.primitive.name}` to an index out of bounds that was promised to be in "
            "bounds: what it returns is not defined"
        )
    return targets


def _landed(
    shape: tuple[int, ...], indices: Any, updates: tuple[int, ...], numbers: Any, mode: Any
) -> np.ndarray:
    """Where each update lands, by JAX.

    Adding updates is linear, and its transpose takes to each update the entry it landed on: here
    the number of that entry, counted from 1, and 0 where there is none.
    """

    def land(values: Any) -> Any:
        return lax.scatter_add(
            jax.numpy.zeros(shape, values.dtype),
            jax.numpy.asarray(indices),
            values,
            numbers,
            mode=mode,
        )

    # With 64 bits indices are kept and counts exact.
    with jax.enable_x64(True), jax.ensure_compile_time_eval():
        entries = jax.numpy.arange(1.0, 1.0 + math.prod(shape)).reshape(shape)
        unit = jax.ShapeDtypeStruct(updates, entries.dtype)
        (found,) = jax.linear_transpose(land, unit)(entries)
    return np.asarray(found).reshape(-1).astype(int) - 1
