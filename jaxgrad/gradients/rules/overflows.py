"""A rule whose formula is right, and whose floats are no numbers where JAX's derivative has some.

Floats may be anything where nobody asked: f may overflow there itself, or its derivative, whatever
the rule.  So a rule is held against what it stands in the place of.  eˣ/Σeˣ is ∞/∞ past 709, where
a log-sum-exp that subtracts the maximum is computed right, and so is what JAX makes of it without
the rule: then it is the rule that fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.floats.derivatives import rule_floats
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms, Derivatives
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.special_points.sampled import SampledInterpreter, run_at
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.gradients.witness import program_floats
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.samples import dense
from jaxgrad.programs.custom_rules import is_rule, strip_custom_rules
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.trace import is_differentiable

__all__ = ["Overflows"]


class Overflows:
    """Where the rules of a function are no numbers in floats, and need not be so.

    Args:
        rules: the derivative programs.
        points: those that nobody asked for, at which the formulas are right.
    """

    def __init__(self, rules: DerivativePrograms, points: Sequence[SpecialPoint]) -> None:
        self._rules, self._points = rules, points
        program = rules.primal.moving_program.jaxpr
        own = any(map(is_rule, equations(program))) and rules.primal.reference is None
        self._asked = own and not rules.exact  # which asks for the formula alone

    def first(self) -> tuple[SpecialPoint, AtPoint, FloatResult] | None:
        """The point nearest to 0 at which a float is no number, of those without an excuse."""
        if not (self._asked and self._points):
            return None
        for point in sorted(self._suspected(), key=_size):
            with precision(FIRST_PRECISION):
                there = AtPoint(self._rules, point.values)
                for mode in self._rules.modes:
                    found = self._worst(mode, there) if self._is_fault(mode, there) else None
                    if found is not None:
                        return point, there, found
        return None

    def _suspected(self) -> list[SpecialPoint]:
        """Those at which a number on the way is none of its dtype, as NumPy computes it."""
        primal = self._rules.primal
        if primal.has_tolerances:
            return []  # a loop that overflows may never come to its tolerance, in floats
        rows = [np.concatenate([np.ravel(x) for x in point.values]) for point in self._points]
        columns = np.asarray(rows, np.float64)
        left = np.zeros(len(rows), bool)
        for mode in self._rules.modes:
            walk = _Walk(len(rows))
            run_at(walk, self._rules[(mode,)].program, primal.inputs, columns)
            left |= walk.left
        return [point for point, found in zip(self._points, left, strict=True) if found]

    def _is_fault(self, mode: str, there: AtPoint) -> bool:
        """Whether a first derivative is no number, of a function that JAX differentiates right."""
        moved = self._moved(mode)
        derived = self._rules[(mode,)]
        slopes = derived.floats(tuple(there.values), moved)[derived.values :]
        if all(np.isfinite(leaf).all() for leaf in slopes) or not _has_right_value(there):
            return False
        if not _has_slopes(there):  # at a border NaN comes of a product with an infinity
            return False
        try:
            plain = self._plain[(mode,)].floats(tuple(there.values), moved)
        except (JaxgradError, NotImplementedError, TypeError, ValueError):
            return False
        plain = plain[self._plain[(mode,)].values :]
        if not all(np.isfinite(leaf).all() for leaf in plain):
            return False
        true = derived.balls(tuple(there.values), moved)[derived.values :]
        return _is_one_right(true, slopes, plain, [leaf.dtype for leaf in derived.program.outputs])

    def _moved(self, mode: str) -> Any:
        rules, primal = self._rules, self._rules.primal
        if mode == "fwd":
            return primal.like_inputs(rules.direction().leaves)
        return primal.like_outputs(rules.cotangent().leaves)

    def _worst(self, mode: str, there: AtPoint) -> FloatResult | None:
        """The float, if it is one compiled as well, and those without the rules are right."""
        found = rule_floats(self._rules.primal, (mode,), None, [there.values])
        broken = [x for x in found if x.grave and x.status == "UNSTABLE"]
        if not broken:
            return None
        without = rule_floats(self._plain.primal, (mode,), None, [there.values])
        right = bool(without) and all(x.stable for x in without)
        return replace(broken[0], given=False) if right else None

    @cached_property
    def _plain(self) -> Derivatives:
        """JAX's derivatives of the function without its rules."""
        primal = self._rules.primal
        return Derivatives(
            Primal(strip_custom_rules(primal.moving_program.jaxpr), tuple(primal.point))
        )


def _size(point: SpecialPoint) -> float:
    """The largest of its numbers."""
    return max(float(abs(x.astype(np.float64)).max(initial=0.0)) for x in point.values)


def _has_right_value(there: AtPoint) -> bool:
    """Whether the function itself is computed right, to some bits."""
    program = there.rules.primal.moving_program
    runs = program_floats(program, there.values)
    return all(
        _is_right(x, float(run), leaf.dtype)
        for leaf, balls, floats in zip(program.outputs, there.own.value, runs, strict=True)
        if leaf.differentiable
        for x, run in zip(balls.flat, np.asarray(floats, np.float64).flat, strict=True)
    )


def _is_one_right(
    true: Sequence[ObjectArray],
    slopes: Sequence[np.ndarray],
    plain: Sequence[np.ndarray],
    dtypes: Sequence[Any],
) -> bool:
    """Whether JAX's number is right to some bits where that of the rules is none.

    Beside a matrix that no float tells from a singular one nobody's number is.

    Args:
        true: the formulas, enclosed.
        slopes: the floats of the rules.
        plain: those of JAX without them.
        dtypes: those of the leaves, in which values of the rules come first.
    """
    last = dtypes[len(dtypes) - len(true) :]
    return any(
        _is_right(balls[index], float(own[index]), dtype)
        for balls, ours, own, dtype in zip(true, slopes, plain, last, strict=True)
        for index in map(tuple, np.argwhere(~np.isfinite(ours)))
    )


def _has_slopes(there: AtPoint) -> bool:
    """Whether every result has finite derivatives from both sides."""
    found = there.truth.along(there.rules.direction())
    slopes = (leaf[1, ...] for side in (found.right, found.left) for leaf in side)
    return all(x.is_finite() for leaf in slopes for x in leaf.reshape(-1))


def _is_right(value: Any, run: float, dtype: Any) -> bool:
    """Whether some bits of a float are those of its formula, or both are 0 to the dtype."""
    if not np.isfinite(run) or not value.is_finite():
        return False
    number, least = exact_ball(run), float(jnp.finfo(dtype).smallest_normal)
    return bool(abs(number - value) <= least) or agreement(number, value) >= SOME_BITS


class _Walk(SampledInterpreter):
    """Notes at which points a number is larger than every float of its dtype, or as good as 0.

    Args:
        points: how many there are.
    """

    def __init__(self, points: int) -> None:
        super().__init__()
        self.left = np.zeros(points, bool)

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        outputs = super().apply(equation, arguments)
        for variable, value in zip(equation.outvars, outputs, strict=True):
            if not is_concrete(value) and is_differentiable(variable.aval.dtype):
                self._note(abs(dense(value)), jnp.finfo(variable.aval.dtype))
        return outputs

    def _note(self, sizes: np.ndarray, limits: Any) -> None:
        least, most = float(limits.smallest_normal), float(limits.max)
        outside = ~(sizes <= most) | ((sizes > 0) & (sizes < least))
        self.left |= outside.reshape(-1, sizes.shape[-1]).any(axis=0)
