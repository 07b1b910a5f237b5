"""Docstrings as Markdown, for the reference of the site: an extension of Griffe."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["Docstrings", "as_markdown"]

# ``:class:`~jaxgrad.Comparison` `` is shown as `Comparison`, and so are the other roles.
_ROLE = re.compile(r":[a-z]+:`~?(?:jaxgrad\.)?([^`]*)`")
_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_ARGUMENTS = re.compile(r"^Args:\n((?:(?: .*)?(?:\n|\Z))+)", re.MULTILINE)
# Several arguments that one text is about, as in ``lower, upper: the ends.``
_SEVERAL = re.compile(r"^    (\w+(?:, \w+)+):((?:.*\n?)(?:     .*\n?)*)", re.MULTILINE)


def as_markdown(text: str) -> str:
    """A docstring of this package in the words that Griffe knows.

    Args:
        text: without the indentation that it has in its file.

    Example:
        >>> as_markdown("As :func:`~jaxgrad.check` does.")
        'As `check` does.'
        >>> print(as_markdown("Args:\\n    low, up: the ends."))
        Args:
            low: the ends.
            up: the ends.
    """
    text = _EXAMPLE.sub("Examples:", _ROLE.sub(r"`\1`", text))
    return _ARGUMENTS.sub(lambda found: _SEVERAL.sub(_one_by_one, found.group()), text)


def _one_by_one(found: re.Match[str]) -> str:
    said = found.group(2).rstrip("\n")
    entries = [f"    {name}:{said}" for name in found.group(1).split(", ")]
    return "\n".join(entries) + "\n" * (len(found.group(2)) - len(said))


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """A module, class, function or attribute was read."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
