"""Custom rules at every point of a batch, held against JAX's derivative without them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jaxgrad.errors import CannotDecide
from jaxgrad.gradients.batch_floats import not_finite
from jaxgrad.gradients.batch_points import Batch, batch_of
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.batch_settled import Judged, Settled, known, looked_at, settled
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.batch_derivatives import (
    BatchDerivatives,
    entries,
    modes_of_entries,
)
from jaxgrad.gradients.rules.conclusions import undecided
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.opaque import NEAR
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.proof import holds_untrue, without_rules
from jaxgrad.gradients.rules.whose import may_err
from jaxgrad.programs.custom_rules import STOP
from jaxgrad.programs.jaxprs import equations
from jaxgrad.verdict import Verdict

__all__ = ["Asks", "over_batch"]

_HIDDEN = (
    "; at some of them the formulas differ, by no more than the rounding of the compiled rule "
    "could hide"
)
_ALONE = "exact=True"
_FIXED = (
    " (a reference that holds fixed what depends on the arguments, as for a stop_gradient, is one "
    "at the given point alone: leave batch= out for it)"
)
# CPU seconds for balls at points that intervals do not know, where all rules are JAX's own.
_FOR_JAXS = 2.0


@dataclass(frozen=True)
class Asks:
    """What a batch asks of a check: each judges a function at its given point.

    Args:
        formulas: judges the rules as formulas, and nowhere else.
        floats: and what is compiled of them.
        further: judges all that, and points that nobody gave; None if these may not be looked at.
        seconds: how long points may take that are judged one by one, if that is more than usual.
    """

    formulas: Callable[[Primal], GradientCheck]
    floats: Callable[[Primal], GradientCheck]
    further: Callable[[Primal], GradientCheck] | None
    seconds: float


def over_batch(
    found: GradientCheck,
    rules: DerivativePrograms,
    asked: int | tuple[Any, ...] | None,
    asks: Asks,
) -> GradientCheck:
    """A check that passes, with what the points of a batch add to it.

    Args:
        found: what is known so far; if it is proved, only points at which a derivative is no number
            in floats may be left out of that.
        rules: the derivative programs.
        asked: the batch as it was given; None for none.
        asks: what is asked of its points.

    Raises:
        ArgumentError, ShapeMismatch, NonFiniteInput: the batch is not like the arguments.
    """
    if asked is None:
        return found
    primal = rules.primal
    inside = primal.is_inside if primal.is_bounded else None
    batch = batch_of(asked, primal.inputs, primal.function, inside, primal.held)
    if not found.verdict.passes:
        return found
    broken = _broken(rules, batch, asks)
    if broken is not None or found.verdict is not Verdict.AGREES:
        return found if broken is None else broken
    if not _may_err(rules):
        return _by_floats(found, "it calls no custom rule")
    own = _holds_own(primal)

    def judge(k: int) -> Judged:
        at = asks.formulas(_at(primal, batch.point(k)))
        if at.verdict is Verdict.REFUTED:
            return Judged(refuted=_said_of(primal, at, batch.name(k)))
        if not at.verdict.passes:
            return Judged(why=f"{batch.name(k)}: {at.evidence.text}")
        return Judged(min((leaf.bits for leaf in at.leaves), default=np.inf))

    seen = _seen(rules, batch, judge, asks.seconds, own)
    if seen.refuted is not None:
        return seen.refuted
    if seen.open and not own:
        return _by_floats(found, "its rules are JAX's own, and are not known at all of them")
    if seen.open:
        return undecided(primal, seen.left_open("budget= gives more"))
    if seen.worst is not None and asks.further is not None:
        # A difference that rounding hides may grow, and be none, at other points.
        at = asks.further(_at(primal, batch.point(seen.worst)))
        if at.verdict is Verdict.REFUTED:
            return _said_of(primal, at, f"{batch.name(seen.worst)}, or from there")
    if found.evidence.text.startswith(NEAR):
        return _saying(found, f"; so they are at {batch.in_words}", ())
    return _saying(found, f"; {seen.in_words}{_how(seen, rules, found)}", seen.trusts)


def _may_err(rules: DerivativePrograms) -> bool:
    """Whether a rule, a solver or a ``stop_gradient`` has a say in it, or a reference."""
    primal = rules.primal
    own = rules.custom or holds_untrue(primal.moving_program.jaxpr, {STOP})
    return own or primal.reference is not None


def _holds_own(primal: Primal) -> bool:
    """Whether some of these is not JAX's own."""
    return primal.reference is not None or any(map(may_err, equations(primal.moving_program.jaxpr)))


