"""Points of a batch at which a proof says nothing, or floats are no numbers, and drawn ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check, compare
from jaxgrad.gradients.batch_floats import not_finite
from jaxgrad.gradients.batch_points import batch_of
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.programs.trace import trace

AT = np.float32(0.5)
THROUGH_ZERO = np.array([1.0, 2.0, 0.0, -1.0], np.float32)
LARGE = np.array([[1.0, 2.0, 3.0], [100.0, 2.0, 3.0]], np.float32)


def _norm(x: Any) -> Any:
    return jnp.sqrt(x @ x)


def _with_rule(function: Callable[..., Any], slope: Callable[..., Any]) -> Any:
    made = jax.custom_vjp(function)
    made.defvjp(lambda x: (made(x), x), lambda x, u: (u * slope(x),))
    return made


@pytest.mark.parametrize(
    "kept, verdict, said",
    [
        (slice(2, 4), Verdict.UNDECIDED, "the proof leaves point 1 of the 2 of the batch out, and"),
        (slice(0, 3), Verdict.PROVED, "for every real input"),
    ],
)
def test_what_a_proof_leaves_out_is_judged_at_a_batch(
    kept: slice, verdict: Verdict, said: str
) -> None:
    points = np.array([[1, 2, 3], [0, 1, 0], [4, 5, 6], [0, 0, 0]], np.float32)[kept]
    found = compare(lambda x: x / _norm(x), jax.grad(_norm), points[0], batch=(points,))
    assert found.verdict is verdict and said in found.evidence.text


def test_a_point_at_which_one_side_is_no_number_refutes_a_proof_of_the_others() -> None:
    found = compare(lambda x: 1.0 + 0 * x, lambda x: x / x, AT, batch=(THROUGH_ZERO,))
    assert found.verdict is Verdict.REFUTED
    assert "at point 2 of the 4 of the batch hand returns 1.0 and auto nan" in found.evidence.text
    rule = _with_rule(lambda x: jnp.sqrt(x * x), lambda x: x / jnp.sqrt(x * x))
    options: dict[str, Any] = {"special_points": False}
    assert check(rule, (AT,), batch=(THROUGH_ZERO[:2],), **options).verdict is Verdict.PROVED
    found = check(rule, (AT,), batch=(THROUGH_ZERO,), **options)
    assert found.verdict is Verdict.REFUTED
    assert found.evidence.text.startswith("at point 2 of the 4 of the batch: ")


@pytest.mark.parametrize("factor", [1.0, 1 + 2.0**-23])
def test_floats_that_overflow_at_a_point_of_a_batch_are_seen(factor: float) -> None:
    """Proved as a formula or not."""

    def naive(x: Any) -> Any:
        return jnp.exp(x) * np.float32(factor) / jnp.exp(x).sum()

    auto = jax.grad(jax.nn.logsumexp)
    assert compare(naive, auto, LARGE[0], batch=(LARGE[:1],)).verdict.passes
    found = compare(naive, auto, LARGE[0], batch=(LARGE,))
    assert found.verdict is Verdict.REFUTED
    assert "at point 1 of the 2 of the batch hand returns nan" in found.evidence.text
    rule = _with_rule(lambda x: jax.nn.logsumexp(x), naive)
    assert check(rule, (LARGE[0],), batch=(LARGE[:1],), special_points=False).verdict.passes
    found = check(rule, (LARGE[0],), batch=(LARGE,), special_points=False)
    assert found.verdict is Verdict.REFUTED and "point 1 of the 2" in found.evidence.text


def test_an_infinity_that_is_right_is_no_fault() -> None:
    points = np.array([1.0, 89.0, 2.0], np.float32)
    found = compare(lambda x: jnp.exp(x) * 1.0, jax.grad(jnp.exp), points[0], batch=(points,))
    assert found.verdict.passes


def test_which_rows_are_no_numbers() -> None:
    x = np.linspace(-3, 3, 9, dtype=np.float32)
    program = trace(lambda x: (jnp.log(x), x > 1), (x[-1],))
    assert list(not_finite(program, Rows.of(program.inputs, [x]))) == [0, 1, 2, 3, 4]

    def called(x: Any) -> Any:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), np.float32), x)

    program = trace(called, (x[0],))
    assert list(not_finite(program, Rows.of(program.inputs, [x]))) == []


def test_drawn_points_are_at_no_border() -> None:
    """A right rule of a root has no number at 0, for which nobody asked."""
    root = jax.custom_jvp(jnp.sqrt)
    root.defjvp(lambda xs, vs: (root(*xs), 0.5 * lax.rsqrt(xs[0]) * vs[0] * (1 + 2.0**-23)))
    given = np.array([0.3, 2.0, 1.0], np.float32)
    found = check(root, (given,), batch=200, domain=lambda x: jnp.all(x >= 0))
    assert found.verdict is Verdict.AGREES, found.evidence.text
    program = trace(jnp.sin, (given,))
    batch = batch_of(300, program.inputs, jnp.sin, None)
    values = batch.values[0]
    assert len(values) == 300 and np.all(values != 0)
    assert not np.any(values * 8 == np.round(values * 8))


def test_a_derivative_of_its_own_keeps_a_function_from_being_proved() -> None:
    """Six steps of Newton's method come to no root of 10⁴, and JAX takes them to have."""
    sine = jax.custom_jvp(jnp.sin)
    sine.defjvp(lambda xs, vs: (sine(*xs), jnp.cos(xs[0]) * vs[0]))

    def root(x: Any) -> Any:
        def solve(_: Any, y: Any) -> Any:
            return lax.fori_loop(0, 6, lambda _, y: (y + x / y) / 2, y)

        return lax.custom_root(lambda y: y * y - x, 1.0 + 0 * x, solve, lambda g, y: y / g(1.0))

    def both(x: Any) -> Any:
        return sine(x) + root(x)

    assert check(both, (np.float32(0.7),)).verdict is not Verdict.PROVED
    points = (np.array([1.0, 1e4], np.float32),)
    found = check(both, (np.float32(0.7),), batch=points, special_points=False)
    assert found.verdict is not Verdict.PROVED
    assert math.isclose(float(jax.grad(root)(jnp.float32(4.0))), 0.25, rel_tol=1e-3)


