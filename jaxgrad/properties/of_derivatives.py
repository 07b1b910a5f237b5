"""Properties of a function of one number: how large its derivative is, which values it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import ArgumentError
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.programs.as_code import as_code, imports
from jaxgrad.programs.options import flag
from jaxgrad.properties.evaluated import Evaluated, checked_dtypes, require_known
from jaxgrad.properties.search import Once, held, refuted, smallest
from jaxgrad.strategies.floats import finite_floats, values_that_matter
from jaxgrad.verdict import Evidence

__all__ = [
    "derivative_above",
    "derivative_below",
    "derivative_finite",
    "derivative_takes",
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
    limit = _number("bound is", bound)
    statement = _Statement(
        f"<= {limit}",
        f"y <= {_code(limit)}",
        lambda y: y <= limit,
        lambda y: not y > exact_ball(limit),
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
    limit = _number("bound is", bound)
    statement = _Statement(
        f">= {limit}",
        f"y >= {_code(limit)}",
        lambda y: y >= limit,
        lambda y: not y < exact_ball(limit),
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
    given = sorted({_number("values has", value) for value in values})
    if not given:
        raise ArgumentError("values is empty: pass the numbers that the derivative may be")
    statement = _Statement(
        f"one of {', '.join(map(str, given))}",
        f"y in ({', '.join(map(_code, given))},)",
        lambda y: y in given,
        lambda y: any(y.overlaps(exact_ball(value)) for value in given),
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
        asked = Once(_Fails(slope, statement, exact))
        found = next(filter(asked, values_that_matter(dtype)), None)
        if found is None:
            found = smallest(finite_floats(dtype), asked, max_examples)
        if found is not None:
            _refute(slope, statement, found)
        require_known(slope, asked.open)
        tried, names = tried + asked.tried, [*names, dtype.name]
    how = "in exact arithmetic" if exact else "as compiled"
    return held(
        f"the derivative of f is {statement.words}, {how}, at all {tried} floats of "
        f"{', '.join(names)} that were tried"
    )


@dataclass(frozen=True)
class _Fails:
    """Whether a statement fails of the derivative at a float; None where that is not known."""

    slope: Evaluated
    statement: _Statement
    exact: bool

    def __call__(self, x: Any) -> bool | None:
        if not self.exact:
            return not self.statement.of_float(self.slope.compiled(x))
        ball = self.slope.exact(x)
        return None if ball is None else not self.statement.of_ball(ball)


def _refute(slope: Evaluated, statement: _Statement, x: Any) -> NoReturn:
    __tracebackhide__ = True
    y = slope.compiled(x)
    code = [
        "# with `f` in scope",
        *(["from fractions import Fraction"] if "Fraction(" in statement.code else []),
        *imports([x]),
        f"x = {as_code(x)}",
        # Python compares its own floats and fractions exactly.
        "y = float(jax.jit(jax.grad(f))(x))",
        f'print("at", x, "the derivative is", y, "and {statement.code} is", {statement.code})',
    ]
    refuted(
        f"the derivative of f is not {statement.words}: at x = {float(x)} ({slope.dtype.name}) the "
        f"compiled one is {y}{_in_truth(slope, statement, x, y)}",
        "\n".join(code),
    )


def _in_truth(slope: Evaluated, statement: _Statement, x: Any, y: float) -> str:
    """Whether it is the formula that is wrong, or what floats have made of it."""
    ball = slope.exact(x)
    if ball is None:
        return ""
    shown = ball.str(10, radius=False)
    if not statement.of_ball(ball):
        return f", and the formula {shown}"
    cause = "rounding" if math.isfinite(y) else "an overflow or underflow of floats"
    return f"; the formula is {shown} there, which is no counterexample: this is {cause}"


def _number(name: str, value: Any) -> Any:
    """A number as it is compared: of NumPy's and JAX's those of Python."""
    plain = value
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        array = np.asarray(value)
        floating = jnp.issubdtype(array.dtype, jnp.floating)
        plain = float(array) if floating else array.item()
    if isinstance(plain, bool) or not isinstance(plain, int | float | Fraction) or plain != plain:
        raise ArgumentError(f"{name} {value!r:.60}: pass a real number, such as 0.25")
    return plain


def _code(value: Any) -> str:
    """A number as Python that needs no import but NumPy's and, of a fraction, its class."""
    return repr(value) if isinstance(value, Fraction) else as_code(value)
