"""Calls on layers and losses: equinox, flax, optax, rlax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.library_cases import Call, drawn, imported

__all__ = ["equinox", "flax", "optax", "rlax"]

PREDICTED = np.array([0.3, -0.7, 1.2], np.float32)
TARGET = np.array([0.5, 0.1, -0.4], np.float32)
LOGITS = np.array([[0.3, -0.7, 1.2], [0.1, 0.9, -0.2]], np.float32)
PROBABILITIES = np.array([[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]], np.float32)
HARD = np.array([1.0, 0.0, 1.0], np.float32)
SIGNS = np.array([1.0, -1.0, 1.0], np.float32)
CLASSES = np.array([2, 0])


def equinox() -> Iterator[Call]:
    """Layers, and the functions with rules that its solvers are built of."""
    eqx = imported("equinox")

    key = jax.random.key(0)
    x = np.array([0.3, -0.7], np.float32)
    for name, layer, args in (
        ("nn.Linear", eqx.nn.Linear(2, 2, key=key), (x,)),
        ("nn.MLP", eqx.nn.MLP(2, 1, 3, 1, activation=jax.nn.tanh, key=key), (x,)),
        ("nn.LayerNorm", eqx.nn.LayerNorm(2), (x,)),
        ("nn.GRUCell", eqx.nn.GRUCell(2, 2, key=key), (x, x)),
        ("nn.Conv1d", eqx.nn.Conv1d(1, 2, 2, key=key), (drawn(1, 4),)),
    ):
        parameters, rest = eqx.partition(layer, eqx.is_inexact_array)
        yield Call(name, _combined(eqx, rest), (parameters, *args))

    def loop(x: Any) -> Any:
        return eqx.internal.while_loop(
            lambda state: state[1] < 3, lambda state: (jnp.sin(state[0]) * 1.5, state[1] + 1),
            (x, 0), max_steps=4, kind="checkpointed",
        )[0]  # fmt: skip

    yield Call("internal.while_loop, checkpointed", loop, (0.3,))
    yield Call("internal.nextafter", eqx.internal.nextafter, (0.3,))

    def scan(x: Any) -> Any:
        return eqx.internal.scan(
            lambda carry, y: (jnp.tanh(carry * y), carry), x, jnp.arange(1.0, 4.0),
            kind="checkpointed",
        )[0]  # fmt: skip

    yield Call("internal.scan, checkpointed", scan, (0.3,))


def _combined(eqx: Any, rest: Any) -> Any:
    return lambda parameters, *args: eqx.combine(parameters, rest)(*args)


def flax() -> Iterator[Call]:
    """Layers of both of its interfaces, and the scaled products of 8 bits."""
    linen = imported("flax.linen")
    nnx = imported("flax.nnx")
    fp8_ops = imported("flax.linen.fp8_ops")

    x = drawn(3, 4)
    dense = linen.Dense(2)
    yield Call("linen.Dense", dense.apply, (dense.init(jax.random.key(0), x), x))
    attention = linen.MultiHeadDotProductAttention(num_heads=2, qkv_features=4)
    parameters = attention.init(jax.random.key(0), x)
    yield Call("linen.MultiHeadDotProductAttention", attention.apply, (parameters, x))
    graph, state = nnx.split(nnx.LayerNorm(4, rngs=nnx.Rngs(0)))
    yield Call("nnx.LayerNorm", lambda s, x: nnx.merge(graph, s)(x), (state, x))
    lhs, rhs = drawn(2, 3), drawn(3, 2)

    def product(a: Any, b: Any) -> Any:
        return fp8_ops.dot_general_with_precision(a, b, (((1,), (0,)), ((), ())))

    yield Call("linen.fp8_ops.dot_general_with_precision", product, (lhs, rhs))


def optax() -> Iterator[Call]:
    """Losses and projections, those with rules of their own among them."""
    optax = imported("optax")

    losses, projections = optax.losses, optax.projections
    for name, function, args in (
        ("huber_loss", losses.huber_loss, (PREDICTED, TARGET)),
        ("log_cosh", losses.log_cosh, (PREDICTED, TARGET)),
        ("cosine_distance", losses.cosine_distance, (PREDICTED, TARGET)),
        ("softmax_cross_entropy", losses.softmax_cross_entropy, (LOGITS, PROBABILITIES)),
        (
            "softmax_cross_entropy_with_integer_labels",
            lambda x: losses.softmax_cross_entropy_with_integer_labels(x, CLASSES),
            (LOGITS,),
        ),
        (
            "sigmoid_binary_cross_entropy",
            losses.sigmoid_binary_cross_entropy,
            (PREDICTED, PROBABILITIES[0]),
        ),
        (
            "sigmoid_focal_loss",
            lambda x: losses.sigmoid_focal_loss(x, HARD, alpha=0.25),
            (PREDICTED,),
        ),
        ("hinge_loss", lambda x: losses.hinge_loss(x, SIGNS), (PREDICTED,)),
        ("sparsemax_loss", lambda x: losses.sparsemax_loss(x, HARD), (PREDICTED,)),
        (
            "multiclass_sparsemax_loss",
            lambda x: losses.multiclass_sparsemax_loss(x, CLASSES),
            (LOGITS,),
        ),
    ):
        yield Call(name, function, args)
    for name in ("kl_divergence", "generalized_kl_divergence"):
        yield Call(
            name, getattr(losses, name), (np.log(PROBABILITIES[0]), PROBABILITIES[1]),
            domain=lambda log_predictions, targets: jnp.all(targets >= 0),
        )  # fmt: skip
    yield Call("projection_simplex", projections.projection_simplex, (PREDICTED,))
    yield Call("projection_l1_ball", projections.projection_l1_ball, (PREDICTED,))
    perturbed = optax.perturbations.make_perturbed_fun(
        lambda x: jax.nn.one_hot(jnp.argmax(x), 3), num_samples=8, sigma=0.1
    )
    key = jax.random.key(0)
    yield Call("perturbations.make_perturbed_fun", lambda x: perturbed(key, x), (PREDICTED,))


def rlax() -> Iterator[Call]:
    """The one rule that it has, which clips on purpose."""
    rlax = imported("rlax")

    yield Call("clip_gradient", lambda x: rlax.clip_gradient(x, -1.0, 1.0), (0.3,))
