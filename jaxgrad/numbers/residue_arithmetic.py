"""Arrays of remainders as the elements of a number system: what they are, and arithmetic.

An element is a whole array; operations broadcast.  So what is said of functions by others
(:mod:`jaxgrad.numbers.functions`) is carried out for all entries at once.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq

from jaxgrad.numbers.base import NumberSystem, exact
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.function import Domain
from jaxgrad.numbers.nonfinite import NonFinite
from jaxgrad.numbers.prime_fields import NoResidue, PrimeFields, keys
from jaxgrad.numbers.residue_blocks import Blocks, Remainders, code_of
from jaxgrad.numbers.residue_sizes import VALUE, Inverted, Size

__all__ = ["ARITHMETIC", "ResidueArithmetic", "ResidueElement"]

# So many constants are computed with as what they are.
MOST_CONSTANTS = 64
# Constants are known up to so many bits.
_LONGEST = 2**12
# What is linear in a choice that is in one of the operands, or a product of it.
ARITHMETIC = frozenset({"add", "subtract", "multiply", "negate"})


class ResidueElement:
    """An array of real numbers by their remainders, with the operators of numbers."""

    __slots__ = ("system", "values")

    def __init__(self, system: ResidueArithmetic, values: Remainders) -> None:
        self.system, self.values = system, values

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array."""
        return self.values.shape

    def __add__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, NonFinite) else self.system.add(self, other)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, NonFinite) else self.system.subtract(self, other)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, NonFinite) else self.system.multiply(self, other)

    def __neg__(self) -> ResidueElement:
        return self.system.negate(self)


