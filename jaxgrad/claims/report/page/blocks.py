"""The blocks of a page: verdicts, code, tables, what opens and closes, and the whole of it."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jaxgrad.claims.report.json_report import versions
from jaxgrad.claims.report.page.elements import Content, Element, element, write
from jaxgrad.verdict import Verdict

__all__ = [
    "MEANINGS",
    "STYLE",
    "badge",
    "banner",
    "code",
    "enclosures",
    "made_with",
    "meanings",
    "opened",
    "page",
    "section",
    "table",
]

STYLE = Path(__file__).with_name("style.css")

# Of each verdict what it quantifies over.
MEANINGS: Mapping[Verdict, str] = {
    Verdict.PROVED: "true of every real input in the stated domain, less the places that the "
    "evidence names",
    Verdict.PROBABLE: "true of every real input, up to the stated probability of error",
    Verdict.AGREES: "true at the points that were tried, to the stated number of bits or with the "
    "stated interval; nothing is said of others",
    Verdict.REFUTED: "false: one counterexample is enough",
    Verdict.UNDECIDED: "not settled, with the reason; this never passes",
}

# Nothing is loaded and nothing is run, whatever the texts of a page may hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def badge(verdict: Verdict | None, expected: Verdict | None = None) -> Element:
    """A verdict in a few words, with a mark for whether it is the expected one.

    Args:
        verdict: None where an error stands in its place.
        expected: the verdict that counts as success; None if one that passes does.

    Example:
        >>> write(badge(Verdict.REFUTED, Verdict.REFUTED))
        '<span class="badge good">✓ REFUTED, as expected</span>'
        >>> write(badge(Verdict.REFUTED))
        '<span class="badge bad">✗ REFUTED</span>'
    """
    if verdict is None:
        return element("span", "✗ ERROR", class_="badge bad")
    good = verdict.passes if expected is None else verdict.implies(expected)
    if good:
        also = "" if verdict.passes else ", as expected"
        return element("span", f"✓ {verdict}{also}", class_="badge good")
    other = "" if expected is None else f", not {expected}"
    kind, mark = ("open", "?") if verdict is Verdict.UNDECIDED else ("bad", "✗")
    return element("span", f"{mark} {verdict}{other}", class_=f"badge {kind}")


def banner(kind: str, title: str, *content: Content) -> Element:
    """What came of it all; kind is good, bad or open."""
    return element("div", element("strong", title), *content, class_=f"banner {kind}")


def code(text: str, label: str) -> Element:
    """Code or a traceback in a box of its own, which the keyboard can scroll."""
    inside = element("code", text)
    return element("pre", inside, tabindex="0", role="region", aria_label=label)


def opened(summary: Sequence[Content], *content: Content, open_: bool = False) -> Element:
    """What can be opened, and is if it is said so."""
    head = element("summary", *summary)
    return element("details", head, *content, **({"open": "open"} if open_ else {}))


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Content | list[Content]]],
    numbers: Sequence[int] = (),
    wide: Sequence[int] = (),
    stacked: bool = False,
) -> Element:
    """A table in a box that scrolls; the first cell of a row is its header.

    Args:
        caption: its name.
        columns: the headers.
        rows: for each row what is in its cells.
        numbers, wide: which columns are numbers, and which need room.
        stacked: whether what needs room stands below the rest of its row on a narrow page.
    """

    def cell(k: int, content: Content | list[Content]) -> Element:
        inside = content if isinstance(content, list) else [content]
        kind = "number" if k in numbers else "wide" if k in wide else None
        if k == 0:
            return element("th", *inside, scope="row", class_=kind)
        return element("td", *inside, class_=kind)

    heads = [
        element("th", name, scope="col", class_="number" if k in numbers else None)
        for k, name in enumerate(columns)
    ]
    body = [element("tr", *(cell(k, x) for k, x in enumerate(row))) for row in rows]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        class_="stacked" if stacked else None,
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def enclosures(found: Mapping[str, tuple[str, str]]) -> Element | None:
    """Numbers with the two ends between which each is proved to lie; None if there are none."""
    if not found:
        return None
    rows = [(name, lower, upper) for name, (lower, upper) in found.items()]
    return table("Enclosures, rounded outward", ("number", "at least", "at most"), rows, (1, 2))


def section(title: str, name: str, *content: Content) -> Element:
    """A part of the page with its heading; the name is its anchor."""
    heading = element("h2", title, id=f"{name}-title")
    return element("section", heading, *content, id=name, aria_labelledby=f"{name}-title")


def meanings() -> Element:
    """What each verdict says, and of what."""
    entries = (
        part
        for verdict, meaning in MEANINGS.items()
        for part in (element("dt", str(verdict)), element("dd", meaning))
    )
    return section("What the verdicts mean", "meanings", element("dl", *entries))


def made_with() -> Element:
    """The versions of what a verdict rests on, and the machine."""
    rows = [(name, version or "not installed") for name, version in versions().items()]
    machine = [
        ("system", platform.platform(terse=True)),
        ("processor", platform.machine() or "unknown"),
        ("cores", str(os.cpu_count() or "unknown")),
    ]
    return section(
        "Made with",
        "made-with",
        table("Packages", ("package", "version"), rows),
        table("Machine", ("what", "value"), machine),
    )


def page(title: str, head: Sequence[Content], sections: Sequence[Element]) -> str:
    """The whole page: one file that needs no other and runs nothing.

    Args:
        title: its name, which is the first heading.
        head: what comes before everything else.
        sections: as :func:`section` makes them; the navigation lists those.
    """
    links = [
        element("li", element("a", each[0].text or "", href=f"#{each.get('id')}"))
        for each in sections
    ]
    written = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    body = element(
        "body",
        element("a", "To the results", href="#main", class_="skip"),
        element("header", element("h1", title), *head),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *sections, id="main"),
        element("footer", element("p", f"Written by jaxgrad, {written}.")),
    )
    whole = element("html", _head(title), body, lang="en")
    return f"<!DOCTYPE html>\n{write(whole)}\n"


def _head(title: str) -> Element:
    policy = {"http-equiv": "Content-Security-Policy", "content": _POLICY}
    meta = element("meta")
    for name, value in policy.items():
        meta.set(name, value)
    return element(
        "head",
        element("meta", charset="utf-8"),
        meta,
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="jaxgrad"),
        element("title", title),
        element("style", STYLE.read_text(encoding="utf-8")),
    )
