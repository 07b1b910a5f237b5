"""The points of a batch: arguments of which each variable has a first axis of points, or a number
of points to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from jaxgrad.errors import ArgumentError, NonFiniteInput, ShapeMismatch, kind_of
from jaxgrad.programs.real_parts import parted
from jaxgrad.programs.trace import Leaf, parameter_names

__all__ = ["Batch", "batch_of", "checked_batch"]

# Drawn points are none of those that `compare` looks at besides.
_SEED = 3000


@dataclass(frozen=True)
class Batch:
    """Points, as values of the leaves of the arguments.

    Args:
        inputs: the leaves of the arguments.
        values: for each leaf that is a variable its values, with a first axis of points, and for
            each other one its value.
        drawn: whether nobody gave them.
        which: where those that are in the domain are among all of them; all if that is not said.
    """

    inputs: tuple[Leaf, ...]
    values: list[Any]
    drawn: bool
    which: tuple[bool, ...] = ()

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
        """Which point it is, in words, counted from 0 as in the arrays."""
        whose = "drawn for the" if self.drawn else "of the"
        return f"point {self.number(k)} of the {len(self.which) or len(self)} {whose} batch"

    def number(self, k: int) -> int:
        """Where it is among all that were given, or drawn."""
        return int(np.flatnonzero(self.which)[k]) if self.which else k

    @property
    def in_words(self) -> str:
        """All of them, and how many were left out."""
        outside = f", {len(self.which) - len(self)} more outside of the domain," * bool(self.which)
        return f"the {len(self)} points {'drawn for a' if self.drawn else 'of the'} batch{outside}"


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
    if isinstance(batch, int | np.integer) and not isinstance(batch, bool) and batch > 0:
        return int(batch)
    if isinstance(batch, tuple | list) and len(batch) == count:
        return tuple(batch)
    sequence = isinstance(batch, tuple | list)
    given = f"{kind_of(batch)} of {len(batch)}" if sequence else f"{batch!r:.60}"
    of = "the one argument" if count == 1 else f"the {count} arguments"
    raise ArgumentError(
        f"batch is {given}; give a number of points to draw, or a tuple of {of}, each array with a "
        "first axis of points"
    )


def batch_of(
    batch: int | tuple[Any, ...],
    inputs: Sequence[Leaf],
    function: Callable[..., Any],
    inside: Callable[[list[Any]], bool] | None,
    held: Sequence[Leaf] = (),
) -> Batch:
    """The points of a batch.

    Args:
        batch: how many are drawn, or the arguments.
        inputs: the leaves of the arguments at the given point.
        function: whose parameters name the arguments.
        inside: whether a point is in the domain, if there is one; others are left out.
        held: leaves that are held fixed besides.

    Raises:
        ArgumentError, ShapeMismatch, NonFiniteInput: a variable is missing or is no array of the
            shape of the argument with an axis in front, of the same length for all, or of numbers;
            what is held fixed has points; none is in the domain.
    """
    if isinstance(batch, int):
        return _inside(Batch(tuple(inputs), _drawn(batch, inputs), True), inside)
    found = _by_path(parted(batch), parameter_names(function, len(batch)))
    values, count = [], None
    for leaf in (*inputs, *held):
        if not leaf.differentiable:
            _require_held(leaf, found.get(leaf.path))
    for leaf in inputs:
        if not leaf.differentiable:
            values.append(leaf.value)
            continue
        value = _checked(leaf, found)
        if count is not None and len(value) != count[0]:
            raise ShapeMismatch(
                f"batch: {leaf.path} has {len(value)} points and {count[1]} has {count[0]}; give "
                "every variable a first axis of the same length"
            )
        count = count or (len(value), leaf.path)
        values.append(value)
    return _inside(Batch(tuple(inputs), values, False), inside)


def _inside(batch: Batch, inside: Callable[[list[Any]], bool] | None) -> Batch:
    """The points that are in the domain."""
    if inside is None:
        return batch
    kept = np.array([inside(batch.point(k)) for k in range(len(batch))], bool)
    if not kept.any():
        drawn = "drawn points is" if batch.drawn else "points is"
        raise ArgumentError(
            f"batch: none of {len(batch)} {drawn} in the domain; give points that are, as a tuple "
            "of arguments with a first axis of points"
        )
    pairs = zip(batch.values, batch.inputs, strict=True)
    values = [value[kept] if leaf.differentiable else value for value, leaf in pairs]
    which = () if kept.all() else tuple(kept.tolist())
    return Batch(batch.inputs, values, batch.drawn, which)


def _by_path(args: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    return {
        name + keystr(path): value
        for argument, name in zip(args, names, strict=True)
        for path, value in tree_flatten_with_path(argument)[0]
    }


def _require_held(leaf: Leaf, value: Any) -> None:
    """Refuses points of what is held fixed, as they would not be looked at."""
    if value is None or value is leaf.value:
        return
    try:
        same = np.shape(value) == leaf.shape and bool(np.all(np.asarray(value) == leaf.value))
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ArgumentError(
            f"batch: {leaf.path} is held fixed, by argnums= or as it is not floating point, so no "
            "points of it are looked at; give None, or its value"
        )


def _checked(leaf: Leaf, found: Mapping[str, Any]) -> np.ndarray:
    value = found.get(leaf.path)
    if value is None:
        inside = [path for path in found if path.startswith(leaf.path)]
        first = f"; {inside[0]} is there, of a list or another tree" if inside else ""
        raise ArgumentError(
            f"batch: {leaf.path} is missing{first}; give the tree of the arguments, each array "
            "with a first axis of points"
        )
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, jax.errors.JAXTypeError):
        array = np.empty((), object)
    numbers = jnp.issubdtype(array.dtype, np.number) or array.dtype == bool
    if not numbers or jnp.issubdtype(array.dtype, np.complexfloating):
        raise ArgumentError(
            f"batch: {leaf.path} is of dtype {array.dtype}, and no array of real numbers; convert "
            f"it with np.asarray({leaf.path}, float)"
        )
    expected = "×".join(map(str, ("points", *leaf.shape)))
    if array.ndim == 0 or array.shape[1:] != leaf.shape or not len(array):
        raise ShapeMismatch(
            f"batch: {leaf.path} is of shape {array.shape}, and {leaf.shape} at the given point; "
            f"give one point or more, numbers of shape {expected}"
        )
    with np.errstate(over="ignore"):
        cast = array.astype(leaf.dtype, copy=False)
    bad = np.argwhere(~np.isfinite(cast))
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        beyond = f", which {np.dtype(leaf.dtype)} has not" * bool(np.isfinite(float(array[index])))
        raise NonFiniteInput(
            f"batch: {leaf.path}{list(index)} is {array[index]}{beyond}; derivatives are compared "
            f"at real numbers, so replace it by a finite value ({len(bad)} such in this leaf)"
        )
    return cast


def _drawn(count: int, inputs: Sequence[Leaf]) -> list[Any]:
    """Points of two kinds that :func:`jaxgrad.gradients.enclosure.draw` has, in turn.

    None has round numbers: where something ties, or a domain ends, nobody asked for the point.
    """
    generator, kind = np.random.default_rng(_SEED), np.arange(count) % 2
    values = []
    for leaf in inputs:
        if not leaf.differentiable:
            values.append(leaf.value)
            continue
        drawn = generator.standard_normal((count, *leaf.shape))
        of = kind.reshape(-1, *[1] * len(leaf.shape))
        drawn = np.where(of == 1, abs(drawn), drawn)
        values.append(np.asarray(jnp.asarray(drawn, leaf.dtype)))
    return values
