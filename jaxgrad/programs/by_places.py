"""A function whose arguments have names, as one of all of them by their places."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax

__all__ = ["ByPlaces", "never_traced"]


class ByPlaces:
    """The call of a function with the last arguments by their names.

    Args:
        function: the function.
        count: how many arguments stand by their places.
        names: of those that follow.
        parameters: what all of them are called.
        never_traced: which of them a derivative rule is given as they are.

    Example:
        >>> root = ByPlaces(lambda x, *, degree: x ** (1 / degree), 1, ["degree"], ["x", "degree"])
        >>> root(8.0, 3), str(inspect.signature(root))
        (2.0, '(x, degree, /)')
    """

    def __init__(
        self,
        function: Callable[..., Any],
        count: int,
        names: Sequence[str],
        parameters: Sequence[str],
        never_traced: Sequence[int] = (),
    ) -> None:
        self._function, self._count, self._names = function, count, tuple(names)
        self.never_traced = tuple(never_traced)
        kind = inspect.Parameter.POSITIONAL_ONLY
        self.__signature__ = inspect.Signature([inspect.Parameter(x, kind) for x in parameters])

    def __call__(self, *args: Any) -> Any:
        named = dict(zip(self._names, args[self._count :], strict=True))
        return self._function(*args[: self._count], **named)


def never_traced(function: Any) -> tuple[int, ...]:
    """The places of the arguments that JAX hands on to a derivative rule as they are.

    Example:
        >>> never_traced(jax.custom_jvp(lambda x, n: x**n, nondiff_argnums=(1,)))
        (1,)
        >>> never_traced(lambda x, n: x**n)
        ()
    """
    if isinstance(function, ByPlaces):
        return function.never_traced
    # What wraps a rule has its attributes, and arguments of its own.
    is_rule = isinstance(function, jax.custom_jvp | jax.custom_vjp)
    return tuple(function.nondiff_argnums) if is_rule else ()
