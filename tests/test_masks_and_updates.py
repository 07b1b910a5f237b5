"""Masks in products, updates that land on one entry, and guards that raise where nobody asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive
from jax.interpreters import ad

import jaxgrad
from jaxgrad import Verdict, check, compare
from jaxgrad.errors import TraceError

X = np.float32([1.0, 2.0, -0.5])
MASK = np.array([True, False, True])
PRODUCTS: dict[str, Callable[[Any], Any]] = {
    "a constant mask": lambda x: jnp.array(MASK) @ x,
    "a matrix of masks": lambda x: jnp.stack([MASK, ~MASK]) @ x,
    "a mask that moves": lambda x: jnp.dot(x > 0, x * x),
    "a mask on either side": lambda x: jnp.einsum("i,i,j->j", x, x > 0, ~jnp.array(MASK)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_with_a_mask(name: str) -> None:
    assert check(PRODUCTS[name], (X,), budget=1).verdict.passes


@pytest.mark.parametrize(("slope", "verdict"), [(2.0, "PROVED"), (2.001, "REFUTED")])
def test_a_rule_with_a_mask(slope: float, verdict: str) -> None:
    rule = jax.custom_vjp(lambda x: jnp.array(MASK) @ (x * x))
    rule.defvjp(lambda x: (rule(x), x), lambda x, g: (g * slope * jnp.where(MASK, x, 0),))
    assert check(rule, (X,)).verdict is Verdict[verdict]


# -- updates of one entry --------------------------------------------------------------------------
PLACES = np.array([0, 2, 2])


def _taken(scattered: Callable[[Any, Any], Any]) -> Any:
    rule = jax.custom_vjp(lambda table: table[PLACES])
    rule.defvjp(
        lambda table: (table[PLACES], table),
        lambda table, g: (scattered(jnp.zeros_like(table), g),),
    )
    return rule


def test_cotangents_of_one_entry_are_added_up() -> None:
    """The last one alone is not the derivative; nor is any other alone."""
    table = np.arange(4, dtype=np.float32)
    assert check(_taken(lambda zero, g: zero.at[PLACES].add(g)), (table,)).verdict.passes
    found = check(_taken(lambda zero, g: zero.at[PLACES].set(g)), (table,))
    assert found.verdict is Verdict.REFUTED and "t[2]" in str(found).replace("table", "t")


@pytest.mark.parametrize("last", [True, False])
def test_the_last_of_two_updates_stays_as_xla_runs_it(last: bool) -> None:
    def written(x: Any) -> Any:
        return jnp.zeros(3).at[jnp.array([1, 1])].set(x[:2])

    assert np.asarray(written(X)).tolist() == [0, 2, 0]
    assert check(written, (X,), budget=1).verdict is Verdict.AGREES
    other = lambda x: jnp.zeros(3).at[1].set(x[1 if last else 0])  # noqa: E731
    assert compare(written, other, X).verdict is (Verdict.AGREES if last else Verdict.REFUTED)


# -- guards ----------------------------------------------------------------------------------------
def test_a_run_that_raises_where_nobody_asked_ends_no_check() -> None:
    """A primitive whose meaning is known everywhere, and whose implementation refuses some x."""

    def limited(x: Any) -> Any:
        if not isinstance(x, jax.core.Tracer) and np.any(np.asarray(x) > 0.75):
            raise ValueError("beyond the table")
        return x * x

    made = Primitive("limited_square")
    made.def_impl(limited)
    made.def_abstract_eval(lambda x: x)
    ad.defjvp(made, lambda t, x: 2 * x * t)
    jaxgrad.rule("limited_square")(lambda x: x * x)

    def function(x: Any) -> Any:
        return made.bind(x) * jnp.sqrt((x - 1) ** 2)  # whose slope at 1 is asked of the run

    found = check(function, (np.float32(0.5),), modes="fwd")
    assert found.verdict.passes, str(found)
    assert "beyond the table" in str(found) and "nothing decided at" in str(found)
    with pytest.raises(TraceError, match="beyond the table"):
        check(function, (np.float32(1.0),), modes="fwd")
