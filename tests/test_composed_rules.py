"""Derivatives of derivatives are those of compositions, in which cotangents and tangents move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import numbers_printed_by

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.rules.compositions import shown
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.verdict import Verdict

X = np.float32(0.75)
V = np.array([0.3, -0.5, 0.8], np.float32)
stop = jax.lax.stop_gradient

Rule = Callable[[Any, Any], Any]


def backward(rule: Rule) -> Callable[..., Any]:
    """x² with a backward rule (x, g) -> the cotangent of x."""
    square = jax.custom_vjp(lambda x: x**2)
    square.defvjp(lambda x: (x**2, x), lambda x, g: (rule(x, g),))
    return square


def forward(rule: Rule) -> Callable[..., Any]:
    """x² with a forward-mode rule (x, t) -> the tangent."""
    square = jax.custom_jvp(lambda x: x**2)
    square.defjvp(lambda p, t: (p[0] ** 2, rule(p[0], t[0])))
    return square


def passed_on(rule: Callable[[Any], Any]) -> Callable[..., Any]:
    """The identity, whose backward rule is a function of its cotangent."""
    same = jax.custom_vjp(lambda g: g)
    same.defvjp(lambda g: (g, None), lambda _, c: (rule(c),))
    return same


def product(by_x: Rule, by_g: Rule) -> Callable[..., Any]:
    """2xg, with a backward rule for each argument, of its derivative and the cotangent."""
    function = jax.custom_vjp(lambda x, g: 2 * x * g)
    function.defvjp(
        lambda x, g: (2 * x * g, (x, g)),
        lambda r, c: (by_x(2 * r[1], c), by_g(2 * r[0], c)),
    )
    return function


def times(a: Any, b: Any) -> Any:
    return a * b


no_tangent = jax.custom_jvp(lambda g: g)
no_tangent.defjvp(lambda p, t: (p[0], 0 * t[0]))

CUT: dict[str, Rule] = {
    "stopped": lambda x, g: 2 * x * stop(g),
    "half of it stopped": lambda x, g: x * g + x * stop(g),
    "the size stopped": lambda x, g: 2 * x * jnp.sign(g) * stop(jnp.abs(g)),
    "a rule that gives 0": lambda x, g: 2 * x * passed_on(lambda c: 0 * c)(g),
    "a forward rule that gives 0": lambda x, g: 2 * x * no_tangent(g),
    "stopped where x is large": lambda x, g: jnp.where(x > 2, 2 * x * stop(g), 2 * x * g),
    "stopped in a loop": lambda x, g: jax.lax.fori_loop(0, 1, lambda _, c: 2 * x * stop(c), g),
    "compared with 0": lambda x, g: jnp.where(g == 0, 0.0, 2 * x * g),
    "a wrong product": lambda x, g: product(times, lambda a, c: 1.5 * a * c)(x, g),
}
RIGHT: dict[str, Rule] = {
    "itself": lambda x, g: 2 * x * g,
    "x stopped and added": lambda x, g: (stop(x) - stop(x)) * g + 2 * x * g,
    "a rule within": lambda x, g: 2 * x * passed_on(lambda c: c)(g),
    "a product by rules": lambda x, g: product(times, times)(x, g),
    "in a loop": lambda x, g: jax.lax.fori_loop(0, 1, lambda _, c: 2 * x * c, g),
    "by two halves": lambda x, g: 2 * x * (jnp.maximum(g, 0.0) + jnp.minimum(g, 0.0)),
}


def refuted_at_order_2(wrong: Any) -> tuple[str, list[str]]:
    """What is said of a backward rule that is right at order 1, and what the program prints."""
    assert check_grads(wrong, (X,), modes="rev").verdict.passes
    with pytest.raises(GradientMismatch) as caught:
        check_grads(wrong, (X,), order=2, modes="rev")
    with np.errstate(all="ignore"):
        printed = numbers_printed_by(caught.value, f=wrong)
    return str(caught.value).splitlines()[0], printed


@pytest.mark.parametrize("name", CUT)
def test_a_backward_rule_that_cuts_its_cotangent_off(name: str) -> None:
    said, printed = refuted_at_order_2(backward(CUT[name]))
    assert "wrong at order 2" in said
    assert ": a backward rule is linear in its cotangent, and its derivative" in said
    assert "h(f(x)) has wrong derivatives of order 2" in said
    rule, truth = map(float, printed)
    assert rule != pytest.approx(truth)


@pytest.mark.parametrize("name", RIGHT)
def test_a_backward_rule_that_does_not(name: str) -> None:
    found = check_grads(backward(RIGHT[name]), (X,), order=2, modes="rev")
    assert found.verdict.passes
    if name != "in a loop":
        assert found.verdict is Verdict.PROVED


def test_second_derivatives_of_a_composition_are_what_is_wrong() -> None:
    """(f(x) − 4)² has the second derivative 12x² − 16, of which a cut leaves 4(x² − 4)."""

    def second(f: Any) -> float:
        return float(jax.grad(jax.grad(lambda x: (f(x) - 4) ** 2))(2.0))

    assert second(backward(RIGHT["itself"])) == 32
    for name in ("stopped", "a rule that gives 0", "compared with 0"):
        assert second(backward(CUT[name])) == 0


@pytest.mark.parametrize("modes", ["fwd", ("fwd", "rev")])
@pytest.mark.parametrize("name", ["stopped", "half of it stopped", "a forward rule that gives 0"])
def test_a_forward_rule_that_cuts_its_tangent_off(name: str, modes: Any) -> None:
    wrong = forward(CUT[name])
    assert check_grads(wrong, (X,), modes=modes).verdict.passes
    with pytest.raises(GradientMismatch, match=r"a forward rule is linear in its tangent") as said:
        check_grads(wrong, (X,), order=2, modes=modes)
    assert "f(h(x)) has wrong derivatives of order 2" in str(said.value)
    right = forward(RIGHT["itself"])
    assert check_grads(right, (X,), order=2, modes=modes).verdict is Verdict.PROVED


@pytest.mark.parametrize("asked", [{"linear": False}, {"reference": lambda x: x**2}])
def test_where_it_is_not_asked_it_is_not_proved(asked: dict[str, Any]) -> None:
    found = check_grads(backward(CUT["stopped"]), (X,), order=2, modes="rev", **asked)
    assert found.verdict is Verdict.AGREES
    right = check_grads(backward(RIGHT["itself"]), (X,), order=2, modes="rev", **asked)
    assert right.verdict is Verdict.PROVED


def test_a_tangent_that_jax_cannot_follow_is_not_proved() -> None:
    f = forward(lambda x, t: 2 * x * passed_on(lambda c: c)(t))
    found = check_grads(f, (X,), order=2, modes="fwd")
    assert found.verdict is Verdict.AGREES
    assert "fwd then fwd of a composition not checked" in found.evidence.text


def scaled(g: Any) -> Any:
    """The identity, whose derivative is right along g alone."""
    largest = jnp.max(jnp.abs(g))
    return largest * stop(g / jnp.where(largest == 0, 1.0, largest))


@pytest.mark.parametrize(
    "rule",
    [
        lambda x, g: 2 * x * scaled(g),
        lambda x, g: 2 * x * g.at[1].set(stop(g[1])),
        lambda x, g: 2 * x * jnp.where(x > 0, g, stop(g)),
    ],
)
def test_vectors(rule: Rule) -> None:
    with pytest.raises(GradientMismatch, match="is linear in its cotangent, and its derivative"):
        check_grads(backward(rule), (V,), order=2, modes="rev", special_points=False)


def test_one_argument_of_several() -> None:
    def multiply(rule: Any) -> Any:
        f = jax.custom_vjp(lambda x, n, y: {"a": x * y, "n": n})
        f.defvjp(
            lambda x, n, y: (f(x, n, y), (x, y)),
            lambda r, g: (g["a"] * r[1], None, rule(g["a"]) * r[0]),
        )
        return f

    args = (jnp.ones(2, jnp.bfloat16), 3, jnp.full(2, 0.5, jnp.bfloat16))
    assert check_grads(multiply(lambda g: g), args, order=2, modes="rev").verdict.passes
    with pytest.raises(GradientMismatch, match="is linear in its cotangent"):
        check_grads(multiply(stop), args, order=2, modes="rev")


# -- a nested rule is linear in its own cotangent ------------------------------------------------
CLIPPED: dict[str, Rule] = {
    "a nested cotangent": lambda x, g: 2 * x * passed_on(lambda c: jnp.clip(c, -100, 100))(g),
    "a nested cotangent, far out": lambda x, g: (
        2 * x * passed_on(lambda c: jnp.clip(c, -1e30, 1e30))(g)
    ),
    "that of x": lambda x, g: product(lambda a, c: jnp.clip(a * c, -50, 50), times)(x, g),
    "that of g": lambda x, g: product(times, lambda a, c: jnp.clip(a * c, -50, 50))(x, g),
}


@pytest.mark.parametrize("name", CLIPPED)
def test_a_nested_rule_that_is_not_linear(name: str) -> None:
    wrong = backward(CLIPPED[name])
    said, (left, right) = refuted_at_order_2(wrong)
    assert "wrong at order 2: rev then rev is not linear in the " in said
    assert "as with gradient clipping; where that is meant, linear=False says so" in said
    assert left != right
    assert check_grads(wrong, (X,), order=2, modes="rev", linear=False).verdict.passes


def tenth(constant: Any) -> Callable[..., Any]:
    """g/10, with a forward rule of a constant that is about 1/10."""
    function = jax.custom_jvp(lambda g: g / 10)
    function.defjvp(lambda p, t: (p[0] / 10, t[0] * jnp.asarray(constant, p[0].dtype)))
    return function


@pytest.mark.parametrize(
    ("dtype", "wrong"), [("float32", 0.10001), ("float32", 0.11), ("bfloat16", 0.15)]
)
def test_a_constant_of_a_rule_within_is_rounded(dtype: str, wrong: float) -> None:
    def scaled(constant: float) -> list[Callable[..., Any]]:
        reverse, forwards = jax.custom_vjp(lambda x: x / 10), jax.custom_jvp(lambda x: x / 10)
        reverse.defvjp(lambda x: (x / 10, None), lambda _, g: (tenth(constant)(g),))
        forwards.defjvp(lambda p, t: (p[0] / 10, tenth(constant)(t[0])))
        return [reverse, forwards]

    x = jnp.asarray(0.75, dtype)
    for right, modes in zip(scaled(0.1), ("rev", ("fwd", "rev")), strict=True):
        assert check_grads(right, (x,), order=2, modes=modes).verdict.passes
    for other, modes in zip(scaled(wrong), ("rev", ("fwd", "rev")), strict=True):
        with pytest.raises(GradientMismatch, match="wrong at order 2"):
            check_grads(other, (x,), order=2, modes=modes)


def test_what_only_numbers_say_is_said() -> None:
    careful = backward(RIGHT["a product by rules"])
    plain = check_grads(careful, (X,), order=2, modes="rev")
    assert "linear in" not in plain.evidence.text
    halves = check_grads(backward(RIGHT["by two halves"]), (X,), order=2, modes="rev")
    assert "rev linear in the cotangent at " in halves.evidence.text
    assert "rev then rev linear in the directions and the cotangent at " in halves.evidence.text


def test_the_third_order() -> None:
    wrong = backward(lambda x, g: product(lambda a, c: a * stop(c), lambda a, c: a * stop(c))(x, g))
    assert check_grads(wrong, (X,), order=2, modes="rev").verdict.passes
    with pytest.raises(GradientMismatch, match="wrong at order 3"):
        check_grads(wrong, (X,), order=3, modes="rev")
    right = backward(RIGHT["a product by rules"])
    assert check_grads(right, (X,), order=3, modes="rev").verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (jax.nn.relu, True),
        (jax.nn.softplus, True),
        (backward(RIGHT["itself"]), True),
        (backward(RIGHT["in a loop"]), True),
        (backward(RIGHT["a rule within"]), False),
        (backward(CUT["stopped"]), False),
        (backward(CUT["compared with 0"]), False),
        (forward(CUT["stopped"]), False),
    ],
)
def test_what_operations_show(f: Any, expected: bool) -> None:
    rules = DerivativePrograms(
        Primal(f, (X,)), 2, ("fwd",) if isinstance(f, jax.custom_jvp) else ("rev",)
    )
    assert [shown(rules, modes) for modes in rules.nested] == [expected]
