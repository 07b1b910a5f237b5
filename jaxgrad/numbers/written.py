"""Polynomials as text: as FLINT writes them, whose text of several variables stays in memory.

``str(poly)`` of python-flint never frees the characters that FLINT made, several for each variable
of the ring in each call, so that no polynomial of a ring is written by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq_mpoly

__all__ = ["pieces", "written"]


def pieces(poly: fmpq_mpoly) -> Iterator[str | int]:
    """The text of a polynomial from its beginning, piece by piece, as far as it is read.

    Args:
        poly: the polynomial.

    Returns:
        Text, and for each generator its index.
    """
    first = True
    for exponents, coefficient in poly.terms():
        sign = "-" if coefficient < 0 else "" if first else "+"
        yield sign if first else f" {sign} "
        first = False
        used = [(i, int(exponent)) for i, exponent in enumerate(exponents) if exponent]
        size = abs(coefficient)
        if size != 1 or not used:
            yield f"{size}*" if used else f"{size}"
        for k, (i, exponent) in enumerate(used):
            yield from ("*", i) if k else (i,)
            if exponent > 1:
                yield f"^{exponent}"
    if first:
        yield "0"


def written(poly: fmpq_mpoly) -> str:
    """The text of a polynomial.

    Args:
        poly: the polynomial.

    Example:
        >>> from jaxgrad.numbers.ring import Ring
        >>> ring = Ring(8, 1000)
        >>> x, y = (ring.generator("input", (), name).poly for name in "xy")
        >>> written(x * y**2 / 3 - y + 1)
        '1/3*g0*g1^2 - g1 + 1'
    """
    return "".join(f"g{piece}" if isinstance(piece, int) else piece for piece in pieces(poly))
