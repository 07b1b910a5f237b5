"""What a proof over polynomials leaves out, in one sentence, and whether a point lies in it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flint import arb, fmpq_mpoly

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.function import Condition
from jaxgrad.numbers.listed import listed
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.numbers.written import pieces
from jaxgrad.programs.trace import Leaf

__all__ = ["Place", "excluded", "failing", "left_out"]

# Enough to recognise a divisor by; a longer one is told by the arguments that are in it.
_LONGEST_DESCRIPTION = 60
# Descriptions that are the same so far are taken for the same expression.
_LONGEST_KEY = 400
# Of each kind of condition, so many are written out, and so many arguments of each.
_WRITTEN_OUT = 2
_ARGUMENTS = 3


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a proof says nothing: at the zeros of a divisor, outside the domain of a function.

    Args:
        key: the beginning of what was divided by, or given to the function.
        text: all of it if it is short, else which arguments it is made of; empty of a long one
            after others, which is only counted.
    """

    key: str
    text: str = dataclasses.field(compare=False)


def excluded(ring: Ring, inputs: Sequence[Leaf]) -> dict[str, list[Place]]:
    """Where a proof says nothing: "a divisor vanishes" -> the divisors.

    A divisor that vanishes nowhere else than where something is not positive that has to be, such
    as the root of it, is not said again.

    Args:
        ring: the ring in which both sides were evaluated.
        inputs: the leaves whose names are used.
    """
    groups: dict[str, list[Place]] = {}
    positive = [
        _unnamed(ring, condition.arguments[0])
        for condition in ring.conditions
        if condition.name in _POSITIVE
    ]
    for condition in ring.conditions:
        if condition.name == "divide" and _base(ring, condition.arguments[0]) in positive:
            continue
        places = groups.setdefault(condition.domain.fails, [])
        told = sum(place.text.startswith(_LONG) for place in places)
        place = _place(ring, condition.arguments, inputs, told < _WRITTEN_OUT)
        if place not in places:
            places.append(place)
    return groups


# What has an argument that is positive wherever a proof speaks.
_POSITIVE = ("log", "sqrt")


def _base(ring: Ring, divisor: fmpq_mpoly) -> fmpq_mpoly:
    """What vanishes, or is negative, wherever a divisor vanishes: of a root its argument."""
    single = ring.single(_unnamed(ring, divisor))
    root = single is not None and single.kind == "root"
    return _unnamed(ring, single.arguments[0] if single is not None and root else divisor)


def _unnamed(ring: Ring, poly: fmpq_mpoly) -> fmpq_mpoly:
    """The polynomial itself, where a generator stands for it."""
    single = ring.single(poly)
    return single.arguments[0] if single is not None and single.kind == "named" else poly


def left_out(*parts: Mapping[str, Sequence[Place]], chooses: bool = True) -> str:
    """The end of the sentence in which one or more proofs say what they leave out; may be empty.

    Conditions count in branches that are not taken, too: x/x is the polynomial 1 and x[x = 0] is
    0, and both hold of a polynomial only where x is not 0.

    Args:
        parts: of each proof what :func:`excluded` found.
        chooses: whether the programs have branches.

    Example:
        >>> x, y, z = (Place(name, name) for name in "xyz")
        >>> left_out({"a divisor vanishes": [x, y, z]}, {"a divisor vanishes": [x]})
        ', except where a divisor vanishes (x, y and 1 more), in branches not taken too'
        >>> left_out({"a divisor vanishes": [x]}, chooses=False)
        ', except where a divisor vanishes (x)'
    """
    groups: dict[str, list[Place]] = {}
    for part in parts:
        for fails, places in part.items():
            known = groups.setdefault(fails, [])
            known += [place for place in places if place not in known]
    if not groups:
        return ""
    clauses = [f"{fails} ({_few(places)})" if places else fails for fails, places in groups.items()]
    branches = ", in branches not taken too" if chooses else ""
    return f", except where {' or '.join(clauses)}{branches}"


