"""Proves custom derivative rules equal to autodiff of the primal that they belong to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.exclusion import left_out
from jaxgrad.gradients.identity import Budget, Identity, identity
from jaxgrad.gradients.rules.compositions import shown as shown_by_operations
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms, Derivatives
from jaxgrad.gradients.rules.derived import Derived
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.trusts import up_to
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.programs.carried_programs import carries_derivatives
from jaxgrad.programs.complex_parts import has_complex, traced_parts
from jaxgrad.programs.complex_structure import MATRIX_IN_PARTS
from jaxgrad.programs.custom_rules import (
    STOP,
    asks_what_moves,
    has_custom_rules,
    strip_custom_rules,
)
from jaxgrad.programs.held import held_in_words
from jaxgrad.programs.jaxprs import called, equations, holds_primitive
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict

__all__ = ["UNTRUE", "Shown", "brings_derivative", "holds_untrue", "prove_rules", "without_rules"]

# A check of a small function should not take longer for the attempt to prove more of it.
BUDGET = Budget(terms=20_000, work=50_000_000)


# Primitives whose derivative in JAX is not that of the function, or is whatever a user says: a
# rule that equals it is not proved right.  Functions say it themselves.
UNTRUE = frozenset({
    "linear_call", "custom_transpose_call",  # a transpose of the user's own
    "custom_linear_solve",  # a solver, and one for the transpose, of the user's own
    "random_gamma_grad",  # an approximation
    MATRIX_IN_PARTS,  # which JAX cannot differentiate
})  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What is shown of the rules.

    Args:
        text: in words.
        log_error: log₂ of how likely it is to be wrong; None if it is proved.
    """

    text: str
    log_error: float | None = None

    @property
    def verdict(self) -> Verdict:
        """What it is worth."""
        return Verdict.PROVED if self.log_error is None else Verdict.PROBABLE


def prove_rules(rules: DerivativePrograms) -> Shown | None:
    """What is shown if the rules are the same polynomials as autodiff without them, else None.

    Where polynomials stop, residues show it up to a probability of error.

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
    meant = without_rules(rules)
    if meant is None:
        return None
    itself = Side("primal", primal, primal.point, tuple(primal.inputs), primal.truth_program)
    shown = [identity(itself, itself, BUDGET)]
    if not shown[0].proved:
        return None
    for k in range(1, order + 1):
        for combination in itertools.product(modes, repeat=k):
            if k > 1 and combination not in rules.nested:
                return None
            for found in _identities(rules, meant, combination):
                if found is None or not found.proved:
                    return None
                shown.append(found)
    return _sentence(primal, shown)


def without_rules(rules: DerivativePrograms, required: bool = True) -> Derivatives | None:
    """JAX's derivatives of the function, or of the reference, without custom rules.

    Args:
        rules: the derivative programs.
        required: whether there have to be such rules.

    A ``stop_gradient`` is the identity in it, as it is in the function that is computed.

    None where there are no such rules, or where these are not the derivatives of the function.
    """
    primal = rules.primal
    if required and not has_custom_rules(primal.moving_program.jaxpr):
        return None
    if primal.rounds_integers:
        return None
    # A rule with symbolic zeros may be another one where some arguments alone are differentiated.
    if len(primal.inputs) > 1 and asks_what_moves(primal.moving_program.jaxpr):
        return None
    truth = primal.truth_program.jaxpr
    untrue = {name for name, known in FUNCTIONS.items() if known.derivatives < rules.order}
    if holds_untrue(truth, untrue):
        return None
    # Values are those of the function itself, whatever the derivative comes with.
    own = strip_custom_rules(primal.moving_program.jaxpr)
    if any(map(has_complex, equations(truth))):  # not every complex derivative of JAX's is right
        truth = traced_parts(truth)
    return Derivatives(primal, strip_custom_rules(truth, stops=False), own)


def holds_untrue(jaxpr: Any, others: Set[str] = frozenset()) -> bool:
    """Whether a program holds a primitive whose derivative in JAX need not be its own.

    Args:
        jaxpr: the program.
        others: names of more such primitives.
    """
    return holds_primitive(jaxpr, UNTRUE | others) or any(map(brings_derivative, equations(jaxpr)))


def brings_derivative(equation: Any) -> bool:
    """Whether a primitive has derivatives of its own that stay where custom rules are taken off.

    Args:
        equation: of a jaxpr.
    """
    return carries_derivatives(equation) and called(equation) is None


def _sentence(primal: Primal, shown: list[Identity]) -> Shown:
    errors = [found.log_error for found in shown if found.log_error is not None]
    whose = "primal" if primal.reference is None else "reference"
    what = "function" if errors else "polynomial"
    branches = any(found.chooses for found in shown)
    where = left_out(*(found.excluded for found in shown), chooses=branches)
    stops = holds_primitive(primal.truth_program.jaxpr, (STOP,))
    read = ", with every stop_gradient the identity," * stops
    text = (
        f"the custom rules give the same {what} as JAX's derivative of the {whose}{read} for every "
        f"real input of these shapes{held_in_words(primal.named_held)}{where}"
    )
    if any(found.ties for found in shown):
        text += ", and that is its derivative wherever nothing compared or rounded in it ties"
    if not errors:
        return Shown(text)
    error = max(errors) + math.log2(len(errors))
    return Shown(text + up_to(error), error)


def _identities(
    rules: DerivativePrograms, meant: Derivatives, modes: tuple[str, ...]
) -> Iterator[Identity | None]:
    """Whether the rules give what is meant, and do so where everything moves if that is open."""
    yield _identity(rules, meant, lambda programs: programs[modes])
    if modes[1:] and not shown_by_operations(rules, modes):
        yield _identity(rules, meant, lambda programs: programs.along_everything(modes))


def _identity(
    rules: DerivativePrograms, meant: Derivatives, taken: Callable[[Derivatives], Derived]
) -> Identity | None:
    """What polynomials say of a derivative; None if JAX has no such one."""
    try:
        hand, auto = taken(rules).side("hand"), taken(meant).side("auto")
    except (JaxgradError, NotImplementedError, TypeError, ValueError):
        return None
    for side in (hand, auto):
        side.inputs = _named(rules.primal, side.inputs)
    return identity(hand, auto, BUDGET)


def _named(primal: Primal, inputs: Sequence[Leaf]) -> tuple[Leaf, ...]:
    """The inputs of a derivative under the names of those of the function, the point first."""
    point = [replace(leaf, path=own.path) for leaf, own in zip(inputs, primal.inputs, strict=False)]
    return (*point, *inputs[len(point) :])
