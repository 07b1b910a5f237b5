"""Every custom rule that a function calls is judged by itself, however deep it lies."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from own_rule_support import PLACES, RIGHT, WRONG, W, X, backward, leaky
from pasted_code import printed_by

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.rules import own_rules
from jaxgrad.verdict import Verdict

check_grads_module = importlib.import_module("jaxgrad.gradients.check_grads")


@pytest.mark.parametrize("rule", [leaky, backward])
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_activation_is_found_wherever_it_is(place, rule):
    if place == "while" and rule is backward:
        pytest.skip("JAX has no derivative of it")
    modes = ("rev",) if rule is backward else ("fwd",)  # as the rule is given
    right, wrong = (PLACES[place](rule(slope)) for slope in (1.0, 3.0))
    found = check(right, (W,), modes=modes, budget=5)
    assert found.verdict.passes, found
    assert [(x.name, x.verdict) for x in found.rules] == [("leaky_unit", Verdict.AGREES)]
    assert "with the rule of `leaky_unit` by itself" in found.evidence.text
    found = check(wrong, (W,), modes=modes, budget=5)
    assert found.verdict is Verdict.REFUTED
    line = inspect.getsourcelines(rule)[1]
    [named] = found.rules
    file, _, at = named.where.rpartition(":")
    assert Path(file).name == Path(inspect.getfile(rule)).name and line < int(at) < line + 6
    assert f"the rule `leaky_unit` ({named.where}), which f calls, is wrong" in found.evidence.text
    assert "x = 1.5" in found.evidence.text
    assert "3.0" in str(found) and "in truth" in str(found)


def test_its_counterexample_runs():
    with pytest.raises(
        GradientMismatch, match="with `leaky_unit` in scope\nf = leaky_unit"
    ) as error:
        check_grads(PLACES["a layer"](WRONG), (W,))
    assert "the derivative of leaky_unit with respect to" in str(error.value)
    assert "3.0" in printed_by(error.value, leaky_unit=WRONG)[0]


def test_the_function_itself_says_what_its_own_values_do():
    f = lambda w: 0.0 * WRONG(w) + w  # noqa: E731
    found = check(f, (np.float32(1.5),), special_points=False)
    assert found.verdict.passes and found.rules[0].verdict is Verdict.REFUTED
    assert "the rule `leaky_unit`" in found.evidence.text
    assert check(WRONG, (np.float32(1.5),), special_points=False).verdict is Verdict.REFUTED


def test_all_values_that_reach_it_are_tried():
    """1.5 is one of very many, and no point of the program of the rule."""

    @jax.custom_jvp
    def unit(x):
        return 2 * x

    unit.defjvp(lambda p, t: (unit(*p), jnp.where(jnp.sin(p[0]) > 0.9999, 1.0, 2.0) * t[0]))
    values = np.linspace(1, 1.3, 20).astype(np.float32)
    f = lambda x: jnp.sum(0.0 * unit(x)) + jnp.sum(x)  # noqa: E731
    assert check(f, (values,), special_points=False).verdict.passes
    values[7] = np.pi / 2
    found = check(f, (values,), special_points=False)
    assert found.rules[0].verdict is Verdict.REFUTED, found


# -- where the function comes ----------------------------------------------------------------------


@jax.custom_jvp
def zero_at_zero(x):
    return x


zero_at_zero.defjvp(lambda p, t: (p[0], jnp.where(p[0] == 0, 0, t[0])))

NEVER = {
    "a norm": lambda x: 2 * zero_at_zero(jnp.max(jnp.abs(x))),
    "a square": lambda x: 2 * zero_at_zero(jnp.sum(x * x)),
    "a relu": lambda x: jnp.sum(2 * zero_at_zero(jax.nn.relu(x - 1))),
    "a sign": lambda x: jnp.sum(2 * zero_at_zero(x / jnp.abs(x))),
    "what is not used": lambda x: jnp.sum(0.0 * zero_at_zero(x - 1) + x),
    "an exponential": lambda x: 2 * zero_at_zero(jnp.exp(jnp.sum(x))),
}
OFTEN = {
    "a sum": lambda x: 2 * zero_at_zero(jnp.sum(x) - 1),
    "a difference": lambda x: jnp.sum(zero_at_zero(x - 1) ** 3 + zero_at_zero(x - 1)),
    "a logarithm": lambda x: 2 * zero_at_zero(jnp.log(jnp.sum(x * x))),
    "a product": lambda x: jnp.sin(zero_at_zero(x[0] * x[1])),
}


@pytest.mark.parametrize("name", NEVER)
def test_a_rule_may_say_anything_where_the_function_never_comes(name):
    found = check(NEVER[name], (np.array([0.3, -0.4], np.float32),))
    assert found.verdict.passes, found
    if found.rules[0].verdict is Verdict.REFUTED:
        assert "is wrong by itself, where f was not seen to come" in found.evidence.text


@pytest.mark.parametrize("name", OFTEN)
def test_where_it_comes_the_rule_has_to_be_right(name):
    found = check(OFTEN[name], (np.array([0.3, -0.4], np.float32),))
    assert found.verdict is Verdict.REFUTED, found


def test_a_domain_is_kept():
    x = np.array([0.3, -0.4], np.float32)
    assert check(OFTEN["a sum"], (x,), domain=lambda x: x.sum() < 0.9).verdict.passes
    assert check(OFTEN["a sum"], (x,), domain=lambda x: x.sum() < 1.1).verdict is Verdict.REFUTED


# -- what is no fault of a rule --------------------------------------------------------------------


@jax.custom_vjp
def cross_entropy(logits, labels):
    return -jnp.sum(labels * jax.nn.log_softmax(logits))


cross_entropy.defvjp(
    lambda logits, labels: (cross_entropy(logits, labels), (logits, labels)),
    lambda r, g: (g * (jax.nn.softmax(r[0]) * jnp.sum(r[1]) - r[1]), jnp.zeros_like(r[1])),
)


def test_arguments_that_do_not_move_have_no_derivative():
    labels = np.eye(8, dtype=np.float32)[3]
    found = check_grads(lambda w: cross_entropy(w[0], labels), (W,))
    assert [x.verdict for x in found.rules] == [Verdict.AGREES]
    found = check_grads(lambda w: cross_entropy(w[0], jax.lax.stop_gradient(w[0])), (W,),
                        reference=lambda w: cross_entropy(w[0], W[0]))  # fmt: skip
    assert found.rules == ()
    # Of labels that do, zeros are no derivative, and that shows at the given point.
    assert check(lambda w: cross_entropy(w[0], w[1]), (W,)).verdict is Verdict.REFUTED


@jax.custom_jvp
def with_residual(x):
    return 2 * x, x


with_residual.defjvp(lambda p, t: (with_residual(*p), (2 * t[0], 7 * t[0])))


def test_results_that_nobody_uses_have_no_derivative():
    assert check_grads(lambda x: 3 * with_residual(x)[0], (X,)).verdict.passes
    stopped = lambda x: sum(map(lambda y, s: s(y), with_residual(x), (lambda y: y, _stop)))  # noqa: E731
    assert check_grads(stopped, (X,), reference=lambda x: 2 * x).verdict.passes
    assert check(lambda x: sum(with_residual(x)), (X,)).verdict is Verdict.REFUTED


_stop = jax.lax.stop_gradient


@jax.custom_jvp
def only_at_zero(x):
    return jnp.ones_like(x)


only_at_zero.defjvp(lambda p, t: (only_at_zero(*p), 5 * t[0]))


def test_a_case_that_is_not_chosen_is_not_used():
    f = lambda x: jnp.where(x > 0, 2 * x, only_at_zero(x))  # noqa: E731
    found = check(f, (X,), special_points=False)
    assert found.verdict is Verdict.AGREES and found.rules == ()
    assert check(lambda x: f(-x), (X,), special_points=False).verdict is Verdict.REFUTED


def test_jaxs_own_rules_are_listed_and_change_nothing():
    found = check_grads(jnp.sinc, (X,))
    assert all(x.where.startswith("jax/") for x in found.rules)
    found = check_grads(lambda x: jax.nn.relu(3 * x), (X,))
    [rule] = found.rules
    assert (rule.name, rule.verdict) == ("relu", Verdict.AGREES)
    assert "by itself" not in found.evidence.text


def test_jaxs_own_rules_are_judged_once(monkeypatch):
    monkeypatch.setattr(own_rules, "_JAXS", {})
    asked = []
    original = own_rules._judged
    monkeypatch.setattr(
        own_rules, "_judged", lambda rule, *how: asked.append(rule) or original(rule, *how)
    )
    for rows in (3, 5):
        check_grads(lambda x: jnp.sum(jax.nn.relu(3 * x)), (np.ones(rows, np.float32),))
    check_grads(lambda x: jnp.sum(jax.nn.relu(7 * x)), (np.ones(3, np.float32),))
    assert len(asked) == 2  # of two shapes


def test_a_function_that_is_a_rule_is_not_checked_twice(monkeypatch):
    monkeypatch.setattr(own_rules, "_judged", None)
    [rule] = check_grads(RIGHT, (X,)).rules
    assert (rule.name, rule.text) == ("leaky_unit", "it is the function itself")
    [rule] = check_grads(jax.jit(RIGHT), (X,)).rules
    assert rule.verdict is Verdict.AGREES
    found = check(WRONG, (X,))
    [rule], [leaf] = found.rules, found.leaves
    assert "which f calls" not in found.evidence.text and rule.verdict is Verdict.REFUTED
    assert rule.value and (rule.value, rule.truth) == (leaf.value, leaf.truth)
    assert rule.counterexample == found.counterexample
    told = json.loads(found.to_json())
    assert told["rules"][0]["value"] == told["leaves"][0]["value"] == leaf.value


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def power(n, x):
    return x**n


power.defvjp(lambda n, x: (power(n, x), x), lambda n, x, g: (n * g * x ** (n - 1),))


def closing_over(factor):
    @jax.custom_jvp
    def scaled(x):
        return factor * x

    scaled.defjvp(lambda p, t: (scaled(*p), factor * t[0]))
    return scaled


@jax.custom_jvp
def told_what_moves(x, y):
    return x * y


@functools.partial(told_what_moves.defjvp, symbolic_zeros=True)
def _(primals, tangents):
    x, y = primals
    total = jnp.zeros_like(x)
    for t, other in zip(tangents, (y, x), strict=True):
        if not isinstance(t, jax.custom_derivatives.SymbolicZero):
            total = total + t * other
    return x * y, total


@jax.custom_vjp
def of_a_tree(tree, count):
    return tree["a"] * tree["b"][0] * count


of_a_tree.defvjp(
    lambda tree, count: (of_a_tree(tree, count), (tree, count)),
    lambda r, g: ({"a": g * r[0]["b"][0] * r[1], "b": [g * r[0]["a"] * r[1]]}, None),
)

KINDS = {
    "nondiff_argnums": lambda x: jnp.negative(power(3, x)),
    "a constant it closes over": lambda x: 2 * closing_over(np.arange(3.0, dtype=np.float32))(x),
    "symbolic zeros": lambda x: 2 * told_what_moves(x, jnp.sin(x)),
    "symbolic zeros of one": lambda x: 2 * told_what_moves(x, jnp.float32(3)),
    "a tree and an integer": lambda x: jnp.negative(of_a_tree({"a": x, "b": [jnp.sin(x)]}, 3)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rules_of_every_kind(kind):
    found = check_grads(KINDS[kind], (X,), modes="rev")
    assert [x.verdict for x in found.rules] == [Verdict.AGREES], found.rules


def test_what_cannot_be_taken_by_itself_changes_nothing():
    def f(x):
        return 2 * closing_over(jnp.sin(x))(x)  # JAX drops what moves there

    found = check(f, (X,))
    alone = check(f, (X,), reference=f)
    assert found.verdict is alone.verdict or found.verdict.passes


def test_a_branch_that_is_not_taken_is_listed():
    def f(x):
        return jax.lax.cond(x > 0, lambda x: 2 * x, lambda x: 2 * WRONG(x), x)

    found = check_grads(f, (X,), special_points=False)
    [rule] = found.rules
    assert rule.verdict is Verdict.UNDECIDED and "not reached at the given point" in rule.text