def _few(places: Sequence[Place]) -> str:
    """Some of them, those that are told alike together, and how many there are besides."""
    counts = Counter(place.text for place in places if place.text)
    written = list(counts.items())[:_WRITTEN_OUT]
    texts = [text if n == 1 else text.replace(_LONG, f"{n} expressions", 1) for text, n in written]
    more = len(places) - sum(n for _, n in written)
    if not any(_LONG in text for text, _ in written):
        return ", ".join(texts) + (f" and {more} more" if more > 0 else "")
    return "; ".join([*texts, f"and {more} more"] if more > 0 else texts)


def failing(ring: Ring, point: Mapping[Any, Any], bits: int) -> Condition | None:
    """A condition that is not certain to hold at a point; None if the proof applies there.

    Args:
        ring: the ring in which both sides were evaluated.
        point: the label of each input generator -> its value.
        bits: the working precision.
    """
    with precision(bits):
        valuation = Valuation(ring, point)
        for condition in ring.conditions:
            if not _holds(valuation, condition):
                return condition
    return None


def _holds(valuation: Valuation, condition: Condition) -> bool:
    try:
        values: list[arb] = [valuation(argument) for argument in condition.arguments]
    except (CannotDecide, UnsupportedPrimitive):
        return False
    return bool(condition.domain.holds(*values))


_LONG = "an expression"


def _place(
    ring: Ring, arguments: Sequence[fmpq_mpoly], inputs: Sequence[Leaf], told: bool
) -> Place:
    """Where a condition on these arguments fails; a long one has a text if it is to be told."""
    keys = [_beginning(ring, u, inputs, _LONGEST_KEY)[:_LONGEST_KEY] for u in arguments]
    key = ", ".join(keys)
    short = [len(text) <= _LONGEST_DESCRIPTION for text in keys]
    if not told and not all(short):
        return Place(key, "")
    texts = [
        text if is_short else f"{_LONG} in {_names(ring, u, inputs)}"
        for text, is_short, u in zip(keys, short, arguments, strict=True)
    ]
    return Place(key, ", ".join(texts))


def _names(ring: Ring, poly: fmpq_mpoly, inputs: Sequence[Leaf]) -> str:
    """The entries of arguments that an expression is made of; where they are many, the leaves."""
    places = sorted(_entries(ring, poly))
    names = [_entry(inputs, *place) for place in places]
    if len(names) > _ARGUMENTS:
        names = list(dict.fromkeys(inputs[leaf].path for leaf, _ in places))
    more = len(names) - _ARGUMENTS
    if more > 0:
        return f"{', '.join(names[:_ARGUMENTS])} and {more} more argument{'s' * (more > 1)}"
    return listed(names)


def _entries(ring: Ring, poly: fmpq_mpoly) -> set[tuple[int, int]]:
    """The labels of the inputs that a polynomial depends on, through what generators stand for."""
    found: set[tuple[int, int]] = set()
    seen: set[int] = set()
    waiting = list(ring.used(poly))
    while waiting:
        generator = waiting.pop()
        if generator.index in seen:
            continue
        seen.add(generator.index)
        if generator.kind == "input":
            found.add(generator.label)
        for argument in generator.arguments:
            waiting += ring.used(argument)
    return found


def _beginning(ring: Ring, poly: fmpq_mpoly, inputs: Sequence[Leaf], room: int) -> str:
    """At least so many characters of a description, or all of it.

    Generators are described by what they were made of, which doubles with every step of some
    programs: the whole of it is never written.
    """
    text, poly = "", _unnamed(ring, poly)  # which stands alone, and needs no brackets
    for piece in pieces(poly):
        if len(text) >= room:
            break
        if isinstance(piece, str):
            text += piece
            continue
        generator = ring.generators[piece]
        if generator.kind == "input":
            text += _entry(inputs, *generator.label)
            continue
        text += "(" if generator.kind == "named" else f"{generator.kind}("
        for k, argument in enumerate(generator.arguments):
            text += ", " if k else ""
            text += _beginning(ring, argument, inputs, room - len(text))
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
