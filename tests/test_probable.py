"""PROBABLE: what residues say where polynomials stop, of both entries, and what they never pass."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.hand_transformer import backward, cost, parameters
from jaxgrad import Verdict, check, closed_form, compare
from jaxgrad.errors import CannotDecide, EnginesDisagree
from jaxgrad.gradients import probable
from jaxgrad.gradients.probable import same_residues
from jaxgrad.interpret.sides import make_side
from jaxgrad.networks import Dense
from jaxgrad.numbers.prime_fields import PrimeFields
from jaxgrad.numbers.residue_choices import ResidueChoices
from tests.probable_support import FEW, bits_of_error


def _at(net: Dense) -> tuple[Any, ...]:
    params = net.init(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (net.widths[0],))
    return params, x, jnp.ones(net.widths[-1]) / 3


def _with_one_wrong(function: Any, leaf: int, entry: int) -> Any:
    """The same gradient, one entry of which is a thousandth larger."""

    def wrong(*args: Any) -> Any:
        leaves, tree = jax.tree.flatten(function(*args))
        flat = leaves[leaf].reshape(-1)
        leaves[leaf] = flat.at[entry].multiply(1.001).reshape(leaves[leaf].shape)
        return jax.tree.unflatten(tree, leaves)

    return wrong


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "softplus"])
def test_the_recurrence_of_a_wide_network(activation: str) -> None:
    net = Dense((40, 30, 10), activation)  # more parameters than polynomials have names
    result = compare(closed_form.gradient(net), jax.grad(net.cost), *_at(net))
    assert result.verdict is Verdict.PROBABLE and result
    assert "the same function for every real input of these shapes" in result.evidence.text
    assert bits_of_error(result.evidence.text) >= 100
    assert {leaf.verdict for leaf in result.leaves} == {Verdict.PROBABLE}
    assert result.evidence.trusts[:2] == (
        "residues modulo primes", "that the numbers drawn are random"
    )  # fmt: skip


@pytest.mark.parametrize("widths", [(784, 30, 10), (64,) * 11], ids=str)
def test_the_recurrence_of_the_document(widths: tuple[int, ...]) -> None:
    net = Dense(widths)
    result = compare(closed_form.gradient(net), jax.grad(net.cost), *_at(net))
    assert result.verdict is Verdict.PROBABLE and bits_of_error(result.evidence.text) >= 100


@pytest.mark.parametrize("leaf, entry", [(0, 0), (0, 1199), (1, 17), (2, 3), (3, 9)])
def test_one_wrong_entry_is_refuted(leaf: int, entry: int) -> None:
    net = Dense((40, 30, 10))
    hand = _with_one_wrong(closed_form.gradient(net), leaf, entry)
    args = _at(net)
    result = compare(hand, jax.grad(net.cost), *args)
    assert result.verdict is Verdict.REFUTED
    sides = [make_side(n, f, args) for n, f in (("hand", hand), ("auto", jax.grad(net.cost)))]
    equal = same_residues(*sides).equal
    wrong = [int((~each).sum()) for each in equal]
    assert wrong == [int(k == leaf) for k in range(4)]
    assert not equal[leaf].reshape(-1)[entry]


def _transformer(width: int, tokens: int) -> tuple[Any, Any, Any]:
    x = jax.random.normal(jax.random.key(1), (tokens, width))
    return parameters(width, jax.random.key(0)), x, jnp.zeros((tokens, width))


def test_a_small_transformer_block_against_its_backward_pass() -> None:
    args = _transformer(8, 3)
    result = compare(backward, jax.grad(cost), *args)
    assert result.verdict is Verdict.PROBABLE and bits_of_error(result.evidence.text) >= 100
    wrong = _with_one_wrong(backward, 4, 5)
    assert compare(wrong, jax.grad(cost), *args).verdict is Verdict.REFUTED


def test_a_transformer_block_against_its_backward_pass() -> None:
    result = compare(backward, jax.grad(cost), *_transformer(64, 32))
    assert result.verdict is Verdict.PROBABLE and bits_of_error(result.evidence.text) >= 100


def test_a_recurrent_network_by_the_reverse_recurrence() -> None:
    def loss(w: Any, u: Any, xs: Any) -> Any:
        step = lambda h, x: (jnp.tanh(w @ h + u @ x), None)  # noqa: E731
        return jnp.sum(jax.lax.scan(step, jnp.zeros(30), xs)[0] ** 2)

    def by_hand(w: Any, u: Any, xs: Any) -> Any:
        hs = [jnp.zeros(30)]
        for x in xs:
            hs.append(jnp.tanh(w @ hs[-1] + u @ x))
        d_w, d_u, delta = jnp.zeros_like(w), jnp.zeros_like(u), 2 * hs[-1]
        for t in reversed(range(len(xs))):
            delta = delta * (1 - hs[t + 1] ** 2)
            d_w, d_u = d_w + jnp.outer(delta, hs[t]), d_u + jnp.outer(delta, xs[t])
            delta = w.T @ delta
        return d_w, d_u

    keys = jax.random.split(jax.random.key(0), 3)
    shapes = ((30, 30), (30, 6), (5, 6))
    args = [0.3 * jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]
    result = compare(by_hand, jax.grad(loss, argnums=(0, 1)), *args)
    assert result.verdict is Verdict.PROBABLE


def test_a_convolutional_network_by_hand() -> None:
    def convolved(x: Any, k: Any) -> Any:
        return jax.lax.conv_general_dilated(x[None, None], k[None, None], (1, 1), "VALID")[0, 0]

    def loss(k: Any, w: Any, x: Any) -> Any:
        return 0.5 * jnp.sum((w @ jax.nn.relu(convolved(x, k)).reshape(-1)) ** 2)

    def by_hand(k: Any, w: Any, x: Any) -> Any:
        z = convolved(x, k)
        a = jax.nn.relu(z).reshape(-1)
        out = w @ a
        delta = (w.T @ out).reshape(z.shape) * (z > 0)
        return convolved(x, delta), jnp.outer(out, a)

    draw = jax.random.split(jax.random.key(0), 3)
    k, x = jax.random.normal(draw[0], (3, 3)), jax.random.normal(draw[1], (14, 14))
    w = jax.random.normal(draw[2], (9, 144))
    result = compare(by_hand, jax.grad(loss, argnums=(0, 1)), k, w, x)
    assert result.verdict is Verdict.PROBABLE


def test_a_custom_rule_of_many_numbers() -> None:
    def rule(factor: float) -> Any:
        @jax.custom_vjp
        def normed(x: Any) -> Any:
            return x / jnp.sqrt(jnp.sum(x * x) + 1.0)

        def forward(x: Any) -> Any:
            return normed(x), x

        def back(x: Any, g: Any) -> Any:
            n = jnp.sqrt(jnp.sum(x * x) + 1.0)
            return (factor * (g / n - x * jnp.sum(g * x) / n**3),)

        normed.defvjp(forward, back)
        return normed

    x = jax.random.normal(jax.random.key(0), (1200,))
    result = check(rule(1.0), (x,), budget=60)
    assert result.verdict is Verdict.PROBABLE
    assert "the custom rules give the same function as JAX's derivative" in result.evidence.text
    assert bits_of_error(result.evidence.text) == 100
    assert check(rule(1.0001), (x,)).verdict is Verdict.REFUTED


# -- what is never passed ----------------------------------------------------------------------
def test_what_is_left_out_is_said_and_the_given_point_is_none_of_it() -> None:
    def hand(x: Any, y: Any) -> Any:
        return x**2 / (x * y), jnp.log(y * y)

    def auto(x: Any, y: Any) -> Any:
        return x / y, jnp.log(y**2)

    result = compare(hand, auto, jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]), budget=FEW)
    assert result.verdict is Verdict.PROBABLE
    text = result.evidence.text
    assert "except where a divisor vanishes or the argument of a root or logarithm is not" in text
    at_zero = compare(hand, auto, jnp.array([0.0, 2.0]), jnp.array([3.0, 4.0]), budget=FEW)
    assert at_zero.verdict is not Verdict.PROBABLE


def test_a_branch_that_is_not_taken_is_looked_at_at_the_given_point() -> None:
    def hand(x: Any) -> Any:
        return jnp.where(x > 0, x, 1 / x)

    assert compare(hand, hand, 2.0, budget=FEW).verdict is Verdict.PROBABLE
    assert compare(hand, hand, 0.0, budget=FEW).verdict is not Verdict.PROBABLE


def test_numpy_code_is_not_asked() -> None:
    def hand(z: Any) -> Any:
        s = 1 / (1 + np.exp(-z))
        return s * (1 - s)

    result = compare(hand, jax.grad(jax.nn.sigmoid), 0.5, budget=FEW)
    assert result.verdict is Verdict.AGREES


def test_what_residues_do_not_know_still_agrees() -> None:
    result = compare(lambda x: jnp.sort(x), lambda x: jnp.sort(x), jnp.ones(3), budget=FEW)
    assert result.verdict is Verdict.AGREES
    few = compare(lambda x: x**0.3 * x, lambda x: x**1.3, 2.0, budget=FEW)
    assert few.verdict is not Verdict.PROBABLE


def test_more_primes_are_taken_where_a_few_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Dense((4, 3))
    args = _at(net)
    sides = [
        make_side(n, f, args)
        for n, f in (("hand", closed_form.gradient(net)), ("auto", jax.grad(net.cost)))
    ]
    monkeypatch.setattr(probable, "_FIRST_PRIMES", 1)
    assert same_residues(*sides).log_error <= -107
    monkeypatch.setattr(probable, "_MOST_PRIMES", 2)
    with pytest.raises(CannotDecide, match="modulo 2 primes may be the same by chance"):
        same_residues(*sides)


def test_a_formula_too_large_for_any_number_of_primes_is_not_probable() -> None:
    def squared(x: Any) -> Any:
        for _ in range(60):
            x = x * x  # of degree 2^60
        return x

    result = compare(squared, lambda x: squared(x) * 1.0, 1.0, budget=FEW)
    assert result.verdict is Verdict.AGREES


def test_where_residues_and_balls_disagree_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ResidueChoices, "negate", lambda self, x: x)  # a rule that is wrong
    with pytest.raises(EnginesDisagree, match="residues show both sides equal"):
        compare(lambda x: -x, lambda x: 1.0 * x, 0.5, budget=FEW)


def test_a_fault_of_the_arithmetic_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrimeFields, "subtract", PrimeFields.add)
    with pytest.raises(EnginesDisagree):
        compare(lambda x: x * x - 3.0, lambda x: x * x + 3.0, 0.5, budget=FEW)
