"""Under vmap entries are judged singly where others in their sum would hide a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rules_by_slope import forward

from jaxgrad import GradientMismatch, UndecidedError, Verdict, check, check_grads
from jaxgrad.errors import ShapeMismatch

ENDS = np.array([-1.5, 1.5, 0.3, 0.2], np.float32)


def _times(slope: float) -> Callable[[Any], Any]:
    """t ↦ t, which is slope · t under vmap."""
    function = jax.custom_batching.custom_vmap(lambda t: 1.0 * t)
    function.def_vmap(lambda size, batched, t: (slope * t, batched[0]))
    return function


def _identity(slope: float) -> Callable[[Any], Any]:
    """x ↦ x, whose backward rule is wrong under vmap unless the slope is 1."""
    scaled = _times(slope)
    function = jax.custom_vjp(lambda x: x)
    function.defvjp(lambda x: (x, None), lambda _, u: (scaled(u),))
    return function


def _forward_identity(slope: float) -> Callable[[Any], Any]:
    scaled = _times(slope)
    function = jax.custom_jvp(lambda x: x)
    function.defjvp(lambda xs, ts: (function(*xs), scaled(ts[0])))
    return function


def _opposed(g: Any) -> Any:
    return lambda x: jnp.arccos(x[:3] / -1.5).sum() + g(x[3])


def _kinked(g: Any) -> Any:
    return lambda x: 8 * jax.nn.relu(x[:3]).sum() + g(x[3])


def _opposed_results(g: Any) -> Any:
    return lambda x: jnp.stack([jnp.arccos(x), jnp.arccos(x), jnp.arcsin(x), jnp.arcsin(x), g(x)])


CASES = {
    "infinities of both signs": (_opposed, _identity, ENDS, "rev"),
    "a kink": (_kinked, _identity, np.float32([0, 0, 0, 0.2]), "rev"),
    "infinite results of both signs": (_opposed_results, _forward_identity, np.float32(1), "fwd"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_entry_that_is_wrong_under_vmap_beside(case: str) -> None:
    function, rule, point, mode = CASES[case]
    asked: dict[str, Any] = {"modes": mode, "special_points": False}
    found = check_grads(function(rule(1.0)), (point,), **asked)
    assert ", and under vmap" in found.evidence.text
    with pytest.raises(GradientMismatch, match=r"wrong under jax\.vmap"):
        check_grads(function(rule(2.0)), (point,), **asked)


def test_the_entry_is_named() -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_grads(_opposed(_identity(2.0)), (ENDS,), modes="rev", special_points=False)
    assert "under vmap: rev: the derivative of f with respect to x[3] is 2.0" in str(caught.value)


def test_where_two_jumps_cancel_on_one_side_nothing_is_refuted_under_vmap() -> None:
    """mod(x, a) jumps by -1 at 0 and the indicator of it by 1, on one side."""

    def f(a: Any, x: Any) -> Any:
        rest = jnp.mod(x, a)
        return jnp.sum(rest) + rest.astype(bool).astype(jnp.float32)

    args = (np.float32(-1.0), np.array([2.25, 0.0, 0.5], np.float32))
    try:
        assert check_grads(f, args, special_points=False).verdict.passes
    except UndecidedError as error:
        assert "f jumps at the point" in str(error)


def test_beside_a_jump_a_wrong_batching_rule_is_found() -> None:
    f = jax.custom_jvp(lambda x: jnp.sin(x))
    f.defjvp(lambda p, t: (f(p[0]), _times(2.0)(jnp.cos(p[0]) * t[0])))
    args = (np.array([0.0, 0.5], np.float32),)
    with pytest.raises(GradientMismatch, match="under vmap"):
        check_grads(lambda x: jnp.stack([jnp.floor(x[0]), f(x[1])]), args, special_points=False)


@pytest.mark.parametrize(
    "rule",
    [
        lambda n, batched, x: (jnp.sin(x), False),
        lambda n, batched, x: (jnp.sin(x)[:1], True),
    ],
)
def test_a_batch_of_another_shape_is_said_to_be_one(rule: Any) -> None:
    function = jax.custom_batching.custom_vmap(jnp.sin)
    function.def_vmap(rule)
    with pytest.raises(
        ShapeMismatch, match=r"for its result of a batch of 2 and says .*out_batched"
    ):
        check_grads(function, (0.5,), modes="fwd")


def test_a_batch_is_enclosed_as_finely_as_the_point() -> None:
    """At 600 e^(e^x) takes 866 bits to be a number; with fewer it is not infinite by the rules."""
    x = np.float32(600)
    found = check(lambda x: jnp.exp(jnp.exp(x)), (x,), special_points=False)
    assert found.verdict.passes and ", and under vmap" in found.evidence.text
    wrong = forward(lambda x: jnp.exp(jnp.exp(x)), lambda x: jnp.exp(jnp.exp(x) + 1.01 * x))
    assert check(wrong, (x,), special_points=False).verdict is Verdict.REFUTED


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_wrong_entry_of_the_values_is_named(wrong: int) -> None:
    """Integers among them, of which no drawn cotangent is weighed with those of floats."""

    @jax.custom_batching.custom_vmap
    def largest(x: Any) -> Any:
        return jnp.argmax(x), jnp.argmin(x)

    @largest.def_vmap
    def _(n: int, batched: Any, x: Any) -> Any:
        found = [jnp.argmax(x, axis=1), jnp.argmin(x, axis=1)]
        found[wrong] += 1
        return tuple(found), (True, True)

    x = np.float32([0.3, -0.4, 0.1])
    with pytest.raises(GradientMismatch, match=r"under jax\.vmap") as caught:
        check_grads(lambda x: (x * 2, largest(jax.lax.stop_gradient(x))), (x,), modes="rev")
    assert f"the value of f[1][{wrong}]" in str(caught.value)
