"""What a check concludes, and the evidence that it never exceeds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Evidence", "Verdict"]


class Verdict(enum.Enum):
    """The graded conclusions of a check, never stronger than its evidence.

    Example:
        >>> Verdict.PROVED.passes, Verdict.UNDECIDED.passes
        (True, False)
    """

    PROVED = "PROVED"
    """True of every real input in the stated domain."""

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

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Evidence:
    """A verdict together with what it rests on.

    Args:
        verdict: the conclusion.
        kind: what was done: ``"identity"``, ``"induction"``, ``"decision"``, ``"cover"``,
            ``"exhaustion"``, ``"enclosure"``, ``"sampling"``, ``"counterexample"`` or ``"reason"``.
        text: one or two sentences a reader can check.
        enclosures: name -> (lower, upper), decimal strings rounded outward.
        counterexample: Python that can be pasted and run, or None.
        trusts: what has to be right for the verdict to be right, e.g. ``"FLINT polynomials"``.

    Example:
        >>> Evidence(Verdict.PROVED, "decision", "s(1-s) <= 1/4 for every real s").verdict
        <Verdict.PROVED: 'PROVED'>
    """

    verdict: Verdict
    kind: str
    text: str
    enclosures: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    counterexample: str | None = None
    trusts: tuple[str, ...] = ()

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
