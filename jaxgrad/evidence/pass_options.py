"""How a pass over all floats is made, as it is asked for: where, by which tiles, what is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxgrad.evidence.kept_tallies import kept_folder, require_part
from jaxgrad.evidence.swept_arguments import checked_devices, require_tile

__all__ = ["PassOptions", "checked_options"]


@dataclass(frozen=True)
class PassOptions:
    """What every pass over all floats is given.

    Args:
        call: what is called, for messages.
        devices: where to run.
        tile: floats per tile, at most.
        keep: the folder of what is kept, as it is given; or None.
        part: (index, count).
    """

    call: str
    devices: tuple[Any, ...]
    tile: int
    keep: str | os.PathLike[str] | None
    part: tuple[int, int]

    def folder(self) -> Path | None:
        """The folder of what is kept, made where there is none.

        Raises:
            ArgumentError: it cannot be made.
        """
        return kept_folder(self.call, self.keep)


def checked_options(
    call: str,
    devices: Sequence[Any] | None,
    tile: int,
    keep: str | os.PathLike[str] | None,
    part: tuple[int, int],
) -> PassOptions:
    """The options of a pass, as they are given.

    Args:
        call: what is called, for messages.
        devices, tile, keep, part: as they are given.

    Raises:
        ArgumentError: one is none of its kind.
    """
    require_tile(call, tile)
    require_part(call, part, keep)
    return PassOptions(call, checked_devices(call, devices), tile, keep, part)
