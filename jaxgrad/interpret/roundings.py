"""How many rounding errors can follow one another on a way from an input to an output.

Each primitive contributes the errors that XLA's implementation may make, in units of u, half the
distance from 1 to the next float; a sum of n products contributes n of them in any order of
summation (Rump, Bünger and Jeannerod 2016).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.budgets import require_scan
from jaxgrad.interpret.rules import RULES
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.running_error import backward_ulps
from jaxgrad.programs.carried_programs import CARRYING, expanded
from jaxgrad.programs.jaxprs import (
    called,
    entries_of_a_kernel,
    scan_parts,
    while_parts,
)
from jaxgrad.programs.linear_systems import direct_solve
from jaxgrad.programs.trace import is_differentiable

__all__ = [
    "ONE_ULP",
    "SUMS",
    "chains",
    "errors_of",
    "greatest",
    "longest_chain",
    "narrow_errors",
]

SUMS = frozenset((
    "conv_general_dilated", "cumlogsumexp", "cumsum", "dot_general", "reduce", "reduce_sum",
    "reduce_window", "reduce_window_sum", "scatter-add", "scatter-sub", "select_and_scatter",
    "select_and_scatter_add",
))  # fmt: skip
"""Primitives that add many numbers up, or products of numbers."""
# What the result of a function is off that is computed in more digits and rounded: in units of u,
# one rounding and what is left of those before it.
ONE_ULP = 2

_ONE_ROUNDING = {
    "add", "add_any", "sub", "mul", "square", "reduce_precision",
}  # fmt: skip
# What moves, compares or chooses numbers, or takes or makes integers, rounds nothing.
_EXACT = (
    "abs", "and", "argmax", "argmin", "bitcast_convert_type", "broadcast_in_dim", "check", "clamp",
    "concatenate", "copy", "cummax", "cummin", "debug_callback", "debug_print", "device_put",
    "dynamic_slice", "dynamic_update_slice", "eq", "eq_to", "gather", "ge", "gt",
    "io_callback", "is_finite", "layout_constraint", "le", "le_to", "lt", "lt_to", "max", "min",
    "name", "ne", "neg", "nextafter", "not", "optimization_barrier", "or", "pad", "pure_callback",
    "random_bits", "reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_window_max",
    "reduce_window_min", "reduce_xor", "reshape", "reshard", "rev", "round", "scatter",
    "scatter-max", "scatter-min", "select_and_gather_add", "select_n", "sharding_constraint",
    "sign", "slice", "sort", "split", "squeeze", "stack", "stop_gradient", "tile", "top_k",
    "transpose", "unstack", "xor",
)  # fmt: skip
# Operations that are no functions, in ulp, each two units of u: division is x times a rounded
# reciprocal.
_ULPS = {"div": 2, "one_minus_square": 1, **dict.fromkeys(_EXACT, 0)}


def errors_of(equation: Any) -> int:
    """How many roundings, in units of u, XLA may make of one operation without a program inside.

    Raises:
        UnsupportedPrimitive: nobody knows.
    """
    return 0 if _is_of_integers(equation) else _errors(equation)


def _is_of_integers(equation: Any) -> bool:
    """Whether it makes integers or truth values of such, as what counts the turns of a loop."""
    avals = [atom.aval for atom in (*equation.invars, *equation.outvars)]
    return bool(avals) and all(
        hasattr(aval, "dtype") and not is_differentiable(aval.dtype) for aval in avals
    )


def narrow_errors(equation: Any, errors: int) -> int:
    """The same in a narrow dtype, in which functions and quotients are those of float32, rounded.

    Args:
        equation: the operation.
        errors: how many it makes in any dtype.
    """
    name = equation.primitive.name
    return min(errors, ONE_ULP) if name in FUNCTIONS or name == "div" else errors


def longest_chain(
    program: Any,
    turns: Mapping[int, int] | None = None,
    errors: Callable[[Any], int] = errors_of,
) -> int:
    """The most roundings, in units of u, between any input and any output of a program.

    Args:
        program: a traced program.
        turns: how often its ``while_loop``s turn, by the ids of their equations.
        errors: how many roundings each operation makes.

    Raises:
        UnsupportedPrimitive: a loop of which nobody says how often it turns.
        CannotDecide: a loop that is too long.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> longest_chain(trace(lambda x, y: x * y + 1.0, (1.0, 2.0)))
        2
    """
    return max(chains(program, turns, errors), default=0)


def chains(
    program: Any,
    turns: Mapping[int, int] | None = None,
    errors: Callable[[Any], int] = errors_of,
    choices: bool = True,
) -> list[int]:
    """The same for every output.

    Args:
        program, turns, errors: as for :func:`longest_chain`.
        choices: as for :func:`greatest`.

    Raises:
        UnsupportedPrimitive, CannotDecide: as :func:`longest_chain`.
    """
    return greatest(program, turns, errors, operator.add, choices)


def greatest(
    program: Any,
    turns: Mapping[int, int] | None,
    size: Callable[[Any], Any],
    join: Callable[[Any, Any], Any],
    choices: bool = True,
) -> list[Any]:
    """For every output the greatest of what comes of 0 on a way to it from an input.

    Args:
        program, turns: as for :func:`longest_chain`.
        size: of an operation, asked once for each.
        join: (what an operand has behind it, that size) -> what the results have.
        choices: whether a way may go through a choice, a comparison, a step to an integer or the
            order of numbers, which rounding makes another one or leaves as it is.

    Raises:
        UnsupportedPrimitive, CannotDecide: as :func:`longest_chain`.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad.programs.trace import trace
        >>> masked = trace(lambda x, y: jnp.where(x * x > y, x, y), (np.float32(1),) * 2)
        >>> [greatest(masked, None, errors_of, max, choices) for choices in (True, False)]
        [[1], [0]]
    """
    jaxpr = program.jaxpr.jaxpr
    return _Chains(turns, size, join, choices).through(jaxpr, [0] * len(jaxpr.invars))


# Of their operands nothing is in their results but between which numbers they are.
_STEPS = ("argmax", "argmin", "ceil", "floor", "round", "sign")


def _chosen(equation: Any, inputs: list[Any]) -> list[Any] | None:
    """What the results of a choice have behind them; None of what is none.

    An integer that is made of a float is a step of it, but for its bits.  What is sorted is moved,
    each operand by an order that may be another one's.
    """
    name, outputs = equation.primitive.name, equation.outvars
    if name == "sort":
        return inputs
    if name == "top_k":
        return [max(inputs), 0]
    dtypes = [getattr(x.aval, "dtype", None) for x in outputs]
    to_bool = bool(dtypes) and all(dtype == np.bool_ for dtype in dtypes)
    to_integers = name == "convert_element_type" and not is_differentiable(dtypes[0])
    return [0] * len(outputs) if name in _STEPS or to_bool or to_integers else None


class _Chains:
    """Chains of roundings through a program and all within it.

    Args:
        turns: how often its ``while_loop``s turn, if that is known.
        size, join, choices: as for :func:`greatest`; by default one more for each rounding.
        all_taken: whether it is not known of one that is not among them.
    """

    def __init__(
        self,
        turns: Mapping[int, int] | None = None,
        size: Callable[[Any], Any] = errors_of,
        join: Callable[[Any, Any], Any] = operator.add,
        choices: bool = True,
        all_taken: bool = False,
    ) -> None:
        self._turns, self._size, self._join, self._choices = turns or {}, size, join, choices
        self._all_taken = turns is None or all_taken
        self._sizes: dict[int, tuple[Any, Any]] = {}

    def through(self, jaxpr: Any, starts: list[int]) -> list[int]:
        """How long they are at its results, for those that its inputs have behind them."""
        depth: dict[Any, int] = dict(zip(jaxpr.invars, starts, strict=True))

        def read(atom: Any) -> int:
            return 0 if hasattr(atom, "val") else depth.get(atom, 0)

        for equation in jaxpr.eqns:
            inputs = [read(atom) for atom in equation.invars]
            depth.update(zip(equation.outvars, self._equation(equation, inputs), strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(self, equation: Any, inputs: list[int]) -> list[int]:
        name, params = equation.primitive.name, equation.params
        if name == "while":
            return self._while(equation, inputs)
        if name == "scan":
            return self._scan(params, inputs)
        if name == "cond":
            branches = [self.through(_open(each), inputs[1:]) for each in params["branches"]]
            return [max(column) for column in zip(*branches, strict=True)]
        program = called(equation)
        if program is not None:
            return self.through(_open(program), inputs)
        if name == "custom_linear_solve":
            return self._solver(equation, inputs)
        if name == CARRYING:
            return self._done_without(expanded(equation), inputs)
        if not self._choices and (chosen := _chosen(equation, inputs)) is not None:
            return chosen
        found = self._join(max(inputs, default=0), self._size_of(equation))
        return [found] * len(equation.outvars)

    def _size_of(self, equation: Any) -> Any:
        """Its size, which is asked once, however often a loop comes by it."""
        if id(equation) not in self._sizes:  # the equation is kept, or another may have its number
            self._sizes[id(equation)] = equation, self._size(equation)
        return self._sizes[id(equation)][1]

    def _done_without(self, program: Any, inputs: list[int]) -> list[int]:
        """Of a program that exact numbers do without, whichever inputs it has of the equation's."""
        inner = _open(program)
        every = _Chains(self._turns, self._size, self._join, self._choices, True)
        return every.through(inner, [max(inputs, default=0)] * len(inner.invars))

    def _solver(self, equation: Any, inputs: list[int]) -> list[int]:
        """Of a solver whose loops exact numbers do without, those of elimination.

        An iteration corrects what it rounded before.
        """
        try:
            return self._done_without(equation.params["jaxprs"].solve, inputs)
        except UnsupportedPrimitive:
            found = self._done_without(direct_solve(equation), inputs)
            beside = len(equation.outvars) - len(found)
            return [*found, *[max(inputs, default=0)] * beside]

    def _while(self, equation: Any, inputs: list[int]) -> list[int]:
        turns = self._turns.get(id(equation), 0)
        if self._all_taken and id(equation) not in self._turns:
            raise UnsupportedPrimitive("a `while_loop` makes an unknown number of rounding errors")
        _, constants, carry = while_parts(equation.params, inputs)
        body = _open(equation.params["body_jaxpr"])
        for _ in range(turns):
            # What a loop does not turn for, as it stops entry by entry, stays as it is.
            before, after = carry, self.through(body, [*constants, *carry])
            carry = [max(pair) for pair in zip(carry, after, strict=True)]
            if carry == before:  # and so it stays
                break
        return carry

    def _scan(self, params: Any, inputs: list[int]) -> list[int]:
        require_scan(params["length"], params["jaxpr"])
        body = _open(params["jaxpr"])
        constants, carry, rows = scan_parts(params, inputs)
        deepest: list[int] = []
        for _ in range(params["length"]):
            before, outputs = carry, self.through(body, [*constants, *carry, *rows])
            carry = outputs[: len(carry)]
            deepest = [max(a, b) for a, b in zip(outputs, deepest or outputs, strict=True)]
            if carry == before:  # and so it stays
                break
        return deepest or [0] * len(body.outvars)


