"""Eigenvalues and singular values of small matrices, as narrow beside them as those of others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import check
from jaxgrad.errors import EnginesDisagree
from jaxgrad.gradients.witness import enclosures
from jaxgrad.interpret.rules.registry import RULES
from jaxgrad.programs.trace import trace

SYMMETRIC = np.array([[2, 1, 0.5], [1, 3, 0.25], [0.5, 0.25, -1]], np.float32)
SCALES = [1.0, 1e-8, 1e8]


def eigenvalues(a: Any) -> Any:
    return jnp.linalg.eigvalsh(a, symmetrize_input=True)


def singular_values(a: Any) -> Any:
    return jnp.linalg.svd(a, compute_uv=False)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("f", [eigenvalues, singular_values])
def test_values_are_enclosed_beside_the_matrix(f: Any, scale: float) -> None:
    a = np.float32(scale) * SYMMETRIC
    (found,) = enclosures(trace(f, (a,)), [a])
    for ball, run in zip(found, np.asarray(f(a), float), strict=True):
        assert ball.value.contains(run)
        assert ball.value.rad() < 1e-3 * scale


def test_doubled_eigenvalues_are_not_what_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES["eigh"]

    def doubled(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        vectors, values = cast(list[Any], right.meaning(interpreter, equation, inputs))
        return [vectors, values + values]

    a = np.float32(1e-8) * SYMMETRIC
    assert check(eigenvalues, (a,), budget=0).verdict.passes
    monkeypatch.setitem(RULES, "eigh", replace(right, meaning=doubled))
    with pytest.raises(EnginesDisagree):
        check(eigenvalues, (a,), budget=0)
