"""A staircase of sigmoids beside softplus and ReL, and how far they are apart."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing, in_words
from jaxgrad.interpret.run_over import run_over
from jaxgrad.networks.activations import stepped_sigmoid
from jaxgrad.numbers.ball import Ball

__all__ = ["differences", "steps"]

# Those that are left out are below e^(6 − 40 + ½) together, up to x = 6.
_TERMS = 40
_POINTS = 121


def differences(reach: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """The stepped sigmoid minus softplus, whose digits no float32 would keep, over balls.

    Args:
        reach: from -reach to reach.

    Returns:
        the points and the differences, each of shape (121,), float64.

    Example:
        >>> x, difference = differences()
        >>> 0.0105 < float(-difference.min()) < 0.0106
        True

    Source: claim F1.
    """
    x = np.linspace(-reach, reach, _POINTS, dtype=np.float32)
    found = run_over(
        Ball(), lambda x: stepped_sigmoid(x, _TERMS) - jax.nn.softplus(x), jnp.asarray(x)
    )
    return x.astype(np.float64), np.asarray([float(y.mid()) for y in found])


def steps() -> Picture:
    """Both functions and ReL above, the difference of the two below."""
    x, difference = differences()
    points = jnp.asarray(x, jnp.float32)
    with drawing():
        figure, [above, below] = axes_of((2.1, 1.6))
        above.plot(x, jax.nn.softplus(points), color=COLOURS["first"], label="log(1 + eˣ)")
        staircase = stepped_sigmoid(points, _TERMS)
        above.plot(x, staircase, color=COLOURS["second"], linestyle="--", label="Σ σ(x − i + ½)")
        above.plot(x, jax.nn.relu(points), color=COLOURS["third"], linestyle=":", label="max(0, x)")
        above.legend(loc="upper left")
        above.set_title("A staircase of sigmoids, softplus and ReL")
        below.plot(x, difference, color=COLOURS["second"])
        below.axhline(0, color=COLOURS["quiet"], linewidth=0.8)
        below.set_title("The staircase minus softplus")
        below.set_xlabel("x")
        for axes in (above, below):
            axes.set_xlim(x[0], x[-1])
    lowest = int(difference.argmin())
    description = (
        f"The first two cannot be told apart by eye. Of {len(x)} points the difference is largest, "
        f"{difference[lowest]:.5f}, at x = {x[lowest]:g}, and is "
        f"{in_words(difference[0])} at x = {x[0]:g}."
    )
    description = description.replace("-", "−")
    return Picture("The stepped sigmoid against softplus", description, figure)
