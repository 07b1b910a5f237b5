"""What rounding hides: the allowance itself, in narrow and wide dtypes, in loops and branches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.floats.hidden import RoundedProgram, hidden_by
from jaxgrad.programs.trace import Program, trace
from jaxgrad.verdict import Verdict

X = np.float32(0.7)


# -- narrow dtypes ---------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_a_constant_is_as_good_as_its_own_dtype(dtype: Any) -> None:
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
        check_grads(root(0.5), (x,))


def test_a_constant_is_no_better_than_a_narrower_dtype() -> None:
    """A third of 16 bits is refuted in float32."""
    rule = jax.custom_jvp(jnp.cbrt)
    third = np.float32(jnp.bfloat16(1 / 3))
    rule.defjvp(lambda p, t: (rule(p[0]), third * t[0] / rule(p[0]) ** 2))
    with pytest.raises(GradientMismatch):
        check_grads(rule, (np.float32(1.5),))


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
        for wrong in (1.15, 0.85):
            with pytest.raises(GradientMismatch):
                check_grads(rule(wrong * factor), (x,))


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


# -- functions that are off, and constants ---------------------------------------------------------
def _hazard(dtype: Any, factor: float = 1.0) -> Any:
    """φ(x)/Φ(−x), whose derivative m(m − x) holds for the √½ and the 1/√2π that are meant."""
    root, density = dtype(np.sqrt(0.5)), dtype(1 / np.sqrt(2 * np.pi))
    half = dtype(0.5)
    rule = jax.custom_jvp(lambda x: density * jnp.exp(-x * x / 2) / (half * jax.lax.erfc(x * root)))
    slope = dtype(factor)
    rule.defjvp(lambda p, t: (rule(p[0]), slope * rule(p[0]) * (rule(p[0]) - p[0]) * t[0]))
    return rule


@pytest.mark.parametrize("x", [0.3, 4.0, 8.0, 12.3, 16.0, 20.0])
def test_a_constant_is_rounded_where_no_product_is(x: float) -> None:
    """At powers of two the products of the program are exact, and its constants are not."""
    with jax.enable_x64(True):
        here = {"special_points": False, "budget": 0}
        found = check(_hazard(np.float64), (np.float64(x),), **here)
        assert found.verdict is Verdict.AGREES, str(found)
        wrong = check(_hazard(np.float64, 1 + 1e-9), (np.float64(x),), **here)
        assert wrong.verdict is Verdict.REFUTED


def test_where_the_function_is_no_number_in_floats_no_rule_is_wrong() -> None:
    """At 16 both e^(−x²/2) and erfc are 0 in float32."""
    assert np.isnan(_hazard(np.float32)(np.float32(16)))
    found = check(_hazard(np.float32), (np.float32(1),))
    assert found.verdict is Verdict.AGREES, str(found)
    assert check(_hazard(np.float32, 1.0001), (np.float32(1),)).verdict is Verdict.REFUTED


# -- the allowance itself --------------------------------------------------------------------------
def hidden(program: Program, x: Any, difference: float) -> bool | None:
    """Whether the rounding of a program of one number hides a difference in its result."""
    return hidden_by(program, [x], arb(difference))


def test_two_roundings_hide_what_one_does_not() -> None:
    """x·x rounds once, by u·x²; rounding x as well changes it by twice as much."""
    u, x = 2.0**-24, np.float32(3)
    square = trace(lambda x: x * x, (x,))
    for units, found in ((1, True), (2.99, True), (3.01, False)):
        assert hidden(square, x, units * u * 9) is found
    still = trace(lambda x: x, (x,))  # no operation, and one rounding at least
    assert hidden(still, x, 1.99 * u * 3) and not hidden(still, x, 2.01 * u * 3)


def test_an_allowance_is_that_of_the_branch_that_is_taken() -> None:
    """At a tie a float beside it takes another branch, and is another number."""
    x = np.float32(0.25)
    jump = trace(lambda x: jnp.where(x <= 0.25, x, 100 * x), (x,))
    assert hidden(jump, x, 1e-8) is True
    assert hidden(jump, x, 1e-3) is False


def test_a_loop_that_turns_more_often_hides_more() -> None:
    def turned(count: float) -> Any:
        return trace(
            lambda x: lax.while_loop(lambda c: c[1] < count, lambda c: (c[0] * 1.5, c[1] + 1.0),
                                     (x, 0.0))[0],
            (np.float32(1),),
        )  # fmt: skip

    u = 2.0**-24
    for count in (2, 5):
        size = 1.5**count * u
        # As many products, and one rounding of the input for each.
        assert hidden(turned(count), np.float32(1), 1.99 * count * size)
        assert hidden(turned(count), np.float32(1), 2.01 * count * size) is False


def test_of_a_loop_without_end_nobody_knows() -> None:
    endless = trace(lambda x: lax.while_loop(lambda y: y > 0, lambda y: y * 1.5, x), (X,))
    assert hidden(endless, X, 1e-9) is None


def test_of_several_numbers_that_are_no_arrays_it_is_hidden_too() -> None:
    """The directions along the signs of the numbers are those of arrays without an axis."""
    tenth = np.float32(0.1)

    def scaled(x: Any, y: Any) -> Any:
        return x / 10 - y / 10

    function = jax.custom_vjp(scaled)
    function.defvjp(lambda x, y: (scaled(x, y), None), lambda _, g: (g * tenth, -g * tenth))
    found = check_grads(function, (np.float32(0.7), np.float32(0.3)), modes="rev")
    assert found.verdict is Verdict.AGREES and "rounding" in found.evidence.text


def test_of_what_rounding_leaves_no_bits_nothing_is_known() -> None:
    """At 1e6 a float16 within has no digit of the sine."""

    def sine(x: Any) -> Any:
        return jnp.sin(x.astype(jnp.float16).astype(jnp.float32) * 1e4)

    found = compare(sine, lambda x: -sine(x), np.float32(0.7), special_points=False)
    assert found.verdict is Verdict.UNDECIDED
    assert "rounding in either compiled side could hide" in found.evidence.text
    exactly = compare(sine, lambda x: -sine(x), np.float32(0.7), special_points=False, exact=True)
    assert exactly.verdict is Verdict.REFUTED


# -- roundings that push against each other --------------------------------------------------------
@pytest.mark.parametrize("before", range(12))
def test_two_equal_roundings_hide_what_both_do(before: int) -> None:
    """They cancel in half of the runs in which they are drawn, but in no float."""

    def twice(x: Any, y: Any) -> Any:
        for _ in range(before):  # so that others are drawn
            y = y * 1.1
        return 0.5 * ((1 + x) - 1) + 0.5 * ((1 + x) - 1) + 0 * y

    x, half = np.float32(1e-5), 2.0**-25
    program = RoundedProgram(trace(twice, (x, x)), [x, x])
    assert program.hides([(0, (), 1.0)], arb(half))
    assert not program.hides([(0, (), 1.0)], arb(40 * half))


def test_no_rule_is_wrong_where_the_function_has_no_digit_left() -> None:
    """Far out e^(log φ − log Φ(−x)) is 1 in float32, and in truth x."""

    def ruled(factor: float) -> Any:
        def hazard(x: Any) -> Any:
            return jnp.exp(jax.scipy.stats.norm.logpdf(x) - jax.scipy.special.log_ndtr(-x))

        rule = jax.custom_jvp(hazard)
        rule.defjvp(lambda p, t: (rule(*p), factor * rule(*p) * (rule(*p) - p[0]) * t[0]))
        return rule

    assert check(ruled(1.0), (np.float32(1.9),)).verdict is Verdict.AGREES
    assert check(ruled(1.001), (np.float32(1.9),)).verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("function", "slope", "end"),
    [
        (jnp.exp, jnp.exp, -105),
        (lambda x: jnp.log1p(jnp.exp(x)), jax.nn.sigmoid, -105),
        (jax.nn.sigmoid, lambda x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x), -80),
    ],
    ids=["exp", "softplus", "sigmoid"],
)
def test_what_underflows_to_zero_has_all_its_digits(function: Any, slope: Any, end: float) -> None:
    def ruled(beyond: float) -> Any:
        rule = jax.custom_jvp(lambda x: function(x))
        rule.defjvp(
            lambda p, t: (
                (rule(*p), jnp.where(p[0] < end, beyond, 1) * slope(p[0]) * t[0])
                if beyond == 1
                else (rule(*p), jnp.where(p[0] < end, beyond, slope(p[0])) * t[0])
            )
        )
        return rule

    assert check(ruled(1.0), (np.float32(1),)).verdict.passes
    assert check(ruled(1e-3), (np.float32(1),)).verdict is Verdict.REFUTED


# -- rounding the point ----------------------------------------------------------------------------
def sloped(f: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    rule = jax.custom_jvp(f)
    rule.defjvp(lambda p, t: (rule(*p), slope(*p).astype(p[0].dtype) * t[0]))
    return rule


@pytest.mark.parametrize("factor", [1.0, 0.5, -1.0])
@pytest.mark.parametrize("other", [jnp.exp, jnp.sin, lambda x: -9 * x])
def test_no_rounding_makes_a_number_of_the_other_side_of_a_border(
    factor: float, other: Callable[[Any], Any]
) -> None:
    """At the last bfloat16 above 2 the next one below has the derivative of the other branch."""

    def f(x: Any) -> Any:
        return jnp.where(x > 2, jnp.tanh(x), other(x))

    x = jnp.asarray(2.015625, jnp.bfloat16)
    rule = sloped(f, lambda x: factor * (1 - jnp.tanh(x) ** 2))
    found = check(rule, (x,), special_points=False)
    assert found.verdict.passes if factor == 1 else found.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("step", "sign", "verdict"),
    [(1, 1, Verdict.UNDECIDED), (-1, 1, Verdict.UNDECIDED), (0, -1, Verdict.REFUTED)],
)
def test_a_slope_of_the_next_float_is_not_known_to_be_wrong(
    step: int, sign: int, verdict: Verdict
) -> None:
    """Beside a pole it is a third more, or less, than that of the point itself."""
    one = 2.0**-23
    x = np.float32(1 + 8 * one)
    rule = sloped(lambda x: 1 / (x - 1), lambda x: -sign / (x + step * np.float32(one) - 1) ** 2)
    assert check(rule, (x,), special_points=False).verdict is verdict
