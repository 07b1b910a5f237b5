"""Is a program what it was read as?  Its own run in floating point says so, or contradicts it.

The program is evaluated over numbers that hold every result which rounding allows
(:mod:`jaxgrad.numbers.running_error`), and run by JAX, or by NumPy, at the same point.  A result
outside shows that a rule of this package reads an operation as another one than it is.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import EnginesDisagree, TraceError, UnsupportedPrimitive
from jaxgrad.gradients.few_shapes import bound_in_few_shapes, bound_to_the_last_bit
from jaxgrad.gradients.primitive_runs import OPENED, as_it_is, bound, is_key, typed
from jaxgrad.gradients.trusts import misread
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.sides import Side
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.clock import within
from jaxgrad.numbers.perturbed import Twins
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.random_rounding import RoundedAtRandom
from jaxgrad.numbers.running_error import Rounded, RunningError
from jaxgrad.programs.complex_functions import BY_ANOTHER_WAY
from jaxgrad.programs.complex_parts import Pair
from jaxgrad.programs.complex_structure import MATRIX_IN_PARTS
from jaxgrad.programs.evaluated import evaluated
from jaxgrad.programs.jaxprs import inner_jaxpr
from jaxgrad.programs.trace import Leaf, Program, is_differentiable

__all__ = [
    "Run",
    "enclosures",
    "hold_program",
    "hold_side",
    "program_floats",
    "run_primitives",
]

# Twice the bits of the widest float: what is left of the error of the balls themselves is nothing
# beside the error of the floats.
WORKING = 2 * 53


_NUMPY_CAUSES = (
    "or the NumPy code itself does something else over exact numbers: if it asks for type(x), use "
    "isinstance; if it draws from a generator of its own, seed it within the function; if it keeps "
    "numbers from one run to the next, do not"
)

# As the last line of a traceback, without the spaces of those above.
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")


@dataclass(frozen=True)
class Run:
    """A program's own results at a point.

    Args:
        floats: for each output leaf what JAX or NumPy returned.
        held: how many entries were held against an enclosure; 0 where none can be had, as where
            an order of numbers depends on their rounding.
        in_time: whether the enclosures were had in their time.
        whole: whether every entry was held: then nothing on the way to it overflows, in whatever
            order sums are taken.
    """

    floats: list[np.ndarray]
    held: int
    in_time: bool = True
    whole: bool = False

    @property
    def finite(self) -> bool:
        """Whether every number that was returned is finite."""
        return all(bool(np.isfinite(_doubles(x)).all()) for x in self.floats if _is_real(x))


def hold_program(
    name: str,
    program: Program,
    values: Sequence[Any],
    seconds: float = math.inf,
    few_shapes: bool = False,
) -> Run:
    """Holds what a program is read as against its own run by JAX, primitive by primitive.

    Args:
        name: what to call the program in an error message.
        program: a traced program.
        values: the value of each input leaf.
        seconds: CPU seconds that the enclosures may take: they are made number by number.
        few_shapes: whether primitives may be run on arrays of a few shapes
            (:mod:`jaxgrad.gradients.few_shapes`), as nothing else is asked of the floats but
            whether they are finite. They are those of the program as it stands where some entry
            cannot be held: its sums, taken in another order, may overflow.

    Raises:
        EnginesDisagree: some entry is outside what rounding explains.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(lambda x: x * x + 1, (np.float32(0.5),))
        >>> hold_program("f", program, [leaf.value for leaf in program.inputs]).held
        1
    """
    floats = program_floats(program, values, few_shapes)
    known, in_time = _known(lambda: enclosures(program, values), seconds)
    try:
        run = _held(name, floats, known, program.outputs, in_time)
        if few_shapes and not run.whole:
            floats = program_floats(program, values)
            run = _held(name, floats, known, program.outputs, in_time)
    except EnginesDisagree as error:
        raise EnginesDisagree(f"{error}; {misread(program.jaxpr)}") from None
    return run


def hold_side(side: Side, values: Sequence[Any], few_shapes: bool = False) -> Run:
    """Holds what a side of a comparison is read as against its own run by JAX or by NumPy.

    NumPy code runs on float64 arrays, each time on copies of its own.

    Args:
        side: a side that runs over exact numbers.
        values: the value of each input leaf.
        few_shapes: as for :func:`hold_program`.

    Raises:
        EnginesDisagree: some entry is outside what rounding explains.
    """
    if side.program is not None:
        return hold_program(side.name, side.program, values, few_shapes=few_shapes)
    side, system = side.in_double(), RunningError()
    doubles = [
        np.array(value, np.float64) if leaf.real else value
        for leaf, value in zip(side.inputs, values, strict=True)
    ]
    with np.errstate(all="ignore"):
        floats = side.floats(doubles)

    def enclose() -> list[Any]:
        pairs = zip(side.inputs, doubles, strict=True)
        return side.over(system, [system.constants(x) if y.real else x for y, x in pairs])

    known, in_time = _known(enclose)
    try:
        return _held(side.name, floats, known, side.outputs, in_time)
    except EnginesDisagree as error:
        raise EnginesDisagree(f"{error}; {misread()}; {_NUMPY_CAUSES}") from None


def _known(
    enclose: Callable[[], list[Any]], seconds: float = math.inf
) -> tuple[list[Any] | None, bool]:
    """The enclosures, where there are any, and whether they were had in so many CPU seconds."""
    found = None
    with (
        within(seconds) as part,
        contextlib.suppress(CannotDecide, UnsupportedPrimitive),
        precision(WORKING),
    ):
        found = enclose()
    return found, part.spent is None


def _held(
    name: str,
    floats: list[np.ndarray],
    known: list[Any] | None,
    outputs: Sequence[Leaf],
    in_time: bool,
) -> Run:
    """Holds results against the enclosures, where there are any."""
    if known is None:
        return Run(floats, 0, in_time)
    held = [_hold(name, *each) for each in zip(outputs, floats, known, strict=True)]
    whole = all(many == x.size for many, x in zip(held, floats, strict=True) if not is_key(x))
    return Run(floats, sum(held), in_time, whole)


def program_floats(
    program: Program, values: Sequence[Any], few_shapes: bool = False
) -> list[np.ndarray]:
    """What JAX returns, primitive by primitive: compiled programs are reused across programs.

    Args:
        program: a traced program.
        values: the value of each input leaf.
        few_shapes: as for :func:`hold_program`.

    Raises:
        TraceError: JAX cannot run what it has traced.
    """
    with as_it_is():
        try:
            run = bound_in_few_shapes if few_shapes else bound_to_the_last_bit
            outputs = run_primitives(program.as_traced, values, run)
        except Exception as error:
            raise TraceError(
                "JAX traces the program, and fails to run it: "
                f"{type(error).__name__}: {_cause(error)}"
            ) from error
    return [np.asarray(x) if not is_key(x) else x for x in outputs]


def _cause(error: Exception) -> str:
    """The first line of a message; of a callback's traceback the error that it ends with."""
    lines = str(error).strip().splitlines() or [""]
    if not lines[0].endswith("(most recent call last):"):
        return lines[0]
    # Packages print advice below.
    return next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1])


