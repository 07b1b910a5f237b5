"""Do the compiled derivatives compute what their rules say, in the dtypes asked for?

Each derivative is compiled once for a mode and a dtype, under jit and under vmap over all points,
and its floats are held against the exact value of its formula; see
:mod:`jaxgrad.gradients.floats.allowance` for what is allowed.  Whether the formula is the
derivative is another question, which is not asked here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.gradients.floats.code import described, paste_floats
from jaxgrad.gradients.floats.derivative_judgement import TrueDerivatives, judge_derivative
from jaxgrad.gradients.floats.judgement import FloatJudgement
from jaxgrad.gradients.floats.programs import (
    Compiled,
    compile_derivatives,
    in_dtype,
    precise_enough,
    representable,
)
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.special_points.float_points import float_points
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.trace import is_differentiable

__all__ = ["FloatResult", "checked_dtypes", "floats_of", "rule_floats"]

# Operations over balls that one compiled derivative may take: 3 μs each in large programs and up to
# 15 μs in small ones, whose overhead counts, so about half a second.
BUDGET = 30_000
# Entries of one derivative that are judged at one point, those that look wrong among them.
MOST_ENTRIES = 1000
# Every power of two of float32 with both signs, for one number; for more of them fewer points.
MOST_FLOAT_POINTS = 512
FEWEST_FLOAT_POINTS = 32


def checked_dtypes(dtypes: Sequence[Any] | Any | None) -> tuple[np.dtype, ...] | None:
    """The dtypes that are asked for, checked.

    Raises:
        ArgumentError: one of them is no floating-point dtype.

    Example:
        >>> checked_dtypes(["float32", "bfloat16"])
        (dtype('float32'), dtype(bfloat16))
    """
    if dtypes is None:
        return None
    several = isinstance(dtypes, list | tuple | set | frozenset)
    asked: list[Any] = list(dtypes) if several else [dtypes]
    found = []
    for name in asked:
        try:
            dtype = jnp.dtype(name)
        except TypeError:
            dtype = None
        if dtype is None or not is_differentiable(dtype):
            raise ArgumentError(
                f"dtypes holds {name!r}, which is no floating-point dtype; accepted are "
                '"float64", "float32", "float16", "bfloat16" and the 8-bit floats'
            )
        found.append(dtype)
    return tuple(found)


def floats_of(
    rules: DerivativePrograms,
    dtypes: Sequence[np.dtype] | None,
    points: Sequence[SpecialPoint],
    finite: bool,
) -> tuple[FloatResult, ...]:
    """What the compiled derivatives are worth.

    Args:
        rules: the derivative programs.
        dtypes: judged at the given point, at these special points, and all over the range of
            each dtype; if None only the given point is looked at, and only for NaN or infinities.
        points: special points of the program.
        finite: whether a run at the given point returned numbers alone.
    """
    primal = rules.primal
    if dtypes is None:
        if finite:
            return ()
        return rule_floats(primal, rules.modes, None, [primal.point])
    places = [primal.point, *(point.values for point in points)]
    entries = sum(math.prod(shape) for shape in (*rules.shapes, *rules.out_shapes))
    most = max(FEWEST_FLOAT_POINTS, 2 * MOST_FLOAT_POINTS // entries)
    found: list[FloatResult] = []
    for dtype in dtypes:
        spread = [point.values for point in float_points(_leaves(rules, dtype), most)]
        found += rule_floats(primal, rules.modes, [dtype], [*places, *spread])
    return tuple(found)


def _leaves(rules: DerivativePrograms, dtype: np.dtype) -> list[Any]:
    return [
        replace(leaf, dtype=dtype, value=np.asarray(leaf.value).astype(dtype))
        for leaf in rules.primal.inputs
    ]


def rule_floats(
    primal: Primal,
    modes: tuple[str, ...],
    dtypes: Sequence[Any] | None,
    points: Sequence[list[np.ndarray]],
) -> tuple[FloatResult, ...]:
    """Holds the compiled derivatives of a function against the exact values of their formulas.

    Args:
        primal: the function.
        modes: ``"fwd"``, ``"rev"`` or both.
        dtypes: dtypes of the floating-point leaves, all of them in each; None for their own.
        points: values of the floating-point leaves, the given point first; each is rounded to
            the dtype, and what XLA would flush is 0.

    Returns:
        for each mode, dtype and leaf the worst float, and the worst for each reason where some
        are unstable.

    Example:
        >>> import jax
        >>> primal = Primal(jax.numpy.tanh, (np.float32(10.0),))
        >>> (found,) = rule_floats(primal, ("rev",), None, [primal.point])
        >>> found.status, found.reason, found.value, found.truth
        ('UNSTABLE', 'underflow', 0.0, '8.244614456e-9')
    """
    results: list[FloatResult] = []
    for dtype in dtypes if dtypes is not None else (None,):
        with precise_enough(dtype):
            cast = functools.cache(functools.partial(in_dtype, primal, dtype))
            for mode in modes:
                try:
                    results += _judged_in(cast(), mode, points)
                except (JaxgradError, TypeError, ValueError) as error:
                    results.append(_not_run(primal, mode, dtype, error))
    return tuple(results)


def _judged_in(
    cast: Primal, mode: str, points: Sequence[list[np.ndarray]]
) -> Iterator[FloatResult]:
    rounded = _distinct(
        [
            [
                representable(value, leaf.dtype)
                for value, leaf in zip(point, cast.inputs, strict=True)
            ]
            for point in points
        ]
    )
    cases = []
    for compiled in compile_derivatives(cast, mode):
        cases += _judged(compiled, rounded)
    yield from _worst(cases)


def _distinct(points: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    seen = {b"".join(leaf.tobytes() for leaf in point): point for point in reversed(points)}
    return list(reversed(seen.values()))


@dataclass(frozen=True)
class _Case:
    """One float with its judgement."""

    compiled: Compiled
    how: str
    given: bool
    point: list[np.ndarray]
    seed: int
    output: int
    entry: tuple[int, ...]
    value: float
    found: FloatJudgement

    @property
    def leaf(self) -> int | None:
        """The leaf of the arguments by which is differentiated."""
        return self.compiled.leaf if self.compiled.mode == "fwd" else self.output

    @property
    def rank(self) -> tuple[Any, ...]:
        """Larger is worse; of equally bad ones the given point is shown."""
        return *self.found.rank, self.given, self.how == "jit"


def _judged(compiled: Compiled, points: list[list[np.ndarray]]) -> Iterator[_Case]:
    """Every float that is judged: at the given point under jit, at all under jit and vmap."""
    runs = [("jit", [leaf[None] for leaf in compiled.single(points[0])], [0])]
    try:
        runs.append(("jit(vmap)", compiled.batch(points), list(range(len(points)))))
    except NotImplementedError:  # a primitive that has no batching rule
        for p in range(1, len(points)):
            runs.append(("jit", [leaf[None] for leaf in compiled.single(points[p])], [p]))
    spent = 0
    known: dict[tuple[int, int], TrueDerivatives] = {}
    for how, floats, places in runs:
        for row, s in _suspicious_first(floats):
            place = places[row]
            if spent > BUDGET and place != 0:
                break
            exact = known.setdefault(
                (place, s), TrueDerivatives(compiled, points[place], compiled.seeds[s])
            )
            before = exact.evaluations
            for output, entry in _entries([leaf[row, s] for leaf in floats]):
                value = float(floats[output][(row, s, *entry)])
                found = judge_derivative(exact, output, entry, value)
                if found is not None:
                    point, given = points[place], place == 0
                    yield _Case(compiled, how, given, point, s, output, entry, value, found)
            spent += (exact.evaluations - before) * compiled.cost


def _suspicious_first(floats: list[np.ndarray]) -> list[tuple[int, int]]:
    """(row, seed): the given point, then those with NaN or infinities, with zeros, the rest."""
    rows, seeds = floats[0].shape[:2]
    count = rows * seeds
    bad = np.zeros(count, bool)
    zero = np.zeros(count, bool)
    for leaf in floats:
        flat = leaf.reshape(count, math.prod(leaf.shape[2:]))
        bad |= ~np.isfinite(flat).all(axis=1)
        zero |= (flat == 0).any(axis=1)
    # A permutation whose every beginning is spread over the whole: multiples of the golden ratio.
    spread = np.modf(np.arange(count) * ((math.sqrt(5) - 1) / 2))[0]
    order = sorted(range(count), key=lambda i: (i >= seeds, not bad[i], not zero[i], spread[i]))
    return [divmod(i, seeds) for i in order]


def _entries(floats: list[np.ndarray]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(output, index) of the floats to judge, at most so many of each output."""
    for output, leaf in enumerate(floats):
        values = leaf.reshape(-1)
        order = np.lexsort((np.abs(values), np.isfinite(values)))
        if values.size > MOST_ENTRIES:  # what is not finite, the smallest, and some of the others
            half = MOST_ENTRIES // 2
            rest = order[half :: max(1, (values.size - half) // half)]
            order = np.concatenate([order[:half], rest[:half]])
        for i in order:
            yield output, tuple(int(k) for k in np.unravel_index(i, leaf.shape))


def _worst(cases: list[_Case]) -> Iterator[FloatResult]:
    """For each leaf the worst of every reason for being unstable, or of all."""
    for leaf in dict.fromkeys(case.leaf for case in cases):
        own = [case for case in cases if case.leaf == leaf]
        unstable = [case for case in own if case.found.status == "UNSTABLE"]
        # Elsewhere than at the given point an unknown says nothing beside what is known.
        known = [c for c in own if c.given or c.found.status != "UNKNOWN"] or own
        groups = [
            [case for case in unstable if case.found.reason == reason]
            for reason in dict.fromkeys(case.found.reason for case in unstable)
        ] or [known]
        for group in groups:
            yield _result(max(group, key=lambda case: case.rank), own)


def _result(case: _Case, own: list[_Case]) -> FloatResult:
    compiled, found = case.compiled, case.found
    primal, seed = compiled.primal, compiled.seeds[case.seed]
    direction, cotangent = compiled.entry(seed, case.output, case.entry)
    path, index = described(direction, primal.inputs, "a drawn direction")
    output, output_index = described(cotangent, primal.outputs, "a drawn combination", "f")
    dtypes = [np.dtype(leaf.dtype) for leaf in primal.inputs]
    alike = [c for c in own if (c.found.status, c.found.reason) == (found.status, found.reason)]
    return FloatResult(
        **vars(found),
        mode=compiled.mode,
        dtype=", ".join(dict.fromkeys(dtype.name for dtype in dtypes)),
        within=compiled.arithmetic.coarser_than(dtypes),
        path=path,
        index=index,
        output=output,
        output_index=output_index,
        point=_point_text(primal, case.point, path),
        given=case.given,
        value=case.value,
        compiled=case.how,
        judged=len(own),
        failed=len(alike) if not found.stable else 0,
        code=paste_floats(compiled, case.point, case.seed, case.output, case.entry, case.how),
    )


def _point_text(primal: Primal, point: list[np.ndarray], path: str) -> str:
    """The point as text: all of it if it is short, else the leaf that matters in short."""
    texts = [
        f"{leaf.path} = {np.asarray(value, np.float64).tolist()!r}"
        for leaf, value in zip(primal.inputs, point, strict=True)
    ]
    text = ", ".join(texts)
    screenful = 200
    if len(text) <= screenful:
        return text
    own = [t for leaf, t in zip(primal.inputs, texts, strict=True) if leaf.path == path]
    return f"{(own or texts)[0][:screenful]} …"


def _not_run(primal: Primal, mode: str, dtype: Any, error: Exception) -> FloatResult:
    name = "its own dtypes" if dtype is None else np.dtype(dtype).name
    reason = f"{type(error).__name__}: {error}"
    return FloatResult(
        status="UNKNOWN", reason=reason, digits=-math.inf, mode=mode, dtype=name, path="x",
        index=None, output="f", point="any point", given=False, value=math.nan,
    )  # fmt: skip
