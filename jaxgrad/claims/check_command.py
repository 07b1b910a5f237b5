"""What ``jaxgrad check`` does: check the derivative rules of a function at a point."""

from __future__ import annotations

import argparse
import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxgrad.claims.annotations import annotate
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.verdict import Verdict

__all__ = ["check", "exit_code_of", "place_of"]


def check(options: argparse.Namespace) -> int:
    """Check a function as the options say, print what comes of it, and return the exit code.

    Args:
        options: as the command line declares them.

    Raises:
        ArgumentError: a name, an argument or an option cannot be used, or the function raises.
    """
    name = options.function
    function = named("MODULE:FUNCTION", name)
    domain = named("--domain", options.domain) if options.domain else None
    reference = named("--reference", options.reference) if options.reference else None
    sys.path.append(str(Path.cwd()))  # for what these import when they are called
    from jaxgrad.claims.given_arguments import given
    from jaxgrad.gradients.check_grads import check

    args, keywords = given(options.args, name.partition(":")[0], options.seed)
    _require_arguments(name, function, args, keywords)
    asked = {
        "order": options.order,
        "argnums": options.argnums,
        "domain": domain,
        "reference": reference,
        "dtypes": options.dtypes,
        "exact": options.exact,
        "special_points": options.special_points,
        "budget": options.budget,
    }
    modes = {} if options.modes is None else {"modes": options.modes}
    called = functools.partial(function, **keywords) if keywords else function
    try:
        found = check(called, args, **asked, **modes)
    except ArgumentError:
        raise
    except JaxgradError as error:
        raise ArgumentError(f"{name}: {error}") from error
    except Exception as error:
        raise ArgumentError(_raised(name, function, error)) from error
    print(found.to_json() if options.json else _with_import(str(found), name, keywords))
    if not found:
        title = f"{name} is {found.verdict}"
        annotate(title, str(found).partition("\n\nTo see it:")[0], *place_of(function))
    return exit_code_of(found.verdict)


def exit_code_of(verdict: Verdict) -> int:
    """0 where it passes, 3 where it is open, else 1.

    Example:
        >>> [exit_code_of(verdict) for verdict in (Verdict.AGREES, Verdict.REFUTED)]
        [0, 1]
    """
    if verdict is Verdict.UNDECIDED:
        return Exit.UNDECIDED
    return Exit.ALL_EXPECTED if verdict.passes else Exit.NOT_EXPECTED


def _require_arguments(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """Refuses a call that the signature does not have, before JAX has its own words for it.

    So it does an array by its name: what is held fixed is handed on so.
    """
    for key, value in keywords.items():
        if any(hasattr(leaf, "shape") and leaf.dtype.kind in "fcV" for leaf in _leaves(value)):
            raise ArgumentError(
                f"{key}=: a name is for what is held fixed, and this is an array by which is "
                "differentiated; give it by its place, without the name"
            )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args, **keywords)
    except TypeError as error:
        raise ArgumentError(
            f"{name}{signature}: {error}; give one argument for each parameter, e.g. 'f32[3, 4]' "
            "for an array of that dtype and shape, drawn; 'jnp.ones(3)', 0.5 or @file.npz for its "
            "values; NAME=VALUE by its name"
        ) from None


def _leaves(value: Any) -> list[Any]:
    import jax

    return jax.tree.leaves(value)


def _raised(name: str, function: Callable[..., Any], error: Exception) -> str:
    from jaxgrad.programs.jax_errors import first_line

    file, _ = place_of(function)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    where = f" at line {lines[-1]}" if lines else ""
    return f"{name} raised {first_line(error)}{where}; the arguments are those of the command line"


def _with_import(text: str, name: str, keywords: dict[str, Any]) -> str:
    """What is said, with code that says where ``f`` comes from."""
    module, _, path = name.partition(":")
    lines = f"import {module}" if "." in path else f"from {module} import {path} as f"
    if "." in path:
        lines += f"\nf = {module}.{path}"
    if keywords:
        lines += "\nimport functools"
        inside = ", ".join(f"{key}={value!r}" for key, value in keywords.items())
        lines += f"\nf = functools.partial(f, {inside})"
    return text.replace("# with `f` in scope", lines)


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """The file and line at which a function is defined; None where nobody knows.

    Example:
        >>> file, line = place_of(exit_code_of)
        >>> Path(file).name
        'check_command.py'
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return (None, None) if code is None else (code.co_filename, code.co_firstlineno)
