"""A backward rule is linear in its cotangent, a forward rule in its tangent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import numbers_printed_by

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.verdict import Verdict

X = np.float32(0.3)
V = np.array([0.3, -0.5, 0.8], np.float32)


def backward(rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The identity with a backward rule (x, g) -> the cotangent of x."""

    @jax.custom_vjp
    def same(x: Any) -> Any:
        return x

    same.defvjp(lambda x: (x, x), lambda x, g: (rule(x, g),))
    return same


def forward(rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The identity with a forward-mode rule (x, t) -> the tangent."""

    @jax.custom_jvp
    def same(x: Any) -> Any:
        return x

    same.defjvp(lambda p, t: (same(*p), rule(p[0], t[0])))
    return same


NOT_LINEAR: dict[str, Callable[[Any, Any], Any]] = {
    "clipped at 1": lambda x, g: jnp.clip(g, -1, 1),
    "clipped at 2": lambda x, g: jnp.clip(g, -2, 2),
    "clipped at 100": lambda x, g: jnp.clip(g, -100, 100),
    "clipped at 1e6": lambda x, g: jnp.clip(g, -1e6, 1e6),
    "clipped from above": lambda x, g: jnp.minimum(g, 50.0),
    "dropped above 1": lambda x, g: jnp.where(jnp.abs(g) > 1, 0.0 * g, g),
    "dropped below 1e-9": lambda x, g: jnp.where(jnp.abs(g) < 1e-9, 0.0 * g, g),
    "of positive ones": lambda x, g: jnp.maximum(g, 0.0) + 0.0 * x,
    "by its sign": lambda x, g: jnp.where(g > 0, g, 2 * g),
    "the sign": lambda x, g: jnp.sign(g),
    "1 where it is 0": lambda x, g: jnp.where(g == 0, 1.0, g),
    "wrong at 0.3 alone": lambda x, g: jnp.where(g == 0.3, 0.0, g),
    "wrong between two thresholds": lambda x, g: jnp.where((g > 0.3) & (g < 0.31), 2 * g, g),
    "shifted": lambda x, g: g + 1e-3,
    "constant": lambda x, g: jnp.ones_like(g),
    "rounded": lambda x, g: jnp.round(g * 64) / 64,
    "NaN at 0": lambda x, g: g * g / g,
    "squared": lambda x, g: g * jnp.abs(g),
    "where x is large": lambda x, g: jnp.where(x > 2, jnp.clip(g, -1, 1), g),
    "in a loop": lambda x, g: jax.lax.fori_loop(0, 3, lambda _, c: jnp.clip(c, -9, 9), g),
    "clipped at 1e30": lambda x, g: jnp.clip(g, -1e30, 1e30),
    "clipped at 3e38": lambda x, g: jnp.clip(g, -3e38, 3e38),
    "a product clipped at 1e30": lambda x, g: jnp.clip(g * x, -1e30, 1e30) / 0.3 + 0 * x,
    "dropped above 3e33": lambda x, g: jnp.where(jnp.abs(g) > 3e33, 0.0, g),
    "dropped below 1e-36": lambda x, g: jnp.where(jnp.abs(g) < 1e-36, 0.0, g),
    "dropped at 1e30 alone": lambda x, g: jnp.where(g == 1e30, 0.0, g),
    **{
        f"dropped between {low:g} and {high:g}": lambda x, g, low=low, high=high: jnp.where(
            (jnp.abs(g) > low) & (jnp.abs(g) < high), 0.0, g
        )
        for low, high in ((1e10, 1.1e10), (3e33, 3.1e33), (2e-30, 2.1e-30))
    },
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_backward_rule_that_is_not_linear(name: str) -> None:
    wrong = backward(NOT_LINEAR[name])
    with pytest.raises(GradientMismatch) as caught:
        check_grads(wrong, (X,), modes="rev")
    first = str(caught.value).splitlines()[0]
    assert ": a backward rule is not linear in its cotangent: L(" in first
    meant = "; where that is meant, linear=False says so" in first
    assert meant == (name != "NaN at 0")  # a NaN is never meant
    with np.errstate(all="ignore"):
        left, right = numbers_printed_by(caught.value, f=wrong)
    assert left != right


@pytest.mark.parametrize("name", ["clipped at 2", "by its sign", "shifted", "wrong at 0.3 alone"])
def test_a_forward_rule_that_is_not_linear(name: str) -> None:
    wrong = forward(NOT_LINEAR[name])
    with pytest.raises(GradientMismatch, match="a forward rule is not linear in its tangent"):
        check_grads(wrong, (X,), modes="fwd")


@pytest.mark.parametrize(
    "rule",
    [
        lambda x, g: g * jnp.minimum(1.0, 10 / jnp.sqrt(jnp.sum(g * g))),
        lambda x, g: jnp.clip(g, -100, 100),
        lambda x, g: jnp.where(jnp.abs(g) == jnp.max(jnp.abs(g)), g, 0.0),
        lambda x, g: jnp.where(jnp.arange(3) == 2, jnp.clip(g, -100, 100), g),
        lambda x, g: g + 0 * g[::-1] + jnp.where(g[0] * g[1] > 0, 1e-6, 0.0) * g,
        lambda x, g: g * jnp.minimum(1.0, 1e25 / jnp.linalg.norm(g)),
        lambda x, g: jnp.where(jnp.arange(3) == 2, jnp.clip(g, -1e30, 1e30), g),
        lambda x, g: jnp.where(jnp.abs(jnp.sum(g * g) - 1.1e24) < 1e22, 0.0, g),
        lambda x, g: jnp.where((jnp.abs(g) > 3e33) & (jnp.abs(g) < 3.1e33), 0.0, g),
    ],
)
def test_vectors(rule: Any) -> None:
    with pytest.raises(GradientMismatch, match="not linear in its cotangent"):
        check_grads(backward(rule), (V,), modes="rev")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_sizes_are_those_of_the_dtype(dtype: str) -> None:
    x = jnp.asarray(0.5, dtype)
    wrong = backward(lambda x, g: jnp.clip(g, -5000, 5000))
    with pytest.raises(GradientMismatch, match="not linear in its cotangent"):
        check_grads(wrong, (x,), modes="rev")
    largest = jnp.finfo(dtype).max
    right = backward(lambda x, g: jnp.clip(g, -largest, largest))
    assert check_grads(right, (x,), modes="rev").verdict.passes


Rule = Callable[[Any, Any], Any]


def by_range(dtype: str) -> tuple[dict[str, Rule], dict[str, Rule]]:
    """Rules that are not linear somewhere in the range of a dtype, and some that overflow."""
    limits = jnp.finfo(dtype)
    largest, least = float(limits.max), float(limits.smallest_normal)

    def of(size: float) -> Any:
        return jnp.asarray(size, dtype)

    top = of(largest)
    wrong: dict[str, Rule] = {
        "clipped near the end": lambda x, g: jnp.clip(g, -0.9 * top, 0.9 * top),
        "clipped in the middle": lambda x, g: jnp.clip(g, -of(largest**0.5), of(largest**0.5)),
        "dropped near the least one": lambda x, g: jnp.where(jnp.abs(g) < of(4 * least), 0 * g, g),
        "dropped at one float": lambda x, g: jnp.where(g == of(largest**0.3), 0 * g, g),
        "dropped in a window": lambda x, g: jnp.where(
            (jnp.abs(g) > of(largest**0.6)) & (jnp.abs(g) < of(1.05 * largest**0.6)), 0 * g, g
        ),
        "a product is clipped": lambda x, g: jnp.clip(g / 2, -of(largest**0.9), top) * 2,
    }
    right: dict[str, Rule] = {
        "clipped at the end": lambda x, g: jnp.clip(g, -top, top),
        "a product is clipped at the end": lambda x, g: jnp.clip(16 * g, -top, top) / 16,
        "a sum is clipped at the end": lambda x, g: jnp.clip(g + g, -top, top) / 2,
        "without infinities": lambda x, g: jnp.nan_to_num(16 * g) / 16,
        "infinities dropped": lambda x, g: jnp.where(jnp.isfinite(16 * g), g, 0),
        "without subnormals": lambda x, g: 16 * jnp.where(jnp.abs(g / 16) < of(least), 0, g / 16),
        "scaled by the largest": lambda x, g: jnp.max(jnp.abs(g)) * (
            g / jnp.where(jnp.max(jnp.abs(g)) == 0, 1, jnp.max(jnp.abs(g)))
        ),
    }  # fmt: skip
    return wrong, right


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_whole_range_of_a_dtype(dtype: str, shape: tuple[int, ...]) -> None:
    with jax.enable_x64(dtype == "float64"):
        x = jnp.full(shape, 0.5, dtype)
        wrong, right = by_range(dtype)
        for rule in wrong.values():
            with pytest.raises(GradientMismatch, match="not linear in its cotangent"):
                check_grads(backward(rule), (x,), modes="rev", special_points=False)
        for rule in right.values():
            found = check_grads(backward(rule), (x,), modes="rev", special_points=False)
            assert found.verdict.passes


def beside(size: float, rule: Callable[[Any], Any]) -> Callable[..., Any]:
    """x and size·y, with a backward rule for x beside a term that may be no float."""
    function = jax.custom_vjp(lambda x, y: x + size * y)
    function.defvjp(
        lambda x, y: (x + size * y, None), lambda _, g: (rule(g), g * jnp.asarray(size, g.dtype))
    )
    return function


@pytest.mark.parametrize("looped", [False, True])
@pytest.mark.parametrize(
    ("size", "rule"),
    [
        (30_000.0, lambda g: jnp.clip(g, -4, 4)),
        (0.01, lambda g: jnp.where(jnp.abs(g) < 1e-3, 0 * g, g)),
    ],
)
def test_a_term_that_leaves_the_range_excuses_no_other(
    size: float, rule: Callable[[Any], Any], looped: bool
) -> None:
    def bent(g: Any) -> Any:
        return jax.lax.fori_loop(0, 2, lambda _, c: rule(c), g) if looped else rule(g)

    x = np.float16(0.5)
    with pytest.raises(GradientMismatch, match="not linear in its cotangent"):
        check_grads(beside(size, bent), (x, x), modes="rev", special_points=False)
    right = beside(size, lambda g: jnp.clip(g * size, -65504, 65504) / size)
    assert check_grads(right, (x, x), modes="rev", special_points=False).verdict.passes


RIGHT: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda x, g: g,
    "0 where it is 0": lambda x, g: jnp.where(g == 0, 0.0, g),
    "through its size": lambda x, g: jnp.abs(g) * jnp.sign(g),
    "through two halves": lambda x, g: jnp.maximum(g, 0.0) + jnp.minimum(g, 0.0),
    "through another dtype": lambda x, g: g.astype(jnp.bfloat16).astype(g.dtype),
    "a sum": lambda x, g: jnp.sum(jnp.stack([g, g]), 0) / 2,
    "a loop": lambda x, g: jax.lax.fori_loop(0, 3, lambda _, c: 2 * c, g) / 8,
    "a branch of x": lambda x, g: jax.lax.cond(x > 0.25, lambda: 1 * g, lambda: 2 * g / 2),
    "a choice by x": lambda x, g: jnp.where(x > 0.25, g * 2, g + g) / 2,
    "no NaN": lambda x, g: jnp.nan_to_num(g),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_that_treats_its_cotangent_carefully(name: str) -> None:
    assert check_grads(backward(RIGHT[name]), (X,), modes="rev").verdict.passes


def test_what_only_numbers_say_is_said() -> None:
    plain = check_grads(backward(RIGHT["a loop"]), (X,), modes="rev")
    assert "linear in" not in plain.evidence.text
    careful = check_grads(backward(RIGHT["through its size"]), (X,), modes="rev")
    assert "rev linear in the cotangent at " in careful.evidence.text


def test_a_rule_within_a_function() -> None:
    clip = backward(lambda x, g: jnp.clip(g, -1, 1))
    with pytest.raises(GradientMismatch, match="not linear in its cotangent"):
        check_grads(lambda x: jnp.sum(jnp.sin(clip(x * 0.1))), (V,), modes="rev")


def test_clipping_on_purpose_is_declared() -> None:
    clip = backward(lambda x, g: jnp.clip(g, -1, 1))
    found = check_grads(clip, (X,), modes="rev", linear=False)
    assert found.verdict is Verdict.AGREES
    assert "not asked whether the rules are linear, as linear=False says" in found.evidence.text
    assert check_grads(clip, (X,), modes="rev", reference=lambda x: x).verdict is Verdict.AGREES
    with pytest.raises(GradientMismatch, match="not linear in its cotangent"):
        check_grads(clip, (X,), modes="rev", reference=lambda x: x, linear=True)
    wrong = backward(lambda x, g: 2 * jnp.clip(g, -1, 1))
    with pytest.raises(GradientMismatch, match="the derivative of f with respect to x is 2"):
        check_grads(wrong, (X,), modes="rev", linear=False)


@pytest.mark.parametrize(
    ("size", "dtype", "exact", "right"),
    [
        (1e-9, np.float32, False, True),
        (1e-9, np.float32, True, False),
        (1e-5, np.float32, False, False),
        (1e-9, np.float64, False, False),
    ],
)
def test_what_no_float_of_the_result_tells(
    size: float, dtype: Any, exact: bool, right: bool
) -> None:
    """A rule that integrates by steps that its cotangent chooses is linear to a tolerance."""
    rule = backward(lambda x, g: g * (1 + size * jnp.sin(g)))
    with jax.enable_x64(dtype is np.float64):
        found = check(rule, (dtype(0.3),), exact=exact, special_points=False, budget=0)
    assert found.verdict.passes is right


def solved(u: Any, size: float) -> Any:
    """u by an iteration that ends where it is near u, and not exactly linear."""
    near = lambda x: jnp.abs(x - u) > size * jnp.abs(u) * (1.5 + jnp.sin(u))  # noqa: E731
    return jax.lax.while_loop(near, lambda x: 0.5 * (x + u), 0 * u)


@pytest.mark.parametrize(("size", "right"), [(1e-6, True), (1e-2, False)])
def test_a_rule_that_ends_at_a_tolerance(size: float, right: bool) -> None:
    rule = backward(lambda x, g: solved(g, size))
    found = check(rule, (np.float32(0.3),), special_points=False, budget=0)
    if right:
        assert "not linear" not in str(found)
    else:
        assert found.verdict is Verdict.REFUTED


def _solved_until(step: Any, start: Any) -> Any:
    return jax.lax.while_loop(
        lambda pair: jnp.linalg.norm(pair[0] - pair[1]) > 1e-6,
        lambda pair: (pair[1], step(pair[1])),
        (start, step(start)),
    )[1]


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.01, False)])
def test_the_adjoint_of_a_fixed_point_is_solved_to_an_absolute_tolerance(
    factor: float, right: bool
) -> None:
    """To which a cotangent as small as it is 0."""
    step = lambda w, x, z: jnp.tanh(w @ z + x)  # noqa: E731
    fixed = jax.custom_vjp(lambda w, x: _solved_until(lambda z: step(w, x, z), jnp.zeros_like(x)))

    def backward(kept: Any, g: Any) -> Any:
        w, x, z = kept
        by_z = jax.vjp(lambda z: step(w, x, z), z)[1]
        u = _solved_until(lambda u: by_z(u)[0] + g, jnp.zeros_like(g))
        return jax.vjp(lambda w, x: step(w, x, z), w, x)[1](factor * u)

    fixed.defvjp(lambda w, x: ((z := fixed(w, x)), (w, x, z)), backward)
    w = np.float32([[0.25, -0.1, 0.05], [0.1, 0.2, -0.3], [0, 0.15, 0.1]])
    found = check(fixed, (w, np.float32([0.5, -1.0, 0.25])), budget=1)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED), str(found)


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.01, False)])
@pytest.mark.parametrize("dtype", [bool, jnp.int32])
def test_the_end_of_a_solver_is_a_flag(dtype: Any, factor: float, right: bool) -> None:
    """A number or a truth value, which a turn makes of the residual."""
    a = jnp.float32([0.3, 0.7, 0.5])

    def solve(b: Any) -> Any:
        def turn(state: Any) -> Any:
            y = state[0] + 0.5 * state[1]
            r = b - (1 + a) * y
            return y, r, (jnp.max(jnp.abs(r)) > 1e-6).astype(dtype)

        start = jnp.zeros_like(b), b, jnp.ones((), dtype)
        return jax.lax.while_loop(lambda state: state[2] != 0, turn, start)[0]

    f = jax.custom_vjp(lambda b: b / (1 + a))
    f.defvjp(lambda b: (f(b), None), lambda _, g: (factor * solve(g),))
    found = check(f, (np.float32([1, 2, -1]),), modes="rev", special_points=False, budget=0)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED), str(found)


def test_a_dead_zone_beside_a_counted_loop_is_found() -> None:
    """A counter has no tolerance."""
    rule = jax.custom_vjp(lambda x: 2 * x)

    def backward(_: Any, g: Any) -> Any:
        doubled = jax.lax.while_loop(
            lambda state: state[0] < 1, lambda state: (state[0] + 1, 2 * state[1]), (0, g)
        )[1]
        return (jnp.where(abs(doubled) < 1e-4, 0, doubled),)

    rule.defvjp(lambda x: (2 * x, None), backward)
    assert check(rule, (X,), modes="rev").verdict is Verdict.REFUTED


def test_a_dead_zone_of_a_solver_is_found_above_its_tolerance() -> None:
    def solved(g: Any, dead: float) -> Any:
        half = jax.lax.while_loop(lambda u: abs(u / 2 - g) > 1e-6, lambda u: u / 2 + g, 0 * g)
        return jnp.where(abs(g) < dead, 0, half)

    for dead, verdict in ((1e-2, Verdict.REFUTED), (0.0, Verdict.AGREES)):
        rule = jax.custom_vjp(lambda x: 2 * x)
        rule.defvjp(lambda x: (2 * x, None), lambda _, g, dead=dead: (solved(g, dead),))
        assert check(rule, (X,), modes="rev", budget=1).verdict is verdict, dead


def test_a_loop_without_the_cotangent_has_no_tolerance_for_it() -> None:
    def rule_of(dead: float) -> Any:
        def backward(x: Any, g: Any) -> Any:
            root = jax.lax.while_loop(
                lambda s: abs(s * s - 2) > 1e-3, lambda s: (s + 2 / s) / 2, x * 0 + 1
            )
            return (jnp.where(abs(g) < dead, 0, g) * jnp.cos(x) + 0 * root,)

        rule = jax.custom_vjp(jnp.sin)
        rule.defvjp(lambda x: (jnp.sin(x), x), backward)
        return rule

    assert check(rule_of(0.0), (X,), modes="rev").verdict.passes
    assert check(rule_of(5e-5), (X,), modes="rev").verdict is Verdict.REFUTED
