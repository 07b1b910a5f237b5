"""The programs within an equation: those among its parameters, and the one that its primitive is
read as, because a caller's own package says that it computes that, or JAX implements it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import Parameter
from typing import Any, NamedTuple

import jax

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.carried_programs import CARRYING, carried_program
from jaxgrad.programs.dtypes import has_64_bits
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.kept import Kept

__all__ = [
    "MEANINGS",
    "READERS",
    "READERS_OF_ANY",
    "RULED",
    "Meaning",
    "Reader",
    "as_they_stand",
    "inner_programs",
    "is_read_as_program",
    "kinds_of",
    "meaning_of",
    "told_apart",
    "with_programs",
]

# Enough of a parameter to recognise it by.
_LONGEST = 60


class Meaning:
    """What a primitive computes, as a JAX function of its inputs.

    Args:
        function: takes the inputs, and the parameters that it reads by their names.
        harmless: parameters that it does not read, since they change no result.
        form: the parameters of the function.
    """

    def __init__(
        self, function: Callable[..., Any], harmless: frozenset[str], form: Sequence[Parameter]
    ) -> None:
        self.function, self.harmless, self.form = function, harmless, form
        # What parameters and shapes were traced to.
        self._traced: Kept[Any] = Kept()

    def program(self, equation: Any) -> Any:
        """The closed jaxpr that stands for an equation.

        Raises:
            UnsupportedPrimitive: the equation has a parameter that the function does not take, or
                results of other shapes or dtypes; or the function leads back to the primitive.
            TraceError, ArgumentError: the function cannot be traced with its inputs.
        """
        name = equation.primitive.name
        reads = self._reads(equation)
        unread = [p for p in equation.params if p not in reads | self.harmless]
        if unread:
            raise UnsupportedPrimitive(
                f"`{name}` with {unread[0]}={equation.params[unread[0]]!r:.{_LONGEST}}, of which "
                f"its rule takes no account; give the function under @jaxgrad.rule({name!r}) a "
                f"keyword {unread[0]}, as in (x, *, {unread[0]}), or say harmless={unread[0]!r} "
                "where it changes no result"
            )
        params = {key: value for key, value in equation.params.items() if key in reads}
        shapes = tuple(_kind(variable.aval) for variable in equation.invars)
        key = name, shapes, told_apart(params), has_64_bits()
        return self._traced.of(key, params, lambda: self._read(equation, params, key))

    def _reads(self, equation: Any) -> frozenset[str]:
        """The parameters of an equation that the function takes by name: its keywords, and what it
        takes by place or by name beyond the inputs."""
        several = len(equation.invars)
        if any(p.kind is p.VAR_POSITIONAL for p in self.form):
            several = len(self.form)
        places = [p for p in self.form if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        beyond = [p for p in places[several:] if p.kind is p.POSITIONAL_OR_KEYWORD]
        found = {p.name for p in [*beyond, *(p for p in self.form if p.kind is p.KEYWORD_ONLY)]}
        if any(p.kind is p.VAR_KEYWORD for p in self.form):
            found |= set(equation.params) - {p.name for p in places} - self.harmless
        return frozenset(found)

    def _read(self, equation: Any, params: dict[str, Any], key: Any) -> Any:
        name = equation.primitive.name
        who = f"the function under @jaxgrad.rule({name!r})"
        if key in _BEING_READ:
            raise UnsupportedPrimitive(
                f"{who} leads back to `{name}` itself, so it says nothing of it; compute the same "
                "by other operations"
            )
        inputs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
        _BEING_READ.append(key)
        try:
            with errors_named(who, self.function, inputs):
                closed = jax.make_jaxpr(lambda *xs: self.function(*xs, **params))(*inputs)
            for inner in as_they_stand(closed):
                meaning_of(inner)
        finally:
            _BEING_READ.remove(key)
        found, wanted = kinds_of(closed.out_avals), kinds_of(v.aval for v in equation.outvars)
        if found != wanted:
            raise UnsupportedPrimitive(
                f"`{name}` returns {_listed(wanted)}, and {who} returns {_listed(found)}; return "
                "what the primitive does"
            )
        return closed


# The equations whose meanings are being traced, each within the one before.
_BEING_READ: list[Any] = []

MEANINGS: dict[str, Meaning] = {}
"""Primitive name -> what it computes."""


class Reader(NamedTuple):
    """How a primitive of JAX is read as a program.

    Args:
        program: of an equation the closed jaxpr that it stands for, None where there is none.
        trusted: what a verdict rests on then.
    """

    program: Callable[[Any], Any | None]
    trusted: str


READERS: dict[str, Reader] = {}
"""Primitive of JAX -> how it is read; `programs/readers.py` fills it."""

READERS_OF_ANY: list[Callable[[Any], Any | None]] = []
"""The same for any primitive of which nobody has said anything, asked in this order."""

RULED: set[str] = set()
"""Primitives for which the interpreter has a rule: they are read as no program."""


def told_apart(value: Any) -> Any:
    """A key that tells parameters apart that are equal: 1, 1.0 and True, 0.0 and −0.0."""
    if isinstance(value, dict):
        return tuple((name, told_apart(value[name])) for name in sorted(value))
    if type(value) is tuple:
        return tuple(map(told_apart, value))
    if isinstance(value, int | str | None):
        return type(value), value
    return (float, value.hex()) if type(value) is float else (type(value), id(value))


def as_they_stand(program: Any) -> Iterator[Any]:
    """The equations of a program and of those inside it, whatever their primitives mean."""
    for equation in getattr(program, "jaxpr", program).eqns:
        yield equation
        for inner in inner_programs(equation.params):
            yield from as_they_stand(inner)


def inner_programs(params: dict[str, Any]) -> list[Any]:
    """The programs among the parameters of an equation: bodies of calls, loops and branches."""
    found = []
    for value in params.values():
        parts = value if isinstance(value, tuple | list) else (value,)
        found += filter(_is_program, parts)
    return found


def _is_program(value: Any) -> bool:
    return hasattr(getattr(value, "jaxpr", value), "eqns")


def with_programs(params: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The parameters with others in the place of the programs among them.

    Args:
        params: of an equation.
        change: of a program what takes its place, which may be itself.

    Returns:
        the parameters as they are where nothing changes.
    """

    def changed(value: Any) -> Any:
        if _is_program(value):
            return change(value)
        if not isinstance(value, tuple | list) or not any(map(_is_program, value)):
            return value
        parts = [change(part) if _is_program(part) else part for part in value]
        if all(x is y for x, y in zip(parts, value, strict=True)):
            return value
        # The programs of a `custom_linear_solve` have names.
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)

    found = {name: changed(value) for name, value in params.items()}
    return params if all(found[name] is value for name, value in params.items()) else found


