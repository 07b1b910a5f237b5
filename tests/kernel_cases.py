"""Kernels and their backward passes, and the JAX functions that mean the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas as pl


@dataclass(frozen=True)
class Kernel:
    """A function whose forward and backward passes are Pallas kernels, interpreted.

    Args:
        forward: of the arrays of the arguments, the array of the result.
        backward: of these arrays and the cotangent, an array for each argument.
        reference: of the arguments, in JAX.
        shapes: of the arguments.
        dtypes: of the arguments, besides float32.
    """

    forward: Callable[..., Any]
    backward: Callable[..., tuple[Any, ...]]
    reference: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]

    def function(self, error: Callable[[Any], Any] = lambda x: x) -> Callable[..., Any]:
        """The function, with an error in the first array that the backward kernel returns."""

        def forward(*args: Any) -> Any:
            out = jax.eval_shape(self.forward, *args)
            return _run(lambda *xs: (self.forward(*xs),), (out,), *args)[0]

        def backward(args: Any, g: Any) -> Any:
            def wrong(*xs: Any) -> Any:
                first, *others = self.backward(*xs)
                return error(first), *others

            return tuple(_run(wrong, args, *args, g))

        f = jax.custom_vjp(forward)
        f.defvjp(lambda *args: (forward(*args), args), backward)
        return f


def _run(function: Callable[..., Any], outs: Any, *args: Any) -> Any:
    def body(*refs: Any) -> None:
        found = function(*(ref[...] for ref in refs[: len(args)]))
        for ref, value in zip(refs[len(args) :], found, strict=True):
            ref[...] = value.astype(ref.dtype)

    shapes = [jax.ShapeDtypeStruct(out.shape, out.dtype) for out in outs]
    return pl.pallas_call(body, out_shape=shapes, interpret=True)(*args)


def _x_tanh(x: Any) -> Any:
    return x * jnp.tanh(x)


def _x_tanh_bwd(x: Any, g: Any) -> tuple[Any, ...]:
    t = jnp.tanh(x)
    return (g * (t + x * (1 - t * t)),)


def softmax(x: Any) -> Any:
    p = jnp.exp(x - jnp.max(x, axis=-1, keepdims=True))
    return p / jnp.sum(p, axis=-1, keepdims=True)


def _softmax_bwd(x: Any, g: Any) -> tuple[Any, ...]:
    p = softmax(x)
    return (p * (g - jnp.sum(p * g, axis=-1, keepdims=True)),)


EPSILON = 1e-5


def moments(x: Any) -> tuple[Any, Any]:
    """The normalised rows, and the reciprocals of the deviations, by the mean of the squares."""
    mean = jnp.mean(x, axis=-1, keepdims=True)
    scale = jax.lax.rsqrt(jnp.mean((x - mean) ** 2, axis=-1, keepdims=True) + EPSILON)
    return (x - mean) * scale, scale


def _layer_norm(x: Any, w: Any) -> Any:
    return moments(x)[0] * w


def _layer_norm_bwd(x: Any, w: Any, g: Any) -> tuple[Any, ...]:
    normal, scale = moments(x)
    h = g * w
    mean, along = (jnp.mean(y, axis=-1, keepdims=True) for y in (h, h * normal))
    return (h - mean - normal * along) * scale, jnp.sum(g * normal, axis=0)


def _layer_norm_reference(x: Any, w: Any) -> Any:
    return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + EPSILON) * w


def _rms_norm(x: Any, w: Any) -> Any:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON) * w


def _rms_norm_bwd(x: Any, w: Any, g: Any) -> tuple[Any, ...]:
    scale = jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON)
    h = g * w
    along = jnp.mean(h * x, axis=-1, keepdims=True) * scale * scale
    return (h - x * along) * scale, jnp.sum(g * x * scale, axis=0)


def _rms_norm_reference(x: Any, w: Any) -> Any:
    return x / jnp.sqrt(jnp.mean(x**2, axis=-1, keepdims=True) + EPSILON) * w


def _dot(x: Any, y: Any) -> Any:
    return jnp.dot(x, y, preferred_element_type=jnp.float32)


def _matmul_bwd(x: Any, y: Any, g: Any) -> tuple[Any, ...]:
    return _dot(g, y.T.astype(g.dtype)), _dot(x.T.astype(g.dtype), g)


KERNELS = {
    "x tanh x": Kernel(_x_tanh, _x_tanh_bwd, lambda x: jnp.tanh(x) * x, ((6,),)),
    "softmax": Kernel(softmax, _softmax_bwd, jax.nn.softmax, ((2, 5),)),
    "layer norm": Kernel(_layer_norm, _layer_norm_bwd, _layer_norm_reference, ((2, 5), (5,))),
    "rms norm": Kernel(_rms_norm, _rms_norm_bwd, _rms_norm_reference, ((2, 4), (4,))),
    "matmul": Kernel(_dot, _matmul_bwd, _dot, ((2, 6), (6, 2))),
}


def drawn(kernel: Kernel, rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """Arguments of the size of activations."""
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in kernel.shapes)
