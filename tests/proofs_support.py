"""Loading proof modules in tests, and running their claims with errors planted."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def load(name: str) -> ModuleType:
    """A module of proofs/ by its name."""
    path = Path(__file__).parents[1] / "proofs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"proofs_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(claim: Callable[..., Any], **wrong: Any) -> dict[str, Any]:
    """Part -> evidence, with constants of the claim got wrong."""
    outcome = claim(**wrong)
    parts = [("", outcome)] if hasattr(outcome, "verdict") else outcome
    return {name: part.evidence for name, part in parts}
