"""Infinities and NaN, which programs use as sentinels, beside elements that are real numbers."""

from __future__ import annotations

import math
import operator
from typing import Any

from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.function import NO_LIMITS
from jaxgrad.numbers.functions import FUNCTIONS

__all__ = ["NonFinite", "apply_nonfinite"]


class NonFinite:
    """A constant of a program that is +∞, −∞ or NaN.

    Example:
        >>> -NonFinite(math.inf)
        NonFinite(-inf)
    """

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"NonFinite({self.value})"

    def __str__(self) -> str:
        return str(self.value)

    def __neg__(self) -> NonFinite:
        return NonFinite(-self.value)

    def __add__(self, other: Any) -> NonFinite:
        return NonFinite(self.value + (other.value if isinstance(other, NonFinite) else 0.0))

    def __sub__(self, other: Any) -> NonFinite:
        return self + (-other)

    def __rsub__(self, other: Any) -> NonFinite:
        return -self + other

    def __mul__(self, other: Any) -> NonFinite:
        if isinstance(other, NonFinite):
            return NonFinite(self.value * other.value)
        if math.isnan(self.value):
            return self
        raise CannotDecide(f"{self.value} times a number of unknown sign")

    __radd__ = __add__
    __rmul__ = __mul__


# Limits at −∞ and +∞ of what is an operation of number systems.
_OPERATIONS: dict[str, tuple[float | None, float | None]] = {
    "sign": (-1, 1),
    "round": (-math.inf, math.inf),
}


def apply_nonfinite(system: NumberSystem, name: str, xs: tuple[Any, ...]) -> Any:
    """A primitive of which at least one argument is not a real number.

    Raises:
        CannotDecide: the result depends on more than that.
    """
    if name in ("add", "add_any", "sub", "mul", "neg"):
        operation = {"add": operator.add, "add_any": operator.add, "sub": operator.sub,
                     "mul": operator.mul, "neg": operator.neg}[name]  # fmt: skip
        return operation(*xs)
    name = name.removesuffix("_to")  # the orders that tell −0 from 0 as well
    if name in ("lt", "le", "gt", "ge", "eq", "ne"):
        # A real number lies strictly between the infinities, so any one stands for it.
        return system.truth(getattr(operator, name)(*map(_as_float, xs)))
    if name in ("max", "min"):
        return _extreme(name, *xs)
    if name == "is_finite":
        return system.truth(False)
    limit = _limit(name, xs[0].value) if len(xs) == 1 else None
    if limit is not None:
        return system.constant(limit) if math.isfinite(limit) else NonFinite(limit)
    if name == "abs":
        return NonFinite(abs(xs[0].value))
    if name == "div":
        x, y = xs[0], xs[-1]
        if not isinstance(x, NonFinite) and math.isinf(y.value):
            return system.constant(0)
    shown = (str(x) if isinstance(x, NonFinite) else "a real number" for x in xs)
    raise CannotDecide(f"`{name}` at {', '.join(shown)}")


def _limit(name: str, value: float) -> float | None:
    known = FUNCTIONS.get(name)
    limits = _OPERATIONS.get(name, known.limits if known else NO_LIMITS)
    if math.isnan(value):
        return value if limits == (-math.inf, math.inf) else None
    return limits[value > 0]


def _as_float(x: Any) -> float:
    return x.value if isinstance(x, NonFinite) else 0.0


def _extreme(name: str, x: Any, y: Any) -> Any:
    if not isinstance(x, NonFinite):
        x, y = y, x
    for each in (x, y):
        if isinstance(each, NonFinite) and math.isnan(each.value):
            return each
    wins = (x.value > 0) == (name == "max")
    if isinstance(y, NonFinite):
        return NonFinite((max if name == "max" else min)(x.value, y.value))
    return x if wins else y
