"""Runs a command, whatever the user's code does in it to the process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.forced_exits import forced_exits_raised
from jaxgrad.claims.one_object import one_object
from jaxgrad.claims.raised_text import line_of, what_was_raised
from jaxgrad.errors import ArgumentError, MissingExtra

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run the command of the options and return its exit code.

    Args:
        options: as the command line declares them; ``run`` is the command.

    Raises:
        ArgumentError, MissingExtra, KeyboardInterrupt: as the command; with ``--json`` an object
            that says so has been printed.
    """
    with one_object(options) as instead:
        try:
            with forced_exits_raised(instead) as called:
                code = options.run(options)
        except SystemExit as stop:
            return _ended(f"{stop}{line_of(stop)}", instead)
        except KeyboardInterrupt:
            instead("interrupted")
            raise
        except (ArgumentError, MissingExtra) as error:
            instead(str(error))
            raise
        except Exception:
            raise
        except BaseException as error:  # the user's own, or that of a library
            return _of_code(f"raised {what_was_raised(error)}", instead)
        # What it has caught and gone on from may have left no trace in what is known.
        return _ended(called[0], instead) if called and code == Exit.ALL_EXPECTED else code


def _ended(how: str, instead: Callable[[str], None]) -> int:
    """The user's code ended the process, whatever it means by it: nothing is known."""
    return _of_code(f"ended the process ({how})", instead)


def _of_code(did: str, instead: Callable[[str], None]) -> int:
    said = f"the code that was run {did}"
    instead(said)
    print(f"jaxgrad: {said}", file=sys.stderr)
    return Exit.USAGE
