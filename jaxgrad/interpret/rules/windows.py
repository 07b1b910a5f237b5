"""Reductions over windows that slide along an array, over rows, and by a program of two numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import evaluate, is_concrete, is_discrete, require_real
from jaxgrad.interpret.rules.control import stacked
from jaxgrad.interpret.rules.linear import rows_of, smallest
from jaxgrad.interpret.rules.order import compared
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


PADDING = -1  # no place of an entry


# What says where the windows lie.
WINDOWS = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")


def _windows(equation: Equation, shape: tuple[int, ...], windows: tuple[int, ...]) -> np.ndarray:
    """For each window the flat places of its entries, or PADDING: an array (windows, entries)."""
    params = equation.params
    ones = (1,) * len(shape)
    dilations = params.get("base_dilation") or ones
    padding = zip(params["padding"], dilations, strict=True)
    places = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
    padded = np.asarray(
        jax.lax.pad(places, np.int32(PADDING), [(low, high, d - 1) for (low, high), d in padding])
    )
    lookups = []
    for axis, (count, size, stride, dilation) in enumerate(
        zip(
            windows,
            params["window_dimensions"],
            params["window_strides"],
            params.get("window_dilation") or ones,
            strict=True,
        )
    ):
        at = np.arange(count)[:, None] * stride + np.arange(size)[None, :] * dilation
        around = [1] * (2 * len(shape))
        around[axis], around[len(shape) + axis] = at.shape
        lookups.append(at.reshape(around))
    found = padded[tuple(lookups)]
    sizes = math.prod(windows), math.prod(params["window_dimensions"])
    return np.broadcast_to(found, (*windows, *params["window_dimensions"])).reshape(sizes)


def _register_reduction(name: str, reduce: Callable[[NumberSystem, list[Any]], Any]) -> None:
    @rule(name, reads=WINDOWS)
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        require_real(equation)
        (array,) = inputs
        shape = equation.outvars[0].aval.shape
        flat = array.reshape(-1)
        windows = _windows(equation, array.shape, shape)
        return objects(
            (reduce(interpreter.system, list(flat[w[w != PADDING]])) for w in windows), shape
        )


_register_reduction("reduce_window_sum", lambda s, xs: s.total(xs))
_register_reduction("reduce_window_max", lambda s, xs: s.largest(xs))
_register_reduction("reduce_window_min", smallest)


def _selected(system: NumberSystem, relation: str, xs: list[Any]) -> list[Any]:
    """For each entry the truth of its being chosen: the first x that is ``relation`` to all."""
    chosen, best = [system.truth(True)], xs[0]
    for x in xs[1:]:
        keeps = compared(system, relation, best, x)
        chosen = [system.logical_and(p, keeps) for p in chosen]
        chosen.append(system.logical_not(keeps))
        best = system.select(keeps, x, best)
    return chosen


def _windows_with_choice(
    interpreter: Interpreter, equation: Equation, operand: np.ndarray, windows: np.ndarray
) -> Iterator[list[tuple[int, Any]]]:
    """For each window (place, truth of its being chosen) for its entries, if it has any."""
    relation = equation.params["select_prim"].name
    flat = operand.reshape(-1)
    for window in windows:
        places = [int(place) for place in window if place != PADDING]
        if places:
            chosen = _selected(interpreter.system, relation, [flat[i] for i in places])
            yield list(zip(places, chosen, strict=True))
        else:
            yield []


@rule("select_and_scatter_add", reads=(*WINDOWS, "select_prim"))
def _select_and_scatter_add(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """Adds each entry of the source to the place that its window chooses in the operand."""
    source, operand = inputs
    require_real(equation)
    system = interpreter.system
    zero = system.constant(0)
    out = system.map(lambda _: zero, operand).reshape(-1)
    windows = _windows(equation, operand.shape, source.shape)
    choices = _windows_with_choice(interpreter, equation, operand, windows)
    for entry, choice in zip(source.reshape(-1), choices, strict=True):
        for place, chosen in choice:
            out[place] = out[place] + system.select(chosen, zero, entry)
    return out.reshape(operand.shape)


@rule("select_and_gather_add", reads=(*WINDOWS, "select_prim"))
def _select_and_gather_add(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """For each window the tangent at the place that it chooses in the operand."""
    tangents, operand = inputs
    require_real(equation)
    system = interpreter.system
    shape = equation.outvars[0].aval.shape
    windows = _windows(equation, operand.shape, shape)
    flat = tangents.reshape(-1)

    def gathered(choice: list[tuple[int, Any]]) -> Any:
        result = system.constant(0)
        for place, chosen in choice:
            result = system.select(chosen, result, flat[place])
        return result

    choices = _windows_with_choice(interpreter, equation, operand, windows)
    return objects((gathered(choice) for choice in choices), shape)


def _folded(
    interpreter: Interpreter,
    program: Any,
    constants: Any,
    starts: list[Any],
    rows: Iterator[list[Any]],
) -> list[Any]:
    """The program of (results so far, next entries) repeated over rows of 0-dimensional arrays."""
    results = starts
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


def _require_neutral(
    interpreter: Interpreter, equation: Equation, program: Any, constants: Any, starts: list[Any]
) -> None:
    """Refuses a start that counts each time it is taken: XLA takes it any number of times.

    Raises:
        UnsupportedPrimitive: combined with itself, the start is not certainly itself.
    """
    again = _run(interpreter, program, constants, (*starts, *starts))
    system = interpreter.system
    for atom, x, y in zip(equation.invars[len(starts) :], starts, again, strict=True):
        if is_concrete(x) and is_concrete(y):
            same: Any = np.array_equal(x, y)
        elif atom.aval.dtype == np.dtype(bool):
            same = False
        else:
            pair = (interpreter.elements(value, atom.aval.dtype)[()] for value in (x, y))
            same = system.known(compared(system, "eq", *pair))
        if not same:
            raise UnsupportedPrimitive(
                f"`{equation.primitive.name}` that starts with {x}, which is not neutral: "
                "the result depends on how often XLA takes it; start with 0 for a sum, 1 for a "
                "product, and combine the result with the value"
            )


# The computation is the function that was traced to the jaxpr.
@rule("reduce", reads=("jaxpr", "consts", "dimensions"), harmless={"computation": anything})
def _reduce(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Folds a program along axes; that it may be done in any order is the caller's promise."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    params, count = equation.params, len(inputs) // 2
    operands, starts = inputs[:count], inputs[count:]
    program = params["jaxpr"]
    constants = getattr(program, "consts", ())
    _require_neutral(interpreter, equation, program, constants, starts)
    rows = [rows_of(operand, params["dimensions"])[0] for operand in operands]
    parts = []
    for i in range(len(rows[0])):
        entries = ([row[i, j, ...] for row in rows] for j in range(rows[0].shape[1]))
        parts.append(_folded(interpreter, program, getattr(program, "consts", ()), starts, entries))
    return _joined(interpreter, equation, parts)


@rule("reduce_window", reads=(*WINDOWS, "jaxpr", "consts"))
def _reduce_window(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Folds a program over the entries of each window."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    params, count = equation.params, len(inputs) // 2
    operands, starts = inputs[:count], inputs[count:]
    _require_neutral(interpreter, equation, params["jaxpr"], params["consts"], starts)
    flat = [operand.reshape(-1) for operand in operands]
    parts = []
    for window in _windows(equation, operands[0].shape, equation.outvars[0].aval.shape):
        entries = ([array[place, ...] for array in flat] for place in window if place != PADDING)
        parts.append(_folded(interpreter, params["jaxpr"], params["consts"], starts, entries))
    return _joined(interpreter, equation, parts)


@rule(
    "select_and_scatter",
    reads=(*WINDOWS, "select_jaxpr", "select_consts", "scatter_jaxpr", "scatter_consts"),
)
def _select_and_scatter(
    interpreter: Interpreter, equation: Equation, inputs: list[Value]
) -> Outputs:
    """Combines each entry of the source with the place that its window chooses, by programs."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    operand, source, start = inputs
    params = equation.params
    flat = operand.reshape(-1)
    out = [start] * operand.size
    windows = _windows(equation, operand.shape, source.shape)
    for entry, window in zip(source.reshape(-1), windows, strict=True):
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
        pair = out[best], objects([entry], ())
        (out[best],) = _run(interpreter, params["scatter_jaxpr"], params["scatter_consts"], pair)
    (result,) = _joined(interpreter, equation, [[x] for x in out])
    return result
