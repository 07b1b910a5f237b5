"""The operations that JAX's own tests differentiate, and small functions that people write.

The list of operations follows JAX's ``tests/lax_autodiff_test.py``, real dtypes, and so do the
ranges that their arguments are drawn from
(https://github.com/jax-ml/jax/blob/main/tests/lax_autodiff_test.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import Case

__all__ = ["cases"]

ORDER = 2
Draw = Callable[[np.random.RandomState, tuple[int, ...]], np.ndarray]


def normal(scale: float = 3.0) -> Draw:
    """Normal numbers of a standard deviation."""
    return lambda random, shape: scale * random.randn(*shape)


def uniform(low: float, high: float) -> Draw:
    """Uniform numbers of an interval."""
    return lambda random, shape: random.uniform(low, high, shape)


def positive(random: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Positive numbers of size 3."""
    return np.abs(3 * random.randn(*shape)) + 1e-3


def not_small(random: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of both signs, ten or more from 0."""
    drawn = 3 * random.randn(*shape)
    return drawn + np.where(drawn < 0, -10, 10)


def distinct(random: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers, each once."""
    return random.permutation(int(np.prod(shape))).reshape(shape).astype(float)


SMALL, DEFAULT = normal(1e-3), normal()

# The operation, how many arguments it has, and what they are drawn from.
ELEMENTWISE: tuple[tuple[Callable[..., Any], int, Draw], ...] = (
    (lax.neg, 1, DEFAULT),
    (lax.floor, 1, uniform(0.1, 0.4)),
    (lax.ceil, 1, uniform(0.1, 0.4)),
    (lax.round, 1, uniform(0.1, 0.4)),
    (lax.exp, 1, SMALL),
    (lax.exp2, 1, SMALL),
    (lax.expm1, 1, DEFAULT),
    (lax.log, 1, positive),
    (lax.log1p, 1, positive),
    (lax.sinh, 1, DEFAULT),
    (lax.cosh, 1, DEFAULT),
    (lax.tanh, 1, DEFAULT),
    (lax.sin, 1, DEFAULT),
    (lax.cos, 1, DEFAULT),
    (lax.tan, 1, uniform(-1.3, 1.3)),
    (lax.asin, 1, uniform(-0.9, 0.9)),
    (lax.acos, 1, uniform(-0.9, 0.9)),
    (lax.atan, 1, DEFAULT),
    (lax.atan2, 2, DEFAULT),
    (lax.erf, 1, SMALL),
    (lax.erfc, 1, SMALL),
    (lax.erf_inv, 1, SMALL),
    (lax.bessel_i0e, 1, DEFAULT),
    (lax.bessel_i1e, 1, DEFAULT),
    (lax.abs, 1, positive),
    (lax.pow, 2, positive),
    (lax.sqrt, 1, positive),
    (lax.rsqrt, 1, positive),
    (lax.cbrt, 1, not_small),
    (lax.logistic, 1, DEFAULT),
    (lax.add, 2, DEFAULT),
    (lax.sub, 2, DEFAULT),
    (lax.mul, 2, DEFAULT),
    (lax.div, 2, not_small),
    (lax.max, 2, DEFAULT),
    (lax.min, 2, DEFAULT),
    (lax.rem, 2, uniform(0.3, 5.0)),
)
SHAPES = ((), (3,), (3, 4))

GATHER = lax.GatherDimensionNumbers(
    offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,)
)
SCATTER = lax.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
)
ROWS = np.array([[0], [2], [1]])
BATCHED = (((2,), (1,)), ((0,), (0,)))
WINDOW = partial(lax.reduce_window, window_dimensions=(2, 1), window_strides=(1, 2), padding="SAME")

