"""A conjunction is as strong as its weakest part."""

from __future__ import annotations

import pytest

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.combine import conjunction, induction
from jaxgrad.verdict import Evidence, Verdict

PARTS = {
    verdict: Evidence(
        verdict, "kind", f"it is {verdict}", {str(verdict): ("1", "2")}, "code", ("T",)
    )
    for verdict in Verdict
}

SHOWN = [Verdict.PROVED, Verdict.PROBABLE]


@pytest.mark.parametrize("first", Verdict)
@pytest.mark.parametrize("second", Verdict)
def test_every_pair(first, second):
    found = conjunction({"a": PARTS[first], "b": PARTS[second]}, "both", "decision")
    if Verdict.REFUTED in (first, second):
        assert found.verdict is Verdict.REFUTED and found.counterexample == "code"
        assert ("a" if first is Verdict.REFUTED else "b") + " is refuted" in found.text
    elif first is second is Verdict.PROVED:
        assert found == Evidence(
            Verdict.PROVED, "decision", "both", {"PROVED": ("1", "2")}, trusts=("T",)
        )
    elif {first, second} <= {*SHOWN}:
        assert found.verdict is Verdict.PROBABLE and found.kind == "decision"
        assert found.trusts == ("T",) and "it is PROBABLE" in found.text
        assert ("sum of 2 probabilities of error" in found.text) is (first is second)
    else:
        assert found.verdict is Verdict.UNDECIDED and str(found.kind) == "reason"
        assert found.text.startswith("a is" if first not in SHOWN else "b is")


@pytest.mark.parametrize("first", SHOWN)
@pytest.mark.parametrize("second", SHOWN)
def test_an_induction_is_as_strong_as_its_weaker_part(first, second):
    found = induction(PARTS[first], PARTS[second], "for every n")
    proved = first is second is Verdict.PROVED
    assert found.verdict is (Verdict.PROVED if proved else Verdict.PROBABLE)
    assert ("PROBABLE, " in found.text) is not proved


def test_nothing_is_not_true():
    with pytest.raises(ArgumentError, match="no parts"):
        conjunction({}, "nothing", "decision")
