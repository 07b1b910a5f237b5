"""Loops that keep what they have when they are done: ``x = where(done, x, following)``.

So are written solvers of a fixed number of steps, and so JAX maps a loop over an axis.  Run on past
their end they do nothing; without the choice they go on.
"""

from __future__ import annotations

from typing import Any

from jaxgrad.programs.jaxprs import called, inner_programs, scan_parts, while_parts

__all__ = ["freezes", "thawed"]


def freezes(program: Any) -> bool:
    """Whether a loop of a program keeps what it has when it is done.

    Args:
        program: a jaxpr, open or closed.

    Example:
        >>> import jax
        >>> def step(_, x):
        ...     return jax.numpy.where(abs(x) < 0.1, x, x / 2)
        >>> freezes(jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, 9, step, x))(1.0))
        True
    """
    jaxpr = getattr(program, "jaxpr", program)
    for equation in jaxpr.eqns:
        body, carried = _body(equation)
        if body is not None and thawed(body, carried) is not body:
            return True
        if any(map(freezes, inner_programs(equation.params))):
            return True
    return False


def _body(equation: Any) -> tuple[Any, int]:
    """The body of a loop and how many values it carries; None of anything else."""
    params, inputs = equation.params, list(equation.invars)
    if equation.primitive.name == "while":
        return params["body_jaxpr"], len(while_parts(params, inputs)[-1])
    if equation.primitive.name == "scan":
        return params["jaxpr"], len(scan_parts(params, inputs)[1])
    return None, 0


def thawed(body: Any, carried: int) -> Any:
    """The body of a loop without its choices between what is carried and what follows.

    Args:
        body: a closed jaxpr, whose last inputs and first results are what is carried.
        carried: how many those are.

    Returns:
        The same object where it has no such choice.
    """
    jaxpr = body.jaxpr
    carry = jaxpr.invars[len(jaxpr.invars) - carried :]
    results = list(jaxpr.outvars)
    for k, (before, after) in enumerate(zip(carry, results[:carried], strict=True)):
        if not hasattr(after, "val") and after is not before:
            results[k] = _other(jaxpr, after, before)
    if all(a is b for a, b in zip(results, jaxpr.outvars, strict=True)):
        return body
    return body.replace(jaxpr=jaxpr.replace(outvars=results))


def _other(jaxpr: Any, variable: Any, kept: Any) -> Any:
    """What a variable is where it is not a kept one; itself where it is no choice between two."""
    cases = _cases(jaxpr, variable)
    others = [case for case in cases if case is not kept]
    return others[0] if len(cases) == 2 and len(others) == 1 else variable


def _cases(jaxpr: Any, variable: Any) -> list[Any]:
    """Between which a variable is chosen, by a ``select_n`` or a call of nothing but one."""
    equation = next((e for e in jaxpr.eqns if any(v is variable for v in e.outvars)), None)
    if equation is None:
        return []
    if equation.primitive.name == "select_n":
        return list(equation.invars[1:])
    inner = called(equation)
    if inner is None:
        return []
    inner = getattr(inner, "jaxpr", inner)
    at = next(k for k, v in enumerate(equation.outvars) if v is variable)
    outer = dict(zip(inner.invars, equation.invars, strict=True))
    cases = [] if hasattr(inner.outvars[at], "val") else _cases(inner, inner.outvars[at])
    known = all(not hasattr(case, "val") and case in outer for case in cases)
    return [outer[case] for case in cases] if known else []
