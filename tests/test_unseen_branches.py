"""A branch that no float tells from the other one is no branch of the function that is meant."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.gradients.rules import unseen_branches


def guarded(within: float, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """sin(x)/x, and something else near to 0."""

    def f(x: Any) -> Any:
        near = jnp.abs(x) < within
        safe = jnp.where(near, 1.0, x)
        return jnp.where(near, inner(x), jnp.sin(safe) / safe)

    return f


def apart(inner: Callable[[Any], Any], outer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """sin(x)/x, with one condition for what is divided by and one for the result."""

    def f(x: Any) -> Any:
        safe = jnp.where(inner(x), 1.0, x)
        return jnp.where(outer(x), 1.0, jnp.sin(safe) / safe)

    return f


def within(x: Any) -> Any:
    return jnp.abs(x) < 1e-6


def one(x: Any) -> Any:
    return jnp.ones_like(x)


def slope(x: Any) -> Any:
    """The derivative of sin(x)/x, by its series near to 0."""
    near = jnp.abs(x) < 1e-2
    safe = jnp.where(near, 1.0, x)
    return jnp.where(
        near, -x / 3 + x**3 / 30, (safe * jnp.cos(safe) - jnp.sin(safe)) / (safe * safe)
    )


def ruled(f: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    g = jax.custom_jvp(f)
    g.defjvp(lambda xs, ts: (f(*xs), slope(*xs) * ts[0]))
    return g


FUNCTIONS = {
    "a constant": guarded(1e-6, one),
    "the first terms": guarded(1e-2, lambda x: 1 - x * x / 6),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [0.7, 3.75e-7])
@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 1.01])
def test_the_rule_of_what_is_meant_is_right(name: str, x: float, factor: float) -> None:
    f = ruled(FUNCTIONS[name], lambda x: factor * slope(x))
    found = check(f, (np.float32(x),))
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


def test_so_is_that_of_the_branch_as_it_stands() -> None:
    f = ruled(FUNCTIONS["a constant"], lambda x: jnp.where(jnp.abs(x) < 1e-6, 0.0, slope(x)))
    assert check(f, (np.float32(3.75e-7),)).verdict.passes


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_each_entry_has_a_branch_of_its_own(factor: float) -> None:
    f = ruled(FUNCTIONS["a constant"], lambda x: jnp.where(x < 1e-6, factor, 1) * slope(x))
    found = check(f, (np.float32([0.5, 3e-7, 2e-7]),), special_points=False, budget=0)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


@pytest.mark.parametrize("x", [3.75e-7, 3.75e-3])
def test_a_branch_that_floats_see_is_one(x: float) -> None:
    f = ruled(guarded(1e-2, one), slope)
    assert check(f, (np.float32(x),), special_points=False).verdict is Verdict.REFUTED


@pytest.mark.parametrize("x", [1e-9, -1e-9])
def test_what_is_seen_further_on_is_seen(x: float) -> None:
    """Of 1 + max(x, 0) no float tells the branches apart near to 0."""
    f = ruled(lambda x: 1 + jnp.where(x > 0, x, 0.0), lambda x: 1.0 * (x <= 0))
    assert check(f, (np.float32(x),), special_points=False).verdict is Verdict.REFUTED


def test_what_is_seen_of_two_comparisons_together_is_seen() -> None:
    """Either of them alone chooses between nothing that floats tell apart."""

    def f(x: Any) -> Any:
        one, other = jnp.abs(x) < 1e-3, jnp.abs(x) < 1e-3
        little = jnp.where(one, 0, 1e-9 * x) + jnp.where(other, 0, 1e-9 * x)
        return jnp.where(one | other, 1 + x / 2, 3 + 7 * x) + little

    for slope, right in ((lambda x: 0.5 + 0 * x, True), (lambda x: 7.0 + 0 * x, False)):
        found = check(ruled(f, slope), (np.float32(2e-4),), special_points=False)
        assert found.verdict.passes is right, str(found)


@pytest.mark.parametrize("x", [5e-18, 3e-17])
@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (2.0, False)])
def test_a_guard_of_doubles(x: float, factor: float, right: bool) -> None:
    def quotient(x: Any) -> Any:
        near = jnp.abs(x) < 1e-16
        safe = jnp.where(near, 1.0, x)
        return jnp.where(near, 1.0, jnp.expm1(safe) / safe)

    with jax.enable_x64(True):
        f = ruled(quotient, lambda x: factor * (0.5 + x / 3))
        found = check(f, (np.float64(x),), special_points=False)
    assert (found.verdict is Verdict.REFUTED) is not right, str(found)


def test_the_formula_alone_is_held_to_the_letter() -> None:
    f = ruled(FUNCTIONS["a constant"], slope)
    here = (np.float32(3.75e-7),)
    assert check(f, here, exact=True).verdict is Verdict.REFUTED


def test_a_rotation_near_to_none() -> None:
    """The exponential of a vector as a rotation of another, as is done near to 0."""

    def parts(v: Any) -> tuple[Any, Any]:
        squared = jnp.sum(v * v)
        near = squared < 1e-12
        angle = jnp.sqrt(jnp.where(near, 1.0, squared))
        sine = jnp.where(near, 1.0, jnp.sin(angle) / angle)
        return sine, jnp.where(near, 0.5, (1 - jnp.cos(angle)) / (angle * angle))

    def rotated(v: Any) -> Any:
        u = jnp.array([0.3, -0.5, 0.8], v.dtype)
        sine, cosine = parts(v)
        return u + sine * jnp.cross(v, u) + cosine * jnp.cross(v, jnp.cross(v, u))

    for x in ([0.3, 0.2, -0.1], [2e-7, 1e-7, -3e-7]):
        assert check(rotated, (np.float32(x),)).verdict.passes


def sine_over(x: Any) -> Any:
    return jnp.sin(x) / x


GUARDS: dict[str, Callable[[Any], Any]] = {
    "two masks": apart(*(lambda x: (x > -1e-6) & (x < 1e-6),) * 2),
    "written twice": apart(within, within),
    "not the opposite": apart(within, lambda x: ~(jnp.abs(x) >= 1e-6)),
    "squares and sizes": apart(lambda x: x * x < 1e-12, within),
    "no more than": apart(*(lambda x: jnp.abs(x) <= 1e-6,) * 2),
    "the larger": lambda x: sine_over(jnp.maximum(jnp.abs(x), 1e-6)),
    "the less": lambda x: sine_over(-jnp.minimum(-jnp.abs(x), -1e-6)),
    "clipped squares": lambda x: sine_over(jnp.sqrt(jnp.clip(x * x, 1e-12, None))),
    "a clamp": lambda x: sine_over(jnp.sqrt(jax.lax.clamp(jnp.float32(1e-12), x * x, 1e30))),
}


@pytest.mark.parametrize("name", GUARDS)
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_however_a_guard_is_written(name: str, factor: float) -> None:
    f = ruled(GUARDS[name], lambda x: factor * slope(x))
    found = check(f, (np.float32([0.5, 3e-7, -1e-7]),), special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


@pytest.mark.parametrize("shape", [(16,), (4, 8)])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_many_entries_at_a_guard(shape: tuple[int, ...], factor: float) -> None:
    x = np.linspace(-3e-7, 9e-7, math.prod(shape), dtype=np.float32).reshape(shape)
    f = ruled(FUNCTIONS["a constant"], lambda x: jnp.where(x < 0, factor, 1) * slope(x))
    found = check(f, (x,), special_points=False, budget=1)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


@pytest.mark.parametrize("shape", [(16,), (4, 8)])
def test_a_right_rule_passes_whatever_the_size(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).uniform(0.3, 2, shape).astype(np.float32)
    found = check(ruled(FUNCTIONS["a constant"], slope), (x,), budget=5)
    assert found.verdict is Verdict.AGREES, str(found)


@pytest.mark.parametrize("x", [[3e-7], [3e-7, 0.4, -2e-7]])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_second_derivatives(x: list[float], factor: float) -> None:
    f = ruled(FUNCTIONS["a constant"], slope)
    g = ruled(f, lambda x: jnp.where(x < 0.1, factor, 1) * slope(x))
    found = check(g if factor != 1 else f, (np.float32(x),), 2, special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


def test_a_second_derivative_alone_is_wrong() -> None:
    """Its first one, at this very point, is right."""
    x = np.float32(3e-7)
    f = ruled(FUNCTIONS["a constant"], lambda y: -x / 3 - (y - x) * 1.01 / 3)
    found = check(f, (x,), 2, special_points=False)
    assert found.verdict is Verdict.REFUTED, str(found)
    right = ruled(FUNCTIONS["a constant"], lambda y: -x / 3 - (y - x) / 3)
    assert check(right, (x,), 2, special_points=False).verdict.passes


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_at_zero_itself(factor: float) -> None:
    def quotient(x: Any) -> Any:
        near = jnp.abs(x) < 1e-7
        safe = jnp.where(near, 1.0, x)
        return jnp.where(near, 1.0, jnp.log1p(safe) / safe)

    f = ruled(quotient, lambda x: factor * (-0.5 + 2 * x / 3))
    found = check(f, (np.zeros(20, np.float32),), special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.01, False)])
def test_a_guard_of_a_norm(factor: float, right: bool) -> None:
    """The rule is that of what is meant, along a direction that moves every entry."""

    def scaled(x: Any) -> Any:
        squared = jnp.sum(x * x)
        near = squared < 1e-14
        norm = jnp.sqrt(jnp.where(near, 1.0, squared))
        return x * jnp.where(near, 1.0, jnp.tanh(norm) / norm)

    def moved(x: Any, t: Any) -> Any:
        squared = jnp.sum(x * x)
        return t * (1 - squared / 3) - x * 2 / 3 * jnp.sum(x * t)

    f = jax.custom_jvp(scaled)
    f.defjvp(lambda xs, ts: (scaled(*xs), factor * moved(xs[0], ts[0])))
    found = check(f, (np.float32([2e-8, 1e-8, -3e-8]),), special_points=False)
    assert found.verdict.passes is right, str(found)


def one_at_zero(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A rule that gives the other branch's slope at 0, where f is constant."""
    slope = 5e-4 if f is bent_between else 1.0
    return ruled(f, lambda x: jnp.where(x == 0, slope, jax.grad(lambda y: jnp.sum(f(y)))(x)))


