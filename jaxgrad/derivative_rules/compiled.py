"""The other question of check_grads(): do the compiled derivatives compute what the rules say?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.derivative_rules.directions import drawn
from jaxgrad.derivative_rules.floats import RuleFloat, rule_floats
from jaxgrad.derivative_rules.rules import Rules
from jaxgrad.errors import ArgumentError
from jaxgrad.numbers.samples import Sampled
from jaxgrad.program import is_differentiable
from jaxgrad.rules.concrete import is_concrete
from jaxgrad.special_points.float_points import float_points
from jaxgrad.special_points.sampled import SampledInterpreter, run_at
from jaxgrad.special_points.search import SpecialPoint

__all__ = ["compiled", "float_dtypes"]

# Every power of two of float32 with both signs, for one number; for more of them fewer points.
MOST_FLOAT_POINTS = 512
FEWEST_FLOAT_POINTS = 32


def float_dtypes(dtypes: Sequence[Any] | Any | None) -> tuple[np.dtype, ...] | None:
    """The dtypes that are asked for, checked.

    Raises:
        ArgumentError: one of them is no floating-point dtype.

    Example:
        >>> float_dtypes(["float32", "bfloat16"])
        (dtype('float32'), dtype(bfloat16))
    """
    if dtypes is None:
        return None
    several = isinstance(dtypes, list | tuple | set | frozenset)
    asked: list[Any] = list(dtypes) if several else [dtypes]
    found = []
    for name in asked:
        try:
            dtype = jnp.dtype(name)
        except TypeError:
            dtype = None
        if dtype is None or not is_differentiable(dtype):
            raise ArgumentError(
                f"dtypes holds {name!r}, which is no floating-point dtype; accepted are "
                '"float64", "float32", "float16", "bfloat16" and the 8-bit floats'
            )
        found.append(dtype)
    return tuple(found)


def compiled(
    rules: Rules, dtypes: Sequence[np.dtype] | None, points: Sequence[SpecialPoint]
) -> tuple[RuleFloat, ...]:
    """What the compiled derivatives are worth.

    Args:
        rules: the derivative programs.
        dtypes: judged at the given point, at these special points, and all over the range of
            each dtype; if None only the given point is looked at, and only for NaN or infinities.
        points: special points of the program.
    """
    primal = rules.primal
    if dtypes is None:
        if _all_finite(rules):
            return ()
        return rule_floats(primal, rules.modes, None, [primal.point])
    places = [primal.point, *(point.values for point in points)]
    entries = sum(math.prod(shape) for shape in (*rules.shapes, *rules.out_shapes))
    most = max(FEWEST_FLOAT_POINTS, 2 * MOST_FLOAT_POINTS // entries)
    found: list[RuleFloat] = []
    for dtype in dtypes:
        spread = [point.values for point in float_points(_leaves(rules, dtype), most)]
        found += rule_floats(primal, rules.modes, [dtype], [*places, *spread])
    return tuple(found)


def _leaves(rules: Rules, dtype: np.dtype) -> list[Any]:
    return [
        replace(leaf, dtype=dtype, value=np.asarray(leaf.value).astype(dtype))
        for leaf in rules.primal.inputs
    ]


def _all_finite(rules: Rules) -> bool:
    """Whether the derivative holds numbers alone at the given point, as far as can be foreseen.

    Without a compilation: operation by operation, each result rounded to its dtype.
    """
    primal, mode = rules.primal, rules.modes[-1]
    shapes = rules.shapes if mode == "fwd" else rules.out_shapes
    like = primal.like_inputs if mode == "fwd" else primal.like_outputs
    program = rules[(mode,)].program
    count = len(primal.inputs)
    values = [*primal.point, *like(drawn(shapes).leaves)]
    inputs = [replace(x, value=v) for x, v in zip(program.inputs, values, strict=True)]
    point = np.concatenate([np.ravel(v).astype(np.float64) for v in primal.point])
    interpreter = _InItsDtypes()
    moved = replace(program, inputs=tuple(inputs))
    found = run_at(interpreter, moved, inputs[:count], point[None])
    return all(np.isfinite(interpreter.dense(leaf)).all() for leaf in found)


class _InItsDtypes(SampledInterpreter):
    """Rounds every result to its dtype, and flushes what is subnormal there, as XLA does."""

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        outputs = super().apply(equation, arguments)
        return [
            self._rounded(value, variable.aval.dtype)
            if not is_concrete(value) and is_differentiable(variable.aval.dtype)
            else value
            for value, variable in zip(outputs, equation.outvars, strict=True)
        ]

    def _rounded(self, value: Any, dtype: Any) -> Any:
        smallest = float(jnp.finfo(dtype).smallest_normal)

        def nearest(x: Any) -> Any:
            numbers = np.asarray(x.values, np.float64).astype(dtype).astype(np.float64)
            return Sampled(np.where(np.abs(numbers) < smallest, 0.0, numbers))

        with np.errstate(all="ignore"):
            return self.system.map(nearest, value)
