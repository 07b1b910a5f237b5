"""Counts of several truths at once against a sum of each."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.evidence.tallies import tallies


@given(
    size=st.integers(1, 5000),
    number=st.integers(1, 18),
    often=st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_count(size: int, number: int, often: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    among, *truths = generator.random((number + 1, size)) < often
    expected = [int((among & truth).sum()) for truth in truths]
    found = tallies(jnp.asarray(among), [jnp.asarray(truth) for truth in truths])
    assert found.dtype == jnp.uint32 and found.tolist() == expected


def test_a_whole_tile_of_truths() -> None:
    """Where everything holds, compiled as in a sweep."""
    for exponent in (0, 3, 7, 11, 18):
        truth = jnp.ones(2**exponent, bool)
        found = jax.jit(lambda truth: tallies(truth, [truth, ~truth] * 5))(truth)
        assert found.tolist() == [2**exponent, 0] * 5
