"""What came of a comparison or of a check: a verdict, a result for each leaf, and the floats."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jaxgrad.errors import ArgumentError
from jaxgrad.gradients.asserted import AssertedOutcome
from jaxgrad.gradients.floats.kernels import check_kernel
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.floats.sides import check_floats
from jaxgrad.interpret.sides import Side
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.verdict import Evidence, Outcome, Verdict, to_see

__all__ = [
    "ITSELF",
    "Comparison",
    "CustomRule",
    "GradientCheck",
    "GradientOutcome",
    "LeafResult",
    "RuleResult",
    "line_of",
]


# A screenful of lines; ``to_json`` has them all.
MOST_LINES = 8
# The text of a rule that is the function, of which the check says the rest.
ITSELF = "it is the function itself"
# With the name and the verdict a line of 100 characters.
LONGEST_TEXT = 70


class GradientOutcome(AssertedOutcome):
    """What :func:`compare` and :func:`check_grads` have in common: a verdict that can be asserted.

    Args:
        verdict: the conclusion over all leaves.
        leaves: a result for each.
        evidence: what it rests on; its text says what is quantified over.
    """

    verdict: Verdict
    leaves: tuple[Any, ...]
    evidence: Evidence

    def __repr__(self) -> str:
        text = " ".join(self.evidence.text.split())
        if len(text) > LONGEST_TEXT:
            text = text[: LONGEST_TEXT - 1] + "…"
        return f"<{type(self).__name__} {self.verdict}: {text}>"

    def _rows(self) -> Sequence[str]:
        """A row for each leaf, as many as a screen holds."""
        rows = [str(leaf) for leaf in self.leaves[:MOST_LINES]]
        if len(self.leaves) > MOST_LINES:
            rows.append(f"and {len(self.leaves) - MOST_LINES} more")
        return rows

    def _told(self, lines: Sequence[object], listed: Sequence[object], what: str = "") -> str:
        """The verdict, lines that are told all, lines that are told as far as a screen holds them,
        and the counterexample."""
        first, *said = self.evidence.text.splitlines()
        told = [f"  {line}" for line in (*lines, *listed[:MOST_LINES])]
        told = [f"{self.verdict}: {first}", *said, *(line for line in told if line not in said)]
        if len(listed) > MOST_LINES:
            told.append(f"  and {len(listed) - MOST_LINES} more{what}")
        return "\n".join(told) + to_see(self.counterexample)


@dataclass(frozen=True)
class LeafResult(Outcome):
    """What is known of one leaf of the gradient.

    Args:
        path: its key path in the output tree.
        shape: its shape.
        verdict: the verdict for this leaf alone.
        bits: relative bits of agreement where points were tried, else None.
        index: the first entry that differs, else None.
        hand, auto: the enclosures there, decimal strings, else None.
    """

    path: str
    shape: tuple[int, ...]
    verdict: Verdict
    bits: int | None = None
    index: tuple[int, ...] | None = None
    hand: str | None = None
    auto: str | None = None

    def __str__(self) -> str:
        name = f"gradient{self.path}"
        if self.index is None:
            bits = "" if self.bits is None else f" to {self.bits} bits"
            return f"{name}: {self.verdict}{bits}"
        at = f"{name}{list(self.index) if self.index else ''}"
        return f"{at}: hand is {self.hand}, auto is {self.auto}"


@dataclass(frozen=True, repr=False)
class Comparison(GradientOutcome):
    """The outcome of :func:`compare`.

    Args:
        verdict: the conclusion over all leaves.
        leaves: one result for each leaf of the gradient.
        evidence: what the verdict rests on; its text says what is quantified over.

    Example:
        >>> import jax
        >>> from jaxgrad import compare
        >>> result = compare(jax.numpy.cos, jax.grad(jax.numpy.sin), 0.5)
        >>> result.verdict, len(result.leaves), result.stable
        (<Verdict.PROVED: 'PROVED'>, 1, True)

    Source: docs/verdicts.md.
    """

    verdict: Verdict
    leaves: tuple[LeafResult, ...]
    evidence: Evidence
    _sides: tuple[Side, Side] = field(repr=False, compare=False)

    @cached_property
    def floats(self) -> tuple[FloatResult, ...]:
        """The other question: do the compiled programs compute these values at the given point?

        Each side that agrees with the formula is run as compiled and held against the balls; see
        :mod:`jaxgrad.gradients.floats.allowance`. Computed when first asked for.

        Raises:
            UnsupportedPrimitive, CannotDecide: no true value can be enclosed.
            ArgumentError: the comparison was pickled before they were asked for.
        """
        if "_sides" not in vars(self):
            raise ArgumentError(
                "floats: this comparison comes from another process or a file, without its two "
                "functions; ask for `floats` there before it is handed on"
            )
        hand, auto = self._sides
        reference = auto if auto.opaque is None else hand
        results: list[FloatResult] = []
        with without_debug_modes():
            for side in (hand, auto):
                differs = self.verdict is Verdict.REFUTED
                own = side if differs and side.opaque is None else reference
                checked = check_floats if side.opaque is None else check_kernel
                results += checked(side, own, [leaf.value for leaf in hand.inputs])
        return tuple(results)

    def __getstate__(self) -> dict[str, Any]:
        """All but the two functions, which another process may not have."""
        return {name: value for name, value in vars(self).items() if name != "_sides"}

    def __copy__(self) -> Comparison:
        return self  # it never changes

    def __deepcopy__(self, _: Any) -> Comparison:
        return self

    @property
    def stable(self) -> bool:
        """Whether every compiled leaf of both sides is within its allowance."""
        return all(result.stable for result in self.floats)

    def to_json(self) -> str:
        """The comparison as a JSON object.

        Example:
            >>> import jax
            >>> from jaxgrad import compare
            >>> result = compare(jax.numpy.cos, jax.grad(jax.numpy.sin), 0.5)
            >>> json.loads(result.to_json())["verdict"]
            'PROVED'
        """
        leaves = [
            {
                "path": leaf.path,
                "shape": list(leaf.shape),
                "verdict": str(leaf.verdict),
                "bits": leaf.bits,
                "index": None if leaf.index is None else list(leaf.index),
                "hand": leaf.hand,
                "auto": leaf.auto,
            }
            for leaf in self.leaves
        ]
        return json.dumps({**self.evidence.to_dict(), "leaves": leaves})

    def __str__(self) -> str:
        refuted = self.verdict is Verdict.REFUTED
        shown = [leaf for leaf in self.leaves if leaf.verdict is self.verdict]
        return self._told([], shown if refuted else [], " leaves")


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
        value, truth: what the rules give for that number, and what it should be, as text; None
            where it is not one number that is wrong, as of a rule that is not linear.
    """

    path: str
    verdict: Verdict
    judged: int = 0
    kinks: int = 0
    bits: float = math.inf
    text: str = ""
    counterexample: str | None = field(default=None, repr=False)
    value: str | None = field(default=None, repr=False)
    truth: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        kinks = f", at a kink in {self.kinks} of {self.judged}" if self.kinks else ""
        return f"{self.path}: {self.text}" if self.text else f"{self.path}: {self.verdict}{kinks}"


