"""How often one entry may be rounded by a scatter, which hides no more than that."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.interpret.roundings import errors_of

PLACES = np.array([3, 7, 1, 12])


def _counted(f: Any, *args: Any) -> int:
    (found,) = [
        errors_of(x) for x in jax.make_jaxpr(f)(*args).eqns if x.primitive.name == "scatter-add"
    ]
    return found


def test_windows_are_counted_and_not_their_numbers() -> None:
    rows = jnp.ones((4, 64))
    assert _counted(lambda g: jnp.zeros((20, 64)).at[PLACES].add(g), rows) == 4
    assert _counted(lambda g: jnp.zeros(21).at[1:].add(g), jnp.ones(20)) == 1
    assert _counted(lambda g: jnp.zeros((20, 3)).at[PLACES, 0].add(g), jnp.ones(4)) == 4
    over = jax.vmap(lambda t, i, g: t.at[i].add(g))
    batched = jnp.zeros((5, 20)), np.tile(PLACES, (5, 1)), jnp.ones((5, 4))
    assert _counted(over, *batched) == 4  # and not 20: the batches have entries of their own


def test_so_many_updates_do_meet_in_one_entry() -> None:
    g = jnp.asarray(np.random.default_rng(0).uniform(1, 2, 1000), jnp.float16)
    places = np.zeros(1000, int)
    found = check(lambda g: jnp.zeros(2, g.dtype).at[places].add(g), (g,), dtypes=["float16"])
    assert found.verdict.passes, found


def _looked_up(factor: float) -> Any:
    rule = jax.custom_vjp(lambda table: table[PLACES])
    rule.defvjp(
        lambda table: (table[PLACES], table),
        lambda table, g: (jnp.zeros_like(table).at[PLACES].add(g) * table.dtype.type(factor),),
    )
    return rule


@pytest.mark.parametrize("dtype, factor", [
    (jnp.float16, 1.0), (jnp.float16, 1.02), (jnp.float16, 1.0625), (jnp.bfloat16, 1.0),
    (jnp.bfloat16, 1.0625), (jnp.float32, 1.0), (jnp.float32, 1.001),
])  # fmt: skip
def test_the_gradient_of_an_embedding(dtype: Any, factor: float) -> None:
    table = jnp.asarray(np.random.default_rng(0).normal(size=(20, 64)), dtype)
    found = check(_looked_up(factor), (table,), modes="rev")
    if factor == 1:
        assert found.verdict.passes, found
    else:
        assert found.verdict is Verdict.REFUTED, found


@pytest.mark.parametrize("factor", [2.0, 2.02])
def test_the_gradient_of_differences(factor: float) -> None:
    x = jnp.sort(jnp.asarray(np.random.default_rng(0).uniform(size=2000), jnp.float32))
    rule = jax.custom_vjp(lambda x: jnp.sum(jnp.diff(x) ** 2))

    def back(x: Any, g: Any) -> Any:
        d = jnp.diff(x)
        return (factor * g * jnp.zeros_like(x).at[1:].add(d).at[:-1].add(-d),)

    rule.defvjp(lambda x: (rule(x), x), back)
    assert check(rule, (x,), modes="rev").verdict.passes is (factor == 2)
