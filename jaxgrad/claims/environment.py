"""What a verdict depends on beside the files that its module reads: one digest of it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import re
import sys
from importlib.metadata import distributions
from pathlib import Path

from jaxgrad.claims.read_files import digest_of

__all__ = ["environment"]

_OURS = Path(__file__).parents[1]
# Variables that are others in every terminal, and that no claim is about.
_OF_A_TERMINAL = re.compile(
    r"_|COLUMNS|LINES|OLDPWD|PWD|SHLVL|WINDOWID|(COLORTERM|DBUS|DISPLAY|GPG|SSH|TERM|TMUX|VTE|XDG)\w*"
)


@functools.cache
def environment() -> str:
    """A digest of this package, installed ones by version, Python, the machine and all variables.

    Example:
        >>> len(environment())
        64
    """
    variables = {name: x for name, x in os.environ.items() if not _OF_A_TERMINAL.fullmatch(name)}
    told = {
        "ours": sorted((str(f.relative_to(_OURS)), digest_of(f)) for f in _OURS.rglob("*.py")),
        "installed": sorted({(str(d.name), str(d.version)) for d in distributions()}),
        "python": [sys.version, sys.flags.optimize, sys.warnoptions, str(sys._xoptions)],
        "machine": [platform.machine(), platform.system(), platform.release(), _processor()],
        "variables": sorted(variables.items()),
    }
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _processor() -> str:
    """Its model and what it can compute, for which XLA compiles; empty where nobody says."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    first = text.partition("\n\n")[0].splitlines()
    return "\n".join(x for x in first if x.startswith(("model name", "flags", "Features")))
