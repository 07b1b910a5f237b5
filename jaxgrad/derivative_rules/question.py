"""One number that derivative rules give, and its smaller parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jaxgrad.derivative_rules.directions import Direction

__all__ = ["Question"]


@dataclass(frozen=True)
class Question:
    """One number: D^k⟨u, f⟩(v₁, …, v_k) as the rules of these modes give it.

    Args:
        modes: ``"fwd"`` or ``"rev"`` for each derivative, the innermost first.
        directions: v₁, …, v_k.
        cotangent: u.
    """

    modes: tuple[str, ...]
    directions: tuple[Direction, ...]
    cotangent: Direction

    @property
    def leaf(self) -> int | None:
        """The leaf of the arguments that moves last, if it is one."""
        return self.directions[-1].place[0]

    def narrower(self) -> Iterator[tuple[Question, ...]]:
        """Pairs of questions whose answers add up to this one's."""
        for k, direction in enumerate(self.directions):
            if len(direction.support) > 1:
                yield tuple(self._moved(k, half) for half in direction.halves())
        if len(self.cotangent.support) > 1:
            halves = self.cotangent.halves()
            yield tuple(Question(self.modes, self.directions, half) for half in halves)

    def parts(self) -> list[Question]:
        """Leaf by leaf, or entry by entry if but one leaf moves."""
        return [self._moved(0, part) for part in self.directions[0].parts()]

    def along_units(self) -> Question:
        """The same entries, with the weight 1 where there is one alone."""
        units = [d.parts()[0] if len(d.support) == 1 else d for d in self.directions]
        u = self.cotangent
        return Question(self.modes, tuple(units), u.parts()[0] if len(u.support) == 1 else u)

    def _moved(self, k: int, direction: Direction) -> Question:
        before, after = self.directions[:k], self.directions[k + 1 :]
        return Question(self.modes, (*before, direction, *after), self.cotangent)
