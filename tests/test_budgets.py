"""Loops over exact numbers and the numbers in them have budgets, named where they end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax

from jaxgrad.errors import UndecidedError, UnsupportedPrimitive
from jaxgrad.gradients import identity as identity_module
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.identity import identity
from jaxgrad.interpret import budgets
from jaxgrad.interpret.budgets import SCAN_BUDGET, WHILE_BUDGET, while_budget
from jaxgrad.interpret.roundings import longest_chain
from jaxgrad.interpret.sides import make_side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.sizes import MOST_BITS
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

HALF = np.float32(0.5)


def _while(goes_on: Callable[..., Any], step: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: lax.while_loop(goes_on, step, x)


ENDLESS = {
    "underflows": _while(lambda c: c > 0, lambda c: c * 0.5),
    "overflows": _while(lambda c: c < np.inf, lambda c: c * 2),
    "counts": lambda x: x * _while(lambda n: n >= 0, lambda n: (n + 1) % 7)(np.int32(0)),
    "stands still": _while(lambda c: c + 1 > c, lambda c: c),
    "of scans": _while(
        lambda c: c > 0, lambda c: lax.scan(lambda d, _: (d * 0.5, None), c, None, length=9)[0]
    ),
}


@pytest.fixture
def small_budget() -> Iterator[int]:
    """A tenth of the budget, so that the tests are fast."""
    with while_budget(WHILE_BUDGET // 10):
        yield WHILE_BUDGET // 10


@pytest.mark.parametrize("name", ENDLESS)
def test_a_loop_that_never_ends_is_undecided(name: str, small_budget: int) -> None:
    with pytest.raises(UndecidedError, match=f"past the budget of {small_budget} numbers made in"):
        check_grads(ENDLESS[name], (HALF,), modes="fwd", special_points=False)


def test_a_loop_whose_numbers_explode_is_undecided() -> None:
    explodes = _while(lambda c: c > 0, lambda c: (c * c + 2) ** 2)
    with pytest.raises(UndecidedError, match=r"open comparison|past the budget"):
        check_grads(explodes, (HALF,), modes="fwd", special_points=False)


def test_a_loop_that_ends_in_floats_alone_is_undecided(small_budget: int) -> None:
    found = compare(ENDLESS["underflows"], lambda x: x * 0, 0.5)
    assert found.verdict is Verdict.UNDECIDED
    assert f"past the budget of {small_budget} numbers" in found.evidence.text


@pytest.mark.parametrize(
    "endless", [_while(lambda c: c > 0, lambda c: c * c), _while(lambda c: c > 0, lambda c: c)]
)
def test_a_loop_that_never_ends_in_floats_either_is_not_run(
    endless: Callable[..., Any], small_budget: int
) -> None:
    for hand, auto in ((endless, jnp.sin), (jnp.sin, endless)):
        found = compare(hand, auto, 2.0)
        assert found.verdict is Verdict.UNDECIDED
        name = "hand" if hand is endless else "auto"
        assert found.evidence.text.startswith(f"{name}: a `while_loop` goes on past the budget of")


def test_the_budget_counts_numbers_and_not_seconds() -> None:
    def run(turns: int) -> Any:
        halved = _while(lambda c: c > 2.0**-turns, lambda c: c * 0.5)
        with while_budget(200):
            return interpret(trace(halved, (1.0,)), Ball(), [objects([arb(1)], ())])

    # Test and body cost 1 each and so do the numbers that they make; the last test ends the loop.
    assert run(49)[0][()] == arb(2) ** -49
    with pytest.raises(CannotDecide, match="past the budget of 200 numbers"):
        run(50)


def test_a_loop_of_large_arrays_that_turns_a_few_times_has_its_end() -> None:
    """Numbers alone do not tell that a loop goes on."""

    def run(turns: int) -> Any:
        halved = _while(lambda c: c[0] > 2.0**-turns, lambda c: c * 0.5)
        program = trace(halved, (np.ones(1000),))
        with while_budget(2 * budgets.TURNS_SHARE):
            return interpret(program, Ball(), [objects([arb(1)] * 1000, (1000,))])

    assert run(2)[0][0] == 0.25
    with pytest.raises(CannotDecide, match="past the budget"):
        run(30)


def test_a_loop_of_large_arrays_has_no_more_than_a_scan() -> None:
    budgets.require_while(SCAN_BUDGET, turns=1)
    with pytest.raises(CannotDecide, match="past the budget"):
        budgets.require_while(SCAN_BUDGET + 1, turns=1)


def test_numbers_that_jax_makes_cost_more() -> None:
    def run(turns: int) -> Any:
        counted = _while(lambda n: n != turns, lambda n: n + 1)
        program = trace(lambda x: x * counted(0), (1.0,))
        with while_budget(2 * 11 * 20):
            return interpret(program, Ball(), [objects([arb(1)], ())])

    assert run(19)[0][()] == 19
    with pytest.raises(CannotDecide, match="past the budget"):
        run(20)


def test_a_loop_that_ends_at_the_given_point_alone_leaves_the_others_undecided() -> None:
    found = check_grads(lambda x: x + ENDLESS["underflows"](x), (-1.0,), modes="fwd")
    assert found.verdict is Verdict.AGREES and "nothing decided at" in found.evidence.text
    assert re.search(r"nothing decided at \d+ more \(.*\w.*\)", found.evidence.text)


def test_a_loop_within_the_budget_is_decided(small_budget: int) -> None:
    halved = _while(lambda c: c > 2.0**-100, lambda c: c * 0.5)
    right = check_grads(halved, (HALF,), modes="fwd", special_points=False)
    assert right.verdict.passes
    assert compare(halved, lambda x: x * 2.0**-100, HALF).verdict is not Verdict.PROVED
    assert compare(halved, lambda x: x, HALF).verdict is Verdict.REFUTED


@pytest.mark.parametrize("length", [10**9, SCAN_BUDGET // 2 + 1])
def test_a_scan_that_is_too_long_is_undecided(length: int) -> None:
    def long(x: Any) -> Any:
        return lax.scan(lambda c, _: (c * 0.5 + 1, None), x, None, length=length)[0]

    match = f"a `scan` of {length} turns is past the budget of {SCAN_BUDGET} numbers"
    with pytest.raises(UndecidedError, match=match):
        check_grads(long, (HALF,))
    with pytest.raises(CannotDecide, match=match):
        longest_chain(trace(long, (HALF,)))


def test_numbers_made_by_a_body_are_counted() -> None:
    body = jax.make_jaxpr(lambda a: jnp.sum(a * a))(np.ones((3, 4), np.float32))
    assert budgets.numbers_made(body) == 13
    turn = 13 + 2 * budgets.EQUATION
    budgets.require_scan(SCAN_BUDGET // turn, body)
    with pytest.raises(CannotDecide):
        budgets.require_scan(SCAN_BUDGET // turn + 1, body)
    with pytest.raises(CannotDecide):
        budgets.require_scan(SCAN_BUDGET + 1, jax.make_jaxpr(lambda a: a)(1.0))


# -- the size of numbers --------------------------------------------------------------------------
def _squared(x: Any, turns: int) -> Any:
    for _ in range(turns):
        x = x * x
    return x


@pytest.mark.parametrize("start", [lambda x: 0 * x + 1.1, lambda x: x + 1.1])
def test_coefficients_that_explode_are_given_up(start: Callable[..., Any]) -> None:
    """1.1 to the power 2^60 has 2^65 bits, which no memory holds."""
    found = compare(lambda x: _squared(start(x), 60) * 0, lambda x: 0 * x + 1, HALF)
    assert found.verdict in (Verdict.REFUTED, Verdict.UNDECIDED)
    sides = (make_side(name, lambda x: _squared(start(x), 60), (HALF,)) for name in ("a", "b"))
    squared = identity(*sides)
    assert squared.reason == f"a product past the budget of {MOST_BITS} bits a coefficient"


def test_the_budget_of_coefficients_is_far_above_floats() -> None:
    tiny = float(np.finfo(np.float64).smallest_subnormal)
    with jax.enable_x64(True):
        found = compare(lambda x: x * tiny * tiny, lambda x: x * tiny * tiny, np.float64(0.5))
    assert found.verdict is Verdict.PROVED
    assert MOST_BITS > 2 * 1074


def test_a_number_too_large_for_a_fraction_is_no_known_integer() -> None:
    huge = _squared(arb(2), 60)
    assert huge.is_exact() and Ball().exact_value(huge) is None
    assert Ball().exact_value(1 / huge) is None
    assert Ball().exact_value(arb(2) ** 1000) == 2**1000

    def integer(x: Any) -> Any:
        return _squared(jnp.round(x) + 2, 60).astype(np.int32) * x

    program = trace(integer, (np.float32(0.25),))
    with pytest.raises(UnsupportedPrimitive, match="convert_element_type to int32"):
        interpret(program, Ball(), [objects([arb(0.25)], ())])


@pytest.mark.parametrize("method", [lax.RoundingMethod.AWAY_FROM_ZERO,
                                    lax.RoundingMethod.TO_NEAREST_EVEN])  # fmt: skip
def test_rounding_what_is_no_number(method: Any) -> None:
    for value in (arb.nan(), arb(0, "inf"), arb("inf"), arb("-inf")):
        for name in ("round_half_away", "round_half_even", "floor", "ceil"):
            found = Ball().function(name, value)
            assert not found.is_finite() and (found.is_nan() or found.contains(value))
    found = compare(lambda x: lax.round(jnp.log(x), method), lambda x: x, -1.0)
    assert found.verdict in (Verdict.REFUTED, Verdict.UNDECIDED)
    (value,) = interpret(
        trace(lambda x: lax.round(x, method), (1.0,)), Ball(), [objects([arb(2.75, 0.5)], ())]
    )
    assert value[()].contains(2) and value[()].contains(3) and not value[()].contains(4)


def test_room_for_generators_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what was computed in too little room is no more than what is computed in the end."""
    rooms: list[int] = []

    def made(capacity: int, *others: Any) -> Ring:
        rooms.append(capacity)
        return Ring(capacity, *others)

    monkeypatch.setattr(identity_module, "Ring", made)
    for count in (10, 100, 200):
        rooms.clear()

        def total(x: Any, count: int = count) -> Any:
            return jnp.sum(jnp.sin(x * jnp.arange(1.0, count + 1)))

        sides = [make_side(name, total, (HALF,)) for name in ("hand", "auto")]
        assert identity(*sides).proved
        assert all(following == 2 * room for room, following in itertools.pairwise(rooms))
        assert rooms[-1] >= count and (len(rooms) == 1 or rooms[-2] < 2 * count + 2)
