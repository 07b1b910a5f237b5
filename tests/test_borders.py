"""check_grads() at the border of a function: the right NaN is told from a wrong rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.cases import with_rule
from jaxgrad.gradients.check_grads import check
from jaxgrad.verdict import Verdict

WHATEVER_THE_RULES = "which is no wrong rule"


def _roots(slope: Callable[[Any], Any]) -> Callable[..., Any]:
    return with_rule(jnp.sqrt, lambda xs, ts: slope(xs[0]) * ts[0])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_an_elementwise_root_has_one_verdict_whatever_its_length(count: int) -> None:
    x = np.linspace(1.75, 10.0, count)
    found = check(jnp.sqrt, (x,))
    assert found.verdict is Verdict.AGREES
    assert any("where the argument of `sqrt` vanishes" in why for why in found.special_points)
    # At 0 alone: a slope of 0, and NaN where the slope is infinite.
    for at_zero in (0.0, np.nan):
        wrong = _roots(lambda x, c=at_zero: jnp.where(x == 0, c, 0.5 / jnp.sqrt(x)))
        refuted = check(wrong, (x,))
        assert refuted.verdict is Verdict.REFUTED
        assert "the derivative rules are wrong" in refuted.evidence.text


def test_the_note_says_which_slope_is_infinite() -> None:
    found = check(jnp.cbrt, (np.array([12.5, -3.0]),))
    assert found.verdict is Verdict.AGREES
    assert WHATEVER_THE_RULES in found.evidence.text
    assert "the slope of f[1] is infinite there along x[1]" in found.evidence.text
    assert "0·∞" in found.evidence.text
    assert WHATEVER_THE_RULES not in check(jnp.sin, (np.array([12.5, -3.0]),)).evidence.text


def test_an_entropy_beside_others_is_as_it_is_alone() -> None:
    """Its slope at 0 is infinite; so is JAX's, where no other result is weighed."""
    entropy = jax.scipy.special.entr
    assert check(entropy, (0.75,)).verdict is Verdict.AGREES
    assert check(entropy, (np.array([0.75, 0.5]),)).verdict is Verdict.AGREES


def test_two_leaves_and_order_two() -> None:
    both = check(lambda x, y: (jnp.sqrt(x), y * y), (np.array([2.0, 3.0]), 0.5), order=2)
    assert both.verdict is Verdict.AGREES
    square = with_rule(lambda y: y * y, lambda ys, ts: 2.5 * ys[0] * ts[0])
    assert (
        check(lambda x, y: (jnp.sqrt(x), square(y)), (np.ones(2), 0.5)).verdict is Verdict.REFUTED
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_at_order_two_it_is_the_second_derivative_that_counts(count: int) -> None:
    """x√x has the slope 0 at 0, and an infinite second derivative."""
    x = np.linspace(1.75, 10.0, count)
    right = with_rule(lambda x: x * jnp.sqrt(x), lambda xs, ts: 1.5 * jnp.sqrt(xs[0]) * ts[0])
    assert check(right, (x,), order=2).verdict.passes
    wrong = with_rule(
        lambda x: x * jnp.sqrt(x),
        lambda xs, ts: jnp.where(xs[0] == 0, 0.25, 1.5 * jnp.sqrt(xs[0])) * ts[0],
    )
    assert check(wrong, (x,), order=2).verdict is Verdict.REFUTED


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_a_nan_at_the_given_border_is_met_and_named(count: int) -> None:
    x = np.linspace(1.75, 10.0, count)
    x[1] = 0.0
    found = check(jnp.sqrt, (x,))
    assert found.verdict is Verdict.REFUTED
    assert found.evidence.text.startswith("JAX gives NaN at the border of f: the slope of f[1] is")
    assert "jnp.where(x > 0, x, 1.0)" in found.evidence.text
    assert "rules are wrong" not in found.evidence.text
    wrong = check(_roots(lambda x: jnp.where(x == 1.75, 7.0, 0.5 / jnp.sqrt(x))), (x,))
    assert wrong.verdict is Verdict.REFUTED
    assert "the derivative rules are wrong" in wrong.evidence.text


def test_alone_at_the_border_the_infinite_slope_agrees() -> None:
    assert check(jnp.sqrt, (0.0,), special_points=False).verdict is Verdict.AGREES
    zero = check(_roots(lambda x: jnp.where(x == 0, 0.0, 0.5 / jnp.sqrt(x))), (0.0,))
    assert zero.verdict is Verdict.REFUTED
    assert "rules are wrong" in zero.evidence.text


@pytest.mark.parametrize("function", [jnp.arcsin, jnp.arccos])
@pytest.mark.parametrize("count", [2, 5])
def test_results_without_a_value_are_left_out(function: Callable[..., Any], count: int) -> None:
    x = np.linspace(1.25, -0.25, count)
    found = check(function, (x,))
    assert found.verdict is Verdict.AGREES
    assert "f[0] is no number at the given point, and not judged" in found.evidence.text
    sign = 1 if function is jnp.arcsin else -1
    for factor, verdict in ((sign, Verdict.AGREES), (1.5 * sign, Verdict.REFUTED)):
        ruled = with_rule(
            function, lambda xs, ts, a=factor: a * ts[0] / jnp.sqrt((1 - xs[0]) * (1 + xs[0]))
        )
        assert check(ruled, (x,), special_points=False).verdict is verdict


def test_without_any_value_nothing_is_judged() -> None:
    assert check(jnp.arcsin, (1.25,)).verdict is Verdict.UNDECIDED
    assert check(jnp.arcsin, (np.array([1.25, 2.0]),)).verdict is Verdict.UNDECIDED
    beside = check(lambda x: jnp.stack([jnp.arcsin(x), 0.0 * x]), (1.25,))
    assert beside.verdict is Verdict.UNDECIDED
    assert "f[0] is no number at the given point" in beside.evidence.text


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: jnp.linalg.norm(x, axis=1), np.array([[1.0, 2.0], [3.0, 4.0]])),
        (lambda x: x * jnp.sqrt(x), np.array([1.0, 2.0])),
        (lambda x: (jnp.sqrt(x), x * jnp.sqrt(x)), 1.5),
        (lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), np.array([1.0, -1.0])),
    ],
)
def test_where_the_slopes_are_finite_a_nan_is_a_finding(
    function: Callable[..., Any], x: Any
) -> None:
    found = check(function, (x,))
    assert found.verdict is Verdict.REFUTED
    assert "the derivative rules are wrong" in found.evidence.text
    assert "nan" in str(found)


def test_infinities_of_both_signs_are_judged_one_by_one() -> None:
    """√(1 − Σx) at Σx = 1: every slope is −∞, and their drawn sum is no number of JAX's."""
    x = np.array([0.25, 0.75])
    assert check(lambda x: jnp.sqrt(1 - jnp.sum(x)), (x,), modes="rev").verdict is Verdict.AGREES
    up = with_rule(
        lambda x: jnp.sqrt(1 - jnp.sum(x)),
        lambda xs, ts: jnp.sum(ts[0]) * 0.5 / jnp.sqrt(1 - jnp.sum(xs[0])),
    )
    assert check(up, (x,), modes="rev").verdict is Verdict.REFUTED


def test_a_sum_of_roots_meets_infinities_in_forward_mode() -> None:
    assert check(lambda x, y: jnp.sqrt(x) - jnp.sqrt(y), (2.0, 3.0)).verdict is Verdict.AGREES
    assert jax.grad(lambda x: jnp.sqrt(x))(0.0) == np.inf
