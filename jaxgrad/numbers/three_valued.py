"""Number systems whose comparisons may be open, and what NaN is to them."""

from __future__ import annotations

from jaxgrad.numbers.base import UNKNOWN, Element, NumberSystem

__all__ = ["ThreeValued"]


class ThreeValued(NumberSystem):
    """A number system whose comparisons are True, False, or UNKNOWN where elements overlap.

    The logic is Kleene's: what follows whichever way the unknown falls is known.
    """

    def logical_not(self, p: bool | None) -> bool | None:
        return UNKNOWN if p is UNKNOWN else not p

    def logical_and(self, p: bool | None, q: bool | None) -> bool | None:
        if p is False or q is False:
            return False
        return UNKNOWN if p is UNKNOWN or q is UNKNOWN else True

    def is_nan(self, x: Element) -> bool:
        """Whether it is known that floats have NaN for the number."""
        return self.compare("ne", x, x) is True

    def ordered(self, relation: str, x: Element, y: Element) -> bool | None:
        found = self.compare(relation, x, y)
        return UNKNOWN if found is False and (self.is_nan(x) or self.is_nan(y)) else found

    # NaN is the larger one and the smaller one, and its own sign.
    def maximum(self, x: Element, y: Element) -> Element:
        return x if self.is_nan(x) else y if self.is_nan(y) else super().maximum(x, y)

    def minimum(self, x: Element, y: Element) -> Element:
        return x if self.is_nan(x) else y if self.is_nan(y) else super().minimum(x, y)

    def sign(self, x: Element) -> Element:
        return x if self.is_nan(x) else super().sign(x)

    def opened(self, p: bool | None, tie: bool | None) -> bool | None:
        return p if tie is False else UNKNOWN

    def truth(self, value: bool) -> bool:
        return bool(value)

    def known(self, p: bool | None) -> bool | None:
        return p
