"""Which functions of JAX the number systems cover, measured by running them, and checked.

Each function, its forward and its reverse derivative are traced at a generic point and run over
every number system; what the balls say is held against what JAX itself computes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from flint import arb
from jax.extend.core import jaxpr_as_fun

from jaxgrad.claims.coverage.recipe import Recipe
from jaxgrad.claims.coverage.recipes import MODULES, recipes
from jaxgrad.claims.coverage.runs import NO_VALUE, SYSTEMS, programs, run
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.programs.jaxprs import dtypes
from jaxgrad.programs.trace import Program, is_differentiable, trace

__all__ = ["Row", "Survey", "survey"]

DOUBLE = 53  # the bits of a float64


@dataclass
class Row:
    """What was found of one function.

    Args:
        module, name: the function.
        instead: a word for what it is if it is no differentiable map of real arrays; else empty.
        missing: (program, system) -> why it does not run there, empty where it does; a program
            that JAX cannot trace has the system ``""``.
        compared: program -> how many numbers of JAX's own were held against balls.
        disagreements: where the two exclude each other.
    """

    module: str
    name: str
    instead: str = ""
    missing: dict[tuple[str, str], str] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)
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
        names: the functions to look at, such as ``jax.numpy.sin``; all of them if None.  A name
            without the way in which a function is called stands for all of its ways.

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
                whole = f"{module}.{name}"
                if wanted is not None and not wanted & {whole, whole.partition("(")[0]}:
                    continue
                row = Row(module, name, recipe if isinstance(recipe, str) else "")
                if isinstance(recipe, Recipe):
                    _look_at(recipe, row, result)
                result.rows.append(row)
    return result


def _look_at(recipe: Recipe, row: Row, result: Survey) -> None:
    enclosed: list[tuple[str, Program, list[Any]]] = []
    without_value: list[tuple[str, Program]] = []
    for kind, call in programs(recipe).items():
        try:
            program = trace(call, recipe.point)
        except Exception as error:  # whatever JAX raises where it has no derivative
            row.missing[kind, ""] = f"JAX: {type(error).__name__}"
            continue
        for system in SYSTEMS:
            seen = run(program, system)
            result.ran[system] |= seen.ran
            result.stopped[system] |= seen.stopped
            row.missing[kind, system] = seen.reason
            if system == "Ball" and not seen.reason:
                enclosed.append((kind, program, seen.outputs))
            if system == "Ball" and seen.reason.endswith(NO_VALUE):
                without_value.append((kind, program))
    for kind, program in without_value:
        if not all(np.isfinite(leaf).all() for leaf in _floats_of([program], recipe.point)[0]):
            row.missing |= {(kind, s): "JAX: no number" for s in SYSTEMS if row.missing[kind, s]}
    _compare(enclosed, recipe.point, row)


# -- the check -------------------------------------------------------------------------------------
def _compare(
    enclosed: list[tuple[str, Program, list[Any]]], point: tuple[np.ndarray, ...], row: Row
) -> None:
    computed = _floats_of([program for _, program, _ in enclosed], point)
    for (kind, program, outputs), floats in zip(enclosed, computed, strict=True):
        agreement = _agreement(program.jaxpr)
        row.compared[kind] = 0
        for k, ball, x in _pairs(outputs, floats):
            allowed = agreement * abs(ball).max(arb(1))
            # What has no digits is contradicted by nothing.
            row.compared[kind] += bool(ball.is_finite() and ball.rad() <= allowed)
            if not _agree(ball, x, allowed):
                text = f"output {k}: balls {ball.str(10)}, JAX {x!r}"
                row.disagreements.append(f"{row.module}.{row.name}, {kind}, {text}")


def _pairs(outputs: list[Any], floats: list[Any]) -> Iterator[tuple[int, arb, float]]:
    """The number of the output, a ball and JAX's float of each entry of those that are floats."""
    for k, (values, leaf) in enumerate(zip(outputs, floats, strict=True)):
        if values.dtype == object and is_differentiable(leaf.dtype):
            for ball, x in zip(values.reshape(-1), np.ravel(leaf), strict=True):
                yield k, ball, float(x)


def _floats_of(programs: list[Program], point: tuple[np.ndarray, ...]) -> list[list[Any]]:
    """What JAX computes, compiled together and with little optimisation, which is quicker."""
    functions = [jaxpr_as_fun(program.jaxpr) for program in programs]
    together = jax.jit(
        lambda *xs: [function(*xs) for function in functions],
        compiler_options={"xla_backend_optimization_level": "0"},
    )
    return together(*point)


def _agree(ball: arb, x: float, allowed: arb) -> bool:
    return not ball.is_finite() or bool(abs(exact_ball(x) - ball.mid()) <= allowed + ball.rad())


def _agreement(jaxpr: Any) -> arb:
    """2⁻ᵇ for half of the bits b of the narrowest float in a program.

    The rounding errors of JAX's own implementations are smaller at generic points, and a wrong
    formula is wrong in its leading digits.
    """
    floating = filter(is_differentiable, dtypes(jaxpr))
    bits = [jax.numpy.finfo(dtype).nmant + 1 for dtype in floating]
    return arb(2) ** -(min(bits, default=DOUBLE) // 2)
