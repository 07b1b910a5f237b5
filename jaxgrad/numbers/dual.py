"""Germs that move: what a program does at x + tv for a t that is smaller than every power of ε.

Where an argument is infinite it is 1/ε, and a derivative is a limit of derivatives beside it: first
t goes to 0 and then ε. So each number is a germ with a slope by t, a germ as well, and a comparison
that ties in the values is decided by the slopes, from the side of t > 0 or of t < 0.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb

from jaxgrad.numbers.base import UNKNOWN, CannotDecide
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.germ import LOGARITHM, Germ
from jaxgrad.numbers.series import Series, unknown
from jaxgrad.numbers.taylor import expand
from jaxgrad.numbers.three_valued import ThreeValued

__all__ = ["Dual", "Moved"]


class Moved:
    """A germ and its slope.

    Args:
        value: the germ at t = 0.
        slope: its derivative by t there.
    """

    __slots__ = ("slope", "value")

    def __init__(self, value: Series, slope: Series) -> None:
        self.value = value
        self.slope = slope

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Moved) -> Moved:
        return Moved(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: Moved) -> Moved:
        slope = _times(self.slope, other.value) + _times(other.slope, self.value)
        return Moved(self.value * other.value, slope)

    def __neg__(self) -> Moved:
        return Moved(-self.value, -self.slope)

    def __bool__(self) -> bool:
        raise TypeError("a germ that moves is a number where a truth value is wanted")


def _times(slope: Series, factor: Series) -> Series:
    """A slope that is 0, exactly, remains so whatever it is multiplied by."""
    return slope if slope.is_zero else slope * factor


class Dual(ThreeValued):
    """Germs with one slope each.

    Args:
        side: 1 or −1, the sign of t.
        terms: how many powers of ε each germ keeps.

    Example:
        >>> dual = Dual(1)
        >>> x = dual.at_infinity(1, 1)
        >>> dual.logistic(x).slope.at(0), dual.maximum(x, dual.constant(0)).slope.at(0)
        (0, 1.00000000000000)
    """

    name = "moving germ"

    def __init__(self, side: int, terms: int = 6) -> None:
        self.germ = Germ(terms)
        self.side = side
        self.tied = False  # whether something tied, so that a slope decided or nothing did

    def constant(self, value: Any) -> Moved:
        return Moved(self.germ.constant(value), self._zero)

    def line(self, value: Any, slope: Any) -> Moved:
        """value + slope·t."""
        return Moved(self.germ.constant(value), self.germ.constant(slope))

    def at_infinity(self, coefficient: float, slope: Any, power: int = 1) -> Moved:
        """c/εᵖ + slope·t; for a power of 0 c log(1/ε) + slope·t, whose exponential is a power."""
        monomial = (-power, 0) if power else LOGARITHM
        start = Series([arb(coefficient)], [monomial], None, self.germ.terms)
        return Moved(start, self.germ.constant(slope))

    @property
    def _zero(self) -> Series:
        return self.germ.constant(0)

    # -- arithmetic and functions ------------------------------------------------------------
    def divide(self, x: Moved, y: Moved) -> Moved:
        value = self.germ.divide(x.value, y.value)
        return Moved(value, self._over(x.slope - _times(y.slope, value), y.value))

    def _over(self, slope: Series, divisor: Series) -> Series:
        return slope if slope.is_zero else self.germ.divide(slope, divisor)

    def apart(self, x: Moved) -> tuple[arb, Moved]:
        limit, rest = self.germ.apart(x.value)
        return limit, Moved(rest, x.slope)

    def real(self, ball: arb) -> Moved:
        return Moved(self.germ.real(ball), self._zero)

    def orders(self, rest: Any) -> int:
        raise CannotDecide("how many orders of a germ that moves are known is open")

    def function(self, name: str, *xs: Moved) -> Moved:
        if name == "pow":
            return self._pow(*xs)
        if name in _OF_TWO:
            return _OF_TWO[name](self, *xs)
        known, germ = FUNCTIONS.get(name), self.germ
        if name not in _SLOPES and known is not None and known.definition is not None:
            return known.definition(self, *xs)
        value = germ.apply(name, *(x.value for x in xs))
        if known is not None and known.jumps == "steps":
            return self._step(name, xs[0], value)
        slope = self._zero
        for place, x in enumerate(xs):
            if not x.slope.is_zero:
                slope = slope + x.slope * self._slope(name, place, value, xs)
        return Moved(value, slope)

    def _step(self, name: str, x: Moved, value: Series) -> Moved:
        """A function that is constant between its jumps, at multiples of 1/2."""
        jumps = x.value.is_constant and bool((x.value.at(0) * 2).contains_integer())
        if jumps and not x.slope.is_zero:
            return Moved(value, unknown(f"{name} at a jump", self.germ.terms))
        return Moved(value, self._zero)

    def _slope(self, name: str, place: int, value: Series, xs: tuple[Moved, ...]) -> Series:
        """The derivative of a function by one of its arguments."""
        if name in _SLOPES:
            return _SLOPES[name](self.germ, xs[place].value, value)
        taylor = FUNCTIONS[name].taylor
        others = [x.value.at(0) if x.value.is_constant else None for x in xs]
        others[place] = arb(0)
        if place not in taylor or None in others:
            return unknown(f"the slope of {name} where several arguments vary", self.germ.terms)

        def expansion(c: arb, count: int) -> list[arb]:
            found = taylor[place](*others[:place], c, *others[place + 1 :], count + 1)
            return [a * k for k, a in enumerate(found)][1:]

        return expand(f"the slope of {name}", expansion, xs[place].value)

    def _pow(self, x: Moved, y: Moved) -> Moved:
        """x^p has the slope p x^(p − 1); with another exponent it is e^(y log x)."""
        p = self.exact_value(y)
        if p is None:
            return self.exp(y * self.log(x))
        value = self.germ.pow(x.value, y.value)
        if x.slope.is_zero:
            return Moved(value, self._zero)
        factor = self.germ.constant(p) * self.germ.pow(x.value, self.germ.constant(p - 1))
        return Moved(value, x.slope * factor)

    # -- truth -------------------------------------------------------------------------------
    def compare(self, relation: str, x: Moved, y: Moved) -> bool | None:
        if x is y:
            return self.germ.compare(relation, x.value, y.value)
        difference = x.value - y.value
        sign = difference.sign()
        if sign is None or sign:
            self.tied |= sign is None and difference.reason is None
            return self.germ.compare(relation, x.value, y.value)
        self.tied |= not (x.slope.is_zero and y.slope.is_zero)
        slopes = (x.slope, y.slope) if self.side > 0 else (y.slope, x.slope)
        return self.germ.compare(relation, *slopes)

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN:
            return if_true if p else if_false
        if not isinstance(if_true, Moved):
            return if_true if if_true == if_false else UNKNOWN
        value = self.germ.select(p, if_false.value, if_true.value)
        self.tied |= value.reason is None
        return Moved(value, self.germ.select(p, if_false.slope, if_true.slope))

    def exact_value(self, x: Moved) -> Fraction | None:
        return self.germ.exact_value(x.value) if x.slope.is_zero else None

    def is_finite(self, x: Moved) -> bool | None:
        return self.germ.is_finite(x.value)


def _one_over(germ: Germ, x: Series) -> Series:
    return germ.divide(germ.constant(1), x)


def _bell(germ: Germ, x: Series) -> Series:
    """2/√π e^(−x²)."""
    factor = Series([2 / arb.pi().sqrt()], terms=germ.terms)
    return factor * germ.exp(-(x * x))


def _over_root(sign: int, inner: Callable[[Germ, Series], Series]) -> Callable[..., Series]:
    return lambda g, x, y: g.constant(sign) * _one_over(g, g.sqrt(inner(g, x)))


# The derivative of a function of one number: of the germs, its argument and its value.
_SLOPES: dict[str, Callable[[Germ, Series, Series], Series]] = {
    "exp": lambda g, x, y: y,
    "expm1": lambda g, x, y: g.exp(x),
    "log": lambda g, x, y: _one_over(g, x),
    "log1p": lambda g, x, y: _one_over(g, g.constant(1) + x),
    "sqrt": lambda g, x, y: _one_over(g, g.constant(2) * y),
    "cbrt": lambda g, x, y: _one_over(g, g.constant(3) * y * y),
    "logistic": lambda g, x, y: y * (g.constant(1) - y),
    "tanh": lambda g, x, y: g.constant(1) - y * y,
    "sinh": lambda g, x, y: g.function("cosh", x),
    "cosh": lambda g, x, y: g.function("sinh", x),
    "atan": lambda g, x, y: _one_over(g, g.constant(1) + x * x),
    "asin": _over_root(1, lambda g, x: g.constant(1) - x * x),
    "acos": _over_root(-1, lambda g, x: g.constant(1) - x * x),
    "asinh": _over_root(1, lambda g, x: x * x + g.constant(1)),
    "acosh": _over_root(1, lambda g, x: x * x - g.constant(1)),
    "atanh": lambda g, x, y: _one_over(g, g.constant(1) - x * x),
    "erf": lambda g, x, y: _bell(g, x),
    "erfc": lambda g, x, y: -_bell(g, x),
}


def _arctangent2(dual: Dual, y: Moved, x: Moved) -> Moved:
    value = dual.germ.function("atan2", y.value, x.value)
    slope = _times(y.slope, x.value) - _times(x.slope, y.value)
    return Moved(value, dual._over(slope, x.value * x.value + y.value * y.value))


def _remainder(dual: Dual, x: Moved, y: Moved) -> Moved:
    """x − y·trunc(x/y), of which the whole number does not move."""
    germ = dual.germ
    value = germ.function("rem", x.value, y.value)
    if value.sign() == 0 and not (x.slope.is_zero and y.slope.is_zero):
        return Moved(value, unknown("rem at a jump", germ.terms))
    if y.slope.is_zero:
        return Moved(value, x.slope)
    whole = germ.divide(x.value - value, y.value)
    return Moved(value, x.slope - y.slope * whole)


_OF_TWO: dict[str, Callable[[Dual, Moved, Moved], Moved]] = {
    "atan2": _arctangent2,
    "rem": _remainder,
}
