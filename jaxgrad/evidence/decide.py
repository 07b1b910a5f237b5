"""Decide polynomial statements over the reals by two procedures that know nothing of each other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from jaxgrad.errors import ArgumentError, JaxgradError, MissingExtra
from jaxgrad.evidence.algebraic import Point, points_between
from jaxgrad.evidence.asked import asked
from jaxgrad.evidence.decided_code import decided_code
from jaxgrad.evidence.sign_conditions import all_of, as_formula, boundary_of, variable
from jaxgrad.numbers.listed import listed
from jaxgrad.programs.options import seconds
from jaxgrad.verdict import Evidence, Verdict, undecided

__all__ = ["decide"]

# Statements in two or three variables of degree at most 6, as in the proofs, take z3 well under a
# second; one that needs more than this is more likely to need hours than another second.
_TIMEOUT_SECONDS = 20.0

# Denominators tried when a counterexample with irrational coordinates is moved to a rational one:
# a strict violation survives rounding once the rounding is fine enough.
_ROUNDINGS = (10**3, 10**9, 10**27)

_INSTEAD = "compare what +, -, * and ** make of them, with abs() around a whole side at most"

Statement = Callable[..., Any]


@dataclass(frozen=True)
class _Answer:
    """What one procedure found: valid, or not (with a point if it has one), or None: no answer."""

    valid: bool | None
    point: Mapping[str, Point] | None = None
    reason: str = ""


def decide(
    conclusion: Statement,
    where: Statement | None = None,
    *,
    equality: Statement | None = None,
    timeout: float = _TIMEOUT_SECONDS,
) -> Evidence:
    """Decide whether polynomial inequalities hold at every real point of a domain.

    For all real x: where(x) implies conclusion(x). With ``equality`` given, moreover: within the
    domain a conclusion holds with equality at the points of that set, of which there is one, and
    at no other.

    z3 (nonlinear real arithmetic) decides the statement from the callables as they run on its own
    symbols. If there is one variable, they also run on exact polynomials, whose signs between and
    at their isolated real roots decide it a second time; the two have to agree.

    Args:
        conclusion: scalar real variables -> comparison or list of comparisons, all to hold; each
            compares polynomials with exact coefficients (int or Fraction) by <, <=, >, >=, == or
            !=, and abs() may stand around a whole side. The parameters' names name the variables.
        where: the same, for the domain; all of space unless given.
        equality: the same, for the set of points where equality is attained.
        timeout: seconds that z3 may take for each question.

    Returns:
        Evidence of kind "decision": PROVED, REFUTED with a counterexample that was checked
        exactly, or UNDECIDED (z3 ran out of time, or the domain is empty so nothing was said).

    Raises:
        ArgumentError: the callables name different variables, use what is not polynomial, return
            no comparison at all, or not the same comparisons each time.
        JaxgradError: the two procedures contradict each other.
        MissingExtra: z3 is not installed.

    Example:
        >>> from fractions import Fraction
        >>> bound = decide(
        ...     lambda s: s * (1 - s) <= Fraction(1, 4),
        ...     where=lambda s: [0 < s, s < 1],
        ...     equality=lambda s: 2 * s == 1,
        ... )
        >>> bound.verdict
        <Verdict.PROVED: 'PROVED'>

    Source: claims A6, A8, A9, D1, D3, F4, F5.
    """
    timeout = seconds("decide: timeout", timeout)
    names = _variables(conclusion, where, equality)
    parts = _steady(conclusion, where, equality, names)
    symbolic = _Symbolic(parts, names, timeout)
    problem = symbolic.problem_of_domain()
    if problem:
        return undecided(problem)
    claims = ["conclusion"] if equality is None else ["conclusion", "attained"]
    exact = _Exact(parts, names) if len(names) == 1 else None
    for claim in claims:
        first = symbolic.answer(claim)
        second = exact.answer(claim) if exact else None
        evidence = _settle(claim, first, second, names)
        if evidence is not None:
            return evidence
    if equality is not None:
        evidence = _reached(symbolic.reached(), exact.reached() if exact else None)
        if evidence is not None:
            return evidence
    return _proved(names, equality is not None, exact)


class _Symbolic:
    """The statement in z3's symbols, decided by z3."""

    def __init__(self, parts: tuple[Statement, ...], names: list[str], timeout: float):
        try:
            import z3
        except ImportError as error:
            raise MissingExtra(
                "decide() needs z3: install it with `pip install 'jaxgrad[proofs]'`"
            ) from error
        self.z3, self.names, self.timeout = z3, names, timeout
        self.symbols = [z3.Real(name) for name in names]
        self.conclusion, self.where, self.equality = (
            [z3.BoolVal(True), *_listed(part(*self.symbols))] for part in parts
        )
        self.parts = parts

    def problem_of_domain(self) -> str:
        """Why a proof would say nothing, or "" when the domain has a point."""
        status, _ = self._solve(*self.where)
        if status == self.z3.unsat:
            return "the domain is empty, so the statement says nothing: correct `where`"
        return "" if status == self.z3.sat else self._no_answer("whether the domain has a point")

    def _no_answer(self, question: str) -> str:
        return (
            f"z3 did not find out within {self.timeout:g} s {question}; raise `timeout` or split "
            "the statement"
        )

    def reached(self) -> _Answer:
        """Whether the set of equality has a point in the domain."""
        status, _ = self._solve(*self.where, *self.equality)
        if status == self.z3.unknown:
            return _Answer(None, reason=self._no_answer("whether equality is attained"))
        return _Answer(status == self.z3.sat, reason="the set of equality")

    def answer(self, claim: str) -> _Answer:
        """Whether a point of the domain violates the claim."""
        z3 = self.z3
        if claim == "conclusion":
            violated = z3.Not(z3.And(*self.conclusion))
        else:
            boundary = z3.Or(*(part.arg(0) == part.arg(1) for part in self.conclusion[1:]))
            violated = boundary != z3.And(*self.equality)
        status, model = self._solve(*self.where, violated)
        if status == z3.unsat:
            return _Answer(True)
        if model is None:
            return _Answer(None, reason=self._no_answer(f"about the {claim}"))
        return _Answer(False, self._rational(model, claim), f"z3 found {model}")

    def _solve(self, *assertions: Any) -> tuple[Any, Any]:
        solver = self.z3.Solver()
        solver.set("timeout", int(1000 * self.timeout))
        solver.add(*assertions)
        status = solver.check()
        return status, solver.model() if status == self.z3.sat else None

    def _rational(self, model: Any, claim: str) -> Mapping[str, Fraction] | None:
        """A rational counterexample at or beside z3's, checked by running the callables on it."""
        values = [model.eval(symbol, model_completion=True) for symbol in self.symbols]
        for denominator in _ROUNDINGS:
            point = [_rounded(value, denominator) for value in values]
            if _violates(self.parts, point, claim):
                return dict(zip(self.names, point, strict=True))
        return None


