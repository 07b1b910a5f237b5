"""Claims: a function that returns the evidence for a statement, and what comes of running it."""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .errors import ArgumentError
from .verdict import Evidence, Verdict

__all__ = ["Claim", "ClaimResult", "claim", "failure_text", "run"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

# A module keeps its claims in its own namespace, in the order of definition: a second function of
# the same name hides the first from the namespace, but not from this list.
REGISTRY = "__jaxgrad_claims__"
MARK = "__jaxgrad_claim__"

# Enough of an exception's own text to hold a counterexample, not enough to bury the other claims.
_ERROR_LINES = 12

_IMPORTER = str(Path(__file__).with_name("proof_modules.py"))


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

    Example:
        >>> Claim(lambda: None, "1 < 2", "X1: order", Verdict.PROVED, Path("order.py")).id
        'X1'
    """

    function: Callable[[], Any]
    statement: str
    source: str
    expected: Verdict
    path: Path

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
        """The line of the module on which the function's definition begins."""
        return inspect.unwrap(self.function).__code__.co_firstlineno


@dataclass(frozen=True)
class ClaimResult:
    """What came of one part of a claim: evidence, or the text of an error.

    Args:
        id: the claim's id; for a module that cannot be imported, its file name.
        part: the part's name, empty for a claim without parts.
        path: the proof module.
        seconds: time spent on this part.
        claim: the claim; None for a module that cannot be imported.
        evidence: what the claim returned; None where ``error`` says why there is none.
        error: the last lines of the traceback, or what is wrong with the returned object.

    Example:
        >>> result = ClaimResult("broken.py", "", Path("broken.py"), 0.1, error="SyntaxError")
        >>> result.verdict, result.as_expected
        (None, False)
    """

    id: str
    part: str
    path: Path
    seconds: float
    claim: Claim | None = None
    evidence: Evidence | None = None
    error: str | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, or None where an error stands in its place."""
        return None if self.evidence is None else self.evidence.verdict

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is exactly the one that the claim expects."""
        return self.claim is not None and self.verdict is self.claim.expected

    @property
    def undecided(self) -> bool:
        """Whether the verdict is UNDECIDED where another one was expected."""
        return self.verdict is Verdict.UNDECIDED and not self.as_expected


# --------------------------------------------------------------------------------------- declaring


def claim(
    statement: str, *, source: str = "", expect: Verdict = Verdict.PROVED
) -> Callable[[_Function], _Function]:
    """Declare that a function returns the evidence for a statement.

    The function is returned unchanged, so a test can call it with a wrong constant.

    Args:
        statement: what is claimed, in words.
        source: where it is claimed, e.g. ``"A6: the bound of the derivative"``; what stands
            before the first colon is the claim's id, which is the function's name if there is no
            colon.
        expect: the verdict that counts as success; REFUTED for a statement known to be wrong.

    Raises:
        ArgumentError: the statement is no text, ``expect`` is no Verdict, or what is decorated is
            not a function that can be called without arguments.

    Example:
        >>> @claim("one is less than two", source="X1: the order of the integers")
        ... def order(two=2):
        ...     verdict = Verdict.PROVED if 1 < two else Verdict.REFUTED
        ...     return Evidence(verdict, "decision", f"1 < {two} is {1 < two}")
        >>> order().verdict, order(two=1).verdict
        (<Verdict.PROVED: 'PROVED'>, <Verdict.REFUTED: 'REFUTED'>)
    """
    if not isinstance(statement, str) or not statement.strip():
        raise ArgumentError(
            f'claim: the statement must be text, got {statement!r}; write @claim("what is claimed")'
        )
    if not isinstance(source, str):
        raise ArgumentError(f"claim: the source must be text, got {source!r}")
    if not isinstance(expect, Verdict):
        raise ArgumentError(
            f"claim: expect must be a Verdict such as Verdict.PROVED, got {expect!r}"
        )

    def declare(function: _Function) -> _Function:
        plain = _require_plain_function(function)
        made = Claim(function, statement, source, expect, Path(plain.__code__.co_filename))
        plain.__globals__.setdefault(REGISTRY, []).append(made)
        setattr(function, MARK, made)
        return function

    return declare


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


def run(claim: Claim) -> Iterator[ClaimResult]:
    """Run a claim and yield the result of each of its parts as soon as it is there.

    Nothing that a claim does wrong is raised: it becomes a result with an ``error``.

    Args:
        claim: the claim to run.

    Example:
        >>> @claim("one is less than two")
        ... def order():
        ...     yield "integers", Evidence(Verdict.PROVED, "decision", "2 - 1 > 0")
        ...     raise RuntimeError("no more numbers")
        >>> [(r.part, r.verdict, r.as_expected) for r in run(order.__jaxgrad_claim__)]
        [('integers', <Verdict.PROVED: 'PROVED'>, True), ('', None, False)]
    """
    started = time.perf_counter()
    count = 0

    def result(part: str, evidence: Evidence | None = None, error: str | None = None):
        seconds = time.perf_counter() - started
        return ClaimResult(claim.id, part, claim.path, seconds, claim, evidence, error)

    try:
        for part, outcome in _parts(claim.function()):
            count += 1
            yield _checked(result, part, outcome)
            started = time.perf_counter()
        if count == 0:
            raise _BadOutcome("the claim yielded no part, so nothing was checked")
    except _BadOutcome as error:
        yield result("", error=str(error))
    except (Exception, SystemExit) as error:
        after = f"the claim raised, after {count} of its parts\n" if count else "the claim raised\n"
        yield result("", error=after + failure_text(error, claim.path))


def _parts(outcome: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(outcome, "verdict"):
        yield "", outcome
        return
    if not isinstance(outcome, Iterable) or isinstance(outcome, (str, bytes, Mapping)):
        raise _BadOutcome(
            f"the claim returned {_shown(outcome)}; return an object with verdict and evidence "
            "(an Evidence, a Comparison), or yield pairs of a part's name and such an object"
        )
    for item in outcome:
        if not isinstance(item, tuple) or len(item) != 2:
            raise _BadOutcome(
                f"the claim yielded {_shown(item)}; yield a pair of a part's name and an object "
                "with verdict and evidence"
            )
        yield str(item[0]), item[1]


def _checked(result: Callable[..., ClaimResult], part: str, outcome: Any) -> ClaimResult:
    verdict, evidence = getattr(outcome, "verdict", None), getattr(outcome, "evidence", None)
    if not isinstance(verdict, Verdict) or not isinstance(evidence, Evidence):
        text = f"got {_shown(outcome)}, which lacks a verdict or evidence (a Verdict, an Evidence)"
        return result(part, error=text)
    if verdict is not evidence.verdict:
        text = f"the verdict is {verdict}, but the evidence says {evidence.verdict}"
        return result(part, error=f"{text}: {evidence.text}")
    return result(part, evidence)


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
    return filename.startswith("<frozen importlib") or filename in (__file__, _IMPORTER)
