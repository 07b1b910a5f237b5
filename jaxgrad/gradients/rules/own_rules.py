"""Each custom rule that a function calls, judged by itself.

JAX composes the derivatives of rules by the chain rule, so that a function is right if all of its
rules are.  A rule by itself is small: it is judged at the values that reach it and at its own
special points, most of which no point near the given one of the whole function comes near.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgrad.errors import CannotDecide, EnginesDisagree, JaxgradError
from jaxgrad.gradients.outcome import CustomRule, GradientCheck
from jaxgrad.gradients.primitive_runs import NotRun
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.few_entries import EntryByEntry
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.reached import comes_to
from jaxgrad.gradients.rules.rule_calls import RuleCall, rule_calls, rule_equations
from jaxgrad.numbers.clock import in_grace, tick, within
from jaxgrad.programs.custom_rules import CUSTOM_RULES, function_name
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.jaxprs import inner_jaxpr, source_place
from jaxgrad.programs.rule_functions import place_of_rule, rule_identity
from jaxgrad.programs.trace import is_differentiable
from jaxgrad.verdict import Verdict

__all__ = ["CheckRule", "OwnRules", "the_rule"]

# Of a rule that works entry by entry so many of the numbers that reach it are tried.
MOST_ENTRIES = 32
# Of others the values of so many calls.
MOST_CALLS = 3

# The derivative programs of a rule by itself.
TakeRule = Callable[[Primal], DerivativePrograms]
# Checks a rule in so many CPU seconds, and tells whether its special points are looked at.
CheckRule = Callable[[float, DerivativePrograms, bool], GradientCheck]
_Check = Callable[[DerivativePrograms, bool], GradientCheck]

# What is said of a rule whose check did not come to its end.
OUT_OF_TIME = "not judged in its share of the time of the check"

# What was found of JAX's own rules in this process.
_JAXS: dict[Any, CustomRule] = {}


@dataclass
class _Rule:
    """A custom rule with the values of all its calls that look alike.

    Args:
        name: of the function that it is for.
        where: the file and line of that.
        calls: the calls.
    """

    name: str
    where: str
    calls: list[RuleCall] = field(default_factory=list)

    @property
    def is_jaxs(self) -> bool:
        """Whether it comes with JAX."""
        return self.where.startswith("jax/")


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
        self._waiting: list[_Rule] = []

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
            tick()
            rule, seconds = self._waiting[0], left() / len(self._waiting)
            known = len(self.found)
            with within(seconds):
                self._judge(rule, key, take, functools.partial(check, seconds))
            self._waiting.pop(0)
            if len(self.found) == known:
                self.found.append(_undecided(rule, OUT_OF_TIME))

    def _judge(self, rule: _Rule, key: Any, take: TakeRule, check: _Check) -> None:
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
            self.in_part.append((found, " and ".join(one._missed)))

    def _comes_to(self, rule: _Rule, wrong: GradientCheck) -> bool:
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
                    (call, _moving(call)),
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
    def _named(self) -> dict[Any, _Rule]:
        """Every rule that stands in the program, without its calls."""
        return {_key(x): _named(x) for x in rule_equations(self._program)}

    def _rules(self) -> list[_Rule]:
        """Every rule, with the calls that are reached and count."""
        rules: dict[Any, _Rule] = {}
        try:
            calls = rule_calls(self._program, self._point)
        except Exception as error:  # whatever running a program raises
            calls, reason = [], f"the calls of rules cannot be followed: {first_line(error)}"
        else:
            reason = (
                "not reached at the given point, or within an operation that is not taken apart"
            )
        for call in calls:
            rule = rules.setdefault(_key(call.equation), _named(call.equation))
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
        >>> the_rule(jax.make_jaxpr(jax.nn.relu)(1.0))[0]
        'relu'
        >>> the_rule(jax.make_jaxpr(lambda x: -jax.nn.relu(x))(1.0))
    """
    jaxpr = getattr(program, "jaxpr", program)
    while len(jaxpr.eqns) == 1 and jaxpr.eqns[0].primitive.name == "jit":
        inner = inner_jaxpr(jaxpr.eqns[0].params)
        jaxpr = getattr(inner, "jaxpr", inner)
    if len(jaxpr.eqns) != 1 or jaxpr.eqns[0].primitive.name not in CUSTOM_RULES:
        return None
    rule = _named(jaxpr.eqns[0])
    return rule.name, rule.where


# -- one rule --------------------------------------------------------------------------------------


def _judged(rule: _Rule, take: TakeRule, check: _Check) -> tuple[CustomRule, GradientCheck | None]:
    """What is known of a rule, and the check that says so: the one in which it is wrong, if any."""
    found: GradientCheck | None = None
    questions = _questions(rule)
    while True:
        try:
            asked = next(questions, None)
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


def _undecided(rule: _Rule, reason: str) -> CustomRule:
    return CustomRule(rule.name, rule.where, Verdict.UNDECIDED, reason)


def _said(rule: _Rule, found: GradientCheck) -> CustomRule:
    leaves = [leaf.text for leaf in found.leaves if leaf.text]
    text = leaves[0] if found.verdict is Verdict.REFUTED and leaves else found.evidence.text
    return CustomRule(rule.name, rule.where, found.verdict, text, found.counterexample)


def _jaxs(rule: _Rule, key: Any, take: TakeRule, check: _Check) -> CustomRule:
    """One of JAX's own, which is judged once; some are right only where JAX uses them."""
    key = (key, _key(rule.calls[0].equation))
    if key not in _JAXS:
        found = _judged(rule, take, check)[0]
        if not found.verdict.passes:
            return found  # for want of time, perhaps
        _JAXS[key] = found
    return _JAXS[key]


