"""What it costs to hold every program against its own run: checks with and without it.

Both are timed in one process, each first with nothing compiled and then again, when JAX's compiled
primitives are there already, as in the second test of a test-suite.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
from networks import point
from rich.console import Console
from rich.table import Table

import jaxgrad
from jaxgrad import closed_form, compare
from jaxgrad.gradients.witness import Run
from jaxgrad.networks import Chain, Dense

REPEATS = 5


def _compared(net: Any) -> Callable[[], Any]:
    args = point(net)
    return lambda: compare(closed_form.gradient(net), jax.grad(net.cost), *args)


def _checked(function: Any, order: int = 1) -> Callable[[], Any]:
    x = jnp.asarray([0.5, -1.25, 2.0])
    return lambda: jaxgrad.check_grads(function, (x,), order)


CASES = {
    "compare, Chain(3)": _compared(Chain(3)),
    "compare, Dense 4 × 5": _compared(Dense((4,) * 6)),
    "compare, Dense 30 × 4": _compared(Dense((30,) * 5)),
    "check_grads, tanh": _checked(jnp.tanh),
    "check_grads, gelu": _checked(jax.nn.gelu),
    "check_grads, softmax, order 2": _checked(jax.nn.softmax, 2),
    "check_grads, scan": _checked(
        lambda x: jax.lax.scan(lambda c, y: (jnp.sin(c + y), c), x[0], x)[0]
    ),
}


def _seconds(run: Callable[[], Any], cold: bool) -> float:
    times = []
    for _ in range(REPEATS):
        if cold:
            jax.clear_caches()
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times)


def _without(run: Callable[[], Any]) -> Callable[[], Any]:
    """The same check, in which nothing is held against its own run."""
    trusting = [
        mock.patch("jaxgrad.gradients.compare.hold_side", lambda *args: Run([], 0)),
        mock.patch("jaxgrad.gradients.compare.first_not_finite", lambda *args: None),
        mock.patch("jaxgrad.gradients.check_grads.hold_rules", lambda *args: True),
    ]

    def trusted() -> Any:
        with trusting[0], trusting[1], trusting[2]:
            return run()

    return trusted


def main() -> None:
    table = Table("check", "CPU s, cold", "ratio to without", "CPU s, warm", "ratio to without")
    for name, run in CASES.items():
        cells = [name]
        for cold in (True, False):
            own, plain = _seconds(run, cold), _seconds(_without(run), cold)
            cells += [f"{own:.3f}", f"{own / plain:.2f}"]
        table.add_row(*cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
