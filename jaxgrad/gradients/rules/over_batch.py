"""Custom rules at every point of a batch, held against JAX's derivative without them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.errors import CannotDecide
from jaxgrad.gradients.batch_points import Batch, batch_of
from jaxgrad.gradients.batch_settled import Judged, Settled, known, settled
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.batch_derivatives import (
    BatchDerivatives,
    entries,
    modes_of_entries,
)
from jaxgrad.gradients.rules.conclusions import undecided
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.proof import without_rules
from jaxgrad.verdict import Verdict

__all__ = ["over_batch"]

_HIDDEN = (
    "; at some of them the formulas differ, by no more than the rounding of the compiled rule "
    "could hide"
)
_ALONE = "exact=True"


def over_batch(
    found: GradientCheck,
    rules: DerivativePrograms,
    asked: int | tuple[Any, ...] | None,
    check: Callable[[Primal], GradientCheck],
    seconds: float,
) -> GradientCheck:
    """A check that agrees, with what the points of a batch add to it.

    Args:
        found: what is known so far.
        rules: the derivative programs.
        asked: the batch as it was given; None for none.
        check: judges the rules at the given point of a function, and nowhere else.
        seconds: how long the points that are judged so may take, if that is more than usual.

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

    seen = _seen(rules, batch, judge, seconds)
    if seen.refuted is not None:
        return seen.refuted
    if seen.open:
        return undecided(primal, seen.left_open("budget= gives more"))
    return _saying(found, f"; {seen.in_words}{_how(seen, rules, found)}", seen.trusts)


def _seen(
    rules: DerivativePrograms, batch: Batch, judge: Callable[[int], Judged], seconds: float
) -> Settled:
    """What is known of the points, those in doubt as they are judged one by one."""
    derivatives: list[BatchDerivatives] = []

    def along() -> Lying:
        """In whichever mode they lie worse."""
        derivatives.extend(_in_each_mode(rules, batch))
        return Lying.joined([each.along() for each in derivatives])

    lying = known(along)
    asked_for = [] if isinstance(lying, str) else modes_of_entries(rules, derivatives)
    of_entries = functools.partial(entries, asked_for) if asked_for else None
    return settled(batch, lying, judge, rules.exact, of_entries, seconds)


def _how(seen: Settled, rules: DerivativePrograms, found: GradientCheck) -> str:
    """What was looked at of the derivatives, unless balls judged all points; how they differ."""
    how = ""
    if seen.one_by_one < len(seen.batch):
        first = "first " * (rules.order > 1)
        how = f", {first}derivatives along a direction that is drawn for each"
        if seen.entries:
            how += f", by each entry at the {seen.entries} at which these differ"
    if seen.differing:
        how += _HIDDEN
        if _ALONE not in found.evidence.text:
            how += f"; {_ALONE} asks for the formula alone"
    return how


def _at(primal: Primal, point: list[Any]) -> Primal:
    """The function at another point."""
    return Primal(
        primal.function,
        primal.args_at(tuple(point)),
        primal.reference,
        held=primal.held_arguments,
        domain=primal.given_domain,
    )


def _in_each_mode(rules: DerivativePrograms, batch: Batch) -> list[BatchDerivatives]:
    """The first derivatives by the rules and without them.

    Raises:
        CannotDecide, NoDerivative, UnsupportedPrimitive: intervals do not know them.
    """
    meant = without_rules(rules)
    if meant is None:
        raise CannotDecide(
            "JAX's derivative without the custom rules is not known to be that of the function"
        )
    return [BatchDerivatives(rules, meant, mode, batch) for mode in rules.modes]


def _said_of(at: GradientCheck, name: str) -> GradientCheck:
    """What is wrong at a point of the batch, as what is wrong."""
    text = f"at {name}: {at.evidence.text}"
    return replace(at, evidence=replace(at.evidence, text=text))


def _saying(found: GradientCheck, more: str, trusts: tuple[str, ...]) -> GradientCheck:
    first, *lines = found.evidence.text.split("\n", 1)
    text = "\n".join([f"{first}{more}", *lines])
    trusts = (*found.evidence.trusts, *trusts)
    return replace(found, evidence=replace(found.evidence, text=text, trusts=trusts))