@pytest.mark.parametrize("points, verdict", [([0.5, 2.0], True), ([0.5, 4.0], False)])
def test_what_is_held_against_a_reference_is_so_at_a_batch(
    points: list[float], verdict: bool
) -> None:
    """Without a custom rule, or with a rule of a primitive's own."""

    def other(x: Any) -> Any:
        return jnp.where(x > 3, x, jnp.sin(x))

    batch = (np.array(points, np.float32),)
    found = check(other, (np.float32(0.3),), batch=batch, reference=jnp.sin)
    assert found.verdict is (Verdict.AGREES if verdict else Verdict.REFUTED), found.evidence.text

    def root(x: Any) -> Any:
        def linear(g: Any, y: Any) -> Any:
            return jnp.where(x > 3, 0.5, 1.0) * y / g(1.0)

        return lax.custom_root(lambda y: y - x * x, x, lambda f, y: y - f(y), linear)

    found = check(root, (np.float32(0.7),), batch=batch, special_points=False)
    assert found.verdict is (Verdict.AGREES if verdict else Verdict.REFUTED), found.evidence.text


@pytest.mark.parametrize("factor, verdict", [(1.0, Verdict.AGREES), (1.5, Verdict.REFUTED)])
def test_floats_of_a_callback_are_held_against_a_reference_at_a_batch(
    factor: float, verdict: Verdict
) -> None:
    def on_host(*values: Any) -> Any:
        def run(x: Any, u: Any = None) -> Any:
            found = np.tanh(x) if u is None else u / np.cosh(x) ** 2 * np.where(x > 1.25, factor, 1)
            return found.astype(np.float32)

        like = jax.ShapeDtypeStruct(values[0].shape, np.float32)
        return jax.pure_callback(run, like, *values, vmap_method="sequential")

    rule = jax.custom_vjp(on_host)
    rule.defvjp(lambda x: (rule(x), x), lambda x, u: (on_host(x, u),))
    batch = (np.array([[1, 0.25], [1.5, 0.5]], np.float32),)
    found = check(rule, (batch[0][0],), modes="rev", reference=jnp.tanh, batch=batch)
    assert found.verdict is verdict, found.evidence.text
    right = found.evidence.text.endswith("at this point; so they are at the 2 points of the batch")
    assert right is (verdict is Verdict.AGREES) and "balls" not in found.evidence.text


def test_a_reference_of_the_given_point_alone_is_told_of_at_a_batch() -> None:
    at = (np.float32(0.5), np.float32(2))

    def straight(x: Any, y: Any) -> Any:
        return x * lax.stop_gradient(y * y)

    options: dict[str, Any] = {"reference": lambda x, y: x * 4.0, "special_points": False}
    assert check(straight, at, argnums=0, **options).verdict.passes
    batch = (np.array([0.5, 1], np.float32), np.array([2, 3], np.float32))
    found = check(straight, at, batch=batch, **options)
    assert found.verdict is Verdict.REFUTED
    first = found.evidence.text.split("\n")[0]
    assert first.endswith("is one at the given point alone: leave batch= out for it)")
    alone = check(lambda x, y: x * lax.stop_gradient(y), at, batch=batch, special_points=False)
    assert alone.verdict is Verdict.REFUTED and "reference" not in alone.evidence.text
