"""Polynomials of a ring as quotients N/D in fewer kinds of generators.

Names are replaced by what they name, σ(u) by e^u/(1+e^u), softplus(u) by log(1+e^u), sinh and cosh
by exponentials, tan by sin/cos; e^u is split into one factor for each term of u, log u into one
summand for each factor of u known to be positive.  Every step is an identity of real numbers
wherever the divisors of the ring do not vanish, so a numerator that is identically 0 proves that
the polynomial is 0 there.  Not every function that is 0 gets the numerator 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from flint import fmpq, fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.canonical_signs import signs
from jaxgrad.numbers.factors import factors, primes, square_part
from jaxgrad.numbers.polynomial_table import PolynomialTable
from jaxgrad.numbers.ring import INDICATORS, Generator, Ring
from jaxgrad.numbers.sizes import is_factored

__all__ = ["Canonical", "Quotient"]
Quotient = tuple[fmpq_mpoly, fmpq_mpoly]

# A term that is composed is a product of about as many: some generators and a coefficient.
MOST_FACTORS = 16


class _FinerExponents(Exception):
    """An exponential is needed with a larger denominator than it was made with."""


class Canonical:
    """Quotients of polynomials for the polynomials of one ring.

    Args:
        ring: the ring whose polynomials are translated.
        max_terms: no polynomial made here has more terms.
        max_work: nor do all polynomials made here together; and so many products of terms, times
            :data:`MOST_FACTORS`, are formed.

    Example:
        >>> from jaxgrad.numbers.polynomial import Polynomial
        >>> system = Polynomial(Ring(16, 1000))
        >>> x, y = system.variable("x"), system.variable("y")
        >>> product = system.exp(x) * system.exp(y) - system.exp(x + y)
        >>> Canonical(system.ring, 1000, 10_000).quotient(product.poly)[0]
        0
    """

    def __init__(self, ring: Ring, max_terms: int, max_work: int) -> None:
        self.source = ring
        # An exponential has two generators there and one here, but a sum may split into several.
        capacity = 2 * ring.capacity
        self.ring = Ring(
            capacity, max_terms, max_work * capacity, max_products=max_work * MOST_FACTORS
        )
        self.one, self.zero = self.ring.one, self.ring.zero
        self._meanings: dict[int, Quotient] = {}
        # m and D of exponentials e^(m/D) -> the largest denominator that one is needed with.
        self._denominators: PolynomialTable[int] = PolynomialTable()

    def quotient(self, poly: fmpq_mpoly) -> Quotient:
        """(N, D) with poly = N/D and D nowhere 0.

        Raises:
            CannotDecide: the budget is spent, or something is undefined.
            RingFull: more generators are needed than there is room for.
        """
        while True:
            try:
                for generator in self._needed(poly):
                    if generator.index not in self._meanings:
                        self._meanings[generator.index] = self._meaning(generator)
                return self._compose(poly)
            except _FinerExponents:
                self._meanings.clear()

    def _needed(self, poly: fmpq_mpoly) -> list[Generator]:
        """The generators that a polynomial depends on, each after those it depends on itself."""
        seen: dict[int, Generator] = {}
        waiting = self.source.used(poly)
        while waiting:
            generator = waiting.pop()
            if generator.index not in seen:
                seen[generator.index] = generator
                for argument in generator.arguments:
                    waiting += self.source.used(argument)
        return [seen[index] for index in sorted(seen)]

    # -- quotients ---------------------------------------------------------------------------
    def _quotient(self, numerator: fmpq_mpoly, denominator: fmpq_mpoly) -> Quotient:
        self.ring.spend(numerator)
        self.ring.spend(denominator)
        if numerator.is_zero():
            return self.zero, self.one
        if denominator.is_constant():
            return numerator * (1 / denominator.leading_coefficient()), self.one
        if is_factored(numerator, denominator):
            common = numerator.gcd(denominator)
            numerator, denominator = numerator / common, denominator / common
            if denominator.is_constant():
                return numerator * (1 / denominator.leading_coefficient()), self.one
        return numerator, denominator

    def _product(self, left: Quotient, right: Quotient) -> Quotient:
        product = self.ring.product
        return self._quotient(self.lower(product(left[0], right[0])), product(left[1], right[1]))

    def _sum(self, left: Quotient, right: Quotient) -> Quotient:
        if left[1] == right[1]:
            return self._quotient(left[0] + right[0], left[1])
        product = self.ring.product
        numerator = product(left[0], right[1]) + product(right[0], left[1])
        return self._quotient(self.lower(numerator), product(left[1], right[1]))

    def _scaled(self, value: Quotient, factor: fmpq) -> Quotient:
        return value[0] * factor, value[1]

    def _power(self, value: Quotient, n: int) -> Quotient:
        numerator, denominator = value if n >= 0 else (value[1], value[0])
        power = self.ring.power
        return self._quotient(self.lower(power(numerator, abs(n))), power(denominator, abs(n)))

    def _compose(self, poly: fmpq_mpoly) -> Quotient:
        """The polynomial with every generator replaced, over one common denominator."""
        used = self.source.used(poly)
        degrees = poly.degrees()
        tables = [self._powers(self._meanings[g.index], int(degrees[g.index])) for g in used]
        denominator = self.one
        for _, downs in tables:
            denominator = self.ring.product(denominator, downs[-1])
        self.source.spend(poly, reading=True)
        composed = []
        for exponents, coefficient in poly.terms():
            term = self.one * coefficient
            for g, (ups, downs) in zip(used, tables, strict=True):
                exponent = int(exponents[g.index])
                for part in (ups[exponent], downs[len(downs) - 1 - exponent]):
                    term = term if part.is_one() else self.ring.product(term, part)
            self.ring.spend(term)
            composed.append(term)
        return self._quotient(self.lower(self.ring.sum(composed)), denominator)

    def _powers(self, value: Quotient, degree: int) -> tuple[list[fmpq_mpoly], list[fmpq_mpoly]]:
        ups, downs = [self.one], [self.one]
        for _ in range(degree):
            ups.append(self.ring.product(ups[-1], value[0]))
            downs.append(self.ring.product(downs[-1], value[1]))
            self.ring.spend(ups[-1])
            self.ring.spend(downs[-1])
        return ups, downs

    def lower(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        """Powers rewritten: √u·√u = u, sin² = 1 − cos², [u>0]² = [u>0], [u>0][u=0] = 0."""
        poly = self.ring.reduce(poly)
        lowered = True
        while lowered:
            lowered = False
            for g in reversed(self.ring.used(poly)):
                square = self._square(g)
                if square is not None and poly.degrees()[g.index] > 1:
                    parts = self.ring.split(poly, g)
                    poly = self.zero
                    for k, part in enumerate(parts):
                        whole = self.ring.power(square, k // 2)
                        poly = poly + self.ring.product(part, whole) * g.poly ** (k % 2)
                    poly = self.ring.reduce(poly)
                    lowered = True
        return poly

    def _square(self, g: Generator) -> fmpq_mpoly | None:
        if g.kind == "root" and g.arguments[1].is_one():
            return g.arguments[0]
        if g.kind == "sin":
            return self.one - self.ring.generator("cos", g.arguments).poly ** 2
        return None

    # -- what each generator is ---------------------------------------------------------------
    def _meaning(self, generator: Generator) -> Quotient:
        kind = generator.kind
        if kind == "input":
            return self.ring.generator(kind, (), generator.label).poly, self.one
        arguments = [self._compose(argument) for argument in generator.arguments]
        if kind in ("exp", "exp_inverse"):
            sign = 1 if kind == "exp" else -1
            return self._exp(self._scaled(arguments[0], fmpq(sign, generator.label)))
        translate = self._translations().get(kind)
        if translate is not None:
            return translate(*arguments)
        return self._opaque(kind, arguments)

    def _translations(self) -> dict[str, Callable[..., Quotient]]:
        return {
            "named": lambda u: u,
            "reciprocal": self._reciprocal,
            "sigmoid": self._sigmoid,
            "softplus": self._softplus,
            "log": self._log,
            "root": self._root,
            "positive": self._positive,
            "zero": self._zero,
            "finite": self._finite,
            "maximum": self._maximum,
            "sinh": lambda u: self._hyperbolic(u, -1),
            "cosh": lambda u: self._hyperbolic(u, 1),
            "tan": lambda u: self._quotient(self._trigonometric("sin", u), self.trig_cos(u)),
            "sin": lambda u: (self._trigonometric("sin", u), self.one),
            "cos": lambda u: (self.trig_cos(u), self.one),
            "erfc": lambda u: self._sum(
                (self.one, self.one), self._scaled(self._odd("erf", u), fmpq(-1))
            ),
            "erf": lambda u: self._odd("erf", u),
        }

    def _opaque(self, kind: str, arguments: Iterable[Quotient]) -> Quotient:
        parts = tuple(part for argument in arguments for part in self._normal(argument))
        return self.ring.generator(kind, parts).poly, self.one

    def _normal(self, value: Quotient) -> Quotient:
        """The same quotient with a primitive denominator, so that equal ones are found again."""
        content, denominator = self.ring.primitive(value[1])
        return value[0] * fmpq(content.denominator, content.numerator), denominator

    def _reciprocal(self, value: Quotient) -> Quotient:
        if value[0].is_zero():
            raise CannotDecide("a division by 0")
        return self._quotient(value[1], value[0])

    def _content(self, value: Quotient) -> tuple[fmpq, Quotient]:
        """(c, u) with value = c·u and u's leading coefficients positive."""
        upper, numerator = self.ring.primitive(value[0])
        lower, denominator = self.ring.primitive(value[1])
        scale = upper / lower
        return fmpq(scale.numerator, scale.denominator), (numerator, denominator)

    def _odd(self, kind: str, value: Quotient) -> Quotient:
        if value[0].is_zero():
            return self.zero, self.one
        scale, base = self._content(value)
        sign = 1 if scale > 0 else -1
        poly, one = self._opaque(kind, [self._scaled(base, scale * sign)])
        return poly * sign, one

    def _trigonometric(self, kind: str, value: Quotient) -> fmpq_mpoly:
        return self._odd(kind, value)[0]

    def trig_cos(self, value: Quotient) -> fmpq_mpoly:
        """cos u = cos(−u), over the same argument as sin u."""
        if value[0].is_zero():
            return self.one
        scale, base = self._content(value)
        return self._opaque("cos", [self._scaled(base, scale if scale > 0 else -scale)])[0]

    def _hyperbolic(self, value: Quotient, sign: int) -> Quotient:
        """(e^u ± e^−u)/2."""
        up, down = self._exp(value), self._exp(self._scaled(value, fmpq(-1)))
        return self._scaled(self._sum(up, self._scaled(down, fmpq(sign))), fmpq(1, 2))

    # -- exponentials ------------------------------------------------------------------------
    def _exp(self, value: Quotient) -> Quotient:
        """A product of one exponential for each term of the exponent."""
        result = (self.one, self.one)
        numerator, denominator = self._normal(value)
        for exponents, coefficient in numerator.terms():
            term = self.ring.ring.from_dict({exponents: fmpq(1)})
            result = self._product(result, self._exp_term(coefficient, term, denominator))
        return result

    def _exp_term(self, coefficient: fmpq, term: fmpq_mpoly, denominator: fmpq_mpoly) -> Quotient:
        """e^(c·m/D) for a monomial m."""
        indicators = [g for g in self.ring.used(term) if g.kind in INDICATORS]
        if indicators:  # e^(pu) = 1 − p + p·e^u for an indicator p
            product = self.one
            for g in indicators:
                product = product * g.poly
            inside = self._exp_term(coefficient, term / product, denominator)
            outside = (self.one - product, self.one)
            return self._sum(outside, self._product((product, self.one), inside))
        single = self.ring.single(term)
        whole = denominator.is_one() and coefficient.q == 1
        if whole and single is not None and single.kind == "log":  # e^(n·log u) = u^n
            return self._power((single.arguments[0], single.arguments[1]), int(coefficient.p))
        return self._exp_generator(coefficient, term, denominator)

    def _exp_generator(
        self, coefficient: fmpq, term: fmpq_mpoly, denominator: fmpq_mpoly
    ) -> Quotient:
        known = self._denominators.get((term, denominator)) or 1
        finest = math.lcm(known, int(coefficient.q))
        if finest != known:
            self._denominators.put((term, denominator), finest)
            raise _FinerExponents
        poly = self.ring.generator("exp", (term, denominator), finest).poly
        n = int((coefficient * finest).p)
        return (poly**n, self.one) if n > 0 else (self.one, poly ** (-n))

    def _sigmoid(self, value: Quotient) -> Quotient:
        """e^u/(1 + e^u)."""
        numerator, denominator = self._exp(value)
        return self._quotient(numerator, numerator + denominator)

    def _softplus(self, value: Quotient) -> Quotient:
        numerator, denominator = self._exp(value)
        return self._log((numerator + denominator, denominator))

    # -- logarithms and roots ----------------------------------------------------------------
    def _log(self, value: Quotient) -> Quotient:
        """Σ log of the positive factors, and the logarithm of what is left of the quotient."""
        if value[0].is_zero():
            raise CannotDecide("a logarithm of 0")
        result = (self.zero, self.one)
        rest = [self.one, self.one]
        for place, sign in ((0, 1), (1, -1)):
            constant, found = factors(self.ring, value[place])
            rest[place] = rest[place] * constant
            for factor, exponent in found:
                if self.ring.is_positive(factor):
                    part = self._log_positive(factor)
                    result = self._sum(result, self._scaled(part, fmpq(sign * exponent)))
                else:
                    rest[place] = self.ring.product(rest[place], factor**exponent)
        return self._sum(result, self._log_rest((rest[0], rest[1])))

    def _log_positive(self, factor: fmpq_mpoly) -> Quotient:
        single = self.ring.single(factor)
        if single is not None and single.kind == "exp":
            return self._quotient(single.arguments[0] * fmpq(1, single.label), single.arguments[1])
        return self.ring.generator("log", (factor, self.one)).poly, self.one

    def _log_rest(self, value: Quotient) -> Quotient:
        """log(c·u) = log|c| + log(±u), and log|c| is a sum over primes."""
        scale, (numerator, denominator) = self._content(value)
        result = (self.zero, self.one)
        for integer, sign in ((abs(int(scale.p)), 1), (int(scale.q), -1)):
            for prime, exponent in primes(integer):
                logarithm = self.ring.generator("log", (self.one * fmpq(prime), self.one)).poly
                result = self._sum(result, (logarithm * (sign * exponent), self.one))
        if scale < 0:
            numerator = -numerator
        if numerator.is_one() and denominator.is_one():
            return result
        return self._sum(result, self._opaque("log", [(numerator, denominator)]))

    def _root(self, value: Quotient) -> Quotient:
        """√(N/D) = √(ND)/D for a positive D."""
        if value[0].is_zero():
            return self.zero, self.one
        numerator, denominator = self._normal(value)
        if not (denominator.is_one() or self.ring.is_positive(denominator)):
            return self._opaque("root", [(numerator, denominator)])
        content, base = self.ring.primitive(self.lower(numerator * denominator))
        # √(p/q) = s√t/q where pq = s²t with t free of squares.
        square, free = square_part(content.numerator * content.denominator)
        root = self._opaque("root", [(base * free, self.one)])[0]
        return self._quotient(root * fmpq(square, content.denominator), denominator)

    # -- indicators --------------------------------------------------------------------------
    def _positive(self, value: Quotient) -> Quotient:
        return signs(self.ring, self.lower(value[0] * value[1]))[0], self.one

    def _zero(self, value: Quotient) -> Quotient:
        return signs(self.ring, self.lower(value[0] * value[1]))[1], self.one

    def _finite(self, value: Quotient) -> Quotient:
        if value[0].is_zero():
            return self.one, self.one
        poly, one = self._opaque("finite", [self._content(value)[1]])
        finite = self.ring.single(poly)
        assert finite is not None
        self.ring.relate(finite, finite, poly)
        return poly, one

    def _maximum(self, *values: Quotient) -> Quotient:
        distinct: list[Quotient] = []
        for value in map(self._normal, values):
            if value not in distinct:
                distinct.append(value)
        if len(distinct) == 1:
            return distinct[0]
        if len(distinct) == 2:  # max(x, y) = y + (x − y)[x>y]
            difference = self._sum(distinct[0], self._scaled(distinct[1], fmpq(-1)))
            gap = self._product(difference, self._positive(difference))
            return self._sum(distinct[1], gap)
        return self._opaque("maximum", sorted(distinct, key=self.ring.place))
