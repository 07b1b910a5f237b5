"""Indicators [u>0] and [u=0] of a polynomial u, with what is known of u taken out first."""

from __future__ import annotations

from flint import fmpq_mpoly

from jaxgrad.numbers.factors import factors
from jaxgrad.numbers.ring import INDICATORS, Generator, Ring

__all__ = ["at", "signs"]

# [u>0] with n indicators inside u is a sum over 2^n cases.
MOST_CASES = 4


def at(ring: Ring, poly: fmpq_mpoly, generator: Generator, value: int) -> fmpq_mpoly:
    """The polynomial with an indicator put at 0 or 1."""
    parts = ring.split(poly, generator)
    if not parts:
        return poly
    result = parts[0]
    for part in parts[1:] if value else ():
        result = result + part
    return result


def signs(ring: Ring, poly: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """[u>0] and [u=0]: positive factors do not matter, and indicators inside u are split off."""
    inside = [g for g in ring.used(poly) if g.kind in INDICATORS]
    if inside and len(inside) <= MOST_CASES:
        return _by_case(ring, poly, inside[0])
    poly, sign = _essential_sign(ring, poly)
    if poly.is_constant():
        return ring.one * int(sign > 0), ring.one * int(sign == 0)
    positive = ring.generator("positive", (poly,))
    zero = ring.generator("zero", (poly,))
    ring.relate(positive, positive, positive.poly)
    ring.relate(zero, zero, zero.poly)
    ring.relate(positive, zero, ring.zero)
    return (positive.poly if sign > 0 else ring.one - positive.poly - zero.poly), zero.poly


def _by_case(ring: Ring, poly: fmpq_mpoly, g: Generator) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    off, on = signs(ring, at(ring, poly, g, 0)), signs(ring, at(ring, poly, g, 1))
    product = ring.product
    positive, zero = (
        ring.reduce(product(ring.one - g.poly, off[i]) + product(g.poly, on[i])) for i in (0, 1)
    )
    return positive, zero


def _essential_sign(ring: Ring, poly: fmpq_mpoly) -> tuple[fmpq_mpoly, int]:
    """(u, s): the polynomial is s·u times a positive number; s is 0 for the polynomial 0."""
    if poly.is_zero():
        return ring.one, 0
    constant, found = factors(ring, poly)
    rest = ring.one
    for factor, exponent in found:
        if not ring.is_positive(factor):
            rest = ring.product(rest, factor**exponent)
    return rest, 1 if constant > 0 else -1
