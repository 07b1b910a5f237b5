"""Folds of any program along windows: values, derivatives, and rules by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from numbers_support import Checked

from jaxgrad import check, compare
from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.germ import Germ
from jaxgrad.verdict import Verdict

ROW = np.array([0.75, -1.25, 2.125, -0.5, 1.0])


def _product(x: Any) -> Any:
    return lax.reduce_window(x, 1.0, lax.mul, (3,), (2,), ((1, 2),), (2,), (2,))


def _log_sum(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, jnp.logaddexp, (3,), (2,), ((1, 1),))


def _either(x: Any) -> Any:
    return lax.reduce_window(x, 0.0, lambda a, b: a + b - a * b / 2, (2,), (1,), "SAME")


def _largest(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (3,), (1,), ((1, 1),))


def _smallest(x: Any) -> Any:
    return lax.reduce_window(x, jnp.inf, lax.min, (3,), (2,), ((1, 1),))


FOLDS = {
    "a product": _product,
    "a logarithm of a sum": _log_sum,
    "a function of one's own": _either,
    "a maximum": _largest,
    "a minimum": _smallest,
    "a logarithm of a sum along an axis": lambda x: lax.reduce(
        x[:4].reshape(2, 2), x.dtype.type(-jnp.inf), jnp.logaddexp, (1,)
    ),
}


@pytest.mark.parametrize("name", FOLDS)
def test_folds_and_their_tangents_are_jaxs_own(name: str) -> None:
    function = FOLDS[name]

    def both(x: Any) -> Any:
        return jax.jvp(function, (x,), (jnp.arange(1.0, 6.0),))

    checked = Checked(both, ROW)
    assert checked.check(ROW) == sum(leaf.size for leaf in checked.floats(ROW)) > 3


@pytest.mark.parametrize("function", [_largest, _smallest])
def test_gradients_of_windows_are_jaxs_own(function: Callable[..., Any]) -> None:
    checked = Checked(lambda x: jax.vjp(function, x)[1](jnp.arange(1.0, 6.0)[: function(x).size]),
                      ROW)  # fmt: skip
    checked.check_exact(ROW)


def test_a_start_of_infinity_is_left_out() -> None:
    """log Σ exp of windows is proved: −∞ is no number of a polynomial."""

    def by_hand(x: Any, of_first: float = 1.0) -> Any:
        padded = jnp.exp(jnp.concatenate([jnp.full(1, -jnp.inf), x, jnp.full(1, -jnp.inf)]))
        return jnp.log(of_first * padded[:-2:2] + padded[1:-1:2] + padded[2::2])

    assert compare(_log_sum, by_hand, ROW).verdict is Verdict.PROVED
    assert compare(_log_sum, lambda x: by_hand(x, 1.5), ROW).verdict is Verdict.REFUTED


def test_a_start_that_changes_some_numbers_is_refused() -> None:
    def beyond(x: Any) -> Any:  # 0 keeps positive numbers alone, and twice 0 has no slope
        return lax.reduce_window(x, 0.0, lambda a, b: jnp.sqrt(a * a + b * b), (2,), (1,), "SAME")

    tangent = Checked(lambda x: jax.jvp(beyond, (x,), (x,))[1], ROW)
    with pytest.raises(UnsupportedPrimitive, match="not neutral"):
        tangent.balls(ROW)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_infinity_is_no_other_number_than_itself(sign: int) -> None:
    germ = Germ()
    one, other = germ.constant(sign * np.inf), germ.constant(sign * np.inf)
    assert germ.compare("eq", one, one) and germ.compare("eq", one, other)
    assert germ.compare("ne", one, one) is False
    assert germ.compare("ne", one, germ.constant(-sign * np.inf))
    # ε times as large is another one.
    assert germ.compare("eq", one, one.scaled((1, 0))) is None


# -- rules by hand ---------------------------------------------------------------------------------
def _with_backward(function: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    ruled = jax.custom_vjp(function)
    ruled.defvjp(lambda x: (function(x), x), lambda x, g: (backward(x, g),))
    return ruled


def _scattered(x: Any, g: Any, from_first: int, scale: float) -> Any:
    """The cotangents at the largest entries of windows of three, of an array that is padded."""
    padded = jnp.pad(x, 1, constant_values=-jnp.inf)
    rows = jnp.stack([padded[i : i + x.size] for i in range(3)])
    places = jnp.arange(x.size) + jnp.argmax(rows, 0)
    return jnp.zeros_like(padded).at[places].add(scale * g)[from_first:][: x.size]


def _shares(x: Any, g: Any, scale: float) -> Any:
    total = _log_sum(x)
    shares = jnp.exp(x - jnp.repeat(total, 2)[: x.size])
    kept = jnp.repeat(g, 2)[: x.size] * shares
    later = jnp.exp(x[1::2] - total[1:]) * g[1:]
    return kept.at[1::2].add(scale * later)


def _others(x: Any, g: Any, neighbour: int) -> Any:
    y = jnp.concatenate([jnp.ones(1, x.dtype), x, jnp.ones(1, x.dtype)])
    return g * y[:-2] + jnp.append(g[1:], 0) * y[2 + neighbour :][: x.size]


def _pairs(x: Any) -> Any:
    return lax.reduce_window(x, 1.0, lax.mul, (2,), (1,), ((1, 0),))


RULES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "a maximum, the padding one off": (
        _largest, lambda x, g: _scattered(x, g, 1, 1.0), lambda x, g: _scattered(x, g, 0, 1.0)),
    "a maximum, a scale": (
        _largest, lambda x, g: _scattered(x, g, 1, 1.0), lambda x, g: _scattered(x, g, 1, 0.5)),
    "a logarithm of a sum, a term": (
        _log_sum, lambda x, g: _shares(x, g, 1.0), lambda x, g: _shares(x, g, 0.0)),
    "a product, the wrong entry": (
        _pairs, lambda x, g: _others(x, g, 0), lambda x, g: _others(x, g, -1)),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_backward_rule_of_windows_is_judged(name: str) -> None:
    function, right, wrong = RULES[name]
    x = ROW.astype(np.float32)
    assert check(_with_backward(function, right), (x,), modes=("rev",)).verdict is Verdict.AGREES
    found = check(_with_backward(function, wrong), (x,), modes=("rev",))
    assert found.verdict is Verdict.REFUTED