# A name, the function, the shapes of its arguments, what they are drawn from.
STRUCTURAL: tuple[tuple[str, Callable[..., Any], tuple[tuple[int, ...], ...], Draw], ...] = (
    ("convert_element_type", lambda x: x.astype(jnp.bfloat16), ((2, 3),), DEFAULT),
    ("clamp", lambda x: lax.clamp(-10.0, x, 10.0), ((2, 3),), DEFAULT),
    ("concatenate", lambda *xs: lax.concatenate(xs, 1), ((3, 3), (3, 1), (3, 4)), DEFAULT),
    ("split", lambda x: lax.split(x, (2, 3), 1), ((3, 5),), DEFAULT),
    ("conv", lambda x, w: lax.conv(x, w, (1, 2), "SAME"), ((2, 2, 3, 4), (2, 2, 1, 2)), SMALL),
    ("dot", lax.dot, ((3, 2), (2, 4)), DEFAULT),
    (
        "dot_general",
        partial(lax.dot_general, dimension_numbers=BATCHED),
        ((3, 3, 2), (3, 2, 4)),
        SMALL,
    ),
    ("broadcast", lambda x: lax.broadcast(x, (1, 2)), ((2, 3),), DEFAULT),
    ("broadcast_in_dim", lambda x: lax.broadcast_in_dim(x, (2, 2), (1,)), ((2,),), DEFAULT),
    ("reshape", lambda x: lax.reshape(x, (2, 8), (2, 0, 1)), ((2, 2, 4),), DEFAULT),
    ("pad", lambda x, v: lax.pad(x, v, ((1, 2, 1), (0, 1, 0))), ((2, 3), ()), SMALL),
    ("rev", lambda x: lax.rev(x, (0, 1)), ((2, 3),), DEFAULT),
    (
        "select",
        lambda x, y: lax.select(np.array([[True, False, True]] * 2), x, y),
        ((2, 3),) * 2,
        DEFAULT,
    ),
    ("slice", lambda x: lax.slice(x, (1, 1), (5, 3), (2, 1)), ((5, 3),), DEFAULT),
    ("dynamic_slice", lambda x: lax.dynamic_slice(x, (1, 1), (3, 1)), ((5, 3),), DEFAULT),
    (
        "dynamic_update_slice",
        lambda x, y: lax.dynamic_update_slice(x, y, (1, 1)),
        ((5, 3), (3, 1)),
        DEFAULT,
    ),
    ("transpose", lambda x: lax.transpose(x, (1, 0, 2)), ((3, 4, 5),), DEFAULT),
    ("reduce_sum", lambda x: jnp.sum(x, (0, 2)), ((3, 4, 5),), DEFAULT),
    ("reduce_max", lambda x: jnp.max(x, 0), ((3, 4, 5),), distinct),
    ("reduce_min", lambda x: jnp.min(x, (1, 2)), ((3, 4, 5),), distinct),
    ("reduce_prod", lambda x: jnp.prod(x, (1,)), ((3, 4),), normal(1.0)),
    ("reduce_window_sum", lambda x: WINDOW(x, 0.0, lax.add), ((4, 6),), SMALL),
    ("reduce_window_max", lambda x: WINDOW(x, -jnp.inf, lax.max), ((4, 6),), distinct),
    ("cumsum", lambda x: lax.cumsum(x, 1), ((3, 4, 5),), SMALL),
    ("cumprod", lambda x: lax.cumprod(x, 0), ((10,),), SMALL),
    ("sort", lambda x: lax.sort(x), ((5, 7),), distinct),
    ("top_k", lambda x: lax.top_k(x, 3)[0], ((5, 5),), distinct),
    (
        "index_take",
        lambda x: x[np.array([0, 2, 1])],
        ((3, 4, 5),),
        DEFAULT,
    ),
    ("gather", lambda x: lax.gather(x, ROWS, GATHER, (1, 3)), ((10, 5),), DEFAULT),
    ("scatter_add", lambda x, y: lax.scatter_add(x, ROWS, y, SCATTER), ((10, 5), (3, 3)), DEFAULT),
    ("scatter", lambda x, y: lax.scatter(x, ROWS, y, SCATTER), ((10, 5), (3, 3)), DEFAULT),
    ("scatter_max", lambda x, y: lax.scatter_max(x, ROWS, y, SCATTER), ((10, 5), (3, 3)), DEFAULT),
    ("tile", lambda x: lax.tile(x, (1, 2)), ((2, 3),), DEFAULT),
)


def relu_network(x: jax.Array, *weights: jax.Array) -> jax.Array:
    """A network of rectified linear units on a batch, and the mean of its squares."""
    for w in weights[:-1]:
        x = jax.nn.relu(x @ w)
    return jnp.mean(jnp.square(x @ weights[-1]))


def tanh_network(x: jax.Array, *weights: jax.Array) -> jax.Array:
    """The same with tanh."""
    for w in weights[:-1]:
        x = jnp.tanh(x @ w)
    return jnp.mean(jnp.square(x @ weights[-1]))


