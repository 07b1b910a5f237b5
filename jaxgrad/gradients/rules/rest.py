"""What follows the given point: other points, vmap, floats and a proof, as far as the time does.

A verdict stands on what was reached, and its text names what was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from jaxgrad.gradients.domain import elsewhere
from jaxgrad.gradients.floats.question import floats_of
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import CustomRule, GradientCheck, RuleResult
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.batch import under_vmap
from jaxgrad.gradients.rules.border_words import left_out
from jaxgrad.gradients.rules.conclusions import passed, refutation, wrong_rule
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.linearity import LinearChecks
from jaxgrad.gradients.rules.not_finite import overflow
from jaxgrad.gradients.rules.other_points import OtherPoints
from jaxgrad.gradients.rules.own_rules import CheckRule, OwnRules, the_rule
from jaxgrad.gradients.rules.proof import prove_rules
from jaxgrad.gradients.rules.stages import Stages
from jaxgrad.programs.custom_rules import asks_what_moves
from jaxgrad.verdict import Verdict

__all__ = ["Given", "Rest"]


@dataclass(frozen=True)
class Given:
    """What is known at the given point, where nothing is wrong.

    Args:
        at: the point.
        leaves: a result for each floating-point leaf of the arguments.
        checks: whether the rules are linear.
        floats: of the compiled derivatives there, where a run returned no finite numbers.
    """

    at: AtPoint
    leaves: tuple[RuleResult, ...]
    checks: LinearChecks
    floats: tuple[FloatResult, ...]


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
        self.others = OtherPoints(rules, special)
        self.check_rule = check_rule
        primal = rules.primal
        inside = None if primal.domain is None else primal.is_inside
        self.own = OwnRules(primal.moving_program.jaxpr, primal.point, inside)
        self.batch = ""
        self.floats: list[FloatResult] = []
        self.proof: str | None = None

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

    def so_far(self) -> GradientCheck:
        """The check as it is where nothing was wrong so far."""
        text = "; ".join([self._sentence(), *self._notes()])
        seen = tuple(point.why for point in self.others.seen)
        primal, leaves = self.rules.primal, self.given.leaves
        found = passed(primal, leaves, self.proof, text, seen)
        return self._with_rules(replace(found, floats=tuple(self.floats)))

    @cached_property
    def _itself(self) -> tuple[str, str] | None:
        """The name and the place of the rule that the function is, and nothing else."""
        alone = self.check_rule is None
        return None if alone else the_rule(self.rules.primal.moving_program.jaxpr)

    def _with_rules(self, found: GradientCheck) -> GradientCheck:
        rules = self.own.all
        if self._itself is not None and self.rules.primal.reference is None:
            rules = (CustomRule(*self._itself, found.verdict, "it is the function itself"),)
        return replace(found, rules=rules)

    # -- the parts -------------------------------------------------------------------------------
    def _rules_by_themselves(self) -> GradientCheck | None:
        rules, own, check = self.rules, self.own, self.check_rule
        if check is None or not rules.custom or rules.primal.reference is not None:
            return None
        if self._itself is not None:
            return None
        key = rules.order, rules.modes, rules.linear, self.others.asked
        self._part(
            "rules",
            lambda: own.judge(key, check, lambda: self.stages.left("rules")),
            lambda: ", ".join(f"the rule `{name}` by itself" for name in own.waiting),
        )
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
            lambda: "where a difference grows that rounding hides",
        )

    def _under_vmap(self) -> GradientCheck | None:
        points = self.given.at, self.others.smooth or self.given.at
        found = self._part("vmap", lambda: under_vmap(self.rules, points))
        if isinstance(found, str):
            self.batch = found
            return None
        return found

    def _in_floats(self) -> GradientCheck | None:
        """Where no dtype is asked for, only NaN or an infinity at the given point counts."""
        if self.dtypes is None:
            self.floats = [*self.given.floats]
            return self._wrong_floats([x for x in self.floats if x.grave])
        for dtype in self.dtypes:
            found = self._part(
                "floats",
                lambda dtype=dtype: floats_of(self.rules, [dtype], self.others.points, True),
                lambda dtype=dtype: f"floats in {dtype.name}",
            )
            self.floats += found or ()
            for modes in self.rules.nested:
                name = f"floats in {dtype.name}, {' then '.join(modes)}"
                self.floats += (
                    self._part("floats", self._higher(modes, dtype), partial(str, name)) or ()
                )
        return self._wrong_floats(self.floats)

    def _higher(self, modes: tuple[str, ...], dtype: np.dtype) -> Callable[[], Any]:
        return lambda: floats_of(self.rules, [dtype], self.others.points, True, modes)

    def _wrong_floats(self, floats: Sequence[FloatResult]) -> GradientCheck | None:
        wrong = [x for x in floats if x.status == "UNSTABLE"]
        if not wrong:
            return None
        wrong.sort(key=lambda x: not x.given)
        text = "the derivative rules are right as formulas, but compiled they do not compute these"
        if not wrong[0].given:
            text += f" at a point{elsewhere()}"
        if wrong[0].given and wrong[0].grave and self.dtypes is None:
            text += overflow(self.given.at, wrong[0].mode)
        evidence = refutation(text, wrong[0].code, wrong[0])
        return replace(self.so_far(), verdict=Verdict.REFUTED, evidence=evidence)

    def _prove(self) -> None:
        """A proof that does not succeed never costs more than all that came before it."""
        most = self.stages.elapsed if math.isfinite(self.stages.budget) else math.inf
        missed = "proof" if most > self.stages.left("proof") else ""
        self.proof = self._part("proof", lambda: prove_rules(self.rules), lambda: missed, most)

    def _part(
        self,
        name: str,
        run: Callable[[], Any],
        missed: Callable[[], str] | None = None,
        most: float = math.inf,
    ) -> Any:
        """What a part returns; None where its time does not do, which is noted."""
        with self.stages.part(name, most) as part:
            return run()
        what = name if missed is None or part.spent is None else missed()
        if part.spent is not None and what:
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
        right = [x.name for x in self.own.found if x.verdict.passes and not x.is_jaxs]
        if not right:
            return ""
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(right))
        return f", with the rule of {names} by itself"

    def _notes(self) -> list[str]:
        """What was not looked at."""
        rules, at, checks = self.rules, self.given.at, self.given.checks
        notes = list(rules.missing)
        primal = rules.primal
        if len(primal.inputs) > 1 and asks_what_moves(primal.moving_program.jaxpr):
            notes.append("rules with symbolic_zeros not asked where some arguments alone move")
        if at.skipped:
            notes.append(f"{at.skipped} mixed derivatives at kinks not judged")
        notes += [*left_out(at), *checks.notes, *self.others.notes]
        for rule in self.own.elsewhere:
            notes.append(
                f"the rule `{rule.name}` ({rule.where}) is wrong by itself, where f was not seen "
                f"to come ({rule.text})"
            )
        return [*notes, *([self.stages.note] if self.stages.note else [])]
