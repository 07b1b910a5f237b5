"""∞ and −∞ as constants of a program: what is left out of a sum of probabilities, in logarithms."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from jax import Array

from jaxgrad import Ball, Verdict, check
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.jet import Jet
from jaxgrad.numbers.no_number import is_infinity

NEVER = -math.inf

numbers = st.sampled_from([math.inf, -math.inf, 0.0, 1.5, -2.0, 1e30])
SYSTEMS = [Ball(), Germ(), Jet(1)]
OPERATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "+": lambda s, x, y: x + y,
    "−": lambda s, x, y: s.difference(x, y),
    "·": lambda s, x, y: x * y,
    "/": lambda s, x, y: s.divide(x, y),
    "max": lambda s, x, y: s.maximum(x, y),
    "min": lambda s, x, y: s.minimum(x, y),
}
FLOATS = {
    "+": operator.add, "−": operator.sub, "·": operator.mul, "/": operator.truediv,
    "max": np.maximum, "min": np.minimum,
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
@pytest.mark.parametrize("name", OPERATIONS)
@given(numbers, numbers)
def test_what_is_known_of_a_result_is_so_of_floats(system: Any, name: str, x: Any, y: Any) -> None:
    found = OPERATIONS[name](system, system.constant(x), system.constant(y))
    with np.errstate(all="ignore"):
        theirs = FLOATS[name](np.float64(x), np.float64(y))
    finite = system.is_finite(found)
    if finite is not None and y != 0:  # of which reals have no sign
        assert finite == bool(np.isfinite(theirs))
    if isinstance(system, Germ) and not (name == "/" and y == 0):
        assert finite is not None


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
@pytest.mark.parametrize("x", [math.inf, -math.inf])
def test_a_difference_of_infinities_is_nan(system: Any, x: float) -> None:
    ours = system.constant(x)
    nan = system.difference(ours, system.constant(x))
    assert system.compare("ne", nan, nan) is True
    assert system.compare("eq", nan, nan) is False
    nan = system.divide(ours, system.constant(-x))
    assert system.compare("ne", nan, nan) is True
    assert system.is_finite(system.difference(ours, system.constant(-x))) is False


@pytest.mark.parametrize("system", [Ball(), Germ()], ids=lambda system: system.name)
@given(numbers, numbers)
def test_either_of_two_is_no_nan(system: Any, x: float, y: float) -> None:
    found = system.select(None, system.constant(x), system.constant(y))
    assert system.is_finite(found) in (None, math.isfinite(x))
    assert system.is_finite(found) in (None, math.isfinite(y))
    assert system.compare("ne", found, found) in (None, False)
    if x == y:
        assert system.compare("eq", found, system.constant(x)) is True


@given(st.sampled_from([math.inf, -math.inf]), numbers, st.floats(-5, 5), st.floats(0, 1))
def test_an_infinity_is_one_whatever_its_radius(x: float, y: float, c: float, r: float) -> None:
    """Arb gives ∞ + (c ± r) a radius."""
    ball, infinity = Ball(), arb(x) + arb(c, r)
    assert is_infinity(infinity) and ball.is_finite(infinity) is False
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        known = ball.compare(name, infinity, ball.constant(y))
        assert known is getattr(operator, name)(x, y)
        assert ball.compare(name, ball.constant(y), infinity) is getattr(operator, name)(y, x)
    assert ball.exp(infinity).is_zero() == (x < 0)


# -- sums of probabilities ------------------------------------------------------------------------
START = np.float32([0, NEVER, NEVER])
STEPS = np.float32([[0.5, NEVER, 0.1], [0.2, 0.3, NEVER], [0.1, 0.4, 0.7]])
EMISSIONS = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


def _forward(emissions: Array) -> Array:
    """log Σ over paths of a chain that cannot take every step."""
    a: Any = START
    for emission in emissions:
        a = jax.nn.logsumexp(a[:, None] + STEPS, axis=0) + emission
    return jax.nn.logsumexp(a)


def _posterior(emissions: Array) -> Array:
    """∂/∂emission: how probable each state is, by two recursions."""
    ahead: list[Array] = []
    a: Any = START
    for emission in emissions:
        a = jax.nn.logsumexp(a[:, None] + STEPS, axis=0) + emission
        ahead.append(a)
    back, b = [], jnp.zeros(3)
    for emission in emissions[::-1]:
        back.append(b)
        b = jax.nn.logsumexp(STEPS + (b + emission), axis=1)
    return jnp.exp(jnp.stack(ahead) + jnp.stack(back[::-1]) - jax.nn.logsumexp(a))


def _chain(bent: Callable[[Array], Array]) -> Callable[[Array], Array]:
    rule = jax.custom_vjp(_forward)
    rule.defvjp(lambda e: (_forward(e), e), lambda e, g: (g * bent(_posterior(e)),))
    return rule


def _alignments(bent: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Of one label in three frames, which may stay or move on: sums by ``logaddexp``."""

    def shifted(a: Array, k: int) -> Array:
        return jnp.concatenate([jnp.full(k, NEVER), a[:-k]])

    def total(frames: Array) -> Array:
        a = jnp.array([0.0, NEVER, NEVER])
        for frame in frames:
            a = jnp.logaddexp(jnp.logaddexp(a, shifted(a, 1)), shifted(a, 2)) + frame
        return jnp.logaddexp(a[-1], a[-2])

    rule = jax.custom_vjp(total)
    rule.defvjp(lambda e: (total(e), e), lambda e, g: (g * bent(jax.grad(total)(e)),))
    return rule


