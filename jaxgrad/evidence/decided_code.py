"""A point at which a decided statement is false, as Python that can be pasted."""

from __future__ import annotations

from collections.abc import Mapping

from jaxgrad.evidence.algebraic import AlgebraicNumber, Point

__all__ = ["decided_code"]


def decided_code(point: Mapping[str, Point], claim: str) -> str:
    """Python that rebuilds the point, and prints what the caller's functions say there.

    Args:
        point: name -> value of each variable.
        claim: ``"conclusion"`` where that is false, ``"attained"`` where the set of equality is.

    Example:
        >>> from fractions import Fraction
        >>> print(decided_code({"x": Fraction(1, 2)}, "conclusion"))
        # with `conclusion` in scope
        from fractions import Fraction
        x = Fraction(1, 2)
        print('conclusion(x) is', conclusion(x), 'and should hold')
    """
    lines, names = ["from fractions import Fraction"], ", ".join(point)
    for name, value in point.items():
        if isinstance(value, AlgebraicNumber):
            lines.append(f"{name} = {float(value)!r}  # exactly: {value}")
        else:
            lines.append(f"{name} = Fraction({value.numerator}, {value.denominator})")
    if any(isinstance(value, AlgebraicNumber) for value in point.values()):
        return "\n".join([*lines, f"print('it does not hold near {names} =', {names})"])
    if claim == "conclusion":
        shown = f"print('conclusion({names}) is', conclusion({names}), 'and should hold')"
        return "\n".join(["# with `conclusion` in scope", *lines, shown])
    shown = (
        f"print('equality({names}) is', equality({names}), 'and should say whether a side of the "
        "conclusion is equal to the other there')"
    )
    return "\n".join(["# with `equality` in scope", *lines, shown])
