"""Indicators [u>0] and [u=0] of a polynomial u, with what is known of u taken out first."""

from __future__ import annotations

from flint import fmpq_mpoly

from jaxgrad.numbers.factors import factors
from jaxgrad.numbers.field import INDICATORS, Field, Generator

__all__ = ["at", "signs"]

Poly = fmpq_mpoly

# [u>0] with n indicators inside u is a sum over 2^n cases.
MOST_CASES = 4


def at(field: Field, poly: Poly, generator: Generator, value: int) -> Poly:
    """The polynomial with an indicator put at 0 or 1."""
    parts = field.split(poly, generator)
    if not parts:
        return poly
    result = parts[0]
    for part in parts[1:] if value else ():
        result = result + part
    return result


def signs(field: Field, poly: Poly) -> tuple[Poly, Poly]:
    """[u>0] and [u=0]: positive factors do not matter, and indicators inside u are split off."""
    inside = [g for g in field.used(poly) if g.kind in INDICATORS]
    if inside and len(inside) <= MOST_CASES:
        return _by_case(field, poly, inside[0])
    poly, sign = _essential_sign(field, poly)
    if poly.is_constant():
        return field.one * int(sign > 0), field.one * int(sign == 0)
    positive = field.generator("positive", (poly,))
    zero = field.generator("zero", (poly,))
    field.relate(positive, positive, positive.poly)
    field.relate(zero, zero, zero.poly)
    field.relate(positive, zero, field.zero)
    return (positive.poly if sign > 0 else field.one - positive.poly - zero.poly), zero.poly


def _by_case(field: Field, poly: Poly, g: Generator) -> tuple[Poly, Poly]:
    off, on = signs(field, at(field, poly, g, 0)), signs(field, at(field, poly, g, 1))
    product = field.product
    positive, zero = (
        field.reduce(product(field.one - g.poly, off[i]) + product(g.poly, on[i])) for i in (0, 1)
    )
    return positive, zero


def _essential_sign(field: Field, poly: Poly) -> tuple[Poly, int]:
    """(u, s): the polynomial is s·u times a positive number; s is 0 for the polynomial 0."""
    if poly.is_zero():
        return field.one, 0
    constant, found = factors(field, poly)
    rest = field.one
    for factor, exponent in found:
        if not field.is_positive(factor):
            rest = field.product(rest, factor**exponent)
    return rest, 1 if constant > 0 else -1
