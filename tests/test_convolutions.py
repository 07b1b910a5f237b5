"""Convolutions and their hand-written derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check, compare
from jaxgrad.interpret.roundings import longest_chain
from jaxgrad.programs.trace import trace

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.normal(size=(2, 2, 4, 3)).astype(np.float32)
KERNEL = GENERATOR.normal(size=(3, 2, 3, 2)).astype(np.float32)
FULL = ((2, 2), (1, 1))

Backward = Callable[[Any, Any, Any], tuple[Any, Any]]


def _valid(images: Any, kernel: Any) -> Any:
    return lax.conv_general_dilated(images, kernel, (1, 1), "VALID")


def _by_hand(backward: Backward) -> Any:
    """A convolution with its backward rule."""
    function = jax.custom_vjp(_valid)
    function.defvjp(lambda x, k: (_valid(x, k), (x, k)), lambda saved, u: backward(*saved, u))
    return function


def _swapped(array: Any) -> Any:
    """Images as channels."""
    return array.transpose(1, 0, 2, 3)


def _of_kernel(x: Any, u: Any) -> Any:
    return _swapped(_valid(_swapped(x), _swapped(u)))


def _of_images(kernel: Any, u: Any, turned: bool = True) -> Any:
    kernel = jnp.flip(kernel, (2, 3)) if turned else kernel
    return lax.conv_general_dilated(u, _swapped(kernel), (1, 1), FULL)


def test_a_backward_rule_by_hand_is_proved() -> None:
    right = _by_hand(lambda x, k, u: (_of_images(k, u), _of_kernel(x, u)))
    found = check(right, (IMAGES, KERNEL), modes="rev")
    assert found.verdict is Verdict.PROVED, found


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x, k, u: (_of_images(k, u, turned=False), _of_kernel(x, u)),
        lambda x, k, u: (_of_images(k, u), jnp.flip(_of_kernel(x, u), 2)),
        lambda x, k, u: (_of_images(k, u), _of_kernel(x, u) * (1 + 1e-5)),
    ],
    ids=["kernel not turned", "gradient turned", "a factor"],
)
def test_a_wrong_one_is_refuted(wrong: Backward) -> None:
    found = check(_by_hand(wrong), (IMAGES, KERNEL), modes="rev")
    assert found.verdict is Verdict.REFUTED, found


@pytest.mark.parametrize("groups", ["feature_group_count", "batch_group_count"])
def test_groups_are_convolutions_of_their_own(groups: str) -> None:
    x, k = IMAGES, GENERATOR.normal(size=(4, 1 if groups[0] == "f" else 2, 2, 1)).astype("f")
    axis = 1 if groups[0] == "f" else 0

    def together(x: Any, k: Any) -> Any:
        return lax.conv_general_dilated(
            x, k, (1, 2), ((1, 0), (0, 1)), (2, 1), (1, 1), **{groups: 2}
        )

    def each(x: Any, k: Any) -> Any:
        pairs = zip(jnp.split(x, 2, axis), jnp.split(k, 2, 0), strict=True)
        return jnp.concatenate(
            [
                lax.conv_general_dilated(*pair, (1, 2), ((1, 0), (0, 1)), (2, 1), (1, 1))
                for pair in pairs
            ],
            1,
        )

    assert compare(together, each, x, k).verdict is Verdict.PROVED
    backwards = compare(together, lambda x, k: each(x, k[::-1]), x, k)
    assert backwards.verdict is Verdict.REFUTED


def test_a_small_network_of_them() -> None:
    def layer(relu: Callable[[Any], Any]) -> Callable[..., Any]:
        def network(x: Any, k: Any, w: Any) -> Any:
            shown = relu(lax.conv_general_dilated(x, k, (1, 1), "SAME"))
            pooled = lax.reduce_window(shown, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 2, 1), "VALID")
            return jnp.tanh(pooled.reshape(x.shape[0], -1) @ w)

        return network

    leaky = jax.custom_jvp(lambda x: jnp.where(x > 0, x, 0.1 * x))
    leaky.defjvp(lambda x, v: (leaky(*x), jnp.where(x[0] > 0, v[0], 0.2 * v[0])))
    args = IMAGES[:1, :, :3], KERNEL[:2, :, :2], GENERATOR.normal(size=(4, 2)).astype("f")
    assert check(layer(jax.nn.relu), args, special_points=False).verdict is Verdict.AGREES
    assert check(layer(leaky), args, special_points=False).verdict is Verdict.REFUTED


def test_over_no_channels_there_is_nothing_to_add() -> None:
    x, k = np.ones((2, 0, 4, 3), np.float32), np.ones((3, 0, 1, 2), np.float32)
    zeros = np.zeros((2, 3, 4, 2), np.float32)
    y = np.float32(0.5)
    right = compare(lambda y: y + _valid(x, k), lambda y: y + zeros, y)
    wrong = compare(lambda y: y + _valid(x, k), lambda y: y + zeros + 1, y)
    assert (right.verdict, wrong.verdict) == (Verdict.PROVED, Verdict.REFUTED)


def test_an_entry_rounds_as_a_sum_of_the_products_does() -> None:
    """18 products and 17 sums."""
    program = trace(_valid, (IMAGES, KERNEL))
    assert longest_chain(program) == 12
