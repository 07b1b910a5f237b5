"""compare at all points of a batch, by compiled intervals and by balls."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import check, compare
from jaxgrad.errors import ArgumentError, EnginesDisagree, NonFiniteInput, ShapeMismatch
from jaxgrad.gradients import batch_lies, batch_settled, enclosure
from jaxgrad.gradients.batch_lies import Lies
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.lying import Lying
from jaxgrad.interpret.sides import make_side
from jaxgrad.numbers.clock import Spent
from jaxgrad.strategies.programs import Program, programs
from jaxgrad.verdict import Verdict

GIVEN = np.array([0.5, -1.0], np.float32)
BEYOND = 7.3


def _slope(x: Any) -> Any:
    """That √x² is |x| neither polynomials nor residues know."""
    return abs(x) / (1 + x * x)


def _by_hand(factor: float) -> Callable[[jax.Array], jax.Array]:
    """The same, but for a factor beyond 7.3."""
    return lambda x: jnp.where(x > BEYOND, factor, 1.0) * jnp.sqrt(x * x) / (1 + x * x)


def _drawn(count: int, largest: float = 10.0) -> tuple[np.ndarray]:
    draw = np.random.default_rng(0)
    return (draw.uniform(-largest, largest, (count, 2)).astype(np.float32),)


def test_a_factor_that_is_wrong_in_a_region_alone_is_found() -> None:
    wrong = _by_hand(1 + 1e-5)
    assert compare(wrong, _slope, GIVEN).verdict is Verdict.AGREES  # at four points
    found = compare(wrong, _slope, GIVEN, batch=_drawn(300))
    assert found.verdict is Verdict.REFUTED
    assert "of the 300 of the batch" in found.evidence.text
    assert found.counterexample is not None
    (index,) = (leaf.index for leaf in found.leaves)
    point = eval(found.counterexample.split("args = ")[1].splitlines()[0], {"np": np})
    assert index is not None and point[0][index] > BEYOND


def test_a_right_side_agrees_at_every_point() -> None:
    found = compare(_by_hand(1.0), _slope, GIVEN, batch=_drawn(300))
    assert found.verdict is Verdict.AGREES
    assert "at the 300 points of the batch to " in found.evidence.text
    assert any("float64 arithmetic" in trust for trust in found.evidence.trusts)


def test_points_are_drawn_where_their_number_is_given() -> None:
    found = compare(_by_hand(1.0), _slope, GIVEN, batch=50)
    assert "at the 50 points drawn for a batch" in found.evidence.text
    far = compare(_by_hand(1.0), _slope, GIVEN, batch=50, domain=lambda x: jnp.all(x > -1.5))
    count = int(far.evidence.text.split("at the ")[-1].split(" points")[0])
    assert 5 < count < 50


def test_a_proof_speaks_of_every_point_and_is_not_asked_for_more() -> None:
    found = compare(jnp.cos, jax.grad(jnp.sin), 0.5, batch=10)
    assert found.verdict is Verdict.PROVED and "batch" not in found.evidence.text


def _series(x: jax.Array) -> jax.Array:
    near = 1 - x**2 / 2 + x**4 / 24
    return jnp.where(abs(x) < 1e-2, near, jnp.cos(x))


def test_what_no_float_tells_agrees_and_differs_as_a_formula() -> None:
    points = _drawn(200, 0.02)
    found = compare(_series, jnp.cos, GIVEN, batch=points)
    assert found.verdict is Verdict.AGREES
    assert compare(_series, jnp.cos, GIVEN, batch=points, exact=True).verdict is Verdict.REFUTED


def test_what_intervals_leave_open_is_left_to_balls() -> None:
    def cancelling(x: jax.Array) -> jax.Array:
        return (1e9 + _by_hand(1.0)(x)) - 1e9

    with jax.enable_x64(True):
        found = compare(cancelling, _slope, GIVEN.astype(float), batch=20)
    assert found.verdict is Verdict.AGREES
    assert "(20 of them by balls)" in found.evidence.text


def test_what_is_long_for_balls_is_left_to_double_double_numbers_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_lies, "_MOST_FOR_BALLS", 100)

    def cancelling(factor: float) -> Callable[[jax.Array], jax.Array]:
        return lambda x: (1e9 + _by_hand(factor)(x)) - 1e9

    with jax.enable_x64(True):
        batch = (_drawn(300)[0].astype(float),)
        found = compare(cancelling(1.0), _slope, GIVEN.astype(float), batch=batch)
        wrong = compare(cancelling(1 + 1e-5), _slope, GIVEN.astype(float), batch=batch)
    assert found.verdict is Verdict.AGREES
    assert "at the 300 points of the batch to 6" in found.evidence.text  # of 53
    assert wrong.verdict is Verdict.REFUTED


def test_numpy_code_is_left_to_balls() -> None:
    def by_hand(x: Any) -> Any:
        return np.sqrt(x * x) / (1 + x * x)

    found = compare(by_hand, _slope, GIVEN, batch=8)
    assert found.verdict is Verdict.AGREES
    assert "at the 8 points drawn for a batch (8 of them by balls)" in found.evidence.text
    assert not any("float64 arithmetic" in trust for trust in found.evidence.trusts)


def test_points_in_doubt_that_there_is_no_time_for_are_left_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Near π a rounded π is forgiven, with few bits; at 1 the factor is not, with ten."""
    near = np.float32(math.pi) + np.linspace(-6e-5, -2e-6, 30, dtype=np.float32)
    batch = (np.append(near, np.float32(1)),)

    def by_hand(x: jax.Array) -> jax.Array:
        return -jnp.sin(x - np.float32(math.pi)) * jnp.where(abs(x - 1) < 1e-3, 1.001, 1.0)

    assert compare(by_hand, jnp.sin, np.float32(0.5), batch=batch).verdict is Verdict.REFUTED
    monkeypatch.setattr(batch_settled, "BUDGET", 0.0)
    found = compare(by_hand, jnp.sin, np.float32(0.5), batch=batch)
    assert found.verdict is Verdict.UNDECIDED
    assert (
        "of the 31 points of the batch (point 0, 1, 2, 3, 4, …, counted from 0); 0 were"
        in found.evidence.text
    )


