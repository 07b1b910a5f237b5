"""A traced program in which the argument of one operation is masked, wherever a line has it."""

from __future__ import annotations

import operator
from typing import Any

import jax.numpy as jnp
from jax.extend import source_info_util

from jaxgrad.programs.custom_rules import CUSTOM_RULES
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
        return self._run(self._closed.jaxpr, self._closed.consts, inputs, None)

    def _run(self, jaxpr: Any, consts: Any, inputs: Any, line: Line | None) -> list[Any]:
        values = dict(zip(jaxpr.constvars, consts, strict=True))
        values.update(zip(jaxpr.invars, inputs, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if hasattr(atom, "val") else values[atom]

        for equation in jaxpr.eqns:
            outputs = self._apply(equation, [read(atom) for atom in equation.invars], line)
            values.update(zip(equation.outvars, outputs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _apply(self, equation: Any, arguments: list[Any], line: Line | None) -> list[Any]:
        own, primitive = line_of(equation) or line, equation.primitive
        inner = called(equation)
        if inner is not None and primitive.name not in CUSTOM_RULES:
            consts = getattr(inner, "consts", ())
            return self._run(getattr(inner, "jaxpr", inner), consts, arguments, own)
        inside = None
        if primitive.name == self._name and own == self._line:
            self.count += 1
            place = 1 if self._name == "div" else 0
            inside, arguments[place] = self._inside(arguments[place])
        parameters = primitive.get_bind_params(equation.params)
        with source_info_util.user_context(equation.source_info.traceback), equation.ctx.manager:
            outputs = primitive.bind(*arguments, **parameters)
        if inside is not None and self._domain.end is not None:
            end = eval(self._domain.end, {"jnp": jnp})
            outputs = jnp.where(inside, outputs, jnp.asarray(end, outputs.dtype))
        return list(outputs) if primitive.multiple_results else [outputs]

    def _inside(self, argument: Any) -> tuple[Any, Any]:
        """Where the argument is inside of the domain, and the argument masked."""
        sign, end = self._domain.inside.split()
        inside = _INSIDE[sign](argument, int(end))
        safe = jnp.asarray(float(self._domain.safe), argument.dtype)
        return inside, jnp.where(inside, argument, safe)
