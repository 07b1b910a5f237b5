"""Loops that run by themselves: as JAX runs them, and forgotten at the end of a check."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check, compare
from jaxgrad.programs import compiled_loops as module
from jaxgrad.programs.compiled_loops import bound_alone, compiled_loop, loops_forgotten

X = np.array([0.5, 0.25, 0.75], np.float32)


def _loop(scale: float) -> Callable[[Any], Any]:
    return lambda x: lax.scan(lambda a, k: (jnp.tanh(a * scale + k), a), x, jnp.arange(4.0))


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "scan": _loop(1.5),
    "while": lambda x: lax.while_loop(lambda a: a[0] < 9, lambda a: a * 1.5, x),
    "cond": lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x),
    "sin": jnp.sin,
}


def _equation(name: str) -> tuple[Any, list[Any]]:
    """An equation of this name, and values of its inputs."""
    jaxpr = jax.make_jaxpr(PROGRAMS[name])(X)
    equation = next(e for e in jaxpr.eqns if e.primitive.name == name)
    inputs = [
        X if v.aval.shape == X.shape else np.ones(v.aval.shape, v.aval.dtype)
        for v in equation.invars
    ]
    return equation, inputs


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_loop_returns_what_jax_returns(name: str) -> None:
    equation, inputs = _equation(name)
    expected = equation.primitive.bind(*inputs, **equation.params)
    compiled_loop.cache_clear()  # of what other tests have run
    with loops_forgotten():
        run = bound_alone(equation.primitive, equation.params)
        for _ in range(2):
            assert jax.tree.all(jax.tree.map(np.array_equal, run(*inputs), expected))
        found = compiled_loop.cache_info()
        assert (found.hits > 0, found.currsize) == ((False, 0) if name == "sin" else (True, 1))
    assert compiled_loop.cache_info().currsize == 0


def test_of_what_is_traced_a_loop_stands_in_the_trace() -> None:
    equation, inputs = _equation("scan")
    traced = jax.make_jaxpr(bound_alone(equation.primitive, equation.params))(*inputs)
    assert [e.primitive.name for e in traced.eqns] == ["scan"]


def _kept(ask: Callable[[float], Any]) -> int:
    """How many more compiled programs there are for one more program that is asked about."""
    client = jax.devices("cpu")[0].client
    numbers: list[int] = []
    for scale in (1.25, 1.5):
        ask(scale)
        gc.collect()
        numbers.append(len(client.live_executables()))
    return numbers[1] - numbers[0]


def _compared(scale: float) -> None:
    def hand(x: Any) -> Any:
        return _loop(scale)(x)[0]

    assert compare(hand, hand, X).verdict is Verdict.PROVED


def _checked(scale: float) -> None:
    assert check(lambda x: _loop(scale)(x)[0].sum(), (X,), special_points=None).verdict.passes


@pytest.mark.parametrize("ask", [_compared, _checked])
def test_nothing_is_kept_of_the_loops_of_a_program(
    ask: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JAX's own cache keeps them, and with them more than a MiB each."""
    assert _kept(ask) <= 0
    monkeypatch.setattr(module, "_LOOPS", ())
    assert _kept(ask) > 0
