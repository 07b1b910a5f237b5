"""The Jacobian as a map: how many digits of each entry that a rule returns are right."""

from __future__ import annotations

import math
from typing import Any

from jaxgrad.claims.pictures.derivatives import Jacobian
from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing

__all__ = ["digits_map"]


def digits_map(found: Jacobian) -> Picture:
    """A cell for each entry, with the digits in it, a panel for each mode.

    Args:
        found: the entries, in at least one mode.
    """
    height = 0.7 + 0.24 * len(found.rows)
    with drawing():
        figure, panels = axes_of((height,) * len(found.digits))
        for axes, (mode, digits) in zip(panels, found.digits.items(), strict=True):
            for (r, c), right in _cells(digits):
                _cell(axes, r, c, right, found.most)
            axes.set_title(f"{mode}: decimal digits that are right, of {found.most:.1f}")
            _name_entries(axes, found)
    wrong = [
        f"{mode} of {found.rows[r].name} with respect to {found.columns[c].name}"
        for mode, digits in found.digits.items()
        for (r, c), right in _cells(digits)
        if right < 1
    ]
    said = f"No digit is right of {len(wrong)}: {', '.join(wrong[:6])}{', …' * (len(wrong) > 6)}."
    description = (
        f"A row for each result and a column for each argument; {found.most:.1f} digits are all "
        f"that the floats hold. {said if wrong else 'Of every entry some digit is right.'}"
    )
    return Picture("Digits of the rules that are right", description, figure)


def _cells(digits: Any) -> list[tuple[tuple[int, int], float]]:
    rows, columns = digits.shape
    return [((r, c), float(digits[r, c])) for r in range(rows) for c in range(columns)]


def _cell(axes: Any, r: int, c: int, right: float, most: float) -> None:
    """What is wrong is drawn over what is right, the less transparent the fewer digits are."""
    known = not math.isnan(right)
    axes.broken_barh([(c, 1)], (r, 1), facecolor=COLOURS["high" if known else "panel"])
    if known and right < most:
        share = 1 - right / most
        axes.broken_barh([(c, 1)], (r, 1), facecolor=COLOURS["low"], alpha=round(share, 3))
    text = f"{right:.1f}" if known else "?"
    axes.text(c + 0.5, r + 0.5, text, ha="center", va="center", color=COLOURS["ink"], fontsize=7.5)


def _name_entries(axes: Any, found: Jacobian) -> None:
    rows, columns = len(found.rows), len(found.columns)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    names = [entry.name for entry in found.columns]
    upright = columns * max(map(len, names)) > 48
    axes.set_xticks(
        [c + 0.5 for c in range(columns)], names, fontsize=7.5, rotation=90 if upright else 0
    )
    axes.set_yticks(
        [r + 0.5 for r in range(rows)], [entry.name for entry in found.rows], fontsize=7.5
    )
    for side in axes.spines.values():
        side.set_visible(False)
