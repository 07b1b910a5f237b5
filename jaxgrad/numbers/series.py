"""Truncated series in an infinitesimal ε > 0 and its logarithm, with Arb balls for coefficients.

A value is a sum of terms c ε^a ℓ^(−b), where ℓ = log(1/ε) is infinite but smaller than every
negative power of ε.  So (a, b) in lexicographic order is the order of magnitude of a term, the
largest first, and a truncated series knows every term before its end.  The exponents are rational:
a root of an infinitesimal is one of them, and so are x log x, x^0.3 and 1/log x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from flint import arb, fmpq

__all__ = ["FINITE", "NAN", "Monomial", "Series", "quotient", "raised", "times", "unknown"]

Monomial = tuple[int | Fraction, int | Fraction]
FINITE: Monomial = (0, 0)

# Of which it is known that it is no number in floats: NaN, or what comes of NaN.
NAN = "NaN"

# Terms that one series keeps for each power of ε: exponents that are multiples of 1/4 lose none,
# and any others are cut sooner, which is sound.
TERMS_PER_POWER = 4


class Series:
    """One truncated series.

    Args:
        coefficients: the balls c.
        monomials: the pairs (a, b) of ε^a ℓ^(−b), rising; by default (0, 0), (1, 0), …
        end: the first monomial of which nothing is known; None if all of them are.
        terms: how many powers of ε are kept past the leading one.
        reason: why nothing is known of the value; None where something is.

    Example:
        >>> epsilon = Series([arb(1)], [(1, 0)])
        >>> (epsilon - epsilon).sign(), (epsilon * epsilon).sign(), (-epsilon).sign()
        (0, 1, -1)
    """

    __slots__ = ("coefficients", "end", "monomials", "reason", "terms")

    def __init__(
        self,
        coefficients: Sequence[arb],
        monomials: Sequence[Monomial] | None = None,
        end: Monomial | None = None,
        terms: int = 6,
        reason: str | None = None,
    ) -> None:
        if monomials is None:
            monomials = [(k, 0) for k in range(len(coefficients))]
        if any(map(arb.is_zero, coefficients)):
            kept = [k for k, c in enumerate(coefficients) if not c.is_zero()]
            coefficients = [coefficients[k] for k in kept]
            monomials = [monomials[k] for k in kept]
        if len(coefficients) > 1 or end is not None:
            count, end = _kept(monomials, end, terms)
            coefficients, monomials = coefficients[:count], monomials[:count]
        self.coefficients = tuple(coefficients)
        self.monomials = tuple(monomials)
        self.end = end
        self.terms = terms
        self.reason = reason

    @property
    def is_zero(self) -> bool:
        """Whether the value is 0, exactly."""
        return not self.coefficients and self.end is None and self.reason is None

    @property
    def is_finite(self) -> bool:
        """Whether every coefficient is a real number."""
        return self.reason is None and all(c.is_finite() for c in self.coefficients)

    @property
    def is_nan(self) -> bool:
        """Whether it is known that floats have NaN for the value."""
        return self.reason == NAN

    @property
    def infinity(self) -> int:
        """1 or −1 of the constants ∞ and −∞, which are no real numbers; 0 of every other value."""
        if len(self.coefficients) != 1 or self.coefficients[0].is_finite():
            return 0
        return self.sign() or 0

    @property
    def is_constant(self) -> bool:
        """Whether the value is exactly c ε⁰."""
        return self.end is None and self.reason is None and self.monomials in ((), (FINITE,))

    @property
    def start(self) -> Monomial:
        """The largest monomial that may be there."""
        return self.monomials[0] if self.monomials else self.end or FINITE

    @property
    def is_bounded(self) -> bool:
        """Whether the value is known to have a limit, and which."""
        return self.reason is None and self.start >= FINITE and self.knows(FINITE)

    @property
    def is_infinitesimal(self) -> bool:
        """Whether the value has the limit 0 without being 0."""
        return self.reason is None and self.start > FINITE

    @property
    def powers(self) -> int:
        """How many powers of an infinitesimal are not beyond all that is kept."""
        a, most = self.start[0], TERMS_PER_POWER * self.terms
        return min(most, int(-(-self.terms // a)) + 1) if a else most

    def knows(self, monomial: Monomial) -> bool:
        """Whether the end leaves the coefficient of a monomial known."""
        return self.end is None or self.end > monomial

    def is_taylor(self, order: int) -> bool:
        """Whether the value is known to be c_0 + c_1 ε + … to an order."""
        plain = (m > (order, 0) or (m[0] >= 0 and m[1] == 0 and m[0] == int(m[0]))
                 for m in self.monomials)  # fmt: skip
        return self.reason is None and self.knows((order, 0)) and all(plain)

    def at(self, exponent: int) -> arb:
        """The coefficient of ε^exponent, which must be known."""
        return self.coefficient((exponent, 0))

    def coefficient(self, monomial: Monomial) -> arb:
        """The coefficient of a monomial, which must be known."""
        for m, c in zip(self.monomials, self.coefficients, strict=True):
            if m == monomial:
                return c
        return arb(0)

    def sign(self) -> int | None:
        """1, 0 or −1 just beside the point: the sign of the leading term; None if not known."""
        if self.reason is not None:
            return None
        for c in self.coefficients[:1]:
            return 1 if c > 0 else -1 if c < 0 else None
        return 0 if self.end is None else None

    def order(self, other: Series) -> int:
        """1 or −1 where the first terms that differ tell that it is above or below, 0 elsewhere."""
        if self.reason is not None or other.reason is not None:
            return 0
        pairs = zip(self.monomials, other.monomials, strict=False)
        numbers = zip(self.coefficients, other.coefficients, strict=False)
        for (mine, its), (c, d) in zip(pairs, numbers, strict=True):
            if mine != its or not (self.knows(mine) and other.knows(mine)):
                return 0
            difference = c - d
            if not difference.is_finite():
                return 0
            if not difference.is_zero():
                return 1 if difference > 0 else -1 if difference < 0 else 0
        return 0

    def scaled(self, monomial: Monomial, factor: arb | None = None) -> Series:
        """The value times one term."""
        scaled = self.coefficients if factor is None else [c * factor for c in self.coefficients]
        monomials = [times(m, monomial) for m in self.monomials]
        end = None if self.end is None else times(self.end, monomial)
        return Series(scaled, monomials, end, self.terms, self.reason)

    def part(self, keep: Callable[[Monomial], bool]) -> Series:
        """The terms of some monomials; what follows the end belongs to it."""
        kept = [k for k, m in enumerate(self.monomials) if keep(m)]
        coefficients = [self.coefficients[k] for k in kept]
        monomials = [self.monomials[k] for k in kept]
        return Series(coefficients, monomials, self.end, self.terms, self.reason)

    def infinitesimal(self) -> Series:
        """The infinitely small terms: x − c for a limit c that is one number."""
        return self.part(lambda m: m > FINITE)

    def derivative(self) -> Series:
        """d/dε, where dℓ/dε = −1/ε; a germ's remainder may be differentiated like its terms."""
        out: dict[Monomial, arb] = {}
        for (a, b), c in zip(self.monomials, self.coefficients, strict=True):
            for m, factor in (((a - 1, b), a), ((a - 1, b + 1), b)):
                if factor:
                    out[m] = out.get(m, arb(0)) + c * _ball(factor)
        return self._like(out, None if self.end is None else times(self.end, (-1, 0)))

    def polynomial(self) -> list[arb] | None:
        """The coefficients, as far as they are known, of a power series in ε; None of others."""
        whole = all(not b and a == int(a) for a, b in self.monomials)
        if not (whole and self.is_bounded and self.is_finite):
            return None
        last = max((int(a) for a, _ in self.monomials), default=0)
        return [self.at(k) for k in range(last + 1)]

    def expanded(self, coefficients: Callable[[int], list[arb]]) -> Series | None:
        """Σ a_k hᵏ for this infinitesimal h.

        Args:
            coefficients: n ↦ a_0 … a_(n−1).

        Returns:
            None if one of the coefficients is no real number.
        """
        count = self.powers
        found = coefficients(count)
        if not all(a.is_finite() for a in found):
            return None
        result = Series([found[-1]], terms=self.terms)
        for a in reversed(found[:-1]):
            result = result * self + Series([a], terms=self.terms)
        return result.cut(raised(self.start, count))

    def cut(self, end: Monomial) -> Series:
        """The value, known only before this monomial."""
        if self.end is not None and self.end <= end:
            return self
        return self._like(dict(self._terms_before(end)), end)

    def __bool__(self) -> bool:
        raise TypeError("a series is a number where a truth value is wanted")

    def join(self, other: Series, combine: Callable[[arb, arb], arb]) -> Series:
        """Combines coefficients of the same monomial, or two infinities as floats do."""
        bad = _first_unknown(self, other)
        if bad is not None:
            return bad
        if self.infinity or other.infinity:
            a, b = (s.coefficients[0] if s.infinity else arb(0) for s in (self, other))
            return _infinite(combine(a, b), self.terms, bool(self.infinity and other.infinity))
        ends = [s.end for s in (self, other) if s.end is not None]
        end = min(ends) if ends else None
        x, y = dict(self._terms_before(end)), dict(other._terms_before(end))
        zero = arb(0)
        return self._like({m: combine(x.get(m, zero), y.get(m, zero)) for m in {**x, **y}}, end)

    def __add__(self, other: Series) -> Series:
        return self.join(other, lambda a, b: a + b)

    def __sub__(self, other: Series) -> Series:
        return self.join(other, lambda a, b: a - b)

    def __neg__(self) -> Series:
        negated = [-c for c in self.coefficients]
        return Series(negated, self.monomials, self.end, self.terms, self.reason)

    def __mul__(self, other: Series) -> Series:
        bad = _first_unknown(self, other)
        if bad is not None:
            return bad
        if self.infinity or other.infinity:
            sign = (self.sign() or 0) * (other.sign() or 0)
            known = self.is_zero or other.is_zero
            return _infinite(arb.pos_inf() * sign, self.terms, known)
        if self.is_zero or other.is_zero:
            return self if self.is_zero else other
        for x, y in ((self, other), (other, self)):
            if y.end is None and len(y.coefficients) == 1:
                return x.scaled(y.monomials[0], y.coefficients[0])
        # What is unknown of one factor begins at its end times the start of the other.
        ends = [times(x.end, y.start) for x, y in ((self, other), (other, self)) if x.end]
        end = min(ends) if ends else None
        limit = times(times(self.start, other.start), (self.terms, 0))
        stop = limit if end is None or limit < end else end
        out: dict[Monomial, arb] = {}
        for m, c in zip(self.monomials, self.coefficients, strict=True):
            for n, d in zip(other.monomials, other.coefficients, strict=True):
                product = (m[0] + n[0], m[1] + n[1])
                if product >= stop:
                    end = stop
                    break
                out[product] = out[product] + c * d if product in out else c * d
        return self._like(out, end)

    def _terms_before(self, end: Monomial | None) -> Iterable[tuple[Monomial, arb]]:
        pairs = zip(self.monomials, self.coefficients, strict=True)
        return pairs if end is None else [(m, c) for m, c in pairs if m < end]

    def _like(self, found: dict[Monomial, arb], end: Monomial | None) -> Series:
        rising = sorted(found)
        return Series([found[m] for m in rising], rising, end, self.terms)


