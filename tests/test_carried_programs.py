"""Primitives that carry their own program, as `custom_root` does since jax 0.12, and guards."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check, compare

X = np.float32(2)


def newton(a: Any) -> Any:
    return lax.while_loop(lambda y: jnp.abs(y * y - a) > 1e-5 * a, lambda y: 0.5 * (y + a / y), a)


def root(factor: float) -> Any:
    """√a by a loop that ends at a tolerance, with an implicit rule that is so many times right."""
    return lambda a: lax.custom_root(
        lambda y: y * y - a, a, lambda f, y: newton(a), lambda g, y: factor * y / g(1.0)
    )


def test_the_roundings_of_a_loop_in_a_solver_are_counted() -> None:
    assert compare(root(1), jnp.sqrt, X).verdict is Verdict.AGREES
    assert compare(jax.grad(root(1)), lambda a: 0.5 / jnp.sqrt(a), X).verdict is Verdict.AGREES
    assert compare(root(1), lambda a: 1.0001 * jnp.sqrt(a), X).verdict is Verdict.REFUTED


@pytest.mark.parametrize("reference", [None, jnp.sqrt])
@pytest.mark.parametrize(("factor", "verdict"), [(1, Verdict.AGREES), (1.01, Verdict.REFUTED)])
def test_its_rule_is_judged(factor: float, verdict: Verdict, reference: Any) -> None:
    assert check(root(factor), (X,), reference=reference).verdict is verdict


def test_a_verdict_is_the_same_every_time() -> None:
    hijax = pytest.importorskip("jax.experimental.hijax", reason="there since jax 0.11")
    if not hasattr(hijax, "HiPrim"):
        pytest.skip("there since jax 0.12")

    class Doubled(hijax.HiPrim):
        vjp_fwd, vjp_bwd_retval = hijax.vjp_from_jvp
        lin, linearized = hijax.linearize_from_jvp

        def __init__(self, aval: Any) -> None:
            self.in_avals, self.out_aval, self.params = (aval,), aval, {}
            super().__init__()

        def expand(self, x: Any) -> Any:
            return jnp.where(x == 0.7, 2 * x, 2 * x)

        def jvp(self, primals: Any, tangents: Any) -> Any:
            (x,), (t,) = primals, tangents
            return self(x), jnp.where(x == 0.7, 3.0, 2.0) * t

        def batch(self, axes: Any, args: Any, dims: Any) -> Any:
            return type(self)(jax.typeof(args[0]))(args[0]), dims[0]

    def doubled(x: Any) -> Any:
        x = jnp.asarray(x)
        return Doubled(jax.typeof(x))(x)

    found = Counter(check(lambda x: doubled(x) * 3, (np.float32(0.3),)).verdict for _ in range(6))
    assert found == {Verdict.REFUTED: 6}


def refuse(x: Any) -> Any:
    raise ValueError("the search has not come to its end")


def bisected(slope: float) -> Any:
    """The cube root by a bisection that is looked at when it ends, and a rule times a factor."""

    def search(a: Any) -> Any:
        def turn(carry: Any) -> Any:
            low, high, _ = carry
            middle = (low + high) / 2
            below = middle**3 < a
            low, high = jnp.where(below, middle, low), jnp.where(below, high, middle)
            return low, high, jnp.abs(middle**3 - a) > 1e-5

        low, _, far = lax.while_loop(lambda c: c[2], turn, (0.0 * a, a + 1, a > -1))
        shape = jax.ShapeDtypeStruct((), low.dtype)
        return lax.cond(far, lambda x: jax.pure_callback(refuse, shape, x), lambda x: x, low)

    function: Any = jax.custom_jvp(search)
    function.defjvp(lambda xs, ts: (function(*xs), ts[0] * slope / (3 * function(*xs) ** 2)))
    return function


@pytest.mark.parametrize(("slope", "verdict"), [(1, Verdict.AGREES), (1.1, Verdict.REFUTED)])
def test_a_guard_is_not_asked_where_loops_are_run_on(slope: float, verdict: Verdict) -> None:
    # At 5 one turn more leads away, for once, from what the last one had found.
    found = check(bisected(slope), (np.float32(5),), special_points=False, modes="fwd")
    assert found.verdict is verdict, found
