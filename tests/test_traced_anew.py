"""What is judged is the function as it is now, not as it was when JAX first traced it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.evidence.sweep import sweep
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Verdict

X = np.float32(0.3)


def _rule(function: Any, factor: float) -> None:
    function.defjvp(lambda p, t: (jnp.sin(p[0]), factor * jnp.cos(p[0]) * t[0]))


@pytest.mark.parametrize("called", [False, True])
def test_a_rule_that_is_mended_or_broken_is_judged_again(called: bool) -> None:
    sine = jax.custom_jvp(lambda x: jnp.sin(x))
    function = (lambda x: 3 * sine(x)) if called else sine
    for factor, expected in ((2.0, Verdict.REFUTED), (1.0, Verdict.PROVED), (2.0, Verdict.REFUTED)):
        _rule(sine, factor)
        assert check(function, (X,), special_points=False).verdict is expected


def test_a_number_that_a_function_closes_over_may_change() -> None:
    held = {"factor": 1.0}

    def hand(x: Any) -> Any:
        return held["factor"] * jnp.cos(x)

    auto = jax.grad(jnp.sin)
    for factor, expected in ((1.0, Verdict.PROVED), (2.0, Verdict.REFUTED), (1.0, Verdict.PROVED)):
        held["factor"] = factor
        assert compare(hand, auto, X).verdict is expected


def test_a_sweep_is_of_the_function_as_it_is_now() -> None:
    held = {"most": 1.0}

    def bounded(x: Any) -> Any:
        return jnp.minimum(jnp.abs(x), held["most"])

    for most, expected in ((1.0, Verdict.PROVED), (2.0, Verdict.REFUTED), (1.0, Verdict.PROVED)):
        held["most"] = most
        found = sweep(bounded, "float16", lambda x, y: ~(y > 1))
        assert found.verdict is expected


def _scaled_inside(factor: float, under_jit: bool = False) -> Any:
    """A rule that closes over an array that the function makes."""

    def f(x: Any) -> Any:
        weights = jnp.full(x.shape, 0.5)

        @jax.custom_vjp
        def weighed(x: Any) -> Any:
            return jnp.sum(x * x * weights)

        weighed.defvjp(lambda x: (weighed(x), x), lambda x, g: (factor * 2 * x * weights * g,))
        return weighed(x)

    return jax.jit(f) if under_jit else f


@pytest.mark.parametrize("order", [1, 2])
def test_a_rule_may_close_over_what_its_function_makes(order: int) -> None:
    x = np.array([0.3, -0.5], np.float32)
    assert check(_scaled_inside(1.0), (x,), order=order).verdict is Verdict.PROVED
    assert check(_scaled_inside(1.01), (x,), order=order).verdict is Verdict.REFUTED


def test_what_jax_cannot_differentiate_itself_is_said_to_be_kept() -> None:
    f, x = _scaled_inside(1.0, under_jit=True), np.array([0.3, -0.5], np.float32)
    with pytest.raises(TypeError, match="Tracer"):
        jax.grad(f)(x)
    found = check(f, (x,))
    assert found.verdict is Verdict.UNDECIDED
    assert "or over a value made in it (make that by numpy, or outside)" in str(found)
