"""Where a function is wrong, the custom rule that is wrong at the values that reach it is named."""

from __future__ import annotations

import functools
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from own_rule_support import WRONG, X

from jaxgrad.claims.as_options import in_options
from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.rules import at_fault, own_rules
from jaxgrad.numbers.clock import Spent
from jaxgrad.verdict import Verdict

_stop = jax.lax.stop_gradient


@jax.custom_jvp
def right(x):
    return jnp.sin(x)


right.defjvp(lambda p, t: (right(*p), jnp.cos(p[0]) * t[0]))


def scaled(factor):
    """x · y, by a rule that gives so many times the derivative with respect to y."""

    @jax.custom_vjp
    def scale(x, y):
        return x * y

    def forward(x, y):
        return x * y, (x, y)

    scale.defvjp(forward, lambda r, g: (g * r[1], factor * g * r[0]))
    return scale


def squared(slope):
    """x², by a rule that is wrong at 2 unless the slope there is 4."""

    @jax.custom_jvp
    def square(x):
        return x * x

    square.defjvp(lambda p, t: (square(*p), jnp.where(p[0] == 2, slope, 2 * p[0]) * t[0]))
    return square


def valued(factor):
    @jax.custom_jvp
    def double(x):
        return 2 * x

    double.defjvp(lambda p, t: (factor * p[0], 2 * t[0]))
    return double


def clipped(most):
    @jax.custom_vjp
    def clip(x):
        return x

    clip.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -most, most),))
    return clip


def stopped(stop):
    @jax.custom_jvp
    def cube(x):
        return x**3

    cube.defjvp(lambda p, t: (cube(*p), 3 * stop(p[0]) ** 2 * t[0]))
    return cube


def in_a_scan(unit):
    return lambda x: jax.lax.scan(lambda c, _: (unit(c), None), x, None, length=3)[0]


