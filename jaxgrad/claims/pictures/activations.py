"""The sigmoid and the rectified linear unit, each beside its derivative."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing

__all__ = ["activations", "values"]

# An odd number, so that 0, where σ' is largest, is one of them.
_POINTS = 241


def values(function: Callable[[jax.Array], jax.Array], reach: float = 6.0) -> np.ndarray:
    """A function and its derivative, as ``jax.grad`` has it, between -reach and reach.

    Returns:
        shape (3, 241), float64: the points, the function, its derivative.

    Example:
        >>> values(jax.nn.sigmoid)[2].max()
        np.float64(0.25)
    """
    z = jnp.linspace(-reach, reach, _POINTS, dtype=jnp.float32).at[_POINTS // 2].set(0.0)
    slopes = jax.vmap(jax.grad(function))(z)
    return np.asarray([z, jax.vmap(function)(z), slopes], np.float64)


def activations() -> Picture:
    """σ and ReL with their derivatives."""
    functions = {"σ": jax.nn.sigmoid, "ReL": jax.nn.relu}
    found = {name: values(function) for name, function in functions.items()}
    with drawing():
        figure, panels = axes_of((1.75, 1.75))
        for axes, (name, (z, value, slope)) in zip(panels, found.items(), strict=True):
            axes.plot(z, value, color=COLOURS["first"], label=f"{name}(z)")
            axes.plot(z, slope, color=COLOURS["second"], linestyle="--", label=f"{name}'(z)")
            axes.legend(loc="upper left")
            axes.set_xlim(z[0], z[-1])
        panels[0].axhline(0.25, color=COLOURS["quiet"], linewidth=0.8, linestyle=":")
        panels[0].annotate("¼", (5.6, 0.27), color=COLOURS["ink"])
        panels[1].set_xlabel("z")
        panels[0].set_title("The sigmoid: its slope is ¼ at most")
        panels[1].set_title("The rectified linear unit: its slope is 0 or 1")
    _, _, slope = found["σ"]
    description = (
        f"σ rises from 0 to 1; its derivative is largest at 0, {slope.max():g}, and is "
        f"{slope[-1]:.2g} at z = 6. ReL is 0 up to z = 0 and z from there on; its derivative jumps "
        "from 0 to 1."
    )
    return Picture("Two activations and their derivatives", description, figure)
