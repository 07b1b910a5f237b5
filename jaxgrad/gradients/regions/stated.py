"""What is said of every point of a box, as it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from numbers import Rational
from typing import Any

import jax
import numpy as np

from jaxgrad.errors import ArgumentError, TreeMismatch
from jaxgrad.gradients.regions.box import Box
from jaxgrad.gradients.regions.statement import Between, Near, Statement
from jaxgrad.programs.trace import trace

__all__ = ["stated"]


def stated(
    f: Callable[..., Any],
    between: Any,
    reference: Callable[..., Any] | None,
    ulps: Any,
    box: Box,
) -> tuple[Statement, Callable[..., Any]]:
    """What is said, and the function whose values it is said of.

    Args:
        f, between, reference, ulps: as they are given.
        box: the box.

    Raises:
        ArgumentError: it is no statement, or more than one.
        TreeMismatch: f and the reference return different trees.
    """
    if (between is None) == (reference is None):
        raise ArgumentError(
            "everywhere: give between=(low, high), a range of the values, or reference=, the "
            "function whose values they are near to, one of the two"
        )
    if reference is None:
        if ulps is not None:
            raise ArgumentError(
                "everywhere: ulps is how far from a reference; give reference=, too"
            )
        if not isinstance(between, tuple | list) or len(between) != 2:
            raise ArgumentError(f"everywhere: between is {between!r:.60}; give (low, high)")
        low, high = (None if end is None else _rational("between", end) for end in between)
        if (low is None and high is None) or (None not in (low, high) and low > high):  # pyright: ignore
            raise ArgumentError(f"everywhere: between is {between!r:.60}, which is no range")
        return Between(low, high, (_written(between[0]), _written(between[1]))), f
    allowed = Fraction(1) if ulps is None else _rational("ulps", ulps)
    if allowed < 0:
        raise ArgumentError(f"everywhere: ulps is {ulps!r:.60}; it is 0 or more")

    def both(*args: Any) -> list[Any]:
        (ours, tree), (theirs, other) = (jax.tree.flatten(g(*args)) for g in (f, reference))
        if tree != other:
            raise TreeMismatch(
                f"everywhere: f returns {tree} and the reference {other}; give functions that "
                "return the same tree"
            )
        if [np.shape(x) for x in ours] != [np.shape(x) for x in theirs]:
            raise ArgumentError(
                f"everywhere: f returns {[np.shape(x) for x in ours]} and the reference "
                f"{[np.shape(x) for x in theirs]}; give functions with results of one shape"
            )
        return [*(x - y for x, y in zip(ours, theirs, strict=True)), *theirs]

    shapes = trace(both, box.lower, "f and the reference").outputs
    return Near(
        allowed,
        _written(1 if ulps is None else ulps),
        tuple(leaf.dtype for leaf in shapes[len(shapes) // 2 :]),
    ), both


def _rational(name: str, value: Any) -> Fraction:
    try:
        if isinstance(value, bool) or not isinstance(value, Rational | str | float | np.floating):
            raise ValueError
        # A float is the decimal number that it is written as.
        exact = Fraction(value if isinstance(value, Rational | str) else repr(float(value)))
        float(exact)  # of a size that floats have
        return exact
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ArgumentError(
            f"everywhere: {name} has {value!r:.60}; give rationals or decimal strings: '0.25'"
        ) from None


def _written(value: Any) -> str:
    """A bound as it was given."""
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)
