"""Enclose the supremum of a smooth function on the real line, and where it is attained."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from flint import arb, ctx

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.bounds import Bounds, Bracket, bounds_of, bracket_of, computed, interval_ball
from jaxgrad.evidence.enclose import judge_bounds, outside, precisions
from jaxgrad.evidence.taylor_bounds import SEARCH_BITS, Box, Function, ends, series_function, taylor
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.options import flag
from jaxgrad.verdict import Evidence, Outcome, Verdict, undecided

__all__ = ["Supremum", "supremum"]

# A smooth function with isolated maxima needs some hundred boxes. A maximum where the second
# derivative vanishes too, or a constant stretch, would need infinitely many.
_MOST_BOXES = 20_000

# Newton's method doubles the digits with each step, from the first on that maps the box into
# itself: 60 steps would give far more bits than any precision here has.
_MOST_STEPS = 60


@dataclass(frozen=True)
class Supremum(Outcome):
    """A supremum and the points that can attain it.

    Args:
        value: encloses the supremum; None when undecided.
        locations: one enclosure for each point that can attain it, in order. Each holds exactly one
            critical point; with a single one, the supremum is attained there and nowhere else.
        evidence: the verdict and what it rests on.

    Example:
        >>> hump = supremum(lambda x: x * (1 - x), (0, 1), outside_bounds={}, digits=4)
        >>> [place.decimals(4) for place in hump.locations]
        [('0.500000', '0.500000')]

    Source: claims D2, F1, F2, F3.
    """

    value: Bounds | None
    locations: tuple[Bounds, ...]
    evidence: Evidence

    @property
    def verdict(self) -> Verdict:
        """PROVED, REFUTED or UNDECIDED."""
        return self.evidence.verdict


def supremum(
    f: Function,
    interval: tuple[Any, Any],
    *,
    outside_bounds: Mapping[str, Callable[[], arb]],
    absolute: bool = False,
    digits: int = 10,
    claimed: Bracket | None = None,
    claimed_at: Sequence[Bracket] | None = None,
    name: str = "supremum",
) -> Supremum:
    """Enclose the supremum of a smooth function, and every point that can attain it.

    sup f (or sup |f|) over the interval and whatever lies outside it. Boxes are discarded when a
    Taylor bound on them stays below a value attained elsewhere, or when f' has no zero in them; in
    those that remain Newton's method on f' proves and encloses one critical point each. The values
    at both ends, and the caller's bounds beyond them, have to lie below the maximum found inside.

    Args:
        f: series -> series, written with the operations of ``flint.arb_series``: it is called with
            x + t for a ball x and gives the Taylor series with ball coefficients in t, every
            coefficient enclosing that of the function at each point of x.
        interval: (a, b), rational ends.
        outside_bounds: description of a set -> () -> ball that bounds f (or |f|) on it from above;
            together the sets must be the rest of the domain; empty when [a, b] is all of it.
        absolute: take |f|.
        digits: correct digits wanted of the supremum and of each location (of the location's
            absolute value where it may be 0).
        claimed: (lower, upper) said to enclose the supremum.
        claimed_at: brackets said to contain the points where it is attained.
        name: prefix of the enclosures in the evidence.

    Returns:
        PROVED; REFUTED when the supremum is outside ``claimed`` or no point that can attain it is
        in ``claimed_at``; UNDECIDED when the function is too large at an end or a bound outside is,
        when boxes ran out, or when a claim stays open at every precision.

    Raises:
        ArgumentError: the interval or a claimed bracket is empty, digits < 1, f returns no series,
            or a bound is no exact number.

    Example:
        >>> hump = supremum(lambda x: x * (1 - x), (0, 1), outside_bounds={})
        >>> hump.evidence.enclosures["supremum"]
        ('0.250000000000', '0.250000000000')

    Source: claims D2, F1, F2, F3.
    """
    low, high = ends(interval, "supremum")
    f = series_function(f, "supremum")
    if not isinstance(outside_bounds, Mapping):
        raise ArgumentError(
            f"supremum: outside_bounds is {outside_bounds!r:.60}; give a dict of what lies outside "
            "the interval and functions that bound f there, {} if nothing does"
        )
    bracket = None if claimed is None else bracket_of(claimed)
    absolute, places = flag("supremum: absolute", absolute), _places(claimed_at)
    search = _Search(f, absolute, (low, high))
    problem = search.run() or _outside_problem(
        {f"x = {end}": partial(search.size_at, end) for end in (low, high)} | dict(outside_bounds),
        search.attained,
    )
    if problem:
        return _undecided(problem)
    found = None
    for bits in precisions(digits):
        with precision(bits):
            found = _refine(f, absolute, search.balls, (low, high))
        if found is None or not _resolved(*found, digits):
            continue
        value, locations = found
        verdict = _verdict(value, locations, bracket, places)
        if verdict is not Verdict.UNDECIDED:
            settled = (verdict, bracket, places)
            evidence = _evidence(name, value, locations, digits, settled, outside_bounds)
            return Supremum(value, locations, evidence)
    return _undecided(
        f"the supremum lies near {search.attained}, but {digits} digits or the claimed bracket "
        "were not settled at any precision; a truncation error inside f may be too large"
    )


def _places(claimed_at: Any) -> list[Bounds] | None:
    if not isinstance(claimed_at, list | tuple | None):
        raise ArgumentError(
            f"supremum: claimed_at is {claimed_at!r:.60}; give a list of brackets, one for each "
            'point at which it is attained: [("0.4", "0.6")]'
        )
    return None if claimed_at is None else [bracket_of(place) for place in claimed_at]


class _Search:
    """Branch and bound: boxes that may hold a maximiser, each with one critical point."""

    def __init__(self, f: Function, absolute: bool, interval: Box):
        self.f, self.absolute, self.interval = f, absolute, interval
        self.attained: arb | None = None  # a lower bound of the supremum, attained in the interval
        self.balls: list[arb] = []  # each has one critical point; together they have the maximisers

    def run(self) -> str:
        """Fill ``balls``; what went wrong, or ""."""
        pending: list[tuple[float, Fraction, Fraction]] = []
        with precision(SEARCH_BITS):
            self._look_at(self.interval, pending)
            for _ in range(_MOST_BOXES):
                if not pending:
                    break
                _, low, high = heapq.heappop(pending)
                middle = (low + high) / 2
                for half in ((low, middle), (middle, high)):
                    self._look_at(half, pending)
        if pending:
            _, low, high = pending[0]
            return (
                f"{_MOST_BOXES} boxes did not suffice, e.g. [{float(low)}, {float(high)}] is "
                "open: f may be flat there, not smooth, or a ball in it too wide"
            )
        return "" if self.balls else "no critical point was found inside the interval"

    def _look_at(self, box: Box, pending: list[tuple[float, Fraction, Fraction]]) -> None:
        low, high = box
        ball, middle = interval_ball(low, high), interval_ball((low + high) / 2, (low + high) / 2)
        value, slope, curve = taylor(self.f, ball, 3, SEARCH_BITS)
        at, slope_at = taylor(self.f, middle, 2, SEARCH_BITS)
        size = self._size(at)
        if size.is_finite() and (self.attained is None or size.lower() > self.attained):
            self.attained = size.lower()
        step = ball - middle
        bounds = [value, at + slope * step, at + slope_at * step + curve * step * step]
        above = [self._size(bound).upper() for bound in bounds if bound.is_finite()]
        if self.attained is not None and any(bound < self.attained for bound in above):
            return
        if slope.is_finite() and not slope.contains(0):
            return
        if self._isolates(box):
            return
        priority = min((float(bound) for bound in above), default=float("inf"))
        heapq.heappush(pending, (-priority, low, high))

    def _isolates(self, box: Box) -> bool:
        """Whether the box is settled: it has one critical point (kept) or, by Newton, none."""
        low, high = box
        # Wider than the box, so that a critical point on its edge is inside.
        wide = (low - (high - low) / 4, high + (high - low) / 4)
        ball = interval_ball(*wide)
        status = _newton(self.f, ball, SEARCH_BITS)
        if status == "unique":
            self.balls.append(ball)
        return status in ("unique", "none")

    def size_at(self, x: Fraction) -> arb:
        """f or |f| at one point."""
        return self._size(taylor(self.f, interval_ball(x, x), 1, SEARCH_BITS)[0])

    def _size(self, value: arb) -> arb:
        return abs(value) if self.absolute else value


def _newton(f: Function, ball: arb, bits: int) -> str:
    """How many critical points a ball has, by one interval Newton step: "unique", "none" or "?"."""
    curve = 2 * taylor(f, ball, 3, bits)[2]
    if not curve.is_finite() or curve.contains(0):
        return "?"
    image = _newton_image(f, ball, curve, bits)
    if not image.is_finite():
        return "?"
    if not image.overlaps(ball):
        return "none"
    return "unique" if ball.contains_interior(image) else "?"


def _newton_image(f: Function, ball: arb, curve: arb, bits: int) -> arb:
    middle = ball.mid()
    return middle - taylor(f, middle, 2, bits)[1] / curve


def _refine(
    f: Function, absolute: bool, balls: Sequence[arb], interval: Box
) -> tuple[Bounds, tuple[Bounds, ...]] | None:
    """The supremum and the places that can attain it, at the current precision."""
    bits, inside = ctx.prec, Bounds(*interval)
    roots: list[tuple[arb, arb]] = []
    for ball in balls:
        root = _root(f, ball, bits)
        # One critical point to a ball: a root inside another ball is that ball's own root.
        if any(other.contains(root) for other, _ in roots):
            continue
        place = bounds_of(root)
        if place.disjoint(inside):  # balls are a little wider than the boxes they come from
            continue
        if not place.within(inside):
            return None
        roots.append((ball, root))
    if not roots:
        return None
    values = [taylor(f, root, 1, bits)[0] for _, root in roots]
    if not all(value.is_finite() for value in values):
        return None
    sizes = [bounds_of(abs(value) if absolute else value) for value in values]
    best = max(size.lower for size in sizes)
    value = Bounds(best, max(size.upper for size in sizes))
    kept = [
        bounds_of(root) for (_, root), size in zip(roots, sizes, strict=True) if size.upper >= best
    ]
    return value, tuple(sorted(kept, key=lambda place: place.lower))


def _root(f: Function, ball: arb, bits: int) -> arb:
    """Shrink a ball around its only critical point as far as the precision allows."""
    for _ in range(_MOST_STEPS):
        curve = 2 * taylor(f, ball, 3, bits)[2]
        image = _newton_image(f, ball, curve, bits)
        if not image.is_finite() or not image.rad() < ball.rad():
            break
        ball = image.intersection(ball)
    return ball


def _outside_problem(bounds: Mapping[str, Callable[[], arb]], attained: arb | None) -> str:
    for where, bound in bounds.items():
        with precision(SEARCH_BITS):
            ball = computed(bound, f"the bound for {where}")
        if attained is None or not ball < attained:
            return (
                f"the bound {ball} for {where} is not below {attained}, attained inside: widen the "
                "interval or sharpen the bound"
            )
    return ""


def _resolved(value: Bounds, locations: tuple[Bounds, ...], digits: int) -> bool:
    return value.resolves(digits) and all(
        place.resolves(digits)
        or (place.lower <= 0 <= place.upper and (place.upper - place.lower) * 10**digits <= 1)
        for place in locations
    )


def _verdict(
    value: Bounds,
    locations: tuple[Bounds, ...],
    bracket: Bounds | None,
    places: list[Bounds] | None,
) -> Verdict:
    verdicts = [judge_bounds(value, bracket)]
    if places is not None:
        if all(any(place.within(claim) for claim in places) for place in locations):
            verdicts.append(Verdict.PROVED)
        elif all(place.disjoint(claim) for place in locations for claim in places):
            verdicts.append(Verdict.REFUTED)
        else:
            verdicts.append(Verdict.UNDECIDED)
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        if verdict in verdicts:
            return verdict
    return Verdict.PROVED


def _evidence(
    name: str,
    value: Bounds,
    locations: tuple[Bounds, ...],
    digits: int,
    settled: tuple[Verdict, Bounds | None, list[Bounds] | None],
    outside_bounds: Mapping[str, Callable[[], arb]],
) -> Evidence:
    verdict, bracket, places = settled
    keys = (
        [f"{name} at"]
        if len(locations) == 1
        else [f"{name} at {i + 1}" for i in range(len(locations))]
    )
    enclosures = {name: value.decimals(digits)}
    enclosures |= {key: place.decimals(digits) for key, place in zip(keys, locations, strict=True)}
    where = (
        "attained at one point and nowhere else"
        if len(keys) == 1
        else (f"attained at one or more of {len(keys)} points and nowhere else")
    )
    text = f"{name} lies in [{', '.join(enclosures[name])}] and is {where}"
    text += "".join(f"; below it by a separate bound: {key}" for key in outside_bounds)
    counterexample = None
    if verdict is Verdict.REFUTED:
        text += "; the claim says otherwise"
        if bracket is not None and value.disjoint(bracket):
            counterexample = outside(value, bracket)
        elif places:
            counterexample = outside(locations[0], places[0])
    trusts = ("Arb", *(f"the bound given for {key}" for key in outside_bounds))
    return Evidence(verdict, "enclosure", f"{text}.", enclosures, counterexample, trusts)


def _undecided(reason: str) -> Supremum:
    return Supremum(None, (), undecided(reason))