class _Exact:
    """The statement in one variable, decided by the signs of exact polynomials."""

    def __init__(self, parts: tuple[Statement, ...], names: list[str]):
        self.name = names[0]
        formulas = [[as_formula(part) for part in _listed(part(variable()))] for part in parts]
        self.conclusion, self.where, self.equality = (all_of(found) for found in formulas)
        self.boundary = boundary_of(formulas[0])
        every = all_of([self.conclusion, self.where, self.equality])
        self.points = points_between(every.polynomials())

    def answer(self, claim: str) -> _Answer:
        """Whether the claim fails at a root of some polynomial, or between two roots."""
        for point in self.points:
            if self.where.holds(point) and not self._claim(claim, point):
                return _Answer(False, {self.name: point})
        return _Answer(True)

    def reached(self) -> _Answer:
        """Whether the set of equality has a point in the domain."""
        meets = any(self.where.holds(x) and self.equality.holds(x) for x in self.points)
        return _Answer(meets, reason="the set of equality")

    def _claim(self, claim: str, point: Point) -> bool:
        if claim == "conclusion":
            return self.conclusion.holds(point)
        return self.boundary.holds(point) == self.equality.holds(point)


def _compare(first: _Answer, second: _Answer | None) -> None:
    """Raise where the procedures contradict each other."""
    if second is not None and first.valid not in (None, second.valid):
        raise JaxgradError(
            f"decide: z3 says {_words(first)} and exact root isolation says {_words(second)} of "
            "the same statement, so one of the two is wrong; trust neither and report the statement"
        )


def _reached(first: _Answer, second: _Answer | None) -> Evidence | None:
    """The evidence that ends the decision when equality is attained nowhere, else None."""
    _compare(first, second)
    if first.valid is None:
        return undecided(first.reason)
    if first.valid:
        return None
    return Evidence(
        Verdict.REFUTED,
        "decision",
        "The conclusion holds, but no point of the set of equality lies in the domain: the bound "
        "is attained nowhere.",
        trusts=("z3",),
    )


def _settle(
    claim: str, first: _Answer, second: _Answer | None, names: list[str]
) -> Evidence | None:
    """The evidence that ends the decision, or None when this claim is proved."""
    refuted = second is not None and not second.valid  # by a point that needs no second opinion
    if first.valid is None and not refuted:
        return undecided(first.reason)
    _compare(first, second)
    if first.valid:
        return None
    point = second.point if second is not None else first.point
    if point is None:
        return undecided(
            f"the counterexample that {first.reason.replace('found', 'found,')}, "
            "is irrational and could not be checked in rational arithmetic"
        )
    what = "does not hold" if claim == "conclusion" else "is not what the set of equality says"
    where = ", ".join(f"{name} = {value}" for name, value in point.items())
    return Evidence(
        Verdict.REFUTED,
        "decision",
        f"The {'conclusion' if claim == 'conclusion' else 'equality'} {what} at {where}.",
        counterexample=decided_code(point, claim),
        trusts=("FLINT polynomials",) if second is not None else ("rational arithmetic",),
    )


