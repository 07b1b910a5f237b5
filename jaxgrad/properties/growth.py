"""The property of a function of one number that it does not fall."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from jaxgrad.programs.as_code import as_code, imports
from jaxgrad.programs.options import flag
from jaxgrad.properties.evaluated import Evaluated, checked_dtypes, require_known
from jaxgrad.properties.search import Once, held, refuted, smallest
from jaxgrad.strategies.floats import finite_floats, values_that_matter
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies
from jaxgrad.verdict import Evidence

__all__ = ["increasing"]


def increasing(
    f: Callable[..., Any],
    *,
    dtypes: Any = None,
    exact: bool = False,
    max_examples: int | None = None,
) -> Evidence:
    """f does not fall: f(x) ≤ f(y) for x ≤ y.

    It is asserted of the floats that ``jax.jit(f)`` returns. An approximation of exp may fall by an
    ulp where the function grows: ``exact=True`` asserts it of the formula. First come floats of
    ``strategies.values_that_matter`` with the next larger ones of them, −0 before 0, then pairs
    that Hypothesis draws. NaN is neither larger nor smaller, so that it is a counterexample.

    Args:
        f, dtypes, exact, max_examples: as for :func:`~jaxgrad.properties.derivative_below`, which
            says what is returned and raised, too.

    Example:
        >>> import jax
        >>> print(increasing(jax.nn.relu, dtypes="float16", max_examples=10))
        AGREES: f is increasing, as compiled, at all ... pairs of floats of float16 that were tried

    Source: claim F4, σ and ReL grow.
    """
    __tracebackhide__ = True
    exact, tried, names = flag("exact", exact), 0, []
    for dtype in checked_dtypes(dtypes):
        of_f = Evaluated(f, dtype, derivative=False)
        asked = Once(_Falls(of_f, exact))
        neighbours = itertools.pairwise(sorted(values_that_matter(dtype), key=_place))
        found = next(filter(asked, neighbours), None)
        pairs = hypothesis_strategies().tuples(finite_floats(dtype), finite_floats(dtype))
        drawn = pairs.map(lambda pair: tuple(sorted(pair, key=_place)))
        found = found or smallest(drawn, asked, max_examples)
        if found is not None:
            _refute(of_f, found)
        require_known(of_f, *(asked.open or ()))
        tried, names = tried + asked.tried, [*names, dtype.name]
    how = "in exact arithmetic" if exact else "as compiled"
    return held(
        f"f is increasing, {how}, at all {tried} pairs of floats of {', '.join(names)} that were "
        "tried"
    )


def _place(x: Any) -> tuple[float, float]:
    """Where a float is in their order, −0 before 0."""
    return float(x), math.copysign(1, float(x))


@dataclass(frozen=True)
class _Falls:
    """Whether f falls from one float to a larger one; None where that is not known."""

    of_f: Evaluated
    exact: bool

    def __call__(self, pair: tuple[Any, Any]) -> bool | None:
        if not self.exact:
            below, above = self.of_f.each(pair)
            return not below <= above
        below, above = map(self.of_f.exact, pair)
        return None if below is None or above is None else bool(below > above)


def _refute(of_f: Evaluated, pair: tuple[Any, Any]) -> NoReturn:
    __tracebackhide__ = True
    (low, high), (below, above) = pair, of_f.each(pair)
    code = [
        "# with `f` in scope",
        *imports([low]),
        f"x, y = {as_code(low)}, {as_code(high)}",
        'print("at", x, "and", y, "f is", jax.jit(f)(x), "and", jax.jit(f)(y))',
    ]
    goes = "it goes" if math.isnan(below + above) else "it falls"
    refuted(
        f"f is not increasing: {goes} from {below} at {float(low)} to {above} at {float(high)} "
        f"({of_f.dtype.name}){_in_truth(of_f, pair)}",
        "\n".join(code),
    )


def _in_truth(of_f: Evaluated, pair: tuple[Any, Any]) -> str:
    """Whether it is the formula that falls, or what floats have made of it."""
    below, above = map(of_f.exact, pair)
    if below is None or above is None:
        return ""
    return "; so does the formula" if below > above else "; the formula does not: this is rounding"
