"""A custom rule that works entry by entry, as one of fewer entries.

An activation of a whole batch is the same function of each of its numbers.  Where every operation
of its function and of its rules is of that kind, the program of a few entries is the same one, and
of a single number every special point can be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.interpret.rules.elementwise import ELEMENTWISE, IDENTITY
from jaxgrad.programs.carried_programs import CARRYING
from jaxgrad.programs.custom_rules import CUSTOM_RULES
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import called, inner_jaxpr
from jaxgrad.programs.trace import is_differentiable

__all__ = ["EntryByEntry"]

Shape = tuple[int, ...]

# What gives each entry by that of the same place, or by a number that is the same for all.
_BY_ENTRIES = frozenset((
    *ELEMENTWISE, *IDENTITY, "select_n", "clamp", "convert_element_type", "integer_pow",
    "is_finite", "not", "and", "or", "xor", "eq", "ne", "lt", "le", "gt", "ge", "square",
    "broadcast_in_dim",
))  # fmt: skip


class EntryByEntry:
    """The call of a custom rule, as a function of arrays of any shape.

    Args:
        equation: the call.
    """

    def __init__(self, equation: Any) -> None:
        self.equation = equation
        shapes = {tuple(v.aval.shape) for v in (*equation.invars, *equation.outvars)} - {()}
        self._shape: Shape = next(iter(shapes)) if len(shapes) == 1 else ()
        self._kind = CUSTOM_RULES.get(equation.primitive.name)  # None of a primitive with rules
        of_one = any(not v.aval.shape for v in equation.outvars)  # made of numbers alone
        numbers = all(
            is_differentiable(v.aval.dtype) for v in (*equation.invars, *equation.outvars)
        )
        plain = numbers and not of_one and not equation.params.get("symbolic_zeros")
        self._plain = len(shapes) == 1 and plain and self._kind is not None

    @cached_property
    def holds(self) -> bool:
        """Whether the function and its first derivatives work entry by entry."""
        if not self._plain:
            return False
        return self._is_so(inner_jaxpr(self.equation.params)) and self._is_so(self._derivative)

    def arguments(self, values: Sequence[Any], entries: Any) -> list[Any]:
        """The values of some entries; numbers that are the same for all as they are."""
        flat = [jnp.reshape(x, -1) if np.shape(x) == self._shape else x for x in values]
        return [
            x[entries] if np.shape(value) == self._shape else x
            for x, value in zip(flat, values, strict=True)
        ]

    def __call__(self, *inputs: Any) -> list[Any]:
        """The rule of arrays of a new shape, differentiated by the same rules."""
        shape = max((jnp.shape(x) for x in inputs), key=len)
        return list(self._of(shape)(*inputs))

    # -- the same rule of another shape ----------------------------------------------------------
    def _bound(self, *inputs: Any) -> list[Any]:
        primitive = self.equation.primitive
        return primitive.bind(*inputs, **primitive.get_bind_params(self.equation.params))

    @cached_property
    def _derivative(self) -> Any:
        """The program of the first derivatives, beside the values that the rule gives."""
        inputs, outputs = (
            [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in variables]
            for variables in (self.equation.invars, self.equation.outvars)
        )
        if self._kind == "jvp":
            return jax.make_jaxpr(lambda xs, ts: jax.jvp(self._bound, xs, ts))(inputs, inputs)
        return jax.make_jaxpr(self._pulled)(inputs, outputs)

    def _pulled(self, xs: Any, us: Any) -> Any:
        values, pull = jax.vjp(self._bound, *xs)
        return values, pull(us)

    def _of(self, shape: Shape) -> Callable[..., Any]:
        few = _Few(shape)

        def function(*inputs: Any) -> Any:
            return tuple(few.run(inner_jaxpr(self.equation.params), inputs))

        count = len(self.equation.outvars)
        if self._kind == "jvp":
            rule = jax.custom_jvp(function)

            def forward(primals: Any, tangents: Any) -> Any:
                found = few.run(self._derivative, (*primals, *tangents))
                return tuple(found[:count]), tuple(found[count:])

            rule.defjvp(forward)
            return rule
        rule = jax.custom_vjp(function)

        def ahead(*inputs: Any) -> Any:
            zeros = [jnp.zeros(shape, v.aval.dtype) for v in self.equation.outvars]
            return tuple(few.run(self._derivative, (*inputs, *zeros))[:count]), inputs

        def back(inputs: Any, cotangents: Any) -> Any:
            found = few.run(self._derivative, (*inputs, *cotangents))
            return tuple(found[count:])

        rule.defvjp(ahead, back)
        return rule

    def _is_so(self, program: Any) -> bool:
        """Whether every operation of a program works entry by entry."""
        jaxpr = getattr(program, "jaxpr", program)
        return self._repeated(program, [not v.aval.shape for v in jaxpr.invars]) is not None

    def _repeated(self, program: Any, given: list[bool]) -> list[bool] | None:
        """Which results are one number, or one that is repeated; None if not all is by entries.

        Args:
            given: the same of the inputs.
        """
        jaxpr, constants = getattr(program, "jaxpr", program), getattr(program, "consts", ())
        if any(map(np.ndim, constants)):
            return None
        known: dict[Any, bool] = dict.fromkeys(jaxpr.constvars, True)
        known.update(zip(jaxpr.invars, given, strict=True))
        for equation in jaxpr.eqns:
            arguments = [hasattr(a, "val") or known[a] for a in equation.invars]
            found = self._of_equation(equation, arguments)
            shapes = {tuple(v.aval.shape) for v, one in
                      zip(equation.outvars, found or (), strict=False) if not one}  # fmt: skip
            if found is None or not shapes <= {self._shape}:
                return None
            known.update(zip(equation.outvars, found, strict=True))
        return [hasattr(a, "val") or known[a] for a in jaxpr.outvars]

    def _of_equation(self, equation: Any, given: list[bool]) -> list[bool] | None:
        name = equation.primitive.name
        if name in CUSTOM_RULES:  # its derivatives are looked at where they are asked for
            return [all(given)] * len(equation.outvars) if EntryByEntry(equation).is_part else None
        if name == CARRYING:  # it is nothing of another shape
            return None
        if called(equation) is not None:
            return self._repeated(called(equation), given)
        if name not in _BY_ENTRIES:
            return None
        if name == "broadcast_in_dim" and not given[0]:
            same = equation.invars[0].aval.shape == equation.outvars[0].aval.shape
            return [False] if same else None
        return [all(given)] * len(equation.outvars)

    @property
    def is_part(self) -> bool:
        """Whether the function works entry by entry, or has a single number."""
        shapes = {tuple(v.aval.shape) for v in (*self.equation.invars, *self.equation.outvars)}
        inner = inner_jaxpr(self.equation.params)
        return shapes == {()} or (self._plain and self._is_so(inner))


class _Few:
    """Runs a program that works entry by entry over arrays of another shape.

    A number that is repeated stays one number until it meets others.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def run(self, program: Any, inputs: Sequence[Any], whole: bool = True) -> list[Any]:
        """The results; arrays where they are no single numbers in the program, if asked for."""
        found = evaluated(program, inputs, self._apply, lambda x, a: jnp.asarray(x, a.aval.dtype))
        if not whole:
            return found
        jaxpr = getattr(program, "jaxpr", program)
        return [
            jnp.broadcast_to(x, self.shape) if a.aval.shape else x
            for x, a in zip(found, jaxpr.outvars, strict=True)
        ]

    def _apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        name = equation.primitive.name
        if called(equation) is not None and name not in CUSTOM_RULES:
            return self.run(called(equation), arguments, whole=False)
        if name == "broadcast_in_dim":
            return arguments[:1]
        if self.shape and any(map(jnp.ndim, arguments)):
            arguments = [
                jnp.broadcast_to(x, self.shape) if v.aval.shape else x
                for x, v in zip(arguments, equation.invars, strict=True)
            ]
        if name in CUSTOM_RULES and equation.outvars[0].aval.shape:
            return EntryByEntry(equation)(*arguments)
        return bind(equation, arguments)
