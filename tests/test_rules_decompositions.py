"""Decompositions of matrices: reflections, eigenvalues, singular values, and rules for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, arb_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked

from jaxgrad import Verdict, check
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.gradients.witness import enclosures, hold_program, program_floats
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers import vector_signs
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.eigenvalues import eigenpairs
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

SQUARE = np.array([[0.5, -1.25], [2.0, 0.75]], np.float32)
TALL = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.25], [-1.0, 0.5, 1.0], [0.25, 2.0, 0.5]])
SYMMETRIC = TALL[:3] + TALL[:3].T


# -- enclosures ------------------------------------------------------------------------------------
seeds = st.integers(0, 2**32 - 1)


def _symmetric(seed: int, n: int) -> np.ndarray:
    a = np.random.default_rng(seed).normal(size=(n, n))
    return a + a.T


@settings(max_examples=10, deadline=None)
@given(seed=seeds, n=st.integers(1, 5), bits=st.sampled_from([53, 128, 300]))
def test_eigenpairs_are_enclosed(seed: int, n: int, bits: int) -> None:
    """What is found with more bits lies inside, and A V = V diag(λ)."""
    a = _symmetric(seed, n)
    with precision(bits):
        values, vectors = eigenpairs(Ball().constants(a))
        assert max(x.rad() for x in (*values, *vectors.flat)) < arb(2) ** (20 - bits)
        basis = arb_mat(vectors.tolist())
        residual = arb_mat(a.tolist()) * basis - basis * arb_mat(np.diag(values).tolist())
        assert all(x.contains(0) for x in residual.entries())
    with precision(2 * bits):
        finer, columns = eigenpairs(Ball().constants(a))
    assert all(x.contains(y) for x, y in zip(values, finer, strict=True))
    for i in range(n):
        same = [x.contains(y) for x, y in zip(vectors[:, i], columns[:, i], strict=True)]
        other = [x.contains(-y) for x, y in zip(vectors[:, i], columns[:, i], strict=True)]
        assert all(same) or all(other)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, n=st.integers(2, 4))
def test_every_matrix_of_balls_is_meant(seed: int, n: int) -> None:
    """Of matrices inside the balls the eigenvalues are inside, and so are the vectors."""
    a, radius = _symmetric(seed, n), 1e-7
    moved = a + radius / 2 * np.sign(_symmetric(seed + 1, n))
    wide = objects((x + arb(0, radius) for x in Ball().constants(a).flat), a.shape)
    try:
        values, vectors = eigenpairs(wide)
    except CannotDecide:
        return  # two of them are close
    exact, columns = eigenpairs(Ball().constants(moved))
    assert all(x.contains(y) for x, y in zip(values, exact, strict=True))
    sides = [(vectors[:, i] * columns[:, i]).sum() for i in range(n)]
    columns = columns * np.array([1 if side > 0 else -1 for side in sides])
    assert all(x.contains(y) for x, y in zip(vectors.flat, columns.flat, strict=True))


@pytest.mark.parametrize("a", [np.eye(2), np.zeros((3, 3)), np.diag([1.0, 2.0, 1.0])])
def test_eigenvalues_that_are_the_same_are_refused(a: np.ndarray) -> None:
    with pytest.raises(CannotDecide, match="too close to be told apart"):
        eigenpairs(Ball().constants(a))
    wide = objects((x + arb(0, 1) for x in Ball().constants(np.diag([1.0, 2.0])).flat), (2, 2))
    with pytest.raises(CannotDecide, match="too close to be told apart"):
        eigenpairs(wide)


def test_eigenvalues_as_close_as_floats_are_told_apart() -> None:
    a = np.array([[1.0, 2.0**-40], [2.0**-40, 1.0]])
    with precision(128):
        values, _ = eigenpairs(Ball().constants(a))
    assert all(
        (x - y).contains(0) and x.rad() < arb(2) ** -90
        for x, y in zip(values, (1 - arb(2) ** -40, 1 + arb(2) ** -40), strict=True)
    )


# -- signs -----------------------------------------------------------------------------------------
def _turning(matrices: np.ndarray) -> list[np.ndarray]:
    """Vectors that turn round where the first entry is more than 1."""
    return [np.where(matrices[:, :1, :1] > 1, -1.0, 1.0) * np.eye(2)]


@pytest.mark.parametrize("radius", [0.0, 1e-30])
def test_a_sign_that_rounding_decides_is_open(radius: float) -> None:
    """Of numbers that are floats nothing is rounded, and the run is that of the program."""

    def found(corner: float) -> Any:
        a, vectors = (Ball().constants(x) for x in (np.diag([corner, 3.0]), np.eye(2)))
        a[0, 0] = a[0, 0] + arb(0, radius)
        turning = vector_signs.FloatingPoint(_turning, 1e-7)
        return vector_signs.signs(Ball(), a, vectors, turning, lambda results: results[0])

    assert [float(x) for x in found(0.5)] == [1, 1]
    assert [float(x) for x in found(2.0)] == [-1, -1]
    if radius:
        with pytest.raises(CannotDecide, match="which sign"):
            found(1.0)
    else:
        assert [float(x) for x in found(1.0)] == [1, 1]


def test_vectors_that_are_no_eigenvectors_have_no_sign() -> None:
    other = vector_signs.FloatingPoint(lambda matrices: [np.array([[[0.0, 1], [1, 0]]] * 4)], 1e-7)
    with pytest.raises(CannotDecide, match="which sign"):
        vector_signs.signs(
            Ball(), *[Ball().constants(np.eye(2))] * 2, other, lambda found: found[0]
        )


@settings(max_examples=10, deadline=None)
@given(seed=seeds, shape=st.sampled_from([(2, 2), (3, 2), (2, 3), (4, 4)]))
def test_reflections_have_lapacks_signs(seed: int, shape: tuple[int, int]) -> None:
    a = np.random.default_rng(seed).normal(size=shape)
    for full in (False, True):
        checked = Checked(lambda a, full=full: lax.linalg.qr(a, full_matrices=full), np.ones(shape))
        assert checked.check(a) > 0


def test_a_column_of_zeros_below_the_diagonal_is_not_reflected() -> None:
    a = np.array([[-2.0, 1.0], [0.0, -3.0], [0.0, 4.0]])
    assert Checked(lambda a: lax.linalg.qr(a, full_matrices=False), np.ones((3, 2))).check(a) == 10


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_zero_of_either_sign_contradicts_no_run(zero: float) -> None:
    """LAPACK turns some vectors round at −0, and no real number tells it from 0."""
    a = np.array([[zero, -1, 1], [0, -2, -2], [-1, -1, 2], [3, 2, 1]], np.float32)
    for function in (
        jnp.linalg.qr,
        lambda a: jnp.linalg.qr(a, mode="raw"),
        lambda a: jnp.linalg.svd(a, full_matrices=False),
    ):
        program = trace(lambda a, f=function: tuple(f(a)), (a,))
        assert hold_program("f", program, [a]).finite


@pytest.mark.parametrize("name", ["qr", "eigh", "svd"])
def test_what_floats_return_is_inside(name: str) -> None:
    """Ill-conditioned ones too; and not where they turn a vector round that the rule does not."""
    function, a = FUNCTIONS[name]
    program, held = trace(lambda a: tuple(function(a)), (a,)), 0
    draws = np.random.default_rng(0)
    for _ in range(10):
        moved = (a * np.exp(2 * draws.normal(size=a.shape))).astype(np.float32)
        held += hold_program(name, program, [moved]).held > 0
    assert held >= 8
    turned = dataclasses.replace(
        program, jaxpr=trace(lambda a: tuple(-x for x in function(a)), (a,)).jaxpr
    )
    floats = program_floats(turned, [a])
    read = enclosures(program, [a])
    assert not any(
        x.value.contains(arb(float(y))) for x, y in zip(read[0].flat, floats[0].flat, strict=True)
    )


# -- what is not decided ---------------------------------------------------------------------------
REFUSED: dict[str, tuple[Callable[..., Any], np.ndarray, str]] = {
    "dependent columns": (jnp.linalg.qr, np.ones((2, 2)), "columns are dependent"),
    "repeated eigenvalues": (jnp.linalg.eigh, np.eye(2), "too close to be told apart"),
    "repeated singular values": (jnp.linalg.svd, np.eye(2), "too close to be told apart"),
    "a singular value of 0": (jnp.linalg.svd, np.ones((2, 2)), "singular value that is 0"),
    "vectors of no singular value": (jnp.linalg.svd, TALL, "belong to no singular value"),
    "an infinity": (
        lambda a: lax.linalg.eigh(a / jnp.tril(a), symmetrize_input=False, lower=False),
        np.array([[1.0, 1.0], [0.0, 2.0]]),
        "infinity or NaN",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_unique_is_refused(name: str) -> None:
    function, a, text = REFUSED[name]
    with pytest.raises(CannotDecide, match=text):
        run_over(Ball(), function, a)


def test_repeated_eigenvalues_of_rounded_matrices_are_undecided() -> None:
    found = check(lambda x: jnp.linalg.eigh(jnp.exp(x) * jnp.eye(2)), (np.float32(0.3),))
    assert found.verdict is Verdict.UNDECIDED
    assert "too close to be told apart" in found.evidence.text


# -- series ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [1, 2])
def test_series_of_eigenvalues_solve_their_equation(order: int) -> None:
    """Each coefficient of A V − V diag(λ) and of VᵀV − 1 vanishes."""
    v = TALL[1:] - 0.5
    with jax.enable_x64(True):
        found = one_sided_derivatives(lambda a: _residual(a + a.T), (TALL[:3],), (v,), order=order)
    entries = [
        x for side in (found.left, found.right) for leaf in side for part in leaf for x in part.flat
    ]
    assert len(entries) == 2 * 2 * (order + 1) * 9
    assert all(x.contains(0) and x.rad() < 1e-10 for x in entries)


def _residual(a: Any) -> Any:
    values, vectors = jnp.linalg.eigh(a)
    return a @ vectors - vectors * values, vectors.T @ vectors - jnp.eye(3)


# -- rules -----------------------------------------------------------------------------------------
def _changed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose rule is JAX's, with changed tangents."""

    def plain(a: Any) -> tuple[Any, ...]:
        return tuple(function(a))

    wrapped = jax.custom_jvp(plain)
    wrapped.defjvp(lambda xs, ts: (plain(*xs), change(jax.jvp(plain, xs, ts)[1])))
    return wrapped


