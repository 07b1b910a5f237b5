"""Custom rules at every point of a batch, held against JAX's derivative without them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.errors import CannotDecide, NoDerivative, UnsupportedPrimitive
from jaxgrad.gradients.batch_lies import lie
from jaxgrad.gradients.batch_points import Batch, batch_of
from jaxgrad.gradients.batch_settled import Judged, settled
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.conclusions import undecided
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms, Derivatives
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.proof import without_rules
from jaxgrad.verdict import Verdict

__all__ = ["over_batch"]

# That of the drawn directions, one for each point.
_SEED = 20


def over_batch(
    found: GradientCheck,
    rules: DerivativePrograms,
    asked: int | tuple[Any, ...] | None,
    check: Callable[[Primal], GradientCheck],
) -> GradientCheck:
    """A check that agrees, with what the points of a batch add to it.

    Args:
        found: what is known so far.
        rules: the derivative programs.
        asked: the batch as it was given; None for none.
        check: judges the rules at the given point of a function, and nowhere else.

    Raises:
        ArgumentError, ShapeMismatch, NonFiniteInput: the batch is not like the arguments.
    """
    if asked is None:
        return found
    primal = rules.primal
    inside = primal.is_inside if primal.is_bounded else None
    batch = batch_of(asked, primal.inputs, primal.function, inside, primal.held)
    if found.verdict is not Verdict.AGREES:
        return found
    if not rules.custom:
        return _saying(
            found, "; it calls no custom rule, so that the batch has nothing to show", ()
        )

    def judge(k: int) -> Judged:
        at = check(_at(primal, batch.point(k)))
        if at.verdict is Verdict.REFUTED:
            return Judged(refuted=_said_of(at, batch.name(k)))
        if not at.verdict.passes:
            return Judged(why=f"{batch.name(k)}: {at.evidence.text}")
        return Judged(min((leaf.bits for leaf in at.leaves), default=np.inf))

    seen = settled(batch, _lying(rules, batch), judge, rules.exact, of_sums=True)
    if seen.refuted is not None:
        return seen.refuted
    if seen.open:
        return undecided(primal, seen.left_open())
    first = "first " * (rules.order > 1)
    along = f", {first}derivatives along a direction that is drawn for each"
    if seen.sums:
        along += f"; at {seen.sums} of them these differ, and no time was left for each entry"
    return _saying(found, f"; {seen.in_words}{along}", seen.trusts)


def _at(primal: Primal, point: list[Any]) -> Primal:
    """The function at another point."""
    return Primal(
        primal.function,
        primal.args_at(tuple(point)),
        primal.reference,
        held=primal.held_arguments,
        domain=primal.given_domain,
    )


def _lying(rules: DerivativePrograms, batch: Batch) -> Lying | str:
    """How the first derivatives by the rules and without them lie, in whichever mode is worse."""
    meant = without_rules(rules)
    if meant is None:
        return "JAX's derivative without the custom rules is not known to be that of the function"
    found: list[Lying] = []
    for mode in rules.modes:
        try:
            found.append(_in_mode(rules, meant, mode, batch))
        except (CannotDecide, NoDerivative, UnsupportedPrimitive) as error:
            return str(error)
    return Lying.joined(found)


def _in_mode(rules: DerivativePrograms, meant: Derivatives, mode: str, batch: Batch) -> Lying:
    """Along a direction, or of a cotangent, that is drawn for each point."""
    hand, auto = (each[(mode,)].side(name) for each, name in ((rules, "hand"), (meant, "auto")))
    draw, directions = np.random.default_rng(_SEED), hand.inputs[len(batch.inputs) :]
    moved = [draw.standard_normal((len(batch), *leaf.shape)) for leaf in directions]
    if not rules.linear:  # no longer than 1, so that nothing clips it
        squares = sum((x * x).reshape(len(batch), -1).sum(1) for x in moved)
        moved = [x / np.sqrt(squares).reshape(-1, *[1] * (x.ndim - 1)) / 2 for x in moved]
    cast = [x.astype(leaf.dtype) for x, leaf in zip(moved, directions, strict=True)]
    return lie(hand, auto, [*batch.values, *cast])


def _said_of(at: GradientCheck, name: str) -> GradientCheck:
    """What is wrong at a point of the batch, as what is wrong."""
    text = f"at {name}: {at.evidence.text}"
    return replace(at, evidence=replace(at.evidence, text=text))


def _saying(found: GradientCheck, more: str, trusts: tuple[str, ...]) -> GradientCheck:
    first, *lines = found.evidence.text.split("\n", 1)
    text = "\n".join([f"{first}{more}", *lines])
    trusts = (*found.evidence.trusts, *trusts)
    return replace(found, evidence=replace(found.evidence, text=text, trusts=trusts))
