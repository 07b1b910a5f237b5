"""Claims: what is declared, and what comes of running it."""

from __future__ import annotations

import asyncio
import functools
import gc
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from claims_support import results_of, write
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.claims.claim import Claim, claim
from jaxgrad.claims.running import run
from jaxgrad.errors import ArgumentError
from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Evidence, Verdict


def made(function, statement="s", source="", expected=Verdict.PROVED) -> Claim:
    return Claim(function, statement, source, expected, Path("toy.py"))


async def awaited() -> Evidence:
    return evidence(Verdict.PROVED)


async def awaited_parts() -> Any:
    yield "part", evidence(Verdict.PROVED)


# ------------------------------------------------------------------------------- declaring a claim


@pytest.mark.parametrize(
    ("source", "expected"),
    [("A6: the bound", "A6"), ("A6 : a : b", "A6"), ("no colon", "f"), ("", "f"), (": x", "f")],
)
def test_id_is_what_stands_before_the_first_colon(source, expected):
    def f():
        return None

    assert made(f, source=source).id == expected


def test_function_is_returned_unchanged_and_a_planted_error_flips_the_verdict():
    def bound(quarter=Fraction(1, 4)):
        holds = Fraction(1, 2) * Fraction(1, 2) <= quarter
        return Evidence(Verdict.PROVED if holds else Verdict.REFUTED, "decision", "s(1-s)")

    declared = claim("s(1 - s) <= 1/4")(bound)
    assert declared is bound
    assert declared().verdict is Verdict.PROVED
    assert declared(quarter=Fraction(1, 5)).verdict is Verdict.REFUTED
    [result] = run(made(lambda: bound(quarter=Fraction(1, 5))))
    assert not result.as_expected


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: claim(lambda: None), "the statement must be text"),  # pyright: ignore
        (lambda: claim("  "), "the statement must be text"),
        (lambda: claim("s", source=None), 'source must be .*source="A6: where it'),  # pyright: ignore
        (lambda: claim("s", picture=len), 'picture must be .*picture="module:fun'),  # pyright: ignore
        (lambda: claim("s", expect="PROVED"), "must be a Verdict such as"),  # pyright: ignore
        (lambda: claim("s")(3), "only a function can be a claim, got int 3"),  # pyright: ignore
        (lambda: claim("s")(int), "only a function can be a claim, got type"),
        (lambda: claim("s")(lambda x, y=1: x), "x has no default"),
        (
            lambda: claim("s")(awaited),
            "awaited is written with `async def`, and nobody awaits it; wri",
        ),
        (
            lambda: claim("s")(awaited_parts),
            r"`async def`.*of its own: asyncio\.run\(measured\(\)\)",
        ),
    ],
)
def test_what_cannot_be_a_claim_is_refused_at_once(attempt, message):
    with pytest.raises(ArgumentError, match=message):
        attempt()


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (
            lambda: claim("S1", "text"),  # pyright: ignore
            "claim: too many positional arguments in claim('S1', 'text'); the statement alone "
            'stands without a name: write @claim("what is claimed", source="S1: where it is '
            'claimed"), of which S1 is the id, beside it expect=Verdict.REFUTED or picture=',
        ),
        (lambda: claim(), "claim: missing a required argument: 'statement' in claim(); "),  # pyright: ignore
        (
            lambda: claim("s", "PROVED", id="S1"),  # pyright: ignore
            "claim: too many positional arguments in claim('s', 'PROVED', id='S1'); ",
        ),
        (
            lambda: claim("s", expects=Verdict.REFUTED),  # pyright: ignore
            "claim: got an unexpected keyword argument 'expects' in claim('s', expects=<Verdict.",
        ),
    ],
)
def test_a_call_of_another_form_is_refused_and_says_how_a_claim_is_written(attempt, message):
    with pytest.raises(ArgumentError) as raised:
        attempt()
    assert str(raised.value).startswith(message)
    assert raised.value.__cause__ is None and raised.value.__context__ is None


def test_a_call_of_another_form_in_a_proof_module_hides_no_other_claim(tmp_path):
    path = write(
        tmp_path,
        "forms.py",
        """
        @claim("S1", "text")
        def wrong():
            return None

        @claim("right")
        def right():
            return said(Verdict.PROVED)
        """,
    )
    refused, declared = results_of(path)
    assert "too many positional arguments in claim('S1', 'text')" in str(refused.error)
    assert declared.as_expected


# --------------------------------------------------------------------------------- running a claim


def evidence(verdict: Verdict) -> Evidence:
    return Evidence(verdict, "decision", "text")


