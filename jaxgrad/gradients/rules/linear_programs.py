"""Is a program linear in some of its inputs, or analytic?  Seen from its operations alone.

Each value is 0, free of those inputs, linear in them (and 0 where they are), an analytic function
of them that has a value wherever they are real, or none of these as far as can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from enum import IntEnum
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.interpret.rules.elementwise import IDENTITY
from jaxgrad.numbers.functions import ALL, FUNCTIONS
from jaxgrad.programs.carried_programs import CARRYING, name_in_jax
from jaxgrad.programs.jaxprs import called, equations, scan_parts, while_parts
from jaxgrad.programs.meanings import MEANINGS
from jaxgrad.programs.trace import is_differentiable

__all__ = [
    "BY_RULES",
    "Barred",
    "Kind",
    "is_analytic",
    "is_linear",
    "kinds_of",
    "rounds_to_fewer_bits",
]


class Kind(IntEnum):
    """How a value depends on the inputs that move."""

    ZERO = 0
    FREE = 1
    LINEAR = 2
    ANALYTIC = 3
    OTHER = 4


def join(*kinds: Kind) -> Kind:
    """The kind of what is one of several values, and of sums of them."""
    known = set(kinds) - {Kind.ZERO}
    if not known:
        return Kind.ZERO
    return known.pop() if len(known) == 1 else max(*known, Kind.ANALYTIC)


Barred = frozenset[str]

BY_RULES = frozenset({
    "stop_gradient", "custom_jvp_call", "custom_vjp_call", "linear_call",
    "custom_transpose_call", "custom_linear_solve", CARRYING,
})  # fmt: skip
"""Primitives that may be linear, and of which JAX takes the derivative from somebody's rule."""


