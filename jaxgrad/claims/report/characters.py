"""Which characters a file of XML or HTML has no place for."""

from __future__ import annotations

import re

__all__ = ["clean"]

# What XML 1.0 has no place for, escaped or not.
_NO_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def clean(text: str) -> str:
    """The text with U+FFFD for each character that XML cannot hold.

    Example:
        >>> clean("sec\\x01ond") == "sec\\ufffdond"
        True

    Source: https://www.w3.org/TR/xml/#charsets
    """
    return _NO_XML.sub("\ufffd", text)
