"""What is held fixed is named by a verdict that speaks of points alone, as by a proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from jaxgrad.gradients.outcome import Comparison, GradientCheck
from jaxgrad.programs.held import held_in_words
from jaxgrad.verdict import Verdict

__all__ = ["naming_held"]


class HoldsFixed(Protocol):
    """What has been made of a function and its arguments."""

    @property
    def named_held(self) -> Sequence[str]:
        """The key paths of what is held fixed, with the values of single numbers."""
        ...


_Outcome = TypeVar("_Outcome", Comparison, GradientCheck)


def naming_held(found: _Outcome, holder: HoldsFixed) -> _Outcome:
    """The same outcome, of which the evidence names what is held fixed if it agrees.

    A proof has it where it says of which inputs it speaks, and a counterexample is one point.

    Args:
        found: the outcome.
        holder: what was judged.
    """
    named = held_in_words(holder.named_held) if found.verdict is Verdict.AGREES else ""
    if not named:
        return found
    first, line, more = found.evidence.text.partition("\n")
    text = f"{first};{named.removeprefix(',')}{line}{more}"
    return replace(found, evidence=replace(found.evidence, text=text))
