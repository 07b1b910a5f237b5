"""Which functions of JAX the number systems cover, measured by running them, and checked.

Each function, its forward and its reverse derivative are traced at a generic point and run over
every number system; what the balls say is held against what JAX itself computes.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from flint import arb
from jax.extend.core import jaxpr_as_fun

from jaxgrad.claims.coverage_recipes import MODULES, Recipe, recipes
from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.identity import variables
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring, RingFull
from jaxgrad.numbers.series import Series
from jaxgrad.programs.jaxprs import dtypes
from jaxgrad.programs.trace import Program, is_differentiable, trace

__all__ = ["PROGRAMS", "SYSTEMS", "Row", "Survey", "survey"]

SYSTEMS = ("Ball", "Germ", "Polynomial")
PROGRAMS = ("primal", "jvp", "vjp")

DOUBLE = 53  # the bits of a float64
NO_VALUE = "no value"
# Enough for every function here whose polynomials do not grow with each of its steps.
MOST_GENERATORS, MOST_TERMS, MOST_WORK = 1024, 2000, 20_000_000


@dataclass
class Row:
    """What was found of one function.

    Args:
        module, name: the function.
        instead: a word for what it is if it is no differentiable map of real arrays; else empty.
        missing: (program, system) -> why it does not run there, empty where it does; a program
            that JAX cannot trace has the system ``""``.
        disagreements: where balls and JAX's own floats exclude each other.
    """

    module: str
    name: str
    instead: str = ""
    missing: dict[tuple[str, str], str] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)


@dataclass
class Survey:
    """What was found of all.

    Args:
        rows: one for each function.
        ran, stopped: system -> the primitives that ran over it, and those that it stopped at.
    """

    rows: list[Row] = field(default_factory=list)
    ran: dict[str, set[str]] = field(default_factory=lambda: {s: set() for s in SYSTEMS})
    stopped: dict[str, set[str]] = field(default_factory=lambda: {s: set() for s in SYSTEMS})

    @property
    def disagreements(self) -> list[str]:
        """Every place where balls and JAX's own floats exclude each other."""
        return [text for row in self.rows for text in row.disagreements]


def survey(names: Iterable[str] | None = None) -> Survey:
    """Runs the public functions of JAX over every number system.

    A value b ± r of a ball and JAX's own x exclude each other if |x − b| > r + 2⁻²⁶ max(1, |b|):
    half of the 53 bits of float64, or of those of the narrowest float in the program.

    Args:
        names: the functions to look at, such as ``jax.numpy.sin``; all of them if None.

    Example:
        >>> found = survey(["jax.numpy.sin"])
        >>> found.rows[0].missing["vjp", "Ball"], found.disagreements, "cos" in found.ran["Germ"]
        ('', [], True)
    """
    wanted = None if names is None else set(names)
    result = Survey()
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated functions, which are looked at as well
        for module in MODULES:
            for name, recipe in recipes(module):
                if wanted is not None and f"{module}.{name}" not in wanted:
                    continue
                row = Row(module, name, recipe if isinstance(recipe, str) else "")
                if isinstance(recipe, Recipe):
                    _look_at(recipe, row, result)
                result.rows.append(row)
    return result


def _look_at(recipe: Recipe, row: Row, result: Survey) -> None:
    enclosed: list[tuple[str, Program, list[Any]]] = []
    without_value: list[tuple[str, Program]] = []
    for kind, call in _programs(recipe).items():
        try:
            program = trace(call, recipe.point)
        except Exception as error:  # whatever JAX raises where it has no derivative
            row.missing[kind, ""] = f"JAX: {type(error).__name__}"
            continue
        for system in SYSTEMS:
            observer = _run(program, system)
            result.ran[system] |= observer.ran
            result.stopped[system] |= observer.stopped
            row.missing[kind, system] = observer.reason
            if system == "Ball" and not observer.reason:
                enclosed.append((kind, program, observer.outputs))
            if system == "Ball" and observer.reason.endswith(NO_VALUE):
                without_value.append((kind, program))
    for kind, program in without_value:
        if not all(np.isfinite(leaf).all() for leaf in _floats_of([program], recipe.point)[0]):
            row.missing |= {(kind, s): "JAX: no number" for s in SYSTEMS if row.missing[kind, s]}
    for kind, text in _disagreements(enclosed, recipe.point):
        row.disagreements.append(f"{row.module}.{row.name}, {kind}, {text}")


