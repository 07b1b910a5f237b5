"""Rules, solvers and stop_gradients that are JAX's own, and those that are somebody's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import Primitive
from jax.scipy.special import logsumexp

from jaxgrad import Verdict, check
from jaxgrad.gradients import batch_settled
from jaxgrad.gradients.rules.whose import may_err
from jaxgrad.programs.jaxprs import equations

AT = np.array([0.5, -1.0, 2.0, 0.25], np.float32)
SQUARE = np.outer(AT, AT) + np.eye(4, dtype=np.float32)
POINTS = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)


def _own_solve(a: Any) -> Any:
    return lax.custom_linear_solve(lambda x: a @ x, AT, lambda _, b: jnp.linalg.solve(a, b))


def _sine() -> Any:
    rule = jax.custom_jvp(jnp.sin)
    rule.defjvp(lambda xs, vs: (rule(*xs), jnp.cos(xs[0]) * vs[0]))
    return rule


def _doubled() -> Any:
    made = Primitive("doubled")
    made.def_impl(lambda x: x + x)
    made.def_abstract_eval(lambda x: x)
    return made.bind


JAXS: list[Callable[..., Any]] = [
    logsumexp, jax.nn.softmax, jax.nn.log_softmax, jax.nn.relu, lambda x: jnp.linalg.solve(x, AT),
    jax.vmap(jax.nn.softmax), jnp.sort, jax.jit(jax.nn.logsumexp),
]  # fmt: skip
OTHERS: list[Callable[..., Any]] = [
    lax.stop_gradient, jax.vmap(lax.stop_gradient), jax.jit(lax.stop_gradient), _own_solve,
    jnp.vectorize(lax.stop_gradient), lambda x: lax.map(lax.stop_gradient, x), _sine(), _doubled(),
    lambda x: jax.tree.map(lax.stop_gradient, [x]), lambda x: logsumexp(lax.stop_gradient(x)),
    lambda x: lax.cond(x[0, 0] > 0, lax.stop_gradient, lambda x: x, x),
]  # fmt: skip


@pytest.mark.parametrize("function", JAXS)
def test_what_jax_calls_by_itself_is_jaxs_own(function: Callable[..., Any]) -> None:
    assert not any(map(may_err, equations(jax.make_jaxpr(function)(SQUARE))))


@pytest.mark.parametrize("function", OTHERS)
def test_what_a_caller_calls_or_hands_on_is_the_callers(function: Callable[..., Any]) -> None:
    assert any(map(may_err, equations(jax.make_jaxpr(lambda x: function(x))(SQUARE))))


def _sorted(x: Any) -> Any:
    """Of which intervals know nothing."""
    return jnp.sort(x)[1]


def _stopped(x: Any, beyond: float) -> Any:
    return jnp.where(x > beyond, lax.stop_gradient(x), x).sum()


@pytest.mark.parametrize("function", [logsumexp, lambda x: jax.nn.relu(x).sum()])
def test_of_jaxs_own_floats_are_enough_where_intervals_know_nothing(
    function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_settled, "BUDGET", 0.0)
    options: dict[str, Any] = {"batch": (POINTS,), "special_points": False}
    found = check(lambda x: function(x) * _sorted(x), (AT,), **options)
    assert found.verdict is Verdict.AGREES, found.evidence.text
    assert found.evidence.text.endswith(
        "; its rules are JAX's own, and are not known at all of them: at the points of the batch "
        "floats alone were seen"
    )
    found = check(
        lambda x: function(x) * _sorted(x) * _stopped(x, 9.0), (AT,), budget=0.0, **options
    )
    assert found.verdict is Verdict.UNDECIDED, found.evidence.text


@pytest.mark.parametrize("beyond, verdict", [(9.0, Verdict.AGREES), (2.5, Verdict.REFUTED)])
def test_one_of_somebodys_beside_jaxs_own_is_asked_at_a_batch(
    beyond: float, verdict: Verdict
) -> None:
    few = (POINTS[POINTS.max(1).argsort()][-5:],)
    options: dict[str, Any] = {"batch": few, "special_points": False}
    found = check(lambda x: logsumexp(x) * _sorted(x) * _stopped(x, beyond), (AT,), **options)
    assert found.verdict is verdict, found.evidence.text
