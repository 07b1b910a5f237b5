"""Random programs: a description, its JAX source, and its value over real numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import fuzz_integers
import fuzz_reductions
import fuzz_rules
import fuzz_structure
import jax
import mpmath
import numpy as np
from fuzz_exact import Real, Unknown
from fuzz_operations import OPERATIONS
from mpmath import mpf

__all__ = ["DIGITS", "FLOATS", "Input", "Program", "Step", "evaluate", "exactly"]

# More than four times those of a float64, so that what is left after cancellation still is exact.
DIGITS = 80
FLOATS = ("float32", "float16", "bfloat16")
MODULES = (fuzz_integers, fuzz_reductions, fuzz_rules, fuzz_structure)


@dataclass(frozen=True)
class Input:
    """An argument of a program."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Step:
    """One operation on values made before.

    Args:
        operation: its name.
        operands: places among the inputs and the steps before.
        parameters: of the operation.
        dtype, shape: of the result.
        source: which of the operation's sources is written.
        other: what stands in its place in the other program, if it is not the same.
    """

    operation: str
    operands: tuple[int, ...]
    parameters: tuple[tuple[str, Any], ...]
    dtype: str
    shape: tuple[int, ...]
    source: int = 0
    other: Step | None = None

    def written(self, names: Sequence[str], rule: str) -> str:
        """The right-hand side of the line."""
        text = OPERATIONS[self.operation].sources[self.source]
        return text.format(*(names[k] for k in self.operands), rule=rule, **dict(self.parameters))

    def exact(self, real: Real, operands: Sequence[Any]) -> Any:
        """Over real numbers."""
        return exactly(real, self.operation, operands, dict(self.parameters), self.dtype)


def exactly(
    real: Real, name: str, operands: Sequence[Any], parameters: dict[str, Any], dtype: str
) -> Any:
    """An operation over real numbers; integer arithmetic is told its dtype, in which it wraps."""
    operation = OPERATIONS[name]
    if "i" in operation.operands and operation.result == "same":
        parameters = {**parameters, "dtype": dtype}
    return np.asarray(operation.exact(real, *operands, **parameters), dtype=object)


@dataclass(frozen=True)
class Program:
    """Steps over inputs; the value of the last one is the result.

    Args:
        inputs: the arguments.
        steps: in order; places 0, 1, … are the inputs, and the steps follow.
    """

    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]

    @property
    def other(self) -> Program:
        """The program that it is held against."""
        return Program(self.inputs, tuple(step.other or step for step in self.steps))

    @property
    def operations(self) -> set[str]:
        """The names of all operations."""
        return {step.operation for step in self.steps}

    @property
    def moving(self) -> tuple[int, ...]:
        """The places of the inputs that are floating point."""
        return tuple(k for k, given in enumerate(self.inputs) if given.dtype in FLOATS)

    def source(self, name: str = "f") -> str:
        """Python that defines the program."""
        names = [f"x{k}" for k in range(len(self.inputs))]
        before, lines = [], [f"def {name}({', '.join(names)}):"]
        for k, step in enumerate(self.steps):
            rule = f"{name}_rule{k}"
            preamble = OPERATIONS[step.operation].preamble
            if preamble:
                before.append(preamble.format(rule=rule, **dict(step.parameters)))
            lines.append(f"    v{k} = {step.written(names, rule)}")
            names.append(f"v{k}")
        lines.append(f"    return {names[-1]}")
        return "\n".join([*before, *lines])

    @cached_property
    def function(self) -> Any:
        """The JAX function."""
        scope: dict[str, Any] = {"jax": jax, "jnp": jax.numpy, "np": np, "lax": jax.lax}
        exec(self.source(), scope)
        return scope["f"]

    @property
    def wrong_rules(self) -> set[str]:
        """The kinds of the wrong derivative rules."""
        kinds = {str(dict(step.parameters).get("kind")) for step in self.steps}
        return {kind for kind in kinds if fuzz_rules.is_wrong(kind)}

    def without_dead_steps(self) -> Program:
        """The program with only what its result depends on; inputs stay."""
        first = len(self.inputs)
        needed = {first + len(self.steps) - 1}
        for k in reversed(range(len(self.steps))):
            if first + k in needed:
                needed.update(self.steps[k].operands)
        kept = [k for k in range(len(self.steps)) if first + k in needed]
        place = {k: k for k in range(first)} | {first + k: first + i for i, k in enumerate(kept)}
        return Program(self.inputs, tuple(_moved(self.steps[k], place) for k in kept))


def _moved(step: Step, place: dict[int, int]) -> Step:
    other = None if step.other is None else _moved(step.other, place)
    return replace(step, operands=tuple(place[k] for k in step.operands), other=other)


def as_exact(value: Any) -> Any:
    """A NumPy array as an object array of real numbers, integers or truth values."""
    value = np.asarray(value)
    kind = bool if value.dtype.kind == "b" else int if value.dtype.kind in "iu" else mpf
    if value.dtype.kind not in "biu":
        value = value.astype(np.float64)
    out = np.empty(value.shape, dtype=object)
    for index in np.ndindex(value.shape):
        out[index] = kind(value[index].item())
    return out


def evaluate(program: Program, point: Sequence[Any], digits: int = DIGITS) -> tuple[Any, Real]:
    """The result over real numbers, and what was noticed on the way.

    Args:
        program: which.
        point: arrays of floats, or object arrays of real numbers.
        digits: to compute with.

    Raises:
        Unknown: real arithmetic does not say.
    """
    real = Real()
    with mpmath.workdps(digits):
        values = [
            value if np.asarray(value).dtype.kind == "O" else as_exact(value) for value in point
        ]
        for step in program.steps:
            values.append(step.exact(real, [values[k] for k in step.operands]))
    return values[-1], real


def finite(values: Any) -> bool:
    """Whether every number is one."""
    return all(isinstance(v, (int, bool)) or bool(mpmath.isfinite(v)) for v in np.ravel(values))


__all__ += ["Unknown", "as_exact", "finite"]
