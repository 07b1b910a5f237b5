"""What the options of the command line take, and those that several commands have."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable
from typing import Any

__all__ = [
    "add_dtypes",
    "add_json",
    "add_switch",
    "arguments_of_rules",
    "cores",
    "listed",
    "not_negative",
    "positive",
]


def listed(kind: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """A tuple of things of this kind, with commas between them."""

    def several(text: str) -> tuple[Any, ...]:
        return tuple(kind(one.strip()) for one in text.split(",") if one.strip())

    several.__name__ = f"list of {kind.__name__}"  # for the message of argparse
    return several


def positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    """A number that is positive and finite, of this kind."""

    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < math.inf:
            raise ValueError
        return value

    number.__name__ = f"positive {kind.__name__}"  # for the message of argparse
    return number


def not_negative(text: str) -> int:
    """A whole number from 0 on."""
    if (value := int(text)) < 0:
        raise ValueError
    return value


not_negative.__name__ = "whole number from 0 on"  # for the message of argparse


def arguments_of_rules(text: str) -> dict[str, tuple[str, ...]]:
    """The arguments of several functions, each with a list of them, as one object of JSON.

    Example:
        >>> arguments_of_rules('{"my.losses:huber": ["f32[3, 2]", 2.0], "my.norms:rms": "f32[3]"}')
        {'my.losses:huber': ('f32[3, 2]', '2.0'), 'my.norms:rms': ('f32[3]',)}
    """
    try:
        table = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is no JSON: {error}") from None
    if not isinstance(table, dict):
        raise argparse.ArgumentTypeError(f"{text:.60} is not an object of names; {_MEANT}")
    return {name: _texts(name, given) for name, given in table.items()}


_MEANT = 'write it as {"my_package.losses:huber": ["f32[3, 2]", "2.0"]}'


def _texts(name: str, given: Any) -> tuple[str, ...]:
    texts = given if isinstance(given, list) else [given]
    if ":" not in name or not all(isinstance(x, str | int | float) for x in texts) or not texts:
        raise argparse.ArgumentTypeError(
            f"{name!r} has {json.dumps(given):.60}, and has to be MODULE:FUNCTION with a list of "
            f"arguments; {_MEANT}"
        )
    return tuple(map(str, texts))


def add_dtypes(parser: argparse.ArgumentParser, text: str) -> None:
    """``--dtypes``: in which something is judged."""
    parser.add_argument("--dtypes", type=listed(str), metavar="DTYPE,DTYPE", help=text)


def add_switch(
    parser: argparse.ArgumentParser, name: str, text: str, default: bool | None = False
) -> None:
    """An option and its ``--no-``, which takes it back where a project always gives it."""
    parser.add_argument(name, action=argparse.BooleanOptionalAction, default=default, help=text)


def add_json(parser: argparse._ActionsContainer) -> None:
    """``--json``, of what prints a report of its own otherwise."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_timeout(parser: argparse.ArgumentParser, what: str, code: str = "3") -> None:
    """``--timeout``, after which something is given up."""
    parser.add_argument(
        "--timeout",
        type=positive(float),
        metavar="SECONDS",
        help=f"of the wall clock, after which {what} is given up, also within code of its "
        f"own or a compilation (exit code {code}; default: none)",
    )


def _part(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    return int(index), int(count)


_part.__name__ = "part, such as 0/2,"  # for the message of argparse


def add_keep(parser: argparse.ArgumentParser) -> None:
    """``--keep`` and ``--part``, of what goes over every float of a dtype."""
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        help="keep what is done there, so that a run that is killed goes on where it was",
    )
    parser.add_argument(
        "--part",
        type=_part,
        default=(0, 1),
        metavar="I/N",
        help="one of N processes that share the work, from 0/N on, with the same --keep; each "
        "says the whole",
    )


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
