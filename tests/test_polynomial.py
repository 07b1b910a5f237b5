"""Polynomials: the identities that normal forms know, those that the zero test adds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked, over_polynomials

from jaxgrad.numbers import zero_test
from jaxgrad.numbers.ball import precision
from jaxgrad.numbers.base import CannotDecide, exact
from jaxgrad.numbers.canonical import Canonical
from jaxgrad.numbers.canonical_signs import MOST_CASES, signs
from jaxgrad.numbers.field import READING, STEP, Field, FieldFull, Generator
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.numbers.polynomial import Polynomial, _significand
from jaxgrad.numbers.sizes import LARGEST_DEGREE
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.numbers.zero_test import is_zero
from jaxgrad.program import trace

sigmoid = jax.nn.sigmoid
Function = Callable[..., Any]


def _difference(left: Function, right: Function, count: int) -> tuple[Field, Any]:
    """The difference of two functions of scalars as a polynomial."""
    field = Field(128, 10_000)
    args = tuple(float(i + 1) for i in range(count))
    sides = [over_polynomials(trace(f, args), field)[0].reshape(())[()] for f in (left, right)]
    return field, sides[0].poly - sides[1].poly


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
    field, difference = _difference(*ADDED[name])
    assert is_zero(field, difference) is True


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
    field, difference = _difference(left, lambda *xs: right(*xs) + plant(*xs), count)
    assert is_zero(field, difference) is None


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
    field, difference = _difference(FINER[name], lambda x: x - x, 1)
    assert not difference.is_zero()
    assert Canonical(field, 2_000, 20_000).quotient(difference)[0].is_zero()


def test_the_logarithm_of_a_fraction_keeps_its_sign() -> None:
    for half in (0.5, 0.25, 1.5):
        field, difference = _difference(
            lambda x, half=half: jnp.log((x - 1) * half),
            lambda x, half=half: jnp.log(x - 1) + jnp.log(half + 0 * x),
            1,
        )
        assert Canonical(field, 2_000, 20_000).quotient(difference)[0].is_zero()
    field, difference = _difference(
        lambda x: jnp.log((1 - x) / 2), lambda x: jnp.log(x / 2 - 0.5), 1
    )
    assert not Canonical(field, 2_000, 20_000).quotient(difference)[0].is_zero()


def test_what_differs_only_on_a_tie_is_not_zero() -> None:
    field, difference = _difference(
        jax.grad(jnp.maximum), lambda x, y: jnp.where(x > y, 1.0, 0.0), 2
    )
    assert is_zero(field, difference) is None
    field, difference = _difference(lambda x: jnp.where(x == 0, 1.0, x), lambda x: x, 1)
    assert is_zero(field, difference) is None


def test_what_differs_only_where_no_point_was_tried_is_not_zero() -> None:
    field, difference = _difference(
        lambda x: jnp.where(x > 1000, x * 1.0625, x), lambda x: jax.nn.relu(x) - jax.nn.relu(-x), 1
    )
    assert is_zero(field, difference) is None
    field, difference = _difference(
        lambda x: jnp.where(x > 1000, x, x), lambda x: jax.nn.relu(x) - jax.nn.relu(-x), 1
    )
    assert is_zero(field, difference) is True


def test_a_spent_budget_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, count = ADDED["e^(a+b) = e^a·e^b"]
    field, difference = _difference(left, right, count)
    monkeypatch.setattr("jaxgrad.numbers.zero_test.MAX_TERMS_IN_ALL", 1)
    assert is_zero(field, difference) is None


def test_the_zero_tests_of_a_field_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    field, difference = _difference(*ADDED["e^(a+b) = e^a·e^b"])
    assert is_zero(field, difference) is True
    test = zero_test._TESTS[field]
    once = test.spent
    assert once > 0
    assert is_zero(field, difference) is True
    assert test.spent > once
    monkeypatch.setattr("jaxgrad.numbers.zero_test.MOST_FULL_TESTS", 0)
    assert is_zero(field, difference) is None
    assert is_zero(*_difference(*ADDED["e^(a+b) = e^a·e^b"])) is True


def test_work_counts_the_steps_of_python_and_what_is_read() -> None:
    system, x, y = _system()
    field = system.field
    before = field.work
    _ = x * y
    assert field.work - before >= STEP  # however short
    before = field.work
    field.split((x + y).poly, field.generators[0])
    assert field.work - before == READING * 3 * field.capacity + STEP
    before = field.work
    field.product(x.poly, y.poly)
    assert field.work - before == STEP // 4


# -- the translation behind the zero test, against its numerical meaning -------------------------
class _QuotientValuation(Valuation):
    """Values of the translation's generators, whose arguments are numerators and denominators."""

    def _meaning(self, generator: Generator) -> arb:
        values = [self(argument) for argument in generator.arguments]
        if generator.kind in ("input", "positive", "zero"):
            return super()._meaning(generator)
        pairs = [values[i] / values[i + 1] for i in range(0, len(values), 2)]
        if generator.kind == "exp":
            return (pairs[0] / generator.label).exp()
        return _meaning_of(generator.kind, pairs)


