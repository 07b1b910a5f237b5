"""The site of the documentation: every page is reached, every name and every reason is there."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import jaxgrad
from jaxgrad.claims.proof_modules import collect

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOOLS = ROOT / "tools"
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
PAGES = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
NOTEBOOKS = {path.relative_to(DOCS).with_suffix(".md").as_posix() for path in DOCS.rglob("*.ipynb")}


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])


# ------------------------------------------------------------------------------------- pages


def test_the_nav_has_every_page_once() -> None:
    nav = CONFIG[CONFIG.index("\nnav:") :]
    listed = re.findall(r"[\w/]+\.md", nav)
    assert len(listed) == len(set(listed))
    assert set(listed) == PAGES | NOTEBOOKS and not PAGES & NOTEBOOKS


def test_nothing_is_asked_of_another_host() -> None:
    assert re.search(r"^  font: false$", CONFIG, re.MULTILINE)
    assert "http" not in CONFIG and "http" not in (DOCS / "site.css").read_text(encoding="utf-8")


def test_pages_with_examples_are_doctests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    paths = project["tool"]["pytest"]["ini_options"]["testpaths"]
    with_examples = {page for page in PAGES if re.search(r"^>>> ", _read(page), re.MULTILINE)}
    assert len(with_examples) > 5
    assert {path for path in paths if path.startswith("docs/")} == {
        f"docs/{page}" for page in with_examples
    }


def _read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


# --------------------------------------------------------------------------------- reference


def test_the_reference_has_every_public_name_once() -> None:
    pages = [_read(page) for page in sorted(PAGES) if page.startswith("reference/")]
    names = [name for page in pages for name in re.findall(r"^::: jaxgrad\.(.+)$", page, re.M)]
    assert sorted(names) == jaxgrad.__all__


# ----------------------------------------------------------------------------------- reasons


def unexplained(page: str, texts: Any) -> tuple[list[str], list[str]]:
    """The reasons that a page does not have, and what it has that is no reason."""
    rows = re.findall(r"^\| `([^|]+)` \|", page, re.MULTILINE)
    patterns = {row: re.compile(".*".join(map(re.escape, row.split("…"))), re.S) for row in rows}
    plain = [text.replace("`", "") for text in texts]
    missing = [text for text in plain if not any(p.fullmatch(text) for p in patterns.values())]
    return missing, [row for row, p in patterns.items() if not any(map(p.fullmatch, plain))]


def test_every_reason_for_undecided_is_explained() -> None:
    from undecided_reasons import reasons

    found = reasons(ROOT / "jaxgrad")
    assert len(found) > 150
    assert unexplained(_read("undecided.md"), found) == ([], [])


def test_a_new_reason_is_missed_and_an_old_one_is_noticed(tmp_path: Path) -> None:
    from undecided_reasons import reasons

    module = tmp_path / "package" / "new.py"
    module.parent.mkdir()
    module.write_text(
        "_WHY = 'the moon is full'\n"
        "def f(n):\n"
        "    raise CannotDecide(_WHY if n else f'{n} cats, too many of them')\n"
        "    reasons.add('no cat is there')\n"
        "    others.add('no reason at all')\n"
        "def _undefined(n):\n"
        "    return 'the cat is no number'\n",
        encoding="utf-8",
    )
    found = reasons(module.parent)
    assert found == {
        "the moon is full": "package/new.py:3",
        "… cats, too many of them": "package/new.py:3",
        "no cat is there": "package/new.py:4",
        "the cat is no number": "package/new.py:6",
    }
    page = "| `the moon is …` | wait |\n| `it rains` | wait |\n| `…cat is…` | look |\n"
    assert unexplained(page, found) == (["… cats, too many of them"], ["it rains"])
    page = "| `… cats…` | give |\n| `the moon…` | wait |\n| `…cat is…` | look |"
    assert unexplained(page, found) == ([], [])


# ------------------------------------------------------------------------------------ claims


def test_the_pages_of_the_claims_say_what_the_proofs_say() -> None:
    from site_claims import overview, pages

    folder = ROOT / "proofs"
    claims = collect([folder]).claims
    made, table = pages(folder), overview(folder)
    assert set(made) == {claim.path.stem for claim in claims}
    for name, page in made.items():
        own = [claim for claim in claims if claim.path.stem == name]
        assert page.count("\n## ") == len(own) == page.count("Expected of the proof: ")
        for claim in own:
            assert f"Expected of the proof: **{claim.expected}**." in page
            assert f"def {claim.name}(" in page
    assert table.count(".md#") == len(claims)


def test_the_verdicts_of_a_run_are_shown_and_those_of_another_are_not() -> None:
    from site_claims import overview, pages

    folder = ROOT / "proofs"
    part = {
        "module": "proofs/sigmoid_bound.py",
        "name": "bound",
        "part": "σ' <= 1/4",
        "verdict": "PROVED",
        "kind": "decision",
        "evidence": "a | b < c",
        "error": None,
        "enclosures": {"top": ["0.24", "0.26"]},
    }
    report = {"claims": [part], "versions": {"jax": "0.12"}}
    page = pages(folder, report)["sigmoid_bound"]
    row = "| σ' &lt;= 1/4 | PROVED | decision | a &#124; b &lt; c; top: \\[0.24, 0.26\\] |"
    assert row in page
    assert "with jax 0.12." in overview(folder, report)
    with pytest.raises(ValueError, match="not in proofs/"):
        pages(folder, {**report, "claims": [{**part, "name": "gone"}]})


# -------------------------------------------------------------------------------- docstrings


def test_docstrings_are_markdown() -> None:
    pytest.importorskip("griffe")
    from site_docstrings import as_markdown

    text = (
        "As :class:`~jaxgrad.Sweep`.\n\nArgs:\n    a, b: the ends,\n        rounded.\n    c: no.\n"
    )
    assert as_markdown(text) == (
        "As `Sweep`.\n\nArgs:\n    a: the ends,\n        rounded.\n    b: the ends,\n"
        "        rounded.\n    c: no.\n"
    )
    assert as_markdown("Example:\n    >>> 1\n    1") == "Examples:\n    >>> 1\n    1"


# ------------------------------------------------------------------------------------- hosts


def test_a_page_that_asks_another_host_is_refused() -> None:
    pytest.importorskip("mkdocs")
    from mkdocs.exceptions import PluginError
    from site_hook import WORKER, own_scripts

    page = f'<script src="{WORKER}"></script><a href="https://jax.dev">JAX</a>'
    mended = '<script src="../iframe-worker.js"></script><a href="https://jax.dev">JAX</a>'
    assert own_scripts(page, "howto/ci.html") == mended
    for asked in ('<script src="https://a.b/c.js">', '<link rel="x" href="https://a.b/c.css">'):
        with pytest.raises(PluginError, match=r"ci\.html asks another host: <.*a\.b"):
            own_scripts(asked, "ci.html")
