"""Windows, general reductions, orders and effects: their rules agree with JAX, or refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax import lax
from jax.experimental import io_callback
from numbers_support import Checked, vector
from rule_examples import EFFECTS, ORDER, WINDOWS
from rule_support import rule_tests

from benchmarks.cases import with_rule
from jaxgrad import check_grads, compare, run_over
from jaxgrad.errors import GradientMismatch, UnsupportedPrimitive
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.elements import Elements
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

(
    test_the_value_is_jaxs_own,
    test_every_entry_is_compared_where_nothing_ties,
    test_the_gradient_is_jaxs_own,
) = rule_tests(WINDOWS | ORDER | EFFECTS)


@st.composite
def _geometries(draw: Any) -> dict[str, Any]:
    """What windows look like on a 3 by 4 array, negative padding and dilations included."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    steps = st.tuples(st.integers(1, 2), st.integers(1, 2))
    edge = st.tuples(st.integers(-1, 2), st.integers(-1, 2))
    return {
        "window_dimensions": draw(pairs),
        "window_strides": draw(steps),
        "padding": draw(st.tuples(edge, edge)),
        "base_dilation": draw(steps),
        "window_dilation": draw(steps),
    }


@settings(max_examples=25, deadline=None)
@given(_geometries(), vector(size=12))
def test_windows_of_every_geometry(geometry: dict[str, Any], x: np.ndarray) -> None:
    """Sums and maxima where JAX has windows; a maximum over padding alone is -infinity."""

    def reductions(x: Any) -> Any:
        array = x.reshape(3, 4)
        largest = lax.reduce_window(array, -np.inf, lax.max, **geometry)
        return (
            lax.reduce_window(array, 0.0, lax.add, **geometry),
            jnp.where(largest == -np.inf, -100.0, largest),
            lax.reduce_window(array, 1.0, lax.mul, **geometry),
        )

    try:
        checked = Checked(reductions, x)
    except (TypeError, ValueError):
        assume(False)  # JAX refuses the geometry
        raise
    checked.check_exact(x)


def test_a_tie_in_a_window_goes_to_the_first() -> None:
    def largest(x: Any) -> Any:
        return lax.reduce_window(x, -np.inf, lax.max, (2,), (2,), "VALID")

    gradient = Checked(lambda x: jax.vjp(largest, x)[1](jnp.ones(2))[0], np.ones(4))
    (balls,) = gradient.balls(np.ones(4))
    assert [float(x.mid()) for x in balls] == [1, 0, 1, 0]
    gradient.check_exact(np.ones(4))


def test_maximum_pooling_is_a_polynomial_of_indicators() -> None:
    """An open comparison chooses both ways, so the gradient is proved for every input."""

    def pooled(x: Any) -> Any:
        return jnp.sum(lax.reduce_window(x, -np.inf, lax.max, (2,), (2,), "VALID") ** 2)

    def by_hand(x: Any) -> Any:
        a, b = x[0::2], x[1::2]
        first = a >= b
        return jnp.stack([jnp.where(first, 2 * a, 0), jnp.where(first, 0, 2 * b)], 1).reshape(-1)

    x = np.array([0.5, 1.0, 2.0, -1.0])
    assert str(compare(by_hand, jax.grad(pooled), x).verdict) == "PROVED"
    wrong = compare(lambda x: by_hand(x)[::-1], jax.grad(pooled), x)
    assert str(wrong.verdict) == "REFUTED"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.reduce(x, 0.5, lambda a, b: a + b * 1, (0,)),
        lambda x: lax.reduce_window(x, 0.5, lambda a, b: a + b * 1, (2,), (1,), "SAME"),
    ],
)
def test_a_start_that_is_not_neutral_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(UnsupportedPrimitive, match="not neutral"):
        Checked(function, np.ones(4)).balls(np.ones(4))


def test_a_start_that_may_be_repeated_is_not() -> None:
    bounded = Checked(lambda x: lax.reduce_window(x, 0.5, lax.max, (2,), (1,), "SAME"), np.ones(4))
    bounded.check_exact(np.array([0.25, 0.0, 2.0, -1.0]))


def test_several_reductions_with_an_integer_among_them() -> None:
    """As an argmax is written: the places stay integers, and index."""

    def best(x: Any, y: Any) -> Any:
        def combine(a: Any, b: Any) -> Any:
            keeps = a[0] >= b[0]
            return jnp.where(keeps, a[0], b[0]), jnp.where(keeps, a[1], b[1])

        start = (np.float64(-np.inf), np.int64(0))
        value, place = lax.reduce((x, jnp.arange(4)), start, combine, (0,))
        return value, y[place]

    Checked(best, np.ones(4), np.ones(4)).check_exact(
        np.array([0.5, 2.0, -1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])
    )


