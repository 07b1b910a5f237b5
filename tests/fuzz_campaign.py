"""Runs any number of random programs: ``python tests/fuzz_campaign.py --programs 1000 --seed 0``.

Each job is a child process that says of every program what came of it; where one ends, or is silent
for too long, the program it was at is the finding, and another child goes on behind it.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import time
import warnings
from collections import Counter
from typing import Any, TextIO

HERE = os.path.dirname(os.path.abspath(__file__))
# Every check ends itself after some CPU seconds; a child that is silent for so long waits for
# something. On a busy machine a CPU second takes several.
SILENT_SECONDS = 900
# JAX keeps what it compiled: after so many programs, which fill some 2 GB, another child goes on.
PROGRAMS_OF_A_CHILD = 500
# A line of progress after so many.
TELL_EVERY = 100


def work(first: int, count: int, shrink: bool) -> None:
    """The child: a line of JSON for each program."""
    import fuzz_checks
    from fuzz_cases import as_code, case_of, findings_of, shrunk
    from fuzz_comparisons import BUDGET

    from jaxgrad.gradients.rules import proof

    proof.BUDGET = BUDGET
    fuzz_checks.HARD_LIMIT = 1.5 * fuzz_checks.CPU_SECONDS
    warnings.simplefilter("ignore")
    for seed in range(first, first + count):
        started = time.process_time()
        case, names = case_of(seed)
        print(json.dumps({"begun": seed, "code": as_code(case)}), flush=True)
        told = []
        found = findings_of(case, names)
        print(
            json.dumps({"begun": seed, "code": as_code(case), "shrinking": str(found)}), flush=True
        )
        for name, finding in found:
            small, again = (
                shrunk(case, name, finding) if shrink and finding.kind != "too long"
                else (case, finding)
            )  # fmt: skip
            told.append([name, again.kind, again.text, as_code(small)])
        line = {
            "seed": seed,
            "counts": case.counts,
            "operations": sorted(case.program.operations | case.program.other.operations),
            "findings": told,
            "seconds": time.process_time() - started,
        }
        print(json.dumps(line), flush=True)


class Job:
    """A child and the seeds that it still has to do."""

    def __init__(self, first: int, count: int, shrink: bool) -> None:
        self.next, self.end, self.shrink = first, first + count, shrink
        self.at: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        """A new child for what is left."""
        count = min(self.end - self.next, PROGRAMS_OF_A_CHILD)
        options = ["--child", "--seed", str(self.next), "--programs", str(count)]
        if not self.shrink:
            options.append("--no-shrink")
        self.child = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), *options], stdout=subprocess.PIPE, text=True
        )
        self.heard = time.monotonic()


class Summary:
    """What all children said."""

    def __init__(self, log: TextIO | None) -> None:
        self.programs = 0
        self.counts: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.seconds = 0.0
        self.log = log

    def add(self, line: dict[str, Any]) -> None:
        self.programs += 1
        self.counts.update(line["counts"])
        self.operations.update(line["operations"])
        self.seconds += line["seconds"]
        if self.programs % TELL_EVERY == 0:
            told = f"{self.programs} programs, findings {dict(self.findings)}"
            print(told, file=self.log or sys.stderr, flush=True)
        for name, kind, text, code in line["findings"]:
            self.finding(line["seed"], f"{name}: {kind}", text, code)

    def finding(self, seed: int, kind: str, text: str, code: str) -> None:
        self.findings[kind] += 1
        told = f"\n=== finding: seed {seed}, {kind}\n{text}\n--- program\n{code}\n"
        print(told, file=self.log or sys.stdout, flush=True)

    def text(self) -> str:
        each = self.seconds / max(self.programs, 1)
        lines = [f"{self.programs} programs, {each:.3f} CPU seconds each"]
        for title, counter in (
            ("what came of them", self.counts),
            ("operations", self.operations),
            ("findings", self.findings),
        ):
            lines.append(f"{title}:")
            lines += [f"  {counter[key]:7d} {key}" for key in sorted(counter)]
        return "\n".join(lines)


def _hear(job: Job, summary: Summary) -> bool:
    """Takes what a child says; False when the job is done."""
    line = job.child.stdout.readline() if job.child.stdout else ""
    if line:
        said = json.loads(line)
        job.heard = time.monotonic()
        if "begun" in said:
            job.at = said
        else:
            summary.add(said)
            job.next = said["seed"] + 1
        return True
    code = job.child.wait()
    if code == 0:
        if job.next < job.end:
            job.start()
        return job.next < job.end
    return _go_on(job, summary, f"the process ended with {code}")


def _go_on(job: Job, summary: Summary, what: str) -> bool:
    summary.programs += 1
    what += f"\n{job.at.get('shrinking', '')}"
    summary.finding(job.next, "process", what, job.at.get("code", ""))
    job.next += 1
    if job.next < job.end:
        job.start()
    return job.next < job.end


def run(programs: int, seed: int, jobs: int, shrink: bool, log: TextIO | None = None) -> Summary:
    """Runs the programs of ``seed``, ``seed + 1``, … in child processes."""
    share = -(-programs // jobs)
    summary = Summary(log)
    running = [Job(seed + k, min(share, programs - k), shrink) for k in range(0, programs, share)]
    while running:
        ready = select.select([job.child.stdout for job in running], [], [], 10)[0]
        for job in list(running):
            if job.child.stdout in ready:
                alive = _hear(job, summary)
            elif time.monotonic() - job.heard > SILENT_SECONDS:
                job.child.kill()
                job.child.wait()
                alive = _go_on(job, summary, f"silent for {SILENT_SECONDS} seconds")
            else:
                continue
            if not alive:
                running.remove(job)
    return summary


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        work(options.seed, options.programs, not options.no_shrink)
        return 0
    summary = run(options.programs, options.seed, options.jobs, not options.no_shrink)
    print(summary.text())
    return 1 if summary.findings else 0


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    raise SystemExit(main())
