"""The calls of custom rules in a run, and which of them work entry by entry."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from own_rule_support import PLACES, RIGHT, ROWS, WRONG, W, X, backward, leaky

from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.rules.few_entries import EntryByEntry
from jaxgrad.gradients.rules.own_rules import the_rule
from jaxgrad.gradients.rules.rule_calls import rule_calls, rule_equations, run_calls
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import within
from jaxgrad.verdict import Verdict

_stop = jax.lax.stop_gradient


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
