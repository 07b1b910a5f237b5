"""The neighbour of a float is one of a number that is known to be a float, and of no other."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Ball, UndecidedError, Verdict, check_grads, compare, run_over
from jaxgrad.errors import UnsupportedPrimitive

X, TENTH = np.float32(0.75), np.float32(0.1)


@pytest.mark.parametrize("towards", [-np.inf, 0, 0.1, 1, np.inf])
def test_of_a_constant(towards: float) -> None:
    exactly = np.nextafter(TENTH, np.float32(towards))
    f = lambda x: x * jnp.nextafter(jnp.asarray(TENTH), towards)  # noqa: E731
    assert compare(f, lambda x: x * exactly, X).verdict is Verdict.PROVED
    assert check_grads(f, (X,), budget=0).verdict is Verdict.AGREES
    other = np.nextafter(exactly, np.float32(2))
    assert compare(f, lambda x: x * other, X, exact=True).verdict is Verdict.REFUTED


def test_of_an_argument_it_has_a_value_and_no_derivative() -> None:
    next_after = jax.custom_jvp(lambda x: jnp.nextafter(x, np.inf))
    next_after.defjvp(lambda xs, ts: (next_after(*xs), ts[0]))
    value: Any = run_over(Ball(), next_after, X)
    assert float(value) == np.nextafter(X, np.float32(1))
    with pytest.raises(UndecidedError, match="`nextafter` of what is not known to be a float"):
        check_grads(next_after, (X,))
    with pytest.raises(UnsupportedPrimitive, match="not known to be a float"):
        run_over(Ball(), lambda x: next_after(x / 7), X)
