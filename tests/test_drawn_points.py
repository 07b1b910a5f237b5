"""Points are drawn with every bit of their dtype, so that no step of a program hides."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.enclosure import draw
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict


@pytest.mark.parametrize(
    ("stepped", "smooth"),
    [
        (lambda x: jnp.round(x * 8) / 8, lambda x: x),
        (lambda x: jnp.floor(x * 256) / 256, lambda x: x),
        (lambda x: jnp.mod(x, 0.125) * 1e6, lambda x: 0 * x),
        (lambda x: jnp.ceil(x * 2.0**12) / 2.0**12, lambda x: x),
        (lambda x: jnp.round(x / 0.001) * 0.001, lambda x: x),
    ],
)
def test_a_program_that_rounds_its_argument_is_not_the_identity(stepped: Any, smooth: Any) -> None:
    """A point of few digits does not tell them apart, and nearly every other one does."""
    assert compare(stepped, smooth, 0.5).verdict is Verdict.REFUTED
    assert compare(stepped, stepped, 0.5).verdict is not Verdict.REFUTED


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float8_e4m3fn"])
def test_drawn_points_use_every_bit_of_their_dtype(dtype: str) -> None:
    leaf = Leaf("x", (64,), jnp.dtype(dtype), np.ones(64, dtype))
    points = [np.asarray(draw([leaf], seed)[0]).astype(np.float64) for seed in range(3)]
    spacing = 2.0 ** np.floor(np.log2(np.abs(points[0]))) * float(jnp.finfo(dtype).eps)
    odd = (points[0] / spacing) % 2 == 1
    assert 16 < odd.sum() < 48  # the last bit is drawn, too
    assert ((points[1] * 8) % 1 == 0).all()
    assert (points[0] < 0).any()
    assert (points[2] >= 0).all()
