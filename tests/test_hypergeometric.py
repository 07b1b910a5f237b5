"""Hypergeometric functions by their parameters: over series, and JAX's rules of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as special
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxgrad import GradientMismatch, Verdict, check, check_grads
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.hypergeometric import hypergeometric
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.series import Series
from jaxgrad.programs.compared_quotients import with_products

STEP = arb(2) ** -60
sixteenths = st.integers(1, 64).map(lambda n: n / 16)
slopes = st.integers(-3, 3)


def central(upper: int, values: list[float], moves: list[int]) -> tuple[arb, arb]:
    """A value and a central difference with a step of 2⁻⁶⁰, of FLINT's function."""
    with precision(600):
        ball = FUNCTIONS[f"hyp{upper}f1"].ball
        assert ball is not None
        at = [
            ball(*(arb(v) + k * m * STEP for v, m in zip(values, moves, strict=True)))
            for k in (-1, 0, 1)
        ]
        return at[1], (at[2] - at[0]) / (2 * STEP)


@settings(max_examples=40)
@given(upper=st.sampled_from([1, 2]), data=st.data())
def test_the_series_of_moving_parameters(upper: int, data: st.DataObject) -> None:
    values = [data.draw(sixteenths) for _ in range(upper + 1)]
    values.append(
        data.draw(sixteenths) / (8 if upper == 2 else 0.25) * data.draw(st.sampled_from([1, -1]))
    )
    moves = [data.draw(slopes) for _ in values]
    with precision(160):
        series = [Series([arb(v), arb(m)], terms=3) for v, m in zip(values, moves, strict=True)]
        found = hypergeometric(upper)(*series)
    assert found.reason is None
    value, slope = central(upper, values, moves)
    assert found.at(0).overlaps(value)
    assert found.at(0).rel_accuracy_bits() > 120
    size = 1 + abs(slope) + abs(value)
    assert abs(found.at(1) - slope) < size * arb(2) ** -70


def test_where_the_sum_is_not_bounded() -> None:
    number = lambda x, move=0: Series([arb(x), arb(move)], terms=3)  # noqa: E731
    for arguments in ((1, 2, 3, 1.5), (1, 2, 0, 0.5), (1, 2, -3, 0.5)):
        found = hypergeometric(2)(number(arguments[0], 1), *map(number, arguments[1:]))
        assert found.reason is not None
    root = Series([arb(1), arb(1)], [(0, 0), (0.5, 0)], terms=3)  # pyright: ignore
    assert hypergeometric(1)(root, number(2), number(1)).reason is not None


POINTS = [
    (special.hyp1f1, (0.5, 1.25, 0.75)),
    (special.hyp2f1, (0.5, 1.5, 2.25, 0.25)),
]


@pytest.mark.parametrize(("function", "args"), POINTS)
def test_rules_by_every_argument(function: Any, args: tuple[float, ...]) -> None:
    assert check(function, args, special_points=False, budget=1).verdict.passes

    def wrong(*args: Any) -> Any:
        value = function(*args)
        return value + 1e-3 * (value - jax.lax.stop_gradient(value))

    rule = jax.custom_jvp(function)
    rule.defjvp(lambda xs, ts: (function(*xs), jax.jvp(wrong, xs, ts)[1]))
    assert check(rule, args, special_points=False, budget=1).verdict is Verdict.REFUTED


@pytest.mark.parametrize("x", [-12.0, -20.0, 30.0])
def test_a_sum_of_alternating_terms_is_as_far_off_as_these(x: float) -> None:
    """At −20 JAX's own value is 0.2 for 0.015."""
    found = check(lambda x: special.hyp1f1(1.5, 2.5, x), (np.float32(x),), special_points=False)
    assert found.verdict.passes


def test_the_slope_by_a_parameter_of_0() -> None:
    """JAX sums from the term a/b·x on, which is 0 there, and gives 0."""
    with pytest.raises(GradientMismatch, match="is 0 by the rules"):
        check_grads(lambda a: special.hyp1f1(a, 1.25, 0.75), (0.0,))


def test_a_batch_of_arguments_of_several_ranks() -> None:
    """Under vmap NumPy would pair other axes than JAX does."""
    x = np.array([0.25, 0.5], np.float32)
    found = check(special.hyp1f1, (0.5, x + 2, x), special_points=False)
    assert found.verdict.passes


# -- quotients by absolute values -----------------------------------------------------------------
floats = st.sampled_from([0.0, 1.0, -1.0, 0.25, -3.0, 1e-9, 2.5e8])


@given(
    floats, floats, st.sampled_from([0.5, 1e-7, -1.0]), st.sampled_from(["gt", "lt"]), st.booleans()
)
def test_products_decide_as_quotients_do(
    x: float, y: float, bound: float, relation: str, mirrored: bool
) -> None:
    compare = getattr(jax.lax, relation)

    def test(x: Any, y: Any) -> Any:
        quotient = x / jnp.abs(y)
        return compare(bound, quotient) if mirrored else compare(quotient, bound)

    closed = jax.make_jaxpr(test)(x, y)
    changed = with_products(closed)
    assert "mul" in {equation.primitive.name for equation in changed.eqns}
    wanted = jax.core.eval_jaxpr(closed.jaxpr, closed.consts, x, y)
    assert jax.core.eval_jaxpr(changed.jaxpr, changed.consts, x, y) == wanted


@pytest.mark.parametrize(
    "test",
    [
        lambda x, y: x / y > 0.5,  # the sign of 0 decides
        lambda x, y: x / jnp.abs(y) >= 0.5,  # 0/0 is not
        lambda x, y: x / jnp.abs(y) > y,  # perhaps infinite
        lambda x, y: jnp.abs(y) / x > 0.5,
        lambda x, y: lax.div(x.astype(int), jnp.abs(y.astype(int))) > 0,  # 3 // 2 is 1
    ],
)
def test_others_stay_as_they_are(test: Any) -> None:
    closed = jax.make_jaxpr(test)(jnp.float32(1), jnp.float32(2))
    assert with_products(closed) is closed


def test_a_series_that_starts_at_0() -> None:
    def exponential(x: Any) -> Any:
        def going(state: Any) -> Any:
            total, term, k = state
            return (jnp.abs(term) / jnp.abs(total) > 1e-8) & (k < 60)

        def turn(state: Any) -> Any:
            total, term, k = state
            return total + term, term * x / k, k + 1

        return jax.lax.while_loop(going, turn, (jnp.zeros_like(x), jnp.ones_like(x), 1))[0]

    rule = jax.custom_jvp(exponential)
    for factor, verdict in ((1.0, Verdict.AGREES), (1.0001, Verdict.REFUTED)):
        rule.defjvp(lambda xs, ts, c=factor: (exponential(*xs), c * exponential(*xs) * ts[0]))
        assert check(rule, (0.75,), modes="fwd", special_points=False).verdict is verdict
