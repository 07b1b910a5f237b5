"""Values that are apart by the sign of a zero alone, at the cut of atan2: the runs tell."""

from __future__ import annotations

from dataclasses import replace

from flint import arb

from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.zero_signs import shows

__all__ = ["value_as_run"]


def value_as_run(
    found: Judgement, balls: tuple[arb, arb], either: tuple[arb, arb], runs: tuple[float, float]
) -> Judgement | None:
    """The judgement of a value that is refuted; None where it is so by the sign of a zero alone.

    Args:
        found: the judgement of the reals, among which there is one zero.
        balls: the value of the rule, not under vmap, and that of the function.
        either: the same, if a zero may have either sign.
        runs: what JAX computes for both.
    """
    known = all(x.is_finite() for x in (*balls, *either))
    if not known or balls[0].overlaps(balls[1]) or not either[0].overlaps(either[1]):
        return found
    if not shows(balls[0] - balls[1], *runs):
        return None
    value, truth = map(str, runs)
    return replace(found, value=value, truth=truth, as_run=True)
