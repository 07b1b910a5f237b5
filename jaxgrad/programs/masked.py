"""A traced program in which the argument of one operation is masked, wherever a line has it."""

from __future__ import annotations

import operator
from typing import Any

import jax.numpy as jnp

from jaxgrad.programs.custom_rules import is_rule
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.function_domains import Domain
from jaxgrad.programs.jaxprs import called
from jaxgrad.programs.source_lines import Line, line_of

__all__ = ["Masked"]

_INSIDE = {">": operator.gt, "<": operator.lt, "!=": operator.ne}


class Masked:
    """The program as a function of its flat inputs, which JAX can trace and differentiate.

    Args:
        closed: a closed jaxpr.
        line: the place of the operation.
        name: of its primitive.
        domain: where its argument may lie.
    """

    def __init__(self, closed: Any, line: Line, name: str, domain: Domain) -> None:
        self._closed, self._line, self._name, self._domain = closed, line, name, domain
        self.count = 0
        """How often it was masked in the last run."""

    def __call__(self, *inputs: Any) -> list[Any]:
        self.count = 0
        return self._run(self._closed, inputs, None)

    def _run(self, program: Any, inputs: Any, line: Line | None) -> list[Any]:
        return evaluated(program, inputs, lambda x, arguments: self._apply(x, arguments, line))

    def _apply(self, equation: Any, arguments: list[Any], line: Line | None) -> list[Any]:
        own, name = line_of(equation) or line, equation.primitive.name
        inner = called(equation)
        if inner is not None and not is_rule(equation):
            return self._run(inner, arguments, own)
        inside = None
        if name == self._name and own == self._line:
            self.count += 1
            place = 1 if self._name == "div" else 0
            inside, arguments[place] = self._inside(arguments[place])
        outputs = bind(equation, arguments)
        if inside is not None and self._domain.end is not None:
            end = eval(self._domain.end, {"jnp": jnp})
            outputs = [jnp.where(inside, x, jnp.asarray(end, x.dtype)) for x in outputs]
        return outputs

    def _inside(self, argument: Any) -> tuple[Any, Any]:
        """Where the argument is inside of the domain, and the argument masked."""
        sign, end = self._domain.inside.split()
        inside = _INSIDE[sign](argument, int(end))
        safe = jnp.asarray(float(self._domain.safe), argument.dtype)
        return inside, jnp.where(inside, argument, safe)
