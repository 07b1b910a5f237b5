"""check_grads() at arguments that are not finite: ∞ is a limit, NaN is held fixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from pasted_code import printed_by

from benchmarks.cases import with_rule
from jaxgrad.errors import GradientMismatch, NonFiniteInput
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.rules.at_infinity import judge_limit
from jaxgrad.gradients.rules.sides import Sides
from jaxgrad.numbers.dual import Dual
from jaxgrad.verdict import Verdict

INF, NAN = np.inf, np.nan


def _softplus(slope: Callable[[Any], Any]) -> Callable[..., Any]:
    return with_rule(jax.nn.softplus, lambda xs, ts: slope(xs[0]) * ts[0])


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (jax.nn.softplus, INF),
        (jax.nn.softplus, -INF),
        (jax.nn.sigmoid, INF),
        (jax.nn.relu, -INF),
        (jax.nn.elu, INF),
        (jax.nn.log_sigmoid, -INF),
        (jnp.tanh, -INF),
        (jnp.arctan, INF),
        (jnp.sqrt, INF),  # the slope falls to 0
        (jnp.exp, INF),  # and here it grows
        (lambda x: x**3, -INF),
    ],
)
def test_the_derivative_at_an_infinity_is_the_limit(function: Callable[..., Any], x: float) -> None:
    found = check(function, (x,))
    assert found.verdict is Verdict.AGREES
    assert f"as x → {'−' if x < 0 else ''}∞" in found.evidence.text


@pytest.mark.parametrize(
    ("slope", "x", "said"),
    [
        (lambda x: jnp.where(jnp.isinf(x), 0.5, jax.nn.sigmoid(x)), INF, "0.5"),
        (lambda x: jnp.where(jnp.isinf(x), jnp.inf, jax.nn.sigmoid(x)), INF, "inf"),
        (lambda x: (1 + 1e-4) * jax.nn.sigmoid(x), INF, "1.0001"),
        (lambda x: 1 - jax.nn.sigmoid(x), -INF, "1.0"),
        (lambda x: -jax.nn.sigmoid(x), INF, "-1.0"),
    ],
)
def test_a_wrong_limit_is_refuted(slope: Callable[[Any], Any], x: float, said: str) -> None:
    found = check(_softplus(slope), (x,))
    assert found.verdict is Verdict.REFUTED
    assert "the derivative rules are wrong in the limit, as x → " in found.evidence.text
    assert said in found.leaves[0].text
    assert check(_softplus(jax.nn.sigmoid), (x,)).verdict is Verdict.AGREES


def test_nan_where_there_is_a_limit_is_said_plainly() -> None:
    def product(x: Any) -> Any:
        return x * jax.nn.sigmoid(x)

    found = check(product, (INF,))
    assert found.verdict is Verdict.REFUTED
    text = "JAX gives NaN where the derivative has a limit, as x → ∞, for 1 of 1 leaves"
    assert found.evidence.text.startswith(text)
    assert found.leaves[0].text.endswith("is nan by the rules and 1.00000000000 in truth")
    with pytest.raises(GradientMismatch) as raised:
        found.assert_agrees()
    assert printed_by(raised.value, f=product)[0].startswith("nan")
    # Where f itself is NaN to JAX, nothing says what its derivative should be.
    undecided = check(product, (-INF,))
    assert undecided.verdict is Verdict.UNDECIDED
    assert "JAX computes NaN for f itself as x → −∞" in undecided.evidence.text


def test_finite_entries_have_their_derivative_in_the_limit() -> None:
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(y) * jax.nn.sigmoid(x) + y * jnp.exp(-x)

    assert check(f, (INF, 0.5)).verdict is Verdict.AGREES
    wrong = with_rule(f, lambda xs, ts: ts[1] * jnp.sin(xs[1]) * jax.nn.sigmoid(xs[0]))
    found = check(wrong, (INF, 0.5))
    assert found.verdict is Verdict.REFUTED
    assert [leaf.verdict for leaf in found.leaves] == [Verdict.AGREES, Verdict.REFUTED]
    # Masked logits: the softmax of the others, and 0 by the mask.
    logits = np.array([-INF, 0.25, 1.5])
    assert check(jax.nn.softmax, (logits,)).verdict is Verdict.AGREES
    assert check(jax.nn.logsumexp, (logits,)).verdict is Verdict.AGREES
    halved = with_rule(
        lambda x: jax.nn.logsumexp(x), lambda xs, ts: jnp.sum(ts[0] * jax.nn.softmax(xs[0])[::-1])
    )
    assert check(halved, (logits,)).verdict is Verdict.REFUTED


def test_what_outgrows_every_power_goes_there_by_a_logarithm() -> None:
    for function, x in ((jnp.exp, INF), (jnp.expm1, INF), (lambda x: x * jnp.exp(x), INF)):
        assert check(function, (x,)).verdict is Verdict.AGREES
    both = np.array([INF, INF])
    assert check(lambda x: jnp.sum(jnp.exp(x)), (both,)).verdict is Verdict.AGREES
    flat = with_rule(
        jnp.exp, lambda xs, ts: jnp.where(jnp.isinf(xs[0]), 1.0, jnp.exp(xs[0])) * ts[0]
    )
    assert check(flat, (INF,)).verdict is Verdict.REFUTED


def test_what_depends_on_the_way_to_infinity_is_not_known() -> None:
    both = np.array([INF, INF])
    assert check(lambda x: jnp.sum(jax.nn.softplus(x)), (both,)).verdict is Verdict.AGREES
    found = check(jnp.max, (both,))
    assert found.verdict is Verdict.UNDECIDED
    assert "it depends on how the arguments go to infinity" in found.evidence.text


def test_a_kink_beside_an_infinity_is_accepted() -> None:
    found = check(jax.nn.relu, (np.array([INF, 0.0]),))
    assert found.verdict is Verdict.AGREES
    assert found.kinks == ("x",)


def test_nan_entries_are_held_and_the_others_judged() -> None:
    x = np.array([NAN, 0.5])
    found = check(jax.nn.softplus, (x,))
    assert found.verdict is Verdict.AGREES
    assert "where x[0] is NaN" in found.evidence.text
    assert "f[0] is no number at the given point, and not judged" in found.evidence.text
    wrong = _softplus(lambda x: jax.nn.sigmoid(-x))
    assert check(wrong, (x,)).verdict is Verdict.REFUTED
    assert check(lambda x, y: x * y, (NAN, 0.5)).verdict is Verdict.UNDECIDED
    assert "every argument is NaN" in check(jnp.sin, (NAN,)).evidence.text


def test_what_is_not_looked_at_there_is_said() -> None:
    text = check(jax.nn.softplus, (INF,), order=2).evidence.text
    assert "order 2 is judged at finite arguments alone" in text
    assert "special points, vmap and floats are looked at from finite arguments alone" in text
    with pytest.raises(NonFiniteInput):
        compare(jnp.sin, jnp.sin, INF)


@pytest.mark.parametrize(
    ("formula", "computed", "right", "left", "verdict"),
    [
        (1.0, 1.0, 1.0, 1.0, Verdict.AGREES),
        (NAN, 1.0, 1.0, 1.0, Verdict.AGREES),
        (1.001, 1.0, 1.0, 1.0, Verdict.REFUTED),
        (1.0, 0.5, 1.0, 1.0, Verdict.REFUTED),
        (1.0, 0.5, 1.0, 0.0, Verdict.AGREES),  # at a kink
        (1.0, NAN, 1.0, 1.0, Verdict.REFUTED),
        (NAN, INF, INF, INF, Verdict.AGREES),
        (NAN, -INF, INF, INF, Verdict.REFUTED),
        (NAN, INF, 1.0, 1.0, Verdict.REFUTED),
        (NAN, 1.0, INF, INF, Verdict.REFUTED),
        (1.0, 1.0, NAN, NAN, Verdict.UNDECIDED),
        (NAN, NAN, NAN, NAN, Verdict.UNDECIDED),
    ],
)
def test_the_judgement_of_a_number_in_the_limit(
    formula: float, computed: float, right: float, left: float, verdict: Verdict
) -> None:
    sides = Sides(arb(right), arb(left))
    assert judge_limit(arb(formula), computed, sides, 20.0, False).verdict is verdict
    if math_finite(formula, computed, right) and verdict is Verdict.REFUTED:
        assert judge_limit(arb(formula), computed, sides, 20.0, True).verdict is Verdict.UNDECIDED


def math_finite(*numbers: float) -> bool:
    return bool(np.isfinite(numbers).all())


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("exp", 0.5), ("expm1", 0.5), ("log", 0.5), ("log1p", 0.5), ("sqrt", 0.5), ("cbrt", -0.5),
        ("logistic", 0.5), ("tanh", 0.5), ("sinh", 0.5), ("cosh", 0.5), ("atan", 0.5),
        ("asin", 0.5), ("acos", 0.5), ("asinh", 0.5), ("acosh", 1.5), ("atanh", 0.5),
        ("erf", 0.5), ("erfc", 0.5), ("sin", 0.5), ("digamma", 0.5), ("rsqrt", 0.5), ("exp2", 0.5),
    ],
)  # fmt: skip
def test_slopes_are_those_of_germs(name: str, x: float) -> None:
    dual = Dual(1)
    found = dual.apply(name, dual.line(x, 2)).slope.at(0)
    # The coefficient of ε of a germ along the same line, which no table of derivatives makes.
    assert found.overlaps(dual.germ.apply(name, dual.germ.line(x, 2)).at(1))
    assert dual.apply(name, dual.constant(x)).slope.is_zero


def test_infinities_are_powers_and_logarithms() -> None:
    dual = Dual(1)
    assert dual.exp(dual.at_infinity(1, 1, 0)).value.start == (-1, 0)
    assert dual.exp(dual.at_infinity(-1, 1)).slope.at(0) == 0
    assert dual.exp(dual.at_infinity(1, 1)).value.reason is not None
    x = dual.at_infinity(2, 3, 2)
    assert dual.divide(dual.constant(1), x).value.start == (2, 0)


@pytest.mark.parametrize("side", [1, -1])
def test_slopes_of_two_arguments_and_at_ties(side: int) -> None:
    dual = Dual(side)
    x, y = dual.line(0.75, 2), dual.line(-0.5, 1)
    germ = dual.germ
    a, b = germ.line(0.75, 2), germ.line(-0.5, 1)
    for name in ("atan2", "rem", "pow"):
        operands = (
            ((x, y), (a, b)) if name != "pow" else ((x, dual.line(1.5, 1)), (a, germ.line(1.5, 1)))
        )
        found = dual.function(name, *operands[0]).slope.at(0)
        assert found.overlaps(germ.function(name, *operands[1]).at(1))
    assert dual.divide(x, y).slope.at(0).overlaps(germ.divide(a, b).at(1))
    assert dual.function("pow", x, dual.constant(3)).slope.at(0).overlaps(germ.power(a, 3).at(1))
    tie = dual.maximum(dual.line(1, 3), dual.constant(1))
    assert tie.slope.at(0) == (3 if side > 0 else 0)
    assert dual.tied
    assert dual.function("floor", dual.line(2, 1)).slope.reason is not None
    assert dual.function("floor", dual.line(2.25, 1)).slope.is_zero


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_what_cancels_is_zero_but_for_rounding(factor: float) -> None:
    """The derivative of the sum of a softmax is 0, and of what a normaliser leaves of the mean."""

    def ruled(function: Any, slope: Any) -> Any:
        rule = jax.custom_jvp(function)
        rule.defjvp(lambda p, t: (rule(*p), jnp.sum(slope(p[0]) * t[0])))
        return rule

    def of_sum(x: Any) -> Any:
        p = jax.nn.softmax(x)
        return p - p * factor * jnp.sum(p)

    def of_rest(x: Any) -> Any:
        there = ~jnp.isnan(x)
        return jnp.where(there, 1 - factor * jnp.sum(there / jnp.sum(there)), 0)

    masked = np.array([0.3, 1.7, -np.inf, -0.4], np.float32)
    missing = np.array([0.3, 1.7, np.nan, -0.4], np.float32)
    rules = (
        (ruled(lambda x: jnp.sum(jax.nn.softmax(x)), of_sum), masked),
        (ruled(lambda x: jnp.nansum(x - jnp.nanmean(x)), of_rest), missing),
    )
    for rule, x in rules:
        found = check(rule, (x,), modes="fwd")
        assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)
    assert check(lambda x: jnp.sum(jax.nn.softmax(x)), (masked,)).verdict is Verdict.AGREES
    assert check(lambda x: jnp.nansum(x - jnp.nanmean(x)), (missing,)).verdict is Verdict.AGREES


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_the_larger_one_of_nan_and_a_number(factor: float) -> None:
    """It is NaN, so that the mask of it leaves a number out, in whatever system that is asked."""

    def masked(w: Any, data: Any) -> Any:
        return jnp.sum(jnp.where(jnp.isnan(jnp.maximum(data, 0.5)), w, 3 * w))

    rule = jax.custom_jvp(masked, nondiff_argnums=(1,))
    rule.defjvp(lambda data, p, t: (masked(*p, data), factor * 7 * t[0]))
    data = np.array([1.0, np.nan, 2.0], np.float32)
    found = check(lambda w, data: masked(w, data), (np.float32(0.3), data))
    assert found.verdict is Verdict.AGREES
    by_rule = check(lambda w: rule(w, data), (np.float32(0.3),))
    assert by_rule.verdict.passes is (factor == 1)


def test_where_infinity_marks_what_is_missing_no_limit_tells() -> None:
    x = np.array([np.inf, -np.inf, 1, 0.5], np.float32)

    def masked(power: float) -> Any:
        rule = jax.custom_jvp(lambda x: jnp.where(jnp.isinf(x), 0, x) ** 2)
        rule.defjvp(
            lambda p, t: (rule(*p), 2 * jnp.where(jnp.isinf(p[0]), 0, p[0]) ** power * t[0])
        )
        return rule

    found = check(masked(1), (x,))
    assert found.verdict is Verdict.AGREES, found
    assert "f[0], f[1] jump at the infinity, and not judged" in str(found)
    assert check(masked(2), (x,)).verdict is Verdict.REFUTED
    total = check(lambda x: jnp.sum(masked(1)(x)), (x,))
    assert total.verdict is Verdict.UNDECIDED
    assert "f jumps at the infinity" in str(total)
