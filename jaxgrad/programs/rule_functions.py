"""The Python functions that a custom rule is made of, and what tells one such rule from another."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.programs.carried_programs import (
    CARRYING,
    carried_rule_parts,
    is_of_class,
    place_of_carrying,
)
from jaxgrad.programs.jaxprs import inner_jaxpr, source_place
from jaxgrad.programs.meanings import told_apart

__all__ = [
    "parameters_of_rule",
    "place_of_code",
    "place_of_function",
    "place_of_rule",
    "rule_identity",
    "wrapped_function",
]

# Where an equation keeps the rule: the tangents of a custom_jvp, both passes of a custom_vjp.
PARAMETERS = ("jvp_jaxpr_fun", "fwd_jaxpr_thunk", "bwd")
# Functions that close over one another, or over themselves, are followed so far.
DEEPEST = 3
# Arrays of up to so many numbers are told apart by them, larger ones by which object they are.
MOST_NUMBERS = 2**16
# What an object calls the function that it wraps.
_WRAPPED = ("__wrapped__", "fn", "fun")
# Where libraries are.
_INSTALLED = {"site-packages", "dist-packages"}
_JAX = Path(jax.__file__).parent


def place_of_function(equation: Any) -> str:
    """The file and line of the function that a rule is for; "" if not known."""
    if equation.primitive.name == CARRYING:
        return place_of_carrying(equation)
    return source_place(inner_jaxpr(equation.params))


def place_of_rule(equation: Any) -> str:
    """The file and line of the first function of a rule that does not come with JAX; "" if none.

    A rule of somebody's own may be for a function of JAX.

    Args:
        equation: a call of a ``custom_jvp`` or a ``custom_vjp``.

    Example:
        >>> place_of_rule(jax.make_jaxpr(jax.nn.relu)(1.0).eqns[0])
        ''
    """
    return next(map(place_of_code, _functions(equation)), "")


def place_of_code(function: Any) -> str:
    """The file and line of a function that Python runs.

    Example:
        >>> place_of_code(place_of_code).rpartition("/")[2].partition(":")[0]
        'rule_functions.py'
    """
    code: Any = _code(function)
    return f"{code.co_filename}:{code.co_firstlineno}"


def wrapped_function(equation: Any) -> Any | None:
    """The function that a library has wrapped before it gave JAX a rule for that; None of others.

    ``equinox.filter_custom_vjp`` makes functions of arrays alone, which close over the one meant,
    and ``filter_custom_jvp`` one that closes over the rule alone.

    Args:
        equation: a call of a ``custom_jvp`` or a ``custom_vjp``.
    """
    file = place_of_function(equation).rpartition(":")[0]
    if not _INSTALLED & {*Path(file).parts}:
        return None  # somebody's own, who knows it by its name
    for function in _functions(equation):
        if getattr(_code(function), "co_filename", "") != file:
            return None  # the rule is not the library's
        closed_over = _closed_over(function)
        wrapped = [_attribute(x, name) for x in closed_over for name in _WRAPPED]
        found = next((x for x in (*wrapped, *closed_over) if _is_elsewhere(x, file)), None)
        if found is not None:
            return found
    return None


def _is_elsewhere(x: Any, file: str) -> bool:
    """Whether it is a function with a name whose code is neither in a file nor JAX's."""
    code = _code(x) if callable(x) and hasattr(x, "__name__") else None
    return code is not None and code.co_filename != file and not _is_jaxs(code)


def _is_jaxs(code: Any) -> bool:
    return _JAX in Path(code.co_filename).parents


def parameters_of_rule(equation: Any) -> list[str]:
    """The names of the arguments in the forward pass of a ``custom_vjp``; none if unknown.

    Those in ``nondiff_argnums``, which the backward pass has before all else, are left out.

    Args:
        equation: a call of a ``custom_vjp``, whose function JAX keeps without names.

    Example:
        >>> @jax.custom_vjp
        ... def product(x, y):
        ...     return x * y
        >>> product.defvjp(lambda x, y: (x * y, (x, y)), lambda r, g: (g * r[1], g * r[0]))
        >>> parameters_of_rule(jax.make_jaxpr(product)(1.0, 2.0).eqns[0])
        ['x', 'y']
    """
    forward = _forward(equation)
    if forward is None:
        return []
    names, carries = _names_of_places(forward), equation.primitive.name == CARRYING
    backward = None if carries else next(_functions(equation, ("bwd",)), None)
    static = [] if backward is None else _names_of_places(backward)[:-2]
    return [x for x in names if x not in static] if {*static} <= {*names} else names


def _names_of_places(function: Any) -> list[str]:
    """Those of all parameters; none where some are no places."""
    parameters = inspect.signature(function).parameters.values()
    named = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return [x.name for x in parameters] if all(x.kind in named for x in parameters) else []


def _forward(equation: Any) -> Any | None:
    """What takes the arguments of a rule by their names."""
    if equation.primitive.name != CARRYING:
        return next(_functions(equation, ("fwd_jaxpr_thunk",)), None)
    if is_of_class(equation):
        return equation.params["_prim"].expand
    return next(_own(carried_rule_parts(equation)), None)


