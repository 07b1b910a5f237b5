"""Writes the golden file anew, or says what it would change: ``python tools/golden.py --write``.

To be run on each release of JAX that is supported, one after the other: what both say is written
once, what they say differently under the release's name.
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from golden_cases import CASES  # noqa: E402
from golden_record import (  # noqa: E402
    RELEASE,
    difference,
    elsewhere,
    merged,
    read,
    record,
    stored,
    write,
)

from jaxgrad.gradients.rules.stages import default_budget  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every case; the exit code is 1 if one changed and was not written."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write tests/golden.json")
    parser.add_argument("-k", default="", help="only the cases whose name holds this")
    chosen: Any = parser.parse_args(arguments)
    warnings.simplefilter("error")
    old = read()
    with default_budget(math.inf):  # no verdict is to depend on how fast the machine is
        new = {name: record(case) for name, case in CASES.items() if chosen.k in name}
    texts = {name: difference(stored(old.get(name)), found) for name, found in new.items()}
    changed = {name: text for name, text in texts.items() if text}
    for name, text in changed.items():
        print(f"== {name}\n{text}")
    gone = [name for name in old if name not in CASES and not elsewhere(name)]
    print(f"{len(new)} cases, {len(changed)} changed, {len(gone)} gone, {RELEASE}")
    if chosen.write:
        old = read()  # another release may have written meanwhile
        kept = {name: entry for name, entry in old.items() if name in CASES or elsewhere(name)}
        write(kept | {name: merged(old.get(name), found) for name, found in new.items()})
        return 0
    return 1 if changed or gone else 0


if __name__ == "__main__":
    raise SystemExit(main())
