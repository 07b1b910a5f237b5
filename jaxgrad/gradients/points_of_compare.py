"""The points at which two gradients are compared: the given one, and some that are drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

from jaxgrad.gradients.domain import Domain, halved
from jaxgrad.gradients.enclosure import draw
from jaxgrad.programs.trace import Leaf

__all__ = ["Points"]

# Points drawn besides the one given: a difference of two analytic programs shows at almost every
# point, so the first decides nearly always and the others catch what a coincidence hides.
DRAWN_POINTS = 3
# As often is each of them drawn anew, of the same kind, until it is in the domain.
TRIES = 8


class Points:
    """The given point and the drawn ones.

    Args:
        inputs: the leaves of the arguments.
        args: the arguments.
        domain: a predicate of the arguments that every drawn point has to fulfil.
        asked: whether points are drawn.
        held: which arguments are held fixed.

    Raises:
        ArgumentError, TraceError: the arguments are outside of the domain, or that is none.
    """

    def __init__(
        self,
        inputs: Sequence[Leaf],
        args: Sequence[Any],
        domain: Callable[..., Any] | None,
        asked: bool,
        held: Collection[int] = (),
    ) -> None:
        self._inputs, self._asked = inputs, asked
        self._domain = None if domain is None else Domain(domain, args, held)
        self.given = [leaf.value for leaf in inputs]

    @cached_property
    def drawn(self) -> list[list[Any]]:
        """The values of all leaves at each drawn point."""
        if not self._asked:
            return []
        found = map(self._inside, range(DRAWN_POINTS))
        return [point for point in found if point is not None]

    @property
    def in_words(self) -> str:
        """Where there is the given point alone, and why; else nothing."""
        if self.drawn:
            return ""
        why = ", as none drawn was in the domain" if self._asked else ""
        return f"at the given point alone{why}"

    def allows(self, point: list[Any]) -> bool:
        """Whether a point that nobody gave may be looked at."""
        return self._asked and (self._domain is None or self._domain.holds(point))

    @property
    def inside_domain(self) -> Callable[[list[Any]], bool] | None:
        """Whether a point is in the domain; None where there is none."""
        return None if self._domain is None else self._domain.holds

    def _inside(self, seed: int) -> list[Any] | None:
        """A drawn point in the domain, or one on the way to it."""
        first = draw(self._inputs, seed)
        if self._domain is None:
            return first
        drawn = (draw(self._inputs, seed + DRAWN_POINTS * k) for k in range(TRIES))
        tried = (*drawn, *halved(self.given, first))
        return next((point for point in tried if self._domain.holds(point)), None)
