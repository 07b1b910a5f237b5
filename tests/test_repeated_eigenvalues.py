"""Repeated eigenvalues and singular values: functions that are smooth there, and free vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import Verdict, check
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.gradients.rules.free_values import FREE, FreeVectors
from jaxgrad.gradients.rules.no_gradient import NO_GRADIENT
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.eigenspaces import eigenspaces, rational
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.vector_choice import chosen, free_vectors, noting_free_vectors
from jaxgrad.programs.trace import trace

PROJECTOR = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
CYCLE = np.eye(5)[[1, 2, 3, 4, 0]] + np.eye(5)[[4, 0, 1, 2, 3]]
SYMMETRIC = {
    "the identity": np.eye(3),
    "a pair and one": np.diag([1.0, 1, 2]),
    "two pairs": np.diag([1.0, 3, 1, 3]),
    "a projection": PROJECTOR,
    "ones": np.ones((3, 3)),
    "zeros": np.zeros((2, 2)),
    "irrational pairs": CYCLE,
}
ANY = {
    "the identity": np.eye(3),
    "tall": np.eye(4, 2) * 2,
    "wide": np.eye(2, 3),
    "a kernel": np.diag([3.0, 1, 1, 0]),
    "kernels": np.eye(4, 3) * np.array([1, 0, 0]),
    "ones": np.ones((2, 2)),
    "zeros": np.zeros((3, 2)),
}


# -- eigenspaces -----------------------------------------------------------------------------------
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5))
def test_spaces_are_those_of_their_eigenvalues(seed: int, n: int) -> None:
    """With Q = 1 − 2vvᵀ/vᵀv, QDQ has the eigenvalues of D as often as D has them."""
    draws = np.random.default_rng(seed)
    values, v = np.sort(draws.integers(-2, 3, n)), draws.integers(1, 4, n)
    q = int(v @ v) * np.eye(n, dtype=int) - 2 * np.outer(v, v)
    a = q @ np.diag(values) @ q
    spaces = eigenspaces(fmpq_mat(a.tolist()), np.linalg.eigh(a)[1])
    assert [(int(x.value.unique_fmpz() or 0), x.dimension) for x in spaces] == [
        (int(x) * int(v @ v) ** 2, list(values).count(x)) for x in sorted(set(values))
    ]
    for space in spaces:
        residual = Ball().constants(a) @ space.basis - space.basis * space.value
        gram = space.basis.T @ space.basis - Ball().constants(np.eye(space.dimension))
        entries = [*residual.flat, *gram.flat]
        assert all(x.contains(0) and x.rad() < 1e-6 for x in entries)


def test_vectors_are_near_to_those_of_a_run() -> None:
    near = np.linalg.eigh(CYCLE)[1]
    spaces = eigenspaces(rational(Ball().constants(CYCLE)), near)
    assert [space.dimension for space in spaces] == [2, 2, 1]
    found = np.concatenate([space.basis for space in spaces], axis=1)
    assert all(abs(x - y) < 1e-12 for x, y in zip(found.flat, near.flat, strict=True))


def test_what_is_not_exact_is_refused() -> None:
    a = Ball().constants(np.eye(2))
    a[0, 0] = a[0, 0] + arb(0, 1e-30)
    with pytest.raises(CannotDecide, match="not known exactly"):
        rational(a)


def test_a_choice_holds_within_its_block() -> None:
    assert chosen() is None
    with free_vectors() as outer:
        with noting_free_vectors() as inner:
            inner.met = True
        assert chosen() is outer and outer.met
    with noting_free_vectors() as nothing:
        assert chosen() is None and not nothing.met


# -- series ----------------------------------------------------------------------------------------
def _of_squares(a: Any) -> tuple[Any, ...]:
    """A², A and 1 by the eigenvectors."""
    values, vectors = jnp.linalg.eigh((a + a.T) / 2, symmetrize_input=False)
    return (vectors * values**2) @ vectors.T, (vectors * values) @ vectors.T, vectors.T @ vectors


def _of_products(a: Any) -> tuple[Any, ...]:
    """AAᵀ, A and 1 by the singular vectors."""
    left, values, right = jnp.linalg.svd(a, full_matrices=False)
    return (left * values**2) @ left.T, (left * values) @ right, left.T @ left


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize(
    "kind, name", [*(("eigh", x) for x in SYMMETRIC), *(("svd", x) for x in ANY)]
)
def test_branches_make_up_the_matrix(kind: str, name: str, drawn: bool) -> None:
    a = (SYMMETRIC if kind == "eigh" else ANY)[name]
    e = np.random.default_rng(0).integers(-8, 8, a.shape) / 8
    if kind == "eigh":
        e = (e + e.T) / 2
    f = _of_squares if kind == "eigh" else _of_products
    with jax.enable_x64(True), precision(212), free_vectors(drawn) as choice:
        found = one_sided_derivatives(f, (a,), (e,), order=2)
    one, zero = np.eye(min(a.shape)), np.zeros(a.shape)
    truth = (
        (a @ a.T, a @ e.T + e @ a.T, 2 * e @ e.T),
        (a, e, zero),
        (one, 0 * one, 0 * one),
    )
    counted = 0
    for side in (found.right, found.left):
        for leaf, orders in zip(side, truth, strict=True):
            for k, expected in enumerate(orders):
                for x, y in zip(leaf[k, ...].flat, expected.flat, strict=True):
                    assert x.contains(arb(float(y))) and x.rad() < 1e-30
                    counted += 1
    assert counted == 2 * 3 * sum(leaf[0].size for leaf in truth)
    assert choice.met


def test_the_nuclear_norm_has_a_kink_where_a_singular_value_is_0() -> None:
    with free_vectors():
        found = one_sided_derivatives(
            lambda a: jnp.linalg.norm(a, "nuc"), (np.diag([2.0, 0.0]),), (np.diag([1.0, -3.0]),)
        )
    right, left = found.right[0][1], found.left[0][1]
    assert right.contains(4) and left.contains(-2) and not right.overlaps(left)


# -- rules -----------------------------------------------------------------------------------------
def _weights(n: int) -> np.ndarray:
    return np.random.default_rng(3).integers(-8, 8, (n, n)) / 8


def _spectral(a: Any) -> Any:
    values, vectors = jnp.linalg.eigh(a)
    return jnp.sum(((vectors * jnp.exp(values)) @ vectors.T) * _weights(len(a)))


def _by_divided_differences(factor: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The exponential of a symmetric matrix, with the rule of Daleckii and Krein.

    Args:
        factor: what is made of the slope of repeated eigenvalues.
    """

    @jax.custom_jvp
    def f(a: Any) -> Any:
        values, vectors = jnp.linalg.eigh(a)
        return jnp.sum(((vectors * jnp.exp(values)) @ vectors.T) * _weights(len(a)))

    @f.defjvp
    def _rule(xs: Any, ts: Any) -> Any:
        values, u = jnp.linalg.eigh(xs[0])
        gaps = values[:, None] - values
        same = abs(gaps) < 1e-3
        slopes = jnp.exp((values[:, None] + values) / 2)
        differences = jnp.exp(values)[:, None] - jnp.exp(values)
        k = jnp.where(same, factor(slopes), differences / jnp.where(same, 1.0, gaps))
        moved = u @ (k * (u.T @ (ts[0] + ts[0].T) @ u / 2)) @ u.T
        return f(*xs), jnp.sum(moved * _weights(len(u)))

    return f


