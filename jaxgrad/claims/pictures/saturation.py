"""Where each float format loses the derivative of the sigmoid."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.claims.pictures.picture import COLOURS, Picture, axes_of, drawing
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers.ball import Ball

__all__ = ["lost_from", "right_digits", "saturation"]

_DTYPES = ("float32", "float16", "bfloat16")
_POINTS = 161
_REACH = 20.0


@functools.cache
def right_digits(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """How many decimal digits of σ'(x) are right in what ``jax.grad`` returns.

    −log₁₀ of the relative error, held against σ' over balls; 0 where nothing is left, and as many
    as the format holds where the error is smaller.

    Args:
        dtype: the name of a float format.

    Returns:
        the points, floats of that format, and the digits, each of shape (161,), float64.

    Example:
        >>> x, digits = right_digits("float16")
        >>> float(digits[x == 0][0]) > 3, float(digits[-1])
        (True, 0.0)

    Source: claim F5.
    """
    x = np.unique(np.linspace(-_REACH, _REACH, _POINTS).astype(jnp.dtype(dtype)))
    found = np.asarray(jax.vmap(jax.grad(jax.nn.sigmoid))(jnp.asarray(x)), np.float64)
    points = x.astype(np.float64)
    slope = jax.vmap(jax.grad(jax.nn.sigmoid))
    truth = run_over(Ball(), slope, np.array([arb(v) for v in points], object))
    most = -np.log10(float(jnp.finfo(dtype).eps))
    errors = [abs(arb(y) / t - 1) for y, t in zip(found, truth, strict=True)]
    return points, np.array([_digits(float(e.mid()), most) for e in errors])


def _digits(error: float, most: float) -> float:
    return most if error == 0 else float(np.clip(-np.log10(error), 0.0, most)) + 0.0


def lost_from(dtype: str) -> tuple[float, float]:
    """From which of the points on nothing is left, on the negative and on the positive side."""
    x, digits = right_digits(dtype)
    negative, positive = x[(digits == 0) & (x < 0)], x[(digits == 0) & (x > 0)]
    return (
        float(negative.max()) if negative.size else -np.inf,
        float(positive.min()) if positive.size else np.inf,
    )


def saturation() -> Picture:
    """The digits that are right, against x, for each format."""
    colours, lines = ("first", "second", "third"), ("-", "--", "-.")
    with drawing():
        figure, [axes] = axes_of((2.6,))
        for dtype, colour, line in zip(_DTYPES, colours, lines, strict=True):
            x, digits = right_digits(dtype)
            axes.plot(x, digits, color=COLOURS[colour], linestyle=line, linewidth=1.2, label=dtype)
        axes.set_xlim(-_REACH, _REACH)
        axes.set_ylim(0, 9.5)
        axes.set_xlabel("x")
        axes.set_ylabel("right decimal digits of σ'(x)")
        axes.legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.8)
        axes.set_title("What is left of σ' in floats")
    words = (f"{dtype} {_in_words(*lost_from(dtype))}" for dtype in _DTYPES)
    description = (
        f"At the {_POINTS} points that are drawn no digit is right in {'; in '.join(words)}."
    )
    return Picture("Where floats lose the derivative of the sigmoid", description, figure)


def _in_words(negative: float, positive: float) -> str:
    ends = []
    if np.isfinite(positive):
        ends.append(f"from x = {positive:.3g} up")
    if np.isfinite(negative):
        ends.append(f"from x = −{-negative:.3g} down")
    return " and ".join(ends) or f"nowhere up to |x| = {_REACH:g}"
