"""What is said of a custom rule that is malformed or missing: which, where, and what JAX says."""

from __future__ import annotations

from dataclasses import replace

from jaxgrad.claims.annotations import in_repository
from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    ShapeMismatch,
    TreeMismatch,
)

__all__ = ["is_malformed", "place_of_fault", "said_of_fault"]


def is_malformed(error: BaseException) -> bool:
    """Whether an error of a check is that of a rule that is malformed or missing.

    Args:
        error: whatever was raised.

    Example:
        >>> from jaxgrad.errors import NoDerivative
        >>> is_malformed(TreeMismatch("bwd returns 1")), is_malformed(NoDerivative("no", "none"))
        (True, False)
    """
    if isinstance(error, TreeMismatch | ShapeMismatch | DtypeMismatch):
        return True
    return isinstance(error, ArgumentError) and error.fault is not None


def said_of_fault(error: BaseException) -> str:
    """The rule, if it is known, on a line before all else.

    Args:
        error: such a one.

    Example:
        >>> print(said_of_fault(TreeMismatch("bwd returns 1")))
        bwd returns 1
    """
    fault = error.fault if isinstance(error, ArgumentError) else None
    if fault is None:
        return str(error)
    return f"{replace(fault, where=in_repository(fault.where))}\n{error}"


def place_of_fault(error: BaseException) -> tuple[str, int] | None:
    """The file and line of the rule; None if they are not known."""
    fault = error.fault if isinstance(error, ArgumentError) else None
    file, _, line = (fault.where if fault else "").rpartition(":")
    return (file, int(line)) if file and line.isdigit() else None
