"""The identities that normal forms know, and those that the zero test adds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked, over_polynomials
from rules_by_slope import forward

from jaxgrad import Verdict, check, compare
from jaxgrad.numbers.canonical import Canonical
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.zero import vanishes
from jaxgrad.programs.trace import trace

sigmoid = jax.nn.sigmoid
Function = Callable[..., Any]


def _difference(left: Function, right: Function, count: int) -> tuple[Ring, Any]:
    """The difference of two functions of scalars as a polynomial."""
    ring = Ring(128, 10_000)
    args = tuple(float(i + 1) for i in range(count))
    sides = [over_polynomials(trace(f, args), ring)[0].reshape(())[()] for f in (left, right)]
    return ring, sides[0].poly - sides[1].poly


# -- identities of the normal form --------------------------------------------------------------
NORMAL: dict[str, tuple[Function, Function, int]] = {
    "σ(z) = 1/(1+e^−z)": (sigmoid, lambda z: 1 / (1 + jnp.exp(-z)), 1),
    "σ(z) = e^z/(1+e^z)": (sigmoid, lambda z: jnp.exp(z) / (1 + jnp.exp(z)), 1),
    "σ(z) = (1+tanh(z/2))/2": (sigmoid, lambda z: 0.5 * (1 + jnp.tanh(z / 2)), 1),
    "σ(−z) = 1−σ(z)": (lambda z: sigmoid(-z), lambda z: 1 - sigmoid(z), 1),
    "σ' = σ(z)(1−σ(z))": (jax.grad(sigmoid), lambda z: sigmoid(z) * (1 - sigmoid(z)), 1),
    "σ' = σ(z)σ(−z)": (jax.grad(sigmoid), lambda z: sigmoid(z) * sigmoid(-z), 1),
    "1/σ(z) = 1+e^−z": (lambda z: 1 / sigmoid(z), lambda z: 1 + jnp.exp(-z), 1),
    "1/(1−σ(z)) = 1+e^z": (lambda z: 1 / (1 - sigmoid(z)), lambda z: 1 + jnp.exp(z), 1),
    "of w·a+b": (
        lambda w, a, b: jnp.exp(w * a + b) / (1 + jnp.exp(w * a + b)),
        lambda w, a, b: sigmoid(w * a + b),
        3,
    ),
    "tanh odd": (lambda z: jnp.tanh(-z), lambda z: -jnp.tanh(z), 1),
    "tanh' = 1−tanh²": (jax.grad(jnp.tanh), lambda z: 1 - jnp.tanh(z) ** 2, 1),
    "e^(−z) = 1/e^z": (lambda z: jnp.exp(-z), lambda z: 1 / jnp.exp(z), 1),
    "(e^z)² = e^(2z)": (lambda z: jnp.exp(z) ** 2, lambda z: jnp.exp(2 * z), 1),
    "log e^z = z": (lambda z: jnp.log(jnp.exp(z)), lambda z: z, 1),
    "e^(log(1+e^z)) = 1+e^z": (lambda z: jnp.exp(jax.nn.softplus(z)), lambda z: 1 + jnp.exp(z), 1),
    "softplus = log(1+e^z)": (jax.nn.softplus, lambda z: jnp.log(1 + jnp.exp(z)), 1),
    "softplus' = σ": (jax.grad(jax.nn.softplus), sigmoid, 1),
    "softplus(z)−softplus(−z) = z": (
        lambda z: jax.nn.softplus(z) - jax.nn.softplus(-z),
        lambda z: z,
        1,
    ),
    "log(1−σ) = −softplus(z)": (
        lambda z: jnp.log(1 - sigmoid(z)),
        lambda z: -jax.nn.softplus(z),
        1,
    ),
    "log(e^z·(1−σ))": (
        lambda z: jnp.log(jnp.exp(z) * (1 - sigmoid(z))),
        lambda z: z - jax.nn.softplus(z),
        1,
    ),
    "softplus(2z)": (lambda z: jnp.log(1 + jnp.exp(2 * z)), lambda z: jax.nn.softplus(2 * z), 1),
    "softplus(−z/2)": (
        lambda z: jnp.log(1 + jnp.exp(-z / 2)),
        lambda z: jax.nn.softplus(-z / 2),
        1,
    ),
    "log σ = −softplus(−z)": (lambda z: jnp.log(sigmoid(z)), lambda z: -jax.nn.softplus(-z), 1),
    "softmax by definition": (
        lambda x, y, z: jax.nn.softmax(jnp.stack([x, y, z]))[1],
        lambda x, y, z: jnp.exp(y) / (jnp.exp(x) + jnp.exp(y) + jnp.exp(z)),
        3,
    ),
    "logsumexp' = softmax": (
        jax.grad(lambda x, y: jax.nn.logsumexp(jnp.stack([x, y]))),
        lambda x, y: jax.nn.softmax(jnp.stack([x, y]))[0],
        2,
    ),
    "[z>0]² = [z>0]": (
        lambda z: (1.0 * (z > 0)) * (1.0 * (z > 0)),
        lambda z: 1.0 * (z > 0),
        1,
    ),
    "[z>0]+[z<0]+[z=0] = 1": (
        lambda z: 1.0 * (z > 0) + 1.0 * (z < 0) + 1.0 * (z == 0),
        lambda z: jnp.float32(1) + 0 * z,
        1,
    ),
    "[x>y] = 1−[x≤y]": (lambda x, y: 1.0 * (x > y), lambda x, y: 1 - 1.0 * (y >= x), 2),
    "ReL by select": (jax.nn.relu, lambda z: jnp.where(z > 0, z, 0.0), 1),
    "ReL by max": (jax.nn.relu, lambda z: jnp.maximum(z, 0), 1),
    "ReL' = [z>0]": (jax.grad(jax.nn.relu), lambda z: 1.0 * (z > 0), 1),
    "max' at 0 is ½": (
        jax.grad(lambda z: jnp.maximum(z, 0)),
        lambda z: 1.0 * (z > 0) + 0.5 * (z == 0),
        1,
    ),
    "|z| = z·sign z": (jnp.abs, lambda z: z * jnp.sign(z), 1),
    "|z| = max(z, −z)": (jnp.abs, lambda z: jnp.maximum(z, -z), 1),
    "|z|² = z²": (lambda z: jnp.abs(z) ** 2, lambda z: z * z, 1),
    "x/(xy) = 1/y": (lambda x, y: x / (x * y), lambda x, y: 1 / y, 2),
    "1/x + 1/y": (lambda x, y: 1 / x + 1 / y, lambda x, y: (x + y) / (x * y), 2),
    "√x·√x = x": (lambda x, y: jnp.sqrt(x) * jnp.sqrt(x), lambda x, y: x, 2),
}


@pytest.mark.parametrize("name", [name for name in NORMAL if "softplus" in name])
def test_a_normal_form_has_the_value_of_what_it_stands_for(name: str) -> None:
    """An error on both sides of an identity, as in what both are made of, does not show in it."""
    *sides, count = NORMAL[name]
    point = [np.float64(x) for x in (0.75, 1.25, 0.625)[:count]]
    for side in sides:
        checked = Checked(side, *point)
        assert checked.polynomials is not None
        assert checked.check(*point) == sum(leaf.size for leaf in checked.floats(*point))


@pytest.mark.parametrize("name", NORMAL)
def test_normal_forms_know(name: str) -> None:
    left, right, count = NORMAL[name]
    _, difference = _difference(left, right, count)
    assert difference.is_zero()


# -- identities that the zero test adds ---------------------------------------------------------
ADDED: dict[str, tuple[Function, Function, int]] = {
    "tanh by exponentials": (
        jnp.tanh,
        lambda z: (jnp.exp(2 * z) - 1) / (jnp.exp(2 * z) + 1),
        1,
    ),
    "softmax sums to 1": (
        lambda x, y, z: jnp.sum(jax.nn.softmax(jnp.stack([x, y, z]))),
        lambda x, y, z: jnp.float32(1),
        3,
    ),
    "max + min": (lambda x, y: jnp.maximum(x, y) + jnp.minimum(x, y), lambda x, y: x + y, 2),
    "max symmetric": (jnp.maximum, lambda x, y: jnp.maximum(y, x), 2),
    "e^(a+b) = e^a·e^b": (lambda a, b: jnp.exp(a + b), lambda a, b: jnp.exp(a) * jnp.exp(b), 2),
    "σ(a+b) by e^a·e^b": (
        lambda a, b: sigmoid(a + b),
        lambda a, b: jnp.exp(a) * jnp.exp(b) / (1 + jnp.exp(a) * jnp.exp(b)),
        2,
    ),
    "σ(2z) by e^z": (lambda z: sigmoid(2 * z), lambda z: jnp.exp(z) ** 2 / (1 + jnp.exp(2 * z)), 1),
    "tanh 2z": (
        lambda z: jnp.tanh(2 * z),
        lambda z: 2 * jnp.tanh(z) / (1 + jnp.tanh(z) ** 2),
        1,
    ),
    "logaddexp by definition": (
        jnp.logaddexp,
        lambda x, y: jnp.log(jnp.exp(x) + jnp.exp(y)),
        2,
    ),
    "logsumexp of two by definition": (
        lambda x, y: jax.nn.logsumexp(jnp.stack([x, y])),
        lambda x, y: jnp.log(jnp.exp(x) + jnp.exp(y)),
        2,
    ),
    "partial fractions": (
        lambda x, y: 1 / (x - y) - 1 / (x + y),
        lambda x, y: 2 * y / (x * x - y * y),
        2,
    ),
    "ReL of a positive multiple": (
        lambda x, y: jax.nn.relu(jnp.exp(x) * y),
        lambda x, y: jnp.exp(x) * jax.nn.relu(y),
        2,
    ),
    "σ of ReL": (
        lambda x: sigmoid(jax.nn.relu(x)),
        lambda x: jnp.where(x > 0, sigmoid(x), 0.5),
        1,
    ),
    "max' at a tie": (
        jax.grad(jnp.maximum),
        lambda x, y: jnp.where(x > y, 1.0, jnp.where(x == y, 0.5, 0.0)),
        2,
    ),
    "reduce_max' of two": (
        jax.grad(lambda x, y: jnp.max(jnp.stack([x, y]))),
        lambda x, y: jnp.where(x > y, 1.0, jnp.where(x == y, 0.5, 0.0)),
        2,
    ),
    "max of a list of two": (
        lambda x, y: jnp.max(jnp.stack([x, y])),
        lambda x, y: jnp.maximum(y, x),
        2,
    ),
    "where they are equal": (
        lambda x, y: jnp.where(x == y, x * x, 0.0),
        lambda x, y: jnp.where(x == y, x * y, 0.0),
        2,
    ),
    "sin² + cos²": (lambda z: jnp.sin(z) ** 2 + jnp.cos(z) ** 2, lambda z: z - z + 1, 1),
    "tan = sin/cos": (jnp.tan, lambda z: jnp.sin(z) / jnp.cos(z), 1),
    "cosh² − sinh²": (lambda z: jnp.cosh(z) ** 2 - jnp.sinh(z) ** 2, lambda z: z - z + 1, 1),
    "sinh = cosh·tanh": (jnp.sinh, lambda z: jnp.cosh(z) * jnp.tanh(z), 1),
    "norm'": (
        jax.grad(lambda x, y: jnp.sqrt(x * x + y * y)),
        lambda x, y: x * jnp.sqrt(x * x + y * y) / (x * x + y * y),
        2,
    ),
    "√4x": (lambda x: jnp.sqrt(4 * x), lambda x: 2 * jnp.sqrt(x), 1),
    "x^1.5 = x√x": (lambda x: x**1.5, lambda x: x * jnp.sqrt(x), 1),
    "log xy for positive x": (
        lambda x, y: jnp.log((1 + jnp.exp(x)) * y),
        lambda x, y: jax.nn.softplus(x) + jnp.log(y),
        2,
    ),
    "log 12": (
        lambda x: x * jnp.log(jnp.float32(12) + 0 * x),
        lambda x: x * (2 * jnp.log(jnp.float32(2) + 0 * x) + jnp.log(jnp.float32(3) + 0 * x)),
        1,
    ),
    "erf + erfc": (lambda z: lax.erf(z) + lax.erfc(z), lambda z: z - z + 1, 1),
    "gelu' has a closed form": (
        jax.grad(lambda z: z * sigmoid(1.75 * z)),
        lambda z: sigmoid(1.75 * z) * (1 + 1.75 * z * sigmoid(-1.75 * z)),
        1,
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_the_zero_test_adds(name: str) -> None:
    ring, difference = _difference(*ADDED[name])
    assert vanishes(ring, difference) is True


@pytest.mark.parametrize("name", [*NORMAL, *ADDED])
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_a_planted_difference_is_not_zero(name: str, data: st.DataObject) -> None:
    """Adding anything that is not 0 makes the answer None, however small it is."""
    left, right, count = (NORMAL | ADDED)[name]
    size = data.draw(st.integers(2, 60).map(lambda n: 2.0**-n))
    plants: list[Function] = [
        lambda *xs: size * xs[0],
        lambda *xs: size * jnp.exp(-xs[0] * xs[0]),
        lambda *xs: size * (1.0 * (xs[0] == 0) - 0.5),
        lambda *xs: size * jnp.tanh(xs[-1] + 1),
    ]
    plant = data.draw(st.sampled_from(plants))
    ring, difference = _difference(left, lambda *xs: right(*xs) + plant(*xs), count)
    assert vanishes(ring, difference) is None


FINER: dict[str, Function] = {
    "a half": lambda x: jnp.exp(x / (1 + x * x)) - jnp.exp(x / (1 + x * x) / 2) ** 2,
    "in a sigmoid": lambda x: sigmoid(x) - 1 / (1 + jnp.exp(-x / 2) ** 2),
    "a third of a quotient": (
        lambda x: jnp.exp(x / (1 + x * x)) - jnp.exp(x / (3 + 3 * x * x)) ** 3
    ),
}


@pytest.mark.parametrize("name", FINER)
def test_exponents_that_become_finer_are_so_everywhere(name: str) -> None:
    """What was translated before a finer exponent was met is translated again."""
    ring, difference = _difference(FINER[name], lambda x: x - x, 1)
    assert not difference.is_zero()
    assert Canonical(ring, 2_000, 20_000).quotient(difference)[0].is_zero()


def test_the_logarithm_of_a_fraction_keeps_its_sign() -> None:
    for half in (0.5, 0.25, 1.5):
        ring, difference = _difference(
            lambda x, half=half: jnp.log((x - 1) * half),
            lambda x, half=half: jnp.log(x - 1) + jnp.log(half + 0 * x),
            1,
        )
        assert Canonical(ring, 2_000, 20_000).quotient(difference)[0].is_zero()
    ring, difference = _difference(
        lambda x: jnp.log((1 - x) / 2), lambda x: jnp.log(x / 2 - 0.5), 1
    )
    assert not Canonical(ring, 2_000, 20_000).quotient(difference)[0].is_zero()


def test_what_differs_only_on_a_tie_is_not_zero() -> None:
    ring, difference = _difference(
        jax.grad(jnp.maximum), lambda x, y: jnp.where(x > y, 1.0, 0.0), 2
    )
    assert vanishes(ring, difference) is None
    ring, difference = _difference(lambda x: jnp.where(x == 0, 1.0, x), lambda x: x, 1)
    assert vanishes(ring, difference) is None


def test_what_differs_only_where_no_point_was_tried_is_not_zero() -> None:
    ring, difference = _difference(
        lambda x: jnp.where(x > 1000, x * 1.0625, x), lambda x: jax.nn.relu(x) - jax.nn.relu(-x), 1
    )
    assert vanishes(ring, difference) is None
    ring, difference = _difference(
        lambda x: jnp.where(x > 1000, x, x), lambda x: jax.nn.relu(x) - jax.nn.relu(-x), 1
    )
    assert vanishes(ring, difference) is True


def test_a_spent_budget_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, count = ADDED["e^(a+b) = e^a·e^b"]
    ring, difference = _difference(left, right, count)
    monkeypatch.setattr("jaxgrad.numbers.zero.MAX_TERMS_IN_ALL", 1)
    assert vanishes(ring, difference) is None


def test_the_zero_tests_of_a_ring_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, difference = _difference(*ADDED["e^(a+b) = e^a·e^b"])
    assert vanishes(ring, difference) is True
    test = ring.kept["zero"]
    once = test.spent
    assert once > 0
    assert vanishes(ring, difference) is True
    assert test.spent > once
    monkeypatch.setattr("jaxgrad.numbers.zero.MOST_FULL_TESTS", 0)
    assert vanishes(ring, difference) is None
    assert vanishes(*_difference(*ADDED["e^(a+b) = e^a·e^b"])) is True


def test_what_is_0_everywhere_is_finite() -> None:
    """tanh u − sinh u/cosh u, which is 0 where it is found out."""

    def nothing(x: Any) -> Any:
        return jnp.tanh(x) - jnp.sinh(x) / jnp.cosh(x)

    x = np.float32(0.7)
    for other, verdict in ((lambda x: x, Verdict.PROVED), (lambda x: 2 * x, Verdict.REFUTED)):
        found = compare(lambda x: jnp.where(jnp.isfinite(nothing(x)), x, 0.0), other, x)
        assert found.verdict is verdict
    ruled = forward(lambda x: x + jnp.abs(nothing(x)), lambda x: 1.0)
    assert check(ruled, (x,)).verdict.passes
