"""The running error of operations that round once each, in the worst case."""

from __future__ import annotations

from typing import Any

from flint import arb

from jaxgrad.numbers.function import Function
from jaxgrad.numbers.no_number import NoNumber, is_infinity
from jaxgrad.numbers.overflow import is_a_float, within_floats
from jaxgrad.numbers.running_error import Rounded, RunningError

__all__ = ["RoundedOnce"]


class RoundedOnce(RunningError):
    """What floats may return if every operation rounds its true result to the nearest one.

    Functions are as far off as XLA's are.

    Example:
        >>> import numpy as np
        >>> system = RoundedOnce(np.float32)
        >>> float(system.divide(system.constant(1), system.constant(3)).value.rad()) < 2e-8
        True
    """

    name = "running error of single roundings"
    arithmetic_ulps = quotient_ulps = sum_ulps = 0.5

    def rounded(
        self, value: arb, ulps: float | arb | None = None, size: arb | None = None
    ) -> Rounded:
        if is_infinity(value) or isinstance(value, NoNumber):
            return Rounded(value, self)
        if not is_a_float(value.abs_upper(), self.largest_float, self.ulp):
            return self._unknown()
        size = (value.abs_upper() if size is None else size).min(self.largest_float)
        found = super().rounded(within_floats(value, self.largest_float), ulps, size)
        return Rounded(within_floats(found.value, self.largest_float), self)

    def _summed(self, exact: arb, size: arb, count: int) -> Rounded:
        return self.rounded(exact) if count == 2 else super()._summed(exact, size, count)

    def constant(self, value: Any) -> Rounded:
        found = super().constant(value)
        return self.rounded(found.value) if self._has_all_bits(found.value) else found

    def function(self, name: str, *xs: Rounded) -> Rounded:
        exact = self.ball.function(name, *(x.value for x in xs))
        same = self.nearest(exact) if exact.is_exact() else exact  # as e⁰ = 1
        return same if isinstance(same, Rounded) else super().function(name, *xs)

    def _ulps(self, known: Function) -> float:
        return max(0.5, known.ulps or 0)
