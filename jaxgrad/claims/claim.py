"""Claims: functions that return the evidence for a statement, and the results of their parts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from jaxgrad.claims.failures import problem_of
from jaxgrad.claims.registration import current, origin
from jaxgrad.errors import ArgumentError
from jaxgrad.programs.callers_frames import in_callers_frames
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["Claim", "ClaimResult", "Declaration", "claim"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Arguments = ParamSpec("_Arguments")
_Returned = TypeVar("_Returned")

# A function keeps every claim that was ever declared on it, so that a module that imports it finds
# those of a library; what a proof module declares itself stands in its registry.
MARK = "__jaxgrad_claims__"


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
        """Whether the verdict is the one that the claim expects, or one that implies it."""
        if self.claim is None or self.verdict is None:
            return False
        return self.verdict.implies(self.claim.expected)

    @property
    def problem(self) -> str:
        """The line of the error that says what is wrong."""
        return problem_of(self.error or "")

    @property
    def undecided(self) -> bool:
        """Whether the verdict is UNDECIDED where another one was expected."""
        return self.verdict is Verdict.UNDECIDED and not self.as_expected


def _refusing(declares: Callable[_Arguments, _Returned]) -> Callable[_Arguments, _Returned]:
    """The same where it is called as it can be; else an error that says how a claim is written."""
    form = inspect.signature(declares)

    @functools.wraps(declares)
    def called(*args: _Arguments.args, **named: _Arguments.kwargs) -> Any:
        wrong = _wrong_call(form, args, named)
        if wrong is None:
            return declares(*args, **named)
        _refuse(wrong)
        return lambda function: function

    return called


@_refusing
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
        expect: the verdict that counts as success, as one that implies it does: PROBABLE takes
            PROVED, too, and AGREES both. REFUTED for a statement known to be wrong.
        picture: ``module:function`` that draws what ``prove --html`` shows with it.

    Raises:
        ArgumentError: the statement is missing or no text, more than it is given without a name,
            ``expect`` is no Verdict, or what is decorated is not a function that can be called
            without arguments, or one that would have to be awaited. While ``jaxgrad prove`` imports
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

    return in_callers_frames(declare)


def _refuse(error: ArgumentError) -> None:
    """Raise, or report where a proof module is being imported: its other claims are to be run."""
    registry = current()
    if registry is None:
        raise error
    line = registry.line()
    text = f"the claim on line {line} cannot be declared\n{type(error).__name__}: {error}"
    failure = ClaimResult(f"{registry.path.name}:{line}", "", registry.path, None, error=text)
    registry.failures.append(failure)


def _wrong_call(
    form: inspect.Signature, args: tuple[Any, ...], named: dict[str, Any]
) -> ArgumentError | None:
    """What is wrong with the arguments of a claim, whatever their values; None where nothing is."""
    try:
        form.bind(*args, **named)
    except TypeError as error:
        given = [f"{x!r:.40}" for x in args] + [f"{name}={x!r:.40}" for name, x in named.items()]
        return ArgumentError(
            f"claim: {error} in claim({', '.join(given)}); the statement alone stands without a "
            'name: write @claim("what is claimed", source="S1: where it is claimed"), of which S1 '
            "is the id, beside it expect=Verdict.REFUTED or picture="
        )
    return None


def _require_texts(statement: object, others: tuple[object, ...], expect: object) -> None:
    if not isinstance(statement, str) or not statement.strip():
        raise ArgumentError(
            f'claim: the statement must be text, got {statement!r}; write @claim("what is claimed")'
        )
    for name, text in zip(_TEXTS, others, strict=True):
        if not isinstance(text, str):
            raise ArgumentError(
                f'claim: the {name} must be text, got {text!r}; write {name}="{_TEXTS[name]}"'
            )
    if not isinstance(expect, Verdict):
        raise ArgumentError(
            f"claim: expect must be a Verdict such as Verdict.PROVED, got {expect!r}"
        )


_TEXTS = {"source": "A6: where it is claimed", "picture": "module:function"}


def _require_plain_function(function: Any) -> Any:
    """The function under its decorators, which must be callable without arguments."""
    if not inspect.isfunction(function):
        raise ArgumentError(
            f"claim: only a function can be a claim, got {type(function).__name__} {function!r}; "
            "put @claim directly above a def"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ArgumentError(
            f"claim: {function.__name__} is written with `async def`, and nobody awaits it; write "
            "it with `def`, and what it awaits in a function of its own: asyncio.run(measured())"
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
