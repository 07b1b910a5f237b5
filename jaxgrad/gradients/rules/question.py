"""One number that derivative rules give, and its smaller parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jaxgrad.gradients.rules.directions import Direction

__all__ = ["Question"]

# Leaves, or entries of one, of which each is asked for where their sum hides a difference, at each
# of some 40 special points: as many questions more as there are of them.
FEW_PARTS = 8


@dataclass(frozen=True)
class Question:
    """One number: D^k⟨u, f⟩(v₁, …, v_k) as the rules of these modes give it.

    Args:
        modes: ``"fwd"`` or ``"rev"`` for each derivative, the innermost first.
        directions: v₁, …, v_k.
        cotangent: u.
        taken: how many of the derivatives are taken, the innermost ones; all of them if None.
            With fewer the number is what the next mode returns beside its derivative, as
            ``jax.value_and_grad`` does.
    """

    modes: tuple[str, ...]
    directions: tuple[Direction, ...]
    cotangent: Direction
    taken: int | None = None

    @property
    def moving(self) -> tuple[Direction, ...]:
        """The directions of the derivatives that are taken."""
        return self.directions[: self.taken]

    @property
    def is_value(self) -> bool:
        """Whether it is the value of the function, as the rules return it."""
        return not self.moving

    def beside(self) -> list[Question]:
        """What the same modes return beside this number: the value, and lower derivatives."""
        return [replace(self, taken=count) for count in range(len(self.modes))]

    @property
    def leaf(self) -> int | None:
        """The leaf of the arguments that moves last, if it is one."""
        moving = self.moving
        return moving[-1].place[0] if moving else None

    def narrower(self) -> Iterator[tuple[Question, ...]]:
        """Pairs of questions whose answers add up to this one's."""
        for k, direction in enumerate(self.directions):
            if len(direction.support) > 1 and k < len(self.moving):
                yield tuple(self._moved(k, half) for half in direction.halves())
        if len(self.cotangent.support) > 1:
            halves = self.cotangent.halves()
            yield tuple(replace(self, cotangent=half) for half in halves)

    def parts(self) -> list[Question]:
        """Leaf by leaf, or entry by entry if but one leaf moves."""
        return [self._moved(0, part) for part in self.directions[0].parts()]

    def few_parts(self) -> list[Question]:
        """The same where there are several, and few of them; else none."""
        (first, *more), leaves = self.directions, self.directions[0].moving
        count = len(leaves) if len(leaves) > 1 else len(first.support)
        return self.parts() if not more and 1 < count <= FEW_PARTS else []

    def halves(self) -> list[Question]:
        """Half of the entries that move first, and the other half."""
        return [self._moved(0, half) for half in self.directions[0].halves()]

    def along_units(self) -> Question:
        """The same entries, with the weight 1 where there is one alone."""
        units = [d.parts()[0] if len(d.support) == 1 else d for d in self.directions]
        u = self.cotangent
        unit = u.parts()[0] if len(u.support) == 1 else u
        return replace(self, directions=tuple(units), cotangent=unit)

    def _moved(self, k: int, direction: Direction) -> Question:
        before, after = self.directions[:k], self.directions[k + 1 :]
        return replace(self, directions=(*before, direction, *after))