def _meaning_of(kind: str, values: list[arb]) -> arb:
    return {
        "log": lambda u: u.log(),
        "root": lambda u: u.sqrt(),
        "sin": lambda u: u.sin(),
        "cos": lambda u: u.cos(),
        "erf": lambda u: u.erf(),
        "maximum": lambda *us: functools.reduce(arb.max, us),
        "finite": lambda u: arb(1) if u.is_finite() else arb(0).union(1),
    }[kind](*values)


def _leaf_or_operation(children: st.SearchStrategy[Function]) -> st.SearchStrategy[Function]:
    def unary(operation: Function, f: Function) -> Function:
        return lambda x, y: operation(f(x, y))

    def binary(operation: Function, f: Function, g: Function) -> Function:
        return lambda x, y: operation(f(x, y), g(x, y))

    ones = [
        jnp.tanh, sigmoid, jax.nn.softplus, jax.nn.relu, jnp.abs, jnp.sin, lax.erf,
        lambda u: jnp.exp(u / 4), lambda u: jnp.exp(jnp.tanh(u)), lambda u: jnp.sqrt(1 + u * u),
        lambda u: jnp.log(1 + jnp.exp(u)), lambda u: 1 / (1 + u * u), lambda u: u / 3,
        lambda u: jnp.log(2 + jnp.abs(u)), lambda u: jnp.where(u == 0, 2.0, u), jnp.sinh,
        lambda u: jnp.log(3 * u * u + 1) / (2 + jnp.tanh(u)), jnp.cos,
    ]  # fmt: skip
    twos = [
        jnp.add, jnp.subtract, jnp.multiply, jnp.maximum, jnp.minimum, jnp.logaddexp,
        lambda u, v: jnp.where(u > v, u, v * v), lambda u, v: u / (1 + jnp.exp(v)),
        lambda u, v: u * (u == v), lambda u, v: jax.nn.logsumexp(jnp.stack([u, v, u + 1])),
    ]  # fmt: skip
    return st.one_of(
        st.builds(unary, st.sampled_from(ones), children),
        st.builds(binary, st.sampled_from(twos), children, children),
    )


_functions = st.recursive(
    st.sampled_from([lambda x, y: x, lambda x, y: y, lambda x, y: x + 2 * y - 1]),
    _leaf_or_operation,
    max_leaves=4,
)
_number = st.integers(-8, 8).map(lambda n: n / 4)


@settings(max_examples=80, deadline=None)
@given(function=_functions, points=st.lists(st.tuples(_number, _number), min_size=2, max_size=4))
def test_the_translation_keeps_every_value(function: Function, points: Any) -> None:
    _compare_translation(function, points)


def _compare_translation(function: Function, points: Any) -> None:
    field = Field(256, 2_000)
    try:
        element = over_polynomials(trace(function, (1.0, 2.0)), field)[0].reshape(())[()]
        canonical = Canonical(field, 2_000, 20_000)
        numerator, denominator = canonical.quotient(element.poly)
    except CannotDecide:
        return
    for x, y in points:
        with precision(300):
            point = {(0, 0): x, (1, 0): y}
            value = Valuation(field, point)(element.poly)
            translated = _QuotientValuation(canonical.field, point)
            quotient = translated(numerator) / translated(denominator)
            assert not (value.is_finite() and quotient.is_finite()) or value.overlaps(quotient)


_Right = Canonical
WRONG_TRANSLATIONS: dict[str, tuple[Function, Function]] = {
    "_sigmoid": (sigmoid, lambda self, u: _Right._reciprocal(self, _Right._sigmoid(self, u))),
    "_softplus": (jax.nn.softplus, lambda self, u: _Right._exp(self, u)),
    "_log": (lambda x: jnp.log(3 + x * x), lambda self, u: u),
    "_exp": (jnp.exp, lambda self, u: (self.one + u[0], u[1])),
    "_root": (lambda x: jnp.sqrt(x * x + 1), lambda self, u: u),
    "_positive": (jax.nn.relu, lambda self, u: _Right._zero(self, u)),
    "_hyperbolic": (jnp.sinh, lambda self, u, sign: _Right._hyperbolic(self, u, -sign)),
    "_maximum": (lambda x: jnp.max(jnp.stack([x, -x, x + 1])), lambda self, *us: us[0]),
}


