"""Exact polynomials over ℚ in the inputs and in one generator per distinct transcendental value.

Two programs whose results are the same polynomial are the same function of every real input.  The
identities that hand-derived formulas rely on are built into how generators are made: e^u·e^−u = 1,
σ(−u) = 1 − σ(u), tanh u = 2σ(2u) − 1, 1/(1 + e^u) = 1 − σ(u), log(1 + e^u) = softplus(u),
[u>0]² = [u>0], max(a, b) = b + (a − b)[a>b].
"""

from __future__ import annotations

import math
from fractions import Fraction

from flint import fmpq, fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.function import Condition
from jaxgrad.numbers.functions import DIVISOR
from jaxgrad.numbers.named_polynomials import PolynomialElement
from jaxgrad.numbers.opaque_functions import OpaqueFunctions
from jaxgrad.numbers.ring import Generator, fraction
from jaxgrad.numbers.sizes import LARGEST_DEGREE, is_factored

__all__ = ["Polynomial", "PolynomialElement"]

# e^(cu) is a power of e^(u/q) for c = p/q; but p is near 2^53 for most floats c, and dividing
# polynomials takes as many steps as their degree: past LARGEST_DEGREE it is a generator of its own.


class Polynomial(OpaqueFunctions):
    """The polynomial number system over one shared :class:`~jaxgrad.numbers.ring.Ring`.

    Example:
        >>> from jaxgrad.numbers.ring import Ring
        >>> system = Polynomial(Ring(16, 1000))
        >>> x = system.variable("x")
        >>> one = system.constant(1)
        >>> by_hand = system.divide(one, one + system.exp(-x))
        >>> by_hand.poly == system.logistic(x).poly
        True
    """

    # -- division ----------------------------------------------------------------------------
    def divide(self, x: PolynomialElement, y: PolynomialElement) -> PolynomialElement:
        if y.poly.is_constant():
            value = fraction(y.poly.leading_coefficient()) if not y.poly.is_zero() else Fraction(0)
            if not value:
                raise CannotDecide("a division by a constant 0")
            return self._element(x.poly * fmpq(value.denominator, value.numerator))
        return x * self._element(self._reciprocal(y.poly))

    def _reciprocal(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        poly = self._meaning(poly)
        cases = self._cases(poly)
        # A divisor that is 0 in some case is left whole, as one that must not vanish.
        if cases is not None and not any(value.is_zero() for _, value in cases):
            return self._join(cases, self._reciprocal)
        unit, rest = self._unit_content(poly)
        if rest.is_constant():
            if rest.is_zero():
                raise CannotDecide("a division by 0 in a branch")
            return self._inverse_unit(unit) * (1 / rest.leading_coefficient())
        result = self._inverse_unit(unit)
        for factor, exponent in self._factors(rest):
            inverse = self._reciprocal_factor(factor)
            for _ in range(exponent):
                result = self.ring.reduce(self.ring.product(result, inverse))
        return result

    def _factors(self, poly: fmpq_mpoly) -> list[tuple[fmpq_mpoly, int]]:
        """Factors whose product is the polynomial; a constant factor is among them."""
        if not is_factored(poly):
            return [(poly, 1)]
        constant, factors = poly.factor()
        return [(self.ring.one * constant, 1), *factors]

    def _reciprocal_factor(self, factor: fmpq_mpoly) -> fmpq_mpoly:
        ring = self.ring
        if factor.is_constant():
            return ring.one * (1 / factor.leading_coefficient())
        content, base = ring.primitive(factor)
        scale = fmpq(content.denominator, content.numerator)
        special = self._reciprocal_of_sigmoid(base)
        if special is not None:
            return special * scale
        exponential = self._one_plus_exponential(base)
        if exponential is not None:
            return (ring.one - self._sigmoid(*exponential)) * scale
        made = ring.find("reciprocal", (base,)) is None
        inverse = ring.generator("reciprocal", (base,))
        if not (ring.is_positive(base) or ring.is_positive(-base)):
            ring.take_for_granted(Condition("divide", DIVISOR, (base,)), inverse)
        single = ring.single(base)
        if made and single is not None:
            ring.relate(inverse, single, ring.one)
        return inverse.poly * scale

    def _reciprocal_of_sigmoid(self, base: fmpq_mpoly) -> fmpq_mpoly | None:
        """1/σ(u) = 1 + e^−u and 1/(σ(u) − 1) = −(1 + e^u)."""
        used = self.ring.used(base)
        if len(used) != 1 or used[0].kind != "sigmoid":
            return None
        sigmoid = used[0]
        argument = self._element(sigmoid.arguments[0])
        if base == sigmoid.poly:
            return self.ring.one + self.exp(-argument).poly
        if base == sigmoid.poly - 1:
            return -(self.ring.one + self.exp(argument).poly)
        return None

    def _one_plus_exponential(self, poly: fmpq_mpoly) -> tuple[Fraction, fmpq_mpoly] | None:
        """(c, u) if the polynomial is 1 + e^(cu), else None."""
        if len(poly) != 2:
            return None
        used = self.ring.used(poly)
        if len(used) != 1 or used[0].kind not in ("exp", "exp_inverse"):
            return None
        degree = int(poly.total_degree())
        if poly != self.ring.one + used[0].poly ** degree:
            return None
        sign = 1 if used[0].kind == "exp" else -1
        return Fraction(sign * degree, used[0].label), used[0].arguments[0]

    # -- exponentials and logarithms ---------------------------------------------------------
    def exp(self, x: PolynomialElement) -> PolynomialElement:
        cases = self._cases_of_one(x.poly)
        if cases is not None:
            return self._element(self._join(cases, lambda p: self.exp(self._element(p)).poly))
        atoms, rest = self._exponent_parts(x)
        if rest is not None and len(rest.poly) > 1:
            self._named(rest)
        result = self.ring.one
        for coefficient, base in atoms:
            result = self.ring.reduce(self.ring.product(result, self._exp_atom(coefficient, base)))
        if rest is not None:
            content, base = self.ring.primitive(rest.poly)
            result = self.ring.reduce(self.ring.product(result, self._exp_atom(content, base)))
        return self._element(result)

    def _exponent_parts(
        self, x: PolynomialElement
    ) -> tuple[list[tuple[Fraction, fmpq_mpoly]], PolynomialElement | None]:
        """The exponent as a sum of multiples of generators with a name, and whatever is left."""
        atoms, left = [], self.ring.zero
        self.ring.spend(x.poly, reading=True)
        for exponents, coefficient in x.poly.terms():
            term = self.ring.ring.from_dict({exponents: fmpq(1)})
            if all(g.kind not in ("input", "sigmoid") for g in self.ring.used(term)):
                atoms.append((fraction(coefficient), term))
            else:
                left = left + term * coefficient
        if left.is_zero():
            return atoms, None
        return atoms, x if not atoms else self._element(left)

    def _exp_atom(self, coefficient: Fraction, base: fmpq_mpoly) -> fmpq_mpoly:
        """e^(coefficient·base) for a monomial."""
        ring = self.ring
        cases = self._cases(base)
        if cases is not None:
            return self._join(
                cases,
                lambda value: (
                    self.exp(
                        self._element(value * fmpq(coefficient.numerator, coefficient.denominator))
                    ).poly
                ),
            )
        if base.is_zero():
            return ring.one
        single = ring.single(base)
        if single is not None and coefficient.denominator == 1:
            if single.kind == "softplus":  # e^(n·log(1 + e^u)) = (1 + e^u)^n
                argument = self._element(single.arguments[0])
                if coefficient < 0:
                    power = ring.one - self.logistic(argument).poly
                else:
                    power = ring.one + self.exp(argument).poly
                return self._integer_power(power, abs(int(coefficient)))
            if single.kind == "log":
                argument = single.arguments[0]
                power = argument if coefficient > 0 else self._reciprocal(argument)
                return self._integer_power(power, abs(int(coefficient)))
        if abs(coefficient.numerator) > LARGEST_DEGREE:
            unit, coefficient = _significand(coefficient)
            base = base * fmpq(unit.numerator, unit.denominator)
        up, down = self._exponentials(base, coefficient.denominator)
        generator = up if coefficient > 0 else down
        return self.ring.power(generator.poly, abs(coefficient.numerator))

    def _integer_power(self, poly: fmpq_mpoly, n: int) -> fmpq_mpoly:
        return self.power(self._element(poly), n).poly

    def _exponentials(self, base: fmpq_mpoly, denominator: int) -> tuple[Generator, Generator]:
        """The generators e^(u/q) and e^(−u/q), tied to each other and to σ(u/q)."""
        ring = self.ring
        known = ring.find("exp", (base,), denominator)
        up = ring.generator("exp", (base,), denominator)
        down = ring.generator("exp_inverse", (base,), denominator)
        if known is None:
            ring.relate(up, down, ring.one)
            sigmoid = ring.find("sigmoid", (base * fmpq(1, denominator),))
            if sigmoid is not None:
                self._relate_sigmoid(up, down, sigmoid)
        return up, down

    def _relate_sigmoid(self, up: Generator, down: Generator, sigmoid: Generator) -> None:
        self.ring.relate(up, sigmoid, up.poly - sigmoid.poly)
        self.ring.relate(down, sigmoid, self.ring.one - sigmoid.poly)

    def _unit_content(self, poly: fmpq_mpoly) -> tuple[dict[int, int], fmpq_mpoly]:
        """Exponents of the e^(u/q) that divide every term, and what is left, a plain polynomial."""
        ring = self.ring
        pairs = []
        for g in ring.used(poly):
            if g.kind in ("exp", "exp_inverse"):
                up, down = self._exponentials(g.arguments[0], g.label)
                if (up.index, down.index) not in pairs:
                    pairs.append((up.index, down.index))
        least = {}
        if pairs:
            ring.spend(poly, reading=True)
        terms = list(poly.terms()) if pairs else []
        for up, down in pairs:
            least[up] = min(int(exponents[up]) - int(exponents[down]) for exponents, _ in terms)
        shift = {up: n for up, n in least.items() if n}
        if not shift:
            return shift, poly
        return shift, ring.reduce(ring.product(poly, self._inverse_unit(shift)))

    def _inverse_unit(self, unit: dict[int, int]) -> fmpq_mpoly:
        result = self.ring.one
        for index, exponent in unit.items():
            up = self.ring.generators[index]
            down = self.ring.generator("exp_inverse", up.arguments, up.label)
            unit_power = self.ring.power(down.poly if exponent > 0 else up.poly, abs(exponent))
            result = self.ring.product(result, unit_power)
        return result

    def log(self, x: PolynomialElement) -> PolynomialElement:
        return self._element(self._log(x.poly))

    def _log(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        poly = self._meaning(poly)
        cases = self._cases(poly)
        if cases is not None:
            return self._join(cases, self._log)
        ring = self.ring
        if poly.is_zero():
            raise CannotDecide("a logarithm of 0")
        unit, rest = self._unit_content(poly)
        result = ring.zero
        for index, exponent in unit.items():
            up = ring.generators[index]
            result = result + up.arguments[0] * fmpq(exponent, up.label)
        if rest == 1:
            return result
        used = ring.used(rest)
        if len(used) == 1 and used[0].kind == "sigmoid":  # log σ(u) = u − softplus(u)
            argument = self._element(used[0].arguments[0])
            if rest == used[0].poly:
                return result + argument.poly - self._softplus(argument)
            if rest == 1 - used[0].poly:
                return result - self._softplus(argument)
        exponential = self._one_plus_exponential(rest)
        if exponential is not None:
            scale, base = exponential
            argument = self._element(base * fmpq(scale.numerator, scale.denominator))
            return result + self._softplus(argument)
        logarithm = ring.generator("log", (rest,))
        self._require_positive("log", rest, logarithm)
        return result + logarithm.poly

    def _require_positive(self, name: str, poly: fmpq_mpoly, made: Generator) -> None:
        if not self.ring.is_positive(poly):
            self._take_for_granted(name, (poly,), made)

    def _softplus(self, x: PolynomialElement) -> fmpq_mpoly:
        """log(1 + e^x) = x + log(1 + e^−x), so that one generator serves x and −x."""
        content, base = self._named(x)
        argument = base * fmpq(abs(content.numerator), content.denominator)
        poly = self.ring.generator("softplus", (argument,)).poly
        return poly if content > 0 else poly - argument

    def logistic(self, x: PolynomialElement) -> PolynomialElement:
        if x.poly.is_zero():
            return self.constant(Fraction(1, 2))
        return self._element(self._sigmoid(*self._named(x)))

    def _sigmoid(self, content: Fraction, base: fmpq_mpoly) -> fmpq_mpoly:
        """σ(content·base); σ(−u) = 1 − σ(u) makes one generator serve u and −u."""
        ring = self.ring
        argument = base * fmpq(abs(content.numerator), content.denominator)
        known = ring.find("sigmoid", (argument,))
        sigmoid = ring.generator("sigmoid", (argument,))
        if known is None and abs(content.numerator) == 1:
            up = ring.find("exp", (base,), content.denominator)
            if up is not None:
                down = ring.generator("exp_inverse", (base,), content.denominator)
                self._relate_sigmoid(up, down, sigmoid)
        return sigmoid.poly if content > 0 else ring.one - sigmoid.poly

    # -- other functions ---------------------------------------------------------------------
    def sqrt(self, x: PolynomialElement) -> PolynomialElement:
        ring = self.ring
        if x.poly.is_zero():
            return x
        if x.poly.is_constant():
            value = fraction(x.poly.leading_coefficient())
            root = Fraction(_isqrt(value.numerator), _isqrt(value.denominator))
            if root * root == value:
                return self.constant(root)
            if value < 0:
                raise CannotDecide("the square root of a negative constant")
        content, base = self._named(x)
        argument = base * fmpq(content.numerator, content.denominator)
        made = ring.find("root", (argument,)) is None
        root = ring.generator("root", (argument,))
        self._require_positive("sqrt", argument, root)
        if made and argument.total_degree() <= 1:
            ring.relate(root, root, argument)
        return self._element(root.poly)


def _significand(c: Fraction) -> tuple[Fraction, Fraction]:
    """(m, ±2ᵏ) with c = ±m·2ᵏ, so that e^(2cu) is the square of e^(cu) whatever c is.

    m is in (½, 2), and k is 0 where 2ᵏ would be large.
    """
    k = abs(c.numerator).bit_length() - c.denominator.bit_length()
    power = Fraction(2) ** k if 2**k <= LARGEST_DEGREE else Fraction(1)
    return abs(c) / power, power if c > 0 else -power


def _isqrt(n: int) -> int:
    return math.isqrt(n) if n >= 0 else 0
