"""Properties of a function of one number: how large its derivative is, which values it takes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import ArgumentError, UndecidedError
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.programs.as_code import as_code, imports
from jaxgrad.programs.options import flag
from jaxgrad.properties.evaluated import Evaluated, checked_dtypes
from jaxgrad.properties.search import held, refuted, smallest
from jaxgrad.strategies.floats import finite_floats, values_that_matter
from jaxgrad.strategies.hypothesis_extra import hypothesis_strategies
from jaxgrad.verdict import Evidence, undecided

__all__ = [
    "derivative_above",
    "derivative_below",
    "derivative_finite",
    "derivative_takes",
    "increasing",
]


@dataclass(frozen=True)
class _Statement:
    """What is said of a number y.

    Args:
        words: the same as a part of a sentence.
        code: as Python, of ``y``.
        of_float: whether it holds of a float, which may be NaN.
        of_ball: whether it may hold of a number in this ball.
    """

    words: str
    code: str
    of_float: Callable[[float], bool]
    of_ball: Callable[[arb], bool]


def derivative_below(
    f: Callable[..., Any],
    bound: float | Fraction,
    *,
    dtypes: Any = None,
    exact: bool = False,
    max_examples: int | None = None,
) -> Evidence:
    """The derivative of f is at most a bound: f′(x) ≤ bound.

    It is asserted of the floats that ``jax.jit(jax.grad(f))`` returns, compared as exact numbers:
    one that rounding has put above the bound is a counterexample, and the message says that it is
    rounding. ``exact=True`` asserts it of the formula, the same program in exact arithmetic: then
    only a point at which the formula is above, for certain, is one.

    Args:
        f: a JAX function of a scalar of shape () that returns one of any float dtype.
        bound: a number; a Fraction, where no float is it.
        dtypes: of x, one or several; float16, bfloat16 and float32, and float64 where it is
            enabled, if None.
        exact: whether the formula is meant, and not the floats.
        max_examples: how many floats Hypothesis draws of each dtype, after all of
            ``strategies.values_that_matter``; as many as its profile says if None.

    Returns:
        evidence with the verdict AGREES, which says how many floats were tried.

    Raises:
        ArgumentError: f is no such function, or another argument is none of its kind.
        PropertyRefuted: there is a counterexample; the message has it as code.
        UndecidedError: ``exact``, and the formula cannot be read.
        MissingExtra: Hypothesis is not installed.

    Example:
        >>> import jax
        >>> print(derivative_below(jax.nn.sigmoid, 0.25, dtypes="bfloat16", max_examples=10))
        AGREES: the derivative of f is <= 0.25, as compiled, at all ... floats of bfloat16 that
        were tried

    Source: claim A6, σ′(z) ≤ ¼.
    """
    __tracebackhide__ = True
    limit = _number("bound", bound)
    statement = _Statement(
        f"<= {bound}", f"y <= {_code(bound)}", lambda y: y <= limit, lambda y: not y > _ball(limit)
    )
    return _of_derivative(f, statement, dtypes, exact, max_examples)


def derivative_above(
    f: Callable[..., Any],
    bound: float | Fraction,
    *,
    dtypes: Any = None,
    exact: bool = False,
    max_examples: int | None = None,
) -> Evidence:
    """The derivative of f is at least a bound: f′(x) ≥ bound, so with 0 that f does not fall.

    Args:
        f, bound, dtypes, exact, max_examples: as for :func:`derivative_below`, which says what is
            asserted, returned and raised, too.

    Example:
        >>> import jax
        >>> print(derivative_above(jax.nn.softplus, 0, dtypes="float16", max_examples=10))
        AGREES: the derivative of f is >= 0, as compiled, at all ... floats of float16 that were
        tried

    Source: claim F5, σ grows, and so does ReL.
    """
    __tracebackhide__ = True
    limit = _number("bound", bound)
    statement = _Statement(
        f">= {bound}", f"y >= {_code(bound)}", lambda y: y >= limit, lambda y: not y < _ball(limit)
    )
    return _of_derivative(f, statement, dtypes, exact, max_examples)


def derivative_takes(
    f: Callable[..., Any],
    values: Iterable[float | Fraction],
    *,
    dtypes: Any = None,
    exact: bool = False,
    max_examples: int | None = None,
) -> Evidence:
    """The derivative of f takes no values but these: f′(x) ∈ values.

    Args:
        f, dtypes, exact, max_examples: as for :func:`derivative_below`, which says what is
            asserted, returned and raised, too.
        values: the numbers.

    Example:
        >>> import jax
        >>> print(derivative_takes(jax.nn.relu, {0, 1}, dtypes="float16", max_examples=10))
        AGREES: the derivative of f is one of 0, 1, as compiled, at all ... floats of float16 that
        were tried

    Source: claim F6, ReL′ ∈ {0, 1}.
    """
    __tracebackhide__ = True
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ArgumentError(f"values is {values!r:.60}: pass some numbers, such as {{0, 1}}")
    given = sorted({_number("values", value) for value in values})
    if not given:
        raise ArgumentError("values is empty: pass the numbers that the derivative may be")
    statement = _Statement(
        f"one of {', '.join(map(str, given))}",
        f"y in ({', '.join(map(_code, given))},)",
        lambda y: y in given,
        lambda y: any(y.overlaps(_ball(value)) for value in given),
    )
    return _of_derivative(f, statement, dtypes, exact, max_examples)


def derivative_finite(
    f: Callable[..., Any], *, dtypes: Any = None, max_examples: int | None = None
) -> Evidence:
    """The derivative of f is a number at every finite float: neither NaN nor infinite.

    Args:
        f, dtypes, max_examples: as for :func:`derivative_below`, which says what is asserted,
            returned and raised, too.

    Example:
        >>> import jax
        >>> print(derivative_finite(jax.numpy.tanh, dtypes="float16", max_examples=10))
        AGREES: the derivative of f is finite, as compiled, at all ... floats of float16 that were
        tried

    Source: claim F5.
    """
    __tracebackhide__ = True
    statement = _Statement("finite", "np.isfinite(y)", math.isfinite, arb.is_finite)
    return _of_derivative(f, statement, dtypes, False, max_examples)


def increasing(
    f: Callable[..., Any],
    *,
    dtypes: Any = None,
    exact: bool = False,
    max_examples: int | None = None,
) -> Evidence:
    """f does not fall: f(x) ≤ f(y) for x ≤ y.

    It is asserted of the floats that ``jax.jit(f)`` returns. An approximation of exp may fall by an
    ulp where the function grows: ``exact=True`` asserts it of the formula.

    Args:
        f, dtypes, exact, max_examples: as for :func:`derivative_below`, which says what is returned
            and raised, too.

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
        seen = _Falls(of_f, exact)
        sizes = sorted(values_that_matter(dtype), key=float)
        neighbours = itertools.pairwise(sizes)
        found = next(filter(seen, neighbours), None)
        pairs = hypothesis_strategies().tuples(finite_floats(dtype), finite_floats(dtype))
        drawn = pairs.map(lambda pair: tuple(sorted(pair, key=float)))
        found = found or smallest(drawn, seen, max_examples)
        if found is not None:
            _refute_pair(of_f, found)
        tried, names = tried + seen.tried, [*names, dtype.name]
    how = "in exact arithmetic" if exact else "as compiled"
    return held(
        f"f is increasing, {how}, at all {tried} pairs of floats of {', '.join(names)} that were "
        "tried"
    )


