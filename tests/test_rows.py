"""Elementwise primitives run in rows return what they return of the arrays as they are."""

from __future__ import annotations

from typing import Any

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from test_witness import _thousandth_more, misread

from jaxgrad.errors import EnginesDisagree
from jaxgrad.gradients import flat_runs
from jaxgrad.gradients.witness import hold_program, program_floats
from jaxgrad.programs.trace import Program, trace

__all__ = ["misread"]

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)

FUNCTIONS = {
    "functions": lambda x: jnp.sin(x) * jnp.exp(x) + lax.integer_pow(x, 3),
    "a number beside an array": lambda x: 2 * x + x[0, 0],
    "truths": lambda x: jnp.where((x > 0) & ~(x == 1), x, -x),
    "integers": lambda x: (x * 8).astype(jnp.int32) % 3 + x,
    "short floats": lambda x: x.astype(jnp.bfloat16) * 2,
    "axes of length 1": lambda x: lax.sub(x, x[:1]),
    "a number": lambda x: jnp.sin(x[0, 0]),
    "nothing": lambda x: jnp.sin(x[:0]) * 2,
    "many": lambda x: jnp.tile(x, (30, 10)) * 2,
    "a call": lambda x: jax.jit(jnp.cos)(x),
}


def _traced(function: Any) -> tuple[Program, list[Any]]:
    program = trace(function, (X,))
    return program, [leaf.value for leaf in program.inputs]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_return_the_same_arrays(name: str) -> None:
    program, values = _traced(FUNCTIONS[name])
    own, rows = program_floats(program, values), program_floats(program, values, True)
    for a, b in zip(own, rows, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.float64(a), np.float64(b), rtol=1e-6)


def test_a_misreading_is_found_in_rows(misread: Any) -> None:
    program, values = _traced(jnp.sin)
    assert hold_program("f", program, values, rows=True).held == X.size
    misread("sin", _thousandth_more)
    with pytest.raises(EnginesDisagree):
        hold_program("f", program, values, rows=True)


def test_a_primitive_of_somebody_else_is_run_as_it_is() -> None:
    """One called `sin` need not be of each entry by itself."""
    other = jax.extend.core.Primitive("sin")
    other.def_impl(lambda x: lax.rev(x, (1,)))
    other.def_abstract_eval(lambda x: x)
    program, values = _traced(other.bind)
    (found,) = program_floats(program, values, True)
    np.testing.assert_array_equal(found, X[:, ::-1])


def test_one_row_is_compiled_for_all_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = set()
    run = flat_runs.bound

    def noted(equation: Any, arguments: list[Any]) -> list[Any]:
        shapes.update(map(np.shape, arguments))
        return run(equation, arguments)

    monkeypatch.setattr(flat_runs, "bound", noted)
    for x in (X, X[0], X.T, np.stack([X, X])):
        program = trace(jnp.sin, (x,))
        program_floats(program, [leaf.value for leaf in program.inputs], True)
    assert shapes == {(flat_runs.LENGTHS[0],)}
