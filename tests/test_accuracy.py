"""Right bits of a derivative at every float: against an oracle of balls, and of planted errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from float_support import numbers_of

import jaxgrad
from jaxgrad.errors import ArgumentError, EnginesDisagree
from jaxgrad.evidence import tiled_pass
from jaxgrad.evidence.float_formats import Float, Format, bits_of, format_of
from jaxgrad.gradients.accuracy import measuring, settled
from jaxgrad.gradients.accuracy.measured import Accuracy, Binade
from jaxgrad.gradients.accuracy.ordinals import (
    ordinal,
    rounded_ball,
)
from jaxgrad.numbers import interval_derivatives
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict


# -- every float, against an oracle ----------------------------------------------------------------
def sigmoid_slope(x: arb) -> arb:
    return (-abs(x)).exp() / (1 + (-abs(x)).exp()) ** 2


def tanh_slope(x: arb) -> arb:
    return 4 * sigmoid_slope(2 * x)


def by_balls(truth: Callable[[arb], arb], f: Callable[[Any], Any], format: Format) -> list[int]:
    """How many floats have so many right bits, each by itself."""
    bits = int(jnp.finfo(format.dtype).nmant) + 1
    x = numbers_of(format)
    x = x[np.isfinite(x.astype(np.float64))]
    y = np.asarray(jax.jit(jax.vmap(jax.grad(f)))(x))
    right = [0] * (bits + 1)
    with precision(128):
        for a, b in zip(x, y, strict=True):
            rounded, same = rounded_ball(format, truth(arb(float(a))))
            assert rounded == same
            distance = abs(ordinal(Float(format.dtype, int(bits_of(b)))) - rounded)
            right[max(bits - distance.bit_length(), 0)] += 1
    return right


@pytest.mark.parametrize(
    ("name", "f", "truth"),
    [
        ("float16", jax.nn.sigmoid, sigmoid_slope),
        ("bfloat16", jnp.tanh, tanh_slope),
        ("float8_e5m2", jnp.tanh, tanh_slope),
    ],
)
def test_bits_are_those_of_balls(
    name: str, f: Callable[[Any], Any], truth: Callable[[arb], arb]
) -> None:
    found, format = jaxgrad.accuracy(f, name), format_of(name)
    assert list(found.right) == by_balls(truth, f, format)
    assert found.judged == format.numbers - 2
    assert (found.open, found.without_derivative, found.without_value) == (0, 0, 0)


def test_what_intervals_leave_open_germs_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    found = jaxgrad.accuracy(jnp.tanh, "float8_e5m2")
    monkeypatch.setattr(measuring, "_runs", lambda *_: False)
    assert same(found, jaxgrad.accuracy(jnp.tanh, "float8_e5m2"))


def test_many_tiles_say_what_few_do(monkeypatch: pytest.MonkeyPatch) -> None:
    few = jaxgrad.accuracy(jax.nn.sigmoid, "bfloat16")
    monkeypatch.setattr(tiled_pass, "_FEW", 0)
    many = jaxgrad.accuracy(jax.nn.sigmoid, "bfloat16")
    assert same(few, many)


def same(one: Accuracy, other: Accuracy) -> bool:
    """Whether two are the same but for a worst float, which has an array."""
    worst = str(one.worst) == str(other.worst)
    return worst and dataclasses.replace(one, worst=None) == dataclasses.replace(other, worst=None)


# -- planted errors --------------------------------------------------------------------------------
def square(x: Any) -> Any:
    return x * x


def off_by_two(x: Any) -> Any:
    """2x, but of 2 ≤ x < 4 with two units in the last place more."""
    bits = jax.lax.bitcast_convert_type(2 * x, jnp.uint16)
    more = jax.lax.bitcast_convert_type(bits + jnp.uint16(2), x.dtype)
    return jnp.where((x >= 2) & (x < 4), more, 2 * x)


def test_a_right_derivative_has_all_bits() -> None:
    found = jaxgrad.accuracy(square, "float16")
    assert found.least == found.bits == 11
    assert found.at_least(11).verdict is Verdict.PROVED
    assert (found.zeros.total, found.overflows.total, found.nans.total) == (0, 0, 0)


def test_two_units_in_one_binade_are_found() -> None:
    found = jaxgrad.accuracy(square, "float16", derivative=off_by_two)
    wrong = [binade for binade in found.binades if binade.least != 11]
    assert wrong == [Binade(negative=False, exponent=1, right=(0,) * 9 + (1024, 0, 0))]
    assert found.at_least(9).verdict is Verdict.PROVED
    refuted = found.at_least(10)
    assert refuted.verdict is Verdict.REFUTED
    assert "x = np.asarray(0x4000, np.uint16).view(np.float16)[()]  # 2.0" in str(refuted)
    assert found.worst is not None and found.worst.distance == 2
    exec(str(refuted.counterexample))  # what is shown runs


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize(
    ("wrong", "field", "name"),
    [(0.0, "zeros", "0"), (np.inf, "overflows", "infinite"), (np.nan, "nans", "NaN")],
)
def test_one_float_that_is_lost_is_found(
    wrong: float, field: str, name: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few:
        monkeypatch.setattr(tiled_pass, "_FEW", 0)
    at = np.float16(-3.5)

    def derivative(x: Any) -> Any:
        return jnp.where(x == at, jnp.asarray(wrong, x.dtype), 2 * x)

    found = jaxgrad.accuracy(square, "float16", derivative=derivative)
    count = getattr(found, field)
    assert count.total == count.negative.count == 1
    assert float(count.first.value) == -3.5
    assert found.right[0] == 1 and found.right[11] == found.judged - 1
    assert found.worst is not None and found.worst.x == count.first
    assert repr(found) == (
        f"<Accuracy float16: at least 0 of 11 bits right at 63488 floats, {name} by mistake at 1>"
    )
    assert f"{name} by mistake at 1, outwards from -3.5" in str(found)
    assert html_of(found).count("<tr>") == 5


def html_of(found: Accuracy) -> str:
    return found._repr_html_()


def test_the_first_zero_on_each_side_is_the_nearest_one() -> None:
    def derivative(x: Any) -> Any:
        return jnp.where((x > 5) | (x <= -3), 0 * x, 2 * x)

    zeros = jaxgrad.accuracy(square, "float16", derivative=derivative).zeros
    ends = zeros.positive.first, zeros.negative.last
    assert [x and float(x.value) for x in ends] == [5.00390625, -3.0]


def test_a_custom_rule_has_no_part_in_the_truth() -> None:
    @jax.custom_jvp
    def cube(x: Any) -> Any:
        return x * x * x

    cube.defjvps(lambda t, _, x: 2 * t * x * x)  # 3x²
    assert jaxgrad.accuracy(cube, "float8_e5m2").at_least(3).verdict is Verdict.REFUTED
    cube.defjvps(lambda t, _, x: 3 * t * x * x)
    assert jaxgrad.accuracy(cube, "float8_e5m2").least == 2  # of 3: a product is rounded


# -- where there is no derivative ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("f", "kinks", "nowhere"),
    [
        (jax.nn.relu, 2, 0),
        (lambda x: jnp.abs(x - 1), 1, 0),
        (jnp.log, 0, 1 + 31744),
        (jnp.sqrt, 2, 31743),
        (lambda x: x * jnp.abs(x), 0, 0),
    ],
)
def test_floats_without_a_derivative_are_counted(
    f: Callable[[Any], Any], kinks: int, nowhere: int
) -> None:
    found = jaxgrad.accuracy(f, "float16")
    assert (found.without_derivative, found.without_value, found.open) == (kinks, nowhere, 0)
    assert found.judged + kinks + nowhere + found.infinite == 63490
    assert found.infinite == 2


def test_what_nobody_can_run_is_open() -> None:
    def f(x: Any) -> Any:
        bits = jax.lax.bitcast_convert_type(x * x, jnp.int8)
        return jax.lax.bitcast_convert_type(bits, x.dtype)

    found = jaxgrad.accuracy(f, "float8_e5m2", derivative=lambda x: 2 * x)
    assert (found.judged, found.open, found.least, found.worst) == (0, 248, None, None)
    assert found.first_open == Float(np.dtype(jnp.float8_e5m2), 0)
    undecided = found.at_least(1)
    assert undecided.verdict is Verdict.UNDECIDED and "nothing is known at 248" in undecided.text
    assert "open at 248" in repr(found)


def test_precision_that_ends_leaves_floats_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "_BITS", ())
    found = jaxgrad.accuracy(jax.nn.softplus, "float16")
    assert (found.open, found.first_open) == (2, Float(np.dtype("float16"), 0))
    assert found.at_least(1).verdict is Verdict.UNDECIDED


# -- when engines disagree -------------------------------------------------------------------------
def test_a_wrong_slope_of_intervals_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(interval_derivatives.SLOPES, "tanh", lambda x, y: y)
    with pytest.raises(EnginesDisagree, match="germs have"):
        jaxgrad.accuracy(jnp.tanh, "float16")


# -- what is refused -------------------------------------------------------------------------------
async def _late(x: Any) -> Any:
    return x


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: jaxgrad.accuracy(jnp.sin, "float64"), "too many values"),
        (lambda: jaxgrad.accuracy(jnp.sin, "float8_e4m3fn"), "no 0 or no infinity"),
        (lambda: jaxgrad.accuracy(3, "float16"), "f is 3, not a function"),  # pyright: ignore
        (lambda: jaxgrad.accuracy(square, "float16", derivative=3),  # pyright: ignore
         "derivative is 3, not a function"),
        (lambda: jaxgrad.accuracy(_late, "float16"), "written with `async def`"),
        (lambda: jaxgrad.accuracy(square, "float16", tile=3), "tile must be a power of two"),
        (lambda: jaxgrad.accuracy(square, "float16", devices=[]), "accuracy: devices is"),
        (lambda: jaxgrad.accuracy(square, "float16", derivative=lambda x: jnp.float32(1) * x),
         "the derivative returns float32, and x is float16"),
        (lambda: jaxgrad.accuracy(lambda x: x[None], "float16"), "not one scalar"),
        (lambda: jaxgrad.accuracy(square, "float16").at_least(12), "integer from 1 to 11"),
        (lambda: jaxgrad.accuracy(square, "float16").at_least(0), "integer from 1 to 11"),
    ],
)  # fmt: skip
def test_arguments_that_are_none(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        call()


def test_whole_numbers_of_many_digits_are_no_place_to_know_a_step() -> None:
    def f(x: Any) -> Any:
        return jnp.where(jnp.abs(x) < 2.0**70, x, jnp.floor(x))

    found = jaxgrad.accuracy(f, "bfloat16")
    assert not found.at_least(8).verdict.passes
    assert found.open + found.without_derivative > 10_000  # every whole number from 2^70 on


def test_a_worst_float_whose_truth_is_nearly_0_is_shown() -> None:
    found = jaxgrad.accuracy(lambda x: jnp.exp(-(x**2)), "bfloat16")
    assert found.nans.total > 0 and found.worst is not None
