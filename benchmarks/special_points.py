"""What the search for special points costs: its time beside that of the check that it is part of.

Both in CPU seconds, the least of some runs in one process, since other work on the machine can only
add to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import jaxgrad
from jaxgrad.gradients.special_points.search import special_points
from jaxgrad.programs.trace import trace

REPEATS = 5
LIMIT = 24  # points that are asked for, about as many as a check looks at


def _network(width: int, depth: int) -> tuple[Callable[..., Any], list[Any]]:
    """A network of rectified layers with a softmax cost, and its parameters and input."""
    random = np.random.default_rng(0)
    shapes = [(width, width), (width,)] * depth + [(width,)]
    leaves = [random.standard_normal(shape).astype(np.float32) / width**0.5 for shape in shapes]

    def cost(*leaves: Any) -> Any:
        *parameters, x = leaves
        for w, b in zip(parameters[::2], parameters[1::2], strict=True):
            x = jax.nn.relu(x @ w + b)
        return jax.nn.logsumexp(x)

    return cost, leaves


CASES: dict[str, tuple[Callable[..., Any], Sequence[Any]]] = {
    "relu6": (jax.nn.relu6, [1.25]),
    "atan2": (jnp.arctan2, [1.25, 0.5]),
    "sinc": (jnp.sinc, [1.25]),
    "relu, 3 × 2": _network(3, 2),
    "relu, 30 × 4": _network(30, 4),
}


def _seconds(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def _search(f: Callable[..., Any], args: Sequence[Any]) -> Callable[[], Any]:
    """The search in the programs of a function and of its gradient."""
    leaves = tuple(jnp.asarray(x, jnp.float32) for x in args)
    gradient = jax.grad(f, argnums=tuple(range(len(leaves))))
    programs = [trace(f, leaves), trace(gradient, leaves)]
    return lambda: special_points(programs, programs[0].inputs, LIMIT)


def main() -> None:
    """Time every case and print the table of the README."""
    table = Table("function", "search, CPU s", "whole check, CPU s", "share")
    for name, (f, args) in CASES.items():
        leaves = tuple(jnp.asarray(x, jnp.float32) for x in args)
        searched = _seconds(_search(f, args))
        checked = _seconds(lambda f=f, leaves=leaves: jaxgrad.check_grads(f, leaves))
        table.add_row(name, f"{searched:.3f}", f"{checked:.3f}", f"{searched / checked:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
