"""Functions beside tangent rules written by hand: right rules, from which mutants are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case, with_rule

__all__ = ["HAND_RULES", "HandRule"]

ROOT_PI = np.sqrt(np.pi)


@dataclass(frozen=True)
class HandRule:
    """A function, its tangent rule (point, direction) ↦ tangent, and a point.

    Args:
        name: unique.
        primal: the function.
        tangent: the right rule.
        point: the arguments.
        smooth_at_zero: whether the first argument may be 0, where the rule holds as well.
    """

    name: str
    primal: Callable[..., Any]
    tangent: Callable[..., Any]
    point: tuple[Any, ...]
    smooth_at_zero: bool = True

    def case(self, order: int) -> Case:
        """The rule as it stands."""
        function = with_rule(self.primal, self.tangent)
        return Case(f"{self.name}, order {order}", function, self.point, order, x64=True)


def _of_one(slope: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda xs, ts: slope(xs[0]) * ts[0]


def _sigmoid_slope(x: Any) -> Any:
    s = jax.nn.sigmoid(x)
    return s * (1 - s)


def _mish_slope(x: Any) -> Any:
    t = jnp.tanh(jax.nn.softplus(x))
    return t + x * (1 - t**2) * jax.nn.sigmoid(x)


def _silu_slope(x: Any) -> Any:
    s = jax.nn.sigmoid(x)
    return s + x * s * (1 - s)


def _gelu_slope(x: Any) -> Any:
    normal = jnp.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return (1 + jax.lax.erf(x / np.sqrt(2))) / 2 + x * normal


# name, function, slope, point, whether it is smooth at 0
_SCALAR: tuple[tuple[str, Any, Any, float, bool], ...] = (
    ("sin", jnp.sin, jnp.cos, 0.7, True),
    ("cos", jnp.cos, lambda x: -jnp.sin(x), 0.7, True),
    ("tan", jnp.tan, lambda x: 1 + jnp.tan(x) ** 2, 0.7, True),
    ("exp", jnp.exp, jnp.exp, 0.7, True),
    ("log", jnp.log, lambda x: 1 / x, 0.7, False),
    ("sqrt", jnp.sqrt, lambda x: 0.5 / jnp.sqrt(x), 0.7, False),
    ("rsqrt", jax.lax.rsqrt, lambda x: -0.5 * jax.lax.rsqrt(x) / x, 0.7, False),
    ("reciprocal", lambda x: 1 / x, lambda x: -1 / x**2, 0.7, False),
    ("tanh", jnp.tanh, lambda x: 1 - jnp.tanh(x) ** 2, 0.7, True),
    ("sigmoid", jax.nn.sigmoid, _sigmoid_slope, 0.7, True),
    ("softplus", jax.nn.softplus, jax.nn.sigmoid, 0.7, True),
    ("arctan", jnp.arctan, lambda x: 1 / (1 + x**2), 0.7, True),
    ("arcsin", jnp.arcsin, lambda x: 1 / jnp.sqrt(1 - x**2), 0.3, True),
    ("arccos", jnp.arccos, lambda x: -1 / jnp.sqrt(1 - x**2), 0.3, True),
    ("sinh", jnp.sinh, jnp.cosh, 0.7, True),
    ("cosh", jnp.cosh, jnp.sinh, 0.7, True),
    ("arcsinh", jnp.arcsinh, lambda x: 1 / jnp.sqrt(x**2 + 1), 0.7, True),
    ("arctanh", jnp.arctanh, lambda x: 1 / (1 - x**2), 0.3, True),
    ("erf", jax.lax.erf, lambda x: 2 / ROOT_PI * jnp.exp(-(x**2)), 0.7, True),
    ("erfc", jax.lax.erfc, lambda x: -2 / ROOT_PI * jnp.exp(-(x**2)), 0.7, True),
    ("expm1", jnp.expm1, jnp.exp, 0.7, True),
    ("log1p", jnp.log1p, lambda x: 1 / (1 + x), 0.7, True),
    ("lgamma", jax.lax.lgamma, jax.lax.digamma, 2.7, False),
    ("x exp x", lambda x: x * jnp.exp(x), lambda x: (1 + x) * jnp.exp(x), 0.7, True),
    ("x log x", lambda x: x * jnp.log(x), lambda x: jnp.log(x) + 1, 0.7, False),
    ("x³", lambda x: x**3, lambda x: 3 * x**2, 0.7, True),
    ("x|x|", lambda x: x * abs(x), lambda x: 2 * abs(x), 0.7, True),
    ("Gaussian", lambda x: jnp.exp(-(x**2)), lambda x: -2 * x * jnp.exp(-(x**2)), 0.7, True),
    ("silu", lambda x: x * jax.nn.sigmoid(x), _silu_slope, 0.7, True),
    ("gelu", lambda x: x * (1 + jax.lax.erf(x / np.sqrt(2))) / 2, _gelu_slope, 0.7, True),
    ("mish", lambda x: x * jnp.tanh(jax.nn.softplus(x)), _mish_slope, 0.7, True),
    ("softsign", lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, 0.7, True),
    ("square of relu", lambda x: jnp.maximum(x, 0.0) ** 2, lambda x: 2 * jnp.maximum(x, 0.0),
     0.7, True),
    ("Huber", lambda x: jnp.where(abs(x) < 1, x**2 / 2, abs(x) - 0.5),
     lambda x: jnp.clip(x, -1.0, 1.0), 0.7, True),
    ("log cosh", lambda x: jnp.log(jnp.cosh(x)), jnp.tanh, 0.7, True),
    ("Runge", lambda x: 1 / (1 + 25 * x**2), lambda x: -50 * x / (1 + 25 * x**2) ** 2, 0.3, True),
    ("chirp", lambda x: jnp.sin(x**2), lambda x: 2 * x * jnp.cos(x**2), 0.7, True),
    ("logit", lambda x: jnp.log(x / (1 - x)), lambda x: 1 / (x * (1 - x)), 0.3, False),
    ("Lorentz", lambda x: jnp.sqrt(1 + x**2), lambda x: x / jnp.sqrt(1 + x**2), 0.7, True),
    ("1e-4 sin", lambda x: 1e-4 * jnp.sin(x), lambda x: 1e-4 * jnp.cos(x), 0.7, True),
    ("sin 1000x", lambda x: jnp.sin(1000 * x), lambda x: 1000 * jnp.cos(1000 * x), 0.7, True),
    ("1e-9 exp", lambda x: 1e-9 * jnp.exp(x), lambda x: 1e-9 * jnp.exp(x), 0.7, True),
    ("far sigmoid", lambda x: jax.nn.sigmoid(x - 30), lambda x: _sigmoid_slope(x - 30), 0.7, True),
)  # fmt: skip


def _dot(x: Any, y: Any) -> Any:
    return jnp.sum(x * y)


def _power(xs: Any, ts: Any) -> Any:
    (x, y), base = xs, 1 + xs[0] ** 2
    return 2 * x * y * base ** (y - 1) * ts[0] + jnp.log(base) * base**y * ts[1]


def _radial(squared: Any, product: Any) -> Any:
    """⟨x, t⟩/‖x‖, and at the kink 0 an element of the subdifferential."""
    return jnp.where(squared == 0, 0.0, product / jnp.sqrt(jnp.where(squared == 0, 1.0, squared)))


def _logaddexp(xs: Any, ts: Any) -> Any:
    weight = jax.nn.sigmoid(xs[0] - xs[1])
    return weight * ts[0] + (1 - weight) * ts[1]


def _gaussian_density(x: Any, mean: Any, scale: Any) -> Any:
    return -(((x - mean) / scale) ** 2) / 2 - jnp.log(scale)


def _gaussian_tangent(xs: Any, ts: Any) -> Any:
    x, mean, scale = xs
    z = (x - mean) / scale
    return z / scale * (ts[1] - ts[0]) + (z**2 - 1) / scale * ts[2]


def _softmax(xs: Any, ts: Any) -> Any:
    p = jax.nn.softmax(xs[0])
    return p * (ts[0] - _dot(p, ts[0]))


def _normalized(xs: Any, ts: Any) -> Any:
    (x,), (t,) = xs, ts
    length = jnp.sqrt(_dot(x, x))
    return t / length - x * (_dot(x, t) / length**3)


def _layer(xs: Any, ts: Any) -> Any:
    w, b, x = xs
    a = jnp.tanh(w @ x + b)
    return (1 - a**2) * (ts[0] @ x + ts[1] + w @ ts[2])


def _inverse(a: Any) -> Any:
    det = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    return jnp.stack([jnp.stack([a[1, 1], -a[0, 1]]), jnp.stack([-a[1, 0], a[0, 0]])]) / det


def _cosine(x: Any, y: Any) -> Any:
    return _dot(x, y) / jnp.sqrt(_dot(x, x) * _dot(y, y))


def _cosine_tangent(xs: Any, ts: Any) -> Any:
    x, y = xs
    c, xx, yy = _cosine(x, y), _dot(x, x), _dot(y, y)
    length = jnp.sqrt(xx * yy)
    by_x = _dot(y, ts[0]) / length - c * _dot(x, ts[0]) / xx
    return by_x + _dot(x, ts[1]) / length - c * _dot(y, ts[1]) / yy


def _centred(x: Any) -> Any:
    return x - jnp.mean(x)


def _rosenbrock(xs: Any, ts: Any) -> Any:
    (x, y), (s, t) = xs, ts
    return (-400 * x * (y - x**2) - 2 * (1 - x)) * s + 200 * (y - x**2) * t


V = np.array([0.3, -0.8, 1.1])
W = np.array([0.9, 0.4, -0.6])
A = np.array([[0.5, -0.25, 0.75], [1.5, 1.25, -0.625], [0.375, 0.125, 2.5]])
B = np.array([[0.875, 0.5, -0.75], [0.25, -1.5, 0.5], [0.625, 0.375, 1.25]])

_SEVERAL: tuple[tuple[str, Any, Any, tuple[Any, ...], bool], ...] = (
    ("product", lambda x, y: x * y, lambda xs, ts: xs[1] * ts[0] + xs[0] * ts[1],
     (0.7, 1.3), True),
    ("quotient", lambda x, y: x / y, lambda xs, ts: (ts[0] - xs[0] / xs[1] * ts[1]) / xs[1],
     (0.7, 1.3), True),
    ("atan2", jnp.arctan2,
     lambda xs, ts: (xs[1] * ts[0] - xs[0] * ts[1]) / (xs[0] ** 2 + xs[1] ** 2), (0.7, 1.3), True),
    ("hypotenuse", lambda x, y: jnp.sqrt(x**2 + y**2),
     lambda xs, ts: _radial(
         xs[0] ** 2 + xs[1] ** 2, xs[0] * ts[0] + xs[1] * ts[1]
     ), (0.7, 1.3), False),
    ("power", lambda x, y: (1 + x**2) ** y, _power, (0.7, 1.3), True),
    ("logaddexp", jnp.logaddexp, _logaddexp, (0.7, 1.3), True),
    ("polar", lambda r, a: jnp.stack([r * jnp.cos(a), r * jnp.sin(a)]),
     lambda xs, ts: jnp.stack([
         jnp.cos(xs[1]) * ts[0] - xs[0] * jnp.sin(xs[1]) * ts[1],
         jnp.sin(xs[1]) * ts[0] + xs[0] * jnp.cos(xs[1]) * ts[1],
     ]), (0.7, 1.3), True),
    ("log density", _gaussian_density, _gaussian_tangent, (0.7, 1.3, 0.4), True),
    ("resistors", lambda x, y: x * y / (x + y),
     lambda xs, ts: (xs[1] ** 2 * ts[0] + xs[0] ** 2 * ts[1]) / (xs[0] + xs[1]) ** 2,
     (0.7, 1.3), True),
    ("saturation", lambda x, v, k: v * x / (k + x),
     lambda xs, ts: (
         xs[1] * xs[2] / (xs[2] + xs[0]) ** 2 * ts[0]
         + xs[0] / (xs[2] + xs[0]) * ts[1]
         - xs[1] * xs[0] / (xs[2] + xs[0]) ** 2 * ts[2]
     ), (0.7, 1.3, 0.4), True),
    ("Rosenbrock", lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, _rosenbrock,
     (0.7, 1.3), True),
    ("xlogy", lambda x, y: x * jnp.log(y),
     lambda xs, ts: jnp.log(xs[1]) * ts[0] + xs[0] / xs[1] * ts[1], (0.7, 1.3), True),
    ("scaled leaves", lambda x, y: 1e6 * jnp.sin(x) + jnp.sin(y),
     lambda xs, ts: 1e6 * jnp.cos(xs[0]) * ts[0] + jnp.cos(xs[1]) * ts[1], (0.7, 1.3), True),
    ("dot", _dot, lambda xs, ts: _dot(xs[1], ts[0]) + _dot(xs[0], ts[1]), (V, W), True),
    ("norm", lambda x: jnp.sqrt(_dot(x, x)),
     lambda xs, ts: _radial(_dot(xs[0], xs[0]), _dot(xs[0], ts[0])), (V,), False),
    ("normalized", lambda x: x / jnp.sqrt(_dot(x, x)), _normalized, (V,), False),
    ("cosine similarity", _cosine, _cosine_tangent, (V, W), False),
    ("softmax", lambda x: jax.nn.softmax(x), _softmax, (V,), True),
    ("logsumexp", lambda x: jax.nn.logsumexp(x),
     lambda xs, ts: _dot(jax.nn.softmax(xs[0]), ts[0]), (V,), True),
    ("variance", lambda x: _dot(_centred(x), _centred(x)) / 3,
     lambda xs, ts: 2 * _dot(_centred(xs[0]), ts[0]) / 3, (V,), True),
    ("squared error", lambda x, y: _dot(x - y, x - y) / 3,
     lambda xs, ts: 2 * _dot(xs[0] - xs[1], ts[0] - ts[1]) / 3, (V, W), True),
    ("A x", lambda a, x: a @ x, lambda xs, ts: ts[0] @ xs[1] + xs[0] @ ts[1], (A, V), True),
    ("A B", lambda a, b: a @ b, lambda xs, ts: ts[0] @ xs[1] + xs[0] @ ts[1], (A, B), True),
    ("Gram matrix", lambda a: a.T @ a, lambda xs, ts: ts[0].T @ xs[0] + xs[0].T @ ts[0],
     (A,), True),
    ("quadratic form", lambda a, x: x @ a @ x,
     lambda xs, ts: xs[1] @ ts[0] @ xs[1] + ts[1] @ ((xs[0] + xs[0].T) @ xs[1]), (A, V), True),
    ("trace of a product", lambda a, b: jnp.trace(a @ b),
     lambda xs, ts: jnp.sum(xs[1].T * ts[0]) + jnp.sum(xs[0].T * ts[1]), (A, B), True),
    ("layer", lambda w, b, x: jnp.tanh(w @ x + b), _layer, (A, V, W), True),
    ("inverse", _inverse, lambda xs, ts: -_inverse(xs[0]) @ ts[0] @ _inverse(xs[0]),
     (A[:2, :2],), False),
    ("cross product", lambda x, y: jnp.cross(x, y),
     lambda xs, ts: jnp.cross(ts[0], xs[1]) + jnp.cross(xs[0], ts[1]), (V, W), True),
    ("squared differences", lambda x: jnp.sum((x[1:] - x[:-1]) ** 2),
     lambda xs, ts: 2 * jnp.sum((xs[0][1:] - xs[0][:-1]) * (ts[0][1:] - ts[0][:-1])), (V,), True),
    ("neighbouring products", lambda x: x[1:] * x[:-1],
     lambda xs, ts: ts[0][1:] * xs[0][:-1] + xs[0][1:] * ts[0][:-1], (V,), True),
    ("entries", lambda x: x[0] * x[1] + jnp.sin(x[2]),
     lambda xs, ts: ts[0][0] * xs[0][1] + xs[0][0] * ts[0][1] + jnp.cos(xs[0][2]) * ts[0][2],
     (V,), True),
    ("outer product", lambda x, y: jnp.outer(x, y),
     lambda xs, ts: jnp.outer(ts[0], xs[1]) + jnp.outer(xs[0], ts[1]), (V, W), True),
)  # fmt: skip


HAND_RULES = (
    *(HandRule(n, f, _of_one(s), (x,), zero) for n, f, s, x, zero in _SCALAR),
    *(HandRule(*row) for row in _SEVERAL),
)