def shrunk(x: Any) -> Any:
    return jnp.where(jnp.abs(x) < 0.05, 0.0, x)


def nested(x: Any) -> Any:
    """The branches of the outer condition meet further in, and not further out."""
    size = jnp.abs(x)
    inner = jnp.where(size < 1e-15, x, jnp.where(size < 1e-10, 0, x))
    return 1 + jnp.where(size < 1, 0, inner)


def bumped(x: Any) -> Any:
    """The other branch differs at one scale alone."""
    return jnp.where(jnp.abs(x) < 1e-3, 1.0, 1 + 1e-6 * x * 1e-9 / (1e-18 + x * x))


def cancelling(x: Any) -> Any:
    """Of the last four conditions nothing is seen together, but of each alone; of the first not."""
    g1, g3, g7, g11 = (jnp.where(jnp.abs(k * x) < k * 0.1, 0.0, x) for k in (1, 3, 7, 11))
    return jnp.stack([jnp.where(jnp.abs(5 * x) < 1e-8, 0.0, x) / 2 + 1, g1 - g3 + g7 - g11])


@pytest.mark.parametrize(("slope", "right"), [(0.0, True), (1.0, False)])
def test_conditions_that_cancel_are_seen_alone(slope: float, right: bool) -> None:
    f = ruled(cancelling, lambda x: jnp.stack([jnp.full_like(x, 0.5), slope * (x == 0)]))
    found = check(f, (np.float32(0),), special_points=False)
    assert found.verdict.passes is right, str(found)


