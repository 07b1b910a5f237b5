"""How LAPACK scales the rows and columns of a matrix before it looks for eigenvalues."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import numpy as np

from jaxgrad.numbers.eigenvalues import midpoints

__all__ = ["balanced"]


def balanced(parts: Sequence[np.ndarray]) -> np.ndarray:
    """By what each entry of a matrix exceeds that of D⁻¹AD: dᵢ/dⱼ, powers of 2.

    Args:
        parts: balls of the matrix, or of its real and imaginary parts.
    """
    middle = sum(midpoints(part) * unit for part, unit in zip(parts, (1, 1j), strict=False))
    if not np.isfinite(middle).all():
        return np.ones(np.shape(middle))
    scipy = importlib.import_module("scipy.linalg")  # which takes long to import, comes with JAX
    _, (scales, _) = scipy.matrix_balance(middle, separate=True)
    return scales[:, None] / scales[None, :]