FUNCTIONS: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "qr": (jnp.linalg.qr, SQUARE),
    "complete qr": (lambda a: jnp.linalg.qr(a, mode="complete"), TALL[:3, :2].astype(np.float32)),
    "eigh": (jnp.linalg.eigh, SYMMETRIC.astype(np.float32)),
    "svd": (lambda a: jnp.linalg.svd(a, full_matrices=False), TALL[:3].astype(np.float32)),
}  # fmt: skip
CHANGES: dict[str, Callable[[Any], Any]] = {
    "none": lambda ts: ts,
    "scaled": lambda ts: (ts[0] * (1 + 1e-5), *ts[1:]),
    "negated": lambda ts: (*ts[:-1], -ts[-1]),
    "transposed": lambda ts: tuple(
        t.T if t.ndim == 2 and t.shape[0] == t.shape[1] else t for t in ts
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_wrong_rules_of_decompositions_are_refuted(name: str, change: str) -> None:
    function, a = FUNCTIONS[name]
    found = check(_changed(function, CHANGES[change]), (a,), special_points=False)
    assert found.verdict is (Verdict.AGREES if change == "none" else Verdict.REFUTED)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jaxs_own_rules_agree(name: str) -> None:
    function, a = FUNCTIONS[name]
    assert check(function, (a,), order=2).verdict is Verdict.AGREES


MADE_OF_DECOMPOSITIONS: dict[str, Callable[..., Any]] = {
    "pinv": jnp.linalg.pinv,
    "lstsq": lambda a: jnp.linalg.lstsq(a, a[:, 0] ** 2)[0],
    "cond": jnp.linalg.cond,
    "the nuclear norm": lambda a: jnp.linalg.norm(a, "nuc"),
    "a batch": lambda a: jnp.linalg.eigh(jnp.stack([a.T @ a, a.T @ a + a[:3]])),
    "a root": lambda a: _root(a.T @ a),
}


def _root(a: Any) -> Any:
    values, vectors = jnp.linalg.eigh(a)
    return (vectors * jnp.sqrt(values)) @ vectors.T


@pytest.mark.parametrize("scale", [1.0, 1.001])
@pytest.mark.parametrize("name", MADE_OF_DECOMPOSITIONS)
def test_functions_that_are_made_of_decompositions(name: str, scale: float) -> None:
    function = MADE_OF_DECOMPOSITIONS[name]
    wrong = _changed(
        lambda a: jax.tree.leaves(function(a)), lambda ts: tuple(scale * t for t in ts)
    )
    found = check(wrong, (TALL.astype(np.float32),), special_points=False)
    assert found.verdict is (Verdict.AGREES if scale == 1 else Verdict.REFUTED)


@pytest.mark.parametrize("function", [jnp.linalg.eigvalsh, jnp.linalg.svd, jnp.linalg.eigh])
def test_matrices_that_no_floats_hold_are_undecided(function: Callable[..., Any]) -> None:
    def f(x: Any) -> Any:
        return jax.tree.leaves(function(x * jnp.exp(1e3 * x)))[-1]

    found = check(f, (np.float32([[-1, 2], [1, 3]]),), special_points=False, budget=0)
    assert found.verdict is Verdict.UNDECIDED
