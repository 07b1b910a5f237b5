"""Solves of lineax by iteration, as what JAX has for these: a ``custom_linear_solve``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.jaxprs import holds_primitive

__all__ = ["iterative_solve"]

# The primitive of lineax, and that by which equinox maps others over an axis.
_SOLVE, _MAPPED = "linear_solve", "vprim"


def iterative_solve(equation: Any) -> Callable[..., Any] | None:
    """The function that a solve of lineax computes, with its solver in the place where JAX has one.

    Of a matrix that is not square it is least squares, or the smallest solution, if it has full
    rank.

    Args:
        equation: of any primitive.

    Returns:
        takes what the primitive does, and raises UnsupportedPrimitive where the solver does not
        iterate, or nothing is known of what it solves; None for other primitives.
    """
    lineax, equinox = (sys.modules.get(name) for name in ("lineax.internal", "equinox.internal"))
    if lineax is None or equinox is None:
        return None
    primitive, params = equation.primitive, equation.params
    solve = equinox.filter_primitive_def(_solved)
    if primitive.name == _SOLVE and primitive is lineax.linear_solve_p:
        return solve
    if primitive.name == _MAPPED and params.get("prim") is lineax.linear_solve_p:
        return _mapped(solve)
    return None


_Compute: TypeAlias = "Callable[[Any], tuple[Any, Any]]"
"""Of a right-hand side the solution, and what there is beside it."""


def _mapped(solve: Callable[..., Any]) -> Callable[..., Any]:
    """The same over an axis, as equinox says it in the parameters of a primitive."""

    def mapped(*inputs: Any, params: Any, **options: Any) -> Any:
        axes = {name.strip("_"): value for name, value in options.items() if name != "prim"}
        return jax.vmap(
            lambda *each: solve(*each, **dict(params)),
            in_axes=axes["batch_axes"],
            axis_size=axes["axis_size"],
            axis_name=axes["axis_name"],
        )(*inputs)

    return mapped


def _solved(
    operator: Any, state: Any, vector: Any, options: Any, solver: Any, throw: bool
) -> tuple[Any, ...]:
    def compute(vector: Any) -> tuple[Any, Any]:
        solution, result, statistics = solver.compute(state, vector, options)
        if throw:  # what fails is no solution
            failed = result != sys.modules["lineax"].RESULTS.successful
            solution = jax.tree.map(lambda x: jnp.where(failed, jnp.nan, x), solution)
        return solution, (result, statistics)

    compute.__name__ = type(solver).__name__
    _require_iteration(compute, vector)
    solution, found = _SYSTEMS[_shape(operator)](operator, vector, compute)
    return solution, *found


def _shape(operator: Any) -> str:
    rows, columns = operator.out_size(), operator.in_size()
    return "square" if rows == columns else "tall" if rows > columns else "wide"


def _square(operator: Any, vector: Any, compute: _Compute) -> tuple[Any, Any]:
    solve = wraps(compute)(lambda _, b: compute(b))
    return lax.custom_linear_solve(operator.mv, vector, solve, has_aux=True)


def _tall(operator: Any, vector: Any, compute: _Compute) -> tuple[Any, Any]:
    """The x of least squares: AᵀAx = Aᵀb."""
    transposed = operator.transpose()
    return lax.custom_linear_solve(
        lambda x: transposed.mv(operator.mv(x)),
        transposed.mv(vector),
        wraps(compute)(lambda *_: compute(vector)),
        has_aux=True,
    )


def _wide(operator: Any, vector: Any, compute: _Compute) -> tuple[Any, Any]:
    """The smallest x: with a y beside it x = Aᵀy and Ax = b."""
    transposed = operator.transpose()

    def product(both: tuple[Any, Any]) -> tuple[Any, Any]:
        x, y = both
        return jax.tree.map(jnp.subtract, x, transposed.mv(y)), operator.mv(x)

    @wraps(compute)
    def solve(_: Any, b: Any) -> tuple[Any, Any]:
        x, found = compute(b[1])
        flat, _ = ravel_pytree(operator.mv(x))
        _, tree = ravel_pytree(b[1])
        matrix = operator.as_matrix()
        return (x, tree(jnp.linalg.solve(matrix @ matrix.T, flat))), found

    nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), operator.in_structure())
    (x, _), found = lax.custom_linear_solve(product, (nothing, vector), solve, has_aux=True)
    return x, found


_SYSTEMS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "square": _square, "tall": _tall, "wide": _wide,
}  # fmt: skip


def _require_iteration(compute: Callable[..., Any], vector: Any) -> None:
    flat, tree = ravel_pytree(vector)
    if jnp.issubdtype(flat.dtype, jnp.complexfloating):
        raise UnsupportedPrimitive("a system of complex numbers solved by iteration")
    ran = jax.make_jaxpr(lambda flat: jax.tree.leaves(compute(tree(flat))))(flat)
    if not holds_primitive(ran, ("while",)):
        raise UnsupportedPrimitive("a solver that does not iterate is read as it is")
