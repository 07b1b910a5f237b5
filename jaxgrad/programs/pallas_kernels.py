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

from jaxgrad.programs.dtypes import has_64_bits
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.meanings import with_programs
from jaxgrad.programs.unrolled import unrolled

__all__ = ["PALLAS", "kernel_program", "runnable"]

PALLAS = "pallas_call"

# What says where a kernel is run, and what changes none of its results.
_UNREAD = frozenset({"backend", "interpret"})

# What parameters and shapes were read as.
_READ: Kept[Any | None] = Kept()


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
    key = shapes, has_64_bits(), tuple(sorted((name, id(x)) for name, x in params.items()))
    return _READ.of(key, params, lambda: _read(equation))


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
    return _rewritten(closed, _within_bounds)


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


def runnable(program: Any) -> Any:
    """A program whose kernels run on this machine: on a CPU by JAX's interpreter of them.

    Args:
        program: a closed jaxpr.
    """
    if jax.default_backend() != "cpu" or not any(map(_is_compiled, equations(program))):
        return program
    return _rewritten(program, _interpreted)


def _is_compiled(equation: Any) -> bool:
    return equation.primitive.name == PALLAS and not equation.params.get("interpret")


def _interpreted(equation: Any) -> dict[str, Any]:
    params = equation.params
    return params | {"interpret": True} if _is_compiled(equation) else params


def _within_bounds(equation: Any) -> dict[str, Any]:
    """Of a gather that promises to read nothing beyond the bounds: NaN is read there.

    A masked load promises so, and leaves out what it read there.
    """
    params = equation.params
    promised = params.get("mode") == lax.GatherScatterMode.PROMISE_IN_BOUNDS
    if promised and equation.primitive.name == "gather":
        return params | {"mode": lax.GatherScatterMode.FILL_OR_DROP, "fill_value": None}
    return params


def _rewritten(program: Any, change: Callable[[Any], dict[str, Any]]) -> Any:
    """A program in which equations, in programs within it, too, have other parameters.

    It is itself where nothing changes: JAX tells by identity that a solver is symmetric.
    """
    jaxpr = getattr(program, "jaxpr", program)
    eqns = [_with_others(equation, change) for equation in jaxpr.eqns]
    if all(x is y for x, y in zip(eqns, jaxpr.eqns, strict=True)):
        return program
    changed = jaxpr.replace(eqns=eqns)
    return changed if jaxpr is program else program.replace(jaxpr=changed)


def _with_others(equation: Any, change: Callable[[Any], dict[str, Any]]) -> Any:
    params = change(equation)
    if equation.primitive.name != PALLAS:  # whose program is over references
        params = with_programs(params, lambda program: _rewritten(program, change))
    return equation if params is equation.params else equation.replace(params=params)
