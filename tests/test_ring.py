"""The ring of polynomials: what rewriting may take, signs, and what reading costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flint import arb, fmpq_mpoly

from jaxgrad.numbers import ring as module
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.canonical import Canonical
from jaxgrad.numbers.canonical_signs import signs
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.valuation import Valuation


@pytest.mark.parametrize("terms", [1, 2])
def test_rewriting_takes_as_many_steps_as_a_relation_applies(
    terms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of r² = u it is half the degree of r, and of r·s = u the smaller of both degrees."""
    monkeypatch.setattr(module, "MOST_STEPS", 12)
    ring = Ring(8, 1000)
    x, y = (ring.generator("input", (), name).poly for name in "xy")
    r, s = ring.generator("root", (x,)), ring.generator("root", (y,))
    ring.relate(r, r, x)
    ring.relate(r, s, y)
    other = ring.sum([y**k for k in range(terms)])
    most = 12 // terms
    assert ring.reduce(r.poly ** (2 * most + 1) * other) == x**most * r.poly * other
    with pytest.raises(CannotDecide, match="rewriting past the budget of 12 steps"):
        ring.reduce(r.poly ** (2 * most + 2) * other)
    assert ring.reduce(r.poly * s.poly**40 * other) == y * s.poly**39 * other


@pytest.mark.parametrize("scale", [1, -1, 3, -3])
def test_one_sign_is_there_at_every_number(scale: int) -> None:
    """[u>0] + [−u>0] + [u=0] = 1, whichever of them has a generator of its own."""
    ring = Ring(8, 1000)
    u = ring.generator("input", (), "u").poly
    (positive, zero), (negative, same) = signs(ring, u * scale), signs(ring, u * -scale)
    assert positive + negative + zero == 1 and zero == same
    for value in (-2, 0, 2):
        at = Valuation(ring, {"u": arb(value)})
        assert at(positive) == (value * scale > 0) and at(zero) == (value == 0)
        assert at(negative) == (value * scale < 0)


class _Reads(Ring):
    """A ring that notes how many terms of polynomials were read."""

    def __init__(self) -> None:
        super().__init__(32, 1000)
        self.read: list[int] = []

    def spend(self, poly: fmpq_mpoly, reading: bool = False) -> None:
        super().spend(poly, reading)
        if reading:
            self.read.append(len(poly))


def _quotient(system: Polynomial, x: Any) -> Any:
    return Canonical(system.ring, 1000, 100_000).quotient(x.poly)


READING: dict[str, tuple[Callable[[Polynomial, Any, Any], Any], Callable[..., Any], list[int]]] = {
    "divisor with an exponential": (
        lambda s, x, y: s.exp(x) * y + s.exp(x), lambda s, u: s._unit_content(u.poly), [2]),
    "divisor without": (lambda s, x, y: x * y + x, lambda s, u: s._unit_content(u.poly), []),
    "exponent": (lambda s, x, y: x * y + x + y, lambda s, u: s.exp(u), [3]),
    "translation": (lambda s, x, y: x + y + x * y, _quotient, [3]),
    "translation of a function": (lambda s, x, y: s.function("sin", x), _quotient, [1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", READING)
def test_python_pays_for_the_terms_that_it_reads(name: str) -> None:
    make, read, expected = READING[name]
    ring = _Reads()
    system = Polynomial(ring)
    made = make(system, system.variable("x"), system.variable("y"))
    ring.read.clear()
    read(system, made)
    assert ring.read == expected
