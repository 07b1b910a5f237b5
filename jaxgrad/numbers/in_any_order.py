"""Balls that hold whatever a kernel may return that computes what a program says.

In which order a kernel adds and multiplies is not known.  Each number of the program has the error
that its operation has in the dtypes of the kernel, whatever the order in which sums are taken, and
one more where it is kept in a coarser dtype than it is computed in.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.function import Function
from jaxgrad.numbers.running_error import Rounded, RunningError

__all__ = ["InAnyOrder", "is_narrow"]

_UNIT_BALL = arb(0, 1)


def is_narrow(dtype: Any) -> bool:
    """Whether a function or a quotient in a dtype is that of float32, rounded.

    Example:
        >>> is_narrow("bfloat16"), is_narrow("float32")
        (True, False)
    """
    return jnp.finfo(dtype).bits < jnp.finfo(np.float32).bits


class InAnyOrder(RunningError):
    """Real numbers with the rounding errors of a kernel.

    Args:
        computed: the coarsest dtype in which it computes.
        summed: the coarsest dtype in which it takes sums.
        kept: the coarsest dtype in which it keeps numbers.

    Example:
        >>> system = InAnyOrder("float32", "float32", "float32")
        >>> third = system.divide(system.constant(1), system.constant(3)).value
        >>> bool(abs(third - arb(1) / 3).upper() < 3 * arb(2) ** -23 / 3)
        True
    """

    name = "in any order"
    # One rounding is half an ulp, XLA divides within 2, and n terms are rounded n times at most.
    arithmetic_ulps = 0.5
    quotient_ulps = 2
    sum_ulps = 0.5

    def __init__(self, computed: Any, summed: Any, kept: Any) -> None:
        super().__init__(computed)
        own, limits = jnp.finfo(computed), jnp.finfo(kept)
        self._sum = arb(float(jnp.finfo(summed).eps))
        coarser = float(limits.eps) > float(own.eps)
        self._unit = arb(float(limits.eps) / 2 if coarser else 0)
        self._flushed = arb(float(limits.smallest_normal) if coarser else 0)
        self._narrow = is_narrow(computed)
        if self._narrow:
            self.quotient_ulps = self.arithmetic_ulps
        self.grid = min(self.grid, arb(2) ** ((limits.nmant + 1) // 2))
        self.largest_float = min(self.largest_float, arb(float(limits.max)))

    def round_to(self, dtype: Any) -> None:
        """Whatever the dtypes of the program are, the kernel computes in its own."""
        if self._dtype is None:
            super().round_to(dtype)

    def rounded(
        self, value: arb, ulps: float | arb | None = None, size: arb | None = None
    ) -> Rounded:
        return self.keep(super().rounded(value, ulps, size))

    def keep(self, x: Rounded) -> Rounded:
        """What becomes of a number that is kept in the coarser dtype."""
        value = x.value
        if value.is_zero() or not value.is_finite() or not self._flushed:
            return x
        return Rounded(value + _UNIT_BALL * (value.abs_upper() * self._unit + self._flushed), self)

    def _summed(self, exact: arb, size: arb, count: int) -> Rounded:
        computed, self.ulp = self.ulp, self._sum
        try:
            found = super()._summed(exact, size, count)
        finally:
            self.ulp = computed
        return found if found.value.is_exact() else self.rounded(found.value)

    def _ulps(self, known: Function) -> float:
        if self.double:
            return super()._ulps(known)
        return min(known.ulps or 0, 1) if self._narrow else known.ulps or 0
