"""What evaluating every pair of two narrow floats found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxgrad.evidence.failing_float import FailingFloat
from jaxgrad.evidence.float_formats import Float
from jaxgrad.evidence.swept_outcome import SweptOutcome
from jaxgrad.verdict import Evidence

__all__ = ["FailingPair", "SweptPairs"]


@dataclass(frozen=True)
class FailingPair:
    """A counterexample of a sweep of pairs.

    Args:
        x, y: the floats.
        z: what the function returned there, of shape ().

    Example:
        >>> half = Float(np.dtype("float16"), 0x3800)
        >>> print(FailingPair(half, half, np.float16(0.25)).code.splitlines()[2])
        y = np.asarray(0x3800, np.uint16).view(np.float16)[()]  # 0.5
    """

    x: Float
    y: Float
    z: np.ndarray

    @property
    def code(self) -> str:
        """Python that rebuilds all three."""
        first, x, z, _ = FailingFloat(self.x, self.z).code.splitlines()
        return (
            f"{first}\n{x}\n"
            f"y = {self.y.python}  # {float(self.y.value)!r}\n"
            f"z{z.removeprefix('y').replace('f(x) =', 'f(x, y) =')}\n"
            "print('at x =', x, 'and y =', y, 'f(x, y) is', z, "
            "'and holds(x, y, f(x, y)) should be True')"
        )


@dataclass(frozen=True, repr=False)
class SweptPairs(SweptOutcome):
    """What evaluating a function of two floats at every pair of them found.

    Args:
        dtypes: of the two.
        checked: how many pairs of bit patterns were evaluated: all of them, NaN included.
        numbers: how many of these hold no NaN.
        failures: at how many of those the predicate does not hold.
        failing: the first of them, by the patterns of x and then of y; None if there is none.
        nan_outputs: at how many of those the function returns NaN.
        evidence: the verdict and what it rests on.

    Example:
        >>> import jaxgrad
        >>> narrow = "float8_e5m2"
        >>> jaxgrad.sweep_pairs(lambda x, y: x + y, (narrow, narrow), lambda x, y, z: z == z)
        <SweptPairs REFUTED: the predicate fails at 2 of 62500 pairs of float8_e5m2 and float8_e5m2>

    Source: claims A6 and F6.
    """

    dtypes: tuple[np.dtype, np.dtype]
    checked: int
    numbers: int
    failures: int
    failing: FailingPair | None
    nan_outputs: int
    evidence: Evidence

    def _headline(self) -> str:
        first, second = (dtype.name for dtype in self.dtypes)
        pairs = f"{self.numbers} pairs of {first} and {second}"
        if self.failures:
            return f"the predicate fails at {self.failures} of {pairs}"
        return f"the predicate holds at all {pairs}"

    def _rows(self) -> Sequence[str]:
        """What was evaluated."""
        return [f"{self.checked} pairs of bit patterns, NaN returned at {self.nan_outputs}"]
