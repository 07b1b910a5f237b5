"""At a tie the derivatives by all that ties are one gradient, and not one number each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import GradientCheck, Verdict, check


def by_hand(f: Callable[..., Any], slopes: Callable[..., Any]) -> Callable[..., Any]:
    """f with a rule that multiplies by what is given for each argument."""
    g = jax.custom_vjp(f)
    g.defvjp(lambda *xs: (f(*xs), xs), lambda xs, u: tuple(u * s for s in slopes(*xs)))
    return g


def maximum(if_equal: tuple[float, float]) -> Callable[..., Any]:
    """The maximum of two numbers, with these derivatives where they are one."""
    here, there = if_equal
    return by_hand(
        jnp.maximum,
        lambda x, y: (
            jnp.where(x == y, here, 1.0 * (x > y)),
            jnp.where(x == y, there, 1.0 * (y > x)),
        ),
    )


def at(f: Callable[..., Any], *xs: float) -> GradientCheck:
    """What is said at the point alone."""
    args = tuple(map(np.float32, xs))
    return check(f, args, modes="rev", special_points=False, budget=0)


@pytest.mark.parametrize("pair", [(1, 0), (0, 1), (0.5, 0.5), (0.25, 0.75)])
def test_what_adds_up_to_one_is_a_gradient_of_a_maximum(pair: tuple[float, float]) -> None:
    assert at(maximum(pair), 1, 1).verdict is Verdict.AGREES


@pytest.mark.parametrize("pair", [(1, 1), (0, 0), (0.5, 0.75), (0.5, 0.49)])
def test_what_does_not_is_none(pair: tuple[float, float]) -> None:
    found = at(maximum(pair), 1, 1)
    assert found.verdict is Verdict.REFUTED and "along the direction of ones" in str(found), found


@pytest.mark.parametrize(("pair", "verdict"), [((1, 0), True), ((1, 1), False), ((0, 0), False)])
def test_so_it_is_where_nobody_asked(pair: tuple[float, float], verdict: bool) -> None:
    found = check(maximum(pair), (np.float32(1), np.float32(2)), modes="rev", budget=5)
    assert found.verdict.passes is verdict, found
    assert verdict or found.verdict is Verdict.REFUTED


def test_the_code_to_paste_shows_both_together() -> None:
    found = at(maximum((1, 1)), 1, 1)
    code, seen = str(found.counterexample), list[Any]()
    exec(code, {"f": maximum((1, 1)), "print": lambda got, _: seen.append(got)})
    assert seen == [2.0]


@pytest.mark.parametrize("x", [[2, 2, 2], [1, 2, 2], [-3, -3, -4]])
def test_a_maximum_of_several(x: list[float]) -> None:
    largest = lambda x: jnp.max(x)  # noqa: E731
    top = lambda x: 1.0 * (x == largest(x))  # noqa: E731
    every = by_hand(largest, lambda x: (top(x),))
    mean = by_hand(largest, lambda x: (top(x) / jnp.sum(top(x)),))
    first = by_hand(largest, lambda x: (1.0 * (jnp.arange(3) == jnp.argmax(x)),))
    for f, passes in ((every, False), (mean, True), (first, True)):
        found = check(f, (np.float32(x),), modes="rev", special_points=False)
        assert found.verdict.passes is passes, found
        assert passes or found.verdict is Verdict.REFUTED


def test_multiples_that_tie() -> None:
    larger = lambda x, y: jnp.maximum(x, -3 * y)  # noqa: E731
    for pair, verdict in (
        ((1, 0), Verdict.AGREES),
        ((0.5, -1.5), Verdict.AGREES),
        ((1, -3), Verdict.REFUTED),
        ((0, 0), Verdict.REFUTED),
    ):
        f = by_hand(larger, lambda x, y, pair=pair: (pair[0] + 0 * x, pair[1] + 0 * y))
        assert at(f, 6, -2).verdict is verdict


@pytest.mark.parametrize("pair", [(0, 0), (1, -1), (1, 0), (0, -1), (0.5, -0.25)])
def test_of_what_ties_by_itself_each_may_be_any(pair: tuple[float, float]) -> None:
    """relu(x) − relu(y) has all of them for limits of gradients nearby."""
    difference = lambda x, y: jax.nn.relu(x) - jax.nn.relu(y)  # noqa: E731
    f = by_hand(difference, lambda x, y: (pair[0] + 0 * x, pair[1] + 0 * y))
    assert at(f, 0, 0).verdict is Verdict.AGREES


@pytest.mark.parametrize(
    ("pair", "verdict"),
    [((0, 0), True), ((1, -1), True), ((-0.5, 0.5), True), ((1, 1), False), ((0.5, 0), False)],
)
def test_the_size_of_a_difference(pair: tuple[float, float], verdict: bool) -> None:
    f = by_hand(lambda x, y: abs(x - y), lambda x, y: (pair[0] + 0 * x, pair[1] + 0 * y))
    assert at(f, 3, 3).verdict is (Verdict.AGREES if verdict else Verdict.REFUTED)


def test_chains_of_what_jax_takes_are_gradients() -> None:
    sized = by_hand(jnp.abs, lambda x: (jnp.sign(x),))
    for f in (
        lambda x, y: sized(x - y) + jnp.maximum(x, y),
        lambda x, y: sized(sized(x) - sized(y)),
        lambda x, y: jnp.maximum(sized(x), sized(y)) - jnp.minimum(x, y),
        lambda x, y: jnp.clip(x, sized(y) - 1, y + 1),
        lambda x, y: jax.nn.relu(x) - jax.nn.relu(y) + sized(x + y),
        lambda x, y: jnp.sort(jnp.stack([x, y]))[1] + sized(x),
    ):
        for x in (0, 1):
            found = check(f, (np.float32(x), np.float32(x)), special_points=False)
            assert found.verdict.passes, found


def test_of_forward_rules_as_well() -> None:
    for share, verdict in ((0.5, Verdict.AGREES), (1.0, Verdict.REFUTED)):
        f: Any = jax.custom_jvp(jnp.maximum)

        def rule(xs: Any, ts: Any, share: float = share) -> Any:
            x, y = xs
            weights = [jnp.where(x == y, share, 1.0 * larger) for larger in (x > y, y > x)]
            return jnp.maximum(x, y), weights[0] * ts[0] + weights[1] * ts[1]

        f.defjvp(rule)
        args = (np.float32(1), np.float32(1))
        assert check(f, args, special_points=False, budget=0).verdict is verdict


@pytest.mark.parametrize("x", [[2, 1, 0.5, 2, 2], [2, 1, 2, 2, 0.5, 2, 2]])
def test_a_median_of_what_ties(x: list[float]) -> None:
    """Where `clamp` is asked for the index alone."""
    median = lambda x: jnp.median(x)  # noqa: E731
    top = lambda x: 1.0 * (x == median(x))  # noqa: E731
    middle = lambda x: jnp.argsort(x)[x.size // 2]  # noqa: E731
    every = by_hand(median, lambda x: (top(x),))
    mean = by_hand(median, lambda x: (top(x) / jnp.sum(top(x)),))
    one = by_hand(median, lambda x: (1.0 * (jnp.arange(x.size) == middle(x)),))
    for f, passes in ((every, False), (mean, True), (one, True)):
        found = check(f, (np.float32(x),), modes="rev", special_points=False, budget=0)
        assert found.verdict.passes is passes, found
        assert passes or found.verdict is Verdict.REFUTED


def test_ends_that_clip_are_no_gradient_together() -> None:
    """JAX's own derivatives of `clip` at equal ends, all of which are 0."""
    clip = by_hand(jax.lax.clamp, lambda low, x, high: (0.0 * low, 0.0 * x, 0.0 * high))
    assert at(clip, 1, 1, 1).verdict is not Verdict.REFUTED
