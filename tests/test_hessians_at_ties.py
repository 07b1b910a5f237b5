"""Second derivatives where entries tie: a function that is smooth there has one Hessian alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad import Verdict, check
from jaxgrad.gradients.rules.directions import Unit, drawn, ramp, uneven

Function = Callable[[Any], Any]


def ruled(f: Function, gradient: Function) -> Function:
    g = jax.custom_jvp(f)
    g.defjvp(lambda xs, ts: (f(*xs), jnp.sum(gradient(xs[0]) * ts[0])))
    return g


def times_at_ties(gradient: Function, factor: float) -> Function:
    """The gradient, whose own derivative is so many times the right one where all entries tie."""

    def changed(x: Any) -> Any:
        right = gradient(x)
        other = factor * right + (1 - factor) * jax.lax.stop_gradient(right)
        return jnp.where(jnp.max(x) == jnp.min(x), other, right)

    return changed


FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "logsumexp": (lambda x: jax.nn.logsumexp(x), lambda x: jax.nn.softmax(x)),
    "squares of sizes": (lambda x: jnp.sum(jnp.abs(x) ** 2), lambda x: 2 * x),
    "variance of what is sorted": (
        lambda x: jnp.var(jnp.sort(x)),
        lambda x: 2 * (x - x.mean()) / x.size,
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("factor", [1.0, 0.0, -1.0, 1.01])
def test_all_entries_tie(name: str, count: int, factor: float) -> None:
    f, gradient = FUNCTIONS[name]
    rule = ruled(f, times_at_ties(gradient, factor))
    found = check(rule, (np.zeros(count, np.float32),), 2, special_points=False)
    assert found.verdict.passes is (factor == 1), str(found)
    assert found.verdict is not Verdict.UNDECIDED


@pytest.mark.parametrize("factor", [1.0, 0.0])
def test_ties_are_found_from_elsewhere(factor: float) -> None:
    f, gradient = FUNCTIONS["logsumexp"]
    rule = ruled(f, times_at_ties(gradient, factor))
    found = check(rule, (np.float32([0, 0.5, 0.2]),), 2)
    assert found.verdict.passes is (factor == 1), str(found)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 50))
def test_sums_of_directions_are_exact(sizes: list[int], seed: int) -> None:
    """The parallelogram law holds between the derivatives along them to the last bit."""
    shapes = [(size,) for size in sizes]
    lines = [ramp(shapes), drawn(shapes, seed), uneven(shapes, seed), Unit(shapes, 0, (0,))]
    count = 0
    for (v, w), sign in itertools.product(itertools.permutations(lines, 2), (1, -1)):
        total = v.plus(w, sign)
        for whole, one, other in zip(total.leaves, v.leaves, w.leaves, strict=True):
            assert (whole - one == sign * other).all()
            assert (whole - sign * other == one).all()
            count += 1
    assert count == 24 * len(sizes)
