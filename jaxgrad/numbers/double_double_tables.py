"""erf and erfc by a polynomial on each of many cells, with coefficients of two float64 each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_series

from jaxgrad.numbers.double_double import DoubleDouble, floats_of
from jaxgrad.numbers.float64_tables import CELLS_OF_UNIT, erf_over_argument, erfcx, taylor_rows

__all__ = ["CELLS_OF_UNIT", "Table", "erf_table", "erfc_table"]

_DEGREE = 27


@dataclass(frozen=True)
class Table:
    """Taylor polynomials about the middles of cells.

    Args:
        rows: their coefficients, of shape (degree + 1, cells).
        rest: what they leave out, of the value.
    """

    rows: DoubleDouble
    rest: float


def _table(function: Callable[[arb_series], arb_series], cells: int) -> Table:
    """What is left out is a little more where a low part goes beyond the cell: by 2⁻⁴⁴ of it."""
    rows, worst = [], 0.0
    for row, rest in taylor_rows(function, cells, _DEGREE):
        terms = [abs(c) / (2 * CELLS_OF_UNIT) ** k for k, c in enumerate(row)]
        least = terms[0] - sum(terms[1:], arb(0)) - rest
        assert least > 0
        worst = max(worst, float((rest / least).upper()))
        rows.append([floats_of(c) for c in row])
    return Table(DoubleDouble(*np.array(rows).transpose(2, 1, 0)), worst * (1 + 2.0**-30))


@functools.cache
def erf_table() -> Table:
    """erf(a)/a of 0 ≤ a ≤ 6."""
    return _table(erf_over_argument, 6 * CELLS_OF_UNIT)


@functools.cache
def erfc_table() -> Table:
    """e^(a²) erfc(a) of 0 ≤ a ≤ 20."""
    return _table(erfcx, 20 * CELLS_OF_UNIT)
