"""What an example of a primitive is, and which primitives this release of JAX has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jax.extend.core import Primitive, primitives

# JAX's primitives by name; the attribute may be called otherwise.
PRIMITIVES = {
    value.name: value for value in vars(primitives).values() if isinstance(value, Primitive)
}

PRECEDING = "before jax 0.12"

SINCE = "since jax 0.12"

RELEASE = SINCE if "polynomial" in PRIMITIVES else PRECEDING


@dataclass(frozen=True)
class Example:
    """A function of two float vectors of length 4 that uses a primitive.

    Args:
        function: the program.
        exact: whether JAX computes it without rounding on small dyadic numbers.
        domain: ``real``, ``positive``, ``unit`` (inside (−1, 1)) or ``above_one``.
        polynomial: whether polynomials have a rule for it (an order is one only where decided).
        release: None, or the releases that have the primitive.
        gradient: whether its gradient is interpreted too.
    """

    function: Callable[..., Any]
    exact: bool = False
    domain: str = "real"
    polynomial: bool = True
    release: str | None = None
    gradient: bool = True

    @property
    def here(self) -> bool:
        """Whether this release of JAX has the primitive."""
        return self.release in (None, RELEASE)


def exact(function: Callable[..., Any], **more: Any) -> Example:
    return Example(function, exact=True, **more)