class _Falls:
    """Whether f falls from one float to a larger one; NaN is no value to grow to."""

    def __init__(self, of_f: Evaluated, exact: bool) -> None:
        self._f, self._exact, self.tried = of_f, exact, 0

    def __call__(self, pair: tuple[Any, Any]) -> bool:
        self.tried += 1
        if not self._exact:
            below, above = self._f.each(pair)
            return not below <= above
        below, above = (_known(self._f, x) for x in pair)
        return bool(below > above)


def _refute_pair(of_f: Evaluated, pair: tuple[Any, Any]) -> None:
    __tracebackhide__ = True
    (low, high), (below, above) = pair, of_f.each(pair)
    first, second = map(of_f.exact, pair)
    said = ""
    if first is not None and second is not None:
        falls = bool(first > second)
        said = "; so does the formula" if falls else "; the formula does not: this is rounding"
    code = [
        "# with `f` in scope",
        *imports([low]),
        f"x, y = {as_code(low)}, {as_code(high)}",
        'print("at", x, "and", y, "f is", jax.jit(f)(x), "and", jax.jit(f)(y))',
    ]
    refuted(
        f"f is not increasing: it falls from {below} at {float(low)} to {above} at {float(high)} "
        f"({of_f.dtype.name}){said}",
        "\n".join(code),
    )


