"""For how many a a neuron passes a gradient on: the interval on which |w σ'(wa + b)| ≥ 1."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
from flint import arb

from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers.ball import Ball

__all__ = ["closed_form", "interval", "measured"]

_WEIGHTS = (4.5, 5.0, 6.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0)
# Halvings of an interval of a, after which its width is known better than any picture shows.
_STEPS = 30


def closed_form(w: np.ndarray | np.float64) -> Any:
    """The width (2/|w|) ln(½|w|(1 + √(1 − 4/|w|)) − 1) that claim D2 proves.

    Args:
        w: weights of at least 4, float64, any shape.

    Example:
        >>> float(closed_form(np.float64(4)))
        0.0
    """
    return 2 / w * np.log(w / 2 * (1 + np.sqrt(1 - 4 / w)) - 1)


@functools.cache
def measured(w: float) -> float:
    """The width by the derivative that JAX has of a neuron, over balls, with b = 0.

    The derivative is even in a and falls from a = 0 on, so that halving finds where it is 1.

    Args:
        w: a weight above 4.

    Example:
        >>> bool(abs(measured(5.0) - closed_form(np.float64(5))) < 1e-6)
        True
    """
    neuron = jax.grad(lambda a: jax.nn.sigmoid(w * a))
    inside, outside = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if run_over(Ball(), neuron, arb(middle)) >= 1:
            inside = middle
        else:
            outside = middle
    return 2 * inside


def interval() -> Picture:
    """Its width against |w|: the closed form, and what JAX's derivative gives."""
    w = np.concatenate([[4.0], np.geomspace(4.0005, 100, 400)])
    width = closed_form(w)
    fine = np.linspace(4, 20, 20_001)
    widest = float(fine[closed_form(fine).argmax()])
    most = float(closed_form(np.float64(widest)))
    with drawing():
        figure, [axes] = axes_of((2.5,))
        axes.plot(w, width, color=COLOURS["first"], label="closed form")
        axes.plot(
            _WEIGHTS,
            [measured(x) for x in _WEIGHTS],
            color=COLOURS["second"],
            linestyle="",
            marker="o",
            markersize=3.8,
            label="by jax.grad, over balls",
        )
        axes.annotate(
            f"{most:.4f} at |w| = {widest:.2f}",
            (widest, most),
            xytext=(10, 2),
            textcoords="offset points",
            color=COLOURS["ink"],
        )
        axes.set_xscale("log")
        ticks = [4, 7, 10, 20, 50, 100]
        axes.set_xticks(ticks, [str(x) for x in ticks])
        axes.set_xticks([], minor=True)
        axes.set_ylim(0, 0.5)
        axes.set_xlabel("|w|")
        axes.set_ylabel("width of the interval of a")
        axes.legend(loc="lower right")
        axes.set_title("Where |w σ'(wa + b)| ≥ 1")
    description = (
        f"There is no such a below |w| = 4. The interval is widest, {most:.4f}, at |w| = "
        f"{widest:.2f}, and is {width[-1]:.3f} wide at |w| = {w[-1]:.0f}."
    )
    return Picture("The interval in which a gradient does not shrink", description, figure)
