"""Claims: a function that returns the evidence for a statement, and what comes of running it."""

from __future__ import annotations

import inspect
import itertools
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from jaxgrad.claims.registration import current, origin
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["Claim", "ClaimResult", "Declaration", "claim", "failure_text", "run"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

# A function keeps every claim that was ever declared on it, so that a module that imports it finds
# those of a library; what a proof module declares itself stands in its registry.
MARK = "__jaxgrad_claims__"

# Enough of an exception's own text to hold a counterexample, not enough to bury the other claims.
_ERROR_LINES = 12

# This package's own files between a failure and the proof module.
MACHINERY = tuple(
    str(Path(__file__).with_name(name))
    for name in ("claim.py", "proof_modules.py", "proof_child.py")
)


@dataclass(frozen=True)
class Declaration:
    """What a claim says of itself: all that a report needs, and another process can be told.

    Args:
        name: the function's name.
        id: what stands before the first colon of the source, else the function's name.
        line: the line of the module on which the claim is declared.
        statement: what is claimed, in words.
        source: where it is claimed.
        expected: the verdict that counts as success.
        path: the proof module.
        picture: ``module:function`` of its picture, or nothing.
    """

    name: str
    id: str
    line: int
    statement: str
    source: str
    expected: Verdict
    path: Path
    picture: str = ""


@dataclass(frozen=True)
class Claim:
    """A statement, where it comes from, and the function that returns the evidence for it.

    Args:
        function: called without arguments; returns an object with ``verdict`` and ``evidence``, or
            yields pairs of a part's name and such an object.
        statement: what is claimed, in words.
        source: where it is claimed; what stands before the first colon is the claim's id.
        expected: the verdict that counts as success.
        path: the proof module.
        declared_on: the line of the proof module that declares it, where the function itself
            stands in another file.
        picture: ``module:function`` of its picture, or nothing.

    Example:
        >>> Claim(lambda: None, "1 < 2", "X1: order", Verdict.PROVED, Path("order.py")).id
        'X1'
    """

    function: Callable[[], Any]
    statement: str
    source: str
    expected: Verdict
    path: Path
    declared_on: int = 0
    picture: str = ""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def id(self) -> str:
        """What stands before the first colon of the source, else the function's name."""
        before, colon, _ = self.source.partition(":")
        return (before.strip() if colon else "") or self.name

    @property
    def line(self) -> int:
        """The line of the module on which the claim is declared."""
        return self.declared_on or inspect.unwrap(self.function).__code__.co_firstlineno

    @property
    def declaration(self) -> Declaration:
        """The claim without its function."""
        return Declaration(**{each.name: getattr(self, each.name) for each in fields(Declaration)})


@dataclass(frozen=True)
class ClaimResult:
    """What came of one part of a claim: evidence, or the text of an error.

    Args:
        id: the claim's id; for a module that cannot be imported, its file name; for a claim that
            cannot be declared, file name and line.
        part: the part's name, empty for a claim without parts.
        path: the proof module.
        seconds: time spent on this part, until its process was ended if it was; None where nothing
            of it was run, or nobody knows for how long.
        claim: the claim; None for a module that cannot be imported and for a claim that cannot
            be declared.
        evidence: what the claim returned; None where ``error`` says why there is none.
        error: the last lines of the traceback, or what is wrong with the returned object.
        kept: whether it is the result of an earlier run, since which nothing has changed.

    Example:
        >>> result = ClaimResult("broken.py", "", Path("broken.py"), 0.1, error="SyntaxError")
        >>> result.verdict, result.as_expected
        (None, False)
    """

    id: str
    part: str
    path: Path
    seconds: float | None
    claim: Claim | Declaration | None = None
    evidence: Evidence | None = None
    error: str | None = None
    kept: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, or None where an error stands in its place."""
        return None if self.evidence is None else self.evidence.verdict

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is exactly the one that the claim expects."""
        return self.claim is not None and self.verdict is self.claim.expected

    @property
    def problem(self) -> str:
        """The line of the error that says what is wrong: the last one, or what places follow."""
        lines = (self.error or "").splitlines() or [""]
        return lines[0] if lines[-1].startswith("  File ") else lines[-1]

    @property
    def undecided(self) -> bool:
        """Whether the verdict is UNDECIDED where another one was expected."""
        return self.verdict is Verdict.UNDECIDED and not self.as_expected


# --------------------------------------------------------------------------------------- declaring


def claim(
    statement: str, *, source: str = "", expect: Verdict = Verdict.PROVED, picture: str = ""
) -> Callable[[_Function], _Function]:
    """Declare that a function returns the evidence for a statement.

    The function is returned unchanged, so a test can call it with a wrong constant.

    Args:
        statement: what is claimed, in words.
        source: where it is claimed, e.g. ``"A6: the bound of the derivative"``; what stands
            before the first colon is the claim's id, which is the function's name if there is no
            colon.
        expect: the verdict that counts as success; REFUTED for a statement known to be wrong.
        picture: ``module:function`` that draws what ``prove --html`` shows with it.

    Raises:
        ArgumentError: the statement is no text, ``expect`` is no Verdict, or what is decorated is
            not a function that can be called without arguments. While ``jaxgrad prove`` imports
            the module, this is reported as a failed claim, and the others are run.

    Example:
        >>> @claim("one is less than two", source="X1: the order of the integers")
        ... def order(two=2):
        ...     verdict = Verdict.PROVED if 1 < two else Verdict.REFUTED
        ...     return Evidence(verdict, "decision", f"1 < {two} is {1 < two}")
        >>> order().verdict, order(two=1).verdict
        (<Verdict.PROVED: 'PROVED'>, <Verdict.REFUTED: 'REFUTED'>)
    """
    try:
        _require_texts(statement, (source, picture), expect)
    except ArgumentError as error:
        _refuse(error)
        return lambda function: function

    def declare(function: _Function) -> _Function:
        try:
            plain = _require_plain_function(function)
        except ArgumentError as error:
            _refuse(error)
            return function
        registry = current()
        file = origin() if registry else None
        path = file or Path(plain.__code__.co_filename)
        here = registry is None or plain.__code__.co_filename == str(registry.path)
        line = 0 if here or registry is None else registry.line()
        made = Claim(function, statement, source, expect, path, line, picture)
        if registry is not None:
            registry.claims.append(made)
        setattr(function, MARK, (*getattr(function, MARK, ()), made))
        return function

    return declare


def _refuse(error: ArgumentError) -> None:
    """Raise, or report where a proof module is being imported: its other claims are to be run."""
    registry = current()
    if registry is None:
        raise error
    line = registry.line()
    text = f"the claim on line {line} cannot be declared\n{type(error).__name__}: {error}"
    failure = ClaimResult(f"{registry.path.name}:{line}", "", registry.path, None, error=text)
    registry.failures.append(failure)


def _require_texts(statement: object, others: tuple[object, ...], expect: object) -> None:
    if not isinstance(statement, str) or not statement.strip():
        raise ArgumentError(
            f'claim: the statement must be text, got {statement!r}; write @claim("what is claimed")'
        )
    for name, text in zip(("source", "picture"), others, strict=True):
        if not isinstance(text, str):
            raise ArgumentError(f"claim: the {name} must be text, got {text!r}")
    if not isinstance(expect, Verdict):
        raise ArgumentError(
            f"claim: expect must be a Verdict such as Verdict.PROVED, got {expect!r}"
        )


def _require_plain_function(function: Any) -> Any:
    """The function under its decorators, which must be callable without arguments."""
    if not inspect.isfunction(function):
        raise ArgumentError(
            f"claim: only a function can be a claim, got {type(function).__name__} {function!r}; "
            "put @claim directly above a def"
        )
    missing = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if missing:
        raise ArgumentError(
            f"claim: {function.__name__} is called without arguments, but {', '.join(missing)} "
            "has no default; give it one"
        )
    return inspect.unwrap(function)


# ----------------------------------------------------------------------------------------- running


class _BadOutcome(Exception):
    """A claim returned something that is no evidence; the text is the whole explanation."""


def run(
    claim: Claim, *, through: tuple[type[BaseException], ...] = (KeyboardInterrupt,)
) -> Iterator[ClaimResult]:
    """Run a claim and yield the result of each of its parts as soon as it is there.

    Nothing that a claim does wrong is raised: it becomes a result with an ``error``.

    Args:
        claim: the claim to run.
        through: exceptions that do not belong to the claim, but to whoever runs it.

    Example:
        >>> def order():
        ...     yield "integers", Evidence(Verdict.PROVED, "decision", "2 - 1 > 0")
        ...     raise RuntimeError("no more numbers")
        >>> declared = Claim(order, "one is less than two", "", Verdict.PROVED, Path("order.py"))
        >>> [(result.part, result.verdict, result.as_expected) for result in run(declared)]
        [('integers', <Verdict.PROVED: 'PROVED'>, True), ('', None, False)]
    """
    parts: Iterator[tuple[str, Any]] | None = None
    for count in itertools.count():
        started = time.perf_counter()
        part, evidence, error = "", None, None
        # Only what the claim does stands in this block: a GeneratorExit out of it is the claim's
        # own, where one at the ``yield`` below would be the reader's.
        try:
            if parts is None:
                parts = _parts(claim.function())
            found = next(parts, None)
            if found is not None:
                part, evidence, error = found[0], *_checked(found[1])
            elif count == 0:
                error = "the claim yielded no part, so nothing was checked"
        except through:
            raise
        except _BadOutcome as bad:
            found, error = None, str(bad)
        except BaseException as raised:
            after = f", after {count} of its parts" if count else ""
            found, error = None, f"the claim raised{after}\n{failure_text(raised, claim.path)}"
        if found is not None or error is not None:
            seconds = time.perf_counter() - started
            yield ClaimResult(claim.id, part, claim.path, seconds, claim, evidence, error)
        if found is None:
            return


def _parts(outcome: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(outcome, "verdict"):
        yield "", outcome
        return
    if not isinstance(outcome, Iterable) or isinstance(outcome, (str, bytes, Mapping)):
        raise _BadOutcome(
            f"the claim returned {_shown(outcome)}; return an object with verdict and evidence (an "
            "Evidence, a Comparison), or yield pairs of a part's name and such an object"
        )
    names: set[str] = set()
    for item in outcome:
        if not isinstance(item, tuple) or len(item) != 2:
            raise _BadOutcome(
                f"the claim yielded {_shown(item)}; yield a pair of a part's name and an object "
                "with verdict and evidence"
            )
        if (name := str(item[0])) in names:
            raise _BadOutcome(f"two parts have the name {name!r}; give each part one of its own")
        names.add(name)
        yield name, item[1]


def _checked(outcome: Any) -> tuple[Evidence | None, str | None]:
    """The evidence of an outcome, or what is wrong with it."""
    verdict, evidence = getattr(outcome, "verdict", None), getattr(outcome, "evidence", None)
    if not isinstance(verdict, Verdict) or not isinstance(evidence, Evidence):
        return None, (
            f"got {_shown(outcome)}, which lacks a verdict or evidence (a Verdict, an Evidence)"
        )
    if verdict is not evidence.verdict:
        return None, (
            f"the verdict is {verdict}, but the evidence says {evidence.verdict}: {evidence.text}"
        )
    if wrong := _malformed(evidence):
        return None, f"the evidence cannot be reported: {wrong}"
    return evidence, None


def _malformed(evidence: Evidence) -> str:
    """Which field of the evidence is not what it is declared to be, empty if none."""
    enclosures = evidence.enclosures
    ends = enclosures.items() if isinstance(enclosures, Mapping) else [(None, ())]
    for name, right, meant in (
        ("kind", isinstance(evidence.kind, str), "text"),
        ("text", isinstance(evidence.text, str), "text"),
        (
            "enclosures",
            all(_texts((name, *pair)) and len(pair) == 2 for name, pair in ends),
            "a mapping of names to two decimal strings",
        ),
        ("counterexample", isinstance(evidence.counterexample, str | None), "text or None"),
        ("trusts", isinstance(evidence.trusts, tuple | list) and _texts(evidence.trusts), "texts"),
    ):
        if not right:
            return f"its {name} must be {meant}, got {_shown(getattr(evidence, name))}"
    return ""


def _texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _shown(value: object) -> str:
    """Type and value, short enough for one line of a message."""
    text = repr(value)
    return "None" if value is None else f"{type(value).__name__} {text[:60]}"


def failure_text(error: BaseException, path: Path) -> str:
    """Where in the proof module an exception came from, where it was raised, and what it says."""
    summary = traceback.TracebackException.from_exception(error)
    # JAX adds several lines on its removed frames as a note, which would push the message out.
    summary.__notes__ = None  # pyright: ignore
    frames = [frame for frame in summary.stack if not _is_machinery(frame.filename)]
    inside = [frame for frame in frames if frame.filename == str(path)]
    places = frames[-1:] if inside[-1:] == frames[-1:] else [*inside[-1:], *frames[-1:]]
    said = "".join(summary.format_exception_only()).splitlines()
    if len(said) > _ERROR_LINES:
        said = [*said[:_ERROR_LINES], "…"]
    return "".join(traceback.StackSummary.from_list(places).format()) + "\n".join(said)


def _is_machinery(filename: str) -> bool:
    """Whether a frame only led to the proof module: this package's runner, Python's importer."""
    return filename.startswith("<frozen importlib") or filename in MACHINERY
