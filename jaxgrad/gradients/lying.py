"""How two sides lie at the points of a batch, and to how many bits two enclosures agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.numbers.intervals import IntervalTruths

__all__ = ["Lying", "agreement", "precision", "truths_lie"]

# Of float64 all that flushing to 0 may have taken from a number a million times.
_LEAST_OF_FLOAT64 = 2.0**-1001


@dataclass(frozen=True)
class Lying:
    """How two sides lie at each point of a batch.

    Args:
        apart: whether the intervals of some entry are disjoint, of shape (points,).
        bits: for each leaf the fewest bits to which the two sides agree in an entry, of shape
            (points,): −∞ where nothing is known, ∞ where all are equal, or less than every float.
        held: how many bits a number of each leaf has.
    """

    apart: np.ndarray
    bits: tuple[np.ndarray, ...]
    held: tuple[int, ...]

    @staticmethod
    def unknown(count: int) -> Lying:
        """Of so many points nothing."""
        return Lying(np.zeros(count, bool), (np.full(count, -math.inf),), (1,))

    def unknown_at(self, count: int) -> Lying:
        """Of the same leaves at so many points nothing."""
        bits = tuple(np.full(count, -math.inf) for _ in self.held)
        return Lying(np.zeros(count, bool), bits, self.held)

    @staticmethod
    def joined(several: Sequence[Lying]) -> Lying:
        """How several pairs of sides lie at the same points."""
        bits = tuple(row for each in several for row in each.bits)
        held = tuple(most for each in several for most in each.held)
        return Lying(np.any(np.stack([each.apart for each in several]), 0), bits, held)

    @property
    def least(self) -> np.ndarray:
        """The fewest bits at each point, whatever the leaf."""
        return np.min(np.stack(self.bits), 0)

    @property
    def short(self) -> np.ndarray:
        """Where some leaf agrees to fewer bits than its dtype holds, or one more if apart."""
        rows = [bits < most + self.apart for bits, most in zip(self.bits, self.held, strict=True)]
        return np.any(np.stack(rows), 0)

    def refined(self, where: np.ndarray, closer: Lying) -> Lying:
        """The same, with what is known better of some points, whose numbers are given."""
        apart = self.apart.copy()
        apart[where] |= closer.apart
        rows = []
        for bits, better in zip(self.bits, closer.bits, strict=True):
            row = bits.copy()
            row[where] = np.maximum(row[where], better)
            rows.append(row)
        return replace(self, apart=apart, bits=tuple(rows))


def precision(dtype: Any) -> int:
    """How many bits a number of a dtype holds."""
    return int(jnp.finfo(dtype).nmant) + 1 if jnp.issubdtype(dtype, jnp.floating) else 1


def agreement(dtype: Any, farthest: Any, size: Any) -> jax.Array:
    """To how many bits entries agree: ∞ where no float tells them apart, −∞ where that is open.

    Args:
        dtype: of the entries.
        farthest: no less than the distance of the two; NaN of what has no value.
        size: no more than the larger magnitude.
    """
    # One of both ends may be a number, the other not.
    ratio = jnp.where(farthest > 0, size / jnp.where(farthest > 0, farthest, 1.0), jnp.inf)
    bits = jnp.where(farthest <= _least(dtype), jnp.inf, jnp.log2(ratio) - 2.0**-20)
    known = ~jnp.isnan(farthest) & jnp.isfinite(size)
    return jnp.where(known, bits, -jnp.inf)


def truths_lie(x: IntervalTruths, y: IntervalTruths) -> tuple[jax.Array, jax.Array]:
    """(different, bits of agreement) of truth values."""
    (p_false, p_true), (q_false, q_true) = x.parts, y.parts
    apart = ~p_true & ~q_false | ~p_false & ~q_true
    same = ~p_true & ~q_true | ~p_false & ~q_false
    return apart, jnp.where(same, jnp.inf, -jnp.inf)


def _least(dtype: Any) -> float:
    """Below every float of a dtype, whatever it is rounded to."""
    if not jnp.issubdtype(dtype, jnp.floating):
        return 0.0
    return max(float(jnp.finfo(dtype).smallest_subnormal) / 2, _LEAST_OF_FLOAT64)
