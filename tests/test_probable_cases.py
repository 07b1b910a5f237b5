"""PROBABLE of roots, cases, poles and ties: what residues take for the same, and what not."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, compare
from jaxgrad.gradients.identity import equal_off_ties
from jaxgrad.gradients.probable import same_residues
from jaxgrad.interpret.sides import make_side
from jaxgrad.numbers.prime_fields import NoResidue
from tests.probable_support import FEW, bits_of_error


# -- roots, cases and poles --------------------------------------------------------------------
def _safe(x: Any) -> Any:
    return jnp.where(x > 0, x, 1.0)


def _root(x: Any) -> Any:
    return jnp.sqrt(jnp.abs(x))


def _one_case(x: Any) -> Any:
    """1 − x, of which the form for x ≤ 0 is positive."""
    return jnp.where(x > 0, 1 - x, jnp.sqrt(1 + jnp.abs(x)) ** 2)


def _larger(x: Any) -> Any:
    """max(1 − x, x² − 9), of which the form for x ≤ 0 is positive."""
    w = x * x - 9
    return jnp.where(x > 0, jnp.maximum(1 - x, w), jnp.maximum(jnp.abs(x) + 1, w))


def _with_a_sum(x: Any, root: Any) -> Any:
    """−x + e^relu(w) of another w, as a sum in both cases, of which one is known to be positive."""
    other = jnp.exp(jax.nn.relu(0.1 * x[::-1]))
    return jnp.where(x > 0, -x + other, root(x) ** 2 + other)


def _logarithm(x: Any) -> Any:
    """−x, of which the form for x ≤ 0 is positive."""
    return jnp.log(jnp.where(x > 0, jnp.exp(-x), jnp.exp(_root(x) ** 2)))


# Each pair differs at points that nothing leaves out, most of them by what a root says of a sign.
NOT_THE_SAME: dict[str, tuple[Any, Any]] = {
    "the sign of x by its root": (
        lambda x: 1.5 * _root(x), jax.grad(lambda x: jnp.sum(jnp.abs(x) ** 1.5))),
    "x for its absolute value": (lambda x: x * _root(x), lambda x: jnp.abs(x) * _root(x)),
    "the other branch of a safe root": (
        lambda x: jnp.where(x > 0, jnp.sqrt(_safe(x)), 0.0),
        lambda x: jnp.where(x > 0, jnp.sqrt(_safe(x)), 17.0)),
    "its gradient": (
        jax.grad(lambda x: jnp.sum(jnp.where(x > 0, jnp.sqrt(_safe(x)), 0.0))),
        lambda x: 0.5 / jnp.sqrt(_safe(x))),
    "relu beside its root": (
        lambda x: jnp.sqrt(jax.nn.relu(x) + 1) + jax.nn.relu(x),
        lambda x: jnp.sqrt(jax.nn.relu(x) + 1) + x),
    "a quotient at its pole": (lambda x: x / jnp.where(x == 0, 1, x), jnp.ones_like),
    "a sign that holds in one case": (lambda x: jnp.abs(_one_case(x)), lambda x: _one_case(x)),
    "what it chooses": (lambda x: jnp.where(_one_case(x) > 0, x, -x), lambda x: x),
    "its zero": (lambda x: jnp.where(_one_case(x) == 0, 7.0, x), lambda x: x),
    "its sign changed": (
        lambda x: jnp.abs(jnp.where(x > 0, -x, _root(x) ** 2)),
        lambda x: jnp.where(x > 0, -x, _root(x) ** 2)),
    "the sign of a part of it": (
        lambda x: jnp.abs(_with_a_sum(x, _root)), lambda x: _with_a_sum(x, _root)),
    "and with a safe root": (
        lambda x: jnp.abs(_with_a_sum(x, lambda x: jnp.sqrt(_safe(-x)))),
        lambda x: _with_a_sum(x, lambda x: jnp.sqrt(_safe(-x)))),
    "the sign of an exponent": (lambda x: jnp.abs(_logarithm(x)), lambda x: _logarithm(x)),
    "the larger of two by cases": (lambda x: jax.nn.relu(_larger(x)), lambda x: _larger(x)),
    "the sign of a logarithm's argument": (
        lambda x: jnp.log(x * x) * 0 + x, lambda x: jnp.log(x * x) * 0 + jnp.abs(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_THE_SAME)
@pytest.mark.parametrize("x", [[0.5, 2.0, 1.0], [-2.0, -0.25, -3.0]], ids=["positive", "negative"])
def test_what_differs_elsewhere_is_not_probable(name: str, x: list[float]) -> None:
    hand, auto = NOT_THE_SAME[name]
    found = compare(hand, auto, np.array(x, np.float32), budget=FEW)
    assert found.verdict is not Verdict.PROBABLE, found
    sides = [
        make_side(n, f, (np.array(x, np.float32),)) for n, f in (("hand", hand), ("auto", auto))
    ]
    assert not all(bool(leaf.all()) for leaf in same_residues(*sides).equal)


@pytest.mark.parametrize("hand, auto", [
    (lambda x: jnp.sqrt(x) ** 2, lambda x: x),
    (lambda x: x**1.5, lambda x: x * jnp.sqrt(x)),
    (lambda x: jnp.exp(jnp.log(x)), lambda x: x),
    (lambda x: jax.lax.rsqrt(x), lambda x: 1 / jnp.sqrt(x)),
])  # fmt: skip
def test_what_has_a_root_is_said_of_positive_numbers_alone(hand: Any, auto: Any) -> None:
    found = compare(hand, auto, np.array([0.5, 2.0], np.float32), budget=FEW)
    assert found.verdict is Verdict.PROBABLE
    assert "except where the argument of a root or logarithm is not positive" in str(found)


def test_of_a_case_that_is_not_taken_nothing_is_left_out() -> None:
    def hand(x: Any) -> Any:
        return x / (1 + jnp.maximum(x, 0))

    def auto(x: Any) -> Any:
        return x * (1 / (1 + jnp.maximum(x, 0)))

    found = compare(hand, auto, np.float32(-1), budget=FEW)
    assert found.verdict is Verdict.PROBABLE and "except" not in str(found)


def test_choices_within_choices_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A neuron that spikes: what is chosen in each step has been chosen in all before."""

    def cost(x: Any) -> Any:
        def step(v: Any, i: Any) -> Any:
            v = 0.9 * v + i
            return jnp.where(v > 1, v - 1, jnp.maximum(v, -1)), jnp.where(v > 1, 1.0, 0.0) * v

        return jnp.sum(jax.lax.scan(step, 0.0, x)[1])

    monkeypatch.setattr("jaxgrad.gradients.probable._SECONDS", 0.5)
    x = np.linspace(-1, 2, 12).astype(np.float32)
    sides = [make_side("hand", f(cost), (x,)) for f in (jax.grad, jax.jacfwd)]
    with pytest.raises(NoResidue, match=r"residues take more than 0.5 CPU s"):
        same_residues(*sides)


