"""check_grads() of random programs, held against difference quotients."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from fuzz_derivatives import Quotients
from fuzz_drawing import draw_point
from fuzz_findings import (
    EQUAL,
    EQUAL_QUOTIENTS,
    Case,
    Finding,
    any_apart,
    arguments_in,
    differ,
    short,
    shown,
    smooth_gradient,
)
from fuzz_programs import Program, Step, Unknown
from mpmath import mpf

import jaxgrad
from jaxgrad.errors import GradientMismatch, UndecidedError
from jaxgrad.gradients.rules import code

__all__ = ["rules_are_judged", "steps_and_weights_told"]

# Floats of a message have 12 digits, directions in it are rounded to float32.
EQUAL_DECIMALS = mpf(10) ** -5
_SAID = re.compile(r"is (\S+|\[.*?\]) by the rules and (.*) in truth")


@contextlib.contextmanager
def steps_and_weights_told() -> Iterator[None]:
    """Lets every refutation tell its steps and weights, which the short code leaves out."""
    with mock.patch.object(code, "direct_lines", return_value=None):
        yield


def rules_are_judged(case: Case) -> list[Finding]:
    """check_grads() passes right rules, and refutes a wrong one for what it is."""
    program = case.program
    wrong = "wrong" if program.wrong_rules else "right"
    try:
        with steps_and_weights_told():
            check = jaxgrad.check_grads(
                program.function, case.point, order=case.order, modes=case.modes,
                special_points=None if case.special else False,
                # Of a wrong rule the formula counts, whatever rounding would hide of it.
                exact=bool(program.wrong_rules),
            )  # fmt: skip
    except UndecidedError as error:
        case.counts[f"check_grads: UNDECIDED {wrong}"] += 1
        case.counts[f"why: {short(str(error))}"] += 1
        return []
    except GradientMismatch as error:
        case.counts[f"check_grads: REFUTED {wrong}"] += 1
        return _refutation_holds(case, str(error))
    case.counts[f"check_grads: {check.verdict} {wrong}"] += 1
    return _passes_rightly(case, check)


def _passes_rightly(case: Case, check: Any) -> list[Finding]:
    program = case.program
    if not program.wrong_rules:
        return []
    # A rule that is not linear has no derivative; where it matters, one of the wrong sign does.
    said_of = _of_wrong_sign(program)
    try:
        truth = Quotients(program, case.point)
        said = Quotients(said_of, case.point, by_rules=True)
        pair = (smooth_gradient(truth), smooth_gradient(said))
    except Unknown:
        return []
    if not said.doubtful and any_apart(truth.value, said.value, EQUAL):
        text = f"{check}\n{said.value} by the rules"
        return [Finding(f"wrong {check.verdict} of a value", text)]
    if differ(pair, EQUAL_QUOTIENTS):
        text = f"{check}\n{shown(pair)} in truth and by the rules"
        return [Finding(f"wrong {check.verdict} of rules", text)]
    if str(check.verdict) == "PROVED":
        case.counts["check_grads: PROVED of wrong rules that are right at the point"] += 1
        if program.wrong_rules - {"at 1 argument", "on an interval"} and _alive(case):
            return [Finding("wrong PROVED of rules", str(check))]
    return []


def _of_wrong_sign(program: Program) -> Program:
    def changed(step: Step) -> Step:
        parameters = dict(step.parameters)
        if parameters.get("kind") != "not linear":
            return step
        return replace(step, parameters=tuple(sorted({**parameters, "kind": "sign"}.items())))

    return replace(program, steps=tuple(changed(step) for step in program.steps))


def _alive(case: Case) -> bool:
    """Whether the derivatives by the rules differ from the true ones at some drawn point."""
    random = Random(case.seed)
    for _ in range(4):
        point = draw_point(random, case.program.inputs)
        try:
            said = Quotients(_of_wrong_sign(case.program), point, by_rules=True)
            pair = (smooth_gradient(Quotients(case.program, point)), smooth_gradient(said))
        except Unknown:
            continue
        if differ(pair, EQUAL_QUOTIENTS):
            return True
    return False


def _refutation_holds(case: Case, message: str) -> list[Finding]:
    said = _SAID.search(message)
    planted = bool(case.program.wrong_rules)
    several = case.order > 1 or "under vmap" in message
    if said is None or "zip(steps" not in message or several or "# `f` is `" in message:
        case.counts[f"check_grads: REFUTED otherwise, {'planted' if planted else 'right'}"] += 1
        of_ties = case.order > 1 and "under vmap" not in message and _ties(case, message)
        if planted or "compiled they do not compute" in message or of_ties:
            return []
        return [Finding("REFUTED otherwise", message)]
    scope: dict[str, Any] = {"np": np, "jnp": jnp, "jax": jax}
    point = arguments_in(message)
    directions = eval(_line(message, "zip(steps, [").removesuffix("]):"), scope)
    weights = eval(_line(message, "weights = "), scope)
    direction = [directions.get(k) for k in range(len(point))]
    try:
        quotients = Quotients(case.program, point)
        sides = quotients.sides(direction, weights[0])
        if "the value of" in said.group(0) or "the value of" in message.split(said.group(0))[0]:
            weighed = np.sum(quotients.value * np.asarray(weights[0], float))
            sides = (weighed, weighed)
    except Unknown:
        sides = None
    if sides is None:
        case.counts["check_grads: REFUTED, not known"] += 1
        return []
    value = _decimal(said.group(1))
    low, high = min(sides), max(sides)
    slack = EQUAL_DECIMALS * (1 + max(abs(low), abs(high)))
    if (
        value is not None
        and low - slack < value < high + slack
        and slack_is_fair(said.group(0), low, high)
    ):
        truth = f"{mpmath.nstr(low, 15)} and {mpmath.nstr(high, 15)}"
        return [Finding("wrong REFUTED of rules", f"{message}\n{truth} on its sides in truth")]
    if not planted:
        at = "tie" if quotients.doubtful else "no tie"
        case.counts[
            f"check_grads: REFUTED rightly, JAX is wrong at {at}: {said.group(0)[:60]}"
        ] += 1
    return []


def _ties(case: Case, message: str) -> bool:
    """Whether something ties at the point of a message, where JAX may well be wrong."""
    point = arguments_in(message) if "\nargs = " in message else case.point
    try:
        return Quotients(case.program, point).doubtful
    except Unknown:
        return True


def slack_is_fair(sentence: str, low: Any, high: Any) -> bool:
    """Whether what the rules are said to give is as near to the truth as the truth that is told.

    Two numbers that differ by less than a message's directions are rounded are told apart by that.
    """
    without_radii = re.sub(r"\+/- [^\]]*", "", sentence)
    numbers = [mpf(n) for n in re.findall(r"-?\d+\.\d+(?:e[-+]\d+)?", without_radii)]
    if len(numbers) != 2:
        return True
    by_rules, told = (max(low - x, x - high, mpf(0)) for x in numbers)
    return by_rules <= told


def _line(message: str, start: str) -> str:
    line = next(line for line in message.splitlines() if start in line)
    return line.split(start, 1)[1].strip()


def _decimal(text: str) -> Any:
    found = re.search(r"-?\d+\.?\d*(?:e[-+]\d+)?", text)
    return mpf(found.group(0)) if found else None
