"""Reductions over windows that slide along an array, over rows, and by a program of two numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.budgets import BudgetSpent
from jaxgrad.interpret.rules.concrete import is_concrete, require_real
from jaxgrad.interpret.rules.control import stacked
from jaxgrad.interpret.rules.linear import rows_of
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.base import CannotDecide

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__ = ["PADDING", "places_in_windows"]

PADDING = -1  # no place of an entry


# What says where the windows lie.
WINDOWS = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")


def _windows(equation: Equation, shape: tuple[int, ...], windows: tuple[int, ...]) -> np.ndarray:
    """For each window the flat places of its entries, or PADDING: an array (windows, entries)."""
    params, ones = equation.params, (1,) * len(shape)
    return places_in_windows(
        shape,
        windows,
        sizes=params["window_dimensions"],
        strides=params["window_strides"],
        padding=params["padding"],
        dilation=params.get("base_dilation") or ones,
        within=params.get("window_dilation") or ones,
    )


def places_in_windows(
    shape: tuple[int, ...],
    windows: tuple[int, ...],
    *,
    sizes: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    within: Sequence[int],
) -> np.ndarray:
    """For each window the flat places of its entries, or PADDING: an array (windows, entries).

    Args:
        shape: of the array.
        windows: how many there are along each axis.
        sizes, strides: of the windows.
        padding: before and behind the array, where it is negative what is cut off.
        dilation: of the array, a distance of its entries.
        within: the distance of the entries of a window.
    """
    places = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
    config = [(low, high, d - 1) for (low, high), d in zip(padding, dilation, strict=True)]
    with jax.ensure_compile_time_eval():
        padded = np.asarray(jax.lax.pad(places, np.int32(PADDING), config))
    lookups = []
    for axis, (count, size, stride, distance) in enumerate(
        zip(windows, sizes, strides, within, strict=True)
    ):
        at = np.arange(count)[:, None] * stride + np.arange(size)[None, :] * distance
        around = [1] * (2 * len(shape))
        around[axis], around[len(shape) + axis] = at.shape
        lookups.append(at.reshape(around))
    found = padded[tuple(lookups)]
    return np.broadcast_to(found, (*windows, *sizes)).reshape(math.prod(windows), math.prod(sizes))


def _by_length(windows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows with as many entries each: which they are, and their places (windows, entries)."""
    inside = windows != PADDING
    lengths = inside.sum(1)
    for length in np.unique(lengths):
        these = np.flatnonzero(lengths == length)
        yield these, windows[these][inside[these]].reshape(len(these), length)


def _put_together(
    interpreter: Interpreter, parts: list[tuple[np.ndarray, Value]], shape: tuple[int, ...]
) -> Value:
    """Arrays of one entry a window, of which it is said which windows they are of."""
    order = np.argsort(np.concatenate([these for these, _ in parts]), kind="stable")
    return interpreter.arrays.move(
        lambda xp, *each: xp.concatenate(each)[order].reshape(shape), *(part for _, part in parts)
    )


@rule("reduce_window_sum", "reduce_window_max", "reduce_window_min", reads=WINDOWS)
def _reduction(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    require_real(equation)
    (array,), shape = inputs, equation.outvars[0].aval.shape
    name, flat = equation.primitive.name.removeprefix("reduce_window_"), array.reshape(-1)
    windows = _windows(equation, array.shape, shape)
    if not len(windows):
        return flat[:0].reshape(shape)
    parts = [
        (these, interpreter.arrays.reduce(name, flat[places]))
        for these, places in _by_length(windows)
    ]
    return _put_together(interpreter, parts, shape)


def _choices(
    interpreter: Interpreter, equation: Equation, operand: Value, shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray, list[Value]]]:
    """Windows with as many entries each, their places, and for each entry whether it is chosen.

    Chosen is the first entry of a window that is ``select_prim`` to all that follow.
    """
    arrays, flat = interpreter.arrays, operand.reshape(-1)
    relation = equation.params["select_prim"].name
    for these, places in _by_length(_windows(equation, operand.shape, shape)):
        if not places.shape[1]:
            yield these, places, []
            continue
        best, keeps = flat[places[:, 0]], []
        for k in range(1, places.shape[1]):
            here = flat[places[:, k]]
            keeps.append(arrays.compare(relation, best, here, ordered=True))
            best = arrays.select(keeps[-1], here, best)
        last = arrays.truths(np.full(len(these), True))  # that all later ones keep the best
        chosen = []
        for kept in reversed(keeps):
            chosen.append(arrays.logic("and", arrays.logic("not", kept), last))
            last = arrays.logic("and", kept, last)
        yield these, places, [last, *reversed(chosen)]


