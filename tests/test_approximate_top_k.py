"""The approximate top k, read as the exact one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import UndecidedError, Verdict, check, check_grads, compare

X = np.array([0.3, -0.7, 1.2, 0.5], np.float32)
CHOICES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "largest": (lambda x: lax.approx_max_k(x, 2)[0], lambda x: lax.top_k(x, 2)[0]),
    "smallest": (lambda x: lax.approx_min_k(x, 2)[0], lambda x: -lax.top_k(-x, 2)[0]),
    "places": (lambda x: x[lax.approx_max_k(x, 2)[1]], lambda x: lax.top_k(x, 2)[0]),
    "columns": (
        lambda x: lax.approx_max_k(x.reshape(2, 2), 1, reduction_dimension=0)[0],
        lambda x: jnp.max(x.reshape(2, 2), 0, keepdims=True),
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_values_and_derivatives(name: str) -> None:
    f, exact = CHOICES[name]
    assert compare(f, exact, X).verdict.passes
    assert compare(f, lambda x: exact(x) + 1e-3 * x[0], X).verdict is Verdict.REFUTED
    assert check(f, (X,), budget=0).verdict is Verdict.AGREES


def test_a_wrong_rule_and_ties() -> None:
    f, _ = CHOICES["largest"]
    found = check(f, (np.float32([1, 1, 0, 1]),), budget=0)
    assert found.verdict is Verdict.AGREES
    assert found.kinks
    assert "that `approx_top_k` is exact, as it is without a TPU" in found.evidence.trusts
    planted = jax.custom_vjp(f)  # which gives all to the largest
    planted.defvjp(lambda x: (f(x), x), lambda x, g: (jnp.zeros(4).at[jnp.argmax(x)].set(g.sum()),))
    assert check(planted, (X,), modes="rev", budget=0).verdict is Verdict.REFUTED


def test_more_than_are_asked_for_are_not_read() -> None:
    with pytest.raises(UndecidedError, match="`approx_top_k` has no rule"):
        check_grads(lambda x: lax.approx_max_k(x, 2, aggregate_to_topk=False)[0], (X,))