def _with_rule(f: Callable[[Any], Any], rule: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    g = jax.custom_jvp(f)
    g.defjvp(lambda xs, ts: (f(*xs), rule(xs[0], ts[0])))
    return g


def _polar(a: Any) -> Any:
    left, _, right = jnp.linalg.svd(a, full_matrices=False)
    return jnp.sum((left @ right) * _weights(len(a)))


def _of_polar(scale: float) -> Callable[[Any], Any]:
    def rule(a: Any, v: Any) -> Any:
        left, s, right = jnp.linalg.svd(a)
        turn = left.T @ v @ right.T
        turn = (turn - turn.T) / (s[:, None] + s)
        return scale * jnp.sum((left @ turn @ right) * _weights(len(a)))

    return _with_rule(_polar, rule)


def _lstsq(a: Any) -> Any:
    return jnp.linalg.lstsq(a, jnp.array([1.0, 2.0, 3.0]))[0]


def _normal(a: Any) -> Any:
    return jnp.linalg.solve(a.T @ a, a.T @ jnp.array([1.0, 2.0, 3.0]))


def _logdet(scale: float) -> Callable[[Any], Any]:
    return _with_rule(
        lambda a: jnp.sum(jnp.log(jnp.linalg.eigvalsh(a))),
        lambda a, v: scale * jnp.trace(jnp.linalg.solve(a, (v + v.T) / 2)),
    )


def _nuclear(scale: float) -> Callable[[Any], Any]:
    def rule(a: Any, v: Any) -> Any:
        left, _, right = jnp.linalg.svd(a, full_matrices=False)
        return scale * jnp.sum((left @ right) * v)

    return _with_rule(lambda a: jnp.linalg.svd(a, compute_uv=False).sum(), rule)


def _masked(slopes: Any) -> Any:
    return slopes * jnp.eye(len(slopes))


PAIR = np.diag([1.0, 1, 2])
JUDGED: dict[str, tuple[Callable[..., Any], np.ndarray, Verdict]] = {
    "JAX's matrix function": (_spectral, PAIR, Verdict.REFUTED),
    "JAX's of ones": (_spectral, np.ones((3, 3)), Verdict.REFUTED),
    "divided differences": (_by_divided_differences(lambda k: k), PAIR, Verdict.AGREES),
    "of ones": (_by_divided_differences(lambda k: k), np.ones((3, 3)), Verdict.AGREES),
    "a masked pair": (_by_divided_differences(_masked), PAIR, Verdict.REFUTED),
    "half of a pair": (_by_divided_differences(lambda k: k / 2), PAIR, Verdict.REFUTED),
    "log det": (_logdet(1.0), PAIR, Verdict.AGREES),
    "a scaled log det": (_logdet(1.01), np.eye(2), Verdict.REFUTED),
    "JAX's polar factor": (_polar, PAIR, Verdict.REFUTED),
    "a polar factor": (_of_polar(1.0), PAIR, Verdict.AGREES),
    "a scaled polar factor": (_of_polar(1.01), np.eye(2), Verdict.REFUTED),
    "JAX's least squares": (_lstsq, np.eye(3, 2), Verdict.REFUTED),
    "normal equations": (_normal, np.eye(3, 2), Verdict.AGREES),
    "a nuclear norm": (_nuclear(1.0), np.eye(3, 2), Verdict.AGREES),
    "a scaled nuclear norm": (_nuclear(1.01), np.eye(2), Verdict.REFUTED),
    "a nuclear norm at its kink": (_nuclear(1.0), np.diag([1.0, 0]), Verdict.AGREES),
    "traces": (lambda a: jnp.exp(jnp.linalg.eigh(a)[0]).sum(), PAIR, Verdict.AGREES),
    "two of three": (lambda a: jnp.linalg.eigh(a)[0][:2].sum(), PAIR, Verdict.AGREES),
}


@pytest.mark.parametrize("name", JUDGED)
def test_functions_that_are_smooth_there_are_judged(name: str) -> None:
    f, a, verdict = JUDGED[name]
    with jax.enable_x64(True):
        found = check(f, (a,), special_points=False, budget=0)
    assert found.verdict is verdict
    if name.startswith("JAX's"):
        assert "nan by the rules" in found.evidence.text or "1/0" in found.evidence.text
    if name == "JAX's matrix function":
        assert "divides by the difference of two eigenvalues, which is 0" in found.evidence.text


def test_second_derivatives_are_judged() -> None:
    """JAX's first derivative of log det by the eigenvalues is right there, and its second NaN."""
    f = lambda a: jnp.sum(jnp.log(jnp.linalg.eigvalsh(a)))  # noqa: E731
    with jax.enable_x64(True):
        options: Any = {"special_points": False, "budget": 0, "modes": "fwd"}
        assert check(f, (np.eye(2),), **options).verdict is Verdict.AGREES
        assert check(_logdet(1.0), (np.eye(2),), order=2, **options).verdict is Verdict.AGREES
        found = check(f, (np.eye(2),), order=2, **options)
    assert found.verdict is Verdict.REFUTED
    assert (
        "derivative 2 of f with respect to a[0, 0] is nan by the rules and -1.000"
        in found.evidence.text
    )


# -- what is free ----------------------------------------------------------------------------------
def _gap_times_vector(a: Any) -> Any:
    values, vectors = jnp.linalg.eigh(a)
    return (values[1] - values[0]) * vectors[0, 0] ** 2


OPEN: dict[str, tuple[Callable[..., Any], np.ndarray, str]] = {
    "eigenvectors": (lambda a: jnp.linalg.eigh(a)[1], np.eye(2), FREE),
    "singular vectors": (lambda a: jnp.linalg.svd(a)[0], np.eye(2), FREE),
    "a singular polar factor": (_polar, np.ones((2, 2)), FREE),
    "slopes that do not add up": (_gap_times_vector, np.eye(2), NO_GRADIENT),
    "the second of three": (
        _with_rule(lambda a: jnp.linalg.eigvalsh(a)[1], lambda a, v: jnp.trace(v)),
        np.eye(3),
        NO_GRADIENT,
    ),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_depends_on_the_vectors_is_open(name: str) -> None:
    f, a, reason = OPEN[name]
    with jax.enable_x64(True):
        found = check(f, (a,), special_points=False, budget=0)
    assert found.verdict is Verdict.UNDECIDED
    assert found.evidence.text == reason


def test_single_eigenvalues_have_kinks() -> None:
    with jax.enable_x64(True):
        found = check(jnp.linalg.eigvalsh, (np.eye(2),), special_points=False, budget=0)
    assert found.verdict is Verdict.AGREES
    assert found.leaves[0].kinks > 0


def test_only_what_depends_on_the_choice_is_unknown() -> None:
    program = trace(lambda a: (*jnp.linalg.eigh(a), jnp.linalg.eigh(a)[1][2]), (PAIR,))
    free = FreeVectors(program, [Ball().constants(PAIR)])
    values, vectors, simple = free.known_values
    assert free.met
    assert [x.is_finite() for x in values] == [True] * 3
    assert [[x.is_finite() for x in row] for row in vectors] == [
        [False, False, True],
        [False, False, True],
        [True, True, True],
    ]
    assert all(x.is_finite() for x in simple)
