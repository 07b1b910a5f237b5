"""Floats at which critical arguments vanish, searched along lines in float64."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.special_points.critical_arguments import Critical
from jaxgrad.gradients.special_points.lines import Line, Space, nearest, neighbour, shortest

__all__ = ["BESIDE", "PASSES", "Zero", "in_turn", "zeros"]

Evaluate = Callable[[np.ndarray], list[Critical]]

# Magnitudes of the samples of a line: dense where the constants of programs lie, and between the
# short numbers among them, so that a zero at one of those shows as a change of sign.
MAGNITUDES = (
    0.02, 0.15, 0.3, 0.45, 0.6, 0.8, 0.95, 1.1, 1.35, 1.7, 2.1, 2.6, 3.3, 4.4, 5.7, 7.3, 9.6, 13.0,
    21.0, 37.0, 90.0, 300.0, 2e3, 1e5, 1e10, 1e19, 1e25, 1e31,
)  # fmt: skip
LARGEST = 1e300
# How far beside the given point the nearest samples are, relative to it.
BESIDE = (0.003, 0.04, 0.2)
# Brackets that are followed at once; each takes about 16 points.
MOST_BRACKETS = 48
# A smooth function's bracket shrinks to its square in a pass: 1, 1e−2, 1e−4, 1e−8, 1e−16.
PASSES = 5
# Floats on either side of an estimate that are tried: two roundings, of f and of the quotient, may
# move it by one each.
AROUND = 2


@dataclass(frozen=True, eq=False)
class Zero:
    """A float on a line at which a critical argument vanishes, or nearly does.

    Args:
        critical: what vanishes there.
        entry: which of its numbers.
        line, t: the point.
        exact: whether its float64 value is 0.
        near: otherwise, whether it is a float next to where that would be.
    """

    critical: Critical
    entry: int
    line: Line
    t: float
    exact: bool
    near: bool = True

    @property
    def place(self) -> str:
        """What is there, in words."""
        where = "where" if self.exact else "next to where" if self.near else "on one side of where"
        return f"{where} {self.critical.what}"


@dataclass
class _Bracket:
    """A part of a line in which a critical argument changes its sign, or touches 0."""

    critical: Critical
    entry: int
    line: Line
    ts: list[float]
    fs: list[float]
    touching: bool
    found: float | None = None


def zeros(
    space: Space,
    found_lines: Sequence[Line],
    evaluate: Evaluate,
    samples: int,
    passes: int = PASSES,
    sizes: Sequence[float] = MAGNITUDES,
) -> list[Zero]:
    """Searches every line for zeros of every critical argument.

    Args:
        space: the leaves and the given point.
        found_lines: where to search.
        evaluate: (points, N) -> the critical arguments there.
        samples: how many points of every line are looked at first.
        passes: how often brackets are shortened, one evaluation each.
        sizes: of the points of a line that are looked at, of either sign.

    Returns:
        exact zeros first, each with the line and the float on it.
    """
    grids = [_grid(line, samples, sizes) for line in found_lines]
    points = [space.point[None]]
    points += [line.points(ts) for line, ts in zip(found_lines, grids, strict=True)]
    criticals = evaluate(space.rounded(np.concatenate(points)))
    exact: list[Zero] = []
    brackets: list[_Bracket] = []
    for critical in criticals:
        first = 1
        for line, ts in zip(found_lines, grids, strict=True):
            values = critical.values[:, first : first + len(ts)]
            first += len(ts)
            _look(critical, line, ts, values, exact, brackets)
    brackets = _chosen(brackets)
    for _ in range(passes):
        open_brackets = [b for b in brackets if b.found is None]
        if not open_brackets:
            break
        brackets += _refine(space, open_brackets, evaluate)
    exact += [
        Zero(b.critical, b.entry, b.line, b.found, True) for b in brackets if b.found is not None
    ]
    return exact + [zero for b in brackets if b.found is None for zero in _beside(b)]


def _grid(line: Line, samples: int, sizes: Sequence[float]) -> np.ndarray:
    """Floats of the line's dtype in increasing order, 0 and the given one among them."""
    scale = max(abs(line.given), 2.0**-10)
    step = max(1, math.ceil(2 * len(sizes) / max(samples - 4 - 2 * len(BESIDE), 2)))
    # Beyond all of them stand the numbers that masks have for what is missing.  Several entries are
    # all cut off there, and equal by that alone; float64, in which lines are searched, has no room.
    largest = min(float(jnp.finfo(line.dtype).max), LARGEST)
    last = 1e38 if line.entry is None else largest
    far = np.array([*sizes[::step], last])
    beside = scale * np.array(BESIDE)
    ts = np.concatenate([-far, far, [0.0, line.given], line.given - beside, line.given + beside])
    return np.unique(nearest(ts, line.dtype))


