"""Steps with derivative rules of their own, right ones and wrong ones."""

from __future__ import annotations

from random import Random
from typing import Any

import mpmath
from fuzz_exact import Real, lifted
from fuzz_operations import Parameters, define
from mpmath import mpf

__all__ = ["RIGHT", "WRONG", "is_wrong", "value_of_rule", "wrong_slope"]

# name: (function of x, its derivative, the function over real numbers)
_FUNCTIONS: dict[str, tuple[str, str, Any]] = {
    "sin": ("jnp.sin(x)", "jnp.cos(x)", lambda real, x: mpmath.sin(real.bounded(x))),
    "square": ("x * x", "2 * x", lambda real, x: x * x),
    "exp": ("jnp.exp(x)", "jnp.exp(x)", lambda real, x: mpmath.exp(real.bounded(x))),
    "tanh": ("jnp.tanh(x)", "(1 - jnp.tanh(x) ** 2)", lambda real, x: mpmath.tanh(x)),
    "softsign": (
        "x / (1 + jnp.abs(x))",
        "1 / (1 + jnp.abs(x)) ** 2",
        lambda real, x: x / (1 + abs(x)),
    ),
    "double": ("2 * x", "(2 + 0 * x)", lambda real, x: 2 * x),
    "log": ("jnp.log(1 + x * x)", "2 * x / (1 + x * x)", lambda real, x: mpmath.log(1 + x * x)),
}
RIGHT = {"right": "{d} * {t}", "commuted": "{t} * {d}", "doubled": "({d} * {t} + {t} * {d}) / 2"}
# Each is wrong somewhere, for every function above; every dtype has its constants.
WRONG = {
    "factor": "1.015625 * {d} * {t}",
    "sign": "-{d} * {t}",
    "offset": "({d} + 0.125) * {t}",
    "at 1 argument": "jnp.where(x == 0.5, 3.0, 1.0) * ({d} + (x == 0.5)) * {t}",
    "on an interval": "jnp.where(x > 0.75, 1.5, 1.0) * ({d} + (x > 0.75)) * {t}",
    "not linear": "{d} * jnp.clip({t}, -0.5, 0.5)",
    "value": "{d} * {t}",
}
_WRONG_VALUE = "{f} + 0.015625"
_JVP = """
@jax.custom_jvp
def {rule}(x):
    return {f}
{rule}.defjvp(lambda p, t: (lambda x, t: ({value}, {derivative}))(p[0], t[0]))
"""
_VJP = """
@jax.custom_vjp
def {rule}(x):
    return {f}
{rule}.defvjp(lambda x: ({value}, x), lambda x, g: ({derivative},))
"""


def is_wrong(kind: str) -> bool:
    """Whether a rule of this kind is planted to be wrong."""
    return kind in WRONG


def wrong_slope(kind: str, slope: Any, x: Any) -> Any:
    """What a rule says for the derivative at x; None where it is not linear."""
    if kind == "not linear":
        return None
    if kind == "factor":
        return mpf(1.015625) * slope
    if kind == "sign":
        return -slope
    if kind == "offset":
        return slope + mpf(1) / 8
    if kind == "at 1 argument" and x == mpf(1) / 2:
        return 3 * (slope + 1)
    if kind == "on an interval" and x > mpf(3) / 4:
        return mpf(3) / 2 * (slope + 1)
    return slope


def value_of_rule(kind: str, value: Any) -> Any:
    """What a rule says for the value."""
    return value + mpf(1) / 64 if kind == "value" else value


def _draw(random: Random, tangent: str) -> Parameters:
    name = random.choice(sorted(_FUNCTIONS))
    kind = random.choice(sorted(RIGHT) * 3 + sorted(WRONG))
    function, derivative, _ = _FUNCTIONS[name]
    pattern = RIGHT.get(kind) or WRONG[kind]
    return {
        "name": name,
        "kind": kind,
        "f": function,
        "value": (_WRONG_VALUE if kind == "value" else "{f}").format(f=function),
        "derivative": pattern.format(d=derivative, t=tangent),
    }


def _exact(real: Real, x: Any, name: str, **rest: Any) -> Any:
    return lifted(_FUNCTIONS[name][2])(real, x)


for _name, _preamble, _tangent in (("custom jvp", _JVP, "t"), ("custom vjp", _VJP, "g")):
    define(
        _name,
        ("{rule}({0})",),
        _exact,
        "f",
        draw=lambda random, operands, tangent=_tangent: _draw(random, tangent),
        weight=2.5,
        preamble=_preamble,
    )
