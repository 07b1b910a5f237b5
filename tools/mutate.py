"""Plants small errors in the rules and number systems, and runs the tests near each of them.

``python tools/mutate.py`` takes a sample of all the errors that ``mutation_operators.py`` can make,
spread over the files and kinds, and for each runs the tests that execute the changed line, the
cheap ones first.  A mutant is caught when a test fails, or does not end.  The exit code is 1 if
less than 95 % are caught.  Survivors, and mutants that change nothing, are in ``mutants.toml``,
with reasons.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutation_child import CAUGHT, ROOT, SURVIVED, forked, observe, run_with
from mutation_operators import KINDS, Mutant, mutants_of

KNOWN = Path(__file__).with_name("mutants.toml")
LEAST = 0.95
SURVIVORS = "survivors.json"  # the keys of those of the last run

FILES = (
    "jaxgrad/interpret/rules/*.py", "jaxgrad/numbers/*.py", "jaxgrad/interpret/walker.py",
    *(f"jaxgrad/gradients/{name}.py"
      for name in ("exclusion", "identity", "enclosure", "not_finite", "witness", "zero_signs")),
    *(f"jaxgrad/gradients/rules/{name}.py"
      for name in ("judgement", "truth", "conclusions", "proof")),
    *(f"jaxgrad/gradients/floats/{name}.py"
      for name in ("allowance", "judgement", "derivative_judgement", "sides")),
)  # fmt: skip
# The test files that are looked into.  Those of claims, networks, proofs and whole dtypes are about
# other things; of those of the whole, which take long, the golden file has most cases.
NEAR = (
    "array_systems", "ball", "bit_programs", "budgets", "compared_outputs", "conclusions",
    "control_flow", "custom_rules", "differential", "domains", "drawn_parameters", "drawn_points",
    "elementwise", "enclosure_engine", "exclusion", "factors", "float_allowance", "float_judgement",
    "floats", "functions", "germ", "germ_arithmetic", "germ_beside", "golden", "identities",
    "in_range", "interpret", "jet", "judgement", "linear_rules", "linear_solves", "normal_forms",
    "numpy_code", "numpy_programs", "numpy_verdicts", "outside_numbers", "outside_rules",
    "planted_errors", "points_with_every_bit", "polynomial", "references", "reported_verdicts",
    "ring", "rounded_constants", "rule_check", "rule_modes", "rule_parameters", "rules",
    "rules_at_kinks", "rules_linear_algebra", "rules_windows", "run_over", "running_error",
    "samples", "series", "signs_of_zero", "sizes", "special_functions", "special_point_parts",
    "special_points", "stated_domains", "translation", "truth", "values_of_rules", "witness",
    "zero",
)  # fmt: skip
# What the tests of one mutant may take together, in seconds of CPU where nothing is wrong, and how
# many they may be: a line of the walker is executed by nearly every test.
MOST_SECONDS, MOST_TESTS = 15.0, 120
# How much longer they may take with an error before that is one, and for imports and compiling.
SLOWER, STARTING = 4.0, 40.0


# -- which tests are near --------------------------------------------------------------------------
@dataclass(frozen=True)
class Neighbourhood:
    """The tests, their seconds, and which lines each one executes."""

    seconds: dict[str, float]
    lines: dict[str, frozenset[str]]
    by_line: dict[str, list[str]]

    def near(self, mutant: Mutant) -> list[str]:
        """The tests that execute a line; of one that is executed on import those of its file."""
        found = self.by_line.get(f"{mutant.file}:{mutant.line}") or self._of_file(mutant.file)
        ways: dict[frozenset[int], list[str]] = defaultdict(list)

        def distance(test: str) -> tuple[bool, int, str]:
            """A test that executes little is about it, and one that is named so about a name."""
            named = any(word in test for word in mutant.words)
            return not named, len(self.lines[test]), test

        for test in sorted(set(found), key=distance):
            ways[self._through(test, mutant)].append(test)
        return self._spread(sorted(ways.values(), key=len))

    def _through(self, test: str, mutant: Mutant) -> frozenset[int]:
        """The lines of the function that a test executes."""
        places = (line.partition(":") for line in self.lines[test])
        inside = (int(line) for file, _, line in places if file == mutant.file)
        return frozenset(line for line in inside if line in mutant.around)

    def _of_file(self, file: str) -> list[str]:
        lines = (tests for line, tests in self.by_line.items() if line.startswith(f"{file}:"))
        return [test for tests in lines for test in tests]

    def _spread(self, ways: Sequence[list[str]]) -> list[str]:
        """The nearest test of every way through the function, then the second, and so on."""
        chosen, seconds = [], 0.0
        for row in itertools.zip_longest(*ways):
            for test in filter(None, row):
                if len(chosen) < MOST_TESTS and seconds + self.seconds[test] < MOST_SECONDS:
                    seconds += self.seconds[test]
                    chosen.append(test)
        return sorted(chosen, key=lambda test: self.seconds[test])


def neighbourhood(folder: Path) -> Neighbourhood:
    """What every test executes: found once, and kept until the package or its file changes."""
    files = [
        path
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if path.stem.removeprefix("test_") in NEAR
    ]
    package = _digest(sorted(ROOT.glob("jaxgrad/**/*.py")))
    kept = {path: folder / f"{path.stem}-{package}-{_digest([path])}.json" for path in files}
    missing = [path for path in files if not kept[path].exists()]
    if missing:
        _observe(missing, kept, folder)
    seconds: dict[str, float] = {}
    lines: dict[str, frozenset[str]] = {}
    by_line: dict[str, list[str]] = defaultdict(list)
    for path in files:
        found = json.loads(kept[path].read_text(encoding="utf-8"))
        for test in found["failed"]:
            print(f"fails as it is, and is left out: {test}", file=sys.stderr)
        for test, seen in found["tests"].items():
            seconds[test], lines[test] = seen["seconds"], frozenset(seen["lines"])
            for line in seen["lines"]:
                by_line[line].append(test)
    return Neighbourhood(seconds, lines, by_line)


def _observe(missing: Sequence[Path], kept: dict[Path, Path], folder: Path) -> None:
    print(f"running {len(missing)} files of tests as they are", file=sys.stderr)
    names = {path: str(path.relative_to(ROOT)) for path in missing}
    target = folder / "observed.json"
    target.unlink(missing_ok=True)
    tests = list(names.values())
    os.waitpid(forked(lambda: observe(tests, target), 3600, folder / "observed.log"), 0)
    found = json.loads(target.read_text(encoding="utf-8"))
    for path, name in names.items():
        own = {t: seen for t, seen in found["tests"].items() if t.startswith(f"{name}::")}
        failed = [test for test in found["failed"] if test.startswith(f"{name}::")]
        kept[path].write_text(json.dumps({"tests": own, "failed": failed}), encoding="utf-8")


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


# -- which errors are planted ----------------------------------------------------------------------
def sources() -> list[Path]:
    """The files that errors are planted in."""
    return [path for pattern in FILES for path in sorted(ROOT.glob(pattern))]


def chosen(count: int, seed: int, only: str) -> list[Mutant]:
    """A sample that is spread over the files by their length, and within each over the kinds."""
    every = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in sources()}
    lengths = {file: source.count("\n") for file, source in every.items()}
    total = sum(lengths.values())
    found: list[Mutant] = []
    for file, source in every.items():
        share = max(2, round(count * lengths[file] / total))
        if only in file:
            found += _of_file(file, source, share, seed)
    return found


def again(folder: Path) -> list[Mutant]:
    """The mutants that survived last time, as far as they are still possible."""
    keys = set(json.loads((folder / SURVIVORS).read_text(encoding="utf-8")))
    every = ((str(p.relative_to(ROOT)), p.read_text(encoding="utf-8")) for p in sources())
    return [m for file, source in every for m in mutants_of(file, source) if m.key in keys]


def _of_file(file: str, source: str, share: int, seed: int) -> list[Mutant]:
    """Those of the lowest digests: where a file changes, other mutants of it stay in the sample."""

    def place(what: str) -> bytes:
        return hashlib.sha256(
            f"{seed} {Path(file).name} {what.removeprefix(file)}".encode()
        ).digest()

    kinds: dict[str, list[Mutant]] = {kind: [] for kind in sorted(KINDS, key=place)}
    for mutant in mutants_of(file, source):
        kinds[mutant.kind].append(mutant)
    queues = [sorted(queue, key=lambda m: place(m.key), reverse=True) for queue in kinds.values()]
    picked: list[Mutant] = []
    while len(picked) < share and any(queues):
        picked += [queue.pop() for queue in queues if queue]
    return picked[:share]


def known() -> dict[str, dict[str, str]]:
    """The mutants that no test catches, or can catch, by their keys, each with the reason."""
    entries = tomllib.loads(KNOWN.read_text(encoding="utf-8")).get("mutant", [])
    return {entry["is"]: entry for entry in entries}


# -- running ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    caught: bool
    seconds: float
    tests: int
    by: str


def run(
    mutants: Sequence[Mutant], near: Neighbourhood, jobs: int, folder: Path
) -> Iterator[Result]:
    """Runs the tests near each mutant, so many at a time."""
    waiting, running = list(mutants)[::-1], {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            tests = near.near(mutant)
            if not tests:
                yield Result(mutant, False, 0.0, 0, "")
                continue
            log = folder / f"{len(waiting)}.log"
            limit = STARTING + SLOWER * sum(near.seconds[test] for test in tests)
            child = forked(_work(mutant, tests), limit, log)
            running[child] = mutant, time.perf_counter(), len(tests), log
        if running:
            child, status = os.wait()
            mutant, start, count, log = running.pop(child)
            caught = os.waitstatus_to_exitcode(status) != SURVIVED
            by = _culprit(log, status) if caught else ""
            yield Result(mutant, caught, time.perf_counter() - start, count, by)


def _work(mutant: Mutant, tests: Sequence[str]) -> Any:
    return lambda: run_with(mutant.file, mutant.source, tests)


def _culprit(log: Path, status: int) -> str:
    """What caught a mutant: the last line of pytest's that names one, or the signal."""
    if os.waitstatus_to_exitcode(status) != CAUGHT:
        return f"ended by {os.waitstatus_to_exitcode(status)}"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    named = [line for line in lines if "Error" in line or ".py:" in line]
    return named[-1][:160] if named else "an error"


