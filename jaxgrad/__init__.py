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
    from . import activations, closed_form, networks, strategies
    from .claims import claim
    from .comparison import Comparison, compare
    from .errors import GradientMismatch, JaxgradError, UndecidedError
    from .exhaustion import Sweep, sweep
    from .rule_check import check_grads
    from .verdict import Verdict

__all__ = [
    "Comparison",
    "GradientMismatch",
    "JaxgradError",
    "Sweep",
    "UndecidedError",
    "Verdict",
    "activations",
    "check_grads",
    "claim",
    "closed_form",
    "compare",
    "networks",
    "strategies",
    "sweep",
]

# Where a public name is defined; one that is not listed is itself a module.
_HOME = {
    "Comparison": "comparison",
    "GradientMismatch": "errors",
    "JaxgradError": "errors",
    "Sweep": "exhaustion",
    "UndecidedError": "errors",
    "Verdict": "verdict",
    "check_grads": "rule_check",
    "claim": "claims",
    "compare": "comparison",
    "sweep": "exhaustion",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value = version(__name__)
    elif name in _HOME:
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    elif name in __all__:
        value = importlib.import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # so that this runs once for each name
    return value


def __dir__() -> list[str]:
    return ["__version__", *__all__]
