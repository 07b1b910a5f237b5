"""The results of a run as JUnit XML, which servers of continuous integration show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from jaxgrad.claims.annotations import in_repository
from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.report.characters import clean

__all__ = ["render"]


def render(
    results: Sequence[ClaimResult], seconds: float, missing: Sequence[ClaimResult] = ()
) -> str:
    """One test case for each part of each claim: failed where the verdict is not the expected one.

    Args:
        results: one for each part, and one for each thing that raised or could not be imported.
        seconds: wall-clock time of the run.
        missing: what was not run, and is skipped.

    Example:
        >>> print(render([], 0.5).partition("\\n")[2])
        <testsuite name="jaxgrad" tests="0" failures="0" errors="0" skipped="0" time="0.500" />

    Source: https://github.com/testmoapp/junitxml
    """
    errors = sum(result.evidence is None for result in results)
    failures = sum(not result.as_expected for result in results) - errors
    suite = ElementTree.Element(
        "testsuite",
        name="jaxgrad",
        tests=str(len(results) + len(missing)),
        failures=str(failures),
        errors=str(errors),
        skipped=str(len(missing)),
        time=f"{seconds:.3f}",
    )
    for result in results:
        suite.append(_judged(result))
    for result in missing:
        case = _case(result)
        _add(case, "skipped", result.error or "it was not run", "")
        suite.append(case)
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}'


def _case(result: ClaimResult) -> ElementTree.Element:
    claim = result.claim
    name = " ".join(filter(None, (result.id, claim and claim.name, result.part)))
    file = Path(in_repository(str(result.path)))
    case = ElementTree.Element(
        "testcase",
        classname=clean(".".join(file.with_suffix("").parts).lstrip("/.")),
        name=clean(name),
        file=clean(file.as_posix()),
        time=f"{result.seconds or 0.0:.3f}",
    )
    if claim is not None:
        case.set("line", str(claim.line))
    return case


def _judged(result: ClaimResult) -> ElementTree.Element:
    case, claim = _case(result), result.claim
    if result.evidence is None:
        none = "it has no result"
        _add(case, "error", result.problem or none, result.error or none)
    elif result.as_expected:
        _add(case, "system-out", None, f"{result.verdict}: {result.evidence.text}")
    else:
        assert claim is not None
        code = result.evidence.counterexample
        shown = f"\n\ncounterexample:\n{code}" if code else ""
        title = f"{result.verdict}, expected {claim.expected}"
        said = f"{claim.statement}\n{result.evidence.text}{shown}"
        _add(case, "failure", title, said)
    return case


def _add(case: ElementTree.Element, tag: str, message: str | None, text: str) -> None:
    attributes = {} if message is None else {"message": clean(message)}
    ElementTree.SubElement(case, tag, attributes).text = clean(text)
