"""A rule that is right at numbers of few bits alone is wrong: a point with every bit shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from pasted_code import given_and_true

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.special_points.drawn_points import STEPS, drawn_points
from jaxgrad.numbers.clock import tick
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict

DTYPES = ("float32", "float64", "float16", "bfloat16", "float8_e4m3fn")


def leaf(values: Any, dtype: str) -> Leaf:
    array = np.asarray(values, jnp.dtype(dtype))
    return Leaf("x", array.shape, array.dtype, array)


def with_derivative(slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The square, with this for its derivative."""

    @jax.custom_jvp
    def square(x: Any) -> Any:
        return x * x

    @square.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return square(x), slope(x).astype(x.dtype) * t

    return square


def backward_alone(slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @jax.custom_vjp
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (slope(x).astype(x.dtype) * g,))
    return square


# -- rules -----------------------------------------------------------------------------------------
ON_A_GRID: dict[str, Callable[[Any], Any]] = {
    "floor": lambda x: 2 * jnp.floor(x * 256) / 256,
    "ceil": lambda x: 2 * jnp.ceil(x * 2.0**9) / 2.0**9,
    "round": lambda x: 2 * lax.round(x * 256) / 256,
    "round half even": lambda x: jnp.round(x * 2.0**10) / 2.0**9,
    "remainder": lambda x: 2 * (x - jnp.mod(x, 1 / 128)),
    "truncate": lambda x: 2 * jnp.trunc(x * 512) / 512,
    "as an integer": lambda x: (x * 1024).astype(jnp.int32) / 512,
    "as a small integer": lambda x: (x * 16).astype(jnp.int8) / 8,
    "a fraction beside it": lambda x: 2 * x + (x * 64 - jnp.floor(x * 64)) ** 2,
}
RIGHT: dict[str, Callable[[Any], Any]] = {
    "plain": lambda x: 2 * x,
    "a floor that cancels": lambda x: 2 * (jnp.floor(x * 256) + jnp.mod(x * 256, 1)) / 256,
    # Conversions between floats do not round in a formula: mixed precision is for the floats.
    "through bfloat16": lambda x: 2 * x.astype(jnp.bfloat16),
    "through float16": lambda x: 2 * x.astype(jnp.float16),
    "reduced precision": lambda x: 2 * lax.reduce_precision(x, 8, 7),
}
POINTS = [("float32", 0.5), ("float32", [0.0, 0.0]), ("float64", [[0.5, 2.0], [-3.0, 1.0]])]


@pytest.mark.parametrize(("dtype", "given"), POINTS)
@pytest.mark.parametrize("name", ON_A_GRID)
def test_a_rule_that_is_right_on_a_grid_alone_is_wrong(name: str, dtype: str, given: Any) -> None:
    with jax.enable_x64(dtype == "float64"), pytest.raises(GradientMismatch):
        check_grads(with_derivative(ON_A_GRID[name]), (jnp.asarray(given, dtype),))


@pytest.mark.parametrize(("dtype", "given"), POINTS)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_beside_it_passes(name: str, dtype: str, given: Any) -> None:
    with jax.enable_x64(dtype == "float64"):
        check = check_grads(with_derivative(RIGHT[name]), (jnp.asarray(given, dtype),))
    assert check.verdict.passes
    assert "one drawn near it" in check.evidence.text
    assert "drawn near the given point" in check.special_points[0]


def test_every_mode_and_order_is_asked() -> None:
    with pytest.raises(GradientMismatch, match="drawn near the given point: rev"):
        check_grads(backward_alone(ON_A_GRID["floor"]), (0.5,), modes="rev")
    right = backward_alone(RIGHT["plain"])
    assert check_grads(right, (0.5,), modes="rev").verdict is Verdict.PROVED

    def second(x: Any) -> Any:
        """The derivative of x² is right, and that of the rule for it is 2 on the grid alone."""
        return 2 * x + (x * 256 - jnp.floor(x * 256)) ** 3 * (x - lax.stop_gradient(x))

    with pytest.raises(GradientMismatch, match="drawn near the given point"):
        check_grads(with_derivative(second), (0.5,), order=2)
    assert check_grads(with_derivative(second), (0.5,)).verdict.passes


