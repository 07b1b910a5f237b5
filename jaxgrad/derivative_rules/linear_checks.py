"""The checks that the derivative programs are linear, at each point as it comes."""

from __future__ import annotations

from jaxgrad.derivative_rules.at_point import AtPoint
from jaxgrad.derivative_rules.compositions import Compositions
from jaxgrad.derivative_rules.conclusions import not_linear, wrong_in_compositions
from jaxgrad.derivative_rules.linearity import Linearity
from jaxgrad.derivative_rules.result import GradientCheck
from jaxgrad.derivative_rules.rules import Rules
from jaxgrad.engines.enclosure import FIRST_PRECISION
from jaxgrad.numbers.ball import precision

__all__ = ["LinearChecks"]


class LinearChecks:
    """Whether rules are linear, and their derivatives those of what is linear.

    Args:
        rules: the derivative programs.
        asked: whether that is asked at all.
    """

    def __init__(self, rules: Rules, asked: bool) -> None:
        self.rules, self.asked = rules, asked
        self._first, self._higher = Linearity(rules), Compositions(rules)

    def first(self, at: AtPoint, why: str | None = None) -> GradientCheck | None:
        """The check where a rule is not linear at a point, a special one if it has a reason."""
        if not self.asked:
            return None
        with precision(FIRST_PRECISION):
            bend = self._first.bend(at, thorough=why is None)
        return None if bend is None else not_linear(self.rules.primal, bend, why)

    def higher(self, at: AtPoint, why: str | None = None) -> GradientCheck | None:
        """The check where a derivative of a derivative is wrong where everything moves."""
        if not self.asked:
            return None
        with precision(FIRST_PRECISION):
            wrong = self._higher.wrong(at, thorough=why is None)
        return None if wrong is None else wrong_in_compositions(self.rules.primal, wrong, why)

    @property
    def notes(self) -> list[str]:
        """What is said of it where nothing is wrong."""
        if self.asked:
            return [*self._first.notes, *self._higher.notes]
        if self.rules.custom and self.rules.primal.reference is None:
            return ["not asked whether the rules are linear, as linear=False says"]
        return []
