"""Functions that write to arrays of their own, read without the references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check, compare
from jaxgrad.errors import JaxgradError
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.mutable_arrays import REFERENCES, without_references

X = np.float32(0.75)


def in_place(x: Any) -> Any:
    ref = jax.new_ref(x)
    ref[...] = jnp.sin(ref[...])
    return ref[...]


def in_a_loop(x: Any) -> Any:
    """x², x³, x⁴."""
    ref = jax.new_ref(jnp.full(3, x))

    def body(i: Any, _: Any) -> tuple[()]:
        ref[i] = x * ref[(i - 1) % 3]
        return ()

    lax.fori_loop(0, 3, body, ())
    return ref[...]


def in_a_call(x: Any) -> Any:
    @jax.jit
    def square(ref: Any, y: Any) -> None:
        ref[...] = y * y

    ref = jax.new_ref(jnp.zeros_like(x))
    square(ref, x)
    return x * jax.freeze(ref)


def in_a_branch(x: Any) -> Any:
    return lax.cond(x > 0, lambda: in_place(x), lambda: x)


# Function -> what it is without references.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    in_place: jnp.sin,
    in_a_loop: lambda x: jnp.stack([x**2, x**3, x**4]),
    in_a_call: lambda x: x**3,
    in_a_branch: lambda x: jnp.where(x > 0, jnp.sin(x), x),
}


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_what_a_function_computes(f: Callable[..., Any]) -> None:
    assert compare(f, FUNCTIONS[f], X).verdict is Verdict.PROVED
    assert compare(f, lambda x: FUNCTIONS[f](x) + 1e-3 * x, X).verdict is Verdict.REFUTED
    assert not REFERENCES & {
        x.primitive.name for x in equations(without_references(jax.make_jaxpr(f)(X)))
    }


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_derivatives_by_jaxs_rules(f: Callable[..., Any]) -> None:
    assert check(f, (X,), budget=1).verdict.passes


def ruled(error: float) -> Callable[..., Any]:
    """x⁴ by references, with a derivative by hand."""
    fourth = jax.custom_vjp(lambda x: in_a_loop(x)[2])
    fourth.defvjp(lambda x: (fourth(x), x), lambda x, g: ((4 + error) * x**3 * g,))
    return fourth


def test_a_rule_of_a_function_with_references() -> None:
    assert check(ruled(0.0), (X,), modes="rev", budget=1).verdict is Verdict.AGREES
    wrong = jax.jit(lambda x: jnp.exp(ruled(1e-3)(x)))
    assert check(wrong, (X,), modes="rev", budget=0).verdict is Verdict.REFUTED


def test_a_reference_of_somebody_else_is_not_read() -> None:
    outside = jax.new_ref(jnp.float32(2))
    found = compare(lambda x: x * outside[...], lambda x: 3 * x, X)
    assert "holds a reference to an array outside of it" in str(found)
    assert check(lambda x: x * outside[...], (X,)).verdict is Verdict.UNDECIDED
    with pytest.raises(JaxgradError):
        compare(lambda x, ref: x * ref[...], lambda x, ref: 2 * x, X, outside)


def test_a_program_without_references_stays_as_it_is() -> None:
    closed = jax.make_jaxpr(lambda x: jax.nn.relu(x))(X)
    assert without_references(closed) is closed