def bent_between(x: Any) -> Any:
    """The other branch meets this one at 0 and at both ends, and is 3 roundings off half way."""
    u = x / 1e-3
    return jnp.where(jnp.abs(x) < 1e-3, 1.0, 1 + 5e-7 * (u - u**3))


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (bent_between, np.float32(0)),
        (shrunk, np.float32([0, 1e6])),
        (nested, np.float32(0)),
        (bumped, np.float32(0)),
    ],
)
def test_what_floats_see_somewhere_is_a_branch(f: Callable[[Any], Any], x: Any) -> None:
    """In an entry beside a large one, beyond where branches meet, at one scale, or of one part."""
    found = check(one_at_zero(f), (x,), special_points=False)
    assert found.verdict is Verdict.REFUTED, str(found)


def quotient(x: Any) -> Any:
    near = jnp.abs(x) < 1e-8
    safe = jnp.where(near, 1.0, x)
    return jnp.where(near, 1.0, jnp.expm1(safe) / safe)


def series(x: Any) -> Any:
    """The derivative of (eˣ − 1)/x."""
    near = jnp.abs(x) < 0.1
    safe = jnp.where(near, 1.0, x)
    terms = sum(x**k / (math.factorial(k) * (k + 2)) for k in range(7))
    return jnp.where(near, terms, (safe * jnp.exp(safe) - jnp.expm1(safe)) / (safe * safe))


