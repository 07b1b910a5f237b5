"""The page of a run: what is where, what is escaped, who can read it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from claims_support import results_of, write
from page_support import colours, contrast, require_sound
from rich.console import Console

from jaxgrad.claims.claim import Claim, ClaimResult
from jaxgrad.claims.cli import main
from jaxgrad.claims.report import html_report, terminal
from jaxgrad.claims.report.page.blocks import MEANINGS, badge
from jaxgrad.claims.report.page.elements import text_of
from jaxgrad.verdict import Evidence, Verdict

CLAIMS = """\
    @claim("σ'(z) <= 1/4 for every z", source="T10: <em>last</em> by its number")
    def last(): return said(Verdict.PROVED, "for every real input")

    @claim("it fails", source="T2: refuted as expected", expect=Verdict.REFUTED)
    def refuted():
        code = "assert 1 == 2"
        return Evidence(Verdict.REFUTED, "counterexample", "1 != 2", counterexample=code)

    @claim("<script>alert(1)</script>", source="T3: in parts")
    def parts():
        for k in range(1, 11):
            yield f"L = {k}", Evidence(Verdict.PROVED, "enclosure", "so", {"K <i>": ("0.1", "0.2")})
        code = "</code></pre><script>alert(2)</script>"
        yield "sec\\x01ond <b>", Evidence(Verdict.REFUTED, "counterexample", "no", {}, code)

    @claim("it raises", source="T4: an error")
    def raises(): raise ValueError("<img src=x onerror=alert(3)>")
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of claims of every kind."""
    file = write(tmp_path_factory.mktemp("proofs"), "claims.py", CLAIMS)
    return html_report.render(results_of(file), 1.5)


def test_the_page_is_whole(page: str) -> None:
    found = require_sound(page)
    assert "4 claims, 13 parts: 11 PROVED, 2 REFUTED; 1 not as expected, 1 failed" in found.text
    assert "✗ 2 claims are not as expected" in found.text
    assert found.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in found.all(
        "meta"
    )
    for box in found.all("pre"):
        assert box["tabindex"] == "0" and box["aria-label"]


def test_what_is_unexpected_comes_first_and_is_open(page: str) -> None:
    text = require_sound(page).text
    places = [
        text.index(word) for word in ("Not as expected", "sec\ufffdond <b>", "Every claim, with")
    ]
    assert places == sorted(places)
    assert text.index("in parts ·") < text.index("refuted as expected ·") < text.index("<em>last")
    assert '<details open="open"><summary><span class="badge bad">✗ REFUTED, not PROVED' in page
    assert page.count('open="open"') == 2  # the part, and its code


def test_untrusted_text_is_text(page: str) -> None:
    found = require_sound(page)
    for planted in ("<script>alert(1)", "</code></pre><script>alert(2)</script>", "<img src=x"):
        assert planted in found.text
        assert planted not in page
    assert "K <i>" in found.text and "\x01" not in page
    assert not found.all("em") and not found.all("b")


STRONGER = {
    Verdict.PROBABLE: (Verdict.PROVED,),
    Verdict.AGREES: (Verdict.PROVED, Verdict.PROBABLE),
}


def test_an_expected_refutation_is_no_failure(page: str) -> None:
    assert "✓ REFUTED, as expected" in text_of(badge(Verdict.REFUTED, Verdict.REFUTED))
    kinds = {
        (verdict, expected): badge(verdict, expected).get("class")
        for verdict in Verdict
        for expected in (*Verdict, None)
    }
    for (verdict, expected), kind in kinds.items():
        good = (
            verdict.passes
            if expected is None
            else verdict in (expected, *STRONGER.get(expected, ()))
        )
        assert (kind == "badge good") == good
    assert badge(None, Verdict.PROVED).get("class") == "badge bad"
    part = page[page.index("refuted as expected ·") :]
    part = part[: part.index("</article>")]
    assert "expected to be" in part and "badge bad" not in part and "assert 1 == 2" in part


def test_formulas_numbers_and_meanings(page: str) -> None:
    found = require_sound(page)
    assert "<msup><mi>σ</mi>" in page
    assert "at least" in found.text and ">0.1</td>" in page
    assert set(MEANINGS) == set(Verdict)
    for meaning in MEANINGS.values():
        assert meaning in found.text
    for package in ("jax", "python-flint", "python"):
        assert f">{package}</th>" in page


def test_results_of_an_earlier_run_are_said_to_be() -> None:
    claim = Claim(lambda: None, "1 < 2", "T1: order", Verdict.PROVED, Path("order.py"))
    evidence = Evidence(Verdict.PROVED, "decision", "2 - 1 > 0")
    for kept in (True, False):
        result = ClaimResult("T1", "", claim.path, 0.5, claim.declaration, evidence, kept=kept)
        text = require_sound(html_report.render([result], 0.1)).text
        assert ("· unchanged, not run again" in text) == kept


def test_nothing_and_what_was_not_run() -> None:
    assert "Nothing was run" in require_sound(html_report.render([], 0.1)).text
    left = ClaimResult("T9", "", Path("claims.py"), None, error="the run was interrupted")
    found = require_sound(html_report.render([], 0.1, [left]))
    assert "✗ 1 without a result" in found.text and "the run was interrupted" in found.text


def test_a_claim_that_was_cut_short_is_not_as_expected() -> None:
    claim = Claim(lambda: None, "1 < 2", "T1: order", Verdict.PROVED, Path("order.py")).declaration
    evidence = Evidence(Verdict.PROVED, "decision", "2 - 1 > 0")
    part = ClaimResult("T1", "one", claim.path, 0.5, claim, evidence)
    left = ClaimResult("T1", "", claim.path, None, claim, error="the run was interrupted")
    assert "As expected" in require_sound(html_report.render([part], 0.1)).text
    cut = html_report.render([part], 0.1, [left])
    assert "As expected" not in require_sound(cut).text
    overview = cut[cut.index("Every claim, with its verdict") :]
    assert "✗ ERROR" in overview[: overview.index("</table>")]
    for results, missing in (([part], [left]), ([part, left], [])):
        shown = Console(file=io.StringIO(), width=80)
        terminal.show(results, 0.1, shown, missing=missing)
        text = shown.file.getvalue()
        assert "✓" not in text and "so far" in text
    shown = Console(file=io.StringIO(), width=80)
    terminal.show([part], 0.1, shown)
    assert "✓ PROVED" in shown.file.getvalue() and "so far" not in shown.file.getvalue()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(theme: str) -> None:
    found = colours(theme)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    texts = ("ink", "quiet", "link", "good", "bad", "open")
    for text in texts:
        for ground in ("page", "panel"):
            assert contrast(found[text], found[ground]) >= 4.5, (text, ground)
    for ground in ("low", "high"):  # the cells of a heat map have numbers in them
        assert contrast(found["ink"], found[ground]) >= 4.5, ground
    for line in ("first", "second", "third", "fourth"):
        assert contrast(found[line], found["page"]) >= 4.5, line


def test_a_run_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "proofs", "claims.py", CLAIMS)
    (tmp_path / "pyproject.toml").write_text('[tool.jaxgrad.prove]\nhtml = "proofs.html"\n')
    assert main(["prove"]) == 1
    assert "T10" in capsys.readouterr().out  # the table, too
    found = require_sound((tmp_path / "proofs.html").read_text(encoding="utf-8"))
    assert "proofs/claims.py:" in found.text
    assert main(["prove", "--html", "no/page.html"]) == 2
    shown = capsys.readouterr()
    assert "--html no/page.html: there is no folder no; make one" in shown.err and not shown.out
