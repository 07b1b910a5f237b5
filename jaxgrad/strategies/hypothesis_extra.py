"""Hypothesis, which is optional: imported when it is needed."""

from __future__ import annotations

import importlib
from typing import Any

from jaxgrad.errors import MissingExtra

__all__ = ["hypothesis", "hypothesis_strategies"]


def hypothesis() -> Any:
    """The package.

    Raises:
        MissingExtra: it is not installed.

    Example:
        >>> hypothesis().__name__
        'hypothesis'
    """
    return _imported("hypothesis")


def hypothesis_strategies() -> Any:
    """Its module of strategies.

    Raises:
        MissingExtra: it is not installed.
    """
    return _imported("hypothesis.strategies")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtra(
            "jaxgrad.strategies and jaxgrad.properties need Hypothesis: install it with "
            "pip install 'jaxgrad[test]'"
        ) from error
