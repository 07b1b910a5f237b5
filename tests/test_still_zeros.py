"""Constants that are −∞ inside of a function: log 0 of a mask is the −∞ that is written as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad import Verdict, check, check_grads, compare, run_over
from jaxgrad.errors import UndecidedError
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.jet import Jet
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.running_error import RunningError
from jaxgrad.numbers.series import Series
from jaxgrad.numbers.still_zero import STILL_ZERO, StillZero

MASK = np.array([1.0, 0.0, 1.0, 1.0], np.float32)
X = np.array([0.75, 0.125, 0.5, -0.25], np.float32)
STEPS = np.array([[0.75, -1.5, 0.5], [1.25, 0.125, -0.5], [0.25, 2.0, -1.0]], np.float32)
START = np.array([0.5, 0.25, 0.25])
# Not every state follows every other one; and one follows none.
SPARSE = np.array([[0.75, 0.25, 0.0], [0.0, 0.5, 0.5], [0.25, 0.0, 0.75]])
UNREACHED = np.array([[0.0, 0.25, 0.75], [0.0, 0.5, 0.5], [0.0, 0.25, 0.75]])

Function = Callable[[Any], Any]


def with_rule(f: Function, slope: Function, factor: float = 1.0) -> Function:
    """A function with a backward rule that is a multiple of some slope."""
    rule = jax.custom_vjp(lambda x: f(x))
    rule.defvjp(lambda x: (f(x), x), lambda x, ct: (factor * ct * slope(x),))
    return rule


def likelihood(transitions: np.ndarray, start: np.ndarray = START, scan: bool = False) -> Function:
    """log P of what is seen, by logarithms; the states have emission logits."""

    def step(a: Any, x: Any) -> tuple[Any, None]:
        return jax.nn.logsumexp(a[:, None] + jnp.log(jnp.array(transitions)), axis=0) + x, None

    def forward(logits: Any) -> Any:
        a = jnp.log(jnp.array(start)) + logits[0]
        if scan:
            return jax.nn.logsumexp(jax.lax.scan(step, a, logits[1:])[0])
        for x in logits[1:]:
            a, _ = step(a, x)
        return jax.nn.logsumexp(a)

    return forward


def by_products(transitions: np.ndarray, start: np.ndarray = START) -> Function:
    """The gradient of the same, by sums of products of probabilities."""

    def forward(logits: Any) -> Any:
        a = jnp.array(start) * jnp.exp(logits[0])
        for x in logits[1:]:
            a = a @ jnp.array(transitions) * jnp.exp(x)
        return jnp.log(a.sum())

    return jax.grad(forward)


def softmax_of_those(x: Any) -> Any:
    return jnp.exp(x) * MASK / jnp.sum(jnp.exp(x) * MASK)


def masked(logarithm: Function) -> Function:
    return lambda x: jax.nn.logsumexp(x + logarithm(jnp.array(MASK)))


WRITINGS: dict[str, Function] = {
    "log": masked(jnp.log),
    "log of a complement": masked(lambda m: jnp.log(1 - (1 - m))),
    "log1p": masked(lambda m: jnp.log1p(m - 1)),
    "log1p of minus": masked(lambda m: jnp.log1p(-(1 - m))),
    "a cut": masked(lambda m: jnp.log(jnp.maximum(2 * m - 1, 0.0))),
    "a product": masked(lambda m: jnp.log(jnp.diag(m) @ jnp.ones(4))),
    "an exponential": masked(lambda m: jnp.log(jnp.exp(jnp.where(m > 0, 0.0, -jnp.inf)))),
    "a selection": lambda x: jax.nn.logsumexp(jnp.where(MASK > 0, x, jnp.log(0.0 * MASK))),
    "compiled": jax.jit(masked(jnp.log)),
    "a product with what moves": lambda x: jnp.log(jnp.sum(jnp.exp(x + jnp.log(MASK)))),
}


@pytest.mark.parametrize("f", WRITINGS.values(), ids=WRITINGS)
def test_a_masked_logsumexp(f: Function) -> None:
    assert check(f, (X,)).verdict is Verdict.AGREES
    assert check(with_rule(f, softmax_of_those), (X,)).verdict.passes
    for wrong in (1.01, -1.0):
        assert check(with_rule(f, softmax_of_those, wrong), (X,)).verdict is Verdict.REFUTED
    unmasked = check(with_rule(f, jax.nn.softmax), (X,))
    assert unmasked.verdict is Verdict.REFUTED


@pytest.mark.parametrize("f", WRITINGS.values(), ids=WRITINGS)
def test_its_gradient_is_compared(f: Function) -> None:
    assert compare(softmax_of_those, jax.grad(f), X).verdict.passes
    assert compare(jax.nn.softmax, jax.grad(f), X).verdict is Verdict.REFUTED


def test_one_of_several_and_attention() -> None:
    values = np.array([0.5, -1.0, 2.0, 0.25], np.float32)
    for f in (
        lambda x: jax.nn.logsumexp(x + jnp.log(jax.nn.one_hot(2, 4))),
        lambda x: jax.nn.softmax(x + jnp.log(MASK)) @ values,
        lambda x: jax.nn.log_softmax(x + jnp.log(MASK))[2],
    ):
        check_grads(f, (X,), order=2)
        check_grads(with_rule(f, jax.grad(f)), (X,), order=2, modes="rev")
        assert check(with_rule(f, jax.grad(f), 1.01), (X,)).verdict is Verdict.REFUTED


@pytest.mark.parametrize("scan", [False, True])
@pytest.mark.parametrize("transitions", [SPARSE, UNREACHED], ids=["sparse", "unreached"])
def test_the_likelihood_of_a_hidden_markov_model(transitions: np.ndarray, scan: bool) -> None:
    f, slope = likelihood(transitions, scan=scan), by_products(transitions)
    assert check(with_rule(f, slope), (STEPS,)).verdict is Verdict.AGREES
    assert check(with_rule(f, slope, 1.01), (STEPS,)).verdict is Verdict.REFUTED
    other = by_products(transitions.T)
    assert check(with_rule(f, other), (STEPS,)).verdict is Verdict.REFUTED


def test_its_second_derivative() -> None:
    f, slope = likelihood(SPARSE), by_products(SPARSE)
    check_grads(f, (STEPS,), order=2)
    check_grads(with_rule(f, slope), (STEPS,), order=2, modes="rev")


def test_a_state_that_is_not_reached_makes_a_nan() -> None:
    """f has a derivative, and JAX divides 0 by the sum of nothing but masked terms."""
    f, slope = likelihood(UNREACHED), by_products(UNREACHED)
    assert np.isnan(jax.grad(f)(STEPS)).any()
    found = check(f, (STEPS,), modes="rev")
    assert found.verdict is Verdict.REFUTED
    assert "is nan by the rules" in str(found) and "`log`" in found.evidence.text
    compared = compare(slope, jax.grad(f), STEPS)
    assert compared.verdict is Verdict.REFUTED and "nan" in str(compared)
    assert compare(slope, jax.grad(likelihood(SPARSE)), STEPS).verdict is Verdict.REFUTED


def test_of_nothing_but_masked_terms_the_value_is_no_number() -> None:
    def nothing(x: Any) -> Any:
        return jax.nn.logsumexp(x + jnp.log(0.0 * MASK))

    for f in (nothing, with_rule(nothing, softmax_of_those)):
        found = check(f, (X,))
        assert found.verdict is Verdict.UNDECIDED and "f is −∞ at the point" in found.evidence.text
    with pytest.raises(UndecidedError):
        check_grads(nothing, (X,))


def test_a_zero_that_moves_is_none() -> None:
    """An argument that is 0 is the end of the domain, where the slope is asked for beside it."""
    point = np.array([0.0, 1.0], np.float32)
    for f in (
        lambda x: jnp.log(x[0]) + x[1],
        lambda x: jnp.log(2 * x[0]) + x[1],
        lambda x: jnp.sum(x * jnp.log(x)),
    ):
        assert check(f, (point,)).verdict is Verdict.UNDECIDED
    through = check(lambda x: jnp.exp(jnp.log(x[0])) * x[1], (point,))
    assert through.verdict is Verdict.REFUTED and "nan" in str(through)


def test_an_argument_held_fixed_does_not_move() -> None:
    def f(x: Any, m: Any) -> Any:
        return jax.nn.logsumexp(x + jnp.log(m))

    assert check(f, (X, MASK), argnums=0).verdict is Verdict.AGREES
    assert compare(jax.grad(f), jax.grad(f), X, MASK, argnums=0).verdict.passes


# -- the numbers -----------------------------------------------------------------------------------
finite = st.floats(-1e6, 1e6)


@given(finite, finite)
def test_still_zeros_are_zeros(x: float, y: float) -> None:
    ball, a, b = Ball(), arb(x), arb(y)
    pairs = [(STILL_ZERO + a, a), (a + STILL_ZERO, a), (STILL_ZERO - a, -a), (a - STILL_ZERO, a),
             (STILL_ZERO * a, 0 * a), (a * STILL_ZERO, 0 * a), (abs(STILL_ZERO), abs(arb(0))),
             (ball.total([a, STILL_ZERO, b]), a + b), (-STILL_ZERO, arb(0))]  # fmt: skip
    assert all(found.overlaps(expected) for found, expected in pairs)
    if x:
        assert ball.divide(STILL_ZERO, a) == 0 and not ball.divide(a, STILL_ZERO).is_finite()
    assert not isinstance(ball.total([a, STILL_ZERO]), StillZero)
    assert ball.divide(STILL_ZERO, STILL_ZERO).is_nan()
    assert not (STILL_ZERO * arb.pos_inf()).is_finite()


@given(st.lists(st.sampled_from([0.0, 1.0, -2.5]), min_size=4, max_size=4), finite)
def test_a_product_of_matrices_stays_still_where_a_row_does(row: list[float], x: float) -> None:
    ball = Ball()
    still = ball.map(ball.still, ball.constants(np.array([row])))
    found = ball.matmul(still, objects([arb(x)] * 4, (4, 1)))[0, 0]
    assert isinstance(found, StillZero) == (not any(row))


SYSTEMS = [Ball(), Jet(2), Germ(), RunningError(np.float64)]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda s: s.name)
def test_the_logarithm_of_a_constant(system: Any) -> None:
    def f(x: Any) -> Any:
        return x + jnp.exp(jnp.log(jnp.array([0.0, 0.5])))[0]

    found = run_over(system, f, system.constant(2))
    value = found.at(0) if isinstance(found, Series) else getattr(found, "value", found)
    if not isinstance(system, RunningError):  # which knows nothing of an infinity
        assert value == 2


def test_of_an_argument_balls_know_none() -> None:
    assert Ball().log(arb(0)).is_nan() and not Jet(1).log(arb(0)).is_finite()
    assert Ball().log(STILL_ZERO) == arb.neg_inf()
    germ = Germ()
    assert germ.log(germ.line(0, 1)).infinity == 0
    assert germ.log(germ.constant(0)).infinity == -1


def test_polynomials_that_are_zero() -> None:
    system = Polynomial(Ring(16, 1000))
    x = system.variable("x")
    found = run_over(system, lambda y: y + jnp.exp(jnp.log(y - y)), x)
    assert found.poly == x.poly
