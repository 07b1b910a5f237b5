"""Arithmetic modulo several random primes at once, over whole arrays of remainders.

A prime lies between 2⁴⁹ and 2⁵⁰, so that a product modulo it is made of float64 and int64 numbers
alone: a rounded quotient is off by 1 at most, and what 64-bit integers drop on the way cancels.
"""

from __future__ import annotations

import math
import secrets
from typing import Any

import numpy as np
from flint import fmpz

from jaxgrad.errors import CannotDecide
from jaxgrad.numbers.clock import tick

__all__ = ["BITS", "PRIMES", "NoResidue", "PrimeFields", "keys"]

BITS = 49
"""Every prime is larger than this power of 2."""
PRIMES = 2.0**43
"""There are more primes than that between 2⁴⁹ and 2⁵⁰.

π(x) is at least x/(log x − 1) for x ≥ 5393 and at most x/(log x − 1.1) for x ≥ 60184 (Dusart 2010,
Estimates of some functions over primes without R.H.), so there are at least 1.63·10¹³.
"""

# A remainder in parts of so many bits: a sum of that many products of two is exact in float64.
_PART = 17
_LONGEST_SUM = 2**16
# So many remainders add up to less than 2⁶³.
_ADDED = 2**12


class NoResidue(CannotDecide):
    """What residues do not tell: whoever asks them has another way, so that no verdict says it."""


def random_prime() -> int:
    """Each prime between 2⁴⁹ and 2⁵⁰ with the same chance."""
    while True:
        number = (1 << BITS) | secrets.randbits(BITS) | 1
        if fmpz(number).is_prime():
            return number


class PrimeFields:
    """Arithmetic of arrays whose first axis is that of the primes.

    Args:
        count: how many primes are drawn, all different.

    Example:
        >>> fields = PrimeFields(2)
        >>> half = fields.inverse(fields.of_integers([2]))
        >>> fields.multiply(half, fields.of_integers([6])).tolist()
        [[3], [3]]
    """

    def __init__(self, count: int) -> None:
        primes: list[int] = []
        while len(primes) < count:
            prime = random_prime()
            if prime not in primes:
                primes.append(prime)
        self.primes = tuple(primes)
        self._draw = np.random.Generator(np.random.Philox(secrets.randbits(128)))

    def _moduli(self, x: np.ndarray) -> np.ndarray:
        return np.array(self.primes, np.int64).reshape((-1,) + (1,) * (x.ndim - 1))

    def of_integers(self, values: Any) -> np.ndarray:
        """The remainders of Python's integers, in one more axis in front."""
        flat = np.asarray(values, object)
        found = [[int(v) % p for v in flat.reshape(-1).tolist()] for p in self.primes]
        return np.array(found, np.int64).reshape(len(self.primes), *flat.shape)

    def drawn(self, size: int) -> np.ndarray:
        """Random remainders, none of them 0, of shape (primes, size)."""
        rows = [self._draw.integers(1, prime, size) for prime in self.primes]
        return np.array(rows, np.int64).reshape(len(self.primes), size)

    def add(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        total = x + y
        moduli = self._moduli(total)
        return np.where(total >= moduli, total - moduli, total)

    def negate(self, x: np.ndarray) -> np.ndarray:
        return np.where(x == 0, x, self._moduli(x) - x)

    def subtract(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        difference = x - y
        return np.where(difference < 0, difference + self._moduli(difference), difference)

    def multiply(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """x·y, whose axes broadcast behind the first one."""
        width = max(x.ndim, y.ndim)
        x, y = (z.reshape(z.shape[:1] + (1,) * (width - z.ndim) + z.shape[1:]) for z in (x, y))
        moduli = self._moduli(x)
        # Rounded three times, a quotient below 2⁵⁰ is off by less than 3/8 before it is cut.
        quotient = (x.astype(np.float64) * y * (1.0 / moduli)).astype(np.int64)
        rest = x * y - quotient * moduli
        rest = np.where(rest < 0, rest + moduli, rest)
        return np.where(rest >= moduli, rest - moduli, rest)

    def total(self, x: np.ndarray) -> np.ndarray:
        """The sum over the last axis."""
        while x.shape[-1] > 1:
            size = x.shape[-1]
            groups = -(-size // _ADDED)
            padded = np.zeros((*x.shape[:-1], groups * min(size, _ADDED)), np.int64)
            padded[..., :size] = x
            x = padded.reshape(*x.shape[:-1], groups, -1).sum(-1)
            x %= self._moduli(x)
        return x[..., 0] if x.shape[-1] else np.zeros(x.shape[:-1], np.int64)

    def power(self, x: np.ndarray, exponents: int | list[int]) -> np.ndarray:
        """x to one power that is not negative, or to one for each prime."""
        each = [exponents] * len(self.primes) if isinstance(exponents, int) else exponents
        result = np.ones_like(x)
        for bit in reversed(range(max(n.bit_length() for n in each))):
            tick()
            result = self.multiply(result, result)
            chosen = np.array([n >> bit & 1 for n in each], bool)
            if chosen.any():
                shown = chosen.reshape((-1,) + (1,) * (x.ndim - 1))
                result = np.where(shown, self.multiply(result, x), result)
        return result

    def inverse(self, x: np.ndarray) -> np.ndarray:
        """1/x.

        Raises:
            NoResidue: one of the remainders is 0.
        """
        if (x == 0).any():
            raise NoResidue("a division by 0 modulo a prime")
        return self.power(x, [prime - 2 for prime in self.primes])

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Products of matrices, of shapes (primes, batch, m, k) and (primes, batch, k, n).

        Each remainder is taken apart into three, whose products are taken by float64 matrices.
        """
        if a.shape[-1] == 1:
            return self.multiply(a, b)
        total = np.zeros((*a.shape[:-1], b.shape[-1]), np.int64)
        for start in range(0, a.shape[-1], _LONGEST_SUM):
            tick()
            part = slice(start, start + _LONGEST_SUM)
            total = self.add(total, self._exact_product(a[..., part], b[..., part, :]))
        return total

    def _exact_product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        left, right = _parts(a), _parts(b)
        total = np.zeros((*a.shape[:-1], b.shape[-1]), np.int64)
        for place in reversed(range(5)):
            pairs = [(i, place - i) for i in range(3) if 0 <= place - i < 3]
            exact = sum(np.matmul(left[i], right[j]) for i, j in pairs)
            part = np.asarray(exact).astype(np.int64) % self._moduli(total)
            total = self.add(self._shifted(total), part)
        return total

    def _shifted(self, x: np.ndarray) -> np.ndarray:
        shift = np.full((len(self.primes),) + (1,) * (x.ndim - 1), 1 << _PART, np.int64)
        return self.multiply(x, shift)


def _parts(x: np.ndarray) -> list[np.ndarray]:
    mask = (1 << _PART) - 1
    return [(x >> _PART * k & mask).astype(np.float64) for k in range(3)]


def keys(x: np.ndarray) -> list[bytes]:
    """Of remainders of shape (primes, n) one key for each of the n numbers."""
    rows = np.ascontiguousarray(x.T)
    width = rows.shape[1] * rows.itemsize
    data = rows.tobytes()
    return [data[i : i + width] for i in range(0, math.prod(rows.shape) * rows.itemsize, width)]
