"""What a gradient over compiled intervals costs a point, beside the plain one, for a batch.

Both are compiled and mapped over the same batch in one process, in float64; the ratio is of the
best of some repetitions each.  Double-double numbers run operation by operation, each compiled.
JAX's own check by finite differences takes one point a call, and is timed on a few of them.  Run as
``python -m benchmarks.intervals``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from rich.console import Console
from rich.table import Table

from jaxgrad import Interval, Intervals, run_over
from jaxgrad.networks import Dense
from jaxgrad.numbers.double_double import DoubleDouble
from jaxgrad.numbers.double_doubles import DoubleDoubles

POINTS = 1000
REPEATS = 7
ONE_BY_ONE = 3
NETWORKS = {
    "4 layers of 30, sigmoid": Dense((30,) * 5, "sigmoid"),
    "4 layers of 30, relu": Dense((30,) * 5, "relu"),
    "20 layers of one neuron": Dense((1,) * 21, "sigmoid"),
}


def _batch(net: Dense) -> Any:
    """Drawn points: leaves of the arguments of the cost, each with a first axis of points."""
    args = net.init(jax.random.key(0)), jnp.ones(net.widths[0]), jnp.ones(net.widths[-1])
    draw = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, float) + 0.1 * draw.normal(size=(POINTS, *leaf.shape)), args
    )


def _seconds(functions: list[Callable[[], Any]]) -> list[float]:
    """The least seconds of each, taken in turn."""
    best = [float("inf")] * len(functions)
    for _ in range(REPEATS):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            jax.block_until_ready(function())
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def _one_by_one(net: Dense, batch: Any) -> float:
    """Seconds a point of JAX's own check, the first one left out."""
    points = [jax.tree.map(lambda leaf, k=k: leaf[k], batch) for k in range(ONE_BY_ONE + 1)]
    seconds = []
    for point in points:
        start = time.perf_counter()
        check_grads(net.cost, point, order=1, atol=1e-2, rtol=1e-2)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def _like(batch: Any, leaves: Any) -> Any:
    """The arguments of which these are the leaves."""
    return jax.tree.unflatten(jax.tree.structure(batch), leaves)


def _row(name: str, net: Dense) -> tuple[str, ...]:
    batch = _batch(net)

    def gradient(*point: Any) -> Any:
        return jax.tree.leaves(jax.grad(net.cost)(*point))

    points = jax.tree.map(lambda leaf: Interval(leaf, leaf), batch)
    start = time.perf_counter()
    over = jax.jit(jax.vmap(lambda *xs: run_over(Intervals(), gradient, *xs)))
    over = over.lower(*points).compile()
    compiling = time.perf_counter() - start
    plain = jax.jit(jax.vmap(gradient)).lower(*batch).compile()
    sums = [DoubleDouble(x, jnp.zeros_like(x), jnp.zeros_like(x)) for x in jax.tree.leaves(batch)]
    closer = jax.vmap(lambda *xs: run_over(DoubleDoubles(), gradient, *_like(batch, xs)))
    start = time.perf_counter()
    jax.block_until_ready(closer(*sums))
    first = time.perf_counter() - start
    runs = [lambda: over(*points), lambda: plain(*batch), lambda: closer(*sums)]
    ours, theirs, double = _seconds(runs)
    pairs = list(zip(over(*points), plain(*batch), strict=True))
    held = all(bool(((x.parts[0] <= y) & (y <= x.parts[1])).all()) for x, y in pairs)
    radius = max(float(x.parts[2].max()) for x in closer(*sums))
    width = max(float((x.parts[1] - x.parts[0]).max()) for x, _ in pairs)
    differences = _one_by_one(net, batch)
    micro = [f"{seconds / POINTS * 1e6:.1f}" for seconds in (ours, theirs)]
    doubled = [f"{double / ours:.1f}", f"{first:.1f}", f"{2 * radius:.0e}"]
    times = f"{differences / (ours / POINTS):.0f}"
    return (
        name, *micro, f"{ours / theirs:.1f}", f"{differences * 1e6:.0f}", times,
        f"{compiling:.1f}", f"{width:.0e}", str(held), *doubled,
    )  # fmt: skip


def main() -> None:
    table = Table(title=f"Gradients of {POINTS} points in one call, μs a point")
    titles = ("network", "intervals", "plain", "ratio", "check_grads", "times as many points",
              "compile, s", "widest", "holds floats", "double-double, of intervals",
              "first call, s", "its widest")  # fmt: skip
    for title in titles:
        table.add_column(title, justify="left" if title == "network" else "right")
    with jax.enable_x64(True):
        for name, net in NETWORKS.items():
            table.add_row(*_row(name, net))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