def test_a_point_without_a_value_is_undecided() -> None:
    points = (np.array([1.0, 0.25, -1.0], np.float32),)
    found = compare(lambda x: jnp.sqrt(x) * jnp.sqrt(x * x), lambda x: jnp.sqrt(x) * abs(x),
                    np.float32(2), batch=points)  # fmt: skip
    assert found.verdict is Verdict.UNDECIDED
    assert "at 1 of the 3 points of the batch" in found.evidence.text
    assert "point 2 of the 3 of the batch" in found.evidence.text


def test_engines_that_disagree_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(lies: Lies, rows: Rows, **asked: Any) -> Lying:
        found = right(lies, rows, **asked)
        return Lying(~found.apart, tuple(0 * bits for bits in found.bits), found.held)

    right = Lies.at
    monkeypatch.setattr(Lies, "at", wrong)
    with pytest.raises(EnginesDisagree, match=r"at point 0 .* compiled intervals .* are disjoint"):
        compare(_by_hand(1.0), _slope, GIVEN, batch=3)


@pytest.mark.parametrize(
    "batch, kind, said",
    [
        (
            0,
            ArgumentError,
            "batch is 0; give a number of points to draw, or a tuple of the one arg",
        ),
        (True, ArgumentError, "batch is True"),
        ((), ArgumentError, "batch is a tuple of 0; give a number"),
        ((None,), ArgumentError, "batch: x is missing; give the tree"),
        ((np.ones((4, 3)),), ShapeMismatch, r"x is of shape \(4, 3\), and \(2,\) at the given"),
        (
            (1.0,),
            ShapeMismatch,
            r"x is of shape \(\), and \(2,\) at the given point; give one point",
        ),
        ((np.array([[1.0, np.nan]]),), NonFiniteInput, r"batch: x\[0, 1\] is nan"),
    ],
)
def test_a_batch_that_is_none_is_said(batch: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        compare(_by_hand(1.0), _slope, GIVEN, batch=batch)
    with pytest.raises(kind, match=said):
        check(lambda x: jnp.sum(jnp.arctan(x)), (GIVEN,), batch=batch)


def test_points_outside_of_the_domain_are_left_out() -> None:
    def hand(x: jax.Array) -> jax.Array:
        return _by_hand(1.0)(x) * jnp.sign(x)

    def auto(x: jax.Array) -> jax.Array:
        return _slope(x)

    points = (np.array([-1.0, 1.0, 2.0], np.float32),)
    given = np.float32(0.5), {"batch": points}
    found = compare(hand, auto, given[0], **given[1], domain=lambda x: x > 0)
    assert found.verdict is Verdict.AGREES and "at the 2 points" in found.evidence.text
    with pytest.raises(ArgumentError, match="none of 1 points is in the domain"):
        compare(hand, auto, given[0], batch=(points[0][:1],), domain=lambda x: x > 0)


def test_points_of_what_is_held_fixed_are_refused() -> None:
    def hand(w: jax.Array, s: jax.Array) -> jax.Array:
        return _by_hand(1.0)(w) * s

    def auto(w: jax.Array, s: jax.Array) -> jax.Array:
        return _slope(w) * s

    args, points = (np.float32(1), np.float32(2)), np.ones(3, np.float32)
    with pytest.raises(ArgumentError, match="batch: s is held fixed, by argnums="):
        compare(hand, auto, *args, argnums=0, batch=(points, 5 + points))
    for same in (None, np.float32(2)):
        assert compare(hand, auto, *args, argnums=0, batch=(points, same)).verdict.passes


@pytest.mark.parametrize("value, said", [
    ([[0.5, 1.0]], r"batch: x is missing; x\[0\]\[0\] is there, of a list or another tree"),
    (np.array([["a", "b"]]), "batch: x is of dtype <U1, and no array of real numbers"),
    (np.ones((2, 2), complex), r"batch: x is missing; x\.real is there"),
    (np.full((1, 2), 1e300), r"batch: x\[0, 0\] is 1e\+300, which float32 has not"),
])  # fmt: skip
def test_what_is_no_array_of_points_is_said(value: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        compare(_by_hand(1.0), _slope, GIVEN, batch=(value,))


def test_arguments_of_a_batch_have_as_many_points() -> None:
    with pytest.raises(ShapeMismatch, match="y has 3 points and x has 4; give every variable"):
        compare(
            lambda x, y: x * _by_hand(1.0)(y),
            lambda x, y: x * _slope(y),
            np.float32(1),
            np.float32(2),
            batch=(np.ones(4), np.ones(3)),
        )


def test_held_arguments_have_no_points() -> None:
    def hand(x: jax.Array, y: jax.Array) -> jax.Array:
        return _by_hand(1.0)(x) * jnp.sum(y)

    def auto(x: jax.Array, y: jax.Array) -> jax.Array:
        return _slope(x) * jnp.sum(y)

    given = GIVEN, np.ones(3, np.float32)
    found = compare(hand, auto, *given, argnums=0, batch=(*_drawn(30), None))
    assert "at the 30 points of the batch" in found.evidence.text


# -- intervals against balls -----------------------------------------------------------------------
@settings(max_examples=6)
@given(programs(), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-9, 1e-3]))
def test_intervals_never_say_more_than_balls(program: Program, seed: int, off: float) -> None:
    """Of a program and its derivative with a planted factor."""
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(6, 3)).astype(np.float32)
    hand = make_side("hand", lambda x: jax.grad(program)(x), (points[0],))
    auto = make_side("auto", lambda x: jax.grad(program)(x) * (1 + jnp.float32(off)), (points[0],))
    found = Lies(hand, auto).at(Rows.of(hand.inputs, [points]))
    count = 0
    for k, point in enumerate(points):
        meeting = enclosure.meet(hand, auto, [point])
        assert not found.apart[k] or meeting.differs
        if math.isfinite(found.least[k]):
            a, b = meeting.hand[0], meeting.auto[0]
            for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True):
                larger = max(abs(x), abs(y), key=lambda each: float(each.mid()))
                close = abs(x - y) <= larger * 2.0 ** -found.least[k] + 2.0**-140
                assert close or (x - y).contains(0), (k, found.least[k])
        count += 1
    assert count == 6


