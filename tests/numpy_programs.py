"""NumPy code as people write it, and single steps of it, for tests that run it over exact numbers.

Every program takes ``x`` of shape (4,), ``w`` of shape (3, 4) and ``b`` of shape (3,).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
PROGRAMS: dict[str, Callable[[Array, Array, Array], Any]] = {}


def program(function: Callable[[Array, Array, Array], Any]) -> Callable[[Array, Array, Array], Any]:
    PROGRAMS[function.__name__] = function
    return function


@program
def einsums(x: Array, w: Array, b: Array) -> Any:
    return (
        np.einsum("ij,j->i", w, x), np.einsum("ij,kj->ik", w, w), np.einsum("i,ij,j", b, w, x),
        np.einsum("ij->ji", w), np.einsum("ii->", w @ w.T), np.einsum("ij,ij->j", w, w),
        np.einsum("ij,jk,k->i", w, w.T, b, optimize=True), np.einsum("i,i->", x[:0], x[:0]),
    )  # fmt: skip


@program
def outer_products(x: Array, w: Array, b: Array) -> Any:
    return np.outer(b, x), np.multiply.outer(b, x), np.kron(b, x), np.subtract.outer(x, b)


@program
def other_products(x: Array, w: Array, b: Array) -> Any:
    return (
        np.tensordot(w, w, axes=([1], [1])), np.inner(w, x), np.vdot(x, x), np.dot(x, x),
        np.cross(b, 2 * b + 1), np.trace(w), np.convolve(x, b), np.matmul(w[None], x[:, None]),
    )  # fmt: skip


@program
def broadcasting(x: Array, w: Array, b: Array) -> Any:
    return w + x, w * b[:, None], x - b.reshape(-1, 1), (w + b[:, np.newaxis]) ** 2


@program
def fancy_indexing(x: Array, w: Array, b: Array) -> Any:
    y = w.copy()
    y[[0, 2]] = y[[2, 0]]
    y[:, [1, 1]] += 1
    y[np.arange(3), [0, 1, 0]] *= x[[3, 3, 0]]
    return y, x[[0, 0, 2]], w[[0, 1]][:, [1, 2]], w[np.ix_([0, 2], [1, 3])], x[np.array([-1, 0])]


@program
def boolean_masks(x: Array, w: Array, b: Array) -> Any:
    y, mask = x.copy(), x > 0
    y[mask] *= 2
    y[~mask] = -1
    y[mask & (x < 1)] += y[mask & (x < 1)]
    z = w.copy()
    z[z > 1] = 1
    z[:, mask] = 0
    return y, z, mask.sum() * x, x[mask].sum(), np.mean(mask), mask * 2 + 1, (mask @ mask) * x


@program
def logic(x: Array, w: Array, b: Array) -> Any:
    p, q = x > 0, x < 1
    return np.where(np.logical_and(p, q), x, 0), np.where(p ^ q, x, -x), (p | ~q) * x, (p + q) * x


@program
def scatter_adds(x: Array, w: Array, b: Array) -> Any:
    y, z = np.zeros_like(x), w.copy()
    np.add.at(y, [0, 1, 1, 0], x)
    np.add.at(z, (np.array([0, 0]), slice(None)), x)
    np.subtract.at(y, 2, 1.5)
    np.multiply.at(y, [3, 3], 2)
    np.negative.at(y, [0])
    return y, z


@program
def selections(x: Array, w: Array, b: Array) -> Any:
    return (
        np.where(x > 0, x, 0.01 * x), np.where(w > x, 1.0, w), np.maximum(x, 0),
        np.minimum(x, b[0]),
        np.clip(w, -1, 1), w.clip(0), np.clip(w, None, x), np.sign(x) * np.abs(x), np.fmax(x, 0.5),
    )  # fmt: skip


@program
def out_arguments(x: Array, w: Array, b: Array) -> Any:
    y, z = np.zeros_like(x), np.empty_like(w)
    np.maximum(x, 0, out=y)
    np.multiply(y, 2, y)
    np.add(w, x, out=z)
    np.add(z, 1, out=z, where=z > 1)
    np.matmul(w.T, b, out=y)
    r = np.sum(w, axis=0, out=np.empty_like(x))
    return y, z, r, np.exp(x, out=x)


@program
def in_place(x: Array, w: Array, b: Array) -> Any:
    y = x
    y += 1
    y[1:] -= y[:-1]
    y[::2] *= 3
    w *= y
    w[1] /= 2
    w.T[0] = 7
    b -= b.mean()
    b **= 2
    return x, w, b, y


@program
def views(x: Array, w: Array, b: Array) -> Any:
    w.reshape(-1)[0] = 1
    w.ravel()[1] = 2
    w.T[2, 0] = 3
    np.transpose(w)[3, 0] = 4
    np.swapaxes(w, 0, 1)[0, 1] = 5
    np.moveaxis(w, 0, 1)[1, 1] = 6
    w[1][2] = 7
    np.squeeze(w[None])[1, 3] = 8
    np.expand_dims(x, 0)[0, 0] = 9
    np.atleast_2d(x)[0, 1] = 10
    np.flip(x)[0] = 11
    np.split(b, 3)[1][0] = 12
    np.einsum("ii->i", w[:, :3])[...] = 13
    x[None, :][0, 2] = 14
    first, *_ = w
    first[3] = 15
    return x, w, b


@program
def copies(x: Array, w: Array, b: Array) -> Any:
    w.flatten()[0] = 1
    w.copy()[0] = 2
    w.astype(float)[0] = 3
    np.copy(w)[0] = 4
    np.array(w)[0] = 5
    np.ravel(w.T)[1] = 6
    np.reshape(w.T, -1)[2] = 7
    w[[0, 1]][0] = 8
    w[w == w][0] = 9
    np.concatenate([x, x])[0] = 10
    np.repeat(x, 2)[0] = 11
    np.roll(x, 1)[0] = 12
    copy.deepcopy(x)[1] = 13
    np.tile(x, 2)[0] = 14
    np.where(x == x, x, 0)[0] = 15
    scalar = x[0]
    scalar += 16
    return x, w, b, scalar, +x


@program
def scalars(x: Array, w: Array, b: Array) -> Any:
    total = 0.0
    for k in range(len(x)):
        total += x[k] ** 2 if x[k] > 0 else -x[k]
    for row in w:
        for entry in row:
            total = total + entry * 0.5
    return total, max(x[0], 0.0), sum(x), abs(b[0]), np.array([2 * x[0], x[1] ** 3, 1.0])


@program
def arrays_of_scalars(x: Array, w: Array, b: Array) -> Any:
    y = np.array([x[0] * x[1], np.exp(b[0]), 2])
    jacobian = np.array([[x[1], x[0], 0], [0, np.cos(b[0]), 1.0]])
    zeros = np.zeros_like(y)
    return (
        zeros,
        y,
        jacobian,
        jacobian @ y,
        np.sin(y[:2]),
        y.sum(),
        np.vstack([y, b]),
        y + b,
        -y.T,
        y**2,
    )


@program
def python_floats(x: Array, w: Array, b: Array) -> Any:
    velocity, rate = np.zeros_like(x), 0.125
    for step in range(3):
        velocity = 0.5 * velocity - rate / (1 + step) * x
        x = x + velocity
    return x, velocity


@program
def strided_slices(x: Array, w: Array, b: Array) -> Any:
    y = np.zeros_like(w)
    y[::2, 1::2] = w[::2, ::2]
    y[..., -1] = b
    y[1, :2] = x[:2]
    return y, w[::-1, ::-2], x[-2:], w[1:, 1:3], w[:, 0], w[-1]


@program
def rearrangements(x: Array, w: Array, b: Array) -> Any:
    return (
        np.roll(w, 1, axis=1), np.tile(b, (2, 1)), np.concatenate([x, b, [1.0, 2.0]]),
        np.vstack([x, x]), np.hstack([x, b]), np.pad(x, 1), np.pad(w, ((1, 0), (0, 2))),
        np.pad(x, 2, mode="edge"), np.pad(x, 1, constant_values=3), np.repeat(w, 2, axis=0),
        np.flip(w, 0), np.rot90(w), np.diag(x), np.diag(w), np.tril(w), np.triu(w, 1),
        np.append(x, b), np.insert(x, 1, 5), np.delete(x, 0), np.column_stack([b, b]),
        np.broadcast_to(x, (2, 4)), np.take(x, [0, 0, 3]), np.take(w, 1, axis=1),
        np.split(x, 2), np.array_split(x, 3), np.stack([b, b], axis=1), np.fliplr(w),
    )  # fmt: skip


@program
def running(x: Array, w: Array, b: Array) -> Any:
    return (
        np.cumsum(x), w.cumsum(axis=1), np.cumprod(b), np.cumsum(w), np.add.accumulate(x),
        np.maximum.accumulate(x), np.diff(x), np.diff(w, axis=0), x[::-1].cumsum()[::-1],
        np.diff(x, n=2),
    )  # fmt: skip


@program
def reductions(x: Array, w: Array, b: Array) -> Any:
    mask = np.array([True, False, True, True])
    return (
        w.sum(), w.sum(0), w.sum(axis=1, keepdims=True), np.sum(w, axis=(0, 1)), w.mean(axis=0),
        w.max(), w.min(axis=1), np.max(w, axis=0, keepdims=True), np.prod(b), w.prod(axis=0),
        np.add.reduce(w), np.add.reduce(x, initial=5.0), np.add.reduce(x, where=mask),
        np.maximum.reduce(x, initial=10.0), np.sum(x, where=x > 0), np.sum(w, where=w > 0, axis=1),
        np.prod(x, where=mask, initial=2.0), np.max(x, where=mask, initial=-1.0), x.var(ddof=1),
        np.mean(x, where=mask), w.std(axis=1), np.multiply.reduce(w, axis=1), np.sum(x > 0) * x,
        np.any(x > 1) * x, np.all(w > -9, axis=0) * x, np.sum(x, dtype=np.float64, keepdims=True),
    )  # fmt: skip


@program
def orders(x: Array, w: Array, b: Array) -> Any:
    best, order = np.argmax(x), np.argsort(x, kind="stable")
    one_hot = np.zeros_like(x)
    one_hot[best] = 1
    out = np.zeros_like(w)
    out[np.arange(3), w.argmax(axis=1)] = b
    return one_hot, x[order], np.sort(x), np.sort(w, axis=0)[::-1], out, x[np.argmin(x)], w.min()


@program
def norms(x: Array, w: Array, b: Array) -> Any:
    x = x + 8.5  # so that no norm is 0
    return (
        x / np.linalg.norm(x), np.linalg.norm(w), np.linalg.norm(w, axis=1), np.linalg.norm(x, 1),
        np.linalg.norm(x, np.inf), w / np.linalg.norm(w + 20, axis=1, keepdims=True),
    )  # fmt: skip


@program
def functions(x: Array, w: Array, b: Array) -> Any:
    positive = np.abs(x) + 0.5
    return (
        np.exp(x), np.log(positive), np.sqrt(positive), np.tanh(x), np.sin(x), np.cos(x),
        np.arctan(x), np.arctan2(x, positive), np.log1p(positive), np.expm1(x), np.sinh(b),
        np.square(x), np.cbrt(positive), np.reciprocal(positive), np.hypot(x, 1), np.power(x, 3),
        positive**0.3, positive**-0.5, 2.0**x, x**-0.0, np.logaddexp(x, 0), np.log2(positive),
        np.log10(positive), np.exp2(x), np.float_power(positive, 2), np.heaviside(x, 0.5),
        np.floor(x), np.ceil(x), np.trunc(x), np.rint(x), np.round(x), x // 0.75, x % 0.75,
        np.fmod(x, 0.75), np.nan_to_num(x), np.isfinite(x) * x, -x, +x, 1 / positive,
    )  # fmt: skip


@program
def dtypes(x: Array, w: Array, b: Array) -> Any:
    mask = (x > 0).astype(x.dtype)
    counts = np.zeros_like(x, dtype=int)
    counts[0] = 3
    counts[1] += 2
    return (
        mask * x, counts * x, x.astype(np.float64) / 2, np.ones_like(x, shape=(2,)) * b[0],
        np.full_like(w, 0.25), np.full_like(x, x[0]), np.ones_like(x, dtype=bool) * x,
        x * np.arange(4) // 2, np.zeros_like(w, shape=3) + b, (x > 0).astype(int) - 1 + x,
    )  # fmt: skip


@program
def branches(x: Array, w: Array, b: Array) -> Any:
    if isinstance(x, np.ndarray) and not isinstance(x[0], np.ndarray) and isinstance(x[0], float):
        x = x * 3
    if np.isscalar(x[0]) and x.ndim == 1 and x.dtype == np.float64 and len(w) == 3:
        x = x + 1
    if x[0] > 0 or x.sum() > 1:
        x = -x
    return x if np.any(x > 0) else 2 * x, np.shape(w)[0] * b, w.size * b


@program
def as_arrays(x: Array, w: Array, b: Array) -> Any:
    x, w = np.asarray(x), np.asarray(w)
    pair = np.asarray([x[0], 1.0]) * 2
    return w @ x, np.exp(x), x.sum() * b, pair, w.T, x[x > 0].sum(), x[:, None]


@program
def in_place_functions(x: Array, w: Array, b: Array) -> Any:
    np.copyto(x, b[0], where=x > 0)
    np.copyto(w, x)
    np.put(b, [0, 2], [5.0, 6.0])
    w[0].fill(2)
    np.fill_diagonal(w, 9)
    y = x[::-1].copy()
    y.sort()
    x[:] = y
    return x, w, b


@program
def layouts(x: Array, w: Array, b: Array) -> Any:
    t = w.T
    made = [
        t * 2, np.exp(t), t.sum(axis=0, keepdims=True), np.where(t > 0, t, 0), w.cumsum(axis=1),
        t.cumsum(axis=0), t.copy(), np.copy(t), t.astype(float), np.zeros_like(t), (t > 0) * 1.0,
        np.full_like(t, 2.0), np.sort(t), t @ w, t.dot(w), t + x[:, None], np.concatenate([t, t]),
        copy.copy(t), np.clip(t, 0, 1), t[[0, 1]], np.einsum("ij,jk->ki", w, t), np.triu(t),
        t.mean(axis=1, keepdims=True), np.maximum(t, 1.0 * (t > 0)), np.array(t),
        np.stack([t, t]).max(axis=0), np.asfortranarray(np.ones((2, 3))) * b,
        np.zeros_like(t, order="C"),
    ]  # fmt: skip
    for each in made:
        each.ravel()[0] = 7  # a view of some, a copy of others
        each.reshape(-1)[-1] = 8
    return made


# -- copies, of which a change leaves the argument as it was ---------------------------------------
def flatten_copies(x: Any) -> Any:
    np.exp(x)
    z = x.flatten()
    z[0] = 5.0
    return x * 1


def astype_copies(x: Any) -> Any:
    z = np.asarray(x.dtype) and x.astype(np.float64)
    z[0] = 5.0
    return np.add(x, 0)
