"""A conjunction is as strong as its weakest part."""

from __future__ import annotations

import pytest

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.combine import conjunction
from jaxgrad.verdict import Evidence, Verdict

PARTS = {
    verdict: Evidence(
        verdict, "kind", f"it is {verdict}", {str(verdict): ("1", "2")}, "code", ("T",)
    )
    for verdict in Verdict
}


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
    else:
        assert found.verdict is Verdict.UNDECIDED and str(found.kind) == "reason"
        assert found.text.startswith("a is" if first is not Verdict.PROVED else "b is")


def test_nothing_is_not_true():
    with pytest.raises(ArgumentError, match="no parts"):
        conjunction({}, "nothing", "decision")
