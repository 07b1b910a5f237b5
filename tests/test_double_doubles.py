"""Double-double balls hold the true values, which balls of Arb have, to some hundred bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from enclosed_programs import (
    ARITIES,
    LENGTH,
    NUMBERS,
    SMALLEST,
    Enclosures,
    derived,
    require_drawn_programs_held,
    require_held,
    require_program_held,
    truth,
)
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import jaxgrad
from jaxgrad import Ball
from jaxgrad.errors import ArgumentError
from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.double_double import DoubleDouble
from jaxgrad.numbers.double_double_functions import FUNCTIONS
from jaxgrad.numbers.double_doubles import DoubleDoubles
from jaxgrad.numbers.precision import precision

COUNT = 24
NUMERIC = sorted(set(FUNCTIONS) - {"sign", "floor", "ceil", "round_half_even", "round_half_away"})


@pytest.fixture(autouse=True)
def wide_floats() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _ends(found: DoubleDouble) -> Iterator[tuple[arb, arb] | None]:
    for parts in zip(*(np.asarray(part).reshape(-1) for part in found.parts), strict=True):
        high, low, radius = (arb(float(part)) for part in parts)
        assert not radius < 0
        is_known = np.isfinite(parts).all()
        yield (high + low - radius, high + low + radius) if is_known else None


ENCLOSURES = Enclosures(DoubleDoubles(), _ends, is_compiled=False)


def _usual(x: np.ndarray) -> np.ndarray:
    return np.where(abs(x) < SMALLEST, 0.0, x)


@st.composite
def _balls(draw: Any) -> tuple[DoubleDouble, list[Fraction]]:
    """Balls, of which a half are floats, a quarter sums of two, and numbers within."""
    high = _usual(draw(arrays_of.arrays(float, COUNT, elements=NUMBERS)))
    weight = draw(arrays_of.arrays(float, (3, COUNT), elements=st.floats(-1, 1)))
    bits = draw(arrays_of.arrays(float, COUNT, elements=st.floats(0, 110)))
    kind = np.arange(COUNT) % 4
    low = _usual(np.where(kind >= 2, high * 2.0**-53 * weight[0], 0.0))
    radius = _usual(np.where(kind == 3, abs(high) * 2.0**-bits, 0.0))
    rows = zip(*(each.tolist() for each in (high, low, radius, weight[1])), strict=True)
    inside = [Fraction(h) + Fraction(v) + Fraction(r) * Fraction(w) for h, v, r, w in rows]
    return DoubleDouble(*map(jnp.asarray, (high, low, radius))), inside


def _exactly(x: Fraction) -> arb:
    return arb(x.numerator) / arb(x.denominator)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@settings(max_examples=25)
@given(st.data())
def test_functions_hold_every_value(name: str, data: st.DataObject) -> None:
    drawn = [data.draw(_balls()) for _ in range(ARITIES.get(name, 1))]
    found = DoubleDoubles().function(name, *(x for x, _ in drawn))
    points = list(zip(*(inside for _, inside in drawn), strict=True))
    with precision(2500):
        true = [truth(name, *map(_exactly, xs)) for xs in points]
        # Balls have no e^x of the largest x, of which these say nothing either.
        unbounded = [ball is not UNKNOWN and not ball.is_finite() for ball in true]
        large = [max(map(abs, xs)) > 1e5 for xs in points]
        left_out = np.array(unbounded) & np.array(large)
        found = found.each(lambda part: jnp.where(left_out, jnp.nan, part))
        require_held(_ends(found), np.array(true, object))


@pytest.mark.parametrize("name", NUMERIC)
def test_functions_are_known_to_ninety_bits(name: str) -> None:
    """Where neither the domain ends nor the function is 0 for another number."""
    x = np.linspace(1.1, 3.7, 50) if name == "acosh" else np.linspace(0.03, 0.92, 50)
    arguments = [DoubleDoubles().lift(x * (1 + k)) for k in range(ARITIES.get(name, 1))]
    high, _, radius = (np.asarray(p) for p in DoubleDoubles().function(name, *arguments).parts)
    assert (radius <= abs(high) * 2.0**-90).all()


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5, 8])
@given(_balls())
def test_powers_hold_every_value(n: int, drawn: Any) -> None:
    x, inside = drawn
    with precision(2500):
        true = [_exactly(each) ** n for each in inside]
        found = DoubleDoubles().power(x, np.asarray(n))
        require_held(_ends(found), np.array(true, object))


# -- arithmetic ------------------------------------------------------------------------------------
_EXACT: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y if y else Fraction(0),
}  # fmt: skip


@pytest.mark.parametrize("name", _EXACT)
@pytest.mark.parametrize("compiled", [False, True])
@given(_balls(), _balls())
def test_arithmetic_holds_what_rationals_give(
    name: str, compiled: bool, first: Any, second: Any
) -> None:
    """Alone, and in a program of several, where products could be fused with sums."""
    (x, xs), (y, ys) = first, second
    system, exact = DoubleDoubles(), _EXACT[name]

    def program(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
        z = system.function(name, x, y)
        return system.function("sub", system.function("mul", z, y), system.function("add", z, x))

    found = jax.jit(program)(x, y) if compiled else system.function(name, x, y)
    count = 0
    for k, (a, b) in enumerate(zip(xs, ys, strict=True)):
        parts = [float(part[k]) for part in found.parts]
        if not np.isfinite(parts).all():
            continue
        z = exact(a, b)
        true = z * b - (z + a) if compiled else z
        high, low, radius = map(Fraction, parts)
        assert abs(high + low - true) <= radius
        count += 1
    assert count >= 0


_BESIDE_CONSTANTS: dict[str, Callable[[Any], Any]] = {
    "1 + x": lambda x: 1.0 + x, "x + 1": lambda x: x + 1.0, "3 - x": lambda x: 3.0 - x,
    "x - 3": lambda x: x - 3.0, "(1 + x) - 1": lambda x: (1.0 + x) - 1.0,
    "(x + 3) - x": lambda x: (x + 3.0) - x, "vector": lambda x: np.array([1.0, 2.0, 3.0]) + x,
    "vector - x": lambda x: np.array([1.0, 2.0, 3.0]) - x, "matrix": lambda x: jnp.eye(3) * x + x,
    "cumsum": lambda x: jnp.cumsum(jnp.stack([x, x + 0.1, x]), 0), "7x - 7": lambda x: 7 * x - 7,
    "logistic": jax.nn.sigmoid, "atan": jnp.arctan, "log1p": jnp.log1p, "asinh": jnp.arcsinh,
    "erfc": jax.lax.erfc, "tanh": jnp.tanh, "square": lambda x: (x + 1e-9) * (x - 1e-9) - x * x,
}  # fmt: skip


@pytest.mark.parametrize("name", _BESIDE_CONSTANTS)
@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_sums_with_constants_lose_nothing(name: str, shape: tuple[int, ...]) -> None:
    """One side of a sum may be known when it is compiled: (a + b) − a is no b."""
    function = _BESIDE_CONSTANTS[name]
    compiled = jax.jit(lambda x: jaxgrad.run_over(DoubleDoubles(), function, x))
    count = 0
    for value in (-0.535669373161111, 1e-9 / 3, 0.3616, 113.45, -(2.0**-70)):
        x = np.full(shape, value if name != "log1p" else abs(value))
        for run in (compiled, lambda x: jaxgrad.run_over(DoubleDoubles(), function, x)):
            found = run(DoubleDoubles().lift(x))
            with precision(2000):
                count += require_held(_ends(found), jaxgrad.run_over(Ball(), function, x))
    assert count >= 10


def test_sums_of_products_cancel_to_what_is_left() -> None:
    """Σ xᵢyᵢ of which all but 2⁻⁹⁰ cancels: float64 has nothing of it."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(2, 40)), np.ones((2, 40))
    y[0], y[1] = draw.normal(size=40), 0
    a = DoubleDoubles().lift(np.concatenate([x[0], -x[0], [2.0**-90]]).reshape(1, 1, -1))
    b = DoubleDoubles().lift(np.concatenate([y[0], y[0], [1.0]]).reshape(1, -1, 1))
    high, low, radius = (float(part[0, 0, 0]) for part in DoubleDoubles().contract(a, b).parts)
    assert abs(Fraction(high) + Fraction(low) - Fraction(2.0**-90)) <= Fraction(radius) < 2.0**-94