def kinds_of(
    jaxpr: Any,
    inputs: Sequence[Kind],
    consts: Sequence[Any] = (),
    barred: Barred = frozenset(),
) -> list[Kind]:
    """The kinds of the outputs of a program.

    Args:
        jaxpr: an open or a closed one.
        inputs: the kind of each input.
        consts: the constants of an open one, free if left out.
        barred: primitives of which nothing is believed.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(lambda x, u: (x * u, u * u, x + u))(1.0, 1.0)
        >>> [str(kind.name) for kind in kinds_of(closed, [Kind.FREE, Kind.LINEAR])]
        ['LINEAR', 'ANALYTIC', 'ANALYTIC']
    """
    if hasattr(jaxpr, "consts"):
        jaxpr, consts = jaxpr.jaxpr, jaxpr.consts
    found: dict[Any, Kind] = dict.fromkeys(jaxpr.constvars, Kind.FREE)
    found.update(zip(jaxpr.constvars, map(_of_constant, consts), strict=False))
    found.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Kind:
        return _of_constant(atom.val) if hasattr(atom, "val") else found[atom]

    for equation in jaxpr.eqns:
        kinds = _applied(equation, [read(atom) for atom in equation.invars], barred)
        found.update(zip(equation.outvars, kinds, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def is_linear(
    closed: Any, moving: Container[int], values: int = 0, barred: Barred = frozenset()
) -> bool:
    """Whether the operations of a program show that it is linear in some of its inputs.

    Args:
        closed: the program.
        moving: the places of those inputs; all others are free.
        values: how many of its outputs, the first ones, may be anything.
        barred: primitives of which nothing is believed.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(lambda x, u: (x * x, x * u))(1.0, 1.0)
        >>> is_linear(closed, {1}), is_linear(closed, {1}, values=1)
        (False, True)
    """
    places = range(len(closed.jaxpr.invars))
    inputs = [Kind.LINEAR if i in moving else Kind.FREE for i in places]
    found = kinds_of(closed, inputs, (), barred)[values:]
    return all(kind in (Kind.ZERO, Kind.LINEAR) for kind in found)


def is_analytic(closed: Any) -> bool:
    """Whether the operations of a program show that it is analytic wherever its inputs are real.

    Nothing in it ties, jumps, or ends: two such programs that are the same near one point are the
    same everywhere (the identity theorem).

    Example:
        >>> import jax
        >>> [is_analytic(jax.make_jaxpr(f)(1.0)) for f in (jax.numpy.tanh, jax.numpy.log, abs)]
        [True, False, False]
    """
    found = kinds_of(closed, [Kind.LINEAR] * len(closed.jaxpr.invars))
    return max(found, default=Kind.FREE) <= Kind.ANALYTIC


def rounds_to_fewer_bits(closed: Any) -> bool:
    """Whether a program rounds to fewer bits than its inputs have, by an operation of its own.

    As a formula such an operation is the identity; in floats it is constant between its jumps.

    Example:
        >>> import jax
        >>> cut = lambda x: jax.lax.reduce_precision(x, 8, 3)
        >>> [rounds_to_fewer_bits(jax.make_jaxpr(f)(1.0)) for f in (cut, jax.numpy.tanh)]
        [True, False]
    """
    floating = [v.aval.dtype for v in closed.jaxpr.invars if _is_real(v)]
    bits = min((jnp.finfo(dtype).nmant for dtype in floating), default=0)
    return any(_kept_bits(equation) < bits for equation in equations(closed))


def _kept_bits(equation: Any) -> float:
    """The bits behind the point that are left of real numbers, if an operation is a rounding."""
    if equation.primitive.name == "reduce_precision":
        return equation.params["mantissa_bits"]
    if equation.primitive.name != "convert_element_type":
        return math.inf
    real = _is_real(equation.invars[0]) and _is_real(equation.outvars[0])
    return jnp.finfo(equation.outvars[0].aval.dtype).nmant if real else math.inf


def _of_constant(value: Any) -> Kind:
    zero = isinstance(value, int | float | np.ndarray | np.generic) and not np.any(value)
    return Kind.ZERO if zero else Kind.FREE


def _applied(equation: Any, kinds: list[Kind], barred: Barred) -> list[Kind]:
    name, outputs = equation.primitive.name, len(equation.outvars)
    if name_in_jax(equation) == "Ldexp" and kinds[1] <= Kind.FREE:
        return kinds[:1]
    by_rule = name in barred or (bool(barred) and name in MEANINGS)
    if by_rule and max(kinds, default=Kind.FREE) > Kind.FREE:
        return [Kind.OTHER] * outputs
    program = called(equation)
    if program is not None:
        return kinds_of(program, kinds, (), barred)
    if name in _INNER:
        return _INNER[name](equation, kinds, barred)
    if name in IDENTITY:
        return kinds
    if name in _LINEAR_IN and all(map(_is_number, equation.outvars)):
        moving = _LINEAR_IN[name](len(kinds))
        rest = join(*(kind for i, kind in enumerate(kinds) if i not in moving))
        if rest <= Kind.FREE:
            return [join(*(kinds[i] for i in moving))] * outputs
    if name in _PRODUCTS:
        return [_product(kinds)]
    kind = max(kinds, default=Kind.FREE)
    if kind <= Kind.FREE:
        return [Kind.FREE] * outputs
    analytic = kind <= Kind.ANALYTIC and _is_entire(equation)
    return [Kind.ANALYTIC if analytic else Kind.OTHER] * outputs


def _is_entire(equation: Any) -> bool:
    """Whether an operation has a value, and is analytic, at all real numbers."""
    if not all(map(_is_real, (*equation.invars, *equation.outvars))):
        return False
    if equation.primitive.name == "integer_pow":
        return equation.params["y"] >= 0
    function = FUNCTIONS.get(equation.primitive.name)
    if function is None or not function.elementwise:
        return equation.primitive.name in _POLYNOMIALS
    rough = function.domain is not None or function.jumps is not None or function.critical
    return not rough and function.derivatives == ALL


def _is_number(variable: Any) -> bool:
    """Whether it is a real or a complex one."""
    return jnp.issubdtype(variable.aval.dtype, jnp.inexact)


def _is_real(variable: Any) -> bool:
    return is_differentiable(variable.aval.dtype)


def _product(kinds: list[Kind]) -> Kind:
    if Kind.ZERO in kinds:
        return Kind.ZERO
    moving = [kind for kind in kinds if kind > Kind.FREE]
    if not moving:
        return Kind.FREE
    return moving[0] if len(moving) == 1 else max(*moving, Kind.ANALYTIC)


_POLYNOMIALS = frozenset({"square", "one_minus_square", "reduce_prod", "cumprod"})
_PRODUCTS = frozenset({"mul", "dot_general", "conv_general_dilated", "ragged_dot"})

Places = Callable[[int], Sequence[int]]


def _all(count: int) -> Sequence[int]:
    return range(count)


def _only(*places: int) -> Places:
    return lambda count: places


# primitive -> the arguments in which it is linear, all at once, if the others do not move.
_LINEAR_IN: dict[str, Places] = {
    **dict.fromkeys(
        (
            "add", "add_any", "sub", "neg", "convert_element_type", "reduce_sum", "cumsum",
            "broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "rev",
            "concatenate", "slice", "pad", "split", "tile", "reduce_window_sum", "real", "imag",
            "stack", "unstack", "conj", "complex", "fft", "copy", "copy_p",
        ),
        _all,
    ),
    "div": _only(0),
    "gather": _only(0),
    "dynamic_slice": _only(0),
    "dynamic_update_slice": _only(0, 1),
    "scatter": _only(0, 2),
    "scatter-add": _only(0, 2),
    "scatter_add": _only(0, 2),
    "scatter_sub": _only(0, 2),
    "scatter-sub": _only(0, 2),
    "select_n": lambda count: range(1, count),
    "triangular_solve": _only(1),
    "select_and_scatter_add": _only(0),
    "select_and_gather_add": _only(0),
}  # fmt: skip


# -- programs inside -----------------------------------------------------------------------------
def _cond(equation: Any, kinds: list[Kind], barred: Barred) -> list[Kind]:
    index, *operands = kinds
    if index > Kind.FREE:
        return [Kind.OTHER] * len(equation.outvars)
    branches = [kinds_of(branch, operands, (), barred) for branch in equation.params["branches"]]
    return [join(*each) for each in zip(*branches, strict=True)]


def _scan(equation: Any, kinds: list[Kind], barred: Barred) -> list[Kind]:
    fixed, carry, rows = scan_parts(equation.params, kinds)
    carried = len(carry)

    def step(carry: list[Kind]) -> list[Kind]:
        return kinds_of(equation.params["jaxpr"], [*fixed, *carry, *rows], (), barred)

    carry = _repeated(lambda carry: step(carry)[:carried], carry)
    return [*carry, *step(carry)[carried:]]


def _while(equation: Any, kinds: list[Kind], barred: Barred) -> list[Kind]:
    params = equation.params
    test, fixed, carry = while_parts(params, kinds)

    def step(carry: list[Kind]) -> list[Kind]:
        return kinds_of(params["body_jaxpr"], [*fixed, *carry], (), barred)

    carry = _repeated(step, carry)
    (going,) = kinds_of(params["cond_jaxpr"], [*test, *carry], (), barred)
    return carry if going <= Kind.FREE else [Kind.OTHER] * len(carry)


def _repeated(step: Callable[[list[Kind]], list[Kind]], carry: list[Kind]) -> list[Kind]:
    """What holds before and after every turn; the kinds only rise, so it ends."""
    while True:
        after = [join(x, y) for x, y in zip(carry, step(carry), strict=True)]
        if after == carry:
            return carry
        carry = after


def _custom_linear_solve(equation: Any, kinds: list[Kind], barred: Barred) -> list[Kind]:
    """The solution is linear in the right-hand sides, if the equation itself does not move."""
    constants = sum(equation.params["const_lengths"])
    if join(*kinds[:constants]) > Kind.FREE:
        return [Kind.OTHER] * len(equation.outvars)
    return [join(*kinds[constants:])] * len(equation.outvars)


_INNER: dict[str, Callable[[Any, list[Kind], Barred], list[Kind]]] = {
    "cond": _cond,
    "scan": _scan,
    "while": _while,
    "custom_linear_solve": _custom_linear_solve,
}
