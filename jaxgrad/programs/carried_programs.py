"""Primitives of hijax, which carry a program, and derivatives and a batching rule beside it: a
caller's own, and those of JAX, which makes one of a ``custom_vjp``, too, since jax 0.12."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_leaves, tree_unflatten

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.dtypes import has_64_bits
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.kept import Kept

__all__ = [
    "CARRYING",
    "carried_program",
    "carried_rule_parts",
    "carries_batching",
    "carries_derivatives",
    "carries_rules",
    "constants_before",
    "expanded",
    "is_of_class",
    "is_told_what_moves",
    "name_in_jax",
    "name_of_carrying",
    "place_of_carrying",
    "program_of_values",
]

CARRYING = "call_hi_primitive"

# JAX's own that stay what they are: functions of the reals that read bits, and a root, of which
# another equation gives the derivatives than the one that its program solves.
_READS_BITS = frozenset({"Ldexp", "Frexp"})
_NO_PROGRAMS = _READS_BITS | {"CustomRoot"}
# What JAX makes of a custom rule of a caller's -> how many of its arguments, the first ones, are
# what the function closes over, where that is handed in.
_OF_RULES = {"CustomVJPTraced": 2, "CustomJVPTraced": 1}
# The functions of such a rule.
_FUNCTIONS = ("jvp_rule", "fwd", "bwd")

_EXPANDED: Kept[Any] = Kept()


def name_in_jax(equation: Any) -> str:
    """The name of the class of such a primitive, if it comes with JAX, else ""."""
    if equation.primitive.name != CARRYING:
        return ""
    kind = type(equation.params["_prim"])
    return kind.__name__ if kind.__module__.partition(".")[0] == "jax" else ""


def carried_program(equation: Any) -> Any | None:
    """The program that stands for an equation; None if its primitive carries none.

    Raises:
        UnsupportedPrimitive: it cannot be traced.
    """
    if equation.primitive.name != CARRYING or name_in_jax(equation) in _NO_PROGRAMS:
        return None
    return expanded(equation)


def program_of_values(equation: Any) -> Any | None:
    """The program that gives the values of an equation, a root's, too; None where there is none.

    Raises:
        UnsupportedPrimitive: it cannot be traced.
    """
    if equation.primitive.name != CARRYING or name_in_jax(equation) in _READS_BITS:
        return None
    return expanded(equation)


def expanded(equation: Any) -> Any:
    """The program that a primitive carries, one for all who ask: equations are told apart by their
    identities, as by how often a loop has turned.

    Raises:
        UnsupportedPrimitive: it cannot be traced.
    """
    primitive = equation.params["_prim"]
    variables = (*equation.invars, *equation.outvars)
    if not all(hasattr(v.aval, "shape") and hasattr(v.aval, "dtype") for v in variables):
        raise _not_traced(primitive, "it takes or returns what is no array")
    kinds = tuple((v.aval.shape, str(v.aval.dtype)) for v in equation.invars)
    key = id(primitive), kinds, has_64_bits()
    return _EXPANDED.of(key, primitive, lambda: _traced(equation))


def _traced(equation: Any) -> Any:
    primitive = equation.params["_prim"]
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    wide = any(np.dtype(shape.dtype).itemsize == 8 for shape in shapes)
    try:
        with jax.enable_x64(True) if wide else contextlib.nullcontext():
            arguments = tree_unflatten(primitive.in_tree, shapes)
            return jax.make_jaxpr(primitive.expand)(*arguments)
    except Exception as error:  # whatever a program of somebody's own raises
        raise _not_traced(primitive, first_line(error)) from error


def _not_traced(primitive: Any, reason: str) -> UnsupportedPrimitive:
    return UnsupportedPrimitive(
        f"the primitive `{type(primitive).__name__}` carries a program that cannot be traced: "
        f"{reason}"
    )


# -- rules that are somebody's own -------------------------------------------------------------


def carries_derivatives(equation: Any) -> bool:
    """Whether JAX takes the derivatives of an equation from its primitive, not from its program.

    One that returns integers, as places in an array, has none.
    """
    if equation.primitive.name != CARRYING:
        return False
    dtypes = (getattr(v.aval, "dtype", np.dtype(bool)) for v in equation.outvars)
    return any(jnp.issubdtype(dtype, jnp.inexact) for dtype in dtypes)


def carries_rules(equation: Any) -> bool:
    """Whether it is a call of a rule that does not come with JAX."""
    name = name_in_jax(equation)
    return carries_derivatives(equation) and (not name or name in _OF_RULES)


def carries_batching(equation: Any) -> bool:
    """Whether the primitive of an equation has a batching rule that does not come with JAX."""
    return equation.primitive.name == CARRYING and not name_in_jax(equation)


def is_told_what_moves(equation: Any) -> bool:
    """Whether the rule of such a primitive is told which arguments are differentiated."""
    if not carries_rules(equation):
        return False
    of_rule = name_in_jax(equation) in _OF_RULES
    return not of_rule or bool(equation.params["_prim"].symbolic_zeros)


def constants_before(equation: Any) -> int:
    """How many arguments of a rule, the first ones, are what its function closes over."""
    if equation.primitive.name != CARRYING:
        return equation.params.get("num_consts", 0)
    before, primitive = _OF_RULES.get(name_in_jax(equation), 0), equation.params["_prim"]
    if before and not hasattr(primitive.traced, "with_consts_as_arg"):  # until jax 0.11
        return 0
    return len(tree_leaves(primitive.in_avals[:before]))


def carried_rule_parts(equation: Any) -> list[Any]:
    """The functions that such a rule is made of, the forward pass or the tangents first."""
    params = equation.params["_prim"].params
    return [params[name] for name in _FUNCTIONS if name in params]


def is_of_class(equation: Any) -> bool:
    """Whether such a rule is a class of the caller's own."""
    return name_in_jax(equation) not in _OF_RULES


def name_of_carrying(equation: Any) -> str:
    """The name of the function that such a rule is for, or that of the class."""
    primitive = equation.params["_prim"]
    if name_in_jax(equation) in _OF_RULES:
        return str(primitive.traced.fun_name)
    return type(primitive).__name__


def place_of_carrying(equation: Any) -> str:
    """The file and line of the function that such a rule is for, or of the class; "" if unknown."""
    primitive = equation.params["_prim"]
    if name_in_jax(equation) in _OF_RULES:
        source = getattr(primitive.traced.jaxpr.debug_info, "func_src_info", None)
        return str(source or "").partition(" at ")[2]
    kind = type(primitive)
    try:
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):  # it was written in no file that is to be had
        code = getattr(kind.expand, "__code__", None)
        return "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