def _kept(
    monomials: Sequence[Monomial], end: Monomial | None, terms: int
) -> tuple[int, Monomial | None]:
    """How many of the terms are kept, and the end that this gives."""
    count = len(monomials)
    if not count:
        return 0, end
    limit = times(monomials[0], (terms, 0))
    stop = limit if end is None or limit < end else end
    most = TERMS_PER_POWER * terms
    if count > most:
        count, stop = most, min(stop, monomials[most])
    while count and monomials[count - 1] >= stop:
        count -= 1
    return count, stop if count < len(monomials) else end


def times(m: Monomial, n: Monomial) -> Monomial:
    """The product of two monomials."""
    return (_plain(m[0] + n[0]), _plain(m[1] + n[1]))


def raised(m: Monomial, n: int | Fraction) -> Monomial:
    """A power of a monomial."""
    return (_plain(m[0] * n), _plain(m[1] * n))


def _plain(exponent: int | Fraction) -> int | Fraction:
    """The same number, an integer as one, with which Python computes ten times as fast."""
    if isinstance(exponent, int) or exponent.denominator != 1:
        return exponent
    return exponent.numerator


def unknown(reason: str, terms: int) -> Series:
    """A value of which nothing is known; a selection may still leave it out."""
    return Series((), (), FINITE, terms, reason)