def _proved(names: list[str], with_equality: bool, exact: _Exact | None) -> Evidence:
    variables = ", ".join(names)
    text = f"True for every real {variables} of the domain"
    if with_equality:
        text += ", with equality exactly at the points stated"
    if exact is None:
        return Evidence(Verdict.PROVED, "decision", f"{text}; decided by z3.", trusts=("z3",))
    return Evidence(
        Verdict.PROVED,
        "decision",
        f"{text}; decided by z3 and again from exact signs at {len(exact.points)} points, one at "
        "each real root of the polynomials and one in each interval between.",
        trusts=("z3 or FLINT polynomials: either alone proves it",),
    )


def _words(answer: _Answer) -> str:
    if answer.valid:
        return "'true everywhere'"
    return f"'false at {answer.reason or answer.point}'"


def _violates(parts: tuple[Statement, ...], point: list[Fraction], claim: str) -> bool:
    """Run the callables on rational numbers: exact, and no part of z3."""
    conclusion, where, equality = (_listed(part(*point)) for part in parts)
    if not all(where):
        return False
    if claim == "conclusion":
        return not all(conclusion)
    # Equality in a comparison cannot be read off a bool; the polynomials tell.
    shift = [variable() * 0 + value for value in point]
    boundary = boundary_of([as_formula(part) for part in _listed(parts[0](*shift))])
    return boundary.holds(Fraction(0)) != all(equality)


def _rounded(value: Any, denominator: int) -> Fraction:
    """z3's value as a fraction; an irrational one is rounded."""
    if hasattr(value, "as_fraction"):
        return Fraction(value.as_fraction())
    digits = len(str(denominator)) + 3
    return Fraction(value.approx(digits).as_fraction()).limit_denominator(denominator)


def _listed(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _steady(
    conclusion: Statement, where: Statement | None, equality: Statement | None, names: list[str]
) -> tuple[Statement, ...]:
    """The callables, each held to as many comparisons as it returned of exact polynomials."""
    named = {"the conclusion": conclusion, "where": where, "equality": equality}
    return tuple(
        (lambda *_: []) if part is None else _Steady(name, part, len(names))
        for name, part in named.items()
    )


class _Steady:
    """A callable that returns the same number of comparisons of whatever it is called with.

    One that uses up an iterator returns fewer from the second call on, and nothing is true of
    everything.
    """

    def __init__(self, name: str, part: Statement, variables: int):
        self.name = name
        self.part = asked(part, variables, f"decide: {name}", "polynomials", _INSTEAD)
        found = _listed(self.part(*(variable() for _ in range(variables))))
        if not found:
            raise ArgumentError(
                f"decide: {name} is an empty list, so nothing is stated; return a comparison"
            )
        for each in found:  # what is not polynomial fails, with a reason
            as_formula(each)
        self.count = len(found)

    def __call__(self, *values: Any) -> list[Any]:
        found = _listed(self.part(*values))
        if len(found) != self.count:
            raise ArgumentError(
                f"decide: {self.name} returned {self.count} comparisons when called first and "
                f"{len(found)} when called again; build them anew in each call (an iterator that "
                "was used up?)"
            )
        return found


def _variables(*statements: Any) -> list[str]:
    conclusion, *others = statements
    given = [_parameters(conclusion), *(_parameters(part) for part in others if part is not None)]
    if not given[0] or any(set(names) != set(given[0]) for names in given):
        raise ArgumentError(
            f"decide: the callables take {listed(given)}; give all of them the same variables, at "
            "least one"
        )
    if any(names != given[0] for names in given):
        raise ArgumentError("decide: the callables name their variables in different orders")
    return given[0]


def _parameters(statement: Statement) -> list[str]:
    if not callable(statement):
        raise ArgumentError(
            f"decide: {statement!r:.60} is no function of the variables; write it as "
            "`lambda x: ...`"
        )
    try:
        given = inspect.signature(statement).parameters.values()
    except ValueError as error:  # a builtin that does not say
        raise ArgumentError(
            f"decide: {statement!r:.60} does not say which variables it has; write it as "
            "`lambda x: ...`"
        ) from error
    odd = [
        str(each)
        for each in given
        if each.default is not each.empty
        or each.kind not in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if odd:
        raise ArgumentError(
            f"decide: every parameter is a real variable, but {odd[0]} is none; close over "
            "constants, and name each variable"
        )
    return [each.name for each in given]
