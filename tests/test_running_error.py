"""Balls that hold what floating-point arithmetic may return, in every dtype."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from program_strategies import SIZE, RandomProgram, programs
from rule_example import Example
from rule_examples import EXAMPLES
from rule_support import GENERIC

from jaxgrad.gradients.witness import hold_program
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.running_error import (
    ACCURATE_ULPS,
    FLOAT64_ULPS,
    OTHER_ULPS,
    Rounded,
    RunningError,
)
from jaxgrad.programs.trace import trace

DTYPES = [np.float32, np.float16, jnp.bfloat16]
HERE = {name: example for name, example in EXAMPLES.items() if example.here}


def _held(function: Any, *args: np.ndarray) -> int:
    program = trace(function, args)
    return hold_program("f", program, [leaf.value for leaf in program.inputs]).held


@pytest.mark.parametrize("name", HERE)
def test_a_primitive_is_held_against_its_run(name: str) -> None:
    example: Example = HERE[name]
    x, y = GENERIC[example.domain], GENERIC["real"][::-1]
    with jax.enable_x64(True):
        assert _held(example.function, x, y) > 0


@settings(max_examples=25)  # each is another two programs to compile
@given(
    program=programs,
    dtype=st.sampled_from(DTYPES),
    entries=st.lists(st.floats(-3, 3, width=16), min_size=2 * SIZE, max_size=2 * SIZE),
)
def test_a_random_program_and_its_gradient_in_narrow_dtypes(
    program: RandomProgram, dtype: Any, entries: list[float]
) -> None:
    x, y = (np.array(part, dtype) for part in (entries[:SIZE], entries[SIZE:]))
    _held(program, x, y)
    _held(jax.grad(lambda x, y: jnp.sum(program(x, y)), (0, 1)), x, y)


def test_something_is_held_of_a_random_gradient() -> None:
    x = np.array([0.375, -1.125, 2.0], np.float32)
    steps = (("logistic", 0, 1), ("matrix", 2, 0), ("exp", 3, 1))
    program = RandomProgram(steps, "sum")
    assert _held(jax.grad(lambda x: jnp.sum(program(x, x))), x) == SIZE


@pytest.mark.parametrize("dtype", [np.float64, *DTYPES], ids=str)
def test_arithmetic_is_enclosed_and_not_much_more(dtype: Any) -> None:
    system = RunningError(dtype)
    with jax.enable_x64(True):
        limits = jnp.finfo(dtype)
        a, b = (jnp.asarray(x, dtype) for x in (0.7, 0.11))
        x, y = system.constant(float(a)), system.constant(float(b))
        results = {
            "sum": (x + y, a + b),
            "difference": (x - y, a - b),
            "product": (x * y, a * b),
            "quotient": (system.divide(x, y), a / b),
            "power": (system.power(x, 3), a**3),
        }
        for name, (enclosure, result) in results.items():
            assert enclosure.value.contains(arb(float(result))), name
            width = float(enclosure.value.rad()) / abs(float(result))
            assert float(limits.eps) / 2 < width < 64 * float(limits.eps), name
    assert len(results) == 5


def test_a_sum_is_enclosed_in_any_order() -> None:
    terms = [1e8, 1.0, -1e8, 3.0]
    system = RunningError(np.float32)
    found = system.total([system.constant(x) for x in terms]).value
    orders = [np.float32(0), np.float32(0)]
    for x, y in zip(terms, reversed(terms), strict=True):
        orders = [np.float32(orders[0] + np.float32(x)), np.float32(orders[1] + np.float32(y))]
    assert orders[0] != orders[1]
    assert all(found.contains(arb(float(x))) for x in orders)


def test_what_may_overflow_is_unknown() -> None:
    system = RunningError(np.float16)
    large = system.constant(60000.0)
    for value in (large + large, large * large, system.exp(system.constant(12.0))):
        assert not value.value.is_finite()
    assert system.is_finite(large + large) is None


def test_a_choice_that_an_exact_tie_decides_is_not_held_where_quotients_are_rounded() -> None:
    """Two pivots are equal over the reals, and LAPACK's are not: it rounds the quotients first."""
    a = np.array([[0.75, -1, 0], [-0.5, 0.25, 0], [0.25, -0.75, 0]])
    with jax.enable_x64(True):
        assert _held(lambda a: jax.lax.linalg.lu(a)[0], a) == 0
        assert _held(lambda a: jax.lax.linalg.lu(a)[0], a + np.diag([1, 2, 3])) == 9