X2 = np.array([0.5, 2.0, 0.25], np.float32)
CASES = {
    "a factor": (scaled, 1, 2, lambda f: lambda x, w: right(f(x, w) ** 2), (X, X), {}),
    "an entry": (squared, 4, 3, lambda f: lambda x: jnp.sum(right(f(x))), (X2,), {}),
    "two calls": (squared, 4, 3, lambda f: lambda x: f(x[0]) + right(f(x[1])), (X2,), {}),
    "a value": (valued, 2, 3, lambda f: lambda x: jnp.sin(f(x)), (X,), {}),
    "clipping": (clipped, math.inf, 4, lambda f: lambda x: f(2 * x), (X,), {"modes": "rev"}),
    "order 2": (
        stopped,
        lambda x: x,
        _stop,
        lambda f: lambda x: right(f(jnp.sin(x))),
        (X,),
        {"order": 2},
    ),
    "a loop": (squared, 4, 3, in_a_scan, (np.float32(2),), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_rule_at_fault_is_named(name):
    made, good, bad, within, args, how = CASES[name]
    found = check(within(made(good)), args, special_points=False, **how)
    assert found.verdict.passes, found
    assert all(rule.verdict.passes for rule in found.rules)
    unit = made(bad)
    found = check(within(unit), args, special_points=False, **how)
    assert found.verdict is Verdict.REFUTED
    wrong = [rule for rule in found.rules if rule.verdict is Verdict.REFUTED]
    assert [rule.name for rule in wrong] == [unit.__name__]
    file, _, line = wrong[0].where.rpartition(":")
    assert inspect.getfile(made).endswith(file.rpartition("/")[2])
    start = inspect.getsourcelines(made)[1]
    assert start < int(line) < start + 5
    first = found.evidence.text.splitlines()[0]
    assert f"the rule `{unit.__name__}` ({wrong[0].where}), which f calls, is wrong by" in first
    assert f"  rule `{unit.__name__}`: {wrong[0].text}" in str(found).splitlines()
    others = [rule for rule in found.rules if rule not in wrong]
    assert all(rule.name == "right" and rule.verdict.passes for rule in others)


def test_its_argument_is_named():
    found = check(lambda x, w: right(scaled(2)(x, w)), (X, X), modes="rev")
    said = "is wrong by itself there, by its argument `y`: twice the derivative, at 3 points of 3"
    assert said in found.evidence.text
    assert "with respect to w they give twice the derivative" in found.evidence.text
    assert "the derivative of scale with respect to y is" in str(found)


def test_the_fault_of_the_function_itself_is_laid_on_no_rule():
    for f in (lambda x: right(x) * _stop(x), lambda x: right(squared(4.0)(x)) + _stop(x)):
        found = check(f, (X,))
        assert found.verdict is Verdict.REFUTED
        assert "which f calls" not in found.evidence.text
        assert found.rules and all(rule.verdict.passes for rule in found.rules)


def test_a_rule_that_is_wrong_elsewhere_alone_is_not_named():
    """At 1.5 alone, which is none of the values that reach it."""
    found = check(lambda x: WRONG(x) * _stop(x), (X,))
    assert found.verdict is Verdict.REFUTED
    assert "leaky_unit" not in found.evidence.text
    assert [rule.verdict for rule in found.rules] == [Verdict.AGREES]


def test_a_function_that_is_a_rule_is_at_fault_itself():
    found = check(valued(3), (X,))
    assert [(x.name, x.verdict) for x in found.rules] == [("double", Verdict.REFUTED)]
    assert "which f calls" not in found.evidence.text


def test_at_a_special_point_of_the_function_the_rule_is_named(monkeypatch):
    """Where the function was not seen to come by itself."""
    monkeypatch.setattr(own_rules, "comes_to", lambda *_: False)
    found = check(lambda x: right(squared(3.0)(x)) + abs(x - 2), (X,), budget=20)
    assert found.verdict is Verdict.REFUTED
    first = found.evidence.text.splitlines()[0]
    assert "at a special point of the program, x = 2.0" in first
    assert "the rule `square` (" in first and "by its argument `x`" in first
    found = check(lambda x: right(squared(4.0)(x)) + abs(x - 2), (X,), budget=20)
    assert found.verdict.passes


def test_the_time_is_kept(monkeypatch):
    f = lambda x: right(scaled(2)(x, x))  # noqa: E731
    found = check(f, (X,), budget=0)
    assert found.verdict is Verdict.REFUTED and "which f calls" not in found.evidence.text
    assert {rule.verdict for rule in found.rules} == {Verdict.UNDECIDED}

    def spent(*_, **__):
        raise Spent

    monkeypatch.setattr(own_rules, "_judged", spent)
    found = check(f, (X,))
    assert found.verdict is Verdict.REFUTED
    assert {rule.text for rule in found.rules} == {own_rules.OUT_OF_TIME}


def test_with_a_reference_no_rule_is_judged(monkeypatch):
    monkeypatch.setattr(at_fault, "OwnRules", None)
    found = check(lambda x: right(scaled(2)(x, x)), (X,), reference=jnp.cos)
    assert found.verdict is Verdict.REFUTED and found.rules == ()


@pytest.mark.parametrize("around", [lambda f: f, lambda f: lambda x: f(x), jax.jit])
@pytest.mark.parametrize("asked", [{}, {"special_points": False}, {"modes": "fwd"}])
def test_a_rule_that_is_the_function_is_named_with_its_line(around, asked):
    found = check(around(squared(3.0)), (np.float32(2.0),), **asked)
    [rule] = found.rules
    line = f"  it is the rule `square` ({rule.where})"
    assert rule.is_itself and found.evidence.text.splitlines()[-1] == line
    assert str(found).splitlines().count(line) == 1
    with pytest.raises(GradientMismatch, match=r"it is the rule `square` \(.*at_fault\.py:\d+\)"):
        found.assert_agrees()
    assert "it is the rule" not in str(in_options(found))  # a command has a line of its own
    passes = check(around(squared(4.0)), (np.float32(2.0),), **asked)
    assert passes.verdict.passes and "it is the rule" not in str(passes)


def test_a_rule_that_a_batch_refutes_is_named_as_well():
    found = check(
        squared(3.0), (np.float32(0.5),), special_points=False, batch=(np.array([0.5, 2.0]),)
    )
    assert found.verdict is Verdict.REFUTED and "  it is the rule `square`" in str(found)


def test_a_reference_of_another_function_lays_it_on_no_rule():
    found = check(squared(4.0), (X,), reference=lambda x: x)
    assert found.verdict is Verdict.REFUTED and "it is the rule" not in str(found)


def held(static):
    """depth²·k by a rule of half the derivative, with k as its place says: held, or given."""

    @functools.partial(jax.custom_vjp, nondiff_argnums=static)
    def force(depth, k):
        return k * depth**2

    def forward(depth, k):
        return force(depth, k), (depth, k)

    def backward(k, kept, g):
        return (k * kept[0] * g,)

    both = lambda kept, g: (kept[0] * kept[1] * g, kept[0] ** 2 * g)  # noqa: E731
    force.defvjp(forward, backward if static else both)
    return force


@pytest.mark.parametrize("static", [(1,), ()])
def test_its_argument_is_named_beside_what_is_held(static):
    force = held(static)
    text = check(lambda x: jnp.negative(force(x, 2.0)), (X,)).evidence.text
    assert "the rule `force`" in text and "by its argument `depth`" in text
    assert "the derivative of force with respect to depth is" in text
