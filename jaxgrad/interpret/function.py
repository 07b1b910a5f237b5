"""Functions of your own: what is known of one, and the rule of the primitive that is it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxgrad.errors import ArgumentError
from jaxgrad.interpret.rules import RULES
from jaxgrad.interpret.rules.elementwise import make_rule
from jaxgrad.numbers.contradiction import contradiction
from jaxgrad.numbers.function import FUNCTIONS, OUTSIDE, Domain, define
from jaxgrad.programs.meanings import MEANINGS

__all__ = ["function"]


def function(
    name: str,
    *,
    arity: int,
    ball: Callable[..., Any],
    taylor: Callable[..., Any] | Mapping[int, Callable[..., Any]] | None,
    domain: tuple[str, Callable[..., Any]] | None,
    parity: str | None,
    jumps: str | None,
    limits: tuple[float | None, float | None],
    float64: Callable[..., Any],
    critical: tuple[tuple[str, Callable[..., Any]], ...],
    ulps: int,
    error: str,
) -> None:
    """Says what function of real numbers a primitive of your own is, applied to each entry.

    Where a JAX function computes the same, :func:`jaxgrad.rule` says so in a line.  This is for a
    function that is made of no others, such as Lambert's W.  What is said here is taken for true,
    as far as it does not contradict itself or what the primitive returns.  The derivative rules of
    the primitive are held against its Taylor coefficients.

    Args:
        name: of the primitive, which takes no parameters.
        arity: of how many numbers it is a function.
        ball: of `flint.arb` balls, one that holds every value; NaN where there may be none.
        taylor: (c, n) -> the first n Taylor coefficients about the ball c, NaN where there are
            none; of several arguments, for each in which they are known, argument ->
            (*arguments, n) -> those coefficients; None if none are known.  A list.
        domain: None if it has a value everywhere; else a pair: where it has none, as a clause such
            as "a divisor vanishes", and of balls, whether it certainly has one.
        parity: "odd", "even" or None.
        jumps: "somewhere"; "steps", if it is constant elsewhere than at multiples of 1/2; or None.
        limits: at −∞ and at +∞, each None where there is none or none is known.
        float64: of NumPy arrays, its values; NaN where there are none.  They choose the points that
            are asked, and decide nothing.
        critical: where derivatives may break: pairs of words in which {} is the name, and a
            function of NumPy arrays that vanishes there, such as
            ``(("the argument of {} is 1/4", lambda x: x - 0.25),)``; () if nowhere.
        ulps: how far the primitive's result is off at most, in units in the last place.
        error: whether that is relative to the "value", or to "one" where the value is smaller.

    Raises:
        ArgumentError: there is a function or a rule of this name, or fields contradict one
            another.

    Example:
        >>> import numpy as np
        >>> from flint import arb
        >>> function(
        ...     "my_exp", arity=1, ball=arb.exp, domain=None, parity=None, jumps=None,
        ...     taylor=lambda c, n: [c.exp() / arb(k).fac() for k in range(n)],
        ...     limits=(0, np.inf), float64=np.exp, critical=(), ulps=2, error="value",
        ... )

    Source: docs/architecture.md, to add a function.
    """
    if name in RULES or name in MEANINGS:
        raise ArgumentError(
            f"function: the primitive {name!r} has a rule already; give your own another name"
        )
    _require_form(name, domain, limits, critical, ulps)
    known = define(
        name, ball, taylor, arity=arity, definition=None, parity=parity, jumps=jumps,
        domain=None if domain is None else Domain(*domain), limits=limits, float64=float64,
        critical=critical, ulps=ulps, error=error, numpy="", elementwise=True, derivatives=0,
    )  # fmt: skip
    try:
        wrong = contradiction(known)
    except Exception as error_of_field:
        del FUNCTIONS[name]
        raise ArgumentError(
            f"function: the balls, the domain or the Taylor coefficients of {name!r} cannot be "
            f"computed: {type(error_of_field).__name__}: {error_of_field}; ball takes as many "
            "balls as the arity says, taylor these and n and returns a list of n"
        ) from error_of_field
    if wrong is not None:
        del FUNCTIONS[name]
        raise ArgumentError(
            f"function: of {name!r} the balls and the field {wrong} contradict each other; one of "
            "them is that of another function"
        )
    OUTSIDE.add(name)
    make_rule(name)


def _require_form(name: Any, domain: Any, limits: Any, critical: Any, ulps: Any) -> None:
    """Refuses fields of another form than said, which nothing would read."""
    wrong = {
        "name is no string": not isinstance(name, str),
        "domain is None or a pair of a clause and a function": domain is not None
        and not (_is_pair(domain) and isinstance(domain[0], str) and callable(domain[1])),
        "limits is a pair, at −∞ and at +∞": not _is_pair(limits),
        "critical is a tuple of pairs of words and a function": not (
            isinstance(critical, tuple)
            and all(_is_pair(c) and isinstance(c[0], str) and callable(c[1]) for c in critical)
        ),
        "ulps is a whole number, 0 or more": type(ulps) is not int or ulps < 0,
    }
    for text, holds in wrong.items():
        if holds:
            raise ArgumentError(f"function: of {name!r}, {text}")


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2
