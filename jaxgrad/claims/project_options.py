"""Options of the command line that a project has in its pyproject.toml."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxgrad.errors import ArgumentError

__all__ = ["ProjectOptions", "parsed", "project_options"]

_NUMBER = re.compile(r"-[\d.]")
_HELP = frozenset(("-h", "--help"))


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
    parser: argparse.ArgumentParser,
    commands: Mapping[str, argparse.ArgumentParser],
    argv: Sequence[str],
) -> argparse.Namespace:
    """What a command line says: its own options come after those of the project, and replace them.

    Args:
        parser: of the whole command line.
        commands: the parser of each of its commands.
        argv: the arguments.

    Raises:
        ArgumentError: as :func:`project_options`.
        SystemExit: they cannot be parsed; a message says so.
    """
    command = argv[0] if argv else ""
    if command not in commands or not _HELP.isdisjoint(argv):
        return parser.parse_args(argv)  # whose message is that of the whole
    project = project_options(command, Path.cwd(), commands)
    try:
        options, unknown = parser.parse_known_args([command, *project.arguments, *argv[1:]])
        if isinstance(getattr(options, "args", None), list):  # arguments behind an option
            late = [text for text in unknown if not text.startswith("-")]
            options.args += late
            unknown = [text for text in unknown if text not in late]
        if unknown:  # the usage is the command's, not that of the whole
            commands[command].error(_unknown(unknown))
    except SystemExit as stop:
        if stop.code and project.file is not None:
            given = " ".join(project.arguments)
            print(f"jaxgrad: with {given}, which {project.file} says", file=sys.stderr)
        raise
    if project.paths and not getattr(options, "paths", True) and not options.new:
        options.paths = project.paths
    return options


def _unknown(arguments: Sequence[str]) -> str:
    """What is wrong with them; argparse takes what begins with a minus for an option."""
    said = f"unrecognized arguments: {' '.join(arguments)}"
    number = next((x for x in arguments if _NUMBER.match(x)), None)
    return said if number is None else f"{said}; in brackets it is a number: '({number})'"


def project_options(
    command: str, folder: Path, commands: Mapping[str, argparse.ArgumentParser]
) -> ProjectOptions:
    """The table ``[tool.jaxgrad.COMMAND]`` of the nearest pyproject.toml with ``[tool.jaxgrad]``.

    Args:
        command: such as ``prove``.
        folder: it is looked for there, and in the folders around.
        commands: the parser of each command, whose options it has.

    Raises:
        ArgumentError: the file cannot be read, has a table of a command that does not exist, or an
            option that is no boolean, number, text or list, nor a table where it takes one.

    Example:
        >>> project_options("prove", Path("/"), {"prove": argparse.ArgumentParser()}).arguments
        []
    """
    file, tables = _nearest(folder)
    if file is None:
        return ProjectOptions(None, [], [])
    if unknown := sorted(tables.keys() - commands.keys()):
        raise ArgumentError(
            f"{file}: [tool.jaxgrad] has {', '.join(unknown)}; its tables are those of the "
            f"commands, {', '.join(f'[tool.jaxgrad.{name}]' for name in commands)}"
        )
    options = tables.get(command, {})
    if not isinstance(options, dict):
        raise ArgumentError(f"{file}: [tool.jaxgrad.{command}] is {options!r:.40}, not a table")
    paths = _texts(file, "paths", options.pop("paths", []))
    parser = commands[command]
    arguments = [x for name, value in options.items() for x in _argument(file, name, value, parser)]
    return ProjectOptions(
        file if options else None, arguments, [str(file.parent / p) for p in paths]
    )


def _nearest(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """The file that says something of this package, and what it says."""
    for file in (place / "pyproject.toml" for place in (folder, *folder.parents)):
        if not file.is_file():
            continue
        try:
            whole = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ArgumentError(f"{file} cannot be read: {error}") from None
        tools = whole.get("tool", {})
        tables = tools.get("jaxgrad") if isinstance(tools, dict) else None
        if tables is not None and not isinstance(tables, dict):
            raise ArgumentError(f"{file}: [tool.jaxgrad] is {tables!r:.40}, not a table")
        if tables is not None:
            return file, tables
    return None, {}


def _switches(parser: argparse.ArgumentParser) -> set[str]:
    """The options that have a ``--no-`` of their own."""
    return {
        name
        for action in parser._actions
        if isinstance(action, argparse.BooleanOptionalAction)
        for name in action.option_strings
    }


def _takes_table(parser: argparse.ArgumentParser, name: str) -> bool:
    """Whether an option takes a table, as JSON."""
    of_json = (action for action in parser._actions if action.metavar == "JSON")
    return any(f"--{name}" in action.option_strings for action in of_json)


def _argument(file: Path, name: str, value: Any, parser: argparse.ArgumentParser) -> Iterator[str]:
    name = name.replace("_", "-")
    if isinstance(value, bool):
        if value:
            yield f"--{name}"
        elif f"--{name}" in _switches(parser):
            yield f"--no-{name}"
    elif isinstance(value, dict) and _takes_table(parser, name):
        yield f"--{name}={json.dumps(value, default=str)}"
    else:
        yield f"--{name}={','.join(_texts(file, name, value))}"


def _texts(file: Path, name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(x, str | int | float) for x in values):
        raise ArgumentError(
            f"{file}: the option {name} of [tool.jaxgrad] is {value!r:.60}; write true, a number, "
            "a text or a list of them, as the option of the same name takes"
        )
    return [str(x) for x in values]
