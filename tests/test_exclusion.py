"""How what a proof leaves out is named."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxgrad.comparison import compare
from jaxgrad.verdict import Verdict


def test_what_a_proof_leaves_out_is_named_without_writing_all_of_it() -> None:
    """Each step holds the one before twice, so the whole of the divisor has 2^60 letters."""

    def deep(x: Any) -> Any:
        for _ in range(60):
            x = jnp.tanh(x + x * x)
        return 1 / x

    found = compare(deep, lambda x: 2 / 2 * deep(x), 1.0)
    assert found.verdict is Verdict.PROVED
    assert "a divisor vanishes (2*sigmoid(4*(2*sigmoid(4*(" in found.evidence.text
    assert "…)" in found.evidence.text
    assert len(found.evidence.text) < 250
