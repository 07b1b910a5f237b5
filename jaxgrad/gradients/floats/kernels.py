"""Does a kernel compute what its reference does?  What rounding explains, and what it does not.

A kernel, a callback and code that is not read have floats alone.  Of these it is asked that they
are as near to the values of a reference as rounding allows that computes the same.  How a kernel
computes is not known; how often it rounds is taken from the reference.  A float is *explained* if
its error is at most E, the larger one of

- the one allowance (:mod:`jaxgrad.gradients.floats.allowance`) of the reference's program, which
  holds for other formulas of the same function, too, and
- how far the reference's program itself may be from the true value, its operations taken in any
  order (:mod:`jaxgrad.numbers.in_any_order`), which alone sees what cancels within it.

A kernel may compute a number twice, as where a backward pass computes the forward one again or a
running maximum scales what was summed, and then rounds twice as often.  So a float is *wrong* only
where its error is above 2·E, and open in between, or where no such bound is known.  All this is in
the dtypes that the kernel computes in, takes sums in and keeps numbers in.  Where they cannot be
seen, in a callback, compiled code and what an accelerator multiplies, only that counts as wrong
which is so, too, if every number were kept in bfloat16.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import TraceError, UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.floats.allowance import TrueValues
from jaxgrad.gradients.floats.arithmetic import Arithmetic, unit_roundoff
from jaxgrad.gradients.floats.judgement import FloatJudgement, judge_by_formula
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.floats.sides import exactly, reals, worst
from jaxgrad.gradients.witness import enclosures
from jaxgrad.interpret.computed_dtypes import Dtypes
from jaxgrad.interpret.roundings import SUMS, errors_of, longest_chain, narrow_errors
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.in_any_order import InAnyOrder, is_narrow
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.running_error import Rounded
from jaxgrad.programs.jaxprs import OPAQUE, equations
from jaxgrad.programs.trace import is_differentiable

__all__ = ["OPEN", "KernelArithmetic", "check_kernel"]

OPEN = "further from the reference than rounding explains"  # a reason
KINK = "at a kink of the reference, or beside one"  # another
UNBOUNDED = "how far rounding may take the reference is not known"  # a third
# What an accelerator may multiply float32 in, and the coarsest that code which is not seen keeps.
COARSE = np.dtype(jnp.bfloat16)

# Whether a float is right that the formula of the reference does not give, as at a kink.
Accepts = Callable[[int, tuple[int, ...], arb], "bool | None"]


def _coarsest(dtypes: Iterable[Any]) -> Any:
    return max(dtypes, key=lambda dtype: jnp.finfo(dtype).eps)


@dataclass(frozen=True)
class KernelArithmetic(Arithmetic):
    """What rounding is in a kernel, as far as its reference tells.

    Args:
        program: the program of the reference.
        computed: the coarsest dtype in which the kernel computes, the one in which it takes sums,
            and the one in which it keeps numbers.
    """

    @cached_property
    def roundings(self) -> int:
        """Those of the reference, and one more for each number that is kept, in units of u.

        A reference of which nobody knows how often it rounds has one for all that is known.
        """
        least = self._in_units(1, 0) + self._kept
        try:
            return max(longest_chain(self.program, None, self._errors) + self._kept, least)
        except (CannotDecide, UnsupportedPrimitive):
            return least

    def _errors(self, equation: Any) -> int:
        """The roundings of an operation, in units of u."""
        errors, name = errors_of(equation), equation.primitive.name
        if not errors:
            return 0
        if name in SUMS:
            return self._in_units(errors, 1) + self._in_units(1, 0) + self._kept
        if is_narrow(self.computed[0]):
            errors = narrow_errors(equation, errors)
        return self._in_units(errors, 0) + self._kept

    def _in_units(self, errors: int, which: int) -> int:
        return errors * int(float((unit_roundoff(self.computed[which]) / self._unit).mid()))

    @cached_property
    def _kept(self) -> int:
        """What it costs once to keep a number in a coarser dtype than it is computed in."""
        computed, _, kept = map(unit_roundoff, self.computed)
        return self._in_units(1, 2) if kept > computed else 0

    @cached_property
    def _unit(self) -> arb:
        return min(map(unit_roundoff, self.computed))

    def times(self, output: int) -> float:
        """Those of the whole, of which every result may have as many."""
        return self.roundings

    def unit(self, output: int) -> arb:
        """The finest u, of which coarser ones are so many."""
        return self._unit

    def moves(self, output: int, dtype: Any) -> arb:
        """The same of every input."""
        return self._unit

    def alike(self, output: int) -> int:
        """All results."""
        return 0

    @property
    def system(self) -> InAnyOrder:
        """Balls that hold what it may return."""
        return InAnyOrder(*self.computed)


def check_kernel(
    side: Side, reference: Side, values: Sequence[Any], accepts: Accepts | None = None
) -> list[FloatResult]:
    """Holds a kernel's floats against the reference, leaf by leaf.

    Args:
        side: what is run in floating point.
        reference: the side whose balls are the truth.
        values: the point.
        accepts: of the leaf and the index of a float, and a ball around it, whether the reference
            has it for a derivative though its formula has not; None where that is open.

    Returns:
        for each leaf the worst float: ``UNSTABLE`` where it is wrong, ``UNKNOWN`` where it is open.

    Raises:
        CannotDecide, UnsupportedPrimitive: no true value can be enclosed.
    """
    fine, coarse = _arithmetics(side, reference)
    kernel = _Kernel(reference, values, fine, coarse, accepts)
    floats = side.floats(values)
    results = []
    for k, leaf in enumerate(reference.outputs):
        if floats[k].size:
            judged = (
                kernel.reals(k, floats[k]) if leaf.differentiable else kernel.others(k, floats[k])
            )
            results.append(worst(side, leaf, floats[k], judged, fine))
    return results


def _arithmetics(side: Side, reference: Side) -> tuple[KernelArithmetic, KernelArithmetic]:
    """What explains a float, and what leaves it open."""
    program = reference.program or side.program
    if program is None:
        raise UnsupportedPrimitive("neither side is a JAX program, so its roundings are not known")
    own, seen = Dtypes.of((side.program or program).jaxpr), _is_seen(side)
    told = Dtypes.of(program.jaxpr)  # a reference may say what dtypes a kernel uses within
    leaves = [*side.outputs, *(() if seen else side.inputs)]
    outside = {np.dtype(leaf.dtype) for leaf in leaves if is_differentiable(leaf.dtype)}
    computed = own.computed if seen else own.computed | told.computed | outside
    computed = computed or outside
    summed = own.summed if seen and own.summed and not own.loops else own.summed | computed
    kept = own.kept | outside | computed | summed | (frozenset() if seen else told.kept)
    dtypes = _coarsest(computed), _coarsest(summed), _coarsest(kept)
    fine = KernelArithmetic(program, dtypes)
    if seen:
        return fine, fine
    return fine, replace(fine, computed=(*dtypes[:2], _coarsest((dtypes[2], COARSE))))


def _is_seen(side: Side) -> bool:
    """Whether all that a kernel computes is in its program, and computed as it stands there."""
    if side.program is None:
        return False
    kernels = [x for x in equations(side.program.jaxpr) if x.primitive.name in OPAQUE]
    return all(
        kernel.primitive.name == "pallas_call" and kernel.params.get("interpret")
        for kernel in kernels
    )


class _Kernel:
    """The judgement of a kernel's floats at one point."""

    def __init__(
        self,
        reference: Side,
        values: Sequence[Any],
        fine: KernelArithmetic,
        coarse: KernelArithmetic,
        accepts: Accepts | None,
    ) -> None:
        self._reference, self._values, self._accepts = reference, values, accepts
        self._fine, self._coarse = _Explained(reference, values, fine), None
        if coarse is not fine:
            self._coarse = _Explained(reference, values, coarse)

    def reals(self, output: int, floats: np.ndarray) -> list[tuple[FloatJudgement, Any]]:
        """Every float of an output."""
        return [
            (self._judged(output, index, float(floats[index]), found), index)
            for found, index in reals(self._fine.exact, output, floats)
        ]

    def _judged(
        self, output: int, index: tuple[int, ...], value: float, found: FloatJudgement
    ) -> FloatJudgement:
        if found.status != "UNSTABLE":
            return found
        if self._fine.holds(output, index, value, 1):
            return replace(found, status="STABLE", reason="", grave=False, excess=0.0)
        far = self._coarse or self._fine
        beyond = far.holds(output, index, value, 2)
        if beyond:
            return FloatJudgement("UNKNOWN", OPEN, truth=found.truth, digits=found.digits)
        right: bool | None = False
        if self._accepts is not None and math.isfinite(value):
            right = self._accepts(output, index, far.around(output, index, value))
        if right:
            return FloatJudgement("STABLE", truth=found.truth)
        if beyond is None:
            return FloatJudgement("UNKNOWN", UNBOUNDED, truth=found.truth, digits=found.digits)
        if right is None:
            return FloatJudgement("UNKNOWN", KINK, truth=found.truth, digits=found.digits)
        return found

    def others(self, output: int, values: np.ndarray) -> list[tuple[FloatJudgement, Any]]:
        """Integers and truth values, wrong only where rounding decides none of them otherwise."""
        truth = self._fine.exact.values(FIRST_PRECISION)[output]
        judged = list(exactly(truth, values))
        known = (self._coarse or self._fine).enclosed
        return [
            (found, index)
            if found.stable or _is_decided(known, output, index, truth[index])
            else (FloatJudgement("UNKNOWN", OPEN, truth=found.truth), index)
            for found, index in judged
        ]