@rule("select_and_scatter_add", reads=(*WINDOWS, "select_prim"), exact_if_known=False)
def _select_and_scatter_add(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """Adds each entry of the source to the place that its window chooses in the operand."""
    source, operand = inputs
    require_real(equation)
    arrays, entries = interpreter.arrays, source.reshape(-1)
    zeros = arrays.lift(np.zeros(operand.shape)).reshape(-1)
    added: list[tuple[np.ndarray, np.ndarray, Value]] = []
    for these, places, chosen in _choices(interpreter, equation, operand, source.shape):
        for k, truth in enumerate(chosen):
            zero = zeros[np.zeros(len(these), int)]
            added.append((these, places[:, k], arrays.select(truth, zero, entries[these])))
    if not added:
        return zeros.reshape(operand.shape)
    # Window by window, as XLA adds them.
    order = np.argsort(np.concatenate([these for these, _, _ in added]), kind="stable")
    targets = np.concatenate([target for _, target, _ in added])[order]
    updates = arrays.move(lambda xp, *each: xp.concatenate(each)[order], *(u for _, _, u in added))
    return arrays.accumulate("add", zeros, targets, updates).reshape(operand.shape)


@rule("select_and_gather_add", reads=(*WINDOWS, "select_prim"), exact_if_known=False)
def _select_and_gather_add(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """For each window the tangent at the place that it chooses in the operand.

    Which of several that tie that is depends on the order in which XLA goes through a window.
    """
    tangents, operand = inputs
    require_real(equation)
    arrays, shape = interpreter.arrays, equation.outvars[0].aval.shape
    relation, flat = equation.params["select_prim"].name, operand.reshape(-1)
    moved, parts = tangents.reshape(-1), []
    for these, places in _by_length(_windows(equation, operand.shape, shape)):
        if not places.shape[1]:
            parts.append((these, arrays.lift(np.zeros(len(these)))))
            continue
        best, result = flat[places[:, 0]], moved[places[:, 0]]
        for k in range(1, places.shape[1]):
            here = flat[places[:, k]]
            keeps = arrays.compare(relation, best, here, ordered=True)
            ties = arrays.compare("eq", best, here, ordered=True)
            result = arrays.select(arrays.opened(keeps, ties), moved[places[:, k]], result)
            best = arrays.select(keeps, here, best)
        parts.append((these, result))
    return _put_together(interpreter, parts, shape) if parts else flat[:0].reshape(shape)


def _folded(
    interpreter: Interpreter,
    program: Any,
    constants: Any,
    starts: list[Any],
    rows: Iterator[list[Any]],
    skip: bool,
) -> list[Any]:
    """The program of (results so far, next entries) repeated over rows of 0-dimensional arrays.

    ``skip`` says whether the starts are left out where there is any row.
    """
    results = next(rows, starts) if skip else starts
    for entries in rows:
        results = _run(interpreter, program, constants, (*results, *entries))
    return results


def _run(
    interpreter: Interpreter, program: Any, constants: Any, inputs: tuple[Any, ...]
) -> list[Any]:
    return interpreter.run(getattr(program, "jaxpr", program), constants, list(inputs))


def _joined(interpreter: Interpreter, equation: Equation, parts: list[list[Any]]) -> list[Any]:
    """The k-th results of all folds as the k-th output."""
    outputs = stacked(interpreter, equation.outvars, parts)
    return [
        output.reshape(variable.aval.shape)
        for output, variable in zip(outputs, equation.outvars, strict=True)
    ]


# Numbers of either sign that nothing distinguishes: what changes neither is taken to change none.
_GENERIC = (-1.3125, 0.71875)


def _changes_nothing(
    interpreter: Interpreter, equation: Equation, program: Any, constants: Any, starts: list[Any]
) -> bool:
    """Whether the start was seen to change no number, so that it need not be taken.

    That is asked where two starts combined are not certainly a start, as for two infinities, of
    which there is no difference.

    Raises:
        UnsupportedPrimitive: neither holds; XLA takes a start any number of times.
    """
    variables = equation.invars[len(starts) :]

    def keeps(entry: list[Any]) -> bool:
        with jax.ensure_compile_time_eval():
            try:
                found = _run(interpreter, program, constants, (*starts, *entry))
            except BudgetSpent:
                raise
            except CannotDecide:  # as of an exponential of NaN
                return False
            return all(
                _certainly_same(interpreter, atom.aval.dtype, x, y)
                for atom, x, y in zip(variables, entry, found, strict=True)
            )

    if keeps(starts):
        return False
    numbers = ((x / (k + 1) for k in range(len(starts))) for x in _GENERIC)
    entries = (
        [
            interpreter.lift(np.asarray(x, v.aval.dtype))
            for x, v in zip(each, variables, strict=True)
        ]
        for each in numbers
    )
    if not all(map(keeps, entries)):
        raise UnsupportedPrimitive(
            f"`{equation.primitive.name}` that starts with {', '.join(map(str, starts))}, which "
            "is not neutral: the result depends on how often XLA takes it; start with 0 for a "
            "sum, 1 for a product, and combine the result with the value"
        )
    return True


def _certainly_same(interpreter: Interpreter, dtype: Any, x: Value, y: Value) -> bool:
    if is_concrete(x) and is_concrete(y):
        return np.array_equal(x, y)
    if np.dtype(dtype) == bool:
        return False
    pair = (interpreter.elements(value, dtype) for value in (x, y))
    truth = interpreter.arrays.compare("eq", *pair, ordered=True)
    return bool(interpreter.arrays.known(truth))


# The computation is the function that was traced to the jaxpr.
@rule("reduce", reads=("jaxpr", "consts", "dimensions"), harmless={"computation": anything})
def _reduce(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Folds a program along axes; that it may be done in any order is the caller's promise."""
    params, count = equation.params, len(inputs) // 2
    operands, starts = inputs[:count], inputs[count:]
    program = params["jaxpr"]
    constants = getattr(program, "consts", ())
    rows = [rows_of(operand, params["dimensions"])[0] for operand in operands]
    skip = _changes_nothing(interpreter, equation, program, constants, starts)
    parts = []
    for i in range(rows[0].shape[0]):
        entries = ([row[i, j, ...] for row in rows] for j in range(rows[0].shape[1]))
        parts.append(_folded(interpreter, program, constants, starts, entries, skip))
    return _joined(interpreter, equation, parts)


@rule("reduce_window", reads=(*WINDOWS, "jaxpr", "consts"))
def _reduce_window(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Folds a program over the entries of each window."""
    count, params = len(inputs) // 2, equation.params
    operands, starts = inputs[:count], inputs[count:]
    program, constants = params["jaxpr"], params["consts"]
    flat = [operand.reshape(-1) for operand in operands]
    skip = _changes_nothing(interpreter, equation, program, constants, starts)
    parts = []
    for window in _windows(equation, operands[0].shape, equation.outvars[0].aval.shape):
        entries = ([array[place, ...] for array in flat] for place in window if place != PADDING)
        parts.append(_folded(interpreter, program, constants, starts, entries, skip))
    return _joined(interpreter, equation, parts)


@rule(
    "select_and_scatter",
    reads=(*WINDOWS, "select_jaxpr", "select_consts", "scatter_jaxpr", "scatter_consts"),
)
def _select_and_scatter(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """Combines each entry of the source with the place that its window chooses, by programs."""
    operand, source, start = inputs
    params = equation.params
    flat = operand.reshape(-1)
    out = [start] * operand.size
    windows = _windows(equation, operand.shape, source.shape)
    for number, window in enumerate(windows):
        places = [int(place) for place in window if place != PADDING]
        if not places:
            continue
        best = places[0]
        for place in places[1:]:
            pair = flat[best, ...], flat[place, ...]
            (keeps,) = _run(interpreter, params["select_jaxpr"], params["select_consts"], pair)
            if not is_concrete(keeps):
                raise CannotDecide("the place that a window chooses depends on an open comparison")
            best = best if keeps else place
        pair = out[best], source.reshape(-1)[number, ...]
        (out[best],) = _run(interpreter, params["scatter_jaxpr"], params["scatter_consts"], pair)
    (result,) = _joined(interpreter, equation, [[x] for x in out])
    return result
