"""Is a polynomial 0 although it does not look so?  A stronger test than equal normal forms."""

from __future__ import annotations

from typing import Any

from flint import arb, fmpq, fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.canonical import Canonical
from jaxgrad.numbers.canonical_signs import at
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.ring import INDICATORS, Generator, Ring, RingFull
from jaxgrad.numbers.valuation import Valuation

__all__ = ["substituted", "vanishes"]

# The budget of one test.  FLINT makes about a million terms a second in products, and a test that
# is tried entry by entry should not take longer than some tenths of a second.
MAX_TERMS = 20_000
MAX_TERMS_IN_ALL = 200_000
# All tests in one ring: a proof should not wait for its zero tests for more than some seconds.
MOST_FULL_TESTS = 8
# Evaluating this many terms in Arb at one point takes about a tenth of a second.
MOST_TERMS_SCREENED = 20_000
# A numerator with n indicators splits into at most 2^n cases, and 3 for each pair.
MOST_INDICATORS = 10
# Any precision serves: at more than twice that of a double, balls of a few hundred operations
# stay narrow enough to exclude 0 unless the value is 0.
SCREENING_BITS = 128


class _Test:
    """What the tests of one ring share: its quotients, and a point that screens."""

    def __init__(self, ring: Ring) -> None:
        self.canonical = Canonical(ring, MAX_TERMS, MAX_TERMS_IN_ALL)
        self.valuation = Valuation(ring, _ScreeningPoint())
        self.spent = 0

    @property
    def is_spent(self) -> bool:
        """Whether the tests of this ring have had their time."""
        return self.spent > MOST_FULL_TESTS * (self.canonical.ring.max_work or 0)


class _ScreeningPoint(dict[Any, arb]):
    """A value for every input, given out in the order in which they are asked for."""

    def __missing__(self, label: Any) -> arb:
        # Distinct numbers of mixed sign near 1, with no simple relation among them.
        n = len(self)
        self[label] = value = arb(fmpq((-1) ** n * (37 + 60 * n * n % 97), 64))
        return value


def vanishes(ring: Ring, poly: fmpq_mpoly) -> bool | None:
    """Whether a polynomial is shown to be the function 0 wherever the divisors do not vanish.

    The polynomial is first evaluated at one point, which settles most that are not 0.  Then every
    generator is replaced by a quotient in fewer kinds of generators, and the numerator is looked
    at, in each case of its indicators.

    Args:
        ring: the ring the polynomial lives in.
        poly: the polynomial.

    Returns:
        True if it is proved to be 0; None if that is not shown, which does not mean that it is not.

    Example:
        >>> from jaxgrad.numbers.polynomial import Polynomial
        >>> system = Polynomial(Ring(16, 1000))
        >>> x, y = system.variable("x"), system.variable("y")
        >>> product = system.exp(x) * system.exp(y)
        >>> vanishes(system.ring, product.poly - system.exp(x + y).poly)
        True
        >>> print(vanishes(system.ring, product.poly - system.exp(x - y).poly))
        None
    """
    if poly.is_zero():
        return True
    test = ring.kept.get("zero")
    if test is None:
        test = ring.kept["zero"] = _Test(ring)
    if test.is_spent or _differs_at_a_point(test, poly):
        return None
    translated = test.canonical.ring
    translated.work = translated.products = 0
    try:
        numerator, _ = test.canonical.quotient(poly)
        return True if _vanishes(translated, numerator) else None
    except (CannotDecide, RingFull):
        return None
    finally:
        test.spent += translated.work


def _differs_at_a_point(test: _Test, poly: fmpq_mpoly) -> bool:
    if len(poly) > MOST_TERMS_SCREENED:
        return False
    with precision(SCREENING_BITS):
        value = test.valuation(poly)
        return bool(value != 0)


def _vanishes(ring: Ring, numerator: fmpq_mpoly) -> bool:
    """Whether a numerator is 0 in every case of its indicators."""
    if numerator.is_zero():
        return True
    indicators = [g for g in ring.used(numerator) if g.kind in INDICATORS]
    if not indicators or len(indicators) > MOST_INDICATORS:
        return False
    g = indicators[-1]
    if not _vanishes(ring, at(ring, numerator, g, 0)):
        return False
    holds = at(ring, numerator, g, 1)
    exclusive = {"positive": "zero", "zero": "positive"}.get(g.kind)
    other = ring.find(exclusive, g.arguments) if exclusive else None
    if other is not None:  # not both u > 0 and u = 0
        holds = at(ring, holds, other, 0)
    if g.kind == "zero":
        holds = _where_zero(ring, holds, g.arguments[0])
    return _vanishes(ring, holds)


def _where_zero(ring: Ring, poly: fmpq_mpoly, base: fmpq_mpoly) -> fmpq_mpoly:
    """The polynomial rewritten where another one is 0: one variable is expressed by the others."""
    for g in reversed(ring.used(base)):
        parts: list[Any] = ring.split(base, g)
        if len(parts) == 2 and parts[1].is_constant():
            value = parts[0] * (-1 / parts[1].leading_coefficient())
            return substituted(ring, poly, g, value)
    return divmod(poly, base)[1]


def substituted(
    ring: Ring, poly: fmpq_mpoly, generator: Generator, value: fmpq_mpoly
) -> fmpq_mpoly:
    """A polynomial with another one in place of a generator."""
    result = ring.zero
    for k, part in enumerate(ring.split(poly, generator)):
        result = result + ring.product(part, ring.power(value, k))
    return ring.reduce(result)
