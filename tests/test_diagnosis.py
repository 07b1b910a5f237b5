"""What a wrong derivative is like is said where it is so, and of no other one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxgrad
from jaxgrad import compare
from jaxgrad.gradients.likeness import times
from jaxgrad.verdict import Verdict

W = np.random.default_rng(0).standard_normal((3, 3)).astype(np.float32)
X = np.random.default_rng(1).standard_normal((3, 3)).astype(np.float32)
B = np.array([0.3, 0.4, 0.5], np.float32)
HERE = Path(__file__).name


def by_rule(function: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """A function with a backward rule (x, …, g) ↦ the cotangents."""
    ruled = jax.custom_vjp(function)
    ruled.defvjp(lambda *x: (function(*x), x), lambda x, g: backward(*x, g))
    return ruled


def first_line(function: Any, args: tuple[Any, ...], **asked: Any) -> str:
    """What is said of it first, after its verdict."""
    found = jaxgrad.check(function, args, **{"modes": "rev", **asked})
    assert found.verdict is Verdict.REFUTED
    return found.evidence.text.splitlines()[0]


def _layer(w: Any, x: Any) -> Any:
    return jnp.sin(w @ x)


def _weighed(w: Any, x: Any) -> Any:
    return jnp.sum(w * jnp.sin(x))


def _scaled(b: Any) -> Any:
    return jnp.sin(X) * b


def _inner(x: Any) -> Any:
    return jnp.exp(jnp.sin(x))


def _gate(x: Any) -> Any:
    return jnp.tanh(x) * x


def _line(function: Any) -> str:
    """The place of the only statement of a function."""
    return f"{HERE}:{inspect.getsourcelines(function)[1] + 1}"


def _gate_slope(x: Any) -> Any:
    return jnp.tanh(x) + x * (1 - jnp.tanh(x) ** 2)


SYMMETRIC = W @ W.T


def cube(x: Any) -> Any:
    return jnp.sum(X * (x @ x @ x))


def slope(x: Any) -> Any:
    return jax.grad(cube)(x)


def half(x: Any) -> Any:
    return (x + x.T) / 2


# The function, its arguments, its right rule and a wrong one, and what is said of that.
PLANTED: dict[str, tuple[Any, tuple[Any, ...], Any, Any, str]] = {
    "twice": (
        jnp.sin, (B,), lambda x, g: (g * jnp.cos(x),), lambda x, g: (2 * g * jnp.cos(x),),
        "with respect to x they give twice the derivative",
    ),
    "minus": (
        jnp.sin, (0.5,), lambda x, g: (g * jnp.cos(x),), lambda x, g: (-g * jnp.cos(x),),
        "with respect to x they give minus the derivative",
    ),
    "one entry": (
        jnp.sin, (B,), lambda x, g: (g * jnp.cos(x),),
        lambda x, g: (g * jnp.cos(x) * jnp.array([1, 1, 0.75]),),
        "with respect to x[2] they give 3/4 of the derivative",
    ),
    "no small fraction": (
        jnp.sin, (B,), lambda x, g: (g * jnp.cos(x),),
        lambda x, g: (g * jnp.cos(x) * 1.0009765625,),
        "with respect to x they give 1.00097656 times the derivative",
    ),
    "the transpose": (
        _layer, (W, X),
        lambda w, x, g: ((c := g * jnp.cos(w @ x)) @ x.T, w.T @ c),
        lambda w, x, g: (((c := g * jnp.cos(w @ x)) @ x.T).T, w.T @ c),
        "with respect to w they give the transpose of the derivative",
    ),
    "minus the transpose": (
        _layer, (W, X),
        lambda w, x, g: ((c := g * jnp.cos(w @ x)) @ x.T, w.T @ c),
        lambda w, x, g: (-((c := g * jnp.cos(w @ x)) @ x.T).T, w.T @ c),
        "with respect to w they give minus the transpose of the derivative",
    ),
    "another argument": (
        _weighed, (B, 2 * B),
        lambda w, x, g: (g * jnp.sin(x), g * w * jnp.cos(x)),
        lambda w, x, g: (g * w * jnp.cos(x), g * w * jnp.cos(x)),
        "with respect to w they give the derivative with respect to x",
    ),
    "in reverse": (
        _weighed, (B, 2 * B),
        lambda w, x, g: (g * jnp.sin(x), g * w * jnp.cos(x)),
        lambda w, x, g: (g * jnp.sin(x), (g * w * jnp.cos(x))[::-1]),
        "with respect to x they give the derivative in reverse along axis 0",
    ),
    "summed": (
        _weighed, (B, 2 * B),
        lambda w, x, g: (g * jnp.sin(x), g * w * jnp.cos(x)),
        lambda w, x, g: (g * jnp.sin(x), jnp.sum(g * w * jnp.cos(x)) * jnp.ones(3)),
        "with respect to x they give the derivative summed over axis 0",
    ),
    "the wrong axis": (
        lambda b: jnp.sin(X) + b, (B,), lambda b, g: (g.sum(0),), lambda b, g: (g.sum(1),),
        "with respect to b they give the derivative for the transpose of the cotangent, as with a "
        "sum over the wrong axis",
    ),
    "not summed": (
        _scaled, (B,), lambda b, g: ((g * jnp.sin(X)).sum(0),), lambda b, g: ((g * jnp.sin(X))[0],),
        "with respect to b they give the derivative of f[0] alone, as where the sum over axis 0 is "
        "left out",
    ),
    "a mean": (
        _scaled, (B,), lambda b, g: ((g * jnp.sin(X)).sum(0),),
        lambda b, g: ((g * jnp.sin(X)).mean(0),),
        "with respect to b they give 1/3 of the derivative",
    ),
    "a cotangent summed": (
        jnp.sin, (B,), lambda x, g: (g * jnp.cos(x),), lambda x, g: (g.sum() * jnp.cos(x),),
        "with respect to x they give the derivative for the cotangent summed over axis 0",
    ),
    "a factor too much": (
        _gate, (0.5,), lambda x, g: (g * _gate_slope(x),),
        lambda x, g: (g * jnp.tanh(x) * _gate_slope(x),),
        f"with respect to x they give the derivative times `tanh` at {_line(_gate)}",
    ),
    "a factor forgotten": (
        _inner, (0.5,), lambda x, g: (g * _inner(x) * jnp.cos(x),), lambda x, g: (g * _inner(x),),
        "with respect to x they give the derivative divided by `cos` in JAX's derivative of "
        f"{_line(_inner)}",
    ),
    "an argument for another": (
        lambda x, y: jnp.sin(x) * y**2, (0.5, 0.75),
        lambda x, y, g: (g * jnp.cos(x) * y**2, 2 * g * jnp.sin(x) * y),
        lambda x, y, g: (g * jnp.cos(x) * y**2, 2 * g * jnp.sin(x) * x),
        "with respect to y they give the derivative times x / y",
    ),
    "disconnected": (
        _weighed, (B, 2 * B),
        lambda w, x, g: (g * jnp.sin(x), g * w * jnp.cos(x)),
        lambda w, x, g: (g * jnp.sin(x), None),
        "with respect to x they give 0",
    ),
    "the symmetric part": (
        cube, (SYMMETRIC,), lambda x, g: (g * slope(x),), lambda x, g: (g * half(slope(x)),),
        "where x is equal to its transpose they give the symmetric part of the derivative",
    ),
    "a triangle": (
        cube, (SYMMETRIC,), lambda x, g: (g * slope(x),),
        lambda x, g: (g * (jnp.tril(2 * half(slope(x))) - jnp.diag(jnp.diag(slope(x)))),),
        "where x is equal to its transpose they give the derivative by the lower triangle, of "
        "which the upper one is the transpose",
    ),
    "straight through": (
        lambda x: jnp.round(x), (X[0],), lambda x, g: (0 * g,), lambda x, g: (g,),
        "with respect to x the derivative is 0",
    ),
    "a gradient reversed": (
        lambda x: x, (B,), lambda x, g: (g,), lambda x, g: (-g / 2,),
        "with respect to x they give minus half the derivative",
    ),
    "a constant": (
        lambda x: x**3, (0.6,), lambda x, g: (g * 3 * x**2,), lambda x, g: (g * 0.75,),
        "with respect to x they give the same at every point, a constant",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_named(name: str) -> None:
    function, args, right, wrong, words = PLANTED[name]
    assert jaxgrad.check_grads(by_rule(function, right), args, modes="rev")
    said = first_line(by_rule(function, wrong), args)
    assert f"leaves; {words}, at 3 points of 3" in said


def test_a_factor_that_a_rule_computes_is_named_with_the_line_of_the_rule() -> None:
    ruled = jax.custom_jvp(_inner)

    @ruled.defjvp
    def slope(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        right = _inner(x) * jnp.cos(x)
        return ruled(x), right * t * jnp.arctan(x)

    said = first_line(ruled, (0.5,), modes="fwd")
    line = inspect.getsourcelines(slope)[1] + 4
    assert f"they give the derivative times `atan` at {HERE}:{line}, at 3 points of 3" in said


def test_of_a_derivative_that_is_one_what_the_rule_gives_is_no_factor() -> None:
    same = jax.custom_jvp(lambda x: x)
    same.defjvp(lambda p, t: (p[0], t[0] * (1 + jnp.arctan(p[0]) ** 2)))
    assert first_line(same, (0.5,), modes="fwd").endswith("leaves")


# Wrong in some other way: a term left out or added, another function, noise.
OTHERWISE: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "a term too much": (jnp.sin, (B,), lambda x, g: (g * (jnp.cos(x) + x**2),)),
    "another function": (lambda x: x**3, (0.6,), lambda x, g: (g * jnp.sin(x),)),
    "a term left out": (_gate, (B,), lambda x, g: (g * (jnp.tanh(x) + x * jnp.cos(x)),)),
    "a step": (jnp.sin, (0.5,), lambda x, g: (g * jnp.round(jnp.cos(x) * 64) / 64,)),
    "two factors": (
        _layer, (W, X), lambda w, x, g: ((c := g * w) @ jnp.sin(x.T), w.T @ c),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERWISE)
def test_nothing_is_said_of_what_is_like_nothing(name: str) -> None:
    function, args, wrong = OTHERWISE[name]
    said = first_line(by_rule(function, wrong), args)
    assert said.endswith("leaves")


FRACTIONS = st.fractions(-8, 8, max_denominator=8).filter(lambda k: k not in (0, 1))


@settings(max_examples=15, deadline=None)
@given(FRACTIONS, st.sampled_from([0.25, -0.75, 1.5]))
def test_any_small_multiple_is_named(k: Fraction, x: float) -> None:
    rule = lambda x, g: (g * jnp.cos(x) * k.numerator / k.denominator,)  # noqa: E731
    said = first_line(by_rule(jnp.sin, rule), (x,), special_points=False)
    if k.denominator in (1, 2, 4, 8):  # what float32 divides by exactly
        assert f"they give {times(float(k))[1]} the derivative, at 3 points of 3" in said


@settings(max_examples=15, deadline=None)
@given(st.floats(0.5, 2, width=32), st.sampled_from([0.25, -0.75, 1.5]))
def test_what_is_so_at_one_point_alone_is_a_coincidence(shift: float, x: float) -> None:
    """The rule is k times the derivative at the given point, with another k elsewhere."""
    rule = lambda x, g: (g * (jnp.cos(x) + shift * x**2),)  # noqa: E731
    assert first_line(by_rule(jnp.sin, rule), (x,), special_points=False).endswith("leaves")


def test_forward_rules_and_higher_orders_are_diagnosed_too() -> None:
    forward = jax.custom_jvp(jnp.sin)
    forward.defjvp(lambda x, t: (forward(*x), -jnp.cos(*x) * t[0]))
    assert "with respect to x they give minus the derivative, at 3 points of 3" in first_line(
        forward, (B,), modes="fwd"
    )
    second = by_rule(lambda x: -jnp.cos(x), lambda x, g: (g * forward(x),))
    assert "they give minus derivative 2, at 3 points of 3" in first_line(second, (0.5,), order=2)


def test_what_is_wrong_in_a_region_is_looked_at_within() -> None:
    rule = lambda x, g: (jnp.where(x > 2, 2.0, 1.0) * g * jnp.cos(x),)  # noqa: E731
    said = first_line(by_rule(jnp.sin, rule), (0.5,))
    assert "special point of the program, x = " in said
    assert "; with respect to x they give twice the derivative, at 3 points of 3" in said
    at_one_point = lambda x, g: (jnp.where(x == 2, 2.0, 1.0) * g * jnp.cos(x),)  # noqa: E731
    said = first_line(by_rule(jnp.sin, at_one_point), (0.5,))
    assert "twice" not in said


def test_a_stop_gradient_is_named_by_its_line() -> None:
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(jax.lax.stop_gradient(x)) * y

    said = first_line(f, (0.5, 0.75))
    assert (
        "with respect to x they give 0, at 3 points of 3: x is disconnected, as where a bwd rule"
        in said
    )
    assert f"or the stop_gradient at {_line(f)} cuts it off (if x is data, argnums= names" in said
    of_a_leaf = first_line(lambda params: f(*params.values()), ({"rate": 0.5, "w": 0.75},))
    assert "they give 0" in of_a_leaf
    assert "(if params['rate'] is data, take it out of the argument and let the f" in of_a_leaf
    connected = by_rule(lambda x: x**3, lambda x, g: (g * 0 * x,))
    assert "they give 0" in first_line(connected, (0.5,))
    assert "disconnected" not in first_line(connected, (0.5,))


# -- two gradients -------------------------------------------------------------------------------
def cost(w: Any, x: Any) -> Any:
    return jnp.sum(jnp.tanh(w @ x))


GRADIENT = jax.grad(cost, (0, 1))
PENALTY = 0.01


def penalised(w: Any, x: Any) -> Any:
    return cost(w, x) + PENALTY / 2 * jnp.sum(w * w) + jnp.sum(x * x)


@pytest.mark.parametrize(
    ("by_w", "by_x", "said"),
    [
        (0, 0, "in gradient[0] hand is auto minus 0.01 times w, as where the derivative of a pen"),
        (3 * PENALTY, 2, "in gradient[0] hand is auto plus 0.02 times w, at"),
        (PENALTY, 0, "in gradient[1] hand is auto minus twice x, as where the derivative of a pen"),
        (PENALTY, 3, "in gradient[1] hand is auto plus x, at"),
    ],
)
def test_a_penalty_that_is_left_out_is_named(by_w: float, by_x: float, said: str) -> None:
    def by_hand(w: Any, x: Any) -> Any:
        first, second = GRADIENT(w, x)
        return first + by_w * w, second + by_x * x

    w, x = jnp.array([[0.3, -0.2], [0.5, 0.7]]), jnp.array([0.4, -0.9])
    found = compare(by_hand, jax.grad(penalised, (0, 1)), w, x)
    assert found.verdict is Verdict.REFUTED and said in found.evidence.text
    by_w, by_x = PENALTY, 2
    assert compare(by_hand, jax.grad(penalised, (0, 1)), w, x).verdict.passes


COMPARED: dict[str, tuple[Callable[..., Any], str]] = {
    "the transpose": (
        lambda w, x: (GRADIENT(w, x)[0].T, GRADIENT(w, x)[1]),
        "in gradient[0] hand is the transpose of auto",
    ),
    "a multiple": (
        lambda w, x: (GRADIENT(w, x)[0], 3 * GRADIENT(w, x)[1]),
        "in gradient[1] hand is 3 times auto",
    ),
    "a multiple of one entry": (
        lambda w, x: (GRADIENT(w, x)[0], GRADIENT(w, x)[1].at[1].mul(-2)),
        "in gradient[1][1] hand is minus twice auto",
    ),
    "a factor": (
        lambda w, x: (GRADIENT(w, x)[0] * jnp.tanh(w @ x)[:, None], GRADIENT(w, x)[1]),
        f"in gradient[0][0, 0] hand is auto times `tanh`[0] at {_line(cost)}",
    ),
    "a sum": (
        lambda w, x: (jnp.broadcast_to(GRADIENT(w, x)[0].sum(0), (3, 3)), GRADIENT(w, x)[1]),
        "in gradient[0] hand is auto summed over axis 0",
    ),
    "nothing": (
        lambda w, x: (jnp.zeros((3, 3)), GRADIENT(w, x)[1]),
        "in gradient[0] hand is 0",
    ),
}


@pytest.mark.parametrize("name", COMPARED)
def test_what_a_gradient_is_like_is_said(name: str) -> None:
    hand, words = COMPARED[name]
    assert jaxgrad.compare(GRADIENT, GRADIENT, W, B)
    said = jaxgrad.compare(hand, GRADIENT, W, B).evidence.text.splitlines()[0]
    assert said.endswith(f"entries are disjoint; {words}, at 3 points of 3")


def test_another_leaf_of_the_gradient_is_named() -> None:
    both = jax.grad(_weighed, (0, 1))
    found = jaxgrad.compare(lambda w, x: both(w, x)[::-1], both, B, 2 * B)
    assert "in gradient[0] hand is auto's gradient[1], at 3 points of 3" in found.evidence.text


@pytest.mark.parametrize("wrong", [lambda w, x: w**2 + x[None], lambda w, x: jnp.sin(w)])
def test_nothing_is_said_of_a_gradient_that_is_like_nothing(wrong: Any) -> None:
    found = jaxgrad.compare(lambda w, x: (wrong(w, x), GRADIENT(w, x)[1]), GRADIENT, W, B)
    assert found.evidence.text.splitlines()[0].endswith("entries are disjoint")


def test_factors_beyond_every_float_are_none() -> None:
    """Quotients of numbers of which no float64 has the factor, with warnings as errors."""
    args = np.float32(1e-37), np.float32(3)
    found = jaxgrad.compare(lambda x, y: x**12 * y, lambda x, y: x * y, *args)
    assert found.verdict is Verdict.REFUTED
