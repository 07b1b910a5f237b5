"""How a rule is asked by itself: in which time, to which order, and what is said of it."""

from __future__ import annotations

import importlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from own_rule_support import PLACES, RIGHT, WRONG, W, X

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.primitive_runs import NotRun
from jaxgrad.gradients.rules import own_rules, reached, rest
from jaxgrad.gradients.rules.batch import under_vmap
from jaxgrad.gradients.rules.reached import comes_to
from jaxgrad.gradients.rules.rule_calls import rule_calls
from jaxgrad.numbers.clock import Spent
from jaxgrad.verdict import Verdict

_stop = jax.lax.stop_gradient

check_grads_module = importlib.import_module("jaxgrad.gradients.check_grads")


@jax.custom_vjp
def clipped(x):
    return x


clipped.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -4.0, 4.0),))


def test_what_is_declared_is_handed_on():
    f = lambda x: clipped(2 * x)  # noqa: E731
    assert check(f, (X,), modes="rev", linear=False).rules[0].verdict is Verdict.AGREES
    assert check(f, (X,), modes="rev").verdict is Verdict.REFUTED


def test_order_2_is_handed_on():
    @jax.custom_jvp
    def square(x):
        return x * x

    square.defjvp(lambda p, t: (square(*p), 2 * _stop(p[0]) * t[0]))
    f = lambda x: 0.0 * square(x) + x  # noqa: E731
    assert check(f, (X,)).rules[0].verdict.passes
    assert check(f, (X,), order=2).rules[0].verdict is Verdict.REFUTED


def test_a_rule_that_the_time_does_not_do_for_is_named():
    found = check(PLACES["a layer"](WRONG), (W,), budget=0)
    assert found.verdict is Verdict.AGREES
    assert "not reached in 0 CPU s: the rule `leaky_unit` by itself" in found.evidence.text
    assert found.rules[0].verdict is Verdict.UNDECIDED


def test_where_the_calls_are_not_found_in_time_the_rules_are_named(monkeypatch):
    def spent(*_):
        raise Spent

    monkeypatch.setattr(own_rules, "rule_calls", spent)
    found = check(PLACES["a layer"](RIGHT), (W,))
    assert "the rule `leaky_unit` by itself; budget= gives more" in found.evidence.text
    assert [x.verdict for x in found.rules] == [Verdict.UNDECIDED]


def test_a_rule_whose_own_time_is_spent_is_said(monkeypatch):
    def spent(*_):
        raise Spent

    monkeypatch.setattr(own_rules, "_judged", spent)
    found = check(PLACES["a layer"](WRONG), (W,))
    assert found.verdict.passes
    assert [(x.verdict, x.text) for x in found.rules] == [
        (Verdict.UNDECIDED, own_rules.OUT_OF_TIME)
    ]
    said = f"the rule `leaky_unit` not decided by itself ({own_rules.OUT_OF_TIME})"
    assert said in found.evidence.text


def test_a_rule_whose_given_point_takes_too_long_is_said():
    found = check(PLACES["a layer"](RIGHT), (W,), budget=1e-3)
    [rule] = found.rules
    assert rule.verdict is Verdict.UNDECIDED
    assert "`leaky_unit`" in found.evidence.text


def test_a_wrong_rule_is_said_where_looking_for_its_arguments_takes_too_long(monkeypatch):
    def spent(*_):
        raise Spent

    for come in (spent, lambda *_: False):
        monkeypatch.setattr(own_rules, "comes_to", come)
        found = check(PLACES["a layer"](WRONG), (W,))
        assert found.verdict.passes
        assert "is wrong by itself, where f was not seen to come" in found.evidence.text
        assert [x.verdict for x in found.rules] == [Verdict.REFUTED]
        assert "the one-sided" in found.evidence.text and "drawn near it" in found.evidence.text


def test_what_the_time_does_not_do_for_in_a_rule_is_said(monkeypatch):
    def without_vmap(rules, points):
        if not points[0].values[0].shape:  # of the rule alone
            raise Spent("no time")
        return under_vmap(rules, points)

    found = check(PLACES["a layer"](RIGHT), (W,))
    assert "with the rule of `leaky_unit` by itself" in found.evidence.text
    monkeypatch.setattr(rest, "under_vmap", without_vmap)
    found = check(PLACES["a layer"](RIGHT), (W,), budget=50)
    assert "with the rule of `leaky_unit` in part by itself" in found.evidence.text
    assert "vmap of the rule `leaky_unit` by itself; budget= gives more" in found.evidence.text
    [rule] = found.rules
    said = r"not reached in its share of the time, [0-9]+ CPU s: vmap; budget= gives more$"
    assert re.search(said, rule.text), rule.text


@pytest.mark.parametrize("where", ["_starts", "_right_inverse", "_is_free", "_moved"])
def test_an_error_in_looking_for_arguments_is_none_of_the_function(monkeypatch, where):
    def slip(*_):
        raise TypeError("a slip")

    monkeypatch.setattr(reached, where, slip)
    with pytest.raises(TypeError, match="a slip"):
        check(PLACES["a layer"](WRONG), (W,))


def test_an_error_in_judging_a_rule_is_none_of_the_rule(monkeypatch):
    original = check_grads_module._check

    def slip(*args, alone=False, **how):
        if alone:
            raise TypeError("a slip")
        return original(*args, **how)

    monkeypatch.setattr(check_grads_module, "_check", slip)
    with pytest.raises(TypeError, match="a slip"):
        check(PLACES["a layer"](RIGHT), (W,))


def test_a_program_that_does_not_run_elsewhere_is_not_come_to():
    def small(x):
        if abs(float(x)) > 1:
            raise ValueError("too large")
        return x

    def f(x):
        shape = jax.ShapeDtypeStruct((), np.float32)
        return WRONG(x) + 0 * jax.pure_callback(small, shape, _stop(x))

    closed = jax.make_jaxpr(f)(X)
    [call] = rule_calls(closed, [X])
    with pytest.raises(NotRun):
        comes_to(closed, [X], (call, [0]), None, [np.float32(1.5)])


def test_a_call_of_another_branch_is_not_come_to():
    def f(x):
        return jax.lax.cond(x < 1, WRONG, lambda x: RIGHT(RIGHT(x)), x)

    closed = jax.make_jaxpr(f)(X)
    [call] = rule_calls(closed, [X])
    with pytest.raises(NotRun, match="another branch"):
        comes_to(closed, [X], (call, [0]), None, [np.float32(1.5)])
    assert comes_to(closed, [X], (call, [0]), None, [np.float32(0.9)])
    found = check(f, (X,), special_points=False)
    assert found.verdict.passes


def test_rules_are_in_the_json():
    assert '"name": "leaky_unit"' in check(PLACES["a layer"](RIGHT), (W,)).to_json()
