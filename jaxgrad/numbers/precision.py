"""How many bits Arb computes with, and how many terms FLINT's power series keep."""

from __future__ import annotations

import contextlib

from flint import ctx

from jaxgrad.errors import ArgumentError

__all__ = ["precision", "series_length"]

# Arb's least; and what is far beyond any memory, and fits into a C long everywhere.
FEWEST_BITS = 2
MOST = 2**31 - 1


class _Precision(contextlib.ContextDecorator):
    """What FLINT computes with inside of blocks, which may be one within the other."""

    def __init__(self, bits: int, terms: int | None) -> None:
        self._bits, self._terms = bits, terms
        self._before: list[tuple[int, int]] = []

    def __enter__(self) -> None:
        self._before.append((ctx.prec, ctx.cap))
        ctx.prec = self._bits
        if self._terms is not None:
            ctx.cap = self._terms

    def __exit__(self, *error: object) -> None:
        ctx.prec, ctx.cap = self._before.pop()


def precision(bits: int, terms: int | None = None) -> contextlib.AbstractContextManager[None]:
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
    _require("bits", bits, FEWEST_BITS)
    if terms is not None:
        _require("terms", terms, 0)
    return _Precision(bits, terms)


def _require(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise ArgumentError(
            f"precision: {name} is {value!r:.60}; give an integer from {least} to {MOST}, such as "
            "precision(128)"
        )


def series_length(count: int) -> contextlib.AbstractContextManager[None]:
    """Keeps so many coefficients of FLINT's power series inside a ``with`` block."""
    return precision(ctx.prec, count)
