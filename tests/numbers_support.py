"""Runs one program over every number system and holds the results against each other.

Three independent meanings of a program must agree at a point: Arb balls, the polynomial evaluated
by the meanings of its generators, and JAX's float64 result, which must lie within a running error
bound of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flint import arb
from hypothesis import strategies as st

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.witness import enclosures
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.ring import Ring, RingFull
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.programs.trace import Program, trace

BALL_BITS = 100
POLYNOMIAL_BITS = 200


def inputs_over(
    program: Program, point: list[Any], element: Callable[[int, int, Any], Any]
) -> list[Any]:
    """The inputs of a program, element(leaf, position, number) for each real number."""
    values = []
    for k, (leaf, value) in enumerate(zip(program.inputs, point, strict=True)):
        if not leaf.differentiable:
            values.append(value)
            continue
        flat = np.asarray(value).astype(np.float64).reshape(-1)
        values.append(objects((element(k, i, x) for i, x in enumerate(flat)), leaf.shape))
    return values


def over_polynomials(program: Program, ring: Ring) -> list[np.ndarray]:
    """The outputs of a program as polynomials of its inputs."""
    system = Polynomial(ring)
    point = [leaf.value for leaf in program.inputs]
    return interpret(
        program, system, inputs_over(program, point, lambda k, i, x: system.variable((k, i)))
    )


def over_balls(function: Callable[..., Any], *args: Any) -> list[np.ndarray]:
    """The balls of a function traced in its own dtypes."""
    program = trace(function, args)
    system = Ball()
    inputs = [
        system.constants(leaf.value) if leaf.differentiable else leaf.value
        for leaf in program.inputs
    ]
    return interpret(program, system, inputs)


def exact_values(values: np.ndarray) -> list[Any]:
    """The fractions that balls are, None of those that are none."""
    return [Ball().exact_value(x) for x in values.reshape(-1)]


def symbolic(function: Callable[..., Any], *args: Any) -> list[np.ndarray]:
    """The polynomials of a function, by default of one number."""
    return over_polynomials(trace(function, args or (1.0,)), Ring(64, 1000))


class Disagreement(AssertionError):
    """Two number systems, or one of them and JAX, contradict each other."""


class Checked:
    """A function traced once in float64, to be held against itself at many points.

    Args:
        function: takes float arrays.
        args: arrays that give the shapes.
    """

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function = function
        with jax.enable_x64(True):
            self.program = trace(function, _arrays(args))

    @functools.cached_property
    def polynomials(self) -> tuple[list[np.ndarray], Ring] | None:
        """The outputs as polynomials and their ring; None where a rule cannot decide."""
        capacity = 128
        while True:
            ring = Ring(capacity, 20_000, 20_000_000)
            try:
                return over_polynomials(self.program, ring), ring
            except (CannotDecide, UnsupportedPrimitive):
                return None
            except RingFull:
                capacity *= 2

    def floats(self, *args: Any) -> list[np.ndarray]:
        """JAX's own results, primitive by primitive."""
        with jax.enable_x64(True):
            leaves = jax.tree.leaves(self.function(*_arrays(args)))
            return [np.asarray(leaf) for leaf in leaves]

    def over(self, system: NumberSystem, *args: Any) -> list[np.ndarray]:
        """The outputs over a number system at a point."""
        point = jax.tree.leaves(args)
        inputs = inputs_over(self.program, point, lambda k, i, x: system.constant(float(x)))
        return interpret(self.program, system, inputs)

    def balls(self, *args: Any) -> list[np.ndarray]:
        """The outputs as balls."""
        with precision(BALL_BITS):
            return self.over(Ball(), *args)

    def allowed(self, *args: Any) -> list[np.ndarray] | None:
        """What float64 arithmetic may return; None if a place in an array depends on rounding."""
        with precision(BALL_BITS):
            try:
                return enclosures(self.program, [np.asarray(x) for x in jax.tree.leaves(args)])
            except (CannotDecide, UnsupportedPrimitive):
                return None

    def evaluated(self, *args: Any) -> list[np.ndarray] | None:
        """The polynomials' values."""
        if self.polynomials is None:
            return None
        outputs, ring = self.polynomials
        point: dict[Any, Any] = {}
        leaves = jax.tree.leaves(args)
        inputs_over(self.program, leaves, lambda k, i, x: point.__setitem__((k, i), float(x)))
        with precision(POLYNOMIAL_BITS):
            valuation = Valuation(ring, point)
            return [
                objects((_value(valuation, x) for x in output.reshape(-1)), output.shape)
                for output in outputs
            ]

    def check(self, *args: Any) -> int:
        """Holds balls, polynomials and JAX's floats against each other.

        Returns:
            how many entries were compared by at least two of them.

        Raises:
            Disagreement: some pair cannot both be right.
        """
        balls, results = self.balls(*args), self.floats(*args)
        allowed, values = self.allowed(*args), self.evaluated(*args)
        seen = 0
        for k, (ball, result) in enumerate(zip(balls, results, strict=True)):
            assert ball.shape == result.shape
            for i, (b, x) in enumerate(zip(ball.flat, result.flat, strict=True)):
                where = f"output {k}, entry {i} at {args}"
                near = None if allowed is None else getattr(allowed[k].flat[i], "value", None)
                value = None if values is None else values[k].flat[i]
                seen += self._compare(where, float(x), b, near, value)
        return seen

    def _compare(self, where: str, x: float, ball: arb, near: Any, value: Any) -> int:
        if not ball.is_finite():
            return 0
        compared = 0
        if np.isfinite(x) and near is not None and near.is_finite():
            compared = 1
            if not near.contains(arb(x)):
                raise Disagreement(f"{where}: JAX has {x!r}, balls {ball} (floats {near})")
        if value is not None and value.is_finite():
            compared = 1
            if not value.overlaps(ball):
                raise Disagreement(f"{where}: polynomial {value}, balls {ball}")
        return compared

    def check_exact(self, *args: Any) -> None:
        """As :meth:`check` where JAX's arithmetic is exact: all are equal numbers."""
        results = self.floats(*args)
        for side in (self.balls(*args), self.evaluated(*args)):
            for k, (values, result) in enumerate(zip(side or [], results, strict=bool(side))):
                if values.shape != result.shape:
                    raise Disagreement(f"output {k}: {values.shape} is not {result.shape}")
                for i, (value, x) in enumerate(zip(values.flat, result.flat, strict=True)):
                    if not (value.is_exact() and value == arb(float(x))):
                        raise Disagreement(
                            f"output {k}, entry {i} at {args}: {value} is not {float(x)}"
                        )


