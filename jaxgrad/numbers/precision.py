"""How many bits Arb computes with, and how many terms FLINT's power series keep."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from flint import ctx

from jaxgrad.errors import ArgumentError

__all__ = ["precision", "series_length"]

# Arb's least; and what is far beyond any memory, and fits into a C long everywhere.
FEWEST_BITS = 2
MOST = 2**31 - 1


@contextlib.contextmanager
def precision(bits: int, terms: int | None = None) -> Iterator[None]:
    """Computes with balls of so many bits inside a ``with`` block.

    Args:
        bits: the working precision of ``flint.arb`` within the block.
        terms: how many coefficients power series keep; as before if None.

    Raises:
        ArgumentError: these are no numbers that Arb can compute with.

    Example:
        >>> from flint import arb
        >>> with precision(300):
        ...     bool(arb.pi().rad() < arb(2) ** -290)
        True

    Source: Arb's working precision, https://flintlib.org/doc/arb.html.
    """
    before = ctx.prec, ctx.cap
    _require("bits", bits, FEWEST_BITS)
    if terms is not None:
        _require("terms", terms, 0)
    ctx.prec, ctx.cap = bits, before[1] if terms is None else terms
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


def _require(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise ArgumentError(
            f"precision: {name} is {value!r:.60}; give an integer from {least} to {MOST}, such as "
            "precision(128)"
        )


def series_length(count: int) -> contextlib.AbstractContextManager[None]:
    """Keeps so many coefficients of FLINT's power series inside a ``with`` block."""
    return precision(ctx.prec, count)
