"""Where entries come from, or go to, by known indices: asked of JAX once for every check.

A program is run over many points and number systems, and its known indices are the same in each.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

__all__ = ["places"]

# So many answers are kept, and none of more entries than that: a few megabytes at most.
KEPT = 256
LARGEST = 4096

_known: OrderedDict[Hashable, np.ndarray] = OrderedDict()


def places(
    asked: tuple[Any, ...], indices: Sequence[Any], answer: Callable[[], np.ndarray]
) -> np.ndarray:
    """An answer that was had before, or that is had now.

    Args:
        asked: all that the answer depends on beside the indices.
        indices: known arrays.
        answer: makes it.

    Example:
        >>> places(("twice",), [np.arange(3)], lambda: 2 * np.arange(3))
        array([0, 2, 4])
        >>> places(("twice",), [np.arange(3)], lambda: 1 / 0)
        array([0, 2, 4])
    """
    arrays = [np.asarray(x) for x in indices]
    if sum(x.size for x in arrays) > LARGEST:
        return answer()
    key = (asked, *((x.dtype.str, x.shape, x.tobytes()) for x in arrays))
    try:
        known = _known.get(key)
    except TypeError:  # something is no key
        return answer()
    if known is not None:
        return known
    found = answer()
    if found.size <= LARGEST:
        found.flags.writeable = False
        _known[key] = found
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found
