"""The incomplete beta function by every one of its arguments."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from flint import arb
from hypothesis import assume, given
from jax import lax

from jaxgrad import Verdict, check
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.special_functions import betainc

STEP = arb(2) ** -100


def by_differences(at: tuple[float, ...], along: tuple[float, ...]) -> tuple[arb, arb]:
    """The first two derivatives along a line, to about 2⁻¹⁹⁰ of a third one."""
    with precision(600):
        low, here, high = (
            betainc(*(arb(x) + s * STEP * arb(v) for x, v in zip(at, along, strict=True)))
            for s in (-1, 0, 1)
        )
        return (high - low) / (2 * STEP), (high - 2 * here + low) / STEP**2


parameters = st.floats(0.1, 30).map(lambda x: float(np.float32(x)))
slopes = st.sampled_from([0.0, 1.0, -0.5])


@given(parameters, parameters, st.floats(0.01, 0.99), st.tuples(slopes, slopes, slopes))
def test_along_every_line(a: float, b: float, x: float, along: tuple[float, ...]) -> None:
    assume(any(along))
    with jax.enable_x64(True), precision(212):
        found = one_sided_derivatives(lax.betainc, (a, b, x), along, order=2)
    assert not found.reasons
    for order, truth in enumerate(by_differences((a, b, x), along), 1):
        assert abs(found.right[0][order] - truth) < 1e-15 * (1 + abs(truth))
        assert abs(found.left[0][order] - truth) < 1e-15 * (1 + abs(truth))


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_at_either_end_it_does_not_depend_on_the_parameters(x: float) -> None:
    found = one_sided_derivatives(lax.betainc, (2.5, 3.0, x), (1.0, 1.0, 0.0))
    assert [float(y) for y in found.right[0]] == [x, 0]


def test_without_positive_parameters_nothing_is_known() -> None:
    found = one_sided_derivatives(lax.betainc, (-0.5, 3.0, 0.3), (1.0, 0.0, 0.0))
    assert not found.right[0][1].is_finite()


@pytest.mark.parametrize(("error", "verdict"), [(0, Verdict.AGREES), (1e-4, Verdict.REFUTED)])
def test_a_rule_by_a_parameter_is_judged(error: float, verdict: Verdict) -> None:
    """I_x(a, 1) = x^a, of which the derivative by a is x^a log x."""

    @jax.custom_jvp
    def beta(a: Any) -> Any:
        return lax.betainc(a, np.float32(1), np.float32(0.25))

    slope = np.log(0.25)
    beta.defjvp(lambda xs, ts: (beta(*xs), ts[0] * (1 + error) * slope * 0.25 ** xs[0]))
    found = check(beta, (np.float32(1.5),), domain=lambda a: (a > 0.1) & (a < 10))
    assert found.verdict is verdict, found
