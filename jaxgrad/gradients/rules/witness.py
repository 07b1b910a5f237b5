"""Are a function and its derivative programs what they were read as?  Their own runs say so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import drawn
from jaxgrad.gradients.witness import hold_program

__all__ = ["hold_rules"]


def hold_rules(rules: DerivativePrograms, point: Sequence[np.ndarray]) -> bool:
    """Holds the function and its derivatives of every mode against JAX's own run of them.

    The derivatives are taken along a drawn direction, in which every entry moves.

    Args:
        rules: the derivative programs.
        point: the value of each floating-point leaf.

    Returns:
        whether the runs of the first derivatives returned finite numbers alone.

    Raises:
        EnginesDisagree: a rule of this package misreads an operation.
    """
    primal = rules.primal
    hold_program("f", primal.moving_program, point)
    if primal.reference is not None:
        hold_program("reference", primal.truth_program, point)
    v = primal.like_inputs(drawn(rules.shapes).leaves)
    u = primal.like_outputs(drawn(rules.out_shapes).leaves)
    finite = True
    for mode in rules.modes:
        moved = v if mode == "fwd" else u
        run = hold_program(f"{mode} of f", rules[(mode,)].program, [*point, *moved])
        finite = finite and run.finite
    for modes in rules.nested:
        values = [*point, *(leaf for _ in modes for leaf in v), *u]
        hold_program(f"{' of '.join(reversed(modes))} of f", rules[modes].program, values)
    return finite
