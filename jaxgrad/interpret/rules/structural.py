"""Primitives that only move data: one lookup of integer labels serves every number system."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import GatherScatterMode

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import bind, evaluate, is_discrete
from jaxgrad.interpret.rules.registry import Equation, Outputs, Rule, Value, rule
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


def is_key(value: Any) -> bool:
    """Whether a value is an array of PRNG keys, which NumPy cannot hold."""
    return bool(jnp.issubdtype(value.dtype, jax.dtypes.extended))


Move = Callable[[np.ndarray, Equation], Value | list[Value]]


def _moving(name: str, *reads: str) -> Callable[[Move], Rule]:
    """Registers a rule that moves the entries of one NumPy array; keys are moved by JAX.

    Args:
        name: of the primitive.
        reads: its parameters.
    """

    def register(move: Move) -> Rule:
        @rule(name, reads=reads)
        def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
            if is_key(inputs[0]):
                return evaluate(interpreter, equation, inputs)
            return move(inputs[0], equation)

        return apply

    return register


@_moving("reshape", "new_sizes", "dimensions")
def _reshape(value: np.ndarray, equation: Equation) -> np.ndarray:
    dimensions = equation.params.get("dimensions")  # in which order the axes are read
    value = value if dimensions is None else value.transpose(dimensions)
    return value.reshape(equation.outvars[0].aval.shape)


@_moving("squeeze", "dimensions")
def _squeeze(value: np.ndarray, equation: Equation) -> np.ndarray:
    return value.reshape(equation.outvars[0].aval.shape)  # axes of length 1 are left out


@_moving("transpose", "permutation")
def _transpose(value: np.ndarray, equation: Equation) -> np.ndarray:
    return value.transpose(equation.params["permutation"])


@_moving("broadcast_in_dim", "shape", "broadcast_dimensions")
def _broadcast_in_dim(value: np.ndarray, equation: Equation) -> np.ndarray:
    shape = equation.outvars[0].aval.shape
    sizes = [1] * len(shape)
    for axis, size in zip(equation.params["broadcast_dimensions"], value.shape, strict=True):
        sizes[axis] = size
    return np.broadcast_to(value.reshape(sizes), shape)


@_moving("slice", "start_indices", "limit_indices", "strides")
def _slice(value: np.ndarray, equation: Equation) -> np.ndarray:
    params = equation.params
    strides = params["strides"] or (1,) * value.ndim
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return value[tuple(slice(*map(int, bound)) for bound in bounds)]


@_moving("rev", "dimensions")
def _rev(value: np.ndarray, equation: Equation) -> np.ndarray:
    return np.flip(value, equation.params["dimensions"])


@_moving("tile", "reps")
def _tile(value: np.ndarray, equation: Equation) -> np.ndarray:
    return np.tile(value, equation.params["reps"])


@_moving("split", "sizes", "axis")
def _split(value: np.ndarray, equation: Equation) -> list[np.ndarray]:
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return list(np.split(value, ends, axis=equation.params["axis"]))


@_moving("unstack", "axis")
def _unstack(value: np.ndarray, equation: Equation) -> list[np.ndarray]:
    moved = np.moveaxis(value, equation.params["axis"], 0)
    return [moved[i, ...] for i in range(len(moved))]


def _joining(name: str, join: Callable[..., np.ndarray], axis: str) -> None:
    @rule(name, reads=(axis,))
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        dtype = equation.outvars[0].aval.dtype
        parts = [interpreter.elements(value, dtype) for value in inputs]
        return join(parts, axis=equation.params[axis])


_joining("concatenate", np.concatenate, "dimension")
_joining("stack", np.stack, "axis")


def _move_by_labels(moved: tuple[int, ...]) -> Any:
    """A rule for a primitive that copies entries of the inputs at these positions.

    The entries are numbered, the primitive itself moves the numbers, and the result says where
    each entry of the output comes from.  The other inputs are indices and must be known.
    """

    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        dtype = equation.outvars[0].aval.dtype
        entries, arguments, count = [], [], 0
        for i, value in enumerate(inputs):
            if i in moved:
                value = interpreter.elements(value, dtype)
                labels = np.arange(count, count + value.size, dtype=np.int32)
                entries.append(value.reshape(-1))
                arguments.append(labels.reshape(value.shape))
                count += value.size
            elif value.dtype == object:
                raise UnsupportedPrimitive(
                    f"`{equation.primitive.name}` with an index that depends on a real variable"
                )
            else:
                arguments.append(np.asarray(value))
        labels = _labels(equation.primitive, equation.params, arguments)
        if labels.size and labels.min() < 0:  # a gather with an index out of bounds
            labels = np.where(labels < 0, count, labels)
            entries.append(_fill(interpreter, equation))
        # Indexing by a 0-dimensional array would give its only entry, and no array.
        return np.concatenate(entries)[labels.reshape(-1)].reshape(labels.shape)

    return apply


def _fill(interpreter: Interpreter, equation: Equation) -> np.ndarray:
    """What a gather puts where an index is out of bounds: NaN unless it says otherwise."""
    value = equation.params["fill_value"]
    dtype = equation.outvars[0].aval.dtype
    if value is None and not is_differentiable(dtype):
        raise UnsupportedPrimitive("`gather` of integers with an index out of bounds")
    return interpreter.elements(np.array([math.nan if value is None else value], dtype), dtype)


def _labels(primitive: Any, params: dict[str, Any], arguments: list[Any]) -> np.ndarray:
    if primitive.name != "gather":
        (out,) = bind(primitive, arguments, params)
        return np.asarray(out)
    promised = params["mode"] == GatherScatterMode.PROMISE_IN_BOUNDS
    mode = GatherScatterMode.FILL_OR_DROP if promised else params["mode"]
    (out,) = bind(primitive, arguments, params | {"mode": mode, "fill_value": -1})
    labels = np.asarray(out)
    if promised and labels.size and labels.min() < 0:
        raise UnsupportedPrimitive(
            "`gather` with an index out of bounds that was promised to be in bounds: what it "
            "returns is not defined"
        )
    return labels


# The labels are moved by the primitive itself, with all its parameters.  That indices are unique
# is promised for the derivative.
for _name, _moved, _reads in (
    ("pad", (0, 1), ("padding_config",)),
    (
        "gather",
        (0,),
        ("dimension_numbers", "slice_sizes", "mode", "fill_value", "unique_indices"),
    ),
    ("dynamic_slice", (0,), ("slice_sizes",)),
    ("dynamic_update_slice", (0, 1), ()),
):
    rule(_name, reads=_reads)(_move_by_labels(_moved))
