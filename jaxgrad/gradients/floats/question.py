"""The other question of check_grads(): do the compiled derivatives compute what the rules say?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.gradients.floats.derivatives import rule_floats
from jaxgrad.gradients.floats.higher import higher_floats
from jaxgrad.gradients.floats.programs import representable
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.special_points.float_points import float_points
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.dtypes import named_dtype
from jaxgrad.programs.trace import is_differentiable

__all__ = ["checked_dtypes", "floats_of"]

# Every power of two of float32 with both signs, for one number; for more of them fewer points.
MOST_FLOAT_POINTS = 512
FEWEST_FLOAT_POINTS = 32


def checked_dtypes(dtypes: Sequence[Any] | Any | None) -> tuple[np.dtype, ...] | None:
    """The dtypes that are asked for, checked.

    Raises:
        ArgumentError: one of them is no floating-point dtype.

    Example:
        >>> checked_dtypes(["float32", "bfloat16"])
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
    return tuple(found)


def _is_inside(primal: Primal, point: Sequence[np.ndarray], dtype: Any) -> bool:
    """Whether what is left of a point in a dtype is in the domain."""
    return primal.is_inside([representable(value, dtype) for value in point])


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
        leaves = [replace(x, dtype=dtype, value=x.value.astype(dtype)) for x in primal.inputs]
        several = () if points is None else (*points, *float_points(leaves, most))
        others = [point.values for point in several]
        inside = [x for x in others if primal.domain is None or _is_inside(primal, x, dtype)]
        places = [primal.point, *inside]
        if nested:
            found += higher_floats(primal, nested, dtype, places)
        else:
            found += rule_floats(primal, rules.modes, dtype, places)
    return tuple(found)
