"""Loops that lose bits with every turn are told when to end by as many bits as it takes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, ctx
from jax import lax

from jaxgrad import Ball, Verdict, check, run_over
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.interpret.loop_precision import MOST_BITS, OpenLoop, bits_of_loops
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.series import Series
from jaxgrad.programs.trace import trace

X = np.float32(0.3)


def late(x: Any) -> Any:
    """Halves until it is below what has lost 250 bits."""
    lost = lax.fori_loop(0, 250, lambda _, y: 3 * y - 2 * y, x / 3)
    return lax.while_loop(lambda y: y > lost / 10, lambda y: y / 2, x)


def test_more_bits_are_taken_where_a_comparison_is_open() -> None:
    program = trace(late, (X,))
    with precision(212):
        before = ctx.prec
        found = interpret(program, Ball(), [objects([exact_ball(X)], ())])[0][()]
        assert ctx.prec == before
    assert found.overlaps(exact_ball(X) / 32) and found.rad() < 1e-20
    assert bits_of_loops(program.jaxpr) == 848
    assert bits_of_loops(trace(lambda x: x, (X,)).jaxpr) == 0


@pytest.mark.parametrize(("factor", "verdict"), [(1, Verdict.AGREES), (1.01, Verdict.REFUTED)])
def test_a_rule_of_such_a_loop_is_judged(factor: float, verdict: Verdict) -> None:
    function: Any = jax.custom_vjp(late)
    function.defvjp(lambda x: (late(x), None), lambda _, g: (factor * g / 32,))
    assert check(function, (X,), domain=lambda x: x > 0.1).verdict is verdict


def test_germs_begin_with_as_many() -> None:
    found = one_sided_derivatives(late, (X,), (1.0,))
    assert found.right[0][1].overlaps(arb(1) / 32) and found.left[0][1].overlaps(arb(1) / 32)


def test_what_a_system_notes_in_a_run_that_is_left_is_not_kept() -> None:
    def f(x: Any) -> Any:
        lost = lax.fori_loop(0, 250, lambda _, y: 3 * y - 2 * y, x / 3)
        chosen = jnp.where(lost > x / 3 - 1e-30, x, 2 * x)
        return lax.while_loop(lambda y: y > lost / 10, lambda y: y / 2, chosen)

    program, germ = trace(f, (X,)), Germ()
    with precision(212):
        (found,) = interpret(program, germ, [objects([germ.line(X, 1)], ())])
    assert isinstance(found[()], Series) and not germ.undecided


def tied(x: Any) -> Any:
    """Asks which of two equal numbers is the larger."""
    same = x * jnp.exp(jnp.log(x)) / x
    return lax.while_loop(lambda y: y > same, lambda y: y / 2, jnp.sin(x) / jnp.sin(x) * x)


def test_a_tie_is_told_by_no_number_of_bits() -> None:
    program = trace(tied, (X,))
    with precision(212), pytest.raises(OpenLoop, match="goes on depends on an open comparison"):
        interpret(program, Ball(), [objects([exact_ball(X)], ())])
    assert bits_of_loops(program.jaxpr) == 0 and ctx.prec < MOST_BITS


@pytest.mark.parametrize(("sharpens", "runs"), [(False, [212]), (True, [212, 848, 3392])])
def test_numbers_that_more_bits_do_not_change_are_run_once(sharpens: bool, runs: list[int]) -> None:
    found: list[int] = []

    class Watched(Ball):
        def compare(self, relation: str, x: arb, y: arb) -> bool | None:
            found.append(ctx.prec)
            return super().compare(relation, x, y)

    Watched.sharpens = sharpens
    with precision(212), pytest.raises(OpenLoop):
        run_over(Watched(), tied, X)
    assert found == runs
