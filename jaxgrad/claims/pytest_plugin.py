"""pytest: claims as test items, the fixture ``jaxgrad``, and markers.

``--jaxgrad-proofs PATH`` (which may be repeated) collects the claims of a file or folder, one
item for each claim, and nothing else but what is named beside it. In ``addopts`` it adds them to
the tests. The ini option ``jaxgrad_proofs`` does so whenever pytest is run without
naming what to test; the claims of its folders are also collected when pytest is given one of
their files. Proof modules are imported by path, whatever pytest's import mode is.

``-k`` finds a claim by its id, too. A test with the marker ``jaxgrad_undecided`` passes where, and
only where, what it asks is UNDECIDED, and is then an expected failure.

``--jaxgrad-budget SECONDS``, or the ini option ``jaxgrad_budget``, is the CPU time that a check has
beside its given point where the test does not say, ``inf`` for as long as it takes.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from jaxgrad.claims.asserted_outcomes import pytest_runtest_makereport

if TYPE_CHECKING:
    from jaxgrad.claims.claim import Claim, ClaimResult

__all__ = ["ClaimItem", "ProofFile", "package", "pytest_runtest_makereport"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare where the proofs are."""
    text = "collect the claims of this proof file or folder (may be repeated)"
    group = parser.getgroup("jaxgrad")
    group.addoption("--jaxgrad-proofs", action="append", default=[], metavar="PATH", help=text)
    parser.addini(
        "jaxgrad_proofs", "files and folders whose claims are tests", type="paths", default=[]
    )
    text = "CPU seconds that a check has beside its given point, 5 by default; inf for no limit"
    group.addoption("--jaxgrad-budget", metavar="SECONDS", help=text)
    parser.addini("jaxgrad_budget", text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and let pytest visit the proofs."""
    for text in (
        "exhaustive: evaluates every float32, which takes long; -m 'not exhaustive' skips it",
        "jaxgrad_undecided(reason=''): a check in the test is UNDECIDED; any other end fails it",
    ):
        config.addinivalue_line("markers", text)
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    if not named and _asked_for_proofs(config):
        config.args.clear()
    for path in _option_paths(config) + ([] if named else _ini_paths(config)):
        if str(path) not in config.args:
            config.args.append(str(path))
    _set_budget(config)


def _asked_for_proofs(config: pytest.Config) -> bool:
    """Whether the command line says which proofs: it names what to test.

    In ``addopts`` the option is there for every run, and adds to the tests.
    """
    given = (str(argument) for argument in config.invocation_params.args)
    return any(argument.partition("=")[0] == "--jaxgrad-proofs" for argument in given)


def _set_budget(config: pytest.Config) -> None:
    """Gives every check of the run its CPU time."""
    given = config.getoption("jaxgrad_budget") or config.getini("jaxgrad_budget")
    if not given:
        return
    from jaxgrad.errors import ArgumentError
    from jaxgrad.gradients.rules.stages import default_budget

    run = contextlib.ExitStack()
    try:
        run.enter_context(default_budget(float(given)))
    except (ArgumentError, ValueError):
        text = f"jaxgrad_budget is {given!r}; it is a number of CPU seconds, or inf"
        raise pytest.UsageError(text) from None
    config.add_cleanup(run.close)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Iterator[Any]:  # a generator that returns the list of collectors
    """Collect the claims of a proof module, beside whatever else pytest finds in it."""
    collectors = yield
    if not _is_proof(file_path, parent.config):
        return collectors
    patterns = parent.config.getini("python_files")
    if not any(fnmatch(file_path.name, pattern) for pattern in patterns):
        # It is no test module: pytest takes it for one only because it was named.
        collectors = [found for found in collectors if type(found) is not pytest.Module]
    return [*collectors, ProofFile.from_parent(parent, path=file_path)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that are marked so have to end with what is UNDECIDED."""
    for item in items:
        mark = item.get_closest_marker("jaxgrad_undecided")
        if mark is not None:
            from jaxgrad.errors import UndecidedError

            reason = mark.kwargs.get("reason") or " ".join(map(str, mark.args)) or "UNDECIDED"
            expected = pytest.mark.xfail(raises=UndecidedError, reason=reason, strict=True)
            item.add_marker(expected)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Where nothing was found to run among proofs, say how their claims are."""
    places = [Path(argument.partition("::")[0]) for argument in config.args]
    found = next((place for place in places if _declares_claims(place)), None)
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and found and not _option_paths(config):
        where = os.path.relpath(found)
        terminalreporter.write_line(f"{where} declares claims: pytest --jaxgrad-proofs {where}")


_CLAIM = re.compile(r"@(\w+\.)?claim\(")


def _declares_claims(place: Path) -> bool:
    """Whether a file, or one in a folder, reads like a proof module."""
    files = sorted(place.glob("*.py")) if place.is_dir() else [place]
    with contextlib.suppress(OSError, UnicodeError):
        texts = [file.read_text("utf-8") for file in files if file.suffix == ".py"]
        return any("jaxgrad" in text and _CLAIM.search(text) for text in texts)
    return False


@pytest.fixture(name="jaxgrad")
def package() -> ModuleType:
    """This package, without an import: ``jaxgrad.compare``, ``jaxgrad.check_grads`` and others."""
    import jaxgrad

    return jaxgrad


def _option_paths(config: pytest.Config) -> list[Path]:
    start = config.invocation_params.dir
    return [(start / path).resolve() for path in config.getoption("jaxgrad_proofs") or ()]


def _ini_paths(config: pytest.Config) -> list[Path]:
    return [path.resolve() for path in config.getini("jaxgrad_proofs")]


def _is_proof(file: Path, config: pytest.Config) -> bool:
    """Whether a file is named by an option, or is a proof file in a folder that is."""
    places = _option_paths(config) + _ini_paths(config)
    if not places or file.suffix != ".py":
        return False
    from jaxgrad.claims.proof_modules import is_proof_file

    file = file.resolve()
    inside = any(
        file.is_relative_to(place)
        and not any(part.startswith(("_", ".")) for part in file.relative_to(place).parts)
        for place in places
    )
    return file in places or (inside and is_proof_file(file))


# What pytest itself raises, in a claim or a module, is not theirs: a skip is no failure.
def _through() -> tuple[type[BaseException], ...]:
    return (KeyboardInterrupt, pytest.skip.Exception, pytest.exit.Exception)


class ProofFile(pytest.File):
    """A proof module: one item for each claim."""

    def collect(self) -> Iterator[pytest.Item]:
        from jaxgrad.claims.proof_modules import collect_file

        collection = collect_file(self.path, self._is_elsewhere, through=_through())
        if not collection.claims and len(collection.failures) == 1:
            [failure] = collection.failures
            if failure.id == self.path.name:
                raise self.CollectError(failure.error)
        for failure in collection.failures:
            claim = failure.claim
            name = f"{claim.name}:{claim.line}" if claim else failure.id
            yield ClaimItem.from_parent(self, name=name, claim=None, failure=failure)
        numbers: dict[str, int] = {}
        for claim in collection.claims:
            number = numbers[claim.name] = numbers.get(claim.name, 0) + 1
            name = claim.name if number == 1 else f"{claim.name}[{number}]"
            item = ClaimItem.from_parent(self, name=name, claim=claim)
            item.neighbours = collection.neighbours
            yield item

    def _is_elsewhere(self, file: Path) -> bool:
        """Whether this run of pytest collects a file as a proof module."""
        places = [Path(argument.partition("::")[0]).resolve() for argument in self.config.args]
        return _is_proof(file, self.config) and any(map(file.is_relative_to, places))


class ClaimItem(pytest.Item):
    """A claim: it passes when every part has the expected verdict."""

    def __init__(
        self, *, claim: Claim | None, failure: ClaimResult | None = None, **rest: Any
    ) -> None:
        super().__init__(**rest)
        self.claim = claim
        self.failure = failure
        if claim is not None:
            self.extra_keyword_matches.add(claim.id)
        self.neighbours: contextlib.AbstractContextManager[object] = contextlib.nullcontext()

    def runtest(self) -> None:
        from jaxgrad.claims.running import run

        if self.claim is None:
            assert self.failure is not None
            raise _Unexpected([self.failure])
        with self.neighbours:
            results = list(run(self.claim, through=_through()))
        unexpected = [result for result in results if not result.as_expected]
        if unexpected:
            raise _Unexpected(unexpected)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, _Unexpected):
            return super().repr_failure(excinfo, style)
        first, *_ = excinfo.value.results
        claim, found = first.claim, "raised" if first.verdict is None else first.verdict
        head = [f"{claim.id} {found}: {claim.statement}"] if claim else []
        return "\n".join([*head, *map(_explained, excinfo.value.results)])

    def reportinfo(self) -> tuple[Path, int, str]:
        claim = self.claim or (self.failure and self.failure.claim)
        if not claim:
            return self.path, 0, self.name
        return self.path, claim.line - 1, f"{claim.id} {self.name}"


class _Unexpected(Exception):
    """Some parts of a claim have another verdict than the expected one."""

    def __init__(self, results: list[ClaimResult]) -> None:
        super().__init__(", ".join(f"{result.part} {result.verdict}".strip() for result in results))
        self.results = results


def _explained(result: ClaimResult) -> str:
    part = f"{result.part}: " if result.part else ""
    if result.evidence is None:
        return f"{part}{result.error}"
    assert result.claim is not None
    lines = [f"{part}{result.verdict}, expected {result.claim.expected}: {result.evidence.text}"]
    if result.evidence.counterexample:
        lines.append(f"counterexample:\n{result.evidence.counterexample}")
    return "\n".join(lines)
