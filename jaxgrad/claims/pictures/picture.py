"""A picture of a report: drawn by matplotlib, and SVG in the colours of the page around it."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from jaxgrad.claims.report.page.elements import Element, element
from jaxgrad.errors import MissingExtra

__all__ = ["COLOURS", "Picture", "axes_of", "drawing", "in_words", "raised", "svg"]

# The width of a phone in points; a wider page shows it larger.
_WIDTH = 4.1
_NAMES = (
    "ink", "quiet", "rule", "page", "panel", "first", "second", "third", "fourth", "low", "high",
)  # fmt: skip
COLOURS = {name: f"#0102{k:02x}" for k, name in enumerate(_NAMES, 3)}
"""Colours by what they are for; each stands for the one of that name in the style of the page."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "jaxgrad",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": COLOURS["ink"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": COLOURS["quiet"],
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": COLOURS["ink"],
    "lines.linewidth": 1.6,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["quiet"],
    "ytick.color": COLOURS["quiet"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
}


@dataclass(frozen=True)
class Picture:
    """What is drawn, and in words what there is to see.

    Args:
        title: its name.
        description: what it shows, for a reader who does not see it, and below it for all others.
        figure: a figure of matplotlib, made within :func:`drawing`.
    """

    title: str
    description: str
    figure: Any


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw in the style of the page, within the block.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ImportError as error:
        raise MissingExtra("pictures need matplotlib: pip install 'jaxgrad[report]'") from error
    with rc_context(_STYLE):  # pyright: ignore
        yield


def axes_of(heights: tuple[float, ...], width: float = _WIDTH) -> tuple[Any, list[Any]]:
    """A figure with panels one below the other, as a phone can show them.

    Args:
        heights: of each panel, in inches.
        width: of all, in inches.

    Returns:
        the figure, and its axes from top to bottom.
    """
    # A Figure of its own, without pyplot: no window system and no global state is touched.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    return figure, [row[0] for row in panels]


def in_words(x: float) -> str:
    """A number of two digits or three, as it is written by hand.

    Example:
        >>> in_words(-0.0), in_words(-1.234e-20), in_words(25.04)
        ('0', '−1.2·10⁻²⁰', '25')
    """
    if x == 0 or not math.isfinite(x) or 1e-3 <= abs(x) < 1e4:
        return f"{x + 0.0:.3g}".replace("-", "−")
    digits, power = f"{x:.1e}".split("e")
    return f"{digits}·10{raised(float(power))}".replace("-", "−")


def raised(power: float) -> str:
    """A whole number as a superscript: mathtext would place signs as its own fonts need it.

    Example:
        >>> raised(-12)
        '⁻¹²'
    """
    return f"{power:.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def svg(picture: Picture, name: str) -> Element:
    """The picture as an element of a page, the same for the same picture.

    Args:
        picture: what is drawn.
        name: of which every id begins, so that those of two pictures on a page differ.

    Example:
        >>> with drawing():
        ...     figure, [axes] = axes_of((1.0,))
        ...     _ = axes.plot([0, 1], color=COLOURS["first"])
        ...     made = svg(Picture("A line", "It rises from 0 to 1.", figure), "line")
        >>> made.get("role"), made.get("aria-labelledby"), made[0].text
        ('img', 'line-title line-desc', 'A line')
    """
    file = io.BytesIO()
    with drawing():
        picture.figure.savefig(file, format="svg", metadata={"Date": None})
    drawn = ElementTree.fromstring(file.getvalue())
    needed = set(_references(drawn))
    root = element(
        "svg",
        element("title", picture.title, id=f"{name}-title"),
        element("desc", picture.description, id=f"{name}-desc"),
        viewBox=drawn.get("viewBox"),
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
    root.extend(
        made for made in (_kept(child, name, needed) for child in drawn) if made is not None
    )
    return root


def _references(drawn: Element) -> Iterator[str]:
    """The ids that something refers to."""
    for each in drawn.iter():
        for key, value in each.attrib.items():
            yield from re.findall(r"url\(#([^)]*)\)", value)
            if _local(key) == "href":
                yield value.removeprefix("#")


def _kept(drawn: Element, name: str, needed: set[str]) -> Element | None:
    """An element without its namespace, with ids and colours of the page; None if it is no part.

    matplotlib sets a rule for all lines in a ``style`` element, which would be one for the page.
    """
    tag = _local(drawn.tag)
    if tag in ("metadata", "title"):
        return None
    if tag == "defs" and any(_local(child.tag) == "style" for child in drawn):
        drawn = _without_style(drawn)
    made = element(tag)
    for key, value in drawn.attrib.items():
        key = _local(key)
        if key == "id":
            if value not in needed:
                continue
            value = f"{name}-{value}"
        elif key == "href":
            value = f"#{name}-{value.removeprefix('#')}"
        made.set(key, _in_colours(re.sub(r"url\(#", f"url(#{name}-", value)))
    text = drawn.text or ""
    made.text = text if tag in ("text", "tspan") else None
    made.extend(child for child in (_kept(x, name, needed) for x in drawn) if child is not None)
    return made


def _without_style(drawn: Element) -> Element:
    made = Element(drawn.tag, drawn.attrib)
    made.extend(child for child in drawn if _local(child.tag) != "style")
    return made


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _in_colours(value: str) -> str:
    for name, colour in COLOURS.items():
        value = value.replace(colour, f"var(--{name})")
    return value
