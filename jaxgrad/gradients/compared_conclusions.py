"""What is concluded of two gradients: a comparison for each way in which one can end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.gradients import counterexample, enclosure
from jaxgrad.gradients.compared_floats import undecided
from jaxgrad.gradients.compared_likeness import likeness
from jaxgrad.gradients.domain import elsewhere
from jaxgrad.gradients.exclusion import left_out
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.identity import Identity, equal_off_ties
from jaxgrad.gradients.not_finite_origin import origin
from jaxgrad.gradients.outcome import Comparison, LeafResult
from jaxgrad.gradients.points_of_compare import Points
from jaxgrad.gradients.rules.linear_programs import rounds_to_fewer_bits
from jaxgrad.gradients.trusts import BALLS, POLYNOMIALS, RESIDUES, said_by_others, up_to
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.held import held_in_words
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["agrees", "proved", "refuted", "unsettled"]


def proved(hand: Side, auto: Side, algebra: Identity) -> Comparison:
    """The comparison that polynomials prove, or that residues make probable."""
    what, engine, error = "polynomial", POLYNOMIALS, ""
    if algebra.log_error is not None:
        what, engine, error = "function", RESIDUES, up_to(algebra.log_error)
    where = left_out(algebra.excluded, chooses=algebra.chooses)
    text = f"the same {what} for every real input {_scope(hand)}{where}{error}"
    text += _rounded(hand, auto)
    verdict = algebra.verdict
    leaves = tuple(LeafResult(x.path, x.shape, verdict) for x in hand.outputs)
    trusts = (*engine, *_said_by_others(hand, auto))
    evidence = Evidence(verdict, "identity", text, trusts=trusts)
    return Comparison(verdict, leaves, evidence, (hand, auto))


def _rounded(*sides: Side) -> str:
    """What is said of casts and the like: a formula has no roundings, and floats have these."""
    named = [x.name for x in sides if x.program and rounds_to_fewer_bits(x.program.jaxpr)]
    if not named:
        return ""
    return f"; roundings to fewer bits in {listed(named)} are read as the identity"


def _scope(side: Side) -> str:
    moving = [leaf for leaf in side.inputs if leaf.differentiable]
    shapes = ", ".join(f"{leaf.path}{list(leaf.shape)}" for leaf in moving[:3])
    more = ", …" if len(moving) > 3 else ""
    return f"of these shapes ({shapes}{more}){held_in_words(side.named_held)}"


def refuted(
    hand: Side,
    auto: Side,
    args: Sequence[Any],
    meeting: enclosure.Meeting,
    points: Points,
    name: str = "",
) -> Comparison:
    """The comparison that a point refutes.

    Args:
        hand, auto: the sides.
        args: the arguments.
        meeting: how they lie at the point.
        points: those that the comparison looks at by itself.
        name: which one it is, if it is none of these.
    """
    leaves, first = [], None
    for k, (output, apart) in enumerate(zip(hand.outputs, meeting.apart, strict=True)):
        shown = apart if meeting.hidden is None else apart & ~meeting.hidden[k]
        if not shown.any():
            leaves.append(_hidden(output, meeting.bits[k][apart]))
            continue
        index = tuple(int(i) for i in np.argwhere(shown)[0])
        left, right = _decimals(meeting, k, index)
        leaf = LeafResult(output.path, output.shape, Verdict.REFUTED, None, index, left, right)
        leaves.append(leaf)
        first = first if first is not None else (k, leaf)
    assert first is not None
    code = counterexample.write(hand, args, meeting.values, first[0], first[1].index or ())
    count = sum(int(apart.sum()) for apart in meeting.apart)
    total = sum(apart.size for apart in meeting.apart)
    text = f"the enclosures of {count} of {total} entries are disjoint"
    if name:
        text += f" at {name}"
    elif any(meeting.values is point for point in points.drawn):
        text += f" at a point drawn by compare{elsewhere()}"
    elif meeting.values is not points.given:
        text += f" at a point where the sides differ more than rounding hides{elsewhere()}"
    others = [points.given, *points.drawn]
    text += likeness(hand, auto, meeting, others, first[0], first[1].index or ())
    text += f"\n  {first[1]}"
    evidence = Evidence(Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=BALLS)
    return Comparison(Verdict.REFUTED, tuple(leaves), evidence, (hand, auto))


def _hidden(output: Leaf, bits: np.ndarray) -> LeafResult:
    """The result of a leaf in which rounding hides every difference, if there is any."""
    least = int(bits.min()) if bits.size else None
    verdict = Verdict.AGREES if least is None or least >= SOME_BITS else Verdict.UNDECIDED
    return LeafResult(output.path, output.shape, verdict, least)


def agrees(
    hand: Side,
    auto: Side,
    meetings: list[enclosure.Meeting],
    points: Points,
    algebra: Identity,
    hidden: str,
) -> Comparison:
    """The comparison of sides that no point tells apart.

    Args:
        hand, auto: the sides.
        meetings: how they lie at each point, the given one first.
        points: the points.
        algebra: why that is no proof.
        hidden: what is said of a difference that rounding hides.
    """
    if meetings[0].unseen:
        return undecided(hand, auto, unsettled(hand, auto, meetings[0]))
    settled = [meeting for meeting in meetings if not meeting.unseen]
    leaves = []
    for k, output in enumerate(hand.outputs):
        proved = algebra.proves(k)
        bits = None if proved else _bits(settled, k)
        verdict = Verdict.PROVED if proved else Verdict.AGREES
        leaves.append(LeafResult(output.path, output.shape, verdict, bits))
    least = min(leaf.bits for leaf in leaves if leaf.bits is not None)
    why = algebra.reason or "their polynomials are not shown equal"
    off_ties = algebra.off_ties if algebra.reason is None else None
    if off_ties is not None and all(bool(leaf.all()) for leaf in off_ties):
        why = "the same polynomial wherever no comparison ties; at ties they may differ"
    elif algebra.reason is not None and algebra.ties:
        why += _off_ties(hand, auto)
    where = points.in_words or f"at {len(settled)} points"
    text = f"{where}, to {least} bits at least ({why}){hidden}{_rounded(hand, auto)}"
    trusts = (*BALLS, *_said_by_others(hand, auto))
    evidence = Evidence(Verdict.AGREES, "sampling", text, trusts=trusts)
    return Comparison(Verdict.AGREES, tuple(leaves), evidence, (hand, auto))


def _off_ties(hand: Side, auto: Side) -> str:
    """What residues add, where polynomials stop, of the points at which no comparison ties."""
    error = equal_off_ties(hand, auto)
    if error is None:
        return ""
    where = f"wherever no comparison ties{up_to(error)}"
    return f"; the same function {where}; at ties they may differ"


def unsettled(hand: Side, auto: Side, meeting: enclosure.Meeting, point: str = "") -> str:
    """Why an entry neither differs nor agrees at a point.

    Args:
        hand, auto: the sides.
        meeting: how they lie there.
        point: its name, if it is not the given one.
    """
    k, index = meeting.unseen[0]
    name = f"gradient{hand.outputs[k].path}{list(index) if index else ''}"
    left, right = meeting.hand[k][index], meeting.auto[k][index]
    if _is_no_number(left) and _is_no_number(right):
        where = point or "the given point"
        return f"neither side has a real value of {name} at {where}" + _why(
            (hand, auto), meeting.values, k, index
        )
    name += f" at {point}" if point else ""
    why = f"{meeting.working} bits of precision do not settle {name}"
    if meeting.hidden is not None and not left.overlaps(right):
        why = f"rounding in either compiled side could hide how far apart they are in {name}"
    return f"{why}: the enclosures are {_told(left)} and {_told(right)}"


def _is_no_number(element: Any) -> bool:
    return isinstance(element, arb) and not element.is_finite()


def _why(sides: Sequence[Side], values: Sequence[Any], leaf: int, index: tuple[int, ...]) -> str:
    """Which operation has none, of the first side of which that is seen."""
    programs = [side.program for side in sides if side.program is not None]
    said = (origin(program, values, leaf, index, finite=False) for program in programs)
    return next(filter(None, said), "")


def _decimals(meeting: enclosure.Meeting, leaf: int, index: tuple[int, ...]) -> tuple[str, str]:
    """Both enclosures, with enough digits to see that they differ."""
    left, right = meeting.hand[leaf][index], meeting.auto[leaf][index]
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left), str(right)
    digits = 6
    while digits < 60 and left.str(digits, radius=False) == right.str(digits, radius=False):
        digits += 6
    return left.str(digits), right.str(digits)


def _said_by_others(*sides: Side) -> tuple[str, ...]:
    return said_by_others(*(side.program.jaxpr for side in sides if side.program is not None))


def _told(element: Any) -> str:
    return "an open comparison" if element is UNKNOWN else str(element)


def _bits(meetings: list[enclosure.Meeting], leaf: int) -> int:
    least = [m.working for m in meetings]
    for meeting in meetings:
        best = np.maximum(meeting.bits[leaf], meeting.absolute[leaf])
        least += [int(b) for b in best.reshape(-1) if np.isfinite(b)]
    return min(least)
