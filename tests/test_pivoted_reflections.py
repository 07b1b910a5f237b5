"""QR factorisations with pivoting: LAPACK's order of the columns, and rules for them."""

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
from numbers_support import Checked

from jaxgrad import Verdict, check
from jaxgrad.errors import CannotDecide
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers import reflections
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.samples import Sampled, Samples, dense
from jaxgrad.programs.real_parts import of_parts, parted

# Of increasing columns.
TALL = np.array([[0.5, -1.25], [-0.5, 2.0], [1.0, 0.75]], np.float32)
SHAPES = [(3, 3), (4, 2), (2, 4)]


def _pivoted(a: Any) -> tuple[Any, Any]:
    q, r, _ = lax.linalg.qr(a, full_matrices=False, pivoting=True)
    return q, r


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from(SHAPES), full=st.booleans())
def test_columns_have_lapacks_order(seed: int, shape: tuple[int, int], full: bool) -> None:
    a = np.random.default_rng(seed).normal(size=shape)

    def factors(a: Any) -> Any:
        q, r, order = lax.linalg.qr(a, full_matrices=full, pivoting=True)
        return q, r, order * a[0, 0]  # of integers nothing is held against a run

    checked = Checked(factors, np.ones(shape))
    assert checked.check(a) == sum(leaf.size for leaf in checked.floats(a))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("imag", [0, 1j])
def test_samples_have_lapacks_order(shape: tuple[int, int], imag: complex) -> None:
    draws = np.random.default_rng(0)
    points = draws.normal(size=(5, *shape)) + imag * draws.normal(size=(5, *shape))
    parts = [points.real, points.imag] if imag else [points]
    given = [objects(map(Sampled, x.reshape(5, -1).T), shape) for x in parts]
    name = "complex qr" if imag else "qr"
    found = Samples().matrix(name, *given, full_matrices=False, pivoting=True)
    orders = lax.linalg.qr(jnp.asarray(points), pivoting=True)[2]
    np.testing.assert_array_equal(dense(found[-1]).T, orders)


def test_the_order_is_one_of_integers_that_index() -> None:
    def moved(a: Any) -> Any:
        q, r, order = lax.linalg.qr(a, full_matrices=False, pivoting=True)
        return q @ r - a[:, order], order

    difference, order = run_over(Ball(), moved, TALL)
    assert [float(x) for x in order] == [1, 0]
    assert all(x.contains(0) and x.rad() < 1e-12 for x in difference.flat)


def test_two_columns_of_one_length_are_no_choice() -> None:
    with pytest.raises(CannotDecide, match="of which two are the longest"):
        run_over(Ball(), lambda a: _pivoted(a), np.eye(2))


def test_a_wrong_order_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflections, "_longest", lambda system, a: 0)
    with pytest.raises(AssertionError):
        Checked(lambda a: lax.linalg.qr(a, pivoting=True), np.ones((3, 2))).check(TALL)


def _changed(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The factors, whose rule is JAX's with changed tangents."""
    factors = jax.custom_jvp(_pivoted)
    factors.defjvp(lambda xs, ts: (_pivoted(*xs), change(jax.jvp(_pivoted, xs, ts)[1])))
    return factors


@pytest.mark.parametrize("a", [TALL, (TALL + 1j * TALL[::-1]).astype(np.complex64)[:2]],
                         ids=["real", "complex"])  # fmt: skip
def test_rules_of_pivoted_factors_are_judged(a: np.ndarray) -> None:
    for change, verdict in (
        (lambda ts: ts, Verdict.AGREES),
        (lambda ts: (ts[0], ts[1][:, ::-1]), Verdict.REFUTED),  # not permuted
        (lambda ts: (ts[0] * (1 + 1e-5), ts[1]), Verdict.REFUTED),
    ):
        found = check(_changed(change), (a,), modes=("fwd",), special_points=False)
        assert found.verdict is verdict


def _of_a_wide_one(a: Any, moved: bool) -> tuple[Any, Any]:
    """As JAX has it, of a matrix whose columns are ordered where ``moved`` says so."""
    if not moved:
        return _pivoted(a)
    order = lax.linalg.qr(lax.stop_gradient(a), pivoting=True)[2]
    return _pivoted(a[:, order])


def test_jaxs_rule_for_a_wide_matrix_leaves_columns_where_they_were() -> None:
    """It takes the tangents of the last columns in their new order, and the columns in the old."""
    wide = np.array([[0.25, -0.5, 2.75], [1.375, 3.625, -1.25]], np.float32)
    found = check(lambda a: _of_a_wide_one(a, False), (wide,), special_points=False)
    assert found.verdict is Verdict.REFUTED
    right = check(lambda a: _of_a_wide_one(a, True), (wide,), special_points=False)
    assert right.verdict is Verdict.AGREES


def test_parts_of_a_complex_order_are_one() -> None:
    a = (TALL + 1j * TALL[::-1]).astype(np.complex64)
    found = run_over(Ball(), of_parts(lambda a: lax.linalg.qr(a, pivoting=True)), *parted((a,)))
    order = jax.tree.leaves(found)[-1]
    assert [float(x) for x in order] == lax.linalg.qr(jnp.asarray(a), pivoting=True)[2].tolist()
