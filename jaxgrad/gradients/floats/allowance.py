"""How far may a float be from the value of its formula?  Derived once, for both entries.

A program rounds each of its results: to (1 + δ) times what it is, with |δ| ≤ u, or to 0 below s.
On the longest way from an input to a result that happens m times.  What is rounded early is as good
as another input, what is rounded late is another result, and so no more can be asked of a float f
of the formula g than that it is nearly the value of g at nearly these inputs x:

    f = (1 + δ)·g(x·(1 + m·u·ξ)) ± s    for a |δ| ≤ m·u and a vector ξ of numbers |ξᵢ| ≤ 1

(mixed forward and backward stability: Higham, Accuracy and Stability of Numerical Algorithms, 2002,
section 1.5).  To first order in u that is

    |f − g(x)| ≤ m·u·|g(x)| + max_ξ |g(x·(1 + m·u·ξ)) − g(x)| + s

where the maximum is what rounding the inputs would change anyway.  For a g that is smooth over m
roundings that change is m times the one of a single rounding; only the former sees a branch that m
roundings reach, and the latter is right where g bends before.  A float is allowed the larger one:

    |f − g(x)| ≤ m·u·|g(x)| + max_ξ max(m·|g(x·(1 + u·ξ)) − g(x)|, |g(x·(1 + m·u·ξ)) − g(x)|) + s

for a few vectors ξ of signs, and before a float is called unstable for the one that moves it
furthest to first order.  Each is a witness, so the allowance never exceeds what the
conditioning of the problem admits.  x stands for all that a number is computed from, the point and
the direction or cotangent.  u is the unit roundoff of the coarsest dtype in which something on a
way to the result is rounded, or of the result's own; what is rounded in a finer one is so much less
than one rounding, and an input in a coarser one is moved by its own u.  s is the smallest normal
number of the result's dtype, below which XLA flushes to 0: that it flushes more in a coarser dtype
within is a fault.  A float16, and what is narrower, is not flushed: of these s is m times the
smallest number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.gradients.enclosure import balls
from jaxgrad.gradients.floats.arithmetic import Arithmetic, keeps_subnormals, least_float
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import Leaf

__all__ = ["SIGN_VECTORS", "TrueValues", "distance"]

# Vectors of signs tried before a float is called unstable: all +, all −, and drawn ones.  Each is
# a witness, and with 6 drawn ones a given pair of entries is moved apart but for 1 case in 64.
SIGN_VECTORS = 8
# Inputs that are moved one by one, to find the signs that move a number furthest, before a float
# beyond all other witnesses is called unstable.
MOST_INPUTS = 64


class TrueValues:
    """What a program returns at a point if nothing is rounded, and what rounding may make of it.

    Args:
        formula: its outputs over balls, for its inputs over balls.
        inputs: the leaves of the arguments; those that are not floating point are held fixed.
        values: the point, a value for each leaf.
        outputs: the leaves of the results.
        arithmetic: what rounding is in the program that is judged.
    """

    def __init__(
        self,
        formula: Callable[[list[Any]], list[ObjectArray]],
        inputs: Sequence[Leaf],
        values: Sequence[Any],
        outputs: Sequence[Leaf],
        arithmetic: Arithmetic,
    ) -> None:
        self._formula, self._inputs, self._point = formula, inputs, values
        self.outputs, self._arithmetic = outputs, arithmetic
        self.evaluations = 0
        self._values: dict[int, list[ObjectArray]] = {}
        self._changes: dict[tuple[int, int, int], list[ObjectArray]] = {}
        self._moved_alone: dict[Any, list[ObjectArray]] = {}

    def values(self, bits: int) -> list[ObjectArray]:
        """The formula at a precision.

        Raises:
            CannotDecide, UnsupportedPrimitive: as the rules do.
        """
        if bits not in self._values:
            with precision(bits):
                self._values[bits] = self._at(self._exact)
        return self._values[bits]

    def rounding(self, output: int, truth: arb) -> arb:
        """m·u·|g| + s for a value g of an output, which is allowed whatever the inputs do.

        Where subnormal numbers are kept each of the m roundings may be off by half of s.
        """
        own, dtype = self._arithmetic, self.outputs[output].dtype
        times, smallest = own.times(output), least_float(dtype)
        if keeps_subnormals(dtype):
            smallest *= max(times, 1)
        return times * own.unit(output) * abs(truth) + smallest

    def allowances(self, output: int, index: tuple[int, ...], bits: int) -> Iterator[arb]:
        """Allowances that grow with every witness, the first of which costs no evaluation."""
        rounding = self.rounding(output, self.values(bits)[output][index])
        yield rounding
        change = arb(0)
        for witness in range(2 * SIGN_VECTORS):
            change = change.max(self._change(output, bits, witness)[output][index])
            yield rounding + change

    def furthest(self, output: int, index: tuple[int, ...], bits: int) -> arb:
        """The allowance by the signs that move this one number furthest, to first order.

        They are those of what each input moves it by itself, one evaluation each; 0 where there
        are too many inputs.
        """
        real = [leaf.shape if leaf.real else (0,) for leaf in self._inputs]
        if not 1 < sum(map(math.prod, real)) <= MOST_INPUTS:
            return arb(0)
        places = [(k, i) for k, shape in enumerate(real) for i in np.ndindex(shape)]
        truth, many = self.values(bits)[output][index], self._arithmetic.times(output)
        signs = [np.ones(shape, int) for shape in real]
        with precision(bits):
            for k, i in places:
                moved = self._alone(bits, output, k, i)[output][index]
                signs[k][i] = -1 if moved < truth else 1
            changes = [
                distance(self._at(self._along(output, times, signs))[output][index], truth)
                * (many / times)
                for times in (1, many)
            ]
            return self.rounding(output, truth) + changes[0].max(changes[1])

    def _alone(
        self, bits: int, output: int, leaf: int, index: tuple[int, ...]
    ) -> list[ObjectArray]:
        """The formula where one rounding of an output moves one input."""
        key = bits, self._arithmetic.alike(output), leaf, index
        if key not in self._moved_alone:
            signs = [np.zeros(x.shape, int) for x in self._inputs]
            signs[leaf][index] = 1
            self._moved_alone[key] = self._at(self._along(output, 1, signs))
        return self._moved_alone[key]

    def largest(self, output: int) -> float:
        """The largest float of an output's dtype."""
        return float(jnp.finfo(self.outputs[output].dtype).max)

    def _change(self, output: int, bits: int, witness: int) -> list[ObjectArray]:
        """What m roundings of the inputs may change, as one vector of signs shows it."""
        key = self._arithmetic.alike(output), bits, witness
        if key not in self._changes:
            truth, many = self.values(bits), self._arithmetic.times(output)
            factor = many if witness < SIGN_VECTORS else 1  # of the change, or else of u
            with precision(bits):
                moved = self._at(self._rounded(output, many / factor, witness))
                self._changes[key] = [
                    Ball().map(lambda x, y: distance(x, y) * factor, new, old)
                    for new, old in zip(moved, truth, strict=True)
                ]
        return self._changes[key]

    def _at(self, inputs: list[Any]) -> list[ObjectArray]:
        self.evaluations += 1
        return self._formula(inputs)

    @property
    def _exact(self) -> list[Any]:
        return balls(self._inputs, self._point)

    def _rounded(self, output: int, times: float, witness: int) -> list[Any]:
        """x·(1 + times·u·ξ) for every input x, with a vector ξ of signs, and u of an output."""
        k, rng = witness % SIGN_VECTORS, np.random.default_rng(witness)
        signs = [
            rng.choice([-1, 1], leaf.shape) if leaf.real and k > 1 else np.array(1 - 2 * k)
            for leaf in self._inputs
        ]
        return self._along(output, times, signs)

    def _along(self, output: int, times: float, signs: Sequence[np.ndarray]) -> list[Any]:
        moved = []
        for leaf, values, way in zip(self._inputs, self._exact, signs, strict=True):
            if leaf.real:
                step = self._arithmetic.moves(output, leaf.dtype) * times
                values = Ball().map(lambda x, sign, u=step: x * (1 + u * int(sign)), values, way)
            moved.append(values)
        return moved


def distance(new: Any, old: Any) -> arb:
    """How far a number is moved; truth values do not move by little."""
    return abs(new - old) if isinstance(new, arb) else arb(0)
