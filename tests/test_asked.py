"""What is said of functions and arguments that the proof tools cannot take."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import pytest
from flint import arb

from jaxgrad import covers, decide, enclose, frequency, supremum, upper_bound
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.verdict import Verdict

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: covers(lambda x: jnp.sin(x) + 2, [(0, 1)]),
            r"covers: margin cannot be computed with balls \(flint.arb\) in `<lambda>` .*x.sin\(\)",
        ),
        (lambda: covers(lambda x, y: x + 2, [(0, 1)]), "with 1 argument, balls.*missing.*'y'"),
        (lambda: covers(3, [(0, 1)]), "covers: margin is 3, not a function: give it uncalled"),
        (
            lambda: supremum(lambda x: jnp.sin(x), (0, 1), outside_bounds={}),
            r"supremum: f cannot be computed with series .*no jax.numpy",
        ),
        (lambda: supremum(3, (0, 1), outside_bounds={}), "supremum: f is 3, not a function"),
        (lambda: supremum(lambda x: x, 3, outside_bounds={}), r"3 is no interval; give \(lower"),
        (lambda: supremum(lambda x: x, (0, 1), outside_bounds=3), "outside_bounds is 3; give a"),
        (lambda: upper_bound(lambda x: jnp.sin(x), (0, 1)), "upper_bound: f cannot be computed"),
        (lambda: frequency(3, KEY, 10), "frequency: the event is 3, not a function"),
        (lambda: frequency(lambda: True, KEY, 10), "the event is called with 1 argument, a key"),
        (lambda: frequency(jax.random.bernoulli, 0, 10), "the key is 0; give one that"),
        (
            lambda: frequency(lambda key: (jax.random.bernoulli(key),) * 2, KEY, 10),
            r"the event returned bool\[\], bool\[\], not one bool",
        ),
        (lambda: frequency(lambda key: None, KEY, 10), "the event returned None, not one bool"),
        (
            lambda: frequency(lambda key: bool(jax.random.bernoulli(key)), KEY, 10),
            "frequency: the event cannot be traced by JAX",
        ),
        (
            lambda: decide(lambda x: jnp.sin(x) <= 1),
            r"decide: the conclusion cannot be computed with polynomials in `<lambda>`",
        ),
        (lambda: decide(lambda x: x * x >= 0, where=lambda x: jnp.abs(x) > 1), "decide: where can"),
        (
            lambda: decide(lambda s: s.exp() <= 1),
            "decide: the conclusion cannot be computed with polynomials",
        ),
        (lambda: covers(lambda x: x.absolute(), [(0, 1)]), "covers: margin cannot be computed"),
        (lambda: enclose(lambda x: x), "value is called without arguments: missing.*'x'"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_named(call, message):
    with pytest.raises(JaxgradError, match=message):
        call()


def test_an_error_of_the_callers_own_goes_on_as_it_is():
    def margin(x):
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        covers(margin, [(0, 1)])


def test_a_key_of_the_older_kind_is_a_key():
    assert frequency(jax.random.bernoulli, jax.random.PRNGKey(0), 10).trials == 10


@pytest.mark.parametrize(
    ("conclusion", "where", "verdict"),
    [
        (lambda x: x * x != -1, None, Verdict.PROVED),
        (lambda x: x * x != 2, None, Verdict.REFUTED),
        (lambda x: x * x > 0, lambda x: x != 0, Verdict.PROVED),
        (lambda x: x * x > 0, lambda x: x != 1, Verdict.REFUTED),
        (lambda x: abs(x) != -1, None, Verdict.PROVED),
        (lambda x: abs(x) != x, lambda x: x < 0, Verdict.PROVED),
        (lambda x: abs(x) != x, None, Verdict.REFUTED),
        (lambda x: x != abs(x), lambda x: x <= 0, Verdict.REFUTED),
        (lambda x, y: x * y != 1, lambda x, y: [x > 0, y < 0], Verdict.PROVED),
        (lambda x, y: x * y != 1, None, Verdict.REFUTED),
    ],
)
def test_unequal_is_a_comparison(conclusion, where, verdict):
    evidence = decide(conclusion, where)
    assert evidence.verdict is verdict
    if verdict is Verdict.REFUTED:
        assert evidence.counterexample is not None


def test_unequal_with_a_set_of_equality():
    found = decide(lambda x: (x - 1) ** 2 >= 0, lambda x: x != 2, equality=lambda x: x == 1)
    assert found.verdict is Verdict.PROVED
    missed = decide(lambda x: (x - 1) ** 2 >= 0, lambda x: x != 1, equality=lambda x: x == 1)
    assert missed.verdict is Verdict.REFUTED


def test_an_argument_error_inside_a_function_is_not_taken_for_a_pole():
    def refuses(x):
        raise ArgumentError("no such function")

    with pytest.raises(ArgumentError, match="no such function"):
        supremum(refuses, (0, Fraction(1)), outside_bounds={"x > 1": lambda: arb(0)})
