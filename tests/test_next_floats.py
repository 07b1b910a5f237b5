"""The neighbour of a float, and of what lies between two powers of 2, where floats lie evenly."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from jaxgrad import Ball, Verdict, check, check_grads, compare, run_over
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


def after(slope: float) -> Any:
    """The next float, with a rule of this slope."""
    function = jax.custom_jvp(lambda x: jnp.nextafter(x, np.inf))
    function.defjvp(lambda xs, ts: (function(*xs), ts[0] * slope))
    return function


def test_of_an_argument_its_derivative_is_one() -> None:
    assert float(run_over(Ball(), after(1), X)) == np.nextafter(X, np.float32(1))
    assert check_grads(after(1), (X,)).verdict is Verdict.AGREES
    assert check(after(1 + 1e-4), (X,)).verdict is Verdict.REFUTED
    assert check(lambda x: after(1)(x * x), (X,)).verdict is Verdict.AGREES


@given(
    st.floats(width=32, allow_infinity=False, allow_nan=False).map(np.float32),
    st.sampled_from([-np.inf, np.inf]),
)
def test_of_a_float_it_is_that_of_numpy(x: np.float32, towards: float) -> None:
    """What lies beside a float by less than a float has the neighbour beside that float's."""
    limits = np.finfo(np.float32)
    hypothesis.assume(limits.smallest_normal < abs(x) < limits.max / 2)
    hypothesis.assume(abs(np.frexp(x)[0]) != 0.5)
    beside: Any = run_over(
        Ball(), lambda x: jnp.nextafter(x + (x * 2.0**-100), np.float32(towards)), x
    )
    least = float(np.spacing(abs(x)))
    moved = float(x) * (1 + 2.0**-100) + (least if towards > 0 else -least)
    assert abs(float(beside.mid()) - moved) <= abs(x) * 2.0**-52


@pytest.mark.parametrize("x", [0.5, 1e-42, float(np.finfo(np.float32).max)])
def test_between_which_powers_of_two_has_to_be_known(x: float) -> None:
    pi_times = lambda x: jnp.nextafter(x * jnp.sin(x) ** 2 + x * jnp.cos(x) ** 2, np.inf)  # noqa: E731
    with pytest.raises(UnsupportedPrimitive, match="nor to lie between two powers of 2"):
        run_over(Ball(), pi_times, np.float32(x))


def test_on_which_side_it_moves_has_to_be_known() -> None:
    with pytest.raises(UnsupportedPrimitive, match="neither to be a float"):
        run_over(Ball(), lambda x: jnp.nextafter(jnp.sin(x), jnp.sin(2 * x / 2)), X)


def test_of_infinities() -> None:
    f = lambda x: x * jnp.nextafter(jnp.exp(x) * jnp.inf, -jnp.inf)  # noqa: E731
    assert float(run_over(Ball(), f, np.float32(1))) == np.finfo(np.float32).max
