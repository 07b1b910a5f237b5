"""Rules that are right for symmetric matrices alone, or another function's on purpose."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from jaxgrad.verdict import Verdict
from tests.test_diagnosis import SYMMETRIC, B, W, by_rule, cube, first_line, half, slope


def test_what_is_meant_for_symmetric_matrices_is_checked_so() -> None:
    rule = lambda x, g: (g * half(slope(x)),)  # noqa: E731
    meant = ": if f is meant for symmetric matrices, check x ↦ f((x + x.T) / 2)"
    assert first_line(by_rule(cube, rule), (SYMMETRIC,)).endswith(meant)
    ruled = by_rule(cube, rule)
    assert jaxgrad.check(lambda x: ruled((x + x.T) / 2), (SYMMETRIC,), modes="rev")
    assert first_line(by_rule(cube, rule), (W,)).endswith("leaves")
    twice = by_rule(cube, lambda x, g: (2 * g * half(slope(x)),))
    assert "symmetric" not in first_line(twice, (SYMMETRIC,))


def test_a_rule_that_reads_one_triangle_is_told_where_the_matrix_is_symmetric() -> None:
    """It is right at the given matrix, and nowhere else near it."""

    def rule(x: Any, y: Any, g: Any) -> Any:
        inverse = jnp.linalg.inv(jnp.tril(x) + jnp.tril(x, -1).T)
        return g * inverse * y, g * jnp.linalg.slogdet(x)[1]

    ruled = by_rule(lambda x, y: jnp.linalg.slogdet(x)[1] * y, rule)
    said = first_line(ruled, (SYMMETRIC, 2.0))
    assert "drawn near the given point" in said
    assert said.endswith("check f of (x + x.T) / 2 in place of x")


def test_what_is_wrong_in_a_region_is_not_called_symmetric() -> None:
    """Where the matrix is made symmetric there, the rule is right, and beside that, too."""

    def rule(x: Any, g: Any) -> Any:
        return (g * (3 * (x @ x).T + jnp.where(x[0, 1] - x[1, 0] > 1, W * jnp.sin(x), 0.0)),)

    def function(x: Any) -> Any:
        return jnp.trace(x @ x @ x) + 0 * jnp.where(x[0, 1] > 2, 1.0, 2.0)

    for matrix in (np.eye(3, dtype=np.float32), SYMMETRIC):
        found = jaxgrad.check(by_rule(function, rule), (matrix,), modes="rev")
        assert found.verdict is Verdict.REFUTED and "symmetric" not in found.evidence.text


def test_a_zero_that_is_a_sum_is_known_as_one() -> None:
    """The derivative of a choice, which the gradient of what it is made of is passed on for."""

    def chosen(x: Any) -> Any:
        y = jax.nn.softmax(x)
        return y + jax.lax.stop_gradient(jax.nn.one_hot(jnp.argmax(y), x.size) - y)

    said = first_line(chosen, (np.float32([0.3, -0.2, 0.9]),))
    assert "on purpose" in said and "reference= names" in said


def test_what_may_be_on_purpose_is_said_to_have_a_reference() -> None:
    for function, rule in (
        (lambda x: jnp.sign(x), lambda x, g: (g * (abs(x) <= 1),)),
        (lambda x: x, lambda x, g: (-g,)),
    ):
        said = first_line(by_rule(function, rule), (B,))
        assert "on purpose" in said and "reference= names" in said
    minus = by_rule(jnp.sin, lambda x, g: (-g * jnp.cos(x),))
    assert "on purpose" not in first_line(minus, (B,))
