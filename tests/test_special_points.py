"""The special points of a program: each is found, is what it is said to be, and is a float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from special_point_support import DRAWN, DTYPES, LIMIT, found, values

import jaxgrad.gradients.special_points.lines
import jaxgrad.gradients.special_points.search
import jaxgrad.gradients.special_points.zero_search
from jaxgrad.gradients.special_points.lines import nearest
from jaxgrad.gradients.special_points.search import SpecialPoint, special_points
from jaxgrad.gradients.special_points.unforeseen import UNFORESEEN
from jaxgrad.programs.trace import Leaf, trace


def float32(value: float) -> float:
    return float(np.float32(value))


# -- zeros of critical arguments -------------------------------------------------------------------
@jax.custom_jvp
def wrong_at_one_point(x: Any) -> Any:
    return jnp.sin(x)


@wrong_at_one_point.defjvp
def _wrong_at_one_point_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (v,) = primals, tangents
    return jnp.sin(x), jnp.where(x == 3.7, 0.0, jnp.cos(x)) * v


@jax.custom_vjp
def wrong_backwards(x: Any) -> Any:
    return x * 2.0


wrong_backwards.defvjp(
    lambda x: (x * 2.0, x), lambda x, u: (jnp.where(x * 3.0 - 1.875 == 0, 0.0, 2.0) * u,)
)


def in_a_loop(x: Any) -> Any:
    return jax.lax.fori_loop(0, 3, lambda i, y: jnp.maximum(y, i + 0.5) * 2.0, x)


def in_a_branch(x: Any) -> Any:
    return jax.lax.cond(x > 2.5, lambda y: y, lambda y: jnp.abs(y + 7.25), x)


def until_large(x: Any) -> Any:
    return jax.lax.while_loop(lambda y: y < 40.0, lambda y: y * 2.0 + 1.0, x)


def huber(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.125, 0.5 * x * x, 1.125 * (jnp.abs(x) - 0.5625))


ONE = {
    "relu6": (jax.nn.relu6, 1.3, [0.0, 6.0]),
    "where": (lambda x: jnp.where(x == 3.75, x, 2 * x), 1.3, [3.75]),
    "not a short number": (lambda x: jnp.where(x == 0.1, x, 2 * x), 1.3, [float32(0.1)]),
    "far away": (lambda x: jnp.where(x > 12345.0, x, 2 * x), 1.3, [12345.0]),
    "very far away": (lambda x: jnp.where(x > -1e12, x, 2 * x), 1.3, [-1e12]),
    "very near": (lambda x: jnp.where(x > 1e-12, x, 2 * x), 1.3, [1e-12]),
    "quadratic": (lambda x: jnp.abs(x * x - 2.25), 0.3, [1.5, -1.5]),
    "cubic": (lambda x: jnp.abs(x**3 - 5.359375), 0.3, [1.75]),
    "touching": (lambda x: jnp.sqrt((x - 2.625) ** 2), 0.3, [2.625]),
    "exponential": (lambda x: jnp.abs(jnp.exp(x - 1.5) - 1.0), 0.3, [1.5]),
    "steep": (lambda x: jnp.abs(jnp.exp(50 * (x - 1.5)) - 1), 0.3, [1.5]),
    "clip": (lambda x: jnp.clip(x, -1.5, 2.5), 1.3, [-1.5, 2.5]),
    "clamp": (lambda x: jax.lax.clamp(-1.5, x, 2.5), 1.3, [-1.5, 2.5]),
    "huber": (huber, 0.3, [1.125, -1.125]),
    "softplus": (jax.nn.softplus, 1.3, [0.0]),
    "celu": (jax.nn.celu, 1.3, [0.0]),
    "sinc": (jnp.sinc, 1.3, [0.0]),
    "square root": (lambda x: jnp.sqrt(x - 0.625), 1.3, [0.625]),
    "logarithm": (lambda x: jnp.log(1 + x), 1.3, [-1.0]),
    "log1p": (jnp.log1p, 1.3, [-1.0]),
    "arcsine": (lambda x: jnp.arcsin(x / 4), 1.3, [4.0, -4.0]),
    "arcosh": (jnp.arccosh, 1.3, [1.0]),
    "divisor": (lambda x: 1 / (x - 2.75), 1.3, [2.75]),
    "negative power": (lambda x: (x - 2.75) ** -2, 1.3, [2.75]),
    "floor": (lambda x: x * jnp.floor(x / 3), 4.3, [3.0, 6.0, 0.0]),
    "round": (lambda x: x * jnp.round(x), 4.3, [4.5, 3.5]),
    "truncation": (lambda x: x * x.astype(int), 4.3, [4.0, 5.0]),
    "sign": (lambda x: x * jnp.sign(x + 3.25), 4.3, [-3.25]),
    "jvp rule": (wrong_at_one_point, 1.3, [float32(3.7)]),
    "vjp rule": (lambda x: wrong_backwards(x) * x, 1.3, [0.625]),
    "loop": (in_a_loop, 1.3, [0.5, 0.75]),
    "branch": (in_a_branch, 1.3, [2.5, -7.25]),
    "while": (until_large, 1.3, [40.0, 19.5, 9.25]),
    "jit": (jax.jit(lambda x: jnp.abs(x - 3.125)), 1.3, [3.125]),
    "remat": (jax.checkpoint(lambda x: jnp.abs(x - 3.125)), 1.3, [3.125]),
}


def without_derivatives(f: Callable[..., Any], x: float) -> list[SpecialPoint]:
    program = trace(f, (jnp.float32(x),))
    return special_points([program], program.inputs, LIMIT)


@pytest.mark.parametrize("name", ONE)
def test_a_function_of_one_number(name: str) -> None:
    f, given_point, expected = ONE[name]
    if name == "while":  # JAX has no reverse mode of it
        points = without_derivatives(f, given_point)
    else:
        points = found(f, jnp.float32(given_point))
    first = [x for (x,) in values(points)][: max(8, len(expected))]
    for x in expected:
        assert float32(x) in first


def test_a_point_says_what_it_is() -> None:
    points = found(jax.nn.relu6, jnp.float32(1.3))
    assert [p.why for p in points[:4]] == [
        "x = 0.0, where `max` ties",
        "x = -0.375, beyond 0.0, where `max` ties",
        "x = 6.0, where `min` ties",
        "x = 8.25, beyond 6.0, where `min` ties",
    ]
    (first, *_) = found(lambda x: 1 / (x[1] - 0.3), jnp.ones(3))
    assert first.why == "x[1] = 0.3, where the divisor of `div` vanishes"


def test_a_zero_between_two_floats_is_found_as_both() -> None:
    points = found(lambda x: jnp.abs(x * x - 2), jnp.float32(1.3))
    root = np.float32(np.sqrt(2))
    beside = [
        p.values[0]
        for p in points
        if ", next to" in p.why and "beyond" not in p.why and p.values[0] > 0
    ]
    assert sorted(map(float, beside))[0] < np.sqrt(2) < sorted(map(float, beside))[-1]
    assert all(abs(x - root) <= np.spacing(root) for x in beside)
    assert not any("next to" in p.why and "beyond" not in p.why for p in points[:8])


def test_the_exponent_vanishes_while_the_base_stays() -> None:
    points = values(found(lambda x, y: x**y, jnp.float32(2), jnp.float32(3)))
    assert [2.0, 0.0] in points[:4]
    assert [0.0, 3.0] in points[:4]
    assert [0.0, 0.0] in points


def test_both_arguments_of_atan2_vanish_alone_and_together() -> None:
    points = values(found(jnp.arctan2, jnp.float32(1.25), jnp.float32(0.75)))
    assert [0.0, 0.75] in points[:6]
    assert [1.25, 0.0] in points[:6]
    assert [0.0, 0.0] in points[:6]


def test_the_divisor_and_the_dividend() -> None:
    points = values(found(lambda x, y: (x - 1) / (y - 2.5), jnp.float32(3), jnp.float32(4)))
    assert points[0] == [3.0, 2.5]
    assert [1.0, 4.0] in points


def test_several_vanish_together() -> None:
    center = jnp.array([1.25, 2.5])
    points = found(lambda x: jnp.linalg.norm(x - center), jnp.array([3.0, 3.5]))
    assert values(points)[0] == [[1.25, 2.5]]
    assert points[0].why.startswith("x[0] = 1.25, x[1] = 2.5, where")


def test_two_leaves_tie_where_either_moves() -> None:
    x, y = jnp.array([1.0, 2.25]), jnp.array([0.375, 4.0])
    points = values(found(jnp.maximum, x, y))
    assert [[0.375, 2.25], [0.375, 4.0]] in points[:5]
    assert [[1.0, 2.25], [1.0, 4.0]] in points[:5]
    assert [[1.0, 2.25], [1.0, 2.25]] in points


@pytest.mark.parametrize(
    "f", [jax.nn.logsumexp, jnp.max, lambda x: jnp.max(jax.lax.cummax(x)), jnp.sort, jnp.argmax]
)
def test_the_largest_entries_tie(f: Callable[..., Any]) -> None:
    program = trace(f, (jnp.array([1.0, 2.5, 0.375]),))
    points = special_points([program], program.inputs, LIMIT)
    assert "ties" in points[0].why
    assert len(set(points[0].values[0].tolist())) == 2
    largest = [sorted(x)[-2:] for (x,) in values(points)]
    assert any(first == second for first, second in largest)


def test_matrices_are_singular() -> None:
    for size in (2, 3, 4):
        a = jnp.asarray(np.random.default_rng(0).standard_normal((size, size)), jnp.float32)
        matrices = [np.array(m) for (m,) in values(found(jnp.linalg.det, a))]
        assert any((m == 0).all() for m in matrices)
        assert any((m == m[0]).all() and len(set(m[0])) == size for m in matrices)
        if size > 2:  # two rows only
            assert any((m[0] == m[1]).all() and not (m[0] == m[2]).all() for m in matrices)


PLACES = {
    "gather": lambda x: x[jnp.array([2, 0, 0])] * x[0],
    "segment_max": lambda x: jax.ops.segment_max(x, jnp.array([0, 0, 1]), num_segments=2),
    "segment_prod": lambda x: jax.ops.segment_prod(x, jnp.array([0, 0, 1]), num_segments=2),
    "chosen by value": lambda x: x[jnp.argmax(x)] * x[0],
    "linear": lambda x: jnp.fft.fft(x).real,
    "bits": lambda x: jax.lax.bitcast_convert_type(x, jnp.int32).astype(float) * jnp.abs(x),
    "random": lambda x: x * jax.random.normal(jax.random.key(0), (3,)),
    "callback": lambda x: jax.pure_callback(np.sin, x, x),
}


@pytest.mark.parametrize("name", PLACES)
def test_programs_that_move_their_entries(name: str) -> None:
    program = trace(PLACES[name], (jnp.array([3.0, 4.5, 5.0]),))
    points = special_points([program], program.inputs, 200)
    assert len(points) > 20
    special = any(", where" in p.why for p in points)
    assert special == (name not in ("gather", "random", "callback", "linear"))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(dtype: np.dtype) -> None:
    with jax.enable_x64(True):
        leaf = Leaf("x", (), dtype, np.asarray(1.25, dtype))
        program = trace(lambda x: jnp.where(x == jnp.asarray(3.7, dtype), 0, x), (leaf.value,))
        points = special_points([program], [leaf], 100)
    assert points[0].values[0] == np.asarray(3.7, dtype)
    assert points[0].why.startswith(f"x = {np.asarray(3.7, dtype)[()]!s}, where")
    for point in points:
        (x,) = point.values
        assert x.dtype == dtype
        assert x.shape == ()
        assert np.isfinite(x.astype(float))


def test_a_text_is_true_in_a_small_dtype() -> None:
    """128 is the largest power of two of this dtype that is tried; 1024 would become 448."""
    leaf = Leaf("x", (), np.dtype(jnp.float8_e4m3fn), np.asarray(1.25, jnp.float8_e4m3fn))
    whys = [p.why for p in special_points([], [leaf], 100)]
    assert "x = 128" in whys
    assert "x = 1024" not in whys


@DRAWN
@given(
    constant=st.floats(-500, 500, width=32),
    scale=st.sampled_from([1.0, -0.5, 3.0, 0.1, 7.7]),
    start=st.floats(-4, 4, width=32),
)
def test_an_affine_argument_has_the_float_at_which_it_vanishes(
    constant: float, scale: float, start: float
) -> None:
    """scale·(x − constant) vanishes at a float, wherever that is."""
    assume(abs(constant) >= 2.0**-126 and start != constant)
    found_points = without_derivatives(lambda x: jnp.abs((x - constant) * scale), start)
    assert constant in [x for (x,) in values(found_points[:1])]


# -- every part is needed --------------------------------------------------------------------------
def test_without_rounding_to_the_dtype_nothing_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any) -> Any:
        return jnp.where(x == 0.1, 0.0, x)

    assert float32(0.1) in [x for (x,) in values(without_derivatives(f, 1.3))]
    monkeypatch.setattr(
        jaxgrad.gradients.special_points.zero_search,
        "nearest",
        lambda x, dtype: nearest(x, np.float16),
    )
    assert float32(0.1) not in [x for (x,) in values(without_derivatives(f, 1.3)[:1])]


def test_without_the_neighbours_of_an_estimate_roots_are_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The affine estimate of a float64 root is rounded, so the root may be beside it."""
    constants = np.random.default_rng(1).uniform(1, 9, 20)

    def found_in_one_pass() -> int:
        exact = 0
        for constant in constants:
            with jax.enable_x64(True):
                program = trace(lambda x, c=constant: jnp.abs(x * 3 - 3 * c), (np.float64(0.3),))
                (first, *_) = special_points([program], program.inputs, 4)
            exact += bool(3 * first.values[0] == 3 * constant)
        return exact

    monkeypatch.setattr(jaxgrad.gradients.special_points.search, "PASSES", 1)
    assert found_in_one_pass() == len(constants)
    monkeypatch.setattr(jaxgrad.gradients.special_points.zero_search, "AROUND", 0)
    assert found_in_one_pass() < len(constants)