def rule_identity(equation: Any) -> Hashable:
    """Equal for two calls by one rule, and not for rules of one code that close over other values.

    Args:
        equation: a call of a ``custom_jvp`` or a ``custom_vjp``.
    """
    if equation.primitive.name == CARRYING and is_of_class(equation):
        primitive = equation.params["_prim"]
        return type(primitive), told_apart(primitive.params)
    return tuple(_identity(function) for function in _functions(equation))


def _functions(equation: Any, names: Sequence[str] = PARAMETERS) -> Iterator[Any]:
    """Those of a rule that are not JAX's own, which wrap them."""
    if equation.primitive.name == CARRYING:
        return _own(carried_rule_parts(equation))
    return _own([equation.params[name] for name in names if name in equation.params])


def _own(waiting: list[Any]) -> Iterator[Any]:
    seen: dict[int, Any] = {}
    while waiting:
        x = waiting.pop(0)
        if id(x) in seen:
            continue
        seen[id(x)] = x
        code = _code(x)
        if code is not None and not _is_jaxs(code):
            yield x
        else:
            waiting += _within(x)


def _code(x: Any) -> Any | None:
    """The code of a function, of a partial one, or of an object of a class that can be called."""
    if isinstance(x, functools.partial):
        return _code(x.func)
    own = _attribute(x, "__code__")
    called = inspect.getattr_static(type(x), "__call__", None)
    return getattr(inspect.unwrap(called), "__code__", None) if own is None and called else own


def _attribute(x: Any, name: str) -> Any:
    """What an object has by this name, and does not make up; None if nothing."""
    return None if inspect.getattr_static(x, name, None) is None else getattr(x, name)


def _within(x: Any) -> list[Any]:
    """What holds the functions that one wraps: a partial one, one of JAX's, a closure."""
    if isinstance(x, functools.partial):
        parts = [x.func, *x.args, *x.keywords.values()]
    elif isinstance(x, tuple | list):
        parts = list(x)
    else:
        wrapped = (_attribute(x, name) for name in ("f", "__func__", "__wrapped__"))
        parts = [*wrapped, *_closed_over(x)]
    return [y for y in parts if callable(y) or isinstance(y, tuple | list) or _attribute(y, "f")]


def _closed_over(function: Any) -> list[Any]:
    """The values that a function closes over, those that have one."""
    found = []
    for cell in getattr(function, "__closure__", None) or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not set yet
            continue
    return found


def _identity(x: Any, depth: int = 0) -> Hashable:
    """A function by its code and what it closes over, or holds: numbers as they are.

    A function that is defined in every call of another one is one rule, and so are two that close
    over arrays of which the numbers are not known, of one shape.
    """
    if isinstance(x, bool | int | float | str | None):
        return type(x), x
    if isinstance(x, jax.custom_jvp | jax.custom_vjp):
        return _identity(x.fun, depth)
    if isinstance(x, np.generic | np.ndarray | jax.Array):
        return x.shape, str(x.dtype), _content(x)
    code = _code(x)
    if code is None or depth > DEEPEST:
        return id(x)
    parts = (*_closed_over(x), *_given(x), *_held(x))
    where = id(_attribute(x, "__globals__"))  # where its other names are looked up
    return code, where, tuple(_identity(y, depth + 1) for y in parts)


def _content(array: Any) -> Hashable:
    """What tells an array from others of its shape and dtype, if its numbers are to be had."""
    if isinstance(array, Tracer) or (isinstance(array, jax.Array) and array.is_deleted()):
        return type(array)
    if array.size > MOST_NUMBERS:
        return id(array)
    known = not jnp.issubdtype(array.dtype, jax.dtypes.extended)
    return np.asarray(array if known else jax.random.key_data(array)).tobytes()


def _given(x: Any) -> list[Any]:
    """What a function is called with beside its arguments: of a partial one, and by default."""
    if isinstance(x, functools.partial):
        keywords = sorted(x.keywords.items())
        return [x.func, *x.args, *(part for pair in keywords for part in pair)]
    by_name = sorted((_attribute(x, "__kwdefaults__") or {}).items())
    return [*(_attribute(x, "__defaults__") or ()), *(part for pair in by_name for part in pair)]


def _held(x: Any) -> list[Any]:
    """What an object holds that can be called, or whose method x is."""
    owner = x if _attribute(x, "__self__") is None else x.__self__
    if inspect.isfunction(owner) or inspect.ismodule(owner) or inspect.isclass(owner):
        return []
    if isinstance(owner, functools.partial):
        return []
    slots = (name for kind in type(owner).__mro__ for name in _names(vars(kind).get("__slots__")))
    held = {name: _attribute(owner, name) for name in slots if name not in _NO_VALUES}
    return [value for _, value in sorted((held | (_attribute(owner, "__dict__") or {})).items())]


# Slots that every class may have, which hold nothing of the object's own.
_NO_VALUES = ("__dict__", "__weakref__")


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots or ())
