"""What ``jaxgrad prove`` does: find the proof files, choose claims, run them, report, conclude."""

from __future__ import annotations

import argparse
import contextlib
import enum
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from jaxgrad.claims.annotations import annotate
from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.kept_results import KeptResults
from jaxgrad.claims.last_failed import LastFailed
from jaxgrad.claims.named import named
from jaxgrad.claims.one_object import printed
from jaxgrad.claims.proof_modules import find, no_claims
from jaxgrad.claims.proof_run import Module, Run, list_claims
from jaxgrad.claims.report import json_report
from jaxgrad.claims.selection import Selection
from jaxgrad.claims.watch import watch
from jaxgrad.claims.written_files import require_writable, written
from jaxgrad.errors import ArgumentError

__all__ = ["abandon", "abandon_stdout", "exit_code", "prove"]

_REPORT = "a function of the results and the seconds that returns the text to print"


def exit_code(results: Iterable[ClaimResult]) -> int:
    """0 if all are as expected, 3 if the only others are undecided, else 1.

    Example:
        >>> exit_code([])
        0
    """
    unexpected = [result for result in results if not result.as_expected]
    if not unexpected:
        return Exit.ALL_EXPECTED
    return Exit.UNDECIDED if all(result.undecided for result in unexpected) else Exit.NOT_EXPECTED


def prove(options: argparse.Namespace) -> int:
    """Run the claims that the options choose, report on them, and return the exit code.

    With ``--watch`` this is done again whenever one of the files changes that they have read.

    Args:
        options: as the command line declares them.

    Raises:
        ArgumentError: a path without claims, or an expression that cannot be read or that selects
            nothing; before any claim runs, unless only a part was missed.
    """
    path = list(sys.path)
    sys.path.append(str(Path.cwd()))  # for what the modules are about
    try:
        return _again_and_again(options) if options.watch else _once(options, set())
    finally:
        sys.path[:] = path


def _again_and_again(options: argparse.Namespace) -> int:
    """A run after each change."""
    read: set[Path] = set()

    def files() -> set[Path]:
        return {*read, *find(_paths(options))}

    return watch(lambda: _once(options, read), files)


def _once(options: argparse.Namespace, read: set[Path]) -> int:
    """One run.

    Args:
        options: as the command line declares them.
        read: the files that are read are added to it.
    """
    started = time.perf_counter()
    report = named("--report", options.report, _REPORT) if options.report else None
    if options.list and report not in (None, json_report.render):
        raise ArgumentError(
            f"--list runs nothing, so there are no results for --report {options.report!r}; leave "
            "it out, or write --list --json for one JSON object"
        )
    selection = Selection(options.expression)
    modules = [Module(file) for file in find(_paths(options))]
    kept = KeptResults() if options.cache else None
    if kept is not None:
        kept.fill(modules)
    last = LastFailed()
    listed = options.expression or options.list or options.last_failed
    if listed:
        list_claims(modules, timeout=options.timeout)
        _require_claims(options, modules)
        _narrow(modules, selection, options.expression)
    if options.last_failed and not last.narrow(modules):
        print("jaxgrad: nothing failed when it was last run, so all is run", file=sys.stderr)
    if options.list:
        return _list(modules, in_json=report is not None)
    if options.junit:
        require_writable(f"--junit {options.junit}", Path(options.junit))
    if options.html:
        require_writable(f"--html {options.html}", Path(options.html))
    run = Run(modules, jobs=options.jobs, timeout=options.timeout)
    ended = _followed(run, selection, kept, first=options.first)
    results = run.results(selection.keeps)
    seconds = time.perf_counter() - started
    read.update(Path(file) for module in modules for file in module.read or ())
    if ended is not _Ended.ALL:
        missing = run.without_result(f"the run {ended.value} before this had ended")
        last.save(results, missing)
        _report(options, report, results, missing, seconds, ended)
        return Exit.INTERRUPTED if ended is _Ended.INTERRUPTED else exit_code(results)
    results += run.without_result("it was not run, or its result was lost on the way")
    last.save(results, [])
    if not listed:
        results += _require_claims(options, modules)
    if not results:
        raise ArgumentError(
            f"-k {options.expression!r} matches no part of the {run.wanted} claims that it runs"
        )
    _report(options, report, results, [], seconds)
    return exit_code(results)


def _paths(options: argparse.Namespace) -> Sequence[str]:
    if not options.paths and not Path("proofs").is_dir():
        raise ArgumentError(
            f"there is no folder proofs/ in {Path.cwd()}: name the files or folders to prove, "
            "or begin one with jaxgrad prove --new NAME"
        )
    return options.paths or ["proofs"]


def _require_claims(options: argparse.Namespace, modules: Sequence[Module]) -> list[ClaimResult]:
    """A failure for each path that was named and declares no claim, an error if no path does.

    A file in a folder is only mentioned: it may be a helper without an underscore.
    """
    empty = {m.path for m in modules if m.claims == [] and not m.failures}
    if len(empty) < len(modules):
        for path in sorted(empty - {Path(path) for path in options.paths}):
            print(f"jaxgrad: no claims in {path}", file=sys.stderr)
    failures = []
    for path in map(Path, _paths(options)):
        inside = [m for m in modules if m.path.resolve().is_relative_to(path.resolve())]
        if all(module.path in empty for module in inside):
            text = str(no_claims(path))
            failures.append(ClaimResult(path.name, "", path, None, error=text))
    if failures and len(empty) == len(modules):
        raise ArgumentError(failures[0].error)
    return failures