@pytest.mark.parametrize("name", WRONG_TRANSLATIONS)
def test_a_wrong_translation_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, wrong = WRONG_TRANSLATIONS[name]

    class Wrong(Canonical):
        pass

    setattr(Wrong, name, wrong)
    monkeypatch.setitem(globals(), "Canonical", Wrong)
    with pytest.raises(AssertionError):
        _compare_translation(lambda x, y: function(x) + y, [(0.5, 1.0), (-1.25, 0.0)])


# -- the system itself --------------------------------------------------------------------------
def _system() -> tuple[Polynomial, Any, Any]:
    system = Polynomial(Field(32, 1000))
    return system, system.variable("x"), system.variable("y")


@given(n=st.integers(-(2**70), 2**70))
def test_integers_are_exact_constants(n: int) -> None:
    system, x, _ = _system()
    assert system.exact_value(x + n - x) == n


def test_numpy_integers_are_exact_constants() -> None:
    system, x, _ = _system()
    assert system.exact_value(x + np.int64(2**60 + 1) - x) == 2**60 + 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float32("-inf")])
def test_what_is_no_real_number_is_no_constant(number: Any) -> None:
    with pytest.raises(CannotDecide, match="is not a real number"):
        exact(number)


def test_powers_of_constant_exponent() -> None:
    _, x, _ = _system()
    assert (x**2).poly == (x * x).poly
    assert (x**2.0).poly == (x * x).poly
    assert ((x**0.5) * (x**0.5)).poly == x.poly
    assert (x**-1 * x).poly.is_one()
    assert (x**0.25).poly != x.poly


def test_a_full_field_says_so() -> None:
    system = Polynomial(Field(1, 1000))
    x = system.variable("x")
    with pytest.raises(FieldFull):
        system.exp(x)


def test_a_polynomial_past_its_budget_stops() -> None:
    system = Polynomial(Field(4, 3))
    x, y = system.variable("x"), system.variable("y")
    with pytest.raises(CannotDecide, match="budget of 3 terms"):
        system.power(x + y, 4)


@pytest.mark.parametrize("function", ["divide", "log", "sqrt"])
def test_what_is_undefined_everywhere_is_refused(function: str) -> None:
    system, x, _ = _system()
    with pytest.raises(CannotDecide):
        if function == "divide":
            system.divide(x, x - x)
        elif function == "log":
            system.log(x - x)
        else:
            system.sqrt(x - x - 1)


def test_conditions_are_recorded() -> None:
    system, x, y = _system()
    system.divide(x, y + 1)
    system.log(x)
    system.divide(y, y + 1)
    found = [(c.name, [str(u) for u in c.arguments]) for c in system.field.conditions]
    assert found == [("divide", [str((y + 1).poly)]), ("log", [str(x.poly)])]
    one = system.constant(1)
    system.divide(x, one + system.exp(y))
    system.divide(x, -one - x * x)
    system.sqrt(one + x * x)
    assert len(system.field.conditions) == 2


def test_sums_of_squares_are_positive_if_one_term_is() -> None:
    system, x, y = _system()
    field, one = system.field, system.constant(1)
    sign, root = system.compare("gt", x, y), system.sqrt(y)
    for positive in (one, one + x * x, system.exp(x) + x * x * y * y, one + root * system.exp(y),
                     one + sign, system.logistic(x) + y * y):  # fmt: skip
        assert field.is_positive(positive.poly), positive
        assert not field.is_positive((-positive).poly), positive
    for doubtful in (x, x * x, one + x, one - x * x, one + x * y, root, sign, x * x + y * y,
                     one + x * x * y, one + system.log(x)):  # fmt: skip
        assert not field.is_positive(doubtful.poly), doubtful


def test_what_a_generator_takes_for_positive_is_its_own() -> None:
    """log x has a value for x > 0, whatever other logarithms say of other numbers."""
    system, x, y = _system()
    field, one = system.field, system.constant(1)
    logarithms = {"x": system.log(x), "y": system.log(y)}
    numbers = {"x": x, "y": y}
    below = system.exp(logarithms["x"] * logarithms["x"])
    system.log(y * y + one)  # the last generator takes nothing for positive
    for name, logarithm in logarithms.items():
        square = logarithm * logarithm
        for other, number in numbers.items():
            assert field.is_positive((number + square).poly) == (name == other)
    assert field.is_positive((x + below).poly) and not field.is_positive((y + below).poly)


