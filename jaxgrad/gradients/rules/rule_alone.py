"""A custom rule that a function calls as a function by itself, at the values that reach it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.rules.few_entries import EntryByEntry
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.rule_calls import RuleCall
from jaxgrad.programs.carried_programs import CARRYING, constants_before
from jaxgrad.programs.custom_rules import function_name, rule_program
from jaxgrad.programs.rule_functions import (
    parameters_of_rule,
    place_of_code,
    place_of_function,
    place_of_rule,
    rule_identity,
    wrapped_function,
)
from jaxgrad.programs.trace import is_differentiable

__all__ = ["MOST_CALLS", "RuleAlone", "moving_arguments", "questions", "rule_key", "rule_of"]

# Of a rule that works entry by entry so many of the numbers that reach it are tried.
MOST_ENTRIES = 32
# Where all of them are, so many at once.
MOST_AT_ONCE = 1024
# Of others the values of so many calls.
MOST_CALLS = 3


@dataclass
class RuleAlone:
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


def questions(rule: RuleAlone, every: bool = False) -> Iterator[tuple[Primal, bool]]:
    """The rule as a function, at the values of its calls; at the first with its special points.

    Args:
        every: whether all values that reach it are asked for, not some of many.
    """
    first = rule.calls[0]
    small = EntryByEntry(first.equation)
    if small.holds:
        for calls in [[call] for call in rule.calls] if every else [rule.calls]:
            yield from _by_entries(calls, small, every)
        return
    most = len(rule.calls) if every else MOST_CALLS
    for place in np.unique(np.linspace(0, len(rule.calls) - 1, most).astype(int)):
        call = rule.calls[place]
        yield _primal(call, call.arguments, call.equation.primitive.bind), place == 0


def _by_entries(
    calls: Sequence[RuleCall], small: EntryByEntry, every: bool
) -> Iterator[tuple[Primal, bool]]:
    """One number of those that reach it, with special points; then a few of all of them."""
    call = calls[0]
    moving = moving_arguments(call)
    rows = [small.arguments(each.arguments, slice(None)) for each in calls]
    all_of_them = [
        np.concatenate([np.atleast_1d(np.asarray(row[i])) for row in rows])
        if np.ndim(rows[0][i])
        else rows[0][i]
        for i in range(len(call.arguments))
    ]
    leading = next((i for i in moving if np.ndim(all_of_them[i])), None)
    order = np.argsort(
        np.asarray(all_of_them[moving[0] if leading is None else leading]), axis=None
    )
    chosen = order[np.unique(np.linspace(0, len(order) - 1, MOST_ENTRIES).astype(int))]
    middle = int(order[len(order) // 2])
    parts = np.array_split(order, -(-len(order) // MOST_AT_ONCE)) if every else ()
    for entries in (middle, chosen, *parts):
        values = [x[entries] if np.ndim(x) else x for x in all_of_them]
        yield _primal(call, values, small), entries is middle


def _primal(call: RuleCall, values: Sequence[Any], bind: Callable[..., Any]) -> Primal:
    """A call as a function of the arguments that move, all others held."""
    equation, moving, live = call.equation, moving_arguments(call), call.live
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
    function.__name__ = rule_of(equation).name
    primal = Primal(function, tuple(np.asarray(values[i]) for i in moving))
    if function.__name__.isidentifier() and len(live) == sum(live):  # it returns the same
        primal.called = function.__name__
        if len(moving) == len(equation.invars):  # and takes the same
            primal.name = function.__name__
    return primal


def moving_arguments(call: RuleCall) -> list[int]:
    """The arguments that are differentiated by: no constants of its program, and no integers."""
    constants = constants_before(call.equation)
    return [
        i
        for i, (variable, moves) in enumerate(zip(call.equation.invars, call.moving, strict=True))
        if moves and i >= constants and is_differentiable(variable.aval.dtype)
    ]


def _argument_names(equation: Any, moving: Sequence[int]) -> list[str] | None:
    inner = rule_program(equation)
    names = getattr(getattr(inner, "jaxpr", inner).debug_info, "arg_names", None)
    if not names or equation.primitive.name == CARRYING:  # which has those of the method
        names = [""] * constants_before(equation) + parameters_of_rule(equation)
    if len(names) != len(equation.invars):
        return ["x"] if len(moving) == 1 else None
    chosen = [names[i] or "" for i in moving]
    plain = all(name.isidentifier() for name in chosen) and len(set(chosen)) == len(chosen)
    return chosen if plain else None


# -- which rule it is ------------------------------------------------------------------------------


def rule_of(equation: Any) -> RuleAlone:
    """The rule that an equation calls, without its calls."""
    wrapped = wrapped_function(equation)
    if wrapped is not None:
        return RuleAlone(wrapped.__name__, place_of_code(wrapped))
    place = place_of_function(equation)
    file, _, line = place.rpartition(":")
    home = Path(jax.__file__).parent
    if file and home in Path(file).parents:  # the rule for it may be somebody's own
        ours = f"jax/{Path(file).relative_to(home).as_posix()}:{line}"
        place = place_of_rule(equation) or ours
    return RuleAlone(function_name(equation), place)


def rule_key(equation: Any) -> Hashable:
    """What tells one rule from another: its functions, and the function it is for, its shapes."""
    program = rule_program(equation)
    own = place_of_function(equation), str(getattr(program, "jaxpr", program))
    return equation.primitive.name, *own, rule_identity(equation)
