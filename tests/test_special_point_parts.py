"""The parts of the search for special points: programs at points, floats, lines, numbers."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rule_examples import EXAMPLES
from special_point_support import DRAWN, DTYPES

from jaxgrad.gradients.special_points.critical_arguments import Critical, critical_arguments
from jaxgrad.gradients.special_points.float_points import float_points
from jaxgrad.gradients.special_points.lines import Space, lines, nearest, neighbour, shortest
from jaxgrad.gradients.special_points.sampled import SampledInterpreter, run_at
from jaxgrad.programs.trace import Leaf, trace

# -- the parts -------------------------------------------------------------------------------------
HELD = ("argmax", "argmin", "top_k", "lu")
# The rule of the one needs an order that is the same at every point, as the rows of a Schur form
# do; the other has no float64 function.
UNKNOWN = ("select_and_scatter", "schur", "igamma_grad_a")
DOMAINS = {"real": (-2.0, 2.0), "positive": (0.25, 3.0), "unit": (-0.9, 0.9), "above_one": (1.1, 4)}


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example.here])
def test_a_program_at_two_points_is_jaxs_own(name: str) -> None:
    example = EXAMPLES[name]
    low, high = DOMAINS[example.domain]
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(low, high, (2, 4)), random.uniform(-2, 2, (2, 4))], 1)
    with jax.enable_x64(True):
        program = trace(example.function, (points[0, :4], points[0, 4:]))
        run = jax.jit(example.function)
        expected = [jax.tree.leaves(run(point[:4], point[4:])) for point in points]
    interpreter = SampledInterpreter()
    outputs = run_at(interpreter, program, program.inputs, points)
    for output, leaf, *value in zip(outputs, program.outputs, *expected, strict=True):
        samples = interpreter.dense(output)
        # Both points, unless places chosen by value are held as they are at the first one.
        for i in range(1 if name in HELD else 2):
            mine = np.broadcast_to(samples, (*leaf.shape, 2))[..., i]
            if leaf.differentiable and not (name in UNKNOWN and np.isnan(mine).any()):
                # Far below any distance between samples, far above float64 rounding.
                np.testing.assert_allclose(mine, value[i], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.itemsize <= 2], ids=str)
@DRAWN
@given(value=st.floats(-400, 400))
def test_the_nearest_float_has_its_neighbours_on_both_sides(dtype: np.dtype, value: float) -> None:
    x = nearest(np.array(value), dtype).item()
    below, above = neighbour(x, dtype, -1), neighbour(x, dtype, 1)
    assert below < x < above
    assert abs(x - value) <= min(abs(below - value), abs(above - value))


@DRAWN
@given(a=st.floats(-1e6, 1e6, allow_subnormal=False),
       b=st.floats(-1e6, 1e6, allow_subnormal=False))  # fmt: skip
def test_the_shortest_number_lies_between_and_has_no_shorter_one(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assume(high - low > 2.0**-40)
    x = shortest(low, high)
    assert low <= x <= high
    numerator, denominator = abs(x).as_integer_ratio()
    step = (numerator & -numerator) / denominator if numerator else 0.0
    if step:  # no multiple of twice its last binary digit lies between
        assert np.ceil(low / (2 * step)) * 2 * step > high


def test_lines_move_what_they_say() -> None:
    leaves = [
        Leaf("x", (2,), np.dtype("float32"), np.array([1.5, 2], np.float32)),
        Leaf("y", (), np.dtype("float32"), np.float32(4)),
    ]
    found_lines = lines(Space(leaves), 10)
    shown = {line.describe(3.0): line.points(np.array([3.0]))[0].tolist() for line in found_lines}
    assert shown == {
        "x[0] = 3.0": [3, 2, 4],
        "x[1] = 3.0": [1.5, 3, 4],
        "y = 3.0": [1.5, 2, 3],
        "every entry of x = 3.0": [3, 3, 4],
        "x is 3.0 times what was given": [4.5, 6, 4],
        "3.0 is added to x": [4.5, 5, 4],
        "every leaf is 3.0 times what was given": [4.5, 6, 12],
    }


@functools.cache
def _criticals() -> list[Critical]:
    program = trace(lambda x, y: jnp.maximum(x, y) / (y - 1), (jnp.ones(2), jnp.float32(2)))
    points = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 3.0], [1.0, 2.0, 1.0]])
    return critical_arguments([program], program.inputs, points)


def test_critical_arguments_have_their_values() -> None:
    ties, divisor = _criticals()
    assert ties.what == "`max` ties"
    assert ties.values.tolist() == [[-2, 0, 0], [-1, -1, 1]]
    assert divisor.values.tolist() == [[2, 2, 0]]


# -- floats ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_float_points_cover_the_range(dtype: np.dtype) -> None:
    leaf = Leaf("x", (), dtype, np.asarray(1.5, dtype))
    points = [p.values[0] for p in float_points([leaf], 100_000)]
    assert all(x.dtype == dtype and np.isfinite(x.astype(float)) for x in points)
    assert len({x.tobytes() for x in points}) == len(points)
    limits = jnp.finfo(dtype)
    found_values = {float(x) for x in points}
    for end in (limits.max, limits.min, limits.smallest_normal, limits.smallest_subnormal):
        assert float(end) in found_values
    one = np.asarray(1, dtype)
    assert float(np.nextafter(one, np.asarray(2, dtype))) in found_values
    assert np.signbit(points[0].astype(float)) and points[0] == 0
    power = float(limits.smallest_subnormal)
    while power <= float(limits.max):
        assert {power, -power} <= found_values
        power *= 2


def test_a_few_float_points_are_spread_and_move_leaves_together_and_alone() -> None:
    leaves = [Leaf(name, (2,), np.dtype("float32"), np.ones(2, np.float32)) for name in "xy"]
    points = float_points(leaves, 210)
    assert [p.why for p in points[7:14]] == [
        "x = 3.4028235e+38, y = 3.4028235e+38",
        "x = 3.4028235e+38", "x[0] = 3.4028235e+38", "x[1] = 3.4028235e+38",
        "y = 3.4028235e+38", "y[0] = 3.4028235e+38", "y[1] = 3.4028235e+38",
    ]  # fmt: skip
    exponents = sorted({float(np.log2(abs(p.values[0][0]))) for p in points[77:]})
    assert exponents[0] < -100 and exponents[-1] > 90
    assert len(points) == 210
    assert float_points([], 10) == []
