"""The other question of check_grads(): do the compiled derivatives compute what the rules say?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.gradients.floats.derivatives import not_judged, rule_floats
from jaxgrad.gradients.floats.higher import higher_floats
from jaxgrad.gradients.floats.programs import representable
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.special_points.float_points import float_points
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.dtypes import named_dtype
from jaxgrad.programs.trace import is_differentiable

__all__ = ["checked_dtypes", "floats_of", "holds_given", "place_in"]

# Every power of two of float32 with both signs, for one number; for more of them fewer points.
MOST_FLOAT_POINTS = 512
FEWEST_FLOAT_POINTS = 32


def checked_dtypes(dtypes: Sequence[Any] | Any | None) -> tuple[np.dtype, ...] | None:
    """The dtypes that are asked for, checked, each once.

    Raises:
        ArgumentError: one of them is no floating-point dtype.

    Example:
        >>> checked_dtypes(["float32", "bfloat16", np.float32])
        (dtype('float32'), dtype(bfloat16))
    """
    if dtypes is None:
        return None
    several = isinstance(dtypes, list | tuple | set | frozenset)
    asked: list[Any] = list(dtypes) if several else [dtypes]
    found = []
    for name in asked:
        dtype = named_dtype(name)
        if dtype is None or not is_differentiable(dtype):
            raise ArgumentError(
                f"dtypes holds {name!r}, which is no floating-point dtype (complex numbers are "
                "judged by that of their parts); give "
                '"float64", "float32", "float16", "bfloat16" or a narrower one by its name, such '
                'as "float8_e4m3fn"'
            )
        found.append(dtype)
    return tuple(dict.fromkeys(found))


_NOT_HELD = "the given point is not in the range of the dtype, or rounded to it not in the domain"


def _is_inside(primal: Primal, point: Sequence[np.ndarray], dtype: Any) -> bool:
    """Whether what is left of a point in a dtype is in the domain."""
    if primal.domain is None:
        return True
    return primal.is_inside([representable(value, dtype) for value in point])


def holds_given(primal: Primal, dtype: Any) -> bool:
    """Whether a dtype has the given point, but for rounding, and has it in the domain.

    Args:
        primal: the function, at the point.
        dtype: of all its floating-point leaves.

    Example:
        >>> import jax
        >>> far = Primal(jax.numpy.sin, (np.float32(1e6),))
        >>> holds_given(far, np.float16), holds_given(far, jnp.bfloat16)
        (False, True)
    """
    most = float(jnp.finfo(dtype).max)
    sizes = [np.abs(np.asarray(x, np.float64)).max(initial=0.0) for x in primal.point]
    return bool(max(sizes) <= most) and _is_inside(primal, primal.point, dtype)


def place_in(primal: Primal, dtype: Any) -> list[np.ndarray] | None:
    """A point of a dtype at which a function is judged that is given elsewhere, or None.

    Args:
        primal: the function, at a point that the dtype does not hold.
        dtype: of all its floating-point leaves.

    Returns:
        of the powers of two in the domain and the given numbers, whichever are nearest to ±1.
    """

    def size(point: list[np.ndarray]) -> float:
        numbers = np.concatenate([np.abs(x.astype(np.float64)).reshape(-1) for x in point])
        with np.errstate(divide="ignore"):
            return float(np.abs(np.log2(numbers)).max(initial=0.0))

    return min(_others(primal, np.dtype(dtype), (), FEWEST_FLOAT_POINTS), key=size, default=None)


def floats_of(
    rules: DerivativePrograms,
    dtypes: Sequence[np.dtype] | None,
    points: Sequence[SpecialPoint] | None,
    finite: bool,
    nested: tuple[str, ...] = (),
) -> tuple[FloatResult, ...]:
    """What the compiled derivatives are worth.

    Args:
        rules: the derivative programs.
        dtypes: judged at the given point, at these special points, and all over the range of
            each dtype; if None only the given point is looked at, and only for NaN or infinities.
        points: special points of the program; None for the given point alone.
        finite: whether a run at the given point returned numbers alone.
        nested: the modes of a higher derivative, which is judged in place of the first ones.
    """
    primal = rules.primal
    if dtypes is None:
        return () if finite else rule_floats(primal, rules.modes, None, [primal.point])
    entries = sum(math.prod(shape) for shape in (*rules.shapes, *rules.out_shapes))
    most = max(FEWEST_FLOAT_POINTS, 2 * MOST_FLOAT_POINTS // entries)
    found: list[FloatResult] = []
    for dtype in dtypes:
        others = [] if points is None else _others(primal, dtype, points, most)
        held = holds_given(primal, dtype)
        places = [primal.point, *others] if held else others
        if not places:
            names = [" then ".join(nested)] if nested else rules.modes
            found += [not_judged(name, dtype, _NOT_HELD) for name in names]
            continue
        if nested:
            judged = higher_floats(primal, nested, dtype, places)
        else:
            judged = rule_floats(primal, rules.modes, dtype, places)
        found += judged if held else [replace(one, given=False) for one in judged]
    return tuple(found)


def _others(
    primal: Primal, dtype: np.dtype, points: Sequence[SpecialPoint], most: int
) -> list[list[np.ndarray]]:
    """The special points, and some all over the range of a dtype, that are in the domain."""
    with np.errstate(over="ignore"):  # what is beyond the range is infinite
        leaves = [replace(x, dtype=dtype, value=x.value.astype(dtype)) for x in primal.inputs]
    several = [point.values for point in (*points, *float_points(leaves, most))]
    return [x for x in several if _is_inside(primal, x, dtype)]
