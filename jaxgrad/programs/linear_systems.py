"""Solvers of linear systems that JAX hands to a library, as programs that solve the same ones."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxgrad.programs.dtypes import as_wide_as, has_64_bits
from jaxgrad.programs.kept import Kept

__all__ = ["SPARSE_SOLVE", "dense_solve", "unperturbed_solve"]

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


def _traced(equation: Any, function: Any) -> Any:
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    kinds = tuple((shape.shape, str(shape.dtype)) for shape in shapes)

    def traced() -> Any:
        with as_wide_as(equation):
            return jax.make_jaxpr(function)(*shapes)

    return _READ.of((equation.primitive.name, kinds, has_64_bits()), (), traced)
