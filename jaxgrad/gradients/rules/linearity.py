"""A backward rule is linear in its cotangent, and a forward rule in its tangent.

Where the operations of a derivative program do not show it, it is asked for: see
:mod:`jaxgrad.gradients.rules.asked`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jaxgrad.gradients.rules.asked import Apart, Asked, affordable
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derivatives import MOVED
from jaxgrad.gradients.rules.linear_programs import is_linear
from jaxgrad.gradients.rules.operators import Operator

__all__ = ["Bend", "Linearity"]


@dataclass(frozen=True)
class Bend:
    """Where a rule is not linear.

    Args:
        mode: ``"fwd"`` or ``"rev"``.
        point: the value of each floating-point leaf.
        apart: the numbers that show it.
    """

    mode: str
    point: list[np.ndarray]
    apart: Apart


class Linearity:
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
            asked = Asked(self._operator(at, mode), affordable(self.rules.size))
            found = asked.apart(thorough)
            if found is not None:
                return Bend(mode, at.values, found)
            self.seen[mode] = max(asked.count, self.seen.get(mode, 0))
        return None

    def _operator(self, at: AtPoint, mode: str) -> Operator:
        derived, fixed = self.rules[(mode,)], len(at.values)
        moving = tuple(range(fixed, len(derived.program.inputs)))
        given = [leaf.value for leaf in derived.program.inputs[fixed:]]
        return Operator(derived.program, (*at.values, *given), moving, derived.values)

    @property
    def notes(self) -> list[str]:
        """What is said of programs of which only numbers say that they are linear."""
        return [
            f"{mode} linear in the {MOVED[mode]} at {count} that were asked for"
            if count
            else f"{mode} not seen to be linear in the {MOVED[mode]}"
            for mode, count in self.seen.items()
        ]


def _is_plain(rules: DerivativePrograms, mode: str) -> bool:
    """Whether the operations of a derivative program show that it is linear."""
    derived, fixed = rules[(mode,)], len(rules.primal.inputs)
    moving = range(fixed, len(derived.program.inputs))
    return is_linear(derived.program.jaxpr, moving, derived.values)
