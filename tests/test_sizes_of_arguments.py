"""Where one argument is larger by far, an error of the derivative by it is found all the same."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check


def _product(threshold: float, factor: float) -> tuple[Any, Any]:
    """x·y, whose rule gives so many times the derivative by x beyond a threshold of x."""

    def slope(x: Any, y: Any, t: Any, u: Any) -> Any:
        return jnp.where(abs(x) > threshold, factor, 1.0) * y * t + x * u

    of_two, of_one = jax.custom_jvp(lambda x, y: x * y), jax.custom_jvp(lambda x: x[0] * x[1])
    of_two.defjvp(lambda p, t: (p[0] * p[1], slope(*p, *t)))
    of_one.defjvp(lambda p, t: (p[0][0] * p[0][1], slope(*p[0], *t[0])))
    return of_two, of_one


@pytest.mark.parametrize(("threshold", "factor"), [(1e30, 1.001), (1e37, 2.0)])
def test_a_large_argument_hides_no_error_of_the_derivative_by_it(
    threshold: float, factor: float
) -> None:
    """Of y dx + x dy no float tells the first where x is so much larger than y."""
    points = (np.float32(0.5), np.float32(0.7)), (np.float32([0.5, 0.7]),)
    for f, point in zip(_product(threshold, factor), points, strict=True):
        assert check(f, point).verdict is Verdict.REFUTED
    for f, point in zip(_product(threshold, 1.0), points, strict=True):
        assert check(f, point).verdict is Verdict.PROVED


def test_in_float64_up_to_sixty_digits(float64: None) -> None:
    f, _ = _product(1e60, 2.0)
    assert check(f, (np.float64(0.5), np.float64(0.7))).verdict is Verdict.REFUTED
