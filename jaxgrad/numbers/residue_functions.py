"""Functions of remainders: a value drawn for each distinct argument, tied by what is known.

e^(a + b) = eᵃ·eᵇ, e^(nu) = (eᵘ)ⁿ and e^(log u) = u as far as an exponent was made of such parts;
σ and tanh are quotients of exponentials, sin u and cos u those of tan(u/2); √u² = u, since u is
written as the square of its root wherever it is met; log u is split into the logarithms of positive
factors.  Of any other function its parity is known.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from jaxgrad.numbers.function import Domain
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.prime_fields import NoResidue, PrimeFields, keys
from jaxgrad.numbers.residue_arithmetic import ResidueElement
from jaxgrad.numbers.residue_blocks import Block, Blocks, Remainders
from jaxgrad.numbers.residue_sizes import CONSTANT, VALUE, Inverted, Size
from jaxgrad.numbers.residue_truth import ResidueTruth

__all__ = ["ResidueNumbers"]


def _domain(name: str) -> Domain:
    domain = FUNCTIONS[name].domain
    assert domain is not None
    return domain


_POSITIVE = _domain("log")
# e^(nu) is a power up to this n, and an exponential of its own beyond.
_LARGEST_POWER = 64
# How many sums within sums an exponent is taken apart into.
_DEEPEST = 12


class ResidueNumbers(ResidueTruth):
    """Remainders with the functions that have names.

    Args:
        fields, off_ties: as of :class:`ResidueTruth`.

    Example:
        >>> system = ResidueNumbers(PrimeFields(3))
        >>> x, one = system.variables(2), system.constant(1)
        >>> by_hand = system.divide(one, one + system.exp(-x))
        >>> bool((by_hand.values.lanes == system.function("logistic", x).values.lanes).all())
        True
    """

    def __init__(self, fields: PrimeFields, off_ties: bool = False) -> None:
        super().__init__(fields, off_ties)
        self._exponentials: dict[bytes, tuple[np.ndarray, Size]] = {}
        self._denominators: dict[bytes, int] = {}
        self._roots: dict[bytes, np.ndarray] = {}
        self._grown = False
        self.made_before = 0

    # -- exponentials ------------------------------------------------------------------------
    def exp(self, x: ResidueElement) -> ResidueElement:
        found = self.by_cases(self.exp, x)
        if found is not None:
            return found
        lanes, size = self._exponential(x.values.flat(), Fraction(1), _DEEPEST)
        return self.made(lanes, x.shape, "exponential", (x,), size, 2)

    def _exponential(self, x: Remainders, factor: Fraction, depth: int) -> tuple[np.ndarray, Size]:
        """e^(factor·x) for a flat array."""
        scale = self.constants_of([factor]).lanes
        exponents = self.fields.multiply(x.lanes, scale)
        each, sizes = keys(exponents), [CONSTANT]
        result = np.ones_like(exponents)
        missing = np.array([key not in self._exponentials for key in each], bool)
        missing &= (exponents != 0).any(0)
        for block, entries in self.blocks.several(np.where(missing, x.places, -1)):
            made, size = self._of_block(block, x.take(entries), factor, depth)
            for k, entry in enumerate(entries.tolist()):
                self._exponentials[each[entry]] = made[:, k], size
        for entry in np.flatnonzero((exponents != 0).any(0)).tolist():
            found, size = self._exponentials[each[entry]]
            result[:, entry] = found
            sizes.append(size)
        return result, Size.either(sizes)

    def _of_block(
        self, block: Block, x: Remainders, factor: Fraction, depth: int
    ) -> tuple[np.ndarray, Size]:
        """e^(factor·x) of what one operation made."""
        if not block.operands or not depth:
            return self._atoms(x, factor)
        parts = self.blocks.operands(block, x.places)
        further = functools.partial(self._exponential, depth=depth - 1)
        if block.kind in ("add", "subtract"):
            sign = 1 if block.kind == "add" else -1
            (a, left), (b, right) = further(parts[0], factor), further(parts[1], sign * factor)
            return self.fields.multiply(a, b), left.times(right)
        if block.kind == "negate":
            return further(parts[0], -factor)
        if block.kind == "multiply":
            for constant, other in (parts, parts[::-1]):
                value = self.exact_value(ResidueElement(self, constant))
                if value and _is_power(factor * value):
                    return further(other, factor * value)
        if block.kind == "logarithm" and factor.denominator == 1 and _is_power(factor):
            return self._power_of(parts[0], int(factor))
        return self._atoms(x, factor)

    def _power_of(self, x: Remainders, n: int) -> tuple[np.ndarray, Size]:
        found = self.power(ResidueElement(self, x), n)
        return found.values.lanes, self.size(found)

    def _atoms(self, x: Remainders, factor: Fraction) -> tuple[np.ndarray, Size]:
        """Values drawn for e^(u/q), to the power by which the factor is a multiple of 1/q."""
        if not _is_power(factor):
            x = Remainders(
                self.fields.multiply(x.lanes, self.constants_of([factor]).lanes), x.places
            )
            factor = Fraction(1)
        upright, base = self.upright(x.lanes)
        each = keys(base)
        finest = np.array([self._finest(key, factor.denominator) for key in each], np.int64)
        values = self.value_of("exp", base)
        result = np.ones_like(values)
        for q in set(finest.tolist()):
            for up in (True, False):
                chosen = np.flatnonzero((finest == q) & (upright == up))
                n = int(factor * q) * (1 if up else -1)
                power = self.fields.power(values[:, chosen], abs(n))
                result[:, chosen] = power if n > 0 else self.fields.inverse(power)
        return result, Size(degree=float(abs(factor) * max(finest.tolist(), default=1)))

    def _finest(self, key: bytes, denominator: int) -> int:
        """The q of the e^(u/q) that has a value of its own."""
        known = self._denominators.get(key)
        finest = math.lcm(known or 1, denominator)
        self._denominators[key] = finest
        self._grown = self._grown or finest != (known or finest)
        return finest

    # -- logarithms and roots ----------------------------------------------------------------
    def log(self, x: ResidueElement) -> ResidueElement:
        if self.sign_of(x) < 2:
            self.require(_POSITIVE, x)
        found = self.by_cases(self.log, x, zero=False)
        if found is not None:
            return found
        kind = self.kind(x)
        if kind == "exponential":
            return self.operands(x)[0]
        if self.sign_of(x) == 2 and kind in ("multiply", "reciprocal", "add"):
            parts = self.operands(x)
            if kind == "add":
                return self._log_of_sum(x, *parts)
            if kind == "reciprocal":
                return self.negate(self.log(parts[0]))
            if all(self.sign_of(part) == 2 for part in parts):
                return self.add(*map(self.log, parts))
        return self._logarithm(x)

    def _logarithm(self, x: ResidueElement) -> ResidueElement:
        """A value drawn for log x.

        Raises:
            NoResidue: an entry is 0.
        """
        if self.is_zero(x).any():
            raise NoResidue("a logarithm of 0")
        flat = x.values.flat().lanes
        values = np.where((flat == 1).all(0), 0, self.value_of("log", flat))
        return self.made(values, x.shape, "logarithm", (x,), VALUE)

    def _log_of_sum(
        self, x: ResidueElement, a: ResidueElement, b: ResidueElement
    ) -> ResidueElement:
        """log(eᵛ + eʷ) is v + log(1 + e^(w − v)), and log(1 + e⁻ᵘ) is log(1 + eᵘ) − u."""
        if self.kind(a) != "exponential":
            a, b = b, a
        if self.kind(a) != "exponential":
            return self._logarithm(x)
        if bool((b.values.lanes == 1).all()):
            difference, shift = self.operands(a)[0], None
        elif self.kind(b) == "exponential":
            shift = self.operands(b)[0]
            difference = self.subtract(self.operands(a)[0], shift)
        else:
            return self._logarithm(x)
        upright, base = self.upright(difference.values.flat().lanes)
        places = self.made(base, x.shape, "", (), self.size(difference))
        values = self._logarithm(self.constant(1) + self.exp(places)).values.flat().lanes
        turned = np.where(upright, 0, difference.values.flat().lanes)
        size = VALUE.plus(self.size(difference))
        found = self.made(self.fields.add(values, turned), x.shape, "logarithm", (x,), size)
        return found if shift is None else self.add(shift, found)

    def sqrt(self, x: ResidueElement) -> ResidueElement:
        if self.sign_of(x) < 2:
            self.require(_POSITIVE, x)
        found = self.by_cases(self.sqrt, x)
        if found is not None:
            return found
        exact = self.by_rationals(_exact_root, x) if self._all_squares(x) else None
        if exact is not None:
            return exact
        flat = x.values.flat().lanes
        each = keys(flat)
        drawn = self.value_of("root", flat)
        roots = np.stack([self._roots.get(k, drawn[:, i]) for i, k in enumerate(each)], 1)
        roots = np.where((flat == 0).all(0), 0, np.where((flat == 1).all(0), 1, roots))
        sign = 2 if bool(roots.any(0).all()) else 1
        made = self.made(roots, x.shape, "root", (), VALUE, sign)
        if self.rationals(x) is None:
            self._write_as_squares(each, roots)
        return made

    def _write_as_squares(self, radicands: list[bytes], roots: np.ndarray) -> None:
        """From now on each radicand is the square of its root."""
        squares = self.fields.multiply(roots, roots)
        for k, square in enumerate(keys(squares)):
            if radicands[k] not in self._roots and roots[:, k].any():
                self.squares[radicands[k]] = squares[:, k]
                self._roots[radicands[k]] = self._roots[square] = roots[:, k]
                self._grown = True

    def begin(self) -> None:
        """The next program has as much room, and as many cases, as the one before."""
        self.blocks.begin()
        self._splits = 0

    def again(self) -> bool:
        """Forgets what was made, but not what was drawn; False if nothing would come out otherwise.

        A root that was taken is seen from the start when the same programs are run once more, and
        so is an exponential of which a root was needed.
        """
        grown, self._grown = self._grown, False
        if not grown:
            return False
        self.made_before += self.blocks.entries
        self.blocks, self.conditions = Blocks(), set()
        self.inverted = Inverted()
        self._exponentials.clear()
        return True

    def _all_squares(self, x: ResidueElement) -> bool:
        known = self.rationals(x)
        return known is not None and all(q >= 0 and _exact_root(q) is not None for q in known)

    # -- other functions ---------------------------------------------------------------------
    def function(self, name: str, *xs: ResidueElement) -> ResidueElement:
        known, made_of = FUNCTIONS.get(name), _MADE_OF.get(name)
        if made_of is not None:
            return made_of(self, *xs)
        if known is None or known.definition is not None:
            return super().function(name, *xs)
        power = self._known_power(*xs) if name == "pow" else None
        if power is not None:
            return power
        if known.domain is not None:
            self.require(known.domain, *xs)
        if len(xs) == 1:
            found = self.by_cases(lambda x: self.function(name, x), xs[0], known.domain is None)
            if found is not None:
                return found
        shape, arguments = self.together(*xs)
        lanes = [x.flat().lanes for x in arguments]
        if known.parity is None or len(lanes) > 1:
            return self.made(self.value_of(name, np.concatenate(lanes)), shape, "", (), VALUE)
        upright, base = self.upright(lanes[0])
        values = self.value_of(name, base)
        if known.parity == "odd":
            values = np.where(upright, values, self.fields.negate(values))
            values = np.where((base == 0).all(0), 0, values)
        return self.made(values, shape, "", (), VALUE)

    def _known_power(self, x: ResidueElement, y: ResidueElement) -> ResidueElement | None:
        """x^(n/2) for a constant exponent; None for any other."""
        exponent = self.exact_value(y)
        if exponent is None or exponent.denominator > 2 or not _is_power(exponent):
            return None
        shape, (base, _) = self.together(x, y)
        base = ResidueElement(self, base.broadcast(shape))
        root = base if exponent.denominator == 1 else self.sqrt(base)
        return self.power(root, exponent.numerator)

    def largest_of(self, sets: list[bytes], sign: int) -> ResidueElement:
        """The largest number of each set, which are the keys of its numbers in order."""
        table = self.drawn.setdefault("maximum", {})
        missing = list(dict.fromkeys(each for each in sets if each not in table))
        drawn = self.fields.drawn(len(missing))
        table.update((each, drawn[:, k]) for k, each in enumerate(missing))
        lanes = np.zeros((len(drawn), len(sets)), np.int64)
        for k, each in enumerate(sets):
            lanes[:, k] = table[each]
        return self.made(lanes, (len(sets),), "", (), VALUE, sign)

    def half_tangent(self, x: ResidueElement) -> ResidueElement:
        """tan(x/2), whose sign is that of x."""
        flat = x.values.flat().lanes
        upright, base = self.upright(flat)
        values = self.value_of("tan of the half", base)
        values = np.where(upright, values, self.fields.negate(values))
        values = np.where((base == 0).all(0), 0, values)
        return self.made(values, x.shape, "", (), VALUE)


def _is_power(factor: Fraction) -> bool:
    return abs(factor.numerator) <= _LARGEST_POWER and factor.denominator <= _LARGEST_POWER


def _exact_root(value: Fraction) -> Fraction | None:
    if value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


def _circle(s: ResidueNumbers, x: ResidueElement) -> tuple[ResidueElement, ResidueElement]:
    """t = tan(x/2) and 1/(1 + t²)."""
    t = s.half_tangent(x)
    return t, s.reciprocal(s.constant(1) + t * t)


def _sine(s: ResidueNumbers, x: ResidueElement) -> ResidueElement:
    t, inverse = _circle(s, x)
    return s.constant(2) * t * inverse


def _cosine(s: ResidueNumbers, x: ResidueElement) -> ResidueElement:
    t, inverse = _circle(s, x)
    return (s.constant(1) - t * t) * inverse


def _hyperbolic(s: ResidueNumbers, x: ResidueElement, sign: int) -> ResidueElement:
    return (s.exp(x) + s.constant(sign) * s.exp(-x)) * s.constant(Fraction(1, 2))


def _tangent(s: ResidueNumbers, x: ResidueElement) -> ResidueElement:
    s.require(_domain("tan"), x)
    cosine = _cosine(s, x)
    return _sine(s, x) * s.reciprocal(cosine)


# What polynomials have a value of its own for, and remainders make of others.
_MADE_OF: dict[str, Callable[..., ResidueElement]] = {
    "sin": _sine,
    "cos": _cosine,
    "tan": _tangent,
    "sinh": lambda s, x: _hyperbolic(s, x, -1),
    "cosh": lambda s, x: _hyperbolic(s, x, 1),
    "erfc": lambda s, x: s.constant(1) - s.function("erf", x),
}
