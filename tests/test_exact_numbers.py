"""Numbers that know when they are exactly 0, and what check_grads() decides by them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from benchmarks.cases import with_rule
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.numbers.exact import Exact, ExactBall
from jaxgrad.numbers.exact_germ import ExactGerm
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict


def _unit(system: ExactBall, numbers: list[float]) -> list[arb]:
    found = [system.constant(x) for x in numbers]
    length = system.sqrt(system.total([x * x for x in found]))
    return [x / length for x in found]


@pytest.mark.parametrize("numbers", [[3.0, 7.0], [0.1, 0.7], [0.1 * k + 0.037 for k in range(30)]])
def test_a_unit_vector_has_length_one(numbers: list[float]) -> None:
    system = ExactBall()
    square = system.total([x * x for x in _unit(system, numbers)])
    assert (square - arb(1)).is_zero()
    assert system.function("acos", square).is_zero()
    assert system.compare("ge", square, arb(1)) is True
    assert system.compare("gt", square, arb(1)) is False
    # Not so after a change that no ball of 53 bits tells.
    beside = square + system.constant(2.0**-60)
    assert not (beside - arb(1)).is_zero()
    assert system.compare("eq", beside, arb(1)) is None


def test_roots_that_depend_on_one_another_cancel() -> None:
    system = ExactBall()
    one, two, three, six, eight = (system.constant(k) for k in (1, 2, 3, 6, 8))
    root = system.sqrt(two)
    assert (system.sqrt(eight) - two * root).is_zero()
    assert (system.sqrt(three) * root - system.sqrt(six)).is_zero()
    assert (system.sqrt(three + two * root) - one - root).is_zero()
    assert (one / (root - one) - root - one).is_zero()
    assert not (system.sqrt(eight) + two * root).is_zero()
    assert not (system.sqrt(system.constant(8.0000001)) - two * root).is_zero()


def test_exponentials_logarithms_and_quotients_cancel() -> None:
    system = ExactBall()
    numbers = [system.constant(x) for x in (0.1, 0.2, 0.3)]
    powers = [system.exp(x) for x in numbers]
    total = system.total(powers)
    shares = [x / total for x in powers]
    assert (system.total(shares) - arb(1)).is_zero()
    assert (system.log(powers[0]) - numbers[0]).is_zero()
    assert (1 / total - arb(1) / total).is_zero()
    assert (arb(3) - total - (3 - total)).is_zero()
    assert not (powers[0] * powers[1] - powers[2] * system.constant(1 + 2**-50)).is_zero()


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
def test_the_balls_are_those_of_plain_numbers(operation: str) -> None:
    system = ExactBall()
    x, y = system.sqrt(system.constant(5)), system.constant(Fraction(1, 3))
    assert isinstance(x, Exact)
    assert isinstance(y, Exact)
    a, b = arb(5).sqrt(), arb(1) / 3
    for left, right, other, another in (
        (x, y, a, b),
        (a, y, a, b),
        (x, b, a, b),
        (3, x, arb(3), a),
    ):
        found = eval(f"left {operation} right", {"left": left, "right": right})
        assert found.overlaps(eval(f"left {operation} right", {"left": other, "right": another}))
    assert (-x).overlaps(-a)
    assert (x - x).is_zero()


def test_a_root_of_a_quotient_has_the_sign_of_its_divisor() -> None:
    with precision(64):
        system = ExactBall()
        near = system.sqrt(system.constant(2)) - system.constant(2**0.5)  # −10⁻¹⁶
        divisor = near
        for _ in range(5):
            divisor = divisor * near
        quotient = system.divide(system.constant(1), divisor * divisor)
        root = system.sqrt(quotient)
        assert isinstance(root, Exact) and (root * root - quotient).is_zero()
        assert (root * abs(divisor)).overlaps(arb(1))


def test_what_is_divided_by_zero_is_noted() -> None:
    system = ExactBall()
    square = system.total([x * x for x in _unit(system, [1.0, 2.0])])
    assert system.function("rsqrt", arb(1) - square).is_nan()
    assert (system.undefined, system.unsure) == (True, False)
    system.sqrt(system.constant(-2))
    assert system.unsure
    other = ExactBall()
    other.log(arb(0))
    other.select(None, arb(0), arb(1))
    assert (other.undefined, other.unsure) == (True, True)


@pytest.mark.parametrize(
    "function",
    [
        lambda g, x: g.sqrt(x),
        lambda g, x: g.exp(x),
        lambda g, x: g.log(x),
        lambda g, x: g.tanh(x),
        lambda g, x: g.logistic(x),
        lambda g, x: g.function("cbrt", x),
        lambda g, x: g.function("acos", g.divide(x, g.constant(8))),
        lambda g, x: g.divide(g.sqrt(x), g.exp(x) + x),
        lambda g, x: g.sqrt(g.log(x * x - g.constant(24))),  # of an infinitesimal
    ],
)
def test_germs_are_the_same_series(function: Callable[..., Any]) -> None:
    exact, plain = ExactGerm(5), Germ(5)
    found, other = (function(g, g.line(5, 2)) for g in (exact, plain))
    assert found.monomials == other.monomials
    assert found.coefficients
    for x, y in zip(found.coefficients, other.coefficients, strict=True):
        assert x.overlaps(y)


def test_germs_decide_what_cancels() -> None:
    germ = ExactGerm(5)
    x = germ.line(5, 2)
    root = germ.sqrt(x)
    assert (germ.constant(1) - germ.divide(x, root * root)).coefficients == ()
    assert (germ.log(germ.exp(x)) - x).coefficients == ()
    assert (germ.sqrt(x * x) - x).coefficients == ()


def _angle(a: Any, b: Any) -> Any:
    return jnp.arccos(a @ b / (jnp.linalg.norm(a) * jnp.linalg.norm(b)))


@pytest.mark.parametrize("a", [[1.0, 2.0], [0.1, 0.7], [0.3, 0.2, 0.9]])
def test_the_angle_of_a_vector_with_itself_has_a_kink(a: list[float]) -> None:
    x = np.array(a, np.float32)
    length = float(np.linalg.norm(x.astype(float)))
    line = np.eye(len(a))[0]
    found = one_sided_derivatives(_angle, (x, x), (line, 0 * line))
    steep = np.sqrt(1 - (float(x[0]) / length) ** 2) / length
    assert abs(float(found.right[0][1]) - steep) < 1e-6
    assert abs(float(found.left[0][1]) + steep) < 1e-6
    asked: Any = {"modes": "fwd", "special_points": False}
    refuted = check(_angle, (x, x), **asked)
    assert refuted.verdict is Verdict.REFUTED
    assert "from the left and" in refuted.leaves[0].text
    # Any number between the sides is right, another is not.
    for slope, verdict in ((0.0, Verdict.AGREES), (3.0, Verdict.REFUTED)):
        ruled = with_rule(_angle, lambda xs, ts, c=slope: c * (jnp.sum(ts[0]) + jnp.sum(ts[1])))
        assert check(ruled, (x, x), **asked).verdict is verdict


def test_a_rule_that_asks_for_the_end_is_read_exactly() -> None:
    def angle(a: Any, b: Any) -> Any:
        c = a @ b / (jnp.linalg.norm(a) * jnp.linalg.norm(b))
        return jnp.where(c >= 1, 0.0, jnp.arccos(jnp.where(c >= 1, 0.0, c)))

    x = np.array([1.0, 2.0], np.float32)
    found = check(angle, (x, x), special_points=False)
    assert found.verdict is Verdict.AGREES
    assert found.kinks == ("a", "b")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("slope", "verdict"), [(3, Verdict.AGREES), (1, Verdict.REFUTED)])
def test_what_the_square_of_the_least_float_decides_takes_all_bits(
    slope: float, verdict: Verdict
) -> None:
    """1 + x² > 1 at x = 2^-1022, which 2044 bits tell."""
    function = with_rule(lambda x: jnp.where(1 + x * x > 1, 3 * x, x), lambda xs, ts: slope * ts[0])
    x = np.float64(2.0**-1022)
    found = check(function, (x,), modes="fwd", special_points=False)
    assert found.verdict is verdict, found


def test_what_floats_reach_through_an_infinity_is_no_matter_of_rounding() -> None:
    """exp(−∞) is 0 in floats, as is the derivative of another entry; in balls it is no number."""
    x = np.float32([0.3238, 1.0640])
    found = check(lambda x: jax.scipy.stats.beta.sf(x, 2.0, 3.0), (x,), special_points=False)
    assert found.verdict is not Verdict.REFUTED, str(found)
