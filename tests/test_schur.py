"""Schur forms: enclosures, series, what is free in them, and rules for what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxgrad import Verdict, check
from jaxgrad.errors import CannotDecide
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.gradients.witness import enclosures, hold_program
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.vector_choice import free_vectors
from jaxgrad.programs.real_parts import of_parts, parted
from jaxgrad.programs.trace import trace

REAL = np.array([[2.75, -1.25, 0.125], [-0.5, 3.625, 0.875], [0.25, 1.375, 4.5]])
TURNING = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.25], [-1.0, 0.5, 1.0]])  # two conjugate ones
COMPLEX = np.array([[0.5, -1.25 + 1j], [2.0 - 0.5j, 0.75j]])


def schur(a: Any) -> tuple[Any, Any]:
    t, z = lax.linalg.schur(a)
    return t, z


# -- enclosures ------------------------------------------------------------------------------------
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4))
def test_a_real_form_is_lapacks(seed: int, n: int) -> None:
    """Order, signs and blocks; with many bits A = ZTZᵀ to as many."""
    a = np.random.default_rng(seed).normal(size=(n, n))
    with precision(200), jax.enable_x64(True):
        t, z = run_over(Ball(), schur, a)
        ours = np.array([[float(x.mid()) for x in each.flat] for each in (t, z)])
        theirs = np.array([np.ravel(x) for x in schur(jnp.asarray(a))])
        product = Ball().matmul(z, Ball().matmul(t, z.T)) - Ball().constants(a)
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    assert all(x.contains(0) and x.rad() < 1e-30 for x in product.flat)
    assert all(t[i, j].is_zero() for i in range(n) for j in range(i - 1))


def test_complex_phases_are_those_of_a_run_or_drawn() -> None:
    program = of_parts(schur)
    with pytest.raises(CannotDecide, match="the phases of Schur vectors"):
        run_over(Ball(), program, *parted((COMPLEX,)))
    with jax.enable_x64(True):
        theirs = np.concatenate([np.ravel(x) for x in schur(jnp.asarray(COMPLEX))])
        found = []
        for drawn in (False, True):
            with free_vectors(drawn) as choice:
                leaves = jax.tree.leaves(run_over(Ball(), program, *parted((COMPLEX,))))
            assert choice.met
            real, imag = (
                np.array([float(x.mid()) for each in leaves[k::2] for x in np.ravel(each)])
                for k in range(2)
            )
            found.append(real + 1j * imag)
    np.testing.assert_allclose(found[0], theirs, atol=1e-12)
    assert abs(found[1] - theirs).max() > 0.1
    np.testing.assert_allclose(abs(found[1]), abs(theirs), atol=1e-12)


@pytest.mark.parametrize("a", [REAL, TURNING])
def test_what_floats_return_is_inside(a: np.ndarray) -> None:
    program = trace(schur, (a.astype(np.float32),))
    assert hold_program("schur", program, [a.astype(np.float32)]).held == 18
    (_, z), (_, floats) = enclosures(program, [a.astype(np.float32)]), schur(jnp.asarray(a))
    turned = [x.value.contains(-float(y)) for x, y in zip(z.flat, np.ravel(floats), strict=True)]
    assert not any(turned)


def test_a_block_that_is_one_in_every_basis_is_refused() -> None:
    with pytest.raises(CannotDecide, match="one in every basis"):
        run_over(Ball(), schur, np.array([[0.5, -1.0], [1.0, 0.5]]))


def _residuals(a: Any) -> Any:
    t, z = schur(a)
    return z @ t @ z.T - a, z.T @ z - jnp.eye(len(a))


@pytest.mark.parametrize("a", [REAL, TURNING])
def test_series_of_forms_solve_their_equation(a: np.ndarray) -> None:
    """Each coefficient of ZTZᵀ − A and of ZᵀZ − 1 vanishes."""
    with precision(200), jax.enable_x64(True):
        found = one_sided_derivatives(_residuals, (a,), (a[::-1] - 0.5,), order=2)
    entries = [
        x for side in (found.left, found.right) for leaf in side for part in leaf for x in part.flat
    ]
    assert len(entries) == 2 * 2 * 3 * 9
    assert all(x.contains(0) and x.rad() < 1e-20 for x in entries)


# -- rules -----------------------------------------------------------------------------------------
def _form_and_vectors(scale: float) -> Callable[..., Any]:
    """With the rule by hand: Z'dA Z = dT + WT − TW with W skew, which is Z'dZ."""
    function = jax.custom_jvp(schur)

    def rule(primals: Any, tangents: Any) -> Any:
        t, z = schur(*primals)
        n, moved = len(t), z.T @ tangents[0] @ z
        below = np.tril_indices(n, -1)
        units = [np.zeros((n, n), np.float32) for _ in below[0]]
        for unit, i, j in zip(units, *below, strict=True):
            unit[i, j], unit[j, i] = 1, -1
        system = jnp.stack([(w @ t - t @ w)[below] for w in units], axis=1)
        w = jnp.tensordot(jnp.linalg.solve(system, moved[below]), np.stack(units), 1)
        return (t, z), (scale * jnp.triu(moved - w @ t + t @ w), z @ w)

    function.defjvp(rule)
    return function


def _logarithm_of_determinant(scale: float) -> Callable[..., Any]:
    """By the complex form, whose phases change nothing."""

    @jax.custom_vjp
    def function(a: Any) -> Any:
        values = jnp.diagonal(schur(a.astype(jnp.complex64))[0])
        return jnp.sum(jnp.log(values.real**2 + values.imag**2)) / 2

    function.defvjp(lambda a: (function(a), a), lambda a, g: (scale * g * jnp.linalg.inv(a).T,))
    return function


MADE_OF_FORMS = {
    "the form itself": (_form_and_vectors, REAL),
    "a determinant": (_logarithm_of_determinant, TURNING),
}


@pytest.mark.parametrize("name", MADE_OF_FORMS)
def test_rules_for_what_is_made_of_forms_are_judged(name: str) -> None:
    made, a = MADE_OF_FORMS[name]
    for scale, verdict in ((1.0, Verdict.AGREES), (1.001, Verdict.REFUTED)):
        modes = ("fwd",) if name == "the form itself" else ("rev",)
        found = check(made(scale), (a.astype(np.float32),), modes=modes, special_points=False)
        assert found.verdict is verdict, str(found)


@pytest.mark.parametrize("name", ["sqrtm", "solve_sylvester"])
def test_functions_of_jax_that_are_made_of_forms(name: str) -> None:
    """They have no derivative of their own."""
    a = REAL[:2, :2].astype(np.float32)

    def root(a: Any) -> Any:
        return jax.scipy.linalg.sqrtm(a).real

    def solved(a: Any) -> Any:
        return jax.scipy.linalg.solve_sylvester(a, a, jnp.eye(2))

    function = jax.custom_jvp(root if name == "sqrtm" else solved)

    def rule(primals: Any, tangents: Any) -> Any:
        (a,), (t,), x = primals, tangents, function(*primals)
        factor = x if name == "sqrtm" else a
        right = t if name == "sqrtm" else -(t @ x + x @ t)
        both = jnp.kron(factor, jnp.eye(2)) + jnp.kron(jnp.eye(2), factor.T)
        return x, jnp.linalg.solve(both, right.reshape(-1)).reshape(2, 2)

    function.defjvp(rule)
    assert check(function, (a,), modes=("fwd",), special_points=False).verdict is Verdict.AGREES


def test_what_depends_on_phases_is_undecided() -> None:
    function = jax.custom_jvp(lambda a: schur(a.astype(jnp.complex64))[1][0, 0].real)
    function.defjvp(lambda xs, ts: (function(*xs), jnp.sum(ts[0])))
    found = check(function, (TURNING.astype(np.float32),), special_points=False)
    assert found.verdict is Verdict.UNDECIDED
    assert "the phases of complex Schur vectors" in found.evidence.text
