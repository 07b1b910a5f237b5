"""Every check ends: the given point in its minute, all else in a budget; what is missed is said."""

from __future__ import annotations

import io
import math
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import ArgumentError, GradientMismatch
from jaxgrad.gradients import check_grads as check_grads_module
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.rules import other_points, rest, stages
from jaxgrad.numbers import clock, progress
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.clock import Spent, grace, tick, ticking, watched, within
from jaxgrad.verdict import Verdict

X = np.float32(0.5)


@jax.custom_jvp
def double(x):
    return 2 * x


double.defjvp(lambda p, t: (double(*p), 2 * t[0]))


@jax.custom_jvp
def wrong_at_zero(x):
    return 2 * x


wrong_at_zero.defjvp(lambda p, t: (wrong_at_zero(*p), jnp.where(p[0] == 0, 1.0, 2.0) * t[0]))


# -- the clock -------------------------------------------------------------------------------------


def test_a_part_is_left_when_its_time_is_spent():
    start = time.process_time()
    with within(0.05) as part:
        while True:
            tick()
    assert part.spent == "0.05 CPU s"
    assert time.process_time() - start < 1


def test_a_part_that_ends_in_time_is_not_spent():
    with within(5) as part:
        tick()
    assert part.spent is None


def test_the_time_of_a_part_around_it_ends_a_part_too():
    with within(0.01) as outer, within(100) as inner:
        while True:
            tick()
    assert inner.spent == "0.01 CPU s" and outer.spent is None
    with within(0.0) as outer:
        with within(100):
            tick()
        tick()
    assert outer.spent is not None


def test_nothing_within_takes_it_for_an_answer():
    with within(0.0) as part:
        try:
            tick()
        except Exception:
            pytest.fail("no handler of errors may catch it")
    assert part.spent


def test_an_error_that_was_found_is_said_after_the_time():
    with within(0.0) as part:
        with grace():
            tick()
        done = True
    assert done and part.spent is None


def test_without_a_watch_nothing_is_looked_at():
    with grace():
        tick()


def test_memory_is_limited(monkeypatch):
    sizes = iter([0, clock.MOST_MEMORY, clock.MOST_MEMORY + 1])
    monkeypatch.setattr(clock, "_resident", lambda: next(sizes))
    monkeypatch.setattr(clock, "BETWEEN_LOOKS", 0.0)
    with watched(lambda: None), within(100) as part:
        tick()
        assert part.spent is None
        tick()
    assert part.spent == "1 GiB of memory"


def test_the_memory_of_this_process_is_known():
    assert clock._most_resident() >= clock._resident() // 2 > 2**20


def test_long_arrays_of_numbers_are_left():
    numbers = objects(iter(range(10**6)), (10**6,))
    with within(0.02) as part:
        Ball().map(lambda x: x, numbers)
    assert part.spent is None or part.spent == "0.02 CPU s"
    with within(0.0) as part:
        list(ticking(range(5)))
    assert part.spent


# -- budgets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [-1.0, math.nan, "5", True])
def test_a_budget_that_is_none_is_refused(budget):
    with pytest.raises(ArgumentError, match="budget is"):
        check(jnp.sin, (X,), budget=budget)


def test_what_was_not_reached_is_said():
    found = check_grads(double, (X,), budget=0)
    assert found.verdict is Verdict.AGREES
    assert "not reached in 0 CPU s: special points, vmap, proof; budget= gives more" in (
        found.evidence.text
    )
    found = check(double, (X,), budget=0, dtypes=["float32"])
    assert found.verdict is Verdict.AGREES
    missed = "special points, vmap, floats in float32 at other points, proof; budget="
    assert missed in found.evidence.text


def test_with_all_the_time_everything_is_reached():
    found = check_grads(double, (X,), budget=math.inf)
    assert found.verdict is Verdict.PROVED and "not reached" not in found.evidence.text


