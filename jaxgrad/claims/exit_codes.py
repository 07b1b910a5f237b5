"""What the exit codes of the command line mean."""

from __future__ import annotations

__all__ = ["Exit"]


class Exit:
    """The exit codes of every command."""

    ALL_EXPECTED = 0
    NOT_EXPECTED = 1
    USAGE = 2
    UNDECIDED = 3
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    BROKEN_PIPE = 141  # 128 + SIGPIPE
