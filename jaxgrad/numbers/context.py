"""A context variable that has a value within a block."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["holding"]

T = TypeVar("T")


@contextlib.contextmanager
def holding(variable: ContextVar[T], value: T) -> Iterator[T]:
    """Lets a variable have a value within a block, whatever it has around it.

    Args:
        variable: the variable.
        value: what it has within.

    Example:
        >>> depth = ContextVar("depth", default=0)
        >>> with holding(depth, 1):
        ...     depth.get()
        1
        >>> depth.get()
        0
    """
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)
