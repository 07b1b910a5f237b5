"""Rules whose formula has no value at a point and whose floats go through an infinity there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check


def masked(otherwise: float) -> Callable[..., Any]:
    """x² with the slope 2x²/x, and another number where that is none."""

    @jax.custom_jvp
    def square(x: Any) -> Any:
        return x * x

    @square.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        (x,) = primals
        slope = 2 * x * x / x
        return square(x), jnp.where(jnp.isfinite(slope), slope, otherwise) * tangents[0]

    return square


@pytest.mark.parametrize("x", [np.float32(0), np.zeros(2), jnp.bfloat16(0)])
def test_a_masked_quotient(x: Any) -> None:
    assert check(masked(0.0), (x,)).verdict is Verdict.AGREES
    for wrong in (1.0, 1e-6):
        assert not check(masked(wrong), (x,)).verdict.passes
    assert not check(masked(0.0), (x,), exact=True).verdict.passes


SINGULAR = np.outer([1, 2, -1, 3], [2, 0, 1, 1]).astype(np.float32)


def test_the_determinant_of_a_matrix_of_rank_one() -> None:
    assert check(jnp.linalg.det, (SINGULAR,), special_points=False).verdict is Verdict.AGREES


def test_its_second_derivative_backward() -> None:
    """JAX gives NaN by the backward rule of the rule."""
    found = check(jnp.linalg.det, (SINGULAR,), order=2, special_points=False)
    assert found.verdict is Verdict.REFUTED
    assert np.isnan(jax.grad(lambda a: jax.grad(jnp.linalg.det)(a)[0, 0])(SINGULAR)).any()