def test_an_order_of_zeros_is_not_held_where_their_signs_decide() -> None:
    zeros = np.array([-0.0, 0.0], np.float32)
    assert _held(lambda x: jax.lax.top_k(x, 1)[1], zeros) == 0
    assert _held(lambda x: jax.lax.top_k(x, 1)[1], zeros + np.array([0, 1], np.float32)) == 1


def test_what_is_flushed_is_enclosed() -> None:
    system = RunningError(np.float32)
    tiny = system.constant(1e-39)
    assert system.compare("eq", tiny, system.constant(0)) is None
    assert (tiny * system.constant(1e38)).value.contains(arb(0))


def test_matrix_products_are_as_good_as_sums_of_products() -> None:
    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal((4, 4)).astype(np.float32) for _ in range(2))
    system = RunningError(np.float32)
    found = system.matmul(system.constants(a), system.constants(b))
    exact = np.asarray(jnp.asarray(a) @ jnp.asarray(b))
    for index in np.ndindex(exact.shape):
        assert found[index].value.contains(arb(float(exact[index])))
        assert float(found[index].value.rad()) < 1e-5


@pytest.mark.parametrize("order", [10_000.0, 1_000_000.0])
def test_an_incomplete_gamma_function_of_a_large_order_is_held_in_its_terms(order: float) -> None:
    """x^a e^-x/Γ(a) has a small exponent whose terms are large, and so are their errors."""

    def function(x: Any) -> Any:
        return jax.lax.igamma(jnp.float32(order), x)

    program = trace(function, (np.float32(order + 1),))
    assert hold_program("f", program, [leaf.value for leaf in program.inputs]).held == 1


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_angle_of_a_zero_has_either_sign(zero: float) -> None:
    program = trace(lambda y: jnp.arctan2(y, -1.0), (np.float32(zero),))
    assert hold_program("f", program, [leaf.value for leaf in program.inputs]).held == 1


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("count", [2, 10, 100])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("is_tiny", [False, True])
def test_a_sum_is_four_times_as_wide_as_its_rounding(
    dtype: Any, count: int, sign: float, is_tiny: bool
) -> None:
    """Higham (2002), section 4.2: half an ulp of Σ|x| for each term, and what is flushed."""
    system, limits = RunningError(dtype), jnp.finfo(dtype)
    flushed = float(limits.smallest_normal)
    first = 1.5 * (flushed if is_tiny else 1)
    terms = [first * sign**k for k in range(count)]
    once = float(limits.eps) / 2 * first * count
    row, ones = system.constants(np.array([terms])), system.constants(np.ones((count, 1)))
    found = {  # how many are summed, and the enclosure; a product is one more rounding
        count: system.total(list(row[0])).value,
        count + 1: system.matmul(row, ones)[0, 0].value,
    }
    for roundings, enclosure in found.items():
        assert enclosure.contains(arb(sum(terms)))
        width = roundings * (4 * once + flushed)
        assert abs(float(enclosure.rad()) / width - 1) < 2.0**-20


def test_a_sum_of_one_term_is_that_term_and_one_of_zeros_0() -> None:
    system = RunningError(np.float32)
    third = system.divide(system.constant(1), system.constant(3))
    assert float(system.total([third]).value.rad()) == float(third.value.rad())
    zero = system.constant(0)
    assert system.total([]).value.is_zero() and system.total([zero] * 3).value.is_zero()
    assert system.matmul(*(np.full((2, 2), zero),) * 2)[0, 1].value.is_zero()


@pytest.mark.parametrize("y", [1e-30, 1e-3, 0.5, 1.0, 1.5, 2.5, 30.0, 1e4, 1e8])
@pytest.mark.parametrize("radius", [0.0, 0.25])
def test_the_terms_of_an_exponent_are_bounded(y: float, radius: float) -> None:
    """By a number that is no less than each, and no more than (1 + y)(1 + |log y|)."""
    ball = arb(y, y * radius)
    found = RunningError._exponent(ball)
    for point in (arb(y), arb(y) * (1 + radius), arb(y) * (1 - radius)):
        terms = (point, point * point.log(), point.lgamma(), point.log() * (point < 1))
        assert all(found >= abs(term) * (1 - arb(2) ** -20) for term in terms)
    most = (1 + y * (1 + radius)) * (
        1 + max(abs(math.log(y * s)) for s in (1 - radius, 1 + radius))
    )
    assert found <= most * 1.000001


