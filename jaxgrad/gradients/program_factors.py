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
        line: the line that it comes of, if there is one.
    """

    place: tuple[int, tuple[int, ...]]
    words: Callable[[], str]
    value: arb
    line: Line | None = None


_Named = tuple[tuple[Any, ...], Callable[[], str]]


class Factors:
    """The numbers of a program, and of derivatives of it, that are the factor at all points.

    Args:
        program: the program.
        rules: that of its derivative by the caller's rules, if that may be looked at.
        derivative: that of JAX's own derivative, if there is one.
    """

    def __init__(
        self, program: Program, rules: Program | None = None, derivative: Program | None = None
    ) -> None:
        self._program, self._rules, self._derivative = program, rules, derivative
        self._kept: dict[Any, Callable[[], str]] | None = None

    def keep(
        self,
        ratio: arb,
        true: arb,
        inputs: list[Any],
        mapped: Sequence[Any] = (),
        moved: Sequence[Any] = (),
    ) -> bool:
        """Keeps those that are it at a further point, and says whether any is.

        Args:
            ratio: the factor.
            true: the right derivative; a quotient with it says nothing.
            inputs: the balls of the point.
            mapped: those of what the rules map, tangents or cotangents.
            moved: those of the direction along which the derivative is taken.
        """
        own = self._told(self._program, true, inputs)
        rules = self._told(self._rules, true, [*inputs, *mapped])
        # What is computed in a rule may have no line but that of its call, which says nothing; and
        # of a derivative that is 1 what the rule gives is no factor.
        rules = [x for x in rules if x.line is not None and not x.line.calls_rule]
        rules = [x for x in rules if not _is(x.value, ratio * true)]
        jaxs = self._told(self._derivative, true, [*inputs, *moved], "in JAX's derivative of")
        found = {
            **dict(_single(own, ratio)),
            **{("rules", *key): words for key, words in _single(rules, ratio)},
            **dict(_quotients(own[:MOST_IN_PAIRS], ratio)),
            **{("derivative", *key): words for key, words in _single(jaxs, ratio)},
        }
        if self._kept is not None:
            found = {key: words for key, words in self._kept.items() if key in found}
        self._kept = found
        return bool(found)

    @staticmethod
    def _told(
        program: Program | None, true: arb, inputs: list[Any], where: str = "at"
    ) -> list[_Number]:
        """The numbers of a program but the right derivative; none where there is no program."""
        numbers = [] if program is None else _numbers(program, inputs, where)
        return [x for x in numbers if not _is(x.value, true)]

    @property
    def words(self) -> str:
        """How the derivative is multiplied by the first of them."""
        assert self._kept
        return next(iter(self._kept.values()))()


def _numbers(program: Program, inputs: list[Any], where: str) -> list[_Number]:
    """The numbers that a program is given and computes, each with where its line is."""
    watching = _Watching()
    watching.call(program.jaxpr, inputs)
    given = zip((leaf.path for leaf in program.inputs), inputs, strict=True)
    numbers: list[_Number] = []
    for k, (name, array) in enumerate([*given, *watching.found]):
        for index in np.ndindex(array.shape):
            value = array[index]
            if isinstance(value, arb) and value.is_finite() and not value.contains(0):
                words = functools.partial(_words, name, index, where)
                line = None if isinstance(name, str) else name[1]
                numbers.append(_Number((k, index), words, value, line))
            if len(numbers) == MOST_NUMBERS:
                return numbers
    return numbers


def _words(name: str | tuple[str, Line | None], index: tuple[int, ...], where: str) -> str:
    at = f"[{', '.join(map(str, index))}]" if index else ""
    if isinstance(name, str):
        return f"{name}{at}"
    operation, line = name
    return f"`{operation}`{at}" + (f" {where} {line}" if line else "")


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
