"""A callback that is not run, or returns nothing, leaves a program a formula."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

from jaxgrad import Verdict, check

X = np.array([1.0, 2.0], np.float32)


def _raise(x: Any) -> Any:
    raise ValueError("negative")


@jax.custom_jvp
def guarded(x: Any) -> Any:
    """x, which raises where an entry is negative, as equinox's error_if does."""

    def fails(x: Any) -> Any:
        return jax.pure_callback(
            _raise, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="expand_dims"
        )

    return jax.lax.cond(jnp.any(x < 0), fails, lambda x: x, x)


guarded.defjvp(lambda xs, ts: (guarded(xs[0]), ts[0]))


def watched(x: Any) -> Any:
    jax.debug.callback(lambda value: None, x)
    jax.debug.print("", ordered=False)
    return x


def checked(x: Any) -> Any:
    checkify.check(jnp.all(x > 0), "not positive")
    return x


def functional(x: Any) -> Any:
    return checkify.checkify(checked)(x)[1]


def sine(factor: float) -> Any:
    ruled = jax.custom_jvp(jnp.sin)
    ruled.defjvp(lambda xs, ts: (jnp.sin(xs[0]), factor * jnp.cos(xs[0]) * ts[0]))
    return ruled


GUARDS = {f.__name__: f for f in (watched, checked, functional)} | {"guarded": guarded}


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_that_is_never_taken_is_no_kernel(name: str) -> None:
    guard, right, wrong = GUARDS[name], sine(1.0), sine(2.0)
    found = check(lambda x: right(guard(x)), (X,))
    assert found.verdict.passes
    assert "one-sided derivatives" in found.evidence.text
    refuted = check(lambda x: wrong(guard(x)), (X,))
    assert refuted.verdict is Verdict.REFUTED
    assert "by the rules" in refuted.leaves[0].text


def test_the_reason_is_what_has_no_rule_and_not_the_guard_beside_it() -> None:
    def f(x: Any) -> Any:
        return jax.random.gamma(jax.random.key(0), jnp.exp(guarded(x)))

    found = check(f, (X,))
    assert found.verdict is Verdict.UNDECIDED
    assert "`random_gamma` has no rule" in found.evidence.text


def test_a_callback_that_is_run_is_one_for_its_floats() -> None:
    def f(x: Any) -> Any:
        return jax.lax.cond(x[0] < 2, host, lambda x: x, x)

    @jax.custom_jvp
    def host(x: Any) -> Any:
        return jax.pure_callback(lambda x: 2 * x, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    host.defjvp(lambda xs, ts: (host(xs[0]), 2 * ts[0]))
    found = check(f, (X,))
    assert found.verdict is Verdict.UNDECIDED
    assert "only floats can be had" in found.evidence.text
    assert check(f, (X,), reference=lambda x: 2 * x)
    assert check(f, (X + 2,), special_points=False)


def test_where_a_check_fails_the_function_has_no_value() -> None:
    found = check(lambda x: jnp.sin(checked(x)), (X - 1.5,))
    assert found.verdict is Verdict.UNDECIDED
    assert "`checkify.check` of the function fails at this point" in found.evidence.text


def test_floats_are_asked_for_where_the_function_does_not_raise() -> None:
    found = check(lambda x: 0.5 * guarded(x), (X,), dtypes=["float32"])
    assert found.verdict.passes
    assert {x.status for x in found.floats} == {"STABLE"}
    assert all(x.judged > 8 for x in found.floats)
