"""Whether a derivative program computes a derivative of what it is given, or disregards that."""

from __future__ import annotations

from typing import Any

from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.question import Question
from jaxgrad.programs.jaxprs import called

__all__ = ["is_connected"]


def is_connected(rules: DerivativePrograms, question: Question) -> bool:
    """Whether the derivative program computes it of a cotangent, or of a tangent of the leaf."""
    derived, fixed = rules[question.modes], len(rules.primal.inputs)
    leaf = question.leaf or 0
    backward = question.modes == ("rev",)
    jaxpr = derived.program.jaxpr.jaxpr
    moving = range(fixed, len(jaxpr.invars)) if backward else [fixed + leaf]
    outputs = _reached(jaxpr, {jaxpr.invars[i] for i in moving})
    return any(outputs[derived.values :][slice(leaf, leaf + 1) if backward else slice(None)])


def _reached(jaxpr: Any, variables: set[Any]) -> list[bool]:
    """Of each output, whether it is computed of some of the variables."""
    for equation in jaxpr.eqns:
        of = [_is_in(atom, variables) for atom in equation.invars]
        inner = called(equation) if any(of) else None
        if inner is not None:
            inner = getattr(inner, "jaxpr", inner)
            given = {v for v, moves in zip(inner.invars, of, strict=True) if moves}
            reached = _reached(inner, given)
        else:
            reached = [any(of)] * len(equation.outvars)
        variables |= {v for v, moves in zip(equation.outvars, reached, strict=True) if moves}
    return [_is_in(atom, variables) for atom in jaxpr.outvars]


def _is_in(atom: Any, variables: set[Any]) -> bool:
    return not hasattr(atom, "val") and atom in variables
