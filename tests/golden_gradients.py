"""Golden cases of ``compare``: the document's networks, one program a primitive, NumPy code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from network_support import at
from rule_example import Example
from rule_examples import EXAMPLES
from rule_support import GENERIC

from jaxgrad import closed_form
from jaxgrad.gradients.compare import compare
from jaxgrad.networks import Chain, Dense

__all__ = ["cases"]


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every case under its name."""
    yield from _networks()
    for name, example in EXAMPLES.items():
        if example.here:
            only = f", {example.release}" if example.release else ""
            yield f"`{name}` beside itself and ⅛{only}", functools.partial(_shifted, example)
    for name in DERIVED:
        yield f"the gradient of `{name}` twice", functools.partial(_doubled, EXAMPLES[name])
    for name, (hand, auto, *args) in (FORMULAS | NUMPY | TIES).items():
        yield name, functools.partial(compare, hand, auto, *args)


# -- the document ----------------------------------------------------------------------------------
def _networks() -> Iterator[tuple[str, Callable[[], Any]]]:
    nets = [
        *(Chain(n, a, c) for n, a, c in (
            (1, "sigmoid", "quadratic"), (3, "sigmoid", "quadratic"), (1, "tanh", "cross-entropy"),
            (2, "softplus", "quadratic"), (2, "relu", "cross-entropy"))),
        *(Dense(w, a, c) for w, a, c in (
            ((2, 2), "sigmoid", "quadratic"), ((2, 1), "relu", "cross-entropy"))),
    ]  # fmt: skip
    for net in nets:
        right = closed_form.gradient(net)
        yield f"{net}", functools.partial(_against, net, right)
        for name, change in CHANGES.items():
            yield f"{net}, {name}", functools.partial(_against, net, _changed(right, change))


def _against(net: Any, hand: Callable[..., Any]) -> Any:
    return compare(hand, jax.grad(net.cost), *at(net))


def _changed(gradient: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args: change(gradient(*args))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "the first bias zeroed": lambda g: [(g[0][0], 0 * g[0][1]), *g[1:]],
    "1e-6 too large": lambda g: jax.tree.map(lambda x: x * (1 + 1e-6), g),
}


# -- one program a primitive -----------------------------------------------------------------------
# Whose gradients are taken, too: each moves other parts of the rules.
DERIVED = (
    "mul", "div", "exp", "log", "sqrt", "logistic", "tanh", "pow", "atan2", "erf", "lgamma", "max",
    "select_n", "clamp", "integer_pow", "gather", "scatter-add", "dot_general", "reduce_max",
    "reduce_prod", "cumsum", "concatenate", "pad", "sort", "scan", "cond", "custom_jvp_call",
    "custom_vjp_call", "cholesky", "triangular_solve", "reduce_window_max",
)  # fmt: skip


def _point(example: Example) -> tuple[np.ndarray, np.ndarray]:
    x, y = GENERIC[example.domain], GENERIC["real"][::-1]
    return x.astype(np.float32), y.astype(np.float32)


def _shifted(example: Example) -> Any:
    """The values of a rule are read from the refutation: f and f + ⅛ are nowhere equal."""

    def f(x: Any, y: Any) -> Any:
        return [leaf.astype(x.dtype) for leaf in jax.tree.leaves(example.function(x, y))]

    return compare(lambda x, y: [leaf + 0.125 for leaf in f(x, y)], f, *_point(example))


def _doubled(example: Example) -> Any:
    def total(x: Any, y: Any) -> Any:
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(example.function(x, y)))

    gradient = jax.grad(total, (0, 1))
    return compare(lambda x, y: jax.tree.map(lambda g: 2 * g, gradient(x, y)),
                   jax.grad(lambda x, y: 2 * total(x, y), (0, 1)), *_point(example))  # fmt: skip


# -- one formula, written in several ways ----------------------------------------------------------
def _s(z: Any) -> Any:
    return 1 / (1 + jnp.exp(-z))


def _entropy_gradient(w: Any, label: Any) -> Any:
    return jax.nn.softmax(w) - jax.nn.one_hot(label, w.size, dtype=w.dtype)


SLOPE = jax.grad(jax.nn.sigmoid)
ONES = np.ones(2, np.float32)

