"""The programs inside a program, whatever JAX's releases name them, and how much work they are."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from typing import Any, TypeVar

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.carried_programs import program_of_values
from jaxgrad.programs.complex_parts import has_complex, parts_program
from jaxgrad.programs.meanings import inner_programs, meaning_of

__all__ = [
    "CALLS",
    "CUSTOM_VMAP",
    "OPAQUE",
    "called",
    "dtypes",
    "entries_of_a_kernel",
    "equations",
    "holds_primitive",
    "inner_jaxpr",
    "is_said_to_be_symmetric",
    "operations",
    "promises_symmetry",
    "scan_parts",
    "source_name",
    "source_place",
    "while_parts",
]

Input = TypeVar("Input")

CUSTOM_VMAP = "custom_vmap_call"

CALLS = (
    "jit",
    "closed_call",  # until jax 0.11, like "call"
    "call",
    "remat2",
    "custom_jvp_call",
    "custom_vjp_call",
    "composite",
    "eval_jaxpr",  # since jax 0.12
    "linear_call",
    CUSTOM_VMAP,
    "remat_opt",  # the forward rule of a `custom_vjp` with optimize_remat=True
)
"""Primitives that run a program inside; of a custom rule that is the primal."""

OPAQUE = frozenset(
    {"pure_callback", "io_callback", "ffi_call", "pallas_call", "tpu_custom_call", "custom_call"}
)
"""Primitives behind which there is no program: they only return floats."""


def equations(jaxpr: Any) -> Iterator[Any]:
    """The equations of a program, each before those of the programs inside it.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(jax.jit(lambda x: -abs(x)))(1.0)
        >>> [equation.primitive.name for equation in equations(closed)]
        ['jit', 'abs', 'neg']
    """
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        yield equation
        for inner in [*inner_programs(equation.params), *_meant(equation)]:
            yield from equations(inner)


def _meant(equation: Any) -> list[Any]:
    """The program that stands for an equation, where there is one; what is wrong with it is said
    where it is run."""
    try:
        if has_complex(equation) and not inner_programs(equation.params):
            return [parts_program(equation)]
        meaning = meaning_of(equation) or program_of_values(equation)
    except UnsupportedPrimitive:
        return []
    return [] if meaning is None else [meaning]


def holds_primitive(jaxpr: Any, names: Container[str]) -> bool:
    """Whether a program, or one inside it, holds a primitive of one of these names."""
    return any(equation.primitive.name in names for equation in equations(jaxpr))


def promises_symmetry(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, solves equations that it says are symmetric."""
    return any(
        equation.primitive.name == "custom_linear_solve"
        and is_said_to_be_symmetric(equation.params["jaxprs"])
        for equation in equations(jaxpr)
    )


def is_said_to_be_symmetric(solver: Any) -> bool:
    """Whether a ``custom_linear_solve`` has symmetric=True, which JAX keeps as one program twice.

    Args:
        solver: its four programs.
    """
    return solver.vecmat is solver.matvec


def dtypes(jaxpr: Any) -> set[Any]:
    """The dtypes of what a program, or one inside it, computes."""
    variables = (v for equation in equations(jaxpr) for v in equation.outvars)
    return {v.aval.dtype for v in variables if hasattr(v.aval, "dtype")}


def source_name(program: Any) -> str:
    """The name of the Python function that a program was traced from."""
    source = getattr(getattr(program, "jaxpr", program).debug_info, "func_src_info", None)
    return str(source).partition(" at ")[0]


def source_place(program: Any) -> str:
    """The file and line of the Python function that a program was traced from; "" if not known."""
    source = getattr(getattr(program, "jaxpr", program).debug_info, "func_src_info", None)
    return str(source or "").partition(" at ")[2]


def operations(jaxpr: Any, counted: dict[int, int] | None = None) -> int:
    """About how many elementary operations a program takes.

    Args:
        jaxpr: an open program.
        counted: what was found of programs within the same one, which may stand in it often.
    """
    counted = {} if counted is None else counted
    if id(jaxpr) in counted:
        return counted[id(jaxpr)]
    total = 1
    for equation in jaxpr.eqns:
        size = sum(math.prod(getattr(v.aval, "shape", ())) for v in equation.outvars)
        if equation.primitive.name == "dot_general":
            (contract, _), _ = equation.params["dimension_numbers"]
            size *= math.prod(equation.invars[0].aval.shape[axis] for axis in contract)
        if equation.primitive.name == "conv_general_dilated":
            size *= entries_of_a_kernel(equation)
        repeats = equation.params.get("length", 1)
        for inner in [*inner_programs(equation.params), *_meant(equation)]:
            size += repeats * operations(getattr(inner, "jaxpr", inner), counted)
        total += size
    counted[id(jaxpr)] = total
    return total


def entries_of_a_kernel(convolution: Any) -> int:
    """How many products are summed up for an entry of a convolution."""
    _, *others = convolution.params["dimension_numbers"].rhs_spec
    return math.prod(convolution.invars[1].aval.shape[axis] for axis in others)


def called(equation: Any) -> Any | None:
    """The program that an equation runs on its inputs, none of any other primitive."""
    if equation.primitive.name in CALLS:
        return inner_jaxpr(equation.params)
    return meaning_of(equation)


def inner_jaxpr(params: dict[str, Any]) -> Any:
    """The program inside a call, whatever the release names it.

    ``jit`` has ``jaxpr``, ``custom_jvp_call`` and ``closed_call`` have ``call_jaxpr``, and
    ``linear_call`` has a ``callee``, ``custom_vmap_call`` a ``call`` and ``remat_opt`` a
    ``fwd_jaxpr``.
    """
    for name in ("jaxpr", "call_jaxpr", "callee", "call", "fwd_jaxpr"):
        if name in params:
            return params[name]
    raise UnsupportedPrimitive(f"a call whose parameters {sorted(params)} hold no jaxpr")


def _scan_counts(params: dict[str, Any]) -> tuple[int, int]:
    """How many inputs of a scan are constants, and how many are carried.

    Until jax 0.11 they are parameters; since then a tree of the inputs says it.
    """
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    constants, carry, _ = params["ft_in"].unpack()
    return len(constants), len(carry)


def scan_parts(
    params: dict[str, Any], inputs: list[Input]
) -> tuple[list[Input], list[Input], list[Input]]:
    """The inputs of a ``scan``: its constants, what is carried, and the rows that it goes through.

    Example:
        >>> import jax
        >>> added = jax.make_jaxpr(lambda x: jax.lax.scan(lambda t, y: (t + y, t), 0.0, x))
        >>> (equation,) = added(jax.numpy.ones(3)).eqns
        >>> scan_parts(equation.params, ["total", "row"])
        ([], ['total'], ['row'])
    """
    first, carried = _scan_counts(params)
    second = first + carried
    return inputs[:first], inputs[first:second], inputs[second:]


def while_parts(
    params: dict[str, Any], inputs: list[Input]
) -> tuple[list[Input], list[Input], list[Input]]:
    """The inputs of a ``while``: the constants of its test, those of its body, what is carried."""
    first = params["cond_nconsts"]
    second = first + params["body_nconsts"]
    return inputs[:first], inputs[first:second], inputs[second:]
