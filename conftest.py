"""What holds for tests and for the examples in docstrings alike."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def as_long_as_it_takes() -> Iterator[None]:
    """Let no verdict depend on how fast the machine is."""
    from jaxgrad.gradients.rules.stages import default_budget

    with default_budget(math.inf):
        yield


@pytest.fixture(autouse=True)
def no_rules_of_others() -> Iterator[None]:
    """Forget the rules and functions that a test or an example declares for its own primitives."""
    from jaxgrad.interpret.rules import RULES
    from jaxgrad.numbers.function import FUNCTIONS, OUTSIDE
    from jaxgrad.programs.meanings import MEANINGS

    tables = (RULES, FUNCTIONS, MEANINGS)
    kept = [dict(table) for table in tables]
    yield
    for table, before in zip(tables, kept, strict=True):
        for name in [*table]:
            if name not in before:
                del table[name]  # type: ignore[attr-defined]
    OUTSIDE.clear()
