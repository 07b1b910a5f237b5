"""Special functions: their values satisfy their identities, and their expansions add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked

from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.numbers import special_functions
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.special_functions import padded

# Functions that are no more than one of Arb's.
OF_ARB = {"cosine_integral", "erfi", "expi", "sine_integral"}
SPECIAL = OF_ARB | {
    name for name, known in FUNCTIONS.items()
    if getattr(known.ball, "__module__", "").endswith("special_functions")
}  # fmt: skip
EXPANSIONS = {
    (name, place): expansion
    for name, known in FUNCTIONS.items() for place, expansion in known.taylor.items()
    if name in SPECIAL - OF_ARB or name == "digamma"
} | {(f"bessel_i{n}e", 0): special_functions.bessel_branch(n) for n in (0, 1)}  # fmt: skip
BITS = 200
FEW = settings(max_examples=5, deadline=None)
# Dyadic numbers that are no multiples of 1/2, so that no function has a pole there.
eighths = st.integers(0, 20).map(lambda n: (2 * n + 1) / 8)
either_sign = st.tuples(st.sampled_from([-1, 1]), eighths).map(lambda pair: pair[0] * pair[1])


def _f(name: str, *xs: Any) -> arb:
    return Ball().function(name, *(x if isinstance(x, arb) else arb(x) for x in xs))


def _identities(x: arb, y: arb) -> dict[str, tuple[arb, arb]]:
    """name -> (the function, another formula for it), at real x and positive y."""
    decay, size = (-abs(x)).exp(), abs(x)
    unit = y / 6
    # xᵃ e^(−x)/Γ(a + 1) at a = y, x = 2y
    power = (y * (2 * y).log() - 2 * y).exp() / (y + 1).gamma()
    return {
        "bessel_i0e": (_f("bessel_i0e", x), decay * (x * x / 4).hypgeom_0f1(arb(1))),
        "bessel_i1e": (_f("bessel_i1e", x), decay * x / 2 * (x * x / 4).hypgeom_0f1(arb(2))),
        "cosine_integral": (_f("cosine_integral", y), arb(y).ci()),
        "erfi": (_f("erfi", x), -_f("erfi", -x)),
        "expi": (_f("expi", -y), -_f("expn", 1, y)),
        "expn": (2 * _f("expn", 3, y), (-y).exp() - y * _f("expn", 2, y)),
        "hyp1f1": (_f("hyp1f1", y, y, x), x.exp()),
        "hyp2f1": (_f("hyp2f1", 1, 1, 2, -size), (1 + size).log() / size),
        "igamma": (_f("igamma", y + 1, 2 * y), _f("igamma", y, 2 * y) - power),
        "igammac": (_f("igammac", y, 2 * y), 1 - _f("igamma", y, 2 * y)),
        "igamma_grad_a": (
            _f("igamma_grad_a", y + 1, 2 * y),
            _f("igamma_grad_a", y, 2 * y) - power * ((2 * y).log() - (y + 1).digamma()),
        ),
        "lgamma": (_f("lgamma", x + 1), _f("lgamma", x) + size.log()),
        "polygamma": (_f("polygamma", 3, x + 1), _f("polygamma", 3, x) - 6 / x**4),
        "regularized_incomplete_beta": (
            _f("regularized_incomplete_beta", y, 2 * y, unit),
            1 - _f("regularized_incomplete_beta", 2 * y, y, 1 - unit),
        ),
        "sine_integral": (_f("sine_integral", x), -_f("sine_integral", -x)),
        "zeta": (_f("zeta", 3, x), 1 / x**3 + _f("zeta", 3, x + 1)),
    }


def test_every_special_function_has_an_identity() -> None:
    assert set(_identities(arb(0.375), arb(0.625))) == SPECIAL


@pytest.mark.parametrize("name", sorted(SPECIAL))
@FEW
@given(x=either_sign, y=eighths)
def test_values_satisfy_their_identities(name: str, x: float, y: float) -> None:
    with precision(BITS):
        left, right = _identities(arb(x), arb(y))[name]
        assert left.is_finite() and right.is_finite() and left.overlaps(right)
        assert left.rel_accuracy_bits() > BITS / 2


def _arguments(name: str, x: float, y: float) -> tuple[float, ...]:
    return {
        "bessel_i0e": (y,),
        "bessel_i1e": (y,),
        "digamma": (x,),
        "expn": (2.0, y),
        "hyp1f1": (1.5, 2.25, x),
        "hyp2f1": (1.5, 2.0, 3.25, y / 8),
        "igamma": (y, 2 * y),
        "igamma_grad_a": (y, 2 * y),
        "lgamma": (x,),
        "polygamma": (3.0, x),
        "regularized_incomplete_beta": (1.5, 2.5, y / 6),
        "zeta": (3.0, y),
    }[name]


@pytest.mark.parametrize(("name", "place"), EXPANSIONS)
@FEW
@given(x=either_sign, y=eighths)
def test_expansions_are_the_function_nearby(name: str, place: int, x: float, y: float) -> None:
    count, step = 8, arb(2) ** -50
    with precision(2 * BITS):
        point = [arb(value) for value in _arguments(name, x, y)]
        coefficients = EXPANSIONS[name, place](*point, count)
        assert len(coefficients) == count and all(c.is_finite() for c in coefficients)
        nearby = [value + step if k == place else value for k, value in enumerate(point)]
        # What the expansion leaves out is about step^8 times the next coefficient, some 2^-350.
        total = sum((c * step**k for k, c in enumerate(coefficients)), arb(0, arb(2) ** -330))
        assert total.overlaps(_f(name, *nearby))


def _differentiable() -> dict[str, tuple[Callable[..., Any], int, str]]:
    """name -> a function of so many vectors, and where they lie."""
    return {
        "bessel_i0e": (lax.bessel_i0e, 1, "real"),
        "bessel_i1e": (lax.bessel_i1e, 1, "real"),
        "digamma": (lax.digamma, 1, "real"),
        "igamma": (lax.igamma, 2, "positive"),
        "igammac": (lax.igammac, 2, "positive"),
        "lgamma": (lax.lgamma, 1, "real"),
        "polygamma": (lambda x: lax.polygamma(jnp.full(2, 2.0), x), 1, "real"),
        "regularized_incomplete_beta": (
            lambda x: lax.betainc(jnp.full(2, 1.5), jnp.full(2, 2.5), x / 6), 1, "positive"
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", _differentiable())
@FEW
@given(data=st.data())
def test_germs_have_the_derivatives_of_jaxs_rules(name: str, data: st.DataObject) -> None:
    function, count, domain = _differentiable()[name]
    numbers = eighths if domain == "positive" else either_sign
    pairs = st.lists(numbers, min_size=2, max_size=2).map(np.array)
    point, direction = (tuple(data.draw(pairs) for _ in range(count)) for _ in range(2))
    with jax.enable_x64(True):
        found = one_sided_derivatives(function, point, direction)
        rule = Checked(lambda *xs: jax.jvp(function, xs, direction)[1], *point)
        (value,) = rule.balls(*point)
    for side in (found.right, found.left):
        for germ, ball in zip(side[0][1], value, strict=True):
            assert germ.is_finite() and germ.overlaps(ball)


@pytest.mark.parametrize("sign", [1, -1])
@given(a=st.integers(1, 12).map(lambda n: n / 4), x=st.integers(1, 12).map(lambda n: n / 4))
def test_higher_derivatives_of_the_incomplete_gamma_function(sign: int, a: float, x: float) -> None:
    """P′ = g = x^(a−1) e^(−x)/Γ(a), and g′/g = (a − 1)/x − 1."""
    function = lax.igamma if sign == 1 else lax.igammac
    with precision(100), jax.enable_x64(True):
        found = one_sided_derivatives(lambda x: function(a, x), (x,), (1.0,), order=3)
        slope = sign * arb(x) ** (arb(a) - 1) * (-arb(x)).exp() / arb(a).gamma()
        growth = (arb(a) - 1) / x - 1
        third = growth**2 - (arb(a) - 1) / arb(x) ** 2
        for side in (found.right[0], found.left[0]):
            for value, expected in zip(
                side[1:], (slope, slope * growth, slope * third), strict=True
            ):
                assert value.overlaps(expected) and value.rad() < 1e-20


def test_the_scaled_bessel_function_has_a_kink() -> None:
    with jax.enable_x64(True):
        found = one_sided_derivatives(lax.bessel_i0e, (0.0,), (1.0,), order=2)
        odd = one_sided_derivatives(lax.bessel_i1e, (0.0,), (1.0,), order=2)
    assert (found.right[0][1], found.left[0][1]) == (-1, 1)
    assert (odd.right[0][1], odd.left[0][1]) == (0.5, 0.5)
    assert (odd.right[0][2], odd.left[0][2]) == (-1, 1)


def test_at_the_end_of_a_domain_one_side_is_known() -> None:
    with jax.enable_x64(True):
        gamma = one_sided_derivatives(lambda x: lax.igamma(2.0, x), (0.0,), (1.0,), order=2)
        beta = one_sided_derivatives(lambda x: lax.betainc(2.0, 3.0, x), (1.0,), (1.0,))
    assert gamma.right[0][2] == 1 and gamma.left[0][2].is_nan()
    assert beta.left[0][1] == 0 and beta.right[0][1].is_nan()


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("igamma", (-1, 2)),
        ("igammac", (1, -2)),
        ("lgamma", (-2,)),
        ("polygamma", (1, -3)),
        ("polygamma", (1.5, 2)),
        ("polygamma", (special_functions.LARGEST_ORDER + 1, 2)),
        ("regularized_incomplete_beta", (1, 2, 1.5)),
        ("zeta", (0.5, 2)),
        ("zeta", (2.5, -0.5)),
    ],
)
def test_outside_of_a_domain_nothing_is_known(name: str, point: tuple[float, ...]) -> None:
    assert not _f(name, *point).is_finite()


@given(x=st.floats(-5, 5), radius=st.floats(0, 2), place=st.floats(-1, 1))
def test_wide_balls_enclose_every_value(x: float, radius: float, place: float) -> None:
    inside, ball = arb(x + radius * place), arb(x, radius)
    if ball.contains(inside):
        for name in ("bessel_i0e", "bessel_i1e"):
            assert _f(name, ball).overlaps(_f(name, inside))


@pytest.mark.parametrize(("order", "at", "expected"), [
    (1e4, 10001.0, "0.50531893196221857"), (1e6, 1000001.0, "0.50053192274206756"),
])  # fmt: skip
def test_incomplete_gamma_functions_of_a_large_order(
    order: float, at: float, expected: str
) -> None:
    """Near x = a one of the two takes minutes; the value is mpmath's."""
    with precision(3392):
        lower = special_functions.igamma(arb(order), arb(at))
        series = special_functions.igamma_coefficients(arb(order), arb(at), 2)
        assert lower.rel_accuracy_bits() > 3000
        assert abs(lower - arb(expected)) < arb("1e-10")
        assert series[0].overlaps(lower)
        density = ((order - 1) * arb(at).log() - at - arb(order).lgamma()).exp()
        assert series[1].overlaps(density)


