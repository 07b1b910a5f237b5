"""A box of arguments: every point between two ends, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.tree_util import tree_structure

from jaxgrad.errors import ArgumentError
from jaxgrad.programs.held import held_in_words, with_number
from jaxgrad.programs.trace import Leaf, arguments, parameter_names

__all__ = ["Box", "by_leaf", "short"]


class Box:
    """A box of arguments.

    Args:
        f: the function, whose parameters name them.
        lower, upper: as they are given.
    """

    def __init__(self, f: Callable[..., Any], lower: Sequence[Any], upper: Sequence[Any]) -> None:
        for name, given in (("lower", lower), ("upper", upper)):
            if not isinstance(given, tuple | list):
                raise ArgumentError(
                    f"everywhere: {name} is {given!r:.60}; give a tuple of the arguments: "
                    "(x,) for one"
                )
        if tree_structure(tuple(lower)) != tree_structure(tuple(upper)):
            raise ArgumentError(
                f"everywhere: lower is {tree_structure(tuple(lower))} and upper "
                f"{tree_structure(tuple(upper))}; give arguments of one structure"
            )
        names = parameter_names(f, len(lower))
        self.lower = tuple(lower)
        self.leaves = arguments(self.lower, names)
        ends = arguments(tuple(upper), names)
        for one, other in zip(self.leaves, ends, strict=True):
            if one.shape != other.shape or one.dtype != other.dtype:
                raise ArgumentError(
                    f"everywhere: {one.path} is of shape {one.shape} and dtype {one.dtype} in "
                    f"lower and {other.shape}, {other.dtype} in upper; give both ends of one array"
                )
            if one.real and (one.value > other.value).any():
                index = tuple(int(i) for i in np.argwhere(one.value > other.value)[0])
                raise ArgumentError(
                    f"everywhere: {one.path}{list(index) if index else ''} is "
                    f"{one.value[index]} in lower and {other.value[index]} in upper; exchange them"
                )
            if not one.real and not _same(one.value, other.value):
                raise ArgumentError(
                    f"everywhere: {one.path} differs between lower and upper and is {one.dtype}, "
                    f"which is held fixed; write floats where it is to vary{_as_float(one.value)}"
                )
        self.upper = [leaf.value for leaf in ends]
        moving = [leaf.real for leaf in self.leaves]
        pairs = zip(moving, self.leaves, strict=True)
        self.fixed = [None if moves else leaf.value for moves, leaf in pairs]
        if not any(moving) or (self.low == self.high).all():
            raise ArgumentError(
                "everywhere: nothing varies between lower and upper; give two ends of a box, of "
                "floats: integers are held fixed"
            )

    @property
    def low(self) -> np.ndarray:
        """The lower ends of all variables, one after another."""
        return _flat([leaf.value for leaf in self.leaves if leaf.real])

    @property
    def high(self) -> np.ndarray:
        """The upper ones."""
        return self.flat(self.upper)

    @property
    def names(self) -> tuple[str, ...]:
        """What each variable is called."""
        return tuple(
            f"{leaf.path}{list(index) if index else ''}"
            for leaf in self.leaves if leaf.real
            for index in np.ndindex(*leaf.shape)
        )  # fmt: skip

    def point(self, flat: np.ndarray) -> list[Any]:
        """The values of all leaves where the variables have these values, in their own dtypes."""
        values = by_leaf(self.leaves, self.fixed, flat)
        pairs = zip(values, self.leaves, strict=True)
        return [value.astype(leaf.dtype) if leaf.real else value for value, leaf in pairs]

    def inside(self, point: Sequence[Any]) -> bool:
        """Whether a point is in the box."""
        pairs = zip(point, self.leaves, self.upper, strict=True)
        return all(not x.real or bool(((x.value <= v) & (v <= up)).all()) for v, x, up in pairs)

    def flat(self, point: Sequence[Any]) -> np.ndarray:
        """The variables of a point, one after another."""
        return _flat([x for x, leaf in zip(point, self.leaves, strict=True) if leaf.real])

    @property
    def in_words(self) -> str:
        """Which box it is."""
        ends = []
        for leaf, up in zip(self.leaves, self.upper, strict=True):
            if leaf.real and (leaf.value < up).any():
                low, high = (x if x.shape else x[()] for x in (leaf.value, up))
                ends.append(f"{leaf.path}{list(leaf.shape)} from {short(low)} to {short(high)}")
        more = ", …" if ends[3:] else ""
        return (
            " and ".join(ends[:3])
            + more
            + held_in_words([with_number(x.path, x.value) for x in self.leaves if not x.real])
        )


def by_leaf(leaves: Sequence[Leaf], fixed: Sequence[Any], flat: Any) -> list[Any]:
    """The values of all leaves where the variables have these, one after another.

    Args:
        leaves: of the arguments.
        fixed: the values of the leaves that are no variables, None for those that are.
        flat: of shape (variables,), an array or an interval.
    """
    values, start = [], 0
    for leaf, value in zip(leaves, fixed, strict=True):
        if value is not None:
            values.append(value)
            continue
        size = int(np.prod(leaf.shape, dtype=int))
        values.append(flat[start : start + size].reshape(leaf.shape))
        start += size
    return values


def _same(one: Any, other: Any) -> bool:
    """Whether two values that are held fixed are one."""
    try:
        return one is other or bool(np.all(np.asarray(one == other)))
    except (TypeError, ValueError):
        return False


def _as_float(value: Any) -> str:
    """A number with a point, as an example."""
    return f", such as {float(value)}" if np.shape(value) == () and np.isreal(value) else ""


def _flat(values: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in values])


def short(value: Any) -> str:
    """An array in a few words: its number where all entries are the same."""
    flat = np.asarray(value).reshape(-1)
    if (flat == flat[0]).all():
        return repr(float(flat[0]))  # as exact as it is computed with, whatever was given
    return np.array2string(np.asarray(value), threshold=6, edgeitems=1).replace("\n", "")
