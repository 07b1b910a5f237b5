"""Functions in float64 by a polynomial on each of many cells, of coefficients that Arb gives.

On a cell about c a function is Σ cₖ(a − c)ᵏ up to a remainder that balls bound, when the table is
made.  a − c, each coefficient, product and sum is wrong by u = 2⁻⁵³ of itself at most, so that by
Horner's rule the sum is by Σ(3k + 3)u|cₖ(a − c)ᵏ|.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb, arb_series, ctx

__all__ = [
    "CELLS_OF_UNIT",
    "TABLE_ERROR",
    "erf_over_argument",
    "erf_quotient",
    "erfcx",
    "scaled_erfc",
    "taylor_rows",
]

TABLE_ERROR = 2.0**-49
"""The largest relative error of either function."""

CELLS_OF_UNIT = 8
_DEGREE, _TERMS = 13, 40
_BITS = 200


def taylor_rows(
    function: Callable[[arb_series], arb_series], cells: int, degree: int
) -> Iterator[tuple[list[arb], arb]]:
    """For each cell the coefficients about its middle, and a bound of what they leave out.

    That are some more terms, and a remainder that is at most the coefficient of the next one in the
    series about any point of the cell: about all of it, a ball, or where the derivatives fall with
    |x| about its lower end.
    """
    with_terms, half = _TERMS + 1, arb(1) / (2 * CELLS_OF_UNIT)
    before, ctx.prec, ctx.cap = (ctx.prec, ctx.cap), _BITS, with_terms
    try:
        for i in range(cells):
            c = (arb(2 * i + 1)) / (2 * CELLS_OF_UNIT)
            exact = function(arb_series([c, 1], with_terms))
            cell = c - half if function is erfcx else arb(c, half)
            around = function(arb_series([cell, 1], with_terms))
            rest = abs(around[_TERMS]) * half**_TERMS
            rest += sum((abs(exact[k]) * half**k for k in range(degree + 1, _TERMS)), arb(0))
            yield [exact[k] for k in range(degree + 1)], rest
    finally:
        ctx.prec, ctx.cap = before


def _coefficients(
    function: Callable[[arb_series], arb_series], cells: int
) -> tuple[np.ndarray, float]:
    """A row for each cell, and a bound of the error relative to the value."""
    rows, worst = [], 0.0
    for row, rest in taylor_rows(function, cells, _DEGREE):
        terms = [abs(c) / (2 * CELLS_OF_UNIT) ** k for k, c in enumerate(row)]
        rounded = sum(((3 * k + 3) * each for k, each in enumerate(terms)), arb(0))
        least = terms[0] - sum(terms[1:], arb(0)) - rest
        assert least > 0
        worst = max(worst, float(((rest + rounded * arb(2.0) ** -53) / least).upper()))
        rows.append([float(x) for x in row])
    return np.array(rows), worst


def erf_over_argument(x: arb_series) -> arb_series:
    """erf(x)/x.  Near 0 by 2/√π Σ (−1)ᵏx²ᵏ/(k!(2k + 1)).

    Of |x| ≤ 1, complex ones too, its terms from 60 on are less than 2⁻²⁷⁰; so their coefficients of
    order k ≤ 40 about |x| ≤ ½ are less than 2ᵏ times that.
    """
    if not abs(x[0]) <= 0.5:
        return x.erf() / x
    square, result = x * x, arb_series([0])
    for k in reversed(range(60)):
        result = result * (-square) / (k + 1) + arb(1) / (2 * k + 1)
    return result * (2 / arb.pi().sqrt()) + arb_series([arb(0, 2.0**-200)] * (_TERMS + 1))


def erfcx(x: arb_series) -> arb_series:
    """e^(x²) erfc(x) = 2/√π ∫ e^(−t² − 2xt) dt over t > 0, whose derivatives alternate and fall."""
    return (x * x).exp() * x.erfc()


@functools.cache
def _table(name: str) -> np.ndarray:
    function, cells = {"erf": (erf_over_argument, 48), "erfc": (erfcx, 160)}[name]
    rows, worst = _coefficients(function, cells)
    assert worst <= TABLE_ERROR, (name, worst)
    return rows


def _by_cell(name: str, a: Any) -> Any:
    """The value at 0 ≤ a ≤ the number of cells / 8."""
    rows = _table(name)
    cell = jnp.clip(jnp.floor(a * CELLS_OF_UNIT), 0, len(rows) - 1)
    t = a - (cell + 0.5) / CELLS_OF_UNIT
    own = jnp.asarray(rows)[cell.astype(jnp.int32)]
    result = own[..., _DEGREE]
    for k in reversed(range(_DEGREE)):
        result = result * t + own[..., k]
    return result


def erf_quotient(a: Any) -> Any:
    """erf(a)/a of 0 ≤ a ≤ 6."""
    return _by_cell("erf", a)


def scaled_erfc(a: Any) -> Any:
    """e^(a²) erfc(a) of 0 ≤ a ≤ 20."""
    return _by_cell("erfc", a)
