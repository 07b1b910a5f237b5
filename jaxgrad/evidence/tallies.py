"""Count how often each of several truths holds in an array, in one pass over them together."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["tallies"]

# A truth is one bit of a 4-bit field, eight fields to a 32-bit word: a word holds the answers of
# eight predicates for one entry. Eight such words add up to fields of at most 8 and sixteen of
# these, in fields of 8 bits, to at most 128: no field runs over into the next one. One sum of words
# is a third to a quarter of the work of a sum for each predicate.
_FIELD = 4
_FIELDS = 32 // _FIELD
_WORDS = 8
_WIDE_WORDS = 16
_EVEN_FIELDS = np.uint32(0x0F0F0F0F)


def tallies(among: jax.Array, truths: Sequence[jax.Array]) -> jax.Array:
    """Count the entries at which each of the truths holds, among those that are counted at all.

    Entry k of the result is |{i : among_i and truths_{k,i}}|.

    Args:
        among: bool of shape (n,), n a power of two below 2^32.
        truths: bool of shape (n,) each.

    Returns:
        uint32 of shape (number of truths,).

    Example:
        >>> x = jnp.arange(8)
        >>> tallies(x > 0, [x < 3, x == 0, x > 1]).tolist()
        [2, 0, 6]
    """
    counts: list[jax.Array] = []
    for first in range(0, len(truths), _FIELDS):
        few = truths[first : first + _FIELDS]
        counts.extend(_of_word(_word(among, few), len(few)))
    return jnp.stack(counts)


def _word(among: jax.Array, truths: Sequence[jax.Array]) -> jax.Array:
    """A bit in its own field for each truth that holds, stored once for both sums to read."""
    word = jnp.zeros(among.shape, jnp.uint32)
    for index, truth in enumerate(truths):
        word |= jnp.where(truth, np.uint32(1 << (_FIELD * index)), np.uint32(0))
    return jax.lax.optimization_barrier(jnp.where(among, word, np.uint32(0)))


def _of_word(word: jax.Array, number: int) -> list[jax.Array]:
    summed = _added(word, _WORDS)
    halves = [
        _added((summed >> np.uint32(shift)) & _EVEN_FIELDS, _WIDE_WORDS) for shift in (0, _FIELD)
    ]
    counts = []
    for index in range(number):
        place, half = divmod(index, 2)
        field = (halves[half] >> np.uint32(2 * _FIELD * place)) & np.uint32(0xFF)
        counts.append(jnp.sum(field, dtype=jnp.uint32))
    return counts


def _added(words: jax.Array, many: int) -> jax.Array:
    """Sums of so many neighbours each, of as many as there are if they are fewer."""
    groups = words.reshape(-1, min(many, words.shape[0]))
    return jax.lax.optimization_barrier(jnp.sum(groups, axis=1, dtype=jnp.uint32))
