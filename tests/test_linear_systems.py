"""Solvers that JAX hands to a library: sparse systems, tridiagonal ones with mended pivots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental.sparse.linalg import spsolve

from jaxgrad import Ball, Verdict, check, run_over

PLACES = np.array([0, 2, 1, 0, 1, 2])
STARTS = np.array([0, 2, 3, 6])
ROWS = np.repeat(np.arange(3), np.diff(STARTS))
DATA = np.array([3, 0.5, -2, 0.25, 1.5, 4], np.float32)
RIGHT = np.array([1, -0.5, 2], np.float32)


def sparse(data: Any, b: Any) -> Any:
    return spsolve(data, PLACES, STARTS, b)


def with_rule(factor: float, turned: bool = True) -> Callable[..., Any]:
    """The sparse solver and its backward rule by hand, with a factor and without a transpose."""

    def backward(kept: Any, cotangent: Any) -> Any:
        data, x = kept
        matrix = jnp.zeros((3, 3), data.dtype).at[ROWS, PLACES].set(data)
        y = jnp.linalg.solve(matrix.T if turned else matrix, cotangent)
        return -factor * y[ROWS] * x[PLACES], y

    solve = jax.custom_vjp(sparse)
    solve.defvjp(lambda data, b: (sparse(data, b), (data, sparse(data, b))), backward)
    return solve


def test_a_sparse_system_is_what_it_computes() -> None:
    found = run_over(Ball(), sparse, DATA, RIGHT)
    assert np.allclose(np.asarray(found, float), sparse(DATA, RIGHT), rtol=1e-5)
    total = jax.grad(lambda *args: jnp.sum(sparse(*args) ** 2), argnums=(0, 1))
    count = 0
    for ours, theirs in zip(run_over(Ball(), total, DATA, RIGHT), total(DATA, RIGHT), strict=True):
        assert np.allclose(np.asarray(ours, float), theirs, rtol=1e-4)
        count += 1
    assert count == 2


def test_rules_of_a_sparse_system() -> None:
    assert check(sparse, (DATA, RIGHT), order=2, special_points=False).verdict.passes
    assert check(with_rule(1.0), (DATA, RIGHT), special_points=False).verdict.passes
    for wrong in (with_rule(1.0001), with_rule(-1.0), with_rule(1.0, turned=False)):
        found = check(wrong, (DATA, RIGHT), special_points=False)
        assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_mended_pivots(shape: tuple[int, ...]) -> None:
    def solve(below: Any, diagonal: Any, above: Any, b: Any) -> Any:
        return lax.linalg.tridiagonal_solve(below, diagonal, above, b, perturb_singular=True)

    draw = np.random.default_rng(0).normal
    below, above, b = (draw(size=(*shape, *more)).astype("f4") for more in ((), (), (1,)))
    diagonal = (3 + draw(size=shape) ** 2).astype("f4")
    args = below, diagonal, above, b
    assert check(solve, args, special_points=False).verdict.passes
    rule = jax.custom_jvp(solve)
    rule.defjvp(lambda xs, ts: (solve(*xs), solve(*xs[:3], ts[3]) * 1.0001))
    assert check(rule, args, special_points=False).verdict is Verdict.REFUTED
    empty = np.zeros((3,), np.float32), np.ones((3, 1), np.float32)
    assert not check(lambda d, b: solve(d, d, d, b), empty).verdict.passes
