"""Golden cases of what is not decided, and of what is refused: every reason and its words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import with_rule
from jaxgrad import closed_form
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.identity import Budget
from jaxgrad.networks import Chain

__all__ = ["cases"]

FEW = Budget(terms=1, work=1, generators=128)
ONES = np.ones(2, np.float32)
FOUR = np.array([[2, 1], [1, 3]], np.float32)


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every case under its name."""
    for name, (f, x) in BESIDE_ITSELF.items():
        yield f"compare with itself: {name}", functools.partial(compare, f, f, x, budget=FEW)
        yield f"check: {name}", functools.partial(check_grads, f, (x,))
    yield from COMPARED.items()
    yield from CHECKED.items()
    yield from REFUSED.items()


# -- programs with something that has no exact value -----------------------------------------------
def _until_small(x: Any) -> Any:
    return lax.while_loop(lambda y: y > 1e-3, lambda y: y * 0.5, x)


def _newton(x: Any) -> Any:
    def solve(product: Any, b: Any) -> Any:
        step = 0.9 / product(jnp.ones_like(b))
        return lax.fori_loop(0, 2, lambda _, y: y + step * (b - product(y)), jnp.zeros_like(b))

    return lax.custom_linear_solve(lambda v: (x * x + 1) * v, x, solve, solve)


BESIDE_ITSELF: dict[str, tuple[Callable[..., Any], Any]] = {
    "no rule": (lambda x: jax.random.gamma(jax.random.key(0), x), ONES),
    "an eigenvalue": (lambda a: jnp.linalg.eigh(a)[0], FOUR),
    "an eigenvalue that is repeated": (lambda a: jnp.linalg.eigh(a / a)[0], FOUR),
    "bits": (lambda x: lax.bitcast_convert_type(x, jnp.int32) * 1.0, 0.5),
    "a neighbouring float": (lambda x: jnp.nextafter(x, 1.0), 0.5),
    "a callback": (
        lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(jnp.shape(x), x.dtype), x),
        np.float32(0.5)),
    "an integer of a real": (lambda x: (x / 3).astype(int) * x, 0.5),
    "an index that depends on a real": (lambda x: x[(x[0] * 1.5).astype(int)], ONES),
    "a loop on an open comparison": (_until_small, 0.5),
    "a solver that is not exact": (_newton, 0.5),
    "two updates of one entry": (lambda x: x.at[np.array([0, 0])].set(x * 2), ONES),
    "a logarithm of 0": (lambda x: x * jnp.log(x), 0.0),
    "a division by 0": (lambda x: 1 / x, 0.0),
    "a root of a negative number": (jnp.sqrt, -1.0),
    "an arcsine beyond 1": (jnp.arcsin, 2.0),
    "a pole": (lax.lgamma, 0.0),
    "a complex result": (lambda x: jnp.fft.fft(x).real, ONES),
    "an infinity times zero": (lambda x: x * jnp.inf, 0.0),
    "a matrix that is not definite": (jnp.linalg.cholesky, -FOUR),
    "a singular matrix": (jnp.linalg.inv, np.ones((2, 2), np.float32)),
    "an integer power of a real exponent": (lambda x: x ** jnp.floor(x), 2.5),
}  # fmt: skip


def _chain() -> Any:
    net = Chain(3)
    args = (net.init(jax.random.key(0)), jnp.asarray(0.3), jnp.asarray(0.7))
    return compare(closed_form.gradient(net), jax.grad(net.cost), *args, budget=FEW)


COMPARED: dict[str, Callable[[], Any]] = {
    "a budget for polynomials that is too small": _chain,
    "too many values that need a name": lambda: compare(
        lambda x: jnp.exp(jnp.sin(x)) * jnp.cos(x), lambda x: jnp.cos(x) * jnp.exp(jnp.sin(x)),
        0.5, budget=Budget(generators=1)),
    "an equal zero that no precision settles": lambda: compare(
        lambda z: jnp.exp(z) * jnp.exp(-z) - 1, lambda z: 0 * z, 0.5, budget=FEW),
    "no bits tell them apart": lambda: compare(
        lambda x: x + jnp.exp(-jnp.exp(x)), lambda x: x + 0, 8.0, budget=FEW),
    "a pole at the given point": lambda: compare(
        lambda x: 1 / x, lambda x: x / (x * x), 0.0, budget=FEW),
}  # fmt: skip


