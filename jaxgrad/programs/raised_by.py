"""Whose code raised an exception: the caller's, a library's, JAX's or this package's."""

from __future__ import annotations

import dis
import sysconfig
import traceback
from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "is_callers",
    "is_engine",
    "is_jaxs_own",
    "is_known",
    "is_raised_by_caller",
    "is_raised_outside",
    "place",
]

_OWN = Path(__file__).parents[1]
_JAX = find_spec("jax")  # which is not loaded for this: a command's help is printed without it
_PACKAGES = (*([Path(_JAX.origin).parent] if _JAX and _JAX.origin else []), _OWN)
_STANDARD = Path(sysconfig.get_paths()["stdlib"])


def is_jaxs_own(error: BaseException) -> bool:
    """Whether none but JAX, this package and Python's library was running.

    An error that a custom rule raises is the rule's own, and so is one that it runs into inside
    JAX.  The function itself was traced before, so that any other error is JAX's: it has no such
    derivative, or fails to make it.

    Example:
        >>> try:
        ...     raise ValueError("in a rule")
        ... except ValueError as error:
        ...     is_jaxs_own(error)
        False
    """
    frames = traceback.extract_tb(error.__traceback__)
    return all(is_known(Path(frame.filename)) for frame in frames)


def is_raised_by_caller(error: BaseException) -> bool:
    """Whether a ``raise`` or an ``assert`` of the caller's own code raised it.

    Example:
        >>> try:
        ...     raise ValueError("not this shape")
        ... except ValueError as error:
        ...     is_raised_by_caller(error)
        True
    """
    file = _raised_in(error)
    return file is not None and is_callers(file)


def is_raised_outside(error: BaseException) -> bool:
    """Whether one of the caller's or of an installed library did, not of JAX or this package."""
    file = _raised_in(error)
    return file is not None and not is_known(file)


def _raised_in(error: BaseException) -> Path | None:
    """The file whose ``raise`` or ``assert`` raised it; None where a call or an operation did."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return None
    code = last.tb_frame.f_code
    raised = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return Path(code.co_filename) if raised else None


def place(error: BaseException) -> str:
    """Where in the caller's code it was raised, for a message: `` in ``f``: ``if x > 0:`` ``."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_callers(Path(frame.filename))]
    if not own:
        return ""
    line = own[-1].line or ""
    return f" in `{own[-1].name}`" + (f" (`{_short(line)}`)" if line else "")


def is_callers(file: Path) -> bool:
    """Whether a file is neither of this package or an installed one nor of Python itself."""
    return not is_known(file) and "site-packages" not in file.parts


def is_engine(file: Path) -> bool:
    """Whether it is of this package, and none of the functions that it offers."""
    return _OWN in file.parents and _OWN / "networks" not in file.parents


def is_known(file: Path) -> bool:
    """Whether a file is of JAX, of this package or of Python's own library."""
    if any(package in file.parents for package in _PACKAGES):
        return True
    return str(file).startswith("<frozen") or (
        _STANDARD in file.parents and "site-packages" not in file.parts
    )


# Enough of a line of code to find it by.
_LONGEST_LINE = 80


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
