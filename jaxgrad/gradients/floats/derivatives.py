"""Do the compiled derivatives compute what their rules say, in the dtypes asked for?

Each derivative is compiled once for a mode and a dtype, under jit and under vmap over all points,
and its floats are held against the exact value of its formula; see
:mod:`jaxgrad.gradients.floats.allowance` for what is allowed.  Whether the formula is the
derivative is another question, which is not asked here.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.floats.code import described, paste_floats
from jaxgrad.gradients.floats.derivative_judgement import TrueDerivatives, judge_derivative
from jaxgrad.gradients.floats.judgement import FloatJudgement
from jaxgrad.gradients.floats.programs import (
    Compiled,
    compile_derivatives,
    in_dtype,
    precise_enough,
    refusals,
    representable,
)
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.primal import Primal

__all__ = ["not_judged", "not_run", "rule_floats"]

# Operations over balls that one compiled derivative may take: 3 μs each in large programs and up to
# 15 μs in small ones, whose overhead counts, so about half a second.
BUDGET = 30_000
# Entries of one derivative that are judged at one point, those that look wrong among them.
MOST_ENTRIES = 1000
# What comes of an exception in a callback of a compiled program, at once or when it is waited for.
RAISED = (jax.errors.JaxRuntimeError, ValueError)


def rule_floats(
    primal: Primal,
    modes: tuple[str, ...],
    dtype: Any,
    points: Sequence[list[np.ndarray]],
) -> tuple[FloatResult, ...]:
    """Holds the compiled derivatives of a function against the exact values of their formulas.

    Args:
        primal: the function.
        modes: ``"fwd"``, ``"rev"`` or both.
        dtype: of all floating-point leaves; None for their own.
        points: values of the floating-point leaves, the given point first; each is rounded to
            the dtype, and what XLA would flush is 0.

    Returns:
        for each mode and leaf the worst float, and the worst for each reason where some are
        unstable.

    Example:
        >>> import jax
        >>> primal = Primal(jax.numpy.tanh, (np.float32(10.0),))
        >>> (found,) = rule_floats(primal, ("rev",), None, [primal.point])
        >>> found.status, found.reason, found.value, found.truth
        ('UNSTABLE', 'underflow', 0.0, '8.244614456e-9')
    """
    results: list[FloatResult] = []
    with precise_enough(dtype):
        cast = functools.cache(functools.partial(in_dtype, primal, dtype))
        for mode in modes:
            try:
                results += _judged_in(cast(), mode, points)
            except refusals(primal, dtype) as error:
                results.append(not_run(mode, dtype, error))
    return tuple(results)


def _judged_in(
    cast: Primal, mode: str, points: Sequence[list[np.ndarray]]
) -> Iterator[FloatResult]:
    kinds = [leaf.dtype for leaf in cast.inputs]
    distinct: dict[bytes, list[np.ndarray]] = {}
    for point in points:
        rounded = list(map(representable, point, kinds))
        distinct.setdefault(b"".join(leaf.tobytes() for leaf in rounded), rounded)
    cases: list[_Case] = []
    for compiled in compile_derivatives(cast, mode):
        cases += _judged(compiled, list(distinct.values()))
    yield from _worst(cases)


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
    runs = [("jit", compiled.single(points[0]), [0])]
    try:
        runs.append(("jit(vmap)", compiled.batch(points), list(range(len(points)))))
    except Exception:
        # A primitive without a batching rule, or one that raises whatever it does, or f raises
        # somewhere, and nothing is asked there.
        for p in range(1, len(points)):
            with contextlib.suppress(*RAISED):
                runs.append(("jit", compiled.single(points[p]), [p]))
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
            # Where the given point fails, too, that is what was asked for.
            given = [case for case in group if case.given and case.found.status == "UNSTABLE"]
            yield _result(max(given or group, key=lambda case: case.rank), own)


def _result(case: _Case, own: list[_Case]) -> FloatResult:
    compiled, primal = case.compiled, case.compiled.primal
    seed = compiled.seeds[case.seed]
    direction, cotangent = compiled.entry(seed, case.output, case.entry)
    path, index = described(direction, primal.inputs, "a drawn direction")
    output, output_index = described(cotangent, primal.outputs, "a drawn combination", "f")
    dtypes = [np.dtype(leaf.dtype) for leaf in primal.inputs]
    return FloatResult(
        **case.found.among([each.found for each in own]),
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
        code=paste_floats(
            compiled, case.point, case.seed, case.output, case.entry, case.how, case.found.truth
        ),
    )


def _point_text(primal: Primal, point: list[np.ndarray], path: str) -> str:
    """The point as text: all of it if it is short, else large arrays in short, or the leaf that
    matters alone."""
    screenful = 200
    leaves = [
        (leaf.path, np.asarray(x, np.float64)) for leaf, x in zip(primal.inputs, point, strict=True)
    ]
    text = ", ".join(f"{name} = {value.tolist()!r}" for name, value in leaves)
    if len(text) <= screenful:
        return text
    texts = [f"{name} = {_in_short(value)}" for name, value in leaves]
    text = ", ".join(texts)
    if len(text) <= screenful:
        return text
    own = [t for t, (name, _) in zip(texts, leaves, strict=True) if name == path]
    return (own or texts)[0] + ", …" * (len(texts) > 1)


def _in_short(value: np.ndarray) -> str:
    """An array as NumPy prints it: of a large one the first and the last numbers."""
    few = {"threshold": 6, "edgeitems": 2, "separator": ", ", "max_line_width": 10**6}
    text = np.array2string(value, formatter={"float_kind": lambda x: repr(float(x))}, **few)
    return " ".join(text.split())


def not_run(mode: str, dtype: Any, error: Exception) -> FloatResult:
    """The result where the function does not take the dtype."""
    return not_judged(mode, dtype, f"{type(error).__name__}: {error}")


def not_judged(mode: str, dtype: Any, reason: str) -> FloatResult:
    """The result where no float is judged."""
    name = "its own dtypes" if dtype is None else np.dtype(dtype).name
    return FloatResult(
        status="UNKNOWN", reason=reason, digits=-math.inf, mode=mode, dtype=name, path="x",
        index=None, output="f", point="any point", given=False, value=math.nan,
    )  # fmt: skip
