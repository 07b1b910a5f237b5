"""Calls, custom rules (their primal is interpreted) and control flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.errors import OpaquePrimitive, UnsupportedPrimitive
from jaxgrad.interpret.budgets import require_scan
from jaxgrad.interpret.loop_precision import OpenLoop
from jaxgrad.interpret.rules.bit_programs import bit_program
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.interpret.rules.structural import is_key
from jaxgrad.interpret.turns import (
    beyond_the_end,
    inside_a_loop,
    is_run_on,
    note_turns,
    turns_beyond,
)
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.programs.compared_quotients import with_products
from jaxgrad.programs.counted_loops import turns_of
from jaxgrad.programs.jaxprs import (
    CALLS,
    OPAQUE,
    holds_primitive,
    inner_jaxpr,
    scan_parts,
    while_parts,
)
from jaxgrad.programs.sharded import why_not_sharded

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


# What each call has beside its program.  Of a custom rule all that belongs to its derivatives is
# read where JAX derives; a `composite` and a `custom_vmap_call` mean their program.
_UNREAD_BY_CALLS: dict[str, tuple[str, ...]] = {
    "jit": (
        "name", "inline", "keep_unused", "compiler_options_kvs", "donated_invars", "ctx_mesh",
        "in_shardings", "out_shardings", "in_layouts", "out_layouts",
    ),
    "call": ("name",),
    "closed_call": ("name",),
    "remat2": ("prevent_cse", "differentiated", "policy"),
    "custom_jvp_call": ("jvp_jaxpr_fun", "symbolic_zeros"),
    "custom_vjp_call": (
        "fwd_jaxpr_thunk", "bwd", "num_consts", "out_trees", "symbolic_zeros",
    ),
    "composite": ("name", "attributes", "version"),
    "linear_call": ("transpose_thunk", "num_callee_consts", "num_res"),
    "custom_vmap_call": ("rule", "in_tree", "out_tree"),
    "remat_opt": ("fun_jaxpr_thunk", "num_res"),
}  # fmt: skip


def _call(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    inner = inner_jaxpr(equation.params)
    written_for_floats = bit_program(inner, equation)
    if written_for_floats is not None:
        return written_for_floats(interpreter, equation, inputs)
    return interpreter.call(inner, inputs)


for _name in CALLS:
    rule(
        _name,
        # The last tells the arguments of a custom rule from the constants of its program.
        reads=("jaxpr", "call_jaxpr", "callee", "call", "fwd_jaxpr", "num_consts"),
        harmless=dict.fromkeys(_UNREAD_BY_CALLS.get(_name, ()), anything),
        exact_if_known=False,
    )(_call)


# The results stand in the order of the program's own, as `ft_out` says too.
@rule(
    "scan",
    reads=("jaxpr", "length", "reverse", "num_consts", "num_carry", "ft_in"),
    harmless={"ft_out": anything, "linear": anything},
    exact_if_known=False,
)
def _scan(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    params = equation.params
    constants, carry, sequences = scan_parts(params, inputs)
    alone = not sequences and len(equation.outvars) == len(carry)  # an iteration
    if alone:
        note_turns(equation, params["length"])
    steps = range(params["length"] + (turns_beyond(equation, params["length"]) if alone else 0))
    require_scan(params["length"], params["jaxpr"])
    collected: list[list[Any]] = []
    body = params["jaxpr"]
    for turn, i in enumerate(reversed(steps) if params["reverse"] else steps):
        if turn == params["length"]:
            body = beyond_the_end(body, len(carry))
        rows = [sequence[i, ...] for sequence in sequences]
        outputs = interpreter.call(body, [*constants, *carry, *rows])
        carry = outputs[: len(carry)]
        collected.append(outputs[len(carry) :])
    if params["reverse"]:
        collected.reverse()
    return carry + stacked(interpreter, equation.outvars[len(carry) :], collected)


def stacked(interpreter: Interpreter, variables: Any, collected: list[list[Any]]) -> list[Any]:
    """The k-th value of every step along a new first axis, for each variable k."""
    outputs = []
    for k, variable in enumerate(variables):
        rows = [row[k] for row in collected]
        if not rows:
            outputs.append(interpreter.lift(np.zeros(variable.aval.shape, variable.aval.dtype)))
        elif is_key(rows[0]):
            outputs.append(jax.numpy.stack(rows))
        elif all(map(is_concrete, rows)):
            outputs.append(np.stack(rows))
        else:
            rows = [interpreter.elements(row, variable.aval.dtype) for row in rows]
            outputs.append(interpreter.arrays.move(lambda xp, *each: xp.stack(each), *rows))
    return outputs


# `branches_platforms` says which branch is lowered where; the index says it, too.
@rule("cond", reads=("branches",), harmless={"branches_platforms": anything}, exact_if_known=False)
def _cond(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Runs the chosen branch; where the choice is open, both, and selects entry by entry."""
    index, *operands = inputs
    branches = equation.params["branches"]
    if is_concrete(index):
        chosen = min(max(int(index), 0), len(branches) - 1)
        if is_run_on():
            chosen = _not_raising(branches, chosen)
        return interpreter.call(branches[chosen], operands)
    return _cond_from(interpreter, equation, index, 0, operands)


def _not_raising(branches: Any, chosen: int) -> int:
    """The branch that is taken where loops are run on: not that of a guard, which asks where they
    end, as whether a solver was done."""
    raises = [holds_primitive(branch, OPAQUE) for branch in branches]
    return raises.index(False) if raises[chosen] and not all(raises) else chosen


