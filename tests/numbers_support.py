"""Runs one program over every number system and holds the results against each other.

Three independent meanings of a program must agree at a point: Arb balls, the polynomial evaluated
by the meanings of its generators, and JAX's float64 result, which must lie within a running error
bound of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret import interpret
from jaxgrad.numbers.ball import Ball, precision
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.field import Field
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.program import Program, trace

BALL_BITS = 100
POLYNOMIAL_BITS = 200
# The unit of float64: one unit in the last place is at most 2^-52 of the number.
ULP = arb(2) ** -52
# XLA flushes smaller results to 0.
SMALLEST_NORMAL = arb(2) ** -1022
# Above the largest measured error of an elementary function in float64 (exp2: 712 ulp).
ELEMENTARY_ULPS = 1024
# XLA divides within 2 ulp, may fuse, and adds up in any order; powers multiply a few times.
ARITHMETIC_ULPS = 8


class Rounded:
    """A ball that holds whatever float64 arithmetic may return, not only the true number."""

    def __init__(self, value: arb) -> None:
        self.value = value

    def __add__(self, other: Rounded) -> Rounded:
        return rounded(self.value + other.value)

    def __sub__(self, other: Rounded) -> Rounded:
        return rounded(self.value - other.value)

    def __mul__(self, other: Rounded) -> Rounded:
        return rounded(self.value * other.value)

    def __neg__(self) -> Rounded:
        return Rounded(-self.value)


def rounded(value: arb, ulps: int = ARITHMETIC_ULPS) -> Rounded:
    """The ball widened by a rounding error."""
    if value.is_zero():
        return Rounded(value)
    return Rounded(value + arb(0, 1) * (abs(value).upper() * ULP * ulps + SMALLEST_NORMAL))


class RoundedSystem(NumberSystem):
    """A running error analysis: every operation of Arb, widened by the error of XLA's."""

    name = "rounded"

    def __init__(self) -> None:
        self.ball = Ball()

    def constant(self, value: Any) -> Rounded:
        return Rounded(self.ball.constant(value))

    def divide(self, x: Rounded, y: Rounded) -> Rounded:
        return rounded(x.value / y.value)

    def power(self, x: Rounded, n: int) -> Rounded:
        return rounded(x.value**n, ARITHMETIC_ULPS * (1 + abs(n)))

    def total(self, terms: list[Rounded]) -> Rounded:
        size = sum((abs(term.value) for term in terms), arb(0)).upper()
        exact = sum((term.value for term in terms), arb(0))
        return Rounded(exact + arb(0, 1) * (size * ULP * (1 + len(terms))))

    def compare(self, relation: str, x: Rounded, y: Rounded) -> bool | None:
        return self.ball.compare(relation, x.value, y.value)

    def logical_not(self, p: Any) -> Any:
        return self.ball.logical_not(p)

    def logical_and(self, p: Any, q: Any) -> Any:
        return self.ball.logical_and(p, q)

    def truth(self, value: bool) -> bool:
        return bool(value)

    def known(self, p: Any) -> bool | None:
        return p

    def select(self, p: Any, if_false: Any, if_true: Any) -> Any:
        if not isinstance(if_true, Rounded):
            return self.ball.select(p, if_false, if_true)
        return Rounded(self.ball.select(p, if_false.value, if_true.value))

    def exact_value(self, x: Rounded) -> Any:
        return self.ball.exact_value(x.value)

    def is_finite(self, x: Rounded) -> Any:
        return self.ball.is_finite(x.value)

    def maximum(self, x: Rounded, y: Rounded) -> Rounded:
        return Rounded(self.ball.maximum(x.value, y.value))

    def absolute(self, x: Rounded) -> Rounded:
        return Rounded(abs(x.value))

    def sign(self, x: Rounded) -> Rounded:
        return Rounded(self.ball.sign(x.value))

    def function(self, name: str, *xs: Rounded) -> Rounded:
        values = [x.value for x in xs]
        if hasattr(self.ball, name):
            return rounded(getattr(self.ball, name)(*values), ELEMENTARY_ULPS)
        return rounded(self.ball.function(name, *values), ELEMENTARY_ULPS)

    def logistic(self, x: Rounded) -> Rounded:
        return self.function("logistic", x)

    def tanh(self, x: Rounded) -> Rounded:
        return self.function("tanh", x)

    def log1p(self, x: Rounded) -> Rounded:
        return self.function("log1p", x)

    def expm1(self, x: Rounded) -> Rounded:
        return self.function("expm1", x)


