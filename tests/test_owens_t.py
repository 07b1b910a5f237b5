"""Owen's T function: its values and series, and JAX's rule of it."""

from __future__ import annotations

from typing import Any

import jax
import jax.scipy.special as special
import numpy as np
import scipy.special
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import Verdict, check
from jaxgrad.numbers.owens import owens_t, owens_t_of_polynomials
from jaxgrad.numbers.precision import precision

eighths = st.integers(-40, 40).map(lambda n: n / 8)
STEP = arb(2) ** -40


@given(eighths, eighths)
def test_values(h: float, a: float) -> None:
    found = owens_t(arb(h), arb(a))
    assert abs(float(found) - scipy.special.owens_t(h, a)) <= 1e-12 * abs(float(found)) + 1e-300
    assert owens_t(arb(h), -arb(a)).overlaps(-found)
    assert not owens_t(arb.nan(), arb(a)).is_finite()


@settings(max_examples=30)
@given(eighths, eighths, st.integers(-3, 3), st.integers(-3, 3))
def test_the_slope_along_a_line(h: float, a: float, by_h: int, by_a: int) -> None:
    with precision(300):
        found = owens_t_of_polynomials([arb(h), arb(by_h)], [arb(a), arb(by_a)], 3)
        beside, ahead = (
            owens_t(arb(h) + k * by_h * STEP, arb(a) + k * by_a * STEP) for k in (-1, 1)
        )
        assert found[0].overlaps(owens_t(arb(h), arb(a)))
        assert abs((ahead - beside) / (2 * STEP) - found[1]) < arb(2) ** -60
        curved = (ahead + beside - 2 * found[0]) / STEP**2 / 2
        assert abs(curved - found[2]) < arb(2) ** -60


def test_its_rule() -> None:
    """JAX adds up 13 values for a value: what it loses of small ones is no fault of the rule."""
    assert check(special.owens_t, (0.7, 0.3)).verdict is Verdict.AGREES

    def wrong(primals: Any, tangents: Any) -> Any:
        value, moved = jax.jvp(special.owens_t, primals, tangents)
        return value, 1.0001 * moved

    rule = jax.custom_jvp(special.owens_t)
    rule.defjvp(wrong)
    assert check(rule, (0.7, 0.3)).verdict is Verdict.REFUTED


def test_small_values() -> None:
    h, a = np.float32(5.5), np.float32([0.5, 2.0])
    assert check(lambda h: special.owens_t(h, a), (h,), special_points=False).verdict.passes
