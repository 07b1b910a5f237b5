"""Each custom rule that a function calls, judged by itself.

JAX composes the derivatives of rules by the chain rule, so that a function is right if all of its
rules are.  A rule by itself is small: it is judged at the values that reach it and at its own
special points, most of which no point near the given one of the whole function comes near.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.errors import CannotDecide, EnginesDisagree, JaxgradError
from jaxgrad.gradients.outcome import ITSELF, CustomRule, GradientCheck, RuleResult
from jaxgrad.gradients.primitive_runs import NotRun
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.few_entries import EntryByEntry
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.reached import comes_to
from jaxgrad.gradients.rules.rule_alone import (
    MOST_CALLS,
    RuleAlone,
    moving_arguments,
    questions,
    rule_key,
    rule_of,
)
from jaxgrad.gradients.rules.rule_calls import RuleCall, rule_calls, rule_equations
from jaxgrad.numbers.clock import in_grace, tick, within
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.custom_rules import is_rule
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.jaxprs import inner_jaxpr
from jaxgrad.verdict import Verdict

__all__ = [
    "CheckRule",
    "OwnRules",
    "TakeRule",
    "taken_like",
    "the_function_itself",
    "the_rule",
]

# The derivative programs of a rule by itself.
TakeRule = Callable[[Primal], DerivativePrograms]
# Checks a rule in so many CPU seconds, and tells whether its special points are looked at.
CheckRule = Callable[[float, DerivativePrograms, bool], GradientCheck]
_Check = Callable[[DerivativePrograms, bool], GradientCheck]

# What is said of a rule whose check did not come to its end.
OUT_OF_TIME = "not judged in its share of the time of the check"

# What was found of JAX's own rules in this process.
_JAXS: dict[Any, CustomRule] = {}


class OwnRules:
    """The rules that a program calls, and what is known of each.

    Args:
        program: a closed jaxpr.
        point: its inputs.
        inside: whether other inputs may be looked at; all may if None.
    """

    def __init__(
        self,
        program: Any,
        point: Sequence[Any],
        inside: Callable[[list[Any]], bool] | None = None,
    ) -> None:
        self.found: list[CustomRule] = []
        self.elsewhere: list[CustomRule] = []
        self.in_part: list[tuple[CustomRule, str]] = []
        """Those that are right as far as the time did, and what it did not do for."""
        self.wrong: tuple[CustomRule, GradientCheck] | None = None
        self._program, self._point, self._inside = program, point, inside
        self._waiting: list[RuleAlone] = []

    def judge(self, key: Any, take: TakeRule, check: CheckRule, left: Callable[[], float]) -> None:
        """Judges each rule, those of the caller first, until one is wrong.

        Args:
            key: what a verdict of one of JAX's own rules depends on besides.
            take: traces one.
            check: checks one.
            left: the CPU seconds that are left for all of them.
        """
        self._waiting = list(self._named.values())  # if their calls are not found in time
        self._waiting = self._rules()
        while self._waiting and self.wrong is None:
            with self._next(left) as (rule, seconds):
                self._judge(rule, key, take, functools.partial(check, seconds))

    def wrong_here(
        self, take: TakeRule, check: CheckRule, left: Callable[[], float]
    ) -> Iterator[tuple[CustomRule, GradientCheck]]:
        """Those of the caller's rules that are wrong at values that reach them at the given point.

        Args:
            take, check, left: as of :meth:`judge`.
        """
        self._waiting = [rule for rule in self._named.values() if not rule.is_jaxs]
        self._waiting = [rule for rule in self._rules() if not rule.is_jaxs]
        while self._waiting:
            one = None
            with self._next(left) as (rule, seconds):
                found, one = _judged(rule, take, functools.partial(check, seconds), every=True)
                self.found.append(found)
            if one is not None and one.verdict is Verdict.REFUTED:
                yield self.found[-1], one

    @contextlib.contextmanager
    def _next(self, left: Callable[[], float]) -> Iterator[tuple[RuleAlone, float]]:
        """The rule that waits first, and its share of the time, in which the block is run."""
        tick()
        rule, seconds, known = self._waiting[0], left() / len(self._waiting), len(self.found)
        with within(seconds):
            yield rule, seconds
        self._waiting.pop(0)
        if len(self.found) == known:
            self.found.append(_undecided(rule, OUT_OF_TIME))

    def _judge(self, rule: RuleAlone, key: Any, take: TakeRule, check: _Check) -> None:
        if rule.is_jaxs:
            self.found.append(_jaxs(rule, key, take, check))
            return
        found, one = _judged(rule, take, check)
        self.found.append(found)
        if one is None:
            return
        if found.verdict is Verdict.REFUTED:
            reached = False
            with in_grace():  # an error that was found is not lost where looking for it ends
                reached = self._comes_to(rule, one)
            if reached:
                self.wrong = found, one
            else:
                self.elsewhere.append(found)
        elif found.verdict.passes and one._missed:
            self.in_part.append((found, listed(one._missed)))

    def _comes_to(self, rule: RuleAlone, wrong: GradientCheck) -> bool:
        """Whether the function is seen to take a rule where it is wrong.

        Of the values that reach it at the given point the function itself says whether it is right.
        """
        target = wrong._elsewhere
        if target is None:
            return False
        try:
            return any(
                comes_to(
                    self._program,
                    self._point,
                    (call, moving_arguments(call)),
                    entry,
                    target,
                    self._inside,
                )
                for call, entry in _nearest(rule, target)
            )
        except (NotRun, CannotDecide):
            return False

    @property
    def all(self) -> tuple[CustomRule, ...]:
        """What is known of each, those too that were not come to."""
        late = [_undecided(rule, "not reached in the time of the check") for rule in self._waiting]
        return (*self.found, *(late if self.wrong is None else ()))

    @property
    def waiting(self) -> list[str]:
        """The names of the caller's own rules that were not come to."""
        return [rule.name for rule in self._waiting if not rule.is_jaxs]

    @property
    def _named(self) -> dict[Any, RuleAlone]:
        """Every rule that stands in the program, without its calls."""
        return {rule_key(x): rule_of(x) for x in rule_equations(self._program)}

    def _rules(self) -> list[RuleAlone]:
        """Every rule, with the calls that are reached and count."""
        rules: dict[Any, RuleAlone] = {}
        try:
            calls = rule_calls(self._program, self._point)
        except Exception as error:  # whatever running a program raises
            calls, reason = [], f"the calls of rules cannot be followed: {first_line(error)}"
        else:
            reason = (
                "not reached at the given point, or within an operation that is not taken apart"
            )
        for call in calls:
            rule = rules.setdefault(rule_key(call.equation), rule_of(call.equation))
            if any(call.live) and any(call.moving):
                rule.calls.append(call)
        for key, rule in self._named.items():
            if key not in rules:
                self.found.append(_undecided(rule, reason))
        used = [rule for rule in rules.values() if rule.calls]
        return sorted(used, key=lambda rule: rule.is_jaxs)


