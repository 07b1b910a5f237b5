"""Where nothing in a program is special, special points are not looked at."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.gradients.rules.linear_programs import is_analytic
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

X = np.float32(0.3)

V = np.array([0.3, -0.5, 0.8], np.float32)

ENTIRE = {
    "tanh": jnp.tanh,
    "a polynomial": lambda x: x**3 - x * x + 2,
    "a network": lambda x: jnp.sum(jax.nn.sigmoid(jnp.outer(x, x) @ jnp.sin(x))),
    "a mean": jnp.mean,
    "a scan": lambda x: jax.lax.scan(lambda c, y: (jnp.tanh(c * y), c), x[0], x),
    "a product": lambda x: jnp.prod(x) + jnp.cumprod(x)[1],
}

SPECIAL = {
    "relu": jax.nn.relu,
    "a logarithm": jnp.log,
    "a quotient": lambda x: 1 / x,
    "a negative power": lambda x: x**-2,
    "a root": jnp.sqrt,
    "a cube root": jnp.cbrt,
    "a maximum": jnp.max,
    "an order": jnp.sort,
    "steps": jnp.floor,
    "a choice": lambda x: jnp.where(x > 0, x, x * x),
    "a loop that turns as it comes": lambda x: jax.lax.while_loop(
        lambda c: c[0] < 9, lambda c: c + 1, x
    ),
    "an index": lambda x: x[x[0].astype(int)],
}


@pytest.mark.parametrize("name", ENTIRE)
def test_where_nothing_is_special(name: str) -> None:
    assert is_analytic(jax.make_jaxpr(ENTIRE[name])(V))
    found = check_grads(ENTIRE[name], (V,), 2)
    assert "nothing in it ties, jumps or ends" in found.evidence.text
    assert len(found.special_points) == 7
    assert all("drawn" in why for why in found.special_points)


@pytest.mark.parametrize(
    "rounded",
    [lambda x: jax.lax.reduce_precision(x, 8, 3), lambda x: x.astype("bfloat16").astype("float32")],
)
def test_rounding_to_fewer_bits_is_said_to_be_read_as_the_identity(rounded: Any) -> None:
    """In floats it jumps, and is constant between its jumps; JAX has the slope 1 for it."""
    said = "nothing in it ties, jumps or ends, its roundings to fewer bits read as the identity)"
    found = check_grads(lambda x: jnp.sin(rounded(x)), (V,))
    assert said in found.evidence.text
    flat = jax.custom_jvp(lambda x: jnp.sin(rounded(x)))
    flat.defjvp(lambda p, t: (flat(*p), 0 * t[0]))
    assert check(flat, (V,)).verdict is Verdict.REFUTED
    kinked = check_grads(lambda x: jnp.abs(rounded(x)), (V,))
    assert "(its roundings to fewer bits read as the identity)" in kinked.evidence.text
    whole = lambda x: jax.lax.reduce_precision(jnp.sin(x), 8, 23)  # noqa: E731
    assert "jumps or ends)" in check_grads(whole, (V,)).evidence.text


@pytest.mark.parametrize("name", SPECIAL)
def test_where_something_is_special(name: str) -> None:
    assert not is_analytic(jax.make_jaxpr(SPECIAL[name])(V))


@given(x=st.floats(-50, 50), name=st.sampled_from(sorted(FUNCTIONS)))
def test_what_is_said_to_be_analytic_is(x: float, name: str) -> None:
    """Its Taylor series at a drawn point, and at 0, are known: nothing of it ends or bends."""
    function = getattr(jax.lax, name, None)
    if FUNCTIONS[name].arity != 1 or not FUNCTIONS[name].elementwise or function is None:
        return
    program = trace(function, (np.float64(1) if jax.config.x64_enabled else np.float32(1),))
    if not is_analytic(program.jaxpr):
        return
    for point in (x, 0.0, 1.0, -1.0):
        known = one_sided_derivatives(program, [np.asarray(point)], [np.asarray(1.0)], 4)
        right, left = known.right[0], known.left[0]
        assert known.smooth and all(a.is_finite() for a in right)
        assert all(a.overlaps(b) for a, b in zip(right, left, strict=True))


def test_a_rule_that_is_wrong_at_one_special_point_of_itself_is_not_taken_for_analytic() -> None:
    square = jax.custom_jvp(lambda x: x * x)
    square.defjvp(lambda x, t: (square(*x), jnp.where(x[0] == 3, 0.0, 2 * x[0]) * t[0]))
    with pytest.raises(GradientMismatch, match="3"):
        check_grads(square, (X,))


def test_a_rule_of_analytic_functions_that_is_wrong_is_found_at_the_drawn_point() -> None:
    cube = jax.custom_jvp(lambda x: x**3)
    cube.defjvp(lambda x, t: (cube(*x), 3 * x[0] ** 2 * (1 + 1e-3 * jnp.sin(x[0])) * t[0]))
    with pytest.raises(GradientMismatch, match="drawn near the given point"):
        check_grads(cube, (np.float32(0),))


def test_what_rounding_hides_beside_a_larger_term_is_looked_for_at_special_points() -> None:
    product = jax.custom_jvp(lambda x, y: x * y + y * y * y)

    def rule(primals: Any, tangents: Any) -> Any:
        (x, y), (t, s) = primals, tangents
        return product(x, y), 2 * y * t + (x + 3 * y * y) * s

    product.defjvp(rule)
    with pytest.raises(GradientMismatch):
        check_grads(lambda x, y: product(x, y) + 4096 * x, (np.float16(1), np.float16(1)))


def _with_slope(function: Any, slope: Any) -> Any:
    ruled = jax.custom_jvp(function)
    ruled.defjvp(lambda x, t: (ruled(*x), slope(x[0]) * t[0]))
    return ruled


LOST: dict[str, tuple[Any, Any, Any, float]] = {
    "beside a hyperbolic tangent that is 1": (
        lambda x: x * jnp.tanh(x), jnp.tanh, lambda x: jnp.tanh(x) + x * (1 - jnp.tanh(x) ** 2), 60
    ),
    "in a high power of a small number": (
        lambda x: x + x**20, lambda x: 1 + 19 * x**19, lambda x: 1 + 20 * x**19, 1e-3
    ),
    "far from a bell": (
        lambda x: x + jnp.exp(-x * x), jnp.ones_like, lambda x: 1 - 2 * x * jnp.exp(-x * x), 9.5
    ),
    "on the other side of 0": (
        lambda x: x + jnp.exp(-8 * (x + 2) ** 2), jnp.ones_like,
        lambda x: 1 - 16 * (x + 2) * jnp.exp(-8 * (x + 2) ** 2), 0.3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_what_is_lost_at_the_given_point_beside_larger_numbers_is_found(name: str) -> None:
    function, wrong, right, x = LOST[name]
    with pytest.raises(GradientMismatch, match=r"drawn of size 1"):
        check_grads(_with_slope(function, wrong), (np.float32(x),))
    assert check_grads(_with_slope(function, right), (np.float32(x),)).verdict.passes