def inputs_over(program: Program, element: Callable[[int, int, Any], Any]) -> list[Any]:
    """The inputs of a program, element(leaf, position, number) for each real number."""
    values = []
    for k, leaf in enumerate(program.inputs):
        if not leaf.differentiable:
            values.append(leaf.value)
            continue
        flat = np.asarray(leaf.value).astype(np.float64).reshape(-1)
        values.append(objects((element(k, i, x) for i, x in enumerate(flat)), leaf.shape))
    return values


def over_balls(program: Program, bits: int = BALL_BITS) -> list[np.ndarray]:
    """The outputs at the point a program was traced at, as balls."""
    with precision(bits):
        system = Ball()
        return interpret(program, system, inputs_over(program, lambda k, i, x: system.constant(x)))


def over_rounded(program: Program) -> list[np.ndarray]:
    """Balls that hold every result float64 arithmetic may return."""
    with precision(BALL_BITS):
        system = RoundedSystem()
        return interpret(program, system, inputs_over(program, lambda k, i, x: system.constant(x)))


def over_polynomials(program: Program, field: Field | None = None) -> tuple[list[np.ndarray], Field]:
    """The outputs as polynomials, and the field they live in."""
    field = field or Field(256, 20_000)
    system = Polynomial(field)
    variables = inputs_over(program, lambda k, i, x: system.variable((k, i)))
    return interpret(program, system, variables), field


def evaluated(outputs: list[np.ndarray], field: Field, program: Program) -> list[np.ndarray]:
    """Polynomials at the point a program was traced at."""
    point: dict[Any, Any] = {}
    inputs_over(program, lambda k, i, x: point.__setitem__((k, i), float(x)))
    with precision(POLYNOMIAL_BITS):
        valuation = Valuation(field, point)
        return [
            objects((_value(valuation, x) for x in output.reshape(-1)), output.shape)
            for output in outputs
        ]


def _value(valuation: Valuation, x: Any) -> arb:
    return valuation(x.poly) if hasattr(x, "poly") else arb(x.value)


def in_float64(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Program, list[Any]]:
    """A program traced in float64, and JAX's own results."""
    with jax.enable_x64(True):
        arrays = tuple(
            x if isinstance(x, jax.Array) else jax.tree.map(jax.numpy.asarray, x) for x in args
        )
        program = trace(function, arrays)
        results = [np.asarray(leaf) for leaf in jax.tree.leaves(function(*arrays))]
    return program, results


class Disagreement(AssertionError):
    """Two number systems, or one of them and JAX, contradict each other."""


def check(function: Callable[..., Any], *args: Any, polynomial: bool = True) -> int:
    """Holds every number system's result against the others and against JAX's.

    Returns:
        how many entries were compared with all three.

    Raises:
        Disagreement: some pair cannot both be right.
    """
    program, results = in_float64(function, args)
    balls = over_balls(program)
    try:
        allowed = over_rounded(program)
    except (CannotDecide, UnsupportedPrimitive):  # a place in an array depends on rounding
        allowed = [np.full(ball.shape, Rounded(arb.nan()), dtype=object) for ball in balls]
    values: list[Any] = [None] * len(balls)
    if polynomial:
        try:
            values = evaluated(*over_polynomials(program), program)
        except (CannotDecide, UnsupportedPrimitive):
            polynomial = False
    seen = 0
    for k, (ball, near, result) in enumerate(zip(balls, allowed, results, strict=True)):
        for i, (b, r, x) in enumerate(zip(ball.flat, near.flat, result.flat, strict=True)):
            where = f"output {k}, entry {i} of {function} at {args}"
            if not np.isfinite(float(x)) or not b.is_finite():
                continue
            if r.value.is_finite() and not r.value.contains(arb(float(x))):
                raise Disagreement(f"{where}: JAX has {float(x)!r}, the balls {b} (may be {r.value})")
            if polynomial:
                value = values[k].flat[i]
                if value.is_finite() and not value.overlaps(b):
                    raise Disagreement(f"{where}: polynomial {value}, balls {b}")
                seen += bool(value.is_finite())
            else:
                seen += 1
    return seen


def check_exact(function: Callable[..., Any], *args: Any, polynomial: bool = True) -> int:
    """As :func:`check`, where JAX's own evaluation is exact: all three are equal numbers."""
    program, results = in_float64(function, args)
    balls = over_balls(program)
    sides = [balls]
    if polynomial:
        sides.append(evaluated(*over_polynomials(program), program))
    for side in sides:
        for k, (values, result) in enumerate(zip(side, results, strict=True)):
            if values.shape != result.shape:
                raise Disagreement(f"output {k} of {function}: {values.shape} != {result.shape}")
            for i, (value, x) in enumerate(zip(values.flat, result.flat, strict=True)):
                if not (value.is_exact() and value == arb(float(x))):
                    raise Disagreement(
                        f"output {k}, entry {i} of {function} at {args}: {value} is not {float(x)}"
                    )
    return sum(result.size for result in results)
