"""The points at which a rule is most likely wrong, found without being asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgrad.gradients.special_points.between import beside_zeros, between_zeros
from jaxgrad.gradients.special_points.critical_arguments import Critical, critical_arguments
from jaxgrad.gradients.special_points.lines import Space, lines
from jaxgrad.gradients.special_points.usual_points import FEW, usual_points
from jaxgrad.gradients.special_points.zero_search import PASSES, Zero, in_turn, zeros
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Leaf, Program

__all__ = ["SpecialPoint", "points_in_words", "special_points"]

# Numbers computed in one evaluation of the programs at all samples: about 0.1 s.
BUDGET = 3_000_000
# Operations in all evaluations together, each about 4 μs whatever the number of samples: 0.2 s.
OPERATIONS = 50_000
MOST_LINES = 48
SAMPLES = 66  # of each line, where the budget allows them: every one of MAGNITUDES
FEWEST_SAMPLES = 10
COMMON = 13  # two points of each of the first kinds of those of all programs
MOST_ZEROS = 4  # of one critical argument, before the points of all programs


@dataclass(frozen=True)
class SpecialPoint:
    """A point and what is special about it.

    Args:
        values: one array for each leaf, of its dtype and shape.
        why: in words, e.g. "x = 6.0, where `min` ties".
        drawn: whether there is nothing special about it, but that its numbers have every bit.
        pursued: whether a difference that rounding hides elsewhere led there.
    """

    values: list[np.ndarray]
    why: str
    drawn: bool = False
    pursued: bool = False


def special_points(
    programs: Sequence[Program],
    leaves: Sequence[Leaf],
    limit: int,
    inside: Callable[[list[np.ndarray]], bool] | None = None,
    few: int = FEW,
) -> list[SpecialPoint]:
    """The points near a given one at which a program, or many a function, is special.

    They are the zeros of the numbers that the programs compare, divide by or take roots and
    logarithms of, searched along lines through the given point, and points between these and beyond
    the outermost; then zeros, ties, ±1, integers and powers of two.  Which points are found decides
    nothing: each of them is a point like any other, only more likely to show a wrong rule.

    Args:
        programs: a function and its derivatives; the first inputs of each are the leaves, and
            further ones keep the values they were traced with.
        leaves: the floating-point leaves with their values, the given point.
        limit: the most points to return.
        inside: which points are in the domain, one array for each leaf; all if None.
        few: how many of one kind of those of all programs come before the next kind.

    Returns:
        different points other than the given one, most important first, of finite floats.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(jax.nn.relu6, (1.0,))
        >>> [point.why for point in special_points([program], program.inputs, 4)[:2]]
        ['x = 0.0, where `max` ties', 'x = -0.375, beyond 0.0, where `max` ties']
    """
    space = Space(leaves, inside)
    if not space.size or limit <= 0:
        return []
    ties, between, beside, others = _critical_points(space, programs)
    ties, common = _distinct(space, ties), _distinct(space, _representable(space, few), limit)
    # Points between ties are more than there are ties: a third is theirs, or what is left; those
    # beside them a sixth.
    share = max(limit // 3, limit - len(ties) - len(common))
    first = [*in_turn([ties, _distinct(space, between, share)])]
    first = _distinct(space, [*first, *_distinct(space, beside, limit // 6)])
    # A program with very many special points of its own leaves some to those of all programs.
    least = max(limit // 3, min(COMMON, limit // 2))
    own = max(limit - len(common), limit - least)
    points = _distinct(space, [*first[:own], *common, *first[own:], *others], limit)
    return [SpecialPoint(space.arrays(point), why) for point, why in points]


Candidate = tuple[np.ndarray, str]


def _distinct(
    space: Space, candidates: Iterable[Candidate], most: int | None = None
) -> list[Candidate]:
    """Rounded to the dtypes, inside, without repetitions and without the given point."""
    seen = {(space.point + 0.0).tobytes()}  # −0 + 0 = 0
    kept: list[Candidate] = []
    for point, why in candidates:
        rounded = space.rounded(point[None])[0] + 0.0
        key = rounded.tobytes()
        if key not in seen and np.isfinite(rounded).all():
            seen.add(key)
            if space.has(rounded):
                kept.append((rounded, why))
        if len(kept) == most:
            break
    return kept


def _representable(space: Space, few: int) -> Iterator[Candidate]:
    """The points of all programs that are what their text says in these dtypes."""
    for point, why in usual_points(space, few):
        if np.array_equal(space.rounded(point[None])[0], point):
            yield point, why


def _critical_points(
    space: Space, programs: Sequence[Program]
) -> tuple[list[Candidate], Iterable[Candidate], Iterable[Candidate], list[Candidate]]:
    """Those that come before the points of all programs, what lies between and beyond these, what
    is beside them, and those that come after."""
    work = space.size + sum(operations(program.jaxpr.jaxpr) for program in programs)
    points = BUDGET // work
    found_lines = lines(space, min(MOST_LINES, points // FEWEST_SAMPLES))
    passes = min(PASSES, OPERATIONS // work - 1)
    if not found_lines or passes < 1:
        return [], [], [], []  # the program is too large to be run even so
    samples = min(SAMPLES, points // len(found_lines))

    def evaluate(points: np.ndarray) -> list[Critical]:
        return critical_arguments(programs, space.leaves, points)

    found = zeros(space, found_lines, evaluate, samples, passes)
    exact = [zero for zero in found if zero.exact]
    nearly = [zero for zero in found if not zero.exact]
    joined = _joined(space, exact, evaluate)
    first, others = _ranked([zero for zero in exact if not zero.critical.mild])
    mild = [zero for zero in exact if zero.critical.mild]
    sharp = [zero for zero in found if not zero.critical.mild]
    ties = [*(_candidate(zero) for zero in first), *joined]
    last = [_candidate(zero) for zero in (*others, *mild, *nearly)]
    beside = beside_zeros([zero for zero in sharp if zero.exact])  # others are beside it already
    return ties, between_zeros(sharp), beside, last


def _candidate(zero: Zero) -> Candidate:
    point = zero.line.points(np.array([zero.t]))[0]
    return point, f"{zero.line.describe(zero.t)}, {zero.place}"


def _ranked(exact: Sequence[Zero]) -> tuple[list[Zero], list[Zero]]:
    """The first zeros of one entry of every critical argument, and all others."""
    groups: dict[tuple[Any, ...], list[Zero]] = {}
    for zero in sorted(exact, key=_preference):
        groups.setdefault(zero.critical.key, []).append(zero)
    ordered = sorted(groups.values(), key=lambda group: group[0].critical.order)
    first, others = [], []
    for group in ordered:
        one = [zero for zero in group if zero.entry == group[0].entry]
        alone = [zero for zero in one if zero.line.entry is not None] or one
        first.append(alone[:MOST_ZEROS])
        others.append([zero for zero in group if zero not in alone[:MOST_ZEROS]])
    return list(in_turn(first)), list(in_turn(others))


def _preference(zero: Zero) -> tuple[Any, ...]:
    return zero.line.entry is None, abs(zero.t - zero.line.given)


def _joined(
    space: Space, exact: Sequence[Zero], evaluate: Callable[[np.ndarray], list[Critical]]
) -> list[Candidate]:
    """Points at which several critical arguments of one equation vanish."""
    groups: dict[tuple[Any, ...], dict[int, Zero]] = {}
    for zero in sorted(exact, key=_preference):
        if zero.line.entry is not None:
            groups.setdefault(zero.critical.equation, {}).setdefault(zero.line.entry, zero)
    several = {equation: group for equation, group in groups.items() if len(group) > 1}
    if not several:
        return []
    points = np.tile(space.point, (len(several) + 1, 1))
    for row, group in zip(points[1:], several.values(), strict=True):
        for entry, zero in group.items():
            row[entry] = zero.t
    vanishing: dict[tuple[Any, ...], np.ndarray] = {}
    for critical in evaluate(space.rounded(points)):
        count = (critical.values == 0).sum(axis=0)
        vanishing[critical.equation] = vanishing.get(critical.equation, 0) + count
    kept = []
    for i, (equation, group) in enumerate(several.items(), 1):
        if vanishing.get(equation, np.zeros(len(points)))[i] > 1:
            texts = [zero.line.describe(zero.t) for _, zero in sorted(group.items())]
            shown = ", ".join(texts[:3]) + (", …" if len(texts) > 3 else "")
            what = dict.fromkeys(zero.critical.what for zero in group.values())
            kept.append((points[i], f"{shown}, where {listed(what)}"))
    return kept


def points_in_words(points: Sequence[SpecialPoint], near: SpecialPoint | None) -> str:
    """How many were looked at beside the given one.

    Example:
        >>> near = SpecialPoint([], "x = 0.53", True)
        >>> points_in_words([SpecialPoint([], "x = 0", False), near], near)
        ', one drawn near it and 1 special point of the program'
    """
    special = sum(not (point.drawn or point.pursued) for point in points)
    sized = sum(point.drawn for point in points if point is not near)
    kinds = []
    if any(point is near for point in points):
        kinds.append("one drawn near it")
    if sized:
        kinds.append(f"{sized} drawn of other sizes")
    if special:
        kinds.append(f"{special} special point{'' if special == 1 else 's'} of the program")
    *others, last = kinds or [""]
    return "".join(f", {kind}" for kind in others) + f" and {last}" * bool(kinds)
