"""What is said of options that are not of the kind that they have to be."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.errors import ArgumentError

__all__ = ["by_default", "flag", "seconds"]


def flag(name: str, value: Any, *, default: bool = False) -> Any:
    """An option that is True or False, so that no other value is taken for one of them.

    Args:
        name: the option.
        value: what was given.
        default: whether None may be given, too.

    Raises:
        ArgumentError: it is something else.

    Example:
        >>> flag("exact", "no")
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: exact is 'no'; it is True or False
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if value is None and default:
        return None
    kinds = "True, False, or None for the default" if default else "True or False"
    raise ArgumentError(f"{name} is {value!r:.60}; it is {kinds}")


def by_default(name: str, value: Any, otherwise: bool) -> bool:
    """The same of an option whose None has a meaning of its own.

    Args:
        name, value: as there.
        otherwise: what None means.

    Raises:
        ArgumentError: as there.

    Example:
        >>> by_default("linear", None, True), by_default("linear", False, True)
        (True, False)
    """
    found = flag(name, value, default=True)
    return otherwise if found is None else found


def seconds(name: str, value: Any, *, none_is_left: bool = False) -> float:
    """A time limit.

    Args:
        name: what it is called.
        value: what was given.
        none_is_left: whether it may be 0.

    Raises:
        ArgumentError: it is no such number.

    Example:
        >>> seconds("decide: timeout", 5)
        5.0
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not (value > 0 or (none_is_left and value == 0)):
        least = "0 or more" if none_is_left else "more than 0"
        raise ArgumentError(f"{name} is {value!r:.60}; it is a number of seconds, {least}")
    return float(value)