@pytest.mark.parametrize("dtype", [np.float64, *DTYPES], ids=str)
def test_only_what_is_below_the_smallest_normal_number_may_be_flushed(dtype: Any) -> None:
    system = RunningError(dtype)
    least = float(jnp.finfo(dtype).smallest_normal)
    for value in (least, -least, 3.0, 1e4, 0.0):
        exact = system.constant(value).value
        assert exact.is_exact() and exact == value
    for value in (least / 2, -least / 2, least * 0.999):
        tiny = system.constant(value).value
        assert tiny.contains(0) and tiny.contains(arb(value)) and not tiny.contains(2 * value)


@pytest.mark.parametrize("dtype", [np.float64, *DTYPES], ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_power_of_what_cancels_is_held_as_the_product_is(dtype: Any, n: int) -> None:
    def power(x: Any) -> Any:
        return (3 * x - x * 3) ** n

    def product(x: Any) -> Any:
        return math.prod([3 * x - x * 3] * n)

    with jax.enable_x64(True):
        x = np.array([0.1, -1.7], dtype)
        assert _held(power, x) == _held(product, x) == 2
    system = RunningError(dtype)
    tenth, three = system.constant(0.1), system.constant(3)
    found = system.power(three * tenth - tenth * three, n).value
    assert found.contains(0) and not found.contains(1)


# How far XLA's functions may be off, in units in the last place of a result of size 1 or more.
WIDTHS = {
    ("exp", np.float32): ACCURATE_ULPS, ("tanh", np.float16): ACCURATE_ULPS,
    ("log1p", jnp.bfloat16): ACCURATE_ULPS, ("lgamma", np.float32): OTHER_ULPS,
    ("exp", np.float64): FLOAT64_ULPS, ("tanh", np.float64): FLOAT64_ULPS,
    ("lgamma", np.float64): FLOAT64_ULPS, ("digamma", np.float64): FLOAT64_ULPS,
}  # fmt: skip


@pytest.mark.parametrize("name, dtype", WIDTHS, ids=str)
def test_a_function_is_as_wide_as_its_error_and_not_much_wider(name: str, dtype: Any) -> None:
    system = RunningError(dtype)
    for x in (0.5, 1.5, 3.0):
        found = system.function(name, system.constant(x)).value
        size = max(abs(float(found.mid())), 0.0 if FUNCTIONS[name].error == "value" else 1.0)
        unit = float(jnp.finfo(dtype).eps) * size * WIDTHS[name, dtype]
        assert unit * 0.9 < float(found.rad()) < unit * 3


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_products_of_wide_matrices_hold_what_is_rounded_at_the_ends_of_their_entries(
    dtype: Any,
) -> None:
    system, count = RunningError(dtype), 5
    for x in np.array([0.3, 0.7, 1.1, 1.7, 2.3, 100.3], dtype):
        total = dtype(0)
        for _ in range(count):
            total = dtype(total + dtype(x * x))
        for low in (-float(x), 0.0):
            middle, radius = (float(x) + low) / 2, (float(x) - low) / 2
            entries = np.full((count, count), Rounded(arb(middle, radius), system))
            found = system.matmul(entries, entries)[0, 0].value
            assert found.contains(float(total))
            assert not low or found.contains(-float(total))


def test_what_cancels_to_zero_keeps_the_error_of_what_cancelled() -> None:
    system = RunningError(np.float32)
    assert system.rounded(arb(0)).value.is_zero()
    found = system.rounded(arb(0), 2, arb(1)).value
    assert found.contains(0) and 2.0**-24 <= found.rad() <= 2.0**-20


def test_a_dtype_of_numpy_is_no_missing_one() -> None:
    """NumPy says that its float64 equals None."""
    assert RunningError(np.dtype(np.float64)).grid == RunningError(np.float64).grid
