"""The results of a run as one page of HTML, which needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jaxgrad.claims.annotations import in_repository
from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.report.order import by_id
from jaxgrad.claims.report.page.blocks import (
    badge,
    banner,
    code,
    enclosures,
    made_with,
    meanings,
    opened,
    page,
    section,
    table,
)
from jaxgrad.claims.report.page.elements import Content, Element, element
from jaxgrad.claims.report.page.mathematics import typeset
from jaxgrad.claims.report.page.pictures import drawn
from jaxgrad.claims.report.terminal import summary
from jaxgrad.verdict import Verdict

__all__ = ["render"]

# As many parts of a claim are listed at once; more open together.
_LISTED = 8
# Below it no number of a second is worth reading.
_SHORTEST = 0.005


def render(
    results: Sequence[ClaimResult], seconds: float, missing: Sequence[ClaimResult] = ()
) -> str:
    """The page: what is not as expected first, then every claim, and what it was made with.

    Args:
        results: one for each part, and one for each thing that raised or could not be imported.
        seconds: wall-clock time of the run.
        missing: what has no result, since the run ended before.

    Example:
        >>> render([], 0.5).splitlines()[0]
        '<!DOCTYPE html>'
    """
    begun = {id(result.claim) for result in results if result.claim}
    cut = [result for result in missing if id(result.claim) in begun]
    claims = [_Claim(k, group) for k, group in enumerate(_grouped([*results, *cut]), 1)]
    unexpected = [claim for claim in claims if not claim.as_expected and not claim.is_of(cut)]
    expected = [claim for claim in claims if claim.as_expected]
    sections = []
    if unexpected:
        articles = [claim.article() for claim in unexpected]
        sections.append(section("Not as expected", "unexpected", *articles))
    if missing:
        articles = [claim.article() for claim in claims if claim.is_of(cut)]
        sections.append(section("Without a result", "missing", _missing(missing), *articles))
    sections.append(section("Overview", "overview", _overview(claims)))
    if expected:
        articles = [claim.article() for claim in expected]
        sections.append(section("As expected", "expected", *articles))
    sections += [meanings(), made_with()]
    head = [
        _banner(results, unexpected, missing),
        element("p", summary(results, seconds, len(missing))),
    ]
    return page("Proof report", head, sections)


def _grouped(results: Sequence[ClaimResult]) -> list[list[ClaimResult]]:
    """The results of each claim, claims in the order of their ids."""
    groups: dict[object, list[ClaimResult]] = {}
    for result in sorted(results, key=by_id):
        groups.setdefault(id(result.claim or result), []).append(result)
    return list(groups.values())


def _banner(
    results: Sequence[ClaimResult], unexpected: Sequence[_Claim], missing: Sequence[ClaimResult]
) -> Element:
    count = len(unexpected)
    if not results and not missing:
        return banner("open", "Nothing was run")
    if not count and not missing:
        return banner("good", "✓ Every claim has the verdict that it expects")
    open_ = all(r.as_expected or r.undecided for r in results) and not missing
    said = [f"{count} claim{' is' if count == 1 else 's are'} not as expected"] if count else []
    if missing:
        said.append(f"{len(missing)} without a result")
    return banner("open" if open_ else "bad", f"{'?' if open_ else '✗'} {', '.join(said)}")


def _missing(missing: Sequence[ClaimResult]) -> Element:
    rows = [
        (result.id, in_repository(str(result.path)), result.error or "it was not run")
        for result in missing
    ]
    return table("What was not run, and why", ("claim", "module", "why"), rows, wide=(2,))


def _overview(claims: Sequence[_Claim]) -> Element:
    rows = [(claim.link(), claim.badge(), claim.statement, claim.seconds) for claim in claims]
    columns = ("claim", "verdict", "statement", "seconds")
    caption = "Every claim, with its verdict and the time it took"
    return table(caption, columns, rows, (3,), (2,), stacked=True)


class _Claim:
    """The results of one claim, or of one thing that could not be made a claim."""

    def __init__(self, number: int, results: Sequence[ClaimResult]) -> None:
        self._anchor = f"claim-{number}"
        self._results = sorted(results, key=lambda result: result.as_expected)  # stable
        self._first = self._results[0]

    @property
    def as_expected(self) -> bool:
        """Whether all of its parts are."""
        return all(result.as_expected for result in self._results)

    def is_of(self, cut: Sequence[ClaimResult]) -> bool:
        """Whether it was begun, and cut short."""
        return any(result in self._results for result in cut)

    @property
    def statement(self) -> list[Content]:
        """What is claimed, typeset."""
        claim = self._first.claim
        return typeset(claim.statement) if claim else [in_repository(str(self._first.path))]

    @property
    def seconds(self) -> str:
        """The time that is known."""
        return _seconds([r.seconds for r in self._results if r.seconds is not None])

    def link(self) -> Element:
        """To the claim."""
        return element("a", self._first.id, href=f"#{self._anchor}")

    def badge(self) -> Element:
        """The verdict that is told first: one that is not as expected, if there is any."""
        return badge(self._first.verdict, self._first.claim and self._first.claim.expected)

    def article(self) -> Element:
        """All that is known of it."""
        heading = element(
            "h3",
            element("span", self._first.id, class_="id"),
            *self.statement,
            id=self._anchor,
        )
        return element(
            "article",
            heading,
            *self._place(),
            *self._parts(),
            *self._picture(),
            aria_labelledby=self._anchor,
        )

    def _place(self) -> Iterator[Content]:
        result, claim = self._first, self._first.claim
        place = in_repository(str(result.path)) + (f":{claim.line}" if claim else "")
        source = claim.source.removeprefix(f"{claim.id}:").strip() if claim else ""
        time = f"{self.seconds}\N{NO-BREAK SPACE}s" if self.seconds != "–" else "no time"
        kept = "unchanged, not run again" if result.kept else ""
        yield element("p", " · ".join(filter(None, (source, place, time, kept))), class_="quiet")
        if claim and claim.expected is Verdict.REFUTED and self.as_expected:
            yield element(
                "p", "The statement is wrong as written, and expected to be: it is refuted."
            )

    def _picture(self) -> Iterator[Content]:
        claim = self._first.claim
        if claim and claim.picture:
            yield drawn(claim.picture, f"{self._anchor}-picture")

    def _parts(self) -> Iterator[Content]:
        if len(self._results) == 1 and not self._first.part:
            yield element("p", self.badge())
            yield from _evidence(self._first)
            return
        wrong = [result for result in self._results if not result.as_expected]
        right = [result for result in self._results if result.as_expected]
        yield from map(_part, wrong)
        if len(right) <= _LISTED:
            yield from map(_part, right)
        else:
            head = [badge(right[0].verdict, _expected(right[0])), f" in {len(right)} parts"]
            yield opened(head, *map(_part, right))


def _part(result: ClaimResult) -> Element:
    name = typeset(result.part) if result.part else ["the claim itself"]
    head = [badge(result.verdict, _expected(result)), " ", *name]
    return opened(head, *_evidence(result), open_=not result.as_expected)


def _expected(result: ClaimResult) -> Verdict | None:
    return result.claim and result.claim.expected


def _evidence(result: ClaimResult) -> Iterator[Content]:
    if result.error:
        yield code(result.error, f"The error of {result.id}")
    evidence = result.evidence
    if evidence is None:
        return
    kind = element("span", f"By {evidence.kind}: ", class_="quiet")
    yield element("p", kind, evidence.text, class_="said")
    yield enclosures(evidence.enclosures)
    if evidence.counterexample:
        shown = code(evidence.counterexample, f"Code that shows the counterexample of {result.id}")
        yield opened(["Counterexample: code to paste"], shown, open_=not result.as_expected)
    if evidence.trusts:
        yield element("p", f"Trusts {', '.join(evidence.trusts)}.", class_="quiet")


def _seconds(known: Sequence[float]) -> str:
    if not known:
        return "–"
    return f"{sum(known):.2f}" if sum(known) >= _SHORTEST else "< 0.01"