def test_a_rule_that_is_wrong_at_a_special_point_is_found_within_the_default():
    with stages.default_budget(stages.BUDGET):
        assert check(wrong_at_zero, (X,)).verdict is Verdict.REFUTED
    assert check(wrong_at_zero, (X,), budget=0).verdict is Verdict.AGREES


def test_a_rule_that_is_wrong_at_the_given_point_needs_no_budget():
    with pytest.raises(GradientMismatch):
        check_grads(wrong_at_zero, (np.float32(0),), budget=0)


def test_points_that_were_not_reached_are_counted(monkeypatch):
    seen = []

    def judged_at(points, point, known):
        seen.append(point)
        if len(seen) > 3:
            raise Spent("0.1 CPU s")
        return original(points, point, known)

    original = rest.OtherPoints._judged_at
    monkeypatch.setattr(rest.OtherPoints, "_judged_at", judged_at)
    found = check_grads(jax.nn.relu6, (X,))
    assert "special point" in found.evidence.text
    assert len(found.special_points) == 3
    total = int(found.evidence.text.partition("not reached in inf CPU s: ")[2].split()[0])
    assert total > 1


def test_what_was_found_wrong_is_said_though_its_cause_takes_too_long(monkeypatch):
    def cause(*_):
        while True:
            tick()

    monkeypatch.setattr(other_points, "cause", cause)
    monkeypatch.setattr(other_points, "GRACE", 0.1)
    found = check(wrong_at_zero, (X,), budget=5)
    assert found.verdict is Verdict.REFUTED and "not the given one" in str(found)


def test_a_given_point_that_takes_too_long_is_undecided(monkeypatch):
    monkeypatch.setattr(stages, "GIVEN", 0.0)
    found = check(double, (X,), budget=0)
    assert found.verdict is Verdict.UNDECIDED
    assert "the given point takes more than 0 CPU s" in found.evidence.text


def test_a_proof_costs_no_more_than_the_check(monkeypatch):
    def proof(rules):
        while True:
            tick()

    monkeypatch.setattr(rest, "prove_rules", proof)
    start = time.process_time()
    check_grads(double, (X,), budget=0.5)  # warm
    once = time.process_time() - start
    found = check_grads(double, (X,), budget=1000)
    assert found.verdict is Verdict.AGREES and "not reached" not in found.evidence.text
    assert time.process_time() - start < 4 * once + 2


def test_a_large_program_ends():
    weights = np.random.RandomState(0).randn(40, 40).astype(np.float32) / 6

    def f(w):
        return jnp.sum(jax.lax.fori_loop(0, 12, lambda _, x: jnp.tanh(w @ x), jnp.eye(40)))

    start = time.process_time()
    found = check(f, (weights,), budget=1)
    assert found.verdict.passes and time.process_time() - start < 60


# -- interrupted, and progress ---------------------------------------------------------------------