def test_terms_of_an_exponent_are_read_and_counted() -> None:
    system, x, y = _system()
    exponent = system.log(x + y) + x + y
    before = system.field.work
    system._exponent_parts(exponent)
    once = READING * (len(exponent.poly) + 1) * system.field.capacity
    assert system.field.work - before >= once + STEP


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-80, 80), st.sampled_from([1, -1]))
def test_a_number_is_a_significand_times_a_power_of_two(a: int, b: int, k: int, sign: int) -> None:
    number = sign * Fraction(a, b) * Fraction(2) ** k
    significand, power = _significand(number)
    assert significand * abs(power) == abs(number) and (power > 0) == (number > 0)
    numerator, denominator = abs(power).numerator, abs(power).denominator
    assert numerator & (numerator - 1) == 0 == denominator & (denominator - 1)
    assert numerator <= LARGEST_DEGREE
    if numerator > 1 or denominator > 1:
        assert Fraction(1, 2) < significand < 2
    # Twice the number has the same significand, unless its power would be large.
    if numerator < LARGEST_DEGREE / 2 and (numerator > 1 or denominator > 1):
        assert _significand(2 * number) == (significand, 2 * power)


@pytest.mark.parametrize("k", [-1000, -80, -8, -1, 0, 1, 5, 6, 7, 80])
def test_a_power_of_two_is_taken_out_unless_it_is_large(k: int) -> None:
    number = Fraction(2) ** k
    expected = (1, number) if number <= LARGEST_DEGREE else (number, 1)
    assert _significand(number) == expected
    assert _significand(-number) == (expected[0], -expected[1])


def test_infinities() -> None:
    system, x, _ = _system()
    infinity, nan = system.constant(np.inf), system.constant(np.nan)
    assert repr(system.largest([x, infinity])) == "NonFinite(inf)"
    assert repr(system.largest([infinity, nan, x])) == "NonFinite(nan)"
    assert system.largest([x, -infinity]) is x
    assert isinstance(system.largest([]), NonFinite)
    assert system.maximum(x, -infinity) is x and system.maximum(-infinity, x) is x
    assert repr(system.maximum(x, infinity)) == "NonFinite(inf)"
    assert repr(system.minimum(nan, x)) == "NonFinite(nan)"
    assert system.minimum(infinity, x).poly == x.poly
    with pytest.raises(CannotDecide, match=r"`atan2` at a real number, inf$"):
        apply_nonfinite(system, "atan2", (x, infinity))
    with pytest.raises(CannotDecide):
        _ = infinity * x


def test_a_generator_of_one_meaning_is_made_once() -> None:
    system, x, y = _system()
    first = system.logistic(x * 3 + y)
    count = len(system.field.generators)
    again = system.logistic(y + x * 3)
    assert first.poly == again.poly and len(system.field.generators) == count


@pytest.mark.parametrize(
    ("meaning", "argument", "least", "most"),
    [
        ("zero", arb(0), 1, 1), ("zero", arb(2), 0, 0), ("zero", arb(0, 1), 0, 1),
        ("positive", arb(0), 0, 0), ("positive", arb(2), 1, 1), ("positive", arb(-2), 0, 0),
        ("positive", arb(0, 1), 0, 1), ("positive", arb(1, 1), 0, 1),
        ("finite", arb(2), 1, 1), ("finite", arb(0, 1), 1, 1), ("finite", arb.nan(), 0, 1),
    ],
)  # fmt: skip
def test_an_indicator_of_what_is_not_known_may_be_either(
    meaning: str, argument: arb, least: int, most: int
) -> None:
    field = Field(8, 100)
    u = field.generator("input", (), "u").poly
    indicator = field.generator(meaning, (u,)).poly
    value = Valuation(field, {"u": argument})(indicator)
    assert value.contains(least) and value.contains(most)
    assert least < most or value.is_exact()


@pytest.mark.parametrize("count", [MOST_CASES, MOST_CASES + 1])
def test_signs_are_split_by_case_up_to_so_many_indicators(count: int) -> None:
    field = Field(64, 1000)
    inputs = [field.generator("input", (), k).poly for k in range(count)]
    cases = [field.generator("positive", (x,)) for x in inputs]
    made = len(field.generators)
    signs(field, field.sum([case.poly for case in cases]) * 2 - 1)
    nested = [g for g in field.generators[made:] if field.used(g.arguments[0])]
    assert len(nested) == (0 if count <= MOST_CASES else 2)
