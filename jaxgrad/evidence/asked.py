"""What is said of a function of the caller that cannot take balls, series or polynomials."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from jaxgrad.errors import ArgumentError
from jaxgrad.programs.raised_by import place

__all__ = ["asked"]


def asked(
    function: Callable[..., Any], count: int, name: str, given: str, instead: str
) -> Callable[..., Any]:
    """A function that is wrong in a way of its own where it cannot take what it is given.

    Args:
        function: of the caller.
        count: with how many arguments it is called.
        name: what it is, for messages.
        given: what the arguments are.
        instead: what can be computed with them.

    Raises:
        ArgumentError: at once, if it is no function of so many arguments; when it is called, if it
            does something with an argument that its type does not allow.

    Example:
        >>> asked(3, 1, "covers: margin", "balls", "use their operations")
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: covers: margin is 3, not a function: give it uncalled
    """
    if not callable(function):
        raise ArgumentError(f"{name} is {function!r:.60}, not a function: give it uncalled")
    try:
        inspect.signature(function).bind(*(None for _ in range(count)))
    except TypeError as error:
        how = f"with {count} argument{'s' * (count > 1)}, {given}" if count else "without arguments"
        raise ArgumentError(f"{name} is called {how}: {error}") from error
    except ValueError:  # a builtin that does not say
        pass

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (TypeError, AttributeError) as error:
            if not any(type(each).__name__ in str(error) for each in arguments):
                raise
            raise ArgumentError(
                f"{name} cannot be computed with {given}{place(error)}: {instead} "
                f"({str(error).splitlines()[0]:.100})"
            ) from error

    return call