def _seen(
    rules: DerivativePrograms,
    batch: Batch,
    judge: Callable[[int], Judged],
    seconds: float,
    own: bool,
) -> Settled:
    """What is known of the points, those in doubt as they are judged one by one."""
    asked_for: list[BatchDerivatives] = []
    hiding = [np.zeros(len(batch), bool)]

    def along() -> Lying:
        """In whichever mode they lie worse."""
        each = _in_each_mode(rules, batch)
        asked_for.extend(modes_of_entries(rules, each))
        found = [one.along(hides=one in asked_for) for one in each]
        pairs = zip(each, found, strict=True)
        hiding.extend(one.hiding(lying) for one, lying in pairs if one in asked_for)
        return Lying.joined(found)

    lying = known(along)
    may_hide = None if isinstance(lying, str) else np.any(hiding, 0)
    of_entries = functools.partial(entries, asked_for) if asked_for else None
    most = _FOR_JAXS if isinstance(lying, str) and not own else math.inf
    return settled(batch, lying, judge, rules.exact, of_entries, may_hide, seconds, most)


def _how(seen: Settled, rules: DerivativePrograms, found: GradientCheck) -> str:
    """What was looked at of the derivatives, unless balls judged all points; how they differ."""
    how = ""
    if seen.one_by_one < len(seen.batch):
        first = "first " * (rules.order > 1)
        how = f", {first}derivatives along a direction that is drawn for each"
        if seen.entries:
            how += f", by each entry at {seen.entries} of them"
    if seen.worst is not None:
        how += _HIDDEN
        if _ALONE not in found.evidence.text:
            how += f"; {_ALONE} asks for the formula alone"
    return how


def _broken(rules: DerivativePrograms, batch: Batch, asks: Asks) -> GradientCheck | None:
    """The check where a derivative is no number in floats at a point, and that is wrong or open."""
    where: set[int] = set()
    for mode in rules.modes:
        moved = [np.broadcast_to(x, (len(batch), *np.shape(x))) for x in rules.moved(mode)]
        program = rules[(mode,)].program
        where.update(not_finite(program, Rows.of(program.inputs, [*batch.values, *moved])))

    def look(k: int) -> GradientCheck | None:
        at = asks.floats(_at(rules.primal, batch.point(k)))
        if at.verdict is Verdict.REFUTED:
            return _said_of(rules.primal, at, batch.name(k))
        if not at.verdict.passes:
            return undecided(rules.primal, f"{batch.name(k)}: {at.evidence.text}")
        return None

    found, spent = looked_at(sorted(where), look, asks.seconds)
    if spent is None:
        return found
    return undecided(rules.primal, f"at {len(where)} points of the batch a derivative is no number "
                     f"in floats, which were not all looked at in {spent}")  # fmt: skip


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
    meant = without_rules(rules, required=False)
    if meant is None:
        raise CannotDecide(
            "JAX's derivative without the custom rules is not known to be that of the function"
        )
    return [BatchDerivatives(rules, meant, mode, batch) for mode in rules.modes]


def _said_of(primal: Primal, at: GradientCheck, name: str) -> GradientCheck:
    """What is wrong at a point of the batch, as what is wrong."""
    at = replace(at, evidence=replace(at.evidence, text=f"at {name}: {at.evidence.text}"))
    return at if primal.reference is None else _saying(at, _FIXED, ())


def _by_floats(found: GradientCheck, why: str) -> GradientCheck:
    return _saying(found, f"; {why}: at the points of the batch floats alone were seen", ())


def _saying(found: GradientCheck, more: str, trusts: tuple[str, ...]) -> GradientCheck:
    first, *lines = found.evidence.text.split("\n", 1)
    text = "\n".join([f"{first}{more}", *lines])
    trusts = (*found.evidence.trusts, *trusts)
    return replace(found, evidence=replace(found.evidence, text=text, trusts=trusts))