def test_a_factor_is_told_apart_by_intervals() -> None:
    points = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    hand = make_side("hand", jnp.sin, (points[0],))
    auto = make_side("auto", lambda x: jnp.sin(x) * jnp.float32(1.001), (points[0],))
    assert Lies(hand, auto).at(Rows.of(hand.inputs, [points])).apart.all()


def test_what_a_batch_leaves_open_is_said_as_at_the_given_point() -> None:
    """So small a slope is no number in floats, so that nothing can be held against it."""

    def tiny(factor: float, scale: float = 1e-38) -> Callable[[Any], Any]:
        return lambda x: jnp.where(x > 2, factor, 1.0) * jnp.cos(x) * np.float32(scale)

    open_ = "rounding in either compiled side could hide how far apart they are in gradient"
    beyond = np.array([0.5, 2.9], np.float32)
    options: dict[str, Any] = {"batch": (beyond,), "special_points": False}
    alone = compare(tiny(1.1), tiny(1.0), beyond[1], special_points=False)
    assert alone.verdict is Verdict.UNDECIDED and f"{open_}: the enclosures" in str(alone)
    found = compare(tiny(1.1), tiny(1.0), beyond[0], **options)
    assert found.verdict is Verdict.UNDECIDED
    assert f"{open_} at point 1 of the 2 of the batch: the enclosures" in str(found)
    normal = compare(tiny(1.1, 1e-30), tiny(1.0, 1e-30), beyond[0], **options)
    assert normal.verdict is Verdict.REFUTED


