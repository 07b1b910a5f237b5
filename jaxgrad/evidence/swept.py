"""What evaluating every float of a dtype found: how often, from where to where, what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.failing_float import FailingFloat
from jaxgrad.evidence.float_formats import Float
from jaxgrad.evidence.swept_outcome import SweptOutcome
from jaxgrad.verdict import Evidence, Verdict, to_see

__all__ = ["Count", "Extent", "Sweep", "SweptSoFar"]


@dataclass(frozen=True)
class Extent:
    """The floats of one sign at which a predicate holds; -0 is on the negative side.

    Args:
        count: how many there are.
        first: the least of them in the order of the reals, or None.
        last: the greatest of them, or None.

    Example:
        >>> half = Float(np.dtype("float16"), 0x3800)
        >>> print(Extent(1, half, half).first)
        0.5 (float16 bits 0x3800)

    Source: claims A6 and F6.
    """

    count: int
    first: Float | None
    last: Float | None


@dataclass(frozen=True)
class Count:
    """The non-NaN inputs at which a predicate holds, from -infinity through -0, +0 to +infinity.

    Where a predicate holds far out on both sides, the floats nearest to zero at which it holds are
    ``negative.last`` and ``positive.first``.

    Args:
        negative: those with the sign bit set.
        positive: those without.

    Example:
        >>> half = Float(np.dtype("float16"), 0x3800)
        >>> print(Count(Extent(0, None, None), Extent(1, half, half)))
        at 1 floats, from 0.5 (float16 bits 0x3800) to 0.5 (float16 bits 0x3800)

    Source: claims A6 and F6.
    """

    negative: Extent
    positive: Extent

    @property
    def total(self) -> int:
        """How many there are on both sides."""
        return self.negative.count + self.positive.count

    @property
    def first(self) -> Float | None:
        """The least of all, or None."""
        return self.negative.first or self.positive.first

    @property
    def last(self) -> Float | None:
        """The greatest of all, or None."""
        return self.positive.last or self.negative.last

    def __str__(self) -> str:
        if self.first is None:
            return "nowhere"
        return f"at {self.total} floats, from {self.first} to {self.last}"


@dataclass(frozen=True)
class SweptSoFar:
    """What a sweep that has not ended has found, which is of no other floats.

    Args:
        dtype: the input dtype.
        checked: how many bit patterns were evaluated.
        patterns: how many there are.
        failures: at how many of those that were evaluated the predicate fails.
        failing: one of these; None if there is none.

    Example:
        >>> print(SweptSoFar(np.dtype("float16"), 4096, 65536, 0, None))
        sweep evaluated 4096 of 65536 float16 bit patterns; the predicate fails at 0 of these
    """

    dtype: np.dtype
    checked: int
    patterns: int
    failures: int
    failing: FailingFloat | None

    @property
    def counts(self) -> str:
        """How many were evaluated, and at how many of them the predicate fails."""
        return (
            f"sweep evaluated {self.checked} of {self.patterns} {self.dtype.name} bit patterns; "
            f"the predicate fails at {self.failures} of these"
        )

    def __str__(self) -> str:
        return f"{self.counts}{to_see(self.failing and self.failing.code)}"


@dataclass(frozen=True, repr=False)
class Sweep(SweptOutcome):
    """What evaluating every float of a dtype found.

    Args:
        dtype: the input dtype.
        checked: how many bit patterns were evaluated: all of them, NaN included.
        failures: the non-NaN inputs at which the predicate does not hold.
        counts: name -> where that predicate holds.
        nan_outputs: non-NaN inputs at which the function returns NaN.
        nan_inputs: NaN patterns; the predicate is not asked there.
        infinities: infinite inputs.
        subnormals: subnormal inputs, told apart by their bits.
        zeros: zero inputs, of either sign.
        flushed: subnormals that a multiplication by 1 turns into zero on this backend.
        evidence: the verdict and what it rests on.

    Example:
        >>> import jax, jaxgrad
        >>> found = jaxgrad.sweep(jax.nn.relu, "float16", lambda x, y: y >= 0)
        >>> print(found)
        PROVED: the predicate holds at all 63490 float16 numbers
        >>> found
        <Sweep PROVED: the predicate holds at all 63490 float16 numbers>

    Source: claims A6, F4, F5, F6.
    """

    dtype: np.dtype
    checked: int
    failures: Count
    counts: Mapping[str, Count] = field(hash=False)
    nan_outputs: int
    nan_inputs: int
    infinities: int
    subnormals: int
    zeros: int
    flushed: int
    evidence: Evidence

    def _headline(self) -> str:
        numbers = f"{self.checked - self.nan_inputs} {self.dtype.name} numbers"
        if self.failures.total:
            nan = f"; f returns NaN at {self.nan_outputs} of these" if self.nan_outputs else ""
            return f"the predicate fails {self.failures}, of {numbers}{nan}"
        return f"the predicate holds at all {numbers}"

    def _rows(self) -> Sequence[str]:
        """What was counted, and what was evaluated beside ordinary numbers."""
        kinds = f"{self.subnormals} subnormal, {self.zeros} zero, {self.infinities} infinite"
        evaluated = f"{self.checked} bit patterns: {kinds}, {self.nan_inputs} NaN"
        return [*(f"{name}: {count}" for name, count in self.counts.items()), evaluated]

    def never(
        self,
        name: str | None = None,
        text: str | None = None,
        *,
        call: str,
        shown: Sequence[str] = (),
        asserted: str | None = None,
        last: bool = False,
    ) -> Evidence:
        """The statement that a counted predicate holds at no float.

        Args:
            name: which of ``counts``; the failures of the predicate itself if None.
            text: what to say of it; what the sweep says if None.
            call: Python of the function that was swept, for a counterexample that can be run.
            shown: the counts whose totals are part of the evidence.
            asserted: Python of x and y that is true at a counterexample; it prints both if None.
            last: give the greatest counterexample instead of the least.

        Returns:
            PROVED where there is none, else REFUTED with the code that shows one.

        Raises:
            ArgumentError: nothing was counted under that name.

        Example:
            >>> import jax, jaxgrad
            >>> swept = jaxgrad.sweep(
            ...     jax.grad(jax.nn.sigmoid), "float16", lambda x, y: y <= 0.25,
            ...     count={"0": lambda x, y: y == 0},
            ... )
            >>> call = "jax.grad(jax.nn.sigmoid)"
            >>> swept.never(call=call).verdict, swept.never("0", call=call).verdict
            (<Verdict.PROVED: 'PROVED'>, <Verdict.REFUTED: 'REFUTED'>)
            >>> print(swept.never("0", call=call).counterexample)
            import jax, jax.numpy as jnp, ml_dtypes, numpy as np
            x = np.asarray(..., np.uint16).view(np.float16)[()]  # -inf
            y = jax.grad(jax.nn.sigmoid)(jnp.asarray(x))
            print('at x =', x, 'y is', y)

        Source: claims A6 and F6.
        """
        counted = {None: self.failures, **self.counts}
        absent = [key for key in (name, *shown) if key not in counted]
        if absent:
            raise ArgumentError(
                f"never: nothing was counted under {absent[0]!r}, but under {sorted(self.counts)}; "
                "name a predicate of the argument `count` of sweep"
            )
        totals = {key: str(self.counts[key].total) for key in shown}
        where = counted[name].last if last else counted[name].first
        return Evidence(
            Verdict.PROVED if where is None else Verdict.REFUTED,
            "exhaustion",
            self.evidence.text if text is None else text,
            {f"floats: {key}": (total, total) for key, total in totals.items()},
            None if where is None else where.code(call, asserted),
            self.evidence.trusts,
        )
