"""What a proof over polynomials leaves out: said truly, and never the point that was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import check_grads
from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Verdict

Function = Callable[..., Any]

# -- the sentence, and the given point ------------------------------------------------------------

# function of x, a point inside, one outside, what the proof says it leaves out
LEFT_OUT: dict[str, tuple[Function, float, float, str]] = {
    "division": (lambda x: 1 / x, 0.5, 0.0, "a divisor vanishes (x)"),
    "logarithm": (jnp.log, 0.5, -0.5, "the argument of a root or logarithm is not positive (x)"),
    "log1p": (jnp.log1p, -0.5, -1.5, "a root or logarithm is not positive (x + 1)"),
    "root": (jnp.sqrt, 0.5, -0.5, "a root or logarithm is not positive (x)"),
    "rsqrt": (lax.rsqrt, 0.5, 0.0, "a root or logarithm is not positive (x)"),
    "asin": (jnp.arcsin, 0.5, 1.5, "the argument of asin is outside [-1, 1] (x)"),
    "acos": (jnp.arccos, -1.0, 1.5, "the argument of acos is outside [-1, 1] (x)"),
    "acosh": (lax.acosh, 1.5, 0.5, "the argument of acosh is below 1 (x)"),
    "atanh": (jnp.arctanh, 0.5, 1.0, "of atanh is outside the open interval (-1, 1) (x)"),
    "erf_inv": (lax.erf_inv, 0.5, -1.0, "of erf_inv is outside the open interval (-1, 1) (x)"),
    "power": (lambda x: x**0.3, 0.5, -0.5, "the base of a power is not positive (x, "),
    "Γ": (lax.lgamma, -0.5, -2.0, "the argument of lgamma is a pole, 0, -1, -2, …, (x)"),
    "ψ": (lax.digamma, 0.5, 0.0, "the argument of digamma is a pole, 0, -1, -2, …, (x)"),
    "remainder": (lambda x: lax.rem(jnp.float32(2), x), 0.5, 0.0, "a divisor vanishes (2, x)"),
    "zeta": (lambda x: lax.zeta(x, jnp.float32(1)), 2.5, 0.5, "outside s > 1, q > 0 (x, 1)"),
    "igamma": (lambda x: lax.igamma(jnp.float32(2), x), 0.5, -0.5, "incomplete gamma function"),
    "beta": (
        lambda x: lax.betainc(jnp.float32(2), jnp.float32(3), x), 0.5, 1.5,
        "incomplete beta function is outside a > 0, b > 0, 0 <= x <= 1",
    ),
    "in a branch": (
        lambda x: jnp.where(x > 1, jnp.log(x - 1), x), 2.5, 0.5,
        "a root or logarithm is not positive (x - 1), in branches not taken too",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_said_and_the_given_point_is_none_of_it(name: str) -> None:
    function, inside, outside, sentence = LEFT_OUT[name]

    def hand(x: Any) -> Any:
        return 2 * function(x) + x

    def auto(x: Any) -> Any:
        return x + function(x) + function(x)

    result = compare(hand, auto, inside)
    assert result.verdict is Verdict.PROVED
    assert "these shapes (x[]), except where " in result.evidence.text
    assert sentence in result.evidence.text
    branches = result.evidence.text.endswith(", in branches not taken too")
    assert branches is (name == "in a branch")
    assert compare(hand, auto, outside).verdict is not Verdict.PROVED
    assert compare(lambda x: hand(x) + 0.01 * abs(hand(x)), auto, inside).verdict is Verdict.REFUTED


def test_several_kinds_are_left_out_in_one_sentence() -> None:
    result = compare(lambda x, y: x / y - x / y + jnp.log(x), lambda x, y: jnp.log(x), 1.0, 2.0)
    assert result.verdict is Verdict.PROVED
    assert result.evidence.text.endswith(
        ", except where a divisor vanishes (y) or the argument of a root or logarithm is not "
        "positive (x)"
    )


def test_tan_is_left_out_where_the_cosine_vanishes() -> None:
    result = compare(jnp.tan, lambda x: jnp.sin(x) / jnp.cos(x), 0.0)
    assert result.verdict is Verdict.PROVED  # 0 is no pole, though it is where the argument is 0
    assert "the argument of tan is a pole (x)" in result.evidence.text


def test_nothing_is_left_out_where_everything_has_a_value() -> None:
    result = compare(
        lambda x: jnp.log(1 + x * x) / (2 + jnp.sin(x) ** 2), lambda x: jnp.log1p(x * x) /
        (jnp.sin(x) * jnp.sin(x) + 2), 0.5,
    )  # fmt: skip
    assert result.verdict is Verdict.PROVED
    assert "except" not in result.evidence.text


def test_at_the_given_point_a_proof_that_leaves_it_out_says_so() -> None:
    result = compare(lambda x: jnp.where(x == 0, 5.0, x / x), lambda x: x - x + 5.0, 0.0)
    assert result.verdict is not Verdict.PROVED
    result = compare(lambda x: [x + x, jnp.where(x > -1, x, 1 / x)],
                     lambda x: [2 * x, jnp.where(x > -1, x, 1 / x)], 0.0)  # fmt: skip
    assert result.verdict is Verdict.AGREES  # in a branch that is not taken
    says = "polynomials say nothing of the given point: it may be one where a divisor vanishes"
    assert says in result.evidence.text
    assert all(leaf.verdict is Verdict.AGREES for leaf in result.leaves)


# -- comparisons of what may have no value ---------------------------------------------------------
UNDEFINED: dict[str, tuple[Function, float, float]] = {
    "a root of what is never positive": (lambda x: jnp.sqrt(-1 - x * x), 0.5, 0.5),
    "logarithm": (jnp.log, 0.5, -1.0),
    "arcsine": (jnp.arcsin, 0.5, 2.0),
    "artanh": (jnp.arctanh, 0.5, 2.0),
    "power": (lambda x: x**0.3, 0.5, -1.0),
    "quotient": (lambda x: 2 / x, 0.5, 0.0),
    "of a function of it": (lambda x: jnp.tanh(jnp.log(x)) + x, 0.5, -1.0),
}


def _one(x: Any) -> Any:
    return 1.0 + 0 * x


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", UNDEFINED)
def test_whether_a_value_is_a_number_is_open(name: str, place: int) -> None:
    function, *points = UNDEFINED[name]
    asked: dict[str, Function] = {
        "isnan": lambda x: jnp.where(jnp.isnan(function(x)), 5.0, 1.0),
        "x != x": lambda x: jnp.where(function(x) != function(x), 5.0, 1.0),
        "isfinite": lambda x: jnp.where(jnp.isfinite(function(x)), 1.0, 5.0),
        "≥ or <": lambda x: (function(x) >= 0) * 1.0 + (function(x) < 0) * 1.0,
        "≤ or >": lambda x: (function(x) <= 2) * 1.0 + (function(x) > 2) * 1.0,
    }
    for what, hand in asked.items():
        assert compare(hand, _one, points[place]).verdict is not Verdict.PROVED, what


def test_of_what_every_input_has_a_value_of_nothing_is_open() -> None:
    for function in (lambda x: jnp.exp(x) / (1 + x * x), lambda x: jnp.log(1 + x * x), jnp.cbrt):
        for hand in (lambda x, f=function: jnp.where(jnp.isnan(f(x)), 5.0, 1.0),
                     lambda x, f=function: (f(x) >= 0) * 1.0 + (f(x) < 0) * 1.0):  # fmt: skip
            assert compare(hand, _one, 0.5).verdict is Verdict.PROVED


def test_the_same_open_comparison_on_both_sides_is_proved() -> None:
    def guarded(x: Any) -> Any:
        return jnp.where(jnp.isfinite(jnp.log(x)), jnp.log(x) * 2, 3.0)

    def otherwise(x: Any) -> Any:
        return jnp.where(jnp.isnan(jnp.log(x)), 3.0, jnp.log(x) + jnp.log(x))

    assert compare(guarded, otherwise, 2.0).verdict is Verdict.PROVED
    result = compare(guarded, lambda x: otherwise(x) * (1 + 1e-6), 2.0)
    assert result.verdict is Verdict.REFUTED


@pytest.mark.parametrize("scale", [1.0, -1.0])
def test_a_kink_of_what_may_have_no_value_is_proved(scale: float) -> None:
    def leaky(x: Any, y: Any) -> Any:
        z = scale * x / y
        return jnp.where(z >= 0, z, 0.25 * z)

    def hand(x: Any, y: Any) -> Any:
        z = scale * x / y
        return jnp.where(z < 0, 0.25 * z, z)

    assert compare(hand, leaky, 0.5, 2.0).verdict is Verdict.PROVED
    assert compare(lambda x, y: hand(x, 1.001 * y), leaky, 0.5, 2.0).verdict is Verdict.REFUTED


def test_what_has_a_value_for_positive_numbers_alone_may_take_them_for_positive() -> None:
    def hand(x: Any) -> Any:  # takes log |∑ xₖ e^(−m)| within
        return jax.nn.logsumexp(jnp.log(x))

    x = np.array([1.0, 2.0], np.float32)
    result = compare(hand, lambda x: jnp.log(jnp.sum(x)), x)
    assert result.verdict is Verdict.PROVED
    assert "is not positive (x[0], x[1] and 1 more), in branches" in result.evidence.text
    assert compare(hand, lambda x: jnp.log(jnp.sum(1.001 * x)), x).verdict is Verdict.REFUTED


def test_a_logarithm_beside_it_makes_no_number_positive() -> None:
    def chosen(otherwise: float) -> Function:
        return lambda x: jnp.where(x > 0, jnp.log(x), otherwise)

    assert compare(chosen(0.0), chosen(7.0), 1.0).verdict is not Verdict.PROVED
    assert compare(chosen(0.0), chosen(7.0), -1.0).verdict is Verdict.REFUTED
    assert compare(chosen(0.0), chosen(0.0), 1.0).verdict is Verdict.PROVED


# -- ties ------------------------------------------------------------------------------------------
def test_two_ties_at_once_are_no_index_error() -> None:
    result = compare(lambda x, y: jnp.where((x == 0) & (y == 0), 1.0, 0.0), lambda x, y: 0 * x,
                     0.5, 0.5)  # fmt: skip
    assert result.verdict is Verdict.AGREES
    assert "wherever no comparison ties" in result.evidence.text


def _huber(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.0, 0.5 * x * x, jnp.abs(x) - 0.5)


def test_the_huber_loss_is_judged() -> None:
    def rule(slope: float) -> Function:
        huber = jax.custom_vjp(_huber)

        def backward(x: Any, g: Any) -> Any:
            return (g * jnp.where(jnp.abs(x) <= 1.0, x, slope * jnp.sign(x)),)

        huber.defvjp(lambda x: (huber(x), x), backward)
        return huber

    assert check_grads(rule(1.0), (np.float32(0.3),), modes="rev").verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(rule(1.01), (np.float32(0.3),), modes="rev")


def test_the_norm_of_lineax_is_judged() -> None:
    @jax.custom_jvp
    def zero_grad_at_zero(x: Any) -> Any:
        return x

    zero_grad_at_zero.defjvp(lambda p, t: (p[0], jnp.where(p[0] == 0, 0, t[0])))
    x = np.array([0.3, -0.4], np.float32)
    assert check_grads(lambda x: zero_grad_at_zero(jnp.max(jnp.abs(x))), (x,)).verdict.passes


# -- derivative rules ------------------------------------------------------------------------------
@jax.custom_jvp
def zero_at_zero(x: Any) -> Any:
    return 1 * x


zero_at_zero.defjvp(
    lambda p, t: (zero_at_zero(p[0]), t[0] * (p[0] / jnp.where(p[0] == 0, 1.0, p[0])))
)


def test_what_a_rule_needs_is_left_out_in_the_words_of_compare() -> None:
    for function in (zero_at_zero, lambda x: zero_at_zero(x) + jnp.abs(x)):
        check = check_grads(function, (0.5,), special_points=False)
        assert check.verdict is Verdict.PROVED
        assert (
            "for every real input of these shapes, except where a divisor vanishes (x), in "
            "branches not taken too"
        ) in check.evidence.text
        assert "JAX's derivatives of its own primitives" in check.evidence.trusts
    with pytest.raises(GradientMismatch):
        check_grads(zero_at_zero, (0.0,), special_points=False)


def test_a_proof_of_a_rule_names_what_is_held_fixed() -> None:
    """That the rule is wrong for any n but 3 is nothing that was looked at."""

    @jax.custom_vjp
    def times(x: Any, n: Any) -> Any:
        return x * n

    times.defvjp(lambda x, n: (x * n, None), lambda _, g: (3 * g, None))
    x = np.float32(0.5)
    found = check_grads(lambda x, n: times(x, n), (x, 3), modes="rev")
    assert found.verdict is Verdict.PROVED
    assert "for every real input of these shapes, n = 3 held fixed;" in found.evidence.text
    many = check_grads(lambda x, n: times(x, n[0]), (x, [3, True, 1, 2]), modes="rev")
    assert "these shapes, n[0] = 3, n[1] = True, n[2] = 1, … held fixed;" in many.evidence.text
    with pytest.raises(GradientMismatch):
        check_grads(times, (x, 4), modes="rev")


def test_no_proof_covers_a_given_point_that_it_leaves_out() -> None:
    @jax.custom_jvp
    def shifted(x: Any) -> Any:
        return x * x

    # Right everywhere, and at −1 by a branch that is not taken elsewhere.
    shifted.defjvp(
        lambda p, t: (p[0] ** 2, jnp.where(p[0] == -1, -2 * t[0], 2 * p[0] * t[0] * (p[0] + 1) /
                                           jnp.where(p[0] == -1, 1.0, p[0] + 1)))
    )  # fmt: skip
    inside = check_grads(shifted, (0.5,), modes="fwd", special_points=False)
    assert inside.verdict is Verdict.PROVED and "a divisor vanishes (x + 1)" in inside.evidence.text
    outside = check_grads(shifted, (-1.0,), modes="fwd", special_points=False)
    assert outside.verdict is Verdict.AGREES


def _own_rule(function: Function) -> Function:
    """A function whose custom rule is autodiff of itself."""
    made = jax.custom_jvp(function)
    made.defjvp(lambda p, t: jax.jvp(function, p, t))
    return made


UNTRUE: dict[str, Function] = {
    "stop_gradient on an interval": lambda x: jnp.where(
        (x > 0.1234) & (x < 0.1235), lax.stop_gradient(x), x
    ),
    "stop_gradient within a loop": lambda x: lax.fori_loop(
        0, 2, lambda i, c: jnp.where((c > 9.1) & (c < 9.2), lax.stop_gradient(c), c), x
    ),
    "a transpose of its own": lambda x: jax.custom_derivatives.linear_call(
        lambda r, t: 2 * t, lambda r, t: 2 * t, (), x
    ),
    "a solver of its own": lambda x: lax.custom_linear_solve(
        lambda v: 2 * v, x, lambda _, b: b / 2, lambda _, b: b / 2
    ),
    "a derivative that is rounded around 0": lax.bessel_i1e,
}


@pytest.mark.parametrize("name", UNTRUE)
def test_what_jax_does_not_differentiate_truly_is_never_proved(name: str) -> None:
    check = check_grads(_own_rule(UNTRUE[name]), (0.5,), special_points=False)
    assert check.verdict is Verdict.AGREES


def test_the_same_without_it_is_proved() -> None:
    for function in (lambda x: jnp.where((x > 0.1234) & (x < 0.1235), x, x), lambda x: 2 * x):
        check = check_grads(_own_rule(function), (0.5,), special_points=False)
        assert check.verdict is Verdict.PROVED


def test_a_proof_says_that_it_is_of_no_tie() -> None:
    says = "and that is its derivative wherever nothing compared or rounded in it ties"
    tied = check_grads(_own_rule(lambda x: jnp.abs(x) * jnp.sign(x)), (0.5,), special_points=False)
    assert tied.verdict is Verdict.PROVED and says in tied.evidence.text
    smooth = check_grads(_own_rule(lambda x: jnp.sin(x) * x), (0.5,))
    assert smooth.verdict is Verdict.PROVED and says not in smooth.evidence.text
