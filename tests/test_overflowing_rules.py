"""Rules that are right as formulas, and no numbers in floats where JAX's derivative has some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rules_by_slope import backward as ruled
from rules_by_slope import forward

from jaxgrad import GradientCheck, Verdict, check
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.overflows import Overflows
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.numbers.precision import precision

Rule = Callable[[Any], Any]
X = np.float32([0.125, 0.25])


def stable(x: Any) -> Any:
    """log Σeˣ that is computed wherever it is a float."""
    return jnp.max(x) + jnp.log(jnp.sum(jnp.exp(x - jnp.max(x))))


def naive(x: Any) -> Any:
    return jnp.log(jnp.sum(jnp.exp(x)))


def overflowing(x: Any) -> Any:
    """∞/∞ where x is large, and 0/0 far below 0."""
    return jnp.exp(x) / jnp.sum(jnp.exp(x))


def found(f: Any, x: Any = X, **options: Any) -> GradientCheck:
    return check(f, (x,), modes="rev", **options)


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16, np.float64])
@pytest.mark.usefixtures("float64")
def test_a_rule_that_overflows_is_found_where_the_function_does_not(dtype: Any) -> None:
    x = X.astype(dtype)
    wrong = found(ruled(stable, overflowing), x)
    assert wrong.verdict is Verdict.REFUTED
    assert "right as formulas, but compiled they are no numbers" in wrong.evidence.text
    assert "not the given one" in wrong.evidence.text
    (worst,) = wrong.floats
    assert np.isnan(worst.value) and not worst.given and worst.truth == "0.5000000000"
    assert wrong.counterexample and worst.code in wrong.counterexample
    assert found(ruled(stable, lambda x: jnp.exp(x - stable(x))), x).verdict.passes


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_in_either_mode(mode: str) -> None:
    def with_slope(slope: Rule) -> Any:
        f = jax.custom_jvp(lambda x: jnp.logaddexp(x, 0.0))
        f.defjvp(lambda xs, ts: (f(*xs), slope(*xs) * ts[0]))
        return f

    x = np.float32(0.5)
    wrong = check(with_slope(lambda x: jnp.exp(x) / (1 + jnp.exp(x))), (x,), modes=mode)
    assert wrong.verdict is Verdict.REFUTED and wrong.floats[0].mode == mode
    assert check(with_slope(jax.nn.sigmoid), (x,), modes=mode).verdict.passes


def test_the_point_nearest_to_zero_is_shown() -> None:
    wrong = found(ruled(stable, overflowing))
    assert wrong.special_points == ("x is 128 everywhere",)


def test_where_the_function_overflows_itself_nothing_is_said() -> None:
    assert found(ruled(naive, overflowing)).verdict.passes


def test_where_jaxs_derivative_is_no_number_either_nothing_is_said() -> None:
    """1/(1 + e⁻ˣ) is 0 at −128, and JAX's derivative of it ∞/∞."""

    def slope(x: Any) -> Any:
        return jnp.exp(-x) / (1 + jnp.exp(-x)) ** 2

    assert found(ruled(lambda x: 1 / (1 + jnp.exp(-x)), slope), np.float32(0.5)).verdict.passes
    wrong = found(ruled(jax.nn.sigmoid, slope), np.float32(0.5))
    assert wrong.verdict is Verdict.REFUTED


def test_where_the_function_is_computed_wrong_nothing_is_said() -> None:
    """x/(1 + x²) is 0 in float16 where x² overflows, and 1/1024 in truth."""
    f = ruled(lambda x: x / (1 + x * x), lambda x: (1 - x * x) / (1 + x * x) / (1 + x * x))
    assert found(f, np.float16(0.5)).verdict.passes


def test_what_is_as_good_as_0_on_the_way_is_found() -> None:
    """0/0 where e^(−√(1 + x²)) is smaller than every float, and nothing is large."""

    def slope(x: Any) -> Any:
        small = jnp.exp(-jnp.sqrt(1 + x * x))
        return jnp.cos(x) * (small + small**2) / (small * (1 + small))

    wrong = found(ruled(jnp.sin, slope), np.float32(1))
    assert wrong.verdict is Verdict.REFUTED
    assert wrong.special_points == ("x = 128",)  # before those where it is 0
    assert "right as formulas, but compiled they are no numbers" in wrong.evidence.text


