"""Products of matrices of series, one product of matrices of balls for each pair of monomials."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import flint
import numpy as np
from flint import arb

from jaxgrad.numbers.base import objects
from jaxgrad.numbers.series import FINITE, Monomial, Series, times

__all__ = ["product"]

# Beyond this many pairs of monomials the products of matrices cost more than those of entries,
# most of which have few terms; a Taylor series of six terms times another has 36.
MOST_PAIRS = 64


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """The matrix product of object arrays of series; None if it is not worth it.

    An entry is known to the least end of what it is the sum of, so no entry may be infinite.
    """
    entries = [*a.flat, *b.flat]
    if any(x.reason is not None or x.start < FINITE or not x.is_finite for x in entries):
        return None
    left, right = (_monomials(matrix) for matrix in (a, b))
    if len(left) * len(right) > MOST_PAIRS:
        return None
    sums: dict[Monomial, flint.arb_mat] = {}
    factors = {m: _coefficients(b, m) for m in right}
    for m in left:
        factor = _coefficients(a, m)
        for n in right:
            found = factor * factors[n]
            key = times(m, n)
            sums[key] = sums[key] + found if key in sums else found
    rising = sorted(sums)
    columns = [sums[m].entries() for m in rising]
    ends = _ends(a, b)
    coefficients = zip(*columns, strict=True) if columns else [()] * len(ends)
    terms = a[0, 0].terms
    found = (
        Series(values, rising, end, terms) for values, end in zip(coefficients, ends, strict=True)
    )
    return objects(found, (a.shape[0], b.shape[1]))


def _monomials(matrix: np.ndarray) -> set[Monomial]:
    return {m for x in matrix.flat for m in x.monomials}


def _coefficients(matrix: np.ndarray, monomial: Monomial) -> flint.arb_mat:
    zero = arb(0)
    rows = [[x.coefficient(monomial) if x.monomials else zero for x in row] for row in matrix]
    return flint.arb_mat(rows)


def _ends(a: np.ndarray, b: np.ndarray) -> list[Monomial | None]:
    """Where what is known of each entry ends: of a product with an exact 0, nowhere."""
    if all(x.end is None for x in (*a.flat, *b.flat)):
        return [None] * (a.shape[0] * b.shape[1])
    if not any(x.is_zero for x in (*a.flat, *b.flat)):
        rows, columns = list(map(_end, a)), list(map(_end, b.T))
        return [_least(pair) for pair in itertools.product(rows, columns)]
    return [
        _least(
            [
                end
                for x, y in zip(row, column, strict=True)
                if not (x.is_zero or y.is_zero)
                for end in (x.end, y.end)
            ]
        )
        for row, column in itertools.product(a, b.T)
    ]


def _end(entries: Sequence[Series]) -> Monomial | None:
    return _least([x.end for x in entries])


def _least(ends: Sequence[Monomial | None]) -> Monomial | None:
    return min((end for end in ends if end is not None), default=None)