@pytest.mark.parametrize("factor", [1.0, 1.01])
@pytest.mark.parametrize("x", [[0, 1.1e-8], [0, 1e-9, 0.3], [1.5e-8, -2e-9, 9e-9, 0]])
def test_entries_within_a_guard_and_just_outside(x: list[float], factor: float) -> None:
    f = ruled(quotient, lambda x: jnp.where(jnp.abs(x) < 5e-9, factor, 1) * series(x))
    found = check(f, (np.float32(x),), special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_many_guards_of_one_number(factor: float) -> None:
    def f(x: Any) -> Any:
        return sum(quotient(k * x) for k in range(1, 10))

    def slope(x: Any) -> Any:
        return factor * sum(k * series(k * x) for k in range(1, 10))

    found = check(ruled(f, slope), (np.float32(1e-10),), special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


def erf_with_tails(x: Any) -> Any:
    return jnp.where(jnp.abs(x) > 4.5, jnp.sign(x), jax.lax.erf(x))


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_tail_that_goes_on_for_ever(factor: float) -> None:
    slope = 2 / math.sqrt(math.pi)
    f = ruled(erf_with_tails, lambda x: factor * slope * jnp.exp(-x * x))
    found = check(f, (np.float32(5),), special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("below", [0.0, 1.0, -1.0])
def test_floats_of_few_bits_look_as_far_as_others(dtype: str, below: float) -> None:
    """At −4 million a bfloat16 tells what no float tells nearer to 0."""

    def f(x: Any) -> Any:
        return 1 + 1e-9 * jnp.maximum(x, 0)

    x = jnp.asarray([0.75, -0.5], dtype)
    sloped = lambda x: 1e-9 * jnp.where(x > 0, 1.0, below).astype(x.dtype)  # noqa: E731
    found = check(ruled(f, sloped), (x,), special_points=False)
    assert found.verdict.passes if below == 0 else found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_what_is_chosen_without_end_is_no_guard(slope: float) -> None:
    """1e9 + max(x, 0): no float tells the branches apart near to 0, but they go on for ever."""
    f = ruled(lambda x: 1e9 + jnp.where(x > 0, x, 0.0), lambda x: slope + 0 * x)
    found = check(f, (np.float32(1e-3),), special_points=False)
    assert found.verdict is (Verdict.REFUTED if slope == 0 else Verdict.AGREES), str(found)


def test_what_takes_too_long_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unseen_branches, "SEEING", 10)
    found = check(ruled(FUNCTIONS["a constant"], slope), (np.float32(3.75e-7),), budget=0)
    assert found.verdict is Verdict.UNDECIDED, str(found)
    assert "nobody knows whether floats tell two branches of f apart" in str(found)
    wrong = ruled(FUNCTIONS["a constant"], lambda x: 1.01 * slope(x))
    assert check(wrong, (np.float32(3.75e-7),), budget=0).verdict is Verdict.REFUTED
