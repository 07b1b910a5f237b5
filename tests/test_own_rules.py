"""Every custom rule that a function calls is judged by itself, however deep it lies."""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import printed_by

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.primitive_runs import NotRun
from jaxgrad.gradients.rules import own_rules, reached, rest
from jaxgrad.gradients.rules.batch import under_vmap
from jaxgrad.gradients.rules.few_entries import EntryByEntry
from jaxgrad.gradients.rules.own_rules import the_rule
from jaxgrad.gradients.rules.reached import comes_to
from jaxgrad.gradients.rules.rule_calls import rule_calls, rule_equations, run_calls
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import Spent, within
from jaxgrad.verdict import Verdict

check_grads_module = importlib.import_module("jaxgrad.gradients.check_grads")
DRAWN = np.random.RandomState(0)
W = (DRAWN.randn(8, 8) / 3).astype(np.float32)
ROWS = DRAWN.randn(128, 8).astype(np.float32)  # too many numbers for special points of the whole
X = np.float32(0.7)


def leaky(slope_at):
    """max(x, x/8), by a rule that is wrong at 1.5 unless the slope there is 1."""

    @jax.custom_jvp
    def leaky_unit(x):
        return jnp.where(x > 0, x, 0.125 * x)

    @leaky_unit.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        slope = jnp.where(x > 0, 1.0, 0.125)
        return leaky_unit(x), jnp.where(x == 1.5, slope_at, slope) * t

    return leaky_unit


def backward(slope_at):
    """The same as a custom_vjp."""

    @jax.custom_vjp
    def leaky_unit(x):
        return jnp.where(x > 0, x, 0.125 * x)

    def bwd(x, g):
        return (jnp.where(x == 1.5, slope_at, jnp.where(x > 0, 1.0, 0.125)) * g,)

    leaky_unit.defvjp(lambda x: (leaky_unit(x), x), bwd)
    return leaky_unit


RIGHT, WRONG = leaky(1.0), leaky(3.0)

PLACES = {
    "a layer": lambda unit: lambda w: jnp.mean(unit(ROWS @ w) ** 2),
    "two layers": lambda unit: lambda w: jnp.mean(unit(unit(ROWS @ w) @ w) ** 2),
    "jit": lambda unit: jax.jit(lambda w: jnp.mean(jax.jit(unit)(ROWS @ w) ** 2)),
    "remat": lambda unit: jax.checkpoint(lambda w: jnp.mean(unit(ROWS @ w) ** 2)),
    "vmap": lambda unit: lambda w: jnp.mean(jax.vmap(lambda row: unit(row @ w))(ROWS) ** 2),
    "scan": lambda unit: (
        lambda w: jnp.mean(jax.lax.scan(lambda x, _: (unit(x @ w), None), ROWS, None, length=4)[0])
    ),
    "a reversed scan over rows": lambda unit: (
        lambda w: jnp.mean(
            jax.lax.scan(lambda c, row: (c, unit(row @ w)), 0.0, ROWS, reverse=True)[1]
        )
    ),
    "cond": lambda unit: (
        lambda w: jax.lax.cond(
            w[0, 0] < 100, lambda w: jnp.mean(unit(ROWS @ w)), lambda w: jnp.mean(w), w
        )
    ),
    "while": lambda unit: (
        lambda w: jnp.mean(
            jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, unit(c[1] @ w)), (0, ROWS))[
                1
            ]
        )
    ),
}


@pytest.mark.parametrize("rule", [leaky, backward])
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_activation_is_found_wherever_it_is(place, rule):
    if place == "while" and rule is backward:
        pytest.skip("JAX has no derivative of it")
    modes = ("fwd",) if place == "while" else ("fwd", "rev")
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
    assert Path(file).name == Path(__file__).name and line < int(at) < line + 6
    assert f"the rule `leaky_unit` ({named.where}), which f calls, is wrong" in found.evidence.text
    assert "x = 1.5" in found.evidence.text
    assert "3.0" in str(found) and "in truth" in str(found)


def test_its_counterexample_runs():
    with pytest.raises(
        GradientMismatch, match="with `leaky_unit` in scope\nf = leaky_unit"
    ) as error:
        check_grads(PLACES["a layer"](WRONG), (W,))
    assert "the derivative of leaky_unit by" in str(error.value)
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
    assert "which f calls" not in found.evidence.text and found.rules[0].verdict is Verdict.REFUTED


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


# -- how it is asked -------------------------------------------------------------------------------


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
    said = r"not reached in its share of the time, (20|19) CPU s: vmap; budget= gives more$"
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


# -- the parts -------------------------------------------------------------------------------------


def _equation(f, *args):
    [found] = rule_equations(jax.make_jaxpr(f)(*args))
    return found


def test_entry_by_entry():
    equation = _equation(lambda w: RIGHT(ROWS @ w), W)
    small = EntryByEntry(equation)
    assert small.holds
    values = np.array([-2.0, 0.5, 3.0], np.float32)
    np.testing.assert_array_equal(small(values)[0], RIGHT(values))
    _, slope = jax.jvp(lambda x: small(x)[0], (values,), (np.ones_like(values),))
    np.testing.assert_array_equal(slope, [0.125, 1, 1])
    assert jax.grad(lambda x: small(x)[0])(jnp.float32(1.5)) == 1


