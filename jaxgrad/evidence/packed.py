"""Several truths of each float as the bits of one number, which XLA computes in one kernel."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["packed", "unpacked"]

_BITS = 32


def packed(truths: Sequence[jax.Array]) -> list[jax.Array]:
    """Bit k of entry i of the number k // 32 is truth k of entry i.

    XLA on the CPU compiles a kernel for each result of a program, which takes it far longer than
    what these say takes to run.

    Args:
        truths: bool of shape (n,) each.

    Returns:
        uint32 of shape (n,), one for every 32 truths or fewer.

    Example:
        >>> x = jnp.arange(4)
        >>> words = packed([x > 0, x > 2])
        >>> words[0].tolist(), unpacked(words, 2).astype(int).tolist()
        ([0, 1, 1, 3], [[0, 1, 1, 1], [0, 0, 0, 1]])
    """
    words = []
    for start in range(0, len(truths), _BITS):
        word = jnp.zeros(truths[start].shape, jnp.uint32)
        for place, truth in enumerate(truths[start : start + _BITS]):
            word |= jnp.asarray(truth).astype(jnp.uint32) << np.uint32(place)
        words.append(word)
    return words


def unpacked(words: Sequence[jax.Array], count: int) -> np.ndarray:
    """The truths that were packed.

    Args:
        words: what :func:`packed` returned.
        count: how many truths there were.

    Returns:
        bool of shape (count, n).
    """
    numbers = [np.asarray(word) for word in words]
    places = (divmod(k, _BITS) for k in range(count))
    return np.array([(numbers[k] >> np.uint32(place)) & 1 != 0 for k, place in places])
