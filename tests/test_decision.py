"""Polynomial statements are decided twice, and a wrong constant turns every PROVED around."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.errors import ArgumentError, JaxgradError, MissingExtra
from jaxgrad.evidence import decide as decision
from jaxgrad.evidence.decide import decide
from jaxgrad.verdict import Verdict

QUARTER = Fraction(1, 4)
SMALLER = QUARTER - Fraction(1, 10**11)


def unit(s):
    return [s > 0, s < 1]


def derivative_bound(quarter=QUARTER, where=Fraction(1, 2)):
    return decide(lambda s: s * (1 - s) <= quarter, unit, equality=lambda s: s == where)


def test_the_bound_of_the_derivative_and_where_it_is_attained():
    evidence = derivative_bound()
    assert evidence.verdict is Verdict.PROVED and evidence.kind == "decision"
    assert "z3 and again from exact signs" in evidence.text


@pytest.mark.parametrize(
    "wrong", [{"quarter": SMALLER}, {"quarter": 1}, {"where": Fraction(1, 3)}], ids=str
)
def test_a_wrong_bound_or_place_is_refuted(wrong):
    evidence = derivative_bound(**wrong)
    assert evidence.verdict is Verdict.REFUTED
    scope: dict[str, Any] = {"conclusion": lambda s: s, "equality": lambda s: s}
    exec(evidence.counterexample, scope)
    assert 0 < scope["s"] < 1


def shrinking(quarter=QUARTER):
    return decide(
        lambda w, s: abs(w * s * (1 - s)) < quarter, lambda w, s: [abs(w) < 1, s > 0, s < 1]
    )


def large_weight(four=4):
    return decide(
        lambda w, s: abs(w) >= four,
        lambda w, s: [abs(w * s * (1 - s)) >= 1, s > 0, s < 1],
        equality=lambda w, s: [abs(w) == four, 2 * s == 1],
    )


def one_more_factor(quarter=QUARTER):
    return decide(
        lambda p, q, f: abs(p * f) < q * quarter,
        lambda p, q, f: [q > 0, abs(p) < q, abs(f) < QUARTER],
    )


def width(four=4):
    return [
        decide(conclusion, where)
        for conclusion, where in (
            (
                lambda w, s: w * (2 * s - 1) ** 2 <= w - four,
                lambda w, s: [w > 0, w * s * (1 - s) >= 1],
            ),
            (
                lambda w, s: w * s * (1 - s) >= 1,
                lambda w, s: [w > 0, w * (2 * s - 1) ** 2 <= w - four],
            ),
        )
    ]


def test_statements_in_several_variables():
    for evidence in (shrinking(), large_weight(), one_more_factor(), *width()):
        assert evidence.verdict is Verdict.PROVED and evidence.trusts == ("z3",)


@pytest.mark.parametrize(
    "evidence",
    [
        lambda: shrinking(SMALLER),
        lambda: large_weight(5),
        lambda: one_more_factor(SMALLER),
        lambda: width(Fraction(41, 10))[0],
        lambda: width(Fraction(39, 10))[1],
    ],
)
def test_a_wrong_constant_in_several_variables_is_refuted(evidence):
    found = evidence()
    assert found.verdict is Verdict.REFUTED
    scope: dict[str, Any] = dict.fromkeys(("conclusion", "equality"), lambda *_: False)
    exec(found.counterexample, scope)
    assert all(isinstance(scope[name], Fraction) for name in scope if len(name) == 1)


def _printed(found, capsys, **scope):
    exec(found.counterexample, scope)
    assert f"\n\nTo see it:\n\n{found.counterexample}" in str(found)
    return capsys.readouterr().out.strip()


def test_the_code_says_what_the_conclusion_is_there(capsys):
    def conclusion(x, y):
        return [x * x >= 0, x * x + y >= 0]

    said = _printed(decide(conclusion), capsys, conclusion=conclusion)
    assert said == "conclusion(x, y) is [True, False] and should hold"


def test_the_code_says_what_the_set_of_equality_is_there(capsys):
    def equality(x):
        return x == 1

    found = decide(lambda x: x * x >= 0, equality=equality)
    said = _printed(found, capsys, equality=equality)
    assert said.startswith("equality(x) is ") and "should say whether a side" in said


def test_the_code_of_an_irrational_point_says_where_it_is(capsys):
    found = decide(lambda x: x * x != 2)
    assert _printed(found, capsys).startswith("it does not hold near x = ")


def test_a_bound_that_is_attained_nowhere_is_not_called_attained():
    found = large_weight(3)
    assert found.verdict is Verdict.REFUTED and "attained nowhere" in found.text


def test_the_sigmoid_takes_values_between_0_and_1():
    def where(s, e):
        return [e > 0, s * (1 + e) == 1]

    assert decide(lambda s, e: [s > 0, s < 1], where).verdict is Verdict.PROVED
    assert decide(lambda s, e: [s > 0, 2 * s < 1], where).verdict is Verdict.REFUTED


def test_the_derivative_decays_away_from_zero():
    second = decide(lambda s: s * (1 - s) * (1 - 2 * s) < 0, lambda s: [2 * s > 1, s < 1])
    assert second.verdict is Verdict.PROVED
    wrong = decide(lambda s: s * (1 - s) * (1 - 2 * s) < 0, lambda s: [3 * s > 1, s < 1])
    assert wrong.verdict is Verdict.REFUTED


def test_an_irrational_counterexample_is_found_exactly():
    evidence = decide(lambda x: (x * x - 2) ** 2 > 0)
    assert evidence.verdict is Verdict.REFUTED and "root of x^2 + (-2)" in evidence.text
    two = decide(lambda x, y: (x * x - 2) ** 2 + y * y > 0)
    assert two.verdict is Verdict.UNDECIDED and "irrational" in two.text


def test_an_empty_domain_proves_nothing():
    evidence = decide(lambda x: x > 5, lambda x: [x > 1, x < 0])
    assert evidence.verdict is Verdict.UNDECIDED and "domain is empty" in evidence.text


def test_no_answer_in_time_is_undecided(monkeypatch):
    def unknown(self, *assertions):
        return self.z3.unknown, None

    monkeypatch.setattr(decision._Symbolic, "_solve", unknown)
    monkeypatch.setattr(decision._Symbolic, "problem_of_domain", lambda self: "")
    assert derivative_bound().verdict is Verdict.UNDECIDED
    assert "raise `timeout`" in derivative_bound().text
    with monkeypatch.context() as patch:
        answers = lambda self, claim: decision._Answer(True)  # noqa: E731
        patch.setattr(decision._Symbolic, "answer", answers)
        assert "whether equality is attained" in derivative_bound().text
    # An exact counterexample needs no second opinion.
    assert derivative_bound(SMALLER).verdict is Verdict.REFUTED


@pytest.mark.parametrize("valid", [True, False])
def test_contradicting_procedures_are_an_error(monkeypatch, valid):
    monkeypatch.setattr(
        decision._Symbolic, "answer", lambda self, claim: decision._Answer(valid, reason="s = 7")
    )
    with pytest.raises(JaxgradError, match="one of the two is wrong"):
        derivative_bound(SMALLER if valid else QUARTER)


@pytest.mark.parametrize(
    "conclusion, message",
    [
        (lambda x: x > 0.5, r"0.5 \(float\) is not exact"),
        (lambda x: 0 < x < 1, "a statement, not a bool"),
        (lambda x: 2 * abs(x) > 0, "whole side of a comparison"),
        (lambda x: x + abs(x) > 0, "whole side of a comparison"),
        (lambda x: 1 / x > 0, "multiply the other side"),
        (lambda x: x / x > 0, "multiply the other side"),
        (lambda x: x**-1 > 0, "no natural number"),
        (lambda x: x, "no comparison"),
        (lambda: True, "at least one"),
    ],
)
def test_what_is_not_polynomial_is_named(conclusion, message):
    with pytest.raises(ArgumentError, match=message):
        decide(conclusion)


def test_variables_must_agree():
    with pytest.raises(ArgumentError, match="the same variables"):
        decide(lambda x: x > 0, lambda y: y > 0)
    with pytest.raises(ArgumentError, match="different orders"):
        decide(lambda x, y: x > y, lambda y, x: y > x)


def test_without_z3_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(MissingExtra, match="pip install"):
        derivative_bound()


rationals = st.fractions(-5, 5, max_denominator=7)


@settings(deadline=None, max_examples=40)
@given(st.lists(rationals, min_size=1, max_size=3), st.sampled_from([0, 1, -1]))
def test_both_procedures_agree_on_products_of_squares(roots, shift):
    """A product of squares plus a shift: nonnegative, positive or negative somewhere."""

    def product(x):
        value = x * 0 + 1
        for root in roots:
            value = value * (x - root) ** 2
        return value

    assert decide(lambda x: product(x) >= 0).verdict is Verdict.PROVED
    evidence = decide(lambda x: product(x) + shift >= 0, equality=lambda x: product(x) == -shift)
    assert (evidence.verdict is Verdict.PROVED) == (shift == 0)
