"""Every number that a derivative rule gives at a point, beside the truth of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad import rule_programs
from jaxgrad.custom_rules import inner_programs
from jaxgrad.directions import Direction, basis, drawn
from jaxgrad.rule_code import paste
from jaxgrad.rule_programs import Derived, Primal
from jaxgrad.rule_truth import Sides, Truth

__all__ = ["Question", "Questions"]

# Directions times operations that are spent at one point: a germ operation takes about 20 μs, so
# this is a few seconds.  Past it every leaf has one drawn direction and one entry of its own.
DIRECTION_BUDGET = 100_000
# Results of up to this many entries are judged one by one, larger ones by drawn cotangents.
FEW_OUTPUTS = 4
# Leaves of up to this many entries in all have every mixed second derivative judged.
FEW_INPUTS = 6


@dataclass(frozen=True)
class Question:
    """One number that a rule gives, and the truth of it.

    Args:
        leaf: the number of the leaf of the arguments that moves.
        what: which number it is, in words.
        value: its enclosure.
        sides: the one-sided derivatives.
        floats: computes what JAX does.
        code: writes what shows it.
        rounded: its enclosure where the constants of the rule are rounded numbers.
    """

    leaf: int
    what: str
    value: Any
    sides: Sides
    floats: Callable[[], float]
    code: Callable[[], str]
    rounded: Callable[[], Any]


class Questions:
    """Every number that is judged, at the working precision in force."""

    def __init__(self, primal: Primal, order: int, modes: tuple[str, ...]) -> None:
        self.primal, self.order, self.modes = primal, order, modes
        self.shapes = [leaf.shape for leaf in primal.inputs]
        out = [leaf.shape for leaf in primal.outputs]
        entries = sum(math.prod(shape) for shape in self.shapes)
        work = _operations(primal.moving_program.jaxpr.jaxpr)
        self.complete = entries * work <= DIRECTION_BUDGET
        few = sum(math.prod(shape) for shape in out) <= FEW_OUTPUTS
        # A derivative is linear in the direction, so all entries say what any direction could.
        self.directions = basis(self.shapes, None if self.complete else 1)
        if not self.complete:
            self.directions += [d for d in drawn(self.shapes) if d.values.size > 1]
        self.out = out
        self.cotangents = basis(out) if few else [d for d in drawn(out, 1) if d.values.size]
        self.all_pairs = entries <= FEW_INPUTS
        # How far apart two neighbouring floats are: what a rounded constant may change.
        self.spacing = max(
            float(jnp.finfo(leaf.dtype).eps) for leaf in (*primal.inputs, *primal.outputs)
        )
        self.reasons: set[str] = set()
        self.skipped = 0

    def ask(self) -> Iterator[Question]:
        truth = Truth(self.primal, self.order)
        self.reasons = truth.reasons
        self.skipped = 0
        if self.directions and self.cotangents:
            if "fwd" in self.modes:
                yield from self._forward(truth)
            if "rev" in self.modes:
                yield from self._backward(truth)
            for order in range(2, self.order + 1):
                yield from self._higher(truth, order)

    def _forward(self, truth: Truth) -> Iterator[Question]:
        derived = rule_programs.forward(self.primal, self.directions[0].leaves(self.shapes))
        for direction in self.directions:
            v = direction.leaves(self.shapes)
            point, moved = self.primal.point, self.primal.like_inputs(v)
            for k, leaf in enumerate(derived.balls(point, moved)):
                for index in np.ndindex(leaf.shape):
                    weight = np.zeros(leaf.shape)
                    weight[index] = 1.0
                    yield Question(
                        direction.leaf,
                        f"fwd: the derivative of {self._output(k, index)} {self._by(direction)}",
                        leaf[index],
                        truth.entry(v, 1, k, index),
                        lambda d=derived, p=point, m=moved, k=k, i=index: float(
                            d.floats(p, m)[k][i]
                        ),
                        lambda d=direction, k=k, w=weight: self._code(("fwd",), (d,), k, w),
                        lambda d=derived, p=point, m=moved, k=k, i=index: d.balls(
                            p, m, rounding=self.spacing
                        )[k][i],
                    )

    def _backward(self, truth: Truth) -> Iterator[Question]:
        derived = rule_programs.backward(self.primal, self.cotangents[0].leaves(self.out))
        for cotangent in self.cotangents:
            u = cotangent.leaves(self.out)
            point, weights = self.primal.point, self.primal.like_outputs(u)
            gradient = derived.balls(point, weights)
            for direction in self.directions:
                v = direction.leaves(self.shapes)
                moved = gradient[direction.leaf].reshape(-1)
                flat = direction.values.reshape(-1)
                yield Question(
                    direction.leaf,
                    f"rev: the derivative of {self._output_of(cotangent)} {self._by(direction)}",
                    _dot(moved, flat),
                    truth.product(v, 1, u),
                    lambda d=derived, p=point, w=weights, t=direction: float(
                        _dot_floats(d.floats(p, w)[t.leaf], t.values)
                    ),
                    lambda d=direction, c=cotangent: self._code(("rev",), (d,), c.leaf, c.values),
                    lambda d=derived, p=point, w=weights, t=direction: _dot(
                        d.balls(p, w, rounding=self.spacing)[t.leaf].reshape(-1),
                        t.values.reshape(-1),
                    ),
                )

    def _higher(self, truth: Truth, order: int) -> Iterator[Question]:
        first = self.directions[0].leaves(self.shapes)
        u = self.cotangents[0].leaves(self.out)
        programs = {
            modes: rule_programs.nested(self.primal, modes, [first] * order, u)
            for modes in itertools.product(self.modes, repeat=order)
        }
        for cotangent in self.cotangents:
            for directions in self._tuples(order):
                yield from self._nested(truth, programs, cotangent, directions)

    def _nested(
        self,
        truth: Truth,
        programs: dict[tuple[str, ...], Derived],
        cotangent: Direction,
        directions: tuple[Direction, ...],
    ) -> Iterator[Question]:
        u = cotangent.leaves(self.out)
        vs = [direction.leaves(self.shapes) for direction in directions]
        if all(direction is directions[0] for direction in directions):
            sides: Sides | None = truth.product(vs[0], len(vs), u)
        else:
            sides = truth.mixed(vs[0], vs[1], u)
        if sides is None:
            self.skipped += 1
            return
        args = (
            self.primal.point,
            tuple(self.primal.like_inputs(v) for v in vs),
            self.primal.like_outputs(u),
        )
        by = " and ".join(dict.fromkeys(self._by(direction) for direction in directions))
        for modes, derived in programs.items():
            yield Question(
                directions[-1].leaf,
                f"{' then '.join(modes)}: derivative {len(vs)} of "
                f"{self._output_of(cotangent)} {by}",
                derived.balls(*args)[0][()],
                sides,
                lambda d=derived: float(d.floats(*args)[0]),
                lambda m=modes: self._code(m, directions, cotangent.leaf, cotangent.values),
                lambda d=derived: d.balls(*args, rounding=self.spacing)[0][()],
            )

    def _tuples(self, order: int) -> Iterator[tuple[Direction, ...]]:
        for direction in self.directions:
            yield (direction,) * order
        if order == 2:
            if self.all_pairs:
                yield from itertools.permutations(self.directions, 2)
            else:
                for pair in itertools.pairwise(self.directions):
                    yield from (pair, pair[::-1])

    def _by(self, direction: Direction) -> str:
        path = self.primal.inputs[direction.leaf].path
        if direction.index is None:
            return f"along a drawn direction of {path}"
        return f"by {path}{list(direction.index) if direction.index else ''}"

    def _output(self, leaf: int, index: tuple[int, ...]) -> str:
        return f"f{self.primal.outputs[leaf].path}{list(index) if index else ''}"

    def _output_of(self, cotangent: Direction) -> str:
        if cotangent.index is not None:
            return self._output(cotangent.leaf, cotangent.index)
        return f"a drawn combination of f{self.primal.outputs[cotangent.leaf].path}"

    def _code(
        self,
        modes: tuple[str, ...],
        directions: tuple[Direction, ...],
        leaf: int,
        weight: np.ndarray,
    ) -> str:
        return paste(self.primal, modes, directions, leaf, weight)


def _dot(values: np.ndarray, weights: np.ndarray) -> Any:
    """⟨values, weights⟩ over the entries that count."""
    return sum(x * float(w) for x, w in zip(values, weights, strict=True) if w)


def _dot_floats(values: np.ndarray, weights: np.ndarray) -> float:
    used = weights != 0
    return float((np.asarray(values, np.float64)[used] * weights[used]).sum())


def _operations(jaxpr: Any) -> int:
    """About how many elementary operations a program takes."""
    total = 1
    for equation in jaxpr.eqns:
        size = sum(math.prod(getattr(v.aval, "shape", ())) for v in equation.outvars)
        if equation.primitive.name == "dot_general":
            (contract, _), _ = equation.params["dimension_numbers"]
            size *= math.prod(equation.invars[0].aval.shape[axis] for axis in contract)
        repeats = equation.params.get("length", 1)
        for inner in inner_programs(equation.params):
            size += repeats * _operations(getattr(inner, "jaxpr", inner))
        total += size
    return total