@dataclass(frozen=True)
class CustomRule(Outcome):
    """What is known of a custom rule that a function calls, judged by itself.

    Args:
        name: of the function that the rule is for.
        where: the file and line at which that is defined.
        verdict: the verdict for the rule alone.
        text: what that rests on; of a wrong rule the number that is wrong, and what it should be.
        counterexample: Python that shows it, where ``f`` is the function of the rule; or None.
        value, truth: the number that is wrong, and what it should be, as text; or None.
    """

    name: str
    where: str
    verdict: Verdict
    text: str = ""
    counterexample: str | None = field(default=None, repr=False)
    value: str | None = field(default=None, repr=False)
    truth: str | None = field(default=None, repr=False)

    @property
    def is_itself(self) -> bool:
        """Whether it is the function that was checked, and none that it calls."""
        return self.text == ITSELF

    @property
    def is_jaxs(self) -> bool:
        """Whether it comes with JAX; what is found of such a rule changes no verdict."""
        return self.where.startswith("jax/")

    def __str__(self) -> str:
        return f"rule `{self.name}` ({self.where}): {self.verdict}: {self.text}"


def line_of(name: str, where: str) -> str:
    """The line of a refuted check that names the rule which the function is.

    Args:
        name: of the function that the rule is for.
        where: the file and line at which that is defined.
    """
    return f"  it is the rule `{name}` ({where})"


@dataclass(frozen=True, repr=False)
class GradientCheck(GradientOutcome):
    """The outcome of :func:`check_grads`.

    Args:
        verdict: the conclusion over all leaves.
        leaves: one result for each floating-point leaf of the arguments.
        evidence: what the verdict rests on.
        special_points: the points that were judged besides the given one, in words.
        floats: what the compiled derivatives are worth, where that was asked.
        rules: the custom rules that the function calls, each judged by itself.

    Example:
        >>> import jax
        >>> from jaxgrad import check
        >>> found = check(jax.nn.relu6, (1.0,))
        >>> bool(found), "x = 6.0, where `min` ties" in found.special_points
        (True, True)

    Source: docs/check_grads.md.
    """

    verdict: Verdict
    leaves: tuple[RuleResult, ...]
    evidence: Evidence
    special_points: tuple[str, ...] = ()
    floats: tuple[FloatResult, ...] = ()
    rules: tuple[CustomRule, ...] = ()
    # The floating-point leaves at which it is refuted, if that is a special or a drawn point.
    _elsewhere: Sequence[Any] | None = field(default=None, repr=False, compare=False)
    # What the time did not do for, in words.
    _missed: tuple[str, ...] = field(default=(), repr=False, compare=False)
    # Whether no custom rule but JAX's own is in the function; None where nobody has looked.
    _jaxs_alone: bool | None = field(default=None, repr=False, compare=False)

    @property
    def kinks(self) -> tuple[str, ...]:
        """The leaves with a kink at the point."""
        return tuple(leaf.path for leaf in self.leaves if leaf.kinks)

    @property
    def unstable(self) -> tuple[FloatResult, ...]:
        """The floats that are not what their formula says, those at the given point first."""
        found = [x for x in self.floats if x.status == "UNSTABLE"]
        return tuple(sorted(found, key=lambda x: not x.given))

    def to_json(self) -> str:
        """The check as a JSON object."""
        leaves = [
            {"path": x.path, "verdict": str(x.verdict), "judged": x.judged, "kinks": x.kinks,
             "bits": int(x.bits) if math.isfinite(x.bits) else None, "text": x.text,
             "value": x.value, "truth": x.truth}
            for x in self.leaves
        ]  # fmt: skip
        rules = [
            {"name": x.name, "where": x.where, "verdict": str(x.verdict), "text": x.text,
             "value": x.value, "truth": x.truth}
            for x in self.rules
        ]  # fmt: skip
        return json.dumps(
            {
                **self.evidence.to_dict(),
                "leaves": leaves,
                "special_points": list(self.special_points),
                "floats": [str(found) for found in self.floats],
                "rules": rules,
            }
        )

    def __str__(self) -> str:
        told: list[object] = [leaf for leaf in self.leaves if leaf.kinks or leaf.text]
        return self._told(told, self.unstable)
