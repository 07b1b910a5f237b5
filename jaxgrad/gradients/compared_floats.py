"""A side of a comparison that is not read, a kernel or a callback, beside the other's balls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients import counterexample
from jaxgrad.gradients.floats.kernels import OPEN, check_kernel
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import Comparison, LeafResult
from jaxgrad.gradients.trusts import BALLS
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["by_floats", "undecided"]


def by_floats(
    hand: Side, auto: Side, opaque: Side, args: Sequence[Any], refutes: bool = True
) -> Comparison:
    """The comparison of a side that is not read with one that is, by its floats.

    Args:
        hand, auto: the sides.
        opaque: the one of them that is not read.
        args: the arguments as the caller gave them.
        refutes: whether floats that rounding in the other side does not explain are wrong.  Where a
            side is not read only because a comparison in it is open, rounding decides that one.
    """
    reference = auto if opaque is hand else hand
    reason = f"{opaque.name} runs only in floating point ({opaque.opaque})"
    try:
        results = check_kernel(opaque, reference, [leaf.value for leaf in hand.inputs])
    except (CannotDecide, UnsupportedPrimitive) as error:
        return undecided(hand, auto, f"{reason}, and the other side has no balls: {error}")
    unstable = [result for result in results if not result.stable]
    wrong = [result for result in unstable if result.status == "UNSTABLE"]
    if wrong and refutes:
        text = f"{reason}, and its result is further off than twice what rounding explains"
        return _wrong_floats(hand, auto, args, wrong, f"{text}: {wrong[0]}")
    if unstable:
        beyond = bool(wrong) or unstable[0].reason == OPEN
        found = "is beyond what rounding explains" if beyond else "cannot be judged"
        return undecided(hand, auto, f"{reason}, and its result {found}: {unstable[0]}")
    unseen = _unseen(hand, auto, results)
    if unseen is not None:
        return undecided(hand, auto, unseen)
    digits = max(0.0, min((result.digits for result in results), default=math.inf))
    text = f"{reason}; at the given point it is as accurate as the formula allows"
    if math.isfinite(digits):
        text += f", at least {digits:.1f} digits"
    leaves = tuple(LeafResult(x.path, x.shape, Verdict.AGREES) for x in hand.outputs)
    evidence = Evidence(Verdict.AGREES, "sampling", text, trusts=BALLS)
    return Comparison(Verdict.AGREES, leaves, evidence, (hand, auto))


def _unseen(hand: Side, auto: Side, results: Sequence[FloatResult]) -> str | None:
    """Of which entry no number is compared, but of one that both sides return the same of."""
    if not any(result.without for result in results):
        return None
    floats = [side.floats([leaf.value for leaf in hand.inputs]) for side in (hand, auto)]
    leaf_of = {leaf.path: k for k, leaf in enumerate(hand.outputs)}
    for result in results:
        for index in result.without:
            one, other = (float(leaves[leaf_of[result.path]][index]) for leaves in floats)
            if one != other:  # as NaN is of everything
                name = f"gradient{result.path}{list(index) if index else ''}"
                return (
                    f"there is no real value of {name} at the given point, where hand returns "
                    f"{one:g} and auto {other:g}; choose a point at which there is one"
                )
    return None


def _wrong_floats(
    hand: Side, auto: Side, args: Sequence[Any], wrong: list[FloatResult], text: str
) -> Comparison:
    """The comparison that floats of a side without a program refute."""
    by_path = {result.path: result for result in wrong}
    leaves = []
    for output in hand.outputs:
        result = by_path.get(output.path)
        leaf = LeafResult(output.path, output.shape, Verdict.AGREES)
        if result is not None:
            sides = str(result.value), result.truth
            sides = sides if result.side == "hand" else sides[::-1]
            leaf = replace(leaf, verdict=Verdict.REFUTED, index=result.index)
            leaf = replace(leaf, hand=sides[0], auto=sides[1])
        leaves.append(leaf)
    first = next(k for k, leaf in enumerate(leaves) if leaf.verdict is Verdict.REFUTED)
    values = [leaf.value for leaf in hand.inputs]
    code = counterexample.write(hand, args, values, first, leaves[first].index or ())
    evidence = Evidence(Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=BALLS)
    return Comparison(Verdict.REFUTED, tuple(leaves), evidence, (hand, auto))


def undecided(hand: Side, auto: Side, reason: str) -> Comparison:
    """A comparison that is not settled, with the reason."""
    leaves = tuple(LeafResult(x.path, x.shape, Verdict.UNDECIDED) for x in hand.outputs)
    evidence = Evidence(Verdict.UNDECIDED, "reason", reason)
    return Comparison(Verdict.UNDECIDED, leaves, evidence, (hand, auto))