FORMULAS: dict[str, tuple[Any, ...]] = {
    "the sigmoid by exponentials": (lambda z: _s(z) * (1 - _s(z)), SLOPE, 0.5),
    "the sigmoid by tanh": (lambda z: (1 - jnp.tanh(z / 2) ** 2) / 4, SLOPE, 0.5),
    "the sigmoid by symmetry": (lambda z: jax.nn.sigmoid(z) * jax.nn.sigmoid(-z), SLOPE, 0.5),
    "the sigmoid by growth": (lambda z: jnp.exp(z) / (1 + jnp.exp(z)) ** 2, SLOPE, 0.5),
    "the sigmoid, a sign wrong": (lambda z: _s(z) * (1 + _s(z)), SLOPE, 0.5),
    "cos for sin'": (jnp.cos, jax.grad(jnp.sin), 0.5),
    "cosh² − sinh²": (lambda x: jnp.cosh(x) ** 2 - jnp.sinh(x) ** 2, lambda x: 1 + 0 * x, 0.5),
    "log of a product": (
        lambda x, y: jnp.log(x * y), lambda x, y: jnp.log(x) + jnp.log(y), 0.5, 2.0),
    "the root of a square": (lambda x: jnp.sqrt(x * x), lambda x: x, 0.5),
    "1e-12 apart": (lambda x: x * (1 + 1e-6), lambda x: x, 0.5),
    "hidden at the given point": (lambda z: 0 * z, jax.grad(lambda z: z**2), 0.0),
    "a label held fixed": (
        _entropy_gradient, jax.grad(lambda w, n: jax.nn.logsumexp(w) - w[n]), np.ones(3), 1),
    "a divisor": (lambda x: -1 / x**2, jax.grad(lambda x: 1 / x), 0.5),
    "a divisor in a branch that is not taken": (
        lambda x: x * jnp.where(x == 0, 5.0, 1 / x), lambda x: x - x + 1.0, 2.0),
    "the same, at the zero": (
        lambda x: x * jnp.where(x == 0, 5.0, 1 / x), lambda x: x - x + 1.0, 0.0),
    "divisors of several leaves": (
        lambda p: jnp.sum(p["w"]) / (1 + p["w"][1] * p["b"]),
        lambda p: (p["w"][0] + p["w"][1]) / (p["b"] * p["w"][1] + 1), {"w": ONES, "b": 2.0}),
    "a root and a logarithm": (
        lambda x: jnp.sqrt(x) * jnp.log(x), lambda x: jnp.log(x) * x / jnp.sqrt(x), 0.5),
    "arguments out of a domain": (
        lambda x: jnp.arcsin(x) + jnp.arccos(x) - jnp.arccos(x), jnp.arcsin, 0.5),
    "powers": (lambda x, y: x**y * x, lambda x, y: x ** (y + 1), 2.0, 0.5),
    "an erf": (
        lambda x: 2 / np.sqrt(np.pi) * jnp.exp(-x * x), jax.grad(jax.lax.erf), np.float32(0.5)),
    "a trigamma": (
        lambda x: jax.lax.polygamma(jnp.float32(1), x), jax.grad(jax.lax.digamma), 2.5),
    "a matrix product, transposed": (
        lambda a: (a.T @ a).T, lambda a: a.T @ a, np.array([[1, 2], [3, 5]], np.float32)),
    "a matrix product, not transposed": (
        lambda a: a @ a, lambda a: a.T @ a, np.array([[1, 2], [3, 5]], np.float32)),
    "a scan against a power": (
        lambda x: jax.lax.scan(lambda c, _: (c * x, None), jnp.ones_like(x), None, length=5)[0],
        lambda x: x**5, 1.5),
    "several leaves, one wrong": (
        lambda p: {"w": p["w"] * 0, "b": jnp.cos(p["b"])},
        jax.grad(lambda p: jnp.sum(p["w"] ** 2) + jnp.sin(p["b"])),
        {"w": np.arange(1.0, 4.0, dtype=np.float32), "b": 0.5}),
    "NaN against a number": (lambda x: x * jnp.nan, lambda x: x, 0.5),
    "an infinity against a number": (lambda x: x * 0 + jnp.inf, lambda x: x, 0.5),
    "infinities alike": (lambda x: x * 0 + jnp.inf, lambda x: x - x + jnp.inf, 0.5),
}  # fmt: skip


