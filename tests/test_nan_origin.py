"""At an infinity the operation that makes the NaN is named, and where it does not there is none."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.gradients.check_grads import check
from jaxgrad.verdict import Verdict

HERE = Path(__file__).name
INF = np.float32(np.inf)


def swish(x: Any) -> Any:
    return x * jax.nn.sigmoid(x)


def masked_swish(x: Any) -> Any:
    small = jnp.clip(x, -90.0, 90.0)
    return jnp.where(jnp.abs(x) <= 90, swish(small), jnp.maximum(x, 0.0))


def root(x: Any) -> Any:
    return x + jnp.sqrt(x**2 + 4)


def masked_root(x: Any) -> Any:
    return x + jnp.where(x > 1e6, x, jnp.sqrt(jnp.minimum(x, 1e6) ** 2 + 4))


def logarithm(x: Any) -> Any:
    return jnp.log(jnp.exp(x))


def plain(x: Any) -> Any:
    return 1.0 * x


CASES = {
    "∞·0": (swish, masked_swish, INF, "`mul` at {} is ∞·0"),
    "a root": (root, masked_root, INF, "`mul` at {} is ∞·0"),
    "0/0": (logarithm, plain, -INF, "`div` at {} is 0/0"),
    "∞/∞": (logarithm, plain, INF, "`div` at {} is ∞/∞"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_operation_is_named(name: str) -> None:
    function, mended, x, said = CASES[name]
    found = check(function, (x,))
    assert found.verdict is Verdict.REFUTED
    line = inspect.getsourcelines(function)[1] + 1
    assert said.format(f"{HERE}:{line}") in found.evidence.text
    assert "mask its arguments where they are infinite" in found.evidence.text
    found = check(mended, (x,))
    assert found.verdict is Verdict.AGREES, found


@pytest.mark.parametrize("function", [jax.nn.squareplus, jax.nn.mish, jax.nn.silu])
def test_in_a_function_of_jax_that_is_named(function: Any) -> None:
    for sign, verdict in ((1, Verdict.REFUTED), (-1, Verdict.UNDECIDED)):
        found = check(function, (sign * INF,))
        assert found.verdict is verdict
        assert f"in `{function.__name__}` (jax/_src/nn/functions.py:" in found.evidence.text
        assert "is ∞·0" in found.evidence.text or "is ∞ − ∞" in found.evidence.text
    assert check(jax.nn.softplus, (INF,)).verdict is Verdict.AGREES


def test_in_a_function_of_several_entries() -> None:
    w = np.array([[1.0, 2.0], [0.5, -0.25]], np.float32)
    found = check(lambda x: w @ swish(x), (np.array([0.5, np.inf], np.float32),))
    assert found.verdict is Verdict.REFUTED
    line = inspect.getsourcelines(swish)[1] + 1
    assert f"`mul` at {HERE}:{line} is ∞·0" in found.evidence.text


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x - jnp.floor(x), "`sub` at {} is ∞ − ∞"),
        (lambda x: jnp.sum(jnp.stack([x, -x])), "`reduce_sum` at {} is ∞ − ∞"),
        (jnp.sin, "is asked for at ∞, where it has no value"),
        (lambda x: jnp.dot(jnp.stack([x, x]), np.zeros(2, np.float32)), "is ∞·0"),
        (lambda x: jnp.fmod(x, 2.0), "`rem` at {} is NaN of ∞ and 2"),
        (lambda x: x / (1 + x), "`div` at {} is ∞/∞"),
    ],
)
def test_where_the_value_itself_is_none(function: Any, said: str) -> None:
    found = check(function, (INF,))
    assert found.verdict is Verdict.UNDECIDED
    said = said.format(f"{HERE}:{inspect.getsourcelines(function)[1]}") if "{}" in said else said
    assert "JAX computes NaN for f itself as x → ∞" in found.evidence.text
    assert said in found.evidence.text
