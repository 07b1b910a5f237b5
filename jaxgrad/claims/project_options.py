"""Options of the command line that a project has in its pyproject.toml."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxgrad.errors import ArgumentError

__all__ = ["ProjectOptions", "parsed", "project_options"]


class ProjectOptions(NamedTuple):
    """What a project says of a command.

    Args:
        file: the file that says it; None where none does.
        arguments: its options, as they are written on a command line.
        paths: where its proofs are.
    """

    file: Path | None
    arguments: list[str]
    paths: list[str]


def parsed(
    parser: argparse.ArgumentParser, commands: Sequence[str], argv: Sequence[str]
) -> argparse.Namespace:
    """What a command line says: its own options come after those of the project, and replace them.

    Args:
        parser: of the whole command line.
        commands: the names of its commands.
        argv: the arguments.

    Raises:
        ArgumentError: as :func:`project_options`.
        SystemExit: they cannot be parsed; a message says so.
    """
    command = argv[0] if argv else ""
    if command not in commands:
        return parser.parse_args(argv)
    project = project_options(command, Path.cwd())
    try:
        options = parser.parse_args([command, *project.arguments, *argv[1:]])
    except SystemExit as stop:
        if stop.code and project.file is not None:
            given = " ".join(project.arguments)
            print(f"jaxgrad: with {given}, which {project.file} says", file=sys.stderr)
        raise
    if project.paths and not getattr(options, "paths", True) and not options.new:
        options.paths = project.paths
    return options


def project_options(command: str, folder: Path) -> ProjectOptions:
    """The table ``[tool.jaxgrad.COMMAND]`` of the nearest pyproject.toml.

    Args:
        command: such as ``prove``.
        folder: it is looked for there, and in the folders around.

    Raises:
        ArgumentError: the file cannot be read, or an option is no boolean, number, text or list.

    Example:
        >>> project_options("prove", Path("/")).arguments
        []
    """
    files = (place / "pyproject.toml" for place in (folder, *folder.parents))
    file = next(filter(Path.is_file, files), None)
    if file is None:
        return ProjectOptions(None, [], [])
    try:
        whole = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{file} cannot be read: {error}") from None
    table = whole.get("tool", {}).get("jaxgrad", {})
    options = table.get(command, {}) if isinstance(table, dict) else table
    if not isinstance(options, dict):
        raise ArgumentError(f"{file}: [tool.jaxgrad.{command}] is {options!r:.40}, not a table")
    paths = _texts(file, "paths", options.pop("paths", []))
    arguments = [text for name, x in options.items() for text in _argument(file, name, x)]
    return ProjectOptions(
        file if options else None, arguments, [str(file.parent / p) for p in paths]
    )


def _argument(file: Path, name: str, value: Any) -> Iterator[str]:
    if value is False:
        return
    yield f"--{name.replace('_', '-')}"
    if value is not True:
        yield ",".join(_texts(file, name, value))


def _texts(file: Path, name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(x, str | int | float) for x in values):
        raise ArgumentError(
            f"{file}: the option {name} of [tool.jaxgrad] is {value!r:.60}; write true, a number, "
            "a text or a list of them, as the option of the same name takes"
        )
    return [str(x) for x in values]