@pytest.mark.parametrize("shape", [(3, 1, 4), (3, 0, 4), (2, 5, 3), (1, 7, 1)])
@given(st.data())
def test_products_of_matrices_hold_what_rationals_give(shape: Any, data: st.DataObject) -> None:
    m, k, n = shape
    numbers = st.floats(-4, 4).map(lambda x: x * 2.0**-3)
    a = _usual(data.draw(arrays_of.arrays(float, (2, m, k), elements=numbers)))
    b = _usual(data.draw(arrays_of.arrays(float, (2, k, n), elements=numbers)))
    found = DoubleDoubles().contract(DoubleDoubles().lift(a), DoubleDoubles().lift(b))
    assert found.shape == (2, m, n)
    for i, j, o in np.ndindex(2, m, n):
        true = sum((Fraction(x) * Fraction(y) for x, y in zip(a[i, j], b[i, :, o], strict=True)),
                   Fraction(0))  # fmt: skip
        high, low, radius = (Fraction(float(part[i, j, o])) for part in found.parts)
        assert abs(high + low - true) <= radius <= 2.0**-90


@pytest.mark.parametrize(
    "rule, change",
    [
        ("_middles_product", lambda made: (made[0], made[1], made[2] * 0)),
        ("_sum", lambda made: (made[0], made[1] * (1 + 2.0**-30))),
        ("_rounded", lambda made: made * (1 + 2.0**-40)),
    ],
)
def test_a_loss_that_is_not_counted_is_found(
    rule: str, change: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = getattr(dd, rule)
    monkeypatch.setattr(dd, rule, lambda *xs: change(exact(*xs)))
    draw = np.random.default_rng(0)
    x, y = (DoubleDouble(*map(jnp.asarray, (h, h * 2.0**-54 * draw.random(200), 0 * h)))
            for h in draw.normal(size=(2, 200)))  # fmt: skip
    made = dd.product.__wrapped__(x, y)
    rows = zip(*(np.asarray(part).tolist() for part in (*x.parts[:2], *y.parts[:2])), strict=True)
    true = [(Fraction(a) + Fraction(b)) * (Fraction(c) + Fraction(d)) for a, b, c, d in rows]
    with precision(300), pytest.raises(AssertionError):
        require_held(_ends(made), np.array([_exactly(each) for each in true], object))


def test_masks_of_infinities_are_left_out() -> None:
    x = np.array([0.3, -1.2, 2.0, 0.7])
    mask = np.array([True, False, True, True])

    def masked(x: jax.Array) -> jax.Array:
        return jax.nn.softmax(jnp.where(mask, x, -jnp.inf))

    programs = [jax.nn.softmax, masked, jax.nn.logsumexp, lambda x: jnp.min(x, initial=jnp.inf)]
    for program in programs:
        found = jaxgrad.run_over(DoubleDoubles(), program, DoubleDoubles().lift(x))
        with precision(300):
            true = jaxgrad.run_over(Ball(), program, x)
        assert require_held(_ends(found), true) == np.asarray(true).size
        high, _, radius = map(np.asarray, found.parts)
        # Since jax 0.12 a softmax is of a maximum with −∞, which is known to fewer bits.
        bits = 90 if jax.__version_info__ < (0, 12) else 50
        assert (radius <= abs(high) * 2.0**-bits + 2.0**-1000).all()
    whole = jaxgrad.run_over(DoubleDoubles(), lambda x: x * 1e308 * 10 - jnp.inf, np.array(2.0))
    assert not np.isfinite(np.asarray(whole.parts[0]))  # what overflows is unknown


# -- exact numbers ---------------------------------------------------------------------------------
@given(st.one_of(st.fractions(), st.integers(-(2**200), 2**200), NUMBERS))
def test_what_is_lifted_is_held(value: Any) -> None:
    kind = float if isinstance(value, float) else object
    high, low, radius = (
        Fraction(float(part)) for part in DoubleDoubles().lift(np.array(value, kind)).parts
    )
    assert abs(high + low - Fraction(value)) <= radius <= abs(high) * 2.0**-104 + 2.0**-1020


def test_what_is_beyond_floats_is_not_taken_for_what_is_not() -> None:
    near_nothing, huge = Fraction(1, 10**400), Fraction(10) ** 400
    x = np.array([near_nothing, 1 + near_nothing, huge], object)
    over = lambda f: jaxgrad.run_over(DoubleDoubles(), f, x)  # noqa: E731
    with precision(3000):
        for f in (lambda x: x, jnp.sqrt, lambda x: x * 2.0):
            true = [jaxgrad.run_over(Ball(), f, _exactly(each)) for each in x]
            assert require_held(_ends(over(f)), true) <= 2
        assert require_held(_ends(over(lambda x: x)), [_exactly(each) for each in x]) == 2
    positive, one = over(lambda x: x > 0), over(lambda x: x == 1)
    assert bool(positive.parts[1][0]) and bool(one.parts[0][1])  # may be true, may be false


def test_extremes_of_nothing_are_those_of_jax() -> None:
    empty = DoubleDoubles().lift(np.zeros((2, 0)))
    known = [np.asarray(DoubleDoubles().reduce(name, empty).parts[0]).tolist()
             for name in ("sum", "prod", "max", "min")]  # fmt: skip
    assert known == [[0, 0], [1, 1], [-math.inf, -math.inf], [math.inf, math.inf]]


def test_double_doubles_need_wide_floats() -> None:
    with jax.enable_x64(False), pytest.raises(ArgumentError, match=r"double-double numbers are"):
        jaxgrad.run_over(DoubleDoubles(), jnp.sin, 1.0)


# -- truth -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("relation", ["lt", "le", "gt", "ge", "eq", "ne"])
@given(_balls(), _balls())
def test_what_is_compared_is_as_it_is_of_numbers_within(
    relation: str, first: Any, second: Any
) -> None:
    (x, xs), (y, ys) = first, second
    holds = {
        "lt": Fraction.__lt__, "le": Fraction.__le__, "gt": Fraction.__gt__,
        "ge": Fraction.__ge__, "eq": Fraction.__eq__, "ne": lambda a, b: a != b,
    }[relation]  # fmt: skip
    system = DoubleDoubles()
    truths = system.compare(relation, x, y)
    chosen = system.select(truths, x, y)
    for k, (a, b) in enumerate(zip(xs, ys, strict=True)):
        may_be_false, may_be_true = (bool(part[k]) for part in truths.parts)
        assert may_be_true if holds(a, b) else may_be_false
        parts = [float(part[k]) for part in chosen.parts]
        if np.isfinite(parts).all():
            high, low, radius = map(Fraction, parts)
            assert abs(high + low - (b if holds(a, b) else a)) <= radius


def test_what_differs_in_the_hundredth_bit_is_told_apart() -> None:
    one = DoubleDoubles().lift(np.array(1.0))
    more = DoubleDouble(*map(jnp.asarray, (1.0, 2.0**-100, 0.0)))
    may_be_false, may_be_true = DoubleDoubles().compare("lt", one, more).parts
    assert may_be_true and not may_be_false
    assert [bool(x) for x in DoubleDoubles().compare("eq", more, more).parts] == [False, True]


# -- programs --------------------------------------------------------------------------------------
def test_ten_thousand_values_of_programs_and_gradients_are_held() -> None:
    looked_at, known = require_drawn_programs_held(ENCLOSURES, examples=60, points=32)
    assert looked_at >= 10_000 and known >= 5_000


def test_functions_of_a_network_are_known_further_than_float64_goes() -> None:
    def deep(x: jax.Array, y: jax.Array) -> jax.Array:
        for _ in range(6):
            x = jnp.sin(jax.nn.sigmoid(x) * jnp.exp(-x) + y) - 0.3
        return x

    draw = np.random.default_rng(0)
    xs, ys = draw.normal(size=(2, 8, LENGTH))
    assert require_program_held(ENCLOSURES, derived(deep), xs, ys) == (48, 48)
    found = jaxgrad.run_over(DoubleDoubles(), derived(deep), xs[0], ys[0])
    high, _, radius = map(np.asarray, found.parts)
    assert (radius < abs(high) * 2.0**-70).all() and math.isfinite(high.sum())