def test_the_order_of_polynomials_is_open() -> None:
    for function in (lambda x: lax.top_k(x, 2)[0], lambda x: x[jnp.argmax(x)]):
        checked = Checked(function, np.ones(4))
        assert checked.polynomials is None


@pytest.mark.parametrize("callback", [jax.pure_callback, io_callback])
def test_a_callback_is_refused_by_its_name(callback: Callable[..., Any]) -> None:
    checked = Checked(lambda x: callback(np.sin, jax.ShapeDtypeStruct((4,), x.dtype), x),
                      np.ones(4))  # fmt: skip
    with pytest.raises(UnsupportedPrimitive, match=f"`{callback.__name__}` runs Python code"):
        checked.balls(np.ones(4))


def test_a_scatter_by_a_program_is_not_a_plain_one() -> None:
    applied = Checked(lambda x: x.at[np.array([0, 2])].apply(jnp.square), np.ones(4))
    applied.check_exact(np.array([3.0, 2.0, -0.5, 1.0]))


@pytest.mark.parametrize(("name", "start", "pair"), [
    ("segment_max", -np.inf, jnp.maximum), ("segment_min", np.inf, jnp.minimum),
])  # fmt: skip
def test_segments_begin_with_an_infinity(name: str, start: float, pair: Callable[..., Any]) -> None:
    places, x = jnp.array([0, 1, 0]), jnp.array([1.0, 2.0, -0.5])

    def segments(x: Any) -> Any:
        found = getattr(jax.ops, name)(x, places, num_segments=3)
        return jnp.where(found == start, 7.0, found)

    def by_hand(x: Any) -> Any:
        return jnp.stack([pair(x[0], x[2]), x[1], 7.0])

    result = compare(segments, by_hand, x)
    assert result.verdict is Verdict.PROVED and len(result.leaves) == 1
    assert compare(segments, lambda x: by_hand(x[::-1])[::-1], x).verdict is Verdict.REFUTED


def test_a_wrong_choice_in_a_window_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Elements.compare

    def compare(system: Elements, relation: str, *arrays: Any, ordered: bool = False) -> Any:
        return right(system, "gt" if ordered else relation, *arrays, ordered=ordered)

    monkeypatch.setattr(Elements, "compare", compare)
    with pytest.raises(AssertionError):
        test_a_tie_in_a_window_goes_to_the_first()


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.int32])
def test_places_have_the_dtype_that_is_asked_for(dtype: Any) -> None:
    numbers = Ball().constants(np.array([1.0, 3.0, 2.0]))
    program = trace(lambda x: lax.argmax(x, 0, dtype), (np.array([1.0, 3.0, 2.0]),)).jaxpr
    (place,) = Interpreter(Ball()).run(program.jaxpr, program.consts, [numbers])
    assert place.dtype == dtype and place == 1


@pytest.mark.parametrize("modes", ["fwd", "rev"])
def test_which_of_two_that_tie_in_a_window_moves_is_open(modes: str) -> None:
    """XLA may go through a window of the tangents column by column."""

    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 2), ((0, 1), (1, 0)))

    x = np.array([[1.25, 0, 2.5, 0], [0, 2.5, 0, 5]], np.float32)
    assert check_grads(pooled, (x,), modes=modes).verdict.passes
    tangents = np.arange(8, dtype=np.float32).reshape(2, 4)
    moved = run_over(Ball(), lambda x, t: jax.jvp(pooled, (x,), (t,))[1], x, tangents)
    floats = np.asarray(jax.jvp(pooled, (x,), (tangents,))[1])
    assert all(ball.contains(float(y)) for ball, y in zip(moved.flat, floats.flat, strict=True))
    assert [ball.is_exact() for ball in moved.flat] == [True, False, True, True]
    wrong = with_rule(pooled, lambda xs, ts: 2 * jax.jvp(pooled, xs, ts)[1])
    with pytest.raises(GradientMismatch):
        check_grads(wrong, (x,), modes=modes)


def test_which_of_two_that_tie_in_a_window_moves_is_not_proved() -> None:
    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (2,), (2,), "VALID")

    def by_hand(x: Any) -> Any:
        return jnp.stack([jnp.where(x[0] >= x[1], 1.0, 2.0), jnp.where(x[2] >= x[3], 3.0, 4.0)])

    x, tangents = np.array([0.25, 0.75, 0.5, 1.0]), jnp.array([1.0, 2.0, 3.0, 4.0])
    found = compare(by_hand, lambda x: jax.jvp(pooled, (x,), (tangents,))[1], x)
    assert found.verdict is Verdict.AGREES and "that tie in a window moves" in str(found)
    wrong = compare(by_hand, lambda x: 2 * jax.jvp(pooled, (x,), (tangents,))[1], x)
    assert wrong.verdict is Verdict.REFUTED
