"""Primitives that only move data, in functions of arrays or by one lookup of integer labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import GatherScatterMode

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import bind, evaluate, is_concrete
from jaxgrad.interpret.rules.registry import Equation, Outputs, Rule, Value, rule
from jaxgrad.interpret.rules.remembered import places as remembered
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__ = ["is_key", "require_known"]


def is_key(value: Any) -> bool:
    """Whether a value is an array of PRNG keys, which NumPy cannot hold."""
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.extended)


def require_known(equation: Equation, *indices: Value) -> None:
    """Refuses indices that depend on a real variable.

    Raises:
        UnsupportedPrimitive: one does.
    """
    if not all(map(is_concrete, indices)):
        raise UnsupportedPrimitive(
            f"`{equation.primitive.name}` with an index that depends on a real variable"
        )


Move = Callable[[Any, Any, Equation], Any]
"""f(xp, array, equation), in functions that NumPy and jax.numpy share, of which xp is one."""


def _moving(name: str, *reads: str) -> Callable[[Move], Rule]:
    """Registers a rule that moves the entries of one array; keys are moved by JAX.

    Args:
        name: of the primitive.
        reads: its parameters.
    """

    def register(move: Move) -> Rule:
        @rule(name, reads=reads, exact_if_known=False)
        def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
            (value,) = inputs
            if is_key(value):
                return evaluate(interpreter, equation, inputs)
            if is_concrete(value):
                return move(np, value, equation)
            return interpreter.arrays.move(lambda xp, x: move(xp, x, equation), value)

        return apply

    return register


@_moving("reshape", "new_sizes", "dimensions")
def _reshape(xp: Any, value: Any, equation: Equation) -> Any:
    dimensions = equation.params.get("dimensions")  # in which order the axes are read
    value = value if dimensions is None else value.transpose(dimensions)
    return value.reshape(equation.outvars[0].aval.shape)


@_moving("squeeze", "dimensions")
def _squeeze(xp: Any, value: Any, equation: Equation) -> Any:
    return value.reshape(equation.outvars[0].aval.shape)  # axes of length 1 are left out


@_moving("transpose", "permutation")
def _transpose(xp: Any, value: Any, equation: Equation) -> Any:
    return value.transpose(equation.params["permutation"])


@_moving("broadcast_in_dim", "shape", "broadcast_dimensions")
def _broadcast_in_dim(xp: Any, value: Any, equation: Equation) -> Any:
    shape = equation.outvars[0].aval.shape
    sizes = [1] * len(shape)
    for axis, size in zip(equation.params["broadcast_dimensions"], value.shape, strict=True):
        sizes[axis] = size
    return xp.broadcast_to(value.reshape(sizes), shape)


@_moving("slice", "start_indices", "limit_indices", "strides")
def _slice(xp: Any, value: Any, equation: Equation) -> Any:
    params = equation.params
    strides = params["strides"] or (1,) * value.ndim
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return value[tuple(slice(*map(int, bound)) for bound in bounds)]


@_moving("rev", "dimensions")
def _rev(xp: Any, value: Any, equation: Equation) -> Any:
    return xp.flip(value, equation.params["dimensions"])


@_moving("tile", "reps")
def _tile(xp: Any, value: Any, equation: Equation) -> Any:
    return xp.tile(value, equation.params["reps"])


@_moving("split", "sizes", "axis")
def _split(xp: Any, value: Any, equation: Equation) -> Any:
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return list(xp.split(value, ends, axis=equation.params["axis"]))


@_moving("unstack", "axis")
def _unstack(xp: Any, value: Any, equation: Equation) -> Any:
    moved = xp.moveaxis(value, equation.params["axis"], 0)
    return [moved[i, ...] for i in range(len(moved))]


@rule("concatenate", reads=("dimension",))
def _concatenate(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    axis, parts = equation.params["dimension"], interpreter.alike(equation, inputs)
    return interpreter.arrays.move(lambda xp, *each: xp.concatenate(each, axis=axis), *parts)


@rule("stack", reads=("axis",))
def _stack(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    axis, parts = equation.params["axis"], interpreter.alike(equation, inputs)
    return interpreter.arrays.move(lambda xp, *each: xp.stack(each, axis=axis), *parts)


def _move_by_labels(moved: int) -> Rule:
    """A rule for a primitive that copies entries of its first inputs.

    The entries are numbered, the primitive itself moves the numbers, or what does the same to
    integers and need not be compiled, and the result says where each entry of the output comes
    from.

    Args:
        moved: how many inputs it copies; the others are indices and must be known.
    """

    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        require_known(equation, *inputs[moved:])
        entries = interpreter.alike(equation, inputs[:moved])
        count, numbers = 0, []
        for value in entries:
            labels = np.arange(count, count + value.size, dtype=np.int32)
            numbers.append(labels.reshape(value.shape))
            count += value.size
        indices = [np.asarray(x) for x in inputs[moved:]]
        places = remembered(
            (equation.primitive, *equation.params.items(), *(x.shape for x in numbers)),
            indices,
            lambda: _labels(equation, [*numbers, *indices]),
        )
        if places.size and places.min() < 0:  # a gather with an index out of bounds
            places = np.where(places < 0, count, places)
            entries.append(_fill(interpreter, equation))

        def move(xp: Any, *arrays: Any) -> Any:
            flat = xp.concatenate([array.reshape(-1) for array in arrays])
            # Indexing by a 0-dimensional array would give its only entry, and no array.
            return flat[places.reshape(-1)].reshape(places.shape)

        return interpreter.arrays.move(move, *entries)

    return apply


def _fill(interpreter: Interpreter, equation: Equation) -> Value:
    """What a gather puts where an index is out of bounds: NaN unless it says otherwise."""
    value = equation.params["fill_value"]
    dtype = equation.outvars[0].aval.dtype
    if value is None and not is_differentiable(dtype):
        raise UnsupportedPrimitive("`gather` of integers with an index out of bounds")
    return interpreter.elements(np.array([math.nan if value is None else value], dtype), dtype)


def _labels(equation: Equation, arguments: list[Any]) -> np.ndarray:
    primitive, params = equation.primitive, equation.params
    if primitive.name == "pad":
        moved, padding = arguments
        return _padded(moved, padding, params["padding_config"])
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


def _padded(labels: np.ndarray, padding: np.ndarray, config: Any) -> np.ndarray:
    """Labels with another between, before and after them, or without those that are cut off.

    Example:
        >>> _padded(np.array([1, 2, 3]), np.array(0), [(1, -1, 1)])
        array([0, 1, 0, 2, 0])
    """
    kept, sizes, places = [], [], []
    for size, (low, high, between) in zip(labels.shape, config, strict=True):
        sizes.append(low + max(size + (size - 1) * between, 0) + high)
        place = low + (between + 1) * np.arange(size)
        kept.append(np.flatnonzero((place >= 0) & (place < sizes[-1])))
        places.append(place[kept[-1]])
    result = np.full(sizes, padding, labels.dtype)
    result[np.ix_(*places)] = labels[np.ix_(*kept)]
    return result


# The labels are moved by the primitive itself, with all its parameters.  That indices are unique
# is promised for the derivative.
for _name, _moved, _reads in (
    ("pad", 2, ("padding_config",)),
    (
        "gather",
        1,
        ("dimension_numbers", "slice_sizes", "mode", "fill_value", "unique_indices"),
    ),
    ("dynamic_slice", 1, ("slice_sizes",)),
    ("dynamic_update_slice", 2, ()),
):
    rule(_name, reads=_reads)(_move_by_labels(_moved))
