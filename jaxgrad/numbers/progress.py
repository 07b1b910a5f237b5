"""What is being done, on a line of a terminal, and what was known when it was interrupted."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["Progress", "known_so_far"]

# Wall-clock seconds before anything is said of the progress.
SILENT = 2.0
# And between two lines.
BETWEEN_LINES = 0.2
# Of a terminal that does not say how wide it is.
_COLUMNS = 80

# Of the calls that are running, the outermost first: their lines, and what tells what they know.
_running: list[tuple[Progress, Callable[[], object]]] = []


def known_so_far() -> list[object]:
    """What the calls that are running know so far, each as it is said; their lines are taken away.

    Example:
        >>> with Progress().followed(lambda: "half of it"):
        ...     known_so_far()
        ['half of it']
    """
    found = []
    for progress, known in list(_running):
        with contextlib.suppress(Exception):  # they go on meanwhile, in another thread
            progress.clear()
            found.append(known())
    return found


def _columns() -> int:
    """How wide the terminal of standard error is; a line that is longer cannot be taken back."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):  # io.UnsupportedOperation is both
        return _COLUMNS


class Progress:
    """A line on standard error that says what is done, where it is a terminal."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._text, self._shown = "", False

    def say(self, text: str) -> None:
        """What is being done."""
        self._text = text

    def look(self) -> None:
        """Shows it, where some time has passed."""
        now = time.monotonic()
        if (
            now - self._start < SILENT
            or now - self._last < BETWEEN_LINES
            or not sys.stderr.isatty()
        ):
            return
        self._last, self._shown = now, True
        line = ", ".join(filter(None, [f"jaxgrad: {now - self._start:.0f} s", self._text])) + " …"
        sys.stderr.write(f"\r{line[: _columns() - 2]}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._shown = False

    def above(self, line: str) -> None:
        """A line of somebody else's, on one of its own, where it would be taken away with this."""
        self.clear()
        print(line, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def followed(self, known: Callable[[], object]) -> Iterator[None]:
        """Takes the line away after a block, and says what is known where that is interrupted.

        Args:
            known: what is known by then.
        """
        _running.append((self, known))
        try:
            yield
        except KeyboardInterrupt:
            self.clear()
            print(f"jaxgrad, interrupted: {known()}", file=sys.stderr)
            raise
        finally:
            _running.remove((self, known))
            self.clear()
