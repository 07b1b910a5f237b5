"""A backward rule is linear in its cotangent, and a forward rule in its tangent.

Where the operations of a derivative program do not show it, it is asked for, at each point as it
comes: see :mod:`jaxgrad.gradients.rules.asked`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.asked import Apart, Asked, Bend, affordable
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.bend_likeness import bend_likeness
from jaxgrad.gradients.rules.compositions import Compositions
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derivatives import MOVED
from jaxgrad.gradients.rules.linear_conclusions import not_linear, wrong_in_compositions
from jaxgrad.gradients.rules.linear_programs import is_linear
from jaxgrad.gradients.rules.operators import Operator
from jaxgrad.gradients.rules.primal import Primal
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
        self._first, self._higher = _Linearity(rules), Compositions(rules)

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


class _Linearity:
    """Whether the derivative programs are linear, and how much was done to see it.

    Args:
        rules: the derivative programs of the first order.
    """

    def __init__(self, rules: DerivativePrograms) -> None:
        self.rules = rules
        self.open = [mode for mode in rules.modes if rules.custom and not _is_plain(rules, mode)]
        self.seen: dict[str, int] = {}

    def bend(self, at: AtPoint, thorough: bool) -> Bend | None:
        """Where a program that is not plainly linear is seen not to be so.

        Args:
            at: a point.
            thorough: whether all sizes and special cotangents are asked for.
        """
        for mode in self.open:
            operator = self._operator(at, mode)
            asked = Asked(operator, affordable(self.rules.size))
            found = asked.apart(thorough)
            if found:
                accused = _accused(asked, found, mode)
                aparts = [*accused.values()] or found[:1]
                like = bend_likeness(operator, aparts[0], MOVED[mode])
                return Bend(mode, at.values, aparts, [*accused], like)
            self.seen[mode] = max(asked.count, self.seen.get(mode, 0))
        return None

    def _operator(self, at: AtPoint, mode: str) -> Operator:
        derived, fixed = self.rules[(mode,)], len(at.values)
        moving = tuple(range(fixed, len(derived.program.inputs)))
        given = [leaf.value for leaf in derived.program.inputs[fixed:]]
        values, exact = derived.values, self.rules.exact
        return Operator(derived.program, (*at.values, *given), moving, values, exact)

    @property
    def notes(self) -> list[str]:
        """What is said of programs of which only numbers say that they are linear."""
        return [
            f"{mode} linear in the {MOVED[mode]} at {count} that were asked for"
            if count
            else f"{mode} not seen to be linear in the {MOVED[mode]}"
            for mode, count in self.seen.items()
        ]


def _accused(asked: Asked, found: Sequence[Apart], mode: str) -> dict[int, Apart]:
    """The leaves of the arguments to which it belongs that a rule is not linear.

    A backward rule gives something for each leaf, some of it linear perhaps; a forward rule gives
    one thing for the tangents of all, and may be linear in some of them.
    """
    if mode == "rev":
        return {apart.place[0]: apart for apart in found}
    return asked.of_each(found[0])


def _is_plain(rules: DerivativePrograms, mode: str) -> bool:
    """Whether the operations of a derivative program show that it is linear."""
    derived, fixed = rules[(mode,)], len(rules.primal.inputs)
    moving = range(fixed, len(derived.program.inputs))
    return is_linear(derived.program.jaxpr, moving, derived.values)
