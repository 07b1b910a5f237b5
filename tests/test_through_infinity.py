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
        assert check(masked(wrong), (x,)).verdict is Verdict.REFUTED
    assert check(masked(1.0), (x + 1,)).verdict is Verdict.REFUTED  # at a special point


SINGULAR = np.outer([1, 2, -1, 3], [2, 0, 1, 1]).astype(np.float32)


def test_the_determinant_of_a_matrix_of_rank_one() -> None:
    assert check(jnp.linalg.det, (SINGULAR,), special_points=False).verdict is Verdict.AGREES


def test_its_second_derivative_backward() -> None:
    """JAX gives NaN by the backward rule of the rule."""
    found = check(jnp.linalg.det, (SINGULAR,), order=2, special_points=False)
    assert found.verdict is Verdict.REFUTED
    assert np.isnan(jax.grad(lambda a: jax.grad(jnp.linalg.det)(a)[0, 0])(SINGULAR)).any()


CHARGES = np.array([1e4, 1e-3, 1e4], np.float32)


def coulomb(factors: Any, mask: Callable[[Any], Any]) -> Callable[..., Any]:
    """The energy of charges on a line, with a rule that masks what each has with itself."""

    def energy(x: Any) -> Any:
        apart, other = x[:, None] - x[None], ~jnp.eye(3, dtype=bool)
        inverse = jnp.where(other, 1 / jnp.abs(jnp.where(other, apart, 1)), 0)
        return jnp.sum(CHARGES[:, None] * CHARGES * inverse) / 2

    def backward(x: Any, cotangent: Any) -> Any:
        apart = x[:, None] - x[None]
        forces = -jnp.sign(apart) / (apart * apart) * CHARGES[:, None] * CHARGES
        return (cotangent * jnp.sum(jnp.where(mask(forces), 0, forces), 1) * factors,)

    rule = jax.custom_vjp(energy)
    rule.defvjp(lambda x: (energy(x), x), backward)
    return rule


@pytest.mark.parametrize("mask", [jnp.isnan, lambda t: ~jnp.isfinite(t)])
def test_a_small_entry_beside_large_ones(mask: Callable[[Any], Any]) -> None:
    x, ones = np.array([0.25, -1.25, 2.0], np.float32), np.ones(3, np.float32)
    right = check(coulomb(ones, mask), (x,), modes="rev", special_points=False)
    assert right.verdict is Verdict.AGREES
    for factors in ([1, 2, 1], [1, -1, 1], [1, 0, 1], [1.0001] * 3):
        wrong = coulomb(np.array(factors, np.float32), mask)
        found = check(wrong, (x,), modes="rev", special_points=False)
        assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.0001, False), (-1.0, False)])
def test_differences_of_eigenvalues_masked_where_they_are_0(factor: float, right: bool) -> None:
    vectors = jax.custom_jvp(lambda a: jnp.linalg.eigh(a)[1])

    @vectors.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        w, v = jnp.linalg.eigh(primals[0])
        apart = w[None, :] - w[:, None]
        inverse = jnp.where(apart == 0, 0, 1 / jnp.where(apart == 0, 1, apart))
        moved = v.T @ ((tangents[0] + tangents[0].T) / 2) @ v
        return v, factor * v @ (inverse * moved)

    matrix = np.float32([[2, 0.5], [0.5, 1]])
    found = check(vectors, (matrix,), special_points=False)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED)
