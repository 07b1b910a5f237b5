"""Integers and booleans that a rule returns are values, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import given_and_true

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.verdict import Verdict

X = np.array([1.0, 2.0, 3.0], np.float32)


def _none_of(x: Any) -> Any:
    return np.zeros(np.shape(x), jax.dtypes.float0)


def _beside_double(
    beside: Callable[[Any], Any], by_rule: Callable[[Any], Any], mode: str
) -> Callable[..., Any]:
    """x ↦ (2x, integers or booleans), of which a rule returns some of its own."""
    if mode == "rev":
        f = jax.custom_vjp(lambda x: (2 * x, beside(x)))
        f.defvjp(lambda x: ((2 * x, by_rule(x)), None), lambda r, g: (2 * g[0],))
        return f
    f = jax.custom_jvp(lambda x: (2 * x, beside(x)))
    f.defjvp(lambda p, t: ((2 * p[0], by_rule(p[0])), (2 * t[0], _none_of(by_rule(p[0])))))
    return f


@pytest.mark.parametrize("mode", ["fwd", "rev"])
@pytest.mark.parametrize(
    ("beside", "by_rule"),
    [
        (lambda x: x[0] > 0, lambda x: x[0] < 0),
        (lambda x: x > 0, lambda x: x >= 0),  # at 0 alone
        (lambda x: jnp.int8(3), lambda x: jnp.int8(4)),
        (jnp.argsort, lambda x: jnp.argsort(-x)),
    ],
    ids=["bool", "bool at 0", "int8", "places"],
)
def test_integers_and_booleans_that_a_rule_returns_are_values_too(
    beside: Callable[[Any], Any], by_rule: Callable[[Any], Any], mode: str
) -> None:
    check = check_grads(_beside_double(beside, beside, mode), (X,), modes=mode)
    assert check.verdict is (Verdict.AGREES if beside is jnp.argsort else Verdict.PROVED)
    with pytest.raises(GradientMismatch, match=r"as the value, the function is"):
        check_grads(_beside_double(beside, by_rule, mode), (X,), modes=mode)


@pytest.mark.parametrize("mode", ["fwd", "rev"])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int32", 2**24 + 1), ("int32", 1 - 2**31), ("uint32", 2**32 - 1), ("int64", 2**60 + 1)],
)
def test_integers_that_floats_do_not_tell_apart_are_told(dtype: str, value: int, mode: str) -> None:
    def whole(number: int) -> Callable[[Any], Any]:
        return lambda x: jnp.stack([jnp.asarray(number, dtype)] * 6)

    with jax.enable_x64(dtype == "int64"):
        right = _beside_double(whole(value), whole(value), mode)
        # Rounded to a float it is no theorem.
        assert check_grads(right, (X,), modes=mode).verdict is Verdict.AGREES
        wrong = _beside_double(whole(value), whole(value - 1), mode)
        with pytest.raises(GradientMismatch, match=r"as the value, the function is") as caught:
            check_grads(wrong, (X,), modes=mode)
        assert given_and_true(caught.value, f=wrong) == (str(value - 1), str(value))


@pytest.mark.parametrize("number", [2**24 + 1, 2**31 - 1])
def test_a_known_integer_is_not_rounded_on_the_way(number: int) -> None:
    def beside(by_rule: int) -> Callable[[Any], Any]:
        f = jax.custom_jvp(lambda x: (x**2, jnp.full((), number, jnp.int32)))
        known = jnp.full((), by_rule, jnp.int32)
        f.defjvp(lambda p, t: ((p[0] ** 2, known), (2 * p[0] * t[0], _none_of(1))))
        return f

    assert check_grads(beside(number), (np.float32(0.5),)).verdict.passes
    with pytest.raises(GradientMismatch, match=f"returns {number - 1}"):
        check_grads(beside(number - 1), (np.float32(0.5),))


def test_an_integer_that_is_wrong_under_vmap_only() -> None:
    @jax.custom_batching.custom_vmap
    def counted(x: Any) -> Any:
        return jnp.int32(2**24) + 0 * x.astype(jnp.int32)

    def off_by_one(size: int, batched: Any, x: Any) -> tuple[Any, bool]:
        return jnp.full((size,), 2**24 + 1, jnp.int32), True

    counted.def_vmap(off_by_one)
    f = _beside_double(lambda x: jnp.int32(2**24), counted, "fwd")
    with pytest.raises(GradientMismatch, match=r"wrong under jax\.vmap"):
        check_grads(f, (np.float32(2.0),))
    right = _beside_double(lambda x: jnp.int32(2**24), lambda x: jnp.int32(2**24), "fwd")
    assert check_grads(right, (np.float32(2.0),)).verdict.passes


def test_a_boolean_that_jumps_has_no_derivative() -> None:
    """At 0 the boolean jumps, and 2x beside it has its derivative all the same."""
    f = _beside_double(lambda x: x > 0, lambda x: x > 0, "fwd")
    assert check_grads(f, (np.float32(0.0),), special_points=False).kinks == ()
