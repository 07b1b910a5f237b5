"""Whether loops are meant as they stand, or for the solution that they come near to."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.meant import loops_are_meant
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.run_on import Ended, ended
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict


def ruled(function: Any, slope: Any) -> Any:
    found = jax.custom_vjp(function)
    found.defvjp(lambda x: ((y := function(x)), (x, y)), lambda kept, g: (g * slope(*kept),))
    return found


def turned(turns: int, step: Any, start: Any = jnp.ones_like) -> Any:
    return lambda x: lax.fori_loop(0, turns, lambda _, y: step(x, y), start(x))


def newton(turns: int) -> Any:
    return turned(turns, lambda x, y: 0.5 * (y + x / y))


def lambert(x: Any, w: Any) -> Any:
    """A turn of Newton's iteration for w·eʷ = x."""
    return w - (w * jnp.exp(w) - x) / (jnp.exp(w) * (w + 1))


LAMBERT = turned(8, lambert, jnp.log1p)
TOWARDS_2 = turned(4, lambda _, y: 0.5 * y + 1)  # 1.9375 after four turns
EIGHTH_POWER = turned(3, lambda _, y: y * y, lambda x: x)
COUNTED = turned(3, lambda _, y: y + 1, lambda x: x)


def of_root(x: Any, y: Any) -> Any:
    return 0.5 / y


def of_lambert(x: Any, w: Any) -> Any:
    return 1 / (jnp.exp(w) * (1 + w))


def with_a_constant(x: Any) -> Any:
    return x * x / 3 * TOWARDS_2(x)


def of_it(x: Any, y: Any) -> Any:
    return x * (2 / 3) * TOWARDS_2(x)


def of_eighth_power(x: Any, y: Any) -> Any:
    return 8 * x**7


@pytest.mark.parametrize(
    ("function", "slope", "x", "meant"),
    [
        # At a solution nobody knows, whether or not what rounding hides is left.
        (newton(6), of_root, 3.0, False),
        (newton(20), of_root, 3.0, False),
        (LAMBERT, of_lambert, 1.0, False),
        # Before it, the rule is that of the loops as they stand, to all digits or but for rounding.
        (newton(2), lambda x, y: jax.grad(newton(2))(x), 3.0, True),
        (with_a_constant, of_it, 0.7, True),
        (COUNTED, lambda x, y: jnp.ones_like(x), 0.7, True),
        # At 0 all powers are 0.
        (EIGHTH_POWER, of_eighth_power, 0.75, True),
        (EIGHTH_POWER, of_eighth_power, 0.0, False),
        # A rule that does not agree shows nothing.
        (newton(2), of_root, 3.0, False),
        (lambda x: x * x, lambda x, y: 2 * x, 3.0, False),
    ],
)
def test_whether_loops_are_meant(function: Any, slope: Any, x: float, meant: bool) -> None:
    at = np.float32(x)
    primal = Primal(ruled(function, slope), (at,), None)
    rules = DerivativePrograms(primal, order=1, modes=("rev",), linear=True, exact=False)
    assert loops_are_meant(rules, [at]) is meant


@pytest.mark.parametrize("factor", [1.0, 1.0001])
@pytest.mark.parametrize(
    ("function", "slope", "x"),
    [
        (newton(12), of_root, 2.0),  # Below 0 it goes about and finds nothing.
        (newton(20), of_root, 2.0),
        (LAMBERT, of_lambert, 1.0),  # Nor is there a real root below −1/e.
        (LAMBERT, of_lambert, -0.2),
    ],
)
def test_the_rule_of_a_solution_is_no_fault_where_there_is_none(
    function: Any, slope: Any, x: float, factor: float
) -> None:
    found = check(ruled(function, lambda *kept: factor * slope(*kept)), (np.float32(x),))
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED)


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(
    ("function", "slope", "x"),
    [
        (with_a_constant, of_it, 0.7),
        (EIGHTH_POWER, of_eighth_power, 0.0),
        (COUNTED, lambda x, y: jnp.ones_like(x), 0.7),
    ],
)
def test_loops_that_are_meant_excuse_nothing_elsewhere(
    function: Any, slope: Any, x: float, wrong: bool
) -> None:
    """The rule is wrong below −2 alone, or below 0, where nobody asked."""
    factor = -7.0 if wrong else 1.0
    rule = ruled(function, lambda x, y: jnp.where(x < -0.1, factor, 1.0) * slope(x, y))
    assert check(rule, (np.float32(x),)).verdict.passes is not wrong


def test_what_goes_on_by_the_same_steps_for_ever_is_at_no_solution() -> None:
    """Each turn changes less than half the digits, the next ones no less than those before."""
    x = np.float32(1e6)
    for turns in (8, 20):
        program = trace(turned(turns, lambda _, y: y - 1, lambda x: x), (x,))
        assert ended(program, [Ball().constants(x)], 23.0) is Ended.BEFORE
    program = trace(turned(20, lambda _, y: 0.5 * (y + 1), lambda x: x), (np.float32(3),))
    assert ended(program, [Ball().constants(np.float32(3))], 23.0) is Ended.AT_A_SOLUTION
