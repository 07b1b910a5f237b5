"""What follows the given point: other points, vmap, floats and a proof, as far as the time does.

A verdict stands on what was reached, and its text names what was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from jaxgrad.gradients.domain import elsewhere
from jaxgrad.gradients.floats.question import floats_of
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import GradientCheck, RuleResult
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.batch import under_vmap
from jaxgrad.gradients.rules.border_words import left_out
from jaxgrad.gradients.rules.conclusions import RIGHT, passed, refutation, wrong_rule
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derivatives import MOVED
from jaxgrad.gradients.rules.linearity import LinearChecks
from jaxgrad.gradients.rules.not_finite import overflow, overflow_in
from jaxgrad.gradients.rules.other_points import OtherPoints
from jaxgrad.gradients.rules.own_rules import (
    CheckRule,
    OwnRules,
    taken_like,
    the_function_itself,
    the_rule,
)
from jaxgrad.gradients.rules.proof import Shown, prove_rules
from jaxgrad.gradients.rules.solved import solved_to
from jaxgrad.gradients.rules.stages import Stages
from jaxgrad.gradients.rules.unjudged_floats import ELSEWHERE, FLOATS
from jaxgrad.programs.custom_rules import asks_what_moves
from jaxgrad.verdict import Verdict

__all__ = ["Given", "Rest"]

GROWTH = "where a difference grows that rounding hides"


@dataclass(frozen=True)
class Given:
    """What is known at the given point, where nothing is wrong.

    Args:
        at: the point.
        leaves: a result for each floating-point leaf of the arguments.
        checks: whether the rules are linear.
        floats: of the compiled derivatives there, where a run returned no finite numbers.
        lost: those of leaves of which nothing is left for want of a larger cotangent.
    """

    at: AtPoint
    leaves: tuple[RuleResult, ...]
    checks: LinearChecks
    floats: tuple[FloatResult, ...] = ()
    lost: tuple[FloatResult, ...] = ()


class Rest:
    """All but the given point.

    Args:
        rules: the derivative programs.
        given: what is known at the given point.
        stages: the time that each part has.
        special: whether other points are looked at.
        dtypes: in which the compiled derivatives are judged, too.
        check_rule: checks a rule by itself; None of a function that is one.
    """

    def __init__(
        self,
        rules: DerivativePrograms,
        given: Given,
        stages: Stages,
        special: bool,
        dtypes: Sequence[np.dtype] | None,
        check_rule: CheckRule | None = None,
    ) -> None:
        self.rules, self.given, self.stages, self.dtypes = rules, given, stages, dtypes
        # What floats are worth at the given point, or in the dtypes asked for, comes first.
        self.check_rule = check_rule
        known = self._lost or any(x.grave for x in given.floats)
        affordable = stages.elapsed < stages.left("special points")
        self.others = OtherPoints(rules, special, dtypes is None and not known, affordable)
        primal = rules.primal
        inside = None if primal.domain is None else primal.is_inside
        self.own = OwnRules(primal.moving_program.jaxpr, primal.point, inside)
        self.batch = ""
        self.floats: list[FloatResult] = []
        self.proof: Shown | None = None
        self._waiting = self._parts()

    def check(self) -> GradientCheck:
        """The check: the first part in which something is wrong ends it."""
        for part in (
            self._rules_by_themselves,
            self._other_points,
            self._grown,
            self._under_vmap,
            self._in_floats,
        ):
            wrong = part()
            if wrong is not None:
                return self._with_rules(wrong)
        if self.check_rule is not None:
            self._prove()
        return self.so_far()

    def interrupted(self) -> GradientCheck:
        """The check as far as it came, with what was not reached by name.

        Floats that are wrong are so whatever else would have been found.
        """
        words = {
            "rules": self._late_rules() or "the rules that f calls by themselves",
            "special points": self.others.unreached,
            "pursuit": GROWTH,
        }
        waiting = ", ".join(words.get(name, name) for name in self._waiting)
        wrong = None if self.dtypes is None else self._wrong_floats(self.floats)
        found = self.so_far() if wrong is None else wrong
        first, *more = found.evidence.text.split("\n", 1)
        text = "\n".join([f"{first}; not reached before the interrupt: {waiting}", *more])
        return replace(found, evidence=replace(found.evidence, text=text))

    def so_far(self) -> GradientCheck:
        """The check as it is where nothing was wrong so far."""
        text = "; ".join([self._sentence(), *self._notes()])
        seen = tuple(point.why for point in self.others.seen)
        primal, leaves = self.rules.primal, self.given.leaves
        found = passed(primal, leaves, self.proof, text, seen)
        missed = tuple(self.stages.missed)
        return self._with_rules(replace(found, floats=tuple(self.floats), _missed=missed))

    @cached_property
    def _itself(self) -> tuple[str, str] | None:
        """The name and the place of the rule that the function is, and nothing else."""
        alone = self.check_rule is None
        return None if alone else the_rule(self.rules.primal.moving_program.jaxpr)

    def _with_rules(self, found: GradientCheck) -> GradientCheck:
        rules = self.own.all
        if self._itself is not None and self.rules.primal.reference is None:
            rules = (the_function_itself(self._itself, found),)
        return replace(found, rules=rules)

    # -- the parts -------------------------------------------------------------------------------
    def _parts(self) -> list[str]:
        """What is to be done, in its order."""
        rules = ["rules"] if self._judges_rules else []
        points = ["special points", "pursuit"] if self.others.asked else []
        floats = [name for dtype in self.dtypes or () for name, _ in self._floats_in(dtype)]
        proof = ["proof"] if self.check_rule is not None else []
        return [*rules, *points, "vmap", *floats, *proof]

    @property
    def _judges_rules(self) -> bool:
        """Whether rules that the function calls are judged by themselves."""
        own = self.check_rule is not None and self.rules.custom and self._itself is None
        return own and self.rules.primal.reference is None

    def _late_rules(self) -> str:
        return ", ".join(f"the rule `{name}` by itself" for name in self.own.waiting)

    def _rules_by_themselves(self) -> GradientCheck | None:
        rules, own, check = self.rules, self.own, self.check_rule
        if check is None or not self._judges_rules:
            return None
        key = rules.order, rules.modes, rules.linear, self.others.asked
        self._part(
            "rules",
            lambda: own.judge(key, taken_like(rules), check, lambda: self.stages.left("rules")),
            self._late_rules,
        )
        for rule, missed in own.in_part:
            self.stages.missed.append(f"{missed} of the rule `{rule.name}` by itself")
        return None if own.wrong is None else wrong_rule(self.given.leaves, *own.wrong)

    def _other_points(self) -> GradientCheck | None:
        others, given = self.others, self.given
        return self._part(
            "special points",
            lambda: others.wrong(given.leaves, given.checks),
            lambda: others.unreached,
        )

    def _grown(self) -> GradientCheck | None:
        given = self.given
        return self._part(
            "pursuit",
            lambda: self.others.grown(given.leaves, given.checks),
            lambda: GROWTH,
        )

    def _under_vmap(self) -> GradientCheck | None:
        points = self.given.at, self.others.smooth or self.given.at
        found = self._part("vmap", lambda: under_vmap(self.rules, points))
        if isinstance(found, str):
            self.batch = found
            return None
        return found

    def _in_floats(self) -> GradientCheck | None:
        """Where no dtype is asked for, NaN, an infinity or nothing at the given point counts."""
        if self.dtypes is None:
            floats, lost = self.given.floats, self._lost
            self.floats = [*floats, *lost]
            return self._wrong_floats([*(x for x in floats if x.grave), *lost])
        for dtype in self.dtypes:
            for name, modes in self._floats_in(dtype):
                self.floats += self._judged_in(dtype, modes, name)
        return self._wrong_floats(self.floats)

    def _floats_in(self, dtype: np.dtype) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is judged in a dtype, in words, and of which modes: of none the first derivatives,
        then higher ones."""
        for modes in ((), *self.rules.nested):
            higher = f", {' then '.join(modes)}" if modes else ""
            yield f"{FLOATS}{dtype.name}{higher}", modes

    def _judged_in(
        self, dtype: np.dtype, modes: tuple[str, ...], name: str
    ) -> tuple[FloatResult, ...]:
        """The floats all over the range of a dtype; at the given point alone where only that is
        asked for, or time does not do for more."""

        def floats(everywhere: bool) -> tuple[FloatResult, ...]:
            points = self.others.of_floats if everywhere else None
            return floats_of(self.rules, [dtype], points, True, modes)

        found = None
        if not self.rules.here:
            missed = partial(str, f"{name}{ELSEWHERE}")
            found = self._part("floats", lambda: floats(True), missed, name=name)
        if found is None:
            with self.stages.here(name) as part:
                found = floats(False)
            if part.spent is not None:
                self.stages.miss(part, name)
        return found or ()

    @property
    def _lost(self) -> tuple[FloatResult, ...]:
        """What is lost of the function; the cotangents of a rule by itself are not of its size."""
        asked = self.check_rule is not None and self.dtypes is None and not self.rules.exact
        return self.given.lost if asked else ()

    def _wrong_floats(self, floats: Sequence[FloatResult]) -> GradientCheck | None:
        wrong = [x for x in floats if x.status == "UNSTABLE"]
        if not wrong:
            return None
        wrong.sort(key=lambda x: not x.given)
        text = f"{RIGHT}, but compiled they do not compute these"
        if not wrong[0].given:
            text += f" at a point{elsewhere()}"
        if wrong[0].given and wrong[0].grave and wrong[0].mode in self.rules.modes:
            mode = wrong[0].mode
            if self.dtypes is None:
                text += overflow(self.rules, self.given.at.values, mode)
            else:
                text += overflow_in(self.rules, wrong[0].dtype, mode)
        if wrong[0] in self._lost:
            moved = MOVED[wrong[0].mode]
            text += f", as a {moved} of size 1 underflows on the way, and a larger one does not"
        evidence = refutation(text, wrong[0].code, wrong[0])
        return replace(self.so_far(), verdict=Verdict.REFUTED, evidence=evidence)

    def _prove(self) -> None:
        """A proof that does not succeed never costs more than all that came before it."""
        most = self.stages.elapsed if math.isfinite(self.stages.budget) else math.inf
        missed = "proof" if most > self.stages.left("proof") else ""
        self.proof = self._part("proof", lambda: prove_rules(self.rules), lambda: missed, most)

    def _part(
        self,
        kind: str,
        run: Callable[[], Any],
        missed: Callable[[], str] | None = None,
        most: float = math.inf,
        name: str = "",
    ) -> Any:
        """What a part returns; None where its time does not do, which is noted."""
        found = None
        with self.stages.part(kind, most) as part:
            found = run()
        self._waiting = [other for other in self._waiting if other != (name or kind)]
        if part.spent is None:
            return found
        what = kind if missed is None else missed()
        if what:
            self.stages.miss(part, what)
        return None

    # -- what is said of them --------------------------------------------------------------------
    def _sentence(self) -> str:
        """Where the rules agree, and to how many bits."""
        rules, leaves = self.rules, self.given.leaves
        whose = "reference" if rules.primal.reference is not None else "function"
        least = min((leaf.bits for leaf in leaves), default=math.inf)
        bits = f", to {int(least)} bits" if math.isfinite(least) else ""
        return (
            f"the one-sided derivatives of the {whose} at this point{self.others.in_words}, "
            f"to order {rules.order}, {' and '.join(rules.modes)}{bits}{self.batch}{self._own()}"
        )

    def _own(self) -> str:
        """Which rules are right by themselves."""
        right = [x for x in self.own.found if x.verdict.passes and not x.is_jaxs]
        in_part = [rule for rule, _ in self.own.in_part]
        names = [f"`{x.name}`{' in part' * (x in in_part)}" for x in right]
        return f", with the rule of {', '.join(dict.fromkeys(names))} by itself" if names else ""

    def _notes(self) -> list[str]:
        """What was not looked at."""
        rules, at, checks = self.rules, self.given.at, self.given.checks
        notes = list(rules.missing)
        primal = rules.primal
        if len(primal.inputs) > 1 and asks_what_moves(primal.moving_program.jaxpr):
            notes.append(
                "rules that are told what moves, by symbolic_zeros or as hijax does, not asked "
                "where some arguments alone move"
            )
        if at.skipped:
            notes.append(f"{at.skipped} mixed derivatives at kinks not judged")
        notes += filter(None, [solved_to(at)])
        notes += [*left_out(at), *checks.notes, *self.others.notes]
        for rule in self.own.elsewhere:
            notes.append(
                f"the rule `{rule.name}` ({rule.where}) is wrong by itself, where f was not seen "
                f"to come ({rule.text})"
            )
        for rule in self.own.found:
            if rule.verdict is Verdict.UNDECIDED and not rule.is_jaxs:
                notes.append(f"the rule `{rule.name}` not decided by itself ({rule.text})")
        return [*notes, *([self.stages.note] if self.stages.note else [])]
