"""What is found at several points in one walk, before anything is asked at each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jaxgrad.gradients.one_sided import OneSided
from jaxgrad.numbers.base import ObjectArray

__all__ = ["Known"]


@dataclass
class Known:
    """What is known of a function and of its rules at a point before anything is asked there.

    Args:
        value: of the function, enclosed.
        lines: its derivatives along a line, by the key of the direction.
        outputs: what the rules return, by modes and by what moves.
    """

    value: list[ObjectArray] | None = None
    lines: dict[bytes, OneSided] = field(default_factory=dict)
    outputs: dict[tuple[str, ...], dict[Any, list[ObjectArray]]] = field(default_factory=dict)
