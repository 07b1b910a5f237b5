"""What a primitive is read as, before anything is run: a rule, a program, or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import JaxgradError
from jaxgrad.interpret.rules.registry import RULES
from jaxgrad.interpret.walker import no_rule
from jaxgrad.programs.complex_parts import has_complex, parts_program
from jaxgrad.programs.implementations import is_read_by_implementation
from jaxgrad.programs.jaxprs import CALLS, OPAQUE
from jaxgrad.programs.meanings import MEANINGS, READERS, is_read_as_program, meaning_of

__all__ = ["Reading", "reading_of"]

_INTERPRET = Path(inspect.getfile(no_rule)).parent


@dataclass(frozen=True)
class Reading:
    """What a primitive is read as.

    Args:
        kind: ``rule``, ``own rule`` (``@jaxgrad.rule``), ``lowering`` (what implements it, traced),
            ``program`` (one that stands for it), ``known values`` (JAX runs it, where no real
            variable reaches it) or ``none``.
        text: where that is, or why there is none.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


def reading_of(equation: Any) -> Reading:
    """What the walker over numbers makes of an equation.

    Args:
        equation: of a jaxpr.

    Example:
        >>> import jax
        >>> (equation,) = jax.make_jaxpr(jnp.sin)(0.5).eqns
        >>> print(reading_of(equation))
        rule: rules/elementwise.py
    """
    return next(_readings(equation))


def _readings(equation: Any) -> Iterator[Reading]:
    """What it is read as, the first that there is, in the order in which the walker asks."""
    name = equation.primitive.name
    try:
        # What is wrong within a call is said of the equations in it.
        if has_complex(equation) and name not in OPAQUE and name not in CALLS:
            parts_program(equation)
            yield Reading("program", "by real and imaginary parts")
        if name in MEANINGS:
            meaning_of(equation)
            yield Reading("own rule", _place(MEANINGS[name].function))
        if name in READERS and meaning_of(equation) is not None:
            yield Reading("program", f"trusts {READERS[name].trusted}")
        if name in RULES:
            RULES[name].read(name, equation.params)
            yield Reading("rule", _place(RULES[name].meaning))
    except JaxgradError as error:
        yield Reading("none", str(error))
    if is_read_by_implementation(equation):
        yield Reading("lowering", "its own implementation, traced")
    if is_read_as_program(equation):
        yield Reading("program", "one that stands for it")
    if not any(jnp.issubdtype(v.aval.dtype, np.inexact) for v in _arrays(equation.invars)):
        yield Reading("known values", "run by JAX where no real variable reaches it")
    if name in OPAQUE:
        yield Reading("none", "a kernel or a callback, of which only floats can be had")
    yield Reading("none", no_rule(equation))


def _arrays(variables: Any) -> list[Any]:
    return [v for v in variables if hasattr(v.aval, "dtype")]


def _place(function: Any) -> str:
    """The file of a rule of this package; the file and the line of another one."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    file = Path(code.co_filename)
    if _INTERPRET in file.parents:
        return file.relative_to(_INTERPRET).as_posix()
    return f"{file.name}:{code.co_firstlineno}"
