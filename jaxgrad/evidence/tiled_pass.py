"""Evaluate a function and predicates of it at every float of a dtype, tile after tile."""

from __future__ import annotations

import contextlib
import importlib.metadata
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import JaxgradError
from jaxgrad.evidence.failing_float import FailingFloat
from jaxgrad.evidence.float_formats import UNSIGNED, Float, Format
from jaxgrad.evidence.kept_tallies import KeptTallies, digest
from jaxgrad.evidence.packed import packed, unpacked
from jaxgrad.evidence.predicates import Predicate
from jaxgrad.evidence.swept import Count, Extent, SweptSoFar
from jaxgrad.evidence.tallies import tallies
from jaxgrad.evidence.told_programs import configuration, lower, require_told_by
from jaxgrad.numbers.progress import Progress
from jaxgrad.programs.debug_modes import without_debug_modes

__all__ = ["TILE", "TiledPass"]

# 2^15 float32 values fill an eighth of a MiB, well within one core's second-level cache: what a
# step stores and the next one reads needs no trip to main memory, and the fixed cost of starting a
# kernel is small beside its work. From 2^16 on XLA divides a kernel among the cores, which are at
# work on other tiles. Measured best among 2^12 ... 2^18.
TILE = 2**15

# Floats per dispatch at most: 256 dispatches cover float32, few enough to cost nothing and enough
# to keep every worker busy until the end.
_CHUNK = 2**24
# And wall-clock seconds, where f is slow.
_SECONDS = 0.5

# The row of the predicate that says where what should hold does not.
_FAILS = 1

_HOSTS = "--xla_force_host_platform_device_count="

# So many floats are few.
_FEW = 2**16

# Dispatching threads per device: a thread waits outside the interpreter lock while XLA computes, so
# a second one keeps the cores of a host device busy in releases that run one program on one core.
_WORKERS = 2


