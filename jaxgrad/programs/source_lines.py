"""The line of the caller's code that an operation of a program comes of."""

from __future__ import annotations

import itertools
import linecache
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from jaxgrad.programs.custom_rules import CUSTOM_RULES
from jaxgrad.programs.raised_by import is_callers, is_engine

__all__ = ["Line", "is_made_by_jax", "line_of", "place_in_jax"]


@dataclass(frozen=True)
class Line:
    """A line of a file.

    Args:
        file: its name as Python has it.
        number: the number of the line.
        function: the function that it is in.
        columns: of the expression on it, the first one and the one behind the last, from 0; None
            if that is not known.
        calls_rule: whether it calls a function whose custom rule has the operation, somewhere else.

    Example:
        >>> str(Line("/somewhere/model.py", 12, "norm"))
        'model.py:12'
    """

    file: str
    number: int
    function: str
    columns: tuple[int, int] | None = None
    calls_rule: bool = False

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.number}"

    @property
    def place(self) -> str:
        """Where an operation is that comes of it, in words."""
        return f"in a rule called at {self}" if self.calls_rule else f"at {self}"

    @property
    def text(self) -> str:
        """What stands there, where the file is to be had."""
        return self._whole.strip()

    @property
    def expression(self) -> tuple[int, int] | None:
        """The columns in :attr:`text`."""
        if self.columns is None:
            return None
        indent = len(self._whole) - len(self._whole.lstrip())
        return self.columns[0] - indent, self.columns[1] - indent

    @property
    def _whole(self) -> str:
        return linecache.getline(self.file, self.number)


def line_of(equation: Any) -> Line | None:
    """The innermost line that is neither JAX's nor this package's or a library's; None if none is.

    Nor is it the line from which this package was called, which an operation does not come of.

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
    if trail is None:
        return None
    own = equation.primitive.name in CUSTOM_RULES
    calls_rule = False
    for k, (frame, code, place) in enumerate(zip(trail.frames, *trail.raw_frames(), strict=True)):
        file, name = Path(frame.file_name), frame.function_name.rpartition(".")[2]
        if is_callers(file):
            columns = _columns(code, place)
            return Line(frame.file_name, frame.line_num, name, columns, calls_rule)
        if is_engine(file):
            return None
        # What a rule does has no trail but that of the call, which ends there.
        calls_rule = calls_rule or (k < 2 and not own and name in _CALLS_RULE)
    return None


def place_in_jax(equation: Any) -> str:
    """The function of JAX that an operation comes of, where no code of a caller does; "" if none.

    Args:
        equation: of a jaxpr.

    Example:
        >>> import jax
        >>> place_in_jax(jax.make_jaxpr(jax.nn.squareplus)(1.0).eqns[0].params["jaxpr"].eqns[0])
        'in `squareplus` (jax/_src/nn/functions.py:...)'
    """
    trail, found = equation.source_info.traceback, ""
    for frame in () if trail is None else trail.frames:
        file = Path(frame.file_name)
        if is_engine(file):
            break
        if _JAX not in file.parents:
            continue
        name = f"jax/{file.relative_to(_JAX).as_posix()}"
        if name.startswith(_FUNCTIONS):
            found = f"in `{frame.function_name}` ({name}:{frame.line_num})"
    return found


def is_made_by_jax(equation: Any) -> bool:
    """Whether one of JAX's functions of numbers called the function that an operation is named for.

    Not so where a caller did, or handed it to JAX to be called.

    Args:
        equation: of a jaxpr, a ``stop_gradient`` or a ``custom_linear_solve``.

    Example:
        >>> from jaxgrad.programs.jaxprs import equations
        >>> def stops(f):
        ...     found = equations(jax.make_jaxpr(f)(jax.numpy.ones(2)))
        ...     return [x for x in found if x.primitive.name == "stop_gradient"]
        >>> list(map(is_made_by_jax, stops(jax.nn.softmax)))
        [True]
        >>> list(map(is_made_by_jax, stops(jax.vmap(jax.lax.stop_gradient))))
        [False]
    """
    trail, called = equation.source_info.traceback, False
    for frame in () if trail is None else trail.frames:
        file, name = Path(frame.file_name), frame.function_name
        place = file.relative_to(_JAX).as_posix() if _JAX in file.parents else ""
        if not called:
            called = name == equation.primitive.name and place.startswith("_src/lax/")
        elif place not in _BETWEEN:
            return place in _OF_NUMBERS
    return False


_JAX = Path(jax.__file__).parent
# What stands between a function of JAX and one that it calls, mapped or not, which the rule of a
# batch calls again.
_BETWEEN = frozenset({
    "_src/api.py",
    "_src/core.py",
    "_src/interpreters/batching.py",
    "_src/lax/control_flow/solves.py",
    "_src/lax/lax.py",
    "_src/linear_util.py",
    "_src/traceback_util.py",
    "_src/tree_util.py",
})  # fmt: skip
# Where JAX stops gradients or solves systems by itself, and calls no function of a caller.
_OF_NUMBERS = frozenset({
    "_src/lax/linalg.py",
    "_src/nn/functions.py",
    "_src/numpy/reductions.py",
    "_src/numpy/ufuncs.py",
    "_src/ops/special.py",
    "_src/scipy/linalg.py",
})  # fmt: skip
# Where the functions of JAX are that a caller calls.
_FUNCTIONS = (
    "jax/_src/nn/",
    "jax/_src/numpy/",
    "jax/_src/scipy/",
    "jax/_src/lax/",
    "jax/_src/random",
)
_CALLS_RULE = ("process_custom_jvp_call", "process_custom_vjp_call")


def _columns(code: Any, place: int) -> tuple[int, int] | None:
    """Of the expression that an instruction is of, if it is on one line."""
    start, end, *columns = next(itertools.islice(code.co_positions(), place // 2, None), (0, None))
    if start != end or None in columns or len(columns) != 2:
        return None
    return columns[0], columns[1]
