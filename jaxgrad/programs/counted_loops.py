"""Loops that are known to end: those that count up to a bound, as ``fori_loop`` and grids do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from jaxgrad.programs.jaxprs import while_parts

__all__ = ["counts", "turns_of"]


def counts(params: dict[str, Any]) -> list[bool]:
    """Which inputs of the test of a ``while`` are integers that stay or only count.

    Args:
        params: of the equation.

    Example:
        >>> import jax
        >>> body = lambda c: (c[0] + 1, c[1] / 2, (c[1] > 1).astype(int))
        >>> loop = lambda c: jax.lax.while_loop(lambda c: (c[0] < 9) & (c[2] != 0), body, c)
        >>> (equation,) = jax.make_jaxpr(loop)((0, 5.0, 1)).eqns
        >>> counts(equation.params)
        [True, False, False]
    """
    test = getattr(params["cond_jaxpr"], "jaxpr", params["cond_jaxpr"])
    body = getattr(params["body_jaxpr"], "jaxpr", params["body_jaxpr"])
    first, given = params["cond_nconsts"], params["body_nconsts"]
    integers = [np.issubdtype(x.aval.dtype, np.integer) for x in test.invars]
    carried = [
        is_integer and (_stays(body, given, k) or _step(body, given, k) is not None)
        for k, is_integer in enumerate(integers[first:])
    ]
    return [*integers[:first], *carried]


def turns_of(params: dict[str, Any], inputs: Sequence[Any]) -> int | None:
    """How often a ``while`` turns whatever its body computes; None where that is not plain.

    It is where it goes on while a counter is below a bound, to which each turn adds a constant, and
    both are known.

    Args:
        params: of the equation.
        inputs: its inputs, of which some may be no concrete arrays.

    Example:
        >>> import jax
        >>> loop = lambda x: jax.lax.while_loop(lambda c: c[0] < 7, lambda c: (c[0] + 2, -c[1]), x)
        >>> (equation,) = jax.make_jaxpr(loop)((0, 1.0)).eqns
        >>> turns_of(equation.params, [np.int32(1), 0.5])
        3
    """
    test = getattr(params["cond_jaxpr"], "jaxpr", params["cond_jaxpr"])
    body = getattr(params["body_jaxpr"], "jaxpr", params["body_jaxpr"])
    compared = _compared(test)
    if compared is None:
        return None
    test_constants, _, carry = while_parts(params, list(inputs))
    constants = dict(zip(test.invars, test_constants, strict=False))
    places = {atom: k for k, atom in enumerate(test.invars[len(test_constants) :])}
    counter, bound = compared
    if hasattr(counter, "val") or counter not in places:
        return None
    first, step = carry[places[counter]], _step(body, params["body_nconsts"], places[counter])
    if hasattr(bound, "val"):
        last = bound.val
    elif bound in constants:
        last = constants[bound]
    else:
        last = carry[places[bound]] if _stays(body, params["body_nconsts"], places[bound]) else None
    begin, end = _integer(first), _integer(last)
    if step is None or begin is None or end is None:
        return None
    if end + step > np.iinfo(counter.aval.dtype).max:  # past which it is negative again
        return None
    return max(math.ceil((end - begin) / step), 0)


def _compared(test: Any) -> tuple[Any, Any] | None:
    """The counter and the bound, if a program only compares these, converted or not."""
    if not test.eqns:
        return None
    *conversions, last = test.eqns
    if last.primitive.name != "lt" or list(test.outvars) != list(last.outvars):
        return None
    origin: dict[Any, Any] = {}
    for equation in conversions:
        if equation.primitive.name != "convert_element_type":
            return None
        (before,), (after,) = equation.invars, equation.outvars
        if not _holds(after, before):
            return None
        origin[after] = before if hasattr(before, "val") else origin.get(before, before)
    counter, bound = (x if hasattr(x, "val") else origin.get(x, x) for x in last.invars)
    return counter, bound


def _holds(after: Any, before: Any) -> bool:
    """Whether an integer dtype has all numbers of another."""
    dtypes = [np.dtype(x.aval.dtype) for x in (after, before)]
    if not all(np.issubdtype(dtype, np.integer) for dtype in dtypes):
        return False
    wide, narrow = map(np.iinfo, dtypes)
    return wide.min <= narrow.min and wide.max >= narrow.max


def _stays(body: Any, constants: int, place: int) -> bool:
    return body.outvars[place] is body.invars[constants + place]


def _step(body: Any, constants: int, place: int) -> int | None:
    """What each turn adds to an entry of the carry, if it is a positive integer of the program."""
    for equation in body.eqns:
        if body.outvars[place] in equation.outvars and equation.primitive.name == "add":
            left, right = equation.invars
            step = _integer(getattr(right, "val", None))
            if left is body.invars[constants + place] and step is not None and step > 0:
                return step
    return None


def _integer(value: Any) -> int | None:
    """The value, if it is one integer that is known."""
    known = isinstance(value, int | np.integer | np.ndarray | jax.Array)
    if not known or isinstance(value, Tracer) or np.ndim(value):
        return None
    return int(value) if np.issubdtype(np.asarray(value).dtype, np.integer) else None