# -- reporting -------------------------------------------------------------------------------------
def report(results: Sequence[Result]) -> tuple[str, float]:
    """A table of the files and one of the kinds, the survivors, and the share that was caught."""
    reasons = known()
    counted = [r for r in results if reasons.get(r.mutant.key, {}).get("equivalent") != "yes"]
    lines = []
    for title, name in (("file", lambda m: m.file), ("kind", lambda m: m.kind)):
        lines += ["", f"| {title} | caught | survived |", "|---|---|---|"]
        caught = Counter(name(r.mutant) for r in counted if r.caught)
        survived = Counter(name(r.mutant) for r in counted if not r.caught)
        lines += [
            f"| {what} | {caught[what]} | {survived[what]} |" for what in sorted(caught | survived)
        ]
    lines.append("")
    for result in results:
        if not result.caught:
            entry = reasons.get(result.mutant.key)
            why = entry["because"] if entry else "NO REASON IS GIVEN"
            lines.append(f"- {result.mutant} ({result.tests} tests): {why}")
    share = sum(r.caught for r in counted) / max(1, len(counted))
    same = len(results) - len(counted)
    lines.append(f"{len(counted)} mutants, {share:.1%} caught; {same} more change nothing")
    return "\n".join(lines), share


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code is 1 if too few mutants are caught."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--count", type=int, default=220, help="about how many mutants (220)")
    parser.add_argument("--seed", type=int, default=0, help="another sample of them")
    parser.add_argument("--only", default="", metavar="FILE", help="files whose path holds this")
    parser.add_argument("-k", default="", help="mutants whose description holds this")
    parser.add_argument("--again", action="store_true", help="those that survived the last run")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (1)")
    parser.add_argument("--list", action="store_true", help="only say which mutants they are")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "mutation",
                        help="where what the tests execute is kept, and their output")  # fmt: skip
    asked: Any = parser.parse_args(arguments)
    sample = chosen(asked.count, asked.seed, asked.only)
    mutants = [m for m in (again(asked.folder) if asked.again else sample) if asked.k in str(m)]
    if asked.list:
        print(*mutants, sep="\n")
        return 0
    asked.folder.mkdir(parents=True, exist_ok=True)
    near = neighbourhood(asked.folder)
    results = []
    for result in run(mutants, near, asked.jobs, asked.folder):
        results.append(result)
        what = f"caught by {result.by}" if result.caught else "SURVIVED"
        print(f"{len(results)}/{len(mutants)} {result.seconds:.0f} s {result.mutant}: {what}",
              file=sys.stderr, flush=True)  # fmt: skip
    survived = [result.mutant.key for result in results if not result.caught]
    (asked.folder / SURVIVORS).write_text(json.dumps(survived), encoding="utf-8")
    text, share = report(results)
    print(text)
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
