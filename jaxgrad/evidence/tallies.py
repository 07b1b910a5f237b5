"""Count how often each of several truths holds in an array, in one pass over them together."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["tallies"]


def tallies(among: jax.Array, truths: Sequence[jax.Array]) -> jax.Array:
    """Count the entries at which each of the truths holds, among those that are counted at all.

    Entry k of the result is |{i : among_i and truths_{k,i}}|. One reduction makes all of the
    sums: XLA on the CPU computes for it what the truths have in common once, and stores none of
    them, while a sum for each truth takes five times as long.

    Args:
        among: bool of shape (n,), n below 2^32.
        truths: bool of shape (n,) each, one at least.

    Returns:
        uint32 of shape (number of truths,).

    Example:
        >>> x = jnp.arange(8)
        >>> tallies(x > 0, [x < 3, x == 0, x > 1]).tolist()
        [2, 0, 6]
    """
    ones = tuple((among & truth).astype(jnp.uint32) for truth in truths)
    return jnp.stack(jax.lax.reduce(ones, (np.uint32(0),) * len(ones), _sums, (0,)))


def _sums(left: Sequence[jax.Array], right: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
    return tuple(x + y for x, y in zip(left, right, strict=True))
