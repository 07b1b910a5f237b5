"""Which operation of a program makes a NaN of numbers that are none, infinities included.

Where an argument is infinite most numbers are, and a NaN comes of ∞·0, ∞ − ∞ or ∞/∞, whatever the
limit of the formula is.  The program is run primitive by primitive, and the NaN followed back.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxgrad.gradients.not_finite_origin import (
    MOST_OPERATIONS,
    Step,
    Value,
    is_real,
    of_entry,
    run_steps,
)
from jaxgrad.gradients.primitive_runs import as_it_is
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.source_lines import place_in_jax
from jaxgrad.programs.trace import Program

__all__ = ["nan_origin"]


def nan_origin(program: Program, values: Sequence[Any], leaf: int, index: tuple[int, ...]) -> str:
    """What to say of the operation; nothing if it is not found.

    Args:
        program: a program.
        values: the value of each input leaf.
        leaf, index: which entry of its results is NaN.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> import jax
        >>> program = trace(lambda x: x - jax.numpy.floor(x), (1.0,))
        >>> print(nan_origin(program, [np.float32(math.inf)], 0, ()))
        ; `sub` at <doctest ...>:1 is ∞ − ∞
    """
    if operations(program.jaxpr.jaxpr) > MOST_OPERATIONS:
        return ""
    found = None
    with as_it_is(), contextlib.suppress(NotImplementedError, TypeError, ValueError):
        results = run_steps(program.jaxpr, [Value(value) for value in values], None, [])
        found = _first(results[leaf], index)
    return "" if found is None else _in_words(*found)


def _first(value: Value, index: tuple[int, ...] | None) -> tuple[Step, Any] | None:
    """The operation that made the NaN of an entry, and of which entry of its result."""
    while value.step is not None and _is_nan(value, index):
        before = next((x for x in of_entry(value.step, index) if _is_nan(*x)), None)
        if before is None:
            return value.step, index
        value, index = before
    return None


def _is_nan(value: Value, index: tuple[int, ...] | None) -> bool:
    known = is_real(value.array) or np.iscomplexobj(value.array)
    return known and bool(np.isnan(_numbers(value, index)).any())


def _numbers(value: Value, index: tuple[int, ...] | None) -> np.ndarray:
    array = np.asarray(value.array)
    floats = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    return floats if index is None else floats[index]


# -- in words --------------------------------------------------------------------------------------


def _in_words(step: Step, index: tuple[int, ...] | None) -> str:
    place = step.line.place if step.line is not None else place_in_jax(step.equation)
    name = step.equation.primitive.name
    operation = f"`{name}` {place}" if place else f"`{name}`"
    said = next(_said(name, [_numbers(*x) for x in of_entry(step, index)]), "makes a NaN")
    return f"; {operation} {said}"


def _said(name: str, inputs: list[np.ndarray]) -> Iterator[str]:
    """What an operation does to make a NaN, if it is one of few."""
    if name in ("mul", "dot_general", "conv_general_dilated") and len(inputs) == 2:
        for x, y in (inputs, inputs[::-1]):
            if np.isinf(x).any() and (y == 0).any():
                yield "is ∞·0"
    if name in _SUMS:
        yield "is ∞ − ∞"
    numbers = [float(x) for x in inputs if x.ndim == 0 and not np.iscomplexobj(x)]
    if len(numbers) < len(inputs) or not numbers:
        return
    if name == "div":
        yield f"is {_sized(numbers[0])}/{_sized(numbers[1])}"
    if len(numbers) == 1:
        yield f"is asked for at {_signed(numbers[0])}, where it has no value"
    yield f"is NaN of {listed(map(_signed, numbers))}"


_SUMS = frozenset((
    "add", "sub", "add_any", "reduce_sum", "cumsum", "dot_general", "conv_general_dilated",
    "scatter-add", "reduce_window_sum",
))  # fmt: skip


def _sized(x: float) -> str:
    return "∞" if math.isinf(x) else f"{x:.6g}"


def _signed(x: float) -> str:
    return f"{'−' if x < 0 else ''}∞" if math.isinf(x) else f"{x:.6g}"
