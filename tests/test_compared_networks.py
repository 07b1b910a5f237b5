"""compare() on the networks of the document: right gradients and planted errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from network_support import at
from pasted_code import numbers_printed_by

from jaxgrad import closed_form
from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.compare import Comparison, compare
from jaxgrad.networks import Chain, Dense
from jaxgrad.verdict import Verdict

ACTIVATIONS = ("sigmoid", "tanh", "softplus", "relu")
COSTS = ("quadratic", "cross-entropy")


def against_autodiff(net: Any, hand: Callable[..., Any] | None = None) -> Comparison:
    return compare(hand or closed_form.gradient(net), jax.grad(net.cost), *at(net))


# -- the document's gradients -------------------------------------------------------------------
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", [1, 2, 5, 12])
def test_chains_are_proved(depth: int, activation: str, cost: str) -> None:
    assert against_autodiff(Chain(depth, activation, cost)).verdict is Verdict.PROVED


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(1, 1), (3, 2, 1), (2, 4, 3), (4, 4, 4, 4, 4, 4)])
def test_dense_networks_are_proved(widths: tuple[int, ...], activation: str, cost: str) -> None:
    assert against_autodiff(Dense(widths, activation, cost)).verdict is Verdict.PROVED


def test_a_network_past_the_budget_of_plain_polynomials_is_proved_with_named_sums() -> None:
    result = against_autodiff(Chain(30))
    assert result.verdict is Verdict.PROVED
    assert "for every real input" in result.evidence.text


# -- planted errors in a deep chain, whose gradients are around 1e-25 ------------------------------
CHAIN = Chain(30)


def products(
    params: Any,
    x: Any,
    y: Any,
    *,
    factor: Callable[[int, int, Any], Any] = lambda first, j, value: value,
    weight: Callable[[Any, int], Any] = lambda params, j: params[j][0],
    derivative_at: Callable[[Any, Any], Any] = lambda z, a: z,
) -> list[tuple[Any, Any]]:
    """Claim A5's products with places to plant an error."""
    zs, activations = [], [x]
    for w, b in params:
        zs.append(w * activations[-1] + b)
        activations.append(jax.nn.sigmoid(zs[-1]))
    gradient = []
    for first in range(len(params)):
        product = activations[-1] - y
        for j in range(first, len(params)):
            s = jax.nn.sigmoid(derivative_at(zs[j], activations[j + 1]))
            product = product * factor(first, j, s * (1 - s))
            if j > first:
                product = product * weight(params, j)
        gradient.append((product * activations[first], product))
    return gradient


def zeroed(params: Any, x: Any, y: Any) -> Any:
    gradient = products(params, x, y)
    return [(gradient[0][0], 0 * gradient[0][1]), *gradient[1:]]


def dropped(params: Any, x: Any, y: Any) -> Any:
    return products(params, x, y, factor=lambda first, j, v: 1.0 if (first, j) == (0, 7) else v)


def neighbour(params: Any, x: Any, y: Any) -> Any:
    return products(params, x, y, weight=lambda params, j: params[j - 1][0])


def flipped(params: Any, x: Any, y: Any) -> Any:
    gradient = products(params, x, y)
    return [(gradient[0][0], -gradient[0][1]), *gradient[1:]]


def nearly(params: Any, x: Any, y: Any) -> Any:
    gradient = products(params, x, y)
    return [(gradient[0][0], gradient[0][1] * (1 + 1e-12)), *gradient[1:]]


def off_by_one(params: Any, x: Any, y: Any) -> Any:
    gradient = products(params, x, y)
    return [*gradient[1:], gradient[0]]


def at_a(params: Any, x: Any, y: Any) -> Any:
    return products(params, x, y, derivative_at=lambda z, a: a)


@pytest.mark.parametrize("planted", [zeroed, dropped, neighbour, flipped, nearly, off_by_one, at_a])
def test_every_planted_error_in_a_deep_chain_is_refuted(planted: Any) -> None:
    with jax.enable_x64(True):
        args = at(CHAIN, seed=1)
        result = compare(planted, jax.grad(CHAIN.cost), *args)
        assert result.verdict is Verdict.REFUTED
        with pytest.raises(GradientMismatch, match=r"enclosures of .* are disjoint") as caught:
            result.assert_agrees()
        try:
            shown, true = numbers_printed_by(caught.value, hand=planted, auto=jax.grad(CHAIN.cost))
        finally:  # the pasted text switches 64 bits on for good
            jax.config.update("jax_enable_x64", False)
        assert shown != true


def test_without_an_error_the_same_products_are_proved() -> None:
    with jax.enable_x64(True):
        result = compare(products, jax.grad(CHAIN.cost), *at(CHAIN, seed=1))
    assert result.verdict is Verdict.PROVED


def test_a_transposed_weight_is_refuted() -> None:
    net = Dense((3, 3, 3))

    def transposed(params: Any, x: Any, y: Any) -> Any:
        (w1, b1), (w2, b2) = params
        a1 = jax.nn.sigmoid(w1 @ x + b1)
        a2 = jax.nn.sigmoid(w2 @ a1 + b2)
        d2 = (a2 - y) * a2 * (1 - a2)
        d1 = (w2 @ d2) * a1 * (1 - a1)  # should be w2.T
        return [(jnp.outer(d1, x), d1), (jnp.outer(d2, a1), d2)]

    result = against_autodiff(net, transposed)
    assert result.verdict is Verdict.REFUTED
    assert [leaf.verdict for leaf in result.leaves][2:] == [Verdict.AGREES, Verdict.AGREES]


def test_a_whole_network_in_plain_numpy_is_proved() -> None:
    net = Dense((2, 3, 2))

    def hand(params: Any, x: Any, y: Any) -> Any:
        activations, derivatives = [x], []
        for w, b in params:
            s = 1 / (1 + np.exp(-(w @ activations[-1] + b)))
            activations.append(s)
            derivatives.append(s * (1 - s))
        delta = (activations[-1] - y) * derivatives[-1]
        gradient = []
        for layer in reversed(range(len(params))):
            gradient.append((np.outer(delta, activations[layer]), delta))
            if layer:
                delta = params[layer][0].T @ delta * derivatives[layer - 1]
        return gradient[::-1]

    assert against_autodiff(net, hand).verdict is Verdict.PROVED


def test_a_deep_chain_is_stable_although_its_gradient_is_tiny() -> None:
    with jax.enable_x64(True):
        result = compare(closed_form.gradient(CHAIN), jax.grad(CHAIN.cost), *at(CHAIN))
        assert result.stable
        assert min(found.digits for found in result.floats) > 10
