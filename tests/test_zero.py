"""Where a polynomial is 0 another is rewritten: its value at every such point stays the same."""

from __future__ import annotations

import pytest

from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.zero import _where_zero, substituted


@pytest.mark.parametrize("scale", [1, -1, 2, -3])
def test_a_variable_is_expressed_by_the_others(scale: int) -> None:
    """Where s·y = x + 1, s²y² − (x + 1)² is 0, and y − x − 1 is so for s = 1 alone."""
    ring = Ring(8, 1000)
    x, y = (ring.generator("input", (), name).poly for name in "xy")
    base = scale * y - x - 1
    assert _where_zero(ring, scale**2 * y**2 - (x + 1) ** 2, base).is_zero()
    assert _where_zero(ring, scale * x * y - x**2 - x, base).is_zero()
    assert _where_zero(ring, y - x - 1, base).is_zero() == (scale == 1)


def test_what_no_variable_is_expressed_by_is_divided_by() -> None:
    ring = Ring(8, 1000)
    x, y = (ring.generator("input", (), name).poly for name in "xy")
    for base in (x**2 * y**2 - 2, x * y - 2):
        assert _where_zero(ring, base * (x + y) + x, base) == x


def test_a_substitution_is_a_value_at_a_polynomial() -> None:
    ring = Ring(8, 1000)
    x, y = (ring.generator("input", (), name) for name in "xy")
    p, value = 3 * y.poly**2 - x.poly * y.poly + 5, x.poly - 7
    expected = 3 * value * value - x.poly * value + 5
    assert substituted(ring, p, y, value) in (expected, -expected)
