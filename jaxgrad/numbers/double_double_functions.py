"""Functions of balls about double-double middles, by the names of JAX's primitives.

Nothing here counts roundings: series are summed in balls, which do that, up to a remainder that is
bounded; and where a guess in float64 is made better, the ball of what it leaves says by how much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers import float64_functions as float64
from jaxgrad.numbers.double_double import FLUSHED, DoubleDouble, exactly
from jaxgrad.numbers.double_double_circular import atan, cos, sin
from jaxgrad.numbers.double_double_exponentials import (
    cosh,
    exp,
    expm1,
    log,
    log1p,
    logistic,
    sinh,
    tanh,
)
from jaxgrad.numbers.double_double_series import (
    compiled,
    constant,
    float_ball,
    horner,
    magnitude,
    middle_of,
    unknown_unless,
    where,
    with_sign,
)
from jaxgrad.numbers.double_double_tables import CELLS_OF_UNIT, Table, erf_table, erfc_table
from jaxgrad.numbers.interval_functions import half_away

__all__ = ["FUNCTIONS", "powers"]

_Rule = Callable[..., DoubleDouble]


@compiled
def _logaddexp(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """max + log(1 + e^−|x − y|)."""
    distance = magnitude(dd.difference(x, y))
    return dd.total(_largest(x, y), log1p(exp(dd.negative(distance))))


@compiled
def _pow(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """e^(y log x)."""
    return exp(dd.product(y, log(x)))


# -- made of others --------------------------------------------------------------------------------
def _asinh(x: DoubleDouble) -> DoubleDouble:
    """log(x + √(x² + 1)) as log1p(a + a²/(1 + √(a² + 1))) of a = |x|, with the sign of x."""
    a = magnitude(x)
    squared = dd.square(a)
    beside = dd.total(exactly(1.0), dd.root(dd.total(squared, exactly(1.0))))
    return with_sign(x, log1p(dd.total(a, dd.quotient(squared, beside))))


def _acosh(x: DoubleDouble) -> DoubleDouble:
    """log1p(t + √(t(t + 2))) of t = x − 1."""
    t = dd.difference(x, exactly(1.0))
    return log1p(dd.total(t, dd.root(dd.product(t, dd.total(t, exactly(2.0))))))


def _atanh(x: DoubleDouble) -> DoubleDouble:
    """½ log1p(2a/(1 − a)) of a = |x|, with the sign of x."""
    a = magnitude(x)
    inside = dd.quotient(dd.scaled(a, 2.0), dd.difference(exactly(1.0), a))
    return with_sign(x, dd.scaled(log1p(inside), 0.5))


def _beside_one(x: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
    return dd.difference(exactly(1.0), x), dd.total(exactly(1.0), x)


def _asin(x: DoubleDouble) -> DoubleDouble:
    """atan(x/√((1 − x)(1 + x)))."""
    return atan(dd.quotient(x, dd.root(dd.product(*_beside_one(x)))))


def _acos(x: DoubleDouble) -> DoubleDouble:
    """2 atan √((1 − x)/(1 + x))."""
    return dd.scaled(atan(dd.root(dd.quotient(*_beside_one(x)))), 2.0)


@compiled
def _cube_root(x: DoubleDouble) -> DoubleDouble:
    """Of c of the same sign it is wrong by |x − c³|/c² at most; 0 of 0."""
    a = magnitude(x)
    high = a.parts[0]
    is_zero = (high == 0) & (a.parts[1] == 0) & (a.parts[2] == 0)
    guess = float64.exp(float64.log(jnp.where(high > 0, high, 1.0)) / 3)
    c = float_ball(guess)
    step = dd.quotient(dd.difference(a, dd.product(c, dd.square(c))), dd.scaled(dd.square(c), 3.0))
    c = middle_of(dd.total(c, middle_of(step)))
    squared = dd.square(c)
    error = dd.largest(dd.difference(a, dd.product(c, squared))) / dd.least(squared)
    found = with_sign(x, dd.widened(c, error + FLUSHED))
    found = unknown_unless((dd.least(a) > 0) & (dd.least(c) > 0), found)
    return DoubleDouble(*(jnp.where(is_zero, 0.0, part) for part in found.parts))


def _exp2(x: DoubleDouble) -> DoubleDouble:
    return exp(dd.product(x, constant("log 2")))


def _log2(x: DoubleDouble) -> DoubleDouble:
    return dd.quotient(log(x), constant("log 2"))


def _bell(x: DoubleDouble) -> DoubleDouble:
    """e^(−x²)."""
    return exp(dd.negative(dd.square(x)))


# -- error function --------------------------------------------------------------------------------
def _by_cell(table: Table, a: DoubleDouble, end: float) -> DoubleDouble:
    """A function by its Taylor polynomials, of middles 0 ≤ a ≤ end."""
    cells = table.rows.shape[1]
    high = jnp.clip(a.parts[0], 0.0, end)
    cell = jnp.clip(jnp.floor(high * CELLS_OF_UNIT), 0, cells - 1)
    t = dd.difference(a, float_ball((cell + 0.5) / CELLS_OF_UNIT))
    own = table.rows.each(lambda part: jnp.asarray(part)[:, cell.astype(jnp.int32)])
    value = horner(t, own)
    return dd.widened(value, dd.largest(value) * table.rest)


def _erf_of_positive(a: DoubleDouble) -> DoubleDouble:
    """a·(erf(a)/a), and 1 but for 2⁻⁵⁴ where a ≥ 6: erfc 6 is less."""
    inside = dd.product(a, _by_cell(erf_table(), a, 6.0))
    high = a.parts[0]
    nearly = dd.widened(float_ball(jnp.ones_like(high)), jnp.full_like(high, 2.0**-54))
    return where(high < 6, inside, nearly)


def _erf_of_middle(x: DoubleDouble) -> DoubleDouble:
    return with_sign(x, _erf_of_positive(magnitude(x)))


def _erfc_of_middle(x: DoubleDouble) -> DoubleDouble:
    """e^(−a²) times the scaled function of a = |x|, and 2 less that where x < 0."""
    a = magnitude(x)
    high = a.parts[0]
    scaled = _by_cell(erfc_table(), a, 20.0)
    # Beyond 20 the scaled function, which falls, is between 0 and 1/20.
    far = dd.widened(float_ball(jnp.full_like(high, 0.025)), jnp.full_like(high, 0.025))
    tail = dd.product(_bell(a), where(high < 20, scaled, far))
    return where(x.parts[0] < 0, dd.difference(exactly(2.0), tail), tail)


def _with_slope(f: Callable[[DoubleDouble], DoubleDouble]) -> _Rule:
    """The rule of a function that changes no faster than 2/√π e^(−x²), by what it is of middles.

    Within a radius r of m that is no faster than 2/√π e^(−m² + 2|m|r).
    """

    @compiled
    def apply(x: DoubleDouble) -> DoubleDouble:
        m, radius = magnitude(middle_of(x)), x.parts[2]
        turned = dd.widened(dd.square(m), 2 * dd.largest(m) * radius)
        slope = dd.largest(exp(dd.negative(turned))) * 1.1284
        return dd.widened(f(middle_of(x)), slope * radius)

    return apply


# -- order -----------------------------------------------------------------------------------------
@compiled
def _largest(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """The larger middle, and the larger radius where either may be it.

    The middles may be no further apart than their difference is known, and the other one larger.
    """
    apart = dd.difference(middle_of(x), middle_of(y))
    (_, _, r), (_, _, s), (high, _, error) = x.parts, y.parts, apart.parts
    found = where(high > 0, x, y)
    certain = dd.least(dd.widened(apart, r + s)) > 0
    either = dd.widened(DoubleDouble(*found.parts[:2], jnp.maximum(r, s)), error)
    known = jnp.isfinite(high) & jnp.isfinite(r + s)
    found = unknown_unless(known, where(certain, found, either))
    # Beside −∞, as masks have it, it is the other one.
    found = where(dd.is_infinite(x) & (x.parts[0] < 0), y, found)
    return where(dd.is_infinite(y) & (y.parts[0] < 0), x, found)


def _least(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    return dd.negative(_largest(dd.negative(x), dd.negative(y)))


def _step(f: Callable[[Any], Any]) -> _Rule:
    """A function that is constant between its jumps: where both ends have the same value."""

    def apply(x: DoubleDouble) -> DoubleDouble:
        low, high = dd.ends(x).each(f).parts
        return unknown_unless(low == high, float_ball(low))

    return apply


def _polynomial(x: DoubleDouble, *coefficients: DoubleDouble) -> DoubleDouble:
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = dd.total(dd.product(result, x), coefficient)
    return result


def powers(x: DoubleDouble, exponents: np.ndarray) -> DoubleDouble:
    """xⁿ, entry by entry."""
    several = np.unique(exponents)
    shape = np.broadcast_shapes(x.shape, exponents.shape)
    found = float_ball(jnp.full(shape, jnp.nan))
    for n in several:
        found = where(jnp.asarray(exponents == n), _power(x, int(n)), found)
    return found


def _power(x: DoubleDouble, n: int) -> DoubleDouble:
    if n < 0:
        return dd.quotient(exactly(1.0), _power(x, -n))
    result = None
    while n:
        if n & 1:
            result = x if result is None else dd.product(result, x)
        n >>= 1
        x = dd.square(x) if n else x
    return float_ball(jnp.ones(x.shape)) if result is None else result


FUNCTIONS: dict[str, _Rule] = {
    "add": dd.total,
    "add_any": dd.total,
    "sub": dd.difference,
    "mul": dd.product,
    "div": dd.quotient,
    "neg": dd.negative,
    "square": dd.square,
    "one_minus_square": lambda x: dd.difference(exactly(1.0), dd.square(x)),
    "polynomial": _polynomial,
    "abs": magnitude,
    "sign": _step(jnp.sign),
    "max": _largest,
    "min": _least,
    "clamp": lambda low, x, high: _least(_largest(low, x), high),
    "floor": _step(jnp.floor),
    "ceil": _step(jnp.ceil),
    "round_half_even": _step(jnp.round),
    "round_half_away": _step(half_away),
    "exp": exp,
    "exp2": _exp2,
    "exp_neg_sq": _bell,
    "expm1": expm1,
    "log": log,
    "log2": _log2,
    "log1p": log1p,
    "logaddexp": _logaddexp,
    "logistic": logistic,
    "sqrt": dd.root,
    "rsqrt": lambda x: dd.quotient(exactly(1.0), dd.root(x)),
    "cbrt": _cube_root,
    "pow": _pow,
    "tanh": tanh,
    "sinh": sinh,
    "cosh": cosh,
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "sin": sin,
    "cos": cos,
    "tan": lambda x: dd.quotient(sin(x), cos(x)),
    "atan": atan,
    "erf": _with_slope(_erf_of_middle),
    "erfc": _with_slope(_erfc_of_middle),
    "asin": _asin,
    "acos": _acos,
}
"""What is not here is refused, and left to the balls."""