def _narrow(modules: Sequence[Module], selection: Selection, expression: str) -> None:
    """Keep what may match; failures all stay, since nobody knows what a broken module holds."""
    for module in modules:
        claims = enumerate(module.claims or ())
        module.only = [number for number, claim in claims if selection.may_match(claim)]
    if not any(module.only or module.failures for module in modules):
        raise ArgumentError(
            f"-k {expression!r} matches no claim; the name of a part counts beside a word of its "
            "claim (-k 'A5 and tanh'), and --list shows all claims"
        )
    if expression and not any(module.only for module in modules):
        print(f"jaxgrad: -k {expression!r} matches no claim that can be declared", file=sys.stderr)


class _Ended(enum.Enum):
    """How a run ended."""

    ALL = "had come to its end"
    FIRST = "was ended by --exitfirst"
    INTERRUPTED = "was interrupted"


def _followed(run: Run, selection: Selection, kept: KeptResults | None, first: bool) -> _Ended:
    """Run everything, or until something is not as expected.

    Args:
        run: what is run.
        selection: which parts count.
        kept: where results are kept as they come; None for nowhere.
        first: whether the first thing that is not as expected ends it.
    """
    seen = 0
    try:
        with _display() as (tell, run.heard), contextlib.closing(iter(run)) as events:
            for _ in events:
                tell(run)
                if kept is not None:
                    kept.save(run.modules)
                if first and run.ended + run.broken > seen:
                    seen = run.ended + run.broken
                    if not all(x.as_expected for x in run.results(selection.keeps)):
                        return _Ended.FIRST if run.without_result("") else _Ended.ALL
    except KeyboardInterrupt:
        return _Ended.INTERRUPTED
    return _Ended.ALL


def _display() -> contextlib.AbstractContextManager[
    tuple[Callable[[Run], None], Callable[[str], None] | None]
]:
    """What shows a run while it goes on, and what takes the lines that are printed in it."""
    if not sys.stderr.isatty():
        return contextlib.nullcontext((lambda _: None, None))
    from jaxgrad.claims.report import terminal  # which says so where rich is missing

    target = terminal.console(stderr=True)
    from jaxgrad.claims.report import live

    return live.progress(target)


def _report(
    options: argparse.Namespace,
    report: Callable[..., Any] | None,
    results: Sequence[ClaimResult],
    missing: Sequence[ClaimResult],
    seconds: float,
    ended: _Ended = _Ended.ALL,
) -> None:
    """Show the results, and by name what has none because the run was interrupted.

    Raises:
        ArgumentError: the report fails; the results are shown all the same.
    """
    text: str | None = None
    failed: BaseException | None = None
    if report is not None:
        try:
            text = report([*results, *missing], seconds)
            if not isinstance(text, str):
                raise TypeError(f"it returned {text!r:.60}, not text")
        except (Exception, SystemExit) as error:
            text, failed = None, error
    with _quiet_when_the_reader_has_gone():
        if text is not None:
            printed()
            print(text)
        elif results:
            from jaxgrad.claims.report import terminal

            terminal.show(
                results,
                seconds,
                terminal.console(),
                verbose=options.verbose,
                missing=missing,
            )
        sys.stdout.flush()
    if missing:
        names = ", ".join(dict.fromkeys(result.id for result in missing))
        how = "interrupted" if ended is _Ended.INTERRUPTED else "--exitfirst"
        print(f"jaxgrad: {how}; without a result: {names}", file=sys.stderr)
    _tell_servers(options, results, missing, seconds)
    if failed is not None:
        raise ArgumentError(
            f"--report {options.report!r} raised {type(failed).__name__}: {failed}; it is called "
            "with the results and the seconds, and returns the text to print"
        ) from failed


def _tell_servers(
    options: argparse.Namespace,
    results: Sequence[ClaimResult],
    missing: Sequence[ClaimResult],
    seconds: float,
) -> None:
    """The file of JUnit, and annotations beside the lines of the claims."""
    for result in results:
        if not result.as_expected:
            said = result.error if result.evidence is None else result.evidence.text
            line = result.claim and result.claim.line
            title = f"{result.id} {result.part}".strip()
            raised = (result.error or "").startswith("the claim raised")
            failed = "raised" if raised else "has no verdict"
            found = failed if result.verdict is None else f"is {result.verdict}"
            annotate(f"{title} {found}", said or "", str(result.path), line)
    if options.junit:
        from jaxgrad.claims.report import junit

        try:
            text = junit.render(results, seconds, missing)
            Path(options.junit).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"--junit {options.junit}: {error.strerror}") from None
    if options.html:
        from jaxgrad.claims.report import html_report

        written(
            f"--html {options.html}", options.html, html_report.render(results, seconds, missing)
        )


@contextlib.contextmanager
def _quiet_when_the_reader_has_gone() -> Iterator[None]:
    """``| head`` has read enough: the verdicts, and so the exit code, are as they are."""
    try:
        yield
    except BrokenPipeError:
        abandon_stdout()


def abandon_stdout() -> None:
    """Let what is still to be printed, at the end of the process too, go nowhere."""
    abandon(sys.stdout)


def abandon(stream: IO[str]) -> None:
    """The same of any stream; else Python ends with a code of its own, as it cannot write.

    Args:
        stream: one that is a file.
    """
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _list(modules: Sequence[Module], *, in_json: bool) -> int:
    claims: list[Any] = [(module.claims or [])[n] for module in modules for n in module.wanted]
    failures = [failure for module in modules for failure in module.failures]
    with _quiet_when_the_reader_has_gone():
        if in_json:
            printed()
            print(json_report.render_list(claims, failures))
        else:
            from jaxgrad.claims.report import terminal

            terminal.show_list(claims, failures, terminal.console())
        sys.stdout.flush()
    return Exit.NOT_EXPECTED if failures else Exit.ALL_EXPECTED
