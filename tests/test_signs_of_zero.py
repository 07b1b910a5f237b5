"""At the cut of atan2 the sign of a zero decides, which no real number has: the runs tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.zero_signs import shows
from jaxgrad.numbers.either_zero import EitherZero
from jaxgrad.numbers.running_error import RunningError
from jaxgrad.verdict import Verdict

ZERO = np.float32(0.0)


def above(x: Any) -> Any:
    """π at 0, −π at −0."""
    return jnp.arctan2(x, -1.0)


def mirrored(x: Any) -> Any:
    """The same float of every float: arctan2 is odd in its first argument, zeros included."""
    return -jnp.arctan2(-x, -1.0)


def broken_at_0(x: Any) -> Any:
    return jnp.where(x == 0, -above(x), above(x))


def with_value(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function with a rule that returns this value beside its derivative."""

    @jax.custom_jvp
    def f(x: Any) -> Any:
        return above(x)

    f.defjvp(lambda primals, t: (value(primals[0]), -t[0] / (1 + primals[0] ** 2)))
    return f


# -- compare ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("x", [ZERO, -ZERO, np.float32(0.5), np.float32([0.0, -0.0, 2.0])])
@pytest.mark.parametrize("order", [1, -1])
def test_what_returns_the_same_float_is_not_refuted(x: Any, order: int) -> None:
    assert compare(*(mirrored, above)[::order], x).verdict is Verdict.AGREES


def test_what_returns_another_float_is_refuted_by_those_floats() -> None:
    result = compare(broken_at_0, above, ZERO)
    assert result.verdict is Verdict.REFUTED
    [leaf] = result.leaves
    assert (leaf.hand or "").startswith("[-3.14159")
    assert (leaf.auto or "").startswith("[3.14159")
    shown: list[str] = []
    names = {"hand": broken_at_0, "auto": above, "print": lambda *xs: shown.append(str(xs[-1]))}
    exec(result.counterexample or "", names)
    assert shown == ["-3.1415927", "3.1415927"]


def test_entries_beside_it_are_decided_as_ever() -> None:
    def hand(x: Any) -> Any:
        return [mirrored(x), jnp.exp(x) - 1 + 1e-30]

    wrong = compare(hand, lambda x: [above(x), jnp.exp(x) - 1], ZERO)
    assert wrong.verdict is Verdict.REFUTED
    assert [leaf.verdict for leaf in wrong.leaves] == [Verdict.AGREES, Verdict.REFUTED]
    cut = compare(lambda x: mirrored(x) + 1e-3, above, ZERO)
    assert not cut.verdict.passes


def test_numpy_code_is_run_too() -> None:
    x = np.zeros(())
    with jax.enable_x64(True):
        same = compare(lambda x: -np.arctan2(-x, -1.0), above, x)
        other = compare(lambda x: np.where(x == 0, -np.pi, np.arctan2(x, -1.0)), mirrored, x)
    assert same.verdict is Verdict.AGREES
    assert not other.verdict.passes


def test_a_program_is_held_against_its_run_at_the_origin() -> None:
    """atan2(0, −0) is π, as a run has it."""
    f = lambda x: jnp.arctan2(x, -x)  # noqa: E731
    assert compare(f, f, ZERO).verdict.passes
    assert not compare(f, lambda x: f(x) + 1e-3, ZERO).verdict.passes


# -- check_grads -----------------------------------------------------------------------------------
@pytest.mark.parametrize("x", [0.0, 0.5, [0.0, 1.0]])
def test_a_rule_whose_value_is_the_same_float_is_right(x: Any) -> None:
    assert check_grads(with_value(mirrored), (np.float32(x),)).verdict.passes


@pytest.mark.parametrize("x", [0.0, 0.5])
def test_a_rule_whose_value_is_another_float_is_refuted_by_those_floats(x: float) -> None:
    floats = r"fwd returns -3\.1415927\d* as the value, the function is 3\.1415927"
    with pytest.raises(GradientMismatch, match=floats):
        check_grads(with_value(broken_at_0), (np.float32(x),))
    with pytest.raises(GradientMismatch, match="by the rules"):
        check_grads(with_value(lambda x: mirrored(x) + 1e-3), (np.float32(x),))


@pytest.mark.parametrize("point", [-1.0, 1.0])
def test_where_the_function_jumps_nothing_is_asked_under_vmap(point: float) -> None:
    """arctan2(0, y) jumps at 0 from π to 0, and a rule may be NaN there."""

    def angle(wrong: float) -> Callable[[Any], Any]:
        rule = jax.custom_jvp(jnp.arctan2)

        def tangent(p: Any, t: Any) -> Any:
            (y, x), (dy, dx) = p, t
            return rule(y, x), (dy * x - dx * y) / (y**2 + x**2) + wrong * dx

        rule.defjvp(tangent)
        return lambda x: rule(jnp.zeros_like(x), x)

    assert check_grads(angle(0.0), (np.float32(point),)).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(angle(1e-3), (np.float32(point),))


# -- numbers ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("y", "x"), [(0.0, -1.0), (-0.0, -1.0), (0.0, 0.0), (0.0, -0.0)])
def test_every_zero_is_in_the_enclosures(y: float, x: float) -> None:
    for other in (y, -y):
        angle = float(np.arctan2(np.float32(other), np.float32(x)))
        system = RunningError(np.float32)
        rounded = system.function("atan2", system.constant(y), system.constant(x)).value
        assert rounded.contains(arb(angle))
        assert EitherZero().function("atan2", arb(y), arb(x)).overlaps(arb(angle, 1e-6))


@pytest.mark.parametrize(("y", "x"), [(0.0, 1.0), (1.0, -1.0), (-1e-30, -1.0)])
def test_elsewhere_there_is_one_angle(y: float, x: float) -> None:
    assert (EitherZero().function("atan2", arb(y), arb(x)) - np.arctan2(y, x)).rad() < 1e-9


def test_what_runs_show() -> None:
    assert shows(2 * arb.pi(), 3.14, -3.14)
    assert not shows(2 * arb.pi(), 3.14, 3.14)
    assert not shows(2 * arb.pi(), float("nan"), 3.14)
    assert not shows(2 * arb.pi(), float("inf"), 3.14)


@pytest.mark.parametrize(
    ("apart", "x", "y", "shown"),
    [
        (1.0, 0.0, 0.5, True),
        (1.0, 0.5, 0.0, True),
        (1.0, 0.0, 0.4, False),  # not by less than half
        (2.5, 0.0, 1.0, False),
        (1.0, 3.0, 3.0, False),
        (1.0, float("nan"), 0.0, False),
        (1.0, float("inf"), 0.0, False),
    ],
)
def test_floats_show_a_difference_that_is_there_as_a_whole(
    apart: float, x: float, y: float, shown: bool
) -> None:
    assert shows(arb(apart), x, y) is shown