def _cond_from(
    interpreter: Interpreter, equation: Equation, index: Value, first: int, operands: list[Any]
) -> list[Any]:
    """Branch number ``first`` if the index is that at most, else one of those that follow."""
    branches, arrays = equation.params["branches"], interpreter.arrays
    if first == len(branches) - 1:
        return interpreter.call(branches[first], list(operands))
    # A choice of two is a condition made an integer, 0 or 1.
    relation = "ne" if len(branches) == 2 else "gt"
    later = arrays.compare(relation, index, arrays.lift(np.asarray(first)))
    known = arrays.known(later)
    if known is not None and not known:
        return interpreter.call(branches[first], list(operands))
    rest = _cond_from(interpreter, equation, index, first + 1, operands)
    if known is not None:
        return rest
    here = interpreter.call(branches[first], list(operands))
    return [
        _chosen(interpreter, later, variable.aval.dtype, *values)
        for variable, *values in zip(equation.outvars, here, rest, strict=True)
    ]


def _chosen(
    interpreter: Interpreter, condition: Value, dtype: Any, if_false: Value, if_true: Value
) -> Value:
    if is_key(if_false):
        raise UnsupportedPrimitive("`cond` that chooses a PRNG key by an open comparison")
    if is_concrete(if_false) and is_concrete(if_true) and np.array_equal(if_false, if_true):
        return if_false
    either = [interpreter.elements(value, dtype) for value in (if_false, if_true)]
    return interpreter.arrays.select(condition, *either)


@rule(
    "while",
    reads=("cond_nconsts", "cond_jaxpr", "body_nconsts", "body_jaxpr"),
    exact_if_known=False,
)
def _while(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    params = equation.params
    test_constants, constants, carry = while_parts(params, inputs)
    count = turns_of(params, inputs)
    if count is not None:
        return _counted(interpreter, equation, count, inputs)
    turns, test, body = 0, with_products(params["cond_jaxpr"]), with_products(params["body_jaxpr"])
    while True:
        (condition,) = interpreter.turn(test, [*test_constants, *carry], turns)
        if not is_concrete(condition):
            raise OpenLoop
        if not np.any(condition):
            break
        turns += 1
        with inside_a_loop():
            following = interpreter.turn(body, [*constants, *carry], turns)
        # A loop that was mapped over an axis stops entry by entry.
        carry = following if np.all(condition) else [
            _advanced(interpreter, np.asarray(condition), variable.aval.dtype, *values)
            for variable, *values in zip(equation.outvars, carry, following, strict=True)
        ]  # fmt: skip
    note_turns(equation, turns)
    further = turns_beyond(equation, turns)
    if further:
        body = with_products(beyond_the_end(params["body_jaxpr"], len(carry)))
    for _ in range(further):  # which are known to end
        with inside_a_loop():
            carry = interpreter.call(body, [*constants, *carry])
    return carry


def _counted(
    interpreter: Interpreter, equation: Equation, count: int, inputs: list[Value]
) -> list[Value]:
    """A loop that is known to end after so many turns."""
    body = equation.params["body_jaxpr"]
    require_scan(count, body)
    _, constants, carry = while_parts(equation.params, inputs)
    note_turns(equation, count)
    for turn in range(count + turns_beyond(equation, count)):
        if turn == count:
            body = beyond_the_end(body, len(carry))
        carry = interpreter.call(body, [*constants, *carry])
    return list(carry)


def _advanced(
    interpreter: Interpreter,
    condition: np.ndarray,
    dtype: Any,
    before: Value,
    after: Value,
) -> Value:
    if is_key(before):
        raise UnsupportedPrimitive("a `while_loop` over PRNG keys that stops entry by entry")
    goes_on = condition.reshape(condition.shape + (1,) * (after.ndim - condition.ndim))
    if is_concrete(before) and is_concrete(after):
        return np.where(goes_on, after, before)
    either = [interpreter.elements(value, dtype) for value in (before, after)]
    return interpreter.arrays.move(lambda xp, x, y: xp.where(goes_on, y, x), *either)


def _without_effect(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    return []


# They return nothing: what is printed, and how, is no value.
for _name, _unread in {
    "debug_callback": ("callback", "effect", "partitioned"),
    "debug_print": (
        "fmt", "ordered", "partitioned", "in_tree", "static_args", "np_printoptions",
        "has_placeholders", "logging_record",
    ),
}.items():  # fmt: skip
    rule(_name, harmless=dict.fromkeys(_unread, anything), exact_if_known=False)(_without_effect)


@rule(
    "pure_callback",
    "io_callback",
    reads=("callback", "result_avals", "vmap_method", "ordered"),
    exact_if_known=False,
)
def _callback(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    raise OpaquePrimitive(
        f"`{equation.primitive.name}` runs Python code that is no JAX program; hold the function "
        "as floats against a JAX function that means the same, with jaxgrad.compare"
    )


@rule("check", reads=("err_tree",), harmless={"debug": anything}, exact_if_known=False)
def _check(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """That of checkify, which returns nothing: where it fails f has no value.

    Where it is open whether it fails it is taken not to.
    """
    error = jax.tree.unflatten(equation.params["err_tree"], inputs)
    failed = [x if is_concrete(x) else interpreter.settle(x) for x in error._pred.values()]
    if any(is_concrete(known) and np.any(known) for known in failed):
        raise CannotDecide("a `checkify.check` of the function fails at this point")
    return []


# Read as a program of one device, if it can be.
@rule(
    "shard_map",
    reads=("mesh", "jaxpr"),
    harmless=dict.fromkeys(("in_specs", "out_specs", "check_vma", "newly_manual_axes"), anything),
    exact_if_known=False,
)
def _shard_map(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    count = equation.params["mesh"].size
    raise UnsupportedPrimitive(
        f"`shard_map` over {count} device{'s' * (count > 1)} cannot be read as a program of one: "
        f"{why_not_sharded(equation)}"
    )