def test_an_interrupt_says_what_is_known(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(rest, "under_vmap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_grads(jax.nn.relu6, (X,))
    said = capsys.readouterr().err
    assert said.startswith("jaxgrad, interrupted: AGREES: the one-sided derivatives")
    assert "special points of the program" in said


def _interrupted_in(monkeypatch, capsys, module, name, f=double, **options):
    """What is said where an interrupt comes in a function of the check."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        check(f, (X,), **options)
    said = capsys.readouterr().err
    assert said.count("jaxgrad, interrupted") == 1
    return said.removeprefix("jaxgrad, interrupted: ")


def calling(f):
    return lambda x: jnp.sin(f(x))


@pytest.mark.parametrize(
    ("name", "missed"),
    [
        ("under_vmap", "vmap, floats in float32, floats in bfloat16, proof"),
        ("floats_of", "floats in float32, floats in bfloat16, proof"),
        ("prove_rules", "proof"),
    ],
)
def test_an_interrupt_names_what_was_not_reached(monkeypatch, capsys, name, missed):
    dtypes = ["float32", "bfloat16"]
    said = _interrupted_in(monkeypatch, capsys, rest, name, dtypes=dtypes)
    assert said.startswith("AGREES: the one-sided derivatives")
    assert said.rstrip().endswith(f"; not reached before the interrupt: {missed}")


def test_an_interrupt_at_the_points_names_those_that_wait(monkeypatch, capsys):
    said = _interrupted_in(monkeypatch, capsys, rest.OtherPoints, "_judged_at")
    assert "special points, where a difference grows that rounding hides, vmap, proof" in said
    assert "one drawn near it" not in said


def test_an_interrupt_in_a_rule_says_once_what_is_known_of_the_function(monkeypatch, capsys):
    original = rest.OtherPoints.wrong

    def interrupted(points, *args):
        if len(points.rules.programs[0].jaxpr.eqns) == 1:  # of the rule, not of what calls it
            raise KeyboardInterrupt
        return original(points, *args)

    monkeypatch.setattr(rest.OtherPoints, "wrong", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check(calling(double), (X,))
    said = capsys.readouterr().err
    assert said.count("interrupted: ") == 1
    assert "the interrupt: the rule `double` by itself, special points, where" in said


@pytest.mark.parametrize("name", ["_at_given", "DerivativePrograms"])
def test_an_interrupt_at_the_given_point_says_that_nothing_is_known(monkeypatch, capsys, name):
    assert _interrupted_in(monkeypatch, capsys, check_grads_module, name) == "nothing known yet\n"


def test_an_interrupt_in_a_reference_says_nothing_of_what_has_it(monkeypatch, capsys):
    def run(x):
        return jax.pure_callback(np.tanh, x, x)

    kernel = jax.custom_vjp(run)
    kernel.defvjp(lambda x: (run(x), x), lambda x, g: (g * (1 - jnp.tanh(x) ** 2),))
    said = _interrupted_in(
        monkeypatch, capsys, rest, "under_vmap", kernel, reference=jnp.tanh, modes="rev"
    )
    assert said == "nothing known yet\n"


def test_what_is_known_at_an_interrupt_is_not_that_wrong_floats_are_right(monkeypatch, capsys):
    """The derivative of the sigmoid underflows as it is written."""
    written = lambda x: 1 / (1 + jnp.exp(-x))  # noqa: E731
    original, dtypes = rest.floats_of, ["float32", "bfloat16"]

    def floats_of(rules, asked, *args):
        if asked[0].name == "bfloat16":
            raise KeyboardInterrupt
        return original(rules, asked, *args)

    monkeypatch.setattr(rest, "floats_of", floats_of)
    with pytest.raises(KeyboardInterrupt):
        check(written, (X,), modes="rev", dtypes=dtypes)
    said = capsys.readouterr().err
    assert said.startswith("jaxgrad, interrupted: REFUTED: the derivative rules are right as form")
    assert "UNSTABLE rev float32" in said and "AGREES" not in said
    assert "; not reached before the interrupt: floats in bfloat16, proof\n" in said
    with pytest.raises(KeyboardInterrupt):
        check(lambda x: 2 * x, (X,), modes="rev", dtypes=dtypes)
    assert capsys.readouterr().err.startswith("jaxgrad, interrupted: AGREES")


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal(monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SILENT", 0.0)
    monkeypatch.setattr(progress, "BETWEEN_LINES", 0.0)
    check_grads(double, (X,))
    shown = terminal.getvalue()
    assert "s, special points …" in shown and shown.endswith("\r\x1b[K")


def test_nothing_is_shown_elsewhere(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SILENT", 0.0)
    check_grads(double, (X,))
    assert capsys.readouterr().err == ""


def test_what_is_wrong_is_said_though_why_it_is_takes_too_long(monkeypatch):
    asked = []

    def endless(*args):
        asked.append(args)
        while True:
            tick()

    monkeypatch.setattr(check_grads_module, "cause", endless)
    monkeypatch.setattr(check_grads_module, "GRACE", 0.2)
    rule = jax.custom_jvp(lambda x: x * x)
    rule.defjvp(lambda p, t: (rule(*p), p[0] * t[0]))
    found = check(rule, (np.float32(0.5),))
    assert asked and found.verdict is Verdict.REFUTED
