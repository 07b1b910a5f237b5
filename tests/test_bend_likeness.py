"""What a rule is like that is not linear in its cotangent, or its tangent, is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check

X = np.array([0.5, 2.0, -0.25], np.float32)


def _backward(cotangent: Callable[[Any], Any]) -> Callable[[Any], Any]:
    function = jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (cotangent(g) * jnp.cos(x),))
    return function


def _forward(tangent: Callable[[Any], Any]) -> Callable[[Any], Any]:
    function = jax.custom_jvp(jnp.sin)
    function.defjvp(lambda p, t: (jnp.sin(p[0]), tangent(t[0]) * jnp.cos(p[0])))
    return function


CASES = {
    "squared": (lambda g: g * g, "is squared: it is of degree 2 in it"),
    "cubed": (lambda g: g**3, "is raised to the power 3: it is of degree 3 in it"),
    "added to": (lambda g: g + 0.5, "a number is added to the"),
    "its size": (jnp.abs, "as of |g|: L(−g) is L(g)"),
    "its sign": (jnp.sign, "its size is lost"),
    "normalised": (lambda g: g / jnp.sqrt(jnp.sum(g * g)), "its size is lost"),
    "left out": (lambda g: 0 * g + 0.5, "as any other: the"),
    "1 for 0": (lambda g: jnp.where(g == 0, 1.0, g), "L(0) is [0.87758"),
    "a root": (lambda g: jnp.sign(g) * jnp.sqrt(abs(g)), "is raised to the power 1/2"),
    "clipped": (lambda g: jnp.clip(g, -4.0, 4.0), "as with gradient clipping"),
    "clipped low": (lambda g: jnp.clip(g, -1e-6, 1e-6), "as with gradient clipping"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("made", "mode"), [(_backward, "rev"), (_forward, "fwd")])
def test_it_is_said(made: Any, mode: str, name: str) -> None:
    changed, said = CASES[name]
    found = check(made(changed), (X,), modes=mode)
    assert found.verdict is Verdict.REFUTED
    first = found.evidence.text.splitlines()[0]
    assert "is not linear in its" in first and said in first, first
    assert "where that is meant, linear=False says so" in first
    others = [other for _, other in CASES.values() if other not in said]
    assert not any(other in first for other in others)


@pytest.mark.parametrize("made", [_backward, _forward])
def test_a_right_rule_passes(made: Any) -> None:
    modes = "rev" if made is _backward else "fwd"
    assert check(made(lambda g: 2 * g / 2), (X,), modes=modes).verdict.passes
