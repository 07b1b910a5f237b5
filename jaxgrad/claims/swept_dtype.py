"""The dtype of which every float is asked, as the command line names it."""

from __future__ import annotations

import numpy as np

from jaxgrad.claims.given_arguments import full_name
from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.float_formats import format_of

__all__ = ["swept_dtype"]


def swept_dtype(name: str) -> np.dtype:
    """The dtype that ``--dtype`` names.

    Args:
        name: as it is written.

    Raises:
        ArgumentError: it names none whose floats are numbered.

    Example:
        >>> swept_dtype("bf16").name
        'bfloat16'
    """
    try:
        return format_of(full_name(name)).dtype
    except ArgumentError as error:
        raise ArgumentError(f"--dtype {name}: {error}") from None
