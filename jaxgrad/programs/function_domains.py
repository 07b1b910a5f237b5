"""Where the argument of a function may lie for its slope to be finite, as code."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Domain", "domain"]


@dataclass(frozen=True)
class Domain:
    """Where the argument of an operation may lie for its slope to be finite.

    Args:
        inside: how it compares there, as code.
        safe: an argument inside, as code.
        end: what the operation returns at the end of it, as code; None if that is infinite.
    """

    inside: str
    safe: str
    end: str | None = None


_DOMAINS = {
    "sqrt": Domain("> 0", "1.0", "0.0"),
    "rsqrt": Domain("> 0", "1.0"),
    "cbrt": Domain("!= 0", "1.0", "0.0"),
    "log": Domain("> 0", "1.0"),
    "log1p": Domain("> -1", "0.0"),
    "acosh": Domain("> 1", "2.0", "0.0"),
    "div": Domain("!= 0", "1.0"),
}
# Of those with two ends the one and the other.
_BELOW = {
    "acos": Domain("> -1", "0.0", "jnp.pi"),
    "asin": Domain("> -1", "0.0", "-jnp.pi / 2"),
    "atanh": Domain("> -1", "0.0"),
}
_ABOVE = {
    "acos": Domain("< 1", "0.0", "0.0"),
    "asin": Domain("< 1", "0.0", "jnp.pi / 2"),
    "atanh": Domain("< 1", "0.0"),
}


def domain(operation: str, met: float, exponent: float | None = None) -> Domain | None:
    """On which side of a number an argument may lie; None of an operation that is not masked.

    Args:
        operation: the name of its primitive.
        met: the number, at the end of its domain or outside of it.
        exponent: of a power.

    Example:
        >>> domain("acos", 2.0).inside, domain("pow", -1.0, 0.5).inside
        ('< 1', '> 0')
    """
    if operation == "pow":
        if exponent is None or float(exponent).is_integer():
            return Domain("!= 0", "1.0")
        return Domain("> 0", "1.0", "0.0" if exponent > 0 else None)
    sides = _ABOVE if met > 0 else _BELOW
    return _DOMAINS.get(operation) or sides.get(operation)
