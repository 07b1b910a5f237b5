"""Pallas kernels as programs: what a kernel computes, by JAX's own interpreter of kernels.

A kernel is a program over references to memory, run for every block of a grid.  JAX's interpreter
turns it into a program over arrays, in which memory that was not written to is NaN.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
from jax import lax

from jaxgrad.programs.meanings import READERS
from jaxgrad.programs.unrolled import unrolled

__all__ = ["PALLAS", "kernel_program"]

PALLAS = "pallas_call"

# What says where a kernel is run, and what changes none of its results.
_UNREAD = frozenset({"backend", "interpret"})

# What parameters and shapes were read as; the parameters are kept, for their identities.
_READ: dict[Any, tuple[Any, Any]] = {}


def kernel_program(equation: Any) -> Any | None:
    """The closed jaxpr that computes what a ``pallas_call`` does; None where JAX has none for it.

    Example:
        >>> from jax.experimental import pallas as pl
        >>> def kernel(x, out):
        ...     out[...] = 2 * x[...]
        >>> x = jax.ShapeDtypeStruct((3,), "float32")
        >>> double = pl.pallas_call(kernel, out_shape=x, interpret=True)
        >>> (equation,) = jax.make_jaxpr(double)(x).eqns
        >>> kernel_program(equation).out_avals
        [ShapedArray(float32[3])]
    """
    params, shapes = equation.params, tuple(str(v.aval) for v in equation.invars)
    wide = jax.dtypes.canonicalize_dtype(float).itemsize == 8
    key = shapes, wide, tuple(sorted((name, id(value)) for name, value in params.items()))
    if key not in _READ:
        _READ[key] = params, _read(equation)
    return _READ[key][1]


def _read(equation: Any) -> Any | None:
    run, known = _interpreter(), {k: v for k, v in equation.params.items() if k not in _UNREAD}
    if run is None or not known.keys() <= _keywords(run):
        return None
    known["debug"] = False  # which prints what is read
    inputs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    try:
        closed = unrolled(jax.make_jaxpr(lambda *xs: tuple(run(*xs, **known)))(*inputs))
    except Exception:  # whatever an interpreter raises of what it knows nothing of
        return None
    wanted = [(v.aval.shape, v.aval.dtype) for v in equation.outvars]
    if [(aval.shape, aval.dtype) for aval in closed.out_avals] != wanted:
        return None
    return _nothing_read_beyond(closed)


@cache
def _interpreter() -> Callable[..., Any] | None:
    """JAX's own, where this release has it."""
    try:
        from jax._src.pallas.hlo_interpreter import pallas_call_hlo_interpret
    except ImportError:
        return None
    return pallas_call_hlo_interpret


@cache
def _keywords(function: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(function).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def _nothing_read_beyond(program: Any) -> Any:
    """A program in which an entry out of bounds is NaN, where a promise was made that none is.

    A masked load promises so, and leaves out what it read there.
    """
    if getattr(program, "jaxpr", program) is not program:  # closed, before jax 0.12
        return program.replace(jaxpr=_nothing_read_beyond(program.jaxpr))
    return program.replace(eqns=[_within_bounds(equation) for equation in program.eqns])


def _within_bounds(equation: Any) -> Any:
    params = dict(equation.params)
    promised = params.get("mode") == lax.GatherScatterMode.PROMISE_IN_BOUNDS
    if promised and equation.primitive.name == "gather":
        params |= {"mode": lax.GatherScatterMode.FILL_OR_DROP, "fill_value": None}
    for name, value in params.items():
        if _is_program(value):
            params[name] = _nothing_read_beyond(value)
        elif isinstance(value, tuple | list) and any(map(_is_program, value)):
            params[name] = type(value)(
                _nothing_read_beyond(x) if _is_program(x) else x for x in value
            )
    return equation.replace(params=params)


def _is_program(value: Any) -> bool:
    return hasattr(getattr(value, "jaxpr", value), "eqns")


READERS[PALLAS] = kernel_program
