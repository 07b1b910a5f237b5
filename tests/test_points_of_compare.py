"""The points that are drawn beside the given one: of both signs, and some larger than 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, compare
from jaxgrad.gradients.enclosure import draw
from jaxgrad.programs.trace import Leaf

X = np.float32(0.5)


def points(shape: tuple[int, ...], dtype: str = "float32") -> list[np.ndarray]:
    value = np.ones(shape, jnp.dtype(dtype))
    return [draw([Leaf("x", value.shape, value.dtype, value)], seed)[0] for seed in range(3)]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 4)])
def test_the_second_point_has_the_other_signs(shape: tuple[int, ...], dtype: str) -> None:
    first, second, third = (np.asarray(x, np.float64) for x in points(shape, dtype))
    moved = second != 0
    assert moved.any()
    assert (np.sign(first) == -np.sign(second))[moved].all()
    assert (8 * second == np.round(8 * second)).all()
    assert not np.signbit(second[~moved]).any()
    assert (third >= 0).all()


OTHER_BEYOND: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "below 0": (lambda x: x, jnp.abs),
    "below 0, of a square root": (lambda x: x, lambda x: jnp.sqrt(x * x)),
    "clipped below": (lambda x: x, lambda x: jnp.maximum(x, 0)),
    "below -1": (lambda x: x**3, lambda x: jnp.maximum(x, -1) ** 3),
    "flat below 0": (lambda x: jnp.exp(x), lambda x: jnp.exp(jnp.maximum(x, 0))),
}


@pytest.mark.parametrize("name", OTHER_BEYOND)
def test_a_scalar_that_is_other_elsewhere(name: str) -> None:
    assert compare(*OTHER_BEYOND[name], X).verdict is Verdict.REFUTED


def test_a_point_outside_the_domain_ends_nothing() -> None:
    left = lambda x: jnp.arcsin(x)  # noqa: E731
    right = lambda x: jnp.arctan(x / jnp.sqrt(1 - x * x))  # noqa: E731
    found = compare(left, right, X)
    assert found.verdict is Verdict.AGREES
    assert found.evidence.text.startswith("at 3 points")  # at 0.5, 0.13 and 0.19, not at -1.4
    wrong = lambda x: right(x) + jnp.where(x < 0.19, 1e-4 * x, 0)  # noqa: E731
    assert compare(left, wrong, X).verdict is Verdict.REFUTED
