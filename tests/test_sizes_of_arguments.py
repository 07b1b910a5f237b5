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


# -- and of results --------------------------------------------------------------------------------


def _results(size: int, largest: float, slope: float = 1.0, value: float = 1.0) -> Any:
    """Results of which the first is the largest, and a rule that is wrong in the second."""
    weights = np.array([largest, *range(1, size)], np.float32)
    slopes, values = weights.copy(), weights.copy()
    slopes[1] *= slope
    values[1] *= value
    f = jax.custom_vjp(lambda x: jnp.sin(x) * weights)
    f.defvjp(lambda x: (jnp.sin(x) * values, x), lambda x, g: (jnp.sum(g * slopes) * jnp.cos(x),))
    return f


@pytest.mark.parametrize(("size", "largest"), [(8, 1e6), (40, 1e12), (300, 1.0)])
def test_a_large_result_or_many_hide_no_error_of_another_one(size: int, largest: float) -> None:
    point = (np.float32(0.5),)
    assert check(_results(size, largest), point).verdict is Verdict.PROVED
    for wrong in {"slope": 1.01}, {"slope": 2.0}, {"value": 1.01}, {"value": -1.0}:
        found = check(_results(size, largest, **wrong), point)
        assert found.verdict is Verdict.REFUTED and "f[1]" in str(found)


def test_results_of_fewer_digits_draw_nothing_off_from_a_wrong_one() -> None:
    """Of c rounding leaves six bits, which is no fault; beside 10⁶x more agree of a wrong one."""

    def primal(x: Any) -> Any:
        c = jnp.exp(x) - x - 1
        return jnp.stack([c, c, c, c, jnp.sin(x), jnp.sin(x), jnp.cos(x), 1e6 * x])

    for factor, verdict in ((1.0, Verdict.AGREES), (1.5, Verdict.REFUTED)):
        f = jax.custom_vjp(primal)

        def backward(x: Any, u: Any, factor: float = factor) -> Any:
            c = jnp.exp(x) * np.float32(1 + 1.2e-7) - 1
            rest = [factor * jnp.cos(x), jnp.cos(x), -jnp.sin(x), 1e6 + 0 * x]
            return (jnp.dot(jnp.stack([c, c, c, c, *rest]), u),)

        f.defvjp(lambda x: (primal(x), x), backward)
        assert check(f, (np.float32(1e-5),), special_points=False).verdict is verdict


def test_of_the_second_derivative_either() -> None:
    weights = np.array([1e7, *range(1, 8)], np.float32)

    def f_whose_slope(slope: Any) -> Any:
        f = jax.custom_vjp(lambda x: jnp.sin(x) * weights)
        f.defvjp(lambda x: (jnp.sin(x) * weights, x), lambda x, g: (jnp.sum(g * slope(x)),))
        return f

    for factor, verdict in ((1.0, Verdict.PROVED), (1.01, Verdict.REFUTED)):
        bends = weights.copy()
        bends[1] *= factor
        slope = jax.custom_vjp(lambda x: jnp.cos(x) * weights)
        slope.defvjp(
            lambda x: (jnp.cos(x) * weights, x),
            lambda x, g, bends=bends: (-jnp.sum(g * bends) * jnp.sin(x),),
        )
        assert check(f_whose_slope(slope), (np.float32(0.5),), order=2).verdict is verdict


def test_a_rule_that_closes_over_an_array_and_returns_a_wrong_value() -> None:
    """By what it closes over it has no derivative, which is no reason to raise."""
    weights = np.array([1, 2, 3], np.float32)
    f = jax.custom_vjp(lambda x: x * weights)
    f.defvjp(lambda x: (x * weights * 2, x), lambda x, g: (jnp.sum(g * weights),))
    found = check(f, (np.float32(0.5),))
    assert found.verdict is Verdict.REFUTED and "the forward rule of `<lambda>`" in str(found)