def meaning_of(equation: Any) -> Any | None:
    """The program that stands for an equation, if its primitive has a meaning of this kind.

    Raises:
        UnsupportedPrimitive, TraceError, ArgumentError: as :meth:`Meaning.program`.
    """
    name = equation.primitive.name
    if name in READERS:
        return READERS[name].program(equation)
    if name in MEANINGS:
        return MEANINGS[name].program(equation)
    if name == CARRYING:
        return carried_program(equation)
    return None if name in RULED else _read_by_any(equation)


def is_read_as_program(equation: Any) -> bool:
    """Whether a program stands for an equation, or is said to; what is wrong with it is said where
    it is run."""
    name = equation.primitive.name
    if name in READERS or name in MEANINGS:
        return True
    return name not in RULED and _read_by_any(equation) is not None


def _read_by_any(equation: Any) -> Any | None:
    programs = (reader(equation) for reader in READERS_OF_ANY)
    return next((program for program in programs if program is not None), None)


def kinds_of(avals: Iterable[Any]) -> list[tuple[tuple[int, ...], str]]:
    """Shape and dtype of each."""
    return [_kind(aval) for aval in avals]


def _kind(aval: Any) -> tuple[tuple[int, ...], str]:
    return tuple(aval.shape), str(aval.dtype)


def _listed(kinds: Iterable[tuple[tuple[int, ...], str]]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in kinds) or "nothing"
