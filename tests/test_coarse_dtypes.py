"""A dtype with few digits hides differences of what is rounded to it, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check, compare
from jaxgrad.interpret.roundings import errors_of, greatest
from jaxgrad.programs.trace import trace

X, Y = np.float32([0.3, -1.5]), np.float32([0.5, 2.0])
NARROW = ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]


def sine(factor: float) -> Callable[..., Any]:
    """sin, whose rule gives so many times the derivative."""
    f = jax.custom_jvp(jnp.sin)
    f.defjvps(lambda t, out, x: t * jnp.cos(x) * jnp.asarray(factor, x.dtype))
    return f


def beside(f: Callable[..., Any], dtype: str) -> dict[str, Callable[..., Any]]:
    """The function in float32, with something in another dtype that its derivative has no part of.

    Args:
        f: the function.
        dtype: the other one.
    """
    return {
        "a constant": lambda x: f(x) + jnp.sum(jnp.ones(3, dtype).astype(jnp.float32)),
        "a mask": lambda x: f(x) * jnp.where(jnp.ones(2, dtype) > 0, 1.0, 0.0),
        "a result": lambda x, y=Y: (f(x), y.astype(dtype)),
    }


@pytest.mark.parametrize("dtype", NARROW)
def test_it_hides_nothing_of_what_it_has_no_part_in(dtype: str) -> None:
    for factor, verdict in ((1, Verdict.PROVED), (1.001, Verdict.REFUTED)):
        found = {how: check(f, (X,)) for how, f in beside(sine(factor), dtype).items()}
        assert {how: each.verdict for how, each in found.items()} == dict.fromkeys(found, verdict)

        def hand(x: Any, y: Any, factor: float = factor) -> Any:
            return jnp.cos(x) * np.float32(factor), y.astype(dtype)

        other = compare(hand, lambda x, y: (jnp.cos(x), y.astype(dtype)), X, Y)
        assert other.verdict is verdict


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_rule_that_computes_in_more_digits_is_held_to_what_is_rounded(dtype: str) -> None:
    """Of gelu with 5 % too much only the two conversions round to the dtype."""

    def wide(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: f(x.astype(jnp.float32)).astype(dtype)

    for factor, passes in ((1, True), (1.05, False)):
        f = jax.custom_vjp(wide(jax.nn.gelu))

        def backward(x: Any, g: Any, factor: float = factor) -> Any:
            slope = jax.vmap(jax.grad(jax.nn.gelu))(x.astype(jnp.float32))
            return ((slope * factor * g).astype(dtype),)

        f.defvjp(lambda x: (wide(jax.nn.gelu)(x), x), backward)
        found = check(f, (X.astype(dtype),), special_points=False)
        assert (found.verdict is not Verdict.REFUTED, bool(found)) == (passes, passes)


def test_an_error_is_hidden_by_what_is_rounded_to_it() -> None:
    """Of bfloat16 the last of eight bits is 0.4 %."""

    def f(x: Any, y: Any, factor: float) -> Any:
        return jnp.sum(sine(factor)(x) * y.astype(jnp.bfloat16).astype(jnp.float32))

    assert check(lambda x, y: f(x, y, 1.001), (X, Y)).verdict is Verdict.AGREES
    assert check(lambda x, y: f(x, y, 1.03), (X, Y)).verdict is Verdict.REFUTED


def test_a_derivative_that_is_lost_in_bfloat16() -> None:
    """1 − 1/(1 + eˣ) is 0 where x is −8: functions of bfloat16 are rounded once, not six times."""
    f = jax.custom_jvp(lambda x: jnp.log(1 + jnp.exp(x)))
    f.defjvps(lambda t, out, x: t * (1 - 1 / (1 + jnp.exp(x))))
    for point in (np.float32(-8), np.float32([0.5, -8])):
        found = check(f, (point,), dtypes=["bfloat16"])
        assert found.verdict is Verdict.REFUTED
        assert "at x = -8.0" in str(found) or "-8.0] under jit" in str(found)
    right = jax.custom_jvp(lambda x: jnp.log(1 + jnp.exp(x)))
    right.defjvps(lambda t, out, x: t * jax.nn.sigmoid(x))
    assert check(right, (np.float32(-8),), dtypes=["bfloat16"], special_points=False)


# -- what is rounded before a choice --------------------------------------------------------------


@pytest.mark.parametrize("dtype", NARROW)
def test_what_is_rounded_before_a_comparison_hides_nothing(dtype: str) -> None:
    """A mask of few digits is the mask, or another one; it rounds nothing that is behind it."""

    def hand(x: Any, factor: float) -> Any:
        return jnp.where(x.astype(dtype) > 0, x * np.float32(factor), 0)

    for factor, verdict in ((1, Verdict.PROVED), (1.0005, Verdict.REFUTED)):
        found = compare(lambda x, k=factor: hand(x, k), lambda x: jnp.where(x > 0, x, 0), X)
        assert found.verdict is verdict


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn"])
def test_a_rule_with_a_mask_of_few_digits(dtype: str) -> None:
    for factor, passes in ((1, True), (1.001, False)):
        f = jax.custom_vjp(lambda x: jnp.maximum(x, 0))

        def backward(kept: Any, g: Any, factor: float = factor) -> Any:
            return (jnp.where(kept > 0, g * np.float32(factor), 0),)

        f.defvjp(lambda x: (jnp.maximum(x, 0), x.astype(dtype)), backward)
        assert check(f, (X,), special_points=False).verdict.passes is passes


def _steps(dtype: str) -> dict[str, Callable[[Any], Any]]:
    def short(x: Any) -> Any:
        return x.astype(dtype).astype(jnp.float32)

    def order(x: Any) -> Any:
        return jnp.argsort(x.astype(dtype))

    return {
        "floor": lambda x: jnp.floor(short(x)),
        "floor of a narrow number": lambda x: jnp.floor(x.astype(dtype)).astype(jnp.float32),
        "ceil": lambda x: jnp.ceil(short(x)),
        "round": lambda x: jnp.round(short(x)),
        "sign": lambda x: jnp.sign(short(x)),
        "int8": lambda x: jnp.floor(short(x)).astype(jnp.int8).astype(jnp.float32),
        "an order": lambda x: order(x).astype(jnp.float32) + 1,
        "reduce_precision": lambda x: jnp.floor(jax.lax.reduce_precision(x, 8, 3)),
        "what is sorted by it": lambda x: jnp.cos(x)[order(x)],
        "the largest": lambda x: jax.lax.top_k(short(x), 2)[1] + jnp.ones(2),
        "a switch": lambda x: jax.lax.switch(
            (short(x)[0] > 0).astype(jnp.int32), [lambda y: y + 1, lambda y: y * 3], jnp.cos(x)
        ),
    }


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("name", _steps("bfloat16"))
def test_what_is_rounded_before_a_step_hides_nothing(name: str, dtype: str) -> None:
    """Of integers, signs and orders rounding leaves what they are, or makes others of them."""
    step, point = _steps(dtype)[name], np.float32([0.3, -1.7, 2.6])

    def truth(x: Any, y: Any) -> Any:
        return jnp.sum(jnp.sin(y) * step(jax.lax.stop_gradient(x))[:2])

    for factor, passes in ((1, True), (1.001, False)):
        f = jax.custom_vjp(truth)

        def backward(kept: Any, g: Any, factor: float = factor) -> Any:
            x, y = kept
            slope = jnp.cos(y) * step(jax.lax.stop_gradient(x))[:2]
            return jnp.zeros_like(x), g * np.float32(factor) * slope

        f.defvjp(lambda x, y: (truth(x, y), (x, y)), backward)
        found = check(f, (point, X), argnums=1, special_points=False)
        assert (found.verdict.passes, found.verdict is Verdict.REFUTED) == (passes, not passes)


def test_a_code_of_a_scale_hides_nothing_of_the_scale() -> None:
    """The bounds of the clip are exact in bfloat16."""
    x = np.float32([0.3, -1.7, 2.6])

    def code(s: Any) -> Any:
        codes = jnp.clip(jnp.round((x / s).astype(jnp.bfloat16)), -127, 127).astype(jnp.int8)
        return codes.astype(jnp.float32) * x

    for factor, passes in ((1, True), (1.001, False)):
        f = jax.custom_vjp(lambda s: jnp.sum(s * code(s)))
        f.defvjp(
            lambda s: (jnp.sum(s * code(s)), s),
            lambda s, g, factor=factor: (g * np.float32(factor) * jnp.sum(code(s)),),
        )
        found = check(f, (np.float32(0.05),), special_points=False)
        assert (found.verdict.passes, found.verdict is Verdict.REFUTED) == (passes, not passes)


def test_the_bits_of_a_narrow_number_are_rounded_as_it_is() -> None:
    def bits(x: Any) -> Any:
        short = jax.lax.bitcast_convert_type(x.astype(jnp.bfloat16), jnp.int16)
        return jax.lax.bitcast_convert_type(short + jnp.int16(0), jnp.bfloat16)

    program = trace(bits, (np.float32(3),))
    assert greatest(program, None, errors_of, max, choices=False) == [1]
    sorted_by = trace(lambda x, y: jax.lax.sort((x * x, y), num_keys=1), (X, Y))
    assert greatest(sorted_by, None, errors_of, max, choices=False) == [1, 0]
    assert greatest(sorted_by, None, errors_of, max) == [1, 1]


def test_the_place_of_the_largest_of_narrow_numbers_hides_nothing() -> None:
    def hand(x: Any, factor: float) -> Any:
        return x[jnp.argmax(x.astype(jnp.bfloat16))] * np.float32(factor)

    for factor, verdict in ((1, Verdict.AGREES), (1.001, Verdict.REFUTED)):
        assert compare(lambda x, k=factor: hand(x, k), lambda x: jnp.max(x), X).verdict is verdict


# -- formats that are no dtypes --------------------------------------------------------------------


@pytest.mark.parametrize(("exponent", "mantissa"), [(8, 7), (5, 10), (8, 3)])
def test_what_is_rounded_to_fewer_bits_of_its_dtype_is_off_by_as_much(
    exponent: int, mantissa: int
) -> None:
    def few(x: Any) -> Any:
        return jax.lax.reduce_precision(x, exponent, mantissa)

    unit = 2.0 ** -(mantissa + 1)
    for factor, passes in ((1, True), (1 + 4 * unit, False)):
        f = jax.custom_jvp(lambda x: few(jnp.sin(x)))
        f.defjvps(lambda t, out, x, k=factor: few(t * jnp.cos(x)) * np.float32(k))
        found = check(f, (X,), dtypes=["float32"])
        assert (found.verdict.passes, found.verdict is Verdict.REFUTED) == (passes, not passes)
