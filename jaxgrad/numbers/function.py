"""What is known of a real function: one entry, which every number system and check reads.

No field has a default, so nothing is forgotten in silence: what a function does not have is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from flint import arb, fmpq_mpoly

from jaxgrad.errors import ArgumentError

__all__ = ["ALL", "FUNCTIONS", "NO_LIMITS", "OUTSIDE", "Condition", "Domain", "Function", "define"]

ALL = math.inf
"""Of :attr:`Function.derivatives`: every one of them."""
NO_LIMITS = (None, None)


class Domain(NamedTuple):
    """The arguments at which a function has a value: what a proof that uses it does not leave out.

    Args:
        fails: where it has none, as a clause: "a divisor vanishes".
        holds: of balls, True if the function certainly has a value; False if it may have none.
    """

    fails: str
    holds: Callable[..., Any]


class Condition(NamedTuple):
    """What an evaluation over polynomials took for granted: arguments lie in a domain.

    Args:
        name: the function, or "divide".
        domain: that of the function.
        arguments: polynomials.
    """

    name: str
    domain: Domain
    arguments: tuple[fmpq_mpoly, ...]


@dataclass(frozen=True, kw_only=True)
class Function:
    """All that is known of one function of real numbers.

    Args:
        name: what it is called; where JAX has a primitive that is it, the name of that.
        arity: of how many numbers it is a function.
        definition: of a number system and elements, the function made of others, for systems that
            know it no better; None if it is made of none.
        ball: of balls, one that holds every value; NaN where there may be none.  None: by the
            definition.
        taylor: of which arguments the Taylor coefficients are known while the others stay as they
            are: argument -> (*arguments, n) -> the first n, NaN where there are none.
        domain: where it has a value; None: everywhere.
        parity: f(-x) = -f(x), or f(-x) = f(x), or neither (None).
        jumps: whether it jumps "somewhere", or is made of "steps": constant elsewhere than at
            multiples of 1/2, and computed without an error.  None: it is continuous.
        limits: at −∞ and at +∞; None where there is none, or none is known.
        float64: of NumPy arrays, its values; NaN where there are none.  None: by the definition, if
            it has one.
        critical: where a program that uses it may break or decide: (words with {} for the name,
            a function of NumPy arrays that vanishes there).
        ulps: how far the primitive's result is off, in units in the last place; None if there is
            no such primitive.
        error: what it is relative to: the "value", even near its zeros; "one", where the value
            is smaller; the "exponents" by whose difference the value is computed; the "terms" of
            the series that it is the sum of.
        numpy: the names of NumPy's functions that are it.
        elementwise: whether the primitive is this function of each entry and nothing else.
        derivatives: how many of JAX's derivatives of the primitive are those of the function.
    """

    name: str
    arity: int
    definition: Callable[..., Any] | None
    ball: Callable[..., arb] | None
    taylor: Mapping[int, Callable[..., list[arb]]]
    domain: Domain | None
    parity: Literal["odd", "even"] | None
    jumps: Literal["somewhere", "steps"] | None
    limits: tuple[float | None, float | None]
    float64: Callable[..., Any] | None
    critical: tuple[tuple[str, Callable[..., Any]], ...]
    ulps: int | None
    error: Literal["value", "one", "exponents", "terms"]
    numpy: tuple[str, ...]
    elementwise: bool
    derivatives: float

    def __post_init__(self) -> None:
        wrong = {
            "neither balls nor a definition": self.definition is None and self.ball is None,
            "parity is 'odd' or 'even', of one argument, or None":
                self.parity not in ("odd", "even", None) or (self.parity and self.arity != 1),
            "jumps is 'somewhere', 'steps' or None": self.jumps not in ("somewhere", "steps", None),
            "error is relative to its 'value', to 'one', to 'exponents' or to 'terms'":
                self.error not in ("value", "one", "exponents", "terms"),
            "Taylor coefficients in an argument that it does not have":
                not set(self.taylor) <= set(range(self.arity)),
            "limits are those at −∞ and at +∞, of one argument, or (None, None)":
                len(self.limits) != 2 or (self.arity != 1 and self.limits != NO_LIMITS),
            "no ulps, though there is a primitive": self.elementwise and self.ulps is None,
        }  # fmt: skip
        for text, holds in wrong.items():
            if holds:
                raise ArgumentError(f"the function {self.name!r}: {text}")


FUNCTIONS: dict[str, Function] = {}
"""Name -> what is known of the function; filled by :mod:`jaxgrad.numbers.functions`."""


OUTSIDE: set[str] = set()
"""Those of them that a package outside this one told of."""


def define(name: str, ball: Any, taylor: Any, *, numpy: str, **known: Any) -> Function:
    """Adds the entry of a function, for which every other field of :class:`Function` is given.

    Args:
        name: of the function.
        ball: that field.
        taylor: that field, or the coefficients in the one argument; None for no argument.
        numpy: that field, names with blanks between.

    Raises:
        ArgumentError: there is one of this name, or fields contradict one another.
        TypeError: a field is missing.
    """
    if name in FUNCTIONS:
        raise ArgumentError(f"the function {name!r} has two entries; keep the right one")
    places: Any = {0: taylor} if callable(taylor) else taylor or {}
    names = tuple(numpy.split())
    FUNCTIONS[name] = Function(name=name, ball=ball, taylor=places, numpy=names, **known)
    return FUNCTIONS[name]
