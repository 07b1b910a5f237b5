"""What a verdict rests on: the engines, and what a package outside this one has said."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from jaxgrad.interpret.budgets import has_loops
from jaxgrad.interpret.rules.solution import FEWEST_BITS
from jaxgrad.numbers.function import OUTSIDE
from jaxgrad.programs.implementations import is_read_by_implementation
from jaxgrad.programs.jaxprs import equations, source_name
from jaxgrad.programs.linear_systems import SOLVE
from jaxgrad.programs.meanings import MEANINGS, READERS

__all__ = [
    "BALLS",
    "INTERVALS",
    "POLYNOMIALS",
    "RESIDUES",
    "misread",
    "said_by_others",
    "up_to",
]

_READING = ("the interpreter's rules", "JAX's tracing")
BALLS = ("Arb balls", *_READING)
POLYNOMIALS = ("FLINT polynomials", *_READING)
INTERVALS = ("that float64 arithmetic, as compiled here, rounds to nearest",)
RESIDUES = ("residues modulo primes", "that the numbers drawn are random", *_READING)


def said_by_others(*jaxprs: Any) -> tuple[str, ...]:
    """What is trusted of primitives that are not JAX's, by name, and of kernels.

    Example:
        >>> import jax
        >>> said_by_others(jax.make_jaxpr(abs)(1.0))
        ()
    """
    found = [equation for jaxpr in jaxprs for equation in equations(jaxpr)]
    names = {equation.primitive.name for equation in found}
    rules = [f"what jaxgrad.rule was told of `{name}`" for name in sorted(names & {*MEANINGS})]
    told = [f"what jaxgrad.function was told of `{name}`" for name in sorted(names & OUTSIDE)]
    read = [READERS[name].trusted for name in sorted(names & {*READERS})]
    traced = [f"what the implementation of `{name}` is traced to" for name in _implemented(found)]
    return (*rules, *told, *read, *traced, *_iterated(found))


def up_to(log_error: float) -> str:
    """How likely residues are to be wrong, as the end of a sentence.

    That it is less by how much depends on what was drawn, and is not said.

    Example:
        >>> up_to(-131.4)
        ', up to a probability of error of 2^-100 (random residues)'
    """
    error = min(math.floor(-log_error), 100)
    return f", up to a probability of error of 2^-{error} (random residues)"


def _iterated(equations: Iterable[Any]) -> list[str]:
    """What is said of solvers in the place of whose results the solutions stand."""
    solvers = [x.params["jaxprs"].solve for x in equations if x.primitive.name == SOLVE]
    names = _listed(sorted({source_name(solver) for solver in solvers if has_loops(solver)}))
    return [
        f"what {names} finds of a linear system being its solution, which it is to {FEWEST_BITS} "
        "bits or more"
    ] if names else []  # fmt: skip


def _implemented(equations: Iterable[Any]) -> list[str]:
    return sorted({x.primitive.name for x in equations if is_read_by_implementation(x)})


def misread(jaxpr: Any = None) -> str:
    """Why a program's own run may be another than what it is read as, the likeliest cause first.

    Args:
        jaxpr: the program; None of NumPy code.

    Example:
        >>> import jax
        >>> misread(jax.make_jaxpr(abs)(1.0))
        'a rule of this package misreads an operation of the program, please report it ...'
    """
    found = [] if jaxpr is None else list(equations(jaxpr))
    names = {equation.primitive.name for equation in found}
    causes = [
        f"what jaxgrad.{said} was told of {_listed(told)} is not what it computes"
        for said, known in (("rule", MEANINGS), ("function", OUTSIDE))
        if (told := sorted(names & {*known}))
    ]
    causes.append(
        "a rule of this package misreads an operation of the program, please report it with the "
        "program"
    )
    implemented = _listed(_implemented(found))
    if implemented:
        causes.append(f"the implementation of {implemented} is not what is compiled for it")
    return "; or ".join(causes)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
