"""What a check concludes, and the evidence that it never exceeds."""

from __future__ import annotations

import enum
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxgrad.errors import ArgumentError

__all__ = ["Evidence", "Outcome", "Verdict", "evidence_of", "to_see", "undecided"]


class Verdict(enum.Enum):
    """The graded conclusions of a check, never stronger than its evidence.

    Example:
        >>> Verdict.PROVED.passes, Verdict.UNDECIDED.passes
        (True, False)
    """

    PROVED = "PROVED"
    """True of every real input in the stated domain, less the places that the evidence names."""

    PROBABLE = "PROBABLE"
    """True of every real input up to a stated probability of error."""

    AGREES = "AGREES"
    """True at the points tried, to the stated number of bits."""

    REFUTED = "REFUTED"
    """False, with a counterexample."""

    UNDECIDED = "UNDECIDED"
    """Not settled, with the reason: unsupported primitive, budget or precision."""

    @property
    def passes(self) -> bool:
        """Whether an assertion may rely on this verdict."""
        return self in (Verdict.PROVED, Verdict.PROBABLE, Verdict.AGREES)

    def implies(self, other: Verdict) -> bool:
        """Whether another verdict says no more than this one does.

        What is PROVED of every input is so up to any probability, and at any point: of the verdicts
        that pass PROVED implies PROBABLE, and that AGREES.

        Example:
            >>> [verdict.implies(Verdict.PROBABLE) for verdict in Verdict]
            [True, True, False, False, False]
        """
        if not (self.passes and other.passes):
            return self is other
        from_the_strongest = list(Verdict)
        return from_the_strongest.index(self) <= from_the_strongest.index(other)

    def __bool__(self) -> bool:
        """As :attr:`passes`: ``assert result.verdict`` fails unless it may be relied on."""
        return self.passes

    def __str__(self) -> str:
        return self.value


class Outcome:
    """What has a verdict: it is true where the verdict passes, so that ``assert result`` asks.

    Example:
        >>> bool(Evidence(Verdict.REFUTED, "counterexample", "false at 3"))
        False
    """

    def __bool__(self) -> bool:
        """Whether the verdict passes; an error in place of a verdict does not."""
        return bool(getattr(self, "verdict", None))

    def __str__(self) -> str:
        """What its evidence says."""
        return str(self.evidence)  # pyright: ignore

    def _repr_html_(self) -> str | None:
        """A small table for notebooks; None, so that its text is shown, where it has no evidence.

        The verdict and what it rests on, a row for each thing more that is known, and the code that
        shows a counterexample.
        """
        evidence = getattr(self, "evidence", None)
        if not isinstance(evidence, Evidence):
            return None
        cells = "".join(
            f"<tr><td style='text-align: left'>{html.escape(row)}</td></tr>" for row in self._rows()
        )
        table = f"<table>{cells}</table>" if cells else ""
        code = evidence.counterexample
        shown = f"<pre>{html.escape(code)}</pre>" if code else ""
        said = f"<b>{evidence.verdict}</b> {html.escape(self._headline())}"
        return f"<div>{said}{table}{shown}</div>"

    def _headline(self) -> str:
        """The sentence behind the verdict, of the evidence."""
        return self.evidence.text.splitlines()[0]  # pyright: ignore

    def _rows(self) -> Sequence[str]:
        """What a notebook shows below it: the other lines of the evidence, and what is enclosed."""
        evidence: Evidence = self.evidence  # pyright: ignore
        ends = (f"{name}: [{low}, {up}]" for name, (low, up) in evidence.enclosures.items())
        return [*evidence.text.splitlines()[1:], *ends]


@dataclass(frozen=True)
class Evidence(Outcome):
    """A verdict together with what it rests on.

    Args:
        verdict: the conclusion.
        kind: what was done: ``"identity"``, ``"induction"``, ``"decision"``, ``"cover"``,
            ``"exhaustion"``, ``"enclosure"``, ``"sampling"``, ``"counterexample"`` or ``"reason"``.
        text: one or two sentences a reader can check.
        enclosures: name -> (lower, upper), decimal strings rounded outward.
        counterexample: Python that can be pasted and run, or None.
        trusts: what has to be right for the verdict to be right, e.g. ``"FLINT polynomials"``.

    Raises:
        ArgumentError: the verdict is no :class:`Verdict`, or nothing is said of what it rests on.

    Example:
        >>> Evidence(Verdict.PROVED, "decision", "s(1-s) <= 1/4 for every real s").verdict
        <Verdict.PROVED: 'PROVED'>
        >>> print(Evidence(Verdict.REFUTED, "decision", "x > 1 fails", counterexample="x = 0"))
        REFUTED: x > 1 fails
        <BLANKLINE>
        To see it:
        <BLANKLINE>
        x = 0
    """

    verdict: Verdict
    kind: str
    text: str
    enclosures: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    counterexample: str | None = None
    trusts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.verdict, Verdict):
            raise ArgumentError(
                f"Evidence: the verdict is {self.verdict!r}; give one of Verdict.PROVED, "
                "PROBABLE, AGREES, REFUTED and UNDECIDED"
            )
        for name in ("kind", "text"):
            found = getattr(self, name)
            if isinstance(found, str) and not found.strip():
                raise ArgumentError(
                    f"Evidence: the {name} is {found!r}; say in words what the verdict rests on"
                )

    def __str__(self) -> str:
        """The verdict, what it rests on and, where there is one, the counterexample."""
        said = f"{self.verdict}: {self.text.removeprefix('Undecided: ')}"
        return said + to_see(self.counterexample)

    @property
    def evidence(self) -> Evidence:
        """Itself, so that whatever has an ``evidence`` can be the outcome of a claim."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """What every JSON report says of a verdict.

        Example:
            >>> sorted(Evidence(Verdict.PROVED, "identity", "equal").to_dict())
            ['counterexample', 'evidence', 'kind', 'trusts', 'verdict']
        """
        return {
            "verdict": str(self.verdict),
            "evidence": self.text,
            "kind": self.kind,
            "trusts": list(self.trusts),
            "counterexample": self.counterexample,
        }


def to_see(code: str | None) -> str:
    """The lines after what is said, where there is code that shows it."""
    return f"\n\nTo see it:\n\n{code}" if code else ""


def undecided(reason: str) -> Evidence:
    """The evidence of a question that was not settled.

    Args:
        reason: why, as a part of a sentence.

    Example:
        >>> undecided("the box is too large").text
        'Undecided: the box is too large.'
    """
    return Evidence(Verdict.UNDECIDED, "reason", f"Undecided: {reason}.")


def evidence_of(outcome: Any, name: str) -> Evidence:
    """The evidence of an outcome.

    Args:
        outcome: what a check returned: a comparison, a sweep, evidence itself.
        name: what it is for, in the message.

    Raises:
        ArgumentError: it is nothing that was checked.

    Example:
        >>> evidence_of(Evidence(Verdict.PROVED, "identity", "equal"), "the base case").text
        'equal'
    """
    found = getattr(outcome, "evidence", None)
    if not isinstance(found, Evidence):
        raise ArgumentError(
            f"{name} is {outcome!r:.60}, which holds no evidence: give what a check returned, e.g. "
            "compare(...) or decide(...) (a forgotten `return`?)"
        )
    return found
