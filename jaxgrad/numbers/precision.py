"""How many bits Arb computes with, and how many terms FLINT's power series keep."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from flint import ctx

__all__ = ["precision", "series_length"]


@contextlib.contextmanager
def precision(bits: int, terms: int | None = None) -> Iterator[None]:
    """Computes with balls of so many bits inside a ``with`` block.

    Args:
        bits: the working precision of ``flint.arb`` within the block.
        terms: how many coefficients power series keep; as before if None.

    Example:
        >>> from flint import arb
        >>> with precision(300):
        ...     bool(arb.pi().rad() < arb(2) ** -290)
        True

    Source: Arb's working precision, https://flintlib.org/doc/arb.html.
    """
    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, before[1] if terms is None else terms
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


def series_length(count: int) -> contextlib.AbstractContextManager[None]:
    """Keeps so many coefficients of FLINT's power series inside a ``with`` block."""
    return precision(ctx.prec, count)
