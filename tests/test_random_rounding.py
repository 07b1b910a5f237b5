"""Random rounding: beside the true number, and within what floats may return."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from rule_example import Example
from rule_examples import EXAMPLES
from rule_support import GENERIC

from jaxgrad import Verdict, check
from jaxgrad.gradients.witness import enclosures
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.perturbed import Twins
from jaxgrad.numbers.random_rounding import RoundedAtRandom
from jaxgrad.numbers.running_error import Rounded
from jaxgrad.programs.trace import Program, trace

HERE = {name: example for name, example in EXAMPLES.items() if example.here}


def _runs(program: Program, count: int) -> list[float]:
    """How far the only result is from the true one, run by run."""
    values, moved = [leaf.value for leaf in program.inputs], []
    for seed in range(count):
        [[found]] = [leaf.flat for leaf in enclosures(program, values, RoundedAtRandom(seed))]
        moved.append(float(found.moved.value - found.exact))
    return moved


@pytest.mark.parametrize("name", HERE)
def test_it_is_within_the_running_error(name: str) -> None:
    example: Example = HERE[name]
    x, y = GENERIC[example.domain].astype(np.float32), GENERIC["real"][::-1].astype(np.float32)
    program, seen = trace(example.function, (x, y)), 0
    values = [leaf.value for leaf in program.inputs]
    pairs = zip(
        enclosures(program, values), enclosures(program, values, RoundedAtRandom(0)), strict=True
    )
    for wide, drawn in pairs:
        assert np.shape(wide) == np.shape(drawn)
        for bound, number in zip(np.ravel(wide), np.ravel(drawn), strict=True):
            if isinstance(number, Twins) and isinstance(bound, Rounded):
                if bound.value.is_finite():
                    assert bound.value.overlaps(number.moved.value), (bound, number.moved)
                seen += 1
            else:
                assert not isinstance(number, Twins), (bound, number)
                seen += 1
    assert seen


def test_the_branch_is_that_of_the_true_number() -> None:
    """A tie of a rounded quotient, which half of all roundings would break."""
    program = trace(lambda q: jnp.where(3.0 / q > 0.5, 2 * q, 13.0), (np.float32(6),))
    assert _runs(program, 8) == [0.0] * 8


@pytest.mark.parametrize("terms", [16, 256])
def test_a_sum_spreads_as_the_root_of_its_terms(terms: int) -> None:
    x = np.full(terms, 1 / 3, np.float32)
    found = _runs(trace(jnp.sum, (x,)), 200)
    spread = math.sqrt(sum(y * y for y in found) / len(found))
    unit = float(np.finfo(np.float32).eps) / 2 * terms / 3
    assert 0.8 < spread / unit / math.sqrt(terms) < 1.2


def _units(number: Twins) -> float:
    """How far the drawn number is from the true one, in halves of a unit of float32."""
    off = abs(number.moved.value - number.exact) / abs(number.exact)
    assert off.rad() < 1e-12  # it is one number
    return float(off) * 2.0**24


def test_a_function_is_off_as_by_the_roundings_that_xla_makes_of_it() -> None:
    numbers = RoundedAtRandom(0)
    numbers.round_to(np.float32)
    for name, x in (("exp", 1.0), ("tanh", 0.3), ("lgamma", 0.25), ("bessel_i0e", 2.0)):
        units = math.sqrt(2 * (FUNCTIONS[name].ulps or 0))
        found = _units(numbers.function(name, numbers.constant(x)))
        assert found == pytest.approx(units, rel=1e-5) and found > 2
    # It is exact where it is a float.
    assert numbers.function("exp", numbers.constant(0.0)).moved.value == 1


def test_a_constant_of_all_bits_is_a_rounding() -> None:
    """Of one number, wherever it stands."""
    numbers = RoundedAtRandom(0)
    numbers.round_to(np.float32)
    third = np.float32(1 / 3)
    assert numbers.constant(third).moved.value == arb(float(third))
    numbers.rounds_constants = True
    assert _units(numbers.constant(third)) == pytest.approx(1, abs=1e-6)
    twice = numbers.constant(third) - numbers.constant(third)
    assert twice.moved.value == 0
    numbers.round_to(np.float64)
    two = {float(numbers.constant(x).moved.value) for x in (1 / 3, np.nextafter(1 / 3, 1))}
    assert len(two) == 2
    numbers.round_to(np.float32)
    for simple in (0.5, 3.0, 1023.0, 0.0):
        assert numbers.constant(simple).moved.value == arb(simple)


def test_what_is_stored_is_rounded_to_its_bits() -> None:
    numbers = RoundedAtRandom(0)
    numbers.round_to(np.float32)
    third = numbers.constant(1.0 / 3)
    assert _units(numbers.stored(third)) == pytest.approx(1, abs=1e-6)
    assert _units(numbers.stored(third, 7)) == pytest.approx(2**16, rel=1e-6)
    for bits in (None, 7):
        assert _units(numbers.stored(numbers.constant(1.5), bits)) == 0


def test_what_cancels_spreads_as_floats_do() -> None:
    """In (1 + x) − 1 what was rounded is all that is left."""

    def f(x: jax.Array) -> jax.Array:
        return (1 + x) - 1

    unit = float(np.finfo(np.float32).eps)
    found = _runs(trace(f, (np.float32(1e-3) / 3,)), 16)
    assert 0.4 * unit < max(abs(y) for y in found) < 0.6 * unit


def test_a_rounded_number_less_itself_is_0() -> None:
    """Floats are numbers, and 1/(w − w + 1) − 1 is 0 in floats whatever w was rounded to."""
    numbers = RoundedAtRandom(0)
    numbers.round_to(np.float32)
    one = numbers.constant(1)
    third = numbers.divide(one, numbers.constant(3))
    beside = third - third + one
    assert (numbers.divide(one, beside) - one).moved.value.is_zero()
    drawn = {float(numbers.divide(one, numbers.constant(3)).moved.value) for _ in range(9)}
    assert len(drawn) == 2


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.0001, False), (-1.0, False)])
def test_a_matrix_added_and_taken_away_hides_nothing(factor: float, right: bool) -> None:
    """The rule of eigenvectors, of a large matrix, with 1 on a diagonal of zeros."""
    matrix = np.float32([[-3e9, 1e9], [1e9, 2e9]])

    @jax.custom_jvp
    def vectors(a: Any) -> Any:
        return jnp.linalg.eigh(a)[1]

    @vectors.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        w, v = jnp.linalg.eigh(primals[0])
        one, moved = jnp.eye(2, dtype=w.dtype), (tangents[0] + tangents[0].T) / 2
        inverse = 1 / (w[None, :] - w[:, None] + one) - one
        return v, v @ (v.T @ moved @ v * inverse * factor)

    found = check(vectors, (matrix,), special_points=False)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED)
