"""The ring in which polynomials live: generators, what each one means, and their relations.

A generator stands for one real number that depends on the inputs: an input itself, a value such as
e^u or σ(u), an indicator [u>0].  Two programs evaluated over one :class:`Field` share generators,
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

__all__ = ["Field", "FieldFull", "Generator"]

Poly = fmpq_mpoly


class FieldFull(Exception):
    """More generators are needed than the field was made with."""


@dataclass(frozen=True)
class Generator:
    """One generator and what it stands for.

    Args:
        index: its place among the variables of the ring.
        kind: ``input``, ``named``, ``exp``, ``exp_inverse``, ``sigmoid``, ``softplus``, ``log``,
            ``reciprocal``, ``root``, ``positive``, ``zero``, ``maximum`` or a function's name.
        arguments: the polynomials it is a function of.
        label: extra key, e.g. the denominator q of e^(u/q).
    """

    index: int
    kind: str
    arguments: tuple[Poly, ...]
    label: Any
    poly: Poly


POSITIVE = frozenset({"exp", "exp_inverse", "sigmoid", "softplus"})
# Of a numerator or denominator: products of sixteen floats of the smallest size, 1074 + 53 bits
# each, or of three hundred near 1, and two such are multiplied in some 2 μs.
MOST_BITS = 16 * (1074 + 53)
NOT_NEGATIVE = frozenset({"root", "positive", "zero"})


class Field:
    """A polynomial ring over ℚ whose generators are made as they are needed.

    Args:
        capacity: how many generators there is room for.
        max_terms: a polynomial with more terms stops the evaluation.
        max_work: so do more exponents than this (terms times generators) in all.
        name_sums: whether a sum that is multiplied becomes a generator of its own.

    Example:
        >>> field = Field(8, 1000)
        >>> x = field.generator("input", (), "x").poly
        >>> p = field.generator("positive", (x,))
        >>> field.relate(p, p, p.poly)
        >>> field.reduce(p.poly * p.poly) == p.poly
        True
    """

    def __init__(
        self,
        capacity: int,
        max_terms: int,
        max_work: int | None = None,
        name_sums: bool = False,
    ) -> None:
        names = [f"g{i}" for i in range(capacity)]
        # Degree first: then every rewriting rule below replaces a product by smaller terms.
        self.ring = fmpq_mpoly_ctx.get(names, Ordering.degrevlex)
        self.capacity = capacity
        self.max_terms = max_terms
        self.max_work = max_work
        self.name_sums = name_sums
        self.work = 0
        self.generators: list[Generator] = []
        self.divisors: list[Poly] = []
        self._found: dict[Any, list[Generator]] = {}
        self._relations: dict[tuple[int, int], Poly] = {}
        self.zero = self.ring.constant(0)
        self.one = self.ring.constant(1)

    def constant(self, value: Fraction | int) -> Poly:
        value = Fraction(value)
        return self.ring.constant(fmpq(value.numerator, value.denominator))

    # -- generators --------------------------------------------------------------------------
    def generator(
        self, kind: str, arguments: tuple[Poly, ...] = (), label: Any = None
    ) -> Generator:
        """The generator of this meaning, made at its first use."""
        found = self.find(kind, arguments, label)
        if found is not None:
            return found
        index = len(self.generators)
        if index >= self.capacity:
            raise FieldFull
        made = Generator(index, kind, arguments, label, self.ring.gen(index))
        self.generators.append(made)
        self._found.setdefault(_key(kind, arguments, label), []).append(made)
        return made

    def find(self, kind: str, arguments: tuple[Poly, ...], label: Any = None) -> Generator | None:
        """The generator of this meaning if there is one."""
        for candidate in self._found.get(_key(kind, arguments, label), ()):
            if candidate.arguments == arguments:
                return candidate
        return None

    def relate(self, a: Generator, b: Generator, value: Poly) -> None:
        """Declares a·b = value, where value has smaller degree or comes later in the order."""
        self._relations[(a.index, b.index)] = a.poly * b.poly - value

    def reduce(self, poly: Poly) -> Poly:
        """The polynomial rewritten by every declared relation; its value stays the same."""
        self.spend(poly)
        changed = bool(self._relations)
        while changed:
            changed = False
            degrees = poly.degrees()
            for (i, j), relation in self._relations.items():
                if degrees[i] > 0 and degrees[j] > (i == j):
                    quotient, poly = divmod(poly, relation)
                    if not quotient.is_zero():
                        changed = True
                        degrees = poly.degrees()
        return poly

    def spend(self, poly: Poly) -> None:
        """Counts a new polynomial against the budget.

        Raises:
            CannotDecide: the budget is spent.
        """
        count = len(poly)
        self.work += (count + 1) * self.capacity
        if count > self.max_terms:
            raise CannotDecide(f"a polynomial grew past the budget of {self.max_terms} terms")
        if self.max_work is not None and self.work > self.max_work:
            raise CannotDecide(f"the polynomials grew past the budget of {self.max_work} exponents")
        # Where coefficients grow, those at the ends or in the middle of the terms do.
        for i in {0, count // 2, count - 1} if count else ():
            if poly.coefficient(i).height_bits() > MOST_BITS:
                raise CannotDecide(f"a coefficient grew past the budget of {MOST_BITS} bits")

    # -- reading polynomials -----------------------------------------------------------------
    def used(self, poly: Poly) -> list[Generator]:
        """The generators that occur in a polynomial, in order of creation."""
        return [g for g, degree in zip(self.generators, poly.degrees(), strict=False) if degree > 0]

    def single(self, poly: Poly) -> Generator | None:
        """The generator that a polynomial consists of, if it is just one."""
        if len(poly) != 1 or poly.total_degree() != 1 or poly.leading_coefficient() != 1:
            return None
        return self.used(poly)[0]

    def primitive(self, poly: Poly) -> tuple[Fraction, Poly]:
        """(c, q) with poly = c·q, q of coprime integer coefficients, the leading one positive."""
        numerators, denominators = 0, 1
        for coefficient in poly.coeffs():
            numerators = math.gcd(numerators, int(coefficient.p))
            denominators = math.lcm(denominators, int(coefficient.q))
        content = Fraction(numerators, denominators)
        if poly.leading_coefficient() < 0:
            content = -content
        return content, poly * fmpq(content.denominator, content.numerator)

    def is_positive(self, poly: Poly) -> bool:
        """Whether it is a sum of terms that are nowhere negative, one of them positive everywhere.

        1 + x², e^u + [v>0] and 2 + √w·σ(u) are; x² is not, for it is 0 at 0.
        """
        if any(coefficient <= 0 for coefficient in poly.coeffs()) or poly.is_zero():
            return False
        doubtful = [g for g in self.used(poly) if g.kind not in POSITIVE]
        if not doubtful:
            return True
        signed = [g.index for g in doubtful if g.kind not in NOT_NEGATIVE]
        some_positive = False
        for exponents in poly.monoms():
            if any(exponents[i] % 2 for i in signed):
                return False
            some_positive = some_positive or not any(exponents[g.index] for g in doubtful)
        return some_positive

    def split(self, poly: Poly, generator: Generator) -> list[Poly]:
        """The coefficients of a polynomial as a polynomial in one generator."""
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


def _key(kind: str, arguments: tuple[Poly, ...], label: Any) -> Any:
    # FLINT polynomials are not hashable: a cheap invariant narrows the search.
    return kind, label, tuple((len(p), p.total_degree()) for p in arguments)
