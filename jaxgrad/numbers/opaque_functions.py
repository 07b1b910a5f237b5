"""Functions of which polynomials know the domain and the parity alone: one generator f(u) each."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb, fmpq, fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.function import Condition
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.indicator_polynomials import IndicatorPolynomials
from jaxgrad.numbers.named_polynomials import PolynomialElement
from jaxgrad.numbers.nonfinite import NonFinite
from jaxgrad.numbers.ring import Generator, fraction

__all__ = ["OpaqueFunctions"]


class OpaqueFunctions(IndicatorPolynomials):
    """Named functions as generators, and what each takes for granted."""

    def function(self, name: str, *xs: PolynomialElement) -> PolynomialElement:
        """A generator f(u) for any other function; only the parity of a few is known."""
        known = FUNCTIONS.get(name)
        if known is None or known.definition is not None:
            return super().function(name, *xs)
        power = self._known_power(*xs) if name == "pow" else None
        if power is not None:
            return power
        if known.parity is not None:
            return self._odd_or_even(name, known.parity == "odd", *xs)
        return self._element(self._opaque(name, *(x.poly for x in xs)))

    def _odd_or_even(self, name: str, odd: bool, x: PolynomialElement) -> PolynomialElement:
        if x.poly.is_zero() and odd:
            return x
        content, base = self._named(x)
        argument = base * fmpq(abs(content.numerator), content.denominator)
        value = self._element(self._opaque(name, argument))
        return -value if odd and content < 0 else value

    def _opaque(self, name: str, *arguments: fmpq_mpoly) -> fmpq_mpoly:
        generator = self.ring.generator(name, arguments)
        self._take_for_granted(name, arguments, generator)
        return generator.poly

    def _take_for_granted(
        self, name: str, arguments: tuple[fmpq_mpoly, ...], made: Generator
    ) -> None:
        """Records that arguments lie in the domain of a function, unless they plainly do.

        Raises:
            CannotDecide: they are constants outside it.
        """
        domain = FUNCTIONS[name].domain
        if domain is None:
            return
        if all(argument.is_constant() for argument in arguments):
            constants = [self._constant_of(argument) for argument in arguments]
            balls = [arb(fmpq(c.numerator, c.denominator)) for c in constants]
            if not domain.holds(*balls):
                text = ", ".join(map(str, constants))
                raise CannotDecide(f"`{name}` at {text}: {domain.fails}")
            return
        self.ring.take_for_granted(Condition(name, domain, arguments), made)

    def _known_power(self, x: PolynomialElement, y: PolynomialElement) -> PolynomialElement | None:
        """x^n, and x^(n/2) = √xⁿ, for a constant exponent; None for any other."""
        exponent = self.exact_value(y)
        if exponent is None:
            return None
        if exponent.denominator == 1:
            return self.power(x, exponent.numerator)
        if exponent.denominator == 2:
            return self.power(self.sqrt(x), exponent.numerator)
        return None

    def exact_value(self, x: Any) -> Fraction | None:
        if isinstance(x, NonFinite) or not x.poly.is_constant():
            return None
        return self._constant_of(x.poly)

    def _constant_of(self, poly: fmpq_mpoly) -> Fraction:
        return Fraction(0) if poly.is_zero() else fraction(poly.leading_coefficient())
