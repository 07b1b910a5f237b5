"""The pages of the site about proofs/, made of the proofs themselves.

A page is a module: its docstring, and of each claim the statement, the verdict that is expected of
its proof, the prose, the constants that a test gets wrong and the code. Given what ``jaxgrad prove
--json`` printed, it says what came of each part, with the evidence.
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxgrad.claims.claim import Claim
from jaxgrad.claims.proof_modules import collect

__all__ = ["overview", "pages"]

# The parts of a claim's id, by which they are in the order of the document: A2 before A10.
_ID = re.compile(r"(\D*)(\d*)")


def pages(folder: Path, report: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Module -> its page in Markdown, in the order of the document.

    Args:
        folder: where the proof modules are.
        report: the object that ``jaxgrad prove --json`` printed, or None.

    Raises:
        ValueError: a module cannot be imported, or the report has another claim than they have.
    """
    results = _results(report)
    made, told = {}, 0
    for path, claims in _modules(folder).items():
        parts = [results.get((path.stem, claim.name), []) for claim in claims]
        told += sum(map(len, parts))
        made[path.stem] = "\n\n".join(_page(path, claims, parts))
    if told != sum(map(len, results.values())):
        raise ValueError("the report has results of claims that are not in proofs/: prove again")
    return made


def overview(folder: Path, report: Mapping[str, Any] | None = None) -> str:
    """The page before them: every claim in one table, in the order of the document."""
    modules = _modules(folder)
    rows = [(claim, path.stem) for path, claims in modules.items() for claim in claims]
    rows.sort(key=lambda row: _place(row[0]))
    lines = [
        "# What is proved here",
        "`proofs/` verifies a document on vanishing and exploding gradients, claim by claim. Each "
        "page is one file of that folder, as it is run: the mathematics, the statements and the "
        "code. Where the document is wrong as written, the claim is `REFUTED`, and the corrected "
        "one is `PROVED` beside it. [How to write a proof](../howto/proofs.md) says how to add one "
        "of your own.",
        _ran(report) if report else "Run them with `jaxgrad prove`.",
        "| claim | statement | verdict of its proof |\n|---|---|---|\n"
        + "\n".join(
            f"| [{_text(claim.id)}]({name}.md#{_anchor(claim)}) | {_cell(claim.statement)} | "
            f"{claim.expected} |"
            for claim, name in rows
        ),
    ]
    return "\n\n".join(lines)


# ------------------------------------------------------------------------------------- what is read


def _modules(folder: Path) -> dict[Path, list[Claim]]:
    """The claims of each module."""
    found = collect([folder])
    if found.failures:
        raise ValueError(f"{found.failures[0].id}: {found.failures[0].error}")
    modules: dict[Path, list[Claim]] = defaultdict(list)
    for claim in found.claims:
        modules[claim.path].append(claim)
    return dict(sorted(modules.items(), key=lambda item: min(map(_place, item[1]))))


def _place(claim: Claim) -> tuple[str, int]:
    letters, digits = _ID.match(claim.id).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return letters, int(digits or 0)


def _results(report: Mapping[str, Any] | None) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Module and function -> the parts of the report."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for part in report["claims"] if report else ():
        found[Path(part["module"]).stem, part["name"]].append(part)
    return dict(found)


def _ran(report: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return f"The verdicts are those of one run of `jaxgrad prove`, with {versions}."


# ---------------------------------------------------------------------------------- what is written


def _page(path: Path, claims: Sequence[Claim], parts: Sequence[Sequence[Any]]) -> Iterator[str]:
    prose = inspect.cleandoc(inspect.getdoc(inspect.getmodule(claims[0].function)) or "")
    yield f"# {_title(path.stem)}"
    yield _text(prose)
    yield f"This page is `proofs/{path.name}`; `jaxgrad prove proofs/{path.name}` runs it."
    for claim, found in zip(claims, parts, strict=True):
        yield from _section(claim, found)


def _section(claim: Claim, parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"## {_text(claim.source or claim.id)} {{#{_anchor(claim)}}}"
    yield f"> {_text(claim.statement)}"
    yield f"Expected of the proof: **{claim.expected}**."
    prose, _, constants = (inspect.getdoc(claim.function) or "").partition("\nArgs:\n")
    yield _text(prose.strip())
    if constants:
        yield "Constants that can be got wrong, and then it fails:"
        yield "\n".join(_constants(inspect.cleandoc(constants)))
    if parts:
        yield "\n".join(_table(parts))
    code = inspect.getsource(inspect.unwrap(claim.function)).rstrip()
    yield '??? note "The proof"\n\n' + _indented(f"```python\n{code}\n```")


def _constants(text: str) -> Iterator[str]:
    """Each entry of a section of arguments as an item; what goes on is indented there."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        name, _, said = entry.partition(":")
        yield f"- `{name}`: {_text(' '.join(said.split()))}"


def _table(parts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "| part | verdict | kind of evidence | it says |"
    yield "|---|---|---|---|"
    for part in parts:
        said = part["evidence"] or part["error"] or ""
        ends = "; ".join(f"{name}: [{a}, {b}]" for name, (a, b) in part["enclosures"].items())
        told = "; ".join(filter(None, (said, ends)))
        verdict = part["verdict"] or "error"
        yield f"| {_cell(part['part'])} | {verdict} | {part['kind'] or ''} | {_cell(told)} |"


def _title(module: str) -> str:
    return module.replace("_", " ").capitalize()


def _anchor(claim: Claim) -> str:
    return f"{claim.id}-{claim.name}".lower().replace("_", "-").replace(" ", "-")


def _cell(text: str) -> str:
    return _text(" ".join(text.split())).replace("|", "&#124;")


def _text(text: str) -> str:
    """Prose of Python as Markdown: what is no code holds no emphasis and no tags."""
    said = []
    for line in text.splitlines():
        if line.startswith("    "):  # a block of code
            said.append(line)
            continue
        pieces = line.split("`")
        pieces[::2] = (
            re.sub(r"([*_\\\[\]])", r"\\\1", x).replace("<", "&lt;") for x in pieces[::2]
        )
        said.append("`".join(pieces))
    return "\n".join(said)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
