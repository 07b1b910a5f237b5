"""Truncated series in an infinitesimal ε > 0, with Arb balls for coefficients.

A value is Σ c_k ε^((v+k)/q), k = 0 … n−1, plus O(ε^((v+n)/q)) unless it is exact.  The
exponents are multiples of 1/q (a Puiseux series), so that a root of an infinitesimal is one
of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from flint import arb

__all__ = ["Series", "inverse", "unknown"]


class Series:
    """One truncated series.

    Args:
        coefficients: c_0, c_1, …, balls.
        start: v, the exponent of the first coefficient in units of 1/q.
        ramification: q.
        exact: whether no term follows the coefficients.
        terms: how many powers of ε are kept past the leading one.
        reason: why nothing is known of the value; None where something is.

    Example:
        >>> epsilon = Series([arb(1)], start=1)
        >>> (epsilon - epsilon).sign(), (epsilon * epsilon).sign(), (-epsilon).sign()
        (0, 1, -1)
    """

    __slots__ = ("coefficients", "exact", "ramification", "reason", "start", "terms")

    def __init__(
        self,
        coefficients: Sequence[arb],
        start: int = 0,
        ramification: int = 1,
        exact: bool = True,
        terms: int = 6,
        reason: str | None = None,
    ) -> None:
        first = 0
        while first < len(coefficients) and coefficients[first].is_zero():
            first += 1
        last = len(coefficients)
        if exact:
            while last > first and coefficients[last - 1].is_zero():
                last -= 1
        if last - first > terms * ramification:
            last, exact = first + terms * ramification, False
        self.coefficients = tuple(coefficients[first:last])
        self.start = 0 if exact and first == last else start + first
        self.ramification = ramification
        self.exact = exact
        self.terms = terms
        self.reason = reason

    @property
    def end(self) -> int | None:
        """The first exponent, in units of 1/q, of which nothing is known; None if all is known."""
        return None if self.exact else self.start + len(self.coefficients)

    @property
    def is_zero(self) -> bool:
        """Whether the value is 0, exactly."""
        return self.exact and not self.coefficients and self.reason is None

    @property
    def is_finite(self) -> bool:
        """Whether every coefficient is a real number."""
        return self.reason is None and all(c.is_finite() for c in self.coefficients)

    def at(self, exponent: int) -> arb:
        """The coefficient of ε^(exponent/q), which must be known."""
        k = exponent - self.start
        return self.coefficients[k] if 0 <= k < len(self.coefficients) else arb(0)

    def sign(self) -> int | None:
        """1, 0 or −1 just beside the point: the sign of the leading term; None if not known."""
        if self.reason is not None:
            return None
        for c in self.coefficients:
            if c > 0:
                return 1
            if c < 0:
                return -1
            if not c.is_zero():
                return None
        return 0 if self.exact else None

    def refined(self, ramification: int) -> Series:
        """The same value in exponents that are multiples of 1/ramification."""
        if ramification == self.ramification:
            return self
        step = ramification // self.ramification
        spread = [arb(0)] * (len(self.coefficients) * step)
        spread[::step] = self.coefficients
        return Series(spread, self.start * step, ramification, self.exact, self.terms, self.reason)

    def shifted(self, exponent: int) -> Series:
        """The value times ε^(exponent/q)."""
        return Series(
            self.coefficients,
            self.start + exponent,
            self.ramification,
            self.exact,
            self.terms,
            self.reason,
        )

    def cut(self, end: int) -> Series:
        """The value known to O(ε^(end/q)) only."""
        if self.end is not None and self.end <= end:
            return self
        kept = [self.at(k) for k in range(self.start, end)]
        start = min(self.start, end)
        return Series(kept, start, self.ramification, False, self.terms, self.reason)

    def infinitesimal(self) -> Series:
        """The terms of positive exponent, without the finite part c: x − c for a single c."""
        stop = self.start + len(self.coefficients)
        above = [self.at(k) for k in range(1, stop)]
        return Series(above, 1, self.ramification, self.exact, self.terms, self.reason)

    def join(self, other: Series, combine: Callable[[arb, arb], arb]) -> Series:
        """Combines coefficients of the same exponent."""
        bad = self if self.reason is not None else other
        if bad.reason is not None:
            return bad
        q = math.lcm(self.ramification, other.ramification)
        x, y = self.refined(q), other.refined(q)
        start = min(x.start, y.start)
        ends = [s.end for s in (x, y) if s.end is not None]
        stop = min(ends) if ends else max(s.start + len(s.coefficients) for s in (x, y))
        start = min(start, stop)
        out = [combine(x.at(k), y.at(k)) for k in range(start, stop)]
        return Series(out, start, q, not ends, self.terms)

    def __add__(self, other: Series) -> Series:
        return self.join(other, lambda a, b: a + b)

    def __sub__(self, other: Series) -> Series:
        return self.join(other, lambda a, b: a - b)

    def __neg__(self) -> Series:
        negated = [-c for c in self.coefficients]
        return Series(negated, self.start, self.ramification, self.exact, self.terms, self.reason)

    def __mul__(self, other: Series) -> Series:
        bad = self if self.reason is not None else other
        if bad.reason is not None:
            return bad
        if self.is_zero or other.is_zero:
            if self.is_finite and other.is_finite:
                return self if self.is_zero else other
            return unknown("0 times an infinity", self.terms)
        q = math.lcm(self.ramification, other.ramification)
        x, y = self.refined(q), other.refined(q)
        a, b = x.coefficients, y.coefficients
        # Past the leading term each factor is known to its own number of terms.
        known = [len(s.coefficients) for s in (x, y) if not s.exact]
        count = min(known) if known else len(a) + len(b) - 1
        count = min(count, self.terms * q + 1)  # one more than is kept marks it as cut
        out = [
            sum(
                (a[j] * b[k - j] for j in range(max(0, k - len(b) + 1), min(k + 1, len(a)))),
                arb(0),
            )
            for k in range(count)
        ]
        return Series(out, x.start + y.start, q, not known and count == len(a) + len(b) - 1,
                      self.terms)  # fmt: skip


def unknown(reason: str, terms: int) -> Series:
    """A value of which nothing is known; a selection may still leave it out."""
    return Series((), 0, 1, False, terms, reason)


def inverse(x: Series) -> Series:
    """1/x for a leading coefficient that is certainly not 0."""
    if x.reason is not None:
        return x
    if x.is_zero:
        return unknown("a division by 0", x.terms)
    if not x.coefficients or x.sign() is None:
        return unknown("a divisor whose leading term may be 0", x.terms)
    c, q = x.coefficients, x.ramification
    single = x.exact and len(c) == 1
    count = 1 if single else (x.terms * q if x.exact else len(c))
    first = 1 / c[0]
    out = [first]
    for k in range(1, count):
        total = sum((c[j] * out[k - j] for j in range(1, min(k + 1, len(c)))), arb(0))
        out.append(-first * total)
    return Series(out, -x.start, q, single, x.terms)
