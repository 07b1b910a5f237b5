"""Every case of the golden file, by name: what is asked, not what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import golden_gradients
import golden_limits
import golden_rules
import golden_statements

__all__ = ["CASES"]

CASES: dict[str, Callable[[], Any]] = {}
for _part, _module in {
    "check": golden_rules,
    "compare": golden_gradients,
    "limits": golden_limits,
    "statements": golden_statements,
}.items():
    for _name, _case in _module.cases():
        assert f"{_part}: {_name}" not in CASES, f"two cases are named {_name}"
        CASES[f"{_part}: {_name}"] = _case
