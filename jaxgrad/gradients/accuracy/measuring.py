"""A pass over every float of a dtype that measures a derivative, tile after tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend.core import jaxpr_as_fun

from jaxgrad.errors import JaxgradError
from jaxgrad.evidence.float_formats import Float, Format
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
        rows = TileRows(format, program if self.by_intervals else None).rows
        super().__init__(self._outputs, format, rows, tile, devices, keep, part)

    def _outputs(self, x: jax.Array) -> jax.Array:
        return self._derivative(x)[0]

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
    judged: Callable[..., Any] = anew(lambda x, y: [row(x, y) for row in rows.rows])
    try:
        jax.eval_shape(judged, x, x)
    except (JaxgradError, NotImplementedError):
        return False
    return True