class TiledPass:
    """Evaluates tiles: hits per tile in a first pass, then single tiles again where asked for.

    Args:
        f: scalar () of the format's dtype -> scalar (); of two, for a pass over pairs.
        format: of the floats that are visited.
        rows: predicates (x, y) of shape (n,) -> bool of shape (n,); the second one says where what
            should hold does not.
        tile: floats per tile, a power of two and at most 2^(bits - 1).
        devices: where to run.
        keep: a folder in which tallies are kept, and met by other processes; None for none.
        part: (index, count) of this process, which begins at its share of the tiles, goes round
            all of them, and leaves out those that others have done.

    Attributes:
        counts: uint32 of shape (tiles, predicates), how often each holds in each tile, NaN inputs
            left out.
    """

    name = "sweep"
    """What runs, for the line that says how far it is."""

    few_by_masks = True
    """Whether what has few patterns is counted by masks, which are compiled sooner."""

    def __init__(
        self,
        f: Callable[..., Any],
        format: Format,
        rows: Sequence[Predicate],
        tile: int,
        devices: tuple[Any, ...],
        keep: Path | None = None,
        part: tuple[int, int] = (0, 1),
    ):
        self.format, self.tile, self.devices = format, tile, devices
        self._rows, self._f = rows, f
        self._few = self.few_by_masks and 2**format.bits <= _FEW
        # Compiled here, once per device: a worker thread would not see the caller's configuration.
        run, like = (
            (self._outputs, [self._like]) if self._few else (self._run, [np.uint32(0), np.int32(0)])
        )
        lowered = [lower(run, device, *like) for device in devices]
        self._programs = [each.compile() for each in lowered]
        self._tiles: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.counts = np.zeros((2**format.bits // tile, len(rows)), np.uint32)
        self._done = np.zeros(len(self.counts), bool)
        self._claimed = self._done.copy()  # those that are being evaluated, too
        ends = (len(self.counts) * k // part[1] for k in (part[0], part[0] + 1))
        self._share = slice(*ends)
        self._cursor = self._share.start
        self._failing: Any = None
        self._kept = keep and KeptTallies(self.name, keep, part, self._of(lowered[0]))
        progress = Progress()
        with progress.followed(self.so_far):
            self._learn()
            (self._count_few if self._few else self._count_all)(progress)
            self._keep(now=True)

    def _of(self, lowered: Any) -> dict[str, str]:
        """What tallies are of: those of another program, or another release, are others."""
        programs = [lowered]
        if self._few:  # which does not ask the predicates
            y = jax.eval_shape(self._outputs, self._like)
            programs.append(lower(self._packed, self.devices[0], np.uint32(0), y))
        for each in programs:
            require_told_by(f"{self.name}: a function", each)
        device = self.devices[0]
        return {
            "call": self.name,
            "dtype": self.format.name,
            "tile": str(self.tile),
            "program": digest(*(each.as_text() for each in programs)),
            "device": f"{device.platform} {device.device_kind}",
            "XLA_FLAGS": _flags(),
            "configuration": configuration(),
            **{name: _release(name) for name in ("jax", "jaxlib", "jaxgrad")},
        }

    def _learn(self) -> None:
        """Takes what is kept: by this process before it was killed, and by others."""
        if self._kept is None:
            return
        before = self._done.copy()
        self._kept.merge(self._done, self.counts)
        self._claimed |= self._done
        failing = np.flatnonzero(self._done & ~before & (self.counts[:, _FAILS] > 0))
        if self._failing is None and failing.size:
            number = int(failing[0])
            self._failing = self._first_failing(number, self.counts[number])

    def _keep(self, *, now: bool = False) -> None:
        if self._kept is not None and self._kept.write(self._done, self.counts, now=now):
            self._learn()

    def _next(self, most: int) -> tuple[int, int] | None:
        """The next tiles in a row that nobody evaluates, claimed: the first, and how many."""
        if self._claimed[self._share].all():  # what is left are the shares of others
            self._keep(now=True)
        open_ = np.flatnonzero(~self._claimed)
        if not open_.size:
            return None
        first = int(open_[np.searchsorted(open_, self._cursor) % open_.size])
        taken = np.flatnonzero(self._claimed[first : first + most])
        many = int(taken[0]) if taken.size else min(most, len(self.counts) - first)
        self._claimed[first : first + many] = True
        self._cursor = first + many
        return first, many

    @property
    def _like(self) -> Any:
        """The shapes and dtypes of a tile's floats."""
        return jax.ShapeDtypeStruct((self.tile,), self.format.dtype)

    def _inputs(self, base: jax.Array) -> tuple[jax.Array, Any]:
        """The bits of a tile's floats, and the floats."""
        bits = base + jnp.arange(self.tile, dtype=jnp.uint32)
        stored = bits.astype(UNSIGNED[self.format.bits])
        return bits, jax.lax.bitcast_convert_type(stored, self.format.dtype)

    def _answers(self, base: jax.Array, y: jax.Array) -> list[jax.Array]:
        """Which floats of a tile are numbers, and where the predicates hold of them and of y."""
        bits, x = self._inputs(base)
        return [~self.format.is_nan(bits), *(row(x, y) for row in self._rows)]

    def _outputs(self, x: Any) -> jax.Array:
        """What f returns on a tile."""
        return jax.vmap(self._f)(x)

    def _run(self, start: jax.Array, tiles: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Counts of so many tiles, and what f returns on the tile after them.

        A step runs f on floats that the step before has stored, and asks the predicates of what
        that one has returned. XLA on the CPU makes one kernel of what is made in one step, a
        barrier or not. Predicates would see numbers that are not rounded yet, and f a subnormal
        of which it is known that its bits are not 0: of one that is stored, most kernels find
        that it equals 0.
        """

        def of_tile(number: jax.Array) -> jax.Array:
            return start + number.astype(jnp.uint32) * np.uint32(self.tile)

        def step(number: jax.Array, state: tuple[Any, ...]) -> Any:
            counts, x, y = state
            among, *truths = self._answers(of_tile(number - 1), y)
            # The first step has nothing to count, and the second one writes in its place.
            counts = counts.at[jnp.maximum(number - 1, 0)].set(tallies(among, truths))
            return counts, self._inputs(of_tile(number + 1))[1], self._outputs(x)

        counts = jnp.zeros((self._most_tiles, len(self._rows)), jnp.uint32)
        x = self._inputs(start)[1]
        like = jax.eval_shape(self._outputs, x)
        state = counts, x, jnp.zeros(like.shape, like.dtype)
        counts, _, y = jax.lax.fori_loop(0, tiles + 1, step, state)
        return counts, y

    @property
    def _most_tiles(self) -> int:
        """How many tiles one dispatch counts at most."""
        return max(min(_CHUNK, 2**self.format.bits) // self.tile, 1)

    def so_far(self) -> object:
        """What is known while tiles are counted, also by another thread."""
        failures = int(self.counts[:, _FAILS].astype(np.int64).sum())
        checked, patterns = int(self._done.sum()) * self.tile, 2**self.format.bits
        failing = self._failing if failures else None
        return SweptSoFar(self.format.dtype, checked, patterns, failures, failing)

    def _count_few(self, progress: Progress) -> None:
        """Tile after tile, by its masks: a loop that counts takes longer to compile than this."""
        while (claimed := self._next(1)) is not None:
            number = claimed[0]
            self._tiles[number] = self._evaluated(number)
            self._counted(number, self._tiles[number][0].sum(axis=1)[None], progress)

    def _counted(self, first: int, found: np.ndarray, progress: Progress) -> None:
        failing = np.flatnonzero(found[:, _FAILS])
        if self._failing is None and failing.size:
            # Before it is counted, so that whatever counts has a counterexample.
            number = int(failing[0])
            self._failing = self._first_failing(first + number, found[number])
        self.counts[first : first + len(found)] = found
        self._done[first : first + len(found)] = True
        self._keep()
        progress.say(f"{self.name}, {self._done.mean():.0%} of the floats")
        progress.look()

    def _count_all(self, progress: Progress) -> None:
        """Many tiles at a time, as many as fit into a part of a second."""

        def work(which: int, first: int, many: int) -> tuple[int, np.ndarray, float]:
            began = time.perf_counter()
            with without_debug_modes():  # this thread does not see what its caller set
                found = np.asarray(self._dispatch(which, first, many)[0])
            return first, found[:many], time.perf_counter() - began

        workers = min(_WORKERS, os.cpu_count() or 1) * len(self.devices)
        many, devices = 1, itertools.cycle(range(len(self.devices)))
        with _not_awaited(ThreadPoolExecutor(workers)) as pool:
            running: set[Future[tuple[int, np.ndarray, float]]] = set()
            while not self._done.all():
                while len(running) < workers and (claimed := self._next(many)) is not None:
                    running.add(pool.submit(work, next(devices), *claimed))
                for finished in wait(running, return_when=FIRST_COMPLETED).done:
                    running.remove(finished)
                    first, found, seconds = finished.result()
                    # So that an interrupt is heard while f is slow.
                    fitting = int(len(found) * _SECONDS / max(seconds, 1e-9))
                    many = max(1, min(fitting, self._most_tiles))
                    self._counted(first, found, progress)

    def _dispatch(self, which: int, first: int, many: int) -> Any:
        """What was compiled for a device makes of so many tiles from one on."""
        arguments = np.uint32(first * self.tile), np.int32(many)
        return self._programs[which](*jax.device_put(arguments, self.devices[which]))

    def masks(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The masks (predicates, tile) and outputs (tile,) of one tile."""
        return self._again(number, self.counts[number])

    def _first_failing(self, number: int, counts: np.ndarray) -> Any:
        masks, y = self._again(number, counts)
        place = int(np.flatnonzero(masks[_FAILS])[0])
        return FailingFloat(Float(self.format.dtype, number * self.tile + place), y[place])

    def _again(self, number: int, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A tile of which there are these counts already."""
        if number not in self._tiles:
            found = self._evaluated(number)
            if (found[0].sum(axis=1) != counts).any():
                raise JaxgradError(
                    f"sweep: tile {number} gave other results when evaluated again, so that "
                    "nothing can be said of every float: f or a predicate depends on more than its "
                    "argument, or a predicate computes f again and XLA rounds that otherwise in "
                    "another program (a product and a sum at once); compare with a margin there"
                )
            self._tiles[number] = found
        return self._tiles[number]

    def _evaluated(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        base = np.uint32(number * self.tile)
        if self._few:
            bits = np.arange(self.tile, dtype=np.uint32) + base
            x = bits.astype(UNSIGNED[self.format.bits]).view(self.format.dtype)
            which = number % len(self.devices)
            y = self._programs[which](jax.device_put(x, self.devices[which]))
        else:
            y = self._dispatch(0, number, 0)[1]
        tile = jax.device_put((base, y), self.devices[0])
        return unpacked(self._masks(*tile), len(self._rows)), np.asarray(y)

    @cached_property
    def _masks(self) -> Callable[..., Any]:
        y = jax.eval_shape(self._outputs, self._like)
        return lower(self._packed, self.devices[0], np.uint32(0), y).compile()

    def _packed(self, base: jax.Array, y: jax.Array) -> list[jax.Array]:
        among, *truths = self._answers(base, y)
        return packed([among & truth for truth in truths])

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


@contextlib.contextmanager
def _not_awaited(pool: ThreadPoolExecutor) -> Iterator[ThreadPoolExecutor]:
    """A pool that is not waited for at an interrupt: what it works at may have no end."""
    awaited = True
    try:
        yield pool
    except KeyboardInterrupt:
        awaited = False
        raise
    finally:
        pool.shutdown(wait=awaited, cancel_futures=not awaited)


def _flags() -> str:
    """What XLA was told, but for how many devices the host plays: results do not depend on it."""
    told = os.environ.get("XLA_FLAGS", "").split()
    return " ".join(each for each in told if not each.startswith(_HOSTS))


def _release(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # a folder that was never installed
        return "unknown"
