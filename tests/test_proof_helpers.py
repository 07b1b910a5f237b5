"""Slips of the pen: what was not computed is refused by name, never proved."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import numpy as np
import pytest
from flint import arb, fmpq, fmpz
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.bounds import ball_of, computed, rational
from jaxgrad.evidence.combine import conjunction, induction
from jaxgrad.evidence.cover import covers
from jaxgrad.evidence.decide import decide
from jaxgrad.evidence.dependence import reads
from jaxgrad.evidence.enclose import enclose
from jaxgrad.evidence.frequency import clopper_pearson, frequency
from jaxgrad.evidence.supremum import supremum
from jaxgrad.evidence.taylor_bounds import taylor, upper_bound
from jaxgrad.verdict import Evidence, Verdict

PROVED = Evidence(Verdict.PROVED, "decision", "checked")


async def awaited(*_: Any) -> arb:
    return arb(1)


# What is returned where an exact number is wanted, and what the message says of it.
INEXACT: dict[str, tuple[Any, str]] = {
    "nothing": (None, r"returned None \(a forgotten `return`\?\)"),
    "a float": (math.sqrt(2), r"1\.414\d+ \(float\), which is rounded already"),
    "a NumPy float": (np.float32(0.1), "which is rounded already"),
    "NaN": (math.nan, "which is rounded already"),
    "a bool": (True, "a truth value and no number"),
    "a NumPy bool": (np.bool_(True), "a truth value and no number"),
    "an array": (np.ones(2), "no exact number"),
    "text": ("0.5", "no exact number"),
}


@pytest.mark.parametrize("value, message", INEXACT.values(), ids=INEXACT)
def test_what_is_no_exact_number_is_named(value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"the bound .*{message}"):
        ball_of(value, "the bound")


@given(st.fractions())
def test_exact_numbers_are_taken_as_they_are(value: Fraction) -> None:
    expected = arb(fmpq(value.numerator, value.denominator))
    assert ball_of(value, "it").overlaps(expected)
    assert rational(fmpq(value.numerator, value.denominator), "it") == value
    assert rational(str(value), "it") == value
    whole = value.numerator
    assert ball_of(whole, "it") == ball_of(fmpz(whole), "it")
    assert rational(fmpz(whole), "it") == rational(whole, "it") == whole


USES: dict[str, Callable[[Callable[..., Any]], Any]] = {
    "enclose": enclose,
    "covers": lambda f: covers(f, [(0, 1)]),
    "a bound outside a cover": lambda f: covers(
        lambda x: 1 + x * x, [(0, 1)], outside_margins={"x > 1": f}
    ),
    "a bound outside a supremum": lambda f: supremum(
        lambda x: x * (1 - x), (0, 1), outside_bounds={"x > 1": f}
    ),
    "the bound of a frequency": lambda f: frequency(
        jax.random.bernoulli, jax.random.key(0), 10, bound=f
    ),
}


@pytest.mark.parametrize("value", [value for value, _ in INEXACT.values()], ids=INEXACT)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_every_helper_refuses_it(use: Callable[..., Any], value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"a ball that is computed with flint\.arb"):
        use(lambda *_: value)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_coroutine_is_refused_and_not_left_waiting(use: Callable[..., Any]) -> None:
    with pytest.raises(ArgumentError, match=r"\(coroutine\), which is no exact number"):
        use(awaited)


@pytest.mark.parametrize("given_", [0.5, arb(1), None], ids=str)
def test_a_bound_is_computed_not_given(given_: Any) -> None:
    with pytest.raises(ArgumentError, match="give a function of no arguments"):
        computed(given_, "the bound")


# --- enclose ----------------------------------------------------------------------------------


def test_a_value_that_changes_is_no_number() -> None:
    values = iter([arb(2).sqrt(), arb(3).sqrt()])
    with pytest.raises(ArgumentError, match="value is not one number: computed again it is"):
        enclose(lambda: next(values))
    steady = enclose(lambda: arb(2).sqrt(), claimed=("1.41", "1.42"))
    assert steady.verdict is Verdict.PROVED


def test_a_radius_that_is_too_small_shows_at_the_next_precision() -> None:
    """A double of √2 as if it were exact to 60 bits is not what it is to 66."""
    calls = []

    def rounded() -> arb:
        calls.append(None)
        return arb(math.sqrt(2)) if len(calls) == 1 else arb(2).sqrt()

    with pytest.raises(ArgumentError, match="correct the radius"):
        enclose(rounded, 12)


@pytest.mark.parametrize("digits", [0, -1, 2.5, "10"])
def test_digits_are_a_positive_number_of_them(digits: Any) -> None:
    with pytest.raises(ArgumentError, match="digits must be at least 1"):
        enclose(arb.pi, digits)


# --- supremum ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, 1.0, 1, arb(1), True], ids=str)
def test_a_supremum_is_of_a_series(value: Any) -> None:
    for use in (
        lambda f: supremum(f, (0, 1), outside_bounds={}),
        lambda f: upper_bound(f, (0, 1)),
        lambda f: taylor(f, arb(1), 3, 64),
    ):
        with pytest.raises(ArgumentError, match="which is no Taylor series"):
            use(lambda _: value)


def test_ends_are_given_exactly() -> None:
    for use in (
        lambda: supremum(lambda x: x * (1 - x), (0.0, 1), outside_bounds={}),
        lambda: upper_bound(lambda x: x, (0.1, 1)),
        lambda: covers(lambda x: x, [(0.1, 1)]),
        lambda: enclose(arb.pi, claimed=(3.1, 3.2)),
        lambda: clopper_pearson(1, 2, np.float32(0.9)),
    ):
        with pytest.raises(ArgumentError, match="which is rounded already"):
            use()
    with pytest.raises(ArgumentError, match="pieces must be at least 1, not 0"):
        upper_bound(lambda x: x, (0, 1), pieces=0)
    with pytest.raises(ArgumentError, match="exchange its ends"):
        upper_bound(lambda x: x, (1, 0))


# --- covers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, Fraction(1, 3), arb(2), arb(-1)], ids=str)
def test_a_margin_that_uses_no_variable_covers_nothing(value: Any) -> None:
    with pytest.raises(ArgumentError, match="whatever its variables are, so there is nothing to"):
        covers(lambda x, y: value, [(0, 1), (0, 2)])


def test_a_margin_that_uses_one_variable_of_two_is_covered() -> None:
    assert covers(lambda x, y: 1 + y * y, [(0, 1), (0, 1)]).verdict is Verdict.PROVED
    assert covers(lambda x, y: 1 - y * 2, [(0, 1), (0, 1)]).verdict is Verdict.REFUTED
    assert covers(lambda x: x, [(1, 1)]).verdict is Verdict.PROVED


def test_a_comparison_is_no_margin() -> None:
    with pytest.raises(ArgumentError, match=r"margin returned False \(bool\), a truth value"):
        covers(lambda x: x > 0, [(-1, 1)])


@pytest.mark.parametrize("box", [(0, 1), [0, 1], 3, [(0, 1, 2)]], ids=str)
def test_a_box_has_two_ends_for_each_variable(box: Any) -> None:
    with pytest.raises(ArgumentError, match="is no box; give one"):
        covers(lambda x: x, box)


third = arb(1) / 3
TOUCHING: dict[str, tuple[Callable[..., arb], int]] = {
    "a product at a third": (lambda x: (x - arb(1) / 3) * (x - arb(1) / 3), 1),
    "a power at a third": (lambda x: (x - arb(1) / 3) ** 2, 1),
    "at a corner": (lambda x: (1 + x).sqrt() - 1, 1),
    "at a root of 2": (lambda x: (x * x - arb(1) / 2) * (x * x - arb(1) / 2), 1),
    "in a plane": (lambda x, y: (x - arb(1) / 3) ** 2 + (y - arb(1) / 7) ** 2, 2),
    "by a ball of more than its boxes": (lambda x: x + arb(0, 1), 1),
    "along a curve": (lambda x, y: (x * x + y * y - arb(1) / 3).sqrt(), 2),
    "nowhere a number": (lambda x: (x - 2).log(), 1),
    "at an end of its domain": (lambda x: (x - arb(1) / 3).sqrt() + 1, 1),
}


@pytest.mark.parametrize("margin, sides", TOUCHING.values(), ids=TOUCHING)
def test_a_cover_of_a_function_that_touches_zero_ends(margin: Any, sides: int) -> None:
    found = covers(margin, [(0, 1)] * sides, timeout=0.5)
    assert found.verdict is Verdict.UNDECIDED
    assert "budget" in found.text or "is not finite" in found.text


def test_the_budget_that_ended_is_named() -> None:
    def flat(x: arb) -> arb:
        return x * x * x * x + x * arb("1e-30") * x

    def wide(x: arb, y: arb) -> arb:
        return (x - y) * (x - y)

    assert "128 halvings of each side" in covers(flat, [(0, 1)]).text
    assert "budget of 7 boxes (`most_boxes`)" in covers(flat, [(0, 1)], most_boxes=7).text
    slow = covers(lambda x, y: wide(x, y * third), [(0, 1), (1, 3)], timeout=0)
    assert "budget of 0 s (`timeout`)" in slow.text
    assert slow.verdict is Verdict.UNDECIDED and "may touch zero" in slow.text


def test_what_touches_zero_in_one_place_is_refuted_in_another() -> None:
    """The place that no halving settles does not keep the others waiting."""

    def margin(x: arb) -> arb:
        return (x - third) * (x - third) * (arb("0.99") - x)

    found = covers(margin, [(0, 1)])
    assert found.verdict is Verdict.REFUTED
    scope: dict[str, Any] = {"margin": margin}
    assert found.counterexample is not None
    exec(found.counterexample, scope)
    assert scope["x"][0] >= Fraction(99, 100)


# --- decide -----------------------------------------------------------------------------------


def test_an_empty_conclusion_states_nothing() -> None:
    with pytest.raises(ArgumentError, match="the conclusion is an empty list, so nothing is"):
        decide(lambda x: [])
    with pytest.raises(ArgumentError, match="where is an empty list"):
        decide(lambda x: x * x >= 0, lambda x: [])
    with pytest.raises(ArgumentError, match="equality is an empty list"):
        decide(lambda x: x * x >= 0, equality=lambda x: ())


@pytest.mark.parametrize(
    "value", [None, True, np.True_, 1, (each for each in ()), {}], ids=lambda value: repr(value)[:9]
)
@pytest.mark.parametrize("variables", [1, 2])
def test_a_constant_is_no_statement(value: Any, variables: int) -> None:
    for found in (value, [value]):
        with pytest.raises(ArgumentError, match="is no comparison of polynomials"):
            decide(constant(found, variables))
        with pytest.raises(ArgumentError, match="is no comparison of polynomials"):
            decide(lambda x: x * x >= 0, constant(found, 1))


def constant(value: Any, variables: int) -> Callable[..., Any]:
    return (lambda x: value) if variables == 1 else lambda x, y: value


def test_an_identity_is_a_statement() -> None:
    """Both sides are the same polynomial, so that their difference is a constant."""
    assert decide(lambda x: (x + 1) ** 2 == x * x + 2 * x + 1).verdict is Verdict.PROVED
    assert decide(lambda x: (x + 1) ** 2 == x * x + 2 * x).verdict is Verdict.REFUTED


@pytest.mark.parametrize("first", [0, 1])
def test_a_list_that_is_used_up_states_less_the_second_time(first: int) -> None:
    bounds = iter([-1, 2])

    def conclusion(x: Any) -> list[Any]:
        return [x * x >= 0] * first + [x * x > bound for bound in bounds]

    with pytest.raises(ArgumentError, match=f"{2 + first} comparisons when called first and "):
        decide(conclusion)


def test_every_parameter_is_a_variable() -> None:
    with pytest.raises(ArgumentError, match="a real variable, but q=3 is none; close over"):
        decide(lambda x, q=3: x * x + q > 0)
    with pytest.raises(ArgumentError, match=r"but \*x is none"):
        decide(lambda *x: x[0] > 0)
    with pytest.raises(ArgumentError, match="is no function of the variables"):
        decide(True)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="timeout is 0; it is a number of seconds, more than 0"):
        decide(lambda x: x * x >= 0, timeout=0)


def test_a_coroutine_states_nothing() -> None:
    with pytest.raises(ArgumentError, match=r"coroutine .* is no comparison"):
        decide(awaited_statement)


async def awaited_statement(x: Any) -> Any:
    return x > 0


# --- frequency, induction, conjunction, evidence -----------------------------------------------


def test_an_event_draws_from_its_key() -> None:
    for event in (lambda key: True, lambda key: np.random.default_rng(0).random() < 2):
        with pytest.raises(ArgumentError, match="the event does not use its key"):
            frequency(event, jax.random.key(0), 10)


@pytest.mark.parametrize("trials", [0, -1, 10.0, True, 2**32 + 1])
def test_trials_are_a_number_of_different_draws(trials: Any) -> None:
    with pytest.raises(ArgumentError, match="at least 1, since none say nothing, and at most 2"):
        frequency(jax.random.bernoulli, jax.random.key(0), trials)


def test_which_arguments_are_read() -> None:
    assert reads("f", lambda x, y: x, 1.0, 2.0) == (True, False)
    assert reads("f", jax.jit(lambda x, y: y * 0), 1.0, 2.0) == (False, True)
    assert reads("f", lambda x: 1.0, 1.0) == (False,)


@pytest.mark.parametrize("outcome", [None, True, Verdict.PROVED, "PROVED", induction], ids=type)
def test_what_was_not_checked_is_no_part_of_a_proof(outcome: Any) -> None:
    message = "which holds no evidence: give what a check returned"
    with pytest.raises(ArgumentError, match=f"the base case is .*{message}"):
        induction(outcome, PROVED, "all")
    with pytest.raises(ArgumentError, match=f"the step is .*{message}"):
        induction(PROVED, outcome, "all")
    with pytest.raises(ArgumentError, match=f"one is .*{message}"):
        conjunction({"other": PROVED, "one": outcome}, "both", "decision")
    assert induction(PROVED, PROVED, "all").verdict is Verdict.PROVED


def test_parts_have_names() -> None:
    with pytest.raises(ArgumentError, match="name the parts: give a dict, not a list"):
        conjunction([PROVED], "one", "decision")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("verdict", [True, "PROVED", None, 1])
def test_evidence_has_a_verdict(verdict: Any) -> None:
    with pytest.raises(ArgumentError, match=r"give one of Verdict\.PROVED"):
        Evidence(verdict, "decision", "checked")


@pytest.mark.parametrize("text", ["", " \n"])
def test_evidence_says_what_it_rests_on(text: Any) -> None:
    with pytest.raises(ArgumentError, match=r"the text is .*say in words"):
        Evidence(Verdict.PROVED, "decision", text)
    with pytest.raises(ArgumentError, match=r"the kind is .*say in words"):
        Evidence(Verdict.PROVED, text, "checked")
