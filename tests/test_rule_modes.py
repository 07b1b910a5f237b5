"""check_grads(): the modes that are asked for, those that JAX lacks, and malformed rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.cases import backward_only, with_rule
from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    GradientMismatch,
    ShapeMismatch,
    TreeMismatch,
    UndecidedError,
)
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Verdict


@pytest.mark.parametrize("modes", [("forward",), "reverse", (), ("fwd", "rv")])
def test_misspelt_modes(modes: Any) -> None:
    with pytest.raises(ArgumentError, match='the accepted ones are "fwd" and "rev"'):
        check_grads(jnp.sin, (0.5,), modes=modes)


def test_other_arguments_that_make_no_sense() -> None:
    with pytest.raises(ArgumentError, match="order is 0"):
        check_grads(jnp.sin, (0.5,), order=0)
    with pytest.raises(ArgumentError, match="no argument is floating point"):
        check_grads(lambda n: n + 0.5, (3,))
    with pytest.raises(ArgumentError, match=r'pass modes=\("rev",\)'):
        check_grads(backward_only(lambda x, u: (u * jnp.cos(x),)), (0.5,), modes="fwd")
    with pytest.raises(UndecidedError, match="nothing to check"):
        check_grads(jnp.sin, (np.zeros(0, np.float32),))


@pytest.mark.parametrize("around", [lambda f: f, jax.checkpoint, jax.jit])
def test_a_forward_rule_that_jax_may_leave_out(around: Callable[..., Any]) -> None:
    """With ``optimize_remat`` it is an operation of its own, and the value of the function."""

    def made(value: Any, bwd: Any) -> Any:
        f = jax.custom_vjp(lambda x: x * jnp.sin(x))
        kept = lambda x: (value(x), (jnp.sin(x), jnp.cos(x), x))  # noqa: E731
        f.defvjp(kept, bwd, optimize_remat=True)
        return around(f)

    def value(x: Any) -> Any:
        return x * jnp.sin(x)

    def slope(x: Any) -> Any:
        return jnp.sin(x) + x * jnp.cos(x)

    right = made(value, lambda kept, g: ((kept[0] + kept[2] * kept[1]) * g,))
    assert check_grads(right, (0.5,), modes="rev").verdict is Verdict.PROVED
    assert compare(slope, jax.grad(right), 0.5).verdict is Verdict.PROVED
    wrong = made(value, lambda kept, g: ((kept[0] - kept[2] * kept[1]) * g,))
    with pytest.raises(GradientMismatch, match="rev: the derivative of f with respect to x"):
        check_grads(wrong, (0.5,), modes="rev")
    assert compare(slope, jax.grad(wrong), 0.5).verdict is Verdict.REFUTED
    if around is jax.checkpoint:  # runs the function first, and the forward rule for what is kept
        return
    of_another = made(jnp.cos, lambda kept, g: ((kept[0] + kept[2] * kept[1]) * g,))
    with pytest.raises(GradientMismatch, match="the value of f"):
        check_grads(of_another, (0.5,), modes="rev")


def test_a_mode_that_a_custom_vjp_rule_has_not_is_left_out_and_named() -> None:
    found = check_grads(backward_only(lambda x, u: (u * jnp.cos(x),)), (0.5,), order=2)
    assert found.verdict is Verdict.PROVED
    assert "fwd not checked, as JAX has none for a custom_vjp rule" in found.evidence.text
    with pytest.raises(GradientMismatch):
        check_grads(backward_only(lambda x, u: (-u * jnp.cos(x),)), (0.5,))


def test_a_mode_that_jax_has_not_is_left_out_and_named() -> None:
    def loop(rule: Callable[..., Any]) -> Callable[..., Any]:
        def body(carry: Any) -> Any:
            return carry[0] + 1, rule(carry[1])

        return lambda x: jax.lax.while_loop(lambda c: c[0] < 3, body, (0, x))[1]

    found = check_grads(loop(jnp.sin), (0.5,))
    assert "rev not checked, as JAX has none: Reverse-mode" in found.evidence.text
    with pytest.raises(GradientMismatch):
        check_grads(loop(with_rule(jnp.sin, lambda xs, ts: -jnp.cos(xs[0]) * ts[0])), (0.5,))
    with pytest.raises(ArgumentError, match="JAX cannot differentiate f: Reverse-mode"):
        check_grads(loop(jnp.sin), (0.5,), modes="rev")


@pytest.mark.parametrize(
    ("bwd", "error", "text"),
    [
        (lambda x, u: (u, u), TreeMismatch, "structure"),
        (lambda x, u: u, TreeMismatch, "structure"),
        (lambda x, u: (u[:1],), ShapeMismatch, "shapes do not match"),
        (lambda x, u: (u.astype(jnp.float16),), DtypeMismatch, "x a cotangent of dtype float16"),
        (lambda x, u: (u.astype(int),), DtypeMismatch, "cast it with .astype"),
    ],
)
def test_a_malformed_cotangent_is_named_for_what_it_is(bwd: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        check_grads(backward_only(bwd), (np.ones(3, np.float32),), modes="rev")


@pytest.mark.parametrize(
    ("tangent", "error"),
    [
        (lambda xs, ts: (ts[0],), TreeMismatch),
        (lambda xs, ts: ts[0].sum(), ShapeMismatch),
        (lambda xs, ts: ts[0].astype(jnp.float16), DtypeMismatch),
    ],
)
def test_a_malformed_tangent_is_named_for_what_it_is(tangent: Any, error: Any) -> None:
    with pytest.raises(error, match="a custom derivative rule of f returns the wrong structure"):
        check_grads(with_rule(jnp.sin, tangent), (np.ones(3, np.float32),))
