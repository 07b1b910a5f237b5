"""The operation that makes a NaN is named, and the line that is shown mends it."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.verdict import Verdict

HERE = Path(__file__).name
ZERO = np.zeros(2, np.float32)
HALF = np.array([0.0, 0.5], np.float32)


def norm(x: Any) -> Any:
    return jnp.sqrt(jnp.sum(x * x)) ** 2


def share(x: Any) -> Any:
    n = jnp.sum(jnp.abs(x))
    return jnp.where(n > 0, x[0] / n, 0.0) * jnp.sum(x * x)


def entropy(p: Any) -> Any:
    log = jnp.log(p)
    return jnp.sum(jnp.where(p > 0, p * log, 0.0) * p)


def power(x: Any) -> Any:
    root = x**0.5
    return jnp.sum(jnp.where(x > 0, root, 0.0) * x)


def angle(x: Any) -> Any:
    y = jnp.arccos(x)
    return jnp.where(x < 1, y, 0.0) * (1 - x) ** 2


def lost(x: Any) -> Any:
    never = jnp.log(x)
    root = jnp.sqrt(jnp.sum(x * x))
    return root * root + jax.lax.stop_gradient(jnp.sum(jnp.where(x > 5, never, 0.0)))


FUNCTIONS: dict[str, tuple[Any, Any, str]] = {
    "a norm": (norm, ZERO, "the slope of `sqrt` at {} is infinite at 0; mask its argument"),
    "a quotient": (share, ZERO, "`div` at {} divides by 0; mask its divisor"),
    "a logarithm": (entropy, HALF, "`log` at {} is -inf at 0; mask its argument"),
    "a power": (power, HALF, "the slope of `pow` at {} is infinite at 0; mask its argument"),
    "an angle": (angle, np.float32(1), "the slope of `acos` at {} is infinite at 1; mask its arg"),
    "one that is lost": (lost, ZERO, "the slope of `sqrt` at {} is infinite at 0; mask its arg"),
}
OPERATION = re.compile(r"sqrt\(|x\[0\] / n|log\(p|\*\*0\.5|arccos")


def changed(function: Any, said: str) -> Any:
    """The function with the line that is shown in place of its own."""
    line = said.partition("not its result alone: `")[2].removesuffix("`")
    assert line, said
    source = textwrap.dedent(inspect.getsource(function))
    [own] = [x for x in source.splitlines() if OPERATION.search(x)]
    scope: dict[str, Any] = {"jnp": jnp, "jax": jax, "Any": Any}
    indent = own[: len(own) - len(own.lstrip())]
    exec(source.replace(own, indent + line), scope)
    return scope[function.__name__]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_operation_and_its_line_are_named_and_the_line_that_is_shown_mends_it(
    name: str,
) -> None:
    function, x, words = FUNCTIONS[name]
    found = jaxgrad.check(function, (x,), modes="rev", special_points=False)
    assert found.verdict is Verdict.REFUTED
    said = found.evidence.text.splitlines()[0]
    lines, first = inspect.getsourcelines(function)
    [k] = [k for k, line in enumerate(lines) if OPERATION.search(line)]
    assert words.format(f"{HERE}:{first + k}") in said
    assert not np.isfinite(jax.grad(function)(x)).all()
    mended = changed(function, said)
    assert np.isfinite(jax.grad(mended)(x)).all()
    assert jaxgrad.check_grads(mended, (x,), modes="rev", special_points=False)
    # It is the same function.
    for point in (x, np.full_like(x, 0.75)):
        np.testing.assert_allclose(mended(point), function(point), rtol=1e-6)


def test_a_comparison_names_it_too() -> None:
    found = jaxgrad.compare(jax.grad(norm), lambda x: 2 * x, ZERO)
    assert found.verdict is Verdict.REFUTED
    said = found.evidence.text.splitlines()[0]
    assert "the slope of `sqrt` at" in said and "is infinite at 0; mask its argument" in said
    assert found.evidence.text.splitlines()[1] == "  gradient[0]: hand is nan, auto is 0.0"


def softplus(x: Any) -> Any:
    return jnp.log(1 + jnp.exp(x))


def test_an_overflow_of_floats_alone_is_named() -> None:
    x = np.float32(200)
    line = f"{HERE}:{inspect.getsourcelines(softplus)[1] + 1}"
    compared = jaxgrad.compare(jax.grad(softplus), jax.nn.sigmoid, x)
    for found in (jaxgrad.check(softplus, (x,), modes="rev"), compared):
        assert found.verdict is Verdict.REFUTED
        assert f"`exp` at {line} overflows at 200" in found.evidence.text.splitlines()[0]
    assert jaxgrad.check_grads(softplus, (np.float32(20),), modes="rev")


def test_a_slope_that_is_infinite_in_truth_is_not_mended() -> None:
    found = jaxgrad.check(lambda x: jnp.sqrt(x) * jnp.sqrt(x + 1) * 2, (0.0,), modes="rev")
    assert "mask" not in found.evidence.text


def test_a_rule_that_returns_nan_by_itself_is_not_blamed_on_an_operation() -> None:
    @jax.custom_vjp
    def f(x: Any) -> Any:
        return x**2

    f.defvjp(lambda x: (x**2, x), lambda x, g: (g * jnp.nan,))
    found = jaxgrad.check(f, (0.5,), modes="rev")
    assert found.verdict is Verdict.REFUTED and "slope" not in found.evidence.text


@pytest.mark.parametrize("exponent", [2.0, 1.0, 3.0])
def test_a_power_of_a_negative_base_has_no_slope_by_its_exponent(exponent: float) -> None:
    """There is no logarithm of the base: nothing overflows, and no mask mends it."""
    args = np.float32(-1.0), np.float32(exponent)
    found = jaxgrad.check(lambda x, y: x**y, args)
    assert f"`pow` at {HERE}" in found.evidence.text
    assert f"negative base -1 has no slope by its exponent {exponent:g}" in found.evidence.text
    assert "overflows" not in found.evidence.text and "mask" not in found.evidence.text
    assert jaxgrad.check(lambda x, y: x**y, args, argnums=0).verdict.passes
    assert jaxgrad.check(lambda x, y: x**y, (args[0], np.int32(exponent))).verdict.passes


def quotient(x: Any) -> Any:
    e = jnp.exp(x)
    return e / (1 + e)


@pytest.mark.parametrize(("dtype", "x"), [("float16", 12), ("float32", 100), ("bfloat16", 100)])
def test_in_a_dtype_that_is_asked_for_the_operation_that_overflows_is_named(
    dtype: str, x: float
) -> None:
    asked: dict[str, Any] = {"modes": "rev", "special_points": False}
    found = jaxgrad.check(quotient, (np.float32(x),), dtypes=[dtype], **asked)
    assert found.verdict is Verdict.REFUTED
    line = inspect.getsourcelines(quotient)[1] + 1
    assert f"`exp` at {HERE}:{line} overflows at {x}" in found.evidence.text
    small = jaxgrad.check(quotient, (np.float32(0.5),), dtypes=[dtype], **asked)
    assert "overflows" not in small.evidence.text.splitlines()[0]
    right = jaxgrad.check(jax.nn.softplus, (np.float32(x),), dtypes=[dtype], **asked)
    assert right.verdict is Verdict.AGREES


def test_a_maximum_of_nothing_that_is_no_number_is_said() -> None:
    """JAX's derivative of it is one."""
    points = np.array([0.3, 0.5, 0.7], np.float32), np.zeros((2, 0), np.float32)
    found = jaxgrad.check(
        lambda x, e: jnp.sin(x) * jnp.sum(jnp.max(e, 1, initial=1.0)), points, special_points=False
    )
    assert found.verdict is Verdict.REFUTED and "nan by the rules" in found.evidence.text
