"""The programs that stand among the parameters of an equation."""

from __future__ import annotations

from typing import Any

__all__ = ["inner_programs"]


def inner_programs(params: dict[str, Any]) -> list[Any]:
    """The programs among the parameters of an equation: bodies of calls, loops and branches."""
    found = []
    for value in params.values():
        parts = value if isinstance(value, tuple | list) else (value,)
        found += [part for part in parts if hasattr(getattr(part, "jaxpr", part), "eqns")]
    return found
