"""Where a program decides by the size of what it is given, anywhere in the range of a dtype."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.special_points.critical_arguments import Critical, critical_arguments
from jaxgrad.gradients.special_points.lines import Line, Space, lines, nearest
from jaxgrad.gradients.special_points.search import BUDGET, FEWEST_SAMPLES, OPERATIONS
from jaxgrad.gradients.special_points.zero_search import BESIDE, PASSES, Zero, in_turn, zeros
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Leaf, Program

__all__ = ["thresholds"]

# Entries alone are alike in most programs; the lines of whole leaves come first.
MOST_LINES = 12
# Sizes of either sign: five binades apart in float32, so that a pass finds what is between two.
SIZES = 52
# Not a short number, so that a threshold at one shows as a change of sign.
FRACTION = 1.37


def thresholds(program: Program, leaves: Sequence[Leaf], limit: int) -> list[list[np.ndarray]]:
    """Floats at which a program decides, and one between each two neighbours on a line.

    What is the same between two thresholds is seen at one point between them, however near they
    are to one another.

    Args:
        program: a function of the leaves.
        leaves: floating-point leaves with their values, through which the lines go.
        limit: the most points to return.

    Returns:
        one array for each leaf, for each point.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(lambda g: jnp.where((g > 3e33) & (g < 3.1e33), 0, g), (np.float32(1),))
        >>> found = [float(x) for (x,) in thresholds(program, program.inputs, 12)]
        >>> any(3e33 < x < 3.1e33 for x in found)
        True
    """
    space = Space(leaves)
    if not space.size or limit <= 0:
        return []
    work = space.size + operations(program.jaxpr.jaxpr)
    points = BUDGET // work
    passes = min(PASSES, OPERATIONS // work - 1)
    most = min(MOST_LINES, points // FEWEST_SAMPLES)
    if most < 1 or passes < 1:
        return []  # the program is too large to be run even so
    # Those that move several entries come before those that move one.
    chosen = sorted(lines(space, most), key=lambda line: line.entry is not None)
    sizes = _sizes(space)
    samples = min(2 * len(sizes) + 2 + 2 * len(BESIDE), points // len(chosen))

    def evaluate(points: np.ndarray) -> list[Critical]:
        return critical_arguments([program], space.leaves, points)

    found = zeros(space, chosen, evaluate, samples, passes, sizes)
    by_line = [_on(line, [zero for zero in found if zero.line is line]) for line in chosen]
    kept: dict[bytes, np.ndarray] = {}
    for line, t in in_turn(by_line):
        point = space.rounded(line.points(np.array([t])))[0]
        kept.setdefault(point.tobytes(), point)
        if len(kept) == limit:
            break
    return [space.arrays(point) for point in kept.values()]


def _sizes(space: Space) -> list[float]:
    """From the least normal number of the dtypes to the largest one."""
    limits = [jnp.finfo(leaf.dtype) for leaf in space.leaves if np.prod(leaf.shape)]
    least = min(int(limit.minexp) for limit in limits)
    most = max(int(limit.maxexp) for limit in limits)
    exponents = np.unique(np.linspace(least, most - 1, SIZES).round())
    return [FRACTION * 2.0**e for e in exponents]


def _on(line: Line, found: list[Zero]) -> list[tuple[Line, float]]:
    """The thresholds of a line and what is between them, the narrowest gaps first."""
    ts = sorted({zero.t for zero in found})
    largest = float(jnp.finfo(line.dtype).max)
    ends = [-largest, *ts, largest] if ts else []
    gaps = sorted(itertools.pairwise(ends), key=_width)
    between = [(line, _middle(line, *gap)) for gap in gaps]
    own = [(line, t) for t in sorted(ts, key=abs, reverse=True)]
    return list(in_turn([between, own]))


def _middle(line: Line, low: float, high: float) -> float:
    return nearest(np.array(low / 2 + high / 2), line.dtype).item()


def _width(gap: tuple[float, float]) -> float:
    return (gap[1] - gap[0]) / max(map(abs, gap))
