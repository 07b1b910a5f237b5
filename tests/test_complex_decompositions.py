"""Decompositions of complex matrices, and eigenvalues of those that are not symmetric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import acb, acb_mat, arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxgrad import Verdict, check
from jaxgrad.errors import CannotDecide, EnginesDisagree
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.gradients.witness import hold_program
from jaxgrad.interpret.rules.registry import RULES
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.eigenvalues import complex_eigenpairs, hermitian_eigenpairs
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.complex_structure import MATRIX_IN_PARTS
from jaxgrad.programs.real_parts import of_parts, parted
from jaxgrad.programs.trace import trace


def drawn(seed: int, *shape: int, real: bool = False) -> np.ndarray:
    generator = np.random.default_rng(seed)
    found = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    return found.real if real else found


def hermitian(seed: int, n: int) -> np.ndarray:
    a = drawn(seed, n, n)
    return a + a.conj().T


def thin_svd(a: Any) -> Any:
    return tuple(jnp.linalg.svd(a, full_matrices=False))


def eig(a: Any) -> Any:
    return tuple(lax.linalg.eig(a, enable_eigvec_derivs=True))


ROTATION = np.array([[1.0, -2.0], [1.5, 0.5]])  # of two eigenvalues that are conjugate
FUNCTIONS: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "qr": (lambda a: tuple(jnp.linalg.qr(a)), drawn(0, 2, 2)),
    "eigh": (lambda a: tuple(jnp.linalg.eigh(a)), hermitian(1, 2)),
    "eigh of the upper triangle": (lambda a: tuple(jnp.linalg.eigh(a, "U")), hermitian(2, 2)),
    "tall svd": (thin_svd, drawn(3, 3, 2)),
    "wide svd": (thin_svd, drawn(4, 2, 3)),
    "eig": (eig, drawn(5, 2, 2)),
    "eig of a real matrix": (eig, ROTATION),
    "eigvals": (jnp.linalg.eigvals, drawn(6, 3, 3)),
    "eigvals of a real matrix": (jnp.linalg.eigvals, drawn(7, 3, 3, real=True)),
}
seeds = st.integers(0, 2**32 - 1)


def single(a: np.ndarray) -> np.ndarray:
    return a.astype(np.complex64 if np.iscomplexobj(a) else np.float32)


# -- enclosures ------------------------------------------------------------------------------------
def balls(a: np.ndarray, radius: float = 0.0) -> np.ndarray:
    around = acb(arb(0, radius), arb(0, radius))
    return objects((acb(complex(x)) + around for x in a.flat), a.shape)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, n=st.integers(1, 5), bits=st.sampled_from([53, 200]))
def test_eigenpairs_are_enclosed(seed: int, n: int, bits: int) -> None:
    a = drawn(seed, n, n)
    with precision(bits):
        values, vectors = complex_eigenpairs(balls(a))
        matrix, basis = (acb_mat(x.tolist()) for x in (balls(a), vectors))
        residual = matrix * basis - basis * acb_mat(np.diag(values).tolist())
        assert residual.contains(acb_mat(n, n))
        assert all(x.real.rad() < arb(2) ** (24 - bits) for x in (*values, *vectors.flat))


@settings(max_examples=10, deadline=None)
@given(seed=seeds, n=st.integers(2, 4))
def test_every_matrix_of_balls_is_meant(seed: int, n: int) -> None:
    a, radius = hermitian(seed, n), 1e-7
    moved = a + radius / 4 * np.sign(hermitian(seed + 1, n).real)
    try:
        values, vectors = hermitian_eigenpairs(balls(a, radius), 0)
    except CannotDecide:
        return  # two of them are close
    exact, columns = hermitian_eigenpairs(balls(moved), 0)
    assert all(x.contains(y) for x, y in zip(values, exact, strict=True))
    same = [x.contains(y) for x, y in zip(vectors.flat, columns.flat, strict=True)]
    assert len(same) == n * n and all(same)


# -- what JAX returns ------------------------------------------------------------------------------
@pytest.mark.parametrize("wide", [False, True], ids=["complex64", "complex128"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_floats_return_is_inside(name: str, wide: bool) -> None:
    """Of badly scaled matrices, too, which LAPACK balances before it looks for eigenvalues."""
    function, a = FUNCTIONS[name]
    held = 0
    with jax.enable_x64(wide):
        for seed in range(6):
            scales = 2.0 ** np.random.default_rng(seed).integers(-8, 8, a.shape[-1])
            moved = a * scales if name not in ("eigh", "eigh of the upper triangle") else a + seed
            args = parted((moved if wide else single(moved),))
            program = trace(of_parts(function), args)
            held += hold_program(name, program, jax.tree.leaves(args)).held > 0
    assert held >= 3


def _turned(parts: Any) -> Any:
    """Vectors that are turned by a phase are eigenvectors, but not those of the run."""
    real, imag, *rest = parts
    return [imag, -real, *rest]


_MISREAD: dict[str, tuple[str, Callable[[list[Any]], list[Any]]]] = {
    "qr": ("qr", _turned),
    "eigh": ("eigh", _turned),
    "tall svd": ("svd", lambda parts: [parts[0], *_turned(parts[1:])]),
    "eig": ("eig", lambda parts: [*parts[:4], *_turned(parts[4:])]),
    "eigvals": ("eig", lambda parts: [parts[0], -parts[1], *parts[2:]]),
}


@pytest.mark.parametrize("name", _MISREAD)
def test_what_is_misread_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right, (function, a) = RULES[MATRIX_IN_PARTS], FUNCTIONS[name]
    primitive, change = _MISREAD[name]

    def wrong(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        found = cast("list[Any]", right.meaning(interpreter, equation, inputs))
        return change(found) if equation.params["name"] == primitive else found

    assert check(function, (single(a),), budget=0).verdict.passes
    monkeypatch.setitem(RULES, MATRIX_IN_PARTS, replace(right, meaning=wrong))
    with pytest.raises(EnginesDisagree, match="misreads an operation"):
        check(function, (single(a),), budget=0)


# -- what is not decided ---------------------------------------------------------------------------
REFUSED: dict[str, tuple[Callable[..., Any], np.ndarray, str]] = {
    "dependent columns": (jnp.linalg.qr, np.ones((2, 2)), "columns are dependent"),
    "repeated eigenvalues": (jnp.linalg.eigh, np.eye(2), "too close to be told apart"),
    "a Jordan block": (eig, np.triu(np.ones((2, 2))), "too close to be told apart"),
    "repeated singular values": (thin_svd, np.eye(2), "too close to be told apart"),
    "a singular value of 0": (thin_svd, np.ones((2, 2)), "singular value that is 0"),
    "a phase": (jnp.linalg.eigh, np.diag([1.0, 2.0]), "the phase of an eigenvector"),
    "two largest entries": (eig, np.array([[0, 1], [1j, 0]]), "how an eigenvector is scaled"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_unique_is_refused(name: str) -> None:
    function, a, text = REFUSED[name]
    found = check(function, (a.astype(np.complex64),), special_points=False)
    assert found.verdict is Verdict.UNDECIDED
    assert text in found.evidence.text


def test_a_real_eigenvalue_of_a_real_matrix_is_real() -> None:
    real, imag = run_over(Ball(), jnp.linalg.eigvals, np.diag([1.0, 2, 3]) + np.tri(3))[:2]
    assert [x.is_zero() for x in np.ravel(imag)] == [True] * 3
    assert sorted(round(float(x), 9) for x in np.ravel(real)) == [2, 3, 4]


# -- series ----------------------------------------------------------------------------------------
def _residuals(a: Any) -> Any:
    values, left, right = lax.linalg.eig(a)
    hermitian = a + a.conj().T
    u, s, v = thin_svd(a)
    w, x = jnp.linalg.eigh(hermitian)
    q, r = jnp.linalg.qr(a)
    return (
        a @ right - right * values,
        left.conj().T @ a - values[:, None] * left.conj().T,
        jnp.sum(abs(right) ** 2, axis=0) - 1,
        (u * s) @ v - a,
        hermitian @ x - x * w,
        x.conj().T @ x - jnp.eye(2),
        q @ r - a,
        q.conj().T @ q - jnp.eye(2),
        jnp.diag(r).imag,
    )


@pytest.mark.parametrize("order", [1, 2])
def test_series_solve_their_equations(order: int) -> None:
    def residuals(x: Any, y: Any) -> Any:
        found = _residuals(lax.complex(x, y))
        return [part for leaf in found for part in (jnp.real(leaf), jnp.imag(leaf))]

    a, v = drawn(8, 2, 2), drawn(9, 2, 2)
    with jax.enable_x64(True):
        found = one_sided_derivatives(residuals, (a.real, a.imag), (v.real, v.imag), order=order)
    sides = [found.left, found.right]
    entries = [x for side in sides for leaf in side for part in leaf for x in np.ravel(part)]
    assert len(entries) > 2 * (order + 1) * 50
    assert all(x.contains(0) and x.rad() < 1e-10 for x in entries)


# -- rules -----------------------------------------------------------------------------------------
def changed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose rule is JAX's, with changed tangents."""

    def plain(a: Any) -> tuple[Any, ...]:
        return tuple(jax.tree.leaves(function(a)))

    wrapped = jax.custom_jvp(plain)
    wrapped.defjvp(lambda xs, ts: (plain(*xs), change(jax.jvp(plain, xs, ts)[1])))
    return wrapped


