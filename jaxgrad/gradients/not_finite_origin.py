"""Which operation of a program is it that makes a result NaN or infinite, and what mends it?

The program is run primitive by primitive, and the NaN followed back from the result to where it
comes of finite numbers, so that one that never reaches the result is left out.  In a derivative
that is where a slope is infinite, on the line of the function that has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.mended_line import mended
from jaxgrad.gradients.primitive_runs import OPENED, as_it_is, bound, is_key, typed
from jaxgrad.programs.jaxprs import inner_jaxpr, operations
from jaxgrad.programs.source_lines import Line, line_of
from jaxgrad.programs.trace import Program, is_differentiable

__all__ = ["origin"]

# Operations that are run one by one, of which the first of each kind is compiled.
MOST_OPERATIONS = 2_000


@dataclass
class _Step:
    """An operation as it was run.

    Args:
        equation: it.
        line: the line that it comes of.
        inputs, outputs: what it was given, and what it returned.
    """

    equation: Any
    line: Line | None
    inputs: list[_Value]
    outputs: list[_Value] = field(default_factory=list)


@dataclass
class _Value:
    """An array, and the operation that returned it, if one did."""

    array: Any
    step: _Step | None = None


def origin(
    program: Program, values: Sequence[Any], leaf: int, index: tuple[int, ...], finite: bool
) -> str:
    """What to say of where a NaN or an infinity comes from; nothing if it is not found.

    Args:
        program: a program.
        values: the value of each input leaf.
        leaf, index: which entry of its results is no number.
        finite: whether it should be one.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(jax.grad(lambda x: jax.numpy.sqrt(x * x)), (0.0,))
        >>> print(origin(program, [np.float32(0)], 0, (), finite=False))
        ; the slope of `sqrt` at <doctest ...>:1 is infinite at 0
    """
    if operations(program.jaxpr.jaxpr) > MOST_OPERATIONS:
        return ""
    steps: list[_Step] = []
    inputs = [_Value(value) for value in values]
    found, slope = None, None
    with as_it_is(), contextlib.suppress(NotImplementedError, TypeError, ValueError):
        results = _run(program.jaxpr.jaxpr, program.jaxpr.consts, inputs, None, steps)
        found = _first(results[leaf], index)
        slope = None if found is None else _steep(found, steps)
    if found is None or slope is None:
        return ""
    return _in_words(*slope, finite)


# -- the run ---------------------------------------------------------------------------------------
def _run(
    jaxpr: Any, consts: Any, inputs: list[_Value], line: Line | None, steps: list[_Step]
) -> list[_Value]:
    values: dict[Any, _Value] = dict(zip(jaxpr.invars, inputs, strict=True))
    for variable, constant in zip(jaxpr.constvars, consts, strict=True):
        values[variable] = _Value(typed(constant, variable))

    def read(atom: Any) -> _Value:
        return _Value(typed(atom.val, atom)) if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        own = line_of(equation) or line
        arguments = [read(atom) for atom in equation.invars]
        if equation.primitive.name in OPENED:
            inner = inner_jaxpr(equation.params)
            body, inside = getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())
            outputs = _run(body, inside, arguments, own, steps)
        else:
            step = _Step(equation, own, arguments)
            steps.append(step)
            arrays = bound(equation, [value.array for value in arguments])
            outputs = step.outputs = [_Value(array, step) for array in arrays]
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


# -- back from the result --------------------------------------------------------------------------
def _first(value: _Value, index: tuple[int, ...]) -> _Step | None:
    """The operation of finite numbers from which the NaN of an entry comes."""
    if _is_finite(value, index):
        return None
    while value.step is not None:
        before = next((x for x in _of_entry(value.step, index) if not _is_finite(*x)), None)
        if before is None:
            return value.step
        value, index = before
    return None


def _of_entry(step: _Step, index: tuple[int, ...] | None) -> list[tuple[_Value, Any]]:
    """Of what an entry of a result is computed: (array, index), with None for all of the array."""
    shape = np.shape(step.outputs[0].array)
    inputs = [x for x in step.inputs if _is_real(x.array)]
    if step.equation.primitive.name == "select_n" and index is not None:
        which = np.asarray(step.inputs[0].array)
        taken = int(which[index] if which.shape else which)
        inputs = [step.inputs[1 + taken]]
    same = all(np.shape(x.array) in ((), shape) for x in inputs)
    if index is None or not same or step.equation.primitive.name in _MIXING:
        return [(x, None) for x in inputs]
    return [(x, index if np.shape(x.array) == shape else ()) for x in inputs]


# Of inputs of the shape of the result, but not entry by entry.
_MIXING = frozenset((
    "rev", "sort", "cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp", "gather", "scatter",
    "scatter-add", "dot_general", "transpose", "while", "scan", "cond", "cholesky", "lu",
    "triangular_solve", "dynamic_slice", "dynamic_update_slice", "reshape", "reduce_precision",
))  # fmt: skip


def _is_real(array: Any) -> bool:
    return not is_key(array) and is_differentiable(np.asarray(array).dtype)


def _is_finite(value: _Value, index: tuple[int, ...] | None) -> bool:
    if not _is_real(value.array):
        return True
    floats = np.asarray(value.array).astype(np.float64)
    return bool(np.isfinite(floats if index is None else floats[index]).all())


# -- the slope -------------------------------------------------------------------------------------
def _steep(found: _Step, steps: list[_Step]) -> tuple[_Step, int, tuple[int, ...]] | None:
    """The operation on the same line whose own slope is infinite, and the number that it met.

    Returns:
        the operation, which of its inputs it is, and the index of the number.
    """
    for step in steps:
        if step.line == found.line and step.line is not None:
            met = _met(step)
            if met is not None:
                return step, *met
    return None


def _met(step: _Step) -> tuple[int, tuple[int, ...]] | None:
    """The finite input along which the derivative of an operation is infinite there."""
    arrays = [np.asarray(x.array) for x in step.inputs if not is_key(x.array)]
    if len(arrays) < len(step.inputs) or not all(_is_finite(x, None) for x in step.inputs):
        return None
    for k, array in reversed(list(enumerate(arrays))):  # of a quotient the divisor
        if not _is_real(array):
            continue

        def along(moved: Any, k: int = k) -> Any:
            return bound(step.equation, [*arrays[:k], moved, *arrays[k + 1 :]])

        slopes = jax.jvp(along, (array,), (np.ones_like(array),))[1]
        for slope in slopes:
            if not _is_real(slope):
                continue
            broken = np.argwhere(~np.isfinite(np.asarray(slope).astype(np.float64)))
            if len(broken):
                return k, _entry_of(array, tuple(broken[0].tolist()), np.shape(slope))
    return None


def _entry_of(array: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    return index if np.shape(array) == shape else (0,) * np.ndim(array)


# The ends of the domains at which functions have infinite slopes; elsewhere a float overflows.
_ENDS = (0.0, 1.0, -1.0)


def _in_words(step: _Step, k: int, index: tuple[int, ...], finite: bool) -> str:
    name, number = step.equation.primitive.name, float(np.asarray(step.inputs[k].array)[index])
    met, line = f"{number:.6g}", step.line
    assert line is not None
    if number not in _ENDS:
        return f"; `{name}` at {line} overflows at {met}"
    what = "divisor" if name == "div" else "argument"
    said = f"; the slope of `{name}` at {line} is infinite at {met}"
    if name == "div":
        said = f"; `div` at {line} divides by {met}"
    if not finite:
        return said
    result = np.asarray(step.outputs[0].array).astype(np.float64)
    value = float(result[index]) if index and result.shape else float(result.flat[0])
    return f"{said}; mask its {what}, not its result alone{mended(line, name, met, value)}"
