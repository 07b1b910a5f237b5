"""A transformer block and its backward pass derived by hand: normalisation, attention, a layer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["backward", "cost", "parameters"]

HEADS = 4
EPSILON = 1e-5

Parameters = dict[str, jax.Array]


def parameters(width: int, key: jax.Array) -> Parameters:
    """Matrices of a block of this width, whose hidden layer is four times as wide."""
    hidden = 4 * width
    shapes = {
        "query": (width, width),
        "key": (width, width),
        "value": (width, width),
        "output": (width, width),
        "up": (width, hidden),
        "down": (hidden, width),
    }
    keys = jax.random.split(key, len(shapes))
    drawn = {
        name: jax.random.normal(each, shape) / shape[0] ** 0.5
        for each, (name, shape) in zip(keys, shapes.items(), strict=True)
    }
    biases = {"bias_up": jnp.zeros(hidden), "bias_down": jnp.zeros(width)}
    scales = {"scale_1": jnp.ones(width), "scale_2": jnp.ones(width)}
    shifts = {"shift_1": jnp.zeros(width), "shift_2": jnp.zeros(width)}
    return {**drawn, **biases, **scales, **shifts}


def _normalised(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """x less its mean over its deviation, and one over the deviation."""
    centred = x - x.mean(-1, keepdims=True)
    inverse = jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return centred * inverse, inverse


def _apart(x: jax.Array) -> jax.Array:
    tokens, width = x.shape
    return x.reshape(tokens, HEADS, width // HEADS).transpose(1, 0, 2)


def _together(x: jax.Array) -> jax.Array:
    heads, tokens, size = x.shape
    return x.transpose(1, 0, 2).reshape(tokens, heads * size)


def _turned(x: jax.Array) -> jax.Array:
    return x.transpose(0, 2, 1)


def cost(p: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    """Half the squared distance of what the block makes of tokens x from y."""
    u = _normalised(x)[0] * p["scale_1"] + p["shift_1"]
    q, k, v = (_apart(u @ p[name]) for name in ("query", "key", "value"))
    attention = jax.nn.softmax(q @ _turned(k) / q.shape[-1] ** 0.5)
    x = x + _together(attention @ v) @ p["output"]
    u = _normalised(x)[0] * p["scale_2"] + p["shift_2"]
    x = x + jax.nn.gelu(u @ p["up"] + p["bias_up"]) @ p["down"] + p["bias_down"]
    return 0.5 * jnp.sum((x - y) ** 2)


def _gelu_slope(z: jax.Array) -> jax.Array:
    """The derivative of ½z(1 + tanh(c(z + 0.044715 z³)))."""
    c = (2 / jnp.pi) ** 0.5
    t = jnp.tanh(c * (z + 0.044715 * z**3))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * c * (1 + 3 * (0.044715 * z * z))


def _normalised_back(normal: jax.Array, inverse: jax.Array, cotangent: jax.Array) -> jax.Array:
    """The cotangent of what was normalised."""
    mean = cotangent.mean(-1, keepdims=True)
    along = (cotangent * normal).mean(-1, keepdims=True)
    return inverse * (cotangent - mean - normal * along)


def backward(p: Parameters, x: jax.Array, y: jax.Array) -> Any:
    """The gradient of :func:`cost` with respect to the parameters, derived by hand."""
    normal_1, _ = _normalised(x)
    u1 = normal_1 * p["scale_1"] + p["shift_1"]
    q, k, v = (_apart(u1 @ p[name]) for name in ("query", "key", "value"))
    scale = q.shape[-1] ** 0.5
    attention = jax.nn.softmax(q @ _turned(k) / scale)
    joined = _together(attention @ v)
    middle = x + joined @ p["output"]
    normal_2, inverse_2 = _normalised(middle)
    u2 = normal_2 * p["scale_2"] + p["shift_2"]
    z = u2 @ p["up"] + p["bias_up"]
    hidden = jax.nn.gelu(z)

    d_out = middle + hidden @ p["down"] + p["bias_down"] - y
    d_z = (d_out @ p["down"].T) * _gelu_slope(z)
    d_u2 = d_z @ p["up"].T
    d_middle = d_out + _normalised_back(normal_2, inverse_2, d_u2 * p["scale_2"])
    d_heads = _apart(d_middle @ p["output"].T)
    d_attention = d_heads @ _turned(v)
    row = (d_attention * attention).sum(-1, keepdims=True)
    d_scores = attention * (d_attention - row) / scale
    d_q, d_k = _together(d_scores @ k), _together(_turned(d_scores) @ q)
    d_v = _together(_turned(attention) @ d_heads)
    d_u1 = d_q @ p["query"].T + d_k @ p["key"].T + d_v @ p["value"].T
    return {
        "query": u1.T @ d_q,
        "key": u1.T @ d_k,
        "value": u1.T @ d_v,
        "output": joined.T @ d_middle,
        "up": u2.T @ d_z,
        "bias_up": d_z.sum(0),
        "down": hidden.T @ d_out,
        "bias_down": d_out.sum(0),
        "scale_1": (d_u1 * normal_1).sum(0),
        "shift_1": d_u1.sum(0),
        "scale_2": (d_u2 * normal_2).sum(0),
        "shift_2": d_u2.sum(0),
    }
