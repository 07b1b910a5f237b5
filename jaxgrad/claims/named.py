"""A function of the user's own, by the name that the command line is given."""

from __future__ import annotations

import difflib
import importlib
import operator
import os
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from jaxgrad.claims.raised_text import all_that_was_raised
from jaxgrad.errors import ArgumentError

__all__ = ["named"]

# What no name of a module or of a function has in it, and a lambda, a comparison or a call has.
_EXPRESSION = re.compile(r"[\s()\[\]<>=,'\"]")


def named(option: str, name: str, meant: str = "a function") -> Callable[..., Any]:
    """The function of this name, imported from the current folder or from what is installed.

    Args:
        option: which argument of the command line names it, for the message.
        name: ``module:function``.
        meant: what function it has to be, for the message.

    Raises:
        ArgumentError: there is none.

    Example:
        >>> named("--report", "jaxgrad.claims.report.json_report:render").__name__
        'render'
    """
    module, _, function = name.partition(":")
    if module.endswith(".py"):
        instead = _written(module.removesuffix(".py"), function or "FUNCTION")
        raise ArgumentError(f"{option} {name!r}: write the module's name, {instead}")
    if _EXPRESSION.search(name) and "/" not in module and os.sep not in module:
        raise ArgumentError(
            f"{option} {name!r} is an expression of Python, and has to be the name of a function: "
            "write it with `def` and a name in a file, and name it MODULE:FUNCTION, by which it is "
            "imported; none is written on the command line"
        )
    if not module or not function:
        dotted, _, last = module.rpartition(".")
        instead = f"{dotted}:{last}" if dotted and last else f"module:function for {meant}"
        raise ArgumentError(f"{option} {name!r} names no function; write {instead}")
    if "/" in module or module.startswith("."):
        instead = _written(module, function)
        raise ArgumentError(
            f"{option} {name!r}: a module is named as in an import, from the current folder or "
            f"from what is installed; write {instead}"
        )
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        found = operator.attrgetter(function)(importlib.import_module(module))
    except (Exception, SystemExit) as error:
        raise ArgumentError(
            f"{option} {name!r} cannot be imported: {all_that_was_raised(error)}{_instead(error)}"
        ) from error
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise ArgumentError(f"{option} {name!r} is {found!r:.60}, not a function")
    return found


def _instead(error: BaseException) -> str:
    """What may be done where a module, or a name in one, was not found."""
    if isinstance(error, ModuleNotFoundError):
        return "; the module is looked for in the current folder and among what is installed"
    if not isinstance(error, AttributeError) or not isinstance(error.obj, ModuleType):
        return ""
    functions = [name for name, value in vars(error.obj).items() if callable(value)]
    near = difflib.get_close_matches(error.name or "", functions, 1)
    return f"; did you mean {error.obj.__name__}:{near[0]}?" if near else ""


def _written(path: str, function: str) -> str:
    """How a function is named whose module has a file of this path, or was written like one.

    Example:
        >>> _written("./models/losses", "huber"), _written(".losses", "huber")
        ('models.losses:huber', 'losses:huber')
        >>> _written("../losses", "huber")
        'losses:huber, from within the folder ..'
    """
    if "/" not in path and os.sep not in path:
        return f"{path.strip('.')}:{function}"
    relative = os.path.relpath(path)
    folder, module = os.path.split(relative)
    if relative.startswith(os.pardir):
        return f"{module}:{function}, from within the folder {folder}"
    return f"{relative.replace(os.sep, '.')}:{function}"
