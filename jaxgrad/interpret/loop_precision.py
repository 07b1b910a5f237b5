"""As many bits as it takes to tell when the loops of a program end.

The turns of a loop lose bits one after the other, of which nobody knows beforehand how many: a
descent whose step is right to the last bit loses a few of them in each.  Whether it goes on is
asked again with more, from the start of the program.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from flint import ctx

from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.precision import precision

__all__ = ["MOST_BITS", "OpenLoop", "bits_of_loops", "with_bits_for_loops"]

Found = TypeVar("Found")

# As many as anything is asked with.
MOST_BITS = 3392
# Bits are what a loop loses with each turn, but the values of a float can also tie: then no number
# of them tells, and each try is for nothing.
MORE = 4

_bits: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


class OpenLoop(CannotDecide):
    """Whether a ``while_loop`` goes on depends on a comparison of enclosures that meet."""

    def __init__(self) -> None:
        super().__init__("whether a `while_loop` goes on depends on an open comparison")


def bits_of_loops(jaxpr: Any) -> int:
    """How many bits told when the loops of a program end; 0 where any number did so far."""
    return _bits.get(jaxpr, 0)


def with_bits_for_loops(jaxpr: Any, numbers: Any, run: Callable[[], Found]) -> Found:
    """What a run of a program returns, with the fewest bits that tell when its loops end.

    Args:
        jaxpr: the program, of which the number of bits is remembered.
        numbers: the number system; only what ``sharpens`` is run again.
        run: called within a block in which FLINT computes with so many bits.

    Raises:
        OpenLoop: no number of bits tells.
    """
    bits = max(ctx.prec, bits_of_loops(jaxpr))
    state = _flags(numbers)
    while True:
        try:
            with precision(bits):
                found = run()
        except OpenLoop:
            if bits >= MOST_BITS or not getattr(numbers, "sharpens", False):
                raise
            bits = min(MORE * bits, MOST_BITS)
            vars(numbers).update(state)
            continue
        if bits > ctx.prec:
            _bits[jaxpr] = bits
        return found


def _flags(numbers: Any) -> dict[str, Any]:
    """What a number system notes while it is run, as it is before."""
    return dict(vars(numbers)) if isinstance(numbers, NumberSystem) else {}
