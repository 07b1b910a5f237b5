"""Points between ties and beyond them, where a rule may be wrong that is right at every tie."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.special_points.between import between_zeros
from jaxgrad.gradients.special_points.critical_arguments import Critical
from jaxgrad.gradients.special_points.lines import Line, Space, lines
from jaxgrad.gradients.special_points.zero_search import Zero
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict

CRITICAL = Critical((0,), (0,), (0, 0), "`max` ties", False, np.zeros((1, 1)))


def line_through(given_: float, dtype: Any = np.float32) -> Line:
    return lines(Space([Leaf("x", (), np.dtype(dtype), dtype(given_))]), 1)[0]


def between(line: Line, *ts: float) -> list[tuple[float, str]]:
    zeros = [Zero(CRITICAL, 0, line, t, True) for t in ts]
    return [(float(point[0]), why) for point, why in between_zeros(zeros)]


def test_one_point_between_each_two_ties_and_one_beyond_either_end() -> None:
    found = between(line_through(9.0), 1.0, -1.0, 3.0)
    assert found == [
        (1.75, "x = 1.75, between 1.0 and 3.0, where `max` ties"),
        (-0.25, "x = -0.25, between -1.0 and 1.0, where `max` ties"),
        (-1.375, "x = -1.375, beyond -1.0, where `max` ties"),
    ]
    floor = Critical((1,), (1,), (0, 1), "`floor` is a whole number", False, np.zeros((1, 1)))
    line = line_through(9.0)
    zeros = Zero(CRITICAL, 0, line, 1.0, True), Zero(floor, 0, line, 3.0, False)
    said = "between 1.0, where `max` ties, and 3.0, next to where `floor` is a whole number"
    assert f"x = 1.75, {said}" in [why for _, why in between_zeros(zeros)]
    # From the other side, what is beyond the last is judged, and what holds the given point is not.
    assert [x for x, _ in between(line_through(-9.0), 1.0, -1.0, 3.0)] == [-0.25, 1.75, 4.125]
    assert [x for x, _ in between(line_through(0.0), 1.0, -1.0)] == [-1.375, 1.375]


def test_a_tie_that_is_the_given_point_has_both_its_sides() -> None:
    assert sorted(x for x, _ in between(line_through(1.0), 1.0)) == [0.625, 1.375]


def test_between_neighbouring_floats_there_is_nothing() -> None:
    above = float(np.nextafter(np.float32(1), np.float32(2)))
    assert sorted(x for x, _ in between(line_through(-9.0), 1.0, above)) == [pytest.approx(1.375)]
    assert between(line_through(5.0)) == []


def test_lines_come_in_turn_and_single_entries_first() -> None:
    leaves = [Leaf(name, (), np.dtype("float32"), np.float32(4)) for name in "xy"]
    x, y, both = lines(Space(leaves), 3)
    zeros = [Zero(CRITICAL, 0, line, t, True) for line in (both, x, y) for t in (1.0, 2.0)]
    whys = [why.split(",")[0] for _, why in between_zeros(zeros)]
    assert whys[:4] == ["x = 1.375", "y = 1.375", "every leaf is 0.625 times what was given",
                        "x = 0.625"]  # fmt: skip


@given(
    ts=st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=6, unique=True),
    given_=st.floats(-1e3, 1e3, width=32),
)
def test_every_part_of_a_line_has_one_but_that_of_the_given_point(
    ts: list[float], given_: float
) -> None:
    ts = [t + 0.0 for t in ts]
    found = [x for x, _ in between(line_through(given_), *ts)]
    ends = [-np.inf, *sorted(set(ts)), np.inf]
    for low, high in itertools.pairwise(ends):
        inside = [x for x in found if low < x < high]
        apart = np.nextafter(np.float32(low), np.float32(np.inf)) < high
        assert len(inside) == (apart and not low < given_ < high)
    assert not set(found) & set(ts)


# -- rules that are wrong on a region, asked from elsewhere ----------------------------------------
def ruled(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    found = jax.custom_vjp(function)
    found.defvjp(lambda x: (function(x), x), lambda x, g: (g * slope(x),))
    return found


B = 0.1


def smooth_l1(d: Any) -> Any:
    return jnp.where(jnp.abs(d) < B, 0.5 * d * d / B, jnp.abs(d) - 0.5 * B)


def smoothstep(x: Any) -> Any:
    t = jnp.clip((x - 0.2) / 0.2, 0, 1)
    return t * t * (3 - 2 * t)


def smoothstep_slope(six: float) -> Callable[[Any], Any]:
    def slope(x: Any) -> Any:
        t = (x - 0.2) / 0.2
        return jnp.where((x > 0.2) & (x < 0.4), six * t * (1 - t) / 0.2, 0.0)

    return slope


def within(low: float, high: float) -> Callable[[float], Callable[[Any], Any]]:
    def slope(factor: float) -> Callable[[Any], Any]:
        return lambda x: 2 * x * jnp.where((x > low) & (x < high), factor, 1.0)

    return slope


# name -> (function, slope with a number, the wrong number, the right one)
REGIONS: dict[str, tuple[Any, Callable[[float], Callable[[Any], Any]], float, float]] = {
    "smooth L1": (
        smooth_l1,
        lambda b: lambda d: jnp.where(jnp.abs(d) < B, d / b, jnp.sign(d)), 1.0, B,
    ),
    "on (0.3, 0.4)": (lambda x: x * x, within(0.3, 0.4), 0.9, 1.0),
    "on (0.33, 0.37)": (lambda x: x * x, within(0.33, 0.37), 0.9, 1.0),
    "a floor of the norm": (
        lambda x: jnp.sqrt(x * x),
        lambda low: lambda x: jnp.where(x == 0, 0.0, x / jnp.maximum(jnp.abs(x), low)), 0.1, 0.0,
    ),
    "inside a clip": (
        lambda x: jnp.clip(x, 4.5, 15.5),
        lambda slope: lambda x: jnp.where((x > 4.5) & (x < 15.5), slope, 0.0), 0.9, 1.0,
    ),
    "of large numbers": (
        lambda x: x * x, lambda most: lambda x: 2 * jnp.minimum(x, most), 33000.0, jnp.inf
    ),
    "smoothstep": (smoothstep, smoothstep_slope, 5.9, 6.0),
}  # fmt: skip


@pytest.mark.parametrize("at", [0.7, 2.0])
@pytest.mark.parametrize("name", REGIONS)
def test_a_rule_that_is_wrong_on_a_region_is_found_from_elsewhere(name: str, at: float) -> None:
    function, slope, wrong, right = REGIONS[name]
    x = np.float32(at)
    assert check(ruled(function, slope(wrong)), (x,), modes="rev").verdict is Verdict.REFUTED
    assert check(ruled(function, slope(right)), (x,), modes="rev").verdict.passes


@pytest.mark.parametrize(("least", "verdict"), [(0.1, Verdict.REFUTED), (0.0, Verdict.AGREES)])
def test_a_norm_of_a_vector_with_a_floor(least: float, verdict: Verdict) -> None:
    def norm(x: Any) -> Any:
        return jnp.sqrt(jnp.sum(x * x))

    def slope(x: Any) -> Any:
        return jnp.where(norm(x) == 0, 0.0, x / jnp.maximum(norm(x), least))

    function = jax.custom_vjp(norm)
    function.defvjp(lambda x: (norm(x), x), lambda x, g: (g * slope(x),))
    found = check(function, (np.array([0.7, 0.3, -1], np.float32),), modes="rev")
    assert found.verdict is verdict
