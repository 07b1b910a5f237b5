"""Whose error it is that was raised while JAX differentiated a function."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

import jax

__all__ = ["is_jaxs_own"]

_PACKAGES = (Path(jax.__file__).parent, Path(__file__).parents[1])
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
    return all(_is_known(Path(frame.filename)) for frame in frames)


def _is_known(file: Path) -> bool:
    if any(package in file.parents for package in _PACKAGES):
        return True
    return str(file).startswith("<frozen") or (
        _STANDARD in file.parents and "site-packages" not in file.parts
    )
