"""Primitives without a rule as programs: what their own implementation is traced to.

A package makes a primitive to give it derivatives or a batching rule of its own; what it computes
is most often written in JAX, as its implementation or as the function that is lowered for it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray

from jaxgrad.errors import JaxgradError
from jaxgrad.programs.dtypes import has_64_bits
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.lineax_solves import iterative_solve
from jaxgrad.programs.meanings import (
    MEANINGS,
    READERS,
    RULED,
    as_they_stand,
    is_read_as_program,
    kinds_of,
    meaning_of,
    told_apart,
)

__all__ = ["implementation_program", "is_read_by_implementation", "why_not_read"]

# Implementations that are written by one another are followed so far.
DEEPEST = 30
# What draws numbers again until one of them is right has not the derivative that JAX gives it.
_DRAWN = frozenset({"random_gamma"})


@dataclass(frozen=True)
class _Reading:
    """What came of reading an equation.

    Args:
        program: the closed jaxpr that stands for it, if there is one.
        reason: why there is none, where something could have been traced.
        lacks: the first equations for which there was nothing, of an implementation each.
        known: what was said of primitives then.
    """

    program: Any | None
    reason: str = ""
    lacks: tuple[Any, ...] = ()
    known: tuple[Any, ...] = ()

    def holds(self) -> bool:
        """Whether it is the same still: of what could not be read more may be known by now."""
        if self.program is not None:
            return True
        return self.known == _known() and not any(map(_is_read, self.lacks))


class _Unread(Exception):
    """Why the program of an implementation stands for nothing.

    Args:
        reason: in words.
        lacks: the equation for which there is nothing, if it is that.
    """

    def __init__(self, reason: str, lacks: Any | None = None) -> None:
        super().__init__(reason)
        self.lacks = lacks


class _LeadsBack(Exception):
    """An implementation calls its own primitive.

    Args:
        key: the equation that it leads back to; none if it is not known to end anywhere.
    """

    def __init__(self, key: Any | None) -> None:
        self.key = key


_READ: Kept[_Reading] = Kept()
# The equations whose implementations are being read, each within the one before.
_BEING_READ: list[Any] = []


def implementation_program(equation: Any) -> Any | None:
    """The closed jaxpr that an equation's primitive is implemented by; None where JAX traces none.

    Example:
        >>> from jax.extend.core import Primitive
        >>> doubled = Primitive("doubled")
        >>> _ = doubled.def_impl(lambda x: x + x)
        >>> _ = doubled.def_abstract_eval(lambda x: x)
        >>> (equation,) = jax.make_jaxpr(doubled.bind)(1.0).eqns
        >>> [inner.primitive.name for inner in implementation_program(equation).eqns]
        ['add']
    """
    return _reading(equation).program


def is_read_by_implementation(equation: Any) -> bool:
    """Whether the program that stands for an equation is what its primitive is implemented by."""
    name = equation.primitive.name
    if name in RULED or name in READERS or name in MEANINGS:
        return False
    return implementation_program(equation) is not None


def why_not_read(equation: Any) -> str:
    """Why there is no such program, in words; "" where nothing implements it in JAX."""
    return _reading(equation).reason


def _reading(equation: Any) -> _Reading:
    key = _key(equation)
    if key in _BEING_READ:
        raise _LeadsBack(key)
    if len(_BEING_READ) > DEEPEST:
        raise _LeadsBack(None)
    parts = equation.primitive, equation.params, _ways(equation.primitive)
    return _READ.of(key, parts, lambda: _read(equation, key), _Reading.holds)


def _known() -> tuple[Any, ...]:
    """What is said of primitives now, by name."""
    return dict(MEANINGS), set(RULED)


def _key(equation: Any) -> Any:
    shapes = tuple(str(variable.aval) for variable in equation.invars)
    known = tuple(_bits(atom) for atom in equation.invars)
    primitive, ways = equation.primitive, tuple(map(id, _ways(equation.primitive)))
    return id(primitive), ways, shapes, known, has_64_bits(), told_apart(equation.params)


def _bits(atom: Any) -> bytes | None:
    """A constant that stands in the equation itself."""
    return np.asarray(atom.val).tobytes() if hasattr(atom, "val") else None


def _read(equation: Any, key: Any) -> _Reading:
    reasons, lacks = [], []
    _BEING_READ.append(key)
    try:
        for function in _functions(equation):
            try:
                return _Reading(_traced(function, equation))
            except _LeadsBack as back:
                if back.key != key and len(_BEING_READ) > 1:
                    raise
            except _Unread as error:
                reasons.append(str(error))
                lacks += [] if error.lacks is None else [error.lacks]
            except Exception as error:  # whatever an implementation raises of what is traced
                reasons.append(f"its implementation cannot be traced: {first_line(error)}")
    finally:
        _BEING_READ.pop()
    return _Reading(None, reasons[-1] if reasons else "", tuple(lacks), _known())


def _traced(function: Callable[..., Any], equation: Any) -> Any:
    """The program of a function that computes what an equation does.

    Raises:
        Exception: whatever comes of tracing it.
    """
    primitive, variables = equation.primitive, equation.invars
    params = primitive.get_bind_params(dict(equation.params))
    many = primitive.multiple_results

    def computed(*values: Any) -> Any:
        # A constant of the equation may be an index that the implementation looks something up by.
        given = [
            atom.val if hasattr(atom, "val") else value
            for atom, value in zip(variables, values, strict=True)
        ]
        result = function(*given, **params)
        return tuple(result) if many else result

    inputs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in variables]
    with equation.ctx.manager, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is for who runs it
        closed = jax.make_jaxpr(computed)(*inputs)
    found, wanted = kinds_of(closed.out_avals), kinds_of(v.aval for v in equation.outvars)
    if found != wanted:
        raise _Unread("its implementation returns other shapes or dtypes than it says")
    for inner in as_they_stand(closed):
        with contextlib.suppress(JaxgradError):  # said where it is run
            meaning_of(inner)
    unread = next((x for x in _run_for_certain(closed) if not _is_read(x)), None)
    if unread is not None:
        name = unread.primitive.name
        raise _Unread(f"its implementation calls `{name}`, which has none", unread)
    return closed


def _run_for_certain(program: Any) -> Iterator[Any]:
    """The equations of a program and of calls in it, and none in a branch or a loop."""
    for equation in program.eqns:
        if equation.primitive.name == "jit":
            yield from _run_for_certain(equation.params["jaxpr"])
        else:
            yield equation


def _is_read(equation: Any) -> bool:
    """Whether there is a rule or a program for it; of known integers and keys none is needed."""
    if equation.primitive.name in RULED or is_read_as_program(equation):
        return True
    return not any(jnp.issubdtype(v.aval.dtype, np.inexact) for v in equation.invars)


def _functions(equation: Any) -> Iterator[Callable[..., Any]]:
    """What the primitive is implemented by where it is not compiled, and where it is."""
    primitive = equation.primitive
    if primitive.name in _DRAWN or not all(map(_is_array, (*equation.invars, *equation.outvars))):
        return
    solve = iterative_solve(equation)
    if solve is not None:
        yield solve
    own, *lowerings = _ways(primitive)
    if own is not None:
        yield own
    for lowering in lowerings:
        yield from _lowered(lowering)


def _is_array(atom: Any) -> bool:
    """Whether it is one, and no reference to memory or a token."""
    return isinstance(atom.aval, ShapedArray)


def _ways(primitive: Any) -> tuple[Any, ...]:
    """Its implementation, and what JAX keeps of how it is lowered, here and anywhere."""
    own = vars(primitive).get("impl")
    try:
        from jax._src.interpreters import mlir

        tables = mlir._platform_specific_lowerings.get(jax.default_backend(), {}), mlir._lowerings
    except (ImportError, AttributeError):
        return (own,)
    return own, *(table.get(primitive) for table in tables)


def _lowered(lowering: Any) -> Iterator[Callable[..., Any]]:
    """The JAX function that a primitive is lowered as, if it is.

    ``mlir.lower_fun`` returns a function that closes over its own.
    """
    rule: Any = getattr(lowering, "rule", lowering)
    while isinstance(rule, functools.partial):
        rule = rule.func
    if getattr(rule, "__qualname__", "").startswith("lower_fun."):
        yield inspect.getclosurevars(rule).nonlocals["fun"]