CHANGES: dict[str, Callable[[Any], Any]] = {
    "none": lambda ts: ts,
    "scaled": lambda ts: (*ts[:-1], ts[-1] * (1 + 1e-5)),
    "negated": lambda ts: (-ts[0], *ts[1:]),
    "conjugated": lambda ts: tuple(t.conj() for t in ts),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["qr", "eigh", "wide svd", "eig", "eigvals"])
def test_wrong_rules_are_refuted(name: str, change: str) -> None:
    function, a = FUNCTIONS[name]
    found = check(changed(function, CHANGES[change]), (single(a),), special_points=False)
    assert found.verdict is (Verdict.AGREES if change == "none" else Verdict.REFUTED)


@pytest.mark.parametrize("wide", [False, True], ids=["complex64", "complex128"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_jaxs_own_rules_agree(name: str, wide: bool) -> None:
    function, a = FUNCTIONS[name]
    with jax.enable_x64(wide):
        assert check(function, (a if wide else single(a),), special_points=False).verdict.passes


@pytest.mark.parametrize("name", ["qr", "eig", "eigvals of a real matrix"])
def test_second_derivatives_and_special_points(name: str) -> None:
    function, a = FUNCTIONS[name]
    assert check(function, (single(a),), order=2).verdict.passes


MADE_OF_DECOMPOSITIONS: dict[str, Callable[..., Any]] = {
    "pinv": jnp.linalg.pinv,
    "lstsq": lambda a: jnp.linalg.lstsq(a, a[:, 0] ** 2)[0],
    "cond": jnp.linalg.cond,
    "the nuclear norm": lambda a: jnp.linalg.norm(a, "nuc"),
    "the spectral norm": lambda a: jnp.linalg.norm(a, 2),
    "a root": lambda a: _root(a.conj().T @ a),
    "a batch": lambda a: jnp.linalg.eigvalsh(jnp.stack([a + a.conj().T, a @ a.conj().T])),
    "a characteristic polynomial": lambda a: jnp.poly(a),
    "a spectral radius": lambda a: jnp.max(jnp.abs(jnp.linalg.eigvals(a))),
}


def _root(a: Any) -> Any:
    values, vectors = jnp.linalg.eigh(a)
    return (vectors * jnp.sqrt(values)) @ vectors.conj().T


@pytest.mark.parametrize("scale", [1.0, 1.001])
@pytest.mark.parametrize("name", MADE_OF_DECOMPOSITIONS)
def test_functions_that_are_made_of_decompositions(name: str, scale: float) -> None:
    wrong = changed(MADE_OF_DECOMPOSITIONS[name], lambda ts: tuple(scale * t for t in ts))
    found = check(wrong, (single(drawn(10, 2, 2)),), special_points=False)
    assert found.verdict is (Verdict.AGREES if scale == 1 else Verdict.REFUTED)
