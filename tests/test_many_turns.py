"""Iterations of many turns: what is left of each is run on for, in as many bits as it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check


def chord(off: float) -> Callable[..., Any]:
    """The root of x³ + x = a by steps of one slope, which leave 0.8 of what is left; its rule is
    off by a factor."""

    @jax.custom_vjp
    def root(a: Any) -> Any:
        def turned(state: Any) -> Any:
            x, _, turns = state
            step = (x**3 + x - a) / 1.75
            return x - step, step, turns + 1

        def goes_on(state: Any) -> Any:
            x, step, turns = state
            return (abs(step) > 1e-6 * abs(x)) & (turns < 256)

        return lax.while_loop(goes_on, turned, (0.5 + 0 * a, 1.0 + 0 * a, 0))[0]

    def forward(a: Any) -> Any:
        x = root(a)
        return x, x

    root.defvjp(forward, lambda x, g: (off * g / (3 * x**2 + 1),))
    return root


@pytest.mark.parametrize("off", [0.99, 1.0, 1.0001])
def test_a_rule_of_a_slow_iteration_is_judged_by_where_that_comes_to(off: float) -> None:
    found = check(chord(off), (np.float32(1.5),), special_points=False)
    assert found.verdict is (Verdict.AGREES if off == 1 else Verdict.REFUTED)
