"""Which number that a program computes is a wrong factor of its derivative?"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.gradients.enclosure import FLOAT_BITS
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.jaxprs import called
from jaxgrad.programs.source_lines import Line, line_of
from jaxgrad.programs.trace import Program

__all__ = ["Factors"]

MOST_NUMBERS = 5_000
# Of so many numbers, the first ones, the quotients are looked at, too.
MOST_IN_PAIRS = 300


@dataclass(frozen=True)
class _Number:
    """A number that the program computes.

    Args:
        place: which one of its arrays it is, and the index in it.
        words: what it is called.
        value: what it is at a point.
    """

    place: tuple[int, tuple[int, ...]]
    words: Callable[[], str]
    value: arb


_Named = tuple[tuple[Any, ...], Callable[[], str]]


class Factors:
    """The numbers of a program, and of JAX's derivative of it, that are the factor at all points.

    Args:
        program: the program.
        derivative: that of its derivative, if there is one.
    """

    def __init__(self, program: Program, derivative: Program | None = None) -> None:
        self._program, self._derivative = program, derivative
        self._kept: dict[Any, Callable[[], str]] | None = None

    def keep(self, ratio: arb, true: arb, inputs: list[Any], moved: Sequence[Any] = ()) -> bool:
        """Keeps those that are it at a further point, and says whether any is.

        Args:
            ratio: the factor.
            true: the right derivative; a quotient with it says nothing.
            inputs: the balls of the point.
            moved: those of the direction along which the derivative is taken.
        """
        own = [x for x in _numbers(self._program, inputs) if not _is(x.value, true)]
        found = {**dict(_single(own, ratio)), **dict(_quotients(own[:MOST_IN_PAIRS], ratio))}
        if self._derivative is not None:
            numbers = _numbers(self._derivative, [*inputs, *moved])
            numbers = [x for x in numbers if not _is(x.value, true)]
            found |= {("derivative", *key): words for key, words in _single(numbers, ratio)}
        if self._kept is not None:
            found = {key: words for key, words in self._kept.items() if key in found}
        self._kept = found
        return bool(found)

    @property
    def words(self) -> str:
        """How the derivative is multiplied by the first of them."""
        assert self._kept
        return next(iter(self._kept.values()))()


def _numbers(program: Program, inputs: list[Any]) -> list[_Number]:
    """The numbers that a program is given and computes."""
    watching = _Watching()
    watching.call(program.jaxpr, inputs)
    given = zip((leaf.path for leaf in program.inputs), inputs, strict=True)
    numbers: list[_Number] = []
    for k, (name, array) in enumerate([*given, *watching.found]):
        for index in np.ndindex(array.shape):
            value = array[index]
            if isinstance(value, arb) and value.is_finite() and not value.contains(0):
                numbers.append(_Number((k, index), functools.partial(_words, name, index), value))
            if len(numbers) == MOST_NUMBERS:
                return numbers
    return numbers


def _words(name: str | tuple[str, Line | None], index: tuple[int, ...]) -> str:
    at = f"[{', '.join(map(str, index))}]" if index else ""
    if isinstance(name, str):
        return f"{name}{at}"
    operation, line = name
    return f"`{operation}`{at}" + (f" at {line}" if line else "")


def _single(numbers: list[_Number], ratio: arb) -> Iterator[_Named]:
    """The numbers that are the ratio, or one divided by it, of either sign."""
    for number in numbers:
        for power, how in ((1, "times"), (-1, "divided by")):
            value = number.value if power == 1 else 1 / number.value
            for sign, minus in ((1, ""), (-1, "minus ")):
                if _same(ratio, sign * value):
                    key = number.place, None, power, sign
                    yield key, functools.partial(_multiplied, f"{how} {minus}", number)


def _quotients(numbers: list[_Number], ratio: arb) -> Iterator[_Named]:
    """Pairs of numbers whose quotient it is: one stands in place of the other."""
    numbers = [x for x in numbers if math.isfinite(float(x.value.mid()))]
    floats = np.array([float(number.value.mid()) for number in numbers])
    order = np.argsort(floats)
    with np.errstate(all="ignore"):  # what is beyond every float is near to none of them
        wanted = floats / float(ratio.mid())
        low, high = wanted - abs(wanted) * 1e-12, wanted + abs(wanted) * 1e-12
    for number, least, most in zip(numbers, low, high, strict=True):
        for k in order[np.searchsorted(floats[order], least) :]:
            if not floats[k] <= most:
                break
            other = numbers[k]
            if other.place != number.place and _same(ratio, number.value / other.value):
                key = number.place, other.place, 1, 1
                yield key, functools.partial(_multiplied, "times ", number, other)


def _multiplied(how: str, *numbers: _Number) -> str:
    return how + " / ".join(number.words() for number in numbers)


def _is(a: arb, b: arb) -> bool:
    """Whether two numbers are the same but for the sign, as far as is known."""
    return bool(abs(a).overlaps(abs(b)))


def _same(a: arb, b: arb) -> bool:
    return bool(a.overlaps(b)) and agreement(a, b) >= FLOAT_BITS


class _Watching(Interpreter):
    """Runs a program, and keeps what each of its operations returns.

    Args:
        found: the operation, the line that it comes of, and a result.
    """

    def __init__(self) -> None:
        super().__init__(Ball())
        self.found: list[tuple[tuple[str, Line | None], Any]] = []
        self._line: Line | None = None

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        before, own = self._line, line_of(equation)
        self._line = own or before  # within a call that of the call, where there is no other
        outputs = super().apply(equation, arguments)
        if called(equation) is None:
            name = equation.primitive.name, self._line
            self.found += [(name, array) for array in outputs if not is_concrete(array)]
        self._line = before
        return outputs
