"""Running the claims of proof modules, each module in a process of its own.

Whatever a claim does to its process (an exit, an abort, a loop without end) becomes the result of
that claim; what the module's other claims are comes from a new process. A claim that was declared
and has no result is itself a result, with an error.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jaxgrad.claims.child_processes import Task, supervise
from jaxgrad.claims.claim import Claim, ClaimResult, Declaration
from jaxgrad.claims.proof_messages import declaration_from, result_from
from jaxgrad.numbers.progress import Progress

__all__ = ["Module", "Run", "list_claims"]


@dataclass
class Module:
    """A proof module: what it declares, and what came of it.

    Args:
        path: the file.
        claims: what it declares, in order; None as long as it is not imported.
        failures: what could not be imported or declared.
        only: the numbers of the claims to run, None for all.
        results: those of each claim, by its number.
        ended: the numbers of the claims that have ended.
        current: the number of the claim that is running.
        read: a digest of each file that was read for what has ended, by its path; None where they
            do not tell of all that it depends on.
        known_seconds: how long a claim took before, by its name.
    """

    path: Path
    claims: list[Declaration] | None = None
    failures: list[ClaimResult] = field(default_factory=list)
    only: list[int] | None = None
    results: dict[int, list[ClaimResult]] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    current: int | None = None
    read: dict[str, str | None] | None = field(default_factory=dict)
    known_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def wanted(self) -> list[int]:
        """The numbers of the claims to run, as far as they are known."""
        if self.only is not None:
            return self.only
        return list(range(len(self.claims or ())))

    @property
    def outstanding(self) -> list[int]:
        """The numbers of the claims that are still to be run."""
        return [number for number in self.wanted if number not in self.ended]

    def declare(self, message: dict[str, Any]) -> None:
        """Take what the imported module declares; a second time it has to declare the same."""
        claims = [declaration_from(told) for told in message["declared"]]
        failures = [
            result_from(told, claim and declaration_from(claim))
            for claim, told in message["failures"]
        ]
        if self.claims is None:
            self.claims, self.failures = claims, failures
        elif claims != self.claims:
            text = (
                f"the module declares {len(self.claims)} claims when it is imported, and others "
                f"({len(claims)}) when it is imported again, so that no claim can be told apart"
            )
            for number in self.outstanding:
                self.fail(number, text)

    def take(self, number: int, told: dict[str, Any]) -> None:
        """Take the result of a part, unless the claim was given up before."""
        assert self.claims is not None
        if number not in self.ended:
            found = result_from(told, self.claims[number])
            self.results.setdefault(number, []).append(found)

    def end(self, number: int) -> None:
        """A claim is over, which without a result it cannot be."""
        if number not in self.results:
            self.fail(number, "the claim ended without a result")
        self.ended.add(number)
        self.current = None

    def take_read(self, digests: dict[str, str | None] | None) -> None:
        """Take which files a process has read; those of an earlier one have to be the same."""
        before = self.read
        if digests is None or before is None:
            self.read = None
        elif all(before.get(file, digest) == digest for file, digest in digests.items()):
            self.read = {**before, **digests}
        else:
            self.read = None

    def fail(self, number: int, error: str, seconds: float | None = None) -> None:
        """End a claim with an error beside the results that it has.

        Args:
            seconds: how long all of the claim took, None if that is not known.
        """
        assert self.claims is not None
        claim = self.claims[number]
        results = self.results.setdefault(number, [])
        if seconds is not None:
            seconds = max(0.0, seconds - sum(result.seconds or 0.0 for result in results))
        results.append(ClaimResult(claim.id, "", claim.path, seconds, claim, error=error))
        self.ended.add(number)
        self.current = None

    def break_down(self, error: str, seconds: float) -> None:
        """The module could not be imported, or not to the end, for which it had this time."""
        self.claims = []
        text = f"the module cannot be imported\n{error}"
        self.failures = [ClaimResult(self.path.name, "", self.path, seconds, error=text)]


@dataclass(frozen=True)
class Request:
    """What a process is to do.

    Args:
        files: the proof modules to import.
        elsewhere: resolved paths of the files whose claims are collected with themselves.
        run: whether to run the claims, or only to say which there are.
        only: the numbers of the claims to run, None for all.
    """

    files: Sequence[str]
    elsewhere: Sequence[str]
    run: bool
    only: Sequence[int] | None = None


# What a process runs to answer that.
_CHILD = "jaxgrad.claims.proof_child"


@dataclass
class _Listing:
    """Import modules and say what they declare, all in one process, and in one more for each that
    ends it."""

    modules: list[Module]
    elsewhere: list[str]
    module: str = _CHILD

    @property
    def _rest(self) -> list[Module]:
        return [module for module in self.modules if module.claims is None]

    @property
    def at(self) -> str:
        """The module that is being imported; empty where nothing is left."""
        return self._rest[0].path.as_posix() if self._rest else ""

    @property
    def request(self) -> dict[str, Any]:
        files = [str(module.path) for module in self._rest]
        return asdict(Request(files, self.elsewhere, run=False))

    @property
    def complete(self) -> bool:
        return not self._rest

    def receive(self, message: dict[str, Any]) -> None:
        self._rest[0].declare(message)

    def lost(self, how: str, seconds: float, *, late: bool) -> Task | None:
        self._rest[0].break_down(f"it {how}", seconds)
        return None if self.complete else self


@dataclass
class _Running:
    """Import a module and run its claims, in one process, and in one more for each claim that
    ends it."""

    proofs: Module
    elsewhere: list[str]
    declared: bool = False
    module: str = _CHILD

    @property
    def request(self) -> dict[str, Any]:
        module = self.proofs
        only = module.only if module.claims is None else module.outstanding
        return asdict(Request([str(module.path)], self.elsewhere, run=True, only=only))

    @property
    def complete(self) -> bool:
        return self.declared and not self.proofs.outstanding

    def receive(self, message: dict[str, Any]) -> None:
        if "declared" in message:
            self.declared = True
            self.proofs.declare(message)
        elif "begins" in message:
            self.proofs.current = message["begins"]
        elif "part" in message:
            self.proofs.take(message["part"], message["result"])
        else:
            self.proofs.end(message["ends"])
            self.proofs.take_read(message["read"])

    def lost(self, how: str, seconds: float, *, late: bool) -> Task | None:
        module = self.proofs
        if module.claims is None:
            module.break_down(f"it {how}", seconds)
        elif not self.declared:
            text = f"the claim was not run: its module, imported again, {how}"
            for number in module.outstanding:
                module.fail(number, text)
        else:
            number = module.outstanding[0] if module.current is None else module.current
            before = len(module.results.get(number, ()))
            after = f", after {before} of its parts," if before else ""
            begun = module.current is not None
            module.fail(number, f"the claim{after} {how}", seconds if begun else None)
        if not module.outstanding:
            return None
        return _Running(module, self.elsewhere)


def _resolved(modules: Sequence[Module]) -> list[str]:
    return [str(module.path.resolve()) for module in modules]


def list_claims(modules: Sequence[Module], *, timeout: float | None = None) -> None:
    """Import proof modules in another process and say which claims they declare, running none.

    Args:
        modules: those of them that are fresh are imported.
        timeout: seconds that an import may take.
    """
    listing, progress = _Listing(list(modules), _resolved(modules)), Progress()

    def look() -> None:
        progress.say(f"the import of {listing.at}")
        progress.look()

    if not listing.complete:
        heard = progress.above if sys.stderr.isatty() else None
        try:
            for _ in supervise([listing], jobs=1, timeout=timeout, look=look, heard=heard):
                pass
        finally:
            progress.clear()


class Run:
    """A run of proof modules; what has a result keeps it, however the run ends.

    Args:
        modules: fresh ones, those of :func:`list_claims` with ``only`` set, or those that have
            results.
        jobs: how many modules run at a time.
        timeout: seconds that an import, and that each claim, may take.
    """

    def __init__(self, modules: Sequence[Module], *, jobs: int, timeout: float | None) -> None:
        self.modules = modules
        self.jobs = jobs
        self._timeout = timeout
        self.heard: Callable[[str], object] | None = None
        """Takes each line that the modules print; None leaves them the standard error."""

    def __iter__(self) -> Generator[None]:
        """Run everything, with a stop after each thing that happens.

        Closed before the end, it leaves no process behind.
        """
        elsewhere = _resolved(self.modules)
        tasks = [
            _Running(module, elsewhere)
            for module in self.modules
            if module.claims is None or module.outstanding
        ]
        running = supervise(tasks, jobs=self.jobs, timeout=self._timeout, heard=self.heard)
        with contextlib.closing(running):
            for _ in running:
                yield

    def results(self, keeps: Callable[[Claim | Declaration, str], bool]) -> list[ClaimResult]:
        """All results in the order of the modules and their claims, what failed to load first.

        Args:
            keeps: whether a part of a claim is wanted; errors always are.
        """
        found = [failure for module in self.modules for failure in module.failures]
        for module in self.modules:
            for number in sorted(module.results.keys() & set(module.wanted)):
                found += [
                    result
                    for result in module.results[number]
                    if result.error or (result.claim and keeps(result.claim, result.part))
                ]
        return found

    @property
    def total(self) -> int | None:
        """How many claims there will be; None where a module has yet to say it, and never has."""
        counts = [
            len(module.known_seconds) if module.claims is None else len(module.wanted)
            for module in self.modules
        ]
        said = zip(counts, self.modules, strict=True)
        return sum(counts) if all(n or module.claims is not None for n, module in said) else None

    @property
    def ended(self) -> int:
        """How many claims have ended."""
        return sum(len(module.ended & set(module.wanted)) for module in self.modules)

    @property
    def broken(self) -> int:
        """How many things could not be imported or declared."""
        return sum(len(module.failures) for module in self.modules)

    @property
    def wanted(self) -> int:
        """How many claims there are to run, as far as the modules are imported."""
        return sum(len(module.wanted) for module in self.modules)

    @property
    def under_way(self) -> list[Declaration]:
        """The claims that are running."""
        return [
            module.claims[module.current]
            for module in self.modules
            if module.claims is not None and module.current is not None
        ]

    def without_result(self, why: str) -> list[ClaimResult]:
        """An error for each claim that is declared and wanted and did not end, and for each module
        that was not imported.

        Args:
            why: the error's text.
        """
        found = []
        for module in self.modules:
            if module.claims is None:
                found.append(ClaimResult(module.path.name, "", module.path, None, error=why))
                continue
            for number in module.outstanding:
                claim = module.claims[number]
                found.append(ClaimResult(claim.id, "", claim.path, None, claim, error=why))
        return found
