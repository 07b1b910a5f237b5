"""What is known of polynomials, found again by equal ones, which have no hash."""

from __future__ import annotations

from typing import Generic, TypeVar

from flint import fmpq_mpoly

__all__ = ["PolynomialTable"]
T = TypeVar("T")


class PolynomialTable(Generic[T]):
    """Tuples of polynomials of one ring -> values.

    A key is never the text of a polynomial: to write one takes as long as hundreds of comparisons,
    and FLINT's text stays in memory; see :mod:`~jaxgrad.numbers.written`.

    Example:
        >>> from jaxgrad.numbers.ring import Ring
        >>> one, x = (ring := Ring(8, 1000)).one, ring.generator("input", (), "x").poly
        >>> table: PolynomialTable[str] = PolynomialTable()
        >>> table.put((x + 1, one), "first")
        >>> table.get((one + x, one)), table.get((x, one))
        ('first', None)
    """

    def __init__(self) -> None:
        # A cheap invariant narrows the search; comparing two polynomials takes tenths of a μs.
        self._places: dict[tuple[tuple[int, int], ...], list[tuple[tuple[fmpq_mpoly, ...], T]]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def get(self, polys: tuple[fmpq_mpoly, ...]) -> T | None:
        """The value of equal polynomials; None if there is none."""
        for known, value in self._places.get(_invariant(polys), ()):
            if known == polys:
                return value
        return None

    def put(self, polys: tuple[fmpq_mpoly, ...], value: T) -> None:
        """Gives polynomials a value, in place of one that they have."""
        place = self._places.setdefault(_invariant(polys), [])
        for k, (known, _) in enumerate(place):
            if known == polys:
                place[k] = (known, value)
                return
        place.append((polys, value))
        self._size += 1


def _invariant(polys: tuple[fmpq_mpoly, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((len(poly), int(poly.total_degree())) for poly in polys)