def _is_decided(known: list[Any] | None, output: int, index: tuple[int, ...], truth: Any) -> bool:
    """Whether an integer or a bool is the same whatever is rounded."""
    if known is None:
        return False
    found = known[output][index]
    if isinstance(found, Rounded):
        return bool(found.value.is_exact())
    return found is not None and bool(found == truth)


class _Explained:
    """What rounding explains of the floats of a kernel, with one arithmetic."""

    def __init__(
        self, reference: Side, values: Sequence[Any], arithmetic: KernelArithmetic
    ) -> None:
        self._reference, self._values, self._arithmetic = reference, values, arithmetic
        self.exact = TrueValues(
            lambda inputs: reference.over(Ball(), inputs),
            reference.inputs, values, reference.outputs, arithmetic,
        )  # fmt: skip

    @cached_property
    def enclosed(self) -> list[Any] | None:
        """What the reference may return, in any order; None if nobody knows."""
        program = self._reference.program
        if program is None:
            return None
        try:
            with precision(FIRST_PRECISION):
                return enclosures(program, self._values, self._arithmetic.system)
        except (CannotDecide, UnsupportedPrimitive, TraceError):
            return None

    def holds(self, output: int, index: tuple[int, ...], value: float, times: int) -> bool | None:
        """Whether a float is no further off than so many times what rounding explains.

        None where nobody knows how far rounding takes the reference: where a comparison within it
        is open, a divisor may be 0, or a number may leave the range of a dtype.
        """
        found = judge_by_formula(self.exact, output, index, value)
        if found is None or found.status != "UNSTABLE" or found.excess <= times:
            return True
        reach = self._reach(output, index)
        if not reach.is_finite():
            return None
        if not math.isfinite(value):
            return False
        with precision(FIRST_PRECISION):
            return not abs(exact_ball(value) - self._truth(output, index)) > times * reach

    def around(self, output: int, index: tuple[int, ...], value: float) -> arb:
        """All numbers that are as near to a float as rounding explains, as far as that is known."""
        with precision(FIRST_PRECISION):
            reach = self._reach(output, index)
            reach = reach if reach.is_finite() else arb(0)
            for allowance in self.exact.allowances(output, index, FIRST_PRECISION):
                reach = reach.max(allowance)
            return exact_ball(value) + arb(0, 1) * reach

    def _truth(self, output: int, index: tuple[int, ...]) -> arb:
        return self.exact.values(FIRST_PRECISION)[output][index]

    def _reach(self, output: int, index: tuple[int, ...]) -> arb:
        """How far from the true value the reference may be, in any order."""
        known = None if self.enclosed is None else self.enclosed[output]
        element = None if known is None else known[index]
        with precision(FIRST_PRECISION):
            if isinstance(element, Rounded):
                return abs(element.value - self._truth(output, index)).abs_upper()
            return arb(0) if element is not None else arb.nan()
