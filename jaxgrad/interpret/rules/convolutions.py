"""Convolutions: each entry is a sum of products of a kernel with what its window shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from jaxgrad.interpret.rules.concrete import require_real
from jaxgrad.interpret.rules.elementwise import real_or_none
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.interpret.rules.windows import PADDING, places_in_windows

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

# What says which entries meet which.
_READ = (
    "window_strides",
    "padding",
    "lhs_dilation",
    "rhs_dilation",
    "dimension_numbers",
    "feature_group_count",
    "batch_group_count",
)


@rule("conv_general_dilated", reads=_READ, harmless={"preferred_element_type": real_or_none})
def _convolution(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    require_real(equation)
    params, out = equation.params, equation.outvars[0].aval.shape
    left_order, right_order, out_order = params["dimension_numbers"]
    left, right = interpreter.numbers(equation, inputs)
    left, right = left.transpose(left_order), right.transpose(right_order)
    windows = tuple(out[axis] for axis in out_order[2:])
    if not (math.prod(out) and math.prod(right.shape)):
        return interpreter.arrays.lift(np.zeros(out))
    places = places_in_windows(
        left.shape[2:],
        windows,
        sizes=right.shape[2:],
        strides=params["window_strides"],
        padding=params["padding"],
        dilation=params["lhs_dilation"],
        within=params["rhs_dilation"],
    )
    features, batches = params["feature_group_count"], params["batch_group_count"]
    # (group, image, channel, place) and (group, channel, place in the kernel, feature).
    images = _grouped(left, features, batches)
    kernels = _kernels(right, features * batches)
    groups, count, features_each = images.shape[0], images.shape[1], kernels.shape[-1]
    parts = []
    for these, inside, found in _alike(places):
        shown = images[:, :, :, found]  # group, image, channel, window, place
        rows = shown.transpose((0, 1, 3, 2, 4)).reshape(
            (groups, count * len(these), images.shape[2] * len(inside))
        )
        columns = kernels[:, :, inside].reshape((groups, rows.shape[2], features_each))
        each = interpreter.arrays.contract(rows, columns)
        parts.append((these, each.reshape((groups, count, len(these), features_each))))
    order = np.argsort(np.concatenate([these for these, _ in parts]), kind="stable")
    joined = interpreter.arrays.move(
        lambda xp, *each: xp.concatenate(each, 2)[:, :, order], *(part for _, part in parts)
    )
    result = joined.transpose((1, 0, 3, 2)).reshape((count, groups * features_each, *windows))
    return result.transpose(np.argsort(out_order))


def _grouped(left: Value, features: int, batches: int) -> Value:
    """The images as (group, image, channel, place): of channels, or of images, as many groups."""
    count, channels = left.shape[:2]
    places = math.prod(left.shape[2:])
    if batches > 1:
        return left.reshape((batches, count // batches, channels, places))
    split = left.reshape((count, features, channels // features, places))
    return split.transpose((1, 0, 2, 3))


def _kernels(right: Value, groups: int) -> Value:
    """The kernels as (group, channel, place, feature)."""
    count, channels = right.shape[:2]
    split = right.reshape((groups, count // groups, channels, math.prod(right.shape[2:])))
    return split.transpose((0, 2, 3, 1))


def _alike(places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Windows that show the same places of the kernel: which they are, these, and of what.

    At the borders, and between the entries of a dilated image, a window shows padding.
    """
    shown = places != PADDING
    patterns, of = np.unique(shown, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        these, inside = np.flatnonzero(of.reshape(-1) == number), np.flatnonzero(pattern)
        yield these, inside, places[np.ix_(these, inside)]
