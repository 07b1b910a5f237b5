"""The elementwise operations of random programs: each as JAX source, and over real numbers.

The sources of one operation are all the same function of real numbers, wherever the first one is
defined; which of them is written is the choice of a rewritten program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import mpmath
import numpy as np
from fuzz_exact import Real, Unknown, lifted
from mpmath import mpf

__all__ = ["OPERATIONS", "Operation", "define", "no_parameters"]

Parameters = dict[str, Any]


def no_parameters(random: Random, operands: list[Any]) -> Parameters:
    """The parameters of an operation without any."""
    return {}


@dataclass(frozen=True)
class Operation:
    """One kind of step.

    Args:
        sources: JAX expressions of the operands {0}, {1} … and of the parameters by name.
        exact: (Real, arrays, parameters) to an array.
        operands: a letter for each: f floating point, i integer, j int32, n either, b boolean.
        result: ``"same"`` as the first operand that is not boolean, or a dtype; ``"{dtype}"``
            takes it from the parameters.
        draw: parameters for operands of these values; None where it does not apply.
        weight: how often it is drawn, of 1.
        preamble: lines that come before the program, with {rule} for a name of the step's own.
    """

    sources: tuple[str, ...]
    exact: Callable[..., Any]
    operands: str
    result: str = "same"
    draw: Callable[[Random, list[Any]], Parameters | None] = field(default=no_parameters)
    weight: float = 1.0
    preamble: str = ""


OPERATIONS: dict[str, Operation] = {}


def define(name: str, *arguments: Any, **keywords: Any) -> None:
    """Adds an operation; a name that exists already is an error."""
    assert name not in OPERATIONS, name
    OPERATIONS[name] = Operation(*arguments, **keywords)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _smooth(function: Callable[[Any], Any]) -> Callable[..., Any]:
    return lifted(lambda real, x: function(real.bounded(x)))


def _interval(
    low: float | None, high: float | None, function: Callable[[Any], Any], closed: bool = False
) -> Callable[..., Any]:
    name = "within_closed" if closed else "within"
    return lifted(lambda real, x: getattr(real, name)(x, low, high, function))


# -- floating point, one operand -----------------------------------------------------------------
_UNARY: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "neg": (("-{0}", "0 - {0}", "-1 * {0}"), lifted(lambda real, x: -x)),
    "abs": (
        ("jnp.abs({0})", "jnp.maximum({0}, -{0})", "jnp.where({0} < 0, -{0}, {0})"),
        lifted(lambda real, x: real.maximum(x, -x)),
    ),
    "sign": (
        ("jnp.sign({0})", "({0} > 0).astype({0}.dtype) - ({0} < 0).astype({0}.dtype)"),
        lifted(Real.sign),
    ),
    "relu": (
        ("jax.nn.relu({0})", "jnp.maximum({0}, 0)", "({0} + jnp.abs({0})) / 2"),
        lifted(lambda real, x: real.maximum(x, mpf(0))),
    ),
    "exp": (
        ("jnp.exp({0})", "1 / jnp.exp(-{0})", "jnp.exp({0} / 2) ** 2", "jnp.expm1({0}) + 1"),
        _smooth(mpmath.exp),
    ),
    "expm1": (("jnp.expm1({0})", "jnp.exp({0}) - 1"), _smooth(lambda x: mpmath.exp(x) - 1)),
    "exp2": (("jnp.exp2({0})",), _smooth(lambda x: mpf(2) ** x)),
    "log": (("jnp.log({0})", "-jnp.log(1 / {0})"), _interval(0, None, mpmath.log)),
    "log1p": (
        ("jnp.log1p({0})", "jnp.log(1 + {0})"),
        _interval(-1, None, lambda x: mpmath.log(1 + x)),
    ),
    "sqrt": (("jnp.sqrt({0})",), _interval(0, None, mpmath.sqrt, closed=True)),
    "rsqrt": (
        ("lax.rsqrt({0})", "1 / jnp.sqrt({0})"),
        _interval(0, None, lambda x: 1 / mpmath.sqrt(x)),
    ),
    # At 0 its slope is infinite, which the sign of 0 leaves a note of.
    "cbrt": (("jnp.cbrt({0})",), lifted(lambda real, x: real.sign(x) * mpmath.cbrt(abs(x)))),
    "sin": (("jnp.sin({0})", "-jnp.sin(-{0})"), _smooth(mpmath.sin)),
    "cos": (
        ("jnp.cos({0})", "jnp.cos(-{0})", "1 - 2 * jnp.sin({0} / 2) ** 2"),
        _smooth(mpmath.cos),
    ),
    "tan": (("jnp.tan({0})", "jnp.sin({0}) / jnp.cos({0})"), _smooth(mpmath.tan)),
    "sinh": (("jnp.sinh({0})", "(jnp.exp({0}) - jnp.exp(-{0})) / 2"), _smooth(mpmath.sinh)),
    "cosh": (("jnp.cosh({0})",), _smooth(mpmath.cosh)),
    "tanh": (
        ("jnp.tanh({0})", "2 * jax.nn.sigmoid(2 * {0}) - 1", "jnp.sinh({0}) / jnp.cosh({0})"),
        _smooth(mpmath.tanh),
    ),
    "sigmoid": (("jax.nn.sigmoid({0})", "1 / (1 + jnp.exp(-{0}))"), _smooth(_sigmoid)),
    "softplus": (
        ("jax.nn.softplus({0})", "jnp.log1p(jnp.exp({0}))", "jnp.logaddexp({0}, 0)"),
        _smooth(lambda x: mpmath.log(1 + mpmath.exp(x))),
    ),
    "silu": (("jax.nn.silu({0})", "{0} * jax.nn.sigmoid({0})"), _smooth(lambda x: x * _sigmoid(x))),
    "erf": (("lax.erf({0})", "1 - lax.erfc({0})"), _smooth(mpmath.erf)),
    "asin": (("jnp.arcsin({0})",), _interval(-1, 1, mpmath.asin, closed=True)),
    "acos": (("jnp.arccos({0})",), _interval(-1, 1, mpmath.acos, closed=True)),
    "atan": (("jnp.arctan({0})",), lifted(lambda real, x: mpmath.atan(x))),
    "asinh": (("jnp.arcsinh({0})",), lifted(lambda real, x: mpmath.asinh(x))),
    "acosh": (("jnp.arccosh({0})",), _interval(1, None, mpmath.acosh, closed=True)),
    "atanh": (("jnp.arctanh({0})",), _interval(-1, 1, mpmath.atanh)),
    "square": (("jnp.square({0})", "{0} * {0}", "(-{0}) ** 2"), lifted(lambda real, x: x * x)),
    "reciprocal": (("1 / {0}", "jnp.reciprocal({0})"), lifted(lambda real, x: real.divide(1, x))),
    "floor": (
        ("jnp.floor({0})", "-jnp.ceil(-{0})"),
        lifted(lambda real, x: mpf(real.floor(x))),
    ),
    "ceil": (("jnp.ceil({0})", "-jnp.floor(-{0})"), lifted(lambda real, x: mpf(-real.floor(-x)))),
    "round": (("jnp.round({0})", "-jnp.round(-{0})"), lifted(lambda real, x: mpf(real.round(x)))),
    "trunc": (("jnp.trunc({0})",), lifted(lambda real, x: mpf(real.truncate(x)))),
}
for _name, (_sources, _exact) in _UNARY.items():
    define(_name, _sources, _exact, "f", weight=0.4)


def _constant(random: Random, operands: list[Any]) -> Parameters:
    c = random.choice([0.5, 2.0, -1.0, 3.0, 0.25, -1.5, 1.0, 0.1, -0.7, 1.3])
    return {"c": c}


def _rounded(c: float) -> Any:
    """A constant as float32 has it; the programs write it with this dtype."""
    return mpf(float(np.float32(c)))


_BY_CONSTANT = {
    "plus constant": (("{0} + np.float32({c})", "np.float32({c}) + {0}"), lambda real, x, c: x + c),
    "times constant": (
        ("{0} * np.float32({c})", "np.float32({c}) * {0}"),
        lambda real, x, c: x * c,
    ),
    "by constant": (("{0} / np.float32({c})",), lambda real, x, c: x / c),
    "max constant": (
        ("jnp.maximum({0}, np.float32({c}))", "-jnp.minimum(-{0}, -np.float32({c}))"),
        lambda real, x, c: real.maximum(x, c),
    ),
    "mod constant": (("jnp.mod({0}, np.float32({c}))",), lambda real, x, c: real.modulo(x, c)),
}
for _name, (_sources, _of) in _BY_CONSTANT.items():
    define(
        _name, _sources, lifted(lambda real, x, c, of=_of: of(real, x, _rounded(c))), "f",
        result="float32", draw=_constant,
    )  # fmt: skip
define(
    "integer power",
    ("{0} ** {n}", "lax.integer_pow({0}, {n})", "1 / {0} ** (-{n})"),
    lifted(lambda real, x, n: real.integer_power(x, n)),
    "f",
    draw=lambda random, operands: {"n": random.choice([2, 3, 4, -1, -2])},
)
define(
    "clip",
    ("jnp.clip({0}, {low}, {high})", "jnp.minimum(jnp.maximum({0}, {low}), {high})"),
    lifted(lambda real, x, low, high: real.minimum(real.maximum(x, mpf(low)), mpf(high))),
    "f",
    draw=lambda random, operands: {
        "low": random.choice([-1.0, -0.5, 0.0]), "high": random.choice([0.5, 1.0, 2.0]),
    },
)  # fmt: skip

# -- floating point, two and three operands ------------------------------------------------------
_BINARY: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "add": (("{0} + {1}", "{1} + {0}", "-(-{0} - {1})"), lambda real, x, y: x + y),
    "sub": (("{0} - {1}", "{0} + (-{1})", "-({1} - {0})"), lambda real, x, y: x - y),
    "mul": (
        (
            "{0} * {1}",
            "{1} * {0}",
            "{0} * ({1} + 1) - {0}",
            "(({0} + {1}) ** 2 - ({0} - {1}) ** 2) / 4",
        ),
        lambda real, x, y: x * y,
    ),
    "div": (("{0} / {1}", "{0} * (1 / {1})", "-{0} / -{1}"), Real.divide),
    "max": (
        (
            "jnp.maximum({0}, {1})",
            "jnp.maximum({1}, {0})",
            "-jnp.minimum(-{0}, -{1})",
            "({0} + {1} + jnp.abs({0} - {1})) / 2",
        ),
        Real.maximum,
    ),
    "min": (
        ("jnp.minimum({0}, {1})", "-jnp.maximum(-{0}, -{1})", "{0} + {1} - jnp.maximum({0}, {1})"),
        Real.minimum,
    ),
    "pow": (("{0} ** {1}", "1 / {0} ** (-{1})"), Real.power),
    "mod": (("jnp.mod({0}, {1})", "{0} - {1} * jnp.floor({0} / {1})"), Real.modulo),
    "rem": (("lax.rem({0} + 0 * {1}, {1} + 0 * {0})",), Real.remainder),
    "logaddexp": (
        ("jnp.logaddexp({0}, {1})", "jnp.log(jnp.exp({0}) + jnp.exp({1}))"),
        lambda real, x, y: mpmath.log(
            mpmath.exp(real.bounded(x)) + mpmath.exp(real.bounded(y))
        ),
    ),
    "weighted": (("{0} + 0.25 * ({1} - {0})",), lambda real, x, y: x + (y - x) / 4),
}  # fmt: skip
for _name, (_sources, _of) in _BINARY.items():
    define(_name, _sources, lifted(_of), "ff", weight=1.5)


def _atan2(real: Real, y: Any, x: Any) -> Any:
    if real.order(x, mpf(0)) != 1 and real.order(y, mpf(0)) == 0:
        raise Unknown("the cut of atan2, where floats ask for the sign of 0")
    if mpmath.isnan(x) or mpmath.isnan(y):
        return mpmath.mp.nan
    return mpmath.atan2(y, x)


define("atan2", ("jnp.arctan2({0}, {1})",), lifted(_atan2), "ff")
define(
    "where",
    ("jnp.where({0}, {1}, {2})", "jnp.where(~{0}, {2}, {1})"),
    lifted(lambda real, p, x, y: x if p else y),
    "bff",
    weight=3,
)
define(
    "clip between",
    ("jnp.clip({0}, {1}, {2})", "jnp.minimum(jnp.maximum({0}, {1}), {2})"),
    lifted(lambda real, x, low, high: real.minimum(real.maximum(x, low), high)),
    "fff",
)

# -- comparisons, which are false beside NaN (but for !=) ----------------------------------------
_COMPARISONS: dict[str, tuple[tuple[str, ...], Callable[[int | None], bool]]] = {
    "less": (("{0} < {1}", "{1} > {0}"), lambda side: side == -1),
    "less or equal": (("{0} <= {1}", "{1} >= {0}"), lambda side: side in (-1, 0)),
    "greater": (("{0} > {1}", "{1} < {0}"), lambda side: side == 1),
    "greater or equal": (("{0} >= {1}", "{1} <= {0}"), lambda side: side in (0, 1)),
    "equal": (("{0} == {1}", "~({0} != {1})"), lambda side: side == 0),
    "not equal": (("{0} != {1}", "~({1} == {0})"), lambda side: side != 0),
}
for _name, (_sources, _of) in _COMPARISONS.items():
    define(
        _name, _sources, lifted(lambda real, x, y, of=_of: of(real.order(x, y))), "nn",
        result="bool", weight=0.8,
    )  # fmt: skip
define(
    "positive",
    ("{0} > 0", "0 < {0}"),
    lifted(lambda real, x: real.order(x, 0 if isinstance(x, int) else mpf(0)) == 1),
    "n",
    result="bool",
)


def _is_nan(real: Real, x: Any) -> bool:
    if mpmath.isnan(x) and real.pole:
        raise Unknown("whether a pole is NaN or an infinity")
    return bool(mpmath.isnan(x))


define("is nan", ("jnp.isnan({0})", "{0} != {0}"), lifted(_is_nan), "f", result="bool", weight=0.3)
define(
    "is finite", ("jnp.isfinite({0})",), lifted(lambda real, x: not mpmath.isnan(x)), "f",
    result="bool", weight=0.3,
)  # fmt: skip
define("and", ("{0} & {1}", "~(~{0} | ~{1})"), lifted(lambda real, p, q: p and q), "bb", "bool")
define("or", ("{0} | {1}", "~(~{0} & ~{1})"), lifted(lambda real, p, q: p or q), "bb", "bool")
define("xor", ("{0} ^ {1}", "{0} != {1}"), lifted(lambda real, p, q: p != q), "bb", "bool")
define("not", ("~{0}", "jnp.logical_not({0})"), lifted(lambda real, p: not p), "b", "bool")
