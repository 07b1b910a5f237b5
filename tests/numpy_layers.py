"""Layers of networks and their backward passes in NumPy; with all other programs in PROGRAMS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy_programs import PROGRAMS, Array, program

__all__ = ["PROGRAMS"]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@program
def layers(x: Array, w: Array, b: Array) -> Any:
    weights, biases = [w, w @ w.T], [b, 2 * b]
    activations = [x]
    for matrix, bias in zip(weights, biases, strict=True):
        activations.append(sigmoid(matrix @ activations[-1] + bias))
    gradients, delta = [], activations[-1] - 1
    for k in reversed(range(len(weights))):
        delta = delta * activations[k + 1] * (1 - activations[k + 1])
        gradients.insert(0, {"w": np.outer(delta, activations[k]), "b": delta})
        delta = weights[k].T @ delta
    return gradients, delta


@program
def batch_of_layers(x: Array, w: Array, b: Array) -> Any:
    batch = np.stack([x, x[::-1], 2 * x])
    hidden = np.maximum(0, batch.dot(w.T) + b)
    scores = softmax(hidden)
    scores[np.arange(3), [0, 2, 1]] -= 1
    scores /= len(batch)
    back = scores.copy()
    back[hidden <= 0] = 0
    return back.T.dot(batch), back.sum(axis=0), np.sum(scores**2)


@program
def batch_norm_backward(x: Array, w: Array, b: Array) -> Any:
    mean, var = w.mean(axis=0), w.var(axis=0)
    inverse = 1.0 / np.sqrt(var + 1e-5)
    hat = (w - mean) * inverse
    d = hat * x
    return inverse / len(w) * (len(w) * d - d.sum(axis=0) - hat * np.sum(d * hat, axis=0))


@program
def layer_norm_with_std(x: Array, w: Array, b: Array) -> Any:
    return (w - np.mean(w, axis=1, keepdims=True)) / (np.std(w, axis=1, keepdims=True) + 1)


@program
def conv1d_backward(x: Array, w: Array, b: Array) -> Any:
    padded = np.pad(x, (1, 1))
    out, db, dx = np.zeros_like(x), np.zeros_like(b), np.zeros_like(padded)
    for i in range(len(x)):
        window = padded[i : i + 3]
        out[i] = np.sum(window * b)
        db += window * out[i]
        dx[i : i + 3] += b * out[i]
    return out, db, dx[1:-1]


@program
def recurrence_backward(x: Array, w: Array, b: Array) -> Any:
    u = w[:, :3]
    states = [np.zeros_like(b)]
    for t in range(4):
        states.append(np.tanh(u @ states[-1] + b * x[t]))
    du, db, dh = np.zeros_like(u), np.zeros_like(b), states[-1].copy()
    for t in reversed(range(4)):
        raw = (1 - states[t + 1] ** 2) * dh
        du += np.outer(raw, states[t])
        db += raw * x[t]
        dh = u.T @ raw
    return du, db, dh


@program
def max_pool_backward(x: Array, w: Array, b: Array) -> Any:
    out, mask = np.zeros_like(w), np.zeros_like(w)
    for j in range(0, 4, 2):
        patch = w[:, j : j + 2]
        mask[:, j : j + 2] = patch == np.max(patch, axis=1, keepdims=True)
        out[:, j : j + 2] = b[:, None] * (patch == patch.max(axis=1)[:, None])
    return out, mask
