"""Primitives that only move data: one lookup of integer labels serves every number system."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.rules.elementwise import evaluate, is_discrete
from jaxgrad.rules.registry import rule


@rule("reshape")
def _reshape(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    return inputs[0].reshape(equation.params["new_sizes"])


@rule("squeeze")
def _squeeze(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    return inputs[0].reshape(equation.outvars[0].aval.shape)


@rule("expand_dims")
def _expand_dims(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    return inputs[0].reshape(equation.outvars[0].aval.shape)


@rule("transpose")
def _transpose(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    return inputs[0].transpose(equation.params["permutation"])


@rule("broadcast_in_dim")
def _broadcast_in_dim(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    value, shape = inputs[0], equation.outvars[0].aval.shape
    if is_key(value):
        return evaluate(interpreter, equation, inputs)
    sizes = [1] * len(shape)
    for axis, size in zip(equation.params["broadcast_dimensions"], value.shape, strict=True):
        sizes[axis] = size
    return np.broadcast_to(value.reshape(sizes), shape)


@rule("slice")
def _slice(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    params = equation.params
    strides = params["strides"] or (1,) * inputs[0].ndim
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return inputs[0][tuple(slice(*map(int, bound)) for bound in bounds)]


@rule("rev")
def _rev(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    return np.flip(inputs[0], equation.params["dimensions"])


@rule("concatenate")
def _concatenate(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    dtype = equation.outvars[0].aval.dtype
    parts = [interpreter.elements(value, dtype) for value in inputs]
    return np.concatenate(parts, axis=equation.params["dimension"])


def is_key(value: Any) -> bool:
    """Whether a value is an array of PRNG keys, which NumPy cannot hold."""
    return jax.dtypes.issubdtype(value.dtype, jax.dtypes.extended)


def _move_by_labels(moved: tuple[int, ...]) -> Any:
    """A rule for a primitive that copies entries of the inputs at these positions.

    The entries are numbered, the primitive itself moves the numbers, and the result says where
    each entry of the output comes from.  The other inputs are indices and must be known.
    """

    def apply(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
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
        if labels.size and (labels.min() < 0 or labels.max() >= count):
            raise UnsupportedPrimitive(
                f"`{equation.primitive.name}` with an index out of bounds, filled with NaN"
            )
        return np.concatenate(entries)[labels]

    return apply


def _labels(primitive: Any, params: dict[str, Any], arguments: list[Any]) -> np.ndarray:
    params = dict(params)
    if primitive.name == "gather" and params.get("fill_value") is not None:
        params["fill_value"] = -1
    out = primitive.bind(*(jax.numpy.asarray(a) for a in arguments), **params)
    return np.asarray(out)


for _name, _moved in {
    "pad": (0, 1),
    "gather": (0,),
    "dynamic_slice": (0,),
    "dynamic_update_slice": (0, 1),
}.items():
    rule(_name)(_move_by_labels(_moved))


@rule("split")
def _split(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return list(np.split(inputs[0], ends, axis=equation.params["axis"]))


@rule("scatter-add", "scatter_add")
def _scatter_add(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
    """Adds each update to the entry it lands on; a unit update shows where that is."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    dtype = equation.outvars[0].aval.dtype
    operand = interpreter.elements(inputs[0], dtype)
    updates = interpreter.elements(inputs[2], dtype)
    if inputs[1].dtype == object:
        raise UnsupportedPrimitive("`scatter-add` with an index that depends on a real variable")
    out = operand.reshape(-1).copy()
    targets = _scatter_targets(equation, operand.shape, inputs[1], updates.shape)
    for update, target in zip(updates.reshape(-1), targets, strict=True):
        if target is not None:
            out[target] = out[target] + update
    return out.reshape(operand.shape)


def _scatter_targets(
    equation: Any, shape: tuple[int, ...], indices: Any, updates: tuple[int, ...]
) -> list[int | None]:
    """Where each update lands: scatter one unit at a time, all in one batch."""
    size = int(np.prod(updates, dtype=int))
    if size == 0:
        return []

    def land(update: Any) -> Any:
        zeros = jax.numpy.zeros(shape, np.int32)
        return equation.primitive.bind(zeros, jax.numpy.asarray(indices), update, **equation.params)

    units = np.eye(size, dtype=np.int32).reshape((size, *updates))
    landed = np.asarray(jax.vmap(land)(units)).reshape(size, -1)
    return [int(row.argmax()) if row.any() else None for row in landed]
