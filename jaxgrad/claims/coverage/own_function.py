"""What each number system makes of a function of the caller's own, primitive by primitive."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgrad.claims.coverage.readings import Reading, reading_of
from jaxgrad.claims.coverage.recipe import Recipe
from jaxgrad.claims.coverage.runs import SYSTEMS, Ran, programs, run
from jaxgrad.errors import EnginesDisagree, JaxgradError, NoDerivative, NonFiniteInput
from jaxgrad.gradients.rules.derived import traced
from jaxgrad.gradients.rules.faults import faults_named
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.rule_alone import rule_of
from jaxgrad.gradients.witness import hold_program
from jaxgrad.numbers.clock import watched
from jaxgrad.programs.custom_rules import CUSTOM_RULES
from jaxgrad.programs.held import paths_of_held
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.rule_functions import place_of_function, rule_identity
from jaxgrad.programs.trace import Leaf, Program, parameter_names

__all__ = ["CustomRule", "OwnFunction", "PrimitiveUse", "look_at"]


@dataclass
class PrimitiveUse:
    """A primitive in the programs of a function.

    Args:
        name: its name.
        reading: what it is read as; of several ways the one that is nothing.
        equations: how many equations of the three programs have it.
        systems: system -> ``runs``, ``stops``, ``stops within`` or ``not reached``.
    """

    name: str
    reading: Reading
    equations: int = 0
    systems: dict[str, str] = field(default_factory=dict)


@dataclass
class CustomRule:
    """A custom derivative rule that a function calls.

    Args:
        function: the name of the function that it is for.
        kind: ``custom_jvp`` or ``custom_vjp``.
        place: the file and line of the function, or of the rule where the function is JAX's own.
        calls: how many equations of the function call it, or of a derivative where no other does.
    """

    function: str
    kind: str
    place: str
    calls: int = 0


@dataclass
class OwnFunction:
    """What was found of a function.

    Args:
        name: what it is called.
        inputs: the floating-point leaves of its arguments, by which it is differentiated.
        held: the key paths of all that is held fixed.
        primitives: those of its three programs.
        rules: the custom rules in them.
        without: program -> why JAX has none.
        runs: (program, system) -> what came of it.
        compared: program -> how many numbers of JAX's own run were held against what rounding
            allows about the exact ones.
        not_compared: program -> why none was.
        disagreements: where JAX's run is outside of that.
    """

    name: str
    inputs: Sequence[Leaf]
    held: Sequence[str]
    primitives: list[PrimitiveUse] = field(default_factory=list)
    rules: list[CustomRule] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    runs: dict[tuple[str, str], Ran] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)
    not_compared: dict[str, str] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)

    @property
    def without_rule(self) -> list[PrimitiveUse]:
        """The primitives that are read as nothing."""
        return [use for use in self.primitives if use.reading.kind == "none"]

    def stops(self, system: str) -> dict[str, Ran]:
        """The programs that a number system does not come to the end of."""
        return {p: ran for (p, s), ran in self.runs.items() if s == system and ran.reason}

    @property
    def is_covered(self) -> bool:
        """Whether some number system runs all its programs."""
        return not all(self.stops(system) for system in SYSTEMS)


def look_at(
    function: Callable[..., Any],
    args: Sequence[Any],
    name: str = "f",
    seconds: float = math.inf,
) -> OwnFunction:
    """Traces a function and its two derivatives, and runs each over every number system.

    Args:
        function: a JAX function of ``args``.
        args: pytrees of arrays; what is not floating point is held fixed.
        name: what to call it.
        seconds: CPU seconds that one program may take over one system.

    Raises:
        ArgumentError: nothing is floating point in the arguments, or in the result.
        NonFiniteInput: an argument is no real number.
        TraceError, NoDerivative: as :func:`jaxgrad.programs.trace.trace`.
        TreeMismatch, ShapeMismatch, DtypeMismatch: a custom rule is malformed.
        Exception: what the function itself raises.

    Example:
        >>> import jax.numpy as jnp
        >>> found = look_at(lambda x: jnp.sort(x).sum(), (jnp.array([2.0, 1.0]),))
        >>> {system: list(found.stops(system)) for system in SYSTEMS}
        {'Ball': [], 'Germ': [], 'Polynomial': ['primal', 'jvp', 'vjp']}
        >>> found.stops("Polynomial")["primal"].reason, found.compared["vjp"]
        ('sort', 2)
    """
    primal = Primal(function, args)
    for leaf in primal.inputs:
        if not np.isfinite(leaf.value.astype(np.float64)).all():
            raise NonFiniteInput(
                f"argument {leaf.path} holds NaN or an infinity, at which not every number system "
                "has values; give it finite numbers"
            )
    names = parameter_names(function, len(primal.args))
    held = [*(leaf.path for leaf in primal.held), *paths_of_held(primal.args, names)]
    found = OwnFunction(name, primal.inputs, held)
    ways = programs(Recipe(primal, tuple(primal.point)))
    known = {"primal": primal.moving_program}
    for kind in ("jvp", "vjp"):
        try:
            with faults_named(function, args):
                known[kind] = traced(ways[kind], tuple(primal.point)).program
        except NoDerivative as error:
            found.without[kind] = error.reason
    for kind, program in known.items():
        for system in SYSTEMS:
            with watched(_nothing):
                found.runs[kind, system] = run(program, system, seconds)
        _compare(found, kind, program, seconds)
    _list_equations(found, list(known.values()))
    return found


def _nothing() -> None:
    """What is looked at while numbers are computed."""


def _compare(found: OwnFunction, kind: str, program: Program, seconds: float) -> None:
    found.compared[kind] = 0
    try:
        held = hold_program(kind, program, [leaf.value for leaf in program.inputs], seconds)
    except EnginesDisagree as error:
        found.disagreements.append(str(error))
    except JaxgradError as error:
        found.not_compared[kind] = str(error)
    else:
        found.compared[kind] = held.held
        if not held.held:
            found.not_compared[kind] = (
                "balls with the rounding errors of floats do not come to its end"
                if held.in_time
                else f"{seconds:.3g} CPU s are not enough"
            )


def _list_equations(found: OwnFunction, known: Sequence[Program]) -> None:
    uses: dict[str, PrimitiveUse] = {}
    rules: dict[Any, CustomRule] = {}
    for program in known:
        inside = list(equations(program.jaxpr))
        for equation in inside:
            _count(uses, equation)
        # Those of the function itself, and those that a rule calls in turn.
        calls: dict[Any, CustomRule] = {}
        for equation in inside:
            if equation.primitive.name in CUSTOM_RULES:
                _count_rule(calls, equation)
        rules = calls | rules
    for use in uses.values():
        use.systems = {system: _came_of(use.name, found, system) for system in SYSTEMS}
    found.primitives = [uses[name] for name in sorted(uses)]
    found.rules = list(rules.values())


def _count(uses: dict[str, PrimitiveUse], equation: Any) -> None:
    name, reading = equation.primitive.name, reading_of(equation)
    use = uses.setdefault(name, PrimitiveUse(name, reading))
    use.equations += 1
    if reading.kind == "none":
        use.reading = reading


def _count_rule(rules: dict[Any, CustomRule], equation: Any) -> None:
    kind = f"custom_{CUSTOM_RULES[equation.primitive.name]}"
    rule = rule_of(equation)
    key = rule_identity(equation) or (rule.name, place_of_function(equation))
    rules.setdefault(key, CustomRule(rule.name, kind, _short(rule.where))).calls += 1


def _came_of(name: str, found: OwnFunction, system: str) -> str:
    runs = [ran for (_, s), ran in found.runs.items() if s == system]
    if any(name in ran.stopped for ran in runs):
        return "stops"
    if any(name in ran.broken for ran in runs):
        return "stops within"
    return "runs" if any(name in ran.ran for ran in runs) else "not reached"


def _short(place: str) -> str:
    """A file and line, from the current folder or the one in which packages are installed."""
    file, _, line = place.rpartition(":")
    for folder in (Path.cwd(), Path(jax.__file__).parents[1]):
        if folder in Path(file).parents:
            return f"{Path(file).relative_to(folder).as_posix()}:{line}"
    return place