def _scaled(x: Any) -> Any:
    return x * jax.lax.fori_loop(0, 20, lambda i, c: c * c, 1.0000001)


def _added(x: Any) -> Any:
    h = jax.lax.fori_loop(0, 300, lambda i, h: h + x, jax.nn.relu(x))
    return h * h


def _chosen_often(x: Any) -> Any:
    h = x
    for k in range(12):
        h = jnp.where(x > k, 2 * h, h + 1)
    return h * h


def _attention(x: Any) -> Any:
    scores = jnp.where(np.tril(np.ones((3, 3), bool)), jnp.outer(x, x), -jnp.inf)
    return jax.nn.softmax(scores) @ x


@pytest.mark.parametrize("f", [_scaled, _added, _chosen_often, _attention, lambda x: (x, x[:0])])
def test_a_program_is_the_same_as_itself(f: Any) -> None:
    x = np.array([0.5, 2.0, -1.0], np.float32)
    assert compare(f, f, x, budget=FEW).verdict is Verdict.PROBABLE


def test_masked_attention_both_ways() -> None:
    def forward(x: Any) -> Any:
        along = jax.vmap(lambda v: jax.jvp(lambda z: jnp.sum(_attention(z) ** 2), (x,), (v,))[1])
        return along(jnp.eye(3, dtype=x.dtype))

    x = np.array([0.5, 2.0, -1.0], np.float32)
    backward = jax.grad(lambda z: jnp.sum(_attention(z) ** 2))
    assert compare(forward, backward, x, budget=FEW).verdict is Verdict.PROBABLE