def _arrays(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return jax.tree.map(
        lambda x: x if isinstance(x, jax.Array) else jax.numpy.asarray(x), tuple(args)
    )


def _value(valuation: Valuation, x: Any) -> arb:
    return valuation(x.poly) if hasattr(x, "poly") else arb(x.value)


def gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """The gradient of a sum over all outputs, each at its own sensitivity.

    The sensitivities are a smooth function of the outputs, so that cotangents are no constants.
    """

    def total(*args: Any) -> Any:
        outputs = jax.tree.leaves(function(*args))
        return sum(jax.numpy.sum(y * y + y) for y in outputs)

    def differentiated(*args: Any) -> Any:
        return jax.grad(total, tuple(range(len(args))))(*args)

    return differentiated


# Small dyadic numbers: sums and products of a few of them are exact in float64, ties are frequent.
dyadic = st.integers(-10, 10).map(lambda n: n / 4)


def vector(domain: str = "real", size: int = 4) -> st.SearchStrategy[np.ndarray]:
    """Vectors of small dyadic numbers inside a domain, with ties and zeros."""
    entries = {
        "real": dyadic,
        "positive": st.integers(1, 12).map(lambda n: n / 4),
        "unit": st.integers(-7, 7).map(lambda n: n / 8),
        "above_one": st.integers(9, 32).map(lambda n: n / 8),
    }[domain]
    return st.lists(entries, min_size=size, max_size=size).map(np.array)
