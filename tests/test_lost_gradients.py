"""Gradients of which nothing is left in floats, as the cotangent underflows on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad import Verdict, check
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.lost import _has_floats, _is_of, lost
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.numbers.base import objects

X = np.float32([0.5, 1.0])


def through(dtype: str, size: float) -> Callable[[Any], Any]:
    """A small multiple of numbers that pass through a coarser dtype."""
    return lambda x: size * jnp.sum(x.astype(dtype).astype(x.dtype))


@pytest.mark.parametrize(
    ("dtype", "size"), [("float8_e4m3fn", 1e-6), ("float8_e5m2", 1e-7), ("float16", 1e-9)]
)
def test_a_gradient_that_is_lost_within_is_found(dtype: str, size: float) -> None:
    wrong = check(through(dtype, size), (X,), modes="rev")
    assert wrong.verdict is Verdict.REFUTED
    assert "a cotangent of size 1 underflows on the way" in wrong.evidence.text
    assert (wrong.unstable[0].value, wrong.unstable[0].reason) == (0.0, "underflow")
    assert wrong.unstable[0].within == (dtype,) and wrong.unstable[0].given


@pytest.mark.parametrize(
    "function",
    [
        through("float8_e4m3fn", 0.5),
        through("bfloat16", 1e-20),
        lambda x: 1e-20 * jnp.sum(x),
        lambda x: jnp.sum(jnp.tanh(20 * x + 10)),  # lost whatever the cotangent
        lambda x: jnp.sum(jax.nn.relu(-x)),
        lambda x: 1e-30 * (1e-30 * jnp.sum(x)),  # that no float32 holds
        lambda x: through("float16", 1e-9)(x) + x[0],  # of which something is left
    ],
)
def test_nothing_else_is_said_to_be_lost(function: Callable[..., Any]) -> None:
    found = check(function, (X,), modes="rev")
    assert found.verdict.passes, found


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e-30), ("float64", 1e-200)])
def test_what_is_there_for_a_far_larger_cotangent_alone_is_lost(dtype: str, size: float) -> None:
    """Of 2^80, or 2^640: one of 2^64 underflows, too, and one of a few times as much overflows."""
    with jax.enable_x64(True):
        x = X.astype(dtype)
        wrong = check(through("float16", size), (x,), modes="rev")
        assert wrong.unstable[0].reason == "underflow"
        assert check(through("float64", size), (x,), modes="rev").verdict.passes


@pytest.mark.parametrize("after", [jnp.sin, lambda x: x])
def test_in_a_longer_program_it_is_lost_though_its_allowance_is_as_large(after: Any) -> None:
    wrong = check(
        lambda x: after(through("float8_e4m3fn", 1e-6)(jnp.tanh(2 * x))), (X,), modes="rev"
    )
    assert wrong.verdict is Verdict.REFUTED
    assert "a cotangent of size 1 underflows on the way" in wrong.evidence.text


def test_a_cotangent_that_is_scaled_on_its_way_is_not_lost() -> None:
    """As in mixed precision: the loss is larger within, and what is left is divided again."""

    @jax.custom_vjp
    def scaled(x: Any) -> Any:
        return x.astype("float16").astype(x.dtype)

    def backward(_: Any, g: Any) -> Any:
        return ((g * 2.0**24).astype("float16").astype(g.dtype) / 2.0**24,)

    scaled.defvjp(lambda x: (scaled(x), None), backward)
    assert check(lambda x: 1e-9 * jnp.sum(scaled(x)), (X,), modes="rev").verdict.passes


def test_of_several_leaves_the_one_that_is_lost_is_named() -> None:
    def f(w: Any, x: Any) -> Any:
        return 1e-9 * jnp.vdot(w.astype("float16").astype(w.dtype), x)

    wrong = check(f, (X, X + 1), modes="rev")
    assert wrong.verdict is Verdict.REFUTED
    assert {found.path for found in wrong.unstable} == {"w"}


def test_forward_it_is_the_tangent() -> None:
    def f(x: Any) -> Any:
        return (1e-9 * x).astype("float16").astype(x.dtype) * 1e9

    rules = DerivativePrograms(Primal(f, (X,)), 1, ("fwd",))
    assert rules.hold(rules.primal.point).vanishing == ("fwd",)
    (found,) = lost(rules, ("fwd",))
    assert (found.mode, found.value, found.reason) == ("fwd", 0.0, "underflow")
    wrong = check(lambda x: f(x) + 0 * x, (X,), modes="fwd")
    assert "a tangent of size 1 underflows" in wrong.evidence.text


def test_what_flushes_to_0_is_not_lost() -> None:
    def balls(*numbers: float) -> Any:
        return objects(map(arb, numbers), (len(numbers),))

    least = float(np.finfo(np.float32).smallest_normal)
    assert not _has_floats(balls(0.0, least, -least / 2, np.nan, np.inf), np.float32)
    assert _has_floats(balls(0.0, -2 * least), np.float32)
    assert _has_floats(balls(least), jnp.float64) and not _has_floats(balls(), np.float32)


def test_what_is_lost_is_0_in_a_leaf_that_is() -> None:
    found = check(through("float16", 1e-9), (X,), modes="rev").unstable[0]
    assert _is_of(found, "rev", ["other", found.path])
    assert not _is_of(found, "rev", [found.output])
    assert _is_of(found, "fwd", [found.output])
    assert not _is_of(replace(found, value=1e-9), "rev", [found.path])
    assert not _is_of(replace(found, truth="0"), "rev", [found.path])


def test_who_asks_for_the_formula_alone_hears_nothing_of_it() -> None:
    f = through("float16", 1e-9)
    assert check(f, (X,), modes="rev", exact=True).verdict.passes
    assert check(f, (X,), modes="rev", linear=False).verdict.passes
