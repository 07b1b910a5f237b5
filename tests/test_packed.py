"""Truths that are packed into numbers come back as they were, however many there are."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.evidence.packed import packed, unpacked


@given(st.integers(1, 70), st.integers(0, 5), st.randoms(use_true_random=False))
def test_what_is_packed_comes_back(count: int, size: int, random: Any) -> None:
    truths = np.array([[random.random() < 0.5 for _ in range(size)] for _ in range(count)], bool)
    truths = truths.reshape(count, size)
    words = packed([jnp.asarray(row) for row in truths])
    assert [word.dtype for word in words] == [np.uint32] * -(-count // 32)
    np.testing.assert_array_equal(unpacked(words, count), truths)


@pytest.mark.parametrize("which", [0, 31, 32, 63, 64])
def test_one_truth_is_one_bit(which: int) -> None:
    x = jnp.arange(6)
    words = jax.jit(lambda x: packed([(x == 4) & (k == which) for k in range(65)]))(x)
    assert [int(word.sum()) for word in words] == [
        2 ** (which % 32) if k == which // 32 else 0 for k in range(3)
    ]
    assert np.argwhere(unpacked(words, 65)).tolist() == [[which, 4]]
