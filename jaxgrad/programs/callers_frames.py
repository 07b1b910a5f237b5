"""Errors that are shown with the lines of the caller's code, and without a hundred others."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.programs.raised_by import is_known

__all__ = ["CallersFrames", "in_callers_frames", "offered"]

_Arguments = ParamSpec("_Arguments")
_Returned = TypeVar("_Returned")


class CallersFrames:
    """A block out of which errors come without frames of this package and of JAX.

    These are the errors of this package and those that the caller's code raises or runs into.
    What they come of, their ``__cause__``, is kept, and shown in the same way.  All frames are
    shown where JAX is told to show its own (``JAX_TRACEBACK_FILTERING=off``), and of any other
    error, which is a fault of this package.

    Example:
        >>> with CallersFrames():
        ...     raise JaxgradError("a rule is malformed")
        Traceback (most recent call last):
            ...
        jaxgrad.JaxgradError: a rule is malformed
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception):
            return
        import jax  # not before: a command's help is printed without it

        if getattr(jax.config, "jax_traceback_filtering", None) == "off":
            return
        if isinstance(error, JaxgradError) or _is_no_fault(error):
            for each in _of_which_it_comes(error):
                each.__traceback__ = _callers(each.__traceback__)


def _is_no_fault(error: Exception) -> bool:
    """Whether the caller's code was running, or the very call is one of other arguments."""
    trace = error.__traceback__
    return _callers(trace) is not None or trace is None or trace.tb_next is None


def in_callers_frames(
    function: Callable[_Arguments, _Returned],
) -> Callable[_Arguments, _Returned]:
    """A function out of which errors come so, and of which pytest shows no line.

    Args:
        function: which the caller calls.

    Example:
        >>> in_callers_frames(max)(1, 2)
        2
    """

    @functools.wraps(function)
    def called(*args: _Arguments.args, **options: _Arguments.kwargs) -> _Returned:
        __tracebackhide__ = True
        with CallersFrames():
            _refuse_options_of_f(function, args[0] if args else None, options)
            return function(*args, **options)

    return called


def _refuse_options_of_f(
    function: Callable[..., Any], checked: object, options: Mapping[str, Any]
) -> None:
    """Says how keyword arguments are given that are those of what is checked.

    Raises:
        ArgumentError: an option is no parameter of the function, and one of its first argument.
    """
    known = _parameters_of(function) if options else ()
    others = set(options) & set(_parameters_of(checked)) if options else set()
    for name in sorted(others.difference(known)):
        raise ArgumentError(
            f"{function.__name__}() has no option {name}=, which is an argument of "
            f"{getattr(checked, '__name__', 'f')}: hold it fixed with "
            f"functools.partial(f, {name}=...), or give it in its place among the others"
        )


def _parameters_of(function: object) -> Collection[str]:
    """The names of a function's parameters, as far as Python tells them."""
    try:
        return inspect.signature(function).parameters  # type: ignore[arg-type]
    except (TypeError, ValueError):  # it is none, or does not tell
        return ()


def offered(function: Callable[_Arguments, _Returned]) -> Callable[_Arguments, _Returned]:
    """The same of a function that is public; its module has it from then on, where pickle looks.

    Args:
        function: of a module, by its name there.
    """
    shown = in_callers_frames(function)
    setattr(sys.modules[function.__module__], function.__name__, shown)
    return shown


def _of_which_it_comes(error: BaseException) -> Iterator[BaseException]:
    """An error, its cause, the cause of that, and so on, as far as they say something.

    JAX puts the place of an operation behind its error as an exception that has the same text.
    """
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        yield error
        cause = error.__cause__
        if cause is not None and type(cause).__name__ == "JaxStackTraceBeforeTransformation":
            cause = cause.__cause__  # the one before JAX put its own there
            error.__cause__ = cause
        if cause is None:
            return
        error = cause


def _callers(trace: TracebackType | None) -> TracebackType | None:
    """A traceback of those frames alone that are the caller's, or of a library between."""
    frames: list[TracebackType] = []
    while trace is not None:
        if not is_known(Path(trace.tb_frame.f_code.co_filename)):
            frames.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    for each in reversed(frames):
        kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept
