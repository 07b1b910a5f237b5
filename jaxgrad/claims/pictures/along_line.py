"""A function, its rule and its true derivative along a line through a point."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgrad.claims.pictures.derivatives import Derivatives, Entry
from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing, in_words

__all__ = ["Line", "along_line", "line_picture"]

# The point itself, and as many on each side of it.
_BESIDE = 32


@dataclass(frozen=True)
class Line:
    """What there is along a line on which one entry of the arguments moves.

    Args:
        mode: of the rule.
        row, column: the entry of the result, and the one that moves.
        at: the value of that at the point.
        x: its values, those that time was enough for, float64; the other arrays are alike.
        value, rule: of the function, and its derivative as JAX returns it.
        left, right: the true one-sided derivatives, NaN where they are not known.
    """

    mode: str
    row: Entry
    column: Entry
    at: float
    x: np.ndarray
    value: np.ndarray
    rule: np.ndarray
    left: np.ndarray
    right: np.ndarray


def along_line(
    found: Derivatives,
    point: Sequence[Any],
    mode: str,
    row: Entry,
    column: Entry,
    seconds: float = 5.0,
) -> Line:
    """Moves one entry of the point to both sides.

    Args:
        found: the function.
        point: the floating-point leaves.
        mode: ``"fwd"`` or ``"rev"``.
        row, column: which derivative is looked at.
        seconds: CPU seconds, after which no further place is looked at.

    Example:
        >>> import jax
        >>> found = Derivatives(jax.nn.relu, (0.0,))
        >>> [row], [column] = found.outputs, found.inputs
        >>> line = along_line(found, found.primal.point, "rev", row, column)
        >>> set(line.right[line.x < 0]), set(line.right[line.x >= 0])
        ({np.float64(0.0)}, {np.float64(1.0)})
    """
    at = float(np.asarray(point[column.leaf])[column.index])
    reach = max(1.0, abs(at) / 2) if math.isfinite(at) else 1.0
    places, start = {}, time.process_time()
    for step in _coarse_first():
        if places and time.process_time() - start > seconds:
            break
        moved = [np.array(leaf) for leaf in point]
        if step:
            moved[column.leaf][column.index] = at + reach * step
        places[float(moved[column.leaf][column.index])] = _there(found, moved, mode, row, column)
    x = np.array(sorted(places))
    columns = np.array([places[each] for each in x]).T
    return Line(mode, row, column, at, x, *columns)


def _coarse_first() -> list[float]:
    """The point, the ends, and ever more between, so that any beginning of it covers the line."""
    steps = [0.0, -1.0, 1.0]
    count = 1
    while count < _BESIDE:
        count *= 2
        steps += [side * k / count for k in range(1, count, 2) for side in (-1, 1)]
    return steps


def _there(
    found: Derivatives, point: Sequence[Any], mode: str, row: Entry, column: Entry
) -> tuple[float, float, float, float]:
    """The function, its rule, and the true derivatives from the left and the right."""
    known = [math.nan] * 2
    try:
        known = [side[row.leaf][row.index] for side in found.truth(point, column)]
        known = [float(x.mid()) if x.is_finite() else math.nan for x in known]
    except Exception:  # outside of the domain, or of what the user's function takes
        known = [math.nan] * 2
    try:
        return found.value(point, row), found.rule(mode, point, row, column), known[0], known[1]
    except Exception:
        return math.nan, math.nan, known[0], known[1]


def line_picture(line: Line) -> Picture:
    """The function above; below its rule beside the truth, and both at the point itself.

    Args:
        line: as :func:`along_line` found it.
    """
    here = int(np.abs(line.x - line.at).argmin())
    name, moved = line.row.name, line.column.name
    with drawing():
        figure, [above, below] = axes_of((1.6, 2.3))
        above.plot(line.x, line.value, color=COLOURS["third"])
        above.set_title(f"{name} as {moved} moves")
        for side in (line.left, line.right):
            label = "in truth" if side is line.right else None
            below.plot(line.x, side, color=COLOURS["first"], linewidth=2.2, label=label)
        below.plot(
            np.delete(line.x, here),  # where it is another one by itself
            np.delete(line.rule, here),
            color=COLOURS["second"],
            linestyle="--",
            marker=".",
            markersize=3.5,
            label=f"by the rule, {line.mode}",
        )
        truths = sorted({line.left[here], line.right[here]})
        dots = [x for x in truths if math.isfinite(x)]
        below.plot([line.x[here]] * len(dots), dots, color=COLOURS["first"], marker="o",
                   linestyle="", markersize=6)  # fmt: skip
        below.plot(line.x[here], line.rule[here], color=COLOURS["second"], marker="X", markersize=7)
        for axes in (above, below):
            axes.axvline(line.at, color=COLOURS["quiet"], linewidth=0.7, linestyle=":")
        below.legend(loc="best")
        below.margins(y=0.15)
        below.set_title(f"its derivative with respect to {moved}")
        below.set_xlabel(moved)
    truth = " or ".join(map(in_words, truths))
    description = (
        f"At {moved} = {in_words(line.at)} the rule returns {in_words(line.rule[here])} (cross), "
        f"and the derivative is {truth} (dot). All other arguments stay as they are; "
        f"{len(line.x)} points are drawn."
    )
    return Picture("Along the line of the counterexample", description, figure)
