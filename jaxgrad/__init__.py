"""Verify gradients of JAX functions: proofs and counterexamples, no tolerances.

A public name is imported when it is first used, so ``import jaxgrad`` costs nothing.

Example:
    >>> import jaxgrad
    >>> jaxgrad.Verdict.PROVED.passes
    True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxgrad import errors, networks, properties, strategies
    from jaxgrad.claims.claim import claim
    from jaxgrad.errors import GradientMismatch, JaxgradError, UndecidedError
    from jaxgrad.evidence.bounds import Bounds, Bracket, bounds_of, interval_ball
    from jaxgrad.evidence.combine import conjunction, induction
    from jaxgrad.evidence.cover import covers
    from jaxgrad.evidence.decide import decide
    from jaxgrad.evidence.enclose import Enclosure, enclose
    from jaxgrad.evidence.float_formats import (
        Float,
        float_dtypes,
        is_negative,
        is_positive,
        is_subnormal,
        is_zero,
    )
    from jaxgrad.evidence.frequency import Frequency, frequency
    from jaxgrad.evidence.supremum import Supremum, supremum
    from jaxgrad.evidence.sweep import sweep
    from jaxgrad.evidence.sweep_pairs import sweep_pairs
    from jaxgrad.evidence.swept import Count, Extent, Sweep
    from jaxgrad.evidence.swept_pairs import SweptPairs
    from jaxgrad.evidence.taylor_bounds import upper_bound
    from jaxgrad.gradients.accuracy.accuracy import accuracy
    from jaxgrad.gradients.accuracy.measured import Accuracy, Binade, WorstFloat
    from jaxgrad.gradients.check_grads import check, check_grads
    from jaxgrad.gradients.compare import Comparison, compare
    from jaxgrad.gradients.outcome import GradientCheck
    from jaxgrad.gradients.regions.everywhere import Region, everywhere
    from jaxgrad.interpret.function import function
    from jaxgrad.interpret.rules.outside import rule
    from jaxgrad.interpret.run_over import run_over
    from jaxgrad.networks import activations, closed_form, costs
    from jaxgrad.numbers.arrays import ArraySystem, SystemArray
    from jaxgrad.numbers.ball import Ball
    from jaxgrad.numbers.base import NumberSystem
    from jaxgrad.numbers.intervals import Interval, Intervals
    from jaxgrad.numbers.precision import precision
    from jaxgrad.verdict import Evidence, Verdict

    __version__: str

__all__ = [
    "Accuracy",
    "ArraySystem",
    "Ball",
    "Binade",
    "Bounds",
    "Bracket",
    "Comparison",
    "Count",
    "Enclosure",
    "Evidence",
    "Extent",
    "Float",
    "Frequency",
    "GradientCheck",
    "GradientMismatch",
    "Interval",
    "Intervals",
    "JaxgradError",
    "NumberSystem",
    "Region",
    "Supremum",
    "Sweep",
    "SweptPairs",
    "SystemArray",
    "UndecidedError",
    "Verdict",
    "WorstFloat",
    "accuracy",
    "activations",
    "bounds_of",
    "check",
    "check_grads",
    "claim",
    "closed_form",
    "compare",
    "conjunction",
    "costs",
    "covers",
    "decide",
    "enclose",
    "errors",
    "everywhere",
    "float_dtypes",
    "frequency",
    "function",
    "induction",
    "interval_ball",
    "is_negative",
    "is_positive",
    "is_subnormal",
    "is_zero",
    "networks",
    "precision",
    "properties",
    "rule",
    "run_over",
    "strategies",
    "supremum",
    "sweep",
    "sweep_pairs",
    "upper_bound",
]

# Where a public name is defined; and where the modules are.
_HOME = {
    "Accuracy": "gradients.accuracy.measured",
    "ArraySystem": "numbers.arrays",
    "Ball": "numbers.ball",
    "Binade": "gradients.accuracy.measured",
    "Bounds": "evidence.bounds",
    "Bracket": "evidence.bounds",
    "Comparison": "gradients.compare",
    "Count": "evidence.swept",
    "Enclosure": "evidence.enclose",
    "Evidence": "verdict",
    "Extent": "evidence.swept",
    "Float": "evidence.float_formats",
    "Frequency": "evidence.frequency",
    "GradientCheck": "gradients.outcome",
    "GradientMismatch": "errors",
    "Interval": "numbers.intervals",
    "Intervals": "numbers.intervals",
    "JaxgradError": "errors",
    "NumberSystem": "numbers.base",
    "Region": "gradients.regions.everywhere",
    "Supremum": "evidence.supremum",
    "Sweep": "evidence.swept",
    "SweptPairs": "evidence.swept_pairs",
    "SystemArray": "numbers.arrays",
    "UndecidedError": "errors",
    "Verdict": "verdict",
    "WorstFloat": "gradients.accuracy.measured",
    "accuracy": "gradients.accuracy.accuracy",
    "bounds_of": "evidence.bounds",
    "check": "gradients.check_grads",
    "check_grads": "gradients.check_grads",
    "claim": "claims.claim",
    "compare": "gradients.compare",
    "conjunction": "evidence.combine",
    "covers": "evidence.cover",
    "decide": "evidence.decide",
    "enclose": "evidence.enclose",
    "everywhere": "gradients.regions.everywhere",
    "float_dtypes": "evidence.float_formats",
    "frequency": "evidence.frequency",
    "function": "interpret.function",
    "induction": "evidence.combine",
    "interval_ball": "evidence.bounds",
    "is_negative": "evidence.float_formats",
    "is_positive": "evidence.float_formats",
    "is_subnormal": "evidence.float_formats",
    "is_zero": "evidence.float_formats",
    "precision": "numbers.precision",
    "rule": "interpret.rules.outside",
    "run_over": "interpret.run_over",
    "supremum": "evidence.supremum",
    "sweep": "evidence.sweep",
    "sweep_pairs": "evidence.sweep_pairs",
    "upper_bound": "evidence.taylor_bounds",
}
_MODULES = {
    "activations": "networks.activations",
    "closed_form": "networks.closed_form",
    "costs": "networks.costs",
    "errors": "errors",
    "networks": "networks",
    "properties": "properties",
    "strategies": "strategies",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value = version(__name__)
        except PackageNotFoundError:  # a checkout on the path
            value = "unknown"
    elif name in _HOME:
        value = _public(getattr(importlib.import_module(f".{_HOME[name]}", __name__), name))
    elif name in _MODULES:
        value = importlib.import_module(f".{_MODULES[name]}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # so that this runs once for each name
    return value


def _public(value: Any) -> Any:
    """What is public of a module: a function whose errors are shown in the caller's lines."""
    import inspect

    if not inspect.isfunction(value):
        return value
    from jaxgrad.programs.callers_frames import offered

    return offered(value)


def __dir__() -> list[str]:
    return ["__version__", *__all__]
