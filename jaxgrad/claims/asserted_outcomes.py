"""What a test asserted of a result, said in full below pytest's one line of it.

``assert jaxgrad.check(f, (x,))`` fails with the short form of the result, of which pytest cuts the
end. What it is has the number that is wrong, what it is like, and the code that shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

__all__ = ["pytest_runtest_makereport"]

_MOST = 3


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[Any]:
    """Add a section for each result that does not pass in the frame whose assertion failed."""
    report = yield
    if call.excinfo is not None and call.excinfo.type is AssertionError:
        for outcome in _failed(call.excinfo.traceback[-1].frame.raw)[:_MOST]:
            report.sections.append((f"jaxgrad: {type(outcome).__name__}", str(outcome)))
    return report


def _failed(frame: FrameType) -> list[Any]:
    """The results among the variables of a frame, those that pytest keeps of a failed assertion
    before those that have a name, whose verdict does not pass."""
    verdict = sys.modules.get("jaxgrad.verdict")
    if verdict is None:
        return []
    kept = sorted(frame.f_locals.items(), key=lambda pair: not pair[0].startswith("@py_assert"))
    found = {id(x): x for _, x in kept if isinstance(x, verdict.Outcome) and not x}
    return list(found.values())
