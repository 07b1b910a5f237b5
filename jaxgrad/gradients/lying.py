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
        enough: for each leaf to how many bits two numbers agree that rounding could hide from one
            another, and some bits at least; ∞ where that is not known, and none at all where nobody
            asks.
    """

    apart: np.ndarray
    bits: tuple[np.ndarray, ...]
    held: tuple[int, ...]
    enough: tuple[float, ...] = ()

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
        enough = tuple(least for each in several for least in each.enough)
        return Lying(np.any(np.stack([each.apart for each in several]), 0), bits, held, enough)

    def of_each(self, count: int) -> Lying:
        """How they lie at points each of which has so many rows that follow one another."""
        bits = tuple(row.reshape(-1, count).min(1) for row in self.bits)
        return replace(self, apart=self.apart.reshape(-1, count).any(1), bits=bits)

    @property
    def least(self) -> np.ndarray:
        """The fewest bits at each point, whatever the leaf."""
        return np.min(np.stack(self.bits), 0)

    @property
    def short(self) -> np.ndarray:
        """Where some leaf agrees to fewer bits than its dtype holds, or one more if apart."""
        rows = [bits < most + self.apart for bits, most in zip(self.bits, self.held, strict=True)]
        return np.any(np.stack(rows), 0)

    @property
    def doubtful(self) -> np.ndarray:
        """Where some leaf is short, and not known to be so near that rounding could hide it."""
        enough = self.enough or [math.inf] * len(self.bits)
        near = [bits >= least for bits, least in zip(self.bits, enough, strict=True)]
        rows = zip(self.bits, self.held, near, strict=True)
        return np.any(np.stack([(x < most + self.apart) & ~ok for x, most, ok in rows]), 0)

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
