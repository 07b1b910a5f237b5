"""Infinities and NaN, which programs use as sentinels, beside elements that are real numbers."""

from __future__ import annotations

import math
import operator
from typing import Any

from jaxgrad.numbers.base import CannotDecide, NumberSystem

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


_FINITE_LIMITS = {
    ("bessel_i0e", math.inf): 0,
    ("bessel_i0e", -math.inf): 0,
    ("bessel_i1e", math.inf): 0,
    ("bessel_i1e", -math.inf): 0,
    ("erf", math.inf): 1,
    ("erf", -math.inf): -1,
    ("erfc", math.inf): 0,
    ("erfc", -math.inf): 2,
    ("exp", -math.inf): 0,
    ("exp2", -math.inf): 0,
    ("expm1", -math.inf): -1,
    ("logistic", math.inf): 1,
    ("logistic", -math.inf): 0,
    ("rsqrt", math.inf): 0,
    ("sign", math.inf): 1,
    ("sign", -math.inf): -1,
    ("tanh", math.inf): 1,
    ("tanh", -math.inf): -1,
}
# Functions that are +∞ at +∞, and those that also are −∞ at −∞.
_TO_INFINITY = frozenset(
    {"acosh", "digamma", "exp", "exp2", "expm1", "lgamma", "log", "log1p", "log2", "sqrt"}
)
_BOTH_WAYS = frozenset({"asinh", "cbrt", "ceil", "floor", "round", "sinh"})


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
    if len(xs) == 1 and (name, xs[0].value) in _FINITE_LIMITS:
        return system.constant(_FINITE_LIMITS[name, xs[0].value])
    if len(xs) == 1 and _is_its_own_limit(name, xs[0].value):
        return xs[0]
    if name == "abs":
        return NonFinite(abs(xs[0].value))
    if name == "div":
        x, y = xs[0], xs[-1]
        if not isinstance(x, NonFinite) and math.isinf(y.value):
            return system.constant(0)
    shown = (str(x) if isinstance(x, NonFinite) else "a real number" for x in xs)
    raise CannotDecide(f"`{name}` at {', '.join(shown)}")


def _is_its_own_limit(name: str, value: float) -> bool:
    return name in _BOTH_WAYS or (name in _TO_INFINITY and value == math.inf)


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
