"""Measures the errors of decompositions: python tools/backward_errors.py.

The table in ``jaxgrad/numbers/running_error.py`` is no less than twice what this prints: of A = QR,
AV = V diag(w), A = ZTZᵀ and A = U diag(s) Vᵀ how far the two sides are apart, and how far vectors
are from orthonormal, in Frobenius norms, in units in the last place of the norm of A (of 1) times
the number of rows. Residuals of float32 are taken in float64, those of float64 in 80 bits. So of
complex matrices; and of eigenvectors of matrices that are not symmetric, one by one, as balanced:
D⁻¹AD.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

SHAPES = ((1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (12, 12), (2, 1), (4, 2), (5, 3), (8, 5), (16, 4))


def matrices(generator: np.random.Generator, count: int, m: int, n: int) -> Iterator[np.ndarray]:
    """Plain ones, of small integers, and with columns, rows and both of other sizes."""
    columns, rows = (2.0 ** generator.integers(-20, 20, (count, *s)) for s in ((1, n), (m, 1)))
    for scale in (1.0, columns, rows, columns * rows):
        yield generator.normal(size=(count, m, n)) * scale
    yield np.round(generator.normal(size=(count, m, n)) * 2)


def size(x: Any) -> Any:
    """Frobenius norms."""
    return np.sqrt((x.real**2 + x.imag**2).sum((-1, -2)))


def lengths(vectors: Any) -> Any:
    """Of each column."""
    return np.sqrt((vectors.real**2 + vectors.imag**2).sum(-2))


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    return np.swapaxes(x, -1, -2).conj()


def residuals(a: np.ndarray, wide: Any) -> Iterator[tuple[str, Any]]:
    """Name -> how far results are off, relative to the norm of A."""
    n, norm = a.shape[-1], np.maximum(size(a.astype(wide)), np.finfo(a.dtype).tiny)

    def exact(*results: Any) -> list[Any]:
        return [np.asarray(x).astype(wide) for x in results]

    def skew(q: Any) -> Any:
        return size(adjoint(q) @ q - np.eye(q.shape[-1], dtype=wide))

    (b,) = exact(a)
    q, r = exact(*jnp.linalg.qr(a))
    yield "qr", np.maximum(size(b - q @ r) / norm, skew(q))
    u, s, vt = exact(*jnp.linalg.svd(a, full_matrices=False))
    v = adjoint(vt)
    apart = size(b - (u * s[:, None, :]) @ vt) / norm
    yield "svd", np.maximum(apart, np.maximum(skew(u), skew(v)))
    if a.shape[-2] == n:
        symmetric = ((a + adjoint(a)) / 2).astype(a.dtype)
        norm = np.maximum(size(symmetric.astype(wide)), np.finfo(a.dtype).tiny)
        v, w = exact(*jax.lax.linalg.eigh(jnp.asarray(symmetric), symmetrize_input=False))
        (c,) = exact(symmetric)
        yield "eigh", np.maximum(size(c @ v - v * w[:, None, :]) / norm, skew(v))
        t, z = exact(*jax.scipy.linalg.schur(jnp.asarray(a)))
        norm = np.maximum(size(b), np.finfo(a.dtype).tiny)
        yield "schur", np.maximum(size(b - z @ t @ adjoint(z)) / norm, skew(z))
        wide = np.result_type(wide, np.complex64)
        w, left, right = exact(*jax.lax.linalg.eig(jnp.asarray(a)))
        balances = [scipy.linalg.matrix_balance(x, separate=True)[1][0] for x in a]
        d = np.stack(balances).astype(b.real.dtype)[:, :, None]
        norm = size(b * np.swapaxes(d, -1, -2) / d)[:, None]
        of_right = lengths((b @ right - right * w[:, None, :]) / d) / lengths(right / d)
        of_left = lengths((adjoint(b) @ left - left * w.conj()[:, None, :]) * d) / lengths(left * d)
        norm = np.maximum(norm, np.finfo(a.dtype).tiny)
        yield "eig", (np.maximum(of_right, of_left) / norm).max(-1)


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--count", type=int, default=3000, help="matrices of a kind (3000)")
    count = parser.parse_args().count
    jax.config.update("jax_enable_x64", True)
    generator, worst = np.random.default_rng(0), defaultdict[tuple[str, str], float](float)
    for m, n in SHAPES:
        for a in matrices(generator, count, m, n):
            turned = a + 1j * generator.permuted(a, axis=0)
            for dtype, wide in ((np.complex64, np.complex128), (np.complex128, np.clongdouble)):
                for name, found in residuals(turned.astype(dtype), wide):
                    ulps = float((found / (m * np.finfo(dtype).eps)).max())
                    key = dtype.__name__, name
                    worst[key] = max(worst[key], ulps)
            for dtype, wide in ((np.float32, np.float64), (np.float64, np.longdouble)):
                for name, found in residuals(a.astype(dtype), wide):
                    ulps = float((found / (m * wide(np.finfo(dtype).eps))).max())
                    key = dtype.__name__, name
                    worst[key] = max(worst[key], ulps)
    for (dtype, name), ulps in sorted(worst.items()):
        print(f"{dtype} {name}: {ulps:.1f} n ulp")


if __name__ == "__main__":
    main()
