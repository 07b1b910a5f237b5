"""Rules that a package outside this one gives to its own primitives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from jaxgrad.errors import ArgumentError
from jaxgrad.interpret.rules.registry import RULES
from jaxgrad.programs.callers_frames import in_callers_frames
from jaxgrad.programs.meanings import MEANINGS, Meaning

__all__ = ["rule"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def rule(name: str, *, harmless: str | Iterable[str] = ()) -> Callable[[_Function], _Function]:
    """Says what a primitive computes, as a JAX function: the decorator of that function.

    Wherever the primitive p stands in a program, y = p(x) is read as y = f(x), over every kind of
    numbers. The derivative rules of p remain its own, and are judged by the derivatives of f; and
    what p itself returns, compiled, is held against f at the points that are judged, in a batch,
    too: an f that is not p there raises ``EnginesDisagree``.  Elsewhere the rule is trusted, and a
    verdict of every real input rests on it.

    Args:
        name: the primitive's name, as a jaxpr shows it.
        harmless: parameters of the primitive that change no result, such as a tile size.  All
            others are handed to the function by name, which takes the inputs by place: in
            ``(x, *, slope)`` or ``(x, slope)`` the slope is a parameter of a primitive of x.

    Returns:
        the decorator; it returns the function as it is.

    Raises:
        ArgumentError: the primitive has a rule already, unless it is the function of that name
            again, as in a notebook; or the name is none, or what is decorated is no function.

    Example:
        >>> from jax.extend.core import Primitive
        >>> doubled = Primitive("doubled")
        >>> _ = doubled.def_impl(lambda x: x + x)
        >>> _ = doubled.def_abstract_eval(lambda x: x)
        >>> @rule("doubled")
        ... def meaning(x):
        ...     return 2 * x
        >>> import jaxgrad
        >>> jaxgrad.compare(doubled.bind, lambda x: x + x, 0.5).verdict
        <Verdict.PROVED: 'PROVED'>

    Source: docs/architecture.md, to add a primitive.
    """
    if not isinstance(name, str):
        raise ArgumentError(
            f'rule: {name!r:.60} is no name; write @jaxgrad.rule("name"), the primitive\'s name as '
            "a jaxpr shows it, above the function"
        )
    unread = frozenset((harmless,) if isinstance(harmless, str) else harmless)

    def register(function: _Function) -> _Function:
        if not callable(function):
            raise ArgumentError(
                f"rule: {function!r:.60} is no function; write @jaxgrad.rule({name!r}) above the "
                "function that computes what the primitive does"
            )
        if name in RULES or (name in MEANINGS and not _is_same(MEANINGS[name].function, function)):
            raise ArgumentError(
                f"rule: the primitive {name!r} has a rule already, {_where(name)}, and a second "
                "one would be ignored or ignore the first; mend that one where it is yours, and "
                "give a primitive of your own a name of its own"
            )
        MEANINGS[name] = Meaning(function, unread, _form(function, name))
        return function

    return in_callers_frames(register)


def _where(name: str) -> str:
    """Where the rule of a primitive is."""
    if name in RULES:
        return "of this package"
    function = MEANINGS[name].function
    code = getattr(inspect.unwrap(function), "__code__", None)
    named = f"`{getattr(function, '__qualname__', repr(function)):.60}`"
    return f"{named} at {code.co_filename}:{code.co_firstlineno}" if code else named


def _form(function: Callable[..., Any], name: str) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(function).parameters.values())
    except ValueError:
        raise ArgumentError(
            f"rule: the arguments of {function!r:.60} cannot be told; write a function of your own "
            f"under @jaxgrad.rule({name!r})"
        ) from None


def _is_same(before: Callable[..., Any], now: Callable[..., Any]) -> bool:
    """Whether it is the function of the same name, as when a notebook's cell is run again."""
    if before is now or getattr(before, "__code__", 0) == getattr(now, "__code__", 1):
        return True
    names = [(f.__module__, f.__qualname__) for f in (before, now) if hasattr(f, "__qualname__")]
    return len(names) == 2 and names[0] == names[1] and not names[0][1].endswith("<lambda>")
