"""A random case for each seed, and the smallest case that still shows the same finding."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from fuzz_checks import CHECKS, Case, Finding
from fuzz_drawing import draw_program, with_error, with_rewritten_steps
from fuzz_programs import Program, Step

__all__ = ["as_code", "case_of", "findings_of", "shrunk"]

# Balls of the values cost milliseconds and are held against every program; besides, one of these is
# made, which takes a tenth of a second and more: this often, of 1.
SHARES = {
    "balls_hold_derivatives": 0.33,
    "values_compare": 0.37,
    "gradients_compare": 0.12,
    "rules_are_judged": 0.18,
}
SPECIAL = 0.1
SECOND_ORDER = 0.1
SHRINKING_SECONDS = 60


def case_of(seed: int, most: int = 25) -> tuple[Case, list[str]]:
    """The case of a seed, of so many steps at most, and the checks that are made of it."""
    random = Random(seed)
    program, point = draw_program(random, most=most)
    changed = with_error(random, program, point) if random.random() < 0.5 else None
    both = changed or with_rewritten_steps(random, program)
    modes = random.choice([("fwd", "rev"), ("fwd",), ("rev",)])
    special = random.random() < SPECIAL
    order = 2 if random.random() < SECOND_ORDER else 1
    case = Case(both, point, changed is None, seed, special, modes, order)
    (check,) = random.choices(list(SHARES), list(SHARES.values()))
    return case, ["balls_hold_values", check]


def findings_of(case: Case, names: list[str]) -> list[tuple[str, Finding]]:
    """(check, finding) for everything that is found."""
    return [(name, finding) for name in names for finding in CHECKS[name](case)]


def shrunk(case: Case, name: str, finding: Finding) -> tuple[Case, Finding]:
    """The case with as few steps as still show a finding of this kind."""
    until = time.process_time() + SHRINKING_SECONDS
    smaller = True
    while smaller:
        smaller = False
        for program in _smaller(case.program):
            if time.process_time() > until:
                return case, finding
            tried = replace(case, program=program)
            again = [f for f in CHECKS[name](tried) if f.kind == finding.kind]
            if again:
                case, finding, smaller = tried, again[0], True
                break
    return case, finding


def _smaller(program: Program) -> Iterator[Program]:
    """The program that ends earlier, and the one without each step."""
    first, steps = len(program.inputs), program.steps
    for k in range(len(steps) - 1):
        if steps[k].dtype == "float32":
            yield replace(program, steps=steps[: k + 1]).without_dead_steps()
    types = [(given.shape, given.dtype) for given in program.inputs]
    types += [(step.shape, step.dtype) for step in steps]
    for k in reversed(range(len(steps))):
        if steps[k].other is not None:
            plain = replace(steps[k], other=None)
            yield replace(program, steps=(*steps[:k], plain, *steps[k + 1 :]))
        here = first + k
        for instead in reversed(range(here)):
            if types[instead] == types[here] and k < len(steps) - 1:
                later = tuple(_renamed(step, here, instead) for step in steps[k + 1 :])
                kept = replace(program, steps=(*steps[:k], steps[k], *later))
                yield kept.without_dead_steps()
                break


def _renamed(step: Step, old: int, new: int) -> Step:
    operands = tuple(new if k == old else k for k in step.operands)
    other = None if step.other is None else _renamed(step.other, old, new)
    return replace(step, operands=operands, other=other)


def as_code(case: Case) -> str:
    """Python that can be pasted: both programs and the point."""
    point = ", ".join(
        f"np.array({value.tolist()!r}, np.{value.dtype})" if value.dtype != "bfloat16"
        else f"jnp.array({value.tolist()!r}, jnp.bfloat16)"
        for value in case.point
    )  # fmt: skip
    return "\n".join(
        [
            "import numpy as np, jax, jax.numpy as jnp, jaxgrad; from jax import lax",
            case.program.source("f"),
            case.program.other.source("g"),
            f"args = ({point},)",
            f"# modes {case.modes}, order {case.order}, special points {case.special}",
            f"# seed {case.seed}",
        ]
    )
