"""A gradient of which nothing is left in floats, for want of a larger cotangent alone.

A derivative is linear in its cotangent, or its tangent: a power of two times as large a one gives
exactly as many times as much in floats, too, unless a number on the way is smaller than every float
of its dtype, or larger.  So where a whole leaf is 0, its formula is not, and there is something for
a larger cotangent, it is lost on the way of that: where one of 1e-6 passes through a float8, say.
How large a cotangent is, others choose; this is asked for those of size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.floats.arithmetic import least_float
from jaxgrad.gradients.floats.derivatives import rule_floats
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.numbers.precision import precision

__all__ = ["lost"]

# A cotangent is so many powers of two as large, and so many more, as long as nothing overflows: a
# float8 has 17 of them at least.
STEP = 8


def lost(rules: DerivativePrograms, modes: Sequence[str]) -> tuple[FloatResult, ...]:
    """The floats of leaves of which nothing is left at the given point.

    Args:
        rules: the derivative programs.
        modes: those of first derivatives that gave a leaf of zeros there.
    """
    found: list[FloatResult] = []
    for mode in modes if rules.linear else ():
        leaves = _leaves(rules, mode)
        if leaves:
            primal = rules.primal
            floats = rule_floats(primal, (mode,), None, [primal.point])
            found += [_underflowing(x) for x in floats if _is_of(x, mode, leaves)]
    return tuple(found)


def _is_of(found: FloatResult, mode: str, leaves: Sequence[str]) -> bool:
    """Whether a float is 0 that should not be, of one of these leaves."""
    leaf = found.output if mode == "fwd" else found.path
    return found.value == 0 and found.truth != "0" and leaf in leaves


def _underflowing(found: FloatResult) -> FloatResult:
    """The float as one that is lost, also where as many roundings could make it anything.

    They could not: they are as large beside a larger cotangent, with which it is not 0.
    """
    if found.status == "UNSTABLE":
        return found
    return replace(found, status="UNSTABLE", reason="underflow", failed=max(found.failed, 1))


def _leaves(rules: DerivativePrograms, mode: str) -> list[str]:
    """Those that are 0, and not so for what is larger."""
    primal, derived = rules.primal, rules[(mode,)]
    moved, point = rules.moved(mode), tuple(primal.point)
    with precision(FIRST_PRECISION):
        truth = derived.balls(point, moved)[derived.values :]
    zeros = derived.floats(point, moved)[derived.values :]
    outputs = primal.outputs if mode == "fwd" else primal.inputs
    names = [f"f{leaf.path}" if mode == "fwd" else leaf.path for leaf in outputs]
    empty = [
        k
        for k, (balls, run) in enumerate(zip(truth, zeros, strict=True))
        if run.size and not run.any() and _has_floats(balls, outputs[k].dtype)
    ]
    if not empty:
        return []
    return [names[k] for k in empty if _is_there_for_more(rules, mode, k)]


def _has_floats(balls: ObjectArray, dtype: Any) -> bool:
    """Whether some number is none that flushes to 0."""
    least = least_float(dtype)
    return any(x.is_finite() and bool(abs(x) > least) for x in balls.flat)


def _is_there_for_more(rules: DerivativePrograms, mode: str, leaf: int) -> bool:
    """Whether a leaf is not 0 for a larger cotangent, or tangent."""
    derived, point = rules[(mode,)], tuple(rules.primal.point)
    for power in range(STEP, jnp.finfo(np.float64).maxexp, STEP):
        with np.errstate(over="ignore"):
            more = tuple(np.ldexp(x, power).astype(x.dtype) for x in rules.moved(mode))
        runs = derived.floats(point, more)[derived.values :]
        if not all(np.isfinite(x).all() for x in (*more, *runs)):
            return False
        if runs[leaf].any():
            return True
    return False
