"""The three programs of a function, each run over one number system, and where a run stops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from flint import arb

from jaxgrad.claims.coverage.recipe import Recipe
from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.identity import variables
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.clock import within
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring, RingFull
from jaxgrad.numbers.series import Series
from jaxgrad.programs.source_lines import line_of
from jaxgrad.programs.trace import Program, is_differentiable

__all__ = ["NO_VALUE", "PROGRAMS", "SYSTEMS", "Ran", "programs", "run"]

SYSTEMS = ("Ball", "Germ", "Polynomial")
PROGRAMS = ("primal", "jvp", "vjp")

NO_VALUE = "no value"
# Enough for every function of JAX whose polynomials do not grow with each of its steps.
MOST_GENERATORS, MOST_TERMS, MOST_WORK = 1024, 2000, 20_000_000


@dataclass
class Ran:
    """What came of a program over a number system.

    Args:
        ran, stopped, broken: the primitives that ran, the one that it stopped at, and those that
            it stopped within.
        reason: the primitive that it stopped at, and ``no value`` if it returned none; empty where
            it ran.
        why: the same in a sentence.
        line: the line of the caller's code that it stopped at, if it is one.
        outputs: what it returned.
    """

    ran: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    reason: str = ""
    why: str = ""
    line: str = ""
    outputs: list[Any] = field(default_factory=list)

    @property
    def primitive(self) -> str:
        """The primitive that it stopped at; empty where it ran, or no primitive stopped it."""
        name = self.reason.partition(":")[0]
        return name if name in self.stopped or self.reason.endswith(NO_VALUE) else ""


# -- the three programs of a function --------------------------------------------------------------
def programs(recipe: Recipe) -> dict[str, Callable[..., Any]]:
    """The function of a recipe, and its derivatives along a direction without zeros.

    Example:
        >>> print(programs(Recipe(lambda x: x * x, (np.array(3.0),)))["jvp"](3.0))
        [Array(1.5, dtype=float32...)]
    """
    tangents = tuple(_direction(x.shape).astype(x.dtype) for x in recipe.point)

    def jvp(*xs: Any) -> Any:
        # Some rules of JAX index tangents by what is traced, which NumPy's arrays cannot be.
        moved = jax.jvp(recipe.call, xs, tuple(map(jax.numpy.asarray, tangents)))[1]
        return [leaf for leaf in jax.tree.leaves(moved) if is_differentiable(leaf.dtype)]

    def vjp(*xs: Any) -> Any:
        value, pull = jax.vjp(recipe.call, *xs)
        return pull(jax.tree.map(_cotangent, value))

    return {"primal": recipe.call, "jvp": jvp, "vjp": vjp}


def _direction(shape: tuple[int, ...]) -> np.ndarray:
    """A direction without zeros, in which no two entries move alike."""
    size = int(np.prod(shape, dtype=int))
    return (np.resize([1.0, -1.0], size) * np.arange(2, size + 2) / 8).reshape(shape)


def _cotangent(value: Any) -> Any:
    if not is_differentiable(value.dtype):
        return np.zeros(value.shape, jax.dtypes.float0)
    return _direction(value.shape).astype(value.dtype)


# -- one program over one number system ------------------------------------------------------------
def run(program: Program, system: str, seconds: float = math.inf) -> Ran:
    """Runs a program of float arrays at the point that it was traced with.

    Args:
        program: a traced program.
        system: one of :data:`SYSTEMS`.
        seconds: CPU seconds that it may take.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> run(trace(jax.numpy.sort, (np.array([2.0, 1.0]),)), "Polynomial").reason
        'sort'
    """
    seen = Ran()
    with within(seconds) as part:
        try:
            (_over_polynomials if system == "Polynomial" else _over)(program, system, seen)
        except (CannotDecide, UnsupportedPrimitive) as error:
            if not seen.reason:  # before any equation was run
                seen.reason, seen.why = "constants", str(error)
    if part.spent is not None:
        seen.reason, seen.why, seen.line = "budget", f"{part.spent} are not enough", ""
    return seen


class _Observer(Interpreter):
    """An interpreter that notes which primitives run, and at which one it stops."""

    def __init__(self, system: NumberSystem, seen: Ran) -> None:
        super().__init__(system)
        self.seen = seen

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        name, seen = equation.primitive.name, self.seen
        try:
            outputs = super().apply(equation, arguments)
        except (CannotDecide, UnsupportedPrimitive) as error:
            if not seen.reason:  # the innermost one
                seen.stopped.add(name)
                self._note(equation, name, str(error))
            seen.broken.add(name)
            raise
        if not seen.reason and not _known(arguments, outputs):
            self._note(equation, f"{name}: {NO_VALUE}", f"`{name}` has no value there")
        seen.ran.add(name)
        return outputs

    def _note(self, equation: Any, reason: str, why: str) -> None:
        self.seen.reason, self.seen.why = reason, why
        self.seen.line = str(line_of(equation) or "")


def _known(arguments: list[Any], outputs: list[Any]) -> bool:
    """Whether an equation gives a value, unless it had none to begin with."""
    return any(_unknown(x) for x in arguments) or not any(_unknown(y) for y in outputs)


def _unknown(values: Any) -> bool:
    if not (isinstance(values, np.ndarray) and values.dtype == object):
        return False
    return any(
        (isinstance(x, arb) and x.is_nan()) or (isinstance(x, Series) and x.reason is not None)
        for x in values.reshape(-1)
    )


def _over(program: Program, system: str, seen: Ran) -> None:
    numbers: Any = Ball() if system == "Ball" else Germ()
    closed = program.jaxpr
    inputs = list(_inputs(program, numbers))
    seen.outputs = _Observer(numbers, seen).run(closed.jaxpr, closed.consts, inputs)
    if not any(_unknown(output) for output in seen.outputs):
        seen.reason = seen.why = seen.line = ""  # what had no value was not looked at


def _inputs(program: Program, numbers: Ball | Germ) -> Iterator[np.ndarray]:
    for leaf in program.inputs:
        points = np.asarray(leaf.value, np.float64).reshape(-1)
        if isinstance(numbers, Germ):
            slopes = _direction(leaf.shape).reshape(-1)
            lines = zip(points, slopes, strict=True)
            yield objects([numbers.line(x, v) for x, v in lines], leaf.shape)
        else:
            yield objects([exact_ball(x) for x in points], leaf.shape)


def _over_polynomials(program: Program, system: str, seen: Ran) -> None:
    capacity, closed = 128, program.jaxpr
    while capacity <= MOST_GENERATORS:
        numbers = Polynomial(Ring(capacity, MOST_TERMS, MOST_WORK))
        inputs = variables(numbers, program.inputs)
        try:
            seen.outputs = _Observer(numbers, seen).run(closed.jaxpr, closed.consts, inputs)
            return
        except RingFull:
            capacity *= 2
    seen.reason = "too large"
    seen.why = f"it has more than {MOST_GENERATORS} different transcendental values"