def test_what_is_said_names_the_point_and_can_be_run() -> None:
    f = with_derivative(ON_A_GRID["floor"])
    with pytest.raises(GradientMismatch) as raised:
        check_grads(f, (np.float32(0.5),))
    first, second = str(raised.value).splitlines()[:2]
    point = "x = 0.5396809, drawn near the given point"
    own = "(domain=, argnums= or special_points=False keep to yours)"
    assert first == f"REFUTED: the derivative rules are wrong at {point} {own}"
    assert second.startswith(
        f"  x: at {point}: fwd: the derivative of f with respect to x is 1.07812500000 by"
    )
    given, true = given_and_true(raised.value, f=f)
    assert (given, true) == ("1.078125", "1.07936179638")


def test_without_other_points_it_is_not_asked() -> None:
    check = check_grads(with_derivative(ON_A_GRID["floor"]), (0.5,), special_points=False)
    assert check.verdict is Verdict.AGREES
    assert "drawn" not in check.evidence.text


def test_compiled_derivatives_are_judged_there_too() -> None:
    """Where nothing is lost at the given point, a power of two, and near no other float drawn."""

    def lossy(x: Any) -> Any:
        large = 2.0**14 * jnp.exp(-((1e5 * (x - 0.54 + 0.00032)) ** 2))
        return (x + large) - large + x

    f = with_derivative(lossy)
    with pytest.raises(GradientMismatch, match=r"UNSTABLE fwd float32: ∂f/∂x at x = 0\.5396"):
        check_grads(f, (np.float32(0.5),), dtypes=["float32"])
    right = with_derivative(RIGHT["reduced precision"])
    assert check_grads(right, (np.float32(0.5),), dtypes=["float32"]).verdict.passes
    assert check_grads(with_derivative(RIGHT["plain"]), (np.float32(0.5),), dtypes=["float32"])


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (jnp.sqrt, 0.0),
        (lambda x: jnp.sqrt(-x), 0.0),
        (jnp.arccos, 1.0),
        (jnp.arcsin, -1.0),
        (jnp.log, 1e-30),
        (lambda x: jnp.sqrt(x - 0.5), 0.5),
        (lambda x: jnp.sqrt((x - 0.5) * (0.501 - x)), 0.5),
        (lambda x: jnp.sum(jnp.sqrt(x)), [0.0] * 6),
        (lambda x: jnp.sum(jnp.arccos(x)), [1.0] * 6),
        (lambda x: jnp.floor(x) * x, 2.0),
        (lambda x: 1 / x, 2.0**-120),
        (lambda x: x * x, 2.0**60),
        (jnp.exp, 88.0),
        (jax.scipy.special.gammaln, 3.0),
        (lambda x: jnp.sqrt(-x * x), 0.0),
    ],
)
def test_at_the_ends_of_a_domain_nothing_right_is_refuted(f: Any, x: Any) -> None:
    """The rules are JAX's own; at the end itself they may be NaN, or not decided."""
    try:
        check = check_grads(f, (jnp.asarray(x, "float32"),))
    except AssertionError as error:
        assert "drawn" not in str(error)
    else:
        assert check.verdict.passes


# -- points ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_number_has_its_last_bit_and_is_near(dtype: str) -> None:
    given = leaf([0.5, 1.0, -3.0, 0.0, 16.0], dtype)
    found = list(drawn_points([given]))
    assert found
    eps = float(jnp.finfo(dtype).eps)
    for point in found:
        values = np.asarray(point.values[0]).astype(np.float64)
        assert point.values[0].dtype == given.dtype
        bits = np.asarray(point.values[0]).view(f"u{given.dtype.itemsize}")
        assert (bits & 1).all()
        given_values = np.asarray(given.value).astype(np.float64)
        size = np.where(given_values == 0, 16.0, abs(given_values))
        assert (abs(values - given_values) <= (STEPS[0] + 2 * eps) * size).all()


