"""The translation behind the zero test, against its numerical meaning."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import over_polynomials

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.canonical import Canonical
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.ring import Generator, Ring
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.programs.trace import trace

sigmoid = jax.nn.sigmoid
Function = Callable[..., Any]


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
    ring = Ring(256, 2_000)
    try:
        element = over_polynomials(trace(function, (1.0, 2.0)), ring)[0].reshape(())[()]
        canonical = Canonical(ring, 2_000, 20_000)
        numerator, denominator = canonical.quotient(element.poly)
    except CannotDecide:
        return
    for x, y in points:
        with precision(300):
            point = {(0, 0): x, (1, 0): y}
            value = Valuation(ring, point)(element.poly)
            translated = _QuotientValuation(canonical.ring, point)
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