def layer_norm(x: jax.Array, scale: jax.Array, offset: jax.Array) -> jax.Array:
    """Rows of mean 0 and variance 1, scaled and moved."""
    centred = x - jnp.mean(x, -1, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, -1, keepdims=True) + 1e-5) * scale + offset


def attention(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """Values averaged with softmax weights."""
    return jax.nn.softmax(q @ k.T / np.sqrt(q.shape[-1])) @ v


def cross_entropy(logits: jax.Array) -> jax.Array:
    """Of the labels 0, 1, 2, … of a batch."""
    rows = np.arange(logits.shape[0])
    return -jnp.mean(jax.nn.log_softmax(logits)[rows, rows % logits.shape[1]])


def recurrent(h: jax.Array, w: jax.Array, xs: jax.Array) -> jax.Array:
    """A recurrent network's last state."""
    return lax.scan(lambda h, x: (jnp.tanh(w @ h + x), None), h, xs)[0]


def huber(x: jax.Array, y: jax.Array) -> jax.Array:
    """The mean of Huber's losses."""
    r = jnp.abs(x - y)
    return jnp.mean(jnp.where(r <= 1, 0.5 * r**2, r - 0.5))


WRITTEN: tuple[tuple[str, Callable[..., Any], tuple[tuple[int, ...], ...], Draw], ...] = (
    ("relu network (4, 8, 3) × 2", relu_network, ((2, 4), (4, 8), (8, 3)), normal(1.0)),
    ("relu network (64, 64, 10)", relu_network, ((1, 64), (64, 64), (64, 10)), normal(0.2)),
    ("tanh network (4, 8, 3) × 2", tanh_network, ((2, 4), (4, 8), (8, 3)), normal(1.0)),
    ("tanh network (3, 5, 5, 2)", tanh_network, ((1, 3), (3, 5), (5, 5), (5, 2)), normal(1.0)),
    ("dense layer", lambda x, w, b: jax.nn.sigmoid(x @ w + b), ((2, 4), (4, 3), (3,)), normal(1.0)),
    ("layer norm", layer_norm, ((2, 5), (5,), (5,)), normal(1.0)),
    ("attention", attention, ((3, 4),) * 3, normal(1.0)),
    ("recurrent network", recurrent, ((4,), (4, 4), (3, 4)), normal(1.0)),
    ("softmax", jax.nn.softmax, ((5,),), normal(1.0)),
    ("logsumexp", lambda x: jax.nn.logsumexp(x, -1), ((2, 5),), normal(1.0)),
    ("gelu", jax.nn.gelu, ((4,),), normal(1.0)),
    ("silu", jax.nn.silu, ((4,),), normal(1.0)),
    ("softplus", jax.nn.softplus, ((4,),), normal(1.0)),
    ("elu", jax.nn.elu, ((4,),), normal(1.0)),
    ("relu6", jax.nn.relu6, ((4,),), normal(1.0)),
    ("cross entropy", cross_entropy, ((3, 4),), normal(1.0)),
    ("mean squared error", lambda x, y: jnp.mean((x - y) ** 2), ((3, 4),) * 2, normal(1.0)),
    ("Huber's loss", huber, ((5,),) * 2, normal(1.0)),
    ("hinge loss", lambda x: jnp.mean(jax.nn.relu(1 - x)), ((5,),), normal(1.0)),
    ("norm", jnp.linalg.norm, ((4,),), normal(1.0)),
    ("cosine", lambda x, y: x @ y / jnp.sqrt((x @ x) * (y @ y)), ((4,),) * 2, normal(1.0)),
    ("solve", jnp.linalg.solve, ((3, 3), (3,)), normal(1.0)),
)


def drawn(
    random: np.random.RandomState, shapes: tuple[tuple[int, ...], ...], draw: Draw
) -> tuple[Any, ...]:
    """Arguments in float32."""
    return tuple(np.float32(draw(random, shape)) for shape in shapes)


def cases() -> Iterator[Case]:
    """Every case, the same in each process."""
    random = np.random.RandomState(0)
    for operation, arguments, draw in ELEMENTWISE:
        for shape in SHAPES:
            name = f"lax: {operation.__name__} {list(shape)}"
            yield Case(name, operation, drawn(random, (shape,) * arguments, draw), ORDER)
    for kind, table in (("lax", STRUCTURAL), ("written", WRITTEN)):
        for name, function, shapes, draw in table:
            yield Case(f"{kind}: {name}", function, drawn(random, shapes, draw), ORDER)
