"""What is made of a float: by the formula, by the sides of a kink; which of several is shown."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from rules_by_slope import forward as with_rule

from jaxgrad.gradients.floats.derivative_judgement import TrueDerivatives, judge_derivative
from jaxgrad.gradients.floats.judgement import digits_right
from jaxgrad.gradients.floats.programs import compile_derivatives
from jaxgrad.gradients.floats.sides import check_floats
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.interpret.sides import make_side

INF, NAN = math.inf, math.nan


def worst(f: Any, reference: Any, *args: Any) -> Any:
    sides = make_side("hand", f, args), make_side("auto", reference, args)
    (result,) = check_floats(*sides, [leaf.value for leaf in sides[0].inputs])
    return result


def judgement(f: Any, x: Any, value: float) -> Any:
    """Of a float in the place of the derivative at a number."""
    primal = Primal(f, (np.float32(x),))
    (compiled,) = compile_derivatives(primal, "rev")
    exact = TrueDerivatives(compiled, primal.point, compiled.seeds[0])
    return judge_derivative(exact, 0, (), value)


def judged(f: Any, x: Any, value: float) -> Any:
    """(status, reason, grave) of it."""
    found = judgement(f, x, value)
    return found and (found.status, found.reason, found.grave)


def one_sided(x: Any) -> Any:
    return jnp.sqrt(x * x)  # its formula is 0/0 at 0


def removable(x: Any) -> Any:
    return with_rule(jnp.sin, lambda y: y / y * jnp.cos(y))(x)


STABLE = ("STABLE", "", False)
AT_A_KINK = ("UNKNOWN", "at a kink, and not between the sides", False)
BY_SIDES: dict[str, tuple[Any, float, dict[float, Any]]] = {
    "a kink": (one_sided, 0, {
        1.0: STABLE, -1.0: STABLE, 0.5: STABLE, 1 + 1e-7: STABLE, -1 - 1e-7: STABLE,
        1.01: AT_A_KINK, -1.01: AT_A_KINK,
        NAN: ("UNSTABLE", "nan", True), INF: ("UNSTABLE", "infinite", True),
    }),
    "a kink turned around": (lambda x: -one_sided(x), 0, {
        1.0: STABLE, -1.0: STABLE, 1.01: AT_A_KINK, -1.01: AT_A_KINK,
    }),
    "an infinite slope": (jnp.sqrt, 0, {
        INF: STABLE, -INF: ("UNSTABLE", "infinite", True), NAN: ("UNSTABLE", "nan", True),
        5.0: AT_A_KINK,
    }),
    "a slope of minus infinity": (lambda x: -jnp.sqrt(x), 0, {
        -INF: STABLE, INF: ("UNSTABLE", "infinite", True), 5.0: AT_A_KINK,
    }),
    "minus infinity on one side": (lambda x: jnp.where(x < 0, jnp.sqrt(-x), x), 0, {
        -5.0: STABLE, 1.0: STABLE, -INF: STABLE, 1.01: AT_A_KINK,
        INF: ("UNSTABLE", "infinite", True),
    }),
    "infinity on one side": (lambda x: jnp.where(x > 0, jnp.sqrt(x), x), 0, {
        5.0: STABLE, 1.0: STABLE, INF: STABLE, 0.99: AT_A_KINK,
        -INF: ("UNSTABLE", "infinite", True),
    }),
    "a formula without a value": (removable, 0, {
        1.0: STABLE, 1 + 1e-7: STABLE, 1.0001: ("UNSTABLE", "digits lost", False),
        0.9999: ("UNSTABLE", "digits lost", False), 0.0: ("UNSTABLE", "digits lost", False),
        NAN: ("UNSTABLE", "nan", True), -INF: ("UNSTABLE", "infinite", True),
    }),
    "outside of the domain": (lambda x: jnp.sqrt(x) * x, -1, {NAN: None, 1.0: None}),
    "beyond the dtype": (jnp.exp, 100, {
        INF: STABLE, NAN: STABLE, 1.0: STABLE, -1.0: ("UNSTABLE", "digits lost", False),
        -INF: ("UNSTABLE", "infinite", True), 0.0: ("UNSTABLE", "underflow", False),
    }),
}  # fmt: skip


@pytest.mark.parametrize(
    ("f", "x", "value", "found"),
    [(f, x, value, found) for f, x, cases in BY_SIDES.values() for value, found in cases.items()],
    ids=[f"{name}: {value}" for name, (_, _, cases) in BY_SIDES.items() for value in cases],
)
def test_a_float_of_a_derivative_is_judged(f: Any, x: float, value: float, found: Any) -> None:
    assert judged(f, x, value) == found


@pytest.mark.parametrize(
    ("f", "x", "value", "truth"),
    [
        (one_sided, 0, 1.0, "-1.00000000000 from the left and 1.00000000000 from the right"),
        (jnp.sqrt, 0, INF, "inf from one side"),
        (jnp.exp, 100, INF, "2.688117142e+43"),
        (jnp.exp, 0, 1.0, "1.000000000"),
    ],
)  # fmt: skip
def test_the_truth_is_told_of_what_is_stable(f: Any, x: float, value: float, truth: str) -> None:
    found = judgement(f, x, value)
    assert (found.status, found.truth, found.digits) == ("STABLE", truth, INF)


def test_nan_of_a_slope_that_nobody_knows_is_unstable_where_the_function_is_defined() -> None:
    def host(x: Any) -> Any:
        return jax.pure_callback(np.cos, jax.ShapeDtypeStruct((), np.float32), x)

    known, unknown = with_rule(lambda x: jnp.where(x == 0, 5.0, x), host), with_rule(host, host)
    assert judged(known, 0, NAN) == ("UNSTABLE", "nan", False)
    assert judged(known, 0, 1.0)[0] == judged(unknown, 0, NAN)[0] == "UNKNOWN"
    assert "pure_callback" in judged(unknown, 0, NAN)[1]


def test_digits_that_are_right() -> None:
    assert digits_right(0.0, arb(0)) == digits_right(3.0, arb(3)) == INF
    assert digits_right(1.0, arb(0)) == digits_right(INF, arb(3)) == digits_right(1.0, arb("inf"))
    assert digits_right(1.0, arb(0)) == -INF
    assert math.isclose(digits_right(3.0, arb(2)), math.log10(2))
    assert math.isclose(digits_right(-100.1, arb(-100)), 3)


def test_the_furthest_beyond_its_own_allowance_is_shown_and_the_wrong_are_counted() -> None:
    factors = np.float32([1, 1 + 1e-5, 1.1])
    found = worst(lambda v: v * factors, lambda v: 1.0 * v, np.float32([2, 1e6, 1e-3]))
    assert (found.index, found.judged, found.failed, found.reason) == ((2,), 3, 2, "digits lost")
    assert worst(lambda v: v, lambda v: 1.0 * v, np.float32([2, 3])).failed == 0
    broken = worst(lambda v: v / jnp.abs(v), lambda v: v * 1.1, np.float32([1, 0, -1]))
    assert (broken.index, broken.reason, broken.grave, broken.failed) == ((1,), "nan", True, 1)


def test_where_the_formula_has_no_number_the_others_are_shown_or_that_there_is_none() -> None:
    some = worst(jnp.log, jnp.log, np.float32([-1, 2, -3]))
    assert (some.index, some.judged, some.stable) == ((1,), 1, True)
    none = worst(jnp.log, jnp.log, np.float32([[-1, -2]]))
    assert (none.index, none.truth, none.digits, none.stable) == ((0, 0), "nan", -INF, True)


def test_the_first_wrong_integer_is_shown() -> None:
    def places(v: Any) -> Any:
        return jnp.argsort(v)

    found = worst(lambda v: jnp.arange(3), places, np.float32([3, 1, 2]))
    assert (found.index, found.value, found.truth, found.failed) == (
        (0,),
        0.0,
        "1.00000000000000",
        3,
    )
    assert worst(places, places, np.float32([3, 1, 2])).digits == INF
