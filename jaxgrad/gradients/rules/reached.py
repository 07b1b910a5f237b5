"""Does a function come to a point at which one of its rules is wrong?

A rule may be wrong where the function never takes it: of a distance, which is not negative, a rule
may say what it likes at 0.  So arguments of the function are looked for at which the arguments of
the rule are those, and move freely about them, and at which the result depends on the rule's.  They
are found by Newton's method in floating point, and are no proof but for the intermediate values: on
a line in the arguments of the function each argument of the rule passes the number in question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.primitive_runs import NotRun, as_it_is, running
from jaxgrad.gradients.rules.rule_calls import RuleCall, run_calls
from jaxgrad.numbers.clock import tick

__all__ = ["comes_to"]

# Steps of Newton's method; from the given point, and from others, where functions are not linear.
STEPS = 12
STARTS = 3
# Each is one run of the function backwards, in every step.
MOST_ARGUMENTS = 16
# How far the arguments of the rule are moved about the point, and how near to it they come.
STEP = 2.0**-8
NEAR = STEP / 4


def comes_to(
    program: Any,
    point: Sequence[np.ndarray],
    call: tuple[RuleCall, Sequence[int]],
    entry: int | None,
    target: Sequence[np.ndarray],
    inside: Callable[[list[Any]], bool] | None = None,
) -> bool:
    """Whether arguments are found at which a rule is called with these, freely moving.

    Args:
        program: a closed jaxpr of floating-point arguments.
        point: where it is looked for first.
        call: a call of a rule, as it ran at the given point, and which of its arguments move.
        entry: the entry of all arguments and results that counts, counted through the whole array;
            None if all do.
        target: the values of the arguments that move, those of the entry alone if there is one.
        inside: whether arguments of the program are looked at.

    Raises:
        NotRun: the program cannot be run where it is looked for.
        CannotDecide: or takes too many turns there.
    """
    wanted = np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in target])
    if wanted.size > MOST_ARGUMENTS or not np.isfinite(wanted).all():
        return False
    way = _Way(program, *call, entry)
    with as_it_is():
        found = (_found(way, start, wanted) for start in _starts(point))
        return any(x is not None and (inside is None or inside(x)) for x in found)


def _starts(point: Sequence[np.ndarray]) -> list[list[Any]]:
    """The given point, and others near it."""
    found = [[np.asarray(x) for x in point]]
    for seed in range(1, STARTS):
        draw = np.random.default_rng(seed)
        found.append(
            [(x + draw.standard_normal(x.shape)).astype(x.dtype) for x in map(np.asarray, point)]
        )
    return found


class _Way:
    """The arguments of a rule as a function of those of the program."""

    def __init__(
        self, program: Any, call: RuleCall, moving: Sequence[int], entry: int | None
    ) -> None:
        self.program, self.call, self.moving, self.entry = program, call, moving, entry

    def __call__(self, *leaves: Any) -> Any:
        calls, _ = run_calls(self.program, leaves)
        index = self.call.index
        if index >= len(calls) or calls[index].equation is not self.call.equation:
            raise NotRun("another branch is taken there, without this call of the rule")
        return self._of(calls[index])

    def _of(self, call: RuleCall) -> Any:
        parts = []
        for i in self.moving:
            value = jax.numpy.ravel(jax.numpy.asarray(call.arguments[i]))
            whole = self.entry is None or value.size == 1
            parts.append(value if whole else value[jax.numpy.asarray([self.entry])])
        return jax.numpy.concatenate(parts)

    def counts(self, leaves: Sequence[Any]) -> bool:
        """Whether the result depends on that of the rule."""
        _, itself = run_calls(self.program, leaves)
        _, moved = run_calls(self.program, leaves, (self.call.index, self.entry))
        return any(
            not np.array_equal(np.asarray(x), np.asarray(y))
            for x, y in zip(itself, moved, strict=True)
        )


def _found(way: _Way, start: list[Any], wanted: np.ndarray) -> list[Any] | None:
    """Where Newton's method comes to the target from here, if that is free."""
    leaves, scale = start, np.maximum(abs(wanted), 1.0)
    for _ in range(STEPS):
        tick()
        value, rows = _linearised(way, leaves)
        gap = wanted - value
        inverse = _right_inverse(rows)
        if inverse is None or not np.isfinite(gap).all():
            return None
        if (abs(gap) <= NEAR * scale).all():
            free = _is_free(way, leaves, inverse, scale) and way.counts(leaves)
            return leaves if free else None
        leaves = _moved(leaves, inverse @ gap)
    return None


def _linearised(way: _Way, leaves: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The value, and a row of the Jacobian for each number."""
    value, pull = jax.vjp(way, *leaves)
    rows = []
    for k in range(value.size):
        tick()
        unit = np.zeros(value.shape, value.dtype)
        unit[k] = 1
        with running():
            pulled = pull(unit)
        rows.append(np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in pulled]))
    return np.asarray(value, np.float64), np.stack(rows)


def _right_inverse(rows: np.ndarray) -> np.ndarray | None:
    """The shortest changes of the arguments that move each number alone; None if there are none."""
    if not np.isfinite(rows).all():
        return None
    gram = rows @ rows.T
    if not np.isfinite(gram).all():
        return None
    lengths = np.sqrt(np.diagonal(gram))
    if not lengths.all() or np.linalg.cond(gram / np.outer(lengths, lengths)) > 1 / NEAR:
        return None
    return rows.T @ np.linalg.inv(gram)


def _is_free(way: _Way, leaves: list[Any], inverse: np.ndarray, scale: np.ndarray) -> bool:
    """Whether each number goes up and down by itself."""
    value = np.asarray(way(*leaves), np.float64)
    for k in range(value.size):
        for sign in (1, -1):
            step = np.zeros_like(value)
            step[k] = sign * STEP * scale[k]
            moved = np.asarray(way(*_moved(leaves, inverse @ step)), np.float64)
            if not (abs(moved - value - step) <= NEAR * scale).all():
                return False
    return True


def _moved(leaves: list[Any], step: np.ndarray) -> list[Any]:
    ends = np.cumsum([x.size for x in leaves])[:-1]
    return [
        (x + part.reshape(x.shape)).astype(x.dtype)
        for x, part in zip(leaves, np.split(step, ends), strict=True)
    ]
