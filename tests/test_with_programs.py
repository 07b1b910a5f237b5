"""Other programs in the place of those among the parameters of equations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import pallas as pl

from jaxgrad.programs.jaxprs import equations, promises_symmetry
from jaxgrad.programs.meanings import inner_programs, with_programs
from jaxgrad.programs.mutable_arrays import without_references
from jaxgrad.programs.pallas_kernels import runnable
from jaxgrad.programs.rounded_constants import with_rounded_constants

X = jnp.ones(2)


def _solved(x: Any) -> Any:
    def solve(product: Any, b: Any) -> Any:
        return b / product(jnp.ones_like(b))

    return lax.custom_linear_solve(lambda v: 2 * v, x, solve, symmetric=True)


def _with_kernel(x: Any) -> Any:
    def kernel(x: Any, out: Any) -> None:
        out[...] = 2 * x[...]

    return _solved(pl.pallas_call(kernel, out_shape=jax.ShapeDtypeStruct((2,), "float32"))(x))


def _with_reference(x: Any) -> Any:
    total = jax.new_ref(x)
    total[...] += x
    return _solved(total[...])


def _with_narrow_constant(x: Any) -> Any:
    return _solved(x) * jnp.clip(x.astype(jnp.bfloat16), max=1.2).astype(x.dtype)


@pytest.mark.parametrize(
    ("function", "change", "gone"),
    [
        (_with_kernel, runnable, None),
        (_with_reference, without_references, "new_ref"),
        (_with_narrow_constant, with_rounded_constants, None),
    ],
)
def test_a_solver_stays_symmetric_beside_what_changes(
    function: Any, change: Any, gone: str | None
) -> None:
    """JAX tells that by identity: its program and that of the transpose are one object."""
    before = jax.make_jaxpr(function)(X)
    after = change(before)
    assert after is not before
    assert promises_symmetry(before) and promises_symmetry(after)
    assert gone not in {equation.primitive.name for equation in equations(after)}


def test_programs_are_found_in_every_parameter() -> None:
    def turn(c: Any, x: Any) -> tuple[Any, Any]:
        return c * x, lax.cond(x > 0, jnp.sin, jnp.cos, x)

    (scan,) = jax.make_jaxpr(lambda x: lax.scan(turn, 1.0, x))(X).eqns
    (cond,) = [e for e in equations(scan.params["jaxpr"]) if e.primitive.name == "cond"]
    for equation in (scan, cond):
        seen: list[Any] = []

        def same(program: Any, seen: list[Any] = seen) -> Any:
            seen.append(program)
            return program

        assert with_programs(equation.params, same) is equation.params
        assert len(seen) == len(inner_programs(equation.params)) > 0
        other = with_programs(equation.params, lambda program: program.replace())
        changed = zip(inner_programs(other), seen, strict=True)
        assert all(x is not y for x, y in changed)


def test_a_reference_that_stays_is_named() -> None:
    from jaxgrad import check

    outside = jax.new_ref(jnp.float32(2))
    found = check(lambda x: x * outside[...], (np.float32(1),))
    assert "reference" in str(found)
