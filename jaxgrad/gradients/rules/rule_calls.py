"""The custom rules that a program calls, however deep, with the values that reach them.

The program is run as it is, in floating point; of a scan or a loop the first turn and the last are
gone into.  At other arguments than the given ones a ``while`` may never end: there each of them,
those within rules and other loops, too, is run turn by turn, and given up after many.  Beside the
values it is found which arguments of a rule depend on those of the program, and which of its
results the program's own depend on: a derivative by any other is nobody's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxgrad.gradients.primitive_runs import as_it_is, bound, running, typed
from jaxgrad.gradients.witness import run_primitives
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import tick
from jaxgrad.programs.custom_rules import has_custom_rules, is_rule, rule_program
from jaxgrad.programs.flow import Flow
from jaxgrad.programs.jaxprs import called, holds_primitive, scan_parts, while_parts
from jaxgrad.programs.meanings import inner_programs
from jaxgrad.programs.trace import is_differentiable

__all__ = ["RuleCall", "rule_calls", "rule_equations", "run_calls"]

# Turns of a loop that are run one by one, to come to the last.
MOST_TURNS = 1000


@dataclass
class RuleCall:
    """One call of a custom rule.

    Args:
        equation: the call.
        arguments: the values that reach it.
        moving: for each of them whether it depends on the arguments of the program.
        live: for each result whether the result of the program depends on it.
        index: the number of the call in the run.
    """

    equation: Any
    arguments: list[Any]
    moving: list[bool]
    live: list[bool] = field(default_factory=list)
    index: int = 0


@dataclass
class _Step:
    """An equation as it ran, with the programs within it that were gone into."""

    equation: Any
    arguments: list[Any]
    call: RuleCall | None = None
    within: list[_Record] = field(default_factory=list)
    hands_on: bool = False  # whether it is a call of a program, whose inputs are its own


@dataclass
class _Record:
    """A program as it ran."""

    jaxpr: Any
    steps: list[_Step]


def rule_calls(closed: Any, inputs: Sequence[Any]) -> list[RuleCall]:
    """Every call of a custom rule that is reached, in order.

    Args:
        closed: a closed jaxpr.
        inputs: its inputs, of which those that are floating point are what is differentiated by.

    Example:
        >>> closed = jax.make_jaxpr(lambda x: jax.nn.relu(2 * x))(1.0)
        >>> [call] = rule_calls(closed, [1.0])
        >>> float(call.arguments[0]), call.moving, call.live
        (2.0, [True], [True])
    """
    run = _Run()
    moving = [is_differentiable(v.aval.dtype) for v in closed.jaxpr.invars]
    with as_it_is():
        _, _, record = run.program(closed, list(inputs), moving)
    _live(record, [True] * len(closed.jaxpr.outvars))
    return run.calls


def run_calls(
    closed: Any, inputs: Sequence[Any], moved: tuple[int, int | None] | None = None
) -> tuple[list[RuleCall], list[Any]]:
    """The calls of custom rules of a run at any arguments, and its results.

    Args:
        closed: a closed jaxpr.
        inputs: its inputs.
        moved: which call gives other results than its own, and the entry of them; all if None.

    Raises:
        NotRun: it cannot be run there.
        CannotDecide: its loops turn very often, if they end at all.
    """
    run = _Run(moved, anywhere=True)
    results, _, _ = run.program(closed, list(inputs), [True] * len(closed.jaxpr.invars))
    return run.calls, results


def rule_equations(jaxpr: Any) -> Iterator[Any]:
    """The calls of custom rules in a program, but not those within the function of another."""
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        if is_rule(equation):
            yield equation
            continue
        for inner in inner_programs(equation.params):
            yield from rule_equations(inner)


class _Run:
    """Runs programs in floating point, and keeps the calls of rules.

    Args:
        moved: which call gives other results than its own.
        anywhere: whether the arguments may be such that a loop never ends.
    """

    def __init__(self, moved: tuple[int, int | None] | None = None, anywhere: bool = False) -> None:
        self.calls: list[RuleCall] = []
        self._moved, self._anywhere = moved, anywhere

    def program(
        self, program: Any, inputs: list[Any], moving: list[bool]
    ) -> tuple[list[Any], list[bool], _Record]:
        """The results of a program, which of them move, and how it ran."""
        jaxpr, constants = getattr(program, "jaxpr", program), getattr(program, "consts", ())
        values = dict(zip(jaxpr.constvars, map(typed, constants, jaxpr.constvars), strict=True))
        values.update(zip(jaxpr.invars, inputs, strict=True))
        moves = {v for v, m in zip(jaxpr.invars, moving, strict=True) if m}
        record = _Record(jaxpr, [])
        for equation in jaxpr.eqns:
            tick()
            arguments = [
                typed(a.val, a) if hasattr(a, "val") else values[a] for a in equation.invars
            ]
            given = [not hasattr(a, "val") and a in moves for a in equation.invars]
            step = _Step(equation, arguments)
            outputs, found = self.equation(step, given)
            record.steps.append(step)
            values.update(zip(equation.outvars, outputs, strict=True))
            moves |= {v for v, m in zip(equation.outvars, found, strict=True) if m}
        read = [a.val if hasattr(a, "val") else values[a] for a in jaxpr.outvars]
        return read, [not hasattr(a, "val") and a in moves for a in jaxpr.outvars], record

    def equation(self, step: _Step, moving: list[bool]) -> tuple[list[Any], list[bool]]:
        """The results of an equation, and which of them move."""
        equation, arguments = step.equation, step.arguments
        name, params = equation.primitive.name, equation.params
        if is_rule(equation):
            step.call = RuleCall(equation, arguments, moving, index=len(self.calls))
            self.calls.append(step.call)
            outputs = self._plainly(rule_program(equation), arguments)
            if self._moved is not None and self._moved[0] == len(self.calls) - 1:
                outputs = [_beside(x, self._moved[1]) for x in outputs]
            return outputs, _coarse(equation, moving)
        inner = called(equation)
        if inner is not None:
            outputs, found, record = self.program(inner, arguments, moving)
            step.within, step.hands_on = [record], True
            return outputs, found
        within = list(inner_programs(params))
        if not any(map(has_custom_rules, within)) and not self._may_not_end(name, within):
            return _bound(equation, arguments), _coarse(equation, moving)
        if name == "cond":
            branches = params["branches"]
            chosen = min(max(int(arguments[0]), 0), len(branches) - 1)
            outputs, found, record = self.program(branches[chosen], arguments[1:], moving[1:])
            step.within = [record]
            return outputs, [m or (moving[0] and f) for m, f in zip(found, _coarse(
                equation, moving), strict=True)]  # fmt: skip
        loops = {"scan": self._scan, "while": self._while}
        outputs = loops[name](step, moving) if name in loops else None
        if outputs is None:
            if self._may_not_end(name, within):
                raise CannotDecide(f"a loop turns more than {MOST_TURNS} times, or within `{name}`")
            outputs = _bound(equation, arguments)
        return outputs, _coarse(equation, moving)

    def _may_not_end(self, name: str, within: Sequence[Any]) -> bool:
        """Whether an operation is a loop, or one with a loop within, at any arguments."""
        return self._anywhere and (name == "while" or any(map(_has_loops, within)))

    def _plainly(self, program: Any, arguments: list[Any]) -> list[Any]:
        """The results of a program whose own rules are none of those that are asked for."""
        if not self._anywhere or not _has_loops(program):
            with running():
                return run_primitives(program, arguments)
        return _Run(anywhere=True).program(program, arguments, [True] * len(arguments))[0]

    def _turn(self, program: Any) -> Callable[..., list[Any]]:
        """One turn of a loop, compiled unless a loop within it may never end."""
        if not self._anywhere or not _has_loops(program):
            return _compiled(program)
        return lambda *arguments: self._plainly(program, list(arguments))

    def _scan(self, step: _Step, moving: list[bool]) -> list[Any] | None:
        """The first turn and the last; the results, if there are few turns."""
        params, body = step.equation.params, step.equation.params["jaxpr"]
        fixed, carry, rows = scan_parts(params, step.arguments)
        fixed_moves, carry_moves, row_moves = scan_parts(params, moving)
        carried = len(carry)
        carry_moves = _Derivatives().settled(body, fixed_moves, carry_moves, row_moves)[:carried]
        order = list(range(params["length"]))[:: -1 if params["reverse"] else 1]
        many = len(order) > MOST_TURNS
        if many:
            order = order[:1]
        turn, collected = self._turn(body), []
        moves = [*fixed_moves, *carry_moves, *row_moves]
        for place in order:
            tick()
            inputs = [*fixed, *carry, *(row[place] for row in rows)]
            if place in (order[0], order[-1]):
                outputs, _, record = self.program(body, inputs, moves)
                step.within.append(record)
            else:
                outputs = turn(*inputs)
            carry = list(outputs[:carried])
            collected.append(outputs[carried:])
        if many or not collected:
            return None
        each = zip(*collected[:: -1 if params["reverse"] else 1], strict=True)
        return [*carry, *map(jax.numpy.stack, each)]

    def _while(self, step: _Step, moving: list[bool]) -> list[Any] | None:
        """The first turn and the last; the results, if there are few turns."""
        params = step.equation.params
        body = params["body_jaxpr"]
        test_constants, constants, carry = while_parts(params, step.arguments)
        _, constant_moves, carry_moves = while_parts(params, moving)
        carry_moves = _Derivatives().settled(body, constant_moves, carry_moves)
        test, turn = self._turn(params["cond_jaxpr"]), self._turn(body)
        before = None
        moves = [*constant_moves, *carry_moves]
        for count in range(MOST_TURNS):
            tick()
            if not bool(jax.numpy.all(test(*test_constants, *carry)[0])):
                break
            before = [*constants, *carry]
            if count == 0:
                carry, _, record = self.program(body, before, moves)
                step.within.append(record)
            else:
                carry = list(turn(*before))
        else:
            return None
        if before is not None and count > 1:
            carry, _, record = self.program(body, before, moves)
            step.within.append(record)
        return carry


class _Derivatives(Flow):
    """Which numbers have a derivative by what moves, as far as the operations tell; a custom rule
    may say anything."""

    def equation(self, equation: Any, moving: list[bool]) -> list[bool]:
        if is_rule(equation):
            return self.operation(equation, moving)
        return super().equation(equation, moving)

    def operation(self, equation: Any, moving: list[bool]) -> list[bool]:
        return _coarse(equation, moving)


def _coarse(equation: Any, moving: list[bool]) -> list[bool]:
    """Every number that an equation gives moves if one that it is given does."""
    flows = any(moving) and equation.primitive.name != "stop_gradient"
    return [flows and _is_number(v) for v in equation.outvars]


def _is_number(variable: Any) -> bool:
    dtype = getattr(variable.aval, "dtype", None)
    return dtype is not None and is_differentiable(dtype)


# -- what the results depend on --------------------------------------------------------------------


def _live(record: _Record, results: list[bool]) -> list[bool]:
    """For each input of a program whether its results depend on it, and the same of its rules."""
    jaxpr = record.jaxpr
    needed = {a for a, live in zip(jaxpr.outvars, results, strict=True)
              if live and not hasattr(a, "val")}  # fmt: skip
    for step in reversed(record.steps):
        equation = step.equation
        live = [v in needed and _is_number(v) for v in equation.outvars]
        if step.call is not None:
            step.call.live = live
        asked = _asked(step, live)
        needed |= {a for a, ask in zip(equation.invars, asked, strict=True)
                   if ask and not hasattr(a, "val")}  # fmt: skip
    return [v in needed for v in jaxpr.invars]


def _asked(step: _Step, live: list[bool]) -> list[bool]:
    """For each argument of an equation whether a result that counts depends on it."""
    equation, nothing = step.equation, [False] * len(step.arguments)
    for record in step.within:
        if step.hands_on:
            return _live(record, live)
        _live(record, [any(live)] * len(record.jaxpr.outvars))
    if not any(live) or equation.primitive.name == "stop_gradient":
        return nothing
    if equation.primitive.name == "select_n":
        chosen, *cases = step.arguments
        return [False, *(bool(np.any(np.asarray(chosen) == i)) for i in range(len(cases)))]
    return [True] * len(step.arguments)


def _has_loops(program: Any) -> bool:
    """Whether a program has a ``while`` within it, however deep."""
    return holds_primitive(program, ("while",))


def _bound(equation: Any, arguments: list[Any]) -> list[Any]:
    with running():
        return bound(equation, arguments)


def _closed(program: Any) -> Any:
    return program if hasattr(program, "consts") else ClosedJaxpr(program, ())


@functools.lru_cache(maxsize=64)
def _compiled(program: Any) -> Callable[..., list[Any]]:
    compiled = jax.jit(jaxpr_as_fun(_closed(program)))

    def run(*arguments: Any) -> list[Any]:
        with running():
            return compiled(*arguments)

    return run


def _beside(value: Any, entry: int | None) -> Any:
    """A value with its entry, or all of them, a little larger."""
    if not is_differentiable(value.dtype):
        return value
    larger = value + (2.0**-6 * (1 + abs(value))).astype(value.dtype)
    if entry is None or value.size == 1:
        return larger
    flat = jax.numpy.ravel(value)
    return flat.at[entry].set(jax.numpy.ravel(larger)[entry]).reshape(value.shape)
