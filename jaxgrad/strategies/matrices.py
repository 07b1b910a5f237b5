"""A strategy of square matrices whose condition number is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxgrad.errors import ArgumentError
from jaxgrad.strategies.floats import floating_dtype, is_real
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["matrices"]

# How far rounding to the dtype may move the least singular value, as a part of it. With 1/16 the
# condition number is kept to a tenth: (1 + 1/16)/(1 − 1/16) < 1.14 only where the two ends
# conspire.
_MOST_MOVED = 1 / 16


def matrices(
    n: int,
    dtype: DTypeLike = "float32",
    *,
    condition: float = 10.0,
    positive_definite: bool = False,
) -> SearchStrategy[np.ndarray]:
    """Square matrices whose condition number σ₁/σₙ in the 2-norm is the one that is asked for.

    A = U diag(s) Vᵀ with s from 1 down to 1/condition in equal ratios, and U and V products of
    drawn rotations; without rotations, to which it shrinks, A is that diagonal. Rounding A to the
    dtype moves no singular value by more than δ = u √n, u half an ulp of 1 (Weyl, with σ₁ = 1), so
    that the condition number is kept to within (1 + δ)/(1 − δ condition).

    Args:
        n: the number of rows and columns.
        dtype: any floating dtype that JAX has.
        condition: at least 1, and where n = 1 just that; at most 1/(16 δ).
        positive_definite: A = U diag(s) Uᵀ, symmetric to the last bit.

    Returns:
        NumPy arrays of shape (n, n).

    Raises:
        ArgumentError: there is no such matrix, or the dtype cannot hold its condition number.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> from hypothesis import find
        >>> find(matrices(2, condition=100), lambda a: True).tolist()
        [[1.0, 0.0], [0.0, 0.009999999776482582]]

    Source: Weyl's inequality for singular values; Golub and Van Loan, Matrix Computations, 8.6.
    """
    _require(n, dtype, condition)
    st = hypothesis_strategies()
    ratios = np.arange(n) / max(n - 1, 1)
    singular = float(condition) ** -ratios
    planes = list(itertools.combinations(range(n), 2))
    # Quarters of the plane would give permutations; every angle shrinks towards 0.
    angles = st.lists(
        st.floats(0, 2 * math.pi, allow_subnormal=False), min_size=len(planes), max_size=len(planes)
    )

    def symmetric(drawn: Sequence[float]) -> np.ndarray:
        u = _rotation(n, planes, drawn)
        a = (u * singular) @ u.T
        return ((a + a.T) / 2).astype(dtype)

    def of_two(drawn: tuple[Sequence[float], Sequence[float]]) -> np.ndarray:
        u, v = (_rotation(n, planes, each) for each in drawn)
        return ((u * singular) @ v.T).astype(dtype)

    return angles.map(symmetric) if positive_definite else st.tuples(angles, angles).map(of_two)


def _rotation(n: int, planes: Sequence[tuple[int, int]], angles: Sequence[float]) -> np.ndarray:
    """The product of one rotation in each plane, in float64."""
    whole = np.eye(n)
    for (i, j), angle in zip(planes, angles, strict=True):
        c, s = math.cos(angle), math.sin(angle)
        whole[:, [i, j]] = whole[:, [i, j]] @ np.array([[c, -s], [s, c]])
    return whole


def _require(n: Any, dtype: Any, condition: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ArgumentError(f"n is {n!r:.60}: pass the number of rows, an integer >= 1")
    target = floating_dtype(dtype)
    if not (is_real(condition) and 1 <= condition < math.inf) or (n == 1 and condition != 1):
        one = "1, since a number has no other condition" if n == 1 else "a number >= 1"
        raise ArgumentError(f"condition is {condition!r:.60}: pass {one}")
    unit = float(jnp.finfo(target).eps) / 2
    most = _MOST_MOVED / (unit * math.sqrt(n))
    if condition > most:
        raise ArgumentError(
            f"condition is {condition!r:.60}, and rounding to {target.name} would change "
            f"it: pass at most {most:.3g} for n = {n}, or a wider dtype"
        )
