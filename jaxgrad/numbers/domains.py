"""Where each real function has a value: what a proof that uses it has to leave out.

A function is total, or has a domain: a condition on its arguments, decided over balls, and the
words in which a proof says where it fails.  Whatever is in neither table has no stated domain, and
no polynomial is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq_mpoly

__all__ = ["DOMAINS", "TOTAL", "Condition", "Domain"]


@dataclass(frozen=True)
class Domain:
    """The arguments at which a function has a value.

    Args:
        fails: where it has none, as a clause: "a divisor vanishes".
        holds: of balls, True if the function certainly has a value; False if it may have none.
    """

    fails: str
    holds: Callable[..., Any]


@dataclass(frozen=True)
class Condition:
    """What an evaluation over polynomials took for granted: arguments lie in a domain.

    Args:
        name: a key of :data:`DOMAINS`.
        arguments: polynomials.
    """

    name: str
    arguments: tuple[fmpq_mpoly, ...]

    @property
    def domain(self) -> Domain:
        """The domain that the arguments lie in."""
        return DOMAINS[self.name]


def _no_pole(u: arb) -> bool:
    """Not one of 0, −1, −2, …, the poles of Γ."""
    if u > 0:
        return True
    return bool(u.is_finite() and not u.contains_integer())


def _is_whole(n: arb) -> bool:
    return bool(n.is_exact() and n.is_integer() and n >= 0)


def _outside(name: str, interval: str) -> str:
    return f"the argument of {name} is outside {interval}"


def _at_pole(name: str) -> str:
    return f"the argument of {name} is a pole, 0, -1, -2, …,"


def _incomplete(a: arb, x: arb) -> bool:
    return bool(a > 0 and x >= 0)


_INCOMPLETE = Domain(
    "an incomplete gamma function has no positive order or a negative argument", _incomplete
)
_POSITIVE = Domain("the argument of a root or logarithm is not positive", lambda u: u > 0)
_UNIT = "[-1, 1]"
_OPEN_UNIT = "the open interval (-1, 1)"

DOMAINS: dict[str, Domain] = {
    "divide": Domain("a divisor vanishes", lambda u: u != 0),
    "rem": Domain("a divisor vanishes", lambda x, y: y != 0),
    "log": _POSITIVE,
    "log1p": _POSITIVE,  # of 1 + x
    "sqrt": _POSITIVE,  # at 0 a root has a value, and no derivative
    "pow": Domain("the base of a power is not positive", lambda x, y: x > 0),
    "tan": Domain("the argument of tan is a pole", lambda u: u.cos() != 0),
    "asin": Domain(_outside("asin", _UNIT), lambda u: abs(u) <= 1),
    "acos": Domain(_outside("acos", _UNIT), lambda u: abs(u) <= 1),
    "acosh": Domain("the argument of acosh is below 1", lambda u: u >= 1),
    "atanh": Domain(_outside("atanh", _OPEN_UNIT), lambda u: abs(u) < 1),
    "erf_inv": Domain(_outside("erf_inv", _OPEN_UNIT), lambda u: abs(u) < 1),
    "lgamma": Domain(_at_pole("lgamma"), _no_pole),
    "digamma": Domain(_at_pole("digamma"), _no_pole),
    "polygamma": Domain(
        "the order of a polygamma function is no whole number or its argument is a pole",
        lambda n, x: _is_whole(n) and _no_pole(x),
    ),
    "zeta": Domain(
        "an argument of zeta(s, q) is outside s > 1, q > 0", lambda s, q: s > 1 and q > 0
    ),
    "igamma": _INCOMPLETE,
    "igammac": _INCOMPLETE,
    "igamma_grad_a": _INCOMPLETE,
    "regularized_incomplete_beta": Domain(
        "an argument of the incomplete beta function is outside a > 0, b > 0, 0 <= x <= 1",
        lambda a, b, x: a > 0 and b > 0 and x >= 0 and x <= 1,
    ),
    "expi": Domain("the argument of expi vanishes", lambda u: u != 0),
    "expn": Domain("the argument of expn is not positive", lambda n, x: x > 0),
    "cosine_integral": Domain("the argument of the cosine integral vanishes", lambda u: u > 0),
    "hyp1f1": Domain(
        "the parameter b of hyp1f1 is a pole, 0, -1, -2, …,", lambda a, b, x: _no_pole(b)
    ),
    "hyp2f1": Domain(
        "an argument of hyp2f1 is not below 1 or its parameter c is a pole",
        lambda a, b, c, x: x < 1 and _no_pole(c),
    ),
}

# Functions with a value at every real number, or pair of them (atan2(0, 0) is 0 in every dtype).
TOTAL = frozenset({
    "asinh", "atan", "atan2", "bessel_i0e", "bessel_i1e", "cbrt", "ceil", "cos", "cosh", "erf",
    "erfc", "erfi", "exp", "expm1", "floor", "logistic", "round_half_away", "round_half_even",
    "sin", "sine_integral", "sinh", "tanh",
})  # fmt: skip
