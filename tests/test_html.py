"""What results look like in a notebook: small tables, in which no text is taken for a tag."""

from __future__ import annotations

import html.parser
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flint import arb

import jaxgrad
from jaxgrad.gradients.outcome import LeafResult
from jaxgrad.verdict import Evidence, Verdict


class _Page(html.parser.HTMLParser):
    """The texts of a piece of HTML, its tags, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _page(result: Any) -> _Page:
    page = _Page(result._repr_html_())
    assert not page.open and page.tags[:2] == ["div", "b"]
    assert page.texts[0] == str(result.verdict)
    return page


def test_evidence_is_its_lines_its_enclosures_and_its_code() -> None:
    text = "x < y fails\n  at <x>"
    page = _page(Evidence(Verdict.REFUTED, "decision", text, {"x & y": ("1", "2")}, "x = '<b>'"))
    assert page.texts[1:] == [" x < y fails", "  at <x>", "x & y: [1, 2]", "x = '<b>'"]
    assert page.tags == ["div", "b", "table", *["tr", "td"] * 2, "pre"]


def test_what_is_one_sentence_has_no_table() -> None:
    page = _page(Evidence(Verdict.PROVED, "decision", "1 < 2"))
    assert page.tags == ["div", "b"] and page.texts == ["PROVED", " 1 < 2"]


def test_an_enclosure_is_a_row() -> None:
    page = _page(jaxgrad.enclose(lambda: arb(2).sqrt(), 4, name="√2"))
    assert page.texts[1:] == [" √2 lies in [1.41421, 1.41422].", "√2: [1.41421, 1.41422]"]


def test_a_supremum_says_where_it_is_attained() -> None:
    page = _page(jaxgrad.supremum(lambda x: x * (1 - x), (0, 1), outside_bounds={}, digits=3))
    assert page.tags.count("tr") == 2
    assert page.texts[-1].startswith("supremum at: [0.")


def test_a_frequency_has_its_interval() -> None:
    drawn = jaxgrad.frequency(jax.random.bernoulli, jax.random.key(0), 100, name="a head")
    page = _page(drawn)
    assert page.texts[-1].startswith("a head, confidence 99.9 %: [0.")
    assert page.texts[0] == "AGREES"


@pytest.mark.parametrize("bound", [0.25, 0.125])
def test_a_sweep_has_its_counts(bound: float) -> None:
    swept = jaxgrad.sweep(
        jax.grad(jax.nn.sigmoid),
        jnp.float16,
        lambda x, y: y <= bound,
        count={"y < 1e-3": lambda x, y: y < 1e-3},
    )
    page = _page(swept)
    assert page.texts[1].startswith((" the predicate holds at all", " the predicate fails at"))
    assert page.texts[2].startswith("y < 1e-3: at ") and page.tags.count("tr") == 2
    assert page.texts[3].startswith("65536 bit patterns: 2046 subnormal, 2 zero, 2 infinite, 2046")
    assert ("pre" in page.tags) == (bound < 0.25) == (page.texts[0] == "REFUTED")


def test_what_has_no_evidence_is_shown_as_text() -> None:
    assert LeafResult("['w']", (), Verdict.PROVED)._repr_html_() is None
