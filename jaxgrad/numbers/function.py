"""What is known of a real function: one entry, of which every number system and check reads.

No field has a default, so nothing is forgotten in silence: what a function does not have is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flint import arb

from jaxgrad.numbers.domains import Domain
from jaxgrad.numbers.expansions import Coefficients

__all__ = ["ALL", "FUNCTIONS", "NO_LIMITS", "Function", "define"]

ALL = math.inf
"""Of :attr:`Function.derivatives`: every one of them."""
NO_LIMITS = (None, None)


@dataclass(frozen=True, kw_only=True)
class Function:
    """All that is known of one function of real numbers.

    Args:
        name: what it is called; where JAX has a primitive that is it, the name of that.
        arity: of how many numbers it is a function.
        definition: of a number system and elements, the function made of others; None if it is
            made of none.  Systems that do not know the function better compute it so.
        ball: of balls, one that holds every value; NaN where there may be none.  None: by the
            definition.
        taylor: of which arguments the Taylor coefficients are known while the others stay as they
            are: argument -> (*arguments, n) -> the first n, NaN where there are none.
        domain: where it has a value; None: everywhere.
        parity: f(-x) = -f(x), or f(-x) = f(x), or neither (None).
        jumps: whether it jumps "somewhere", or is made of "steps": constant elsewhere than at
            multiples of 1/2, and computed without an error.  None: it is continuous.
        limits: at −∞ and at +∞; None where there is none, or none is known.
        float64: of NumPy arrays, its values; NaN where there are none.  None: by the
            definition, if it has one.
        critical: where a program that uses it may break or decide: (words with {} for the name,
            a function of NumPy arrays that vanishes there).
        ulps: how far the primitive's result is off, in units in the last place; None if there is
            no such primitive.
        error: what it is relative to: the "value", even near its zeros; "one", where the value
            is smaller; the "exponents" by whose difference the value is computed.
        numpy: the names of NumPy's functions that are it.
        elementwise: whether the primitive is this function of each entry and nothing else.
        derivatives: how many of JAX's derivatives of the primitive are those of the function.
    """

    name: str
    arity: int
    definition: Callable[..., Any] | None
    ball: Callable[..., arb] | None
    taylor: Mapping[int, Callable[..., Coefficients]]
    domain: Domain | None
    parity: Literal["odd", "even"] | None
    jumps: Literal["somewhere", "steps"] | None
    limits: tuple[float | None, float | None]
    float64: Callable[..., Any] | None
    critical: tuple[tuple[str, Callable[..., Any]], ...]
    ulps: int | None
    error: Literal["value", "one", "exponents"]
    numpy: tuple[str, ...]
    elementwise: bool
    derivatives: float

    def __post_init__(self) -> None:
        told = f"the function {self.name!r}: "
        if self.definition is None and self.ball is None:
            raise ValueError(f"{told}neither its balls nor a definition; give one of them")
        if self.parity not in ("odd", "even", None) or (self.parity and self.arity != 1):
            raise ValueError(f"{told}parity is 'odd' or 'even', of one argument, or None")
        if self.jumps not in ("somewhere", "steps", None):
            raise ValueError(f"{told}jumps is 'somewhere', 'steps' or None")
        if self.error not in ("value", "one", "exponents"):
            raise ValueError(f"{told}error is relative to its 'value', to 'one' or 'exponents'")
        if not set(self.taylor) <= set(range(self.arity)):
            raise ValueError(f"{told}Taylor coefficients in an argument that it does not have")
        if len(self.limits) != 2 or (self.arity != 1 and self.limits != NO_LIMITS):
            raise ValueError(f"{told}limits are those at −∞ and +∞, of one argument, or NO_LIMITS")
        if self.elementwise and self.ulps is None:
            raise ValueError(f"{told}nothing is said of how far the primitive's result is off")


FUNCTIONS: dict[str, Function] = {}
"""Name -> what is known of the function; filled by :mod:`jaxgrad.numbers.functions`."""


def define(name: str, **known: Any) -> Function:
    """Adds the entry of a function, of which every field of :class:`Function` is given.

    Raises:
        ValueError: there is one of this name, or fields contradict one another.
        TypeError: a field is missing.
    """
    if name in FUNCTIONS:
        raise ValueError(f"the function {name!r} has two entries; keep the right one")
    FUNCTIONS[name] = Function(name=name, **known)
    return FUNCTIONS[name]
