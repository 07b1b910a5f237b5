"""How long loops may go on over exact numbers.

A loop that ends in floats, where numbers underflow or stand still, may never end over exact ones.
Budgets count numbers, not seconds, so that a verdict is the same on every machine.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.context import holding
from jaxgrad.programs.jaxprs import holds_primitive

__all__ = [
    "SCAN_BUDGET",
    "WHILE_BUDGET",
    "BudgetSpent",
    "has_loops",
    "nested_too_deeply",
    "numbers_made",
    "require_scan",
    "require_while",
    "while_budget",
]


class BudgetSpent(CannotDecide):
    """A loop went on past its budget; in floating point it may never end either."""


# Numbers that all `while_loop`s may make in one run of a program: at 20 to 50 μs each, 2 to 5
# seconds' worth.
WHILE_BUDGET = 100_000
# One that has turned at most this part of it so often may still end soon: it is of large arrays,
# or one of many that are run one after the other.  Those are 200 turns, four for every bit of a
# float64; a loop that halves until nothing is left takes 150 in float32.
TURNS_SHARE = 500
# Numbers that a `scan` may make, which is known to end: at about 2 μs each in large arrays the
# minute that a given point has.
SCAN_SHARE = 300
SCAN_BUDGET = SCAN_SHARE * WHILE_BUDGET
# What an equation costs beside the numbers that it makes, counted in these.
EQUATION = 10


_while_budget = ContextVar("while_budget", default=WHILE_BUDGET)


@contextlib.contextmanager
def while_budget(numbers: int) -> Iterator[None]:
    """Gives every ``while_loop`` that is run within a block this budget.

    Example:
        >>> with while_budget(10):
        ...     require_while(10, turns=10)
    """
    with holding(_while_budget, numbers):
        yield


def require_while(spent: int, turns: int) -> None:
    """Stops the ``while_loop``s of a program that go on, and have made too many numbers.

    Args:
        spent: how many numbers all of them have made.
        turns: how often that has turned which has turned most.

    Raises:
        BudgetSpent: as it says.
    """
    budget = _while_budget.get()
    goes_on = turns > budget // TURNS_SHARE or spent > SCAN_SHARE * budget
    if spent > budget and goes_on:
        raise BudgetSpent(
            f"a `while_loop` goes on past the budget of {budget} numbers made in it; "
            "over exact numbers it may never end"
        )


def numbers_made(jaxpr: Any) -> int:
    """How many numbers the equations of a program make, without the programs inside them.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> numbers_made(jax.make_jaxpr(lambda x: 2 * jnp.sin(x))(jnp.ones(3)))
        6
    """
    equations = getattr(jaxpr, "jaxpr", jaxpr).eqns
    shapes = (getattr(v.aval, "shape", ()) for equation in equations for v in equation.outvars)
    return sum(map(math.prod, shapes))


def nested_too_deeply() -> str:
    """The reason for having stopped where Python does, at its limit of nested calls."""
    return (
        f"a program or a number in it is nested deeper than Python's limit of "
        f"{sys.getrecursionlimit()} calls; sys.setrecursionlimit raises it"
    )


def has_loops(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, has a ``while_loop`` or a ``scan``.

    Example:
        >>> import jax
        >>> has_loops(jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, 9, lambda i, y: y * y, x))(1.0))
        True
    """
    return holds_primitive(jaxpr, ("while", "scan"))


def require_scan(length: int, body: Any) -> None:
    """Refuses a ``scan`` that is too long, of large arrays or of many equations.

    Raises:
        BudgetSpent: it makes more numbers than its budget.
    """
    equations = len(getattr(body, "jaxpr", body).eqns)
    if length * max(numbers_made(body) + EQUATION * equations, 1) > SCAN_BUDGET:
        raise BudgetSpent(
            f"a `scan` of {length} turns is past the budget of {SCAN_BUDGET} numbers made in it"
        )
