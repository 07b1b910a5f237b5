"""The checks that the derivative programs are linear, at each point as it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.compositions import Compositions
from jaxgrad.gradients.rules.conclusions import not_linear, wrong_in_compositions
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.linearity import Linearity
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.result import GradientCheck
from jaxgrad.numbers.precision import precision

__all__ = ["LinearChecks"]

Found = TypeVar("Found")


class LinearChecks:
    """Whether rules are linear, and their derivatives those of what is linear.

    Args:
        rules: the derivative programs.
    """

    def __init__(self, rules: DerivativePrograms) -> None:
        self.rules = rules
        self._first, self._higher = Linearity(rules), Compositions(rules)

    def first(self, at: AtPoint, why: str | None = None) -> GradientCheck | None:
        """The check where a rule is not linear at a point, a special one if it has a reason."""
        return self._wrong(self._first.bend, not_linear, at, why)

    def higher(self, at: AtPoint, why: str | None = None) -> GradientCheck | None:
        """The check where a derivative of a derivative is wrong where everything moves."""
        return self._wrong(self._higher.wrong, wrong_in_compositions, at, why)

    def _wrong(
        self,
        found_wrong: Callable[[AtPoint, bool], Found | None],
        said: Callable[[Primal, Found, str | None], GradientCheck],
        at: AtPoint,
        why: str | None,
    ) -> GradientCheck | None:
        if not self.rules.linear:
            return None
        with precision(FIRST_PRECISION):
            wrong = found_wrong(at, why is None)  # all of it at the given point alone
        return None if wrong is None else said(self.rules.primal, wrong, why)

    @property
    def notes(self) -> list[str]:
        """What is said of it where nothing is wrong."""
        if self.rules.linear:
            return [*self._first.notes, *self._higher.notes]
        if self.rules.custom and self.rules.primal.reference is None:
            return ["not asked whether the rules are linear, as linear=False says"]
        return []
