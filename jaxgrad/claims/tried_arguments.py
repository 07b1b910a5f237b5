"""Which arguments are tried for a function with a derivative rule, those that show most first.

A matrix whose axes differ shows what a vector hides: a sum without its axis, ``/ shape[0]`` for
``/ size``; two matrices of which one is wide a transpose that is missing.  A number that is handed
on as it is shows as 3, or 0.75, what 1 and 2 hide: a power, or a factor that is lost.  So where it
is 1.0 by default it is given by its name, at which it is held.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxgrad.claims.found_rule import rule_of

__all__ = ["tried_arguments"]

_MATRIX, _WIDE, _SQUARE = "f32[3, 2]", "f32[2, 3]", "f32[3, 3]"
_ROW, _VECTOR, _NUMBER = "f32[2]", "f32[3]", "f32[]"
# Shapes from which those of all arguments are chosen, in this order: of the first ones all choices,
# then those in which there is one of the next ones, too.
_POOLS = ((_MATRIX,), (_ROW,), (_WIDE,), (_NUMBER, _VECTOR), (_SQUARE,), ("i32[3]", "i32[]"))
# Before a pool: shapes that all arguments have.
_ALIKE = {4: (_VECTOR, _NUMBER), 5: ("f32[2, 3, 2]", "f32[1, 3, 2, 2]")}
# At last, and of few arguments all of them: choices of these, quaternions and rows of them among
# them.
_LAST = (_VECTOR, "f32[4]", _NUMBER, _MATRIX, "f32[3, 4]", _SQUARE, "i32[3]", "i32[]")
# How many choices of a pool, and how many calls at most.
_CHOICES = 120
_MOST_LAST = 64
_CALLS = 600

# What Python's numbers are tried as, where they are handed on as they are, by what they are said to
# be: 3 may be no axis, where 1 is one.
_WHOLE = ("3", "2", "1", "0")
_HELD = {"float": ("0.75", "3.0"), "bool": ("True", "False")}
_NO_FACTOR = "0.75"  # in place of 1.0
# And where they are differentiated, or may be.
_GIVEN = {"float": (_NUMBER,), "bool": ("True",), "int": _WHOLE}


def tried_arguments(function: Callable[..., Any]) -> Iterator[tuple[str, ...]]:
    """Arguments for the parameters without a default, or with 1.0, as ``jaxgrad check`` takes them.

    Args:
        function: whose signature is read; of a method nothing is tried.

    Example:
        >>> def scaled(x, by: float): ...
        >>> def by_default(x, axis=1, by=1.0): ...
        >>> import itertools
        >>> list(itertools.islice(tried_arguments(scaled), 2))
        [('f32[3, 2]', 'f32[]'), ('f32[2, 3]', 'f32[]')]
        >>> list(itertools.islice(tried_arguments(by_default), 2))
        [('f32[3, 2]', 'by=0.75'), ('f32[3, 2]',)]
    """
    try:
        parameters = list(_signature(function).parameters.values())
    except (TypeError, ValueError):
        return
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    if needed and needed[0].name == "self":
        return
    static = getattr(rule_of(function), "nondiff_argnums", ())
    places = [p for p in needed if p.kind is not p.VAR_POSITIONAL] or needed[:1]
    numbers = {k: x for k, p in enumerate(places) if (x := _numbers(p, held=k in static))}
    free = [k for k, _ in enumerate(places) if k not in numbers]
    trees = {k: places[k].annotation for k in free if _fields(places[k].annotation)}
    named = tuple(f"{p.name}={_NO_FACTOR}" for p in parameters if _hides_a_factor(p))
    calls = (
        tuple(_written(chosen[k], trees.get(k)) for k, _ in enumerate(places)) + more
        for shapes in dict.fromkeys(_shapes(len(free)))
        for held in _together(numbers)
        for chosen in [held | dict(zip(free, shapes, strict=True))]
        for more in dict.fromkeys((named, ()))
    )
    yield from itertools.islice(calls, _CALLS)


def _shapes(count: int) -> Iterator[tuple[str, ...]]:
    """Shapes of so many arguments."""
    pool: tuple[str, ...] = ()
    for number, more in enumerate(_POOLS):
        yield from ((shape,) * count for shape in _ALIKE.get(number, ()))
        before, pool = pool, pool + more
        choices = itertools.product(pool, repeat=count)
        new = (x for x in choices if not set(x) <= set(before))
        yield from itertools.islice(filter(_has_a_matrix, new), _CHOICES)
    last = itertools.product(_LAST, repeat=count)
    yield from itertools.islice(last, _MOST_LAST)


def _has_a_matrix(shapes: Sequence[str]) -> bool:
    """Whether one has several axes, without which a rule shows little of itself."""
    return any("," in shape for shape in shapes)


def _together(numbers: dict[int, tuple[str, ...]]) -> Iterator[dict[int, str]]:
    """Python's numbers for all that take some: the first choice of each, then the second."""
    for k in range(max(map(len, numbers.values()), default=1)):
        yield {place: texts[min(k, len(texts) - 1)] for place, texts in numbers.items()}


def _numbers(parameter: inspect.Parameter, *, held: bool) -> tuple[str, ...]:
    """What a parameter is tried as that takes one of Python's numbers; nothing if it does not."""
    annotation = parameter.annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return _HELD.get(name, _WHOLE) if held else _GIVEN.get(name, ())


def _hides_a_factor(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is 1.0 where nobody gives it, and can be given by its name."""
    is_named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return is_named and type(parameter.default) is float and parameter.default == 1


def _written(shape: str, annotation: Any) -> str:
    return shape if annotation is None else _tree(annotation, shape)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Its signature, of which texts are read as the annotations that they are, if they can be."""
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # whatever an annotation raises that nobody reads while it is a text
        return inspect.signature(function)


def _fields(annotation: Any) -> tuple[str, ...]:
    """The fields of what a parameter is said to be: of a named tuple or of a dataclass."""
    if dataclasses.is_dataclass(annotation):
        return tuple(field.name for field in dataclasses.fields(annotation) if field.init)
    named = isinstance(annotation, type) and issubclass(annotation, tuple)
    return getattr(annotation, "_fields", ()) if named else ()


def _tree(annotation: Any, shape: str) -> str:
    """One of those all of whose fields are arrays of a shape.

    Example:
        >>> from typing import NamedTuple
        >>> _tree(NamedTuple("State", [("q", float), ("v", float)]), "f32[3]")
        'State(f32[3], f32[3])'
    """
    return f"{annotation.__name__}({', '.join([shape] * len(_fields(annotation)))})"
