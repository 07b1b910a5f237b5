"""Large arrays in code to paste and in messages."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import printed_by

from jaxgrad import GradientMismatch, check, check_grads
from jaxgrad.gradients.rules.directions import drawn
from jaxgrad.programs.array_code import MOST_ENTRIES
from jaxgrad.programs.as_code import as_code

DRAWN = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
# Longer than any of the expressions, and shorter than 300 numbers.
SHORT = 200

SHORTENED: dict[str, Any] = {
    "all the same": np.full((30, 10), 0.1, np.float32),
    "zeros below zero": np.full(300, -0.0),
    "no numbers": np.full(300, np.nan),
    "infinities": np.full(300, -np.inf, np.float16),
    "evenly spaced": np.linspace(0, 1, 4096).astype(np.float32),
    "evenly spaced rows": np.linspace(-3, 3, 400).reshape(20, 20),
    "integers": np.arange(1000),
    "one of them": (np.arange(600) == 4).astype(np.float32).reshape(20, 30),
    "three others": np.where(np.arange(300) < 3, np.inf, 0.5),
    "booleans": np.arange(300) == 299,
    "bfloat16": jnp.zeros(300, jnp.bfloat16).at[7].set(0.1),
    "float8": jnp.ones(300, jnp.float8_e4m3fn),
    "a drawn direction": drawn([(20, 30)]).leaves[0].astype(np.float32),
    "another one": drawn([(300,)], 1).leaves[0],
}
IN_FULL: dict[str, Any] = {
    "drawn": DRAWN,
    "drawn integers": np.random.default_rng(0).integers(0, 10, 1000),
    "one zero below zero": np.where(np.arange(300) == 4, -0.0, 0.0),
    "two kinds of NaN": np.where(np.arange(300) == 4, -np.nan, np.nan),
    "bfloat16": jnp.asarray(DRAWN, jnp.bfloat16),
}
ONE_BY_ONE: dict[str, Any] = {
    "few": DRAWN.reshape(-1)[:MOST_ENTRIES],
    "none": np.zeros((0, 3)),
}
CASES = [
    *((x, "expression", name) for name, x in SHORTENED.items()),
    *((x, "base64", name) for name, x in IN_FULL.items()),
    *((x, "array([", name) for name, x in ONE_BY_ONE.items()),
]


@pytest.mark.parametrize(("array", "kind"), [pytest.param(*case[:2], id=case[2]) for case in CASES])
def test_the_value_of_the_code_is_the_array(array: Any, kind: str) -> None:
    code = as_code(array)
    found = eval(code, {"np": np, "jnp": jnp})
    assert found.dtype == array.dtype and found.shape == array.shape
    assert np.asarray(found).tobytes() == np.asarray(array).tobytes()
    assert kind in code or (kind == "expression" and len(code) < SHORT and "base64" not in code)
    if isinstance(found, np.ndarray):
        assert found.flags.writeable


@jax.custom_vjp
def through_float8(x: Any) -> Any:
    return jnp.sin(x)


def _narrow(x: Any, u: Any) -> tuple[Any]:
    return (u.astype(jnp.float8_e4m3fn).astype(x.dtype) * jnp.cos(x),)


through_float8.defvjp(lambda x: (jnp.sin(x), x), _narrow)


def mean(x: Any) -> Any:
    return jnp.mean(through_float8(x))


def test_a_message_says_of_a_large_array_where_it_begins_and_ends() -> None:
    x = np.linspace(0, 1, 4096).astype(np.float32)
    found = check(mean, (x,), modes="rev")
    assert len(str(found)) < 2000
    shown = "x = [0.0, 0.00024420025874860585, ..., 0.9997557997703552, 1.0] under jit"
    assert shown in str(found)
    with pytest.raises(GradientMismatch) as caught:
        check_grads(mean, (x,), modes="rev")
    assert printed_by(caught.value, f=mean) == ["0.0 should be 0.0002441406250"]


def test_of_several_leaves_the_one_that_matters_is_shown() -> None:
    def f(x: Any, y: Any) -> Any:
        return mean(x) + y.sum()

    found = check(f, (DRAWN, np.linspace(0, 1, 300).astype(np.float32)), modes="rev")
    assert "at x = [[" in str(found) and "..., " in str(found)
    assert "]], … under jit" in str(found)
    small = check(f, (DRAWN.reshape(-1), np.float32(2.0)), modes="rev")
    assert ", y = 2.0 under jit" in str(small)


def test_a_large_cotangent_is_said_in_one_line() -> None:
    f = jax.custom_vjp(lambda x: x**2)
    f.defvjp(lambda x: (x**2, x), lambda x, u: (jnp.clip(u, -1, 1) * 2 * x,))
    found = check(f, (np.linspace(-1, 2, 1000).astype(np.float32),), modes="rev")
    [line] = [line for line in str(found).splitlines() if "for the cotangent g = " in line]
    assert " ... " in line and "is not linear: L(" in line