def _look(
    critical: Critical,
    line: Line,
    ts: np.ndarray,
    values: np.ndarray,
    exact: list[Zero],
    brackets: list[_Bracket],
) -> None:
    """Finds the zeros among the samples and the brackets between them."""
    zero = values == 0.0
    moving = np.isfinite(values) & ~zero
    alone = zero.copy()
    alone[:, 1:] &= ~zero[:, :-1]
    alone[:, :-1] &= ~zero[:, 1:]
    alone &= (moving.sum(axis=1) > 1)[:, None]
    for entry, i in np.argwhere(alone):
        exact.append(Zero(critical, int(entry), line, float(ts[i]), True))
    signs = np.sign(values)
    changes = moving[:, 1:] & moving[:, :-1] & (signs[:, 1:] * signs[:, :-1] < 0)
    for entry, i in np.argwhere(changes):
        brackets.append(_bracket(critical, line, ts, values, entry, slice(i, i + 2), False))
    size = np.abs(values)
    inner = moving[:, 2:] & moving[:, 1:-1] & moving[:, :-2]
    least = inner & (size[:, 1:-1] < size[:, :-2]) & (size[:, 1:-1] < size[:, 2:])
    least &= ~(changes[:, 1:] | changes[:, :-1])
    for entry, i in np.argwhere(least):
        brackets.append(_bracket(critical, line, ts, values, entry, slice(i, i + 3), True))


def _bracket(
    critical: Critical,
    line: Line,
    ts: np.ndarray,
    values: np.ndarray,
    entry: int,
    part: slice,
    touching: bool,
) -> _Bracket:
    return _Bracket(
        critical, int(entry), line, ts[part].tolist(), values[entry, part].tolist(), touching
    )


def _chosen(brackets: list[_Bracket]) -> list[_Bracket]:
    """As many as can be followed: of every critical argument some, and nothing twice."""
    groups: dict[tuple[Any, ...], dict[Any, _Bracket]] = {}
    seen = set()
    for bracket in sorted(brackets, key=_preference):
        # A derivative program computes again what its primal does.
        estimate = nearest(np.array(_estimate(bracket)), bracket.line.dtype).item()
        place = bracket.critical.mild, id(bracket.line), estimate
        if place in seen:
            continue
        seen.add(place)
        groups.setdefault(bracket.critical.key, {})[place] = bracket
    ordered = [list(group.values()) for group in groups.values()]
    return list(in_turn(ordered))[:MOST_BRACKETS]


def _preference(bracket: _Bracket) -> tuple[Any, ...]:
    away = min(abs(t - bracket.line.given) for t in bracket.ts)
    return bracket.critical.mild, bracket.touching, bracket.line.entry is None, away


def in_turn(groups: Sequence[Sequence[Any]]) -> Iterator[Any]:
    """One of each group, then a second of each, …"""
    for k in range(max(map(len, groups), default=0)):
        yield from (group[k] for group in groups if k < len(group))


def _estimate(bracket: _Bracket) -> float:
    """The zero of a line through both ends, or the vertex of a parabola through three samples."""
    ts, fs = bracket.ts, bracket.fs
    if not bracket.touching:
        # From the end at which less is missing: that end may be 0, and the zero close to it.
        near = 0 if abs(fs[0]) < abs(fs[1]) else 1
        t = ts[near] - fs[near] * ((ts[1] - ts[0]) / (fs[1] - fs[0]))
        return t if ts[0] <= t <= ts[1] else (ts[0] + ts[1]) / 2
    left = (fs[1] - fs[0]) / (ts[1] - ts[0])
    right = (fs[2] - fs[1]) / (ts[2] - ts[1])
    bend = (right - left) / (ts[2] - ts[0])
    t = (ts[0] + ts[1]) / 2 - left / (2 * bend) if bend else ts[1]
    return t if ts[0] <= t <= ts[2] else ts[1]


