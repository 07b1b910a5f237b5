"""Reductions, products, sorts and loops of random programs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import mpmath
import numpy as np
from fuzz_exact import Real
from fuzz_operations import Parameters, define
from mpmath import mpf

__all__: list[str] = []


def _along(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a list of numbers, over one axis of an array or over all of it."""

    def over(real: Real, x: Any, axis: int | None, **parameters: Any) -> Any:
        if axis is None:
            x, axis = x.reshape(-1), 0
        rows = np.moveaxis(x, axis, -1)
        out = np.empty(rows.shape[:-1], dtype=object)
        for index in np.ndindex(out.shape):
            out[index] = function(real, list(rows[index]), **parameters)
        return out

    return over


def _running(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of lists to lists, over one axis."""

    def over(real: Real, x: Any, axis: int, **parameters: Any) -> Any:
        out = x.copy()
        rows, made = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
        for index in np.ndindex(rows.shape[:-1]):
            made[index] = function(real, list(rows[index]), **parameters)
        return out

    return over


def _axis(random: Random, operands: list[Any]) -> Parameters | None:
    rank_ = operands[0].ndim
    return {"axis": random.choice([None, *range(-1, rank_)])} if rank_ else None


def _one_axis(random: Random, operands: list[Any]) -> Parameters | None:
    rank_ = operands[0].ndim
    return {"axis": random.choice(range(rank_))} if rank_ else None


def _fold(function: Callable[[Real, Any, Any], Any]) -> Callable[[Real, list[Any]], Any]:
    def folded(real: Real, values: list[Any]) -> Any:
        result = values[0]
        for value in values[1:]:
            result = function(real, result, value)
        return result

    return folded


def _accumulate(function: Callable[[Real, Any, Any], Any]) -> Callable[[Real, list[Any]], Any]:
    def accumulated(real: Real, values: list[Any]) -> list[Any]:
        made = [values[0]]
        for value in values[1:]:
            made.append(function(real, made[-1], value))
        return made

    return accumulated


def _plus(real: Real, x: Any, y: Any) -> Any:
    return x + y


def _times(real: Real, x: Any, y: Any) -> Any:
    return x * y


def _mean(real: Real, values: list[Any]) -> Any:
    return sum(values[1:], values[0]) / len(values)


def _logsumexp(real: Real, values: list[Any]) -> Any:
    return mpmath.log(sum((mpmath.exp(real.bounded(v)) for v in values), mpf(0)))


def _softmax(real: Real, values: list[Any]) -> list[Any]:
    found = [mpmath.exp(real.bounded(v)) for v in values]
    return [v / sum(found) for v in found]


def _variance(real: Real, values: list[Any]) -> Any:
    mean = _mean(real, values)
    return _mean(real, [(v - mean) ** 2 for v in values])


_REDUCTIONS: dict[str, tuple[tuple[str, ...], Any]] = {
    "sum": (
        ("jnp.sum({0}, axis={axis})", "jnp.sum(jnp.flip({0}), axis={axis})[..., ::-1]"),
        _fold(_plus),
    ),
    "prod": (("jnp.prod({0}, axis={axis})",), _fold(_times)),
    "reduce max": (
        ("jnp.max({0}, axis={axis})", "-jnp.min(-{0}, axis={axis})"),
        _fold(Real.maximum),
    ),
    "reduce min": (
        ("jnp.min({0}, axis={axis})", "-jnp.max(-{0}, axis={axis})"),
        _fold(Real.minimum),
    ),
    "mean": (("jnp.mean({0}, axis={axis})",), _mean),
    "variance": (
        (
            "jnp.var({0}, axis={axis})",
            "jnp.mean({0} ** 2, axis={axis}) - jnp.mean({0}, axis={axis}) ** 2",
        ),
        _variance,
    ),
    "logsumexp": (
        (
            "jax.nn.logsumexp({0}, axis={axis})",
            "jnp.log(jnp.sum(jnp.exp({0}), axis={axis}))",
        ),
        _logsumexp,
    ),
}
for _name, (_sources, _of) in _REDUCTIONS.items():
    if _name == "sum":
        _sources = (_sources[0], "jnp.einsum('...->...', jnp.sum({0} * 1, axis={axis}))")
    define(_name, _sources, _along(_of), "f", draw=_axis)
define(
    "count",
    ("jnp.sum({0}, axis={axis}).astype(jnp.int32)",),
    _along(lambda real, values: sum(int(v) for v in values)),
    "b",
    "int32",
    draw=_axis,
)
define(
    "any",
    ("jnp.any({0}, axis={axis})", "~jnp.all(~{0}, axis={axis})"),
    _along(lambda real, values: any(values)),
    "b",
    "bool",
    draw=_axis,
)
define(
    "all",
    ("jnp.all({0}, axis={axis})", "~jnp.any(~{0}, axis={axis})"),
    _along(lambda real, values: all(values)),
    "b",
    "bool",
    draw=_axis,
)
define(
    "argmax",
    ("jnp.argmax({0}, axis={axis})",),
    _along(lambda real, values: real.place_of_largest(values)),
    "f",
    "int32",
    draw=_axis,
    weight=1.5,
)
define(
    "argmin",
    ("jnp.argmin({0}, axis={axis})", "jnp.argmax(-{0}, axis={axis})"),
    _along(lambda real, values: real.place_of_largest([-v for v in values])),
    "f",
    "int32",
    draw=_axis,
)
_RUNNING: dict[str, tuple[tuple[str, ...], Any]] = {
    "cumsum": (
        ("jnp.cumsum({0}, axis={axis})", "lax.cumsum({0}, axis={axis})"),
        _accumulate(_plus),
    ),
    "cumprod": (("jnp.cumprod({0}, axis={axis})",), _accumulate(_times)),
    "cummax": (("lax.cummax({0}, axis={axis})",), _accumulate(Real.maximum)),
    "reversed cumsum": (
        ("lax.cumsum({0}, axis={axis}, reverse=True)",),
        lambda real, values: _accumulate(_plus)(real, values[::-1])[::-1],
    ),
    "sort": (
        ("jnp.sort({0}, axis={axis})", "-jnp.flip(jnp.sort(-{0}, axis={axis}), {axis})"),
        lambda real, values: [values[k] for k in real.sorted(values)],
    ),
    "softmax": (("jax.nn.softmax({0}, axis={axis})",), _softmax),
}
for _name, (_sources, _of) in _RUNNING.items():
    define(_name, _sources, _running(_of), "f", draw=_one_axis)
define(
    "argsort",
    ("jnp.argsort({0}, axis={axis})",),
    _running(lambda real, values: real.sorted(values)),
    "f",
    "int32",
    draw=_one_axis,
)


# -- products ------------------------------------------------------------------------------------
def _product(real: Real, x: Any, y: Any) -> Any:
    return np.asarray(x @ y, dtype=object)


define(
    "matmul",
    ("{0} @ {1}", "jnp.matmul({1}.T, {0}.T).T", "jnp.dot({0}, {1})"),
    _product,
    "ff",
    draw=lambda random, operands: (
        {}
        if min(x.ndim for x in operands) and operands[0].shape[-1] == operands[1].shape[0]
        else None
    ),
    weight=3,
)
define(
    "outer",
    ("jnp.outer({0}, {1})", "{0}[:, None] * {1}[None, :]"),
    lambda real, x, y: np.outer(x, y),
    "ff",
    draw=lambda random, operands: {} if operands[0].ndim == operands[1].ndim == 1 else None,
)


# -- control -------------------------------------------------------------------------------------
# (JAX source of a body of the carry c and the entry x, the same over real numbers)
_BODIES: list[tuple[str, Callable[[Real, Any, Any], tuple[Any, Any]]]] = [
    ("(c * 0.5 + x, c * x)", lambda real, c, x: (c / 2 + x, c * x)),
    ("(jnp.maximum(c, x), jnp.sin(c))", lambda real, c, x: (real.maximum(c, x), mpmath.sin(c))),
    (
        "(jnp.where(x > c, x, c * x), c + x)",
        lambda real, c, x: (x if real.order(x, c) == 1 else c * x, c + x),
    ),
    ("(jnp.tanh(c + x), c)", lambda real, c, x: (mpmath.tanh(c + x), c)),
]


def _scan(real: Real, init: Any, x: Any, body: str, reverse: str, part: int) -> Any:
    run = dict(_BODIES)[body]
    carry, made = init[()], [None] * len(x)
    order = reversed(range(len(x))) if reverse == "True" else range(len(x))
    for k in order:
        carry, made[k] = run(real, carry, x[k])
    return np.array([carry, *made], dtype=object)[1:] if part else np.asarray(carry, dtype=object)


define(
    "scan",
    ("lax.scan(lambda c, x: {body}, {0}, {1}, reverse={reverse})[{part}]",),
    _scan,
    "ff",
    draw=lambda random, operands: (
        {
            "body": random.choice(_BODIES)[0],
            "reverse": random.choice(["True", "False"]),
            "part": random.choice([0, 1]),
        }
        if operands[0].ndim == 0 and operands[1].ndim == 1
        else None
    ),
    weight=6,
)


def _repeat(real: Real, x: Any, n: int) -> Any:
    for i in range(n):
        x = x / 2 + i
    return x


define(
    "fori",
    ("lax.fori_loop(0, {n}, lambda i, v: v * 0.5 + i.astype(v.dtype), {0})",),
    _repeat,
    "f",
    draw=lambda random, operands: {"n": random.choice([0, 1, 3])},
)


def _while(real: Real, x: Any) -> Any:
    for _ in range(6):
        if real.order(_fold(Real.maximum)(real, list(np.ravel(x))), mpf(3)) != -1:
            break
        x = x * mpf(3) / 2 + mpf(1) / 8
    return x


define(
    "while",
    (
        "lax.while_loop(lambda s: (s[0] < 6) & (jnp.max(s[1]) < 3), "
        "lambda s: (s[0] + 1, s[1] * 1.5 + 0.125), (0, {0}))[1]",
    ),
    _while,
    "f",
    weight=0.7,
)


def _conditional(real: Real, p: Any, x: Any) -> Any:
    if p[()]:
        return x * x - 1
    return np.frompyfunc(lambda v: mpmath.sin(v) * 2, 1, 1)(x)


define(
    "cond",
    (
        "lax.cond({0}, lambda v: v * v - 1, lambda v: jnp.sin(v) * 2, {1})",
        "lax.cond(~{0}, lambda v: jnp.sin(v) * 2, lambda v: v * v - 1, {1})",
        "jnp.where({0}, {1} * {1} - 1, jnp.sin({1}) * 2)",
    ),
    _conditional,
    "bf",
    draw=lambda random, operands: {} if operands[0].ndim == 0 else None,
    weight=3,
)


def _switch(real: Real, k: Any, x: Any) -> Any:
    branch = min(max(int(k[()]), 0), 2)
    return [x, x * x, -x * 3][branch]


define(
    "switch",
    ("lax.switch({0}, [lambda v: v, lambda v: v * v, lambda v: -v * 3], {1})",),
    _switch,
    "jf",
    draw=lambda random, operands: {} if operands[0].ndim == 0 else None,
    weight=3,
)
