"""Programs without their custom rules: the same values, the derivatives of the primal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.programs.custom_rules import has_custom_rules, strip_custom_rules


@jax.custom_jvp
def _doubled(x: Any) -> Any:
    return 2 * x


# Wrong on purpose: 100 in place of 2 shows that a rule is still there.
_doubled.defjvp(lambda xs, ts: (2 * xs[0], 100 * ts[0]))


@jax.custom_vjp
def _tripled(x: Any) -> Any:
    return 3 * x


_tripled.defvjp(lambda x: (3 * x, None), lambda _, g: (100 * g,))


def _in_while(x: Any) -> Any:
    return lax.while_loop(
        lambda state: _doubled(state[1]) < 50, lambda s: (s[0] + 1, _doubled(s[1])), (0, x)
    )[1]


def _in_linear_solve(x: Any) -> Any:
    return lax.custom_linear_solve(
        lambda v: 4 * v, x, lambda _, b: _doubled(b) / 8, transpose_solve=lambda _, b: b / 4
    )


PLACES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "jit": (jax.jit(_doubled), 2.0),
    "two rules": (lambda x: _doubled(_tripled(x)), 6.0),
    "scan": (lambda x: lax.scan(lambda c, _: (_doubled(c), None), x, None, length=3)[0], 8.0),
    "cond": (lambda x: lax.cond(x > 0, _doubled, lambda v: v, x), 2.0),
    "switch": (lambda x: lax.switch(1, [jnp.sin, _doubled, jnp.cos], x), 2.0),
    "while": (_in_while, 32.0),
    "fori": (lambda x: lax.fori_loop(0, 2, lambda _, c: _doubled(c), x), 4.0),
    "checkpoint": (jax.checkpoint(_doubled), 2.0),
    "custom_linear_solve": (_in_linear_solve, 0.25),
}


@pytest.mark.parametrize("name", PLACES)
def test_rules_are_stripped_wherever_they_stand(name: str) -> None:
    function, slope = PLACES[name]
    closed = jax.make_jaxpr(function)(1.25)
    assert has_custom_rules(closed)
    stripped = strip_custom_rules(closed)
    assert not has_custom_rules(jax.make_jaxpr(stripped)(1.25))
    value, tangent = jax.jvp(lambda x: stripped(x)[0], (1.25,), (1.0,))
    np.testing.assert_array_equal(value, function(1.25))
    assert float(tangent) == slope


def test_a_loop_whose_condition_alone_has_a_rule() -> None:
    closed = jax.make_jaxpr(_in_while)(1.25)
    (equation,) = [e for e in closed.jaxpr.eqns if e.primitive.name == "while"]
    assert has_custom_rules(equation.params["cond_jaxpr"])
    assert float(strip_custom_rules(closed)(1.25)[0]) == 40.0


def test_a_program_without_rules_is_itself() -> None:
    closed = jax.make_jaxpr(lambda x: (jnp.sin(x), x))(0.5)
    assert not has_custom_rules(closed)
    np.testing.assert_array_equal(strip_custom_rules(closed)(0.5), [jnp.sin(0.5), 0.5])
