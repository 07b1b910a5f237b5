"""Evaluate a function and predicates of it at every float of a dtype, tile after tile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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

# 2^16 float32 values fill a quarter of a MiB, well within one core's second-level cache: what a
# round stores and the next one reads needs no trip to main memory, and the fixed cost of starting a
# kernel is small beside its work. Measured best among 2^14 ... 2^18.
TILE = 2**16

# Floats per dispatch at most: 256 dispatches cover float32, few enough to cost nothing and enough
# to keep every worker busy until the end.
_CHUNK = 2**24
# And wall-clock seconds, where f is slow.
_SECONDS = 0.5

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
        self._rows, self._f = rows, f
        # Compiled here, once per device: a worker thread would not see the caller's configuration.
        self._programs = [
            _compile(self._run, device, np.uint32(0), np.int32(0)) for device in devices
        ]
        self.counts = self._count_all()
        self._tiles: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def _inputs(self, base: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The bits of a tile's floats, and the floats."""
        bits = base + jnp.arange(self.tile, dtype=jnp.uint32)
        stored = bits.astype(UNSIGNED[self.format.bits])
        return bits, jax.lax.bitcast_convert_type(stored, self.format.dtype)

    def _answers(self, base: jax.Array, y: jax.Array) -> list[jax.Array]:
        """Which floats of a tile are numbers, and where the predicates hold of them and of y."""
        bits, x = self._inputs(base)
        return [~self.format.is_nan(bits), *(row(x, y) for row in self._rows)]

    def _run(self, start: jax.Array, tiles: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Counts of so many tiles, and what f returns on the tile after them.

        A round asks the predicates of what the round before has stored. Where they are asked in
        the round that makes it, XLA compiles them together with f, a barrier or not, and then a
        product may never be rounded before they see it.
        """

        def of_tile(number: jax.Array) -> jax.Array:
            return start + number.astype(jnp.uint32) * np.uint32(self.tile)

        def round(number: jax.Array, state: tuple[jax.Array, jax.Array]) -> Any:
            counts, stored = state
            among, *truths = self._answers(of_tile(number - 1), stored)
            # The first round has nothing to count, and the second one writes in its place.
            counts = counts.at[jnp.maximum(number - 1, 0)].set(tallies(among, truths))
            return counts, jax.vmap(self._f)(self._inputs(of_tile(number))[1])

        counts = jnp.zeros((self._most_tiles, len(self._rows)), jnp.uint32)
        y = jax.eval_shape(jax.vmap(self._f), self._inputs(start)[1])
        return jax.lax.fori_loop(0, tiles + 1, round, (counts, jnp.zeros(y.shape, y.dtype)))

    @property
    def _most_tiles(self) -> int:
        """How many tiles one dispatch counts at most."""
        return max(min(_CHUNK, 2**self.format.bits) // self.tile, 1)

    def _count_all(self) -> np.ndarray:
        """How often each predicate holds in each tile: shape (tiles, predicates)."""
        total = 2**self.format.bits // self.tile
        counts = np.zeros((total, len(self._rows)), np.uint32)
        done = 0

        def work(which: int, first: int, many: int) -> tuple[int, int, np.ndarray, float]:
            began = time.perf_counter()
            with without_debug_modes():  # this thread does not see what its caller set
                found = np.asarray(self._dispatch(which, first, many)[0])
            return first, many, found, time.perf_counter() - began

        def reached() -> str:
            failures = int(counts[:, 1].astype(np.int64).sum())
            return (
                f"sweep evaluated {done * self.tile} of {total * self.tile} "
                f"{self.format.dtype.name} bit patterns; the predicate fails at {failures} of these"
            )

        workers = min(_WORKERS, os.cpu_count() or 1) * len(self.devices)
        progress, many, started = Progress(), 1, 0
        with progress.followed(reached), ThreadPoolExecutor(workers) as pool:
            running: set[Future[tuple[int, int, np.ndarray, float]]] = set()
            while done < total:
                while started < total and len(running) < workers:
                    few, which = min(many, total - started), len(running) % len(self.devices)
                    running.add(pool.submit(work, which, started, few))
                    started += few
                for finished in wait(running, return_when=FIRST_COMPLETED).done:
                    running.remove(finished)
                    first, few, found, seconds = finished.result()
                    counts[first : first + few] = found[:few]
                    done += few
                    # As many as take so long, so that an interrupt is heard while f is slow.
                    fitting = int(few * _SECONDS / max(seconds, 1e-9))
                    many = max(1, min(fitting, self._most_tiles))
                progress.say(f"sweep, {done / total:.0%} of the floats")
                progress.look()
        return counts

    def _dispatch(self, which: int, first: int, many: int) -> tuple[jax.Array, jax.Array]:
        device = self.devices[which]
        start = np.uint32(first * self.tile)
        return self._programs[which](*jax.device_put((start, np.int32(many)), device))

    def masks(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The masks (predicates, tile) and outputs (tile,) of one tile, evaluated again."""
        if number not in self._tiles:
            y = self._dispatch(0, number, 0)[1]
            base = jax.device_put(np.uint32(number * self.tile), self.devices[0])
            found = np.stack([np.asarray(mask) for mask in self._masks(base, y)])
            if (found.sum(axis=1) != self.counts[number]).any():
                raise JaxgradError(
                    f"sweep: tile {number} gave other results when evaluated again, so the "
                    "compiled function is not deterministic and nothing can be said of every "
                    "float; remove what makes it depend on more than its argument"
                )
            self._tiles[number] = found, np.asarray(y)
        return self._tiles[number]

    @cached_property
    def _masks(self) -> Callable[..., Any]:
        def masks(base: jax.Array, y: jax.Array) -> list[jax.Array]:
            among, *truths = self._answers(base, y)
            return [among & truth for truth in truths]

        like = jax.eval_shape(self._run, np.uint32(0), np.int32(0))[1]
        return _compile(masks, self.devices[0], np.uint32(0), like)

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


def _compile(f: Callable[..., Any], device: Any, *like: Any) -> Callable[..., Any]:
    place = jax.sharding.SingleDeviceSharding(device)
    shapes = [jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=place) for each in like]
    return jax.jit(anew(f)).lower(*shapes).compile()
