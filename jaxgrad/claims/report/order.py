"""The order in which reports have claims, and which of these are not whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jaxgrad.claims.claim import ClaimResult

__all__ = ["by_id", "cut_short"]


def by_id(result: ClaimResult) -> list[tuple[int, str]]:
    """Claims in the order of their ids, of which A2 comes before A10."""
    return [(int(part or -1), "") if k % 2 else (0, part) for k, part in _parts(result.id)]


def cut_short(results: Sequence[ClaimResult]) -> set[int]:
    """The ``id`` of each claim of which a part has no evidence: it failed, or the run was ended.

    The parts that have some are not all of what the claim says.
    """
    return {id(x.claim) for x in results if x.claim is not None and x.evidence is None}


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Words and numbers by turns, a word first."""
    return enumerate(re.split(r"(\d+)", text))