class ResidueArithmetic(NumberSystem):
    """Sums, products and quotients of arrays of remainders.

    Args:
        fields: the primes.
    """

    name = "residue"

    def __init__(self, fields: PrimeFields) -> None:
        self.fields = fields
        self.blocks = Blocks()
        self.inverted = Inverted()
        self.conditions: set[str] = set()
        self.drawn: dict[str, dict[bytes, np.ndarray]] = {}
        self.squares: dict[bytes, np.ndarray] = {}
        self._first = np.zeros(0, np.int64)
        self._known_squares = 0

    # -- making elements ---------------------------------------------------------------------
    def variables(self, count: int) -> ResidueElement:
        """Real inputs, each drawn by itself."""
        return self.made(self.fields.drawn(count), (count,), "", (), VALUE)

    def of_constants(self, values: Any) -> ResidueElement:
        """An array of rational numbers, infinities and NaN."""
        array = np.asarray(values)
        if array.dtype != object and array.dtype.kind not in "biuf":
            array = array.astype(np.float64)
        flat = array.reshape(-1)
        if flat.dtype == object:
            distinct, inverse = list(dict.fromkeys(flat.tolist())), None
            places = {value: k for k, value in enumerate(distinct)}
            inverse = np.array([places[value] for value in flat.tolist()], np.int64)
        else:
            found, inverse = np.unique(flat, return_inverse=True)
            distinct = found.tolist()
        rational = [
            Fraction(0) if isinstance(v, float) and not math.isfinite(v) else exact(v)
            for v in distinct
        ]
        step = 1 if len(rational) <= MOST_CONSTANTS else len(rational)
        parts = [rational[k : k + step] for k in range(0, len(rational), step)]
        made = _joined([self.constants_of(part) for part in parts], len(self.fields.primes))
        codes = [
            code_of(v) if isinstance(v, float) and not math.isfinite(v) else place
            for v, place in zip(distinct, made.places.tolist(), strict=True)
        ]
        chosen = Remainders(
            made.lanes[:, inverse.reshape(-1)], np.array(codes, np.int64)[inverse.reshape(-1)]
        )
        return ResidueElement(self, chosen.reshape(array.shape))

    def constants_of(self, values: Sequence[Fraction]) -> Remainders:
        """A block of some rational numbers."""
        numerators = self.fields.of_integers([value.numerator for value in values])
        denominators = self.fields.of_integers([value.denominator for value in values])
        if any(value.denominator != 1 for value in values):
            numerators = self.fields.multiply(numerators, self.fields.inverse(denominators))
        sizes, signs = [], set()
        for value in values:
            twos = (value.denominator & -value.denominator).bit_length() - 1
            odd = value.denominator >> twos
            if odd > 1:
                self.inverted.add_constant(odd)
            bits = math.log2(abs(value.numerator)) if value else 0.0
            sizes.append(Size(float(odd > 1), bits, float(twos)))
            signs.add(2 * ((value > 0) - (value < 0)) if value else 1)
        sign = min(signs) if min(signs) > 0 else max(signs) if max(signs) < 0 else 0
        shape = (len(values),)
        places = self.blocks.made(shape, "", (), Size.either(sizes), sign, values)
        return Remainders(numerators, places)

    def constant(self, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return NonFinite(value)
        return ResidueElement(self, self.constants_of([exact(value)]).reshape(()))

    def made(
        self,
        lanes: np.ndarray,
        shape: tuple[int, ...],
        kind: str,
        operands: Sequence[ResidueElement],
        size: Size,
        sign: int = 0,
        choice: ResidueElement | None = None,
    ) -> ResidueElement:
        """The results of an operation, in the form in which they are known already."""
        tick()
        if choice is None and kind in ARITHMETIC:
            found = (self.choice_of(x) for x in operands if x.shape == shape)
            choice = next((each for each in found if each is not None), None)
        kept = None if choice is None else choice.values.flat()
        values = [x.values for x in operands]
        places = self.blocks.made(shape, kind, values, size, sign, choice=kept)
        made = Remainders(lanes.reshape(len(lanes), *shape), places)
        return ResidueElement(self, self._in_known_form(made, sign) if self.squares else made)

    def choice_of(self, x: ResidueElement) -> ResidueElement | None:
        """A value [u > 0] of each entry that is in it, as far as is known."""
        block = self.blocks.single(x.values.places)
        if block is None or block.choice is None:
            return None
        offsets = x.values.places.reshape(-1) - block.start
        return ResidueElement(self, block.choice.take(offsets).reshape(x.shape))

    def _in_known_form(self, made: Remainders, sign: int) -> Remainders:
        """Numbers of which a root was taken as the squares of these roots.

        That is so of complex roots, too: of the sign of the number it says nothing.
        """
        if len(self.squares) != self._known_squares:
            first = [int.from_bytes(key[:8], sys.byteorder) for key in self.squares]
            self._first, self._known_squares = np.sort(np.array(first, np.int64)), len(first)
        flat = made.flat()
        near = np.searchsorted(self._first, flat.lanes[0])
        near[near == len(self._first)] = 0
        candidates = np.flatnonzero(self._first[near] == flat.lanes[0])
        found = [
            (entry, self.squares[key])
            for entry, key in zip(candidates.tolist(), keys(flat.lanes[:, candidates]), strict=True)
            if key in self.squares
        ]
        if not found:
            return made
        lanes, places = flat.lanes.copy(), flat.places.copy()
        entries = [entry for entry, _ in found]
        lanes[:, entries] = np.stack([square for _, square in found], axis=1)
        places[entries] = self.blocks.made((len(found),), "", (), VALUE.power(2), sign)
        return Remainders(lanes, places).reshape(made.shape)

    def value_of(self, name: str, arguments: np.ndarray) -> np.ndarray:
        """A value drawn for each distinct number, or tuple of numbers, that a function is given.

        Args:
            name: of the function.
            arguments: of shape (primes times arguments, n).
        """
        table = self.drawn.setdefault(name, {})
        each = keys(arguments)
        missing = list(dict.fromkeys(key for key in each if key not in table))
        drawn = self.fields.drawn(len(missing))
        table.update((key, drawn[:, k]) for k, key in enumerate(missing))
        if not each:
            return drawn
        return np.stack([table[key] for key in each], axis=1)

    # -- what is known of elements -----------------------------------------------------------
    def size(self, x: ResidueElement) -> Size:
        """A bound of the formulas."""
        return self.blocks.size(x.values.places)

    def sign_of(self, x: ResidueElement) -> int:
        """As :attr:`Block.sign`."""
        return self.blocks.sign(x.values.places)

    def rationals(self, x: ResidueElement) -> list[Fraction] | None:
        """The numbers, if they are few and all are constants."""
        if x.values.places.size > MOST_CONSTANTS:
            return None
        return self.blocks.constants(x.values.places)

    def exact_value(self, x: ResidueElement) -> Fraction | None:
        """The rational number that every entry is."""
        places = x.values.places
        if places.size > MOST_CONSTANTS and places.min() != places.max():
            return None
        found = self.blocks.constants(np.unique(places))
        return found[0] if found and len(set(found)) == 1 else None

    def _is_constant(self, x: ResidueElement, value: int) -> bool:
        """Whether every entry is this constant, as one that was made so."""
        block = self.blocks.single(x.values.places)
        return block is not None and block.constants == [value]

    def is_zero(self, x: ResidueElement) -> np.ndarray:
        """Which entries are 0."""
        return (x.values.lanes == 0).all(0)

    def same(self, x: ResidueElement, y: ResidueElement) -> bool:
        return x.shape == y.shape and bool((x.values.lanes == y.values.lanes).all())

    def kind(self, x: ResidueElement) -> str:
        """Which operation made all of the entries; ``""`` if it was not one."""
        block = self.blocks.single(x.values.places)
        return "" if block is None else block.kind

    def operands(self, x: ResidueElement) -> tuple[ResidueElement, ...]:
        """What it was applied to, of entries that one operation made."""
        block = self.blocks.single(x.values.places)
        assert block is not None
        found = self.blocks.operands(block, x.values.places.reshape(-1))
        return tuple(ResidueElement(self, y.reshape(x.shape)) for y in found)

    def by_rationals(self, f: Any, *xs: ResidueElement) -> ResidueElement | None:
        known = [self.rationals(x) for x in xs]
        if any(each is None or any(map(_is_long, each)) for each in known):
            return None
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        if math.prod(shape) > MOST_CONSTANTS:
            return None
        arrays = [np.array(k, object).reshape(x.shape) for k, x in zip(known, xs, strict=True)]
        flat = [np.broadcast_to(a, shape).reshape(-1).tolist() for a in arrays]
        found = np.empty(len(flat[0]), object)
        found[:] = [f(*each) for each in zip(*flat, strict=True)]
        return self.of_constants(found.reshape(shape))

    def together(self, *xs: ResidueElement) -> tuple[tuple[int, ...], list[Remainders]]:
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        return shape, [x.values.broadcast(shape) for x in xs]

    # -- arithmetic --------------------------------------------------------------------------
    def add(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        """x + y."""
        known = self.by_rationals(lambda a, b: a + b, x, y)
        if known is not None:
            return known
        shape, (a, b) = self.together(x, y)
        for zero, other in ((x, b), (y, a)):
            if self._is_constant(zero, 0):
                return ResidueElement(self, other)
        sign = _sign_of_sum(self.sign_of(x), self.sign_of(y))
        size = self.size(x).plus(self.size(y))
        return self.made(self.fields.add(a.lanes, b.lanes), shape, "add", (x, y), size, sign)

    def negate(self, x: ResidueElement) -> ResidueElement:
        """−x."""
        known = self.by_rationals(lambda a: -a, x)
        if known is not None:
            return known
        lanes = self.fields.negate(x.values.lanes)
        return self.made(lanes, x.shape, "negate", (x,), self.size(x), -self.sign_of(x))

    def subtract(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        """x − y."""
        known = self.by_rationals(lambda a, b: a - b, x, y)
        if known is not None:
            return known
        shape, (a, b) = self.together(x, y)
        if self._is_constant(y, 0):
            return ResidueElement(self, a)
        sign = _sign_of_sum(self.sign_of(x), -self.sign_of(y))
        size = self.size(x).plus(self.size(y))
        lanes = self.fields.subtract(a.lanes, b.lanes)
        return self.made(lanes, shape, "subtract", (x, y), size, sign)

    def multiply(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        """x·y."""
        known = self.by_rationals(lambda a, b: a * b, x, y)
        if known is not None:
            return known
        shape, (a, b) = self.together(x, y)
        for one, other in ((x, b), (y, a)):
            if self._is_constant(one, 1):
                return ResidueElement(self, other)
        signs = self.sign_of(x), self.sign_of(y)
        sign = 0
        if all(signs):
            sign = min(map(abs, signs)) * (1 if (signs[0] > 0) == (signs[1] > 0) else -1)
        elif self.same(x, y):
            sign = 1
        size = self.size(x).times(self.size(y))
        lanes = self.fields.multiply(a.lanes, b.lanes)
        return self.made(lanes, shape, "multiply", (x, y), size, sign)

    def divide(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        """x/y."""
        return self.multiply(x, self.reciprocal(y))

    def reciprocal(self, y: ResidueElement) -> ResidueElement:
        """1/y, which takes for granted that y is not 0.

        Raises:
            NoResidue: an entry is 0.
        """
        if self.is_zero(y).any():
            raise NoResidue("a division by 0")
        known = self.by_rationals(lambda a: 1 / a, y)
        if known is not None:
            return known
        size, sign = self.size(y), self.sign_of(y)
        if size.is_monomial:
            inverse = size
        else:
            self.inverted.add(y.values.lanes[0].reshape(-1).tolist(), size)
            inverse = Size(degree=1.0, level=size.level + 1)
        lanes = self.fields.inverse(y.values.lanes)
        return self.made(lanes, y.shape, "reciprocal", (y,), inverse, sign)

    def take_for_granted(self, domain: Domain, *xs: ResidueElement) -> None:
        """That a function has a value at numbers that the program gives it.

        Raises:
            NoResidue: they are constants at which it has none.
        """
        known = [self.rationals(x) for x in xs]
        if any(each is None for each in known):
            self.conditions.add(domain.fails)
            return
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        arrays = [np.array(k, object).reshape(x.shape) for k, x in zip(known, xs, strict=True)]
        flat = [np.broadcast_to(a, shape).reshape(-1).tolist() for a in arrays]
        for each in zip(*flat, strict=True):
            if not domain.holds(*(arb(fmpq(q.numerator, q.denominator)) for q in each)):
                raise NoResidue(domain.fails)

    def difference(self, x: ResidueElement, y: ResidueElement) -> ResidueElement:
        return self.subtract(x, y)

    def power(self, x: ResidueElement, n: int) -> ResidueElement:
        if n < 0:
            return self.reciprocal(self.power(x, -n))
        if n == 1:
            return x
        if n == 2:
            return self.multiply(x, x)
        known = self.by_rationals(lambda a: a**n, x) if n <= MOST_CONSTANTS else None
        if known is not None:
            return known
        sign = abs(self.sign_of(x)) or 1 if n % 2 == 0 else self.sign_of(x)
        lanes = self.fields.power(x.values.lanes, n)
        return self.made(lanes, x.shape, "", (), self.size(x).power(n), sign)


def _sign_of_sum(*signs: int) -> int:
    """What is known of the sign of a sum, of numbers of which none has another sign."""
    return max(signs) if min(signs) > 0 else min(signs) if max(signs) < 0 else 0


def _is_long(value: Fraction) -> bool:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > _LONGEST


def _joined(parts: Sequence[Remainders], primes: int) -> Remainders:
    """Flat ones behind one another."""
    lanes = [part.lanes for part in parts] or [np.zeros((primes, 0), np.int64)]
    places = [part.places for part in parts] or [np.zeros(0, np.int64)]
    return Remainders(np.concatenate(lanes, axis=1), np.concatenate(places))
