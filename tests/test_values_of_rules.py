"""The value that a rule returns is part of the rule: it is held against the function's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.custom_batching import custom_vmap
from pasted_code import given_and_true, numbers_printed_by

from jaxgrad.errors import GradientMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.verdict import Verdict

X = np.array([1.0, 2.0, 3.0], np.float32)


def sum_of_squares(value: Callable[[Any], Any]) -> Callable[..., Any]:
    """x ↦ Σx², whose forward rule returns a function of the value."""

    @jax.custom_vjp
    def squares(x: Any) -> Any:
        return jnp.sum(x * x)

    squares.defvjp(lambda x: (value(jnp.sum(x * x)), x), lambda x, g: (g * 2 * x,))
    return squares


def square(value: Callable[[Any], Any]) -> Callable[..., Any]:
    """x ↦ x², whose forward-mode rule returns a function of x."""

    @jax.custom_jvp
    def squared(x: Any) -> Any:
        return x**2

    squared.defjvp(lambda p, t: (value(p[0]), 2 * p[0] * t[0]))
    return squared


@pytest.mark.parametrize(
    ("factor", "asked"),
    [
        (2.0, {}),
        (-1.0, {"order": 2}),
        (0.0, {"dtypes": ["float32"]}),
        (1.0001, {"reference": lambda x: jnp.sum(x * x)}),
        (1.0001, {"special_points": False}),
    ],
)
def test_a_forward_rule_that_returns_another_value(factor: float, asked: dict[str, Any]) -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_grads(sum_of_squares(lambda y: factor * y), (X,), modes="rev", **asked)
    first, second = str(caught.value).splitlines()[:2]
    assert "wrong: the forward rule of `squares` returns " in first
    assert " as the value, the function is 14.0" in first
    assert "the value of f is" in second
    assert "derivative of" not in second


@pytest.mark.parametrize(
    "asked", [{}, {"order": 2}, {"reference": lambda x: jnp.sum(x * x)}, {"dtypes": ["float32"]}]
)
def test_a_forward_rule_that_returns_the_value(asked: dict[str, Any]) -> None:
    found = check_grads(sum_of_squares(lambda y: y), (X,), modes="rev", **asked)
    assert found.verdict is Verdict.PROVED
    assert "the custom rules give the same polynomial as JAX's derivative" in found.evidence.text


def test_the_message_says_which_is_which() -> None:
    wrong = sum_of_squares(lambda y: 2 * y)
    with pytest.raises(GradientMismatch) as caught:
        check_grads(wrong, (X,), modes="rev")
    assert "returns 28.0000000000 as the value, the function is 14.0000000000" in str(caught.value)
    assert given_and_true(caught.value, f=wrong) == ("28.0", "14.0000000000")


@pytest.mark.parametrize(
    ("value", "order", "modes"),
    [
        (lambda x: 3 * x**2, 1, ("fwd",)),
        (lambda x: -(x**2), 1, ("rev",)),
        (lambda x: x**2 + 1, 2, ("fwd", "rev")),
        (lambda x: x**3, 2, ("rev",)),
    ],
)
def test_a_forward_mode_rule_that_returns_another_value(
    value: Any, order: int, modes: tuple[str, ...]
) -> None:
    wrong = square(value)
    with pytest.raises(GradientMismatch, match="the jvp rule of `squared` returns") as caught:
        check_grads(wrong, (0.75,), order, modes)
    shown = map(float, given_and_true(caught.value, f=wrong))
    assert list(shown) == pytest.approx([float(value(0.75)), 0.5625])


def test_a_rule_that_returns_the_value_by_another_formula_is_proved() -> None:
    right = square(lambda x: (x + 1) * (x - 1) + 1)
    assert check_grads(right, (0.75,), order=2).verdict is Verdict.PROVED


@pytest.mark.parametrize("at", [3.0, 0.0, 0.3, -1.7])
def test_a_value_that_is_wrong_at_one_point(at: float) -> None:
    wrong = square(lambda x: jnp.where(x == at, x**2 + 0.001, x**2))
    with pytest.raises(GradientMismatch, match=f"x = {at}, where .* the jvp rule of `squared`"):
        check_grads(wrong, (0.75,))
    with pytest.raises(GradientMismatch, match=r"rules are wrong: the jvp rule of `squared`"):
        check_grads(wrong, (np.float32(at),), special_points=False)


def test_a_value_at_a_jump_of_the_function_counts() -> None:
    """The derivative does not, as there is none: the step is 0 at 0 and its rule says 1."""

    def step(value: Any) -> Any:
        function = jax.custom_jvp(lambda x: jnp.where(x > 0, 1.0, 0.0))
        function.defjvp(lambda p, t: (value(p[0]), 0 * t[0]))
        return function

    assert check_grads(step(lambda x: jnp.where(x > 0, 1.0, 0.0)), (0.5,)).verdict.passes
    with pytest.raises(GradientMismatch, match="x = 0"):
        check_grads(step(lambda x: jnp.where(x >= 0, 1.0, 0.0)), (0.5,))


def test_nan_for_a_value_is_wrong() -> None:
    wrong = square(lambda x: x**2 * (x / x))
    with pytest.raises(GradientMismatch, match="the value of f is nan"):
        check_grads(wrong, (0.75,))


@pytest.mark.parametrize(
    "around",
    [
        lambda f: lambda x: f(x) ** 2,
        lambda f: lambda x: jnp.sin(f(x)) * x,
        lambda f: lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0],
        lambda f: lambda x: jax.lax.cond(x > 0, f, jnp.cos, x),
        lambda f: jax.jit(lambda x: f(jnp.tanh(x))),
        lambda f: lambda x: {"a": f(x), "b": x},
    ],
)
def test_a_rule_inside_a_larger_function(around: Any) -> None:
    right, wrong = square(lambda x: x**2), square(lambda x: 1.01 * x**2)
    assert check_grads(around(right), (0.75,), order=2).verdict.passes
    with pytest.raises(GradientMismatch, match="the jvp rule of `squared` returns"):
        check_grads(around(wrong), (0.75,))


def test_one_wrong_value_among_many() -> None:
    scale = np.ones((20, 20), np.float32)
    scale[7, 13] = 1.001

    @jax.custom_jvp
    def sine(x: Any) -> Any:
        return jnp.sin(x)

    sine.defjvp(lambda p, t: (jnp.sin(p[0]) * scale, jnp.cos(p[0]) * t[0]))
    x = np.linspace(0.5, 1, 400, dtype=np.float32).reshape(20, 20)
    with pytest.raises(GradientMismatch, match=r"the value of f\[7, 13\] is"):
        check_grads(sine, (x,), special_points=False)


def test_a_value_that_is_wrong_under_vmap_only() -> None:
    @jax.custom_batching.custom_vmap
    def twisted(x: Any) -> Any:
        return x**2

    twisted.def_vmap(lambda size, batched, x: (x[::-1] ** 2, True))
    wrong = square(twisted)
    with pytest.raises(GradientMismatch, match=r"wrong under jax\.vmap") as caught:
        check_grads(wrong, (0.75,))
    assert "fwd: the value of f is" in str(caught.value)
    batch, *alone = numbers_printed_by(caught.value, f=wrong)
    batch = [float(x) for x in batch.strip("[]").split()]
    assert [float(x) for x in alone] == batch[::-1]
    assert batch[0] != batch[1]


def test_a_value_that_jax_has_no_derivative_of_is_a_value() -> None:
    """A forward rule that iterates, and a backward rule that is differentiated by itself."""

    def root(scale: float) -> Any:
        @jax.custom_vjp
        def function(a: Any) -> Any:
            return jnp.sqrt(a)

        def forward(a: Any) -> Any:
            def body(_: Any, y: Any) -> Any:
                return 0.5 * (y + a / y)

            return scale * jax.lax.while_loop(
                lambda c: c[0] < 9, lambda c: (c[0] + 1, body(*c)), (0, a)
            )[1], a

        function.defvjp(forward, lambda a, g: (g * 0.5 / function(a),))
        return function

    found = check_grads(root(1.0), (np.float32(2.0),), 2, modes="rev", special_points=False)
    assert "to order 2, rev" in found.evidence.text
    assert "not checked" not in found.evidence.text
    with pytest.raises(GradientMismatch, match="the value of f"):
        check_grads(root(1.01), (np.float32(2.0),), 2, modes="rev", special_points=False)


def test_a_first_derivative_that_an_outer_one_returns_wrongly() -> None:
    def rule(value: Any) -> Any:
        double = jax.custom_jvp(lambda x: 2 * x)
        double.defjvp(lambda p, t: (value(p[0]), 2 * t[0]))
        function = jax.custom_jvp(lambda x: x**2)
        function.defjvp(lambda p, t: (p[0] ** 2, double(p[0]) * t[0]))
        return function

    wrong = rule(lambda x: 2.5 * x)
    assert check_grads(wrong, (0.75,)).verdict.passes
    with pytest.raises(GradientMismatch, match=r"beside derivative 2, is 1\.875"):
        check_grads(wrong, (0.75,), order=2)
    assert check_grads(rule(lambda x: 2 * x), (0.75,), order=2).verdict is Verdict.PROVED


def test_a_straight_through_estimator_keeps_its_own_value() -> None:
    """The derivative is the reference's, the value is the function's."""

    def rounded(value: Any) -> Any:
        function = jax.custom_jvp(lambda x: jnp.round(x))
        function.defjvp(lambda p, t: (value(p[0]), t[0]))
        return function

    right = rounded(lambda x: jnp.round(x))
    assert check_grads(right, (0.7,), 2, reference=lambda x: x).verdict.passes
    with pytest.raises(GradientMismatch, match=r"value of f is \[0.6999"):
        check_grads(rounded(lambda x: x), (0.7,), reference=lambda x: x)


def test_a_value_that_is_right_to_the_last_bit_of_its_dtype_agrees() -> None:
    """An iteration that converged and the closed form beside it are the same floats."""

    def root(forward: Any) -> Any:
        @jax.custom_vjp
        def function(a: Any) -> Any:
            y = a
            for _ in range(6):
                y = 0.5 * (y + a / y)
            return y

        function.defvjp(lambda a: (forward(a), a), lambda a, g: (g * 0.5 / jnp.sqrt(a),))
        return function

    given = (np.float32(2.0),)
    found = check_grads(root(jnp.sqrt), given, modes="rev", reference=jnp.sqrt)
    assert found.verdict.passes
    with pytest.raises(GradientMismatch, match=r"rule of `function` returns .1\.41421456"):
        check_grads(root(lambda a: jnp.sqrt(a) + 1e-6), given, modes="rev", reference=jnp.sqrt)


def test_infinite_values_are_no_matter() -> None:
    @jax.custom_jvp
    def logs(x: Any) -> Any:
        return jnp.log(x)

    logs.defjvp(lambda p, t: (logs(p[0]), t[0] / p[0]))
    assert check_grads(logs, (np.array([1.0, 2.0], np.float32),)).verdict.passes


def kernel(value: Any, forward: Any, slope: Any = jnp.cos) -> Any:
    """The sine as a callback, which has no program to look into."""

    def called(function: Any) -> Any:
        def run(x: Any) -> Any:
            shape = jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x))
            return jax.pure_callback(function, shape, x, vmap_method="expand_dims")

        return run

    sine = jax.custom_vjp(called(value))
    sine.defvjp(lambda x: (called(forward)(x), x), lambda x, g: (g * slope(x),))
    return sine


def doubled(x: Any) -> Any:
    return 2 * np.sin(x)


def test_the_value_of_a_kernel_is_held_against_its_reference() -> None:
    x = np.linspace(0.5, 1, 3, dtype=np.float32)
    found = check_grads(kernel(np.sin, np.sin), (x,), modes="rev", reference=jnp.sin)
    assert found.verdict is Verdict.AGREES
    assert "as near to the value and derivative of the reference" in found.evidence.text
    wrong = kernel(doubled, doubled)
    with pytest.raises(GradientMismatch, match="the value of f is not that of the ref") as caught:
        check_grads(wrong, (x,), modes="rev", reference=jnp.sin)
    first, second = numbers_printed_by(caught.value, f=wrong, reference=jnp.sin)
    assert first != second


def test_the_forward_rule_of_a_kernel_is_held_against_its_reference() -> None:
    x = np.linspace(0.5, 1, 3, dtype=np.float32)
    with pytest.raises(GradientMismatch, match="rev: the value of f"):
        check_grads(kernel(np.sin, doubled), (x,), modes="rev", reference=jnp.sin)
    with pytest.raises(GradientMismatch, match="the derivative of f is not that of the reference"):
        wrong = kernel(np.sin, np.sin, lambda x: 1.5 * jnp.cos(x))
        check_grads(wrong, (x,), modes="rev", reference=jnp.sin)
    nearly = kernel(lambda x: np.sin(x) * np.float32(1.0001), np.sin)
    with pytest.raises(UndecidedError, match="its value is further from that of the reference"):
        check_grads(nearly, (x,), modes="rev", reference=jnp.sin)


# -- rules for batches -----------------------------------------------------------------------------


def by_vmap(rule: Any, function: Any = jnp.sin) -> Any:
    """A function with a rule of its own for a batch of arguments."""
    f = custom_vmap(function)
    f.def_vmap(lambda size, batched, *xs: (rule(*xs), True))
    return f


def _calling(f: Any) -> Any:
    """A function with a right rule that calls another one."""
    outer = jax.custom_jvp(lambda x: f(x))
    outer.defjvp(lambda p, t: (outer(*p), jnp.cos(p[0]) * t[0]))
    return outer


def _large(f: Any) -> Any:
    """More operations than are looked at where all of them are JAX's own."""
    return lambda x: f(x * jnp.mean(jnp.ones(3000)))


@pytest.mark.parametrize(
    "within", [lambda f: f, lambda f: jax.jit(f), lambda f: lambda x: 2 * f(x), _calling, _large]
)
def test_the_values_of_a_rule_for_batches(within: Any) -> None:
    for rule in (lambda x: jnp.sin(x) + 1.0, jnp.cos, lambda x: jnp.sin(x[::-1])):
        found = check(within(by_vmap(rule)), (X,), modes="fwd")
        assert found.verdict is Verdict.REFUTED
        assert "the values of f are wrong under jax.vmap" in found.evidence.text
        assert "as the value, the function is" in found.evidence.text
    found = check(within(by_vmap(jnp.sin)), (X,), modes="fwd")
    assert found.verdict.passes and ", and under vmap" in found.evidence.text
