"""Golden cases of statements that are no gradient: decided, covered, enclosed, swept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb

from jaxgrad.evidence.combine import conjunction, induction
from jaxgrad.evidence.cover import covers
from jaxgrad.evidence.decide import decide
from jaxgrad.evidence.enclose import enclose
from jaxgrad.evidence.supremum import supremum
from jaxgrad.evidence.sweep import sweep
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["cases"]

QUARTER = Fraction(1, 4)


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every case under its name."""
    yield from (DECIDED | ENCLOSED | COVERED | SWEPT | REFUSED).items()
    for first in Verdict:
        for second in Verdict:
            yield f"{first} and {second}", functools.partial(_together, first, second)
            yield f"{first}, then {second}", functools.partial(_by_induction, first, second)


def _part(verdict: Verdict) -> Evidence:
    return Evidence(verdict, "decision", f"it is {verdict}", {"c": ("1", "2")}, "print(1)", ("T",))


def _together(first: Verdict, second: Verdict) -> Evidence:
    return conjunction({"a": _part(first), "b": _part(second)}, "both", "decision")


def _by_induction(base: Verdict, step: Verdict) -> Evidence:
    return induction(_part(base), _part(step), "for every depth")


# -- polynomial statements -------------------------------------------------------------------------
def _unit(s: Any) -> Any:
    return [s > 0, s < 1]


DECIDED: dict[str, Callable[[], Any]] = {
    "σ′ ≤ ¼": lambda: decide(
        lambda s: s * (1 - s) <= QUARTER, _unit, equality=lambda s: s == Fraction(1, 2)),
    "σ′ ≤ ¼, another place": lambda: decide(
        lambda s: s * (1 - s) <= QUARTER, _unit, equality=lambda s: s == Fraction(1, 3)),
    "σ′ < ¼": lambda: decide(lambda s: s * (1 - s) < QUARTER, _unit),
    "a large weight": lambda: decide(
        lambda w, s: abs(w) >= 4, lambda w, s: [abs(w * s * (1 - s)) >= 1, s > 0, s < 1]),
    "an empty domain": lambda: decide(lambda x: x > 5, lambda x: [x > 1, x < 0]),
    "an irrational counterexample": lambda: decide(lambda x: (x * x - 2) ** 2 > 0),
    "an irrational one of two": lambda: decide(lambda x, y: (x * x - 2) ** 2 + y * y > 0),
}  # fmt: skip


# -- balls -----------------------------------------------------------------------------------------
def _sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def _slope(x: Any) -> Any:
    return _sigmoid(x) * (1 - _sigmoid(x))


def _within_one() -> arb:
    return (1 / arb(2).sqrt()).erf()


ENCLOSED: dict[str, Callable[[], Any]] = {
    "P(|N| < 1)": lambda: enclose(_within_one, name="P"),
    "P(|N| < 1), a bracket": lambda: enclose(
        _within_one, claimed=("0.68268949213", "0.68268949214"), name="P"),
    "P(|N| < 1), a wrong digit": lambda: enclose(
        _within_one, claimed=("0.68268949214", "0.68268949215"), name="P"),
    "a constant no precision settles": lambda: enclose(lambda: arb.pi() - arb.pi()),
    "an end of the bracket is the value": lambda: enclose(
        lambda: arb.pi().sin() + 1, claimed=("1", "2")),
    "a division by zero": lambda: enclose(lambda: 1 / arb(0)),
    "the largest slope": lambda: supremum(
        _slope, (-4, 4), outside_bounds={"|x| >= 4": lambda: arb(-4).exp()}),
    "the largest slope, a wrong bracket": lambda: supremum(
        _slope, (-4, 4), outside_bounds={"|x| >= 4": lambda: arb(-4).exp()},
        claimed=("0.2500001", "0.2500002")),
    "a tail that is too high": lambda: supremum(
        _slope, (-2, 2), outside_bounds={"rest": lambda: arb("0.3")}),
    "no critical point": lambda: supremum(lambda x: x, (0, 1), outside_bounds={}),
}  # fmt: skip


def _below(constant: str, **options: Any) -> Any:
    return covers(
        lambda x: arb(constant) - _slope(x), [(-4, 4)],
        outside_margins={"|x| >= 4": lambda: arb(constant) - arb(-4).exp()}, name="c - σ'",
        **options,
    )  # fmt: skip


COVERED: dict[str, Callable[[], Any]] = {
    "a cover": lambda: _below("0.26"),
    "a cover that fails": lambda: _below("0.24"),
    "a cover that cannot end": lambda: _below("0.2500001", most_boxes=3),
    "a cover with a weak margin": lambda: covers(
        lambda x: 1 + x * x, [(0, 1)], outside_margins={"x > 1": lambda: arb(0)}),
    "a cover that touches zero": lambda: covers(
        lambda x: (x - arb(1) / 3) ** 2, [(0, 1)], most_boxes=100),
}  # fmt: skip

SWEPT: dict[str, Callable[[], Any]] = {
    "every float8": lambda: sweep(
        jax.grad(jax.nn.sigmoid), jnp.float8_e5m2, lambda x, y: y <= 0.25,
        count={"quarter": lambda x, y: y == 0.25}),
    "every float8, strictly": lambda: sweep(
        jax.grad(jax.nn.sigmoid), jnp.float8_e5m2, lambda x, y: y < 0.25),
    "every bfloat16 of relu": lambda: sweep(
        jax.grad(jax.nn.relu), jnp.bfloat16, lambda x, y: (y == 0) | (y == 1)),
    "a float with no logarithm": lambda: sweep(jnp.log, jnp.float8_e5m2, lambda x, y: y < 100),
}  # fmt: skip

REFUSED: dict[str, Callable[[], Any]] = {
    "a float in a statement": lambda: decide(lambda x: x > 0.5),
    "a chain of comparisons": lambda: decide(lambda x: 0 < x < 1),
    "comparisons joined by &": lambda: decide(lambda x: x < 2, lambda x: (x > 0) & (x < 1)),
    "a polynomial alone": lambda: decide(lambda x: 1 - x * x),
    "a quotient": lambda: decide(lambda x: 1 / x > 0),
    "no variables": lambda: decide(lambda: True),
    "another domain": lambda: decide(lambda x: x > 0, lambda y: y > 0),
    "a bracket of floats": lambda: enclose(arb.pi, claimed=(3.1, 3.2)),
    "an interval turned around": lambda: supremum(lambda x: x, (1, 0), outside_bounds={}),
    "no boxes": lambda: covers(lambda x: x, []),
    "a sweep of doubles": lambda: sweep(_slope, jnp.float64, lambda x, y: y < 1),
    "a tile that is no power": lambda: sweep(
        lambda x: x, jnp.float16, lambda x, y: x == y, tile=100),
    "no parts": lambda: conjunction({}, "nothing", "decision"),
}  # fmt: skip
