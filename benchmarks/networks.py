"""Seconds to check the document's networks: compare() beside jax.test_util.check_grads.

The two answer different questions. check_grads compares one random direction with a finite
difference, within a tolerance; compare() decides whether two gradients are the same function. Both
times include tracing, and compilation where there is any.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.test_util import check_grads
from rich.console import Console
from rich.table import Table

from jaxgrad import closed_form, compare
from jaxgrad.networks import Chain, Dense

NETWORKS = [Chain(3), Chain(12), Chain(30), Dense((4,) * 6), Dense((6,) * 8), Dense((30,) * 5)]
REPEATS = 3


def seconds(run: Callable[[], Any]) -> float:
    """The median over a few runs, each with nothing compiled before."""
    times = []
    for _ in range(REPEATS):
        jax.clear_caches()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def point(net: Any) -> tuple[Any, Any, Any]:
    """Parameters N(0, 1), an input and a target."""
    params = net.init(jax.random.key(0))
    if isinstance(net, Chain):
        return params, jnp.asarray(0.3), jnp.asarray(0.7)
    return params, jnp.full(net.widths[0], 0.3), jnp.full(net.widths[-1], 0.25)


def main() -> None:
    table = Table("network", "verdict", "compare, s", "check_grads order 1, s", "ratio")
    for net in NETWORKS:
        params, x, y = point(net)
        hand, auto = closed_form.gradient(net), jax.grad(net.cost)
        verdict = compare(hand, auto, params, x, y).verdict

        def ours(hand: Any = hand, auto: Any = auto, args: Any = (params, x, y)) -> None:
            compare(hand, auto, *args)

        def theirs(net: Any = net, params: Any = params, x: Any = x, y: Any = y) -> None:
            with contextlib.suppress(AssertionError):  # a false alarm costs as much as a pass
                check_grads(lambda p: net.cost(p, x, y), (params,), 1, ("fwd", "rev"))

        a, b = seconds(ours), seconds(theirs)
        table.add_row(repr(net), str(verdict), f"{a:.2f}", f"{b:.2f}", f"{a / b:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