def _first_unknown(x: Series, y: Series) -> Series | None:
    """The first of which nothing is known, or of which it is known that it is NaN."""
    unknowns = [s for s in (x, y) if s.reason is not None]
    return next((s for s in unknowns if s.is_nan), unknowns[0] if unknowns else None)


def _infinite(value: arb, terms: int, known: bool) -> Series:
    """What an operation makes of ∞; an undetermined form is no value.

    Args:
        value: what it makes of it, a ball.
        terms: how many powers of ε are kept.
        known: whether its operands are no more than the constants ∞, −∞ and 0, so that floats
            have NaN for an undetermined form: ∞ − ∞, ∞·0 or ∞/∞.
    """
    found = Series([value], terms=terms)
    if found.infinity:
        return found
    return unknown(NAN if known else "an undetermined form of ∞", terms)


def quotient(x: Series, y: Series) -> Series:
    """x/y by long division, for a leading coefficient of y that is certainly not 0.

    To divide rounds once, or not at all where to multiply by the reciprocal does: 3/(6 + ε) is
    less than 1/2, and 3·(1/6) need not be.
    """
    bad = _first_unknown(x, y)
    if bad is not None:
        return bad
    if x.is_zero and y.is_zero:
        return unknown(NAN, x.terms)
    if y.is_zero:
        return unknown("a division by 0", x.terms)
    if y.sign() is None:
        return unknown("a divisor whose leading term may be 0", x.terms)
    if y.infinity and not x.infinity:
        return Series((), terms=x.terms)
    if x.infinity:
        divisor = arb(0 if y.infinity else y.sign() or 0)
        return _infinite(x.coefficients[0] / divisor, x.terms, bool(y.infinity))
    (a, b), first = y.monomials[0], y.coefficients[0]
    back = (-a, -b)
    if x.is_zero:
        return x
    if y.end is None and len(y.coefficients) == 1:
        moved = x.scaled(back)
        divided = [c / first for c in moved.coefficients]
        return Series(divided, moved.monomials, moved.end, moved.terms)
    start = times(x.start, back)
    ends = [times(start, (x.terms, 0))]
    if x.end is not None:
        ends.append(times(x.end, back))
    if y.end is not None:
        ends.append(times(times(y.end, back), start))
    stop = min(ends)
    rest = dict(zip(x.monomials, x.coefficients, strict=True))
    out: dict[Monomial, arb] = {}
    while rest:
        leading = min(rest)
        monomial = times(leading, back)
        if monomial >= stop or len(out) == TERMS_PER_POWER * x.terms:
            stop = min(stop, monomial)
            break
        c = out[monomial] = rest.pop(leading) / first
        for n, d in zip(y.monomials[1:], y.coefficients[1:], strict=True):
            product = times(n, monomial)
            rest[product] = rest.get(product, arb(0)) - c * d
    else:
        if x.end is None and y.end is None:
            return x._like(out, None)
    return x._like(out, stop)


def _ball(value: int | Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))
