"""Which functions a custom rule is made of, and which rules are one."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rules_by_slope import backward, forward

from jaxgrad.gradients.check_grads import check
from jaxgrad.programs.rule_functions import place_of_rule, rule_identity
from jaxgrad.verdict import Verdict


def _call(function: Any, *args: Any) -> Any:
    [equation] = jax.make_jaxpr(function)(*(args or (1.0,))).eqns
    return equation


def _on_abs(slope: float) -> Any:
    f = jax.custom_jvp(jnp.abs)
    f.defjvps(lambda t, y, x: slope * jnp.sign(x) * t)
    return f


def test_whose_a_rule_is() -> None:
    for rule in (jax.nn.relu, jax.scipy.special.xlogy):
        equation = next(
            e for e in jax.make_jaxpr(rule)(*[1.0] * (1 + (rule is not jax.nn.relu))).eqns
        )
        while "call_jaxpr" not in equation.params:  # within a jit
            equation = equation.params["jaxpr"].eqns[0]
        assert place_of_rule(equation) == ""
    for rule in (_on_abs(1.0), forward(jnp.sin, jnp.cos), backward(jnp.sin, jnp.cos)):
        assert __file__.rpartition("/")[0] in place_of_rule(_call(rule))


@pytest.mark.parametrize("rule", [forward, backward])
def test_rules_that_close_over_other_values_are_others(rule: Any) -> None:
    def times(factor: float) -> Any:
        return rule(jnp.sin, lambda x: factor * jnp.cos(x))

    one, same, other = (rule_identity(_call(times(factor))) for factor in (1.0, 1.0, 2.0))
    assert one == same
    assert one != other


def test_a_rule_may_hold_an_array_that_jax_gave_up() -> None:
    held = jnp.ones(3)
    call = _call(forward(jnp.sin, lambda x: held[0] * jnp.cos(x)))
    known = rule_identity(call)
    held.delete()
    assert rule_identity(call) != known  # of its shape and dtype alone


class _Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor: Any) -> None:
        self.factor = factor

    def __call__(self, primals: Any, tangents: Any) -> Any:
        return jnp.sin(primals[0]), self.factor * jnp.cos(primals[0]) * tangents[0]


def _times(factor: Any, primals: Any, tangents: Any) -> Any:
    return jnp.sin(primals[0]), jnp.sum(factor) * jnp.cos(primals[0]) * tangents[0]


def _by_default(factor: Any) -> Any:
    def rule(primals: Any, tangents: Any, factor: Any = factor) -> Any:
        return _times(factor, primals, tangents)

    return rule


def _by_name(factor: Any) -> Any:
    def rule(primals: Any, tangents: Any, *, factor: Any = factor) -> Any:
        return _times(factor, primals, tangents)

    return rule


@pytest.mark.parametrize(
    "made",
    [
        lambda factor: functools.partial(_times, factor),
        lambda factor: functools.partial(functools.partial(_times), factor),
        _by_default,
        _by_name,
        _Slotted,
        lambda factor: functools.partial(_times, np.full(2000, factor)),
        lambda factor: functools.partial(_times, jnp.full(100_000, factor)),
    ],
)
def test_rules_that_are_given_other_values_are_others(made: Any) -> None:
    def call(factor: float) -> Any:
        f = jax.custom_jvp(jnp.sin)
        f.defjvp(made(factor))
        return _call(f)

    one, other = call(1.0), call(2.0)
    assert rule_identity(one) == rule_identity(one)
    assert rule_identity(one) != rule_identity(other)


class _Raises:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_a_rule_may_hold_an_object_that_answers_to_no_name() -> None:
    held = _Raises()
    call = _call(forward(jnp.sin, lambda x: (jnp.cos(x), held)[0]))
    assert rule_identity(call) == rule_identity(call)


def test_a_rule_that_is_made_in_every_call_is_one() -> None:
    def layer(x: jax.Array) -> jax.Array:
        scale = 2 * x

        def slope(y: jax.Array) -> jax.Array:
            return jnp.cos(y) + 0 * scale

        return forward(jnp.sin, slope)(x)

    found = jax.make_jaxpr(lambda x: layer(layer(x)))(1.0).eqns
    calls = [e for e in found if e.primitive.name == "custom_jvp_call"]
    assert len(calls) == 2
    assert rule_identity(calls[0]) == rule_identity(calls[1])


def test_a_rule_of_ones_own_for_a_function_of_jax_is_judged() -> None:
    """JAX's own one for the same function was judged before, and so was a right one."""
    relu, x = jax.nn.relu, np.float32(0.7)

    def own(slope: float) -> Any:
        return forward(jnp.tanh, lambda y: jnp.where(y == 4, slope, 1 - jnp.tanh(y) ** 2))

    def f(rule: Any) -> Any:
        return lambda y: rule(jnp.sin(relu(y)))

    right, wrong = own(1 - float(np.tanh(4.0)) ** 2), own(3.0)
    assert check(f(right), (x,)).verdict.passes
    found = check(f(wrong), (x,))
    [mine] = [rule for rule in found.rules if not rule.is_jaxs]
    assert mine.verdict is Verdict.REFUTED
    assert __file__.rpartition("/")[0] in mine.where


def test_two_rules_of_one_code_are_judged_each() -> None:
    def own(slope: float) -> Any:
        return forward(lambda y: y * y, lambda y: jnp.where(y == 4, slope, 2 * y))

    right, wrong, x = own(8.0), own(3.0), np.float32(0.7)
    assert check(lambda y: right(right(y)), (x,)).verdict.passes
    found = check(lambda y: wrong(jnp.sin(right(y))), (x,))
    assert Verdict.REFUTED in [rule.verdict for rule in found.rules]


@pytest.mark.parametrize("of", [float, np.float32, jnp.float32, lambda t: np.full(6, t)])
def test_whatever_number_a_rule_closes_over_tells_it_from_others(of: Any) -> None:
    def times(factor: Any) -> Any:
        return forward(jnp.sin, lambda x: jnp.cos(x) * jnp.mean(factor))

    one, same, other = (rule_identity(_call(times(of(factor)))) for factor in (1.0, 1.0, 2.0))
    assert one == same
    assert one != other


class Slope:
    """A rule that is an object: of the tanh, wrong above a threshold."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def __call__(self, primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        slope = 1 - jnp.tanh(x) ** 2
        return jnp.tanh(x), t * jnp.where(x < self.threshold, slope, 2 * slope)


def test_a_rule_that_is_an_object_is_somebodys() -> None:
    def ruled(threshold: float) -> Any:
        f = jax.custom_jvp(jnp.tanh)
        f.defjvp(Slope(threshold))
        return f

    calls = [_call(ruled(threshold)) for threshold in (1.0, 1.0, np.inf)]
    assert all(__file__.rpartition("/")[0] in place_of_rule(call) for call in calls)
    one, same, other = map(rule_identity, calls)
    assert one == same
    assert one != other
    x = np.float32(0.2)
    wrong = check(lambda x: ruled(0.3)(2 * ruled(np.inf)(x)), (x,))
    assert wrong.verdict is Verdict.REFUTED
    assert check(lambda x: ruled(np.inf)(2 * x), (x,)).verdict.passes
