"""What a gradient that differs from another is like: twice it, its transpose, another leaf of it.

As for derivative rules, it is said where it holds in balls at several points.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients import enclosure
from jaxgrad.gradients.enclosure import FIRST_PRECISION, FLOAT_BITS, Meeting
from jaxgrad.gradients.likeness import by_leaf, decimal, times, where
from jaxgrad.gradients.primitive_runs import is_key
from jaxgrad.gradients.program_factors import Factors
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import WORDS, within
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.jaxprs import operations

__all__ = ["likeness"]

# Operations over balls, at some 5 μs each, of both sides at three points: less than that.
BUDGET = 100_000
MOST_POINTS = 3
MOST_NUMBERS = 200  # that NumPy code returns
# Weights of penalties are told in decimals, but for the half of a square and the like.
SMALL = 10


def likeness(
    hand: Side,
    auto: Side,
    meeting: Meeting,
    others: Sequence[list[Any]],
    leaf: int,
    index: tuple[int, ...],
) -> str:
    """What the leaf of one side is like, in words; nothing if it is like nothing that is known.

    Args:
        hand, auto: the sides.
        meeting: the point at which they differ.
        others: points at which they are compared, too.
        leaf, index: where they do.
    """
    if not _affordable(hand, auto):
        return ""
    said = None
    with (
        within(WORDS),
        contextlib.suppress(CannotDecide, JaxgradError, ZeroDivisionError, TypeError),
        precision(FIRST_PRECISION),
    ):
        points = _points(hand, auto, meeting, others, leaf)
        if len(points) > 1:
            said = (
                _whole(hand, points, leaf)
                or _beside(auto, points, leaf)
                or _entry(auto, points, leaf, index)
            )
            said = said and f"; {said}{where(len(points))}"
    return said or ""


def _affordable(*sides: Side) -> bool:
    programs = [side.program for side in sides]
    if any(program is None for program in programs):  # NumPy code is as much work as it returns
        return sum(int(np.prod(leaf.shape)) for leaf in sides[0].outputs) <= MOST_NUMBERS
    return MOST_POINTS * sum(operations(x.jaxpr.jaxpr) for x in programs if x) <= BUDGET


def _points(
    hand: Side, auto: Side, meeting: Meeting, others: Sequence[list[Any]], leaf: int
) -> list[Meeting]:
    """Points at which the leaf differs, and both sides have numbers."""
    meetings = (enclosure.meet_once(hand, auto, values) for values in others)
    differ = (x for x in meetings if x.apart[leaf].any() and not _is_at(x, meeting))
    found = [meeting, *itertools.islice(differ, MOST_POINTS - 1)]
    numbers = [all(map(_is_number, x.hand[leaf].flat)) for x in found]
    return found if all(numbers) else []


def _is_at(one: Meeting, other: Meeting) -> bool:
    """Whether both are at the same point."""
    pairs = zip(one.values, other.values, strict=True)
    return all(x is y or (not is_key(x) and np.array_equal(x, y)) for x, y in pairs)


def _is_number(x: Any) -> bool:
    return isinstance(x, arb) and bool(x.is_finite())


def _whole(hand: Side, points: list[Meeting], leaf: int) -> str | None:
    """What the whole leaf is like."""
    shapes, name = [x.shape for x in hand.outputs], _named(hand, leaf, ())
    drawn = [_drawn(shapes[leaf], seed) for seed in range(len(points))]
    given = [_sum(point.hand[leaf], v) for point, v in zip(points, drawn, strict=True)]
    true = [_sum(point.auto[leaf], v) for point, v in zip(points, drawn, strict=True)]
    if all(x == 0 for x in given):
        return f"in {name} hand is 0"
    words = _multiple(given, true)
    if words is not None:
        return f"in {name} hand is {words} auto"
    names = [f"auto's {_named(hand, k, ())}" for k in range(len(shapes))]
    for like in by_leaf(shapes, names, leaf, "auto"):
        pairs = zip(points, drawn, strict=True)
        other = [_sum(point.auto[like.leaf], like.moved(v)) for point, v in pairs]
        for sign, minus in ((1, ""), (-1, "minus ")):
            if all(_same(x, sign * y) for x, y in zip(given, other, strict=True)):
                return f"in {name} hand is {like.words.format(minus)}"
    return None


def _beside(auto: Side, points: list[Meeting], leaf: int) -> str | None:
    """Which multiple of an argument the whole leaf has more, or less, as of a weight decay."""
    shape = auto.outputs[leaf].shape
    drawn = [_drawn(shape, seed) for seed in range(len(points))]
    pairs = list(zip(points, drawn, strict=True))
    more = [_sum(x.hand[leaf], v) - _sum(x.auto[leaf], v) for x, v in pairs]
    given = [enclosure.balls(auto.inputs, point.values) for point in points]
    for k, argument in enumerate(auto.inputs):
        if argument.shape != shape or not argument.differentiable:
            continue
        own = [_sum(balls[k], v) for balls, v in zip(given, drawn, strict=True)]
        if _multiple(more, own) is None:
            continue
        ratio = float((more[0] / own[0]).mid())
        exact, words = times(abs(ratio))
        small = exact is not None and exact.denominator < SMALL
        what = words if small else f"{abs(ratio):.6g} times"
        said = f"{'minus' if ratio < 0 else 'plus'} {what}".rstrip()
        left = ", as where the derivative of a penalty on it is left out" * (ratio < 0)
        return f"in {_named(auto, leaf, ())} hand is auto {said} {argument.path}{left}"
    return None


def _entry(auto: Side, points: list[Meeting], leaf: int, index: tuple[int, ...]) -> str | None:
    """What one entry is like."""
    given, true = ([x[leaf][index] for x in _side(points, side)] for side in ("hand", "auto"))
    name = _named(auto, leaf, index)
    words = _multiple(given, true) if index else None
    if words is not None:
        return f"in {name} hand is {words} auto"
    if auto.program is None or any(y.contains(0) or x.contains(0) for x, y in _pairs(given, true)):
        return None
    factors = Factors(auto.program)
    for point, x, y in zip(points, given, true, strict=True):
        if not factors.keep(x / y, y, enclosure.balls(auto.inputs, point.values)):
            return None
    return f"in {name} hand is auto {factors.words}"


def _side(points: list[Meeting], name: str) -> Iterator[list[np.ndarray]]:
    return (getattr(point, name) for point in points)


def _pairs(given: list[arb], true: list[arb]) -> list[tuple[arb, arb]]:
    return list(zip(given, true, strict=True))


def _multiple(given: list[arb], true: list[arb]) -> str | None:
    """How many times the others some numbers are, in words, if that is the same everywhere."""
    pairs = _pairs(given, true)
    if any(y.contains(0) or x.contains(0) for x, y in pairs):
        return None
    k, words = times(float((given[0] / true[0]).mid()))
    if k is not None and all(_same(x, y * _fmpq(k)) for x, y in pairs):
        return words
    ratio = given[0] / true[0]
    if all(_same(x, y * ratio) for x, y in pairs):
        return decimal(float(ratio.mid()))
    return None


def _fmpq(k: Fraction) -> fmpq:
    return fmpq(k.numerator, k.denominator)


def _same(a: arb, b: arb) -> bool:
    return bool(a.overlaps(b)) and agreement(a, b) >= FLOAT_BITS


def _sum(values: np.ndarray, weights: np.ndarray) -> arb:
    pairs = zip(values.flat, weights.flat, strict=True)
    return sum((x * float(w) for x, w in pairs if w), arb(0))


def _drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights of 30 bits, whose sum with what is wrong does not vanish by chance."""
    return np.random.default_rng(seed).integers(2**29, 2**30, shape) / 2**30


def _named(side: Side, leaf: int, index: tuple[int, ...]) -> str:
    return f"gradient{side.outputs[leaf].path}{list(index) if index else ''}"
