"""Points at which a matrix among the arguments is symmetric, near a given one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxgrad.gradients.rules.primal import Primal, is_symmetric

__all__ = ["NearSymmetric", "instead", "near_symmetric"]

# So many points more, and how much less than the matrix is what is added to it there: a definite
# one that is not near its border stays one.
MORE, SMALL = 2, 2.0**-8


@dataclass(frozen=True)
class NearSymmetric:
    """Points near one at which a matrix is symmetric.

    Args:
        points: that one with the symmetric part of the matrix, and others.
        beside: one at which it is not symmetric.
    """

    points: list[list[np.ndarray]]
    beside: list[np.ndarray]


def near_symmetric(primal: Primal, values: Sequence[np.ndarray], leaf: int) -> NearSymmetric | None:
    """Points, if the matrix was symmetric where the caller gave it, and all are in the domain.

    Args:
        primal: the function.
        values: a point.
        leaf: which of its leaves is the matrix.
    """
    given, dtype = primal.point[leaf], primal.inputs[leaf].dtype
    if not is_symmetric(given) or given.shape[-1] == 1:
        return None
    middle = _symmetric(np.asarray(values[leaf], np.float64))
    size = SMALL * float(abs(middle).max(initial=0))

    def at(matrix: np.ndarray) -> list[np.ndarray]:
        return [matrix.astype(dtype) if i == leaf else x for i, x in enumerate(values)]

    drawn = [np.random.default_rng(k).uniform(-size, size, given.shape) for k in range(MORE)]
    points = [at(middle), *(at(middle + _symmetric(each)) for each in drawn)]
    beside = at(middle + drawn[0])
    inside = all(map(primal.is_inside, (*points, beside)))
    return NearSymmetric(points, beside) if inside else None


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2


def instead(primal: Primal, leaf: int, matrix: str) -> str:
    """What to check in place of a function that is meant for symmetric matrices.

    Args:
        primal: the function.
        leaf: which of its leaves is the matrix.
        matrix: code for the symmetric matrix, of ``x``.

    Example:
        >>> primal = Primal(lambda a: a @ a, (np.eye(2, dtype=np.float32),))
        >>> instead(primal, 0, "(x + x.mT) / 2")
        ': if f is meant for symmetric matrices, check x ↦ f((x + x.T) / 2)'
    """
    found = primal.inputs[leaf]
    code = matrix.replace(".mT", ".T") if len(found.shape) == 2 else matrix
    if len(primal.inputs) == 1 and found.path.isidentifier():
        check = f"x ↦ f({code})"
    else:
        own = re.sub(r"\bx\b", lambda _: found.path, code)
        check = f"f of {own} in place of {found.path}"
    return f": if f is meant for symmetric matrices, check {check}"
