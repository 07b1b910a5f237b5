"""What is said of a float: which one it is, what it should be, and whether rounding explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxgrad.gradients.floats.judgement import FloatJudgement
from jaxgrad.numbers.listed import listed

__all__ = ["FloatResult"]


@dataclass(frozen=True, kw_only=True, repr=False)
class FloatResult(FloatJudgement):
    """The worst float of a leaf, of a side of a comparison or of a compiled derivative.

    Besides what is made of it (:class:`FloatJudgement`):

    Args:
        path, index: the entry of the gradient; of a derivative the path of the argument by which
            is differentiated, with the index None for a drawn direction.
        value: what the compiled program returned.
        dtype: of the leaf; of a derivative the dtypes of the arguments.
        within: dtypes coarser than ``dtype`` that the program computes in.
        judged, failed: how many floats were judged, and how many have this status and reason.
        without: the entries of which the formula has no finite number, so that none is judged.
        side: ``"hand"`` or ``"auto"``; empty for a derivative, of which alone is told:
        mode: ``"fwd"`` or ``"rev"``, of a higher derivative as in ``"rev then fwd"``.
        output, output_index: the entry of the result that is differentiated; None for a drawn
            combination.
        point: the arguments there, as text.
        given: whether that is the given point.
        compiled: ``"jit"`` or ``"jit(vmap)"``.
        code: Python that shows it where ``f`` is in scope.
    """

    path: str
    index: tuple[int, ...] | None
    value: float
    dtype: str
    within: tuple[str, ...] = ()
    judged: int = 0
    failed: int = 0
    without: tuple[tuple[int, ...], ...] = ()
    side: str = ""
    mode: str = ""
    output: str = ""
    output_index: tuple[int, ...] | None = None
    point: str = ""
    given: bool = True
    compiled: str = "jit"
    code: str = ""

    @property
    def in_words(self) -> str:
        """The float, its true value and how many digits of it are right."""
        right = "all" if self.digits == math.inf else f"{max(0.0, self.digits) + 0.0:.1f}"
        return f"{self.value!r}, truth {self.truth}, {right} digits right"

    def __repr__(self) -> str:
        return f"<FloatResult {self}>"

    def __str__(self) -> str:
        return self._of_side() if self.side else self._of_derivative()

    def _of_side(self) -> str:
        head = f"{self.status} {self.side}{_place(self.path, self.index)}{self._inside()}"
        unknown = f" ({self.reason})" if self.status == "UNKNOWN" else ""
        return f"{head}: {self.in_words}{unknown}"

    def _of_derivative(self) -> str:
        of, by = _place(self.output, self.output_index), _place(self.path, self.index)
        head = f"{self.status} {self.mode} {self.dtype}{self._inside()}: ∂{of}/∂{by}"
        if self.stable:
            return f"{head}: {self.judged} floats"
        why = f"{self.reason}; {self.failed} of {self.judged} floats"
        return f"{head} at {self.point} under {self.compiled}: {self.in_words} ({why})"

    def _inside(self) -> str:
        return f" with {listed(self.within)} inside" if self.within else ""


def _place(path: str, index: tuple[int, ...] | None) -> str:
    return f"{path}{list(index) if index else ''}"
