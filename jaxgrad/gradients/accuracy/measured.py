"""How accurate a compiled derivative is at every float of a dtype: what was measured."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import ml_dtypes
import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.failing_float import FailingFloat
from jaxgrad.evidence.float_formats import Float
from jaxgrad.evidence.swept import Count
from jaxgrad.numbers.listed import counted
from jaxgrad.verdict import Evidence, Verdict, to_see

__all__ = ["Accuracy", "Binade", "WorstFloat"]


@dataclass(frozen=True)
class Binade:
    """The floats of one sign and one exponent, and how many bits are right at how many of them.

    Args:
        negative: whether the sign bit is set.
        exponent: e, where these are 2^e ≤ |x| < 2^(e + 1); the subnormal ones, and 0, have the
            least one less 1.
        right: entry r is at how many of them r bits are right, those of which it is known.

    Example:
        >>> Binade(negative=False, exponent=0, right=(0, 1, 3)).median
        2
    """

    negative: bool
    exponent: int
    right: tuple[int, ...]

    @property
    def floats(self) -> int:
        """At how many of them it is known."""
        return sum(self.right)

    @property
    def least(self) -> int | None:
        """The fewest right bits, or None where nothing is known."""
        return next((r for r, count in enumerate(self.right) if count), None)

    @property
    def median(self) -> int | None:
        """As many right bits as at least half of the floats have, the largest such number."""
        total = np.cumsum(self.right[::-1])
        half = np.flatnonzero(2 * total >= self.floats)
        return len(self.right) - 1 - int(half[0]) if self.floats else None


@dataclass(frozen=True)
class WorstFloat:
    """A float at which the fewest bits of the derivative are right.

    Args:
        x: the float.
        y: what the derivative returned, of shape ().
        truth: decimals between which the true derivative lies, rounded outwards.
        distance: how many floats y is from it, rounded; None of a NaN.
        right: how many bits are right.
    """

    x: Float
    y: np.ndarray
    truth: tuple[str, str]
    distance: int | None
    right: int

    @property
    def code(self) -> str:
        """Python that shows both."""
        x, y = FailingFloat(self.x, self.y).code.splitlines()[1:3]
        y = y.replace("# f(x) =", "# the derivative that is returned:")
        low, high = self.truth
        return (
            f"import ml_dtypes, numpy as np\n{x}\n{y}\n"
            f"low, high = np.float64('{low}'), np.float64('{high}')  # the true one lies between\n"
            "print('at x =', x, 'the derivative is', y, 'and should be', low, '..', high)"
        )

    def __str__(self) -> str:
        (low, high), verb = self.truth, "is" if self.right == 1 else "are"
        return (
            f"at {self.x} the derivative returned is {float(self.y)!r}, the true one lies in "
            f"[{low}, {high}]: {counted(self.right, 'bit')} {verb} right"
        )


@dataclass(frozen=True, repr=False)
class Accuracy:
    """How many bits of a compiled derivative are right at every float of a dtype.

    The true derivative t of the function of real numbers is rounded to the nearest float. Where the
    derivative y that was returned is that float all p bits of the dtype are right; where d ≥ 1
    floats lie from one to the other, p less the bit length of d, which is ⌊log₂ d⌋ + 1, and 0 at
    least. Within a binade d is the error in units in the last place, so that each right bit halves
    it; every binade between y and t adds 2^(p − 1).

    Args:
        dtype: the dtype.
        binades: by exponent and sign; outwards from 0, positive ones first.
        zeros: where the derivative is 0 and the true one rounds to another float.
        overflows: where it is infinite and the true one rounds to a finite float.
        nans: where it is NaN and the true one rounds to a finite float.
        worst: a float with the fewest right bits; None where nothing is known of any.
        without_value: at how many floats the function has no value, such as log at −1.
        without_derivative: at how many it has a value and certainly no derivative: kinks.
        infinite: at how many it was not asked, since they are infinite.
        open: at how many nothing is known; none of them is counted elsewhere.
        first_open: one of these.
        trusts: what has to be right for this to be right.

    Example:
        >>> import jax, jaxgrad
        >>> jaxgrad.accuracy(jax.nn.sigmoid, "float16")
        <Accuracy float16: at least 0 of 11 bits right at 63488 floats, 0 by mistake at 1920>

    Source: claims A6 and F6.
    """

    dtype: np.dtype
    binades: tuple[Binade, ...]
    zeros: Count
    overflows: Count
    nans: Count
    worst: WorstFloat | None
    without_value: int
    without_derivative: int
    infinite: int
    open: int
    first_open: Float | None
    trusts: tuple[str, ...]

    @property
    def bits(self) -> int:
        """p, how many bits a number of the dtype has, the leading one among them."""
        return int(ml_dtypes.finfo(self.dtype).nmant) + 1

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Entry r is at how many floats r bits are right."""
        return tuple(map(sum, zip(*(binade.right for binade in self.binades), strict=True)))

    @property
    def judged(self) -> int:
        """At how many floats it is known how many bits are right."""
        return sum(self.right)

    @property
    def least(self) -> int | None:
        """The fewest right bits, or None where nothing is known of any float."""
        return next((r for r, count in enumerate(self.right) if count), None)

    def at_least(self, bits: int) -> Evidence:
        """The statement that so many bits are right wherever there is a derivative.

        Args:
            bits: from 1 to those of the dtype.

        Returns:
            REFUTED with the worst float where fewer are right at one; else PROVED, or UNDECIDED
            where some floats are open.

        Raises:
            ArgumentError: the dtype has not so many.

        Example:
            >>> import jax, jaxgrad
            >>> found = jaxgrad.accuracy(jax.nn.softplus, "bfloat16")
            >>> found.at_least(1).verdict, found.at_least(8).verdict
            (<Verdict.PROVED: 'PROVED'>, <Verdict.REFUTED: 'REFUTED'>)
        """
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= self.bits:
            raise ArgumentError(
                f"at_least: bits is {bits!r:.60}; give an integer from 1 to {self.bits}, the bits "
                f"of {self.dtype.name}"
            )
        wrong = sum(self.right[:bits])
        right = f"{self.judged - wrong} of {counted(self.judged, 'float')}"
        said = f"{counted(bits, 'bit')} or more {'is' if bits == 1 else 'are'} right at {right}"
        if wrong and self.worst is not None:
            code = self.worst.code
            return Evidence(Verdict.REFUTED, "exhaustion", f"{said}.", {}, code, self.trusts)
        if self.open or not self.judged:
            text = f"{said}, and nothing is known at {self.open} others."
            return Evidence(Verdict.UNDECIDED, "reason", text, trusts=self.trusts)
        return Evidence(Verdict.PROVED, "exhaustion", f"{said}.", trusts=self.trusts)

    def __repr__(self) -> str:
        return f"<Accuracy {self.dtype.name}: {self._headline()}>"

    def __str__(self) -> str:
        """The headline, what was counted, and the worst float."""
        code = None if self.worst is None else self.worst.code
        return "\n".join([f"{self.dtype.name}: {self._headline()}", *self._rows()]) + to_see(code)

    def _headline(self) -> str:
        least = "nothing is known" if self.least is None else f"at least {self.least}"
        said = [f"{least} of {self.bits} bits right at {counted(self.judged, 'float')}"]
        said += [
            f"{name} by mistake at {count.total}"
            for name, count in self._mistakes().items()
            if count.total
        ]
        return ", ".join([*said, *([f"open at {self.open}"] if self.open else [])])

    def _mistakes(self) -> dict[str, Count]:
        return {"0": self.zeros, "infinite": self.overflows, "NaN": self.nans}

    def _rows(self) -> Sequence[str]:
        rows = [
            f"{counted(r, 'bit')} right at {counted(count, 'float')}"
            for r, count in reversed(tuple(enumerate(self.right)))
            if count
        ]
        for name, count in self._mistakes().items():
            if count.total:
                ends = (count.negative.last, count.positive.first)
                nearest = " and ".join(str(x) for x in ends if x is not None)
                rows.append(f"{name} by mistake at {count.total}, outwards from {nearest}")
        left = {
            "no value": self.without_value,
            "no derivative": self.without_derivative,
            "infinite": self.infinite,
            "open": self.open,
        }
        others = [f"{count} {name}" for name, count in left.items() if count]
        rows += [f"not judged: {', '.join(others)}"] if others else []
        return [*rows, *([f"worst: {self.worst}"] if self.worst is not None else [])]

    def _repr_html_(self) -> str:
        """A small table for notebooks: what was counted, and the code of the worst float."""
        cells = "".join(
            f"<tr><td style='text-align: left'>{html.escape(row)}</td></tr>" for row in self._rows()
        )
        code = "" if self.worst is None else f"<pre>{html.escape(self.worst.code)}</pre>"
        said = f"<b>{self.dtype.name}</b> {html.escape(self._headline())}"
        return f"<div>{said}<table>{cells}</table>{code}</div>"
