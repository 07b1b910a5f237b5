"""Every function has a stated domain, which leaves out no more than it must."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flint import arb

from jaxgrad.interpret.rules.elementwise import ELEMENTWISE
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.operations import operation
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring

DOMAINS = {name: known.domain for name, known in FUNCTIONS.items() if known.domain is not None}
TOTAL = {name for name, known in FUNCTIONS.items() if known.ball and known.domain is None}
NAMES = TOTAL | set(DOMAINS)


def test_every_primitive_is_made_of_functions_that_are_known() -> None:
    asked: set[str] = set()

    class Recording(Polynomial):
        def function(self, name: str, *xs: Any) -> Any:
            asked.add(name)
            return super().function(name, *xs)

    for name in ELEMENTWISE:
        primitive = operation(name)
        count = primitive.__code__.co_argcount - 1 or {"atan2": 2, "rem": 2}.get(name, 1)
        for size in (count, 1, 2, 3, 4):  # a lambda of *xs does not say how many
            system = Recording(Ring(32, 1000))
            try:
                primitive(system, *(system.variable(i) for i in range(size)))
            except TypeError:
                continue
    assert len(asked) > 20
    assert asked <= set(FUNCTIONS), sorted(asked - set(FUNCTIONS))


def test_a_function_that_is_not_known_becomes_no_polynomial() -> None:
    system = Polynomial(Ring(8, 100))
    with pytest.raises(NotImplementedError, match="gudermann is not known over the poly"):
        system.function("gudermann", system.variable("x"))


GRID = (-2.5, -2.0, -1.0, -0.75, 0.0, 0.5, 1.0, 2.0, 3.25)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_function_has_a_value_wherever_its_domain_says_so(name: str) -> None:
    arity = FUNCTIONS[name].arity
    points = list(itertools.product(GRID if arity < 4 else GRID[2:8:2], repeat=arity))
    inside = [p for p in points if name in TOTAL or DOMAINS[name].holds(*map(arb, p))]
    assert inside and (len(inside) == len(points)) == (name in TOTAL or name == "tan")
    for point in inside:
        assert Ball().function(name, *map(arb, point)).is_finite(), point


# At these edges a function has a value, and is left out: its derivative has none.
EDGES = {"sqrt": {(0.0,)}}


@pytest.mark.parametrize("name", sorted(set(DOMAINS) - {"pow", "zeta", "hyp1f1", "hyp2f1", "expn"}))
def test_a_domain_leaves_out_no_more_than_it_must(name: str) -> None:
    for point in itertools.product(GRID, repeat=FUNCTIONS[name].arity):
        if Ball().function(name, *map(arb, point)).is_finite() and point not in EDGES.get(
            name, set()
        ):
            allowed = name == "cosine_integral" or bool(DOMAINS[name].holds(*map(arb, point)))
            assert allowed, point


@pytest.mark.parametrize(
    ("name", "point"),
    [("asin", 2), ("acosh", 0), ("atanh", 1), ("erf_inv", 2), ("lgamma", -3), ("digamma", 0)],
)
def test_a_constant_outside_a_domain_is_no_real_number(name: str, point: int) -> None:
    system = Polynomial(Ring(8, 100))
    with pytest.raises(CannotDecide, match=rf"`{name}` at {point}"):
        system.function(name, system.constant(point))
    assert not system.ring.conditions
