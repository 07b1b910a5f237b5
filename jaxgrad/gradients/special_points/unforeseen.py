"""What went wrong in a search for special points in a way that nobody foresaw.

Such a search only finds points and says nothing of them, so it goes on without what it could not
compute.  What is kept here is a fault of this package all the same, and its tests fail for it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from jaxgrad.errors import JaxgradError

__all__ = ["UNFORESEEN", "passed_over"]

UNFORESEEN: Counter[str] = Counter()
"""Where, and which exception -> how often."""


@contextlib.contextmanager
def passed_over(where: str) -> Iterator[None]:
    """Ends a block at an exception, which is counted unless numbers are known to raise it.

    Args:
        where: what is computed.

    Example:
        >>> with passed_over("an example"):
        ...     [][0]
        >>> UNFORESEEN.popitem()
        ('an example: IndexError: list index out of range', 1)
    """
    try:
        yield
    except (JaxgradError, RecursionError):  # of numbers that cannot say, and of deep programs
        pass
    except Exception as error:
        UNFORESEEN[f"{where}: {type(error).__name__}: {str(error)[:200]}"] += 1