# -- rules that cannot be looked at ----------------------------------------------------------------
def kernel(slope: Callable[..., Any]) -> Callable[..., Any]:
    """The sine as a callback, which has no program to look into."""

    def sine(x: Any) -> Any:
        shape = jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x))
        return jax.pure_callback(np.sin, shape, x, vmap_method="expand_dims")

    return with_rule(sine, lambda xs, ts: slope(xs[0]) * ts[0])


ROW = np.linspace(-1, 1, 3, dtype=np.float32)

CHECKED: dict[str, Callable[[], Any]] = {
    "a kernel, no reference": lambda: check_grads(kernel(jnp.cos), (ROW,)),
    "a kernel, its reference": lambda: check_grads(kernel(jnp.cos), (ROW,), reference=jnp.sin),
    "a kernel, order 2": lambda: check_grads(
        kernel(jnp.cos), (ROW,), order=2, reference=jnp.sin),
    "a kernel, a wrong rule": lambda: check_grads(
        kernel(lambda x: jnp.cos(x) * (1 + 1e-4)), (ROW,), reference=jnp.sin),
    "a kernel, a wrong reference": lambda: check_grads(
        kernel(jnp.cos), (ROW,), reference=with_rule(jnp.sin, lambda xs, ts: ts[0])),
    "nothing to check": lambda: check_grads(jnp.sin, (np.zeros(0, np.float32),)),
    "no derivative from any side": lambda: check_grads(
        lambda x: jnp.where(x == 0, 0.0, jnp.sin(1 / x)), (0.0,)),
}  # fmt: skip


# -- what is refused -------------------------------------------------------------------------------
def _linear(x: Any) -> Any:
    return x


def _backwards(bwd: Callable[..., Any]) -> Callable[[], Any]:
    function = jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x), x), bwd)
    return lambda: check_grads(function, (np.ones(3, np.float32),), modes="rev")


def _forwards(tangent: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: check_grads(with_rule(jnp.sin, tangent), (np.ones(3, np.float32),))


REFUSED: dict[str, Callable[[], Any]] = {
    "not a callable": lambda: compare(3.0, _linear, ONES),
    "a NaN": lambda: compare(_linear, _linear, np.array([1, np.nan], np.float32)),
    "an infinity": lambda: compare(_linear, _linear, np.inf),
    "only integers": lambda: compare(_linear, _linear, np.arange(3)),
    "a string": lambda: compare(_linear, _linear, "x"),
    "complex numbers": lambda: compare(_linear, _linear, 1j * ONES),
    "another tree": lambda: compare(lambda x: (x, x), _linear, ONES),
    "another shape": lambda: compare(lambda x: x[:1], _linear, ONES),
    "another dtype": lambda: compare(lambda x: x.astype(jnp.float16), _linear, ONES),
    "no arguments": lambda: compare(lambda: 1.0, lambda: 1.0),
    "NumPy's own float functions": lambda: compare(
        lambda x: np.linalg.qr(np.asarray(x))[0], _linear, ONES),
    "an unknown mode": lambda: check_grads(jnp.sin, (0.5,), modes=("forward",)),
    "no mode": lambda: check_grads(jnp.sin, (0.5,), modes=()),
    "order 0": lambda: check_grads(jnp.sin, (0.5,), order=0),
    "nothing that moves": lambda: check_grads(lambda n: n + 0.5, (3,)),
    "an integer dtype": lambda: check_grads(jnp.sin, (0.5,), dtypes=["int32"]),
    "a reference of another tree": lambda: check_grads(
        jnp.sin, (0.3,), reference=lambda x: (x,)),
    "a reference of another shape": lambda: check_grads(
        jnp.sin, (0.3,), reference=lambda x: x * jnp.ones(2)),
    "two cotangents": _backwards(lambda x, u: (u, u)),
    "a cotangent of another shape": _backwards(lambda x, u: (u[:1],)),
    "a cotangent of another dtype": _backwards(lambda x, u: (u.astype(jnp.float16),)),
    "a tangent that is a tuple": _forwards(lambda xs, ts: (ts[0],)),
    "a tangent of another shape": _forwards(lambda xs, ts: ts[0].sum()),
    "a tangent of another dtype": _forwards(lambda xs, ts: ts[0].astype(jnp.float16)),
}  # fmt: skip
