"""Where a real function has a value: what a proof that uses it has to leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from flint import arb, fmpq_mpoly

__all__ = [
    "DIVISOR",
    "INCOMPLETE_GAMMA",
    "POSITIVE",
    "Condition",
    "Domain",
    "has_pole",
    "is_whole",
    "no_pole",
    "outside_closed_unit",
    "outside_open_unit",
]


class Domain(NamedTuple):
    """The arguments at which a function has a value.

    Args:
        fails: where it has none, as a clause: "a divisor vanishes".
        holds: of balls, True if the function certainly has a value; False if it may have none.
    """

    fails: str
    holds: Callable[..., Any]


@dataclass(frozen=True)
class Condition:
    """What an evaluation over polynomials took for granted: arguments lie in a domain.

    Args:
        name: the function, or "divide".
        domain: that of the function.
        arguments: polynomials.
    """

    name: str
    domain: Domain
    arguments: tuple[fmpq_mpoly, ...]


def no_pole(u: arb) -> bool:
    """Not one of 0, −1, −2, …, the poles of Γ."""
    if u > 0:
        return True
    return bool(u.is_finite() and not u.contains_integer())


def is_whole(n: arb) -> bool:
    """One of 0, 1, 2, …"""
    return bool(n.is_exact() and n.is_integer() and n >= 0)


# -- domains of several functions ------------------------------------------------------------------
DIVISOR = Domain("a divisor vanishes", lambda u: u != 0)
POSITIVE = Domain("the argument of a root or logarithm is not positive", lambda u: u > 0)
INCOMPLETE_GAMMA = Domain(
    "an incomplete gamma function has no positive order or a negative argument",
    lambda a, x: bool(a > 0 and x >= 0),
)


def outside_closed_unit(name: str) -> Domain:
    return Domain(f"the argument of {name} is outside [-1, 1]", lambda u: abs(u) <= 1)


def outside_open_unit(name: str) -> Domain:
    return Domain(
        f"the argument of {name} is outside the open interval (-1, 1)", lambda u: abs(u) < 1
    )


def has_pole(name: str) -> Domain:
    return Domain(f"the argument of {name} is a pole, 0, -1, -2, …,", no_pole)
