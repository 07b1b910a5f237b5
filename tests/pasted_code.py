"""Running the program that an error carries, as somebody does who pastes it."""

from __future__ import annotations

import contextlib
import io
from typing import Any

__all__ = ["printed_by"]


def printed_by(error: BaseException, **scope: Any) -> list[str]:
    """What it prints, line by line.

    Args:
        error: it says which names have to be in scope, and ends with the program.
        scope: these.
    """
    code = str(error).partition("in scope:\n\n")[2]
    assert code, f"no program in {error}"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, scope)
    return out.getvalue().splitlines()