def the_rule(program: Any) -> tuple[str, str] | None:
    """The name and the place of the rule that a program is one call of, and nothing else.

    Example:
        >>> import jax
        >>> the_rule(jax.make_jaxpr(jax.nn.relu)(1.0))[0]
        'relu'
        >>> the_rule(jax.make_jaxpr(lambda x: -jax.nn.relu(x))(1.0))
    """
    jaxpr = getattr(program, "jaxpr", program)
    while len(jaxpr.eqns) == 1 and jaxpr.eqns[0].primitive.name == "jit":
        inner = inner_jaxpr(jaxpr.eqns[0].params)
        jaxpr = getattr(inner, "jaxpr", inner)
    if len(jaxpr.eqns) != 1 or not is_rule(jaxpr.eqns[0]):
        return None
    rule = rule_of(jaxpr.eqns[0])
    return rule.name, rule.where


def the_function_itself(place: tuple[str, str], found: GradientCheck) -> CustomRule:
    """The rule that a function is, as that was found to be.

    Args:
        place: its name, and where it is.
        found: the check of the function, with the number that is wrong, if one is.
    """
    rule = CustomRule(*place, found.verdict, ITSELF, found.counterexample)
    wrong = _first_wrong(found)
    return rule if wrong is None else replace(rule, value=wrong.value, truth=wrong.truth)


