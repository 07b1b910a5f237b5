"""What a verdict depends on beside the files that its module reads: one digest of it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from jaxgrad.claims.read_files import digest_of, installed

__all__ = ["environment"]

_OURS = Path(__file__).parents[1]
# Variables that are others in every terminal, and that no claim is about.
_OF_A_TERMINAL = re.compile(
    r"_|COLUMNS|LINES|OLDPWD|PWD|SHLVL|WINDOWID|(COLORTERM|DBUS|DISPLAY|GPG|SSH|TERM|TMUX|VTE|XDG)\w*"
)


def environment() -> str:
    """A digest of this package, what is installed, Python, the machine, all variables, and where
    modules are looked for.

    Example:
        >>> len(environment())
        64
    """
    variables = {name: x for name, x in os.environ.items() if not _OF_A_TERMINAL.fullmatch(name)}
    told = {
        "ours": sorted((str(f.relative_to(_OURS)), digest_of(f)) for f in _OURS.rglob("*.py")),
        "installed": sorted(_distributions()),
        "python": [sys.version, sys.flags.optimize, sys.warnoptions, str(sys._xoptions)],
        "machine": [platform.machine(), platform.system(), platform.release(), _processor()],
        "variables": sorted(variables.items()),
        "path": [os.getcwd(), *map(str, sys.path)],
        "in place of installed ones": sorted(_in_place_of_installed()),
    }
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _distributions() -> Iterator[tuple[str, str, str]]:
    """Names and versions, and a digest of the list of files, each with its own digest.

    What is installed anew under the same version, or is used where it is edited, is known by it.
    """
    for one in distributions():
        files = (one.read_text("RECORD") or "").encode()
        yield str(one.name), str(one.version), hashlib.sha256(files).hexdigest()


def _in_place_of_installed() -> Iterator[str]:
    """What is imported from a folder of its own although a module of its name is installed."""
    places = {os.path.join(os.path.abspath(place), "") for place in map(str, sys.path)}
    names = set(sys.stdlib_module_names)
    for place in filter(installed, places):
        names |= _modules(place)
    for place in places:
        if not installed(place):
            yield from (place + name for name in _modules(place) & names)


def _modules(place: str) -> set[str]:
    try:
        return {name.partition(".")[0] for name in os.listdir(place)}
    except OSError:
        return set()


def _processor() -> str:
    """Its model and what it can compute, for which XLA compiles; empty where nobody says."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    first = text.partition("\n\n")[0].splitlines()
    return "\n".join(x for x in first if x.startswith(("model name", "flags", "Features")))
