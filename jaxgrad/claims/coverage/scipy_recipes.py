"""How the functions of ``jax.scipy`` are called that are neither special nor linear algebra."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import jax.scipy.cluster.vq
import jax.scipy.fft
import jax.scipy.integrate
import jax.scipy.interpolate
import jax.scipy.ndimage
import jax.scipy.optimize
import jax.scipy.signal
import jax.scipy.sparse.linalg
import numpy as np

from jaxgrad.claims.coverage.recipe import (
    MATRIX,
    OTHER,
    REAL,
    SQUARE,
    SYMMETRIC,
    UNIT,
    Recipe,
    Table,
)
from jaxgrad.programs.real_parts import Parts, of_parts

__all__ = ["TABLES"]

_SERIES = np.concatenate([REAL, OTHER])


def _cluster() -> dict[str, Recipe]:
    return {"vq": Recipe(lambda a, b: jax.scipy.cluster.vq.vq(a, b)[1], (SQUARE, MATRIX))}


def _interpolate() -> dict[str, Recipe]:
    def interpolated(values: Any, x: Any) -> Any:
        grid = (np.array([0.0, 0.5, 1.0, 1.5]),)
        return jax.scipy.interpolate.RegularGridInterpolator(grid, values)(x[:, None])

    return {"RegularGridInterpolator": Recipe(interpolated, (REAL, UNIT))}


def _ndimage() -> dict[str, Recipe]:
    def at(order: int) -> Recipe:
        return Recipe(
            lambda image, x, y: jax.scipy.ndimage.map_coordinates(image, [x, y], order),
            (SQUARE, UNIT, 2 * UNIT[::-1]),
        )

    return {f"map_coordinates(order={order})": at(order) for order in (0, 1)}


def _optimize() -> dict[str, Recipe]:
    def least(a: Any) -> Any:
        return jax.scipy.optimize.minimize(lambda x: jnp.sum((x - a) ** 2), 0 * a, method="BFGS").x

    return {"minimize": Recipe(least, (REAL[:2],))}


def _signal() -> dict[str, Recipe]:
    signal = jax.scipy.signal
    spectrum = of_parts(lambda z: signal.istft(z, nperseg=4)[1])
    return {
        "csd": Recipe(of_parts(lambda a, b: signal.csd(a, b, nperseg=4)[1]), (_SERIES, -_SERIES)),
        "detrend": Recipe(signal.detrend, (REAL,)),
        "istft": Recipe(
            lambda a, b: spectrum(Parts(a, b)),
            (np.resize(MATRIX, (3, 4)), np.resize(SQUARE, (3, 4))),
        ),
        "stft": Recipe(of_parts(lambda a: signal.stft(a, nperseg=4)[2]), (_SERIES,)),
        "welch": Recipe(lambda a: signal.welch(a, nperseg=4)[1], (_SERIES,)),
    } | {
        name: Recipe(getattr(signal, name), (SQUARE, MATRIX))
        for name in ("convolve2d", "correlate2d")
    }


def _sparse() -> dict[str, Recipe]:
    def solved(name: str) -> Recipe:
        solve = getattr(jax.scipy.sparse.linalg, name)
        return Recipe(lambda a, b: solve(lambda x: a @ x, b)[0], (SYMMETRIC, REAL[:3]))

    return {name: solved(name) for name in ("bicgstab", "cg", "gmres")}


TABLES = {
    "jax.scipy.cluster.vq": Table(jax.scipy.cluster.vq, special=_cluster),
    "jax.scipy.fft": Table(jax.scipy.fft, plain={"real": "dct idct", "matrix": "dctn idctn"}),
    "jax.scipy.integrate": Table(jax.scipy.integrate, plain={"pair": "trapezoid"}),
    "jax.scipy.interpolate": Table(jax.scipy.interpolate, special=_interpolate),
    "jax.scipy.ndimage": Table(jax.scipy.ndimage, special=_ndimage),
    "jax.scipy.optimize": Table(jax.scipy.optimize, special=_optimize),
    "jax.scipy.signal": Table(
        jax.scipy.signal,
        plain={"pair": "convolve correlate fftconvolve"},
        special=_signal,
    ),
    "jax.scipy.sparse.linalg": Table(jax.scipy.sparse.linalg, special=_sparse),
}