def _candidates(bracket: _Bracket) -> np.ndarray:
    low, high = bracket.ts[0], bracket.ts[-1]
    dtype, width = bracket.line.dtype, high - low
    t = nearest(np.array(_estimate(bracket)), dtype).item()
    tried = [neighbour(t, dtype, k) for k in range(-AROUND, AROUND + 1)]
    tried += [t + s * width * 10.0**-k for k in (1, 2, 4) for s in (-1, 1)]
    tried += [(low + high) / 2, shortest(low, high), shortest(low + width / 8, high - width / 8)]
    rounded = np.unique(nearest(np.array(tried), dtype))
    return rounded[(rounded > low) & (rounded < high)]


def _refine(space: Space, brackets: list[_Bracket], evaluate: Evaluate) -> list[_Bracket]:
    """One evaluation for all brackets, after which each is shorter or has its zero.

    Returns:
        further ones, of which nothing was known before.
    """
    candidates = [_candidates(bracket) for bracket in brackets]
    points = [space.point[None]]
    points += [b.line.points(ts) for b, ts in zip(brackets, candidates, strict=True)]
    values = {c.key: c.values for c in evaluate(space.rounded(np.concatenate(points)))}
    first, further = 1, []
    for bracket, ts in zip(brackets, candidates, strict=True):
        rows = values.get(bracket.critical.key)
        if rows is not None and len(ts):
            further += _shorten(bracket, ts, rows[bracket.entry, first : first + len(ts)])
        first += len(ts)
    return further


_Sample = tuple[float, float]


def _shorten(bracket: _Bracket, ts: np.ndarray, fs: np.ndarray) -> list[_Bracket]:
    """Shortens a bracket by more samples; what touches 0 may turn out to cross it twice."""
    new = zip(ts.tolist(), fs.tolist(), strict=True)
    samples = sorted(dict([*zip(bracket.ts, bracket.fs, strict=True), *new]).items())
    known = [(t, f) for t, f in samples if math.isfinite(f)]
    exact, touching = [t for t, f in known if f == 0.0], bracket.touching
    moving = itertools.pairwise([(t, f) for t, f in known if f != 0.0])
    changes = [(low, high) for low, high in moving if (low[1] > 0) != (high[1] > 0)]
    if exact:
        zero = min(exact, key=lambda t: abs(t - _estimate(bracket)))
        bracket.found = zero
        changes = [(low, high) for low, high in changes if not low[0] < zero < high[0]]
    elif changes:
        part = min(changes, key=lambda part: part[1][0] - part[0][0])
        changes.remove(part)
        bracket.touching = False
        bracket.ts, bracket.fs = _of_samples(part)
    elif touching:
        i = min(range(1, len(known) - 1), key=lambda i: abs(known[i][1]), default=0)
        bracket.ts, bracket.fs = _of_samples(known[i - 1 : i + 2])
    return [_crossing(bracket, part) for part in changes] if touching else []


def _of_samples(part: Sequence[_Sample]) -> tuple[list[float], list[float]]:
    return [t for t, _ in part], [f for _, f in part]


def _crossing(bracket: _Bracket, part: Sequence[_Sample]) -> _Bracket:
    return _Bracket(
        bracket.critical, bracket.entry, bracket.line, *_of_samples(part), touching=False
    )


def _beside(bracket: _Bracket) -> list[Zero]:
    """The two numbers between which a sign changes: floats next to each other, or samples.

    Where a function is steep or flat the samples are still far apart, and either side is looked at.
    """
    if bracket.touching:
        return []
    low, high = bracket.ts
    near = neighbour(low, bracket.line.dtype, 1) >= high
    if bracket.critical.mild and not near:
        return []
    return [
        Zero(bracket.critical, bracket.entry, bracket.line, t, False, near) for t in (low, high)
    ]
