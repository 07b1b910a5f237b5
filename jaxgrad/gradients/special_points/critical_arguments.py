"""Where a program decides or may break: the numbers whose vanishing is a special point of it.

The operands of a comparison differ by such a number; a divisor, the argument of a square root or
of an absolute value is one.  They are evaluated in float64 at many points at once, which costs no
compilation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgrad.gradients.special_points.sampled import SampledInterpreter, run_at
from jaxgrad.gradients.special_points.unforeseen import passed_over
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.programs.trace import Leaf, Program, is_differentiable

__all__ = ["Critical", "critical_arguments"]

# Entries of one array that are followed; a kink of an elementwise function is the same in each.
MOST_ENTRIES = 64
# Times that one equation is followed; a loop repeats it.
MOST_REPEATS = 3
# Entries of a row of which each is held against all others; in a longer one, against the next.
LONGEST_ROW = 32

Values = np.ndarray


@dataclass(frozen=True, eq=False)
class Critical:
    """Numbers that are special where they vanish.

    Args:
        key: the same in every evaluation of the same programs.
        equation: the same for all that one equation has.
        order: when it is computed.
        what: where they vanish, in words: "the divisor of `div` vanishes".
        mild: whether a zero alone is nothing special, as that of a square is; several may be.
        values: shape (numbers, points).
    """

    key: tuple[Any, ...]
    equation: tuple[Any, ...]
    order: tuple[int, int]
    what: str
    mild: bool
    values: Values


def critical_arguments(
    programs: Sequence[Program], leaves: Sequence[Leaf], points: Values
) -> list[Critical]:
    """The critical arguments of programs at points.

    Args:
        programs: their first inputs are the leaves; further ones keep the values they have.
        leaves: floating-point leaves with N entries in all.
        points: float64, shape (points, N), entries in the order of the leaves, row-major; the
            first is the given one, beside which a rounding jumps.

    Returns:
        those that are not the same at every point, in the order of the programs; what comes
        after an operation that has no meaning in float64 is left out.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(lambda x: jnp.minimum(x, 6.0), (1.0,))
        >>> (found,) = critical_arguments([program], program.inputs, np.array([[5.0], [6.0]]))
        >>> found.what, found.values.tolist()
        ('`min` ties', [[-1.0, 0.0]])
    """
    found: list[Critical] = []
    for number, program in enumerate(programs):
        recorder = _Recorder(number, len(points))
        # A search that ends early misses points and says nothing wrong.
        with passed_over("a program at points"):
            run_at(recorder, program, leaves, points)
        found += recorder.found
    return found


class _Recorder(SampledInterpreter):
    """Runs a program at points and keeps its critical arguments."""

    def __init__(self, program: int, points: int) -> None:
        super().__init__()
        self.found: list[Critical] = []
        self._program, self._points = program, points
        self._seen: dict[int, tuple[Any, int]] = {}  # with the equation, whose number it is

    def watch(self, equation: Any, arguments: list[Any]) -> None:
        mild = _is_square(equation)
        critical = _SQUARED if mild else _critical(equation.primitive.name)
        if critical is None or not is_differentiable(equation.invars[0].aval.dtype):
            return  # a step of integers is critical where they are made from floats
        _, repeat = self._seen.get(id(equation), (equation, 0))
        self._seen[id(equation)] = equation, repeat + 1
        if repeat >= MOST_REPEATS:
            return
        place = (self._program, id(equation), repeat)
        order = (self._program, len(self.found))
        arrays = [self.dense(value) for value in arguments]
        parts: Parts = []
        with passed_over(f"what is critical of `{equation.primitive.name}`"):
            parts = critical(equation, arrays)
        for i, (what, values) in enumerate(parts):
            values = np.broadcast_to(values, (*values.shape[:-1], self._points))
            rows = values.reshape(-1, self._points)[:MOST_ENTRIES]
            moving = (rows != rows[:, :1]).any(axis=1)
            if moving.any():
                self.found.append(Critical((*place, i), place, order, what, mild, rows))


# -- what is critical -----------------------------------------------------------------------------
Parts = list[tuple[str, Values]]


def _difference(text: str) -> Callable[..., Parts]:
    return lambda equation, xs: [(text.format(equation.primitive.name), xs[0] - xs[1])]


def _shifted(*parts: tuple[str, Callable[..., Values]]) -> Callable[..., Parts]:
    """Named functions of the arguments."""

    def critical(equation: Any, xs: list[Values]) -> Parts:
        name = equation.primitive.name
        return [(text.format(name), f(*xs)) for text, f in parts]

    return critical


def _determinant(equation: Any, xs: list[Values]) -> Parts:
    matrices = np.moveaxis(xs[0], -1, 0)
    if matrices.shape[-1] != matrices.shape[-2]:
        return []
    return [
        (f"the matrix of `{equation.primitive.name}` is singular",
         np.moveaxis(np.linalg.det(matrices), 0, -1))
    ]  # fmt: skip


def _diagonal(equation: Any, xs: list[Values]) -> Parts:
    diagonal = np.diagonal(xs[0], axis1=-3, axis2=-2)
    return [("the matrix of `triangular_solve` is singular", np.moveaxis(diagonal, -2, -1))]


def _is_square(equation: Any) -> bool:
    """Whether an equation squares its argument, or raises it to another even power."""
    name = equation.primitive.name
    if name == "mul":
        return equation.invars[0] is equation.invars[1]
    power = equation.params["y"] if name == "integer_pow" else 1
    return name == "square" or (power > 0 and power % 2 == 0)


def _power(equation: Any, xs: list[Values]) -> Parts:
    # A positive power is smooth.
    return [("the base of a negative power vanishes", xs[0])] if equation.params["y"] < 0 else []


def _landing(tie: bool) -> Callable[..., Parts]:
    """What lands in a scatter: entries that tie, or a factor that vanishes."""

    def critical(equation: Any, xs: list[Values]) -> Parts:
        name, updates = equation.primitive.name, xs[2].reshape(-1, xs[2].shape[-1])
        if not tie:
            return [(f"a factor of `{name}` vanishes", updates)]
        return [(f"`{name}` ties", updates[1:] - updates[:-1])]

    return critical


def _steps(name: str) -> Callable[..., Parts]:
    """Where a function jumps that is this operation."""
    return _shifted(*FUNCTIONS[name].critical)


def _conversion(equation: Any, xs: list[Values]) -> Parts:
    new = equation.params["new_dtype"]
    if np.dtype(new) == bool:
        return [("what is made a boolean vanishes", xs[0])]
    return _steps("floor")(equation, xs) if np.issubdtype(new, np.integer) else []


def _rows(sign: float) -> Callable[..., Parts]:
    """Each entry beside the largest of the others in its row."""

    def critical(equation: Any, xs: list[Values]) -> Parts:
        axes = sorted(equation.params["axes"])
        x = sign * xs[0]
        kept = [axis for axis in range(x.ndim - 1) if axis not in axes]
        rows = x.transpose([*kept, *axes, x.ndim - 1])
        size = int(np.prod([x.shape[axis] for axis in axes], dtype=int))
        rows = rows.reshape(-1, size, x.shape[-1])[:MOST_ENTRIES]
        return [(f"`{equation.primitive.name}` ties", _beside_others(rows))]

    return critical


def _beside_others(rows: Values) -> Values:
    """Shape (rows, entries, points): each entry minus the largest other one."""
    size = rows.shape[1]
    if size < 2:
        return np.empty((0, rows.shape[-1]))
    if size > LONGEST_ROW:
        return rows[:, 1:] - rows[:, :-1]
    ordered = np.sort(rows, axis=1)
    largest, second = ordered[:, -1:], ordered[:, -2:-1]
    return rows - np.where(rows == largest, second, largest)


def _along(axis: str, entries: bool = False) -> Callable[..., Parts]:
    """Neighbours along an axis, in the order of the program or, of a sort, that of size."""

    def critical(equation: Any, xs: list[Values]) -> Parts:
        moved = np.moveaxis(xs[0], equation.params.get(axis, xs[0].ndim - 2), 0)
        name = equation.primitive.name
        if entries:
            return [(f"a factor of `{name}` vanishes", moved)]
        if len(moved) > LONGEST_ROW:
            return [(f"`{name}` ties", moved[1:] - moved[:-1])]
        pairs = np.triu_indices(len(moved), 1)
        return [(f"`{name}` ties", moved[pairs[0]] - moved[pairs[1]])]

    return critical


_CRITICAL: dict[str, Callable[..., Parts]] = {
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), _difference("the operands of `{}` meet")),
    **dict.fromkeys(("eq_to", "lt_to", "le_to"), _difference("the operands of `{}` meet")),
    **dict.fromkeys(("max", "min"), _difference("`{}` ties")),
    **dict.fromkeys(("abs", "sign"), _shifted(("the argument of `{}` vanishes", lambda x: x))),
    "div": _shifted(("the divisor of `{}` vanishes", lambda x, y: y)),
    "clamp": _shifted(("`{}` is at its lower end", lambda low, x, high: x - low),
                      ("`{}` is at its upper end", lambda low, x, high: x - high)),
    "round": _steps("round_half_even"),
    "convert_element_type": _conversion,
    "integer_pow": _power,
    "reduce_max": _rows(1.0), "argmax": _rows(1.0),
    "reduce_min": _rows(-1.0), "argmin": _rows(-1.0),
    "cummax": _along("axis"), "cummin": _along("axis"),
    "sort": _along("dimension"), "top_k": _along("axis"),
    "cumprod": _along("axis", entries=True),
    "scatter-max": _landing(tie=True), "scatter-min": _landing(tie=True),
    "scatter-mul": _landing(tie=False),
    "lu": _determinant, "cholesky": _determinant, "triangular_solve": _diagonal,
    "reduce_prod": _shifted(("a factor of `{}` vanishes", lambda x: x)),
}  # fmt: skip
_SQUARED = _shifted(("what is squared vanishes", lambda x, *_: x))


def _critical(name: str) -> Callable[..., Parts] | None:
    """Those of an operation, or of a function; None if there are none."""
    known = FUNCTIONS.get(name)
    if known is None:
        return _CRITICAL.get(name)
    return _shifted(*known.critical) if known.critical else None
