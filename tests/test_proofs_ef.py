"""Sections E and F: in every claim a planted error turns the verdict around."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from proofs_support import load, run

from jaxgrad import closed_form
from jaxgrad.networks.activations import Activation, activation
from jaxgrad.verdict import Verdict

PROVED, REFUTED, UNDECIDED = Verdict.PROVED, Verdict.REFUTED, Verdict.UNDECIDED
FLOAT16, FLOAT8 = (np.dtype(d) for d in ("float16", jnp.float8_e4m3fn))
STEP = 2.0**-23  # the smallest error that a float32 constant 1 can have


several = load("several_neurons")
steps = load("softplus_and_steps")
saturation = load("sigmoid_saturation")
rectified = load("rectified_linear")


def verdicts(claim, **wrong):
    return [evidence.verdict for evidence in run(claim, **wrong).values()]


def steeper(kind):
    """The activation with a derivative that is wrong in its last bit."""
    right = activation(kind)
    return Activation("steeper", right.function, lambda z: (1 + STEP) * right.derivative(z))


def last_digit_off(bracket):
    """The bracket beside the right one, as wide as it is."""
    lower, upper = map(Fraction, bracket)
    return str(upper), str(2 * upper - lower)


# --- E1, E2 ---------------------------------------------------------------------------------------

SMALL = {"widths": [(2, 3, 2)], "activations": ["tanh"]}


def test_e1_the_product():
    assert verdicts(several.product_of_matrices, **SMALL) == [PROVED] * 2

    def wrong(formula):
        return lambda net: formula(type(net)(net.widths, steeper("tanh"), net.objective))

    for name in ("recurrence", "written_out"):
        formula = {
            "recurrence": closed_form.gradient,
            "written_out": closed_form.matrix_product,
        }[name]
        assert (
            verdicts(several.product_of_matrices, **{name: wrong(formula)}, **SMALL)
            == [REFUTED] * 2
        )


def test_e1_every_depth():
    small = {"activations": ["softplus"], "pairs": [(1, 1), (2, 3)]}
    right = run(several.every_depth, **small)
    assert [each.verdict for each in right.values()] == [PROVED] * 2
    assert {each.kind for each in right.values()} == {"induction"}
    wrong_step = run(several.every_depth, step=lambda k: closed_form.step(steeper(k)), **small)
    assert [each.verdict for each in wrong_step.values()] == [UNDECIDED] * 2
    wrong_base = run(
        several.every_depth, base=lambda k, c: closed_form.base(steeper(k), c), **small
    )
    # The cross-entropy of logits does not use the last activation.
    assert [each.verdict for each in wrong_base.values()] == [REFUTED, PROVED]


def test_e2_as_written():
    found = run(several.always_unstable, depths=[1, 10])
    assert [each.verdict for each in found.values()] == [REFUTED] * 3
    exec(found["3 neurons a layer, L=10"].counterexample, {})
    shrinking = run(several.always_unstable, depths=[10], weight=3.999)
    assert [each.verdict for each in shrinking.values()] == [UNDECIDED] * 2


def test_e2_corrected():
    pairs = [(1, 1), (3, 2)]
    right = several.bounded_norm(pairs=pairs)
    assert right.verdict is PROVED and several._NORMS in right.trusts
    lower = several.bounded_norm(quarter=Fraction(1, 4) - Fraction(1, 10**11), pairs=pairs)
    assert lower.verdict is REFUTED


# --- F1, F2, F3 -----------------------------------------------------------------------------------

BRACKETED = [
    steps.stepped_sum,
    steps.derivatives,
    steps.unit_noise,
    steps.sigmoid_noise,
    steps.expected_derivative,
]


@pytest.mark.parametrize("claim", BRACKETED, ids=lambda claim: claim.__name__)
def test_f_constants_and_places(claim):
    assert set(verdicts(claim)) == {PROVED}
    right = claim.__kwdefaults__ or dict(
        zip(claim.__code__.co_varnames, claim.__defaults__, strict=False)
    )
    for name in ("claimed", "at"):
        lower, upper = map(Fraction, right[name])
        assert (upper - lower) * 10**9 < max(abs(lower), 1), "ten digits"
        assert REFUTED in verdicts(claim, **{name: last_digit_off(right[name])}), name


def test_f1_the_shift_of_the_steps():
    # For which sum the compiled one stands shows in the second part.
    assert verdicts(steps.stepped_sum, half="0.5000001") == [REFUTED] * 2


def test_f2_the_identities():
    wrong = verdicts(steps.derivatives, one=1 + STEP)
    assert wrong == [REFUTED, REFUTED, PROVED]


def test_f3_the_closed_form():
    assert verdicts(steps.expectation) == [PROVED] * 3
    assert verdicts(steps.expectation, sign=-1.0) == [REFUTED] * 3


# --- F4, F5 ---------------------------------------------------------------------------------------


def test_f4_over_the_reals():
    assert verdicts(saturation.ranges) == [PROVED] * 4
    assert verdicts(saturation.ranges, one=0) == [REFUTED] * 4


def test_f4_over_floats():
    right = run(saturation.sigmoid_of_floats, dtypes=[FLOAT16])["float16"]
    assert right.verdict is PROVED
    assert "first exactly 0 at -11.09375" in right.text and "first exactly 1 at 7.625" in right.text
    assert verdicts(saturation.sigmoid_of_floats, most=0.9995, dtypes=[FLOAT16]) == [REFUTED]
    # Without infinities σ is NaN where e⁻ˣ is too large.
    assert verdicts(saturation.sigmoid_of_floats, dtypes=[FLOAT8]) == [REFUTED]


def test_f4_as_written():
    found = run(saturation.open_interval_of_floats, dtypes=[FLOAT8, FLOAT16])
    for evidence in found.values():
        assert evidence.verdict is REFUTED
        exec(evidence.counterexample, {})

    def away_from_the_ends(x):
        return jnp.clip(jax.nn.sigmoid(x), 0.25, 0.75)

    kept = verdicts(
        saturation.open_interval_of_floats, sigmoid=away_from_the_ends, dtypes=[FLOAT16]
    )
    assert kept == [PROVED]


def test_f5_over_the_reals():
    assert verdicts(saturation.decay) == [PROVED] * 4
    assert verdicts(saturation.decay, two=1) == [REFUTED, REFUTED, PROVED, REFUTED]
    assert verdicts(saturation.decay, two=3) == [REFUTED, PROVED, REFUTED, REFUTED]


def test_f5_over_floats():
    right = run(saturation.vanishing_floats, dtypes=[FLOAT16])["float16"]
    assert right.verdict is PROVED and len(right.enclosures) == 2
    for x, ends in zip((7.625, -11.09375), right.enclosures.values(), strict=True):
        lower, upper = map(float, ends)
        true = 1 / (2 + np.exp(x) + np.exp(-x))
        assert 0 < lower <= upper and true == pytest.approx(lower, rel=1e-9)
    assert "exceeds the largest float" in right.text and "1 − σ is 0" in right.text
    assert verdicts(saturation.vanishing_floats, top=0.5, dtypes=[FLOAT16]) == [REFUTED]


# --- F6, F7 ---------------------------------------------------------------------------------------


def test_f6_the_slope():
    dtypes = [FLOAT8, FLOAT16]
    assert verdicts(rectified.slope_of_floats, dtypes=dtypes) == [PROVED] * 2
    assert verdicts(rectified.slope_of_floats, live=0.875, dtypes=dtypes) == [REFUTED] * 2


def test_f6_subnormals():
    bfloat16 = np.dtype(jnp.bfloat16)
    (found,) = run(rectified.slope_of_subnormal_floats, dtypes=[bfloat16]).values()
    assert found.verdict is REFUTED
    exec(found.counterexample, {})
    # The CPU computes with subnormal float16, so nothing is refuted.
    assert verdicts(rectified.slope_of_subnormal_floats, dtypes=[FLOAT16]) == [PROVED]


def test_f6_at_zero():
    assert verdicts(rectified.slope_at_zero) == [PROVED] * 4
    assert verdicts(rectified.slope_at_zero, of_relu=1e-6)[0] is not PROVED
    assert verdicts(rectified.slope_at_zero, of_relu=-1e-6)[1] is REFUTED
    assert verdicts(rectified.slope_at_zero, of_maximum=1 + STEP)[2:] == [REFUTED, REFUTED]


def test_f7_as_written():
    found = run(rectified.never_vanishes, depths=[10])
    assert [each.verdict for each in found.values()] == [REFUTED] * 3
    exec(found["a dead unit, L=4"].counterexample, {})
    exec(found["small weights, L=10"].counterexample, {})
    wrong = verdicts(rectified.never_vanishes, weight=1.0, bias=2.0, depths=[10])
    assert wrong == [UNDECIDED] * 3


def test_f7_corrected():
    small = {"depths": [1, 3], "widths": [(2, 2, 3, 2)]}
    assert verdicts(rectified.live_paths, **small) == [PROVED] * 4
    wrong = verdicts(rectified.live_paths, live=1 + STEP, **small)
    assert wrong == [REFUTED] * 3 + [UNDECIDED]
