"""Functions of balls about double-double middles, by the names of JAX's primitives.

Nothing here counts roundings: series are summed in balls, which do that, up to a remainder that is
bounded; and where a guess in float64 is made better, the ball of what it leaves says by how much.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, ctx

from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers import float64_functions as float64
from jaxgrad.numbers.double_double import FLUSHED, DoubleDouble, constants, exactly
from jaxgrad.numbers.double_double_tables import CELLS_OF_UNIT, Table, erf_table, erfc_table
from jaxgrad.numbers.interval_functions import half_away

__all__ = ["FUNCTIONS", "powers"]

_Rule = Callable[..., DoubleDouble]


@functools.cache
def _constant(name: str) -> DoubleDouble:
    number = {
        "log 2": lambda: arb(2).log(),
        "pi/2": lambda: arb.pi() / 2,
        "third": lambda: arb(1) / 3,
        "fifth": lambda: arb(1) / 5,
    }[name]
    return constants(lambda: [number()])[0]


def _horner(x: DoubleDouble, coefficients: DoubleDouble) -> DoubleDouble:
    """Σ cₖxᵏ, of balls whose first axis is k: a loop, so that it is compiled as one term."""

    def step(result: DoubleDouble, own: DoubleDouble) -> tuple[DoubleDouble, None]:
        return dd.total(dd.product(result, x), own), None

    start = coefficients[-1].each(lambda part: jnp.broadcast_to(part, x.shape))
    rest = coefficients.each(lambda part: jnp.asarray(part)[-2::-1])
    return jax.lax.scan(step, start, rest)[0]


def _where(holds: Any, x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    return DoubleDouble(*(jnp.where(holds, *pair) for pair in zip(x.parts, y.parts, strict=True)))


def _unknown_unless(holds: Any, x: DoubleDouble) -> DoubleDouble:
    high, low, radius = x.parts
    return DoubleDouble(high, low, jnp.where(holds, radius, jnp.nan))


def _middle(x: DoubleDouble) -> DoubleDouble:
    return DoubleDouble(x.parts[0], x.parts[1], jnp.zeros_like(x.parts[0]))


def _float(x: Any) -> DoubleDouble:
    zero = jnp.zeros_like(x)
    return DoubleDouble(x, zero, zero)


# -- exponentials ----------------------------------------------------------------------------------
_STEPS = 64  # the table has 2^(j/64)
_EXP_TERMS = 11


@functools.cache
def _exp_series() -> DoubleDouble:
    """1/(k + 1)!, of e^r − 1 = r(1 + r/2 + …)."""
    return constants(lambda: [arb(1) / math.factorial(k + 1) for k in range(_EXP_TERMS)])


@functools.cache
def _roots_of_two() -> DoubleDouble:
    return constants(lambda: [arb(2) ** (arb(j) / _STEPS) for j in range(_STEPS)])


def _power_of_two(k: Any) -> Any:
    return jax.lax.bitcast_convert_type((k.astype(jnp.int64) + 1023) << 52, jnp.float64)


def _reduced(x: DoubleDouble) -> tuple[DoubleDouble, Any]:
    """e^r − 1 and n, of x = n log 2/64 + r, |r| ≤ 0.0055; x is a middle, |x| ≤ 710.

    What 11 terms leave out is |r|¹²/12!·(1 + …), less than 2⁻⁹⁰|r|.
    """
    n = jnp.round(x.parts[0] * (_STEPS / math.log(2)))
    step = dd.scaled(_constant("log 2"), 1 / _STEPS)
    r = dd.difference(x, dd.product(_float(n), step))
    series = dd.product(r, _horner(r, _exp_series()))
    left = dd.largest(r) ** (_EXP_TERMS + 1) * (2.0 / math.factorial(_EXP_TERMS + 1))
    return dd.widened(series, left + FLUSHED), n


def _exponentials(x: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
    """e^x and e^x − 1.  Of a radius r each is further from the middle's by e^x(e^r − 1) at most."""
    high, low, radius = x.parts
    tame = jnp.clip(high, -745.0, 709.0)
    middle = DoubleDouble(tame, jnp.where(tame == high, low, 0.0), jnp.zeros_like(high))
    series, n = _reduced(middle)
    k = jnp.floor(n / _STEPS)
    j = (n - k * _STEPS).astype(jnp.int32)
    table = _roots_of_two().each(lambda part: jnp.asarray(part)[j])
    value = dd.total(table, dd.product(table, series))
    half = jnp.floor(k * 0.5)
    value = dd.scaled(dd.scaled(value, _power_of_two(half)), _power_of_two(k - half))
    less = _where(n == 0, series, dd.difference(value, exactly(1.0)))
    more = dd.largest(value) * (radius + radius * radius)  # e^r − 1 < r + r² of r ≤ 1
    known = (radius <= 1) & (high <= 709)
    tiny = (high < -744) & (radius <= 1)
    value = _where(tiny, _float(0.0 * tame), dd.widened(value, more))
    less = _where(tiny, _float(-1.0 + 0.0 * tame), dd.widened(less, more))
    value, less = (dd.widened(each, jnp.where(tiny, FLUSHED, 0.0)) for each in (value, less))
    return _unknown_unless(known, value), _unknown_unless(known, less)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Traced once for each shape, wherever it is called."""
    return functools.wraps(function)(jax.jit(function))


@_compiled
def _exp(x: DoubleDouble) -> DoubleDouble:
    return _exponentials(x)[0]


@_compiled
def _expm1(x: DoubleDouble) -> DoubleDouble:
    return _exponentials(x)[1]


def _magnitude(x: DoubleDouble) -> DoubleDouble:
    """|x|: of the middle, as no two magnitudes are further apart than the numbers."""
    high, low, radius = x.parts
    sign = jnp.where(high < 0, -1.0, 1.0)
    return DoubleDouble(high * sign, low * sign, radius)


def _with_sign(x: DoubleDouble, of_magnitude: DoubleDouble) -> DoubleDouble:
    """An odd function by what it is of the magnitude."""
    high, low, radius = of_magnitude.parts
    sign = jnp.where(x.parts[0] < 0, -1.0, 1.0)
    return DoubleDouble(high * sign, low * sign, radius)


@_compiled
def _logistic(x: DoubleDouble) -> DoubleDouble:
    """1/(1 + e^−x), of e^−|x|, so that nothing overflows."""
    e = _exponentials(dd.negative(_magnitude(x)))[0]
    return dd.quotient(_where(x.parts[0] >= 0, _float(jnp.ones_like(x.parts[0])), e),
                       dd.total(exactly(1.0), e))  # fmt: skip


def _tanh_of_positive(x: DoubleDouble) -> DoubleDouble:
    """−t/(t + 2) of t = e^(−2x) − 1."""
    t = _expm1(dd.scaled(x, -2.0))
    return dd.negative(dd.quotient(t, dd.total(t, exactly(2.0))))


@_compiled
def _sinh(x: DoubleDouble) -> DoubleDouble:
    """(t + t/e^x)/2 of t = e^x − 1."""
    e, t = _exponentials(_magnitude(x))
    return _with_sign(x, dd.scaled(dd.total(t, dd.quotient(t, e)), 0.5))


@_compiled
def _cosh(x: DoubleDouble) -> DoubleDouble:
    e = _exponentials(_magnitude(x))[0]
    return dd.scaled(dd.total(e, dd.quotient(exactly(1.0), e)), 0.5)


# -- logarithms ------------------------------------------------------------------------------------
def _log_beside(guess: Any, u: DoubleDouble) -> DoubleDouble:
    """guess + log(1 + u), of |u| ≤ ¼: after u − u²/2 + u³/3 there is less than u⁴ left."""
    squared = dd.square(u)
    series = dd.difference(u, dd.scaled(squared, 0.5))
    series = dd.total(series, dd.product(dd.product(u, squared), _constant("third")))
    size = dd.largest(u)
    found = dd.widened(dd.total(_float(guess), series), size**4 + FLUSHED)
    return _unknown_unless(size <= 0.25, found)


@_compiled
def _log1p(x: DoubleDouble) -> DoubleDouble:
    """y + log((1 + m)e^−y) of a guess y; of m = x, and by the derivative's bound around it."""
    middle, radius = _middle(x), x.parts[2]
    whole = dd.total(exactly(1.0), middle)
    y = float64.log1p(middle.parts[0])
    y = jnp.where(jnp.isfinite(y), y, 0.0)
    e, t = _exponentials(dd.negative(_float(y)))
    # (1 + m)(1 + t) − 1 = m + t + mt loses nothing near 0, and (1 + m)e − 1 where m is large.
    near = dd.total(middle, dd.product(whole, t))
    far = dd.difference(dd.product(whole, e), exactly(1.0))
    found = _log_beside(y, _where(abs(middle.parts[0]) < 0.5, near, far))
    return _around(found, dd.least(whole), radius)


