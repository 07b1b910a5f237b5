"""Section A, one neuron per layer: in every claim a planted error turns the verdict around."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from proofs_support import load, run

from jaxgrad.networks.activations import Activation
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict

PROVED, REFUTED, UNDECIDED = Verdict.PROVED, Verdict.REFUTED, Verdict.UNDECIDED
LAST_DIGIT = Fraction(1, 10**11)
FLOAT32_STEP = 2.0**-23  # the smallest error that a float32 constant 1 can have


network = load("one_neuron_per_layer")
changes = load("small_changes")
sigmoid = load("sigmoid_bound")


def verdicts(claim, **wrong):
    return {name: evidence.verdict for name, evidence in run(claim, **wrong).items()}


def name_of(claim):
    return claim.__name__


def steeper(factor):
    """The sigmoid with a derivative that is wrong by a factor."""

    def derivative(z):
        s = jax.nn.sigmoid(z)
        return factor * s * (1 - s)

    return Activation("steeper", jax.nn.sigmoid, derivative)


def executed(code) -> dict[str, Any]:
    scope: dict[str, Any] = dict.fromkeys(("conclusion", "equality"), lambda *_: False)
    exec(code, scope)
    return scope


# --- A1 -----------------------------------------------------------------------------------------


def test_a1_holds():
    assert set(verdicts(network.recurrence).values()) == {PROVED}
    assert set(verdicts(network.compiled, depths=[3]).values()) == {Verdict.AGREES}


def test_a1_with_a_wrong_sigmoid():
    found = run(network.recurrence, one=1 + FLOAT32_STEP, depths=[2])
    assert found["L=2"].verdict is REFUTED and "args" in found["L=2"].counterexample
    assert found["every L"].verdict is REFUTED
    assert verdicts(network.compiled, one=1.5, depths=[2]) == {"L=2": UNDECIDED}


# --- A5 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", [network.first_bias, network.every_parameter], ids=name_of)
def test_a5_holds_for_twelve_depths(claim):
    found = verdicts(claim)
    assert len(found) == 12 and set(found.values()) == {PROVED}


def test_a5_holds_for_every_depth():
    found = run(network.every_depth)
    assert len(found) == 8
    assert {(each.verdict, each.kind) for each in found.values()} == {(PROVED, "induction")}
    assert all("chain rule" in each.trusts[-1] for each in found.values())


@pytest.mark.parametrize("wrong", [{"one": 1 + FLOAT32_STEP}, {"dropped": 2}, {"dropped": 3}])
def test_a5_with_a_wrong_product(wrong):
    assert verdicts(network.first_bias, depths=[3], **wrong) == {"dC/db_1, L=3": REFUTED}


def test_a5_with_a_wrong_derivative_is_wrong_in_every_leaf():
    ((_, found),) = network.every_parameter(sigma=steeper(1 + FLOAT32_STEP), depths=[4])
    assert found.verdict is REFUTED and "args" in found.counterexample
    assert [leaf.verdict for leaf in found.leaves] == [REFUTED] * 8


def test_a5_with_a_wrong_step():
    found = verdicts(network.every_depth, sigma=steeper(1 + FLOAT32_STEP))
    assert found["every L, steeper, quadratic"] is REFUTED  # the base case fails already
    # The cross-entropy has no σ' in its base: the step fails, which refutes the argument only.
    assert found["every L, steeper, cross-entropy"] is UNDECIDED
    assert found["every L, tanh, quadratic"] is PROVED


# --- A9 -----------------------------------------------------------------------------------------


def test_a9_holds_from_two_layers_on():
    assert set(verdicts(network.shrinking).values()) == {PROVED}


@pytest.mark.parametrize(
    "wrong",
    [
        {"quarter": Fraction(1, 4) - LAST_DIGIT},
        {"quarter": Fraction(1, 16)},  # 4^(−2L): a wrong exponent
        {"weight": 1 + LAST_DIGIT},
    ],
    ids=str,
)
def test_a9_with_a_wrong_bound(wrong):
    found = verdicts(network.shrinking, **wrong)
    assert found["the product"] is PROVED
    assert found["|dC/db_l| < 1/4 of the bound of |dC/db_(l+1)|"] is REFUTED
    assert found["every L >= 2"] is (UNDECIDED if "weight" in wrong else REFUTED)


def test_a9_attains_equality_in_one_layer(capsys):
    found = network.one_layer_shrinks()
    assert found.verdict is REFUTED
    executed(found.counterexample)
    slope, quarter = map(float, capsys.readouterr().out.split())
    assert slope == quarter > 0
    assert network.one_layer_shrinks(z=Fraction(1)).verdict is UNDECIDED  # no counterexample


# --- A2, A3, A4 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim", [changes.first_activation, changes.second_preactivation, changes.cost], ids=name_of
)
def test_the_small_changes_hold_and_only_their_order_is_two(claim):
    assert set(verdicts(claim).values()) == {PROVED}
    for order in (1, 3):
        found = verdicts(claim, order=order)
        refuted = {name for name, verdict in found.items() if verdict is not PROVED}
        assert refuted == {name for name in found if name.startswith("order")}


@pytest.mark.parametrize(
    "claim", [changes.first_activation, changes.second_preactivation, changes.cost], ids=name_of
)
def test_a_smaller_curvature_is_refuted(claim):
    found = verdicts(claim, square=Fraction(1, 108) - LAST_DIGIT)
    assert REFUTED in found.values()
    assert found["the bound"] is UNDECIDED  # it no longer rests on anything


def test_a2_with_a_wrong_growth_or_constant():
    found = verdicts(changes.cost, growth=Fraction(16, 3) - LAST_DIGIT)
    assert found["the bound of D_L and H_L, every L"] is REFUTED
    assert found["the bound"] is UNDECIDED
    found = verdicts(changes.cost, one_layer=("0.07936252244", "0.07936252245"))
    assert found["K_1"] is REFUTED and found["the bound"] is UNDECIDED


def test_a3_with_a_wrong_eleventh_digit():
    found = verdicts(changes.first_activation, constant=("0.048112522433", "0.048112522434"))
    assert found["the constant"] is found["no smaller constant"] is REFUTED


def test_a3_the_bound_is_met_by_the_program():
    """The rest over Δ² comes within the 11th digit of the constant, and never above it."""
    lower, upper = map(Fraction, run(changes.first_activation)["the constant"].enclosures["√3/36"])

    def a_1(b):
        return changes._first_activation(jnp.float32(0.5), b, jnp.float32(0.5))

    with precision(400):
        (rest,) = changes._rests(a_1, [40])
        ratio = abs(rest) * arb(2) ** 80
        # Δ² itself takes |σ''''| Δ²/24 < Δ² away: nothing in 11 digits.
        assert ratio < _ball(upper)
        assert ratio > _ball(lower) * (1 - _ball(LAST_DIGIT))


def _ball(value: Fraction) -> arb:
    return arb(value.numerator) / value.denominator


# --- A6 -----------------------------------------------------------------------------------------


def test_a6_holds_over_the_reals():
    assert set(verdicts(sigmoid.bound).values()) == {PROVED}


@pytest.mark.parametrize(
    "wrong",
    [
        {"quarter": Fraction(2499999, 10**7)},
        {"quarter": Fraction(1, 4) - LAST_DIGIT},
        {"quarter": Fraction(1, 4) + LAST_DIGIT},  # true, but attained nowhere
        {"top": 1 + LAST_DIGIT},
    ],
    ids=str,
)
def test_a6_with_a_wrong_bound_or_place(wrong):
    found = list(verdicts(sigmoid.bound, **wrong).values())
    assert found == [PROVED, REFUTED, REFUTED]


def test_a6_holds_at_every_narrow_float():
    found = run(sigmoid.every_float, dtypes=["float16", "bfloat16"])
    assert {each.verdict for each in found.values()} == {PROVED}
    slopes = np.asarray(jax.vmap(jax.grad(jax.nn.sigmoid))(every_float16()))
    attained = str((slopes == 0.25).sum())
    assert found["float16"].enclosures["floats: attained"] == (attained, attained)


def every_float16():
    floats = np.arange(2**16, dtype=np.uint16).view(np.float16)
    return jnp.asarray(floats[~np.isnan(floats)])


@pytest.mark.parametrize("quarter", [Fraction(2499999, 10**7), Fraction(1, 4) - LAST_DIGIT])
def test_a6_with_a_smaller_bound_of_floats(quarter, capsys):
    (found,) = run(sigmoid.every_float, quarter=quarter, dtypes=["float16"]).values()
    assert found.verdict is REFUTED
    executed(found.counterexample)
    assert float(capsys.readouterr().out.split()[-1]) == 0.25
    (found,) = run(
        sigmoid.numbers_without_infinities, quarter=quarter, dtypes=[jnp.float8_e4m3fn]
    ).values()
    assert found.verdict is REFUTED


def test_a6_without_infinities_only_nan_is_in_the_way(capsys):
    dtypes = [jnp.float8_e4m3fn, jnp.float8_e8m0fnu]
    found = run(sigmoid.every_float_without_infinities, dtypes=dtypes)
    assert {each.verdict for each in found.values()} == {REFUTED}
    assert {each.enclosures["floats: above"] for each in found.values()} == {("0", "0")}
    executed(found["float8_e4m3fn"].counterexample)
    assert capsys.readouterr().out.split()[-1] == "nan"
    found = verdicts(sigmoid.numbers_without_infinities, dtypes=dtypes)
    assert found == {"float8_e4m3fn": PROVED}  # of the other one nothing could be said


def test_a6_a_dtype_belongs_to_one_claim():
    every = [d for has in (True, False) for d in sigmoid.float_dtypes(infinities=has)]
    assert sorted(each.name for each in every) == sorted(d.name for d in sigmoid.float_dtypes())


def test_a6_floats_attain_the_bound_beside_zero(capsys):
    (found,) = run(sigmoid.attained_at_zero_only, dtypes=["float16"]).values()
    assert found.verdict is REFUTED
    executed(found.counterexample)
    said = re.fullmatch(r"at x = (\S+) y is (\S+)\n", capsys.readouterr().out)
    assert said is not None
    z, slope = map(float, said.groups())
    assert z != 0 and slope == 0.25


# --- A7, A8 -------------------------------------------------------------------------------------


def test_a7_holds():
    assert set(verdicts(sigmoid.most_weights).values()) == {PROVED}


@pytest.mark.parametrize("claimed", [("0.6826894922", "0.6826894923"), ("0.68268949214", "0.7")])
def test_a7_with_a_wrong_digit(claimed):
    found = verdicts(sigmoid.most_weights, claimed=claimed)
    assert found["erf(1/√2)"] is found["the integral of the density"] is REFUTED


def test_a7_where_most_would_mean_more():
    assert verdicts(sigmoid.most_weights, most=Fraction(7, 10))["more than half"] is REFUTED


def test_a8_holds():
    assert set(verdicts(sigmoid.factor).values()) == {PROVED}


@pytest.mark.parametrize(
    "wrong", [{"quarter": Fraction(1, 4) - LAST_DIGIT}, {"weight": 1 + LAST_DIGIT}], ids=str
)
def test_a8_with_a_wrong_bound(wrong):
    (found,) = run(sigmoid.factor, **wrong).values()
    assert found.verdict is REFUTED
    point = executed(found.counterexample)
    assert abs(point["w"] * point["s"] * (1 - point["s"])) >= wrong.get("quarter", Fraction(1, 4))
