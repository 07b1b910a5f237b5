"""A pass over every float of a dtype that measures a derivative, tile after tile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from jaxgrad.errors import JaxgradError
from jaxgrad.evidence.float_formats import Float, Format
from jaxgrad.evidence.tallies import tallies
from jaxgrad.evidence.tiled_pass import TiledPass
from jaxgrad.gradients.accuracy.tile_rows import TileRows
from jaxgrad.programs.trace import Program, anew

__all__ = ["MeasuringPass"]


class MeasuringPass(TiledPass):
    """How far a derivative is off at every float, within ``jax.enable_x64(True)``.

    Args:
        program: the function that is derived.
        derivative: its program for the floats of a tile, traced as the caller's configuration has
            it, in which float64 may be unknown.
        format: of the floats.
        tile: floats per tile, of one exponent.
        devices: where to run.
        keep, part: as of every pass.
    """

    name = "accuracy"

    def __init__(
        self,
        program: Program,
        derivative: Any,
        format: Format,
        tile: int,
        devices: tuple[Any, ...],
        keep: Path | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self._derivative = jaxpr_as_fun(derivative)
        self.program = program
        self.by_intervals = _runs(program, format, tile)
        self._tile_rows = TileRows(format, program if self.by_intervals else None)
        super().__init__(
            self._outputs, format, self._tile_rows.predicates, tile, devices, keep, part
        )

    def _outputs(self, x: jax.Array) -> jax.Array:
        return self._derivative(x)[0]

    def _answers(self, base: jax.Array, y: jax.Array) -> list[jax.Array]:
        x = self._inputs(base)[1]
        return self._of_codes(base, self._tile_rows.codes(x, y, self._tile_rows.truths(x)))

    def _of_codes(self, base: jax.Array, codes: jax.Array) -> list[jax.Array]:
        among = ~self.format.is_nan(self._inputs(base)[0])
        return [among, *(row(codes) for row in self._tile_rows.rows)]

    def _run(self, start: jax.Array, tiles: jax.Array) -> tuple[jax.Array, jax.Array]:
        """As of every pass, with two things more that a step stores for the next one.

        Of the true derivatives, and of what is known of each float, there is one kernel each then;
        in that of the sums XLA would compute them again and again. Where all floats of a tile have
        the right derivative there is nothing to count.
        """

        def of_tile(number: jax.Array) -> tuple[jax.Array, jax.Array]:
            base = start + number.astype(jnp.uint32) * np.uint32(self.tile)
            return base, self._inputs(base)[1]

        none_off = jnp.zeros(len(self._rows), jnp.uint32).at[0].set(self.tile)

        def step(number: jax.Array, state: tuple[Any, ...]) -> Any:
            counts, x, y, _, truths, codes, was_right = state

            def found() -> jax.Array:
                among, *rows = self._of_codes(of_tile(number - 2)[0], codes)
                return tallies(among, rows)

            # The first two steps have nothing to count, and the third one writes in its place.
            place = jnp.maximum(number - 2, 0)
            counts = counts.at[place].set(jax.lax.cond(was_right, lambda: none_off, found))
            before = of_tile(number - 1)[1]
            is_right = self._tile_rows.all_right(before, y, truths)
            codes = jax.lax.cond(
                is_right, lambda: codes, lambda: self._tile_rows.codes(before, y, truths)
            )
            truths = self._tile_rows.truths(of_tile(number)[1])
            next_x, next_y = of_tile(number + 1)[1], self._outputs(x)
            return counts, next_x, next_y, y, truths, codes, is_right

        counts = jnp.zeros((self._most_tiles, len(self._rows)), jnp.uint32)
        x = self._inputs(start)[1]
        zeros, integers = jnp.zeros(x.shape, x.dtype), jnp.zeros(x.shape, jnp.int64)
        state = (
            counts,
            x,
            zeros,
            zeros,
            integers,
            jnp.zeros(x.shape, jnp.uint32),
            jnp.asarray(False),
        )
        counts, _, _, y, *_ = jax.lax.fori_loop(0, tiles + 2, step, state)
        return counts, y

    def so_far(self) -> str:
        """What is known while tiles are counted."""
        checked, format = int(self._done.sum()) * self.tile, self.format
        return f"accuracy measured {checked} of {2**format.bits} {format.dtype.name} bit patterns"

    def _again(self, number: int, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A tile, whose counts are those of the program that says which floats they are.

        Another program may round the ends of an interval otherwise, so that of the floats that
        neither counts wrongly one leaves another open.
        """
        found = self._tiles.get(number) or self._evaluated(number)
        self.counts[number] = found[0].sum(axis=1)
        return found

    def first(self, row: int, tiles: range, outwards: int = 1) -> Float | None:
        """The first float of some tiles at which a row holds, or the last one.

        Args:
            row: which one.
            tiles: in the order of their patterns.
            outwards: 1 for the first, −1 for the last.
        """
        numbers = tiles.start + np.flatnonzero(self.counts[tiles.start : tiles.stop, row])
        for number in numbers[::outwards]:
            places = np.flatnonzero(self.masks(int(number))[0][row])
            if places.size:
                place = places[0 if outwards > 0 else -1]
                return Float(self.format.dtype, int(number) * self.tile + int(place))
        return None

    def halves(self) -> tuple[range, range]:
        """The tiles of positive floats, and of negative ones, outwards from 0."""
        total = len(self.counts)
        return range(total // 2), range(total // 2, total)

    def floats(self, row: int) -> Iterator[tuple[Float, np.ndarray]]:
        """Every float at which a row holds, outwards from 0, with what the derivative returns."""
        for number in np.flatnonzero(self.counts[:, row]):
            masks, y = self.masks(int(number))
            for place in np.flatnonzero(masks[row]):
                yield Float(self.format.dtype, int(number) * self.tile + int(place)), y[place]


def _runs(program: Program, format: Format, tile: int) -> bool:
    """Whether intervals can run a program."""
    rows = TileRows(format, program)
    x = jax.ShapeDtypeStruct((tile,), format.dtype)
    try:
        jax.eval_shape(anew(rows.truths), x)
    except (JaxgradError, NotImplementedError):
        return False
    return True
