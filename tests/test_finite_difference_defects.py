"""Where checks by finite differences pass a wrong rule, flag a right one, or say too little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.cases import with_rule
from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.networks import Chain

HALVES = [jnp.bfloat16, jnp.float16]


def sine(slope: Callable[[Any], Any]) -> Callable[..., Any]:
    """sin with a rule of its own, right or wrong."""
    return with_rule(jnp.sin, lambda xs, ts: slope(xs[0]) * ts[0])


# -- wrong rules that pass there -----------------------------------------------------------------
@pytest.mark.parametrize("factor", [0.0, -1000.0, 1.0])
def test_a_vanished_gradient(factor: float) -> None:
    """The first bias of a chain of 20 sigmoid neurons: a gradient below 1e-9 is not 0."""
    net = Chain(20)
    args = (net.init(jax.random.key(0)), jnp.float32(0.3), jnp.float32(0.7))
    assert 0 < abs(float(jax.grad(net.cost)(*args)[0][1])) < 1e-9
    cost = jax.custom_vjp(net.cost)

    def backward(gradient: Any, u: Any) -> Any:
        ((w, b), *rest), x, y = jax.tree.map(lambda g: g * u, gradient)
        return [(w, factor * b), *rest], x, y

    cost.defvjp(lambda *a: (net.cost(*a), jax.grad(net.cost, argnums=(0, 1, 2))(*a)), backward)
    if factor == 1:
        assert check_grads(cost, args, modes=("rev",)).verdict.passes
        return
    with pytest.raises(GradientMismatch) as caught:
        check_grads(cost, args, modes=("rev",))
    assert "params[0][1]: rev" in str(caught.value)


@pytest.mark.parametrize("slope", [lambda x: 0 * x, lambda x: -jnp.cos(x)], ids=["zero", "sign"])
def test_a_thousand_outputs_in_forward_mode(slope: Callable[[Any], Any]) -> None:
    shifts = np.linspace(-1, 1, 1000, dtype=np.float32)
    with pytest.raises(GradientMismatch):
        check_grads(lambda x: sine(slope)(x + shifts), (0.5,), modes=("fwd",))


def test_a_thousand_right_outputs_in_forward_mode() -> None:
    shifts = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert check_grads(lambda x: sine(jnp.cos)(x + shifts), (0.5,), modes=("fwd",)).verdict.passes


@pytest.mark.parametrize("factor", [0.95, 1.0])
def test_one_entry_of_ten_thousand(factor: float) -> None:
    scale = np.ones((100, 100), np.float32)
    scale[17, 23] = factor
    x = np.linspace(-1, 1, 10_000, dtype=np.float32).reshape(100, 100)
    rule = sine(lambda x: scale * jnp.cos(x))
    if factor == 1:
        assert check_grads(rule, (x,)).verdict.passes
        return
    with pytest.raises(GradientMismatch):
        check_grads(rule, (x,), special_points=False)


def test_a_wrong_leaf_beside_a_large_one() -> None:
    def rule(sign: float) -> Callable[..., Any]:
        return with_rule(
            lambda a, b: 1e6 * jnp.sin(a) + jnp.sin(b),
            lambda xs, ts: 1e6 * jnp.cos(xs[0]) * ts[0] + sign * jnp.cos(xs[1]) * ts[1],
        )

    with pytest.raises(GradientMismatch, match="1 of 2 leaves"):
        check_grads(rule(-1.0), (0.5, 0.25))
    assert check_grads(rule(1.0), (0.5, 0.25)).verdict.passes


@pytest.mark.parametrize("x", [0.0, 1.0], ids=["where x is 0", "where f is 0"])
def test_a_second_derivative(x: float) -> None:
    """Right to first order everywhere: the rule is differentiated as if x were a constant."""
    function = with_rule(
        lambda x: x * x - x, lambda xs, ts: (2 * jax.lax.stop_gradient(xs[0]) - 1) * ts[0]
    )
    assert check_grads(function, (x,)).verdict.passes
    with pytest.raises(GradientMismatch, match="derivative 2 of f"):
        check_grads(function, (x,), order=2)


def test_a_mixed_second_derivative_among_many() -> None:
    """Right to first order, and no derivative along one entry alone shows that it is wrong."""
    function = with_rule(
        lambda a, x: a @ x,
        lambda xs, ts: ts[0] @ jax.lax.stop_gradient(xs[1]) + xs[0] @ ts[1],
    )
    args = (np.eye(3, dtype=np.float32) + 0.25, np.array([1, 2, 3], np.float32))
    assert check_grads(function, args).verdict.passes
    with pytest.raises(GradientMismatch, match="derivative 2 of"):
        check_grads(function, args, order=2)


def test_the_sign_of_a_small_function() -> None:
    function = with_rule(lambda x: 1e-4 * jnp.sin(x), lambda xs, ts: -1e-4 * jnp.cos(xs[0]) * ts[0])
    with pytest.raises(GradientMismatch):
        check_grads(function, (np.float32(0.5),))


@pytest.mark.parametrize("dtype", HALVES)
def test_nothing_but_zeros_in_16_bits(dtype: Any) -> None:
    with pytest.raises(GradientMismatch):
        check_grads(sine(lambda x: 0 * x), (dtype(0.5),))


def test_nan_is_never_right() -> None:
    """To the left of 0 the root is NaN, and so is the difference quotient."""
    nan = with_rule(jnp.sqrt, lambda xs, ts: jnp.nan * ts[0])
    with pytest.raises(GradientMismatch, match="nan"):
        check_grads(nan, (0.0,))
    with pytest.raises((GradientMismatch, UndecidedError)):
        check_grads(jnp.sqrt, (-1.0,))


def test_an_empty_input_is_no_pass() -> None:
    with pytest.raises(UndecidedError, match="nothing to check"):
        check_grads(jnp.sin, (np.zeros(0, np.float32),))


@pytest.mark.parametrize("modes", [("forward",), "reverse", ()])
def test_misspelt_modes(modes: Any) -> None:
    with pytest.raises(ArgumentError, match='the accepted ones are "fwd" and "rev"'):
        check_grads(sine(lambda x: 0 * x), (0.5,), modes=modes)


# -- right rules that are flagged there ----------------------------------------------------------
@pytest.mark.parametrize("dtype", HALVES)
def test_the_sine_in_16_bits(dtype: Any) -> None:
    assert check_grads(jnp.sin, (dtype(0.5),)).verdict.passes


def test_large_arguments_and_long_sums() -> None:
    rng = np.random.default_rng(0)
    thousands = rng.uniform(900, 1100, 20).astype(np.float32)
    hundreds = (100 * rng.standard_normal(20)).astype(np.float32)
    many = rng.standard_normal(1000).astype(np.float32)
    assert check_grads(lambda x: jnp.sum(jnp.sin(x)), (thousands,)).verdict.passes
    assert check_grads(lambda x: x**3, (hundreds,)).verdict.passes
    assert check_grads(lambda x: jnp.sum(x * x), (many,)).verdict.passes


@pytest.mark.usefixtures("float64")
def test_a_fast_wave() -> None:
    assert check_grads(lambda x: jnp.sin(1000 * x), (np.float64(0.7),)).verdict.passes


@pytest.mark.parametrize("function", [jax.nn.relu, jnp.abs])
def test_kinks(function: Callable[..., Any]) -> None:
    found = check_grads(function, (0.0,))
    assert found.kinks == ("x",)
    assert "at a kink" in str(found)
    beside = check_grads(function, (1e-8,))
    assert beside.verdict.passes
    assert not beside.kinks


def test_what_is_meant_can_be_said() -> None:
    """A straight-through estimator is no derivative of its function, but one of the identity."""

    def rounded(x: Any) -> Any:
        return x + jax.lax.stop_gradient(jnp.round(x) - x)

    with pytest.raises(GradientMismatch):
        check_grads(rounded, (0.3,))
    assert check_grads(rounded, (0.3,), reference=lambda x: x).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(rounded, (0.3,), reference=lambda x: 2 * x)


def test_a_stopped_gradient_can_be_said() -> None:
    def target(x: Any) -> Any:
        return x * jax.lax.stop_gradient(x)

    with pytest.raises(GradientMismatch):
        check_grads(target, (0.5,))
    assert check_grads(target, (0.5,), reference=lambda x: 0.5 * x).verdict.passes


# -- arguments and messages ----------------------------------------------------------------------
def test_arguments_that_are_no_floats_are_held_fixed() -> None:
    key = jax.random.key(0)
    assert check_grads(lambda x, n: x * n, (0.5, 3)).verdict.passes
    assert check_grads(lambda x, p: jnp.where(p, x, 2 * x), (0.5, True)).verdict.passes
    assert check_grads(lambda k, x: x * jax.random.normal(k), (key, 0.5)).verdict.passes
    with pytest.raises(ArgumentError, match="no argument is floating point"):
        check_grads(lambda n: n + 0.5, (3,))


def test_the_message_says_which_leaf_which_index_and_which_side() -> None:
    scale = np.ones((2, 3), np.float32)
    scale[1, 2] = -1
    layer = with_rule(
        lambda p: jnp.sum(p["w"] * p["w"]) + p["b"],
        lambda xs, ts: 2 * jnp.sum(scale * xs[0]["w"] * ts[0]["w"]) + ts[0]["b"],
    )
    p = {"w": np.arange(1, 7, dtype=np.float32).reshape(2, 3), "b": np.float32(0.5)}
    with pytest.raises(GradientMismatch) as caught:
        check_grads(layer, (p,))
    message = str(caught.value)
    assert "p['w']: fwd: the derivative of f with respect to p['w'][1, 2] is -12.0" in message
    assert "by the rules and 12.0" in message
    assert "p['b']:" not in message
