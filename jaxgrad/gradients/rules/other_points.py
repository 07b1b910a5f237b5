"""The points that nobody asked for: special ones of the program, and one with every bit."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from dataclasses import replace
from functools import cached_property

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.outcome import GradientCheck, RuleResult
from jaxgrad.gradients.rules.at_point import FEW_OUTPUTS, AtPoint
from jaxgrad.gradients.rules.border_words import notes_of_borders
from jaxgrad.gradients.rules.causes import cause
from jaxgrad.gradients.rules.conclusions import Judged, first_wrong, wrong_at, wrong_floats_at
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import entry_count
from jaxgrad.gradients.rules.given_steps import jump_at
from jaxgrad.gradients.rules.known import Known
from jaxgrad.gradients.rules.linear_programs import is_analytic, rounds_to_fewer_bits
from jaxgrad.gradients.rules.linearity import LinearChecks
from jaxgrad.gradients.rules.meant import loops_are_meant
from jaxgrad.gradients.rules.nearest_drawn import as_far_as_it_goes, nearest_drawn
from jaxgrad.gradients.rules.not_finite import overflow
from jaxgrad.gradients.rules.overflows import Overflows
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.seen_wrong import or_seen_wrong
from jaxgrad.gradients.rules.several_points import by_entries, in_sums, known_at
from jaxgrad.gradients.special_points.drawn_points import (
    sized_points,
)
from jaxgrad.gradients.special_points.pursuit import pursue
from jaxgrad.gradients.special_points.search import SpecialPoint, points_in_words, special_points
from jaxgrad.gradients.special_points.usual_points import FEW
from jaxgrad.numbers.clock import GRACE, grace, in_grace
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.trace import Program
from jaxgrad.verdict import Verdict

__all__ = ["OtherPoints"]

# Operations spent at special points, at about 20 μs each in all modes: half a second.
SPECIAL_BUDGET = 20_000
MOST_SPECIAL_POINTS = 40
# Of JAX's own derivatives, and how many of one kind of the usual ones before the next kind.
MOST_OF_JAXS, FEW_OF_JAXS = 26, 2
# Points are looked at together where so many of them, one by one, would take no more seconds: what
# is wrong at the first ends the search.
MOST_TOGETHER, SECONDS_TOGETHER = 16, 0.5


class OtherPoints:
    """The points that are looked at besides the given one, and what is seen there.

    Args:
        rules: the derivative programs.
        asked: whether any are looked at.
        floats: whether those rules count, too, that are right as formulas and no numbers in floats.
        affordable: whether there is time for one as large as the given one, of a large program.
    """

    def __init__(
        self,
        rules: DerivativePrograms,
        asked: bool,
        floats: bool = False,
        affordable: bool = False,
    ) -> None:
        self.rules = rules
        self.asked = asked
        self._affordable = affordable
        self._asks_floats = floats
        self._looks_at_floats = False
        self.seen: list[SpecialPoint] = []
        self._reached = 0
        # Where formulas differ by what rounding hides: to how many bits they agree, and the point.
        self._least: tuple[float, list[np.ndarray], str] | None = None
        self._pursued = 0
        # What is known of points that were looked at together, by their places, and how long the
        # last one took.
        self._known: dict[int, Known] = {}
        self._seconds = 0.0
        self._asks_entries = False  # at one of them at least
        # Why nothing is decided at points, and at how many.
        self._open: Counter[str] = Counter()
        self._bits_given: int | None = None
        self._at_borders: list[tuple[SpecialPoint, AtPoint]] = []
        # Where f does not jump, the drawn one if it may be: at 0, say, much is the same.
        self.smooth: AtPoint | None = None

    def wrong(self, leaves: tuple[RuleResult, ...], checks: LinearChecks) -> GradientCheck | None:
        """The check where something is wrong at one of them."""
        for place, point in enumerate(self.points):
            self._find_several(place)
            start = time.process_time()
            wrong, bits = self._looked_at(point, leaves, checks, self._known.pop(place, None))
            self._seconds = time.process_time() - start
            self._reached += 1
            if wrong is not None:
                return wrong
            self._note_hidden(bits, point)
        return self._overflowing(leaves) if self._asks_floats else None

    def _find_several(self, place: int) -> None:
        """Find what is needed at the next points, if so many take little time one by one."""
        several = min(MOST_TOGETHER, int(SECONDS_TOGETHER / max(self._seconds, 1e-6)))
        if place in self._known or not self._reached or several < 2:
            return
        values = {k: x.values for k, x in enumerate(self.points[place : place + several], place)}
        inside = {k: x for k, x in values.items() if self.rules.primal.is_inside(x)}
        with as_far_as_it_goes():
            found = known_at(self.rules, list(inside.values()), self._questions())
            self._known = dict(zip(inside, found, strict=True))

    def _questions(self) -> list[Question]:
        """What is asked at every point: of few entries each by itself where sums did not tell."""
        rules, line = self.rules, self.rules.direction()
        few = self._asks_entries and entry_count(rules.out_shapes) <= FEW_OUTPUTS
        return [*in_sums(rules, line), *(by_entries(rules, line) if few else [])]

    @cached_property
    def _near(self) -> SpecialPoint | None:
        """The nearest drawn point at which the function is defined."""
        looked_for = self.asked and (self._affordable or _most(self.rules) > 0)
        return nearest_drawn(self.rules) if looked_for else None

    @cached_property
    def points(self) -> list[SpecialPoint]:
        """All that are to be looked at: the one drawn near the given one, and the special ones.

        Where nothing is special numbers of several sizes are drawn in their place.
        """
        if not (self.asked and self._is_special):
            sized = [] if self._near is None else sized_points(self.rules.primal.inputs)
            return [*self._nearby, *itertools.islice(sized, max(_most(self.rules) - 1, 0))]
        return self.of_floats

    @cached_property
    def of_floats(self) -> list[SpecialPoint]:
        """Those at which floats are looked at, of which much is special to rounding alone."""
        return [*self._nearby, *_special(self.rules)] if self.asked else []

    @property
    def _nearby(self) -> list[SpecialPoint]:
        return [] if self._near is None else [self._near]

    @cached_property
    def _is_special(self) -> bool:
        """Whether something in the programs ties, jumps or ends somewhere.

        Elsewhere analytic functions that are the same near one point are the same everywhere, so
        that a wrong rule shows at almost every point, unless what is wrong is lost there beside
        larger numbers.  Of what is asked of compositions rounding may hide all but where other
        terms vanish.
        """
        rules = self.rules
        if rules.custom and rules.order > 1:
            return True
        return not all(is_analytic(program.jaxpr) for program in self._programs)

    @property
    def _programs(self) -> list[Program]:
        """All that is judged at other points."""
        rules = self.rules
        programs = [*rules.programs, *(rules[modes].program for modes in rules.nested)]
        return [*programs, rules.primal.truth_program, *rules.primal.domain_programs]

    def grown(self, leaves: tuple[RuleResult, ...], checks: LinearChecks) -> GradientCheck | None:
        """The check where a difference that rounding hides elsewhere is seen to be none of it."""
        least = min((leaf.bits for leaf in leaves), default=math.inf)
        given = self.rules.primal.point
        if least < ENOUGH_BITS:
            self._least, self._bits_given = (least, given, ""), int(least)
        if not self.asked or self._least is None:
            return None
        start, values, why = self._least
        found: list[GradientCheck] = []

        def bits_at(point: SpecialPoint) -> float | None:
            if self._pursued >= MOST_SPECIAL_POINTS:
                return None
            if not self.rules.primal.is_inside(point.values):
                return math.inf
            self._pursued += 1
            wrong, bits = self._looked_at(point, leaves, checks)
            found.extend([] if wrong is None else [wrong])
            self._note_hidden(bits, point)
            return None if found else bits

        inputs = self.rules.primal.inputs
        leaves_there = [replace(x, value=v) for x, v in zip(inputs, values, strict=True)]
        pursue(leaves_there, start, bits_at, why, self.rules.closely)
        return found[0] if found else None

    @cached_property
    def _loops_are_meant(self) -> bool:
        """Whether the rule is the derivative of loops as they stand, of all that is known of it.

        That is seen at the given point, or at the one drawn near it.
        """
        near = [] if self._near is None else [self._near.values]
        return any(loops_are_meant(self.rules, x) for x in (self.rules.primal.point, *near))

    @cached_property
    def _steps_jump(self) -> bool:
        """Whether loops that cannot be run on jump at the given point."""
        return jump_at(AtPoint(self.rules, self.rules.primal.point))

    def _note_hidden(self, bits: float, point: SpecialPoint) -> None:
        if bits < (ENOUGH_BITS if self._least is None else self._least[0]):
            self._least = bits, point.values, point.why

    def _looked_at(
        self,
        point: SpecialPoint,
        leaves: tuple[RuleResult, ...],
        checks: LinearChecks,
        known: Known | None = None,
    ) -> tuple[GradientCheck | None, float]:
        """The check where something is wrong at a point, and to how many bits formulas agree."""
        there, judged = self._judged_at(point, known)
        self._asks_entries |= there is not None and there.asked_entries
        refuted = first_wrong(judged)
        if refuted is not None:
            return self._wrong_at(point, leaves, there, judged), -math.inf
        bits = min((found.bits for _, found in judged if found.hidden), default=math.inf)
        if there is not None and there.borders.excused:
            self._at_borders.append((point, there))
        agrees = bool(judged) and all(found.verdict is Verdict.AGREES for _, found in judged)
        if there is not None and not (agrees or point.pursued):
            self._open[_why_open(there, judged)] += 1
        if agrees:
            self.seen.append(point)
            if any(not question.is_value for question, _ in judged):
                self.smooth = there if point is self._near else self.smooth or there
            for ask in (checks.first, checks.higher):
                wrong = None if there is None else ask(there, point.why)
                if wrong is not None:
                    return wrong, bits
        return None, bits

    def _overflowing(self, leaves: tuple[RuleResult, ...]) -> GradientCheck | None:
        """The check where a rule is no number in floats, and JAX's derivative without it is.

        Of the points at which the formulas agree those are looked at first that are nearest to 0.
        """
        self._looks_at_floats = True
        found = Overflows(self.rules, self.seen).first()
        if found is None:
            return None
        point, there, worst = found
        why = ""
        with in_grace(GRACE / 2):
            why = overflow(self.rules, there.values, worst.mode)
        return wrong_floats_at(leaves, point, worst, why)

    def _wrong_at(
        self,
        point: SpecialPoint,
        leaves: tuple[RuleResult, ...],
        there: AtPoint | None,
        judged: Judged,
    ) -> GradientCheck:
        """What is said of a point at which something is wrong.

        It is held against JAX's own run, and its cause looked for, as far as the time does.
        """
        refuted = first_wrong(judged)
        assert refuted is not None
        with grace():
            wrong = wrong_at(self.rules.primal, leaves, point, *refuted)
        with in_grace(GRACE / 2):
            self.rules.hold(point.values)
        why = ""
        with in_grace(GRACE / 2):
            why = "" if there is None else cause(there, judged)
        if not why:
            return wrong
        with grace():
            return wrong_at(self.rules.primal, leaves, point, *refuted, why)

    def _judged_at(self, point: SpecialPoint, known: Known | None) -> tuple[AtPoint | None, Judged]:
        """The judgements at such a point, none where it cannot be looked at, or is not to be."""
        if not self.rules.primal.is_inside(point.values):
            self._open["they are outside of what is asked about"] += not point.pursued
            return None, []
        with as_far_as_it_goes() as left:
            at = AtPoint(self.rules, point.values, known)
            at.iterations.loops_are_meant = lambda: self._loops_are_meant
            at.iterations.given_steps.jump_where_asked = lambda: self._steps_jump
            return at, or_seen_wrong(at, lambda: at.together(entries=point.pursued))[0]
        self._open[left[0] if left else "they cannot be looked at"] += not point.pursued
        return None, []

    @property
    def in_words(self) -> str:
        """How many were seen beside the given one."""
        words, said = points_in_words(self.seen, self._near), list[str]()
        if self.seen and not self._is_special:
            said.append("nothing in it ties, jumps or ends")
        if any(rounds_to_fewer_bits(program.jaxpr) for program in self._programs):
            said.append("its roundings to fewer bits read as the identity")
        return f"{words} ({', '.join(said)})" if said else words

    def _hidden_in_words(self) -> str:
        """That formulas differ, from which bit on, and that no float tells."""
        kinds = sorted({np.dtype(x.dtype) for x in self.rules.primal.inputs}, key=str)
        holds = listed(f"{kind.name} holds {jnp.finfo(kind).nmant + 1}" for kind in kinds)
        bits = self._bits_given
        here = "" if bits is None else f", here from bit {max(bits, 0) + 1} on"
        points = f"{self._pursued} point{'' if self._pursued == 1 else 's'}"
        further = f", at {points} towards where it grows, too" * bool(self._pursued)
        ends = ", or than is left where its loops end" * self.rules.primal.has_tolerances
        return (
            f"the formulas differ{here}, by no more than the rounding of the compiled rule could "
            f"hide ({holds}){ends}{further}; exact=True asks for the formula alone"
        )

    @property
    def unreached(self) -> str:
        """Those that the time did not do for, in words."""
        if "points" not in self.__dict__:  # the search for them did not end
            return "special points"
        if self._looks_at_floats:
            return "floats at special points"
        count = len(self.points) - self._reached
        return f"{count} special point{'' if count == 1 else 's'}"

    @property
    def notes(self) -> list[str]:
        """What is said of those where nothing was seen."""
        notes = notes_of_borders(self.rules.primal, self._at_borders)
        domain = self.rules.primal.domain
        if self.asked and not _most(self.rules):
            what = "special" if self.seen else "other"
            notes.append(
                f"no {what} points looked at, as the program is large: pass smaller arrays"
            )
        if self._least is not None:
            notes.append(self._hidden_in_words())
        if self._reached and self._near is None:
            within = "the function is defined" if domain is None else "domain= is true"
            notes.append(f"nothing drawn near it at which {within}")
        if domain is not None and domain.spent:
            notes.append("domain= is too large to be asked at more points")
        open_points = self._reached - sum(not point.pursued for point in self.seen)
        if open_points > 0:  # the time may end when a point was seen and is not yet counted
            why = max(self._open, key=lambda reason: self._open[reason], default="")
            most = "" if self._open[why] >= open_points else "most often "
            notes.append(f"nothing decided at {open_points} more" + f" ({most}{why})" * bool(why))
        return notes


def _most(rules: DerivativePrograms) -> int:
    """How many special points may be looked at."""
    most = MOST_SPECIAL_POINTS if rules.closely else MOST_OF_JAXS
    return min(most, SPECIAL_BUDGET // rules.size)


def _special(rules: DerivativePrograms) -> list[SpecialPoint]:
    """The special points of a program."""
    primal = rules.primal
    inside = primal.is_inside if primal.is_bounded else None
    # Where the domain ends something ties, too, and what lies before that is a piece to look at.
    programs = [*rules.programs, *primal.domain_programs]
    few = FEW if rules.closely else FEW_OF_JAXS
    return special_points(programs, primal.inputs, _most(rules), inside, few)


def _why_open(at: AtPoint, judged: Judged) -> str:
    """Why nothing is decided at a point."""
    if not at.truth.defined:
        return "the function is not defined there"
    if not judged:
        return "the function has no derivative there that is known"
    return "the numbers are not known well enough there"
