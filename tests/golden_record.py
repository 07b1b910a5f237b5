"""What a check said, as plain data that a file can hold, and the file that holds it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rule_example import PRECEDING, RELEASE, SINCE

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.outcome import Comparison
from jaxgrad.verdict import Evidence

__all__ = [
    "RELEASE",
    "Record",
    "difference",
    "elsewhere",
    "merged",
    "read",
    "record",
    "stored",
    "write",
]

FILE = Path(__file__).with_name("golden.json")
Record = dict[str, Any]

# What compiled programs return depends on the processor (fused operations, vector units), as does
# how far they are from the truth; that they are unstable, and why, does not.
_FLOATS = (
    (re.compile(r"(UNSTABLE \w+ \w+ .*?: )\S+?(, truth)"), r"\1…\2"),
    (re.compile(r"(?<![\w.])-?[\d.]+ digits"), "… digits"),
    (re.compile(r"((?:STABLE|UNKNOWN) \w+: )\S+?(, truth)"), r"\1…\2"),
)
# Where an object lies in memory, and a file on this machine.
_PLACE = re.compile(
    r" at 0x[0-9a-f]+| attached to \S+ at \S+\.py:\d+|(?<=\()/\S*/(?=\w+\.py:\d+\))"
)
_LINE = re.compile(r"(?<=\.py):\d+")


def record(case: Callable[[], Any]) -> Record:
    """Runs a case; what it returned or raised."""
    try:
        found = case()
    except JaxgradError as error:
        return {"raises": type(error).__name__, "text": _steady(str(error))}
    finally:
        assert not jax.config.jax_enable_x64, "a case switches 64 bits off again"
    return {"verdict": str(found.verdict), **_said(found)}


def _said(found: Any) -> Record:
    evidence: Evidence = found.evidence
    said: Record = {"kind": evidence.kind, "text": _steady(evidence.text)}
    if evidence.enclosures:
        said["enclosures"] = {name: list(ends) for name, ends in evidence.enclosures.items()}
    if evidence.counterexample:
        said["code"] = _steady(evidence.counterexample)
    if isinstance(found, Comparison):
        said["leaves"] = [f"{leaf} ({leaf.verdict})" for leaf in found.leaves]
    elif hasattr(found, "special_points"):
        said["leaves"] = [
            f"{leaf.path}: {leaf.verdict}, {leaf.judged} judged, {leaf.kinks} kinks" + _bits(leaf)
            for leaf in found.leaves
        ]
        said["special points"] = list(found.special_points)
        if found.unstable:
            said["floats"] = [_steady(str(x)) for x in found.unstable]
    elif hasattr(found, "checked"):
        said["checked"] = found.checked
        said["counts"] = {name: hits.total for name, hits in found.counts.items()}
    elif hasattr(found, "locations"):
        said["locations"] = len(found.locations)
    return said


def _bits(leaf: Any) -> str:
    return f", {int(leaf.bits)} bits" if np.isfinite(leaf.bits) else ""


def _steady(text: str) -> str:
    """The text without what another run or another processor would change."""
    text = _LINE.sub("", _PLACE.sub("", text))
    for pattern, replacement in _FLOATS:
        text = pattern.sub(replacement, text)
    return text


# -- the file --------------------------------------------------------------------------------------
def read() -> dict[str, Any]:
    """The records by the names of their cases."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def write(records: Mapping[str, Any]) -> None:
    """One line a case, in alphabetical order, so that a change of one verdict is one line."""
    lines = [
        f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(entry, ensure_ascii=False)}"
        for name, entry in sorted(records.items())
    ]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def stored(entry: Any, release: str = RELEASE) -> Record | None:
    """The record of one release; where all of them say the same it is written once."""
    if entry is None or "text" in entry:
        return entry
    return entry.get(release)


def merged(entry: Any, new: Record, release: str = RELEASE) -> Any:
    """The entry with the record of this release replaced; that of the other one stays."""
    other = PRECEDING if release == SINCE else SINCE
    kept = stored(entry, other)
    if kept is None or kept == new:
        return new
    return dict(sorted([(release, new), (other, kept)]))


def elsewhere(name: str) -> bool:
    """Whether a case is one of the other release, which alone has what it asks of."""
    return any(name.endswith(release) for release in (PRECEDING, SINCE) if release != RELEASE)


def difference(old: Record | None, new: Record) -> str:
    """What changed, one line for each field; empty where nothing did."""
    if old is None:
        return "no record is stored"
    fields = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return "\n".join(
        f"{key}:\n  was {old.get(key, '–')!r}\n  is  {new.get(key, '–')!r}" for key in fields
    )