def _questions(rule: _Rule) -> Iterator[tuple[Primal, bool]]:
    """The rule as a function, at the values of its calls; at the first with its special points."""
    first = rule.calls[0]
    small = EntryByEntry(first.equation)
    if small.holds:
        yield from _by_entries(rule, small)
        return
    places = np.unique(np.linspace(0, len(rule.calls) - 1, MOST_CALLS).astype(int))
    for place in places:
        call = rule.calls[place]
        yield _primal(call, call.arguments, call.equation.primitive.bind), place == 0


def _by_entries(rule: _Rule, small: EntryByEntry) -> Iterator[tuple[Primal, bool]]:
    """One number of those that reach it, with special points; then a few of all of them."""
    call = rule.calls[0]
    moving = _moving(call)
    rows = [small.arguments(each.arguments, slice(None)) for each in rule.calls]
    every = [
        np.concatenate([np.atleast_1d(np.asarray(row[i])) for row in rows])
        if np.ndim(rows[0][i])
        else rows[0][i]
        for i in range(len(call.arguments))
    ]
    leading = next((i for i in moving if np.ndim(every[i])), None)
    order = np.argsort(np.asarray(every[moving[0] if leading is None else leading]), axis=None)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, MOST_ENTRIES).astype(int))]
    middle = int(order[len(order) // 2])
    for entries in (middle, chosen):
        values = [x[entries] if np.ndim(x) else x for x in every]
        yield _primal(call, values, small), entries is middle


def _primal(call: RuleCall, values: Sequence[Any], bind: Callable[..., Any]) -> Primal:
    """A call as a function of the arguments that move, all others held."""
    equation, moving, live = call.equation, _moving(call), call.live
    parameters = {}
    if not isinstance(bind, EntryByEntry):
        parameters = equation.primitive.get_bind_params(equation.params)

    def function(*moved: Any) -> Any:
        inputs = list(values)
        for i, value in zip(moving, moved, strict=True):
            inputs[i] = value
        outputs = bind(*inputs, **parameters)
        kept = [x for x, counts in zip(outputs, live, strict=True) if counts]
        return kept[0] if len(kept) == 1 else kept

    names = _argument_names(equation, moving)
    if names is not None:
        kind = inspect.Parameter.POSITIONAL_ONLY
        parts = [inspect.Parameter(name, kind) for name in names]
        function.__signature__ = inspect.Signature(parts)  # pyright: ignore
    function.__name__ = function_name(equation)
    primal = Primal(function, tuple(np.asarray(values[i]) for i in moving))
    if _is_called_so(equation, moving, live):
        primal.name = function.__name__
    return primal


def _is_called_so(equation: Any, moving: Sequence[int], live: Sequence[bool]) -> bool:
    """Whether the function of a rule by its own name takes and returns the same."""
    name = function_name(equation)
    return name.isidentifier() and len(moving) == len(equation.invars) and len(live) == sum(live)


def _nearest(rule: _Rule, target: Sequence[np.ndarray]) -> list[tuple[RuleCall, int | None]]:
    """The calls, and of a rule that works entry by entry the entries, whose values are nearest."""
    alike = [call for call in rule.calls if _moving(call) == _moving(rule.calls[0])]
    if not EntryByEntry(rule.calls[0].equation).holds:
        return [(call, None) for call in alike[:MOST_CALLS]]
    found = []
    for call in alike:
        values = [np.asarray(call.arguments[i], np.float64) for i in _moving(call)]
        gaps = np.asarray(sum(abs(x - float(t)) for x, t in zip(values, target, strict=True)))
        entry = int(np.argmin(gaps))
        found.append((float(np.ravel(gaps)[entry]), call, entry))
    found.sort(key=lambda each: each[0])
    return [(call, entry) for _, call, entry in found[:MOST_CALLS]]


def _moving(call: RuleCall) -> list[int]:
    """The arguments that are differentiated by: no constants of its program, and no integers."""
    constants = call.equation.params.get("num_consts", 0)
    return [
        i
        for i, (variable, moves) in enumerate(zip(call.equation.invars, call.moving, strict=True))
        if moves and i >= constants and is_differentiable(variable.aval.dtype)
    ]


def _argument_names(equation: Any, moving: Sequence[int]) -> list[str] | None:
    inner = inner_jaxpr(equation.params)
    names = getattr(getattr(inner, "jaxpr", inner).debug_info, "arg_names", None)
    if not names or len(names) != len(equation.invars):
        return ["x"] if len(moving) == 1 else None
    chosen = [names[i] or "" for i in moving]
    plain = all(name.isidentifier() for name in chosen) and len(set(chosen)) == len(chosen)
    return chosen if plain else None


# -- which rule it is ------------------------------------------------------------------------------


def _named(equation: Any) -> _Rule:
    place = source_place(inner_jaxpr(equation.params))
    file, _, line = place.rpartition(":")
    home = Path(jax.__file__).parent
    if file and home in Path(file).parents:  # the rule for it may be somebody's own
        ours = f"jax/{Path(file).relative_to(home).as_posix()}:{line}"
        place = place_of_rule(equation) or ours
    return _Rule(function_name(equation), place)


def _key(equation: Any) -> Hashable:
    """What tells one rule from another: its functions, and the function it is for, its shapes."""
    program = inner_jaxpr(equation.params)
    own = source_place(program), str(getattr(program, "jaxpr", program))
    return equation.primitive.name, *own, rule_identity(equation)
