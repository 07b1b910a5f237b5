"""Polynomials as text and as keys: neither is made by FLINT, whose text stays in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx
from hypothesis import given
from hypothesis import strategies as st
from jax import lax
from numbers_support import over_polynomials

from jaxgrad import Verdict, compare
from jaxgrad.numbers import ring as module
from jaxgrad.numbers.polynomial_table import PolynomialTable
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.written import written
from jaxgrad.programs.trace import trace

CONTEXT = fmpq_mpoly_ctx.get([f"g{i}" for i in range(3)], Ordering.degrevlex)
_small = st.fractions(-3, 3, max_denominator=4)
_large = st.fractions(max_denominator=10**30)
_exponents = st.tuples(*[st.integers(0, 3)] * 3)


def _polynomial(terms: dict[tuple[int, ...], Any]) -> fmpq_mpoly:
    return CONTEXT.from_dict({e: fmpq(c.numerator, c.denominator) for e, c in terms.items()})


polynomials = st.dictionaries(_exponents, _small | _large, max_size=5).map(_polynomial)


@given(polynomials)
def test_a_polynomial_is_written_as_flint_writes_it(poly: fmpq_mpoly) -> None:
    assert written(poly) == str(poly)


# Few enough that equal ones are drawn, and others of as many terms and of one degree.
_few = st.sampled_from([
    a * x + b * y
    for x, y in (CONTEXT.gens()[:2], CONTEXT.gens()[1:])
    for a in (-1, 0, 1)
    for b in (-1, 0, 1)
])  # fmt: skip


@given(st.lists(st.tuples(_few, st.integers()), max_size=8), _few)
def test_a_table_finds_what_was_put_last_of_equal_polynomials(
    entries: list[tuple[fmpq_mpoly, int]], other: fmpq_mpoly
) -> None:
    table: PolynomialTable[int] = PolynomialTable()
    texts: dict[tuple[str, str], int] = {}
    for poly, value in entries:
        table.put((poly, other), value)
        texts[str(poly), str(other)] = value
    assert len(table) == len(texts)
    for poly, _ in entries:
        assert table.get((poly + other - other, other)) == texts[str(poly), str(other)]
        assert table.get((other, poly)) == texts.get((str(other), str(poly)))


# -- no polynomial of a ring is written by FLINT ------------------------------------------------
PAIRS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "exponentials of sums": (
        lambda x: jnp.exp(x[0] + x[1] / 2 + x[2] / 3),
        lambda x: jnp.exp(x[0]) * jnp.exp(x[1] / 2) * jnp.exp(x[2] / 3),
    ),
    "a loop of tanh": (
        lambda x: lax.fori_loop(0, 4, lambda _, a: jnp.tanh(a + x[1]), x[0]),
        lambda x: lax.fori_loop(0, 4, lambda _, a: 2 * jax.nn.sigmoid(2 * a + 2 * x[1]) - 1, x[0]),
    ),
    "the largest of three": (
        lambda x: jnp.max(jnp.exp(x) * jnp.exp(x[0])),
        lambda x: jnp.max(jnp.exp(x + x[0])[::-1]),
    ),
    "a divisor that is told": (lambda x: (x[0] + x[1]) / x[2], lambda x: x[0] / x[2] + x[1] / x[2]),
    "a long divisor": (
        lambda x: 1 / jnp.sum(jnp.stack([x] * 9) ** jnp.arange(9.0)[:, None] * jnp.sin(x)),
        lambda x: 2 / (2 * jnp.sum(jnp.stack([x] * 9) ** jnp.arange(9.0)[:, None] * jnp.sin(x))),
    ),
    "roots and logarithms": (
        lambda x: jnp.log(1 + x[0] ** 2) * jnp.sqrt(x[1]) ** 2,
        lambda x: (jnp.log(2 + 2 * x[0] ** 2) - jnp.log(2.0)) * x[1],
    ),
    "a difference": (lambda x: jnp.tanh(x[0]) * x[1], lambda x: jnp.tanh(x[0]) * x[1] + x[2] / 1e3),
}  # fmt: skip


class _Unwritten:
    """Contexts whose generators have names that are no text: FLINT's text of one raises."""

    @staticmethod
    def get(names: list[str], ordering: Ordering) -> fmpq_mpoly_ctx:
        return fmpq_mpoly_ctx.get([b"\xff" + name.encode() for name in names], ordering)


@pytest.mark.parametrize("name", PAIRS)
def test_no_polynomial_is_written_by_flint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text of a polynomial is never freed, which was 130 MiB in one comparison of two loops."""
    monkeypatch.setattr(module, "fmpq_mpoly_ctx", _Unwritten)
    ring = Ring(8, 1000)
    with pytest.raises(UnicodeDecodeError):
        str(ring.generator("input", (), "x").poly)
    hand, auto = PAIRS[name]
    found = compare(hand, auto, np.array([0.5, 0.25, 0.75]))
    expected = Verdict.REFUTED if name == "a difference" else Verdict.PROVED
    assert found.verdict is expected, found
    elements = over_polynomials(trace(hand, (np.ones(3),)), Ring(64, 10_000))[0].reshape(-1)
    assert all("g" in repr(element) for element in elements)
