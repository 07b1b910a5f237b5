"""Elements of HTML as trees; only the last step makes text of them, so nothing is unescaped."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, tostring

from jaxgrad.claims.report.characters import clean

__all__ = ["Content", "Element", "element", "text_of", "write"]

Content = Element | str | None
"""What an element may hold; None is nothing."""


def element(tag: str, *children: Content, **attributes: str | None) -> Element:
    """An element with its children and attributes.

    Args:
        tag: its name.
        children: elements and texts, in order.
        attributes: ``class_`` is ``class``, and ``aria_label`` is ``aria-label``; None is none.

    Example:
        >>> write(element("p", "1 < 2 ", element("b", "&"), class_="note"))
        '<p class="note">1 &lt; 2 <b>&amp;</b></p>'
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), clean(value))
    last: Element | None = None
    for child in children:
        if isinstance(child, str):
            _append_text(made, last, clean(child))
        elif child is not None:
            made.append(child)
            last = child
    return made


def _append_text(parent: Element, last: Element | None, text: str) -> None:
    if last is None:
        parent.text = (parent.text or "") + text
    else:
        last.tail = (last.tail or "") + text


def text_of(made: Element) -> str:
    """The text within an element, without its tags.

    Example:
        >>> text_of(element("p", "1 < ", element("b", "2")))
        '1 < 2'
    """
    return "".join(_texts(made))


def _texts(made: Element) -> Iterator[str]:
    return made.itertext()


def write(made: Element) -> str:
    """The element as HTML; texts and attributes are escaped here and nowhere else."""
    return tostring(made, encoding="unicode", method="html")
