"""The first derivatives of a function at a point: what JAX's rules return, and the true ones."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.numbers.precision import precision

__all__ = ["Derivatives", "Entry", "Jacobian", "right_digits"]

# As many rows and columns as a phone can show with a number in each cell.
_MOST_ENTRIES = 12
# What cancels in a true derivative is seen by these bits, and not by those of a double.
_BITS = 128


@dataclass(frozen=True)
class Entry:
    """One number of the arguments or of the result.

    Args:
        leaf: which leaf it is in, counted among those of floating point.
        path: the key path of that.
        index: where in that.
        name: what it is called.
    """

    leaf: int
    path: str
    index: tuple[int, ...]
    name: str


@dataclass(frozen=True)
class Jacobian:
    """Numbers ∂f_r/∂x_c as arrays with a row for each result and a column for each argument.

    Args:
        rows, columns: which entries they are.
        rules: for each mode what JAX's rule returns, float64.
        left, right: the one-sided derivatives, float64, NaN where nothing is known.
        digits: for each mode how many decimal digits of the rule are right.
        most: how many digits the floats hold.
        left_out: which rows and columns are not among them, in words.
    """

    rows: list[Entry]
    columns: list[Entry]
    rules: dict[str, np.ndarray]
    left: np.ndarray
    right: np.ndarray
    digits: dict[str, np.ndarray]
    most: float
    left_out: str

    def worst(self, paths: Collection[str]) -> tuple[str, int, int] | None:
        """The mode, row and column of the entry with the fewest right digits.

        Args:
            paths: of the leaves whose columns count.

        Returns:
            None where all but the last digit are right of every entry.
        """
        places = (
            (float(digits[r, c]), mode, r, c)
            for mode, digits in self.digits.items()
            for r, c in np.ndindex(digits.shape)
            if digits[r, c] < self.most - 1 and self.columns[c].path in paths
        )
        first = min(places, default=None, key=lambda place: place[0])
        return None if first is None else first[1:]


class Derivatives:
    """A function of its floating-point leaves, with its rules and its truth at any point.

    Args:
        function: a JAX function of ``args``.
        args: pytrees of arrays.
        reference: the function whose derivative is meant, if that is another one.
        held: which arguments are held fixed.
        modes: of the rules that are asked.
        seconds: CPU seconds for the truth of all entries, and again for that along a line.

    Example:
        >>> found = Derivatives(jnp.tanh, (0.5,)).jacobian()
        >>> [entry.name for entry in found.columns], bool(found.digits["rev"][0, 0] > 6)
        (['x'], True)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        reference: Callable[..., Any] | None = None,
        held: Collection[int] = (),
        modes: Sequence[str] = ("fwd", "rev"),
        seconds: float = 5.0,
    ) -> None:
        self.primal = Primal(function, args, reference, held=held)
        self._modes, self._seconds = tuple(modes), seconds

    @cached_property
    def inputs(self) -> list[Entry]:
        """The first entries of each leaf of the arguments."""
        return _entries(self.primal.inputs, "")

    @cached_property
    def outputs(self) -> list[Entry]:
        """The first entries of each leaf of the result."""
        return _entries(self.primal.outputs, "f")

    def truth(self, point: Sequence[Any], column: Entry) -> tuple[list[Any], list[Any]]:
        """f₋′ and f₊′ by one entry of the arguments, an array of balls for each leaf."""
        program = self.primal.truth_program
        leaves = [replace(x, value=v) for x, v in zip(program.inputs, point, strict=True)]
        moved = replace(program, inputs=tuple(leaves))
        direction = [np.asarray(v, np.float64) for v in self._unit(column, self.primal.inputs)]
        with precision(_BITS):
            found = one_sided_derivatives(moved, [], direction)
        # Coming from the left, the parameter of the line falls.
        return [x[1, ...] for x in found.left], [x[1, ...] for x in found.right]

    def rule(self, mode: str, point: Sequence[Any], row: Entry, column: Entry) -> float:
        """One number as JAX returns it."""
        if mode == "fwd":
            return float(self._forward(point, column)[row.leaf][row.index])
        return float(self._backward(point, row)[column.leaf][column.index])

    def value(self, point: Sequence[Any], row: Entry) -> float:
        """One entry of the result."""
        return float(self.primal(*map(jnp.asarray, point))[row.leaf][row.index])

    def _forward(self, point: Sequence[Any], column: Entry) -> list[np.ndarray]:
        tangents = tuple(map(jnp.asarray, self._unit(column, self.primal.inputs)))
        _, found = jax.jvp(self.primal, tuple(map(jnp.asarray, point)), tangents)
        return [np.asarray(leaf, np.float64) for leaf in found]

    def _backward(self, point: Sequence[Any], row: Entry) -> list[np.ndarray]:
        _, pull = jax.vjp(self.primal, *map(jnp.asarray, point))
        found = pull(list(map(jnp.asarray, self._unit(row, self.primal.outputs))))
        return [np.asarray(leaf, np.float64) for leaf in found]

    @staticmethod
    def _unit(entry: Entry, leaves: Sequence[Any]) -> list[np.ndarray]:
        found = [np.zeros(leaf.shape, leaf.dtype) for leaf in leaves]
        found[entry.leaf][entry.index] = 1
        return found

    def jacobian(self, point: Sequence[Any] | None = None, first: Collection[str] = ()) -> Jacobian:
        """The first derivatives, as far as the time and a page are enough.

        Args:
            point: the floating-point leaves; those that were given if None.
            first: the paths of the leaves of which a column is wanted most.

        Raises:
            JaxgradError: the truth of no entry is known.
        """
        point = self.primal.point if point is None else point
        wanted = sorted(self.inputs, key=lambda entry: entry.path not in first)
        rows, columns = self.outputs[:_MOST_ENTRIES], wanted[:_MOST_ENTRIES]
        sides, start = [], time.process_time()
        for column in columns:
            if sides and time.process_time() - start > self._seconds:
                break
            sides.append(self.truth(point, column))
        columns = columns[: len(sides)]
        shape = (len(rows), len(columns))
        places = list(itertools.product(enumerate(rows), enumerate(columns)))
        balls = np.empty((2, *shape), object)
        for (r, row), (c, _) in places:
            for side in (0, 1):
                balls[side, r, c] = sides[c][side][row.leaf][row.index]
        most = _most_digits([*self.primal.inputs, *self.primal.outputs])
        asked = {mode: self._all(mode, point, rows, columns) for mode in self._modes}
        rules = {mode: found for mode, found in asked.items() if found is not None}
        digits = {mode: np.zeros(shape) for mode in rules}
        for mode, (r, c) in itertools.product(rules, np.ndindex(shape)):
            digits[mode][r, c] = right_digits(
                float(rules[mode][r, c]), balls[0, r, c], balls[1, r, c], most
            )
        left, right = (np.vectorize(_float, otypes=[float])(side) for side in balls)
        return Jacobian(rows, columns, rules, left, right, digits, most, self._left_out(shape))

    def _all(
        self, mode: str, point: Sequence[Any], rows: list[Entry], columns: list[Entry]
    ) -> np.ndarray | None:
        """What the rule returns for each entry; None where JAX has no derivative in this mode."""
        try:
            if mode == "fwd":
                found = [self._forward(point, column) for column in columns]
                return np.array([[one[x.leaf][x.index] for one in found] for x in rows])
            found = [self._backward(point, row) for row in rows]
            return np.array([[one[x.leaf][x.index] for x in columns] for one in found])
        except Exception:  # as JAX refuses one mode of a custom rule, in many a way
            return None

    def _left_out(self, shape: tuple[int, int]) -> str:
        counts = [
            sum(math.prod(leaf.shape) for leaf in leaves)
            for leaves in (self.primal.outputs, self.primal.inputs)
        ]
        names = ("results", "arguments")
        said = [
            f"{shown} of {count} numbers of the {name}"
            for shown, count, name in zip(shape, counts, names, strict=True)
            if shown < count
        ]
        return " and ".join(said)