def _around(found: DoubleDouble, argument: Any, radius: Any) -> DoubleDouble:
    """A logarithm of what is beside a middle: |log(m + d) − log m| ≤ r/(m − r)."""
    room = argument * (1 - 2.0**-50) - radius
    more = radius / jnp.where(room > 0, room, 1.0)
    return _unknown_unless(room > 0, dd.widened(found, more + jnp.where(radius > 0, FLUSHED, 0.0)))


@_compiled
def _log(x: DoubleDouble) -> DoubleDouble:
    middle, radius = _middle(x), x.parts[2]
    high = middle.parts[0]
    usual = jnp.where(high > 0, high, 1.0)
    near = (usual > 0.5) & (usual < 2)
    less = dd.difference(middle, exactly(1.0))
    y = jnp.where(near, float64.log1p(usual - 1), float64.log(usual))
    e, t = _exponentials(dd.negative(_float(y)))
    u = _where(
        near,
        dd.total(less, dd.product(middle, t)),
        dd.difference(dd.product(middle, e), exactly(1.0)),
    )
    return _around(_unknown_unless(high > 0, _log_beside(y, u)), dd.least(middle), radius)


@_compiled
def _logaddexp(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """max + log(1 + e^−|x − y|)."""
    distance = _magnitude(dd.difference(x, y))
    return dd.total(_largest(x, y), _log1p(_exp(dd.negative(distance))))


@_compiled
def _pow(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """e^(y log x)."""
    return _exp(dd.product(y, _log(x)))


# -- circular functions ----------------------------------------------------------------------------
_FARTHEST = 2.0**19
_TERMS = 14  # of |r| ≤ 0.79 what they leave out is less than r²⁸/28! < 2⁻¹⁰⁷, and of sin r times r


@functools.cache
def _circular_series() -> DoubleDouble:
    """Of sin r/r and cos r, in r²; the axes are k and which of them."""

    def both() -> list[arb]:
        return [
            arb((-1) ** k) / math.factorial(2 * k + odd) for k in range(_TERMS) for odd in (1, 0)
        ]

    return constants(both).reshape(_TERMS, 2)


@functools.cache
def _quarter_parts() -> list[float]:
    """π/2 in parts of 33 bits, of which a whole multiple is exact up to 2²⁰, and what is left."""
    before, ctx.prec = ctx.prec, 300
    try:
        rest, parts = arb.pi() / 2, []
        for _ in range(3):
            head, rest = float64.split(rest, 33)
            parts.append(head)
        return parts
    finally:
        ctx.prec = before


@functools.cache
def _quarter_rest() -> DoubleDouble:
    def rest() -> list[arb]:
        left = arb.pi() / 2
        for part in _quarter_parts():
            left = left - arb(part)
        return [left]

    return constants(rest)[0]


def _turned(x: DoubleDouble, quarters: int) -> DoubleDouble:
    """sin(x + quarters π/2), which changes no faster than x."""
    high, _, radius = x.parts
    tame = jnp.where(abs(high) <= _FARTHEST, high, 0.0)
    k = jnp.round(tame * (2 / math.pi))
    r = _middle(x)
    for part in _quarter_parts():
        r = dd.difference(r, _float(k * part))
    r = dd.difference(r, dd.product(_float(k), _quarter_rest()))
    turn = k.astype(jnp.int64) + quarters
    is_cosine = (turn & 1 == 1).astype(jnp.int32)
    own = _circular_series().each(lambda part: jnp.asarray(part)[:, is_cosine])
    value = _horner(dd.square(r), own)
    size = dd.largest(r)
    left = size ** (2 * _TERMS) * (2.0 / math.factorial(2 * _TERMS))
    value = dd.widened(value, left + FLUSHED)
    value = _where(is_cosine == 1, value, dd.product(value, r))
    value = _where(turn & 2 == 0, value, dd.negative(value))
    known = (abs(high) <= _FARTHEST) & (size <= 1)
    return _unknown_unless(known, dd.widened(value, radius))


@_compiled
def _sin(x: DoubleDouble) -> DoubleDouble:
    return _turned(x, 0)


@_compiled
def _cos(x: DoubleDouble) -> DoubleDouble:
    return _turned(x, 1)


def _atan_of_positive(x: DoubleDouble) -> DoubleDouble:
    """Of a guess y, y + atan w of w = (x − tan y)/(1 + x tan y); beyond 1 it is π/2 − atan 1/x."""
    far = x.parts[0] > 1
    usual = _where(far, dd.quotient(exactly(1.0), x), x)
    y = float64.atan(usual.parts[0])
    tangent = dd.quotient(_sin(_float(y)), _cos(_float(y)))
    w = dd.quotient(
        dd.difference(usual, tangent), dd.total(exactly(1.0), dd.product(usual, tangent))
    )
    squared, size = dd.square(w), dd.largest(w)
    cubed = dd.product(dd.product(w, squared), _constant("third"))
    found = dd.total(_float(y), dd.difference(w, cubed))
    found = _unknown_unless(size <= 0.25, dd.widened(found, size**5 + FLUSHED))
    return _where(far, dd.difference(_constant("pi/2"), found), found)


@_compiled
def _atan(x: DoubleDouble) -> DoubleDouble:
    """Of what is beside a middle by the derivative's bound 1/(1 + x²)."""
    found = _with_sign(x, _atan_of_positive(_magnitude(_middle(x))))
    return dd.widened(found, x.parts[2] / (1 + dd.least(x) ** 2))


@_compiled
def _tanh(x: DoubleDouble) -> DoubleDouble:
    """tanh changes no faster than x."""
    return dd.widened(_with_sign(x, _tanh_of_positive(_magnitude(_middle(x)))), x.parts[2])


# -- made of others --------------------------------------------------------------------------------
def _asinh(x: DoubleDouble) -> DoubleDouble:
    """log(x + √(x² + 1)) as log1p(a + a²/(1 + √(a² + 1))) of a = |x|, with the sign of x."""
    a = _magnitude(x)
    squared = dd.square(a)
    beside = dd.total(exactly(1.0), dd.root(dd.total(squared, exactly(1.0))))
    return _with_sign(x, _log1p(dd.total(a, dd.quotient(squared, beside))))


def _acosh(x: DoubleDouble) -> DoubleDouble:
    """log1p(t + √(t(t + 2))) of t = x − 1."""
    t = dd.difference(x, exactly(1.0))
    return _log1p(dd.total(t, dd.root(dd.product(t, dd.total(t, exactly(2.0))))))


def _atanh(x: DoubleDouble) -> DoubleDouble:
    """½ log1p(2a/(1 − a)) of a = |x|, with the sign of x."""
    a = _magnitude(x)
    inside = dd.quotient(dd.scaled(a, 2.0), dd.difference(exactly(1.0), a))
    return _with_sign(x, dd.scaled(_log1p(inside), 0.5))


def _beside_one(x: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
    return dd.difference(exactly(1.0), x), dd.total(exactly(1.0), x)


def _asin(x: DoubleDouble) -> DoubleDouble:
    """atan(x/√((1 − x)(1 + x)))."""
    return _atan(dd.quotient(x, dd.root(dd.product(*_beside_one(x)))))


def _acos(x: DoubleDouble) -> DoubleDouble:
    """2 atan √((1 − x)/(1 + x))."""
    return dd.scaled(_atan(dd.root(dd.quotient(*_beside_one(x)))), 2.0)


@_compiled
def _cube_root(x: DoubleDouble) -> DoubleDouble:
    """Of c of the same sign it is wrong by |x − c³|/c² at most; 0 of 0."""
    a = _magnitude(x)
    high = a.parts[0]
    is_zero = (high == 0) & (a.parts[1] == 0) & (a.parts[2] == 0)
    guess = float64.exp(float64.log(jnp.where(high > 0, high, 1.0)) / 3)
    c = _float(guess)
    step = dd.quotient(dd.difference(a, dd.product(c, dd.square(c))), dd.scaled(dd.square(c), 3.0))
    c = _middle(dd.total(c, _middle(step)))
    squared = dd.square(c)
    error = dd.largest(dd.difference(a, dd.product(c, squared))) / dd.least(squared)
    found = _with_sign(x, dd.widened(c, error + FLUSHED))
    found = _unknown_unless((dd.least(a) > 0) & (dd.least(c) > 0), found)
    return DoubleDouble(*(jnp.where(is_zero, 0.0, part) for part in found.parts))


def _exp2(x: DoubleDouble) -> DoubleDouble:
    return _exp(dd.product(x, _constant("log 2")))


def _log2(x: DoubleDouble) -> DoubleDouble:
    return dd.quotient(_log(x), _constant("log 2"))


def _bell(x: DoubleDouble) -> DoubleDouble:
    """e^(−x²)."""
    return _exp(dd.negative(dd.square(x)))


# -- error function --------------------------------------------------------------------------------
def _by_cell(table: Table, a: DoubleDouble, end: float) -> DoubleDouble:
    """A function by its Taylor polynomials, of middles 0 ≤ a ≤ end."""
    cells = table.rows.shape[1]
    high = jnp.clip(a.parts[0], 0.0, end)
    cell = jnp.clip(jnp.floor(high * CELLS_OF_UNIT), 0, cells - 1)
    t = dd.difference(a, _float((cell + 0.5) / CELLS_OF_UNIT))
    own = table.rows.each(lambda part: jnp.asarray(part)[:, cell.astype(jnp.int32)])
    value = _horner(t, own)
    return dd.widened(value, dd.largest(value) * table.rest)


def _erf_of_positive(a: DoubleDouble) -> DoubleDouble:
    """a·(erf(a)/a), and 1 but for 2⁻⁵⁴ where a ≥ 6: erfc 6 is less."""
    inside = dd.product(a, _by_cell(erf_table(), a, 6.0))
    high = a.parts[0]
    nearly = dd.widened(_float(jnp.ones_like(high)), jnp.full_like(high, 2.0**-54))
    return _where(high < 6, inside, nearly)


def _erf_of_middle(x: DoubleDouble) -> DoubleDouble:
    return _with_sign(x, _erf_of_positive(_magnitude(x)))


def _erfc_of_middle(x: DoubleDouble) -> DoubleDouble:
    """e^(−a²) times the scaled function of a = |x|, and 2 less that where x < 0."""
    a = _magnitude(x)
    high = a.parts[0]
    scaled = _by_cell(erfc_table(), a, 20.0)
    # Beyond 20 the scaled function, which falls, is between 0 and 1/20.
    far = dd.widened(_float(jnp.full_like(high, 0.025)), jnp.full_like(high, 0.025))
    tail = dd.product(_bell(a), _where(high < 20, scaled, far))
    return _where(x.parts[0] < 0, dd.difference(exactly(2.0), tail), tail)


def _with_slope(f: Callable[[DoubleDouble], DoubleDouble]) -> _Rule:
    """The rule of a function that changes no faster than 2/√π e^(−x²), by what it is of middles.

    Within a radius r of m that is no faster than 2/√π e^(−m² + 2|m|r).
    """

    @_compiled
    def apply(x: DoubleDouble) -> DoubleDouble:
        m, radius = _magnitude(_middle(x)), x.parts[2]
        turned = dd.widened(dd.square(m), 2 * dd.largest(m) * radius)
        slope = dd.largest(_exp(dd.negative(turned))) * 1.1284
        return dd.widened(f(_middle(x)), slope * radius)

    return apply


# -- order -----------------------------------------------------------------------------------------
@_compiled
def _largest(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """The larger middle, and the larger radius where either may be it.

    The middles may be no further apart than their difference is known, and the other one larger.
    """
    apart = dd.difference(_middle(x), _middle(y))
    (_, _, r), (_, _, s), (high, _, error) = x.parts, y.parts, apart.parts
    found = _where(high > 0, x, y)
    certain = dd.least(dd.widened(apart, r + s)) > 0
    either = dd.widened(DoubleDouble(*found.parts[:2], jnp.maximum(r, s)), error)
    known = jnp.isfinite(high) & jnp.isfinite(r + s)
    return _unknown_unless(known, _where(certain, found, either))


def _least(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    return dd.negative(_largest(dd.negative(x), dd.negative(y)))


def _step(f: Callable[[Any], Any]) -> _Rule:
    """A function that is constant between its jumps: where both ends have the same value."""

    def apply(x: DoubleDouble) -> DoubleDouble:
        low, high = dd.ends(x).each(f).parts
        return _unknown_unless(low == high, _float(low))

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
    found = _float(jnp.full(shape, jnp.nan))
    for n in several:
        found = _where(jnp.asarray(exponents == n), _power(x, int(n)), found)
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
    return _float(jnp.ones(x.shape)) if result is None else result


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
    "abs": _magnitude,
    "sign": _step(jnp.sign),
    "max": _largest,
    "min": _least,
    "clamp": lambda low, x, high: _least(_largest(low, x), high),
    "floor": _step(jnp.floor),
    "ceil": _step(jnp.ceil),
    "round_half_even": _step(jnp.round),
    "round_half_away": _step(half_away),
    "exp": _exp,
    "exp2": _exp2,
    "exp_neg_sq": _bell,
    "expm1": _expm1,
    "log": _log,
    "log2": _log2,
    "log1p": _log1p,
    "logaddexp": _logaddexp,
    "logistic": _logistic,
    "sqrt": dd.root,
    "rsqrt": lambda x: dd.quotient(exactly(1.0), dd.root(x)),
    "cbrt": _cube_root,
    "pow": _pow,
    "tanh": _tanh,
    "sinh": _sinh,
    "cosh": _cosh,
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "sin": _sin,
    "cos": _cos,
    "tan": lambda x: dd.quotient(_sin(x), _cos(x)),
    "atan": _atan,
    "erf": _with_slope(_erf_of_middle),
    "erfc": _with_slope(_erfc_of_middle),
    "asin": _asin,
    "acos": _acos,
}
"""What is not here is refused, and left to the balls."""
