"""A picture of a box: what is shown, what is open, and between which numbers the values are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import MissingExtra

__all__ = ["draw"]

_SHOWN, _OPEN, _EDGE, _FAILS = "#9ecae1", "#d94801", "#4a6b82", "#000000"
# Of more boxes the edges would be all that there is to see.
_MOST_EDGES = 300
_Boxes = tuple[np.ndarray, np.ndarray]
_Point = tuple[np.ndarray, float]


def draw(
    path: str,
    closed: Sequence[tuple[np.ndarray, ...]],
    opened: _Boxes,
    ends: _Boxes,
    names: Sequence[str],
    title: str,
    values: str,
    failing: _Point | None,
) -> None:
    """Draws a box to a file.

    Args:
        path: the file.
        closed: (low, high, least, most) of boxes on which the statement holds.
        opened: (low, high) of those that are open.
        ends: of the whole box.
        names: of the variables.
        title: what it came to.
        values: what the values are, for the axis.
        failing: the variables of a point at which the statement fails, and the value of the first
            entry there.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("pictures need matplotlib: pip install 'jaxgrad[report]'") from error
    varying = [i for i in range(len(names)) if ends[0][i] < ends[1][i]][:2]
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes: Any = figure.subplots()
    shown = _joined(closed, len(names))
    if len(varying) == 1:
        _along_line(axes, varying[0], shown, opened)
        axes.set_ylabel(values)
    else:
        _in_plane(axes, varying, shown, opened)
        axes.set_ylabel(names[varying[1]])
        axes.set_ylim(ends[0][varying[1]], ends[1][varying[1]])
    if failing is not None:
        at = ", ".join(f"{names[i]} = {failing[0][i]:.6g}" for i in varying)
        _marked(axes, varying, failing, f"fails at {at}")
    axes.set_xlabel(names[varying[0]])
    axes.set_xlim(ends[0][varying[0]], ends[1][varying[0]])
    others = len(names) - len(varying)
    more = f", seen along {others} more variables" if others and len(varying) == 2 else ""
    axes.set_title(f"{title}{more}", loc="left", fontsize=10)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper right", ncols=3, frameon=False)
    figure.savefig(path)


def _joined(closed: Sequence[tuple[np.ndarray, ...]], count: int) -> tuple[np.ndarray, ...]:
    if not closed:
        return np.empty((0, count)), np.empty((0, count)), np.empty(0), np.empty(0)
    return tuple(np.concatenate(each) for each in zip(*closed, strict=True))


def _marked(axes: Any, varying: Sequence[int], failing: _Point, name: str) -> None:
    """The point at which it fails; of one at an end of the box half the mark is beyond."""
    point, value = failing
    x, y = point[varying[0]], value if len(varying) == 1 else point[varying[1]]
    if not np.isfinite(y):  # none is known of the first entry
        axes.axvline(x, color=_FAILS, linestyle=":", label=name)
        return
    axes.plot(
        [x], [y], marker="X", markersize=9, color=_FAILS, linestyle="none", clip_on=False,
        zorder=3, label=name,
    )  # fmt: skip


def _along_line(axes: Any, i: int, shown: tuple[np.ndarray, ...], opened: _Boxes) -> None:
    """A band of the enclosures of the first entry, and stripes where it is open."""
    from matplotlib.collections import PolyCollection

    low, high, least, most = shown
    corners = [
        [(a, c), (b, c), (b, d), (a, d)]
        for a, b, c, d in zip(low[:, i], high[:, i], least, most, strict=True)
        if np.isfinite(c) and np.isfinite(d)
    ]
    width = 0.8 if len(corners) <= _MOST_EDGES else 0.4
    edge = _EDGE if width > 0.4 else _SHOWN
    if corners:
        axes.add_collection(
            PolyCollection(
                corners, facecolor=_SHOWN, edgecolor=edge, linewidth=width, label="shown"
            )
        )
    stripes = [
        [(a, 0), (b, 0), (b, 1), (a, 1)] for a, b in _merged(opened[0][:, i], opened[1][:, i])
    ]
    across = axes.get_xaxis_transform()  # from the bottom to the top
    if not stripes:
        axes.autoscale_view()
        return
    axes.add_collection(
        PolyCollection(stripes, facecolor=_OPEN, edgecolor=_OPEN, alpha=0.6, linewidth=0.8,
                       transform=across, label="open")
    )  # fmt: skip
    axes.autoscale_view()


def _merged(low: np.ndarray, high: np.ndarray) -> list[tuple[float, float]]:
    """Intervals that touch as one."""
    merged: list[tuple[float, float]] = []
    for a, b in sorted(zip(low.tolist(), high.tolist(), strict=True)):
        if merged and a <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], b)
        else:
            merged.append((a, b))
    return merged


def _in_plane(
    axes: Any, varying: Sequence[int], shown: tuple[np.ndarray, ...], opened: _Boxes
) -> None:
    from matplotlib.collections import PolyCollection

    i, j = varying
    for boxes, colour, name in ((shown[:2], _SHOWN, "shown"), (opened, _OPEN, "open")):
        corners = [
            [(a[i], a[j]), (b[i], a[j]), (b[i], b[j]), (a[i], b[j])]
            for a, b in zip(*boxes, strict=True)
        ]
        if corners:
            width = 0.3 if len(corners) <= _MOST_EDGES else 0.8 * (colour == _OPEN)
            edge = _EDGE if width == 0.3 and colour == _SHOWN else colour
            made = PolyCollection(
                corners, facecolor=colour, edgecolor=edge, linewidth=width, label=name
            )
            axes.add_collection(made)
