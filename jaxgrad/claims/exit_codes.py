"""What the exit codes of the command line mean."""

from __future__ import annotations

__all__ = ["Exit", "exit_codes_of"]


class Exit:
    """The exit codes of every command."""

    ALL_EXPECTED = 0
    NOT_EXPECTED = 1
    USAGE = 2
    UNDECIDED = 3
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    BROKEN_PIPE = 141  # 128 + SIGPIPE


_EXIT_CODES = """\
exit codes:
  0  every verdict is the expected one, or implies it
  1  a verdict is neither, a claim raised, ended its process or took too long, or a
     module cannot be imported
  2  usage error
  3  a verdict is UNDECIDED where another was expected
  130  interrupted
  141  whoever read the output was gone before all was written
"""

_EXIT_CODES_OF = {
    "check": """\
exit codes:
  0  PROVED, PROBABLE or AGREES
  1  REFUTED, or a custom rule is malformed or not there at all
  2  nothing could be checked, or the function raised or ended the process
  3  UNDECIDED
  130  interrupted
  141  whoever read the output was gone before all was written
""",
    "properties": """\
exit codes:
  0  every property that has to hold does, and those of the document have the expected verdict
  1  one has another verdict
  2  the function cannot be imported, is none of one number, raises, or ends the process
  3  one is UNDECIDED, and none is wrong
  130  interrupted
  141  whoever read the output was gone before all was written
""",
    "sweep": """\
exit codes:
  0  the predicate holds at every float
  1  it fails at one, also where --timeout ended the sweep
  2  a function cannot be imported, raises, or ends the process
  3  it is UNDECIDED
  130  interrupted
  141  whoever read the output was gone before all was written
""",
    "accuracy": """\
exit codes:
  0  it is measured, and so many bits are right as --bits asks for
  1  at one float fewer are
  2  a function cannot be imported, raises, or ends the process
  3  --bits is UNDECIDED, or it took too long
  130  interrupted
  141  whoever read the output was gone before all was written
""",
    "coverage": """\
exit codes:
  0  it is shown or written, or the page is what would be written now
  1  the page is another
  2  usage error
  3  the page was written with another release of JAX, so that it cannot be compared
  130  interrupted
  141  whoever read the output was gone before all was written
""",
    "rules": """\
exit codes:
  0  the rules are listed, or all that are not left out were checked and pass
  1  one is REFUTED, malformed or not there at all, or raised or ended its process
  2  the package cannot be imported, or has no rule that --check could check
  3  one is UNDECIDED, was given up or could not be checked, as no arguments suit it, it is
     made where a function is called or a module cannot be imported, and none is wrong
  130  interrupted
  141  whoever read the output was gone before all was written
""",
}


def exit_codes_of(command: str | None) -> str:
    """What the help of a command says of them.

    Args:
        command: its name; None for the help of all.

    Example:
        >>> exit_codes_of("check").splitlines()[1]
        '  0  PROVED, PROBABLE or AGREES'
    """
    if command is None:
        return _EXIT_CODES.replace(":", " of prove; COMMAND --help has those of another:", 1)
    return _EXIT_CODES_OF.get(command, _EXIT_CODES)
