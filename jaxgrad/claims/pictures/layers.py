"""How large the gradient of each layer is, at several depths: vanishing, exploding, and neither."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing, in_words, raised
from jaxgrad.networks.network import Chain, Dense, Network, Parameters

__all__ = ["chains", "layers", "rectified"]

_DEPTHS = (4, 8, 16)
_NETWORKS = 60
_WIDTH = 30


@functools.cache
def chains(depth: int, fixed: bool = False) -> np.ndarray:
    """log₁₀ |∂C/∂b_l| of drawn networks of one sigmoid a layer.

    Weights and biases are from N(0, 1), or with ``fixed`` those of the simple fix, w = 100 and
    b = −100 a; inputs and targets are from N(0, 1).

    Args:
        depth: the number of layers.
        fixed: take the simple fix.

    Returns:
        shape (60, depth), float64; the first column is the first layer.

    Example:
        >>> speeds = chains(2, fixed=True)
        >>> bool(np.allclose(10 ** (speeds[:, 0] - speeds[:, 1]), 25))
        True

    Source: claims B2 and C3.
    """
    drawn = _normal((_NETWORKS, 2 * depth + 2))
    # In 64ths, 100 x fits the significand: an error in b₁ would grow 25-fold with each layer.
    x, y = jnp.round(drawn[:, 0] * 64) / 64, drawn[:, 1]
    if fixed:
        w = jnp.full((depth, _NETWORKS), 100.0)
        b = jnp.full((depth, _NETWORKS), -50.0).at[0].set(-100 * x)
    else:
        w, b = drawn[:, 2 : depth + 2].T, drawn[:, depth + 2 :].T
    return _sizes(Chain(depth), list(zip(w, b, strict=True)), x, y)


@functools.cache
def rectified(depth: int, scale: float = 1.0) -> np.ndarray:
    """log₁₀ ‖∂C/∂b_l‖₂ of drawn networks of rectified linear units, 30 in each layer.

    Weights are from N(0, 2 scale²/30), so that at scale 1 a unit that half of the time is off keeps
    the variance of what comes in; biases are 0, inputs and targets from N(0, 1).

    Args:
        depth: the number of layers.
        scale: of every weight.

    Returns:
        shape (60, depth), float64; the first column is the first layer.

    Example:
        >>> rectified(2).shape
        (60, 2)

    Source: claim F7.
    """
    weights = scale * np.sqrt(2 / _WIDTH) * _normal((depth, _NETWORKS, _WIDTH, _WIDTH))
    x, y = _normal((2, _NETWORKS, _WIDTH))
    params = [(w, jnp.zeros((_NETWORKS, _WIDTH))) for w in weights]
    return _sizes(Dense((_WIDTH,) * (depth + 1), activation="relu"), params, x, y)


def _normal(shape: tuple[int, ...]) -> jax.Array:
    return jax.random.normal(jax.random.key(0), shape)


def _sizes(net: Network, params: Parameters, x: jax.Array, y: jax.Array) -> np.ndarray:
    """log₁₀ of the norm of the gradient by each layer's biases, for each network."""
    with jax.disable_jit():  # XLA would compile for longer than all of these take one by one
        found = jax.vmap(jax.grad(net.cost))(params, x, y)
    biases = [np.asarray(b, np.float64).reshape(_NETWORKS, -1) for _, b in found]
    return np.log10(np.stack([np.linalg.norm(b, axis=1) for b in biases], axis=1))


def layers() -> Picture:
    """The median size of each layer's gradient, one line for each depth, of three kinds."""
    drawn = [np.median(chains(depth), axis=0) for depth in _DEPTHS]
    fixed = [np.median(chains(depth, fixed=True), axis=0) for depth in _DEPTHS]
    units = [np.median(rectified(depth), axis=0) for depth in _DEPTHS]
    small = np.median(rectified(_DEPTHS[-1], 0.5), axis=0)
    titles = (
        "Sigmoids, w and b from N(0, 1): it vanishes",
        "Sigmoids, w = 100 and b = −100 a: it explodes",
        f"ReL, {_WIDTH} a layer, w from N(0, 2/{_WIDTH}): neither",
    )
    with drawing():
        figure, panels = axes_of((1.9, 1.9, 1.9))
        for axes, medians, title in zip(panels, (drawn, fixed, units), titles, strict=True):
            _panel(axes, medians, title)
        at = np.arange(1, len(small) + 1)
        label = f"{_DEPTHS[-1]} layers, w halved"
        panels[2].plot(at, small, color=COLOURS["fourth"], linestyle=":", label=label)
        panels[2].set_ylim(-9, 2)
        panels[0].legend(loc="lower right")
        panels[2].legend(loc="lower right", ncols=2, columnspacing=1.0, handlelength=1.6)
        panels[2].set_xlabel("layer  (1 is next to the input)")
        figure.supylabel("size of the gradient by the biases, median", fontsize=8.5)
    return Picture(
        "The size of the gradient, layer by layer", _in_words(drawn, fixed, units, small), figure
    )


def _panel(axes: Any, medians: Sequence[np.ndarray], title: str) -> None:
    colours, marks = ("first", "second", "third"), ("o", "s", "^")
    for median, colour, mark in zip(medians, colours, marks, strict=True):
        at = np.arange(1, len(median) + 1)
        label = f"{len(median)} layers"
        axes.plot(at, median, color=COLOURS[colour], marker=mark, markersize=2.6, label=label,
                  linewidth=1.2)  # fmt: skip
    axes.set_title(title)
    axes.set_xticks([1, *_DEPTHS])
    axes.yaxis.set_major_locator(_whole_numbers())
    axes.yaxis.set_major_formatter(lambda power, _: f"10{raised(power)}")


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=5, integer=True)


def _in_words(
    drawn: Sequence[np.ndarray],
    fixed: Sequence[np.ndarray],
    units: Sequence[np.ndarray],
    small: np.ndarray,
) -> str:
    kinds = (
        ("weights from N(0, 1)", drawn[-1]),
        ("the simple fix", fixed[-1]),
        ("rectified linear units", units[-1]),
        ("those with weights of half that size", small),
    )
    each = ", ".join(f"{in_words(10.0 ** (m[0] - m[-1]))} with {name}" for name, m in kinds)
    return (
        f"Medians of {_NETWORKS} drawn networks of each kind and depth. At {_DEPTHS[-1]} layers "
        f"the first layer's gradient, in multiples of the last one's, is {each}."
    )
