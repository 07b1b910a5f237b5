"""Floats that were asked for by ``dtypes=`` and not judged: UNDECIDED, whatever else is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check

X = np.float32(0.3)


def double(x: Any) -> Any:
    return 2 * x


def of_float32_alone(x: Any) -> Any:
    return jax.lax.add(x, jnp.float32(1))


def a_loop_of_unknown_length(x: Any) -> Any:
    return jax.lax.while_loop(lambda y: jnp.abs(y) > 0.5, lambda y: y * 0.9, x)


@pytest.mark.parametrize(
    ("f", "x", "options", "said"),
    [
        (double, X, {"budget": 0}, "floats in float16 (not reached); all else passes: the one-sid"),
        (of_float32_alone, X, {}, "floats in float16, fwd and rev (TypeError: lax.add requires"),
        (
            a_loop_of_unknown_length,
            X,
            {"modes": "fwd", "special_points": False},
            "floats in float16, fwd (UnsupportedPrimitive: a `while_loop` makes an unknown number",
        ),
        (double, np.float32(np.inf), {}, "floats in float16 (no derivative there has floats to "),
    ],
    ids=["no time", "another dtype", "a loop", "an infinity"],
)
def test_what_was_asked_for_and_not_judged_is_undecided(
    f: Callable[..., Any], x: Any, options: dict[str, Any], said: str
) -> None:
    assert check(f, (x,), **options).verdict.passes
    found = check(f, (x,), dtypes=["float16"], **options)
    assert found.verdict is Verdict.UNDECIDED
    assert f"not judged, though dtypes= asks for it: {said}" in found.evidence.text
    assert all(leaf.verdict.passes for leaf in found.leaves)


def test_what_was_judged_passes_beside_what_is_wrong_and_stays_so() -> None:
    assert check(double, (X,), dtypes=["float16", "float32"]).verdict is Verdict.AGREES
    wrong = jax.custom_jvp(double)
    wrong.defjvp(lambda x, t: (double(*x), 3 * t[0]))
    assert check(wrong, (X,), dtypes=["float16"], budget=0).verdict is Verdict.REFUTED