def right_digits(rule: float, left: arb, right: arb, most: float) -> float:
    """How many decimal digits of a number are right, where any number between two sides is.

    −log₁₀ of its distance from what is between them, relative to the larger one, between 0 and
    ``most``; NaN where the truth is not known.

    Example:
        >>> right_digits(1.001, arb(1), arb(1), 7.0), right_digits(0.5, arb(0), arb(1), 7.0)
        (3.0, 7.0)
    """
    ends = [_float(left), _float(right)]
    if any(map(math.isnan, ends)):
        return math.nan
    if rule in ends:
        return most
    if not math.isfinite(rule) or any(map(math.isinf, ends)):
        return 0.0
    low, high = (left, right) if ends[0] <= ends[1] else (right, left)
    with precision(_BITS):
        error = max(_float(low - rule), _float(arb(rule) - high), 0.0)
    scale = max(abs(end) for end in ends)
    if error == 0 or scale == 0:
        return most if error == 0 else 0.0
    return min(max(round(-math.log10(error / scale), 6), 0.0), most) + 0.0


def _float(ball: Any) -> float:
    return float(ball.mid()) if ball.is_finite() else float(ball)


def _most_digits(leaves: Sequence[Any]) -> float:
    return min(-math.log10(float(jnp.finfo(leaf.dtype).eps)) for leaf in leaves)


def _entries(leaves: Sequence[Any], name: str) -> list[Entry]:
    return [
        Entry(k, leaf.path, index, f"{name}{leaf.path}{list(index) if index else ''}")
        for k, leaf in enumerate(leaves)
        for index in itertools.islice(np.ndindex(*leaf.shape), _MOST_ENTRIES)
    ]
