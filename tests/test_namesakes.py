"""A primitive of somebody else that has the name of one of JAX's is not taken for it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.scipy import special

from jaxgrad import Verdict, check, compare
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.namesakes import is_namesake

AT = np.float32(0.25)


def _bent(x: Any) -> Any:
    """tanh x up to 3, and x³ beyond."""
    return jnp.where(x > 3, x * x * x, jnp.tanh(x))


def _made(name: str) -> Any:
    made = Primitive(name)
    made.def_impl(_bent)
    made.def_abstract_eval(lambda x: x)
    mlir.register_lowering(made, mlir.lower_fun(_bent, multiple_results=False))
    batching.defvectorized(made)
    ad.defjvp(made, lambda v, x: v * (1 - jnp.tanh(x) ** 2))
    return made.bind


@pytest.mark.parametrize("name", ["tanh", "mul"])
def test_it_is_not_read_by_its_name(name: str) -> None:
    found = compare(_made(name), jnp.tanh, AT)
    assert found.verdict is not Verdict.PROVED
    assert f"`{name}` is a primitive of somebody else, under the name of one of JAX's" in str(found)
    found = check(_made(name), (AT,))
    assert found.verdict is Verdict.UNDECIDED
    assert "give it a name of its own" in found.evidence.text


def test_under_a_name_of_its_own_it_is_read_as_it_is_written() -> None:
    made = _made("bent_tanh")
    assert compare(made, _bent, AT).verdict is Verdict.PROVED
    assert compare(made, jnp.tanh, np.float32(4)).verdict is Verdict.REFUTED
    assert check(made, (AT,)).verdict is Verdict.REFUTED
    assert compare(jax.lax.tanh_p.bind, jnp.tanh, AT).verdict is Verdict.PROVED


def _of_many_kinds(x: Any) -> Any:
    """A program of JAX's own primitives, calls, loops, solvers and rules."""
    square = jnp.outer(x, x) + jnp.eye(len(x))
    found = [jnp.linalg.solve(square, x), jnp.linalg.eigvalsh(square), jnp.sort(x), jnp.cumsum(x)]
    found += [jax.nn.gelu(x), jax.nn.softmax(x), jnp.convolve(x, x), jnp.fft.fft(x).real]
    found += [jax.random.normal(jax.random.key(0), x.shape), special.gammaln(x), x.at[0].set(1)]
    found += [lax.scan(lambda c, y: (c + y, c * y), 0.0, x)[1], lax.cond(x[0] > 0, jnp.sin, abs, x)]
    found += [lax.fori_loop(0, x[0].astype(int), lambda _, y: y * 2, x), jnp.argsort(x)]
    return [*found, jax.checkpoint(jax.jit(jnp.tanh))(x), jax.vmap(jax.grad(jnp.sin))(x)]


def test_none_of_jaxs_is_one() -> None:
    closed = jax.make_jaxpr(_of_many_kinds)(jnp.arange(1.0, 5.0))
    found = {x.primitive for x in equations(closed)}
    assert len(found) > 50
    assert not any(map(is_namesake, found))
