"""The line of the caller's code that an operation of a program comes of."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxgrad.programs.raised_by import is_callers

__all__ = ["Line", "line_of"]


@dataclass(frozen=True)
class Line:
    """A line of a file.

    Args:
        file: its name as Python has it.
        number: the number of the line.
        function: the function that it is in.

    Example:
        >>> str(Line("/somewhere/model.py", 12, "norm"))
        'model.py:12'
    """

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.number}"

    @property
    def text(self) -> str:
        """What stands there, where the file is to be had."""
        return linecache.getline(self.file, self.number).strip()


def line_of(equation: Any) -> Line | None:
    """The innermost line that is neither JAX's nor this package's or a library's; None if none is.

    Args:
        equation: of a jaxpr.

    Example:
        >>> import jax
        >>> def half(x):
        ...     return x / 2
        >>> [equation] = jax.make_jaxpr(half)(1.0).eqns
        >>> line_of(equation).function
        'half'
    """
    trail = equation.source_info.traceback
    for frame in [] if trail is None else trail.frames:
        if is_callers(Path(frame.file_name)):
            name = frame.function_name.rpartition(".")[2]
            return Line(frame.file_name, frame.line_num, name)
    return None
