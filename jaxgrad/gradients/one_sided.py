"""The one-sided derivatives of a program, of any order, without its derivative rules."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from jaxgrad.errors import JaxgradError
from jaxgrad.interpret.turns import is_run_on
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.exact_germ import ExactGerm
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.identical import IdenticalGerm
from jaxgrad.numbers.jet import Jet
from jaxgrad.numbers.pointwise import Pointwise, PointwiseArrays
from jaxgrad.numbers.precision import series_length
from jaxgrad.numbers.series import FINITE, Series
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Program, trace

__all__ = [
    "MOST_EXACT_OPERATIONS",
    "OneSided",
    "analytic_at",
    "first_derivatives",
    "one_sided_derivatives",
]

# Polynomials beside every coefficient take ten times as long as the coefficients.
MOST_EXACT_OPERATIONS = 1000


class OneSided:
    """The one-sided derivatives of a program at a point along a line.

    Args:
        right, left: for each output leaf of shape s an object array of shape (order + 1, *s):
            f₊⁽ᵏ⁾(x; v) and f₋⁽ᵏ⁾(x; v) for k = 0 … order, enclosed; ±∞ where the slope is infinite
            and NaN where nothing is known (outside the domain, at a pole, or too few terms).
        reasons: why some entry is NaN.
        smooth: whether no operation asked for what is true beside the point only, or whatever it
            is there makes no difference to so many derivatives; then the sides are equal.

    Example:
        >>> import jax
        >>> found = one_sided_derivatives(jax.nn.relu, (0.0,), (1.0,))
        >>> found.left[0][1], found.right[0][1]
        (0, 1.00000000000000)
    """

    def __init__(
        self,
        right: list[np.ndarray],
        left: list[np.ndarray],
        reasons: tuple[str, ...],
        smooth: bool = False,
    ) -> None:
        self.right = right
        self.left = left
        self.reasons = reasons
        self.smooth = smooth


def one_sided_derivatives(
    function: Callable[..., Any] | Program,
    args: Sequence[Any],
    direction: Sequence[Any],
    order: int = 1,
    terms: int | None = None,
) -> OneSided:
    """The derivatives of t ↦ f(x + tv) at 0 from the right and from the left.

    The function is evaluated over jets, or once for each side over germs where what is true
    beside the point matters, so no derivative rule of JAX has a part in it.

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
    if terms is None:
        found = _analytic(program, direction, order)
        if found is not None:
            return _smooth(found)
    attempts = _terms(order) if terms is None else (terms,)
    reasons: set[str] = set()
    right, left = (
        _one_side(program, direction, order, sign, attempts, reasons) for sign in (1, -1)
    )
    return OneSided(right, left, tuple(sorted(reasons)))


def analytic_at(
    program: Program,
    points: Sequence[Sequence[np.ndarray]],
    direction: Sequence[Any],
    order: int,
) -> list[OneSided | None]:
    """The derivatives along a line at several points, none where germs are needed.

    Args:
        program: the traced program, of floating-point leaves.
        points: a value for each of its inputs, for every point.
        direction: the leaves of v.
        order: the highest derivative.
    """
    jet = Jet(order)
    numbers = Pointwise(jet, len(points))
    try:
        with series_length(order + 1):
            inputs = [_moving(jet, program, direction, 1, point) for point in points]
            joined = [numbers.joined(leaves) for leaves in zip(*inputs, strict=True)]
            outputs = interpret(program, PointwiseArrays(numbers), joined)
            each = zip(*map(numbers.split, outputs), strict=True)
            found = [[_stacked(x, order, jet.derivatives) for x in leaves] for leaves in each]
    except JaxgradError:
        return [None] * len(points)
    return [
        _smooth(leaves) if k not in numbers.failed and _are_settled(jet, leaves) else None
        for k, leaves in enumerate(found)
    ]


def slopes_from_the_right(
    program: Program, direction: Sequence[Any]
) -> tuple[list[np.ndarray], set[str]]:
    """The value and f₊′(x; v) of every output, and why some of them are not known.

    Raises:
        CannotDecide: an order of what ties is open.
        UnsupportedPrimitive: a primitive has no rule.
    """
    reasons: set[str] = set()
    return _one_side(program, direction, 1, 1, _terms(1), reasons), reasons


def first_derivatives(germ: Germ, program: Program, direction: Sequence[Any]) -> list[np.ndarray]:
    """f₊′(x; v) of every output, as far as these germs know it, and NaN where they do not.

    Raises:
        CannotDecide: an order of what ties is open.
        UnsupportedPrimitive: a primitive has no rule.
    """
    found, _ = _over(germ, program, direction, 1, 1)
    return [leaf[1, ...] for leaf in found]


def _terms(order: int) -> tuple[int, int]:
    """How many terms germs have, at first and where these do not do.

    Each 0/0 of simple zeros costs one term, so four such quotients may be nested; few are.
    """
    return order + 2, order + 5


def _smooth(found: list[np.ndarray]) -> OneSided:
    return OneSided(found, [leaf.copy() for leaf in found], (), smooth=True)


def _are_settled(system: Germ | Jet, found: list[np.ndarray]) -> bool:
    """Whether all is known, and what was left open makes no difference that is to be seen."""
    is_known = _is_narrow if system.undecided else arb.is_finite
    return all(is_known(x) for leaf in found for x in leaf.flat)


