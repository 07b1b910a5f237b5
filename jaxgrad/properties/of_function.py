"""What is asked of a function of one number: what has to hold of it, and what is only said of
it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from jaxgrad.properties.by_hand import derivative_rules
from jaxgrad.properties.document import Property
from jaxgrad.properties.growth import increasing
from jaxgrad.properties.of_derivatives import (
    derivative_above,
    derivative_below,
    derivative_finite,
    derivative_takes,
)
from jaxgrad.properties.ranges import derivative_range
from jaxgrad.strategies.arrays import LARGEST, arrays

__all__ = ["properties_of"]

# Each is a check of the rules, at special points, too.
_FEW = 3


def properties_of(
    f: Callable[..., Any],
    *,
    below: Fraction | None = None,
    above: Fraction | None = None,
    takes: Sequence[Fraction] | None = None,
    dtypes: Sequence[Any] | None = None,
    exact: bool = False,
    max_examples: int | None = None,
) -> Iterator[Property]:
    """The properties that are asked of a function of one number, ready to be run.

    Args:
        f: a JAX function of a scalar of shape () that returns one.
        below, above, takes: what its derivative is held to; None for nothing.
        dtypes, exact, max_examples: as for :func:`~jaxgrad.properties.derivative_below`.

    Example:
        >>> import jax
        >>> [one.statement for one in properties_of(jax.nn.relu, takes=(0, 1))][0]
        "f' is one of 0, 1"

    Source: claims A6, F4, F5 and F6.
    """
    drawn = {"dtypes": dtypes, "max_examples": max_examples}
    both = {**drawn, "exact": exact}
    if takes is not None:
        words = ", ".join(map(str, takes))
        yield Property(
            "derivative_takes", f"f' is one of {words}", lambda: derivative_takes(f, takes, **both)
        )
    if below is not None:
        yield Property(
            "derivative_below", f"f' <= {below}", lambda: derivative_below(f, below, **both)
        )
    if above is not None:
        yield Property(
            "derivative_above", f"f' >= {above}", lambda: derivative_above(f, above, **both)
        )
    yield Property("derivative_finite", "f' is finite", lambda: derivative_finite(f, **drawn))
    yield Property(
        "derivative_rules",
        f"the derivative rules are right for float32 with |x| <= {LARGEST:g}",
        lambda: derivative_rules(f, arrays(()), max_examples=_FEW),
    )
    yield Property(
        "derivative_range",
        "f' has bounds",
        lambda: derivative_range(f).evidence,
        None,
    )
    yield Property("increasing", "f is increasing", lambda: increasing(f, **both), None)
