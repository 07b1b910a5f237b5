"""Does the compiled program compute what its formula says?  The allowance is derived, not chosen.

A float result f of a true value g is STABLE when

    |f − g| ≤ m·(u·|g| + max_k |g(x·(1 + u·ξ_k)) − g(x)|) + s

where u is the unit roundoff, m the number of rounding errors on the longest way through the
program, ξ_k a vector of signs, and s the smallest normal number, below which XLA flushes to 0.
The maximum is the change that rounding the inputs would cause anyway: a witness for each k, so
the allowance never exceeds what the conditioning of the problem admits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION, balls
from jaxgrad.interpret.roundings import longest_chain
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import UNKNOWN, CannotDecide, ObjectArray
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import Leaf

__all__ = [
    "FloatResult",
    "check_floats",
    "conditioning",
    "digits_right",
    "float_in_words",
    "rounded_once",
    "truth_at",
    "unit_roundoff",
]

# Sign vectors tried: each is a witness, and more than a few change the maximum little.
SIGN_VECTORS = 4


@dataclass(frozen=True)
class FloatResult:
    """The worst entry of one leaf of one side in floating point.

    Args:
        side: ``"hand"`` or ``"auto"``.
        path: the leaf's key path.
        index: the entry that is furthest beyond its allowance.
        value: what the compiled program returned there.
        truth: the true value there, a decimal string.
        digits: how many decimal digits of it are right.
        stable: whether every entry of the leaf is within its allowance.
        excess: the error in allowances.
    """

    side: str
    path: str
    index: tuple[int, ...]
    value: float
    truth: str
    digits: float
    stable: bool
    excess: float = 0.0

    @property
    def status(self) -> str:
        """``"STABLE"`` or ``"UNSTABLE"``."""
        return "STABLE" if self.stable else "UNSTABLE"

    def __str__(self) -> str:
        at = f"{self.path}{list(self.index) if self.index else ''}"
        return (
            f"{self.status} {self.side}{at}: {float_in_words(self.value, self.truth, self.digits)}"
        )


def float_in_words(value: float, truth: str, digits: float) -> str:
    """A float, its true value and how many digits of it are right."""
    right = "all" if digits == math.inf else f"{max(0.0, digits) + 0.0:.1f}"
    return f"{value!r}, truth {truth}, {right} digits right"


def truth_at(side: Side, values: list[Any], working: int = FIRST_PRECISION) -> list[ObjectArray]:
    """The true outputs of a side at a point, as balls."""
    with precision(working):
        return side.over(Ball(), balls(side.inputs, values))


def conditioning(side: Side, values: list[Any], truth: list[ObjectArray]) -> list[ObjectArray]:
    """For each output entry the largest change seen when every input is rounded once, as balls."""
    rng = np.random.default_rng(0)
    changes = [objects_like(leaf) for leaf in truth]
    for _ in range(SIGN_VECTORS):
        with precision(FIRST_PRECISION):
            inputs = [
                _perturbed(leaf, value, rng)
                for leaf, value in zip(side.inputs, balls(side.inputs, values), strict=True)
            ]
            moved = side.over(Ball(), inputs)
            for change, new, old in zip(changes, moved, truth, strict=True):
                for index in np.ndindex(new.shape):
                    if old[index] is UNKNOWN or isinstance(old[index], bool):
                        continue  # truth values do not move by little
                    change[index] = change[index].max(abs(new[index] - old[index]))
    return changes


def objects_like(leaf: ObjectArray) -> ObjectArray:
    """Zeros in the shape of an object array of balls."""
    zeros = np.empty(leaf.shape, dtype=object)
    for index in np.ndindex(leaf.shape):
        zeros[index] = arb(0)
    return zeros


def _perturbed(leaf: Leaf, value: Any, rng: np.random.Generator) -> Any:
    if not leaf.differentiable:
        return value
    return rounded_once(value, unit_roundoff(leaf.dtype), rng.choice([-1, 1], size=leaf.shape))


def rounded_once(values: ObjectArray, unit: arb, signs: np.ndarray) -> ObjectArray:
    """x·(1 + u·ξ) for every entry x, the signs ξ given."""
    moved = np.empty(values.shape, dtype=object)
    for index in np.ndindex(values.shape):
        moved[index] = values[index] * (1 + unit * int(signs[index]))
    return moved


def unit_roundoff(dtype: Any) -> arb:
    """u = ε/2, half the distance from 1 to the next float of the dtype.

    Example:
        >>> unit_roundoff(np.float32) == arb(2) ** -24
        True
    """
    return exact_ball(float(jnp.finfo(dtype).eps)) / 2


def check_floats(
    side: Side, reference: Side, values: list[Any], roundings: int | None = None
) -> list[FloatResult]:
    """Holds a side's floats against the reference's balls, leaf by leaf.

    Args:
        side: the side that is run in floating point.
        reference: the side whose balls are the truth.
        values: the point.
        roundings: m above; found from the program of either side if not given.

    Raises:
        UnsupportedPrimitive: neither side has a program whose roundings can be counted.
    """
    if roundings is None:
        roundings = _roundings(side, reference)
    truth = truth_at(reference, values)
    changes = conditioning(reference, values, truth)
    results = []
    for leaf, floats, exact, change in zip(
        reference.outputs, side.floats(values), truth, changes, strict=True
    ):
        if exact.size and jnp.issubdtype(leaf.dtype, np.floating):
            entries = _entries(leaf, floats, exact, change, roundings)
            worst = max(entries, key=lambda entry: (not entry[0], entry[1]))
            results.append(_result(side, leaf, floats, exact, worst))
        elif exact.size:
            results.append(_exactly(side, leaf, floats, exact))
    return results


def _exactly(side: Side, leaf: Leaf, values: np.ndarray, exact: ObjectArray) -> FloatResult:
    """Integers and truth values are right or wrong: the first one that is wrong, or the first."""
    first = (0,) * exact.ndim
    wrong = [index for index in np.ndindex(exact.shape) if not _is(values[index], exact[index])]
    index = wrong[0] if wrong else first
    digits = -math.inf if wrong else math.inf
    value = float(values[index])
    return FloatResult(side.name, leaf.path, index, value, str(exact[index]), digits, not wrong)


def _is(value: Any, exact: Any) -> bool:
    """Whether an integer or a bool is the true one.

    Raises:
        CannotDecide: the true one is open.
    """
    if exact is UNKNOWN:
        raise CannotDecide("a comparison is open that a result is made of")
    number = exact_ball(np.asarray(value).item())
    return bool(number == (arb(int(exact)) if isinstance(exact, bool) else exact))


def _roundings(side: Side, reference: Side) -> int:
    for candidate in (side, reference):
        if candidate.program is not None:
            return longest_chain(candidate.program)
    raise UnsupportedPrimitive("neither side is a JAX program, so its roundings cannot be counted")


def _entries(
    leaf: Leaf, floats: np.ndarray, exact: ObjectArray, change: ObjectArray, roundings: int
) -> Iterator[tuple[bool, float, tuple[int, ...]]]:
    """(within the allowance, error in allowances, index) for each entry."""
    unit, smallest = unit_roundoff(leaf.dtype), float(jnp.finfo(leaf.dtype).smallest_normal)
    with precision(FIRST_PRECISION):
        for index in np.ndindex(exact.shape):
            value = float(floats[index])
            if not math.isfinite(value):
                yield not exact[index].is_finite(), math.inf, index
                continue
            error = abs(exact_ball(value) - exact[index])
            allowance = max(roundings, 1) * (unit * abs(exact[index]) + change[index]) + smallest
            excess = float((error / allowance).mid()) if allowance > 0 else 0.0
            yield not bool(error > allowance), excess, index


def _result(
    side: Side, leaf: Leaf, floats: np.ndarray, exact: ObjectArray, worst: tuple[bool, float, Any]
) -> FloatResult:
    stable, excess, index = worst
    value, truth = float(floats[index]), exact[index]
    text = truth.str(10, radius=False)
    digits = digits_right(value, truth)
    return FloatResult(side.name, leaf.path, index, value, text, digits, stable, excess)


def digits_right(value: float, truth: arb) -> float:
    """How many decimal digits of a true value a float has; infinite where they are equal."""
    if not math.isfinite(value) or not truth.is_finite():
        return -math.inf
    with precision(FIRST_PRECISION):
        error = abs(exact_ball(value) - truth).mid()
        if error == 0:
            return math.inf
        if truth.mid() == 0:
            return -math.inf
        return -float((error / abs(truth).mid()).log().mid()) / math.log(10)