def _is_narrow(x: arb) -> bool:
    """Whether its width is that of rounding, beside 1; more bits show what is finer."""
    return x.is_finite() and x.rel_one_accuracy_bits() >= ctx.prec // 2


def _analytic(program: Program, direction: Sequence[Any], order: int) -> list[np.ndarray] | None:
    """The derivatives from both sides, where no operation asks what is beside the point."""
    jet = Jet(order)
    try:
        with series_length(order + 1):
            inputs = _moving(jet, program, direction, 1)
            outputs = interpret(program, jet, inputs)
            found = [_stacked(values, order, jet.derivatives) for values in outputs]
    except JaxgradError:  # germs decide more, or say what is the matter
        return None
    return found if _are_settled(jet, found) else None


def _one_side(
    program: Program,
    direction: Sequence[Any],
    order: int,
    sign: int,
    attempts: Sequence[int],
    reasons: set[str],
) -> list[np.ndarray]:
    """The derivatives from the side of this sign, with more terms where fewer do not do."""
    for terms in attempts:
        germ = Germ(terms)
        last = terms == attempts[-1]
        try:
            found, why = _over(germ, program, direction, order, sign)
        except CannotDecide:
            if last:
                raise
            continue
        if last or _is_settled(germ, found, why):
            break
    # Loops that are run on are many times as large, and what they come to is a witness of several.
    large = is_run_on() or operations(program.jaxpr.jaxpr) > MOST_EXACT_OPERATIONS
    if germ.open and not large and not _is_settled(germ, found, why):
        for system in (ExactGerm, IdenticalGerm):
            for terms in attempts:
                germ = system(terms)
                found, why = _decided(found, why, germ, program, direction, order, sign)
                if not why:
                    break
    reasons |= why
    return found


def _is_settled(germ: Germ, found: list[np.ndarray], why: set[str]) -> bool:
    return not why and (not germ.undecided or _are_settled(germ, found))


def _over(
    germ: Germ, program: Program, direction: Sequence[Any], order: int, sign: int
) -> tuple[list[np.ndarray], set[str]]:
    """What a program is over germs, and why it is not known where it is not."""
    why: set[str] = set()
    outputs = interpret(program, germ, _moving(germ, program, direction, sign))
    read = functools.partial(_derivatives, order=order, sign=sign, reasons=why)
    return [_stacked(values, order, read) for values in outputs], why


def _decided(
    found: list[np.ndarray],
    why: set[str],
    germ: Germ,
    program: Program,
    direction: Sequence[Any],
    order: int,
    sign: int,
) -> tuple[list[np.ndarray], set[str]]:
    """The same where coefficients that may be 0 are known to be."""
    try:
        exact, left = _over(germ, program, direction, order, sign)
    except (CannotDecide, JaxgradError):
        return found, why
    kept = [
        objects(
            (arb(y) if y.is_finite() else x for x, y in zip(leaf.flat, other.flat, strict=True)),
            leaf.shape,
        )
        for leaf, other in zip(found, exact, strict=True)
    ]
    return kept, left


def _moving(
    system: Any,
    program: Program,
    direction: Sequence[Any],
    sign: int,
    point: Sequence[Any] | None = None,
) -> list[Any]:
    """The inputs x + sign·v·ε; what does not move is a constant."""
    inputs = []
    point = [leaf.value for leaf in program.inputs] if point is None else point
    for leaf, value, v in zip(program.inputs, point, direction, strict=True):
        if not leaf.differentiable:
            inputs.append(value)
            continue
        values = np.asarray(value, np.float64)
        slopes = np.broadcast_to(np.asarray(v, np.float64), values.shape)
        elements = np.empty(values.shape, object)
        elements[slopes == 0] = system.constants(values[slopes == 0])
        for index in map(tuple, np.argwhere(slopes)):
            elements[index] = system.line(values[index], sign * slopes[index])
        inputs.append(elements)
    return inputs


def _stacked(values: np.ndarray, order: int, derivatives: Callable[[Any], list[arb]]) -> np.ndarray:
    """The derivatives of each order, for every entry, of which there may be none."""
    columns = [derivatives(x) for x in values.flat]
    return objects((column[k] for k in range(order + 1) for column in columns),
                   (order + 1, *values.shape))  # fmt: skip


def _derivatives(x: Any, order: int, sign: int, reasons: set[str]) -> list[arb]:
    """The limits of x and of its derivatives as ε falls to 0; infinite where they grow."""
    nothing = [arb.nan()] * order
    if not isinstance(x, Series) or x.reason is not None:
        reasons.add(getattr(x, "reason", "an output that is no real number"))
        return [arb.nan(), *nothing]
    if x.is_taylor(order) and x.at(0).is_finite():
        return [math.prod(range(k, 0, -1), start=x.at(k)) * sign**k for k in range(order + 1)]
    found = [_limit(x, 0, reasons)]
    if not found[0].is_finite():
        reasons.add("the value is infinite or not known")
        return [*found, *nothing]
    for k in range(1, order + 1):
        x = x.derivative()
        found.append(_limit(x, k, reasons) * sign**k)
    return found


def _limit(x: Series, k: int, reasons: set[str]) -> arb:
    for m, c in zip(x.monomials, x.coefficients, strict=True):
        if m >= FINITE:
            break
        return arb.pos_inf() if c > 0 else arb.neg_inf() if c < 0 else arb.nan()
    if not x.knows(FINITE):
        reasons.add(f"fewer than {k + 1} powers of ε are left of {x.terms}")
        return arb.nan()
    return x.at(0)