# Which verdicts count where one is expected: those that pass for a weaker one that does.
COUNT = {
    Verdict.PROVED: {Verdict.PROVED},
    Verdict.PROBABLE: {Verdict.PROVED, Verdict.PROBABLE},
    Verdict.AGREES: {Verdict.PROVED, Verdict.PROBABLE, Verdict.AGREES},
    Verdict.REFUTED: {Verdict.REFUTED},
    Verdict.UNDECIDED: {Verdict.UNDECIDED},
}


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.sampled_from(Verdict))
@settings(deadline=None)
def test_every_part_has_its_own_result_in_order(verdicts, expected):
    def parts():
        for number, verdict in enumerate(verdicts):
            yield number, evidence(verdict)

    results = list(run(made(parts, expected=expected)))
    assert [(r.part, r.verdict) for r in results] == [(str(n), v) for n, v in enumerate(verdicts)]
    assert [r.as_expected for r in results] == [verdict in COUNT[expected] for verdict in verdicts]
    assert [r.undecided for r in results] == [
        verdict is Verdict.UNDECIDED is not expected for verdict in verdicts
    ]


def test_seconds_are_those_of_the_part_alone(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("jaxgrad.claims.running.time.perf_counter", lambda: now[0])

    def parts():
        for part, cost in (("a", 2.0), ("b", 5.0)):
            now[0] += cost
            yield part, evidence(Verdict.PROVED)

    seconds = []
    for result in run(made(parts)):
        seconds.append(result.seconds)
        now[0] += 100.0  # what the reader of the results does is not the claim's time
    assert seconds == [2.0, 5.0]


class Comparison:
    """Stands for any object with a verdict and evidence."""

    def __init__(self, verdict, evidence):
        self.verdict, self.evidence = verdict, evidence


def test_any_object_with_verdict_and_evidence_will_do():
    outcome = Comparison(Verdict.AGREES, evidence(Verdict.AGREES))
    [result] = run(made(lambda: outcome, expected=Verdict.AGREES))
    assert result.as_expected and result.evidence is outcome.evidence


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (None, "the claim returned None; return an object with verdict and evidence"),
        (True, "the claim returned bool True;"),
        ("PROVED", "the claim returned str 'PROVED';"),
        ([], "the claim yielded no part, so nothing was checked"),
        ([evidence(Verdict.PROVED)], "the claim yielded Evidence"),
        ([("a", None)], "got None, which lacks a verdict or evidence"),
        (Comparison(Verdict.PROVED, "text"), "which lacks a verdict or evidence"),
        (Comparison("PROVED", evidence(Verdict.PROVED)), "which lacks a verdict or evidence"),
        (
            Comparison(Verdict.PROVED, evidence(Verdict.AGREES)),
            "the verdict is PROVED, but the evidence says AGREES",
        ),
    ],
)
def test_what_is_no_evidence_is_an_error_with_a_clear_text(outcome, message):
    [result] = run(made(lambda: outcome))
    assert result.verdict is None and not result.as_expected
    assert message in str(result.error)


def test_a_bad_part_does_not_hide_the_next():
    def parts():
        yield "bad", None
        yield "good", evidence(Verdict.PROVED)

    assert [(r.part, r.as_expected) for r in run(made(parts))] == [("bad", False), ("good", True)]


@pytest.mark.parametrize("unawaited", [awaited, awaited_parts])
def test_what_nobody_awaits_is_an_error_that_says_so(unawaited: Any) -> None:
    """And no warning of Python's, which are errors here."""

    def parts() -> Any:
        yield "bad", unawaited()
        yield "good", evidence(Verdict.PROVED)

    for found in (next(run(made(unawaited))), next(run(made(parts)))):
        assert found.verdict is None and "which nobody awaits; await it in a fu" in str(found.error)
        gc.collect()
    assert [result.as_expected for result in run(made(parts))] == [False, True]


def test_what_is_awaited_within_a_claim_is_its_own_affair() -> None:
    @functools.wraps(awaited)
    def waiting() -> Evidence:
        return asyncio.run(awaited())

    assert claim("s")(waiting) is waiting
    assert [result.as_expected for result in run(made(waiting))] == [True]


def test_two_parts_of_one_name_are_an_error():
    def parts(names):
        for name in names:
            yield name, evidence(Verdict.PROVED)

    *right, wrong = run(made(lambda: parts("aba")))
    assert [result.part for result in right] == ["a", "b"]
    assert wrong.error == "two parts have the name 'a'; give each part one of its own"
    assert not wrong.as_expected and all(x.as_expected for x in run(made(lambda: parts("abc"))))


