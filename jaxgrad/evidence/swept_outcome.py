"""What the outcomes of all sweeps have in common."""

from __future__ import annotations

from jaxgrad.verdict import Evidence, Outcome, Verdict, to_see

__all__ = ["SweptOutcome"]


class SweptOutcome(Outcome):
    """The outcome of a sweep: PROVED where the predicate holds at all that is no NaN, else REFUTED.

    Args:
        evidence: the verdict and what it rests on.
    """

    evidence: Evidence

    @property
    def verdict(self) -> Verdict:
        """PROVED when the predicate holds wherever no input is NaN, else REFUTED."""
        return self.evidence.verdict

    @property
    def counterexample(self) -> str | None:
        """Python that rebuilds the first inputs that fail and the output there, or None."""
        return self.evidence.counterexample

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.verdict}: {self._headline()}>"

    def __str__(self) -> str:
        """The verdict in one sentence, and the counterexample; the evidence says all."""
        return f"{self.verdict}: {self._headline()}{to_see(self.counterexample)}"
