"""Seconds to check the document's networks: jaxgrad beside jax.test_util.check_grads.

They answer different questions. JAX's check_grads compares one random direction with a finite
difference, within a tolerance; compare() decides whether two gradients are the same function, and
jaxgrad.check_grads whether the rules are the derivatives, leaf by leaf. All times include tracing,
and compilation where there is any.
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

import jaxgrad
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


def theirs(net: Any, args: tuple[Any, Any, Any], order: int) -> None:
    params, x, y = args
    with contextlib.suppress(AssertionError):  # a false alarm costs as much as a pass
        # A wide tolerance, so that it looks at every order before it gives an answer.
        check_grads(lambda p: net.cost(p, x, y), (params,), order, ("fwd", "rev"), 1.0, 1.0)


def main() -> None:
    first = Table("network", "verdict", "compare, s", "JAX order 1, s", "ratio")
    second = Table("network", "verdict", "check_grads order 1, s", "JAX order 2, s", "ratio")
    for net in NETWORKS:
        args = point(net)
        params, x, y = args
        hand, auto = closed_form.gradient(net), jax.grad(net.cost)

        def cost(p: Any, net: Any = net, x: Any = x, y: Any = y) -> Any:
            return net.cost(p, x, y)

        for table, ours, order in (
            (first, lambda h=hand, a=auto, args=args: compare(h, a, *args), 1),
            (second, lambda f=cost, p=params: jaxgrad.check_grads(f, (p,)), 2),
        ):
            verdict = ours().verdict
            a = seconds(ours)
            b = seconds(lambda net=net, args=args, order=order: theirs(net, args, order))
            table.add_row(repr(net), str(verdict), f"{a:.2f}", f"{b:.2f}", f"{a / b:.2f}")
    Console(width=120).print(first, second)


if __name__ == "__main__":
    main()
