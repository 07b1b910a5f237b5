"""What was drawn for a function, where the function has no value there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.verdict import Verdict

__all__ = ["with_domain_suggested"]


def with_domain_suggested(
    found: GradientCheck, function: Callable[..., Any], args: Sequence[Any]
) -> GradientCheck:
    """The check; where it is refuted or open and the function is NaN, with what draws others.

    Args:
        found: a check of the function, at arguments that were drawn.
        function: it.
        args: these.
    """
    if found.verdict not in (Verdict.REFUTED, Verdict.UNDECIDED) or not _is_nan(function, args):
        return found
    said = "; f returns NaN at what was drawn: --domain MODULE:PREDICATE says where it does not"
    if (matrix := _square(args)) is not None:
        said += f", and '(lambda a: a @ a.T)({matrix})' draws a positive definite matrix"
    first, *more = found.evidence.text.split("\n", 1)
    text = "\n".join([first + said, *more])
    return replace(found, evidence=replace(found.evidence, text=text))


def _is_nan(function: Callable[..., Any], args: Sequence[Any]) -> bool:
    try:
        results = [x for x in jax.tree.leaves(function(*args)) if hasattr(x, "dtype")]
    except Exception:  # which the check has told of
        return False
    real = [x for x in results if jax.numpy.issubdtype(x.dtype, np.inexact)]
    return any(bool(jax.numpy.isnan(x).any()) for x in real)


def _square(args: Sequence[Any]) -> str | None:
    """How a square matrix among the arguments is drawn."""
    for x in args:
        dtype, shape = getattr(x, "dtype", None), getattr(x, "shape", ())
        if dtype in ("float32", "float64") and len(shape) == 2 and shape[0] == shape[1] > 1:
            return f"f{8 * np.dtype(dtype).itemsize}[{shape[0]}, {shape[1]}]"
    return None
