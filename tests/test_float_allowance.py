"""What a float is allowed: every term of the bound, as the formula says, and no more."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad.gradients.enclosure import PRECISIONS
from jaxgrad.gradients.floats.allowance import SIGN_VECTORS, TrueValues
from jaxgrad.gradients.floats.arithmetic import Arithmetic, unit_roundoff
from jaxgrad.gradients.floats.judgement import judge_by_formula
from jaxgrad.gradients.floats.sides import check_floats
from jaxgrad.interpret.sides import make_side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

FIRST = PRECISIONS[0]
U = 2.0**-24
NORMAL = float(np.finfo(np.float32).smallest_normal)


def true_values(f: Any, *args: Any) -> TrueValues:
    """Of a function of arrays."""
    program = trace(f, args)
    values = [leaf.value for leaf in program.inputs]
    return TrueValues(
        lambda inputs: interpret(program, Ball(), inputs),
        program.inputs, values, program.outputs, Arithmetic.of(program),
    )  # fmt: skip


def allowances(exact: TrueValues, index: tuple[int, ...] = (), bits: int = FIRST) -> list[float]:
    with precision(bits):
        return [float(x.mid()) for x in exact.allowances(0, index, bits)]


def test_the_terms_of_the_allowance_are_those_of_the_formula() -> None:
    exact = true_values(lambda x: x * x * x, np.float32(2))  # two roundings
    first, *rest = allowances(exact)
    assert first == 2 * U * 8 + NORMAL
    # One rounding of the input changes x³ by 3u of it, two by twice that, and the bend is seen.
    assert len(rest) == 2 * SIGN_VECTORS
    assert math.isclose(rest[0] - first, 2 * 8 * 3 * U, rel_tol=1e-6)
    assert rest == sorted(rest)
    assert first < rest[0] < rest[-1] < rest[0] * (1 + 1e-6)


def test_where_nothing_rounds_one_rounding_is_allowed() -> None:
    exact = true_values(lambda x: x, np.float32(3))
    assert allowances(exact)[0] == 3 * U + NORMAL
    assert Arithmetic.of(trace(lambda x: x, (np.float32(3),))).times(0) == 1


def hand(x: Any) -> Any:
    """1, at the end of seven roundings."""
    return (jax.lax.optimization_barrier(x * 3.0) / 3.0)[0] * 0.0 + 1.0


# Reached from 1 by seven roundings of each entry, but not by one, and not from twice as far.
BRANCHES: dict[str, tuple[Any, Any]] = {
    "apart": (lambda x, d: x[0] >= x[1] + d, (np.ones(2, np.float32), 8 * U)),
    "all up": (lambda x, d: jnp.sum(x - 1) >= 32 * d, (np.ones(64, np.float32), 12 * U)),
    "all down": (lambda x, d: jnp.sum(x - 1) <= -32 * d, (np.ones(64, np.float32), 12 * U)),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_is_reached_by_as_many_roundings_as_there_are(name: str) -> None:
    taken, (point, distance) = BRANCHES[name]
    assert Arithmetic.of(trace(hand, (point,))).times(0) == 7
    for far, stable in ((distance, True), (2 * distance, False)):

        def step(x: Any, far: float = far) -> Any:
            return jnp.where(taken(x, np.float32(far)), 1.0, 0.0)

        sides = make_side("hand", hand, (point,)), make_side("auto", step, (point,))
        (found,) = check_floats(*sides, [point])
        assert (found.value, found.truth, found.stable) == (1.0, "0", stable)


def test_what_is_held_fixed_does_not_move() -> None:
    exact = true_values(lambda x, n: x**n, np.float32(2), np.int32(2))
    first, *rest = allowances(exact)
    many = Arithmetic.of(trace(lambda x, n: x**n, (np.float32(2), np.int32(2)))).times(0)
    assert math.isclose(first, many * U * 4)
    assert math.isclose(rest[-1] - first, many * 2 * U * 4, rel_tol=1e-5)


def test_the_coarsest_dtypes_that_are_computed_in_come_first() -> None:
    def two(x: Any) -> Any:
        short = x.astype(jnp.float16) * 1
        return short.astype(jnp.float32) + (x.astype(jnp.bfloat16) * 1).astype(jnp.float32)

    own = Arithmetic.of(trace(two, (np.float32(1),)))
    assert own.coarser_than([np.float32]) == ("bfloat16", "float16")
    assert own.coarser_than([np.float32, jnp.float16]) == ("bfloat16",)
    assert own.coarser_than([jnp.bfloat16]) == ()
    assert own.unit(0) == unit_roundoff(jnp.bfloat16)
    assert own.smallest(0) == float(np.finfo(np.float16).smallest_subnormal)
    assert own.smallest(0, 3) == 3 * own.smallest(0)


def test_only_what_is_rounded_on_a_way_to_a_result_counts_and_each_in_its_own_dtype() -> None:
    def f(x: Any, y: Any) -> Any:
        short = (y.astype(jnp.float16) * 3).astype(jnp.float32)
        return x * x * x, short + x, y.astype(jnp.bfloat16)

    own = Arithmetic.of(trace(f, (np.float32(1), np.float32(2))))
    assert (own.times(0), own.unit(0)) == (2, arb(2) ** -24)
    # One rounding to float16, one in it, and one of float32: 2⁻¹³ of one in float16.
    assert (own.times(1), own.unit(1)) == (2 + 2**-13, arb(2) ** -11)
    assert (own.times(2), own.unit(2)) == (1, arb(2) ** -8)
    assert own.smallest(0, 9) == NORMAL and own.smallest(1) == 2**-24
    assert [own.alike(k) for k in range(3)] == [0, 1, 2]
    # An input in a coarser dtype is off by its own rounding, once.
    assert own.moves(0, np.float32) == arb(2) ** -24
    assert own.times(0) * own.moves(0, jnp.float16) == arb(2) ** -11


def test_what_is_rounded_before_a_choice_counts_where_it_is_asked_for() -> None:
    def f(x: Any) -> Any:
        where = jnp.argmax(x.astype(jnp.float16) * 3)
        return jnp.where(x * x > x, x * 3, x)[where]

    program = trace(f, (np.float32([1, 2]),))
    with_choices, without = (Arithmetic.of(program, choices=asked) for asked in (True, False))
    # One rounding to float16 and one in it; or else the one of x * 3.
    assert (with_choices.times(0), with_choices.unit(0)) == (2, arb(2) ** -11)
    assert (without.times(0), without.unit(0)) == (1, arb(2) ** -24)


def test_the_u_and_s_of_a_format_that_is_no_dtype() -> None:
    own = Arithmetic.of(trace(lambda x: jax.lax.reduce_precision(x, 5, 6), (np.float32(1),)))
    assert (own.times(0), own.unit(0), own.smallest(0)) == (1, arb(2) ** -7, 2**-14)


def test_a_loop_that_adds_nothing_is_left_early() -> None:
    def loop(x: Any) -> Any:
        return jax.lax.while_loop(
            lambda at: at[0] < 10**9, lambda at: (at[0] + 1, jnp.maximum(at[1], x)), (0, x * 3)
        )[1]

    program = trace(loop, (np.float32(1),))
    (turning,) = [x for x in program.jaxpr.jaxpr.eqns if x.primitive.name == "while"]
    # Of as many turns nobody would see the end.
    assert Arithmetic.of(program, {id(turning): 10**9}).times(0) == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_functions_of_narrow_floats_are_those_of_float32_rounded(dtype: str) -> None:
    x = np.asarray(1, dtype)
    assert Arithmetic.of(trace(lambda x: 1 / jnp.exp(x), (x,))).times(0) == 4
    assert Arithmetic.of(trace(lambda x: 1 / jnp.exp(x), (np.float32(1),))).times(0) > 10


def test_what_is_known_is_kept_for_each_precision_and_vector() -> None:
    exact = true_values(lambda x: jnp.exp(x[0] - x[1]), np.float32([1, 1 + 2**-20]))
    first = allowances(exact)
    assert exact.evaluations == 1 + 2 * SIGN_VECTORS
    assert len(set(first)) > 3
    allowances(exact, bits=PRECISIONS[-1])
    assert allowances(exact) == first
    assert exact.evaluations == 2 * (1 + 2 * SIGN_VECTORS)
    fine, coarse = exact.values(PRECISIONS[-1])[0][()], exact.values(FIRST)[0][()]
    assert fine.rad() < coarse.rad() * arb(2) ** -100


def test_a_float_that_is_right_takes_one_evaluation_and_one_that_is_not_all() -> None:
    exact = true_values(jnp.exp, np.float32(0))
    right = judge_by_formula(exact, 0, (), 1.0)
    assert right is not None and right.stable and right.digits == math.inf
    assert exact.evaluations == 1
    wrong = judge_by_formula(exact, 0, (), 1.0 + 2**-10)
    assert wrong is not None and (wrong.status, wrong.reason) == ("UNSTABLE", "digits lost")
    assert 3 < wrong.digits < 3.1 and wrong.excess > 100
    assert exact.evaluations == 1 + 2 * SIGN_VECTORS


def test_the_judgement_of_what_is_no_number() -> None:
    exact = true_values(lambda x: 1 - x, np.float32(3))
    found = {value: judge_by_formula(exact, 0, (), value) for value in (math.inf, -math.inf, 0.0)}
    assert [x and (x.reason, x.grave) for x in found.values()] == [
        ("infinite", True), ("infinite", True), ("underflow", False)
    ]  # fmt: skip
    nan, zero = judge_by_formula(exact, 0, (), math.nan), found[0.0]
    assert nan is not None and (nan.status, nan.reason, nan.grave) == ("UNSTABLE", "nan", True)
    assert zero is not None and nan.rank > zero.rank
    assert judge_by_formula(true_values(jnp.log, np.float32(-1)), 0, (), 1.0) is None


def test_the_signs_that_move_a_number_furthest_are_tried_before_it_is_unstable() -> None:
    """Of a difference of two sums of many numbers no drawn vector of signs moves every one."""
    ways = np.where(np.arange(40) % 3 == 0, -1.0, 1.0).astype(np.float32)
    x = np.ones(40, np.float32)
    exact = true_values(lambda x: jnp.sum(x * ways), x)
    sampled, truth = allowances(exact)[-1], float(ways.sum())
    many = Arithmetic.of(trace(lambda x: jnp.sum(x * ways), (x,))).times(0)
    with precision(FIRST):
        furthest = float(exact.furthest(0, (), FIRST).mid())
    assert math.isclose(furthest, many * U * (abs(truth) + 40), rel_tol=1e-3)
    assert sampled < 0.9 * furthest
    for error, status in ((0.95 * furthest, "STABLE"), (1.05 * furthest, "UNSTABLE")):
        found = judge_by_formula(exact, 0, (), truth + error)
        assert found is not None and found.status == status
    assert exact.furthest(0, (), PRECISIONS[-1]) > 0
    wide = true_values(lambda x: jnp.sum(x), np.ones(65, np.float32))
    assert wide.furthest(0, (), FIRST) == 0
