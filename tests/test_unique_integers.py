"""The integer of a ball, however far from 1 its numbers are."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad import Verdict, check
from jaxgrad.numbers.unique_integer import unique_integer


@given(st.integers(-(2**80), 2**80), st.integers(-12, 12))
def test_it_is_that_within_the_ball(quarters: int, radius: int) -> None:
    middle, around = arb(quarters) / 4, arb(0, 2.0**radius)
    within = [
        n for n in range(quarters // 4 - 2, quarters // 4 + 4) if (middle + around).contains(n)
    ]
    found = unique_integer(middle + around)
    assert found == (within[0] if len(within) == 1 else None)


@pytest.mark.parametrize("radius", [0.0, 0.1, 0.6, 1.5])
def test_numbers_of_a_great_exponent(radius: float) -> None:
    """FLINT itself ends the process here."""
    tiny, huge = arb(-1e30).exp(), arb(1e30).exp()
    assert unique_integer(arb(tiny.mid(), radius)) == (0 if 0 < radius < 1 else None)
    assert unique_integer(3 + arb(0, tiny)) == 3
    assert unique_integer(huge) is None


@pytest.mark.parametrize("mask", [-1e19, -1e30, float(np.finfo(np.float32).min)])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_what_is_masked_by_a_number_far_below(mask: float, factor: float) -> None:
    def together(x: jax.Array) -> jax.Array:
        return jnp.logaddexp(jnp.logaddexp(x[0], mask), x[1])

    f = jax.custom_jvp(together)
    f.defjvp(lambda xs, ts: (together(*xs), factor * jax.jvp(together, xs, ts)[1]))
    found = check(f, (np.float32([0.3, -0.4]),))
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)
