"""At points that nobody asked for all results are weighed at once, and looked at one by one only
where the sum does not agree."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import GradientMismatch, check_grads
from jaxgrad.gradients.rules import other_points
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.several_points import in_sums

V = np.float32([0.5, -0.75, 1.25])


def wrong_at_zero(error: Any, higher: bool = False) -> Any:
    """x · |x| by entries, with a slope that is wrong where the first entry is 0."""
    function = jax.custom_jvp(lambda x: x * jnp.abs(x))

    def rule(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        wrong = jnp.where(x[0] == 0, jnp.asarray(error, x.dtype), 0.0)
        return function(x), 2 * jnp.abs(x) * t + wrong * t * (x if higher else 1)

    function.defjvp(rule)
    return function


@pytest.mark.parametrize("error", [(1, -1, 0), (1, 1, -2), (0, 0, 1e-3)])
def test_errors_do_not_cancel_in_a_sum(error: tuple[float, ...]) -> None:
    with pytest.raises(GradientMismatch, match=r"x\[0\] = 0"):
        check_grads(wrong_at_zero(error), (V,))


def test_the_right_one_beside_it_agrees() -> None:
    assert check_grads(wrong_at_zero([0, 0, 0]), (V,), 2).verdict.passes


def test_an_error_of_a_second_derivative() -> None:
    function = wrong_at_zero([0, 0, 1], higher=True)
    with pytest.raises(GradientMismatch, match=r"x\[0\] = 0"):
        check_grads(function, (V,), 2)


def test_values_beside_second_derivatives_count() -> None:
    function = jax.custom_jvp(lambda x: x * jnp.abs(x))

    def rule(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return function(x) + jnp.where(x[0] == 0, 1.0, 0.0), 2 * jnp.abs(x) * t

    function.defjvp(rule)
    with pytest.raises(GradientMismatch):
        check_grads(function, (V,), 2)


@pytest.mark.parametrize("own", [True, False])
def test_what_a_rule_returns_beside_a_second_derivative_is_asked(own: bool) -> None:
    function = wrong_at_zero([0, 0, 0]) if own else (lambda x: x * jnp.abs(x))
    rules = DerivativePrograms(Primal(function, (V,)), 2, ("fwd", "rev"))
    asked = {(q.modes, q.taken) for q in in_sums(rules, rules.direction())}
    assert {(modes, None) for modes in (("fwd",), ("rev",), *rules.nested)} <= asked
    beside = {(modes, taken) for modes in rules.nested for taken in (0, 1)}
    assert asked & beside == (beside if own else set())


def test_points_are_looked_at_together(monkeypatch: Any) -> None:
    together, used = [], []
    find, start = other_points.known_at, AtPoint.__init__

    def known_at(rules: Any, points: Any, questions: Any) -> Any:
        together.append(len(points))
        return find(rules, points, questions)

    def init(self: AtPoint, rules: Any, point: Any, known: Any = None) -> None:
        used.append(known)
        start(self, rules, point, known)

    monkeypatch.setattr(other_points, "SECONDS_TOGETHER", 1e9)
    monkeypatch.setattr(other_points, "known_at", known_at)
    monkeypatch.setattr(AtPoint, "__init__", init)
    first, *others = check_grads(lambda x: x * jnp.abs(x), (V,)).special_points
    assert first  # which says how long one takes
    assert max(together) == other_points.MOST_TOGETHER and sum(together) == len(others)
    assert sum(bool(known and known.value) for known in used) == len(others)


def test_fewer_numbers_are_asked_for_where_nothing_is_special(monkeypatch: Any) -> None:
    asked = []
    original = AtPoint.judge

    def judge(self: AtPoint, question: Any, *rest: Any) -> Any:
        asked.append(question)
        return original(self, question, *rest)

    monkeypatch.setattr(AtPoint, "judge", judge)
    found = check_grads(lambda x: x * jnp.sqrt(x * x + 1), (V,), 2)
    points = len(found.special_points)
    at_given = sum(len(question.cotangent.support) == 1 for question in asked)
    # Of two first orders and four second ones; few of them at the given point, too.
    assert points > 5 and 6 * points <= len(asked) - at_given < 7 * points


def test_a_large_result_hides_no_small_one() -> None:
    def scaled(slope: Any) -> Any:
        function = jax.custom_jvp(lambda x, y: (1e9 * x, 2 * y))
        function.defjvp(lambda p, t: (function(*p), (1e9 * t[0], slope(p[1]) * t[1])))
        return function

    args = np.float32(0.5), np.float32(0.7)
    with pytest.raises(GradientMismatch, match="y = 0"):
        check_grads(scaled(lambda y: jnp.where(y == 0, 1.0, 2.0)), args)
    assert check_grads(scaled(lambda y: jnp.where(y == 0, 2.0, 2.0)), args).verdict.passes
