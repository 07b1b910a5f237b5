"""Functions of truth values, open ones included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxgrad.numbers.base import NumberSystem

__all__ = ["CHOICES", "differ"]


def differ(system: NumberSystem, p: Any, q: Any) -> Any:
    """Exactly one of the two."""
    return system.logical_and(system.logical_or(p, q), system.logical_not(system.logical_and(p, q)))


# Primitives that choose one of their arguments -> what they are on booleans, False before True.
CHOICES: dict[str, Callable[..., Any]] = {
    "max": lambda s, p, q: s.logical_or(p, q),
    "min": lambda s, p, q: s.logical_and(p, q),
    "clamp": lambda s, low, p, high: s.logical_and(s.logical_or(low, p), high),
}
