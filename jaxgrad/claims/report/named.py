"""A report of somebody's own: a function, by its name."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, cast

from jaxgrad.claims.claim import ClaimResult
from jaxgrad.errors import ArgumentError

__all__ = ["Report", "named"]

Report = Callable[[Sequence[ClaimResult], float], str]
"""report(results, seconds) -> the text that is printed."""


def named(name: str) -> Report:
    """The function of this name, imported from the current folder or from what is installed.

    Args:
        name: ``module:function``.

    Raises:
        ArgumentError: there is none.

    Example:
        >>> named("jaxgrad.claims.report.json_report:render").__name__
        'render'
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise ArgumentError(
            f"--report {name!r} names no function; write module:function, a function of the "
            "results and the seconds that returns the text to print"
        )
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = getattr(importlib.import_module(module), function)
    except Exception as error:
        raise ArgumentError(
            f"--report {name!r} cannot be imported: {type(error).__name__}: {error}; the module is "
            "looked for in the current folder and among what is installed"
        ) from error
    finally:
        sys.path.remove(os.getcwd())
    if not callable(found):
        raise ArgumentError(f"--report {name!r} is {found!r:.60}, not a function")
    return cast(Report, found)
