"""Constants are enclosed outward; a wrong digit, a wrong place or a weak tail is never PROVED."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import pytest
from flint import arb, arb_series, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.bounds import Bounds, bounds_of, bracket_of, decimal, interval_ball
from jaxgrad.evidence.cover import covers
from jaxgrad.evidence.enclose import enclose
from jaxgrad.evidence.supremum import supremum
from jaxgrad.evidence.taylor_bounds import taylor, upper_bound
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict

rationals = st.fractions(-(10**30), 10**30, max_denominator=10**30)


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def softplus(x):
    return (1 + x.exp()).log()


def normal_density(x):
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def normal_distribution(x):
    return (-x / arb(2).sqrt()).erfc() / 2


# --- outward rounding -------------------------------------------------------------------------


@settings(deadline=None)
@given(rationals, st.integers(1, 40))
def test_decimals_are_outward_and_tight(value, digits):
    lower, upper = decimal(value, digits, up=False), decimal(value, digits, up=True)
    assert Fraction(lower) <= value <= Fraction(upper)
    assert Fraction(upper) - Fraction(lower) <= abs(value) * Fraction(10) ** (1 - digits)


@settings(deadline=None)
@given(rationals, st.integers(-60, 60), st.integers(1, 40))
def test_a_ball_is_inside_its_decimals(value, exponent, digits):
    ball = arb(fmpq(value.numerator, value.denominator), arb(2) ** exponent)
    bounds = bounds_of(ball)
    lower, upper = bounds.decimals(digits)
    assert Fraction(lower) <= bounds.lower <= value <= bounds.upper <= Fraction(upper)


@settings(deadline=None)
@given(rationals, rationals)
def test_an_interval_ball_contains_its_ends(one, other):
    low, high = sorted((one, other))
    assert Bounds(low, high).within(bounds_of(interval_ball(low, high)))


@pytest.mark.parametrize(
    "value, text",
    [
        (Fraction(10**9), "1000000000"),
        (Fraction(-1, 10**20), "-1.000000000e-20"),
        (Fraction(10**20), "1.000000000e+20"),
        (Fraction(0), "0"),
    ],
)
def test_decimals_read_well(value, text):
    assert decimal(value, 10, up=True) == text


def test_precision_is_restored_even_after_an_error():
    before = flint.ctx.prec, flint.ctx.cap
    with pytest.raises(ZeroDivisionError), precision(777, 3):
        _ = 1 // 0
    assert (flint.ctx.prec, flint.ctx.cap) == before


# --- enclose ----------------------------------------------------------------------------------


def within_one(claimed=None):
    """P(|N(0, 1)| < 1)."""
    return enclose(lambda: (1 / arb(2).sqrt()).erf(), claimed=claimed, name="P")


def test_ten_digits():
    lower, upper = (Fraction(end) for end in within_one().evidence.enclosures["P"])
    assert lower < Fraction("0.682689492137086") < upper
    assert upper - lower < Fraction(1, 10**11)
    mean = enclose(lambda: (2 / arb.pi()).sqrt() / 4, claimed=("0.19947114020", "0.19947114021"))
    assert mean.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "claimed, verdict",
    [
        (("0.68268949213", "0.68268949214"), Verdict.PROVED),
        (("0.68268949214", "0.68268949215"), Verdict.REFUTED),
        (("0.68268949212", "0.68268949213"), Verdict.REFUTED),
        (("0.682689492137085897170465091264", "0.682689492137085897170465091265"), Verdict.PROVED),
        (("0.682689492137085897170465091265", "0.682689492137085897170465091266"), Verdict.REFUTED),
    ],
)
def test_a_wrong_digit_is_refuted(claimed, verdict):
    found = within_one(claimed)
    assert found.verdict is verdict
    if verdict is Verdict.REFUTED:
        exec(found.evidence.counterexample)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 300))
def test_as_many_digits_as_wanted(digits):
    found = enclose(arb.pi, digits)
    assert found.verdict is Verdict.PROVED
    assert found.bounds.upper - found.bounds.lower <= 4 * Fraction(1, 10**digits)


def test_what_no_precision_settles_is_undecided():
    assert enclose(lambda: arb(1, 0.001)).verdict is Verdict.UNDECIDED
    assert enclose(lambda: arb.pi() - arb.pi()).verdict is Verdict.UNDECIDED
    assert enclose(lambda: 1 / arb(0)).evidence.kind == "reason"
    half = enclose(lambda: arb.pi().sin() + 1, claimed=("1", "2"))
    assert half.verdict is Verdict.UNDECIDED, "an end of the bracket is the value itself"


@pytest.mark.parametrize("claimed", [(0.5, 1), ("1", "0"), "0.5", ("a", "b")])
def test_brackets_are_checked(claimed):
    with pytest.raises(ArgumentError, match="bracket"):
        bracket_of(claimed)


# --- supremum ---------------------------------------------------------------------------------


def far(bound):
    return {"|x| >= 10": lambda: bound * arb(-10).exp()}


def decimals(found, name="supremum"):
    return tuple(Fraction(end) for end in found.evidence.enclosures[name])


def distribution_gap(**options):
    """sup |Phi - sigma|: both are within e^-|x| of 0 or of 1."""
    return supremum(
        lambda x: normal_distribution(x) - sigmoid(x),
        (-10, 10),
        outside_bounds=far(1),
        absolute=True,
        **options,
    )


def test_two_symmetric_maxima_are_both_named():
    found = distribution_gap(claimed=("0.1174020636", "0.1174020637"))
    assert found.verdict is Verdict.PROVED
    left, right = found.locations
    assert (
        left.lower == pytest.approx(-float(right.upper))
        and "one or more of 2" in found.evidence.text
    )
    places = [("1.3245466161", "1.3245466162"), ("-1.3245466162", "-1.3245466161")]
    assert distribution_gap(claimed_at=places).verdict is Verdict.PROVED
    assert distribution_gap(claimed_at=[("1.3", "1.32")]).verdict is Verdict.REFUTED


def test_noise_of_variance_one():
    """softplus(x) - E max(0, x + N(0, 1)), largest at 0: log 2 - 1/sqrt(2 pi)."""
    found = supremum(
        lambda x: softplus(x) - (x * normal_distribution(x) + normal_density(x)),
        (-10, 10),
        outside_bounds=far(1),
        absolute=True,
        claimed_at=[("-0.0000000001", "0.0000000001")],
    )
    exact = enclose(lambda: arb(2).log() - 1 / (2 * arb.pi()).sqrt(), 14)
    assert found.verdict is Verdict.PROVED
    lower, upper = decimals(found)
    assert lower <= exact.bounds.lower and exact.bounds.upper <= upper


def noisy_gap(**options):
    """The same with variance sigma(x)."""

    def gap(x):
        deviation = sigmoid(x).sqrt()
        z = x / deviation
        return softplus(x) - (x * normal_distribution(z) + deviation * normal_density(z))

    return supremum(gap, (-10, 10), outside_bounds=far(2), absolute=True, **options)


def test_noise_of_variance_sigma():
    assert noisy_gap(claimed=("0.41867857163", "0.418678571631")).verdict is Verdict.PROVED
    assert noisy_gap(claimed=("0.418678571631", "0.418678571632")).verdict is Verdict.REFUTED
    assert noisy_gap(claimed_at=[("-0.20812346666", "-0.20812346665")]).verdict is Verdict.PROVED


def widest(**options):
    """2 log(w (1 + sqrt(1 - 4/w)) / 2 - 1) / w: at most log(w)/w from e on, below 0.2 near 4."""
    return supremum(
        lambda w: 2 / w * (w * (1 + (1 - 4 / w).sqrt()) / 2 - 1).log(),
        (Fraction(401, 100), 100),
        outside_bounds={
            "4 <= w <= 4.01": lambda: arb("0.2"),
            "w >= 100": lambda: 2 * arb(100).log() / 100,
        },
        **options,
    )


def test_the_widest_interval_two_ways():
    """With w = 4 cosh(u)^2 the width is u / cosh(u)^2, smooth at the end w = 4."""
    direct = widest(claimed=("0.4477432046", "0.4477432047"))
    assert direct.verdict is Verdict.PROVED
    assert widest(claimed_at=[("6.894151032", "6.894151033")]).verdict is Verdict.PROVED
    assert widest(claimed=("0.4477432047", "0.4477432048")).verdict is Verdict.REFUTED
    smooth = supremum(
        lambda u: 4 * u / (u.exp() + (-u).exp()) ** 2,
        (0, 10),
        outside_bounds={"u = 0": lambda: arb(0), "u >= 10": lambda: 40 * arb(-20).exp()},
    )
    (low, high), (other_low, other_high) = decimals(direct), decimals(smooth)
    assert max(low, other_low) <= min(high, other_high)


def stepped_gap(terms=70, step=1, **options):
    """sum over i >= 1 of sigma(x - i + 1/2), minus softplus(x).

    The Taylor coefficients of sigma at z < -1 are at most e^(z+1) / (1 - e^(z+1)) (Cauchy, radius
    1), so those of the terms left out are at most 1/(1 - 1/e) times that at i = terms + 1.
    """

    def gap(x):
        at = x.coeffs()[0] if x.coeffs() else arb(0)
        first = (at - terms + arb(1) / 2).exp().upper()
        rest = first / (1 - first) / (1 - arb(-1).exp())
        total = arb_series([arb(0, rest)] * flint.ctx.cap)
        for i in range(1, terms + 1):
            total += sigmoid(x - i * arb(step) + arb(1) / 2)
        return total - softplus(x)

    def right():
        # gap(x + 1) - gap(x) = sigma(x + 1/2) - the mean of sigma on [x, x+1], both in
        # [1 - e^-x, 1]: beyond [20, 21] the gap changes by at most e^-20 / (1 - 1/e).
        return upper_bound(gap, (20, 21), absolute=True) + arb(-20).exp() / (1 - arb(-1).exp())

    # At -20 and left of it either part is below e^(x+1).
    tails = {"x <= -20": lambda: arb(-19).exp(), "x >= 20": right}
    return supremum(gap, (-20, 20), outside_bounds=tails, absolute=True, **options)


def test_an_infinite_sum():
    found = stepped_gap(claimed=("0.010577701593", "0.010577701594"))
    assert found.verdict is Verdict.PROVED
    assert stepped_gap(claimed=("0.010577701594", "0.010577701595")).verdict is Verdict.REFUTED


def test_a_wrong_formula_is_not_proved():
    assert stepped_gap(step="1.01").verdict is Verdict.UNDECIDED


def test_a_tail_that_is_too_high_is_undecided():
    found = supremum(
        lambda x: sigmoid(x) * (1 - sigmoid(x)),
        (-2, 2),
        outside_bounds={"rest": lambda: arb("0.3")},
    )
    assert found.verdict is Verdict.UNDECIDED and "widen the interval" in found.evidence.text


def test_a_flat_function_is_undecided(monkeypatch):
    monkeypatch.setattr("jaxgrad.evidence.supremum._MOST_BOXES", 300)
    flat = supremum(lambda x: x * 0 + 1, (0, 1), outside_bounds={})
    assert flat.verdict is Verdict.UNDECIDED and "flat" in flat.evidence.text
    monotone = supremum(lambda x: x, (0, 1), outside_bounds={})
    assert monotone.verdict is Verdict.UNDECIDED and "no critical point" in monotone.evidence.text


@settings(deadline=None, max_examples=25)
@given(st.fractions(-2, 2, max_denominator=9), st.fractions(1, 3, max_denominator=9))
def test_the_maximum_of_a_shifted_hump_is_found(shift, height):
    def hump(x):
        x = x - arb(fmpq(shift.numerator, shift.denominator))
        return arb(fmpq(height.numerator, height.denominator)) / (1 + x * x)

    found = supremum(hump, (-5, 5), outside_bounds={"|x| >= 5": lambda: arb(3) / 10})
    assert found.verdict is Verdict.PROVED and len(found.locations) == 1
    assert found.value.lower <= height <= found.value.upper
    assert found.locations[0].lower <= shift <= found.locations[0].upper


def test_the_bound_of_the_derivative():
    found = supremum(lambda x: sigmoid(x) * (1 - sigmoid(x)), (-10, 10), outside_bounds=far(1))
    assert decimals(found)[0] <= Fraction(1, 4) <= decimals(found)[1]


def test_a_maximum_at_an_end_or_just_beyond_it_is_not_taken_for_one_inside():
    """x^3 - x has a local maximum at -1/sqrt(3), of 0.3849."""

    def cubic(x):
        return x * x * x - x

    for interval in ((-1, Fraction(12, 10)), (-1, Fraction(-5774, 10**4)), (-1, 2)):
        found = supremum(cubic, interval, outside_bounds={})
        assert found.verdict is Verdict.UNDECIDED, interval
    inside = supremum(cubic, (-1, Fraction(11, 10)), outside_bounds={})
    assert inside.verdict is Verdict.PROVED and len(inside.locations) == 1


def test_division_by_a_ball_with_zero_is_no_value():
    assert not taylor(lambda x: 1 / x, arb(0, 1), 2, 64)[0].is_finite()


def test_an_empty_interval_is_named():
    with pytest.raises(ArgumentError, match="exchange its ends"):
        supremum(lambda x: x, (1, 0), outside_bounds={})


# --- covers -----------------------------------------------------------------------------------


def below_a_quarter(constant="0.2500001", **options):
    return covers(
        lambda x: arb(constant) - sigmoid(x) * (1 - sigmoid(x)),
        [(-10, 10)],
        outside_margins={"|x| >= 10": lambda: arb(constant) - arb(-10).exp()},
        name="c - sigma'",
        **options,
    )


def test_a_cover_proves_and_refutes(capsys):
    proved = below_a_quarter()
    assert proved.verdict is Verdict.PROVED and proved.kind == "cover"
    refuted = below_a_quarter("0.24999")
    assert refuted.verdict is Verdict.REFUTED
    scope: dict[str, Any] = {"margin": lambda x: -x}
    exec(refuted.counterexample, scope)
    assert abs(scope["x"][0]) < 1
    (x,) = scope["x"]
    said = f"{-arb(x.numerator) / x.denominator} should be positive\n"
    assert capsys.readouterr().out == said


def test_a_cover_is_undecided_where_it_cannot_end():
    assert below_a_quarter(most_boxes=3).verdict is Verdict.UNDECIDED
    weak = covers(lambda x: 1 + x * x, [(0, 1)], outside_margins={"x > 1": lambda: arb(0)})
    assert weak.verdict is Verdict.UNDECIDED and "x > 1" in weak.text
    touching = covers(lambda x: (x - arb(1) / 3) ** 2, [(0, 1)], most_boxes=500)
    assert touching.verdict is Verdict.UNDECIDED


def test_a_cover_of_a_plane_region():
    """|w| sigma'(w a + b) < 1 for |w| <= 3.9, whatever z = w a + b is in [-8, 8]."""

    def margin(w, z):
        return 1 - w * sigmoid(z) * (1 - sigmoid(z))

    assert covers(margin, [(0, Fraction(39, 10)), (-8, 8)]).verdict is Verdict.PROVED
    assert covers(margin, [(0, Fraction(41, 10)), (-8, 8)]).verdict is Verdict.REFUTED


def test_an_empty_box_is_named():
    with pytest.raises(ArgumentError, match="empty"):
        covers(lambda x: x, [])
