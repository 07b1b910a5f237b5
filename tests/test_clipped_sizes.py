"""A rule that is declared not to be linear, and clips what it is asked with: the size is why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import GradientMismatch, check_grads

X = np.float32(0.3)
V = np.array([0.3, 0.5], np.float32)
WHY = "the size of the cotangent is why, as with gradient clipping"


def clip(threshold: float, slope: float = 1.0) -> Callable[[Any], Any]:
    """x ↦ x, whose backward rule clips its cotangent."""
    function = jax.custom_vjp(lambda x: x)
    function.defvjp(lambda x: (x, None), lambda _, g: (slope * jnp.clip(g, -threshold, threshold),))
    return function


def refuted(f: Callable[..., Any], *args: Any, **asked: Any) -> str:
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, args, **{"modes": "rev", "linear": False} | asked)
    return str(caught.value).splitlines()[0]


def test_the_size_is_why_and_what_is_advised_passes() -> None:
    f = clip(0.1)
    said = refuted(f, X)
    assert WHY in said
    assert "for 2**-4 of it what is refuted here is right" in said
    assert said.endswith("raise the threshold, or check `lambda *args: 2**-4 * f(*args)`")
    smaller = eval(said.split("`")[1], {"f": f})
    assert check_grads(smaller, (X,), modes="rev", linear=False).verdict.passes
    assert check_grads(clip(2.0), (X,), modes="rev", linear=False).verdict.passes


def test_of_a_tree() -> None:
    f = lambda x: {"a": jnp.sin(clip(0.01)(1000 * x))}  # noqa: E731
    said = refuted(f, V)
    assert "for 2**-7 of it" in said
    smaller = eval(said.split("`")[1], {"f": f, "jax": jax})
    assert check_grads(smaller, (V,), modes="rev", linear=False).verdict.passes


def test_with_a_reference() -> None:
    said = refuted(clip(0.1), X, reference=lambda x: x, linear=None)
    assert "`lambda *args: 2**-4 * f(*args)` with reference=`lambda *args: 2**-4 * ref" in said


def test_at_a_special_point() -> None:
    said = refuted(lambda x: clip(3.0)(x) ** 2, V)
    assert "at a special point of the program" in said
    assert "; the size of the cotangent is why" in said
    assert "for 2**-1 of it" in said


def test_a_tangent() -> None:
    f = jax.custom_jvp(lambda x: x)
    f.defjvp(lambda xs, ts: (f(*xs), jnp.clip(ts[0], -0.1, 0.1)))
    said = refuted(f, X, modes="fwd")
    assert "the size of the tangent is why" in said
    assert said.endswith("raise the threshold")


def test_another_error_is_no_matter_of_size() -> None:
    for f in (clip(0.1, 2.0), clip(2.0, 2.0)):
        assert "size" not in refuted(f, X)


def test_a_value_is_no_matter_of_size() -> None:
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x + 1, None), lambda _, g: (jnp.clip(g, -0.1, 0.1),))
    assert "size" not in refuted(f, X)


# -- what is asked is no longer than 1, and of both signs ------------------------------------------
M = np.linspace(-1, 1, 8, dtype=np.float32)


def backward(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """x ↦ x, with this backward rule."""
    function = jax.custom_vjp(lambda x: x)
    function.defvjp(lambda x: (x, None), lambda _, g: (rule(g),))
    return function


def forward(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    function = jax.custom_jvp(lambda x: x)
    function.defjvp(lambda xs, ts: (function(*xs), rule(ts[0])))
    return function


def by_norm(threshold: float) -> Callable[[Any], Any]:
    def clipped(g: Any) -> Any:
        size = jnp.sqrt(jnp.sum(g * g))
        long = size > threshold
        return jnp.where(long, g * threshold / jnp.where(long, size, 1.0), g)

    return clipped


@pytest.mark.parametrize(
    "asked", [{"linear": False}, {"reference": lambda x: x}], ids=["declared", "reference"]
)
@pytest.mark.parametrize("x", [X, V, M], ids=["scalar", "two", "eight"])
def test_a_norm_of_1_clips_nothing(x: Any, asked: dict[str, Any]) -> None:
    for f, mode in ((backward(by_norm(1.0)), "rev"), (forward(by_norm(1.0)), "fwd")):
        found = check_grads(f, (x,), modes=mode, **asked)
        assert found.verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(backward(lambda g: by_norm(1.0)(g) * 1.001), (x,), modes="rev", **asked)
    with pytest.raises(GradientMismatch):
        check_grads(backward(by_norm(0.01)), (x,), modes="rev", **asked)


OF_ONE_SIGN: dict[str, Callable[[Any], Any]] = {
    "absolute": jnp.abs,
    "clipped at 0": lambda g: jnp.clip(g, 0.0, 100.0),
    "rectified": lambda g: jnp.maximum(g, 0.0),
}


@pytest.mark.parametrize("name", OF_ONE_SIGN)
@pytest.mark.parametrize("x", [X, V, M], ids=["scalar", "two", "eight"])
def test_a_rule_that_is_right_for_one_sign_alone(name: str, x: Any) -> None:
    rule = OF_ONE_SIGN[name]
    assert "gradient clipping" not in refuted(backward(rule), x)
    assert "gradient clipping" not in refuted(forward(rule), x, modes="fwd")
    assert "gradient clipping" not in refuted(backward(rule), x, reference=lambda x: x, linear=None)


def test_what_was_asked_is_said() -> None:
    with pytest.raises(
        GradientMismatch, match=r"with respect to x for the cotangent -1 is 1.0+ by the rules"
    ):
        check_grads(backward(jnp.abs), (X,), modes="rev", linear=False)
    with pytest.raises(
        GradientMismatch, match=r"with respect to x for the tangent -1 is 1.0+ by the rules"
    ):
        check_grads(forward(jnp.abs), (X,), modes="fwd", linear=False)


def test_what_rounding_hides_of_less_is_no_clipping() -> None:
    """A gradient that is off by a factor is below every float for a cotangent of 2⁻¹¹²."""
    generator = np.random.default_rng(0)
    x, w = (generator.normal(size=n).astype(np.float32) for n in ((6, 5), (5, 6)))
    wrong = jax.custom_vjp(lambda x, w: jnp.tanh(x @ w))

    def backward(args: Any, u: Any) -> Any:
        dx, dw = jax.vjp(lambda x, w: jnp.tanh(x @ w), *args)[1](u)
        return 1.00002 * dx, dw

    wrong.defvjp(lambda *args: (wrong(*args), args), backward)
    text = refuted(wrong, x, w, special_points=False)
    assert WHY not in text
    assert "they give 1.00002" in text
