"""What the results of a derivative do not depend on is left out, and nothing else."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import check
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.programs.live import live
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

X = np.array([0.5, -1.25, 2.0], np.float32)


def _names(program: Any) -> list[str]:
    return [equation.primitive.name for equation in program.jaxpr.eqns]


def test_the_function_is_the_same() -> None:
    def f(x: Any, y: Any) -> Any:
        _ = jnp.cos(y)
        return jnp.sin(x) * X[:2].sum(), x

    program = trace(f, (X, X))
    shorter = live(program)
    assert "cos" in _names(program) and "cos" not in _names(shorter)
    run = jax.core.eval_jaxpr
    for a, b in zip(
        run(program.jaxpr.jaxpr, program.jaxpr.consts, X, X),
        run(shorter.jaxpr.jaxpr, shorter.jaxpr.consts, X, X),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_constants_that_nothing_reads_are_left_out() -> None:
    program = trace(lambda x: (x * jnp.asarray(X), x)[1], (X,))
    assert live(program).jaxpr.consts == [] and len(live(program).jaxpr.jaxpr.constvars) == 0


def test_effects_stay() -> None:
    program = trace(lambda x: (jax.debug.print("{}", x), jnp.cos(x), 2 * x)[-1], (X,))
    names = _names(live(program))
    assert "cos" not in names and any("callback" in name or "print" in name for name in names)


def test_the_second_derivatives_of_a_linear_function_are_one_constant() -> None:
    rules = DerivativePrograms(Primal(lambda x: jnp.cumsum(x) * 2, (X,)), 2, ("fwd", "rev"))
    constants = {rules[modes].constant for modes in rules.nested}
    assert len(rules.nested) == 4 and len(constants) == 1 and None not in constants


def _with_slope(slope: Any) -> Any:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        return x * x

    f.defjvp(lambda primals, tangents: (f(*primals), slope(primals[0]) * tangents[0]))
    return f


@pytest.mark.parametrize("order", [2, 3])
def test_a_constant_second_derivative_that_is_wrong_is_refuted(order: int) -> None:
    """The rule is right to order 1; that its slope depends on x is hidden from JAX."""
    assert check(_with_slope(lambda x: 2 * x), (X,), order).verdict.passes
    cut = _with_slope(lambda x: 2 * jax.lax.stop_gradient(x))
    rules = DerivativePrograms(Primal(cut, (X,)), 2, ("fwd",))
    assert check(cut, (X,), 1).verdict.passes
    assert check(cut, (X,), order).verdict is Verdict.REFUTED
    assert rules.nested == [("fwd", "fwd")]