def _of_derivative(
    f: Callable[..., Any],
    statement: _Statement,
    dtypes: Any,
    exact: bool,
    max_examples: int | None,
) -> Evidence:
    __tracebackhide__ = True
    exact, tried, names = flag("exact", exact), 0, []
    for dtype in checked_dtypes(dtypes):
        slope = Evaluated(f, dtype, derivative=True)
        seen = _Fails(slope, statement, exact)
        found = next(filter(seen, values_that_matter(dtype)), None)
        if found is None:
            found = smallest(finite_floats(dtype), seen, max_examples)
        if found is not None:
            _refute(slope, statement, found)
        tried, names = tried + seen.tried, [*names, dtype.name]
    how = "in exact arithmetic" if exact else "as compiled"
    return held(
        f"the derivative of f is {statement.words}, {how}, at all {tried} floats of "
        f"{', '.join(names)} that were tried"
    )


class _Fails:
    """Whether a statement fails of the derivative at a float, and how many were tried."""

    def __init__(self, slope: Evaluated, statement: _Statement, exact: bool) -> None:
        self._slope, self._statement, self._exact, self.tried = slope, statement, exact, 0

    def __call__(self, x: Any) -> bool:
        self.tried += 1
        if not self._exact:
            return not self._statement.of_float(self._slope.compiled(x))
        return not self._statement.of_ball(_known(self._slope, x))


def _known(of_f: Evaluated, x: Any) -> arb:
    ball = of_f.exact(x)
    if ball is None:
        found = undecided(
            f"at {float(x)} ({of_f.dtype.name}) nothing is known of the formula in exact "
            "arithmetic; exact=False asks for the floats"
        )
        raise UndecidedError(str(found), found)
    return ball


def _refute(slope: Evaluated, statement: _Statement, x: Any) -> None:
    __tracebackhide__ = True
    y = slope.compiled(x)
    code = [
        "# with `f` in scope",
        *imports([x]),
        f"x = {as_code(x)}",
        "y = jax.jit(jax.grad(f))(x)",
        f'print("at", x, "the derivative is", y, "and {_quoted(statement.code)} is", '
        f"{statement.code})",
    ]
    refuted(
        f"the derivative of f is not {statement.words}: at x = {float(x)} ({slope.dtype.name}) the "
        f"compiled one is {y}{_in_truth(slope, statement, x)}",
        "\n".join(code),
    )


def _quoted(code: str) -> str:
    return code.replace('"', "'")


def _in_truth(slope: Evaluated, statement: _Statement, x: Any) -> str:
    """Whether it is the formula that is wrong, or what rounding has made of it."""
    ball = slope.exact(x)
    if ball is None:
        return ""
    shown = ball.str(10, radius=False)
    if statement.of_ball(ball):
        return f"; the formula is {shown} there, which may be: this is rounding"
    return f", and the formula {shown}"


def _number(name: str, value: Any) -> Any:
    """A number as it is compared: of NumPy's those of Python."""
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool) or not isinstance(plain, int | float | Fraction) or plain != plain:
        raise ArgumentError(f"{name} has {value!r:.60}: pass a real number, such as 0.25")
    return plain


def _ball(value: Any) -> arb:
    return exact_ball(value)


def _code(value: Any) -> str:
    """A number as Python that needs no import but NumPy's."""
    if isinstance(value, Fraction):
        return f"{value.numerator} / {value.denominator}"
    return as_code(_number("bound", value))
