"""Programs over complex numbers as programs over their real and imaginary parts.

Every number system holds real numbers.  An equation with complex operands or results stands for a
program over the parts of these, which JAX traces from the formulas of ``complex_functions.py``, so
that complex numbers are pairs over whichever system runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.dtypes import as_wide_as, has_64_bits
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.meanings import meaning_of

__all__ = [
    "COMPLEX_RULES",
    "ComplexRule",
    "Pair",
    "Values",
    "complex_rule",
    "evaluated_in_parts",
    "flat_parts",
    "has_complex",
    "in_parts",
    "is_complex",
    "joined_parts",
    "parts_program",
    "real_dtype",
    "shape_in_parts",
    "traced_parts",
    "whole_literal",
]


class Pair(NamedTuple):
    """A complex array as two real ones, of whatever numbers.

    Args:
        real: the real part.
        imag: the imaginary part.
    """

    real: Any
    imag: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """That of either part."""
        return self.real.shape


Values: TypeAlias = "list[Any]"
"""Arrays, and pairs of these where they are complex."""

ComplexRule: TypeAlias = "Callable[[Any, Values], list[Any]]"
"""Of an equation and the values of its inputs, those of its outputs, in JAX operations."""

COMPLEX_RULES: dict[str, ComplexRule] = {}
"""Primitive name -> what it is in terms of parts."""

_COMPLEX = frozenset(map(np.dtype, (np.complex64, np.complex128)))
# What equations stand for.
_READ: Kept[Any] = Kept(4096)


def complex_rule(*names: str) -> Callable[[ComplexRule], ComplexRule]:
    """Registers what primitives of these names are in terms of parts."""

    def register(rule: ComplexRule) -> ComplexRule:
        COMPLEX_RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


def is_complex(variable: Any) -> bool:
    """Whether a variable or a literal holds complex numbers."""
    return getattr(variable.aval, "dtype", None) in _COMPLEX


def has_complex(equation: Any) -> bool:
    """Whether an equation takes or returns complex numbers.

    Example:
        >>> (equation,) = jax.make_jaxpr(abs)(1j).eqns
        >>> has_complex(equation)
        True
    """
    return any(map(is_complex, equation.outvars)) or any(map(is_complex, equation.invars))


def real_dtype(dtype: Any) -> Any:
    """The dtype of the parts; of real numbers their own."""
    return np.zeros((), dtype).real.dtype if np.dtype(dtype) in _COMPLEX else dtype


def flat_parts(values: Iterable[Any]) -> list[Any]:
    """The values, both parts of each pair one after the other."""
    return [part for x in values for part in (x if isinstance(x, Pair) else (x,))]


def joined_parts(variables: Iterable[Any], parts: Iterable[Any]) -> list[Any]:
    """Parts as :func:`flat_parts` lists them, as the values of these variables."""
    rest = iter(parts)
    return [Pair(next(rest), next(rest)) if is_complex(v) else next(rest) for v in variables]


def in_parts(closed: Any) -> Callable[..., list[Any]]:
    """A program as a JAX function of the parts of its inputs, which returns those of its outputs.

    Args:
        closed: a closed jaxpr, or an open one without constants.

    Example:
        >>> square = in_parts(jax.make_jaxpr(lambda z: z * z)(1j))
        >>> [float(part) for part in square(1.0, 2.0)]
        [-3.0, 4.0]
    """
    jaxpr = getattr(closed, "jaxpr", closed)
    return lambda *parts: flat_parts(evaluated_in_parts(closed, joined_parts(jaxpr.invars, parts)))


def evaluated_in_parts(closed: Any, values: Values) -> list[Any]:
    """The outputs of a program, of which complex inputs and outputs are pairs."""
    return evaluated(closed, values, _apply, _constant)


def traced_parts(closed: Any) -> Any:
    """As :func:`in_parts`, traced."""
    return jax.make_jaxpr(in_parts(closed))(*flat_parts(map(shape_in_parts, closed.jaxpr.invars)))


def parts_program(equation: Any) -> Any:
    """The closed jaxpr over parts that an equation with complex numbers stands for.

    Raises:
        UnsupportedPrimitive: it is not known of its primitive.
    """
    shapes = tuple(str(v.aval) for v in equation.invars)
    params = tuple(sorted((name, _key(value)) for name, value in equation.params.items()))
    literals = tuple(map(whole_literal, equation.invars))
    key = equation.primitive.name, shapes, params, literals, has_64_bits()
    return _READ.of(key, equation, lambda: _traced(equation))


def whole_literal(atom: Any) -> int | None:
    """The integer that stands in an equation in the place of a variable; None if none does."""
    if not hasattr(atom, "val") or atom.aval.shape or np.dtype(atom.aval.dtype).kind not in "iu":
        return None
    return int(atom.val)


def _key(value: Any) -> str:
    plain = isinstance(value, bool | int | float | str | np.dtype | None)
    return f"{type(value).__name__} {value!r}" if plain else f"id {id(value)}"


def _traced(equation: Any) -> Any:
    def function(*parts: Any) -> list[Any]:
        return flat_parts(_apply(equation, joined_parts(equation.invars, parts)))

    with as_wide_as(equation):
        return jax.make_jaxpr(function)(*flat_parts(map(shape_in_parts, equation.invars)))


def shape_in_parts(variable: Any) -> Any:
    """The shape and dtype of a variable; of a complex one a pair of those of its parts."""
    aval = variable.aval
    shape = jax.ShapeDtypeStruct(aval.shape, real_dtype(aval.dtype))
    return Pair(shape, shape) if is_complex(variable) else shape


def _apply(equation: Any, values: Values) -> list[Any]:
    if not has_complex(equation):
        return bind(equation, values)
    rule = COMPLEX_RULES.get(equation.primitive.name)
    meaning = meaning_of(equation) if rule is None else None
    if meaning is not None:
        return evaluated_in_parts(meaning, values)
    if rule is None:
        raise UnsupportedPrimitive(f"`{equation.primitive.name}` of complex numbers has no rule")
    return rule(equation, values)


def _constant(value: Any, variable: Any) -> Any:
    if not is_complex(variable):
        return value
    number = np.asarray(value, variable.aval.dtype)
    return Pair(np.real(number), np.imag(number))
