"""The one-sided derivatives of a program, of any order, without its derivative rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq

from jaxgrad.interpret import interpret
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Series
from jaxgrad.program import Program, trace

__all__ = ["OneSided", "one_sided_derivatives"]


class OneSided:
    """The one-sided derivatives of a program at a point along a line.

    Args:
        right, left: for each output leaf of shape s an object array of shape (order + 1, *s):
            f₊⁽ᵏ⁾(x; v) and f₋⁽ᵏ⁾(x; v) for k = 0 … order, enclosed; ±∞ where the slope is infinite
            and NaN where nothing is known (outside the domain, or too few terms).
        reasons: why some entry is NaN.

    Example:
        >>> import jax
        >>> found = one_sided_derivatives(jax.nn.relu, (0.0,), (1.0,))
        >>> found.left[0][1], found.right[0][1]
        (0, 1.00000000000000)
    """

    def __init__(
        self, right: list[np.ndarray], left: list[np.ndarray], reasons: tuple[str, ...]
    ) -> None:
        self.right = right
        self.left = left
        self.reasons = reasons


def one_sided_derivatives(
    function: Callable[..., Any] | Program,
    args: Sequence[Any],
    direction: Sequence[Any],
    order: int = 1,
    terms: int | None = None,
) -> OneSided:
    """The derivatives of t ↦ f(x + tv) at 0 from the right and from the left.

    The function is evaluated over germs, so no derivative rule of JAX has a part in it.

    Args:
        function: a JAX function of ``args``, or its traced program.
        args: pytrees of arrays of floating-point numbers, the point x.
        direction: the leaves of v, one array for each leaf of ``args``; those of leaves that are
            not floating point are not looked at.
        order: the highest derivative.
        terms: how many powers of ε are kept; by default enough for the order and for four
            leading terms to cancel.

    Raises:
        UnsupportedPrimitive: a primitive has no rule.

    Example:
        >>> import jax
        >>> found = one_sided_derivatives(jax.nn.softplus, (0.0,), (1.0,))
        >>> found.right[0][1], found.left[0][1]
        (0.500000000000000, 0.500000000000000)
    """
    program = function if isinstance(function, Program) else trace(function, args)
    # Each 0/0 of simple zeros costs one term, so four such quotients may be nested.
    germ = Germ(order + 5 if terms is None else terms)
    reasons: set[str] = set()
    sides = []
    for sign in (1, -1):
        inputs = [
            _lines(germ, leaf.value, sign, v) if leaf.differentiable else leaf.value
            for leaf, v in zip(program.inputs, direction, strict=True)
        ]
        outputs = interpret(program, germ, inputs)
        sides.append([_derivatives(values, order, sign, reasons) for values in outputs])
    return OneSided(sides[0], sides[1], tuple(sorted(reasons)))


def _lines(germ: Germ, point: Any, sign: int, direction: Any) -> np.ndarray:
    values = np.asarray(point, np.float64)
    slopes = np.broadcast_to(np.asarray(direction, np.float64), values.shape)
    pairs = zip(values.reshape(-1).tolist(), slopes.reshape(-1).tolist(), strict=True)
    return objects([germ.line(x, sign * v) for x, v in pairs], values.shape)


def _derivatives(values: np.ndarray, order: int, sign: int, reasons: set[str]) -> np.ndarray:
    rows = []
    for k in range(order + 1):
        found = [_derivative(x, k, reasons) * sign**k for x in values.reshape(-1)]
        rows.append(objects(found, values.shape))
    return np.stack(rows)


def _derivative(x: Any, k: int, reasons: set[str]) -> arb:
    """k! times the coefficient of εᵏ; infinite if a power that εᵏ does not divide stands first."""
    if not isinstance(x, Series):
        reasons.add("an output that is no real number")
        return arb.nan()
    if x.reason is not None:
        reasons.add(x.reason)
        return arb.nan()
    target = k * x.ramification
    for i, c in enumerate(x.coefficients):
        exponent = x.start + i
        whole = exponent >= 0 and exponent % x.ramification == 0
        if exponent >= target or whole or c.is_zero():
            continue
        falling = math.prod(Fraction(exponent, x.ramification) - j for j in range(k))
        slope = c * arb(fmpq(falling.numerator, falling.denominator))
        if slope > 0:
            return arb.pos_inf()
        return arb.neg_inf() if slope < 0 else arb.nan()
    if x.end is not None and x.end <= target:
        reasons.add(f"fewer than {k + 1} powers of ε are left of {x.terms}")
        return arb.nan()
    return x.at(target) * math.factorial(k)
