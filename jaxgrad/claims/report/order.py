"""The order in which reports have claims."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jaxgrad.claims.claim import ClaimResult

__all__ = ["by_id"]


def by_id(result: ClaimResult) -> list[tuple[int, str]]:
    """Claims in the order of their ids, of which A2 comes before A10."""
    return [(int(part or -1), "") if k % 2 else (0, part) for k, part in _parts(result.id)]


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Words and numbers by turns, a word first."""
    return enumerate(re.split(r"(\d+)", text))
