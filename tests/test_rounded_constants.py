"""Constants that are rounded are forgiven in a number and never in a comparison."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.rounded import RoundedConstants, Twins
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

EPSILON = float(np.finfo(np.float32).eps)


def sine(factor: Any) -> Any:
    """The sine with a rule that is wrong by a factor of the point."""
    function = jax.custom_jvp(jnp.sin)
    function.defjvp(lambda p, t: (function(p[0]), jnp.cos(p[0]) * factor(p[0]) * t[0]))
    return function


@pytest.mark.parametrize("threshold", [0.25, 0.3, 0.1, 0.7, 1 / 3, 2.3, 1e-3])
@pytest.mark.parametrize("factor", [3.0, 1.0001, 1.01, 0.0])
def test_a_rule_that_is_wrong_at_a_threshold_alone(threshold: float, factor: float) -> None:
    wrong = sine(lambda x: jnp.where(x == threshold, factor, 1.0))
    for point in (0.5, np.float32(threshold)):
        with pytest.raises(GradientMismatch, match=r"derivative of f by x is"):
            check_grads(wrong, (point,), modes="fwd")
    right = sine(lambda x: jnp.where(x == threshold, 1.0, 1.0))
    assert check_grads(right, (np.float32(threshold),), modes="fwd").verdict.passes


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: x >= 0.3,
        lambda x: jnp.sign(x - 0.3) >= 0,
        lambda x: jnp.floor(x - 0.3) >= 0,
        lambda x: jnp.maximum(x, 0.3) == x,
        lambda x: jnp.abs(x - 0.3) == x - 0.3,
    ],
)
def test_a_jump_of_the_rule_at_the_given_point_is_seen(condition: Any) -> None:
    """The branch at the very point is wrong, the one below it is right."""
    wrong = sine(lambda x: jnp.where(condition(x), 1.001, 1.0))
    with pytest.raises(GradientMismatch):
        check_grads(wrong, (np.float32(0.3),), special_points=False)
    assert check_grads(wrong, (np.float32(0.2),), special_points=False).verdict.passes


def test_a_rule_with_rounded_constants_beside_a_threshold_agrees() -> None:
    """The factor is wrong by its rounding to float32, which is forgiven on either branch."""

    above = np.float32(0.1)
    below = np.nextafter(above, np.float32(0))

    def rounded(x: Any) -> Any:
        return jnp.where(x == 0.3, above, below)

    slope = sine(lambda x: 10 * rounded(x))
    for point in (0.3, 0.7):
        found = check_grads(slope, (np.float32(point),), special_points=False)
        assert found.verdict is Verdict.AGREES
        assert 20 < found.leaves[0].bits < 30


def test_sinc_in_float32_has_no_kink_where_its_argument_is_reduced() -> None:
    def slope(x: Any) -> Any:
        beside = jnp.where(x == 0, 1.0, x)
        return jnp.where(x == 0, 0.0, (jnp.cos(jnp.pi * x) - jnp.sinc(x)) / beside)

    function = jax.custom_vjp(jnp.sinc)
    function.defvjp(lambda x: (jnp.sinc(x), x), lambda x, g: (g * slope(x),))
    assert check_grads(function, (np.float32(0.7),), modes="rev").verdict.passes
    wrong = jax.custom_vjp(jnp.sinc)
    wrong.defvjp(lambda x: (jnp.sinc(x), x), lambda x, g: (g * slope(x) * 1.00001,))
    with pytest.raises(GradientMismatch):
        check_grads(wrong, (np.float32(0.7),), modes="rev")


def piecewise(x: Any) -> Any:
    """Every operation that decides something, with constants that are no short numbers."""
    total = jnp.where(x < 0.3, 0.7 * x, jnp.round(x / 0.3)) + jnp.maximum(x, 0.1) * 0.9
    total += jnp.sign(x - 0.3) + jnp.floor(x * 0.3) + jnp.abs(x - 0.7) * 0.2 + jnp.fmod(x, 0.3)
    return total + jnp.minimum(x, 0.3) * jnp.clip(x, 0.1, 0.9) + (jnp.sin(0.3 * x) > 0.1) * 0.3


PROGRAM = trace(piecewise, (np.float32(1),))


@given(
    st.one_of(
        st.sampled_from([0.1, 0.3, 0.6, 0.7, 0.9, -0.3, 0.0]),
        st.floats(-4, 4, width=32),
    )
)
def test_wide_numbers_hold_the_exact_ones_and_are_narrow(x: float) -> None:
    point = [objects([exact_ball(float(np.float32(x)))], ())]
    exact, wide = (interpret(PROGRAM, Ball(), point, r)[0][()] for r in (0.0, EPSILON))
    assert wide.contains(exact)
    # A comparison that opened would leave a branch of another size, or a step of 1.
    assert float(wide.rad()) < 1e-4


def test_a_constant_that_is_meant_as_it_is_stays() -> None:
    numbers = RoundedConstants(Ball(), EPSILON)
    assert numbers.constant(0.3).wide.contains(arb("0.3"))
    assert numbers.constant(0.0625).wide.is_exact()
    germs = RoundedConstants(Germ(3), EPSILON)
    assert germs.constant(0.3).wide.at(0).contains(arb("0.3"))
    assert germs.compare("eq", germs.constant(0.3), germs.constant(0.3)) is True
    with pytest.raises(TypeError, match="where a truth value is wanted"):
        bool(numbers.constant(0.3))


NUMBERS = RoundedConstants(Ball(), EPSILON)
VALUES = (-0.7, -0.3, 0.0, 0.25, 0.3, 0.7)
# name -> (what it is over rounded constants, what it is of floats)
CHOICES: dict[str, tuple[Any, Any]] = {
    "maximum": (NUMBERS.maximum, max),
    "minimum": (NUMBERS.minimum, min),
    "select": (lambda x, y: NUMBERS.select(NUMBERS.compare("lt", x, y), x, y),
               lambda x, y: y if x < y else x),
    "absolute": (lambda x, y: NUMBERS.absolute(x), lambda x, y: abs(x)),
    "sign": (lambda x, y: NUMBERS.sign(x), lambda x, y: float(np.sign(x))),
    "floor": (lambda x, y: NUMBERS.function("floor", x), lambda x, y: float(np.floor(x))),
    "sum": (lambda x, y: x + y, lambda x, y: x + y),
    "difference": (lambda x, y: x - y, lambda x, y: x - y),
    "product": (lambda x, y: x * y, lambda x, y: x * y),
    "quotient": (lambda x, y: NUMBERS.divide(x, y + NUMBERS.constant(2)), lambda x, y: x / (y + 2)),
    "power": (lambda x, y: NUMBERS.power(x, 3), lambda x, y: x**3),
    "total": (lambda x, y: NUMBERS.total([x, y, y]), lambda x, y: x + y + y),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_both_numbers_are_what_the_operation_makes_of_both(name: str) -> None:
    """The exact one is that of the floats; the wide one holds it, and is as narrow as it may be."""
    operation, reference = CHOICES[name]
    for x, y in ((x, y) for x in VALUES for y in VALUES):
        found = operation(NUMBERS.constant(x), NUMBERS.constant(y))
        assert abs(found.exact - reference(x, y)) < 1e-15, (x, y)
        assert found.wide.contains(found.exact), (x, y)
        assert float(found.wide.rad()) <= 4 * EPSILON, (x, y)
        if {x, y} <= {0.0, 0.25}:
            assert found.wide is found.exact


def test_a_choice_is_that_of_a_number_and_keeps_its_width() -> None:
    low, high = NUMBERS.constant(0.3), NUMBERS.constant(0.7)
    for x, y in ((low, high), (high, low)):
        assert NUMBERS.maximum(x, y) is high and NUMBERS.minimum(x, y) is low
        assert NUMBERS.select(True, x, y) is y and NUMBERS.select(False, x, y) is x
    assert NUMBERS.absolute(low) is low
    assert (-low).exact < 0 and NUMBERS.absolute(-low).wide.contains(low.wide)


def test_an_open_choice_holds_both_numbers() -> None:
    x, y = Twins(arb(0, 1), arb(0, 2)), NUMBERS.constant(0.3)
    for found, exact in (
        (NUMBERS.maximum(x, y), (0.3, 1)),
        (NUMBERS.minimum(x, y), (-1, 0.3)),
        (NUMBERS.absolute(x), (0, 1)),
        (NUMBERS.select(None, x, y), (-1, 1)),
    ):
        assert all(found.exact.contains(arb(value)) for value in exact)
        assert all(found.wide.contains(2 * value) for value in exact if abs(value) == 1)
    assert NUMBERS.select(None, True, False) is None and NUMBERS.select(None, True, True) is True


@pytest.mark.parametrize("rounded", [(), ("a",), ("b",), ("a", "b")], ids=str)
def test_a_product_of_matrices_is_that_of_both_numbers(rounded: tuple[str, ...]) -> None:
    shapes = {"a": (2, 3), "b": (3, 4)}
    floats = {
        name: np.arange(1.0, 1 + np.prod(shape)).reshape(shape) / (10 if name in rounded else 4)
        for name, shape in shapes.items()
    }
    for name in rounded:
        floats[name][0, 0] = 0.25  # some of its numbers are exact
    found = NUMBERS.matmul(*(NUMBERS.constants(floats[name]) for name in "ab"))
    for entry, value in zip(found.flat, (floats["a"] @ floats["b"]).flat, strict=True):
        assert abs(entry.exact - value) < 1e-13
        assert entry.wide.contains(entry.exact)
        assert (float(entry.wide.rad()) > EPSILON / 8) == bool(rounded)
        assert float(entry.wide.rad()) < 4 * EPSILON * value


def test_a_number_of_the_other_system_is_what_it_is() -> None:
    ball = arb(1, 0.5)
    given_ = NUMBERS.given(objects([ball, ball], (2,)))
    assert all(twins.exact is ball and twins.wide is ball for twins in given_)
    assert NUMBERS.widened(given_)[1] is ball
    truths = np.array([True, False])
    assert NUMBERS.given(truths) is truths
    assert NUMBERS.certainly_differ(NUMBERS.constant(0.3), NUMBERS.constant(0.7))
    assert not NUMBERS.certainly_differ(NUMBERS.constant(0.3), NUMBERS.constant(0.3))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_constant_is_rounded_as_its_own_dtype_rounds(dtype: Any) -> None:
    """A third has 8 bits in bfloat16, whatever the dtypes of the arguments and the results are."""

    def narrow(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: function(x.astype(dtype)).astype(jnp.float32)

    def root(third: float) -> Callable[[Any], Any]:
        rule = jax.custom_jvp(jnp.cbrt)
        rule.defjvp(lambda p, t: (rule(p[0]), jnp.asarray(third, dtype) * t[0] / rule(p[0]) ** 2))
        return narrow(rule)

    x = np.float32(1.3621644973754883)
    assert check_grads(narrow(jnp.cbrt), (x,), order=2).verdict.passes
    assert check_grads(root(1 / 3), (x,)).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(root(0.35), (x,))


def test_no_constant_is_rounded_more_than_its_dtype_rounds() -> None:
    """A third of 16 bits is refuted in float32, also where the program is narrow elsewhere."""
    rule = jax.custom_jvp(jnp.cbrt)
    third = np.float32(jnp.bfloat16(1 / 3))
    rule.defjvp(lambda p, t: (rule(p[0]), third * t[0] / rule(p[0]) ** 2))
    for function in (rule, lambda x: rule(x) + x.astype(jnp.bfloat16).astype(jnp.float32)):
        with pytest.raises(GradientMismatch):
            check_grads(function, (np.float32(1.5),))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_constant_that_rounds_to_a_short_number_is_rounded(dtype: Any) -> None:
    """In bfloat16 2/√π is 1.125 and 180/π is 57.25, which are multiples of 1/16."""

    def error_function(factor: float) -> Callable[[Any], Any]:
        rule, rounded = jax.custom_jvp(jax.lax.erf), np.asarray(factor, dtype)
        rule.defjvp(lambda p, t: (rule(p[0]), rounded * t[0] * jnp.exp(-p[0] * p[0])))
        return rule

    def degrees(factor: float) -> Callable[[Any], Any]:
        rule = jax.custom_jvp(lambda x: x * 180 / jnp.pi)
        rule.defjvp(lambda p, t: (rule(p[0]), np.asarray(factor, dtype) * t[0]))
        return rule

    x = np.asarray(0.3, dtype)
    for function in (jax.lax.erf, partial(jax.nn.gelu, approximate=False)):
        assert check_grads(function, (x,), order=2).verdict.passes
    for rule, factor in ((error_function, 2 / np.pi**0.5), (degrees, 180 / np.pi)):
        assert check_grads(rule(factor), (x,)).verdict.passes
        for wrong in (1.03, 0.97):
            with pytest.raises(GradientMismatch):
                check_grads(rule(wrong * factor), (x,))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float16, np.float32, np.float64])
def test_short_numbers_and_integers_are_meant_as_they_are(dtype: Any) -> None:
    eps = float(jnp.finfo(dtype).eps)
    numbers = RoundedConstants(Ball(), eps)
    for short in (0.0, 0.5, 1.0, -2.0, 3.0, 6.0, -0.75, 1.25, 128.0):
        [found] = numbers.constants(np.asarray([short], dtype))
        assert found.wide is found.exact
    bits = 1 - int(np.log2(eps))
    long = 1 + 2.0 ** (1 - bits // 2 - bits % 2)  # of half the bits
    assert not numbers.constants(np.asarray([long], dtype))[0].wide.is_exact()
    [large] = numbers.constants(np.asarray([2 / eps], dtype))  # as is the integer after it
    assert large.wide.contains(2 / eps + 1) and large.exact == 2 / eps
    [integer] = numbers.constants(np.asarray([2**24 + 1]))
    assert integer.wide is integer.exact and integer.wide == 2**24 + 1


@pytest.mark.parametrize(
    ("dtype", "n"),
    [
        (np.float32, np.int32(2**31 - 1)),
        (np.float32, np.uint32(2**32 - 1)),
        (jnp.bfloat16, np.int32(257)),
        (np.float16, np.int16(2051)),
    ],
)
def test_an_integer_is_rounded_where_a_program_makes_a_float_of_it(dtype: Any, n: Any) -> None:
    """In a rule it is a constant, and in the function that is traced an operation."""

    def times(error: int) -> Callable[[Any, Any], Any]:
        rule = jax.custom_jvp(lambda x, n: x * n)
        rule.defjvp(lambda p, t: (rule(*p), t[0] * (p[1] - error).astype(dtype)))
        return rule

    x = np.asarray(0.3, dtype)
    assert check_grads(times(0), (x, n), order=2).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(times(n // 20), (x, n))
    assert check_grads(lambda x: x * (n - n // 2), (x,)).verdict.passes
