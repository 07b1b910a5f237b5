"""For every primitive of complex numbers that is read by parts, programs in which JAX uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

Function = Callable[..., Any]


def _matrix(z: Any) -> Any:
    return z.reshape(2, 2)


def _window_sum(z: Any) -> Any:
    return lax.reduce_window(z, 0j, lax.add, (2,), (1,), "VALID")


# Of vectors z and w of length 4.
EXAMPLES: dict[str, Function] = {
    "add": lambda z, w: lax.add_p.bind(z[None], w.reshape(4, 1)) + 2,
    "sub": lambda z, w: z - w - 1j,
    "add_any": lambda z, w: jax.grad(lambda v: jnp.sum(v * z + v * w), holomorphic=True)(z),
    "neg": lambda z, w: -z,
    "mul": lambda z, w: z * w * 2j,
    "div": lambda z, w: z / w + 1 / z + z / 2,
    "square": lambda z, w: lax.square(z),
    "one_minus_square": lambda z, w: jax.jvp(jnp.tanh, (z,), (w,))[1],
    "integer_pow": lambda z, w: z**3 + w**-2,
    "real": lambda z, w: z.real * w,
    "imag": lambda z, w: z.imag * w,
    "conj": lambda z, w: z.conj() * w,
    "complex": lambda z, w: lax.complex(z.real, w.imag),
    "abs": lambda z, w: jnp.abs(z),
    "sign": lambda z, w: jnp.sign(z),
    "exp": lambda z, w: jnp.exp(z),
    "exp2": lambda z, w: jnp.exp2(z),
    "expm1": lambda z, w: jnp.expm1(z),
    "log": lambda z, w: jnp.log(z),
    "log1p": lambda z, w: jnp.log1p(z),
    "sqrt": lambda z, w: jnp.sqrt(z),
    "rsqrt": lambda z, w: lax.rsqrt(z),
    "sin": lambda z, w: jnp.sin(z),
    "cos": lambda z, w: jnp.cos(z),
    "tan": lambda z, w: jnp.tan(z),
    "sinh": lambda z, w: jnp.sinh(z),
    "cosh": lambda z, w: jnp.cosh(z),
    "tanh": lambda z, w: jnp.tanh(z),
    "logistic": lambda z, w: jax.nn.sigmoid(z),
    "asin": lambda z, w: jnp.arcsin(z),
    "acos": lambda z, w: jnp.arccos(z),
    "atan": lambda z, w: jnp.arctan(z),
    "asinh": lambda z, w: jnp.arcsinh(z),
    "acosh": lambda z, w: jnp.arccosh(_right(z)),
    "atanh": lambda z, w: jnp.arctanh(z),
    "pow": lambda z, w: z**w + z**2.5,
    "polynomial": lambda z, w: jnp.polyval(jnp.stack([w, z[::-1], 1j + w]), z),
    "max": lambda z, w: lax.max(z, w),
    "min": lambda z, w: lax.min(z, w),
    "eq": lambda z, w: jnp.where(z == w, z, 2 * w),
    "ne": lambda z, w: jnp.where(z != z, z, 2 * w),
    "select_n": lambda z, w: jnp.where(z.real > 0, z, w) + jnp.where(w[0].real > 0, z, w),
    "convert_element_type": lambda z, w: z.real.astype(z.dtype) + (z.astype(bool) * 2),
    "copy": lambda z, w: jnp.array(z, copy=True),
    "copy_p": lambda z, w: jnp.array(z, copy=True),
    "device_put": lambda z, w: jax.device_put(z),
    "stop_gradient": lambda z, w: lax.stop_gradient(z) * w,
    "optimization_barrier": lambda z, w: lax.optimization_barrier((z, w))[1],
    "reshape": lambda z, w: z.reshape(2, 2),
    "squeeze": lambda z, w: z[:1].squeeze(0),
    "transpose": lambda z, w: _matrix(z).T,
    "broadcast_in_dim": lambda z, w: jnp.broadcast_to(z, (2, 4)),
    "slice": lambda z, w: z[1:3],
    "rev": lambda z, w: z[::-1],
    "tile": lambda z, w: jnp.tile(z, 2),
    "split": lambda z, w: jnp.split(z, 2)[1],
    "unstack": lambda z, w: jnp.unstack(_matrix(z))[1] * 2,
    "concatenate": lambda z, w: jnp.concatenate([z, w]),
    "stack": lambda z, w: jnp.stack([z, w]),
    "pad": lambda z, w: jnp.pad(z, (1, 2), constant_values=2j),
    "gather": lambda z, w: z[jnp.array([2, 0, 2])],
    "dynamic_slice": lambda z, w: lax.dynamic_slice(z, (1,), (2,)),
    "dynamic_update_slice": lambda z, w: lax.dynamic_update_slice(z, w[:2], (1,)),
    "scatter": lambda z, w: z.at[jnp.array([3, 0])].set(w[:2], unique_indices=True),
    "scatter-add": lambda z, w: z.at[jnp.array([3, 3])].add(w[:2]),
    "empty2": lambda z, w: jax.vjp(lambda v: lax.cond(v[0].real > 0, _first, _second, v), z)[1](w)[
        0
    ],
    "scatter-sub": lambda z, w: z.at[jnp.array([3, 0])].subtract(w[:2]),
    "scatter-mul": lambda z, w: z.at[jnp.array([3, 0])].multiply(w[:2], unique_indices=True),
    "iota": lambda z, w: z * lax.iota(z.dtype, 4),
    "reduce_sum": lambda z, w: _matrix(z).sum(0),
    "reduce_prod": lambda z, w: _matrix(z).prod(1),
    "cumsum": lambda z, w: jnp.cumsum(z),
    "cumprod": lambda z, w: lax.cumprod(z, reverse=True),
    "reduce_window_sum": lambda z, w: _window_sum(z),
    "sort": lambda z, w: lax.sort((jnp.round(z.real) + 1j * z.imag, w.real, w), num_keys=1)[2],
    # One of both may be real.
    "dot_general": lambda z, w: (
        _matrix(z) @ _matrix(w) + _matrix(z).real @ _matrix(w) + _matrix(w) @ _matrix(z).imag
    ),
    "conv_general_dilated": lambda z, w: jnp.convolve(z, w[:2]),
    "fft": lambda z, w: (
        jnp.fft.fft(z)[:3]
        + jnp.fft.ifft(w)[:3]
        + jnp.fft.rfft(z.real, 5)
        + jnp.fft.irfft(w, 5)[:3]
        + jnp.fft.fft2(_matrix(z)).reshape(-1)[:3]
    ),
    "jit": lambda z, w: jax.jit(lambda v: v * w)(z),
    "remat2": lambda z, w: jax.checkpoint(lambda v: v * v)(z),
    "custom_jvp_call": lambda z, w: _squared(z),
    "custom_vjp_call": lambda z, w: _cubed(z),
    "scan": lambda z, w: lax.scan(lambda c, v: (c * v, c + v), w[0], z)[1],
    "while": lambda z, w: _until_large(z),
    "cond": lambda z, w: lax.cond(z[0].real > 0, lambda v: v * 2, lambda v: v * w, z),
    "custom_linear_solve": lambda z, w: lax.custom_linear_solve(
        lambda x: z * x, w, lambda _, b: b / z, lambda _, b: b / z
    ),
}


def _first(z: Any) -> Any:
    return z * 2


def _second(z: Any) -> Any:
    return z * z


def _right(z: Any) -> Any:
    """In the right half-plane, where JAX's rule for arccosh has the right sign."""
    return lax.complex(1 + jnp.abs(z.real), z.imag)