class Odd(BaseException):
    """No Exception, as are the outcomes of several frameworks."""


@pytest.mark.parametrize(
    "error",
    [ValueError("boom"), SystemExit(3), AssertionError("boom"), GeneratorExit(), Odd("boom")],
)
def test_an_exception_is_a_result(error):
    def raises():
        yield "before", evidence(Verdict.PROVED)
        raise error

    first, second = run(made(raises))
    assert first.as_expected
    assert second.error and second.error.startswith("the claim raised, after 1 of its parts")
    assert type(error).__name__ in second.error and "raise error" in second.error


def test_a_keyboard_interrupt_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(made(interrupted)))
    [result] = run(made(interrupted), through=())
    assert "KeyboardInterrupt" in str(result.error)


def test_a_reader_may_leave_at_any_part():
    left = []

    def parts():
        try:
            yield "a", evidence(Verdict.PROVED)
            yield "b", evidence(Verdict.PROVED)
        finally:
            left.append(True)

    results = run(made(parts))
    assert next(results).part == "a"
    results.close()  # type: ignore
    assert left == [True] and list(results) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("kind", None, "its kind must be text, got None"),
        ("text", b"x", "its text must be text, got bytes"),
        ("enclosures", {"x": (1, 2)}, "its enclosures must be a mapping of names to two"),
        ("enclosures", {"x": ("1",)}, "its enclosures must be a mapping of names to two"),
        ("enclosures", [("x", ("1", "2"))], "its enclosures must be a mapping of names to two"),
        ("counterexample", 1, "its counterexample must be text or None, got int 1"),
        ("trusts", "Arb", "its trusts must be texts, got str 'Arb'"),
    ],
)
def test_evidence_that_cannot_be_reported_is_an_error(field, value, message):
    fields = {"kind": "decision", "text": "text", field: value}
    [result] = run(made(lambda: Evidence(Verdict.PROVED, **fields)))
    assert result.evidence is None and message in str(result.error)


def test_a_long_message_and_notes_do_not_bury_the_rest():
    def raises():
        error = ValueError("\n".join(f"line {n}" for n in range(1000)))
        error.add_note("a note")
        raise error

    [result] = run(made(raises))
    assert len(str(result.error).splitlines()) < 25
    assert "line 3" in str(result.error) and "a note" not in str(result.error)


def test_the_traceback_names_the_proof_module_and_where_it_was_raised(tmp_path):
    body = """\
        import json

        @claim("s", source="X1: x")
        def raises():
            json.loads("{")
    """
    [result] = results_of(write(tmp_path, "raises.py", body))
    assert result.error is not None
    assert 'json.loads("{")' in result.error and "decoder.py" in result.error
    assert "jaxgrad/claims/running.py" not in result.error
    assert result.error.splitlines()[-1].startswith("json.decoder.JSONDecodeError")


def test_what_a_claim_returns_after_it_has_yielded_is_an_error() -> None:
    def parts() -> Any:
        yield "one", Evidence(Verdict.PROVED, "decision", "checked")
        return Evidence(Verdict.REFUTED, "decision", "false")

    declared = Claim(parts, "both", "", Verdict.PROVED, Path("both.py"))
    first, second = run(declared)
    assert first.as_expected and not second.as_expected
    assert "yields its parts and then returns" in str(second.error)


# -------------------------------------------------------------------- parts of different strengths


@pytest.mark.parametrize(
    ("error", "expected", "as_expected"),
    [
        (0.0, Verdict.PROBABLE, [True, True]),
        (0.0, Verdict.AGREES, [True, True]),
        (0.0, Verdict.PROVED, [True, False]),
        (1e-3, Verdict.PROBABLE, [False, False]),
        (1e-3, Verdict.AGREES, [False, False]),
    ],
)
def test_parts_may_be_proved_and_probable_and_a_planted_error_flips_both(
    error: float, expected: Verdict, as_expected: list[bool]
) -> None:
    def hand(x: Any) -> Any:
        return (1 + error) * 2 * x * jnp.exp(x**2)

    def auto(x: Any) -> Any:
        return jax.grad(lambda x: jnp.exp(x**2).sum())(x)

    def parts() -> Any:
        yield "few", compare(hand, auto, jnp.ones(2))
        yield "many", compare(hand, auto, jnp.linspace(0, 1, 1100))

    assert [result.as_expected for result in run(made(parts, expected=expected))] == as_expected