def run_primitives(
    program: Any, inputs: Sequence[Any], run: Callable[[Any, list[Any]], list[Any]] = bound
) -> list[Any]:
    """What a program returns, primitive by primitive.

    Args:
        program: a jaxpr.
        inputs: the value of each of its inputs.
        run: what the primitive of an equation returns.
    """

    def apply(equation: Any, arguments: list[Any]) -> list[Any]:
        if equation.primitive.name in OPENED:
            return run_primitives(inner_jaxpr(equation.params), arguments, run)
        return run(equation, arguments)

    return evaluated(program, inputs, apply, typed)


def enclosures(
    program: Program,
    values: Sequence[Any],
    system: RunningError | RoundedAtRandom | None = None,
    constants: bool = False,
) -> list[Any]:
    """For each output leaf what rounding may return: an array of :class:`Rounded`,
    of :class:`Twins` where roundings are drawn, or concrete.

    Args:
        program: a traced program.
        values: the value of each input leaf.
        system: the rounding errors, if not those of XLA on the CPU.
        constants: whether constants of the program are roundings, too, of what is meant.

    Raises:
        CannotDecide, UnsupportedPrimitive: as the rules do.
    """
    interpreter = _InFloats(system or RunningError())
    inputs = [interpreter.given(value) for value in values]
    interpreter.system.rounds_constants = constants
    return interpreter.run(program.jaxpr.jaxpr, program.jaxpr.consts, inputs)


# Their rules take other steps than LAPACK does, which may be exact where LAPACK's are not: an
# elimination without the quotients that it rounds.
_BY_ANOTHER_WAY = frozenset((
    "lu", "cholesky", "triangular_solve", "tridiagonal_solve", "qr", "geqrf", "householder_product",
    MATRIX_IN_PARTS,
))  # fmt: skip
# XLA orders −0 before 0 here, on some devices at least, or LAPACK looks at the sign of a zero.
_BY_TOTAL_ORDER = frozenset((
    "top_k", "approx_top_k", "sort", "lt_to", "le_to", "eq_to", "qr", "geqrf",
))  # fmt: skip