@pytest.mark.parametrize(("program", "values"), [(_chain, EMISSIONS), (_alignments, EMISSIONS[1:])])
def test_paths_that_cannot_be_taken(program: Any, values: Any) -> None:
    assert check(program(lambda p: p), (values,), budget=1).verdict.passes
    for wrong in (lambda p: 1.001 * p, lambda p: jnp.roll(p, 1, axis=0)):
        found = check(program(wrong), (values,), budget=1, special_points=False)
        assert found.verdict is Verdict.REFUTED


def test_a_sum_of_nothing_is_nothing() -> None:
    def total(factor: float) -> Callable[[Array], Array]:
        @jax.custom_jvp
        def rule(x: Array) -> Array:
            return jnp.logaddexp(2 * x, jnp.logaddexp(NEVER, NEVER))

        rule.defjvp(lambda p, t: (rule(*p), factor * t[0]))
        return rule

    assert check(total(2), (np.float32(0.3),)).verdict.passes
    assert check(total(2.001), (np.float32(0.3),)).verdict is Verdict.REFUTED


def test_nan_where_a_sum_of_nothing_moves_is_found() -> None:
    """The rule of ``logaddexp`` has e^(−∞ + ∞) there."""

    def total(x: Array) -> Array:
        return jnp.logaddexp(jnp.logaddexp(NEVER + x, NEVER), x)

    assert np.isnan(jax.jvp(total, (0.3,), (1.0,))[1])
    assert check(total, (np.float32(0.3),)).verdict is Verdict.REFUTED


# -- steps far out -------------------------------------------------------------------------------
STEPS_OF_REALS = {
    "floor": math.floor, "ceil": math.ceil, "round_half_even": round,
    "round_half_away": lambda x: math.copysign(math.floor(abs(x) + 0.5), x),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS_OF_REALS)
@given(st.sampled_from([-4.0, -1.0, 1.5, 3.0]), st.floats(-5, 5), st.booleans())
def test_a_step_of_what_grows_is_off_by_no_more_than_one(
    name: str, leading: float, constant: float, slowly: bool
) -> None:
    germ, small = Germ(), 1e-9
    epsilon = germ.line(0, 1)
    scale = germ.log(epsilon) if slowly else germ.divide(germ.constant(1), epsilon)
    x = germ.constant(leading) * scale + germ.constant(constant)
    found = germ.function(name, x)
    assert found.is_bounded is False and not found.knows((0, 0))
    value = leading * (math.log(small) if slowly else 1 / small) + constant
    known = float(found.coefficients[0].mid()) * (-math.log(small) if slowly else 1 / small)
    assert abs(STEPS_OF_REALS[name](value) - known) <= 1 + abs(constant) + 1e-6
    assert germ.compare("lt", found, germ.constant(0)) is (value < 0)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
@pytest.mark.parametrize("name", STEPS_OF_REALS)
def test_a_step_of_infinity(system: Any, name: str) -> None:
    for x in (math.inf, -math.inf):
        found = system.function(name, system.constant(x))
        assert system.is_finite(found) is False
        assert system.compare("eq", found, system.constant(x)) is True


@pytest.mark.parametrize("factor", [1, 1.001])
def test_an_exponential_that_is_scaled_by_its_size_at_zero(factor: float) -> None:
    """``expm`` squares max(0, ⌊log₂ ‖A‖⌋ + …) times, and log₂ 0 is −∞."""

    @jax.custom_jvp
    def exponential(a: Array) -> Array:
        return jax.scipy.linalg.expm(a)

    @exponential.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        value, slope = jax.jvp(jax.scipy.linalg.expm, primals, tangents)
        return value, factor * slope

    found = check(exponential, (np.zeros((2, 2), np.float32),), special_points=False)
    assert found.verdict.passes if factor == 1 else found.verdict is Verdict.REFUTED
