"""Run as a program: polynomials of sizes at which FLINT would end the process; prints what ended.

Nothing can be caught when FLINT aborts, so the tests run this in a process of its own.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxgrad
from jaxgrad.gradients.identity import Budget, identity
from jaxgrad.interpret.sides import make_side

Function = Callable[..., Any]


def spline(x: Any, params: Any) -> Any:
    """A rational-quadratic spline on [-1, 1] (Durkan et al. 2019): value and log-derivative."""
    count = (params.shape[0] - 1) // 3
    least = 1e-4
    sizes = [
        jax.nn.softmax(part) * (2 - count * least) + least
        for part in (params[:count], params[count : 2 * count])
    ]
    knots_x, knots_y = (
        jnp.concatenate([jnp.full(1, -1.0), jnp.cumsum(size)[:-1] - 1, jnp.full(1, 1.0)])
        for size in sizes
    )
    slopes = jax.nn.softplus(params[2 * count :] + np.log(np.exp(1 - least) - 1)) + least
    inside = jnp.logical_and(x >= knots_x[:-1], x < knots_x[1:])
    first = jnp.arange(count) == 0
    inside = jnp.where(jnp.any(inside), inside, first)

    def pick(values: Any) -> Any:
        return jnp.sum(jnp.where(inside, values, 0.0))

    x0, y0, d0 = pick(knots_x[:-1]), pick(knots_y[:-1]), pick(slopes[:-1])
    width, height, d1 = pick(knots_x[1:]) - x0, pick(knots_y[1:]) - y0, pick(slopes[1:])
    slope = height / width
    z = jnp.clip((x - x0) / width, 0.0, 1.0)
    mixed = z * (1 - z)
    denominator = slope + (d1 + d0 - 2 * slope) * mixed
    y = y0 + height * (slope * z * z + d0 * mixed) / denominator
    log_slope = (
        2 * jnp.log(slope)
        + jnp.log(d1 * z * z + 2 * slope * mixed + d0 * (1 - z) ** 2)
        - 2 * jnp.log(denominator)
    )
    low, high = x <= knots_x[0], x >= knots_x[-1]
    y = jnp.where(low, (x - knots_x[0]) * slopes[0] + knots_y[0], y)
    y = jnp.where(high, (x - knots_x[-1]) * slopes[-1] + knots_y[-1], y)
    log_slope = jnp.where(low, jnp.log(slopes[0]), log_slope)
    return y, jnp.where(high, jnp.log(slopes[-1]), log_slope)


def squared(x: Any, times: int) -> Any:
    """x^(2^times)."""
    return lax.fori_loop(0, times, lambda _, c: c * c, x)


LARGE: list[Function] = [
    lambda x, y, z: x**1_000_000,
    lambda x, y, z: (x + 1) ** 1_000_000,
    lambda x, y, z: (x + y + z) ** 200,
    lambda x, y, z: squared(3 * x, 60),
    lambda x, y, z: squared(x, 70),
    lambda x, y, z: squared(x / 3 + y / 7, 12),
    lambda x, y, z: jnp.prod(jnp.stack([k * x + (k + 1) * y * y + 0.3 * z for k in range(20)])),
    lambda x, y, z: squared(jnp.exp(x), 20) * squared(jnp.exp(-x), 20),
    lambda x, y, z: squared(jnp.exp(x), 50) * squared(jnp.exp(-x), 50),
    lambda x, y, z: jnp.sin(x) ** 100_000,
    lambda x, y, z: jnp.sqrt(x + y + z + 1) ** 1001,
    lambda x, y, z: jnp.log((x + y) ** 60 * (x - y) ** 60 + z**1000),
    lambda x, y, z: 1 / (x**1000 + y**1000) + 1 / (x**999 - 1),
    lambda x, y, z: jnp.log(jnp.exp(0.1 * x) * jnp.exp(0.7 * y) + jnp.exp(0.3 * x * y) + 0.001),
    lambda x, y, z: (
        jnp.log(3.3e-30 * x) * jnp.log(9.87654321e30 * y) * jnp.log(squared(0.3, 7) * z)
    ),
    lambda x, y, z: (jnp.maximum(x, y) + jnp.maximum(y, z) + jnp.maximum(z, x)) ** 60,
]


def drawn(seed: int) -> Function:
    """Sums of powers, with exponents of every size, under a function that factors or divides."""
    numbers = random.Random(seed)

    def exponent() -> int:
        return numbers.choice((numbers.randint(1, 9), numbers.randint(10, 70), 2**20 + seed, 2**33))

    terms = [[exponent() if numbers.random() < 0.6 else 0 for _ in "xyz"] for _ in range(4)]
    scales = [numbers.choice((1, 3, 0.1, 1e-30)) for _ in terms]
    outer = numbers.choice([lambda u: 1 / u, jnp.log, jnp.sqrt, jnp.exp, lambda u: u ** exponent()])

    def function(*xs: Any) -> Any:
        parts = [c * _product(xs, term) for c, term in zip(scales, terms, strict=True)]
        return outer((parts[0] + parts[1]) * (parts[2] + parts[3]))

    return function


def _product(xs: Any, exponents: list[int]) -> Any:
    result = 1.0
    for x, n in zip(xs, exponents, strict=True):
        result = result * lax.integer_pow(x, n) if n else result
    return result


def look_at(function: Function) -> None:
    """The function and its gradient against what only the zero test knows is equal."""
    args = (np.float32(0.5), np.float32(-0.25), np.float32(0.75))
    auto = jax.value_and_grad(function, (0, 1, 2))

    def hand(*xs: Any) -> Any:
        one = jnp.sin(xs[0]) ** 2 + jnp.cos(xs[0]) ** 2
        return jax.tree.map(lambda value: one * value, auto(*xs))

    sides = make_side("hand", hand, args), make_side("auto", auto, args)
    identity(*sides, Budget(terms=2_000, work=10_000_000, generators=128))


def main(count: int) -> int:
    """Looks at all of them, at so many that are drawn, and at the spline; prints how many."""
    params = np.random.RandomState(1).randn(10).astype(np.float32)
    check = jaxgrad.check_grads(spline, (np.float32(0.3), params), special_points=False)
    functions = [*LARGE, *(drawn(seed) for seed in range(count))]
    for function in functions:
        look_at(function)
    print(check.verdict, len(functions))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
