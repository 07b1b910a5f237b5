"""What the options of the command line take, and those that several commands have."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import Any

__all__ = ["add_dtypes", "add_json", "add_switch", "cores", "listed", "not_negative", "positive"]


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
