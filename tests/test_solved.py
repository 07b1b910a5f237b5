"""With a reference the text says to how many digits a solver's loop comes to its value."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check

X = np.float32(3)


def newton(turns: int) -> Any:
    """√x by so many steps."""
    step = lambda _, c: (c[0], (c[1] + c[0] / c[1]) / 2)  # noqa: E731
    return lambda x: jax.lax.fori_loop(0, turns, step, (x, 1 + 0 * x))[1]


def ruled(turns: int, factor: float = 1.0) -> Any:
    """By the implicit function theorem: y' = 1/(2y)."""
    function = jax.custom_vjp(newton(turns))
    function.defvjp(lambda x: (y := newton(turns)(x), y), lambda y, g: (factor * g / (2 * y),))
    return function


def digits(f: Any, reference: Any, x: Any = X) -> tuple[Verdict, float, str]:
    found = check(f, (x,), modes="rev", reference=reference)
    said = re.search(
        r"the loops of f come to the value of the reference to ([\d.]+) digits", str(found)
    )
    return found.verdict, float(said[1]) if said else -1, found.evidence.text


@pytest.mark.parametrize(("turns", "least", "most"), [(3, 3.5, 5.0), (4, 8.0, 10.0), (2, 1.5, 2.5)])
def test_the_digits_are_said(turns: int, least: float, most: float) -> None:
    value = newton(turns)(np.float64(3))
    true = -np.log10(abs(float(value) / np.sqrt(3) - 1)) if turns < 4 else None
    _, found, text = digits(ruled(turns), jnp.sqrt)
    assert least < found < most
    assert true is None or abs(found - true) < 0.2
    assert ("a float of its dtype holds 7.2" in text) == (found < 7.2)


def test_a_wrong_rule_and_a_wrong_reference_are_told_apart() -> None:
    verdict, found, _ = digits(ruled(6), jnp.sqrt)
    assert verdict is Verdict.AGREES and found > 7
    verdict, found, text = digits(ruled(6, 2.0), jnp.sqrt)
    assert verdict is Verdict.REFUTED and found > 7
    assert "twice the derivative" in text
    verdict, found, _ = digits(ruled(6), lambda x: jnp.sqrt(x + 1))
    assert verdict is Verdict.REFUTED and 0 < found < 1


def test_of_what_has_no_loop_nothing_is_said() -> None:
    stopped = lambda x: x + jax.lax.stop_gradient(jnp.round(x) - x)  # noqa: E731
    found = check(stopped, (np.float32(0.3),), reference=lambda x: x)
    assert found.verdict is Verdict.AGREES and "the loops of f" not in found.evidence.text
    assert "the loops of f" not in check(ruled(6), (X,), modes="rev").evidence.text
