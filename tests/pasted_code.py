"""Running the program that an error carries, as somebody does who pastes it."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

__all__ = ["given_and_true", "numbers_printed_by", "printed_by"]


def printed_by(error: BaseException, **scope: Any) -> list[str]:
    """What it prints, line by line.

    Args:
        error: it ends with the program, which says which names have to be in scope.
        scope: these.
    """
    code = str(error).partition("To see it:\n\n")[2]
    assert code, f"no program in {error}"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, scope)
    return out.getvalue().splitlines()


def given_and_true(error: BaseException, **scope: Any) -> tuple[str, str]:
    """What the program prints in its one line: the number that rules give, and what it should be.

    Args:
        error, scope: as for :func:`printed_by`.
    """
    [line] = printed_by(error, **scope)
    given, said, true = line.partition(" should be ")
    assert said, f"nothing is said of what {line} should be"
    return given, true.strip("[]").partition(" +/-")[0]


def numbers_printed_by(error: BaseException, **scope: Any) -> list[str]:
    """What it prints, line by line, without the words that say what each number is.

    Args:
        error, scope: as for :func:`printed_by`.
    """
    lines = printed_by(error, **scope)
    found = [LABEL.fullmatch(line) for line in lines]
    assert any(found), f"nothing says what {lines} are"
    return [match[1] if match else line for match, line in zip(found, lines, strict=True)]


LABEL = re.compile(r"(?:.* is|it should be|under vmap:|alone:) (.*)")
