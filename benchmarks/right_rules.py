"""Right rules at hard points: what no checker may flag.

Every function here is differentiated by JAX itself or by a right rule written by hand, and the
derivative that JAX gives is the derivative, or an element of the subdifferential at a kink, in
exact arithmetic, at the point and at every other point at which the function is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case
from benchmarks.hand_rules import HAND_RULES
from benchmarks.historical_bugs import ACCEPTED, BUGS

__all__ = ["DEFECTS", "right_rules"]

# Orders 1 and 2 of every function below; the points are hard for a difference quotient.
HUGE, TINY = (1e3, 1e5), (0.0, 1e-30, 1e-8)

_ENTIRE: dict[str, tuple[Callable[..., Any], Sequence[float]]] = {
    "sin": (jnp.sin, (*TINY, 0.7, -2.5, *HUGE)),
    "cos": (jnp.cos, (*TINY, 0.7, -2.5, *HUGE)),
    "tan": (jnp.tan, (*TINY, 0.7, 1.57, 1e3)),
    "exp": (jnp.exp, (*TINY, 0.7, -80.0, 80.0)),
    "exp2": (jnp.exp2, (*TINY, 0.7, -80.0, 80.0)),
    "expm1": (jnp.expm1, (*TINY, 0.7, 60.0)),
    "sinh": (jnp.sinh, (*TINY, 0.7, -30.0, 60.0)),
    "cosh": (jnp.cosh, (*TINY, 0.7, -30.0, 60.0)),
    "tanh": (jnp.tanh, (*TINY, 0.7, -3.0, 8.0)),
    "arctan": (jnp.arctan, (*TINY, 0.7, -3.0, *HUGE)),
    "arcsinh": (jnp.arcsinh, (*TINY, 0.7, -3.0, *HUGE)),
    "erf": (jax.lax.erf, (*TINY, 0.7, -3.0, 5.0)),
    "erfc": (jax.lax.erfc, (*TINY, 0.7, -3.0, 5.0)),
    "sigmoid": (jax.nn.sigmoid, (*TINY, 0.7, -30.0, 12.0)),
    "softplus": (jax.nn.softplus, (*TINY, 0.7, -30.0, 30.0)),
    "silu": (jax.nn.silu, (*TINY, 0.7, -20.0, 12.0)),
    "gelu": (lambda x: jax.nn.gelu(x, approximate=False), (*TINY, 0.7, -4.0, 6.0)),
    "gelu, tanh form": (lambda x: jax.nn.gelu(x, approximate=True), (*TINY, 0.7, -4.0, 6.0)),
    "mish": (jax.nn.mish, (*TINY, 0.7, -20.0, 12.0)),
    "log sigmoid": (jax.nn.log_sigmoid, (*TINY, 0.7, -30.0, 12.0)),
    "soft sign": (lambda x: x / (1 + jnp.sqrt(1 + x * x)), (*TINY, 0.7, -3.0, 1e3)),
    "x²": (jnp.square, (*TINY, 0.7, *HUGE)),
    "x³": (lambda x: x**3, (*TINY, 0.7, -100.0, 300.0)),
    "x⁷": (lambda x: x**7, (*TINY, 0.7, -10.0, 30.0)),
    "polynomial with cancellation": (
        lambda x: x * (x * (x * (x - 4) + 6) - 4) + 1, (0.0, 0.7, 1.0, 1.001, 100.0)),
    "Gaussian": (lambda x: jnp.exp(-x * x), (*TINY, 0.7, -3.0, 6.0)),
    "Lorentz": (lambda x: jnp.sqrt(1 + x * x), (*TINY, 0.7, -3.0, 1e5)),
    "Runge": (lambda x: 1 / (1 + 25 * x * x), (*TINY, 0.7, -3.0, 1e3)),
    "chirp": (lambda x: jnp.sin(x * x), (*TINY, 0.7, -3.0, 30.0)),
    "fast wave": (lambda x: jnp.sin(1000 * x), (0.0, 0.7, 3.0, 1000.3)),
    "small wave": (lambda x: 1e-4 * jnp.sin(x), (0.0, 0.7, 3.0, 1e3)),
    "smaller wave": (lambda x: 1e-20 * jnp.sin(x), (0.0, 0.7, 3.0)),
    "large wave": (lambda x: 1e12 * jnp.sin(x), (0.0, 0.7, 3.0)),
    "vanished": (lambda x: jax.nn.sigmoid(x) ** 12, (0.0, 0.7, -20.0)),
    "tanh of tanh of tanh": (lambda x: jnp.tanh(jnp.tanh(jnp.tanh(x))), (0.0, 0.7, 5.0)),
    "sinc": (jnp.sinc, (0.0, 0.7, 10.25)),
    "iterated logistic map": (
        lambda x: jax.lax.fori_loop(0, 8, lambda _, a: 3.9 * a * (1 - a), x), (0.0, 0.3, 0.5)),
}  # fmt: skip

_PARTIAL: dict[str, tuple[Callable[..., Any], Sequence[float]]] = {
    "log": (jnp.log, (1e-30, 1e-3, 1.0, 1e5)),
    "log2": (jnp.log2, (1e-30, 1e-3, 1.0, 1e5)),
    "log1p": (jnp.log1p, (-0.999, 0.0, 1e-30, 1e5)),
    "sqrt": (jnp.sqrt, (1e-12, 1e-3, 1.0, 1e5)),
    "rsqrt": (jax.lax.rsqrt, (1e-6, 1e-3, 1.0, 1e5)),
    "cbrt": (jnp.cbrt, (1e-6, -1e-3, 1.0, 1e5)),
    "reciprocal": (lambda x: 1 / x, (1e-6, -1e-3, 1.0, 1e5)),
    "arcsin": (jnp.arcsin, (0.0, 0.7, -0.999)),
    "arccos": (jnp.arccos, (0.0, 0.7, -0.999)),
    "arctanh": (jnp.arctanh, (0.0, 0.7, -0.999)),
    "arccosh": (jnp.arccosh, (1.001, 2.0, 1e3)),
    "logit": (jax.scipy.special.logit, (1e-6, 0.3, 0.999)),
    "erf inverse": (jax.lax.erf_inv, (0.0, 0.7, -0.99)),
    "x log x": (lambda x: x * jnp.log(x), (1e-6, 0.3, 100.0)),
    "entropy": (jax.scipy.special.entr, (1e-6, 0.3, 100.0)),
    "lgamma": (jax.lax.lgamma, (0.01, 0.5, 2.5, 30.0)),
    "x to the power 1.5": (lambda x: x**1.5, (1e-6, 0.3, 100.0)),
    "sin(x)/x away from 0": (lambda x: jnp.sin(x) / x, (1e-3, 0.7, 100.0)),
    "log of a sine": (lambda x: jnp.log(jnp.sin(x)), (0.01, 0.7, 3.14)),
}  # fmt: skip

# Functions with a kink at one of the points, where JAX gives a value between the two sides.
_KINKED: dict[str, tuple[Callable[..., Any], Sequence[float]]] = {
    "abs": (jnp.abs, (0.0, 1e-8, -2.0)),
    "relu": (jax.nn.relu, (0.0, 1e-8, -2.0)),
    "relu6": (jax.nn.relu6, (0.0, 6.0, 1e-8, 2.5)),
    "leaky relu": (jax.nn.leaky_relu, (0.0, 1e-8, -2.0)),
    "elu": (jax.nn.elu, (0.0, 1e-8, -2.0)),
    "celu": (jax.nn.celu, (0.0, 1e-8, -2.0)),
    "selu": (jax.nn.selu, (0.0, 1e-8, -2.0)),
    "hard tanh": (jax.nn.hard_tanh, (-1.0, 1.0, 0.5)),
    "hard sigmoid": (jax.nn.hard_sigmoid, (-3.0, 3.0, 0.5)),
    "max(x, 0.5)": (lambda x: jnp.maximum(x, 0.5), (0.5, 0.7, 0.3)),
    "clip": (lambda x: jnp.clip(x, -0.5, 0.5), (0.5, -0.5, 0.3)),
    "x|x|": (lambda x: x * jnp.abs(x), (0.0, 1e-8, -2.0)),
    "|x|³": (lambda x: jnp.abs(x) ** 3, (0.0, 1e-8, -2.0)),
    "square of relu": (lambda x: jax.nn.relu(x) ** 2, (0.0, 1e-8, -2.0)),
    "soft thresholding": (
        lambda x: jnp.sign(x) * jax.nn.relu(jnp.abs(x) - 0.5), (0.5, 0.7, 0.3)),
    "hinge": (lambda x: jax.nn.relu(1 - x), (1.0, 0.7, 1.3)),
    "triangle": (lambda x: jax.nn.relu(1 - jnp.abs(x)), (0.0, 1.0, 0.3)),
}  # fmt: skip

_TWO: dict[str, tuple[Callable[..., Any], Sequence[tuple[float, float]]]] = {
    "product": (lambda x, y: x * y, ((0.7, 1.3), (1e6, 1e-6), (0.0, 0.0))),
    "quotient": (lambda x, y: x / y, ((0.7, 1.3), (1e3, 1e-3), (0.0, 2.0))),
    "atan2": (jnp.arctan2, ((0.7, 1.3), (0.0, -1.0), (1e-8, 1e-8), (-3.0, 1e3))),
    "power": (jnp.power, ((0.7, 1.3), (23.0, 0.0), (1e-3, 3.0), (2.0, -3.0))),
    "logaddexp": (jnp.logaddexp, ((0.7, 1.3), (1.0, 1.0), (50.0, -50.0), (1e3, 1e3))),
    "maximum": (jnp.maximum, ((0.7, 1.3), (1.0, 1.0))),
    "minimum": (jnp.minimum, ((0.7, 1.3), (1.0, 1.0))),
    "difference of squares": (
        lambda x, y: (x - y) * (x + y), ((0.7, 1.3), (1e4, 1e4), (1e-8, 0.0))),
    "xlog1py": (jax.scipy.special.xlog1py, ((0.7, 1.3), (1e-3, 1e-3), (100.0, 0.01))),
    "scaled leaves": (lambda x, y: 1e6 * jnp.sin(x) + jnp.sin(y), ((0.7, 1.3), (0.0, 0.0))),
    "polar": (lambda r, a: (r * jnp.cos(a), r * jnp.sin(a)), ((0.7, 1.3), (1e4, 1e3))),
    "log density": (
        lambda x, s: -((x / s) ** 2) / 2 - jnp.log(s), ((0.7, 1.3), (3.0, 1e-2), (0.0, 100.0))),
    "Rosenbrock": (lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, ((0.7, 1.3), (1.0, 1.0))),
    "absolute difference": (lambda x, y: jnp.abs(x - y), ((0.7, 1.3), (1.0, 1.0))),
    "by branch": (
        lambda x, y: jax.lax.cond(x > 0, lambda: x * y, lambda: x + y), ((0.7, 1.3), (-0.7, 1.3))),
}  # fmt: skip

V = np.array([0.3, -0.8, 1.1], np.float32)
FAR = np.array([100.0, -50.0, 99.5], np.float32)
TIED = np.array([1.0, 1.0, 0.5], np.float32)
M = np.array([[0.5, -0.25, 0.75], [1.5, 1.25, -0.625], [0.375, 0.125, 2.5]], np.float32)

_ARRAYS: dict[str, tuple[Callable[..., Any], Sequence[tuple[Any, ...]]]] = {
    "sum": (jnp.sum, ((V,), (FAR,))),
    "mean": (jnp.mean, ((V,), (FAR,))),
    "product": (jnp.prod, ((V,), (np.array([0, 2, 3], np.float32),))),
    "maximum": (jnp.max, ((V,), (FAR,))),
    "variance": (jnp.var, ((V,), (FAR,), (TIED,))),
    "sum of squares": (lambda x: jnp.sum(x * x), ((V,), (1e3 * FAR,))),
    "cumulative sum": (jnp.cumsum, ((V,), (FAR,))),
    "cumulative product": (jnp.cumprod, ((V,), (TIED,))),
    "softmax": (lambda x: jax.nn.softmax(x), ((V,), (TIED,), (FAR,))),
    "log softmax": (lambda x: jax.nn.log_softmax(x), ((V,), (TIED,), (FAR,))),
    "logsumexp": (lambda x: jax.nn.logsumexp(x), ((V,), (TIED,), (FAR,))),
    "cross entropy": (lambda x: -jax.nn.log_softmax(x)[1], ((V,), (TIED,), (FAR,))),
    "length": (lambda x: jnp.sqrt(1e-3 + jnp.sum(x * x)), ((V,), (FAR,), (0 * V,))),
    "layer norm": (
        lambda x: (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-3), ((V,), (TIED,))),
    "reversed": (lambda x: x[::-1] * x, ((V,), (FAR,))),
    "first and last": (lambda x: x[0] * x[-1], ((V,), (FAR,))),
    "gathered": (lambda x: x[np.array([0, 0, 2])] ** 2, ((V,), (FAR,))),
    "scattered": (lambda x: x.at[1].add(x[0] ** 2), ((V,), (FAR,))),
    "set": (lambda x: x.at[1].set(jnp.sin(x[0])), ((V,), (FAR,))),
    "differences": (jnp.diff, ((V,), (FAR,))),
    "padded": (lambda x: jnp.pad(x, 1)[:-1] * jnp.pad(x, 1)[1:], ((V,), (FAR,))),
    "sorted": (jnp.sort, ((V,), (FAR,))),
    "rolled": (lambda x: x * jnp.roll(x, 1), ((V,), (FAR,))),
    "segment sum": (
        lambda x: jax.ops.segment_sum(x * x, np.array([0, 0, 1]), num_segments=2), ((V,), (FAR,))),
    "outer product": (lambda x, y: jnp.outer(x, y), ((V, FAR), (V, TIED))),
    "cross product": (lambda x, y: jnp.cross(x, y), ((V, FAR), (V, TIED))),
    "matrix and vector": (lambda a, x: a @ x, ((M, V), (M, FAR))),
    "matrix product": (lambda a, b: a @ b, ((M, M.T), (M, 1e3 * M))),
    "Gram matrix": (lambda a: a.T @ a, ((M,), (1e-3 * M,))),
    "quadratic form": (lambda a, x: x @ a @ x, ((M, V), (M, FAR))),
    "trace": (lambda a: jnp.trace(a @ a), ((M,), (1e3 * M,))),
    "upper triangle": (lambda a: jnp.sum(jnp.triu(a) ** 2), ((M,), (1e3 * M,))),
    "einsum": (lambda a, x: jnp.einsum("ij,j,i->", a, x, x), ((M, V), (M, FAR))),
    "determinant 2 × 2": (jnp.linalg.det, ((M[:2, :2],), (np.ones((2, 2), np.float32),))),
    "determinant 3 × 3": (jnp.linalg.det, ((M,), (np.diag(V),))),
    "layer": (lambda w, b, x: jnp.tanh(w @ x + b), ((M, V, TIED),)),
    "relu layer": (lambda w, b, x: jax.nn.relu(w @ x + b), ((M, V, TIED),)),
    "two layers": (
        lambda w, b, x: jnp.sum((jax.nn.sigmoid(w @ jax.nn.sigmoid(w @ x + b) + b) - x) ** 2),
        ((M, V, TIED), (3 * M, FAR / 10, TIED))),
    "recurrence": (
        lambda w, x: jax.lax.scan(lambda h, _: (jnp.tanh(w @ h), None), x, None, length=3)[0],
        ((M, V),)),
    "mapped": (lambda x: jax.vmap(lambda a: jnp.sin(a) * a)(x), ((V,), (FAR,))),
    "rematerialised": (lambda x: jax.checkpoint(lambda a: jnp.sin(jnp.sin(a)))(x), ((V,), (FAR,))),
}  # fmt: skip


def _halved() -> Iterator[Case]:
    """The same in 16 bits, where differences of floats say nothing."""
    names = ("sin", "cos", "exp", "tanh", "sigmoid", "softplus", "x²", "x³", "Gaussian", "Runge")
    for name in names:
        function = _ENTIRE[name][0]
        for dtype in (jnp.bfloat16, jnp.float16):
            for x in (0.0, 0.7, 3.0):
                point = np.array(x, dtype)
                yield Case(f"{name} in {np.dtype(dtype).name} at {x}", function, (point,))


def _doubled() -> Iterator[Case]:
    """The same in float64."""
    for name, (function, points) in (*_ENTIRE.items(), *_PARTIAL.items()):
        x = float(points[1])
        yield Case(f"{name} in float64 at {x}", function, (np.float64(x),), 2, x64=True)


def _networks() -> Iterator[Case]:
    from jaxgrad.networks import Chain, Dense

    for depth in (1, 3, 8, 20):
        net = Chain(depth)
        args = (net.init(jax.random.key(0)), jnp.float32(0.3), jnp.float32(0.7))
        yield Case(f"chain of {depth} neurons", net.cost, args)
    for widths in ((2, 2), (3, 4, 2), (4, 4, 4, 4)):
        net = Dense(widths)
        x, y = jnp.full(widths[0], 0.3), jnp.full(widths[-1], 0.25)
        yield Case(f"network of widths {widths}", net.cost, (net.init(jax.random.key(0)), x, y))


def right_rules() -> list[Case]:
    """All of them, each under a name of its own."""
    found: list[Case] = []
    for table in (_ENTIRE, _PARTIAL, _KINKED):
        for name, (function, points) in table.items():
            # A second derivative at a kink is none, so those are checked to order 1.
            orders = (1,) if table is _KINKED else (1, 2)
            found += [
                Case(f"{name} at {x}, order {order}", function, (np.float32(x),), order)
                for x in points
                for order in orders
            ]
    for name, (function, pairs) in _TWO.items():
        for x, y in pairs:
            args = (np.float32(x), np.float32(y))
            found.append(Case(f"{name} at {x}, {y}", function, args, _smooth(name, x, y)))
    for name, (function, tuples) in _ARRAYS.items():
        found += [Case(f"{name} of arrays, {i}", function, args) for i, args in enumerate(tuples)]
    found += [*_halved(), *_doubled(), *_networks()]
    found += [rule.case(order) for rule in HAND_RULES for order in (1, 2)]
    found += [bug.case("right", "trigger") for bug in BUGS if bug.dtypes is None]
    found += [bug.case("right", "innocent") for bug in BUGS if bug.innocent and not bug.dtypes]
    return [*found, *ACCEPTED]


def _smooth(name: str, x: float, y: float) -> int:
    """The order to check to: no second derivative at a tie, nor of a power, see the defects."""
    tied = x == y and name in ("maximum", "minimum", "absolute difference")
    return 1 if tied or name == "power" else 2


def _defects() -> tuple[Case, ...]:
    x, y = np.float32(0.7), np.float32(1.3)
    special = jax.scipy.special
    return (
        Case("norm, NaN at 0", jnp.linalg.norm, (V,)),
        Case("standard deviation, NaN at ties", jnp.std, (V,)),
        Case("sqrt of x², NaN at 0", lambda x: jnp.sqrt(x * x), (x,)),
        Case("x to the power x, NaN at 0", lambda x: x**x, (x,)),
        Case("power, order 2, NaN at 0, 1", jnp.power, (x, y), 2),
        Case("xlogy, NaN at 0, 0", special.xlogy, (x, y)),
        Case("KL divergence, −1 instead of −∞ at 0",
             lambda p: jnp.sum(special.kl_div(p, 0.25)), (abs(V),)),
        Case("i0, 1 at 0", special.i0, (x,)),
        Case("cosine similarity, NaN at 0",
             lambda x: jnp.sum(x * FAR) / jnp.maximum(jnp.linalg.norm(x), 1e-6), (V,)),
        Case("absolute power 1.5, NaN at 0", lambda x: (x * x) ** 0.75, (x,)),
        Case("arccos(cos), NaN at 0", lambda x: jnp.arccos(jnp.cos(x)), (x,)),
        Case("guarded quotient, NaN at 0",
             lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / x), (x,)),
    )  # fmt: skip


# Derivatives that JAX itself gets wrong somewhere, checked at a point where it gets them right:
# not right rules, and counted apart.
DEFECTS = _defects()
