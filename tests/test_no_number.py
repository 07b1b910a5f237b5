"""What is divided by exactly 0: which kind of no number it is, as floats have it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

from jaxgrad import Ball, Verdict, check, run_over
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.no_number import NoNumber, over
from jaxgrad.programs.trace import trace

numbers = st.sampled_from([0.0, 1.0, -2.5, 1e-30])
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]


def kind(x: Any) -> str | None:
    """NaN, infinite or finite; None where that is not known."""
    if isinstance(x, NoNumber):
        return "infinite" if x.infinite else "nan"
    return "finite" if x.is_finite() else None


def float_kind(x: float) -> str:
    return "nan" if math.isnan(x) else "infinite" if math.isinf(x) else "finite"


@given(numbers, numbers, numbers, st.sampled_from(OPERATIONS), st.booleans())
def test_kinds_are_those_of_floats(
    top: float, below: float, other: float, operation: Callable[..., Any], turned: bool
) -> None:
    """Both signs of a zero are asked, as a real number has neither."""
    quotient = over(arb(top), arb(below))
    pair = (arb(other), quotient) if turned else (quotient, arb(other))
    found = kind(operation(*pair))
    with np.errstate(all="ignore"):
        floats = [np.float64(top) / np.float64(sign * below) for sign in (1, -1)]
        made = [
            operation(np.float64(other), x) if turned else operation(x, np.float64(other))
            for x in floats
        ]
    if found is not None:
        assert {float_kind(x) for x in made} == {found}


@pytest.mark.parametrize("test", [jnp.isnan, jnp.isinf, jnp.isfinite])
def test_masks_are_decided(test: Callable[..., Any]) -> None:
    x, y = np.float32([0, 1, -3, 2]), np.float32([0, 0, 0, 4])
    for quotient in (lambda x, y: x / y, lambda x, y: -(x / y), lambda x, y: 2 + 3 * (x / y)):

        def masked(x: Any, y: Any, quotient: Any = quotient) -> Any:
            return jnp.where(test(quotient(x, y)), 1.0, 2.0)

        ours = np.asarray(run_over(Ball(), masked, x, y), float)
        with np.errstate(all="ignore"):
            assert np.array_equal(ours, masked(x, y))


def test_one_number_less_itself() -> None:
    third = over(arb(1), arb(3))
    system = Ball()
    assert system.difference(third, third).is_zero()
    assert not system.difference(third, over(arb(1), arb(3))).is_zero()
    nothing = over(arb(0), arb(0))
    assert not system.difference(nothing, nothing).is_finite()


# -- NaN in the data, by which what is missing is marked -------------------------------------------
DATA = np.float32([1, np.nan, 2])


def _kept(w: Any, data: Any) -> Any:
    """The mean of squares over what is there, masked before and after."""
    there = ~jnp.isnan(data)
    return jnp.sum(jnp.where(there, (jnp.where(there, data, 0) - w) ** 2, 0)) / jnp.sum(there)


MASKED: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "twice": (lambda w: _kept(w, DATA), True),
    "nan_to_num": (lambda w: jnp.sum(jnp.nan_to_num(DATA) * w), True),
    "a choice made": (lambda w: jnp.nansum(jnp.where(w > np.float32([0, 1, 0]), w, jnp.nan)), True),
    # The derivative of what is left out is 0·NaN.
    "nanmean": (lambda w: jnp.nanmean((DATA - w) ** 2), False),
    "nanmax": (lambda w: jnp.nanmax(DATA * w), False),
    "nanvar": (lambda w: jnp.nanvar(DATA * w), False),
}


@pytest.mark.parametrize("name", MASKED)
def test_data_that_is_missing_is_no_reason_for_no_verdict(name: str) -> None:
    function, right = MASKED[name]
    found = check(function, (np.float32(0.3),), budget=1)
    assert np.isfinite(jax.grad(function)(0.3)) == right
    assert found.verdict.passes if right else found.verdict is Verdict.REFUTED


def test_a_rule_over_data_that_is_missing() -> None:
    for factor, verdict in ((2.0, Verdict.PROVED), (2.001, Verdict.REFUTED)):
        rule = jax.custom_jvp(lambda w: _kept(w, DATA))
        slope = jnp.nanmean(DATA)
        rule.defjvp(lambda p, t, f=factor, r=rule, m=slope: (r(*p), f * (p[0] - m) * t[0]))
        assert check(rule, (np.float32(0.25),)).verdict in (verdict, Verdict.AGREES)
        assert check(rule, (np.float32(0.25),)).verdict.passes == verdict.passes


def test_data_that_is_missing_may_be_an_argument() -> None:
    assert check(_kept, (np.float32(0.3), DATA)).verdict is Verdict.AGREES
    found = check(lambda w, data: jnp.nanmean((data - w) ** 2), (np.float32(0.3), DATA))
    assert found.verdict is Verdict.REFUTED and "where data[1] is NaN" in str(found)


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda s, x: x + s.constant(2), "−": lambda s, x: s.constant(2) - x,
    "·": lambda s, x: x * s.constant(0), "/": lambda s, x: s.divide(s.constant(2), x),
    "max": lambda s, x: s.maximum(s.constant(2), x), "min": lambda s, x: s.minimum(x, s.sqrt(x)),
    "exp": lambda s, x: s.function("exp", x), "floor": lambda s, x: s.function("floor", x),
    "|x|": lambda s, x: s.absolute(x), "sign": lambda s, x: s.sign(x),
    "√": lambda s, x: s.sqrt(x), "∞ − ∞ beside it": lambda s, x: x - s.constant(np.inf),
}  # fmt: skip


@pytest.mark.parametrize("system", [Ball(), Germ()], ids=lambda system: system.name)
@pytest.mark.parametrize("name", _OPERATIONS)
def test_what_comes_of_nan_is_nan(system: Any, name: str) -> None:
    found = _OPERATIONS[name](system, system.constant(np.nan))
    assert system.is_finite(found) is False
    for relation in ("lt", "le", "gt", "ge", "eq", "ne"):
        assert system.compare(relation, found, found) is (relation == "ne")
        assert system.compare(relation, found, system.constant(1)) is (relation == "ne")
    either = system.select(None, found, system.constant(1))
    assert system.is_finite(either) is None and system.compare("ne", either, either) is not True


# -- the place of NaN in an order ------------------------------------------------------------------
_PLACES: dict[str, Callable[[Any], Any]] = {
    "argmax": jnp.argmax, "argmin": jnp.argmin, "argsort": jnp.argsort,
    "sort": lambda x: jnp.nan_to_num(jnp.sort(x), nan=9.0),
    "descending": lambda x: jnp.nan_to_num(jnp.sort(x, descending=True), nan=9.0),
    "max": lambda x: jnp.nan_to_num(jnp.max(x), nan=9.0),
    "cummin": lambda x: jnp.nan_to_num(lax.cummin(x), nan=9.0),
    "top_k": lambda x: jnp.nan_to_num(lax.top_k(x, 1)[0], nan=9.0),
}  # fmt: skip


@pytest.mark.parametrize("system", [Ball(), Germ()], ids=lambda system: system.name)
@pytest.mark.parametrize("name", _PLACES)
@given(st.permutations([0.0, 1.0, -2.0, 3.0, 5.0]), st.integers(1, 5))
def test_the_place_of_nan_is_jaxs(name: str, system: Any, drawn: list[float], count: int) -> None:
    x = np.array(drawn[:count], np.float32)

    def placed(x: Any) -> Any:
        return _PLACES[name](x / x * x) * (x[0] + 7)

    with np.errstate(all="ignore"):
        ran = np.asarray(placed(jnp.asarray(x)), np.float64)
    if name == "top_k" and 0 in x and count > 1:
        with pytest.raises(CannotDecide, match="open comparison"):
            interpret(trace(placed, (x,)), system, [system.constants(x)])
        return
    read = interpret(trace(placed, (x,)), system, [system.constants(x)])[0]
    found = [float(y.at(0) if system.name == "germ" else y) for y in np.ravel(read)]
    np.testing.assert_allclose(found, ran.ravel(), rtol=1e-6)


def test_a_rule_that_is_wrong_where_nan_is_the_largest() -> None:
    def by(slope: Callable[[Any], Any]) -> Any:
        rule = jax.custom_jvp(lambda x: x * x)
        rule.defjvp(lambda p, t: (rule(*p), slope(p[0]) * t[0]))
        return rule

    def largest(x: Any) -> Any:
        return jnp.argmax(jnp.stack([x * 0, (x - 3) / (x - 3) - 2]))

    wrong, right = by(lambda x: 2 * x + largest(x)), by(lambda x: 2 * x + 0 * largest(x))
    for x in (0.7, 3.0):
        assert check(right, (np.float32(x),)).verdict.passes
    assert check(wrong, (np.float32(3),)).verdict is Verdict.REFUTED
    assert check(wrong, (np.float32(0.7),)).verdict is Verdict.REFUTED
