"""What came of ``jaxgrad check`` as one page of HTML, which needs nothing but itself."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from jaxgrad.claims.called import Called
from jaxgrad.claims.malformed import said_of_fault
from jaxgrad.claims.named import named
from jaxgrad.claims.pictures.along_line import along_line, line_picture
from jaxgrad.claims.pictures.derivatives import Derivatives, Jacobian
from jaxgrad.claims.pictures.picture import Picture
from jaxgrad.claims.pictures.right_digits import digits_map
from jaxgrad.claims.report.page.blocks import (
    MEANINGS,
    badge,
    banner,
    code,
    made_with,
    meanings,
    page,
    section,
    table,
)
from jaxgrad.claims.report.page.elements import Content, Element, element
from jaxgrad.claims.report.page.pictures import figure
from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.programs.held import checked_argnums
from jaxgrad.verdict import Verdict

__all__ = ["render"]


def render(
    options: argparse.Namespace, called: Called, found: GradientCheck | JaxgradError, place: str
) -> str:
    """The page: the verdict first, then the rules, and what they are worth in numbers.

    Args:
        options: of the command line.
        called: the function and its arguments.
        found: the check, or the error that says that a rule is malformed.
        place: the file and line of the function, or nothing.
    """
    # What the user's code prints when it is run again is no part of what the command prints.
    with contextlib.redirect_stdout(sys.stderr):
        if isinstance(found, JaxgradError):
            head = [banner("bad", "✗ A custom rule is malformed")]
            said = (element("p", line, class_="said") for line in said_of_fault(found).splitlines())
            wrong = section("What is wrong", "wrong", *said)
            sections = [wrong, _asked(options, called, place)]
        else:
            head = [_verdict(found)]
            sections = list(_sections(options, called, found, place))
        return page(f"Check of {options.function}", head, [*sections, meanings(), made_with()])


def _verdict(found: GradientCheck) -> Element:
    kinds = {Verdict.REFUTED: ("bad", "✗"), Verdict.UNDECIDED: ("open", "?")}
    kind, mark = kinds.get(found.verdict, ("good", "✓"))
    said = element("p", f"{found.verdict} means {MEANINGS[found.verdict]}.", class_="quiet")
    return banner(
        kind, f"{mark} {found.verdict}", element("p", found.evidence.text, class_="said"), said
    )


def _sections(
    options: argparse.Namespace, called: Called, found: GradientCheck, place: str
) -> Iterator[Element]:
    if found.counterexample:
        text = called.in_scope(found.counterexample)
        yield section("Code to paste", "code", code(text, "Code that shows the counterexample"))
    yield section("Arguments", "arguments", _leaves(found), *_trusts(found))
    yield section("Rules", "rules", _rules(found))
    yield from _Numbers(options, called, found).sections()
    if found.floats:
        rows = [(x.path, x.status, str(x)) for x in found.floats]
        columns = ("argument", "status", "what was found")
        yield section("Floats", "floats", table("Compiled derivatives", columns, rows, wide=(2,)))
    if found.special_points:
        points = element("ul", *(element("li", point) for point in found.special_points))
        yield section("Special points that were judged", "special", points)
    yield _asked(options, called, place)


def _leaves(found: GradientCheck) -> Element:
    rows = [
        (leaf.path, badge(leaf.verdict), leaf.text or "–", str(leaf.judged), str(leaf.kinks))
        for leaf in found.leaves
    ]
    columns = ("argument", "verdict", "what was found", "numbers judged", "at a kink")
    return table("The derivative with respect to each argument", columns, rows, (3, 4), (2,))


def _trusts(found: GradientCheck) -> Iterator[Element]:
    if found.evidence.trusts:
        yield element("p", f"Trusts {', '.join(found.evidence.trusts)}.", class_="quiet")


def _rules(found: GradientCheck) -> Element:
    if not found.rules:
        return element("p", "No custom rule was judged by itself; the verdict is of the whole.")
    rows = [(rule.name, badge(rule.verdict), rule.text or "–", rule.where) for rule in found.rules]
    columns = ("rule", "verdict", "what was found", "place")
    return table("Each custom rule, judged by itself", columns, rows, wide=(2,))


def _asked(options: argparse.Namespace, called: Called, place: str) -> Element:
    asked = {
        "function": options.function,
        "place": place,
        "arguments": " ".join(options.args),
        "drawn": called.in_words,
        "seed": str(options.seed),
        "order": str(options.order),
        "modes": ", ".join(options.modes or ()),
        "reference": options.reference or "",
        "domain": options.domain or "",
    }
    rows = [(name, value) for name, value in asked.items() if value]
    return section(
        "What was asked", "asked", table("The check", ("what", "value"), rows, wide=(1,))
    )


class _Numbers:
    """The Jacobian by the rules and in truth, and the line of the counterexample."""

    def __init__(self, options: argparse.Namespace, called: Called, found: GradientCheck) -> None:
        self._options, self._called, self._found = options, called, found
        refuted = [leaf.path for leaf in found.leaves if leaf.verdict is Verdict.REFUTED]
        self._refuted = refuted or [leaf.path for leaf in found.leaves]

    def sections(self) -> Iterator[Element]:
        """One for the numbers, and one for the line where something is refuted."""
        numbers, error = _tried(self._jacobian)
        if numbers is None:
            yield section("Numbers", "numbers", element("p", f"There are none: {error}"))
            return
        yield section("Numbers", "numbers", *self._numbers(numbers))
        if self._found.verdict is Verdict.REFUTED:
            yield section("Along a line", "line", self._line(numbers))

    @cached_property
    def _derivatives(self) -> Derivatives:
        called, options = self._called, self._options
        reference = named("--reference", options.reference) if options.reference else None
        return Derivatives(
            called.by_places(called.function),
            called.args,
            reference and called.by_places(reference),
            checked_argnums(called.argnums(options.argnums), len(called.args)),
            options.modes or ("fwd", "rev"),
        )

    @cached_property
    def _point(self) -> Sequence[Any]:
        """Where it is refuted, if that is not the given point."""
        elsewhere = self._found._elsewhere
        return self._derivatives.primal.point if elsewhere is None else elsewhere

    def _jacobian(self) -> Jacobian:
        return self._derivatives.jacobian(self._point, self._refuted)

    def _numbers(self, found: Jacobian) -> Iterator[Content]:
        where = "at which it is wrong" if self._found._elsewhere is not None else "that was given"
        yield element(
            "p",
            f"First derivatives at the point {where}, by the rules as JAX runs them and in truth. "
            "Few right digits of a rule that passes are what rounding leaves of them.",
        )
        if found.left_out:
            yield element("p", f"Shown are {found.left_out}.")
        if found.rules:
            yield figure(lambda: digits_map(found), "digits")
        yield _values(found)

    def _line(self, found: Jacobian) -> Element:
        worst = found.worst(self._refuted)
        if worst is None:
            return element(
                "p",
                "The first derivatives that are shown are right at this point; what is wrong is "
                "what the verdict names.",
            )
        mode, r, c = worst
        row, column = found.rows[r], found.columns[c]

        def draw() -> Picture:
            return line_picture(along_line(self._derivatives, self._point, mode, row, column))

        return figure(draw, "along")


def _values(found: Jacobian) -> Element:
    rows = []
    for r, row in enumerate(found.rows):
        for c, column in enumerate(found.columns):
            sides = dict.fromkeys((_number(found.left[r, c]), _number(found.right[r, c])))
            truth = " or ".join("not known" if side == "nan" else side for side in sides)
            values = [_number(values[r, c]) for values in found.rules.values()]
            entry = f"∂{row.name}/\N{WORD JOINER}∂{column.name}"  # in one line
            rows.append((entry, *values, truth))
    columns = ("entry", *(f"by the rule, {mode}" for mode in found.rules), "in truth")
    numbers = range(1, len(columns))
    return table("Values by the rules and in truth", columns, rows, tuple(numbers))


def _number(x: float) -> str:
    """As many digits as tell two float32 apart."""
    return f"{x + 0.0:.9g}".replace("-", "−")


def _tried(make: Callable[[], Jacobian]) -> tuple[Jacobian | None, str]:
    """What it makes, or why there is nothing: kernels and callbacks have no program to read."""
    try:
        return make(), ""
    except (
        Exception,
        SystemExit,
    ) as error:  # as the user's code refuses
        return None, f"{type(error).__name__}: {error}"
