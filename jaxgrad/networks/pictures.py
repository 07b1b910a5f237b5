"""Pictures for the report; matplotlib, from the extra ``report``, is imported when one is drawn."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, MissingExtra
from jaxgrad.networks.network import Chain, Parameters

__all__ = ["drawn_speeds", "layer_speeds"]

_LAYERS = 10
# Enough lines to see how far they spread, few enough to see each of them.
_NETWORKS = 60

_VANISHING, _EXPLODING, _INK, _RULE = "#2f6690", "#b5442c", "#333333", "#d8d8d8"


def drawn_speeds(
    depth: int = _LAYERS, networks: int = _NETWORKS, *, fixed: bool = False, seed: int = 0
) -> np.ndarray:
    """How fast the layers of drawn networks learn: log₁₀ |∂C/∂b_l|.

    One neuron per layer, sigmoid, quadratic cost; the input from N(0, 1) and the target from
    [0, 1]. Weights and biases are from N(0, 1), or with ``fixed`` those of the simple fix, w = 100
    with b = −100 a, so that every z is 0.

    Args:
        depth: the number of layers, at least 1.
        networks: how many are drawn, at least 1.
        fixed: take the simple fix.
        seed: of the draws.

    Returns:
        shape (networks, depth), float64; the first column is the first layer.

    Raises:
        ArgumentError: depth or networks is less than 1.

    Example:
        >>> speeds = drawn_speeds(depth=3, networks=2, fixed=True)
        >>> np.round(10 ** (speeds[:, :-1] - speeds[:, 1:]))
        array([[25., 25.],
               [25., 25.]])

    Source: claims B2 and C3.
    """
    if depth < 1 or networks < 1:
        raise ArgumentError(f"{networks} networks of {depth} layers: draw at least one of each")
    keys = jax.random.split(jax.random.key(seed), networks)
    gradients = _bias_gradients(Chain(depth), fixed, keys)
    return np.log10(np.abs(np.asarray(gradients, np.float64)))


@partial(jax.jit, static_argnums=(0, 1))
def _bias_gradients(net: Chain, fixed: bool, keys: jax.Array) -> jax.Array:
    """∂C/∂b_l of one network for each key, shape (networks, layers)."""

    def one(key: jax.Array) -> jax.Array:
        for_params, for_input, for_target = jax.random.split(key, 3)
        x = jax.random.normal(for_input, (), jnp.float32)
        y = jax.random.uniform(for_target, (), jnp.float32)
        if fixed:
            # −100 x has to be exact: a rounding error in b₁ grows 25-fold with every layer, too,
            # and would leave z far from 0 in the last ones. In 64ths, 100 x fits the significand.
            x = jnp.round(x * 64) / 64
            params = _fix(net.depth, x)
        else:
            params = net.init(for_params, jnp.float32)
        return jnp.stack([b for _, b in jax.grad(net.cost)(params, x, y)])

    return jax.vmap(one)(keys)


def layer_speeds(path: str | Path, *, depth: int = _LAYERS, networks: int = _NETWORKS) -> None:
    """Draw how fast each layer learns, one line for each drawn network, and save the picture.

    Left N(0, 1) weights, whose gradients vanish towards the first layer; right the simple fix,
    whose gradients explode. The format is that of the file's suffix, e.g. ``.png`` or ``.svg``.

    Args:
        path: where to save it.
        depth: the number of layers, at least 2.
        networks: how many are drawn.

    Raises:
        ArgumentError: depth is less than 2, or networks is less than 1.
        MissingExtra: matplotlib is not installed.

    Example:
        >>> layer_speeds("speeds.png", depth=1)
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: one layer has nothing to be compared with: depth at least 2

    Source: claim C3.
    """
    if depth < 2:
        raise ArgumentError("one layer has nothing to be compared with: depth at least 2")
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ImportError as error:  # pragma: no cover
        raise MissingExtra("pictures need matplotlib: pip install 'jaxgrad[report]'") from error
    # A Figure of its own, without pyplot: no window system and no global state is touched.
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, drawn_speeds(depth, networks), _VANISHING, "Weights from N(0, 1): vanishing")
    fixed = drawn_speeds(depth, networks, fixed=True)
    _panel(right, fixed, _EXPLODING, "w = 100 and z = 0: exploding")
    left.set_ylabel("size of the gradient  |∂C/∂b|")
    left.yaxis.set_major_formatter(FuncFormatter(lambda power, _: f"$10^{{{power:.0f}}}$"))
    figure.savefig(path, dpi=160)


def _panel(axes: Any, speeds: np.ndarray, colour: str, title: str) -> None:
    layers = np.arange(1, speeds.shape[1] + 1)
    axes.axhline(0, color=_RULE, linewidth=1, zorder=0)
    thin, *_ = axes.plot(layers, speeds.T, color=colour, alpha=0.25, linewidth=0.9)
    median = np.median(speeds, axis=0)
    thick, *_ = axes.plot(layers, median, color=colour, linewidth=2.4, marker="o", markersize=4.5)
    # The corner that the lines leave free: above their lower end.
    corner = "upper left" if median[0] < median[-1] else "upper right"
    names = [f"{len(speeds)} drawn networks, one line each", f"median: {_per_layer(median)}"]
    axes.legend([thin, thick], names, loc=corner, frameon=False, fontsize=9.5, labelcolor=_INK)
    axes.set_title(title, loc="left", color=_INK, fontsize=11)
    axes.set_xlabel("layer  (1 is next to the input)")
    axes.set_xticks(layers)
    axes.tick_params(colors=_INK, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _per_layer(median: np.ndarray) -> str:
    """The mean factor from a layer to the one before it, e.g. "× 25 with each layer back"."""
    factor = 10 ** ((median[0] - median[-1]) / (len(median) - 1))
    return f"{'×' if factor >= 1 else '÷'} {max(factor, 1 / factor):.3g} with each layer back"


def _fix(depth: int, x: jax.Array) -> Parameters:
    """w = 100 and b = −100 a: a is x in the first layer and σ(0) = ½ in all others."""
    w = jnp.full_like(x, 100)
    return [(w, -100 * x)] + [(w, jnp.full_like(x, -50))] * (depth - 1)
