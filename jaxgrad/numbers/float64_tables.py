"""Functions in float64 by a polynomial on each of many cells, of coefficients that Arb gives.

On a cell about c a function is Σ cₖ(a − c)ᵏ up to a remainder that balls bound, when the table is
made.  a − c, each coefficient, product and sum is wrong by u = 2⁻⁵³ of itself at most, so that by
Horner's rule the sum is by Σ(3k + 3)u|cₖ(a − c)ᵏ|.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb, arb_series, ctx

__all__ = ["TABLE_ERROR", "erf_quotient", "scaled_erfc"]

TABLE_ERROR = 2.0**-49
"""The largest relative error of either function."""

_PER_UNIT = 8  # cells
_DEGREE, _TERMS = 13, 40
_BITS = 200


def _coefficients(
    function: Callable[[arb_series], arb_series], cells: int
) -> tuple[np.ndarray, float]:
    """A row for each cell, and a bound of the error relative to the value.

    What is left out are some more terms, and a remainder that is at most the coefficient of the
    next one in the series about the whole cell, a ball.
    """
    rows, worst = [], 0.0
    with_terms, half = _TERMS + 1, arb(1) / (2 * _PER_UNIT)
    before, ctx.prec, ctx.cap = (ctx.prec, ctx.cap), _BITS, with_terms
    try:
        for i in range(cells):
            c = (arb(2 * i + 1)) / (2 * _PER_UNIT)
            exact = function(arb_series([c, 1], with_terms))
            around = function(arb_series([arb(c, half), 1], with_terms))
            row = [exact[k] for k in range(_DEGREE + 1)]
            terms = [abs(row[k]) * half**k for k in range(_DEGREE + 1)]
            rounded = sum(((3 * k + 3) * each for k, each in enumerate(terms)), arb(0))
            rest = abs(around[_TERMS]) * half**_TERMS
            rest += sum((abs(exact[k]) * half**k for k in range(_DEGREE + 1, _TERMS)), arb(0))
            least = abs(row[0]) - sum(terms[1:], arb(0)) - rest
            error = (rest + rounded * arb(2.0) ** -53) / least
            assert least > 0
            worst = max(worst, float(error.upper()))
            rows.append([float(x) for x in row])
    finally:
        ctx.prec, ctx.cap = before
    return np.array(rows), worst


def _erf_over_argument(x: arb_series) -> arb_series:
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


def _erfcx(x: arb_series) -> arb_series:
    return (x * x).exp() * x.erfc()


@functools.cache
def _table(name: str) -> np.ndarray:
    function, cells = {"erf": (_erf_over_argument, 48), "erfc": (_erfcx, 160)}[name]
    rows, worst = _coefficients(function, cells)
    assert worst <= TABLE_ERROR, (name, worst)
    return rows


def _by_cell(name: str, a: Any) -> Any:
    """The value at 0 ≤ a ≤ the number of cells / 8."""
    rows = _table(name)
    cell = jnp.clip(jnp.floor(a * _PER_UNIT), 0, len(rows) - 1)
    t = a - (cell + 0.5) / _PER_UNIT
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
