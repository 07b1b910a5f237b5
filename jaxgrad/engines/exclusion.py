"""What a proof over polynomials leaves out, in one sentence, and whether a point lies in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.ball import precision
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.domains import Condition
from jaxgrad.numbers.field import Field, Poly
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.program import Leaf

__all__ = ["excluded", "failing", "left_out"]

# Enough to recognise a divisor by; the whole of a long one helps nobody.
_LONGEST_DESCRIPTION = 60
# Of each kind of condition, so many are written out.
_WRITTEN_OUT = 2


def excluded(field: Field, inputs: Sequence[Leaf]) -> dict[str, list[str]]:
    """Where a proof says nothing: "a divisor vanishes" -> the divisors.

    Args:
        field: the ring in which both sides were evaluated.
        inputs: the leaves whose names are used.
    """
    groups: dict[str, list[str]] = {}
    for condition in field.conditions:
        text = ", ".join(_describe(field, u, inputs) for u in condition.arguments)
        names = groups.setdefault(condition.domain.fails, [])
        if text not in names:
            names.append(text)
    return groups


def left_out(*parts: Mapping[str, Sequence[str]]) -> str:
    """The end of the sentence in which one or more proofs say what they leave out; may be empty.

    Conditions count in branches that are not taken, too: x/x is the polynomial 1 and x[x = 0] is
    0, and both hold of a polynomial only where x is not 0.

    Args:
        parts: of each proof what :func:`excluded` found.

    Example:
        >>> left_out({"a divisor vanishes": ["x", "y", "z"]}, {"a divisor vanishes": ["x"]})
        ', except where a divisor vanishes (x, y and 1 more), in branches not taken too'
    """
    groups: dict[str, list[str]] = {}
    for part in parts:
        for fails, names in part.items():
            known = groups.setdefault(fails, [])
            known += [name for name in names if name not in known]
    if not groups:
        return ""
    clauses = [f"{fails} ({_few(names)})" for fails, names in groups.items()]
    return f", except where {' or '.join(clauses)}, in branches not taken too"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _WRITTEN_OUT
    return ", ".join(names[:_WRITTEN_OUT]) + (f" and {more} more" if more > 0 else "")


def failing(field: Field, point: Mapping[Any, Any], bits: int) -> Condition | None:
    """A condition that is not certain to hold at a point; None if the proof applies there.

    Args:
        field: the ring in which both sides were evaluated.
        point: the label of each input generator -> its value.
        bits: the working precision.
    """
    with precision(bits):
        valuation = Valuation(field, point)
        for condition in field.conditions:
            if not _holds(valuation, condition):
                return condition
    return None


def _holds(valuation: Valuation, condition: Condition) -> bool:
    try:
        values: list[arb] = [valuation(argument) for argument in condition.arguments]
    except (CannotDecide, UnsupportedPrimitive):
        return False
    return bool(condition.domain.holds(*values))


def _describe(field: Field, poly: Poly, inputs: Sequence[Leaf]) -> str:
    """A polynomial in the names of the inputs, cut short if it is long."""
    text = _beginning(field, poly, inputs, _LONGEST_DESCRIPTION + 1)
    short = len(text) <= _LONGEST_DESCRIPTION
    return text if short else text[: _LONGEST_DESCRIPTION - 1] + "…"


def _beginning(field: Field, poly: Poly, inputs: Sequence[Leaf], room: int) -> str:
    """At least so many characters of a description, or all of it.

    Generators are described by what they were made of, which doubles with every step of some
    programs: the whole of it is never written.
    """
    text = ""
    for piece in re.split(r"(g\d+)", str(poly)):
        if len(text) >= room:
            break
        if not re.fullmatch(r"g\d+", piece):
            text += piece
            continue
        generator = field.generators[int(piece[1:])]
        if generator.kind == "input":
            text += _entry(inputs, *generator.label)
            continue
        text += "(" if generator.kind == "named" else f"{generator.kind}("
        for k, argument in enumerate(generator.arguments):
            text += ", " if k else ""
            text += _beginning(field, argument, inputs, room - len(text))
        text += ")"
    return text


def _entry(inputs: Sequence[Leaf], leaf: int, entry: int) -> str:
    index = _unravel(entry, inputs[leaf].shape)
    return inputs[leaf].path + (str(index) if index else "")


def _unravel(entry: int, shape: tuple[int, ...]) -> list[int]:
    """The place in an array of the entry with this number."""
    index = []
    for size in reversed(shape):
        entry, place = divmod(entry, size)
        index.append(place)
    return index[::-1]