# Of matrices, which the number systems factorise.
MATRICES: dict[str, Function] = {
    "lu": lambda z, w: lax.linalg.lu(_matrix(z))[0],
    "cholesky": lambda z, w: jnp.linalg.cholesky(_matrix(z) @ _matrix(z).conj().T + jnp.eye(2)),
    "triangular_solve": lambda z, w: lax.linalg.triangular_solve(
        _matrix(z), _matrix(w), left_side=True, lower=True, transpose_a=True, conjugate_a=True
    ),
    "qr": lambda z, w: lax.linalg.qr(_matrix(z)),
    "geqrf": lambda z, w: jnp.linalg.qr(_matrix(z), mode="raw"),
    "householder_product": lambda z, w: lax.linalg.householder_product(_matrix(z), w[:2]),
    "eigh": lambda z, w: lax.linalg.eigh(_matrix(z) + _matrix(z).conj().T),
    "svd": lambda z, w: lax.linalg.svd(_matrix(z), full_matrices=False),
    "schur": lambda z, w: lax.linalg.schur(_matrix(z)),
    "eig": lambda z, w: lax.linalg.eig(_matrix(z) + 2 * _matrix(w), enable_eigvec_derivs=True),
}


def _until_large(z: Any) -> Any:
    return lax.while_loop(lambda c: jnp.max(jnp.abs(c)) < 9, lambda c: c * (z + 2), z)


@jax.custom_jvp
def _squared(z: Any) -> Any:
    return z * z


_squared.defjvp(lambda primals, tangents: (_squared(*primals), 2 * primals[0] * tangents[0]))


@jax.custom_vjp
def _cubed(z: Any) -> Any:
    return z**3


_cubed.defvjp(lambda z: (_cubed(z), z), lambda z, u: (3 * z**2 * u,))
