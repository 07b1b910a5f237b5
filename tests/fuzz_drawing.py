"""Draws random programs, points for them, and what they are held against."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import mpmath
import numpy as np
from fuzz_exact import Real, Unknown
from fuzz_operations import OPERATIONS, Operation
from fuzz_programs import FLOATS, Input, Program, Step, as_exact, exactly
from fuzz_structure import SHAPES
from mpmath import mpf

__all__ = ["draw_point", "draw_program", "with_error", "with_rewritten_steps"]

# Enough to tell at the point of the drawing where a program is undefined, and cheap.
DRAWING_DIGITS = 40
LARGEST = 1e4
# Values that nothing depends on and that are added to the result.
MOST_JOINED = 3
INTEGERS = ("int32", "int8", "uint8")
LETTERS = {"f": FLOATS, "i": INTEGERS, "j": ("int32",), "b": ("bool",), "n": FLOATS + INTEGERS}


def draw_program(random: Random, least: int = 3, most: int = 25) -> tuple[Program, list[Any]]:
    """A program of some number of steps, and a point at which it is defined most often."""
    inputs = _inputs(random)
    point = draw_point(random, inputs)
    # Everything that is left over is converted, summed and added: some steps more.
    length = round(random.triangular(least, 0.75 * most, least))
    with mpmath.workdps(DRAWING_DIGITS):
        drawing = _Drawing(random, inputs, point)
        while len(drawing.steps) < length and drawing.patience:
            drawing.add(random.choices(NAMES, WEIGHTS)[0])
        drawing.end()
    program = Program(inputs, tuple(drawing.steps)).without_dead_steps()
    return program, point


NAMES = sorted(OPERATIONS)
WEIGHTS = [OPERATIONS[name].weight for name in NAMES]


def _inputs(random: Random) -> tuple[Input, ...]:
    shapes = [(), (3,), (2, 3)]
    made = [Input(random.choice(shapes), random.choice(("float32",) * 7 + ("float16",)))]
    for _ in range(random.choice([0, 1, 1, 2])):
        dtype = random.choice(("float32",) * 6 + ("int32", "bool"))
        made.append(Input(random.choice(shapes), dtype))
    return tuple(made)


def draw_point(random: Random, inputs: tuple[Input, ...]) -> list[Any]:
    """Full mantissas, or multiples of 1/2, at which much ties."""
    tied = random.random() < 0.3
    point = []
    for given in inputs:
        count = int(np.prod(given.shape))
        if given.dtype == "bool":
            flat: list[Any] = [random.random() < 0.5 for _ in range(count)]
        elif given.dtype in INTEGERS:
            flat = [random.randint(-3, 4) for _ in range(count)]
        elif tied:
            flat = [random.randint(-3, 4) / 2 for _ in range(count)]
        else:
            flat = [random.gauss(0, 1) for _ in range(count)]
        point.append(np.array(flat, np.dtype(given.dtype)).reshape(given.shape))
    return point


class _Drawing:
    """The values so far, at the point of the drawing."""

    def __init__(self, random: Random, inputs: tuple[Input, ...], point: list[Any]) -> None:
        self.random = random
        self.values = [as_exact(value) for value in point]
        self.dtypes = [given.dtype for given in inputs]
        self.steps: list[Step] = []
        self.patience = 400  # tries in all: some operations have no operands for long

    def add(self, name: str) -> bool:
        """Tries to add a step of this name."""
        self.patience -= 1
        operands = self._operands(OPERATIONS[name])
        return operands is not None and self._take(name, operands)

    def _take(self, name: str, operands: tuple[int, ...]) -> bool:
        made = try_step(self.random, name, operands, self.values, self.dtypes)
        if made is None:
            return False
        step, value = made
        self.steps.append(step)
        self.values.append(value)
        self.dtypes.append(step.dtype)
        return True

    def _operands(self, operation: Operation) -> tuple[int, ...] | None:
        chosen: list[int] = []
        of_letter: dict[str, str] = {}  # operands of one letter have one dtype
        for letter in operation.operands:
            allowed = (of_letter[letter],) if letter in of_letter else LETTERS.get(letter)
            places = [k for k, d in enumerate(self.dtypes) if allowed is None or d in allowed]
            if self.random.random() < 0.8:  # x - x and the like are rare
                places = [k for k in places if k not in chosen]
            if not places:
                return None
            chosen.append(self._recent(places))
            of_letter[letter] = self.dtypes[chosen[-1]]
        return tuple(chosen)

    def _recent(self, places: list[int]) -> int:
        """Most often what nothing depends on yet, so that little of a program is dead."""
        used = {k for step in self.steps for k in step.operands}
        unused = [k for k in places if k not in used]
        if unused and self.random.random() < 0.7:
            return self.random.choice(unused)
        return self.random.choice(places[-3:])

    def end(self) -> None:
        """A floating-point result, to which everything that nothing depends on is added."""
        self.patience = 400
        used = {k for step in self.steps for k in step.operands}
        unused = [k for k in range(len(self.values)) if k not in used]
        result = None
        for k in unused[-MOST_JOINED:]:
            place = self._as_number(k)
            if place is not None and result is not None:
                place = self._put("add", (result, place))
            result = result if place is None else place
        if result is None:
            result = self._put("sin", (0,))
        assert result is not None
        del self.steps[result - (len(self.values) - len(self.steps)) + 1 :]

    def _as_number(self, k: int) -> int | None:
        """A value as a floating-point scalar of one dtype, or as it is if it is such an array."""
        if self.dtypes[k] == "bool":
            return self._put("boolean to float", (k,))
        if self.dtypes[k] in INTEGERS:
            return self._put("integer to float", (k,))
        return k if self.dtypes[k] == "float32" else self._put("to float32", (k,))

    def _put(self, name: str, operands: tuple[int, ...]) -> int | None:
        """A step of these operands, and its place; what does not broadcast is summed before."""
        if not self._take(name, operands):
            if len(operands) < 2:
                return None
            summed = [self._put("sum", (k,)) if self.values[k].ndim else k for k in operands]
            if None in summed or not self._take(name, tuple(summed)):
                return None
        return len(self.values) - 1


def try_step(
    random: Random, name: str, operands: tuple[int, ...], values: list[Any], dtypes: list[str]
) -> tuple[Step, Any] | None:
    """A step and its value at the point of the drawing, if it makes sense there."""
    operation = OPERATIONS[name]
    arrays = [values[k] for k in operands]
    parameters = operation.draw(random, arrays)
    if parameters is None:
        return None
    pairs = zip(operation.operands, operands, strict=True)
    first = next((dtypes[k] for letter, k in pairs if letter not in "bj"), "bool")
    dtype = first if operation.result == "same" else operation.result.format(**parameters)
    real = Real()
    try:
        value = exactly(real, name, arrays, parameters, dtype)
    except (Unknown, ValueError, IndexError, TypeError, OverflowError):
        return None
    if value.shape not in SHAPES or _too_large(value):
        return None
    if real.undefined and random.random() > 0.1:
        return None
    step = Step(name, operands, tuple(sorted(parameters.items())), dtype, value.shape)
    return step, value


def _too_large(value: Any) -> bool:
    return any(
        isinstance(v, mpf) and bool(mpmath.isfinite(v)) and abs(v) > LARGEST
        for v in value.reshape(-1)
    )


def with_rewritten_steps(random: Random, program: Program, share: float = 0.5) -> Program:
    """The same program with some steps written in another way."""
    steps = []
    for step in program.steps:
        sources = len(OPERATIONS[step.operation].sources)
        other = None
        if sources > 1 and random.random() < share:
            other = replace(step, source=random.randrange(1, sources))
        steps.append(replace(step, other=other))
    return Program(program.inputs, tuple(steps))


def with_error(random: Random, program: Program, point: list[Any]) -> Program | None:
    """The same program with one step replaced by another operation, or other parameters."""
    if not program.steps:
        return None
    k = random.randrange(len(program.steps))
    step = program.steps[k]
    operation = OPERATIONS[step.operation]
    similar = [n for n in NAMES if OPERATIONS[n].operands == operation.operands]
    with mpmath.workdps(DRAWING_DIGITS):
        real = Real()
        values = [as_exact(value) for value in point]
        dtypes = [given.dtype for given in program.inputs]
        try:
            for before in program.steps[:k]:
                values.append(before.exact(real, [values[i] for i in before.operands]))
                dtypes.append(before.dtype)
        except Unknown:
            return None
        for _ in range(8):
            name = random.choice([*similar, step.operation])
            made = try_step(random, name, step.operands, values, dtypes)
            if made and (made[0].dtype, made[0].shape) == (step.dtype, step.shape):
                if made[0] == step or "custom" in name:
                    continue
                changed = replace(step, other=made[0])
                return replace(
                    program, steps=(*program.steps[:k], changed, *program.steps[k + 1 :])
                )
    return None
