"""Normal forms: parity of functions, roots of constants, cases in exponents, names of sums."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb

from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.valuation import Valuation

# name -> its parity, of functions that are not rewritten by their definitions.
PARITY = {name: f.parity for name, f in FUNCTIONS.items() if f.parity and not f.definition}
POINTS = [(0.25, -0.5, 1.5), (-0.75, 1.25, 0.5), (0.0, 2.0, -1.0)]


def _system() -> Polynomial:
    return Polynomial(Ring(64, 1000))


@pytest.mark.parametrize("name", sorted(PARITY))
@pytest.mark.parametrize("scale", [1, 3, Fraction(2, 5)])
def test_a_function_of_known_parity_has_one_generator(name: str, scale: Fraction | int) -> None:
    system = _system()
    x = system.variable("x") * system.constant(scale)
    value = system.function(name, x)
    mirrored = system.function(name, -x)
    assert mirrored.poly == (-value.poly if PARITY[name] == "odd" else value.poly)
    assert len(system.ring.generators) == 2
    if PARITY[name] == "odd":
        assert system.function(name, system.constant(0)).poly.is_zero()


@pytest.mark.parametrize("root", [0, 1, 3, Fraction(1, 2), Fraction(6, 35)])
def test_the_root_of_a_square_is_a_constant(root: Fraction | int) -> None:
    system = _system()
    found = system.sqrt(system.constant(Fraction(root) ** 2))
    assert system.exact_value(found) == root and not system.ring.generators


@pytest.mark.parametrize("number", [2, Fraction(1, 2), Fraction(4, 3), Fraction(3, 4)])
def test_the_root_of_no_square_is_one_of_its_own(number: Fraction | int) -> None:
    system = _system()
    root = system.sqrt(system.constant(number))
    assert system.exact_value(root) is None
    assert system.exact_value(root * root) == number
    with pytest.raises(CannotDecide, match="square root of a negative constant"):
        system.sqrt(system.constant(-number))


@pytest.mark.parametrize("scale", [1, 2, -3, Fraction(1, 2), Fraction(-5, 3)])
def test_an_exponential_of_an_indicator_beside_other_terms_is_taken_by_case(
    scale: Fraction | int,
) -> None:
    """e^(c[x>0] + y + z), where c is the exponent in one of the cases."""
    system = _system()
    x, y, z = (system.variable(name) for name in "xyz")
    positive = system.number(system.compare("gt", x, system.constant(0)))
    step = positive * system.constant(scale)
    together = system.exp(step + y + z)
    assert together.poly == (system.exp(step) * system.exp(y + z)).poly
    for point in POINTS:
        exponent = exact_ball(scale) * (point[0] > 0) + point[1] + point[2]
        value = Valuation(system.ring, dict(zip("xyz", point, strict=True)))(together.poly)
        assert value.overlaps(exponent.exp()), point


def test_sums_with_a_name_are_unfolded_where_a_multiple_is_hidden() -> None:
    """With the name t of 2s − 1, as tanh has it, 1 + t and 1 − t² are multiples of s."""
    system = _system()
    s, w = system.variable("s"), system.variable("w")
    one, two = system.constant(1), system.constant(2)
    t = two * s - one
    system.compact(t)
    assert len(t.poly) == 1 and t.poly.total_degree() == 1
    sums = {
        "1 + t": one + t,
        "1 − t²": one - t * t,
        "3t + 3": t + t + t + two + one,
        "1 + t³": one + t * t * t,
        "t² − 2t + 1 + w": t * t - two * t + one + w,
    }
    values = {name: Valuation(system.ring, {"s": 0.375, "w": 1.25})(x.poly)
              for name, x in sums.items()}  # fmt: skip
    for name, x in sums.items():
        system.compact(x)
        assert len(x.poly) == 1, name
        again = Valuation(system.ring, {"s": 0.375, "w": 1.25})(x.poly)
        assert again.overlaps(values[name]), name
    # t itself is no factor of what was unfolded, and s is one.
    s_index = s.poly.degrees().index(1)
    assert [x.poly.degrees()[s_index] for x in sums.values()] == [1, 1, 1, 1, 0]


def test_functions_of_known_parity_have_the_values_of_the_balls() -> None:
    system = _system()
    x = system.variable("x")
    with precision(100):
        for name in sorted(PARITY):
            value = Valuation(system.ring, {"x": 0.375})(system.function(name, -x).poly)
            assert value.overlaps(Ball().function(name, arb(-0.375))), name
