"""Solvers of linear systems that JAX hands to a library, as programs that solve the same ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import jaxpr_as_fun

from jaxgrad.programs.dtypes import as_wide_as, has_64_bits
from jaxgrad.programs.kept import Kept

__all__ = [
    "SOLVE",
    "SPARSE_SOLVE",
    "dense_solve",
    "direct_solve",
    "right_hand_side",
    "unperturbed_solve",
]

SOLVE = "custom_linear_solve"
SPARSE_SOLVE = "spsolve"
_TRIDIAGONAL_SOLVE = "tridiagonal_solve"

_READ: Kept[Any] = Kept()


def dense_solve(equation: Any) -> Any:
    """The closed jaxpr that solves a sparse system as a dense one.

    Example:
        >>> from jax.experimental.sparse.linalg import spsolve
        >>> import numpy as np
        >>> places, starts = np.array([0, 1]), np.array([0, 1, 2])
        >>> solve = lambda data, b: spsolve(data, places, starts, b)
        >>> (equation,) = jax.make_jaxpr(solve)(jnp.ones(2), jnp.ones(2)).eqns
        >>> [v.aval.shape for v in dense_solve(equation).jaxpr.outvars]
        [(2,)]
    """

    def solved(data: Any, columns: Any, starts: Any, b: Any) -> Any:
        rows = jnp.cumsum(jnp.zeros_like(columns).at[starts].add(1)) - 1
        matrix = jnp.zeros((len(b), len(b)), b.dtype).at[rows, columns].add(data)
        return jnp.linalg.solve(matrix, b)

    return _traced(equation, solved)


def unperturbed_solve(equation: Any) -> Any | None:
    """The closed jaxpr of a tridiagonal solver that leaves pivots of 0 as they are.

    Where no pivot is 0 the two are one.  None for other equations.

    Example:
        >>> solve = lambda d, b: lax.linalg.tridiagonal_solve(d, d, d, b, perturb_singular=True)
        >>> (equation,) = jax.make_jaxpr(solve)(jnp.ones(3), jnp.ones((3, 1))).eqns
        >>> (inner,) = unperturbed_solve(equation).eqns
        >>> inner.params["perturb_singular"]
        False
    """
    if equation.primitive.name != _TRIDIAGONAL_SOLVE or not equation.params.get("perturb_singular"):
        return None
    return _traced(equation, lax.linalg.tridiagonal_solve)


def right_hand_side(equation: Any) -> list[Any]:
    """The variables of it, of a ``custom_linear_solve``, which are shaped as the solution is."""
    return equation.invars[sum(equation.params["const_lengths"]) :]


def direct_solve(equation: Any, product: str = "matvec") -> Any:
    """The closed jaxpr that solves the system of a ``custom_linear_solve`` by elimination.

    The columns of the matrix are what its ``matvec`` makes of unit vectors.

    Args:
        equation: the solve.
        product: the other program that multiplies is ``vecmat``, of the transposed system.

    Example:
        >>> quarter = lambda _, y: y / 4
        >>> solve = lambda b: lax.custom_linear_solve(lambda x: 4 * x, b, quarter, quarter)
        >>> (equation,) = jax.make_jaxpr(solve)(jnp.ones(3)).eqns
        >>> [v.aval.shape for v in direct_solve(equation).jaxpr.outvars]
        [(3,)]
    """
    wanted, matvec = right_hand_side(equation), getattr(equation.params["jaxprs"], product)
    shapes = [v.aval.shape for v in wanted]
    cuts = list(itertools.accumulate(map(math.prod, shapes)))
    lengths = equation.params["const_lengths"]
    first = 0 if product == "matvec" else lengths.matvec
    constants = slice(first, first + getattr(lengths, product))

    def in_one(values: Sequence[Any]) -> Any:
        return jnp.concatenate([jnp.ravel(x) for x in values])

    def apart(values: Any) -> list[Any]:
        parts = zip(jnp.split(values, cuts[:-1]), shapes, strict=True)
        return [part.reshape(shape) for part, shape in parts]

    def solved(*inputs: Any) -> list[Any]:
        def product(x: Any) -> Any:
            return in_one(jaxpr_as_fun(matvec)(*inputs[constants], *apart(x)))

        units = jnp.eye(cuts[-1], dtype=wanted[0].aval.dtype)
        matrix = jax.vmap(product, out_axes=1)(units)
        return apart(jnp.linalg.solve(matrix, in_one(inputs[-len(wanted) :])))

    avals = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    key = equation.primitive.name, product, id(matvec), len(avals), has_64_bits()

    def traced() -> Any:
        with as_wide_as(equation):
            return jax.make_jaxpr(solved)(*avals)

    return _READ.of(key, matvec, traced)


def _traced(equation: Any, function: Any) -> Any:
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    kinds = tuple((shape.shape, str(shape.dtype)) for shape in shapes)

    def traced() -> Any:
        with as_wide_as(equation):
            return jax.make_jaxpr(function)(*shapes)

    return _READ.of((equation.primitive.name, kinds, has_64_bits()), (), traced)
