"""What a wrong derivative or value of a batch is like is said: rows mixed up, summed, left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check

X = np.array([0.5, 2.0, -0.25], np.float32)


def _mapped(rows: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """t ↦ t, of which a batch is something else."""
    function = jax.custom_batching.custom_vmap(lambda t: 1.0 * t)
    function.def_vmap(lambda size, batched, t: (rows(t) if batched[0] else 1.0 * t, batched[0]))
    return function


def _backward(rows: Any) -> Callable[[Any], Any]:
    mapped, function = _mapped(rows), jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (mapped(g * jnp.cos(x)),))
    return function


def _forward(rows: Any) -> Callable[[Any], Any]:
    mapped, function = _mapped(rows), jax.custom_jvp(jnp.sin)
    function.defjvp(lambda p, t: (jnp.sin(p[0]), mapped(t[0] * jnp.cos(p[0]))))
    return function


def _value(rows: Any) -> Callable[[Any], Any]:
    mapped = jax.custom_jvp(_mapped(rows))
    mapped.defjvp(lambda p, t: (mapped(p[0]), t[0]))
    return lambda x: mapped(jnp.sin(x))


CASES = {
    "right": (lambda t: 1.0 * t, ""),
    "0": (jnp.zeros_like, "0, in both rows"),
    "twice": (lambda t: 2 * t, "twice {}, in both rows"),
    "minus": (lambda t: -t, "minus {}, in both rows"),
    "swapped": (lambda t: t[::-1], "{} of the other row, in both rows"),
    "the first": (lambda t: jnp.broadcast_to(t[:1], t.shape), "{} of the first row, in both rows"),
    "the last": (lambda t: jnp.broadcast_to(t[-1:], t.shape), "{} of the second row, in both rows"),
    "summed": (lambda t: jnp.broadcast_to(t.sum(0), t.shape), "the sum over the rows of {}, in"),
    "a mean": (lambda t: jnp.broadcast_to(t.mean(0), t.shape), "the mean over the rows of {}, in"),
    "neither": (lambda t: t * t, None),
}
KINDS = {
    "rev": (_backward, "rev", "with respect to x they give ", "the derivative"),
    "fwd": (_forward, "fwd", "of f they give ", "the derivative"),
    "a value": (_value, "rev", "of f it is ", "the value"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_said(kind: str, name: str) -> None:
    made, mode, by, what = KINDS[kind]
    rows, said = CASES[name]
    found = check(made(rows), (X,), modes=mode)
    if said == "":
        assert found.verdict.passes
        return
    assert found.verdict is Verdict.REFUTED
    first = found.evidence.text.splitlines()[0]
    assert "under jax.vmap" in first
    if said is None:
        assert by not in first
    else:
        assert by + said.format(what) in first, first


def test_of_several_arguments_the_one_is_named() -> None:
    mapped, function = _mapped(lambda t: 3 * t), jax.custom_vjp(lambda x, y: x * y)
    backward = lambda r, g: (g * r[1], mapped(g * r[0]))  # noqa: E731
    function.defvjp(lambda x, y: (x * y, (x, y)), backward)
    found = check(function, (X, X + 1), modes="rev")
    assert found.verdict is Verdict.REFUTED
    assert "under jax.vmap" in found.evidence.text
    assert "with respect to y they give 3 times the derivative, in both rows" in found.evidence.text


def test_of_another_point_it_is_said() -> None:
    """Of the residuals alone the rows are mixed up, and not of what the derivative is along."""
    for rows, said in ((lambda t: t[::-1], "at the point of the other row"), (lambda t: t, None)):
        slope = jax.custom_batching.custom_vmap(jnp.cos)
        slope.def_vmap(lambda size, batched, x, rows=rows: (jnp.cos(rows(x)), True))
        function = jax.custom_vjp(jnp.sin)
        function.defvjp(lambda x, f=jnp.sin: (f(x), x), lambda x, g, s=slope: (s(x) * g,))
        found = check(function, (X,), modes="rev")
        if said is None:
            assert found.verdict.passes
        else:
            assert found.verdict is Verdict.REFUTED
            assert (
                f"with respect to x they give the derivative {said}, in both rows"
                in found.evidence.text
            )
