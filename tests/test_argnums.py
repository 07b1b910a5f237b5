"""argnums=: the arguments that are asked about; the others are constants, exact ones."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cases import with_rule
from jaxgrad import Verdict, check, check_grads, compare
from jaxgrad.errors import ArgumentError, GradientMismatch, JaxgradError
from tests.pasted_code import given_and_true, numbers_printed_by

Z = np.array([[0.3, -0.5], [0.25, 1.5], [-1.0, 0.75]], np.float32)
ONE_HOT = np.eye(2, dtype=np.float32)[[0, 1, 1]]


def cost(z: Any, y: Any) -> Any:
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), -1))


def by_hand(z: Any, y: Any) -> Any:
    """Right where each row of y has the sum 1."""
    return (jax.nn.softmax(z) - y) / len(z)


def in_numpy(z: Any, y: Any) -> Any:
    powers = np.exp(z)
    return (powers / powers.sum(-1, keepdims=True) - y) / len(z)


@pytest.mark.parametrize("hand", [by_hand, in_numpy])
@pytest.mark.parametrize("argnums", [0, -2, (0,), [np.int64(0)], range(1)])
def test_a_gradient_that_is_right_for_such_y(hand: Any, argnums: Any) -> None:
    found = compare(hand, jax.grad(cost), Z, ONE_HOT, argnums=argnums)
    assert found.verdict is Verdict.PROVED
    assert found.evidence.text.endswith("of these shapes (z[3, 2]), y held fixed")
    assert found.stable


def test_without_it_y_is_a_variable() -> None:
    assert compare(by_hand, jax.grad(cost), Z, ONE_HOT).verdict is Verdict.REFUTED


@pytest.mark.parametrize("factor", [1.001, 1 + 2.0**-20])
def test_what_is_wrong_stays_refuted(factor: float) -> None:
    def wrong(z: Any, y: Any) -> Any:
        return factor * by_hand(z, y)

    found = compare(wrong, jax.grad(cost), Z, ONE_HOT, argnums=0, exact=True)
    assert found.verdict is Verdict.REFUTED
    with pytest.raises(GradientMismatch) as caught:
        found.assert_agrees()
    hand, auto = map(float, numbers_printed_by(caught.value, hand=wrong, auto=jax.grad(cost)))
    assert hand == pytest.approx(factor * auto, rel=1e-5)


def test_a_wrong_y_is_still_wrong() -> None:
    found = compare(by_hand, jax.grad(cost), Z, 2 * ONE_HOT, argnums=0)
    assert found.verdict is Verdict.REFUTED


def test_constants_are_exact() -> None:
    """Both ways to write it round differently in float32, and are the same number."""
    first = lambda x, y: x * jnp.exp(y) * jnp.exp(-y)  # noqa: E731
    second = lambda x, y: x * (jnp.sin(y) ** 2 + jnp.cos(y) ** 2)  # noqa: E731
    args = (np.float32(0.7), np.float32(1.3))
    assert compare(first, second, *args, argnums=0).verdict.passes
    assert compare(np.multiply, lambda x, y: x * y, *args, argnums=0).verdict is Verdict.PROVED
    off = lambda x, y: first(x, y) * (1 + 2.0**-20)  # noqa: E731
    assert compare(off, second, *args, argnums=0, exact=True).verdict is Verdict.REFUTED


def test_all_named_are_all() -> None:
    args = (np.float32(0.7), np.float32(1.3))
    texts = {
        compare(jnp.multiply, lambda x, y: y * x, *args, argnums=argnums).evidence.text
        for argnums in (None, (0, 1), (1, 0), [-1, -2])
    }
    assert len(texts) == 1


# -- derivative rules ----------------------------------------------------------------------------

WRONG_BY_Y = with_rule(lambda x, y: x * y, lambda xs, ts: xs[1] * ts[0] + 2 * xs[0] * ts[1])
RIGHT = with_rule(lambda x, y: x * y, lambda xs, ts: xs[1] * ts[0] + xs[0] * ts[1])
X = np.float32(0.5)
POINT = (X, np.float32(3.0))


@pytest.mark.parametrize("order", [1, 2])
def test_a_rule_by_one_argument(order: int) -> None:
    found = check_grads(WRONG_BY_Y, POINT, order, argnums=0)
    assert found.verdict is Verdict.PROVED
    assert "every real input of these shapes, y = 3.0 held fixed" in found.evidence.text
    assert [leaf.path for leaf in found.leaves] == ["x"]
    for argnums in (1, -1, (0, 1), None):
        assert check(WRONG_BY_Y, POINT, order, argnums=argnums).verdict is Verdict.REFUTED
    assert check(RIGHT, POINT, order, argnums=1).verdict is Verdict.PROVED


def test_special_points_move_the_others_nowhere() -> None:
    """Wrong where y = 0 alone, which is another function of x."""
    rule = lambda xs, ts: jnp.where(xs[1] == 0, 1.0, xs[1]) * ts[0] + xs[0] * ts[1]  # noqa: E731
    f = with_rule(lambda x, y: x * y, rule)
    assert check(f, POINT).verdict is Verdict.REFUTED
    assert check(f, POINT, argnums=0).verdict.passes
    assert check(f, (POINT[0], np.float32(0.0)), argnums=0).verdict is Verdict.REFUTED
    at_zero_of_x = with_rule(
        lambda x, y: x * y,
        lambda xs, ts: xs[1] * jnp.where(xs[0] == 0, 2.0, 1.0) * ts[0] + xs[0] * ts[1],
    )
    assert check(at_zero_of_x, POINT, argnums=0).verdict is Verdict.REFUTED
    assert check(at_zero_of_x, POINT, argnums=1).verdict.passes


def test_the_program_to_paste_has_all_arguments() -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_grads(WRONG_BY_Y, POINT, argnums=1)
    assert float(given_and_true(caught.value, f=WRONG_BY_Y)[0]) == 1.0


def test_a_reference_takes_all_arguments() -> None:
    f = lambda x, y: x * jax.lax.stop_gradient(y)  # noqa: E731
    assert check(f, POINT, reference=jnp.multiply, argnums=0).verdict.passes
    assert check(f, POINT, reference=jnp.multiply).verdict is Verdict.REFUTED


def test_floats_of_every_argument_are_in_the_dtype() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * jnp.exp(y)

    found = check(f, POINT, argnums=0, dtypes=["bfloat16"], modes="rev")
    assert found.verdict.passes
    assert {x.dtype for x in found.floats} == {"bfloat16"}


@settings(max_examples=10, deadline=None)
@given(
    values=st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3),
    argnums=st.sets(st.integers(0, 2), min_size=1, max_size=2),
    wrong=st.integers(0, 2),
)
def test_as_where_the_others_are_closed_over(
    values: list[float], argnums: set[int], wrong: int
) -> None:
    args = [np.float32(x) for x in values]
    factors = [1.0 + (i == wrong) for i in range(3)]
    f = with_rule(
        lambda x, y, z: x * y + jnp.sin(z),
        lambda xs, ts: (
            factors[0] * xs[1] * ts[0]
            + factors[1] * xs[0] * ts[1]
            + factors[2] * jnp.cos(xs[2]) * ts[2]
        ),
    )

    def closed(*moving: Any) -> Any:
        own = iter(moving)
        return f(*[next(own) if i in argnums else x for i, x in enumerate(args)])

    found = check(f, args, argnums=sorted(argnums), special_points=False)
    other = check(closed, [args[i] for i in sorted(argnums)], special_points=False)
    assert found.verdict is other.verdict
    assert len(found.leaves) == len(argnums)


# -- what names no argument ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argnums", "text"),
    [
        (2, "argnums names argument 2 of 2; the first is 0 and the last 1, or -1"),
        (-3, "argnums names argument -3 of 2"),
        ((0, 5), "argnums names argument 5 of 2"),
        ((), "names no argument; leave it out for all"),
        ((0, -2), "names argument 0 twice"),
        ("x", "it is the index of an argument"),
        (0.0, "it is the index of an argument"),
        (True, "it is the index of an argument"),
        ((0, None), "it is the index of an argument"),
    ],
)
def test_no_index(argnums: Any, text: str) -> None:
    for ask in (
        lambda: compare(jnp.multiply, jnp.multiply, *POINT, argnums=argnums),
        lambda: check(jnp.multiply, POINT, argnums=argnums),
        lambda: check_grads(jnp.multiply, POINT, argnums=argnums),
    ):
        with pytest.raises(ArgumentError) as caught:
            ask()
        assert text in str(caught.value)


def test_an_argument_without_numbers() -> None:
    f = lambda x, n: x * n  # noqa: E731
    with pytest.raises(ArgumentError, match=r"argnums names argument 1, n, in which nothing is fl"):
        check(f, (0.5, 3), argnums=1)
    with pytest.raises(ArgumentError, match=r"argnums names argument 1, n, in which nothing is fl"):
        compare(f, f, 0.5, 3, argnums=1)


def test_a_constant_may_be_infinite() -> None:
    args = (np.float32(0.5), np.float32(np.inf))
    least, chosen = jnp.minimum, lambda x, y: jnp.where(x < y, x, y)
    assert compare(least, chosen, *args, argnums=0).verdict is Verdict.PROVED
    assert compare(np.minimum, chosen, *args, argnums=0).verdict is Verdict.PROVED
    double = lambda x, y: jnp.where(x < y, 2 * x, y)  # noqa: E731
    assert compare(least, double, *args, argnums=0).verdict is Verdict.REFUTED
    assert check(least, args, argnums=0).verdict.passes
    with pytest.raises(ArgumentError, match="is inf; derivatives"):
        compare(least, chosen, *args)


# -- numbers that f has to know --------------------------------------------------------------------


def _scaled(x: Any, k: Any) -> Any:
    return x * k if k > 0 else x


STATIC = jax.jit(_scaled, static_argnums=1)


def _ruled(slope: Any) -> Any:
    """A function with a rule that branches on what is not differentiated."""
    f = jax.custom_jvp(_scaled, nondiff_argnums=(1,))
    f.defjvp(lambda k, p, t: (f(p[0], k), slope(k) * t[0]))
    return f


NONDIFF = _ruled(lambda k: k if k > 0 else 1.0)


@pytest.mark.parametrize("f", [STATIC, NONDIFF, jax.jit(NONDIFF, static_argnums=1)])
@pytest.mark.parametrize("k", [2.0, 0.1, -1.0])
def test_a_number_of_python_reaches_f_as_it_is(f: Any, k: float) -> None:
    assert check_grads(f, (X, k), argnums=0).verdict.passes
    assert check_grads(f, (X, k), argnums=0, dtypes=["bfloat16"], modes="rev").verdict.passes
    slope = lambda x, k: jnp.full_like(x, k if k > 0 else 1.0)  # noqa: E731
    assert compare(slope, jax.grad(f), X, k, argnums=0).verdict is Verdict.PROVED
    twice = lambda x, k: 2 * slope(x, k)  # noqa: E731
    found = compare(twice, jax.grad(f), X, k, argnums=0)
    assert found.verdict is Verdict.REFUTED
    with pytest.raises(GradientMismatch) as caught:
        found.assert_agrees()
    hand, auto = map(float, numbers_printed_by(caught.value, hand=twice, auto=jax.grad(f)))
    assert hand == 2 * auto


def test_a_wrong_rule_of_a_known_number() -> None:
    wrong = _ruled(lambda k: k if k > 1 else 7.0)
    for f in (wrong, jax.jit(wrong, static_argnums=1)):
        assert check(f, (X, 2.0), argnums=0).verdict is Verdict.PROVED
        with pytest.raises(GradientMismatch) as caught:
            check_grads(f, (X, 0.1), argnums=0)
        assert float(given_and_true(caught.value, f=f)[0]) == 7.0


def test_what_is_static_is_so_in_a_domain_and_in_a_reference() -> None:
    domain = lambda x, k: x < 1 if k > 0 else x > 7  # noqa: E731
    found = check(STATIC, (X, 2.0), argnums=0, domain=domain, reference=_scaled)
    assert found.verdict.passes
    with pytest.raises(ArgumentError, match="outside of its own domain"):
        check(STATIC, (X, -2.0), argnums=0, domain=domain)
    slope = lambda x, k: k if k > 0 else 1.0  # noqa: E731
    assert compare(slope, jax.grad(STATIC), X, 2.0, argnums=0, domain=domain).verdict.passes


def test_several_held_leaves_keep_their_places() -> None:
    @functools.partial(jax.jit, static_argnums=(0, 3))
    def f(k: float, x: Any, data: Any, n: float) -> Any:
        return k * x[0] * data["y"] + n if k > n else x[0]

    args = (3.0, (X, "unused"), {"y": np.float32(2.0), "z": 1.5}, 0.25)
    for argnums, count in ((1, 1), ((1, 2), 3)):
        keep = lambda *args: f(args[0], args[1][:1], args[2], args[3])  # noqa: E731
        found = check_grads(keep, args, argnums=argnums)
        assert len(found.leaves) == count


def test_without_argnums_numbers_are_variables() -> None:
    with pytest.raises(
        ArgumentError, match=r"static_argnums .*name the others, argnums=0, or clos"
    ):
        check(STATIC, (X, 2.0))
    assert [leaf.path for leaf in check(lambda x, k: x * k, (X, 2.0)).leaves] == ["x", "k"]


def test_numpy_code_has_them_exactly() -> None:
    """As one of two sides that round otherwise in float64, too."""
    first = lambda x, k: x * np.exp(k) * np.exp(-k)  # noqa: E731
    assert compare(first, lambda x, k: x, X, 1.3, argnums=0, exact=True).verdict.passes


@pytest.mark.parametrize("wrapped", [jax.custom_jvp, jax.custom_vjp])
@pytest.mark.parametrize("factor", [1, 2])
def test_what_a_rule_has_no_derivative_by_is_held_by_itself(wrapped: Any, factor: int) -> None:
    def power(x: Any, n: float, y: Any) -> Any:
        return x**2 * y if n > 1 else x * y  # which needs a number

    f = wrapped(power, nondiff_argnums=(1,))
    if wrapped is jax.custom_jvp:
        f.defjvp(lambda n, p, t: (f(p[0], n, p[1]),
                                  2 * p[0] * p[1] * t[0] + factor * p[0] ** 2 * t[1]))  # fmt: skip
    else:
        f.defvjp(lambda x, n, y: (f(x, n, y), (x, y)),
                 lambda n, saved, g: (2 * g * saved[0] * saved[1],
                                      factor * g * saved[0] ** 2))  # fmt: skip
    found = check(f, (0.5, 2.0, 0.7))
    assert [leaf.path for leaf in found.leaves] == ["x", "y"]
    assert found.verdict is (Verdict.PROVED if factor == 1 else Verdict.REFUTED)
    if factor == 1:
        assert "n = 2.0 held fixed" in found.evidence.text
    with pytest.raises(JaxgradError):  # asked for by name it is not held
        check(f, (0.5, 2.0, 0.7), argnums=(0, 1, 2))


def _scaled_square() -> Any:
    layer = jax.custom_jvp(lambda x, n: jnp.sum(x**2) * n, nondiff_argnums=(1,))
    layer.defjvp(lambda n, p, t: (layer(p[0], n), jnp.sum(2 * p[0] * t[0]) * n))
    return layer


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("around", [lambda f: f, jax.jit, jax.checkpoint])
def test_what_wraps_such_a_rule_has_arguments_of_its_own(factor: int, around: Any) -> None:
    layer, gate = _scaled_square(), jax.custom_jvp(lambda t: t**2)
    gate.defjvp(lambda p, t: (gate(*p), factor * p[0] * t[0]))

    @functools.wraps(layer)
    def gated(x: Any, t: Any) -> Any:
        return layer(x, 2.0) * gate(t)

    found = check(around(gated), (jnp.ones(2), np.float32(0.5)))
    assert len(found.leaves) == 2
    assert found.verdict.passes is (factor == 2)


@pytest.mark.parametrize("held", [np.float32, jnp.float32, np.dtype("float16"), "relu", abs, None])
def test_objects_in_nondiff_argnums_are_held(held: Any) -> None:
    f = jax.custom_jvp(lambda x, kind: x**2, nondiff_argnums=(1,))
    f.defjvp(lambda kind, p, t: (f(p[0], kind), 2 * p[0] * t[0]))
    assert check(f, (0.5, held)).verdict is Verdict.PROVED


@pytest.mark.parametrize("before", [60000, "relu", abs, np.float32])
def test_what_is_held_is_the_same_in_another_dtype(before: Any) -> None:
    """Objects are no leaves, and the number behind them has its place all the same."""

    def f(x: Any, kind: Any, scale: float) -> Any:
        return jnp.sum(jnp.sin(x)) * (kind if kind == 60000 else 60000) * scale

    x = jnp.float32([0.5, -1.25])
    for scale, finite in ((2.0, False), (0.5, True)):
        found = check(f, (x, before, scale), argnums=0, dtypes=["float16"], special_points=False)
        assert found.verdict.passes is finite
    pick = lambda x, k, scale: x[k] / scale  # noqa: E731
    found = check(pick, (x, 1, 300.0), argnums=0, dtypes=["float16"], special_points=False)
    assert found.verdict.passes