def test_they_are_the_same_again_and_on_every_side() -> None:
    given = leaf([0.5, -1.0], "float32")
    first, again = (list(drawn_points([given])) for _ in range(2))
    assert [x.why for x in first] == [x.why for x in again]
    moved = [np.sign(abs(x.values[0]) - abs(given.value)).tolist() for x in first]
    assert [-1.0, -1.0] in moved
    assert [1.0, 1.0] in moved


def test_largest_and_least_numbers_stay_finite() -> None:
    for dtype in DTYPES:
        limits = jnp.finfo(dtype)
        ends = leaf([limits.max, limits.min, limits.tiny, limits.smallest_subnormal, 0.0], dtype)
        for point in drawn_points([ends]):
            assert np.isfinite(np.asarray(point.values[0]).astype(np.float64)).all()


def test_of_no_numbers_there_is_none() -> None:
    assert list(drawn_points([leaf(np.zeros((0, 3)), "float32")])) == []


def _large(factor: int) -> Any:
    square = jax.custom_vjp(lambda x: x * x)
    square.defvjp(lambda x: (x * x, x), lambda x, g: (factor * g * x,))
    return square


def test_a_point_is_drawn_near_the_given_one_of_a_large_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At 0, where many start, a wrong factor does not show."""
    monkeypatch.setattr("jaxgrad.gradients.rules.other_points.SPECIAL_BUDGET", 0)
    zeros = jnp.zeros(20)
    found = check(_large(2), (zeros,), modes="rev")
    assert found.verdict.passes
    assert "at this point and one drawn near it" in found.evidence.text
    assert "no special points looked at, as the program is large" in found.evidence.text
    wrong = check(_large(3), (zeros,), modes="rev")
    assert wrong.verdict is Verdict.REFUTED
    assert "they give 3/2 of the derivative" in wrong.evidence.text
    alone = check(_large(3), (zeros,), modes="rev", special_points=False)
    assert alone.verdict is Verdict.AGREES and "no special points" not in alone.evidence.text


@pytest.mark.parametrize("factor", [2, 3])
def test_what_was_seen_to_be_wrong_there_is_not_passed_for_want_of_time(
    factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = AtPoint._values

    def endless(at: AtPoint) -> Any:
        while not at.iterations.asked_for:
            tick()
        return values(at)

    monkeypatch.setattr(AtPoint, "_values", endless)
    found = check(_large(factor), (0.0,), modes="rev", budget=0.5)
    if factor == 3:
        assert found.verdict is Verdict.REFUTED
        assert "drawn near the given point" in found.evidence.text
    else:
        assert found.verdict.passes and "not reached in" in found.evidence.text


@pytest.mark.parametrize("factors", [(2, 3), (3, 2), (2, 2)])
def test_what_was_seen_to_be_wrong_at_the_given_point_is_not_open_for_want_of_time(
    factors: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    values, looked_at = AtPoint._values, []

    def endless(at: AtPoint) -> Any:
        looked_at.append(at)
        while looked_at[0] is at:
            tick()
        return values(at)

    def back(saved: Any, g: Any) -> Any:
        return tuple(k * x * g for k, x in zip(factors, saved, strict=True))

    f = jax.custom_vjp(lambda x, y: x * x + y * y)
    f.defvjp(lambda x, y: (x * x + y * y, (x, y)), back)
    monkeypatch.setattr(AtPoint, "_values", endless)
    monkeypatch.setattr("jaxgrad.gradients.rules.stages.GIVEN", 1.0)
    found = check(f, (0.5, 0.75), modes="rev", budget=0.5)
    wrong = [k for k, factor in enumerate(factors) if factor != 2]
    assert found.verdict is (Verdict.REFUTED if wrong else Verdict.UNDECIDED)
    for k, leaf in enumerate(found.leaves):
        assert leaf.verdict is (Verdict.REFUTED if k in wrong else Verdict.UNDECIDED)
    if wrong:
        assert "they give 3/2 of the derivative" in found.evidence.text
