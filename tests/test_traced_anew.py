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
