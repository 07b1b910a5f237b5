"""The derivatives from the two sides of a point, and numbers as text."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb

__all__ = ["DIGITS", "Sides", "is_known", "sum_of", "text_of"]

DIGITS = 12  # of a number in a message
# Of what no float of any dtype is as small as, its size is said; and of what nobody would read.
_TINY, _HUGE = arb(2) ** -1100, arb(10) ** 9999


def text_of(x: arb, digits: int = DIGITS) -> str:
    """A ball, an infinity or NaN as text.

    Example:
        >>> text_of(arb(0.5)), text_of(arb(2) ** -(10**9)), text_of(arb(2) ** 10**9)
        ('0.500000000000', 'less than 1e-300 in size', 'more than 1e+9999')
    """
    if not x.is_finite():
        return "inf" if x > 0 else "-inf" if x < 0 else "nan"
    if abs(x) < _TINY and not x.is_zero():
        return "less than 1e-300 in size"
    if abs(x) > _HUGE:
        return "more than 1e+9999" if x > 0 else "less than -1e+9999"
    return x.str(digits)


def is_known(x: arb) -> bool:
    """Whether something is known: enclosed, or certainly infinite."""
    return x.is_finite() or x > 0 or x < 0


@dataclass(frozen=True)
class Sides:
    """The derivatives from the two sides, NaN where there is none.

    Args:
        right, left: the derivatives.
        ends: whether they are those of no side: of a weighted sum of results of which several have
            kinks, they are the ends of everything that lies between the sides of each.
    """

    right: arb
    left: arb
    ends: bool = False

    @property
    def known(self) -> list[arb]:
        """The sides of which something is known."""
        return [t for t in (self.right, self.left) if is_known(t)]

    @property
    def kink(self) -> bool:
        """Whether the two sides certainly differ."""
        return len(self.known) == 2 and not self.right.overlaps(self.left)

    def __str__(self) -> str:
        return self.text(DIGITS)

    def text(self, digits: int) -> str:
        """Both sides in words."""
        texts = [text_of(t, digits) for t in self.known]
        if not texts:
            return "unknown"
        if self.kink and self.ends:
            return f"between {texts[1]} and {texts[0]}"
        if self.kink:
            return f"{texts[1]} from the left and {texts[0]} from the right"
        return texts[0] if len(self.known) == 2 else f"{texts[0]} from one side"


def sum_of(each: list[Sides]) -> Sides:
    """The ends of what lies between the sides of every term; a side that is unknown is left out."""
    high = low = arb(0)
    several = sum(sides.kink for sides in each) > 1
    for sides in each:
        known = sides.known
        first, second = (*known, *known)[:2] if known else (arb.nan(),) * 2
        if several and sides.kink and first < second:
            first, second = second, first
        high, low = high + first, low + second
    return Sides(high, low, several)
