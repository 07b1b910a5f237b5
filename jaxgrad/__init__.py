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
    from jaxgrad import networks
    from jaxgrad.claims.claim import claim
    from jaxgrad.errors import GradientMismatch, JaxgradError, UndecidedError
    from jaxgrad.evidence.sweep import Sweep, sweep
    from jaxgrad.gradients.check_grads import check_grads
    from jaxgrad.gradients.compare import Comparison, compare
    from jaxgrad.networks import activations, closed_form, strategies
    from jaxgrad.verdict import Verdict

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

# Where a public name is defined; and where the modules are.
_HOME = {
    "Comparison": "gradients.compare",
    "GradientMismatch": "errors",
    "JaxgradError": "errors",
    "Sweep": "evidence.sweep",
    "UndecidedError": "errors",
    "Verdict": "verdict",
    "check_grads": "gradients.check_grads",
    "claim": "claims.claim",
    "compare": "gradients.compare",
    "sweep": "evidence.sweep",
}
_MODULES = {
    "activations": "networks.activations",
    "closed_form": "networks.closed_form",
    "networks": "networks",
    "strategies": "networks.strategies",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value = version(__name__)
    elif name in _HOME:
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    elif name in _MODULES:
        value = importlib.import_module(f".{_MODULES[name]}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # so that this runs once for each name
    return value


def __dir__() -> list[str]:
    return ["__version__", *__all__]