def test_without_the_derivative_programs_a_rules_own_comparison_is_missed() -> None:
    """The primal is a sine: only the rule compares."""
    assert float32(3.7) not in [x for (x,) in values(without_derivatives(wrong_at_one_point, 1.3))]


def test_a_search_that_breaks_off_still_gives_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("no meaning here")

    for name in ("sin", "abs"):
        monkeypatch.setitem(jaxgrad.gradients.special_points.sampled._OWN, name, fails)
    points = without_derivatives(lambda x: jnp.abs(x - 2.125) + jnp.abs(jnp.sin(x) - 1), 1.3)
    assert [2.125] in values(points[:1])
    counted = [what for what in UNFORESEEN if what.endswith("RuntimeError: no meaning here")]
    assert len(counted) == 2
    UNFORESEEN.clear()


@pytest.mark.parametrize("size", [4, 40])
@pytest.mark.parametrize("steps", [8, 64])
def test_many_ties_of_one_kind_leave_room_beyond_a_rare_one(size: int, steps: int) -> None:
    x = 0.2 * np.random.default_rng(0).normal(size=size).astype(np.float32)

    def both(x: Any) -> Any:
        return jnp.where(x > 3.3, 2 * x - 3.3, x) + jnp.floor(steps * x)

    program = trace(both, (x,))
    points = special_points([program], program.inputs, 40)
    assert any(point.why.split(", where")[-1] == " the operands of `gt` meet"
               and max(point.values[0]) > 3.3 for point in points)  # fmt: skip


