"""What a gradient over compiled intervals costs a point, beside the plain one, for a batch.

Both are compiled and mapped over the same batch in one process; the ratio is of the best of some
repetitions each.  Run as ``python benchmarks/intervals.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from jaxgrad import Interval, Intervals, run_over
from jaxgrad.networks import Dense

POINTS = 200
REPEATS = 7
NETWORKS = {f"4 layers of 30, {name}": Dense((30,) * 5, name) for name in ("sigmoid", "relu")}


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
    ours, theirs = _seconds([lambda: over(*points), lambda: plain(*batch)])
    pairs = list(zip(over(*points), plain(*batch), strict=True))
    held = all(bool(((x.parts[0] <= y) & (y <= x.parts[1])).all()) for x, y in pairs)
    width = max(float((x.parts[1] - x.parts[0]).max()) for x, _ in pairs)
    micro = [f"{seconds / POINTS * 1e6:.0f}" for seconds in (ours, theirs)]
    return name, *micro, f"{ours / theirs:.1f}", f"{compiling:.1f}", f"{width:.0e}", str(held)


def main() -> None:
    table = Table(title=f"Gradients of {POINTS} points in one call, μs a point")
    for title in ("network", "intervals", "plain", "ratio", "compile, s", "widest", "holds floats"):
        table.add_column(title, justify="left" if title == "network" else "right")
    with jax.enable_x64(True):
        for name, net in NETWORKS.items():
            table.add_row(*_row(name, net))
    Console().print(table)


if __name__ == "__main__":
    main()
