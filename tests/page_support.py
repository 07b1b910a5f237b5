"""Reading pages of HTML: their structure, their texts and their colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

from jaxgrad.claims.report.page.blocks import STYLE

__all__ = ["Page", "colours", "contrast", "require_sound"]

_VOID = {"meta", "br", "hr", "img", "input", "link"}
_HEADINGS = [f"h{k}" for k in range(1, 7)]


class Page(HTMLParser):
    """A page, of which every tag that opens has to close.

    Args:
        text: the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"{tag} closes what it did not open"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All that is to be read."""
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of this name."""
        return [attributes for name, attributes in self.tags if name == tag]


def require_sound(text: str) -> Page:
    """The page, which is well-formed, runs nothing, loads nothing and can be found one's way in."""
    page = Page(text)
    names = [name for name, _ in page.tags]
    assert names.count("h1") == names.count("main") == 1
    assert names.count("title") == 1 + names.count("svg")
    assert {"header", "nav", "footer", "style"} <= set(names)
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form"} & set(names)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = list(_references(page))
    assert set(references) <= set(ids)
    outside = re.search(r"https?:|//[a-z]|@import|javascript:|data:", text)
    assert outside is None, text[outside.start() - 40 : outside.end() + 40]
    for name, attributes in page.tags:
        assert not [key for key in attributes if key.startswith("on")], name
    levels = [int(name[1]) for name in names if name in _HEADINGS]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    assert all(head.get("scope") in ("col", "row") for head in page.all("th"))
    assert names.count("table") == names.count("caption")
    assert names.count("details") == names.count("summary")
    for picture in page.all("svg"):
        assert picture["role"] == "img" and picture["aria-labelledby"]
    assert names.count("desc") >= names.count("svg")
    return page


def _references(page: Page) -> Iterator[str]:
    for _, attributes in page.tags:
        if "href" in attributes:
            href = attributes["href"] or ""
            assert href.startswith("#"), href
            yield href[1:]
        for name in ("aria-labelledby", "aria-describedby"):
            yield from (attributes.get(name) or "").split()
        for value in attributes.values():
            yield from re.findall(r"url\(#([^)]*)\)", value or "")


def colours(theme: str) -> dict[str, str]:
    """The colours of the style, by their names.

    Args:
        theme: light or dark.
    """
    light, dark = re.findall(r":root \{(.*?)\}", Path(STYLE).read_text(encoding="utf-8"), re.DOTALL)
    found = re.findall(r"--(\w+): (#[0-9a-f]{6});", light if theme == "light" else dark)
    return dict(found)


def contrast(one: str, other: str) -> float:
    """The ratio of the relative luminances of two colours, as WCAG 2 defines it."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(x * weight for x, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
