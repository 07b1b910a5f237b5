"""Proves custom derivative rules equal to autodiff of the primal that they belong to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.gradients.exclusion import left_out
from jaxgrad.gradients.identity import Budget, Identity, identity
from jaxgrad.gradients.rules.compositions import shown as shown_by_operations
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derivatives import along_steps, arguments_of, composed, derivative
from jaxgrad.gradients.rules.programs import Primal
from jaxgrad.interpret.sides import make_side
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.programs.custom_rules import asks_what_moves, has_custom_rules, strip_custom_rules
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.trace import Leaf

__all__ = ["prove_rules"]

# A check of a small function should not take longer for the attempt to prove more of it.
BUDGET = Budget(terms=20_000, work=50_000_000)


# Primitives whose derivative in JAX is not that of the function, or is whatever a user says: a
# rule that equals it is not proved right.  Functions say it themselves.
UNTRUE = frozenset({
    "stop_gradient",  # 0
    "linear_call", "custom_transpose_call",  # a transpose of the user's own
    "custom_linear_solve",  # a solver, and one for the transpose, of the user's own
    "random_gamma_grad",  # an approximation
})  # fmt: skip


def prove_rules(rules: DerivativePrograms) -> str | None:
    """What is shown if the rules are the same polynomials as autodiff without them, else None.

    Autodiff without the rules gives the derivative of the primal wherever nothing that is compared
    or rounded ties, as long as the primal holds no primitive whose derivative is untrue; where it
    does, nothing is shown.  Each order is shown by itself: that two first derivatives are equal for
    every input does not say that JAX differentiates both alike, as one of them may hold a
    ``stop_gradient``.
    Where that may be on the way of a cotangent or a tangent, these move with the point.

    Args:
        rules: the derivative programs; without custom rules there is nothing to prove.
    """
    primal, order, modes = rules.primal, rules.order, rules.modes
    if not has_custom_rules(primal.moving_program.jaxpr):
        return None
    if primal.rounds_integers:
        return None
    # A rule with symbolic zeros may be another one where some arguments alone are differentiated.
    if len(primal.inputs) > 1 and asks_what_moves(primal.moving_program.jaxpr):
        return None
    truth = primal.truth_program.jaxpr
    if holds_primitive(truth, UNTRUE | {n for n, f in FUNCTIONS.items() if f.derivatives < order}):
        return None
    stripped = strip_custom_rules(truth)
    own = strip_custom_rules(primal.moving_program.jaxpr)
    itself = make_side("primal", lambda *x: stripped(*x), tuple(primal.point))
    itself.inputs = tuple(primal.inputs)
    shown = [identity(itself, itself, BUDGET)]
    for k in range(1, order + 1):
        for combination in itertools.product(modes, repeat=k):
            nested = combination in rules.nested
            moves = nested and not shown_by_operations(rules, combination)
            found = _identity(primal, stripped, own, combination, moves)
            if found is None:
                return None
            shown.append(found)
            if not found.proved:
                return None
    if not shown[0].proved:
        return None
    return _sentence(primal, shown)


def _sentence(primal: Primal, shown: list[Identity]) -> str:
    whose = "primal" if primal.reference is None else "reference"
    where = left_out(*(found.excluded for found in shown))
    text = (
        f"the custom rules give the same polynomial as JAX's derivative of the {whose} for every "
        f"real input of these shapes{_held(primal)}{where}"
    )
    if any(found.ties for found in shown):
        text += ", and that is its derivative wherever nothing compared or rounded in it ties"
    return text


def _held(primal: Primal) -> str:
    """Which arguments are no real inputs: of other integers nothing is shown."""
    paths = [leaf.path for leaf in primal.held]
    more = ", …" if len(paths) > 3 else ""
    return f", {', '.join(paths[:3])}{more} held fixed" if paths else ""


def _identity(
    primal: Primal,
    stripped: Callable[..., Any],
    own: Callable[..., Any],
    modes: tuple[str, ...],
    moves: bool,
) -> Identity | None:
    sides = []
    for name, function, value in (("hand", primal, None), ("auto", stripped, own)):
        taken, args = _derivative(modes, function, value, primal)
        if moves:
            taken, args = _along_everything(modes, function, taken, args)
        try:
            side = make_side(name, taken, args)
        except (NotImplementedError, TypeError, ValueError):  # JAX has no such derivative
            return None
        side.inputs = _named(primal, side.inputs)
        sides.append(side)
    return identity(sides[0], sides[1], BUDGET)


def _named(primal: Primal, inputs: Sequence[Leaf]) -> tuple[Leaf, ...]:
    """The inputs of a derivative under the names of those of the function, the point first."""
    point = [replace(leaf, path=own.path) for leaf, own in zip(inputs, primal.inputs, strict=False)]
    return (*point, *inputs[len(point) :])


def _derivative(
    modes: tuple[str, ...],
    function: Callable[..., Any],
    value: Callable[..., Any] | None,
    primal: Primal,
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What these modes return, values included, and its arguments.

    Args:
        value: what the value is held against, where that is not what the modes return.
    """
    point = tuple(primal.point)
    tangents = primal.like_inputs([np.ones(leaf.shape) for leaf in primal.inputs])
    cotangents = primal.like_outputs([np.ones(leaf.shape) for leaf in primal.outputs])
    if len(modes) == 1:
        (mode,) = modes
        taken = derivative(mode, function)

        def first(x: Any, w: Any) -> Any:
            found, slopes = taken(x, w)
            return found if value is None else value(*x), slopes

        return first, (point, tangents if mode == "fwd" else cotangents)

    def nested(x: Any, vs: Any, u: Any) -> Any:
        weighed, *derivatives = along_steps(function, modes, beside=True)(x, vs, u)
        if value is not None:
            (weighed,) = along_steps(value, (), beside=True)(x, (), u)
        return weighed, derivatives

    return nested, (point, (tangents,) * len(modes), cotangents)


def _along_everything(
    modes: tuple[str, ...],
    function: Callable[..., Any],
    taken: Callable[..., Any],
    args: tuple[Any, ...],
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What these modes return, and the derivative where directions and cotangents move, too."""
    _, vs, cotangents = args
    kinds = {"x": vs[0], "u": cotangents}
    whole = composed(function, modes)

    def both(x: Any, vs: Any, u: Any, others: Any) -> Any:
        return taken(x, vs, u), whole(x, *others)

    return both, (*args, tuple(kinds[kind] for kind in arguments_of(len(modes))[1:]))
