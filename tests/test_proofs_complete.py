"""proofs/ has a claim for every statement of the document, and says nothing of its own."""

from __future__ import annotations

from pathlib import Path

from jaxgrad.claims.proof_modules import collect
from jaxgrad.verdict import Verdict

PROOFS = Path(__file__).parent.parent / "proofs"
SECTIONS = {"A": 9, "B": 2, "C": 3, "D": 3, "E": 2, "F": 7}
WRONG_AS_WRITTEN = ("C1", "E2", "F7")


def test_every_claim_of_the_document_is_there() -> None:
    collection = collect([PROOFS])
    assert not collection.failures
    expected = {f"{letter}{n}" for letter, most in SECTIONS.items() for n in range(1, most + 1)}
    assert {claim.id for claim in collection.claims} == expected


def test_a_claim_that_is_wrong_stands_beside_its_correction() -> None:
    claims = collect([PROOFS]).claims
    for name in WRONG_AS_WRITTEN:
        verdicts = [claim.expected for claim in claims if claim.id == name]
        assert Verdict.REFUTED in verdicts
        assert Verdict.PROVED in verdicts


def test_no_claim_expects_to_stay_undecided() -> None:
    assert all(claim.expected is not Verdict.UNDECIDED for claim in collect([PROOFS]).claims)