def test_integer_powers_of_negative_numbers() -> None:
    norm = jax.grad(lambda x: jnp.sum(x**2.0) ** 0.5)
    x = np.array([-0.5, -2.0], np.float32)
    by_hand = compare(lambda x: x / jnp.sqrt(jnp.sum(x * x)), norm, x, budget=FEW)
    assert by_hand.verdict is Verdict.PROBABLE


def test_the_verdict_does_not_depend_on_what_is_drawn() -> None:
    def larger(x: Any, y: Any) -> tuple[Any, Any]:
        return (1 + x * x) * (2 + y * y), (1 + x * x) * jnp.exp(y)

    def hand(x: Any, y: Any) -> Any:
        return jnp.log(jnp.maximum(*larger(x, y)))

    def auto(x: Any, y: Any) -> Any:
        a, b = larger(x, y)
        return jnp.where(a > b, jnp.log(a), jnp.log(b))

    at = np.array([0.5, 2.0], np.float32), np.array([1.0, -1.0], np.float32)
    assert {compare(hand, auto, *at, budget=FEW).verdict for _ in range(6)} == {Verdict.PROBABLE}


@pytest.mark.parametrize("hand", [
    lambda x: jnp.exp(jnp.log(_one_case(x))), lambda x: jnp.sqrt(_one_case(x)) ** 2,
])  # fmt: skip
def test_what_has_a_value_in_one_case_alone_is_left_out(hand: Any) -> None:
    found = compare(hand, _one_case, np.float32(0.3), budget=FEW)
    assert found.verdict is Verdict.PROBABLE and "is not positive" in str(found)


# -- where a comparison ties -----------------------------------------------------------------------
X = jnp.linspace(-1, 1, 6)


def _ramp(x: Any) -> Any:
    return jnp.maximum(x - 0.3, 0) + jnp.abs(x)


def _of_ramp(at_a_tie: float, above: float = 1.0) -> Any:
    """Its derivative but for what it is at ties, and above them."""

    def derivative(x: Any) -> Any:
        ramp = jnp.where(x > 0.3, above, jnp.where(x == 0.3, at_a_tie, 0.0))
        return ramp + jnp.where(x == 0, at_a_tie, jnp.sign(x))

    return derivative


AUTO = jax.grad(lambda x: _ramp(x).sum())


@pytest.mark.parametrize("at_a_tie", [0.0, 1.0])
def test_what_differs_at_ties_alone_is_told_from_what_differs(at_a_tie: float) -> None:
    """As of polynomials, where these stop."""
    found = compare(_of_ramp(at_a_tie), AUTO, X, budget=FEW, special_points=False)
    assert found.verdict is Verdict.AGREES and bits_of_error(found.evidence.text) >= 100
    assert "; the same function wherever no comparison ties, up to" in found.evidence.text
    assert found.evidence.text.endswith("(random residues); at ties they may differ)")
    by_polynomials = compare(_of_ramp(at_a_tie), AUTO, X, special_points=False)
    assert "same polynomial wherever no comparison ties" in by_polynomials.evidence.text


@pytest.mark.parametrize("point", [-1.0, 2.0])
def test_an_error_beside_ties_is_none_of_theirs(point: float) -> None:
    """The rule is wrong above the tie, of which the given point may know nothing."""
    x = jnp.full(6, point)
    found = compare(_of_ramp(1.0, above=1.001), AUTO, x, budget=FEW, special_points=False)
    assert found.verdict is (Verdict.AGREES if point < 0 else Verdict.REFUTED)
    assert "wherever no comparison ties" not in found.evidence.text
    hand, auto, wrong = (
        make_side("hand", f, (X,)) for f in (_of_ramp(1.0), AUTO, _of_ramp(1.0, 1.001))
    )
    error = equal_off_ties(hand, auto)
    assert error is not None and error <= -100 and equal_off_ties(wrong, auto) is None


def test_of_what_is_the_same_function_nothing_is_said_of_ties() -> None:
    other = lambda x: jnp.where(x > 0, 1.0, jnp.where(x == 0, 0.5, 0.0))  # noqa: E731
    found = compare(jax.grad(lambda x: jnp.maximum(x, 0).sum()), other, X, budget=FEW)
    assert found.verdict is Verdict.PROBABLE and "ties" not in found.evidence.text
