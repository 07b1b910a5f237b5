"""Wrong rules that shipped are found, and the right rules in their place pass."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.cases import Case
from benchmarks.historical_bugs import ACCEPTED, BUGS, Bug
from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check_grads


def check(case: Case) -> Any:
    asked = {"dtypes": case.dtypes} if case.dtypes else {}
    return check_grads(case.function, case.args, case.order, case.modes, **asked)


def name(bug: Bug) -> str:
    return f"{bug.ref} {bug.name}"


@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_the_wrong_rule_is_refuted_where_it_is_wrong(bug: Bug) -> None:
    with pytest.raises(GradientMismatch, match=r"^REFUTED"):
        check(bug.case("wrong", "trigger"))


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.innocent], ids=name)
def test_the_wrong_rule_is_found_from_another_point(bug: Bug) -> None:
    with pytest.raises(GradientMismatch, match=r"^REFUTED"):
        check(bug.case("wrong", "innocent"))


@pytest.mark.parametrize("point", ["trigger", "innocent"])
@pytest.mark.parametrize("bug", BUGS, ids=name)
def test_the_right_rule_passes(bug: Bug, point: str) -> None:
    if getattr(bug, point) is not None:
        assert check(bug.case("right", point)).verdict.passes


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_any_slope_between_the_two_sides_is_a_kink(case: Case) -> None:
    found = check(case)
    assert found.verdict.passes
    assert found.kinks == (("x",) if case.args[0] in (0.0, 6.0) else ())


def test_a_slope_beyond_the_two_sides_is_none() -> None:
    from benchmarks.historical_bugs import relu6

    with pytest.raises(GradientMismatch, match="0 from the left and 1"):
        check_grads(relu6(1.5), (0.0,))
    with pytest.raises(GradientMismatch, match="x = 0"):
        check_grads(relu6(1.5), (2.5,))


def test_a_bug_of_forward_and_reverse_mode_is_named() -> None:
    """The two modes give different derivatives, and the message says which one is wrong."""
    (bug,) = (bug for bug in BUGS if bug.ref == "jax#10993")
    with pytest.raises(GradientMismatch, match="x: rev: the derivative"):
        check(bug.case("wrong", "trigger"))
    assert check_grads(bug.wrong, bug.trigger, modes=("fwd",)).verdict.passes