class _InFloats(Interpreter):
    """The walker over running errors, which rounds every operation in its own dtype."""

    system: RunningError | RoundedAtRandom
    _within = 0  # how many programs of those that take other steps are being run

    def lift(self, value: Any) -> Any:
        dtype = getattr(value, "dtype", None)
        if dtype is not None and is_differentiable(dtype):
            self.system.round_to(dtype)
        return super().lift(value)

    def given(self, value: Any) -> Any:
        """An argument of the program, which may be kept in a coarser dtype than its own."""
        lifted = self.lift(value)
        if is_concrete(lifted):
            return lifted
        return self.system.map(self.system.keep, lifted)

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        dtypes = [v.aval.dtype for v in (*equation.outvars, *equation.invars) if _has_dtype(v)]
        floating = [dtype for dtype in dtypes if is_differentiable(dtype)]
        if floating:
            self.system.round_to(floating[0])
        other = equation.primitive.name in _BY_ANOTHER_WAY
        self.system.exact = not (other or self._within)
        named = equation.params.get("name") if equation.primitive.name == MATRIX_IN_PARTS else None
        self.system.by_total_order = (named or equation.primitive.name) in _BY_TOTAL_ORDER
        self._within += other
        try:
            outputs = super().apply(equation, arguments)
        finally:
            self._within -= other
        if equation.primitive.name in BY_ANOTHER_WAY:
            outputs = [self._by_another_way(x) if isinstance(x, Pair) else x for x in outputs]
        if equation.primitive.name in ("convert_element_type", "reduce_precision"):
            bits = equation.params.get("mantissa_bits")
            outputs = [self._stored(value, bits) for value in outputs]
        return outputs

    def _by_another_way(self, value: Pair) -> Pair:
        """A complex function as XLA may compute it, close to it in the plane alone."""
        system = self.system
        if type(system) is not RunningError:  # which alone are to hold every result
            return value

        def widened(x: Rounded, y: Rounded) -> Rounded:
            size = x.value.abs_upper() + y.value.abs_upper()
            return system.rounded(x.value, system.other_ulps, size)

        real, imag = value
        pairs = list(zip(real.flat, imag.flat, strict=True))
        return Pair(
            objects((widened(x, y) for x, y in pairs), real.shape),
            objects((widened(y, x) for x, y in pairs), imag.shape),
        )

    def _stored(self, value: Any, bits: int | None) -> Any:
        if is_concrete(value):
            return value
        system = self.system
        return system.map(lambda x: system.stored(x, bits) if _is_number(x) else x, value)


def _is_number(x: Any) -> bool:
    """Whether it is no truth value."""
    return isinstance(x, Rounded | Twins)


def _has_dtype(variable: Any) -> bool:
    return hasattr(getattr(variable, "aval", None), "dtype")


def _hold(name: str, leaf: Leaf, floats: Any, enclosures: Any) -> int:
    """How many entries of one leaf were held; an entry outside raises."""
    if is_key(floats):
        return 0
    if is_concrete(enclosures):
        if not np.array_equal(np.asarray(enclosures), floats):
            raise _gap(name, leaf, (), floats, enclosures)
        return floats.size
    held = 0
    numbers = _doubles(floats)
    for index in np.ndindex(floats.shape):
        known = enclosures[index]
        if isinstance(known, Rounded):
            # NaN comes of an overflow inside a primitive, too; it is judged for what it is.
            if not (known.value.is_finite() and np.isfinite(numbers[index])):
                continue
            inside = known.value.contains(arb(float(numbers[index])))
        elif known is None:
            continue
        else:
            inside = bool(known) == bool(numbers[index])
        if not inside:
            raise _gap(name, leaf, index, floats, known)
        held += 1
    return held


def _gap(name: str, leaf: Leaf, index: tuple[int, ...], floats: Any, known: Any) -> EnginesDisagree:
    at = f"{name}{leaf.path}{list(index) if index else ''}"
    read = known.value.str(10) if isinstance(known, Rounded) else known
    return EnginesDisagree(
        f"{at} is {floats[index]} when it is run, and is read as {read}, rounding included"
    )


def _is_real(value: Any) -> bool:
    return not is_key(value) and is_differentiable(value.dtype)


def _doubles(value: Any) -> np.ndarray:
    return np.asarray(value).astype(np.float64)
