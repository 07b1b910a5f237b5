"""Running a claim: the result of each of its parts, whatever the claim does."""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jaxgrad.claims.claim import Claim, ClaimResult
from jaxgrad.claims.failures import failure_text
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["run"]


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
        >>> from pathlib import Path
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
    if unawaited := _unawaited(outcome):
        raise _BadOutcome(unawaited)
    if not isinstance(outcome, Iterable) or isinstance(outcome, (str, bytes, Mapping)):
        raise _BadOutcome(
            f"the claim returned {_shown(outcome)}; return an object with verdict and evidence (an "
            "Evidence, a Comparison), or yield pairs of a part's name and such an object"
        )
    names: set[str] = set()
    for item in _all(outcome):
        if not isinstance(item, tuple) or len(item) != 2:
            raise _BadOutcome(
                f"the claim yielded {_shown(item)}; yield a pair of a part's name and an object "
                "with verdict and evidence"
            )
        if (name := str(item[0])) in names:
            raise _BadOutcome(f"two parts have the name {name!r}; give each part one of its own")
        names.add(name)
        yield name, item[1]


def _all(outcome: Iterable[Any]) -> Iterator[Any]:
    """What is yielded, and then an error if something is returned, which a loop would not see."""
    returned = yield from outcome
    if returned is not None:
        raise _BadOutcome(
            f"the claim yields its parts and then returns {_shown(returned)}, which is none of "
            "them; yield it with a name, too"
        )


def _checked(outcome: Any) -> tuple[Evidence | None, str | None]:
    """The evidence of an outcome, or what is wrong with it."""
    if unawaited := _unawaited(outcome):
        return None, unawaited
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


def _unawaited(outcome: Any) -> str:
    """What is wrong with what was to be awaited, empty if it was not.

    It is closed, so that Python does not warn of it besides.
    """
    if not (inspect.isawaitable(outcome) or inspect.isasyncgen(outcome)):
        return ""
    if inspect.iscoroutine(outcome):
        outcome.close()
    return (
        f"got {_shown(outcome)}, which nobody awaits; await it in a function of its own, and "
        "return or yield what comes of that: asyncio.run(measured())"
    )


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
