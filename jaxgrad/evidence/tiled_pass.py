"""Evaluate a function and predicates of it at every float of a dtype, tile after tile."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import JaxgradError
from jaxgrad.evidence.float_formats import UNSIGNED, Float, Format
from jaxgrad.evidence.predicates import Predicate
from jaxgrad.evidence.swept import Count, Extent
from jaxgrad.evidence.tallies import tallies
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.programs.trace import anew

__all__ = ["TILE", "TiledPass"]

# 2^18 float32 values fill 1 MiB, one core's second-level cache: a tile's inputs, outputs and masks
# are made, read and reduced without a trip to main memory, and the fixed cost of starting a kernel
# (some 10 us) is spread over more than 100 us of work. Measured best among 2^12 ... 2^22.
TILE = 2**18

# Floats per dispatch: 256 dispatches cover float32, few enough to cost nothing and enough to keep
# every worker busy until the end.
_CHUNK = 2**24

# Dispatching threads per device: a thread waits outside the interpreter lock while XLA computes, so
# a second one keeps the cores of a host device busy in releases that run one program on one core.
_WORKERS = 2


class TiledPass:
    """Evaluates tiles: hits per tile in a first pass, then single tiles again where asked for.

    Args:
        f: scalar () of the format's dtype -> scalar ().
        format: of the floats that are visited.
        rows: predicates (x, y) of shape (n,) -> bool of shape (n,).
        tile: floats per tile, a power of two and at most 2^(bits - 1).
        devices: where to run.

    Attributes:
        counts: uint32 of shape (tiles, predicates), how often each holds in each tile, NaN inputs
            left out.
    """

    def __init__(
        self,
        f: Callable[[Any], Any],
        format: Format,
        rows: Sequence[Predicate],
        tile: int,
        devices: tuple[Any, ...],
    ):
        self.format, self.tile, self.devices = format, tile, devices
        unsigned = UNSIGNED[format.bits]

        def answers(base: jax.Array) -> tuple[jax.Array, list[jax.Array], jax.Array]:
            bits = base + jnp.arange(tile, dtype=jnp.uint32)
            x = jax.lax.bitcast_convert_type(bits.astype(unsigned), format.dtype)
            x = jax.lax.optimization_barrier(x)
            y = jax.lax.optimization_barrier(jax.vmap(f)(x))
            return ~format.is_nan(bits), [row(x, y) for row in rows], y

        def evaluate(base: jax.Array) -> tuple[list[jax.Array], jax.Array]:
            number, truths, y = answers(base)
            return [number & truth for truth in truths], y

        def hits(base: jax.Array) -> jax.Array:
            number, truths, _ = answers(base)
            return tallies(number, truths)

        self.evaluate, self.hits = evaluate, hits
        self.counts = self._count_all()
        self._tiles: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def _count_all(self) -> np.ndarray:
        """How often each predicate holds in each tile: shape (tiles, predicates)."""
        total = 2**self.format.bits
        chunk = max(min(_CHUNK, total), self.tile)
        steps = jnp.arange(chunk // self.tile, dtype=jnp.uint32) * np.uint32(self.tile)

        def run(start: jax.Array) -> jax.Array:
            return jax.lax.map(self.hits, start + steps)

        # Compiled here, once per device: a worker thread would not see the caller's configuration.
        programs = [_compile(run, device) for device in self.devices]

        def work(number: int) -> np.ndarray:
            which = number % len(programs)
            start = jax.device_put(np.uint32(number * chunk), self.devices[which])
            with without_debug_modes():  # this thread does not see what its caller set
                return np.asarray(programs[which](start))

        counts: list[np.ndarray] = []

        def reached() -> str:
            failures = sum(int(found[:, 1].astype(np.int64).sum()) for found in counts)
            return (
                f"sweep evaluated {len(counts) * chunk} of {total} {self.format.dtype.name} bit "
                f"patterns; the predicate fails at {failures} of these"
            )

        progress, workers = Progress(), min(_WORKERS, os.cpu_count() or 1) * len(programs)
        with progress.followed(reached), ThreadPoolExecutor(workers) as pool:
            try:
                for found in pool.map(work, range(total // chunk)):
                    counts.append(found)
                    progress.say(f"sweep, {len(counts) * chunk / total:.0%} of the floats")
                    progress.look()
            finally:
                pool.shutdown(cancel_futures=True)  # of an interrupt: do not wait for all
        return np.concatenate(counts)

    def masks(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The masks (predicates, tile) and outputs (tile,) of one tile, evaluated again."""
        if number not in self._tiles:
            masks, y = self._again(jax.device_put(np.uint32(number * self.tile), self.devices[0]))
            found = np.stack([np.asarray(mask) for mask in masks])
            if (found.sum(axis=1) != self.counts[number]).any():
                raise JaxgradError(
                    f"sweep: tile {number} gave other results when evaluated again, so the "
                    "compiled function is not deterministic and nothing can be said of every "
                    "float; remove what makes it depend on more than its argument"
                )
            self._tiles[number] = found, np.asarray(y)
        return self._tiles[number]

    @cached_property
    def _again(self) -> Callable[..., Any]:
        return _compile(self.evaluate, self.devices[0])

    def count(self, row: int) -> Count:
        """Where the predicate of this row holds."""
        half = len(self.counts) // 2 if self.format.signed else len(self.counts)
        positive = self._ends(row, range(half))
        total, outermost, innermost = self._ends(row, range(half, len(self.counts)))
        # Among negative floats a larger pattern is a smaller number.
        return Count(Extent(total, innermost, outermost), Extent(*positive))

    def _ends(self, row: int, tiles: range) -> tuple[int, Float | None, Float | None]:
        column = self.counts[tiles.start : tiles.stop, row].astype(np.int64)
        hit = np.flatnonzero(column)
        if not hit.size:
            return 0, None, None
        ends = []
        for number, which in ((hit[0], 0), (hit[-1], -1)):
            number = tiles.start + int(number)
            place = int(np.flatnonzero(self.masks(number)[0][row])[which])
            ends.append(Float(self.format.dtype, number * self.tile + place))
        return int(column.sum()), ends[0], ends[1]

    def output(self, x: Float) -> np.ndarray:
        """What the function returned at x."""
        return self.masks(x.bits // self.tile)[1][x.bits % self.tile]


def _compile(f: Callable[..., Any], device: Any) -> Callable[..., Any]:
    place = jax.sharding.SingleDeviceSharding(device)
    return jax.jit(anew(f)).lower(jax.ShapeDtypeStruct((), jnp.uint32, sharding=place)).compile()
