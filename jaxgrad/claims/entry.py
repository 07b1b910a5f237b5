"""Where the command ``jaxgrad`` begins: an interrupt is heard while the rest is being imported."""

from __future__ import annotations

import os
import sys

from jaxgrad.claims.exit_codes import Exit

__all__ = ["main"]


def main() -> int:
    """Run the command line with the arguments of the process and return its exit code.

    Streams that the caller has closed, as ``>&-`` does, take what is printed and lose it.

    Importing all that declares the commands takes a quarter of a second on a slow machine, in which
    an interrupt would end in a traceback.
    """
    try:
        for stream in ("stdout", "stderr"):
            if getattr(sys, stream) is None:
                setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        from jaxgrad.claims.cli import main as command
        from jaxgrad.claims.forced_exits import every_exit_is, exits_of_c_code_heard
        from jaxgrad.claims.interrupts import always_heard, leave

        exits_of_c_code_heard()
        with always_heard():
            code = command()
        if code == Exit.INTERRUPTED:
            leave(code)
        every_exit_is(code)
        return code
    except KeyboardInterrupt:
        print("jaxgrad: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
