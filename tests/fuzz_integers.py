"""Integers of random programs, which wrap, and the conversions between dtypes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from fuzz_exact import Real, Unknown, lifted
from fuzz_operations import define
from mpmath import mpf

__all__ = ["INTEGERS"]

INTEGERS = ("int32", "int8", "uint8")


def _wrapping(function: Callable[..., int]) -> Callable[..., Any]:
    """Integer arithmetic; the dtype comes as a parameter that the source does not show."""
    return lifted(lambda real, *xs, dtype, **rest: real.wrapped(function(*xs, **rest), dtype))


def _nonzero(real: Real, n: int) -> int:
    if n == 0:
        raise Unknown("an integer divided by 0")
    return n


def _truncated(x: int, y: int) -> int:
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def _divided(function: Callable[[int, int], int]) -> Callable[..., Any]:
    return lifted(lambda real, x, y, dtype: real.wrapped(function(x, _nonzero(real, y)), dtype))


_ARITHMETIC: dict[str, tuple[tuple[str, ...], Callable[..., Any], str]] = {
    "integer add": (("{0} + {1}", "{1} + {0}"), _wrapping(lambda x, y: x + y), "ii"),
    "integer sub": (("{0} - {1}", "{0} + (-{1})"), _wrapping(lambda x, y: x - y), "ii"),
    "integer mul": (("{0} * {1}", "{1} * {0}"), _wrapping(lambda x, y: x * y), "ii"),
    "integer max": (("jnp.maximum({0}, {1})",), _wrapping(max), "ii"),
    "integer min": (("jnp.minimum({0}, {1})",), _wrapping(min), "ii"),
    "integer and": (("{0} & {1}",), _wrapping(lambda x, y: x & y), "ii"),
    "integer xor": (("{0} ^ {1}",), _wrapping(lambda x, y: x ^ y), "ii"),
    "integer neg": (("-{0}", "0 - {0}"), _wrapping(lambda x: -x), "i"),
    "integer not": (("~{0}",), _wrapping(lambda x: ~x), "i"),
    "integer abs": (("jnp.abs({0})",), _wrapping(abs), "i"),
    "integer square": (("{0} ** 2", "{0} * {0}"), _wrapping(lambda x: x * x), "i"),
    "integer cube": (("{0} ** 3", "{0} * {0} * {0}"), _wrapping(lambda x: x**3), "i"),
    "floor divide": (("{0} // {1}",), _divided(lambda x, y: x // y), "ii"),
    "integer mod": (("{0} % {1}",), _divided(lambda x, y: x % y), "ii"),
    "truncated divide": (("lax.div({0} + 0 * {1}, {1} + 0 * {0})",), _divided(_truncated), "ii"),
    "integer rem": (
        ("lax.rem({0} + 0 * {1}, {1} + 0 * {0})",),
        _divided(lambda x, y: x - y * _truncated(x, y)),
        "ii",
    ),
}
for _name, (_sources, _exact, _operands) in _ARITHMETIC.items():
    define(_name, _sources, _exact, _operands, weight=3)


def _small(random: Random, operands: list[Any]) -> dict[str, Any]:
    return {"n": random.randint(1, 3)}


define(
    "plus integer", ("{0} + {n}", "{n} + {0}"), _wrapping(lambda x, n: x + n), "i",
    draw=_small, weight=2,
)  # fmt: skip
define("shift left", ("{0} << {n}",), _wrapping(lambda x, n: x << n), "i", draw=_small, weight=2)
define("shift right", ("{0} >> {n}",), _wrapping(lambda x, n: x >> n), "i", draw=_small, weight=2)
define(
    "where of integers",
    ("jnp.where({0}, {1}, {2})", "jnp.where(~{0}, {2}, {1})"),
    lifted(lambda real, p, x, y, dtype: x if p else y),
    "bii",
    weight=6,
)

# -- conversions ---------------------------------------------------------------------------------
define(
    "float to integer",
    ("{0}.astype(jnp.{to})", "jnp.trunc({0}).astype(jnp.{to})"),
    lifted(lambda real, x, to: real.fits(real.truncate(x), to)),
    "f",
    result="{to}",
    draw=lambda random, operands: {"to": random.choice(("int32", "int32", "int8"))},
    weight=0.5,
)
define(
    "integer to float",
    ("{0}.astype(jnp.float32)",),
    # An int32 beyond 2^24 is rounded in the conversion, which is no question of real numbers.
    lifted(lambda real, n: mpf(n) if abs(n) <= 1 << 24 else _too_large()),
    "i",
    result="float32",
    weight=5,
)


def _too_large() -> Any:
    raise Unknown("an integer that float32 does not have")


define(
    "integer to integer",
    ("{0}.astype(jnp.{to})",),
    lifted(lambda real, n, to: real.wrapped(n, to)),
    "i",
    result="{to}",
    draw=lambda random, operands: {"to": random.choice(INTEGERS)},
)
define(
    "boolean to float",
    ("{0}.astype(jnp.float32)", "jnp.where({0}, np.float32(1), np.float32(0))"),
    lifted(lambda real, p: mpf(int(p))),
    "b",
    result="float32",
    weight=2,
)
define(
    "boolean to integer",
    ("{0}.astype(jnp.{to})",),
    lifted(lambda real, p, to: int(p)),
    "b",
    result="{to}",
    draw=lambda random, operands: {"to": random.choice(INTEGERS)},
)
define(
    "float to boolean",
    ("{0}.astype(bool)", "{0} != 0"),
    lifted(lambda real, x: real.order(x, mpf(0)) != 0),
    "f",
    result="bool",
)
define(
    "float to float",
    ("{0}.astype(jnp.{to})",),
    # Over real numbers no dtype rounds.
    lambda real, x, to: np.asarray(x, dtype=object),
    "f",
    result="{to}",
    draw=lambda random, operands: {"to": random.choice(("float16", "float32", "bfloat16"))},
)
define(
    "to float32",
    ("{0}.astype(jnp.float32)",),
    lambda real, x: np.asarray(x, dtype=object),
    "f",
    result="float32",
    weight=0.1,
)
