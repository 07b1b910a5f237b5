"""Choosing claims and parts by an expression."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.claims.claim import Claim
from jaxgrad.claims.selection import Selection
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Verdict


def made(statement: str, source: str) -> Claim:
    return Claim(lambda: None, statement, source, Verdict.PROVED, Path("toy.py"))


A6 = made("the bound of the derivative", "A6: bound")
E1 = made("the matrix product", "E1: product")
WORDS = ("a6", "BOUND", '"matrix product"', "toy", "absent")
EXPRESSIONS = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        st.tuples(inner, inner).map("({0[0]} and {0[1]})".format),
        st.tuples(inner, inner).map("({0[0]} or {0[1]})".format),
    ),
)


@given(EXPRESSIONS, st.sampled_from([A6, E1]))
@settings(deadline=None)
def test_expression_means_what_python_means(expression, chosen):
    text = f"{chosen.id} {chosen.statement} toy".lower()
    truth = expression
    for word in WORDS:
        truth = truth.replace(word, str(word.strip('"').lower() in text))
    selection = Selection(expression)
    assert selection.keeps(chosen, "") is eval(truth)
    if selection.keeps(chosen, ""):
        assert selection.may_match(chosen)


@pytest.mark.parametrize(
    ("expression", "run_a6", "run_e1"),
    [
        ("", True, True),
        ("A6", True, False),
        ("not A6", False, True),
        ("E1 and tanh", False, True),  # tanh may be a part of E1
        ("tanh", False, False),  # a part alone selects no claim
        ("not tanh", True, True),
        ("E1 and not tanh", False, True),
        ("A6 or tanh", True, False),
        ("tanh or not toy", True, True),
        ("E1 and A6", True, True),  # A6 may be a part of E1
        ("E1 and not tanh and relu", False, True),
        ('"and" or E1', False, True),  # in quotes it is a word
    ],
)
def test_only_what_may_match_is_run(expression, run_a6, run_e1):
    selection = Selection(expression)
    assert (selection.may_match(A6), selection.may_match(E1)) == (run_a6, run_e1)


def test_parts_are_judged_by_themselves():
    selection = Selection('E1 and not "L=12, w"')
    assert selection.keeps(E1, "L=1, w") and not selection.keeps(E1, "L=12, w")
    assert not selection.keeps(A6, "L=1, w")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("and", "a word is missing before and"),
        ("A6 or", "a word is missing at the end"),
        ("A6 E1", "'and' or 'or' is missing before E1"),
        ("A6 (E1)", r"'and' or 'or' is missing before \("),
        ("A6 and ()", r"a word is missing before \)"),
        ("(A6", r"'\(' was never closed"),
        ("A6)", r"unmatched '\)'"),
        ('"A6', "a double quote is not closed"),
        ("not " * 3000 + "A5", "it is nested too deeply"),
        ('""', "a phrase in quotes is empty"),
    ],
)
def test_an_unreadable_expression_says_why(expression, message):
    with pytest.raises(ArgumentError, match=message):
        Selection(expression)
