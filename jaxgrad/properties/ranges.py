"""Between which numbers a derivative lies at every float of a dtype, by enclosures of boxes."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.evidence.bounds import Bounds, bounds_of
from jaxgrad.numbers.precision import precision
from jaxgrad.properties.evaluated import Evaluated, checked_dtype
from jaxgrad.strategies.floats import values_that_matter
from jaxgrad.verdict import Evidence, Outcome, Verdict, undecided

__all__ = ["Range", "derivative_range"]

# Some seconds: each is halved, and an enclosure takes a few milliseconds.
_MOST_BOXES = 300

# Of what the ends may be off, as a part of them: three digits can be read.
_CLOSE = Fraction(1, 1000)
_DIGITS = 4

# Beyond that of every float64, 2^±1074, and of its square.
_EXPONENT = 4096


@dataclass(frozen=True)
class Range(Outcome):
    """Between which numbers a derivative lies.

    Args:
        bounds: lower and upper; None where they are not known.
        evidence: PROVED with what it rests on, or UNDECIDED with the reason.

    Example:
        >>> import jax
        >>> found = derivative_range(jax.nn.relu, dtype="float16")
        >>> float(found.bounds.lower) > -0.001, float(found.bounds.upper) < 1.001
        (True, True)

    Source: claims A6 and F6.
    """

    bounds: Bounds | None
    evidence: Evidence

    @property
    def verdict(self) -> Verdict:
        """PROVED or UNDECIDED."""
        return self.evidence.verdict


def derivative_range(f: Callable[..., Any], *, dtype: Any = "float32") -> Range:
    """Bounds of the derivative of f at every finite float of a dtype, without rounding.

    The floats are 0 and those between two ends on either side of it. JAX's derivative program is
    run over all reals between two floats, as affine forms s·x + r with Arb balls for s and r, and a
    box is halved while its ball reaches beyond what is attained elsewhere by more than a
    thousandth. After 300 boxes the bounds are those that are known then, which are true, if not
    close. So a bound is one of the *formula* of that program, with its constants as the dtype has
    them, at every float of the dtype; the floats that the compiled program returns are rounded
    besides.

    Args:
        f: a JAX function of a scalar of shape () that returns one of any float dtype.
        dtype: of x; float32 has every float of float16 and bfloat16.

    Returns:
        PROVED, with the bounds; UNDECIDED where the derivative has none, or none is found: balls
        hold too much where a program takes from a large number one that is nearly the same and not
        linear in x.

    Raises:
        ArgumentError: f is no such function, or the dtype no float of JAX.

    Example:
        >>> import jax
        >>> print(derivative_range(jax.nn.sigmoid, dtype="float16"))
        PROVED: -5.47146e-09 <= f' <= 0.250249 at every finite float16, in exact arithmetic

    Source: claim A6; Moore, Kearfott and Cloud, Introduction to Interval Analysis; de Figueiredo
        and Stolfi, Affine arithmetic.
    """
    found = checked_dtype(dtype, "dtype is")
    slope = Evaluated(f, found, derivative=True)
    search = _Search(slope)
    problem = search.look_at_points()
    if not problem:
        upper, problem = search.bound(1)
    if not problem:
        lower, problem = search.bound(-1)
    if problem:
        return Range(None, undecided(problem))
    bounds = Bounds(-lower, upper)  # pyright: ignore
    shown = bounds.decimals(_DIGITS)
    text = f"{shown[0]} <= f' <= {shown[1]} at every finite {found.name}, in exact arithmetic"
    shown_as = {"derivative": shown}
    trusts = ("JAX's tracer", "Arb")
    return Range(bounds, Evidence(Verdict.PROVED, "cover", text, shown_as, trusts=trusts))


class _Search:
    """Branch and bound over the floats of a dtype, which lie in boxes with floats as ends."""

    def __init__(self, slope: Evaluated) -> None:
        self._slope, self._format = slope, _Ordinals(slope.dtype)
        self._known: dict[tuple[int, int], Bounds | None] = {}
        self._attained: list[Bounds] = []

    def look_at_points(self) -> str:
        """What is attained at floats that matter; or what is in the way."""
        for x in values_that_matter(self._slope.dtype):
            ball = self._slope.exact(x)
            if ball is None:
                return f"nothing is known of the derivative at {float(x)} in exact arithmetic"
            known = _moderate(ball)
            if known is None:
                return f"the derivative at {float(x)} is beyond 2^{_EXPONENT}"
            self._attained.append(known)
        return ""

    def bound(self, sign: int) -> tuple[Fraction, str]:
        """An upper bound of sign·f′, close to one that is attained; or what is in the way."""
        attained = max(self._ends(each, sign)[0] for each in self._attained)
        scale = max(max(abs(each.lower), abs(each.upper)) for each in self._attained)
        best = max(self._ends(each, sign)[1] for each in self._attained)  # at those floats
        pending: list[tuple[float, tuple[int, int]]] = []
        for box in self._format.sides:
            heapq.heappush(pending, (-math.inf, box))
        settled = best
        for _ in range(_MOST_BOXES):
            if not pending:
                break
            _, box = heapq.heappop(pending)
            known = self._of_box(box)
            above = None if known is None else self._ends(known, sign)[1]
            if above is not None and (above <= attained + _CLOSE * scale or box[0] == box[1]):
                settled = max(settled, above)
                continue
            if box[0] == box[1]:
                return settled, f"nothing is known of the derivative at {self._format.named(box)}"
            attained = max(attained, self._attained_inside(box, sign))
            for half in self._format.halves(box):
                heapq.heappush(pending, (self._priority(half, sign), half))
        # What is left has bounds, too, if not close ones.
        for _, box in pending:
            known = self._of_box(box)
            if known is None:
                where = self._format.named(box)
                return settled, f"{_MOST_BOXES} boxes did not suffice, e.g. {where} is open"
            settled = max(settled, self._ends(known, sign)[1])
        return settled, ""

    def _attained_inside(self, box: tuple[int, int], sign: int) -> Fraction:
        middle = (box[0] + box[1]) // 2
        known = self._of_box((middle, middle))
        return self._ends(known, sign)[0] if known is not None else -(Fraction(10) ** 400)

    def _priority(self, box: tuple[int, int], sign: int) -> float:
        known = self._of_box(box)
        if known is None:
            return -math.inf
        above = self._ends(known, sign)[1]
        try:
            return -float(above)
        except OverflowError:
            return -math.inf if above > 0 else math.inf

    def _of_box(self, box: tuple[int, int]) -> Bounds | None:
        if box not in self._known:
            low, high = sorted(Fraction(float(self._format.value(k))) for k in box)
            ball = self._slope.between(low, high)
            self._known[box] = None if ball is None else _moderate(ball)
        return self._known[box]

    @staticmethod
    def _ends(bounds: Bounds, sign: int) -> tuple[Fraction, Fraction]:
        """Lower and upper bound of sign·y."""
        return (bounds.lower, bounds.upper) if sign > 0 else (-bounds.upper, -bounds.lower)


def _moderate(ball: arb) -> Bounds | None:
    """Rational bounds of a ball, without the exponents of Arb, which no Fraction could hold."""
    with precision(_EXPONENT):
        least, most = arb(2) ** -_EXPONENT, arb(2) ** _EXPONENT
        if not abs(ball) < most:  # exact here, whatever the precision is that the ball has
            return None
        low, high = ball.lower(), ball.upper()
        low = low if abs(low) > least else (arb(0) if low >= 0 else -least)
        high = high if abs(high) > least else (arb(0) if high <= 0 else least)
    return Bounds(bounds_of(low).lower, bounds_of(high).upper)


class _Ordinals:
    """The finite floats of a dtype that are not 0, numbered ±1, ±2, … away from it."""

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype, self._unsigned = dtype, np.dtype(f"uint{8 * dtype.itemsize}")
        last = int(np.asarray(jnp.finfo(dtype).max, dtype).view(self._unsigned))
        self.sides = ((1, last), (-last, -1))

    def value(self, k: int) -> Any:
        size = np.asarray(abs(k), self._unsigned).view(self._dtype)[()]
        return size if k > 0 else -size

    def halves(self, box: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        low, high = box
        middle = (low + high) // 2
        return (low, middle), (middle + 1, high)

    def named(self, box: tuple[int, int]) -> str:
        return f"[{float(self.value(box[0]))}, {float(self.value(box[1]))}]"
