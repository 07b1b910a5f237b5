"""The points of a batch: arguments of which each variable has a first axis of points, or a number
of points to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from jaxgrad.errors import ArgumentError, NonFiniteInput, ShapeMismatch
from jaxgrad.gradients.enclosure import draw
from jaxgrad.programs.real_parts import parted
from jaxgrad.programs.trace import Leaf, parameter_names

__all__ = ["Batch", "batch_of", "checked_batch"]

# Drawn points are none of those that `compare` looks at besides.
_FIRST_SEED = 3000


@dataclass(frozen=True)
class Batch:
    """Points, as values of the leaves of the arguments.

    Args:
        inputs: the leaves of the arguments.
        values: for each leaf that is a variable its values, with a first axis of points, and for
            each other one its value.
        drawn: whether nobody gave them.
    """

    inputs: tuple[Leaf, ...]
    values: list[Any]
    drawn: bool

    def __len__(self) -> int:
        moving = zip(self.values, self.inputs, strict=True)
        return len(next(value for value, leaf in moving if leaf.differentiable))

    def point(self, k: int) -> list[Any]:
        """The values of all leaves at one of the points."""
        return [
            value[k] if leaf.differentiable else value
            for value, leaf in zip(self.values, self.inputs, strict=True)
        ]

    def name(self, k: int) -> str:
        """Which point it is, in words."""
        return f"point {k} of the {len(self)} {'drawn for the' if self.drawn else 'of the'} batch"


def checked_batch(batch: Any, count: int) -> Any:
    """A batch as it may be given: None, a number of points, or a sequence like the arguments.

    Args:
        batch: what was given.
        count: how many arguments there are.

    Raises:
        ArgumentError: it is neither, or holds another number of arguments.
    """
    if batch is None:
        return None
    if isinstance(batch, int) and not isinstance(batch, bool) and batch > 0:
        return batch
    if isinstance(batch, tuple | list) and len(batch) == count:
        return tuple(batch)
    given = f"{len(batch)} arguments" if isinstance(batch, tuple | list) else f"{batch!r:.60}"
    raise ArgumentError(
        f"batch is {given}; give a number of points to draw, or a tuple of the {count} "
        f"argument{'s' * (count != 1)}, each array with a first axis of points"
    )


def batch_of(
    batch: int | tuple[Any, ...],
    inputs: Sequence[Leaf],
    function: Callable[..., Any],
    inside: Callable[[list[Any]], bool],
) -> Batch:
    """The points of a batch.

    Args:
        batch: how many are drawn, or the arguments.
        inputs: the leaves of the arguments at the given point.
        function: whose parameters name the arguments.
        inside: whether a drawn point may be looked at; others are left out.

    Raises:
        ArgumentError, ShapeMismatch, NonFiniteInput: a variable is missing or is no array of the
            shape of the argument with an axis in front, of the same length for all, or of numbers.
    """
    if isinstance(batch, int):
        return _drawn(batch, inputs, inside)
    found = _by_path(parted(batch), parameter_names(function, len(batch)))
    values, count = [], None
    for leaf in inputs:
        if not leaf.differentiable:
            values.append(leaf.value)
            continue
        value = _checked(leaf, found.get(leaf.path))
        if count is not None and len(value) != count[0]:
            raise ShapeMismatch(
                f"batch: {leaf.path} has {len(value)} points and {count[1]} has {count[0]}; give "
                "every variable a first axis of the same length"
            )
        count = count or (len(value), leaf.path)
        values.append(value)
    return Batch(tuple(inputs), values, False)


def _by_path(args: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    return {
        name + keystr(path): value
        for argument, name in zip(args, names, strict=True)
        for path, value in tree_flatten_with_path(argument)[0]
    }


def _checked(leaf: Leaf, value: Any) -> np.ndarray:
    if value is None:
        raise ArgumentError(
            f"batch: {leaf.path} is missing; give the tree of the arguments, each array with a "
            "first axis of points"
        )
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, jax.errors.JAXTypeError):
        array = np.empty((), object)
    expected = "×".join(map(str, ("points", *leaf.shape)))
    if array.ndim == 0 or array.shape[1:] != leaf.shape or not len(array) or array.dtype == object:
        raise ShapeMismatch(
            f"batch: {leaf.path} is of shape {array.shape}, and {leaf.shape} at the given point; "
            f"give numbers of shape {expected}, the points first"
        )
    array = array.astype(leaf.dtype)
    bad = np.argwhere(~np.isfinite(array.astype(np.float64)))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise NonFiniteInput(
            f"batch: {leaf.path}{list(index)} is {array[index]}; derivatives are compared at real "
            f"numbers, so replace it by a finite value ({len(bad)} such in this leaf)"
        )
    return array


def _drawn(count: int, inputs: Sequence[Leaf], inside: Callable[[list[Any]], bool]) -> Batch:
    points = [draw(inputs, _FIRST_SEED + k) for k in range(count)]
    points = [point for point in points if inside(point)]
    if not points:
        raise ArgumentError(
            f"batch: none of {count} drawn points is in the domain; give points that are, as a "
            "tuple of arguments with a first axis of points"
        )
    values = [
        np.stack(each) if leaf.differentiable else each[0]
        for each, leaf in zip(zip(*points, strict=True), inputs, strict=True)
    ]
    return Batch(tuple(inputs), values, True)