# -- the three programs of a function --------------------------------------------------------------
def _programs(recipe: Recipe) -> dict[str, Callable[..., Any]]:
    tangents = tuple(_direction(x.shape) for x in recipe.point)

    def jvp(*xs: Any) -> Any:
        moved = jax.jvp(recipe.call, xs, tangents)[1]
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
class _Observer(Interpreter):
    """An interpreter that notes which primitives run, and at which one it stops."""

    def __init__(self, system: NumberSystem) -> None:
        super().__init__(system)
        self.ran: set[str] = set()
        self.stopped: set[str] = set()
        self.outputs: list[Any] = []
        self.reason = ""

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        name = equation.primitive.name
        try:
            outputs = super().apply(equation, arguments)
        except (CannotDecide, UnsupportedPrimitive):
            if not self.reason:  # the innermost one
                self.stopped.add(name)
                self.reason = name
            raise
        if not self.reason and not _known(arguments, outputs):
            self.reason = f"{name}: {NO_VALUE}"
        self.ran.add(name)
        return outputs


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


def _run(program: Program, system: str) -> _Observer:
    if system == "Polynomial":
        return _over_polynomials(program)
    numbers: Any = Ball() if system == "Ball" else Germ()
    observer = _Observer(numbers)
    with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
        observer.outputs = observer.run(
            program.jaxpr.jaxpr, program.jaxpr.consts, list(_inputs(program, numbers))
        )
        if not any(_unknown(output) for output in observer.outputs):
            observer.reason = ""  # what had no value was not looked at
    return observer


def _inputs(program: Program, numbers: Ball | Germ) -> Iterator[np.ndarray]:
    for leaf in program.inputs:
        points = np.asarray(leaf.value, np.float64).reshape(-1)
        if isinstance(numbers, Germ):
            slopes = _direction(leaf.shape).reshape(-1)
            lines = zip(points, slopes, strict=True)
            yield objects([numbers.line(x, v) for x, v in lines], leaf.shape)
        else:
            yield objects([exact_ball(x) for x in points], leaf.shape)


def _over_polynomials(program: Program) -> _Observer:
    capacity = 128
    while True:
        numbers = Polynomial(Ring(capacity, MOST_TERMS, MOST_WORK))
        observer = _Observer(numbers)
        try:
            observer.outputs = observer.run(
                program.jaxpr.jaxpr, program.jaxpr.consts, variables(numbers, program.inputs)
            )
        except (CannotDecide, UnsupportedPrimitive):
            pass
        except RingFull:
            capacity *= 2
            if capacity <= MOST_GENERATORS:
                continue
            observer.reason = "too large"
        return observer


# -- the check -------------------------------------------------------------------------------------
def _disagreements(
    enclosed: list[tuple[str, Program, list[Any]]], point: tuple[np.ndarray, ...]
) -> Iterator[tuple[str, str]]:
    computed = _floats_of([program for _, program, _ in enclosed], point)
    for (kind, program, outputs), floats in zip(enclosed, computed, strict=True):
        agreement = _agreement(program.jaxpr)
        for k, (values, leaf) in enumerate(zip(outputs, floats, strict=True)):
            if values.dtype == object and is_differentiable(leaf.dtype):
                for ball, x in zip(values.reshape(-1), np.ravel(leaf), strict=True):
                    if not _agree(ball, float(x), agreement):
                        yield kind, f"output {k}: balls {ball.str(10)}, JAX {float(x)!r}"


def _floats_of(programs: list[Program], point: tuple[np.ndarray, ...]) -> list[list[Any]]:
    """What JAX computes, compiled together and with little optimisation, which is quicker."""
    functions = [jaxpr_as_fun(program.jaxpr) for program in programs]
    together = jax.jit(
        lambda *xs: [function(*xs) for function in functions],
        compiler_options={"xla_backend_optimization_level": "0"},
    )
    return together(*point)


def _agree(ball: arb, x: float, agreement: arb) -> bool:
    allowed = agreement * abs(ball).max(arb(1)) + ball.rad()
    return not ball.is_finite() or bool(abs(exact_ball(x) - ball) <= allowed)


def _agreement(jaxpr: Any) -> arb:
    """2⁻ᵇ for half of the bits b of the narrowest float in a program.

    The rounding errors of JAX's own implementations are smaller at generic points, and a wrong
    formula is wrong in its leading digits.
    """
    floating = filter(is_differentiable, dtypes(jaxpr))
    bits = [jax.numpy.finfo(dtype).nmant + 1 for dtype in floating]
    return arb(2) ** -(min(bits, default=DOUBLE) // 2)