def test_memory_that_is_spent_leaves_points_to_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program over intervals is run where there is no room for it, and nothing is raised."""

    def spent(lies: Lies, rows: Rows, closely: bool = False) -> Lying:
        raise Spent("1 GiB of memory")

    monkeypatch.setattr(Lies, "at", spent)
    points = (np.linspace(0.5, 2, 5, dtype=np.float32),)
    found = compare(lambda x: jnp.where(x > 9, 2, 1) * jnp.sin(x), jnp.sin, points[0][0],
                    batch=points, special_points=False)  # fmt: skip
    assert found.verdict is Verdict.AGREES and "(5 of them by balls)" in found.evidence.text
    rule = jax.custom_jvp(jnp.sin)
    rule.defjvp(lambda xs, vs: (rule(*xs), jnp.where(xs[0] > 9, 2, 1) * jnp.cos(xs[0]) * vs[0]))
    found = check(rule, (points[0][0],), batch=points, special_points=False)
    assert found.verdict is Verdict.AGREES and "(5 of them by balls)" in found.evidence.text


def test_a_point_is_named_by_its_place_among_all_that_were_given() -> None:
    points = (np.array([-3, -2, 1, 2, 5.25, 6], np.float32),)
    wrong = lambda x: jnp.where(abs(x - 5.25) < 1e-3, 1.01, 1.0) * jnp.cos(x)  # noqa: E731
    options: dict[str, Any] = {"domain": lambda x: x > 0, "batch": points, "special_points": False}
    found = compare(wrong, jax.grad(jnp.sin), np.float32(1), **options)
    assert "at point 4 of the 6 of the batch" in found.evidence.text
    right = compare(lambda x: jnp.cos(x) * 1.0, jax.grad(jnp.sin), np.float32(1), **options)
    assert right.verdict.passes
    near = compare(lambda x: jnp.cos(x) * np.float32(1 + 2.0**-23), jax.grad(jnp.sin),
                   np.float32(1), **options)  # fmt: skip
    assert "at the 4 points of the batch, 2 more outside of the domain," in near.evidence.text
