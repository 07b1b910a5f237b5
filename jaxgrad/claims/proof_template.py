"""A proof module to begin with: it runs as it is, and each line to change says so."""

from __future__ import annotations

import keyword
from pathlib import Path

from jaxgrad.errors import ArgumentError

__all__ = ["write"]

# A proof module whose id and name are still to be filled in.
_TEMPLATE = Path(__file__).with_suffix(".txt")


def write(name: str, folder: Path) -> Path:
    """Write the template as a new proof module and return its path.

    Args:
        name: the module's name, with or without ``.py``.
        folder: where it goes; made if it does not exist.

    Raises:
        ArgumentError: the name is no Python name, begins with ``_`` (such files are not
            collected), the file exists already, or the folder cannot be written.

    Example:
        >>> write("2fast", Path("proofs"))
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: '2fast' cannot name a proof module: use letters, ...
    """
    stem = name.removesuffix(".py")
    if not stem.isidentifier() or stem.startswith("_") or keyword.iskeyword(stem):
        raise ArgumentError(
            f"{name!r} cannot name a proof module: use letters, digits and _, a letter first, and "
            "no word of Python's own"
        )
    path, text = folder / f"{stem}.py", _TEMPLATE.read_text(encoding="utf-8")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text.format(id=stem.upper(), name=stem))
    except FileExistsError as error:
        raise ArgumentError(f"{error.filename} exists already and is not overwritten") from None
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror}") from None
    return path
