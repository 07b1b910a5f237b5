"""Affine forms hold what Arb has at every point of their interval, and what JAX computes there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jaxgrad.errors import CannotDecide
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers.affine import Affine
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.precision import precision
from jaxgrad.properties import derivative_range

# Each is defined on all of the interval, and uses one rule more than what it is beside.
FUNCTIONS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "sums": (lambda x: (2 * x + 1) - (x - 3), -30, 30),
    "products": (lambda x: x * (x - 1) * (x + 0.5), -30, 30),
    "a square": (lambda x: x * x - x, -30, 30),
    "even powers": (lambda x: x**4 + x**2, -30, 30),
    "odd powers": (lambda x: x**3 - x**5, -30, 30),
    "powers below 0": (lambda x: x**-2 + x**-3, 0.01, 30),
    "powers below 0, of what is below 0": (lambda x: x**-2 + x**-3, -30, -0.01),
    "a quotient": (lambda x: (x + 1) / (x + 31), -30, 30),
    "the larger": (lambda x: jnp.maximum(x, 3 - x), -30, 30),
    "the smaller": (lambda x: jnp.minimum(2 * x, 3 - x), -30, 30),
    "a size": (lambda x: jnp.abs(x) + jnp.abs(x - 2), -30, 30),
    "a sign": (lambda x: jnp.sign(x - 1), -30, 30),
    "branches": (lambda x: jnp.where(x > 1, x, 2 * x), -30, 30),
    "branches that are alike": (lambda x: jnp.where(x * x > 1, x, x + 1) - x, -30, 30),
    "truths": (lambda x: jnp.where((x > 1) | (x < -1), x, -x), -30, 30),
    "clipped": (lambda x: jnp.clip(x, -1, 2), -30, 30),
    "exp, log": (lambda x: jnp.exp(-x) - jnp.log(x + 31), -30, 30),
    "expm1, log1p": (lambda x: jnp.expm1(x) - jnp.log1p(x + 30), -30, 30),
    "roots": (lambda x: jnp.sqrt(x + 31) - jnp.cbrt(x) + jax.lax.rsqrt(x + 31), -30, 30),
    "sigmoids": (lambda x: jnp.tanh(x) - jax.nn.sigmoid(x) + jnp.arctan(x), -30, 30),
    "erf": (lambda x: jax.lax.erf(x) - jax.lax.erfc(x), -5, 5),
    "erf_inv": (jax.lax.erf_inv, -0.99, 0.99),
    "arcs": (lambda x: jnp.arcsin(x) - jnp.arccos(x) - jnp.arctanh(x), -0.99, 0.99),
    "hyperbolic": (lambda x: jnp.sinh(x) - jnp.cosh(x) + jnp.arcsinh(x), -10, 10),
    "an arc of at least 1": (jnp.arccosh, 1.01, 30),
    "waves": (lambda x: jnp.sin(x) * jnp.cos(2 * x), -30, 30),
    "lgamma": (jax.lax.lgamma, 0.1, 30),
    "softplus": (jax.nn.softplus, -30, 30),
    "gelu": (jax.nn.gelu, -10, 10),
    "softplus'": (jax.grad(jax.nn.softplus), -30, 30),
    "gelu'": (jax.grad(jax.nn.gelu), -10, 10),
    "mish'": (jax.grad(jax.nn.mish), -10, 10),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_form_holds_each_value_in_its_interval(name: str) -> None:
    f, least, most = FUNCTIONS[name]
    with jax.enable_x64(True):
        compiled = jax.jit(f)

    @given(ends=st.tuples(st.floats(least, most), st.floats(least, most)), part=st.floats(0, 1))
    @example(ends=(least, most), part=0.0)
    @example(ends=(least, most), part=0.5)
    @example(ends=(least, most), part=1.0)
    def holds(ends: tuple[float, float], part: float) -> None:
        low, high = sorted(ends)
        x = min(max(low + part * (high - low), low), high)
        with precision(100), jax.enable_x64(True):
            numbers = Affine(exact_ball(low).union(exact_ball(high)))
            form = run_over(numbers, f, numbers.variable)
            if not form.hull.is_finite():  # Arb has no value for a ball that is so wide
                assert name == "lgamma" and high - low > 0.1
                return
            try:
                value = run_over(Ball(), f, exact_ball(x))
            except CannotDecide:
                assume(False)
            assert form.hull.overlaps(value)
            assert (form.slope * exact_ball(x) + form.rest).overlaps(value)
            got = float(compiled(x))
            near = exact_ball(got) + arb(0, 1e-11) * (1 + abs(got))
            assert form.hull.overlaps(near), (form.hull, got)

    holds()


def test_what_is_linear_in_x_cancels() -> None:
    with precision(100):
        numbers = Affine(arb(10) ** 6 + arb(0, 1) * arb(10) ** 5)
        x = numbers.variable
        assert (x - x).hull.is_zero()
        sum_of_both = run_over(numbers, lambda x: jnp.maximum(x, 0) + jnp.exp(-x), x)
        assert abs((x - sum_of_both).hull) < arb(10) ** -100000
        assert (x * numbers.constant(3) - x - x - x).hull.is_zero()
        # And what is not does not: a wrong slope would be seen.
        assert abs((x * numbers.constant(3) - x - x).hull).lower() > 10**5


def test_a_value_is_that_of_either_branch_where_that_is_open() -> None:
    numbers = Affine(arb(0, 2))
    form = run_over(numbers, lambda x: jnp.where(x > 0, x + 1, x - 1), numbers.variable)
    assert bool(form.slope == 1) and form.rest.contains(1) and form.rest.contains(-1)
    apart = run_over(numbers, lambda x: jnp.where(x > 0, x, -x), numbers.variable)
    assert apart.slope.is_zero() and apart.hull.contains(2) and apart.hull.contains(-2)


def test_no_number_stays_none() -> None:
    numbers = Affine(arb(0, 2))
    x = numbers.variable
    zero = numbers.constant(0)
    for quotient in (numbers.divide(x, x), numbers.divide(zero, zero), numbers.divide(x, zero)):
        assert not quotient.hull.is_finite()
        assert not (quotient + x).hull.is_finite() and not (quotient * zero).hull.is_finite()
    nan = numbers.divide(zero, zero)
    assert numbers.compare("ne", nan, nan) is True and numbers.compare("lt", nan, x) is False


ACTIVATIONS = [
    jax.nn.softplus, jax.nn.gelu, jax.nn.log_sigmoid, jax.nn.mish, jax.nn.silu, jax.nn.elu,
    jax.nn.squareplus, jax.nn.soft_sign,
]  # fmt: skip


@pytest.mark.parametrize("f", ACTIVATIONS, ids=lambda f: f.__name__)
def test_ranges_of_activations_hold_and_are_nearly_attained(f: Callable[..., Any]) -> None:
    found = derivative_range(f, dtype="float16")
    assert found.bounds is not None
    with jax.enable_x64(True):
        xs = np.arange(2**16, dtype=np.uint16).view(np.float16)
        xs = xs[np.isfinite(xs)].astype(np.float64)
        slopes = np.asarray(jax.jit(jax.vmap(jax.grad(f)))(xs))
    lower, upper = float(found.bounds.lower), float(found.bounds.upper)
    assert lower - 1e-9 <= slopes.min() and slopes.max() <= upper + 1e-9
    close = 0.3 if f is jax.nn.squareplus else 0.01  # whose balls are wide at every size of x
    assert slopes.min() - lower < close and upper - slopes.max() < close
