"""For the tests of PROBABLE: how little makes polynomials stop, and what is said of the error."""

from __future__ import annotations

import re

from jaxgrad.gradients.identity import Budget

FEW = Budget(terms=1, work=1, generators=8)
"""So little that polynomials stop at once."""


def bits_of_error(text: str) -> int:
    """k where a text says that the probability of an error is at most 2^-k."""
    found = re.search(r"up to a probability of error of 2\^-(\d+) \(random residues\)", text)
    assert found is not None, text
    return int(found[1])