# -- one rule --------------------------------------------------------------------------------------


def taken_like(rules: DerivativePrograms) -> TakeRule:
    """Takes a rule as a function is taken that calls it, all that is asked for traced."""

    def take(rule: Primal) -> DerivativePrograms:
        own = DerivativePrograms(rule, rules.order, rules.modes, rules.linear, rules.exact)
        _ = own.nested
        return own

    return take


def _judged(
    rule: RuleAlone, take: TakeRule, check: _Check, every: bool = False
) -> tuple[CustomRule, GradientCheck | None]:
    """What is known of a rule, and the check that says so: the one in which it is wrong, if any.

    Args:
        every: whether it is asked at all values that reach it, not at some of many.
    """
    found: GradientCheck | None = None
    asking = questions(rule, every)
    while True:
        try:
            asked = next(asking, None)
            taken = None if asked is None else (take(asked[0]), asked[1])
        except Exception as error:  # whatever taking a rule out of its program raises
            return _undecided(rule, f"cannot be taken by itself: {first_line(error)}"), None
        if taken is None:
            break
        try:
            one = check(*taken)
        except EnginesDisagree:
            raise
        except (JaxgradError, RecursionError) as error:
            return _undecided(rule, f"cannot be judged by itself: {first_line(error)}"), None
        if one.verdict is Verdict.REFUTED:
            return _said(rule, one), one
        found = one if found is None or not one.verdict.passes else found
    assert found is not None
    return _said(rule, found), found


def _undecided(rule: RuleAlone, reason: str) -> CustomRule:
    return CustomRule(rule.name, rule.where, Verdict.UNDECIDED, reason)


def _said(rule: RuleAlone, found: GradientCheck) -> CustomRule:
    said = CustomRule(
        rule.name, rule.where, found.verdict, found.evidence.text, found.counterexample
    )
    wrong = _first_wrong(found)
    if wrong is None:
        return said
    return replace(said, text=wrong.text, value=wrong.value, truth=wrong.truth)


def _first_wrong(found: GradientCheck) -> RuleResult | None:
    """The first leaf of which a number is wrong; None where it is not refuted by one."""
    if found.verdict is not Verdict.REFUTED:
        return None
    told = (leaf for leaf in found.leaves if leaf.text and leaf.verdict is Verdict.REFUTED)
    return next(told, None)


def _jaxs(rule: RuleAlone, key: Any, take: TakeRule, check: _Check) -> CustomRule:
    """One of JAX's own, which is judged once; some are right only where JAX uses them."""
    key = (key, rule_key(rule.calls[0].equation))
    if key not in _JAXS:
        found = _judged(rule, take, check)[0]
        if not found.verdict.passes:
            return found  # for want of time, perhaps
        _JAXS[key] = found
    return _JAXS[key]


def _nearest(rule: RuleAlone, target: Sequence[np.ndarray]) -> list[tuple[RuleCall, int | None]]:
    """The calls, and of a rule that works entry by entry the entries, whose values are nearest."""
    alike = [
        call for call in rule.calls if moving_arguments(call) == moving_arguments(rule.calls[0])
    ]
    if not EntryByEntry(rule.calls[0].equation).holds:
        return [(call, None) for call in alike[:MOST_CALLS]]
    found = []
    for call in alike:
        values = [np.asarray(call.arguments[i], np.float64) for i in moving_arguments(call)]
        gaps = np.asarray(sum(abs(x - float(t)) for x, t in zip(values, target, strict=True)))
        entry = int(np.argmin(gaps))
        found.append((float(np.ravel(gaps)[entry]), call, entry))
    found.sort(key=lambda each: each[0])
    return [(call, entry) for _, call, entry in found[:MOST_CALLS]]
