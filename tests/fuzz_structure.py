"""Operations of random programs that move, pick and put entries."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from fuzz_exact import Real, Unknown
from fuzz_operations import Parameters, define
from mpmath import mpf

__all__: list[str] = []

# Shapes that programs are drawn in: few, so that JAX compiles its primitives for few.
SHAPES = {(), (2,), (3,), (6,), (2, 3), (3, 2), (2, 2), (3, 3)}


def moved(function: Any) -> Any:
    """A NumPy function of positions, which knows no numbers, as an operation."""
    return lambda real, *arrays, **parameters: np.asarray(
        function(*arrays, **parameters), dtype=object
    )


def rank(least: int, most: int = 2, **choices: list[Any]) -> Any:
    """Draws parameters from lists, for a first operand of some rank."""

    def draw(random: Random, operands: list[Any]) -> Parameters | None:
        if not least <= operands[0].ndim <= most:
            return None
        return {name: random.choice(values) for name, values in choices.items()}

    return draw


def _reshaped(random: Random, operands: list[Any]) -> Parameters | None:
    x = operands[0]
    shapes = sorted(s for s in SHAPES if np.prod(s) == x.size and s != x.shape)
    return {"shape": random.choice(shapes)} if shapes else None


define(
    "reshape",
    (
        "{0}.reshape({shape})",
        "jnp.reshape(jnp.ravel({0}), {shape})",
        "lax.reshape(jnp.ravel({0}), {shape})",
    ),
    moved(lambda x, shape: x.reshape(shape)),
    "a",
    draw=_reshaped,
)
define(
    "reshape by columns",
    ('jnp.reshape({0}, {shape}, order="F")', "jnp.reshape({0}.T, {shape}[::-1]).T"),
    moved(lambda x, shape: x.reshape(shape, order="F")),
    "a",
    draw=_reshaped,
    weight=1.5,
)
define(
    "reshape of the transposed",
    ("lax.reshape({0}, ({0}.size,), (1, 0))", "{0}.T.reshape(-1)", 'jnp.ravel({0}, order="F")'),
    moved(lambda x: x.T.reshape(-1)),
    "a",
    draw=rank(2),
)
define("transpose", ("{0}.T", "jnp.swapaxes({0}, 0, 1)"), moved(lambda x: x.T), "a", draw=rank(2))
define(
    "reverse",
    ("jnp.flip({0}, {axis})", "lax.rev({0}, ({axis} % {0}.ndim,))"),
    moved(np.flip),
    "a",
    draw=lambda random, operands: {"axis": random.choice([0, -1])} if operands[0].ndim else None,
)
define(
    "roll",
    ("jnp.roll({0}, {shift}, {axis})",),
    moved(lambda x, shift, axis: np.roll(x, shift, axis)),
    "a",
    draw=rank(1, shift=[1, -1, 2], axis=[0, -1]),
)
define(
    "concatenate",
    ("jnp.concatenate([{0}, {1}])", "jnp.concatenate([{1}, {0}])[jnp.array({places})]"),
    lambda real, x, y, places: np.concatenate([x, y]),
    "aa",
    draw=lambda random, operands: (
        None
        if not operands[0].ndim or not operands[1].ndim
        else {
            "places": [
                *range(len(operands[1]), len(operands[0]) + len(operands[1])),
                *range(len(operands[1])),
            ]
        }
    ),
)
define(
    "stack", ("jnp.stack([{0}, {1}])",), moved(lambda x, y: np.stack([x, y])), "aa", draw=rank(0, 1)
)
define(
    "broadcast",
    ("jnp.broadcast_to({0}, {shape})", "{0} + jnp.zeros({shape}, {0}.dtype)"),
    moved(lambda x, shape: np.broadcast_to(x, shape)),
    "n",
    draw=rank(0, 1, shape=[(3,), (2, 3), (2,), (2, 2)]),
)
define(
    "entry",
    ("{0}[{k}]", "jnp.take({0}, {k}, axis=0)"),
    lambda real, x, k: np.asarray(x[k], dtype=object),
    "a",
    draw=rank(1, k=[0, 1, -1]),
)
define(
    "column",
    ("{0}[:, {k}]", "{0}.T[{k}]"),
    moved(lambda x, k: x[:, k]),
    "a",
    draw=rank(2, k=[0, 1, -1]),
)
define(
    "slice",
    ("{0}[{low}:{high}]",),
    moved(lambda x, low, high: x[low:high]),
    "a",
    draw=rank(1, low=[0, 1, -2], high=[2, None]),
)
define(
    "every second",
    ("{0}[::{step}]",),
    moved(lambda x, step: x[::step]),
    "a",
    draw=rank(1, 1, step=[2, -2, -1]),
)
define(
    "pick",
    ("{0}[jnp.array({places})]", "jnp.take({0}, jnp.array({places}), axis=0)"),
    moved(lambda x, places: x[places]),
    "a",
    draw=rank(1, places=[[0, 0, 1], [1, 0], [-1, 0, 1], [1, 1, -1]]),
)
define(
    "pad",
    (
        "jnp.pad({0}, ({before}, {after}))",
        "jnp.concatenate([jnp.zeros({before}, {0}.dtype), {0}, jnp.zeros({after}, {0}.dtype)])",
    ),
    lambda real, x, before, after: np.array(
        [mpf(0)] * before + list(x) + [mpf(0)] * after, dtype=object
    ),
    "f",
    draw=rank(1, 1, before=[0, 1], after=[0, 1]),
    weight=2,
)
define(
    "upper triangle",
    ("jnp.triu({0}, {k})", "jnp.where(jnp.tri(*{0}.shape, {k} - 1, dtype=bool), 0, {0})"),
    lambda real, x, k: np.array(
        [[v if j - i >= k else mpf(0) for j, v in enumerate(row)] for i, row in enumerate(x)],
        dtype=object,
    ),
    "f",
    draw=rank(2, k=[0, 1, -1]),
)


# -- places that the program computes ------------------------------------------------------------
def _negative_from_the_end(place: int, size: int) -> int:
    return place + size if place < 0 else place


def _clamped(place: int, size: int, window: int) -> int:
    return min(max(_negative_from_the_end(place, size), 0), size - window)


def _gather(real: Real, x: Any, places: Any) -> Any:
    found = [_clamped(int(p), len(x), 1) for p in places.reshape(-1)]
    return x[np.array(found, int).reshape(places.shape)] if x.size else x


define(
    "gather",
    (
        '{0}.at[{1}].get(mode="clip")',
        "{0}[jnp.clip(jnp.where({1} < 0, {1} + {0}.shape[0], {1}), 0, {0}.shape[0] - 1)]",
    ),
    lambda real, x, places: np.asarray(_gather(real, x, places), dtype=object),
    "aj",
    draw=lambda random, operands: (
        {} if operands[0].ndim and operands[1].ndim + operands[0].ndim <= 3 else None
    ),
    weight=2,
)


def _dynamic_slice(real: Real, x: Any, start: Any, size: int) -> Any:
    at = _clamped(int(start[()]), len(x), size)
    return x[at : at + size]


def _scalar_place(random: Random, operands: list[Any]) -> Parameters | None:
    if operands[0].ndim == 0 or len(operands[0]) < 2 or operands[1].ndim:
        return None
    return {"size": 2}


define(
    "dynamic slice",
    ("lax.dynamic_slice_in_dim({0}, {1}, {size})",),
    _dynamic_slice,
    "aj",
    draw=_scalar_place,
    weight=4,
)


def _dynamic_update(real: Real, x: Any, start: Any, new: Any) -> Any:
    at, out = _clamped(int(start[()]), len(x), len(new)), x.copy()
    out[at : at + len(new)] = new
    return out


define(
    "dynamic update",
    ("lax.dynamic_update_slice_in_dim({0}, {2}, {1}, 0)",),
    _dynamic_update,
    "fjf",
    draw=lambda random, operands: (
        {}
        if operands[1].ndim == 0
        and operands[0].ndim == operands[2].ndim == 1
        and len(operands[2]) <= len(operands[0])
        else None
    ),
    weight=8,
)


def _scatter(real: Real, x: Any, places: Any, new: Any, how: str) -> Any:
    out = x.copy()
    rest = x.shape[1:]
    rows = np.broadcast_to(new, places.shape + rest).reshape(-1, *rest)
    written: dict[int, Any] = {}
    for place, row in zip(places.reshape(-1), rows, strict=True):
        at = _negative_from_the_end(int(place), len(x))
        if not 0 <= at < len(x):
            continue  # such an update is dropped
        if how == "set":
            if at in written and np.any(written[at] != row):
                raise Unknown("two numbers set at one place")
            written[at] = row
            out[at] = row
        elif how == "add":
            out[at] = out[at] + row
        elif how == "multiply":
            out[at] = out[at] * row
        else:
            choose = np.frompyfunc(real.maximum if how == "max" else real.minimum, 2, 1)
            out[at] = choose(out[at], row)
    return out


_HOW = ["add", "add", "set", "multiply", "max", "min"]
define(
    "scatter",
    ("{0}.at[{1}].{how}({2})",),
    _scatter,
    "fjf",
    draw=lambda random, operands: (
        {"how": random.choice(_HOW)} if operands[0].ndim and operands[1].ndim <= 1 else None
    ),
    weight=2,
)
define(
    "scatter at places",
    ("{0}.at[jnp.array({places})].{how}({1})",),
    lambda real, x, new, places, how: _scatter(real, x, np.array(places), new, how),
    "ff",
    draw=lambda random, operands: (
        {
            "how": random.choice(_HOW),
            "places": random.choice([[0, 0, 1], [1, 0, 1], [-1, 0, 9], [1, -1], [0, 1, 0]]),
        }
        if operands[0].ndim
        else None
    ),
    weight=2,
)
