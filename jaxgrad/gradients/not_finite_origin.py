"""Which operation of a program is it that makes a result NaN or infinite, and what mends it?

The program is run primitive by primitive, and the NaN followed back from the result to where it
comes of finite numbers, so that one that never reaches the result is left out.  In a derivative
that is where a slope is infinite, on the line of the function that has it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.mended_line import mended
from jaxgrad.gradients.primitive_runs import OPENED, as_it_is, bound, is_key, typed
from jaxgrad.programs.evaluated import evaluated
from jaxgrad.programs.function_domains import Domain, domain
from jaxgrad.programs.jaxprs import inner_jaxpr, operations
from jaxgrad.programs.source_lines import Line, line_of
from jaxgrad.programs.trace import Program, is_differentiable

__all__ = [
    "MOST_OPERATIONS",
    "Mends",
    "Step",
    "Value",
    "is_real",
    "of_entry",
    "origin",
    "run_steps",
]

# Whether a result is right where an operation at a line, of this name, is masked so; None where
# that is not known.
Mends = Callable[[Line, str, Domain], bool | None]

# Operations that are run one by one, of which the first of each kind is compiled.
MOST_OPERATIONS = 2_000


@dataclass
class Step:
    """An operation as it was run.

    Args:
        equation: it.
        line: the line that it comes of.
        inputs, outputs: what it was given, and what it returned.
    """

    equation: Any
    line: Line | None
    inputs: list[Value]
    outputs: list[Value] = field(default_factory=list)


@dataclass
class Value:
    """An array.

    Args:
        array: it.
        step: the operation that returned it, if one did.
        given: whether it depends on an argument.
    """

    array: Any
    step: Step | None = None
    given: bool = True


def origin(
    program: Program,
    values: Sequence[Any],
    leaf: int,
    index: tuple[int, ...],
    finite: bool,
    mends: Mends | None = None,
) -> str:
    """What to say of where a NaN or an infinity comes from; nothing if it is not found.

    Args:
        program: a program.
        values: the value of each input leaf.
        leaf, index: which entry of its results is no number.
        finite: whether it should be one.
        mends: says whether that mends it if an operation is masked; no line is shown without it.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(jax.grad(lambda x: jax.numpy.sqrt(x * x)), (0.0,))
        >>> print(origin(program, [np.float32(0)], 0, (), finite=False))
        ; the slope of `sqrt` at <doctest ...>:1 is infinite at 0
    """
    if operations(program.jaxpr.jaxpr) > MOST_OPERATIONS:
        return ""
    steps: list[Step] = []
    inputs = [Value(value) for value in values]
    found, met = None, None
    with as_it_is(), contextlib.suppress(NotImplementedError, TypeError, ValueError):
        results = run_steps(program.jaxpr, inputs, None, steps)
        found = _first(results[leaf], index)
        met = None if found is None else _blamed(found, steps)
    return "" if met is None else _in_words(met, finite, mends)


# -- the run ---------------------------------------------------------------------------------------
def run_steps(
    program: Any, inputs: list[Value], line: Line | None, steps: list[Step]
) -> list[Value]:
    """Runs a program and those that it calls, and appends each operation to the steps."""

    def apply(equation: Any, arguments: list[Value]) -> list[Value]:
        own = line_of(equation) or line
        if equation.primitive.name in OPENED:
            return run_steps(inner_jaxpr(equation.params), arguments, own, steps)
        step = Step(equation, own, arguments)
        steps.append(step)
        arrays = bound(equation, [value.array for value in arguments])
        # An infinity that is computed of constants alone is meant, as one that is written.
        given = any(value.given for value in arguments)
        step.outputs = [Value(array, step if given else None, given) for array in arrays]
        return step.outputs

    return evaluated(
        program, inputs, apply, lambda value, atom: Value(typed(value, atom), given=False)
    )


# -- back from the result --------------------------------------------------------------------------
def _first(value: Value, index: tuple[int, ...]) -> Step | None:
    """The operation of finite numbers from which the NaN of an entry comes."""
    if _is_finite(value, index):
        return None
    while value.step is not None:
        before = next((x for x in of_entry(value.step, index) if not _is_finite(*x)), None)
        if before is None:
            return value.step
        value, index = before
    return None


def of_entry(step: Step, index: tuple[int, ...] | None) -> list[tuple[Value, Any]]:
    """Of what an entry of a result is computed: (array, index), with None for all of the array."""
    shape = np.shape(step.outputs[0].array)
    inputs = [x for x in step.inputs if is_real(x.array)]
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
    "scatter-add", "dot_general", "conv_general_dilated", "transpose", "while", "scan", "cond",
    "cholesky", "lu", "qr", "geqrf", "householder_product", "schur",
    "triangular_solve", "dynamic_slice", "dynamic_update_slice", "reshape", "reduce_precision",
))  # fmt: skip


def is_real(array: Any) -> bool:
    return not is_key(array) and is_differentiable(np.asarray(array).dtype)


def _is_finite(value: Value, index: tuple[int, ...] | None) -> bool:
    if not is_real(value.array):
        return True
    floats = np.asarray(value.array).astype(np.float64)
    return bool(np.isfinite(floats if index is None else floats[index]).all())


# -- the operation -------------------------------------------------------------------------------
@dataclass
class _Met:
    """The operation that is to blame, and the number that it met.

    Args:
        step: the operation.
        place: which of its inputs the number is in.
        index: and where.
        broken: what is no finite number, its slope there or what it returns.
        by_value: whether what it returns is no number, not only what its slope is.
    """

    step: Step
    place: int
    index: tuple[int, ...]
    broken: float
    by_value: bool

    @property
    def number(self) -> float:
        """The number."""
        return self._entry(self.step.inputs[self.place].array)

    @property
    def value(self) -> float:
        """What the operation returns of it."""
        return self._entry(self.step.outputs[0].array)

    @property
    def exponent(self) -> float | None:
        """Of a power."""
        return self._entry(self.step.inputs[1].array) if self._is_power else None

    @property
    def negative_base(self) -> float | None:
        """That of a power which is asked how it depends on its exponent, as on no real numbers."""
        if not (self._is_power and self.place == 1):
            return None
        base = self._entry(self.step.inputs[0].array)
        return base if base < 0 else None

    @property
    def _is_power(self) -> bool:
        return self.step.equation.primitive.name == "pow"

    def _entry(self, array: Any) -> float:
        floats = np.asarray(array).astype(np.float64)
        if not floats.size:  # a maximum of nothing
            return math.nan
        return float(floats[self.index] if floats.ndim == len(self.index) else floats.flat[0])


def _blamed(found: Step, steps: list[Step]) -> _Met | None:
    """The operation, written where the NaN comes from, whose own slope is infinite.

    What the derivative of an operation consists of comes of the same place in the code.  Of a rule
    whose lines are not known every operation does.
    """
    if found.line is None:
        return None
    for step in steps:
        same = step is found or (step.line == found.line and not found.line.calls_rule)
        met = _met(step) if same else None
        if met is not None:
            return _Met(step, *met, by_value=step is found)
    return None


def _met(step: Step) -> tuple[int, tuple[int, ...], float] | None:
    """The finite input along which the derivative of an operation, or the value, is no number.

    Returns:
        which input, which entry of it, and the derivative or the value.
    """
    arrays = [np.asarray(x.array) for x in step.inputs if not is_key(x.array)]
    if len(arrays) < len(step.inputs) or not all(_is_finite(x, None) for x in step.inputs):
        return None
    for k, array in reversed(list(enumerate(arrays))):  # of a quotient the divisor
        if not is_real(array):
            continue

        def along(moved: Any, k: int = k) -> Any:
            return bound(step.equation, [*arrays[:k], moved, *arrays[k + 1 :]])

        slopes = jax.jvp(along, (array,), (np.ones_like(array),))[1]
        for numbers in (*slopes, *(x.array for x in step.outputs)):
            if not is_real(numbers):
                continue
            floats = np.asarray(numbers).astype(np.float64)
            broken = np.argwhere(~np.isfinite(floats))
            if len(broken):
                index = tuple(broken[0].tolist())
                return k, _entry_of(array, index, np.shape(numbers)), float(floats[index])
    return None


def _entry_of(array: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    return index if np.shape(array) == shape else (0,) * np.ndim(array)


# -- in words ------------------------------------------------------------------------------------
# The ends of the domains at which functions have infinite slopes; elsewhere a float overflows.
_ENDS = (0.0, 1.0, -1.0)


def _in_words(met: _Met, finite: bool, mends: Mends | None) -> str:
    """What is said of an operation.

    Args:
        met: it.
        finite: whether the result should be a number, so that the operation is to be masked.
        mends: whether that mends it.
    """
    name, line = met.step.equation.primitive.name, met.step.line
    assert line is not None
    said, at_end = _what(met, f"`{name}` {line.place}", f"{met.number:.6g}")
    if not (finite and at_end):
        return said
    known = domain(name, met.number, met.exponent)
    tried = None if known is None or mends is None else mends(line, name, known)
    if tried is False:
        return said
    said += f"; mask its {'divisor' if name == 'div' else 'argument'}, not its result alone"
    return said + mended(line, name, known) if tried and known is not None else said


# Of which no argument is one of a function.
_LOOPS = ("scan", "while", "cond")
# By what rules of decompositions divide that may be 0, in words.
_DIVIDES = {
    "eigh": "the difference of two eigenvalues, which is 0",
    "svd": "the difference of two singular values, or by one of them, which is 0",
}


def _what(met: _Met, operation: str, number: str) -> tuple[str, bool]:
    """What it does, and whether at an end of its domain or outside, where no float overflows."""
    if met.step.equation.primitive.name == "div" and met.number == 0:
        return f"; {operation} divides by {number}", True
    if met.step.equation.primitive.name in _LOOPS:
        return f"; {operation} makes a NaN" if np.isnan(met.value) else "", False
    if np.isnan(met.value):
        return f"; {operation} is asked for at {number}, outside of its domain", True
    divides = _DIVIDES.get(met.step.equation.primitive.name)
    if divides is not None and not met.by_value:
        return f"; JAX's rule of {operation} divides by {divides}", False
    if np.isnan(met.broken) and met.negative_base is not None:
        return (
            f"; {operation} of the negative base {met.negative_base:.6g} has no slope by its "
            f"exponent {number}; where that is not to be differentiated, make it an integer, or "
            "hold it fixed with argnums="
        ), False
    if met.number not in _ENDS:
        does = f"the slope of {operation} is NaN" if np.isnan(met.broken) else ""
        return f"; {does or f'{operation} overflows'} at {number}", False
    if met.by_value:
        return f"; {operation} is {met.value:.6g} at {number}", True
    return f"; the slope of {operation} is infinite at {number}", True