@pytest.mark.parametrize("count", range(5))
@pytest.mark.parametrize("known", range(5))
def test_series_without_trailing_zeros_get_them_back(known: int, count: int) -> None:
    coefficients = [arb(k + 1) for k in range(known)]
    expected = [k + 1 if k < known else 0 for k in range(count)]
    assert [float(x) for x in padded(coefficients, count)] == expected


OF_ONE = [name for name, known in FUNCTIONS.items() if known.taylor and known.arity == 1]


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("name", OF_ONE)
def test_as_many_coefficients_as_are_asked_for_are_those_of_a_longer_expansion(
    name: str, count: int
) -> None:
    c = arb(1.75 if name == "acosh" else 0.375)
    expansion = FUNCTIONS[name].taylor[0]
    found, longer = expansion(c, count), expansion(c, 9)
    assert len(found) == count and len(longer) == 9
    for k, (x, y) in enumerate(zip(found, longer[:count], strict=True)):
        assert x.overlaps(y) and x.rad() < 1e-9, k


@pytest.mark.parametrize("x", [-0.875, 0.0, 0.375])
def test_the_inverse_of_erf_is_that_in_every_coefficient(x: float) -> None:
    """erf(erf⁻¹(x + ε)) = x + ε."""
    for terms in range(1, 8):
        germ = Germ(terms)
        found = germ.function("erf", germ.function("erf_inv", germ.line(x, 1)))
        assert found.knows((terms - 1, 0))
        for k in range(terms):
            expected = x if k == 0 else float(k == 1)
            assert abs(found.at(k) - expected) < 1e-9, k
