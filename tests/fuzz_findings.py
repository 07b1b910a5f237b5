"""A case of a random program, what is found of it, and when two numbers are apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from fuzz_derivatives import Quotients, along
from fuzz_programs import DIGITS, Program
from mpmath import mpf

__all__ = [
    "EQUAL",
    "EQUAL_QUOTIENTS",
    "Case",
    "Finding",
    "any_apart",
    "arguments_in",
    "differ",
    "gradient_of",
    "short",
    "shown",
    "smooth_gradient",
]

# Real arithmetic has 80 digits, of which cancellation in a program of 25 steps takes a part; a
# difference that matters shows in the first few.
EQUAL = mpf(10) ** -40
# Quotients are good to 25 digits where second derivatives are below 10^20.
EQUAL_QUOTIENTS = mpf(10) ** -18


@dataclass(frozen=True)
class Finding:
    """Something that contradicts real arithmetic, or ended as nothing may.

    Args:
        kind: one or two words, by which shrinking knows that it is still the same.
        text: what was said and what is true.
    """

    kind: str
    text: str


@dataclass
class Case:
    """A program, what it is held against, and where.

    Args:
        program: with its other self in its steps.
        point: the arguments.
        same: whether the other program is the same function.
        random: a seed for what checks draw.
        special: whether special points are looked at.
        modes: of differentiation.
        order: the highest derivative that is checked.
        counts: what came of the checks.
    """

    program: Program
    point: list[Any]
    same: bool
    seed: int = 0
    special: bool = False
    modes: tuple[str, ...] = ("fwd", "rev")
    order: int = 1
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def differentiable_in_reverse(self) -> bool:
        """JAX has no reverse mode of a while loop, nor of a product at places that may repeat."""
        return not any(
            step.operation == "while" or ("how", "multiply") in step.parameters
            for program in (self.program, self.program.other)
            for step in program.steps
        )


def gradient_of(program: Program) -> Callable[..., Any]:
    function = program.function

    def total(*args: Any) -> Any:
        return jnp.sum(function(*args))

    return jax.grad(total, program.moving)


def _apart(x: Any, y: Any, allowed: Any) -> bool:
    """Whether two numbers differ by more than is allowed; NaN is equal to NaN alone."""
    if mpmath.isnan(x) or mpmath.isnan(y):
        return bool(mpmath.isnan(x) != mpmath.isnan(y))
    return bool(abs(x - y) > allowed * max(1, abs(x)))


def any_apart(x: Any, y: Any, allowed: Any, digits: int = DIGITS) -> bool:
    pairs = zip(np.ravel(x), np.ravel(y), strict=True)
    with mpmath.workdps(digits):
        return any(_apart(a, b, allowed) for a, b in pairs)


def smooth_gradient(quotients: Quotients) -> dict[tuple[int, tuple[int, ...]], Any]:
    """The derivatives by entries, where nothing ties and both sides agree."""
    if quotients.doubtful:
        return {}
    truth = {}
    program = quotients.program
    for place in program.moving:
        for index in np.ndindex(program.inputs[place].shape):
            derivative = quotients.smooth(along(program, place, index))
            if derivative is not None:
                truth[place, index] = derivative
    return truth


def differ(pair: tuple[dict[Any, Any], dict[Any, Any]], allowed: Any) -> bool:
    left, right = pair
    both = left.keys() & right.keys()
    return any_apart([left[k] for k in both], [right[k] for k in both], allowed)


def shown(pair: Any) -> str:
    left, right = pair
    both = sorted(left.keys() & right.keys())
    texts = (mpmath.nstr([side[k] for k in both], 15) for side in (left, right))
    return " and ".join(texts)


def arguments_in(code: str) -> list[Any]:
    """The arguments that the counterexample sets."""
    scope: dict[str, Any] = {"np": np, "jnp": jnp, "jax": jax}
    line = next(line for line in code.splitlines() if line.startswith("args = "))
    exec(line, scope)
    return [np.asarray(value) for value in scope["args"]]


def short(reason: str) -> str:
    """A reason without its numbers and names."""
    return re.sub(r"[-\d.e+]{3,}|\[.*?\]", "…", reason.splitlines()[0])[:70]
