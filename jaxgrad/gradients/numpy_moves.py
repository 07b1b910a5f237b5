"""Primitives that only move entries, which NumPy moves without a compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

__all__ = ["moved"]

_Move = Callable[[Sequence[np.ndarray], Mapping[str, Any]], list[np.ndarray]]


def moved(equation: Any, arguments: Sequence[Any]) -> list[np.ndarray] | None:
    """What an equation returns that moves the entries of arrays whose shapes are known.

    Args:
        equation: an equation of a jaxpr.
        arguments: the values of its inputs.

    Returns:
        an array for each output; None where it does something else, or is sharded.
    """
    move, asked = _MOVES.get(equation.primitive), equation.params
    if move is None or asked.get("sharding") is not None or _asks_more(equation):
        return None
    return move([np.asarray(x) for x in arguments], asked)


def _asks_more(equation: Any) -> bool:
    """Whether a shape is no number until the program runs, or axes are to be moved on the way."""
    if equation.primitive is jax.lax.broadcast_in_dim_p:
        return len(equation.invars) != 1
    return equation.primitive is jax.lax.reshape_p and (
        len(equation.invars) != 1 or equation.params["dimensions"] is not None
    )


def _broadcast(x: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    shape = [1] * len(params["shape"])
    for axis, n in zip(params["broadcast_dimensions"], x.shape, strict=True):
        shape[axis] = n
    return np.broadcast_to(x.reshape(shape), params["shape"])


def _slice(x: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    steps = params["strides"] or (1,) * x.ndim
    bounds = zip(params["start_indices"], params["limit_indices"], steps, strict=True)
    return x[tuple(slice(*each) for each in bounds)]


def _pad(x: np.ndarray, value: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    """Entries apart by what is between them, in an array of one value; less where it is cut."""
    config = params["padding_config"]
    apart = [max(0, n + (n - 1) * inner) for n, (_, _, inner) in zip(x.shape, config, strict=True)]
    before = [max(low, 0) for low, _, _ in config]
    after = [max(high, 0) for _, high, _ in config]
    whole = [b + n + a for b, n, a in zip(before, apart, after, strict=True)]
    filled = np.full(whole, value, x.dtype)
    pairs = zip(before, apart, config, strict=True)
    filled[tuple(slice(b, b + n, inner + 1) for b, n, (_, _, inner) in pairs)] = x
    cut = zip(whole, config, strict=True)
    return filled[tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high, _) in cut)]


def _split(x: np.ndarray, params: Mapping[str, Any]) -> list[np.ndarray]:
    return np.split(x, np.cumsum(params["sizes"])[:-1], params["axis"])


def _iota(params: Mapping[str, Any]) -> np.ndarray:
    shape, axis = params["shape"], params["dimension"]
    along = np.arange(shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))])
    return np.broadcast_to(along.astype(params["dtype"]), shape)


_MOVES: dict[Any, _Move] = {
    jax.lax.transpose_p: lambda xs, params: [np.transpose(xs[0], params["permutation"])],
    jax.lax.reshape_p: lambda xs, params: [np.reshape(xs[0], params["new_sizes"])],
    jax.lax.broadcast_in_dim_p: lambda xs, params: [_broadcast(xs[0], params)],
    jax.lax.squeeze_p: lambda xs, params: [np.squeeze(xs[0], params["dimensions"])],
    jax.lax.rev_p: lambda xs, params: [np.flip(xs[0], params["dimensions"])],
    jax.lax.slice_p: lambda xs, params: [_slice(xs[0], params)],
    jax.lax.pad_p: lambda xs, params: [_pad(xs[0], xs[1], params)],
    jax.lax.split_p: lambda xs, params: _split(xs[0], params),
    jax.lax.concatenate_p: lambda xs, params: [np.concatenate(xs, params["dimension"])],
    jax.lax.iota_p: lambda xs, params: [_iota(params)],
}
