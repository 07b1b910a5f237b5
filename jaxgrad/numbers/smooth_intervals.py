"""Intervals that know nothing of a program where it branches, steps or has a corner."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxgrad.numbers.interval_arithmetic import Interval
from jaxgrad.numbers.intervals import Intervals, IntervalTruths

__all__ = ["SmoothIntervals"]

# Whose slope, or value, jumps; each with what of its arguments has one sign where it does not.
_CORNERS = ("abs", "sign", "floor", "ceil", "round_half_even", "round_half_away", "max", "min",
            "clamp", "cbrt")  # fmt: skip


class SmoothIntervals(Intervals):
    """Enclosures of programs where they are continuously differentiable on the whole interval.

    What is a number here is a value of a function that has the derivative that JAX gives it,
    everywhere in the intervals: no comparison is open there, and nothing that steps or has a corner
    is asked for it.

    Example:
        >>> import jax
        >>> from jaxgrad import run_over
        >>> with jax.enable_x64(True):
        ...     wide = Interval(jnp.array([-1.0, 1.0]), jnp.array([1.0, 2.0]))
        ...     found = run_over(SmoothIntervals(), lambda x: jnp.where(x > 0, x, 0.0), wide)
        >>> print(*found.parts)
        [nan  1.] [nan  2.]
    """

    def function(self, name: str, *arrays: Interval) -> Interval:
        found = super().function(name, *arrays)
        return self._where(self._is_smooth(name, arrays), found) if name in _CORNERS else found

    def reduce(self, name: str, rows: Interval) -> Interval:
        found = super().reduce(name, rows)
        if name not in ("max", "min"):
            return found
        largest = rows if name == "max" else Interval(-rows.parts[1], -rows.parts[0])
        others = jnp.sort(largest.parts[1], -1)[..., -2] if rows.shape[-1] > 1 else -jnp.inf
        # The one that is the largest for sure is larger than all ends but its own.
        return self._where(largest.parts[0].max(-1) > others, found)

    def select(self, truths: IntervalTruths, if_false: Any, if_true: Any) -> Any:
        found = super().select(truths, if_false, if_true)
        may_be_false, may_be_true = truths.parts
        if isinstance(found, IntervalTruths):
            return found
        return self._where(~(may_be_false & may_be_true), found)

    def number(self, truths: IntervalTruths) -> Interval:
        may_be_false, may_be_true = truths.parts
        return self._where(~(may_be_false & may_be_true), super().number(truths))

    def _where(self, smooth: Any, found: Interval) -> Interval:
        return Interval(*(jnp.where(smooth, end, jnp.nan) for end in found.parts))

    def _is_smooth(self, name: str, arrays: tuple[Interval, ...]) -> Any:
        if name in ("abs", "sign", "cbrt"):
            low, high = arrays[0].parts
            return (low > 0) | (high < 0)
        if name in ("max", "min"):
            return self._apart(*arrays)
        if name == "clamp":
            return self._apart(arrays[0], arrays[1]) & self._apart(arrays[1], arrays[2])
        return self._within_a_step(arrays[0], 0.0) & self._within_a_step(arrays[0], 0.5)

    def _within_a_step(self, x: Interval, offset: float) -> Any:
        """Whether no x + offset is a whole number, at neither end."""
        low, high = (end + offset for end in x.parts)
        return (jnp.floor(low) == jnp.floor(high)) & (jnp.ceil(low) > low)

    @staticmethod
    def _apart(x: Interval, y: Interval) -> Any:
        return (x.parts[1] < y.parts[0]) | (x.parts[0] > y.parts[1])
