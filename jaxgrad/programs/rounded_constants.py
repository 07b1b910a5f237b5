"""Constants that a program converts to a coarser dtype: meant is the rounded number.

``jnp.clip(x, -0.1, 0.1)`` of a bfloat16 hands a float32 to a program that converts it, and an
integer where the bounds are integers.  Where a variable is converted that is read as the identity,
as of real numbers; a constant is another constant then, in floats and in formulas alike, as where
the same bound stands beside a bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from jaxgrad.programs.jaxprs import CALLS, equations, inner_jaxpr
from jaxgrad.programs.meanings import with_programs

__all__ = ["with_rounded_constants"]

_CONVERSION = "convert_element_type"


def with_rounded_constants(closed: Any) -> Any:
    """The same program, in which constants stand as what they are converted to.

    Args:
        closed: a closed jaxpr.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(lambda x: jnp.clip(x, max=1.2))(jnp.bfloat16(0.5))
        >>> clip = inner_jaxpr(with_rounded_constants(closed).eqns[0].params)
        >>> [equation.primitive.name for equation in equations(clip)]
        ['min']
    """
    if not any(_narrows(equation) for equation in equations(closed)):
        return closed
    return _Rounding().program(closed, {})


def _narrows(equation: Any) -> bool:
    """Whether numbers are converted to a dtype that has not all of them."""
    if equation.primitive.name != _CONVERSION:
        return False
    dtypes = equation.invars[0].aval.dtype, equation.params["new_dtype"]
    if jnp.issubdtype(dtypes[0], jnp.integer) and jnp.issubdtype(dtypes[1], jnp.floating):
        return jnp.finfo(dtypes[1]).nmant < jnp.finfo(np.float32).nmant
    if not all(jnp.issubdtype(dtype, jnp.floating) for dtype in dtypes):
        return False
    before, after = map(jnp.finfo, dtypes)
    return after.nmant < before.nmant or after.maxexp < before.maxexp


class _Rounding:
    """Goes through programs, each once for the same constants, so that equal ones stay one."""

    def __init__(self) -> None:
        self._done: dict[Any, tuple[Any, Any]] = {}  # what is kept keeps its identity

    def program(self, program: Any, known: Mapping[int, Any]) -> Any:
        """The program, of which some inputs are constants: their places, and literals."""
        numbers = ((k, float(known[k].val).hex(), str(known[k].aval)) for k in sorted(known))
        key = id(program), tuple(numbers)
        if key not in self._done:
            self._done[key] = program, self._gone_through(program, known)
        return self._done[key][1]

    def _gone_through(self, program: Any, known: Mapping[int, Any]) -> Any:
        jaxpr = getattr(program, "jaxpr", program)
        constants = {jaxpr.invars[k]: literal for k, literal in known.items()}
        rounded: dict[Any, Any] = {}
        found: list[Any] = []
        for equation in jaxpr.eqns:
            invars = [x if hasattr(x, "val") else rounded.get(x, x) for x in equation.invars]
            given = [x if hasattr(x, "val") else constants.get(x) for x in invars]
            if _narrows(equation) and given[0] is not None:
                (after,) = equation.outvars
                rounded[after] = _rounded(given[0], after.aval)
                continue
            changed = self._inside(equation, given)
            same = all(x is y for x, y in zip(invars, equation.invars, strict=True))
            found.append(changed if same else changed.replace(invars=invars))
        outvars = [x if hasattr(x, "val") else rounded.get(x, x) for x in jaxpr.outvars]
        unchanged = len(found) == len(jaxpr.eqns) and all(
            x is y for x, y in zip(found, jaxpr.eqns, strict=True)
        )
        if unchanged:
            return program
        changed_jaxpr = jaxpr.replace(eqns=found, outvars=outvars)
        return changed_jaxpr if program is jaxpr else program.replace(jaxpr=changed_jaxpr)

    def _inside(self, equation: Any, given: list[Any]) -> Any:
        """The equation, with the programs in it gone through."""
        called = None
        if equation.primitive.name in CALLS:
            called = inner_jaxpr(equation.params)

        def gone_through(program: Any) -> Any:
            return self.program(program, self._known(program, given) if program is called else {})

        params = with_programs(equation.params, gone_through)
        return equation if params is equation.params else equation.replace(params=params)

    def _known(self, program: Any, given: list[Any]) -> dict[int, Any]:
        """The inputs of a call that are constants, where it has as many as the program."""
        if len(getattr(program, "jaxpr", program).invars) != len(given):
            return {}
        return {k: x for k, x in enumerate(given) if x is not None and _is_scalar_number(x)}


def _is_scalar_number(literal: Any) -> bool:
    dtype = literal.aval.dtype
    is_number = jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)
    return np.ndim(literal.val) == 0 and is_number


def _rounded(literal: Any, aval: Any) -> Any:
    return Literal(np.asarray(literal.val, literal.aval.dtype).astype(aval.dtype), aval)
