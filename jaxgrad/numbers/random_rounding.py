"""Numbers of which every operation is rounded to one side or the other, at random.

Where one rounding does not know of another, the spread of a few runs is what rounding does to a
number (Parker 1997, Monte Carlo arithmetic), without what bounds for the worst case add up.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.no_number import NoNumber, is_infinity, over
from jaxgrad.numbers.overflow import is_a_float, within_floats
from jaxgrad.numbers.perturbed import Perturbed, Twins
from jaxgrad.numbers.running_error import Rounded, RunningError

__all__ = ["RoundedAtRandom"]

# Of a unit in the last place: far less than the half of one that is drawn, and more than is left of
# 53 bits where balls have no more.
_NARROW = arb(2) ** -8


def _of_drawn(name: str) -> Any:
    """A setting of the numbers that are drawn, by its name there."""
    return property(
        lambda self: getattr(self.drawn, name), lambda self, value: setattr(self.drawn, name, value)
    )


class RoundedAtRandom(Perturbed):
    """Balls, and beside each the number that floats may return if roundings are drawn.

    Which branch a program takes is decided by the balls: it is no matter of rounding.

    Args:
        seed: of the draws.

    Example:
        >>> numbers = RoundedAtRandom(0)
        >>> numbers.round_to(np.float32)
        >>> third = numbers.divide(numbers.constant(1), numbers.constant(3)).moved.value
        >>> float(third) == 1 / 3, abs(float(third) - 1 / 3) < 2e-8
        (False, True)
    """

    name = "random rounding"
    exact = _of_drawn("exact")
    rounds_constants = _of_drawn("rounds_constants")

    def __init__(self, seed: int) -> None:
        self.drawn = _Drawn(seed)
        self.by_total_order = False  # the balls compare
        super().__init__(Ball(), self.drawn)

    def constant(self, value: Any) -> Twins:
        return Twins(self.system.constant(value), self.drawn.constant(value))

    def _step(self, value: Any) -> Twins:
        return Twins(value, Rounded(value, self.drawn))

    # -- what every operation is rounded to, as in a running error -------------------------------
    def round_to(self, dtype: Any) -> None:
        """Sets the dtype in which what follows is rounded."""
        self.drawn.round_to(dtype)

    def keep(self, x: Twins) -> Twins:
        """What becomes of a number that is kept for later: it stays as it is."""
        return x

    def stored(self, x: Twins, mantissa_bits: int | None = None) -> Twins:
        """What becomes of a number that is converted to the dtype, or to fewer bits."""
        return Twins(x.exact, self.drawn.stored(x.moved, mantissa_bits))


class _Drawn(RunningError):
    """Rounds by half a unit to one side, drawn each time, whatever larger bound there is for it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._draws = np.random.default_rng(seed)
        self._constants: dict[Any, Rounded] = {}

    @property
    def _bits(self) -> int:
        """How many bits the significand of a float has."""
        return jnp.finfo(self._dtype).nmant + 1

    def rounded(
        self, value: arb, ulps: float | arb | None = None, size: arb | None = None
    ) -> Rounded:
        if isinstance(value, NoNumber):
            return Rounded(value, self)
        value = self._single(value)
        if size is None and self.exact and value.is_exact() and value.bits() <= self._bits:
            return Rounded(value, self)  # it is a float
        if is_infinity(value):
            return Rounded(value, self)
        if not is_a_float(value.abs_upper(), self.largest_float, self.ulp):
            return self._unknown()
        size = value.abs_upper() if size is None else size
        side = 1 if self._draws.integers(2) else -1
        drawn = within_floats(value + side * size * self.ulp / 2, self.largest_float)
        return Rounded(self._single(drawn), self)

    def _single(self, value: arb) -> arb:
        """One number of a narrow ball: less itself a float is 0, and a ball is not."""
        middle, narrow = value.mid(), self.ulp * _NARROW
        return middle if abs(value - middle) < abs(middle) * narrow else value

    def stored(self, x: Rounded, mantissa_bits: int | None = None) -> Rounded:
        if mantissa_bits is None:
            return self.rounded(x.value)
        bits = min(mantissa_bits + 1, self._bits)
        if x.value.is_exact() and x.value.bits() <= bits:
            return x
        return self.rounded(x.value, size=x.value.abs_upper() * 2 ** (self._bits - bits))

    def constant(self, value: Any) -> Rounded:
        """One constant is one number, wherever it stands."""
        found = self.ball.constant(value)
        if not self._has_all_bits(found):
            return Rounded(found, self)
        key = *map(int, found.man_exp()), self._bits
        if key not in self._constants:
            self._constants[key] = self.rounded(found, size=found.abs_upper())
        return self._constants[key]

    def divide(self, x: Rounded, y: Rounded) -> Rounded:
        if y.value.is_zero():
            return Rounded(over(x.value, y.value), self)
        return self.rounded(x.value / y.value)

    def _summed(self, exact: arb, size: arb, count: int) -> Rounded:
        """Of many roundings of a sum the size of so many that know nothing of one another."""
        if count < 2 or size.is_zero():
            return Rounded(exact, self)
        if count > 2 and not size <= self.largest_float:
            return self._unknown()
        return Rounded(self.rounded(exact, size=size * arb(count).sqrt()).value, self)

    def function(self, name: str, *xs: Rounded) -> Rounded:
        """What XLA computes of it is off by more than a rounding: as by so many that follow."""
        found = self.ball.function(name, *(x.value for x in xs))
        ulps = FUNCTIONS[name].ulps if name in FUNCTIONS else None
        if ulps is None or found.is_exact() or not found.is_finite():
            return self.nearest(found)
        return self.rounded(found, size=found.abs_upper() * arb(2 * ulps).sqrt())
