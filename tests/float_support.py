"""All the floats of a narrow format."""

from __future__ import annotations

import numpy as np

from jaxgrad.evidence.float_formats import Format

__all__ = ["numbers_of"]


def numbers_of(format: Format) -> np.ndarray:
    """Every float that is no NaN, in the order of the patterns."""
    bits = np.arange(2**format.bits, dtype=np.uint32)
    bits = bits[(bits & format.magnitude) <= format.last]
    return bits.astype(f"uint{format.bits}").view(format.dtype)
