"""A difference that rounding hides is followed to where it grows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.special_points.pursuit import MOST_LINES, pursue
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict


def followed(
    start: dict[str, Any], bits: Callable[..., float | None], entries: bool = True
) -> list[SpecialPoint]:
    """The points that are come to; bits is a function of the leaves."""
    leaves = [
        Leaf(name, np.shape(x), np.dtype("float32"), np.asarray(x, np.float32))
        for name, x in start.items()
    ]
    seen: list[SpecialPoint] = []

    def bits_at(point: SpecialPoint) -> float | None:
        seen.append(point)
        return bits(*point.values)

    found = bits(*(leaf.value for leaf in leaves))
    assert found is not None
    pursue(leaves, found, bits_at, entries=entries)
    return seen


def test_it_goes_on_while_fewer_bits_agree() -> None:
    seen = [float(p.values[0]) for p in followed({"x": 1}, lambda x: 20 + math.log2(x))]
    assert seen[:5] == [2.0**-2, 2.0**-5, 2.0**-9, 2.0**-14, 2.0**-20]
    assert 4.0 in seen and 32.0 not in seen  # upwards one step, which is the wrong way
    assert min(seen) == 2.0**-40  # from the worst point once more
    upwards = [float(p.values[0]) for p in followed({"x": 1}, lambda x: 20 - math.log2(x))]
    assert max(upwards) == 2.0**40


def test_it_ends_where_nothing_grows() -> None:
    seen = [float(p.values[0]) for p in followed({"x": 1}, lambda x: 20.0)]
    assert seen == [0.25, 4.0]
    assert followed({"x": 0}, lambda x: 20.0) == []


def test_it_ends_where_it_is_told_to() -> None:
    answers = iter([20.0, 19.0, None])
    assert len(followed({"x": 1, "y": 2}, lambda *_: next(answers))) == 2


def test_each_leaf_and_each_entry_is_scaled_and_all_together() -> None:
    seen = followed({"x": [1.0, 2.0], "y": [3.0, 5.0]}, lambda *_: 20.0)
    points = [[x.tolist() for x in p.values] for p in seen]
    for factor in (0.25, 4.0):
        assert [[factor, 2 * factor], [3 * factor, 5 * factor]] in points
        assert [[factor, 2 * factor], [3, 5]] in points
        assert [[1, 2], [3 * factor, 5 * factor]] in points
        assert [[factor, 2], [3, 5]] in points and [[1, 2], [3, 5 * factor]] in points
    assert len(seen) <= 2 * MOST_LINES
    # All together come first, then entries.
    assert points[0][0] == [0.25, 0.5] and seen[-1].why.startswith("y[1]")


def test_of_jaxs_own_derivatives_only_whole_leaves_are_scaled() -> None:
    seen = followed({"x": [1.0, 2.0], "y": [3.0, 5.0]}, lambda *_: 20.0, entries=False)
    points = [[x.tolist() for x in p.values] for p in seen]
    assert len(points) == 6 and [[0.25, 0.5], [3, 5]] in points
    assert not any("[" in p.why for p in seen)


def test_what_grows_with_one_leaf_alone_is_found() -> None:
    seen = followed({"x": 1.0, "y": 1.0}, lambda x, y: 20 + math.log2(y) - math.log2(x))
    ratios = [float(x / y) for x, y in (p.values for p in seen)]
    assert max(ratios) >= 2.0**38


def test_numbers_beyond_every_float_are_left_out() -> None:
    seen = followed({"x": 1e38}, lambda x: 20 - math.log2(x))
    assert all(np.isfinite(p.values[0]) for p in seen)


# -- what is found so ------------------------------------------------------------------------------
X = np.array([0.3, -0.7, 1.2, 0.4], np.float32)


def root_mean_square_norm(epsilon: float, in_rule: float) -> Any:
    def norm(x: Any) -> Any:
        return x / jnp.sqrt(jnp.mean(x * x) + epsilon)

    def backward(x: Any, u: Any) -> Any:
        r = 1 / jnp.sqrt(jnp.mean(x * x) + in_rule)
        return (u * r - x * jnp.sum(u * x) * r**3 / x.size,)

    function = jax.custom_vjp(norm)
    function.defvjp(lambda x: (norm(x), x), backward)
    return function


@pytest.mark.parametrize(
    ("epsilon", "in_rule"), [(1e-6, 0.0), (1e-9, 1e-12), (1e-6, 1e-8), (1e-8, 1e-6)]
)
def test_an_epsilon_that_is_another_one_is_found(epsilon: float, in_rule: float) -> None:
    """At ordinary inputs it shows in the last digits."""
    wrong = root_mean_square_norm(epsilon, in_rule)
    assert check(wrong, (X,), modes="rev").verdict is Verdict.REFUTED
    right = root_mean_square_norm(epsilon, epsilon)
    assert check(right, (X,), modes="rev").verdict.passes
    # Asked at the given point alone it is what no float tells there.
    told = check(wrong, (X,), modes="rev", special_points=False)
    if max(epsilon, in_rule) < 1e-7:
        assert told.verdict.passes
        assert "exact=True" in str(told)
    exact = check(wrong, (X,), modes="rev", special_points=False, exact=True)
    assert exact.verdict is Verdict.REFUTED


@pytest.mark.parametrize(("more", "verdict"), [(1e-8, Verdict.REFUTED), (0.0, Verdict.AGREES)])
def test_a_small_number_is_found_where_the_derivative_is_small(
    more: float, verdict: Verdict
) -> None:
    """tanh' is 1 − tanh², and far out less than 1e-8."""
    function = jax.custom_vjp(jnp.tanh)
    function.defvjp(
        lambda x: (jnp.tanh(x), x),
        lambda x, g: (g * (1 / jnp.cosh(x) ** 2 + more),),
    )
    found = check(function, (np.float32(0.7),), modes="rev")
    assert found.verdict is verdict or (more == 0.0 and found.verdict.passes)


def test_pursued_points_are_in_the_domain() -> None:
    wrong = root_mean_square_norm(1e-9, 1e-12)
    found = check(wrong, (X,), modes="rev", domain=lambda x: jnp.mean(x * x) > 0.5)
    assert found.verdict.passes and "exact=True" in str(found)
    found = check(wrong, (X,), modes="rev", domain=lambda x: jnp.mean(x * x) > 1e-9)
    assert found.verdict is Verdict.REFUTED


def test_the_words_tell_the_whole_way() -> None:
    """The second round starts from the worst point of the first."""
    seen = followed({"x": [1.0, 2.0]}, lambda x: 20 + math.log2(abs(float(x[1]))))
    furthest = min(seen, key=lambda point: abs(float(point.values[0][1])))
    assert " and then " in furthest.why and "as large" in furthest.why
    assert not any(" and then " in point.why for point in seen if float(point.values[0][1]) >= 2)