@pytest.mark.parametrize(("x", "fault"), [(0.0, False), (128.0, True)])
def test_where_the_slope_is_infinite_nothing_is_said(x: float, fault: bool) -> None:
    """x log x up to 1, whose derivative by JAX is 0 at 0; and x from there on, with ∞/∞ for 1."""

    def f(x: Any) -> Any:
        inside = jnp.where((x > 0) & (x < 1), x, 1.0)
        return jnp.where(x < 1, inside * jnp.log(inside), x)

    def slope(x: Any) -> Any:
        return jnp.where(x < 1, jnp.log(x) + 1, jnp.exp(x) / jnp.exp(x))

    rules = DerivativePrograms(Primal(ruled(f, slope), (np.float32(0.5),)), 1, ("rev",))
    with precision(FIRST_PRECISION):
        there = AtPoint(rules, [np.float32(x)])
        assert Overflows(rules, [])._is_fault("rev", there) is fault


def test_who_keeps_to_other_points_hears_nothing_of_it() -> None:
    f = ruled(stable, overflowing)
    for options in (
        {"exact": True},
        {"special_points": False},
        {"domain": lambda x: abs(x) < 50},
        {"reference": stable},
    ):
        assert found(f, **options).verdict.passes, options


def test_at_the_given_point_that_is_what_is_shown() -> None:
    wrong = found(ruled(stable, overflowing), np.float32([100.0, 101.0]))
    assert wrong.verdict is Verdict.REFUTED
    assert wrong.floats[0].given and "not the given one" not in wrong.evidence.text


def test_a_rule_within_is_called_by_name_where_the_function_comes_there() -> None:
    f = ruled(stable, overflowing)
    wrong = found(lambda x: f(3 * x) ** 2)
    assert wrong.verdict is Verdict.REFUTED
    assert wrong.evidence.text.startswith("the rule `stable`")
    bounded = found(lambda x: f(jnp.tanh(x)) ** 2)
    assert bounded.verdict.passes
    assert "wrong by itself, where f was not seen to come" in bounded.evidence.text


def _newton(turns: int) -> Any:
    """1/x by Newton's iteration from 0.1, which runs away past 20."""

    def slope(x: Any) -> Any:
        y = 0.1
        for _ in range(turns):
            y = y * (2 - x * y)
        return y

    return slope


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (
            lambda x: jnp.where(x > 0, x, jnp.exp(x) - 1),
            lambda x: jnp.where(
                x > -100, jnp.where(x > 0, 1.0, jnp.exp(x)), 1 - 1 / (1 + jnp.exp(-x))
            ),
        ),
        (jnp.log, _newton(12)),
    ],
)
def test_what_overflows_on_the_way_to_a_number_is_no_excuse(function: Any, slope: Any) -> None:
    assert check(forward(function, slope), (np.float32(0.7),)).verdict is Verdict.REFUTED


# -- where no float is right ---------------------------------------------------------------------
def log_determinant(matrix: Any) -> Any:
    return jnp.linalg.slogdet(matrix)[1]


@pytest.mark.usefixtures("float64")
def test_beside_a_singular_matrix_no_number_of_jax_is_held_against_a_rule() -> None:
    """An inverse is ∞ there, and JAX's own number is 43 % off."""
    matrix = np.array(
        [[2.98236743425816, -1.1010676301114757], [-1.1850465270201729, 1.794350100577459]]
    )
    right = ruled(log_determinant, lambda matrix: jnp.linalg.inv(matrix).T)
    assert found(right, matrix).verdict.passes
    near = matrix.copy()
    near[0, 1] = -4.515781603171579
    assert np.isinf(jax.grad(right)(near)).all()
    assert np.isfinite(jax.grad(log_determinant)(near)).all()
    wrong = ruled(log_determinant, lambda matrix: jnp.linalg.inv(matrix))
    assert found(wrong, matrix).verdict is Verdict.REFUTED
