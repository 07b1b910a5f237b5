"""Primitives that are read as a program: what a caller's own package says that they compute."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jax

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.inner import inner_programs
from jaxgrad.programs.jax_errors import errors_named

__all__ = ["MEANINGS", "Meaning", "meaning_of"]

# Enough of a parameter to recognise it by.
_LONGEST = 60


@dataclass(frozen=True)
class Meaning:
    """What a primitive computes, as a JAX function of its inputs.

    Args:
        function: takes the inputs, and the parameters that it reads as keywords.
        harmless: parameters that it does not read, since they change no result.
    """

    function: Callable[..., Any]
    harmless: frozenset[str]

    def program(self, equation: Any) -> Any:
        """The closed jaxpr that stands for an equation.

        Raises:
            UnsupportedPrimitive: the equation has a parameter that the function does not take, or
                results of other shapes or dtypes; or the function uses the primitive itself.
            TraceError, ArgumentError: the function cannot be traced with its inputs.
        """
        name = equation.primitive.name
        parameters = inspect.signature(self.function).parameters.values()
        reads = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        unread = [p for p in equation.params if p not in reads | self.harmless]
        if unread:
            raise UnsupportedPrimitive(
                f"`{name}` with {unread[0]}={equation.params[unread[0]]!r:.{_LONGEST}}, of which "
                f"its rule takes no account; give the function under @jaxgrad.rule({name!r}) a "
                f"keyword {unread[0]}, or say harmless={unread[0]!r} where it changes no result"
            )
        params = {key: value for key, value in equation.params.items() if key in reads}
        shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
        with errors_named(f"the function under @jaxgrad.rule({name!r})", self.function, shapes):
            closed = _traced(self.function, params, tuple(shapes))
        if _holds(closed, name):
            raise UnsupportedPrimitive(
                f"the function under @jaxgrad.rule({name!r}) uses `{name}` itself, so it says "
                "nothing of it; compute the same by other operations"
            )
        found = [_kind(aval) for aval in closed.out_avals]
        wanted = [_kind(variable.aval) for variable in equation.outvars]
        if found != wanted:
            raise UnsupportedPrimitive(
                f"`{name}` returns {_listed(wanted)}, and the function under "
                f"@jaxgrad.rule({name!r}) returns {_listed(found)}; return what the primitive does"
            )
        return closed


def _traced(
    function: Callable[..., Any], params: dict[str, Any], shapes: tuple[jax.ShapeDtypeStruct, ...]
) -> Any:
    """Traced once for the same parameters and shapes, where the parameters can be compared."""
    try:
        wide = jax.dtypes.canonicalize_dtype(float).itemsize == 8
        return _kept(function, tuple(sorted(params.items())), shapes, wide)
    except TypeError:  # a parameter without a hash; a TypeError of the function is raised again
        return jax.make_jaxpr(lambda *xs: function(*xs, **params))(*shapes)


@functools.lru_cache(maxsize=256)
def _kept(
    function: Callable[..., Any],
    params: tuple[tuple[str, Any], ...],
    shapes: tuple[jax.ShapeDtypeStruct, ...],
    wide: bool,
) -> Any:
    return jax.make_jaxpr(lambda *xs: function(*xs, **dict(params)))(*shapes)


MEANINGS: dict[str, Meaning] = {}
"""Primitive name -> what it computes."""


def meaning_of(equation: Any) -> Any | None:
    """The program that stands for an equation, if its primitive has a meaning of this kind."""
    meaning = MEANINGS.get(equation.primitive.name)
    return None if meaning is None else meaning.program(equation)


def _holds(closed: Any, name: str) -> bool:
    """Whether a program holds a primitive, in the programs of its parameters, too."""
    for equation in getattr(closed, "jaxpr", closed).eqns:
        inner = inner_programs(equation.params)
        if equation.primitive.name == name or any(_holds(part, name) for part in inner):
            return True
    return False


def _kind(aval: Any) -> tuple[tuple[int, ...], str]:
    return tuple(aval.shape), str(aval.dtype)


def _listed(kinds: Iterable[tuple[tuple[int, ...], str]]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in kinds) or "nothing"
