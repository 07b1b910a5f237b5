"""What a polynomial is worth at a point: every generator is given the number it stands for.

The meaning of a generator is written down here once more, apart from the rules that make and
rewrite polynomials, so that the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flint import arb, fmpq, fmpq_mpoly

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.elementary_functions import raised_to
from jaxgrad.numbers.ring import INDICATORS, Generator, Ring
from jaxgrad.numbers.unique_integer import unique_integer

__all__ = ["Valuation"]


class Valuation:
    """The values of polynomials at one point, as Arb balls at the current working precision.

    Args:
        ring: the ring the polynomials live in.
        point: the label of each input generator -> its value, a ball or a Python number.

    Example:
        >>> from jaxgrad.numbers.polynomial import Polynomial
        >>> ring = Ring(8, 1000)
        >>> x = Polynomial(ring).variable("x")
        >>> Valuation(ring, {"x": 0})(Polynomial(ring).logistic(x).poly)
        0.500000000000000
    """

    def __init__(self, ring: Ring, point: Mapping[Any, Any]) -> None:
        self.ring = ring
        self.point = point
        self._values: dict[int, arb] = {}

    def __call__(self, poly: fmpq_mpoly) -> arb:
        """The value of a polynomial.

        Indicators are put in first: in a sum such as log(−x) − [x>0]·log(−x) the terms cancel
        where log(−x) means nothing.
        """
        used = [g.index for g in self.ring.used(poly)]
        known = {i: self._decided(i) for i in used}
        others = [i for i in used if known[i] is None]
        sums: dict[tuple[int, ...], fmpq] = {}
        for exponents, coefficient in poly.terms():
            if any(known[i] == 0 and exponents[i] for i in used):
                continue
            key = tuple(int(exponents[i]) for i in others)
            sums[key] = sums.get(key, fmpq(0)) + coefficient
        total = arb(0)
        for key, coefficient in sums.items():
            if coefficient == 0:
                continue
            term = arb(coefficient)
            for i, exponent in zip(others, key, strict=True):
                if exponent:
                    value = self.generator(self.ring.generators[i])
                    term = term * raised_to(value, exponent)
            total = total + term
        return total

    def generator(self, generator: Generator) -> arb:
        """The value of one generator."""
        value = self._values.get(generator.index)
        if value is None:
            value = self._values[generator.index] = self._meaning(generator)
        return value

    def _decided(self, index: int) -> int | None:
        """The value of an indicator if it is certain."""
        generator = self.ring.generators[index]
        if generator.kind not in INDICATORS:
            return None
        value = self.generator(generator)
        return unique_integer(value) if value.is_exact() else None

    def _meaning(self, generator: Generator) -> arb:
        if generator.kind == "input":
            value = self.point[generator.label]
            return value if isinstance(value, arb) else exact_ball(value)
        arguments = [self(argument) for argument in generator.arguments]
        if generator.kind in ("exp", "exp_inverse"):
            sign = 1 if generator.kind == "exp" else -1
            return (sign * arguments[0] / generator.label).exp()
        meaning = _MEANINGS.get(generator.kind)
        if meaning is not None:
            return meaning(*arguments)
        try:
            return Ball().function(generator.kind, *arguments)
        except UnsupportedPrimitive:
            return arb.nan()


def _positive(u: arb) -> arb:
    if u > 0:
        return arb(1)
    return arb(0) if u <= 0 else arb(0).union(1)


def _zero(u: arb) -> arb:
    if u.is_zero():
        return arb(1)
    return arb(0) if u != 0 else arb(0).union(1)


def _finite(u: arb) -> arb:
    return arb(1) if u.is_finite() else arb(0).union(1)


def _largest(*us: arb) -> arb:
    result = us[0]
    for u in us[1:]:
        result = result.max(u)
    return result


_MEANINGS: dict[str, Callable[..., arb]] = {
    "named": lambda u: u,
    "sigmoid": lambda u: 1 / (1 + (-u).exp()),
    "softplus": lambda u: (1 + u.exp()).log(),
    "log": lambda u: u.log(),
    "reciprocal": lambda u: 1 / u,
    "root": lambda u: u.sqrt(),
    "positive": _positive,
    "zero": _zero,
    "finite": _finite,
    "maximum": _largest,
}