def _open(jaxpr: Any) -> Any:
    return jaxpr.jaxpr if hasattr(jaxpr, "consts") else jaxpr


def _errors(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    if name in _ONE_ROUNDING:
        return 1
    if name == "convert_element_type":
        return _rounds(*(x.aval.dtype for x in (*equation.invars, *equation.outvars)))
    if name == "dot_general":
        (contract, _), _ = params["dimension_numbers"]
        shape = equation.invars[0].aval.shape
        return int(np.prod([shape[axis] for axis in contract], dtype=int)) or 1
    if name == "conv_general_dilated":
        return max(entries_of_a_kernel(equation), 1)
    if name in ("reduce_sum", "reduce_prod", "cumsum", "cumprod"):
        shape, along = equation.invars[0].aval.shape, params.get("axes") or (params.get("axis"),)
        return max(math.prod(shape[axis] for axis in along if axis is not None), 1)
    if name in ("scatter-add", "scatter-sub", "scatter-mul"):
        return _most_updates(equation)
    if name == "polynomial":  # Horner's rule: a product and a sum for each coefficient
        return 2 * max(len(equation.invars) - 1, 1)
    if name in ("reduce_window_sum", "select_and_scatter_add"):
        return max(int(np.prod(params["window_dimensions"], dtype=int)), 1)
    if name == "cumlogsumexp":  # each step rounds two exponentials, a sum and a logarithm
        return equation.invars[0].aval.shape[params["axis"]] * (
            2 * (2 * _ulps("exp") + _ulps("log")) + 1
        )
    if name in ("cholesky", "lu", "triangular_solve"):
        # Each of n steps of elimination rounds a quotient, a product and a difference.
        return (2 * _ulps("div") + 2) * int(equation.invars[0].aval.shape[-1])
    if name in ("qr", "geqrf", "householder_product", "eigh", "svd", "eig", "schur"):
        matrix = equation.invars[0].aval
        return backward_ulps(name, matrix.dtype) * max(map(int, matrix.shape[-2:]))
    if name == "integer_pow":
        return max(abs(int(params["y"])) - 1, 1) + (2 if params["y"] < 0 else 0)
    if name in ("reduce", "reduce_window", "select_and_scatter"):
        program = _open(params["scatter_jaxpr" if "scatter_jaxpr" in params else "jaxpr"])
        folded = params.get("window_dimensions", equation.invars[0].aval.shape)
        step = max(_Chains().through(program, [0] * len(program.invars)), default=0)
        return int(np.prod(folded, dtype=int)) * step
    return 2 * _ulps(name)


def _most_updates(equation: Any) -> int:
    """How many windows may be added to one entry, of which no window has two numbers."""
    numbers, shape = equation.params["dimension_numbers"], equation.invars[2].aval.shape
    windows = [n for axis, n in enumerate(shape) if axis not in numbers.update_window_dims]
    batched = set(numbers.scatter_indices_batching_dims)  # along which entries are others
    return max(math.prod(n for axis, n in enumerate(windows) if axis not in batched), 1)


def _rounds(before: Any, after: Any) -> int:
    """Whether a dtype has not all numbers of another one: to a wider one nothing is rounded."""
    if not all(jnp.issubdtype(dtype, jnp.floating) for dtype in (before, after)):
        return 1
    old, new = jnp.finfo(before), jnp.finfo(after)
    return int(new.nmant < old.nmant or new.maxexp < old.maxexp or new.minexp > old.minexp)


def _ulps(name: str) -> int:
    known = FUNCTIONS.get(name)
    ulps = _ULPS.get(name) if known is None else known.ulps
    if ulps is None and name in RULES:
        raise UnsupportedPrimitive(f"nothing is known of the rounding errors of `{name}`")
    return ulps or 0  # without a rule it is given no real numbers
