"""How many bits of a derivative are right, by the exponent of the argument."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing, raised
from jaxgrad.gradients.accuracy.measured import Accuracy, Binade

__all__ = ["right_bits", "standalone_svg"]

_HEIGHT = 2.0  # of a panel, in inches
_LABELS = 8  # exponents that are written below one, about


def right_bits(found: Accuracy) -> Picture:
    """A panel for each sign: the fewest right bits of each binade, and the median.

    Args:
        found: what was measured, of one float at least.
    """
    sides = [[b for b in found.binades if b.negative is negative] for negative in (False, True)]
    sides = [binades for binades in sides if binades]
    with drawing():
        figure, panels = axes_of((_HEIGHT,) * len(sides), width=6.0)
        for axes, binades in zip(panels, sides, strict=True):
            _panel(axes, binades, found)
        panels[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.12), ncols=3, borderpad=0)
        panels[-1].set_xlabel("floats from 2ᵉ to 2ᵉ⁺¹; subnormal ones at the left end")
    said = "nothing is known" if found.least is None else f"{found.least} bits or more are right"
    description = (
        f"Above each exponent of x, how many of {found.bits} bits of the derivative are right: at "
        f"the worst float, and at half of the floats or more. At every float {said}."
    )
    return Picture(f"Right bits of a derivative, {found.dtype.name}", description, figure)


def _panel(axes: Any, binades: Sequence[Binade], found: Accuracy) -> None:
    """Steps, one for each binade; a gap where nothing is known."""
    exponents = [binade.exponent for binade in binades]
    edges = [*exponents, exponents[-1] + 1]
    least = [float("nan") if b.least is None else b.least for b in binades]
    median = [float("nan") if b.median is None else b.median for b in binades]
    axes.fill_between(
        edges,
        [*least, least[-1]],
        [*median, median[-1]],
        step="post",
        color=COLOURS["low"],
        alpha=0.18,
        linewidth=0,
    )
    for values, colour, label in ((median, "first", "median"), (least, "second", "worst float")):
        axes.stairs(values, edges, baseline=None, color=COLOURS[colour], label=label, linewidth=1.6)
    axes.axhline(
        found.bits, color=COLOURS["quiet"], linewidth=0.7, linestyle="--", label="all bits"
    )
    axes.set_yticks(range(0, found.bits + 1, 2 if found.bits <= 12 else 4))
    axes.set_ylim(-0.5, found.bits + 0.8)
    axes.set_xlim(edges[0], edges[-1])
    step = max(1, len(exponents) // _LABELS)
    ticks = [e for e in edges if e % step == 0]
    axes.set_xticks(ticks, [f"2{raised(e)}" for e in ticks])
    axes.set_title("x < 0, by |x|" if binades[0].negative else "x > 0")
    axes.set_ylabel("right bits")


def standalone_svg(picture: Picture, colours: dict[str, str]) -> str:
    """The picture as a file of its own, in the colours of a page.

    Args:
        picture: what is drawn.
        colours: what each name of a colour stands for.
    """
    file = io.StringIO()
    with drawing():
        picture.figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    for name, placeholder in COLOURS.items():
        text = text.replace(placeholder, colours[name])
    return text
