"""What Taylor coefficients about a ball make of a series."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from jaxgrad.numbers.elementary_functions import Expansion
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.series import Series, unknown

__all__ = ["along_curve", "compose", "expand"]


def compose(name: str, x: Series) -> Series:
    """f(x) = Σ f⁽ᵏ⁾(c)/k! (x − c)ᵏ for the finite part c of x.

    Args:
        name: a function of one number with Taylor coefficients.
        x: a series that has a limit.

    Example:
        >>> compose("sin", Series([arb(0), arb(1)])).coefficients[0]
        1.00000000000000
    """
    return expand(name, FUNCTIONS[name].taylor[0], x)


def expand(name: str, expansion: Expansion, x: Series) -> Series:
    """Σ aₖ (x − c)ᵏ for the finite part c of x and the coefficients aₖ of an expansion about c."""
    if x.reason is not None:
        return x
    if not x.is_bounded:
        return unknown(f"{name} at a value without a known finite part", x.terms)
    c = x.at(0)
    h = x.infinitesimal()
    if not c.is_finite() and not c.is_exact():
        return unknown(f"{name} at a value that nothing bounds", x.terms)
    if h.is_zero or not c.is_finite():
        return _constant(name, expansion, c, x.terms)
    found = h.expanded(lambda count: expansion(c, count))
    return unknown(f"{name} is not analytic at {c.str(6)}", x.terms) if found is None else found


def along_curve(
    name: str, coefficients: Callable[[list[list[arb]], int], list[arb] | None], *xs: Series
) -> Series:
    """A function of several numbers that are power series.

    Args:
        name: what it is called.
        coefficients: of the coefficients of each and n, the first n of the function; None where it
            is not known.
        xs: the numbers.
    """
    for x in xs:
        if x.reason is not None:
            return x
    polynomials = [x.polynomial() for x in xs]
    terms = xs[0].terms
    known = [p for p in polynomials if p is not None]
    if len(known) < len(xs):
        return unknown(f"{name} of what is no power series", terms)
    ends = [int(-(-x.end[0] // 1)) for x in xs if x.end is not None]
    count = min([terms + 1, *ends])
    found = coefficients(known, count)
    if found is None or not all(c.is_finite() for c in found):
        return unknown(f"{name} at these arguments", terms)
    return Series(found, end=(count, 0), terms=terms)


def _constant(name: str, expansion: Expansion, c: arb, terms: int) -> Series:
    value = arb.nan() if c.is_nan() else expansion(c, 1)[0]
    if value.is_nan():
        return unknown(f"{name} at {c.str(6)}", terms)
    return Series([value], terms=terms)
