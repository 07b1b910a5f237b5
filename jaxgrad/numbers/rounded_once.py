"""The running error of operations that round once each, in the worst case."""

from __future__ import annotations

from jaxgrad.numbers.function import Function
from jaxgrad.numbers.running_error import Rounded, RunningError

__all__ = ["RoundedOnce"]


class RoundedOnce(RunningError):
    """What floats may return if every operation rounds its true result to the nearest one.

    Example:
        >>> import numpy as np
        >>> system = RoundedOnce(np.float32)
        >>> float(system.divide(system.constant(1), system.constant(3)).value.rad()) < 2e-8
        True
    """

    name = "running error of single roundings"
    arithmetic_ulps = quotient_ulps = sum_ulps = 0.5

    def function(self, name: str, *xs: Rounded) -> Rounded:
        exact = self.ball.function(name, *(x.value for x in xs))
        same = self.nearest(exact) if exact.is_exact() else exact  # as e⁰ = 1
        return same if isinstance(same, Rounded) else super().function(name, *xs)

    def _ulps(self, known: Function) -> float:
        return 0.5
