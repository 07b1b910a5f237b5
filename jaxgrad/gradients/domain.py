"""The domain that a caller gives with ``domain=``: a predicate, decided in exact numbers.

Which points are looked at besides the given one is this package's choice, and a function may mean
nothing at some of them: a distribution that does not sum to 1, a bound above the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import ArgumentError, TraceError, UnsupportedPrimitive
from jaxgrad.gradients.enclosure import PRECISIONS, balls
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import UNKNOWN, CannotDecide
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.held import as_given, hidden, revealing
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import trace
from jaxgrad.programs.traced_values import require_known_constants

__all__ = ["Domain", "elsewhere", "halved"]

# Numbers computed at all points but the given one, at about 4 μs each: a second.
BUDGET = 250_000
# From one float to its neighbour, of the widest dtype.
MOST_HALVINGS = 64


class Domain:
    """The points at which a predicate is certainly true.

    Args:
        predicate: takes the arguments, and returns a boolean or an array of them, all of which
            have to be true.
        args: the given arguments, which have to be inside.
        held: which of them are held fixed.

    Raises:
        ArgumentError: it returns something else, or the arguments are outside, or it is not known
            whether they are.
        TraceError: it is not made of JAX operations.
        Exception: what it raises itself, as it is.

    Example:
        >>> unit = Domain(lambda x: (0 < x) & (x < 1), (0.5,))
        >>> unit.holds([np.float32(0.25)]), unit.holds([np.float32(1.0)])
        (True, False)
    """

    def __init__(
        self, predicate: Callable[..., Any], args: Sequence[Any], held: Collection[int] = ()
    ) -> None:
        args = hidden(args)
        predicate = as_given(revealing(predicate, args), args, held)
        try:
            self.program = trace(predicate, args, "domain", finite=False)
        except TraceError as error:
            raise TraceError(f"{error}; {_WRITTEN}") from error.__cause__
        require_known_constants("domain", self.program.jaxpr.consts)
        self._require_truths()
        self._cost = max(1, operations(self.program.jaxpr.jaxpr))
        self._left = BUDGET
        self._known: dict[bytes, bool] = {}
        self._require([leaf.value for leaf in self.program.inputs])

    @property
    def spent(self) -> bool:
        """Whether it was not asked any more, since that takes too long."""
        return self._left < self._cost

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether it is certain that a point is inside.

        Args:
            values: the value of each leaf of the arguments.
        """
        key = b"".join(value.tobytes() for value in values if isinstance(value, _NUMBERS))
        if key not in self._known and not self.spent:
            self._left -= self._cost
            try:
                self._known[key] = self._decided(values) is True
            except (CannotDecide, UnsupportedPrimitive):
                self._known[key] = False
        return self._known.get(key, False)

    def _decided(self, values: Sequence[Any]) -> bool | None:
        """None where it is open.

        Raises:
            CannotDecide, UnsupportedPrimitive: as the rules do.
        """
        for bits in PRECISIONS:
            with precision(bits):
                found = interpret(self.program, Ball(), balls(self.program.inputs, values))
            truths = [truth for leaf in found for truth in leaf.flat]
            if any(truth is not UNKNOWN and not truth for truth in truths):
                return False
            if all(truth is not UNKNOWN for truth in truths):
                return True
        return None

    def _require_truths(self) -> None:
        kinds = {str(leaf.dtype) for leaf in self.program.outputs} or {"nothing"}
        if kinds != {"bool"}:
            [kind, *_] = sorted(kinds - {"bool"})
            raise ArgumentError(f"domain returns {kind}, which is no boolean; {_WRITTEN}")

    def _require(self, values: Sequence[Any]) -> None:
        try:
            inside = self._decided(values)
        except (CannotDecide, UnsupportedPrimitive) as error:
            raise ArgumentError(
                f"domain is not decided at the given point in exact numbers: {error}"
            ) from error
        if inside is None:
            raise ArgumentError(
                "domain is not decided at the given point: a comparison in it is open however "
                f"exactly it is computed, as of equal numbers or of NaN; {_ROOM}"
            )
        if not inside:
            raise ArgumentError(
                "the given point is outside of its own domain: domain(*args) is False there; give "
                f"a point inside, and where rounding is the reason: {_ROOM}"
            )


_NUMBERS = (np.ndarray, np.generic)
_WRITTEN = (
    "a domain is a JAX function of the arguments, such as `lambda x: (0 < x) & (x < 1)`, with & in "
    "place of `and` and of a chain"
)
_ROOM = "leave some room, as in `lambda p: abs(p.sum() - 1) < 1e-6`"


def elsewhere(why: str = "") -> str:
    """What is said of a point that the caller did not give, and how to keep to his own.

    Args:
        why: what is said of it already.

    Example:
        >>> elsewhere("x = 0.0, where the operands of `eq` meet")
        ', not the given one (domain=, argnums= or special_points=False keep to yours)'
    """
    known = "" if "the given point" in why else ", not the given one"
    return f"{known} (domain=, argnums= or special_points=False keep to yours)"


def halved(given: Sequence[Any], other: Sequence[Any]) -> Iterator[list[Any]]:
    """Points between a given one and another one, ever nearer to the given one and not that.

    Args:
        given, other: the value of each leaf; those that are the same stay.

    Example:
        >>> [float(x) for (x,) in halved([np.float16(1)], [np.float16(2)])][:3]
        [1.5, 1.25, 1.125]
    """
    for k in range(1, MOST_HALVINGS):
        point = [_between(x, y, 2.0**-k) for x, y in zip(given, other, strict=True)]
        if all(x is y or np.array_equal(x, y) for x, y in zip(given, point, strict=True)):
            return
        yield point


def _between(x: Any, y: Any, part: float) -> Any:
    if x is y or np.array_equal(x, y):
        return x
    start, end = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return (start + part * (end - start)).astype(x.dtype)