@pytest.mark.parametrize("end", [1e4, 1e20, -1e30, 1e38, float(np.finfo(np.float32).min)])
def test_the_numbers_that_stand_for_none_are_found(end: float) -> None:
    points = found(lambda x: jnp.where(x > end, x, 0.0), np.float32(1))
    assert any(point.values[0] == np.float32(end) for point in points)


@pytest.mark.parametrize(
    ("function", "end"),
    [
        (lambda x: jnp.exp(-x * x) < 1e-10, 4.8),
        (lambda x: jnp.exp(-x) < 1e-20, 46.1),
        (lambda x: x**8 < 1e-20, -0.00316),
    ],
    ids=["bell", "exponential", "power"],
)
def test_beyond_a_threshold_of_a_steep_function_a_point_is_looked_at(
    function: Any, end: float
) -> None:
    points = found(lambda x: jnp.where(function(x), 0.0, x), np.float32(0.5))
    beyond = [t for [t] in values(points) if (t > end if end > 1 else end < t < -end)]
    assert any(t not in (0.0, 100.0, 1000.0) for t in beyond), beyond


@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize("center", [12, 30, 100])
def test_within_what_is_near_a_number_a_point_is_looked_at(center: int, size: int) -> None:
    """A square that comes down to 0 and goes up again does so twice."""
    points = found(lambda x: jnp.where((x[0] - center) ** 2 < 4, 0, x), np.full(size, 0.5, "f"))
    assert any(center - 2 < point.values[0][0] < center + 2 for point in points)


def test_the_largest_floats_of_64_bits() -> None:
    with jax.enable_x64(True):
        for end in (1e299, float(np.finfo(np.float64).min), 1.0):
            points = found(lambda x, end=end: jnp.where(x > end, x, 0.0), np.float64(1))
            assert len(points) > 3
