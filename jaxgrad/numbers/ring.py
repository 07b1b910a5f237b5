"""The ring in which polynomials live: generators, what each one means, and their relations.

A generator stands for one real number that depends on the inputs: an input itself, a value such as
e^u or σ(u), an indicator [u>0].  Two programs evaluated over one :class:`Ring` share generators,
so equal polynomials are equal functions of the inputs.  Every relation used for rewriting is an
identity of real numbers, so rewriting never changes a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.function import Condition
from jaxgrad.numbers.polynomial_table import PolynomialTable
from jaxgrad.numbers.sizes import MOST_PRODUCTS, power_cost, product_cost

__all__ = ["Generator", "Ring", "RingFull"]


class RingFull(Exception):
    """More generators are needed than the ring was made with."""


@dataclass(frozen=True)
class Generator:
    """One generator and what it stands for.

    Args:
        index: its place among the variables of the ring.
        kind: ``input``, ``named``, ``exp``, ``exp_inverse``, ``sigmoid``, ``softplus``, ``log``,
            ``reciprocal``, ``root``, ``positive``, ``zero``, ``finite``, ``maximum`` or a
            function's name.
        arguments: the polynomials it is a function of.
        label: extra key, e.g. the denominator q of e^(u/q).
    """

    index: int
    kind: str
    arguments: tuple[fmpq_mpoly, ...]
    label: Any
    poly: fmpq_mpoly


POSITIVE = frozenset({"cosh", "erfc", "exp", "exp_inverse", "sigmoid", "softplus"})
INDICATORS = ("positive", "zero", "finite")
NOT_NEGATIVE = frozenset({"root", *INDICATORS})

# A step in Python takes 20 μs beside the work of FLINT, which handles a hundred million exponents
# a second; and Python takes eight times as long as FLINT to read the exponents of a polynomial.
# A product that is not reduced takes a quarter of such a step.
STEP = 2_000
READING = 8
# All products together, some seconds' worth: as many as one of them may take.
MOST_PRODUCTS_IN_ALL = MOST_PRODUCTS
# Dividing by a relation takes one step for each time that it applies; a million a second.
MOST_STEPS = 1_000_000


class Ring:
    """A polynomial ring over ℚ whose generators are made as they are needed.

    Args:
        capacity: how many generators there is room for.
        max_terms: a polynomial with more terms stops the evaluation.
        max_work: so do more exponents than this (terms times generators) in all, and
            :data:`STEP` more for each polynomial.
        name_sums: whether a sum that is multiplied becomes a generator of its own.
        max_products: products of machine words in all.

    Example:
        >>> ring = Ring(8, 1000)
        >>> x = ring.generator("input", (), "x").poly
        >>> p = ring.generator("positive", (x,))
        >>> ring.relate(p, p, p.poly)
        >>> ring.reduce(p.poly * p.poly) == p.poly
        True
    """

    def __init__(
        self,
        capacity: int,
        max_terms: int,
        max_work: int | None = None,
        name_sums: bool = False,
        max_products: int = MOST_PRODUCTS_IN_ALL,
    ) -> None:
        names = [f"g{i}" for i in range(capacity)]
        # Degree first: then every rewriting rule below replaces a product by smaller terms.
        self.ring = fmpq_mpoly_ctx.get(names, Ordering.degrevlex)
        self.capacity = capacity
        self.max_terms = max_terms
        self.max_work = max_work
        self.name_sums = name_sums
        self.max_products = max_products
        self.work = 0
        self.products = 0
        self.generators: list[Generator] = []
        self.conditions: list[Condition] = []
        self._partial: set[int] = set()
        self._positive: set[int] = set()
        # Generator -> those that are positive wherever it has a value.
        self._positive_with: dict[int, frozenset[int]] = {}
        self._found: dict[Any, list[Generator]] = {}
        self._relations: dict[tuple[int, int], fmpq_mpoly] = {}
        # What :func:`~jaxgrad.numbers.factors.factors` said of polynomials.
        self.factored: PolynomialTable[Any] = PolynomialTable()
        self._places: PolynomialTable[int] = PolynomialTable()
        # What others know of this ring, by their names: it goes when the ring does.
        self.kept: dict[str, Any] = {}
        self.zero = self.ring.constant(0)
        self.one = self.ring.constant(1)

    def constant(self, value: Fraction | int) -> fmpq_mpoly:
        value = Fraction(value)
        return self.ring.constant(fmpq(value.numerator, value.denominator))

    # -- generators --------------------------------------------------------------------------
    def generator(
        self, kind: str, arguments: tuple[fmpq_mpoly, ...] = (), label: Any = None
    ) -> Generator:
        """The generator of this meaning, made at its first use."""
        found = self.find(kind, arguments, label)
        if found is not None:
            return found
        index = len(self.generators)
        if index >= self.capacity:
            raise RingFull
        made = Generator(index, kind, arguments, label, self.ring.gen(index))
        if any(self.is_partial(argument) for argument in arguments):
            self._partial.add(index)
        self._positive_with[index] = self._assumed(*arguments)
        if kind in POSITIVE or (kind == "named" and self.is_positive(arguments[0])):
            self._positive.add(index)
        self.generators.append(made)
        self._found.setdefault(_key(kind, arguments, label), []).append(made)
        return made

    def find(
        self, kind: str, arguments: tuple[fmpq_mpoly, ...], label: Any = None
    ) -> Generator | None:
        """The generator of this meaning if there is one."""
        for candidate in self._found.get(_key(kind, arguments, label), ()):
            if candidate.arguments == arguments:
                return candidate
        return None

    def place(self, polys: tuple[fmpq_mpoly, ...]) -> int:
        """The same number for equal polynomials, another for others: their order in this ring."""
        place = self._places.get(polys)
        if place is None:
            place = len(self._places)
            self._places.put(polys, place)
        return place

    def relate(self, a: Generator, b: Generator, value: fmpq_mpoly) -> None:
        """Declares a·b = value, where value has smaller degree or comes later in the order."""
        self._relations[(a.index, b.index)] = a.poly * b.poly - value

    # -- conditions --------------------------------------------------------------------------
    def take_for_granted(self, condition: Condition, made: Generator) -> None:
        """Records what a generator needs to have a value."""
        self._partial.add(made.index)
        single = self.single(condition.arguments[0])
        if single is not None and condition.name in ("log", "sqrt"):
            self._positive_with[made.index] |= {single.index}
        if condition not in self.conditions:
            self.conditions.append(condition)

    def _assumed(self, *polys: fmpq_mpoly) -> frozenset[int]:
        """The generators that are positive wherever polynomials have a value: x, of log x + y."""
        found = (self._positive_with[g.index] for poly in polys for g in self.used(poly))
        return frozenset().union(*found)

    def is_partial(self, poly: fmpq_mpoly) -> bool:
        """Whether a polynomial depends on a generator that has no value at some inputs."""
        if not self._partial:
            return False
        return any(g.index in self._partial for g in self.used(poly))

    # -- arithmetic that FLINT survives ------------------------------------------------------
    def product(self, x: fmpq_mpoly, y: fmpq_mpoly) -> fmpq_mpoly:
        """x·y, not reduced.

        Raises:
            CannotDecide: it is too large, or all products are together.
        """
        self._spend_words(product_cost(x, y))
        return x * y

    def sum(self, polys: list[fmpq_mpoly]) -> fmpq_mpoly:
        """The sum, in pairs: adding one by one would copy what there is for every summand."""
        while len(polys) > 1:
            last = [polys[-1]] if len(polys) % 2 else []
            polys = [a + b for a, b in zip(polys[::2], polys[1::2], strict=False)] + last
        return polys[0] if polys else self.zero

    def power(self, poly: fmpq_mpoly, n: int) -> fmpq_mpoly:
        """polyⁿ for n ≥ 0, not reduced.

        Raises:
            CannotDecide: it is too large.
        """
        if n <= 1:
            return poly if n else self.one
        self._spend_words(power_cost(poly, n))
        return poly**n

    def _spend_words(self, cost: int) -> None:
        self.products += cost
        self.work += STEP // 4
        if self.products > self.max_products:
            raise CannotDecide(f"products past the budget of {self.max_products} words in all")

    def reduce(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        """The polynomial rewritten by every declared relation; its value stays the same."""
        self.spend(poly)
        changed = bool(self._relations)
        while changed:
            changed = False
            degrees = poly.degrees()
            for (i, j), relation in self._relations.items():
                if degrees[i] > 0 and degrees[j] > (i == j):
                    times = degrees[i] // 2 if i == j else min(degrees[i], degrees[j])
                    self._require_steps(poly, relation, int(times))
                    quotient, poly = divmod(poly, relation)
                    self.spend(poly)
                    if not quotient.is_zero():
                        changed = True
                        degrees = poly.degrees()
        return poly

    def _require_steps(self, poly: fmpq_mpoly, relation: fmpq_mpoly, times: int) -> None:
        """Refuses a division in which a relation with one term on its right applies too often.

        One with several makes a power of them, which has as many terms as that power.
        """
        if times <= 1:
            return
        steps = len(poly) * (times if len(relation) <= 2 else power_cost(relation, times))
        if steps > MOST_STEPS:
            raise CannotDecide(f"rewriting past the budget of {MOST_STEPS} steps")

    def spend(self, poly: fmpq_mpoly, reading: bool = False) -> None:
        """Counts a new polynomial, or one whose terms are read, against the budget.

        Raises:
            CannotDecide: the budget is spent.
        """
        tick()
        self.work += (len(poly) + 1) * self.capacity * (READING if reading else 1) + STEP
        if len(poly) > self.max_terms:
            raise CannotDecide(f"a polynomial grew past the budget of {self.max_terms} terms")
        if self.max_work is not None and self.work > self.max_work:
            raise CannotDecide(f"the polynomials grew past the budget of {self.max_work} exponents")

    # -- reading polynomials -----------------------------------------------------------------
    def used(self, poly: fmpq_mpoly) -> list[Generator]:
        """The generators that occur in a polynomial, in order of creation."""
        return [g for g, degree in zip(self.generators, poly.degrees(), strict=False) if degree > 0]

    def single(self, poly: fmpq_mpoly) -> Generator | None:
        """The generator that a polynomial consists of, if it is just one."""
        if len(poly) != 1 or poly.total_degree() != 1 or poly.leading_coefficient() != 1:
            return None
        return self.used(poly)[0]

    def primitive(self, poly: fmpq_mpoly) -> tuple[Fraction, fmpq_mpoly]:
        """(c, q) with poly = c·q, q of coprime integer coefficients, the leading one positive."""
        numerators, denominators = 0, 1
        for coefficient in poly.coeffs():
            numerators = math.gcd(numerators, int(coefficient.p))
            denominators = math.lcm(denominators, int(coefficient.q))
        content = Fraction(numerators, denominators)
        if poly.leading_coefficient() < 0:
            content = -content
        return content, poly * fmpq(content.denominator, content.numerator)

    def is_positive(self, poly: fmpq_mpoly) -> bool:
        """Whether it is a sum of terms that are nowhere negative, one of them positive everywhere.

        1 + x², e^u + [v>0] and 2 + √w·σ(u) are; x² is not, for it is 0 at 0.  Where it has no
        value nothing is said: x·e^(log x) is.
        """
        if any(coefficient <= 0 for coefficient in poly.coeffs()) or poly.is_zero():
            return False
        positive = self._positive | self._assumed(poly)
        doubtful = [g for g in self.used(poly) if g.index not in positive]
        if not doubtful:
            return True
        signed = [g.index for g in doubtful if g.kind not in NOT_NEGATIVE]
        some_positive = False
        for exponents in poly.monoms():
            if any(exponents[i] % 2 for i in signed):
                return False
            some_positive = some_positive or not any(exponents[g.index] for g in doubtful)
        return some_positive

    def split(self, poly: fmpq_mpoly, generator: Generator) -> list[fmpq_mpoly]:
        """The coefficients of a polynomial as a polynomial in one generator; none of 0."""
        self.spend(poly, reading=True)
        parts: list[dict[tuple[int, ...], fmpq]] = []
        i = generator.index
        for exponents, coefficient in poly.terms():
            degree = exponents[i]
            while len(parts) <= degree:
                parts.append({})
            parts[degree][(*exponents[:i], 0, *exponents[i + 1 :])] = coefficient
        return [self.ring.from_dict(part) for part in parts]


def fraction(value: fmpq) -> Fraction:
    """The Python fraction of a FLINT rational."""
    return Fraction(int(value.p), int(value.q))


def _key(kind: str, arguments: tuple[fmpq_mpoly, ...], label: Any) -> Any:
    # FLINT polynomials are not hashable: a cheap invariant narrows the search.
    return kind, label, tuple((len(p), p.total_degree()) for p in arguments)
