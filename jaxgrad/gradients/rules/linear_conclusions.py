"""What is concluded where a rule, or a derivative of one, is not linear in what it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.gradients.domain import elsewhere
from jaxgrad.gradients.outcome import GradientCheck, RuleResult
from jaxgrad.gradients.rules.asked import Apart, Bend
from jaxgrad.gradients.rules.code import named, paste_bend, paste_composed
from jaxgrad.gradients.rules.compositions import Cut, HigherBend
from jaxgrad.gradients.rules.conclusions import refutation, refuted_everywhere
from jaxgrad.gradients.rules.derivatives import MOVED
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.numbers.listed import listed
from jaxgrad.verdict import Verdict

__all__ = ["not_linear", "wrong_in_compositions"]

# Of an array of more numbers the first and the last are said.
_SHOWN = 100


def _in_short(array: Any) -> str:
    """An array as NumPy prints it, on one line."""
    return " ".join(np.array2string(np.asarray(array), threshold=_SHOWN).split())


def not_linear(primal: Primal, bend: Bend, why: str | None = None) -> GradientCheck:
    """The check where a rule is not linear in what it is given.

    Of leaves that are not accused, where others are, no more is asked.

    Args:
        why: the special point, in words; None at the given one.
    """
    moved, code = MOVED[bend.mode], paste_bend(primal, bend)
    where = "" if why is None else f"at {why}: "
    said = [where + _bent(primal, bend, found) for found in bend.aparts]
    accused = bend.leaves or range(len(primal.inputs))
    sentences = dict(zip(accused, said if bend.leaves else said * len(accused), strict=True))
    which, of = "forward" if bend.mode == "fwd" else "backward", ""
    if bend.leaves and len(primal.inputs) > 1:
        of = f" for {listed(primal.inputs[k].path for k in accused)}"
    leaves = tuple(
        RuleResult(leaf.path, Verdict.REFUTED, text=sentences[k], counterexample=code)
        if k in sentences
        else RuleResult(
            leaf.path, Verdict.UNDECIDED, text=f"not judged, since the rule{of} is wrong"
        )
        for k, leaf in enumerate(primal.inputs)
    )
    text = (
        f"the derivative rules are wrong{_there(why)}: a {which} rule is not linear in its "
        f"{moved}{of}: {_sides(bend.apart)}{_clipping(bend.apart, bend.like)}"
    )
    shown = next(leaf for leaf in leaves if leaf.verdict is Verdict.REFUTED)
    points = () if why is None else (why,)
    found = GradientCheck(Verdict.REFUTED, leaves, refutation(text, code, shown), points)
    return replace(found, _elsewhere=None if why is None else tuple(bend.point))


def _bent(primal: Primal, bend: Bend, apart: Apart) -> str:
    """What it is asked for, and what it answers."""
    moved = MOVED[bend.mode]
    outputs = primal.outputs if bend.mode == "fwd" else primal.inputs
    name = ("f" if bend.mode == "fwd" else "") + named(outputs[apart.place[0]], apart.place[1])
    g, h = (", ".join(map(_in_short, leaves)) for leaves in apart.moved)
    sizes = f"g = {g}" + (f", h = {h}" if apart.weights[1] else "")
    said = _sides(apart)
    return f"{bend.mode}: for the {moved} {sizes} the {moved} L of {name} is not linear: {said}"


def _there(why: str | None) -> str:
    """At which point it is, if that is not the given one."""
    return "" if why is None else f" at {why}{elsewhere(why)}"


def _sides(apart: Apart) -> str:
    """What L is of a sum, or of a multiple, and what it should be."""
    a, b = apart.weights
    one, other = ("L(g + h)", "L(g) + L(h)") if b else (f"L({a:g}·g)", f"{a:g}·L(g)")
    return f"{one} is {apart.value} and {other} is {apart.sum}"


def _clipping(apart: Apart, like: str = "") -> str:
    """What it is like, which may be meant."""
    if apart.value in ("nan", "inf", "-inf"):
        return ""
    return f"{like or ', as with gradient clipping'}; where that is meant, linear=False says so"


def wrong_in_compositions(
    primal: Primal, wrong: Cut | HigherBend, why: str | None = None
) -> GradientCheck:
    """The check where a derivative of order 2 or more is wrong where everything moves."""
    modes, order = " then ".join(wrong.modes), len(wrong.modes)
    where = "" if why is None else f"at {why}: "
    code = paste_composed(primal, wrong)
    point = None if why is None else tuple(wrong.args[0])
    if isinstance(wrong, HigherBend):
        said = _sides(wrong.apart)
        text = (
            f"the derivative rules are wrong at order {order}{_there(why)}: {modes} is not linear "
            f"in the {wrong.group}: {said}{_clipping(wrong.apart)}"
        )
        sentence = f"{where}{modes}: for the {wrong.group} L of f is not linear: {said}"
        return replace(refuted_everywhere(primal, text, sentence, code, why), _elsewhere=point)
    rule, moved = _RULE.get((wrong.modes[0], wrong.group), (f"derivative {order - 1}", wrong.group))
    zero = " at 0" if wrong.at_zero else ""
    numbers = f"{zero} is {wrong.value} by the rules and {wrong.truth} in truth"
    cause = f"a stop_gradient or another rule cuts the {moved} off"
    if wrong.at_zero:
        cause = f"the rule holds its {moved} against 0"
    where_it_is = "h(f(x))" if moved == "cotangent" else "f(h(x))"
    text = (
        f"the derivative rules are wrong at order {order}{_there(why)}: {rule} is linear in its "
        f"{moved}, and its derivative along that{numbers}, as where {cause}; then "
        f"{where_it_is} has wrong derivatives of order {order}"
    )
    sentence = f"{where}{modes}: the derivative along the {moved} of {rule}{numbers}"
    numbers = wrong.value, wrong.truth
    found = refuted_everywhere(primal, text, sentence, code, why, numbers)
    return replace(found, _elsewhere=point)


_RULE = {
    ("rev", "cotangent"): ("a backward rule", "cotangent"),
    ("fwd", "direction"): ("a forward rule", "tangent"),
}
