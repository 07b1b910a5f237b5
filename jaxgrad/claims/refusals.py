"""What a call of the caller's own code raises, as what a command refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from jaxgrad.claims.raised_text import what_it_did
from jaxgrad.errors import ArgumentError, JaxgradError

__all__ = ["refusing"]


@contextlib.contextmanager
def refusing(name: str, whose: str, meant: str) -> Iterator[None]:
    """Raises what a block raises as what cannot be used, with its cause.

    Args:
        name: of the function, before what this package says of it.
        whose: whose code may have raised anything else, or ended the process.
        meant: what that code should be like, after what it did.

    Raises:
        ArgumentError: the block raised an error, or SystemExit; its own are as they are.

    Example:
        >>> with refusing("m:f", "m:f", "it takes one float"):
        ...     raise ValueError("no")
        Traceback (most recent call last):
            ...
        jaxgrad.errors.ArgumentError: m:f raised ValueError: no; it takes one float
    """
    try:
        yield
    except ArgumentError:
        raise
    except JaxgradError as error:
        raise ArgumentError(f"{name}: {error}") from error
    except (Exception, SystemExit) as error:
        raise ArgumentError(f"{whose} {what_it_did(error)}; {meant}") from error