# -- NumPy code ------------------------------------------------------------------------------------
def _assigned(x: Any) -> Any:
    out = np.zeros_like(x)
    out[0] = 2 * x[0]
    out[1:] = 3 * x[1:] ** 2
    return out


def _by_loop(x: Any) -> Any:
    return np.stack([2 * a if k == 0 else 3 * a**2 for k, a in enumerate(x)])


def _in_floats(z: Any) -> Any:
    import math

    s = 1 / (1 + math.exp(-float(z)))
    return np.float32(s * (1 - s))


def _mixed(x: Any) -> Any:
    return x[0] ** 2 + jnp.sum(x[1:] ** 3)


VECTOR = np.array([0.5, -1.5, 2.0], np.float32)

NUMPY: dict[str, tuple[Any, ...]] = {
    "NumPy: exponentials": (lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, SLOPE, 0.5),
    "NumPy: tanh": (lambda z: (1 - np.square(np.tanh(0.5 * z))) / 4, SLOPE, 0.5),
    "NumPy: a wrong sign": (lambda z: -np.exp(-z) / (1 + np.exp(-z)) ** 2, SLOPE, 0.5),
    "NumPy: where": (
        lambda z: np.where(z > 0, 1.0, 0.0).astype(z.dtype), jax.grad(jax.nn.relu), 1.0),
    "NumPy: assignment": (_assigned, jax.grad(_mixed), VECTOR),
    "NumPy: a loop": (_by_loop, jax.grad(_mixed), VECTOR),
    "NumPy: matmul": (lambda x: 2 * np.outer(x, x) @ x, jax.grad(lambda x: (x @ x) ** 2 / 2),
                      VECTOR),
    "NumPy: an axis": (
        lambda a: np.ones_like(a) * a.sum(axis=0), jax.grad(lambda a: jnp.sum(a.sum(0) ** 2) / 2),
        np.arange(6, dtype=np.float32).reshape(2, 3)),
    "NumPy: only floats": (_in_floats, SLOPE, 0.5),
    "NumPy: only floats, and wrong": (lambda z: 1.001 * _in_floats(z), SLOPE, 0.5),
    "NumPy: only floats twice": (_in_floats, _in_floats, 0.5),
    "NumPy: no rule": (lambda x: np.convolve(x, x)[:3], lambda x: x, VECTOR),
    "NumPy: an open if": (lambda x: x if x > 0 else -x, jnp.abs, 0.5),
    "a callback": (
        lambda z: jax.pure_callback(np.cos, jax.ShapeDtypeStruct((), z.dtype), z),
        jax.grad(jnp.sin), np.float32(0.5)),
}  # fmt: skip

TIES: dict[str, tuple[Any, ...]] = {
    "relu against max": (jax.grad(jax.nn.relu), jax.grad(lambda z: jnp.maximum(z, 0)), 1.0),
    "relu against max, at 0": (
        jax.grad(jax.nn.relu), jax.grad(lambda z: jnp.maximum(z, 0)), 0.0),
    "a strict comparison": (
        lambda z: jnp.where(z > 0, z, 0.0), lambda z: jnp.where(z >= 0, z, 0.0), 1.0),
    "a strict comparison that matters": (
        lambda z: jnp.where(z > 0, 1.0, 0.0), lambda z: jnp.where(z >= 0, 1.0, 0.0), 0.0),
    "abs by max": (jnp.abs, lambda x: jnp.maximum(x, -x), -0.5),
    "sign by where": (
        jnp.sign, lambda x: jnp.where(x > 0, 1.0, jnp.where(x < 0, -1.0, 0.0)), 0.5),
    "clip by where": (
        lambda x: jnp.clip(x, -1, 1), lambda x: jnp.where(x < -1, -1.0, jnp.where(x > 1, 1.0, x)),
        0.5),
    "sorting in two ways": (
        lambda x: jnp.sort(x)[::-1], lambda x: -jnp.sort(-x), VECTOR),
    "floor and its definition": (
        jnp.floor, lambda x: x - jnp.mod(x, 1.0), 1.75),
    "nothing but a logical identity": (
        lambda x, y: jnp.where((x > 0) & (y > 0), x, y),
        lambda x, y: jnp.where(~((x <= 0) | (y <= 0)), x, y), 0.5, -0.5),
}  # fmt: skip
