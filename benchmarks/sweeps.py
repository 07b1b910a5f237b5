"""What it costs to sweep every float, and to measure a derivative at each, beside evaluating it.

The derivative of the sigmoid at every float32: evaluated in tiles and nothing else, swept with a
predicate, and measured against the true derivative, in turn in one process.  Then one device that
has a core to itself beside two of them, and one process beside two that share a sweep by a folder,
each with a core.  Run as ``python benchmarks/sweeps.py``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import jaxgrad
from jaxgrad.evidence import tiled_pass
from jaxgrad.evidence.float_formats import format_of
from jaxgrad.evidence.tiled_pass import TILE, TiledPass

FUNCTION = jax.nn.sigmoid
REPEATS = 2


class Bare(TiledPass):
    """Evaluates f on stored floats, and adds up the bits of what it returned, so that it has to."""

    def _run(self, start: jax.Array, tiles: jax.Array) -> tuple[jax.Array, jax.Array]:
        def step(number: jax.Array, state: tuple[jax.Array, ...]) -> Any:
            total, x, y = state
            base = start + (number.astype(jnp.uint32) + 1) * np.uint32(self.tile)
            bits = jax.lax.bitcast_convert_type(y, jnp.uint32)
            return total ^ jax.lax.reduce_xor(bits, (0,)), self._inputs(base)[1], self._outputs(x)

        x = self._inputs(start)[1]
        total, _, y = jax.lax.fori_loop(0, tiles + 1, step, (jnp.uint32(0), x, x))
        return jnp.full((self._most_tiles, 2), total), y

    def _counted(self, first: int, found: np.ndarray, progress: Any) -> None:
        self._done[first : first + len(found)] = True


def bare() -> None:
    rows: list[Any] = [lambda x, y: x == x, lambda x, y: x != x]
    Bare(jax.grad(FUNCTION), format_of("float32"), rows, TILE, tuple(jax.local_devices()))


def sweep(**options: Any) -> None:
    found = jaxgrad.sweep(jax.grad(FUNCTION), "float32", lambda x, y: y <= 0.25, **options)
    if not found:
        raise SystemExit(f"the derivative of a sigmoid exceeds 1/4: {found}")


def accuracy() -> None:
    found = jaxgrad.accuracy(FUNCTION, "float32")
    Console().print(repr(found))
    if found.zeros.total == 0:
        raise SystemExit("no float was found at which the derivative is 0 by mistake")


def seconds(function: Callable[[], None], clock: Callable[[], float]) -> float:
    start = clock()
    function()
    return clock() - start


def beside_evaluation() -> Table:
    table = Table(title="The derivative of a sigmoid at every float32")
    for title in ("what", "CPU s", "ratio"):
        table.add_column(title, justify="left" if title == "what" else "right")
    functions = {"evaluated": bare, "swept": sweep, "measured": accuracy}
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(REPEATS):
        for name, function in functions.items():
            best[name] = min(best[name], seconds(function, time.process_time))
    for name, least in best.items():
        table.add_row(name, f"{least:.1f}", f"{least / best['evaluated']:.2f}")
    return table


# -- children --------------------------------------------------------------------------------------
def child(devices: int, cores: list[int], part: str, keep: str) -> subprocess.Popen[str]:
    """A process that sweeps, on some cores, and prints how long that took without its start."""
    flags = f"--xla_force_host_platform_device_count={devices} --xla_cpu_multi_thread_eigen=false"
    return subprocess.Popen(
        [sys.executable, __file__, "--cores", ",".join(map(str, cores)), part, keep],
        env={**os.environ, "XLA_FLAGS": flags},
        stdout=subprocess.PIPE,
        text=True,
    )


def swept(arguments: argparse.Namespace) -> None:
    """What a child does."""
    os.sched_setaffinity(0, map(int, arguments.cores.split(",")))
    tiled_pass._WORKERS = 1  # a thread for each device
    index, count = map(int, arguments.part.split("/"))
    sweep_of_few = {"keep": arguments.keep or None, "part": (index, count)}
    print(seconds(lambda: sweep(**sweep_of_few), time.perf_counter))


def slowest(children: list[subprocess.Popen[str]]) -> float:
    return max(float(each.communicate()[0]) for each in children)


def beside_one() -> Table:
    table = Table(title="A sweep of every float32 on two cores, beside one core")
    for title in ("what", "one, s", "two, s", "ratio"):
        table.add_column(title, justify="left" if title == "what" else "right")
    first, second = sorted(os.sched_getaffinity(0))[:2]
    one = slowest([child(1, [first], "0/1", "")])
    two = slowest([child(2, [first, second], "0/1", "")])
    table.add_row("devices", f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}")
    with tempfile.TemporaryDirectory() as alone, tempfile.TemporaryDirectory() as shared:
        one = slowest([child(1, [first], "0/1", alone)])
        parts = [child(1, [core], f"{k}/2", shared) for k, core in enumerate((first, second))]
        two = slowest(parts)
    table.add_row("processes", f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", help="what a child is given", default="")
    parser.add_argument("part", nargs="?", help="what a child is given")
    parser.add_argument("keep", nargs="?", help="what a child is given")
    arguments = parser.parse_args()
    if arguments.cores:
        swept(arguments)
        return
    Console().print(beside_one())
    Console().print(beside_evaluation())


if __name__ == "__main__":
    main()