def test_entry_by_entry_backwards():
    small = EntryByEntry(_equation(lambda w: backward(3.0)(ROWS @ w), W))
    assert small.holds
    assert jax.grad(lambda x: small(x)[0])(jnp.float32(1.5)) == 3
    assert jax.grad(lambda x: small(x)[0])(jnp.float32(-1.5)) == 0.125


def test_not_entry_by_entry():
    @jax.custom_jvp
    def softmax(x):
        return jax.nn.softmax(x)

    softmax.defjvp(lambda p, t: jax.jvp(jax.nn.softmax, p, t))

    @jax.custom_jvp
    def shifted(x):  # its rule alone is not
        return 2 * x

    shifted.defjvp(lambda p, t: (shifted(*p), 2 * jnp.roll(t[0], 1, 0)))
    ramp = np.arange(8.0, dtype=np.float32)

    @jax.custom_jvp
    def weighed(x):
        return ramp * x

    weighed.defjvp(lambda p, t: (weighed(*p), ramp * t[0]))
    for rule in (softmax, shifted, weighed):
        assert not EntryByEntry(_equation(rule, ROWS[0])).holds
    assert check(lambda w: jnp.sum(shifted(w @ W) ** 2), (W,)).verdict is Verdict.REFUTED
    assert check(lambda w: jnp.sum(softmax(w @ W) ** 2), (W,), budget=2).verdict.passes


def test_the_calls_of_a_scan_are_the_first_and_the_last():
    def f(x):
        return jax.lax.scan(lambda c, _: (RIGHT(c + 1), None), x, None, length=5)[0]

    calls = rule_calls(jax.make_jaxpr(f)(X), [X])
    assert [float(call.arguments[0]) for call in calls] == pytest.approx([1.7, 5.7])
    assert all(call.live == [True] and call.moving == [True] for call in calls)


def _counted_down(x):
    return jax.lax.while_loop(lambda c: c > 0, lambda c: c - 1.0, _stop(x))


def _within(rule):
    """A function that takes as many turns of a loop as its argument is, within another rule."""

    @jax.custom_jvp
    def counting(x):
        return x + 0 * _counted_down(x)

    counting.defjvp(lambda p, t: (counting(*p), t[0]))
    return lambda x: rule(counting(x))


def _nested(rule):
    def turn(c):
        return c[0] + 1, c[1] + 0 * _counted_down(c[1])

    def f(x):
        return rule(x) + 0 * jax.lax.while_loop(lambda c: c[0] < 2, turn, (0, _stop(x)))[1]

    return f


LOOPS = {
    "while": lambda rule: lambda x: rule(x) + 0 * _counted_down(x),
    "jit": lambda rule: jax.jit(lambda x: rule(x) + 0 * _counted_down(x)),
    "cond": lambda rule: (
        lambda x: rule(x) + 0 * jax.lax.cond(x < 1e30, _counted_down, lambda x: x, x)
    ),
    "scan": lambda rule: (
        lambda x: (
            rule(x)
            + 0 * jnp.sum(jax.lax.scan(lambda c, _: (c, _counted_down(c)), x, None, length=2)[1])
        )
    ),
    "a rule": _within,
    "a loop": _nested,
}


@pytest.mark.parametrize("place", LOOPS)
def test_loops_that_may_not_end_elsewhere_are_given_up(place):
    closed = jax.make_jaxpr(LOOPS[place](RIGHT))(X)
    [*_, call] = run_calls(closed, [np.float32(3)])[0]
    assert float(call.arguments[0]) == 3
    with pytest.raises(CannotDecide, match="a loop turns more than 1000 times"):
        run_calls(closed, [np.float32(1e6)])
    modes = "fwd" if place == "a rule" else "rev"
    found = check(LOOPS[place](WRONG), (X,), modes=modes, special_points=False)
    assert found.verdict.passes
    for slope, verdict in ((1.0, Verdict.AGREES), (3.0, Verdict.REFUTED)):
        found = check(LOOPS[place](leaky(slope)), (X,), modes=modes)
        assert found.verdict is verdict, found


def test_each_equation_of_such_a_run_looks_at_the_clock():
    def f(x):
        for _ in range(200):
            x = RIGHT(x) + 1
        return x

    closed = jax.make_jaxpr(f)(X)
    with within(0.0) as part:
        run_calls(closed, [X])
    assert part.spent is not None


def test_the_rule_that_a_function_is():
    assert the_rule(jax.make_jaxpr(RIGHT)(X))[0] == "leaky_unit"
    assert the_rule(jax.make_jaxpr(lambda x: RIGHT(x) + 1)(X)) is None


def test_a_right_network_is_not_held_up():
    found = check_grads(PLACES["two layers"](RIGHT), (W,), budget=math.inf)
    assert found.verdict.passes
