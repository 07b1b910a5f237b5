"""What came of a check of derivative rules: a verdict, a result for each leaf, and the floats."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import GradientOutcome
from jaxgrad.verdict import Evidence, Outcome, Verdict

__all__ = ["GradientCheck", "RuleResult"]


@dataclass(frozen=True)
class RuleResult(Outcome):
    """What is known of the derivative with respect to one leaf of the arguments.

    Args:
        path: the key path of the leaf.
        verdict: the verdict for this leaf alone.
        judged: how many numbers were judged at the given point.
        kinks: how many of them at a kink, where any value between the two sides is accepted.
        bits: the fewest bits to which they agree; infinite where all are equal or at a kink.
        text: for a number that is refuted or undecided, which one it is and what it should be.
        counterexample: Python that shows a refuted number, or None.
    """

    path: str
    verdict: Verdict
    judged: int = 0
    kinks: int = 0
    bits: float = math.inf
    text: str = ""
    counterexample: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        kinks = f", at a kink in {self.kinks} of {self.judged}" if self.kinks else ""
        return f"{self.path}: {self.text}" if self.text else f"{self.path}: {self.verdict}{kinks}"


@dataclass(frozen=True)
class GradientCheck(GradientOutcome):
    """The outcome of :func:`check_grads`.

    Args:
        verdict: the conclusion over all leaves.
        leaves: one result for each floating-point leaf of the arguments.
        evidence: what the verdict rests on.
        special_points: the points that were judged besides the given one, in words.
        floats: what the compiled derivatives are worth, where that was asked.
    """

    verdict: Verdict
    leaves: tuple[RuleResult, ...]
    evidence: Evidence
    special_points: tuple[str, ...] = ()
    floats: tuple[FloatResult, ...] = ()

    scope = "`f`"

    @property
    def kinks(self) -> tuple[str, ...]:
        """The leaves with a kink at the point."""
        return tuple(leaf.path for leaf in self.leaves if leaf.kinks)

    @property
    def unstable(self) -> tuple[FloatResult, ...]:
        """The floats that are not what their formula says."""
        return tuple(found for found in self.floats if found.status == "UNSTABLE")

    def to_json(self) -> str:
        """The check as a JSON object."""
        leaves = [
            {"path": x.path, "verdict": str(x.verdict), "judged": x.judged, "kinks": x.kinks,
             "bits": int(x.bits) if math.isfinite(x.bits) else None, "text": x.text}
            for x in self.leaves
        ]  # fmt: skip
        return json.dumps(
            {
                **self.evidence.to_dict(),
                "leaves": leaves,
                "special_points": list(self.special_points),
                "floats": [str(found) for found in self.floats],
            }
        )

    def __str__(self) -> str:
        return self._told([leaf for leaf in self.leaves if leaf.kinks or leaf.text], self.unstable)
