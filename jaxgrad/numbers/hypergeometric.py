"""Hypergeometric functions of series, all of whose arguments may vary.

The sum Σ (a₁)ₖ … (b₁)ₖ⁻¹ … xᵏ/k! of numbers that are polynomials in ε has its first terms summed as
power series.  The rest is analytic where ε stays below a radius, and by Cauchy's estimate its j-th
coefficient is at most the maximum of it there over the j-th power of the radius.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import flint
from flint import arb, arb_series

from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.precision import precision, series_length
from jaxgrad.numbers.series import Series
from jaxgrad.numbers.taylor import along_curve

__all__ = ["hypergeometric"]

MOST_TERMS = 20_000
# How far an argument moves within the radius, and how near it comes to what it may not reach.
_STEP, _SHARE = arb(1) / 8, arb(1) / 4


def hypergeometric(upper: int) -> Callable[..., Series]:
    """ₚF₁ of p parameters, one more, and x, as a function of series.

    Args:
        upper: how many parameters stand above: 1 or 2.
    """
    return partial(along_curve, f"hyp{upper}f1", partial(_coefficients, upper))


def _coefficients(upper: int, arguments: Sequence[list[arb]], count: int) -> list[arb] | None:
    """The first coefficients of the function; None where nothing bounds the rest of its sum."""
    circle = _Circle(upper, arguments)
    if circle.radius is None:
        return None
    wanted = arb(2) ** (-flint.ctx.prec) * circle.radius**count
    terms = circle.terms(wanted)
    if terms is None:
        return None
    lost = 32 + int(3 * float(arguments[-1][0].abs_upper()))
    with precision(flint.ctx.prec + lost):
        total = _partial_sum(upper, arguments, terms, count)
    rest = circle.rest / (1 - circle.ratio)
    errors = [(rest / circle.radius**j).abs_upper() for j in range(count)]
    return [+(c + arb(0, e)) for c, e in zip(total, errors, strict=True)]


def _partial_sum(upper: int, arguments: Sequence[list[arb]], terms: int, count: int) -> list[arb]:
    """The first terms of the sum, as power series."""
    with series_length(count):
        *parameters, x = (arb_series(p, prec=count) for p in arguments)
        term = total = arb_series([1], prec=count)
        for k in range(terms - 1):
            tick()
            for place, p in enumerate(parameters):
                term = term * (p + k) if place < upper else term / (p + k)
            term = term * x / (k + 1)
            total = total + term
        return [total[j] for j in range(count)]


class _Circle:
    """The values of ε for which the rest of the sum is bounded.

    Args:
        upper: how many parameters stand above.
        arguments: the parameters and x, as polynomials in ε.
    """

    def __init__(self, upper: int, arguments: Sequence[list[arb]]) -> None:
        self._upper = upper
        *self._parameters, self._x = (p[0] for p in arguments)
        *steps, self._step = (self._most_step(k) for k in range(len(arguments)))
        self._steps = steps
        self.radius = None
        if all(step > 0 for step in (*steps, self._step)):
            slopes = [sum((abs(c) for c in p[1:]), arb(0)) for p in arguments]
            ratios = [s / m for s, m in zip(slopes, (*steps, self._step), strict=True)]
            # Below 1 the powers of the radius are no more than itself.
            self.radius = arb(1 / (1 + sum(ratios, arb(0))).lower())
        self.rest = self.ratio = arb(1)

    def _most_step(self, place: int) -> arb:
        """How far an argument may move: neither onto a pole, nor x to 1 where that matters."""
        if place == len(self._parameters):
            return _STEP if self._upper == 1 else (1 - abs(self._x)) * _SHARE
        if place < self._upper:
            return _STEP
        b = self._parameters[place]
        whole = [arb(-round(float(-b.mid()))), arb(0)] if b < 0.5 else [arb(0)]
        distance = min((abs(b - n) for n in whole), key=lambda d: float(d.mid()))
        return min(_STEP, distance * _SHARE, key=lambda d: float(d.mid()))

    def terms(self, wanted: arb) -> int | None:
        """How many terms leave a rest of that size; None if too many would."""
        below = self._parameters[self._upper]
        size = abs(self._x) + self._step
        for k in range(MOST_TERMS):
            if self._is_small_from(k, size) and self.rest < wanted:
                return max(k, 1)
            for place, p in enumerate(self._parameters[: self._upper]):
                self.rest = self.rest * (abs(p + k) + self._steps[place])
            self.rest = self.rest * size / (abs(below + k) - self._steps[-1]) / (k + 1)
            self.rest = arb(self.rest.abs_upper())
        return None

    def _is_small_from(self, k: int, size: arb) -> bool:
        """Whether from term k on each is at most so many times the one before, with a ratio < 1.

        (k + a)/(k − b) falls to 1, and (k + c)/(k + 1) falls or rises to 1.
        """
        lowest = k - abs(self._parameters[-1]) - self._steps[-1]
        if not lowest > 0:
            return False
        above = [abs(p) + s for p, s in zip(self._parameters, self._steps, strict=True)]
        first, *others = above[: self._upper]
        self.ratio = size * (k + first) / lowest
        if not others:
            self.ratio = self.ratio / (k + 1)
        for other in others:
            rising = (k + other) / (k + 1)
            self.ratio = self.ratio * (rising if rising > 1 else arb(1))
        return bool(self.ratio < 0.99)
