"""Residues modulo random primes: what they are of, what is known of functions, and how they err."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpz
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.errors import CannotDecide
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers import residue_blocks, residues
from jaxgrad.numbers.prime_fields import PrimeFields
from jaxgrad.numbers.residue_functions import ResidueNumbers
from jaxgrad.numbers.residue_sizes import Inverted, Size
from jaxgrad.numbers.residues import ResidueArrays, Residues
from jaxgrad.programs.trace import trace
from jaxgrad.strategies import programs

Function = Callable[..., Any]


def _same(f: Function, g: Function, *args: Any, primes: int = 3) -> list[np.ndarray]:
    """Of which entries two functions have the same residues at a random point."""
    numbers = ResidueNumbers(PrimeFields(primes))
    traced = [trace(h, args) for h in (f, g)]
    drawn = [numbers.fields.drawn(math.prod(leaf.shape)) for leaf in traced[0].inputs]
    for _ in range(5):
        system = ResidueArrays(numbers)
        found = [
            interpret(program, system, [
                system.inputs(lanes, leaf.shape) if leaf.differentiable else leaf.value
                for lanes, leaf in zip(drawn, program.inputs, strict=True)
            ])
            for program in traced
        ]  # fmt: skip
        if not numbers.again():
            break
    else:
        raise AssertionError("residues are not settled")
    return [
        np.logical_and.reduce([a == b for a, b in zip(x.parts[:-1], y.parts[:-1], strict=True)])
        for x, y in zip(*found, strict=True)
    ]


def _alike(f: Function, g: Function, *args: Any) -> bool:
    found = _same(f, g, *args)
    assert found
    return all(bool(leaf.all()) for leaf in found)


X = np.array([0.5, -1.25, 2.0], np.float32)
Y = np.array([1.5, 0.25, -0.75], np.float32)
relu, sigmoid, softplus = jax.nn.relu, jax.nn.sigmoid, jax.nn.softplus


def _summed(f: Function) -> Function:
    """The gradient of the sum of what f returns."""
    return jax.grad(lambda *args: jnp.sum(f(*args)))


# fmt: off
EQUAL: dict[str, tuple[Function, Function, tuple[Any, ...]]] = {
    "a product of sums": (lambda x, y: (x + y) * (x - y), lambda x, y: x**2 - y**2, (X, Y)),
    "powers": (lambda x: x**3 / x, lambda x: x * x, (X,)),
    "a negative power": (lambda x: x**-2 * x, lambda x: 1 / x, (X,)),
    "decimals": (lambda x: x * 0.5 + x * 0.25, lambda x: 3 * x / 4, (X,)),
    "sums of exponents": (
        lambda x, y: jnp.exp(x + y), lambda x, y: jnp.exp(x) * jnp.exp(y), (X, Y)),
    "differences of exponents": (
        lambda x, y: jnp.exp(x - y) * jnp.exp(y), lambda x, y: jnp.exp(x), (X, Y)),
    "multiples of exponents": (lambda x: jnp.exp(3 * x), lambda x: jnp.exp(x) ** 3, (X,)),
    "halves of exponents": (lambda x: jnp.exp(x), lambda x: jnp.exp(x / 2) ** 2, (X,)),
    "an exponent that is known, then its half": (
        lambda x: jnp.exp(x) * jnp.exp(x / 4), lambda x: jnp.exp(x / 4) ** 5, (X,)),
    "exponentials of logarithms": (
        lambda x, y: jnp.exp(2 * jnp.log(1 + x * x) + y),
        lambda x, y: (1 + x * x) ** 2 * jnp.exp(y), (X, Y)),
    "logarithms of exponentials": (lambda x: jnp.log(jnp.exp(x)), lambda x: x, (X,)),
    "logarithms of positive factors": (
        lambda x: jnp.log((1 + x * x) / jnp.exp(x)), lambda x: jnp.log(1 + x * x) - x, (X,)),
    "sigma": (_summed(sigmoid), lambda x: sigmoid(x) * (1 - sigmoid(x)), (X,)),
    "sigma of -x": (lambda x: sigmoid(-x), lambda x: 1 - sigmoid(x), (X,)),
    "tanh": (_summed(jnp.tanh), lambda x: 1 - jnp.tanh(x) ** 2, (X,)),
    "tanh by sigma": (jnp.tanh, lambda x: 2 * sigmoid(2 * x) - 1, (X,)),
    "softplus": (_summed(softplus), sigmoid, (X,)),
    "softplus by hand": (softplus, lambda x: jnp.log(1 + jnp.exp(x)), (X,)),
    "softplus of -x": (lambda x: softplus(x) - softplus(-x), lambda x: x, (X,)),
    "stable cross-entropy": (
        lambda x, y: jnp.maximum(x, 0) - x * y + jnp.log1p(jnp.exp(-abs(x))),
        lambda x, y: jnp.log(1 + jnp.exp(x)) - x * y, (X, Y)),
    "softmax": (
        jax.grad(lambda x, y: -jnp.sum(y * jax.nn.log_softmax(x))),
        lambda x, y: jnp.sum(y) * jax.nn.softmax(x) - y, (X, Y)),
    "softmax without a maximum": (
        jax.nn.softmax, lambda x: jnp.exp(x) / jnp.sum(jnp.exp(x)), (X,)),
    "logsumexp": (jax.grad(jax.nn.logsumexp), jax.nn.softmax, (X,)),
    "sine and cosine": (lambda x: jnp.sin(x) ** 2, lambda x: 1 - jnp.cos(x) ** 2, (X,)),
    "parity": (lambda x: jnp.sin(-x) * jnp.cos(-x), lambda x: -jnp.sin(x) * jnp.cos(x), (X,)),
    "tangent": (_summed(jnp.tan), lambda x: 1 / jnp.cos(x) ** 2, (X,)),
    "hyperbolic functions": (lambda x: jnp.cosh(x) ** 2 - jnp.sinh(x) ** 2, jnp.ones_like, (X,)),
    "erf": (lambda x: jax.lax.erf(-x), lambda x: jax.lax.erfc(x) - 1, (X,)),
    "roots": (lambda x: jnp.sqrt(1 + x * x) ** 2, lambda x: 1 + x * x, (X,)),
    "a norm": (jax.grad(jnp.linalg.norm), lambda x: x / jnp.linalg.norm(x), (X,)),
    "a root met before it is taken": (
        lambda x: (2 + x * x) * jax.lax.rsqrt(2 + x * x), lambda x: jnp.sqrt(x * x + 2), (X,)),
    "roots of squares of rational numbers": (lambda x: jnp.sqrt(2.25) * x, lambda x: 1.5 * x, (X,)),
    "powers of one half": (lambda x: x**1.5, lambda x: x * jnp.sqrt(x), (abs(X),)),
    "relu": (_summed(relu), lambda x: jnp.where(x > 0, 1.0, 0.0), (X,)),
    "relu of relu": (lambda x: relu(relu(x)), relu, (X,)),
    "a mask taken twice": (lambda x, y: (x > 0) * ((x > 0) * y), lambda x, y: (x > 0) * y, (X, Y)),
    "a mask of relu": (lambda x, y: (relu(x) > 0) * y, lambda x, y: (x > 0) * y, (X, Y)),
    "the other half": (lambda x: relu(x) - relu(-x), lambda x: x, (X,)),
    "the absolute value": (lambda x: abs(x) * jnp.sign(x), lambda x: x, (X,)),
    "its square": (lambda x: abs(x) ** 2, lambda x: x * x, (X,)),
    "larger and smaller": (
        lambda x, y: jnp.maximum(x, y) + jnp.minimum(x, y), lambda x, y: x + y, (X, Y)),
    "the same choice within": (
        lambda x, y: jnp.where(x > y, jnp.where(x > y, x, 5.0), jnp.where(x > y, 7.0, y)),
        lambda x, y: jnp.where(x > y, x, y), (X, Y)),
    "no choice": (lambda x: jnp.where(x > 0, x, x), lambda x: x, (X,)),
    "a safe logarithm": (
        _summed(lambda x: jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), 0.0)),
        lambda x: jnp.where(x > 0, 1 / jnp.where(x > 0, x, 1.0), 0.0), (X,)),
    "huber": (
        _summed(lambda x: jnp.where(abs(x) <= 1, 0.5 * x * x, abs(x) - 0.5)),
        lambda x: jnp.where(abs(x) <= 1, x, jnp.where(x >= 0, 1.0, -1.0)), (X,)),
    "an infinite mask": (
        lambda x: jax.nn.softmax(jnp.where(jnp.array([True, False, True]), x, -jnp.inf)),
        lambda x: jnp.exp(x) * jnp.array([1.0, 0, 1]) / (jnp.exp(x[0]) + jnp.exp(x[2])), (X,)),
    "a cumulative sum": (lambda x: jnp.cumsum(x)[-1], jnp.sum, (X,)),
    "moves": (lambda x: jnp.outer(x, x).T[::-1], lambda x: jnp.outer(x[::-1], x), (X,)),
    "updates": (
        lambda x: jnp.zeros(3).at[jnp.array([0, 2, 0])].add(x)[0], lambda x: x[0] + x[2], (X,)),
    "the maximum of many": (lambda x: jnp.max(x[::-1]), jnp.max, (X,)),
}

# Of all of these one is a right answer with something wrong in it.
DIFFERENT: dict[str, tuple[Function, Function, tuple[Any, ...]]] = {
    "a sign": (lambda x: sigmoid(x) * (1 + sigmoid(x)), _summed(sigmoid), (X,)),
    "a factor": (lambda x: x * 0.5, lambda x: x * (0.5 + 2.0**-24), (X,)),
    "one in 2^60": (lambda x: x * x, lambda x: x * x + 2.0**-60, (X,)),
    "an exponent": (lambda x: jnp.exp(2 * x), lambda x: jnp.exp(3 * x), (X,)),
    "half of an exponent": (lambda x: jnp.exp(x / 2), jnp.exp, (X,)),
    "another exponent": (lambda x, y: jnp.exp(x + y), lambda x, y: jnp.exp(x - y), (X, Y)),
    "a root": (lambda x: jnp.sqrt(1 + x * x), lambda x: 1 + x, (X,)),
    "the sign of a root": (lambda x: jnp.sqrt(1 + x * x), lambda x: -jnp.sqrt(1 + x * x), (X,)),
    "a multiple of a root": (
        lambda x: jnp.sqrt(4 + 4 * x * x), lambda x: -2 * jnp.sqrt(1 + x * x), (X,)),
    "the absolute value": (abs, lambda x: x, (X,)),
    "its sign": (abs, lambda x: -abs(x), (X,)),
    "a mask": (relu, lambda x: x, (X,)),
    "the other mask": (relu, lambda x: x * (x < 0), (X,)),
    "at a tie alone": (
        lambda x: jnp.where(x > 0, 1.0, 0.0), lambda x: jnp.where(x >= 0, 1.0, 0.0), (X,)),
    "no ties": (lambda x: 1.0 * (x != 0), jnp.ones_like, (X,)),
    "a product of masks": (
        lambda x, y: (x > 0) * (y > 0) * 1.0, lambda x, y: (x > 0) * 1.0, (X, Y)),
    "the wrong branch": (
        lambda x, y: jnp.where(x > y, x, y), lambda x, y: jnp.where(x > y, y, x), (X, Y)),
    "a choice within": (
        lambda x, y: jnp.where(x > y, jnp.where(x < y, x, 5.0), y),
        lambda x, y: jnp.where(x > y, x, y), (X, Y)),
    "sine for cosine": (jnp.sin, jnp.cos, (X,)),
    "cosine for its square": (lambda x: jnp.cos(x) ** 2, lambda x: 1 + jnp.sin(x) ** 2, (X,)),
    "the maximum": (jnp.max, lambda x: x[2], (X,)),
    "a transpose": (lambda x: jnp.outer(x, x**2), lambda x: jnp.outer(x**2, x), (X,)),
    "softplus": (softplus, lambda x: jnp.log(1 + jnp.exp(-x)), (X,)),
    "one logarithm": (lambda x: jnp.log(1 + x * x), lambda x: jnp.log(1 + x**4), (X,)),
}
# fmt: on


@pytest.mark.parametrize("name", EQUAL)
def test_what_is_the_same_function_has_the_same_residues(name: str) -> None:
    f, g, args = EQUAL[name]
    for _ in range(3):  # u and −u have one value, and each of them is drawn as either
        assert _alike(f, g, *args)


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_has_other_residues(name: str) -> None:
    f, g, args = DIFFERENT[name]
    assert not all(bool(leaf.all()) for leaf in _same(f, g, *args))


@settings(max_examples=30)
@given(programs())
def test_both_derivatives_of_a_drawn_program_are_the_same(f: Any) -> None:
    def forward(x: Any) -> Any:
        return jax.vmap(lambda v: jax.jvp(f, (x,), (v,))[1])(jnp.eye(3, dtype=x.dtype))

    assert _alike(jax.grad(f), forward, X)
    assert not _alike(jax.grad(f), lambda x: forward(x) + x, X)


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=3))
@settings(max_examples=25)
def test_residues_are_those_of_exact_numbers(entries: list[int]) -> None:
    def f(x: Any) -> Any:
        return (x * x[::-1] - 0.5) ** 3 + jnp.sum(jnp.outer(x, x)[1]) / 3 + jnp.prod(x)

    a, b, c = map(Fraction, entries)
    rest = (b * a + b * b + b * c) / 3 + a * b * c
    half = Fraction(1, 2)
    wanted = [(a * c - half) ** 3 + rest, (b * b - half) ** 3 + rest, (c * a - half) ** 3 + rest]
    system = ResidueArrays(ResidueNumbers(PrimeFields(2)))
    (found,) = interpret(trace(f, (X,)), system, [system.lift(np.array(entries, float))])
    for ours, theirs in zip(
        found.parts[:-1], system.lift(np.array(wanted, object)).parts, strict=False
    ):
        assert ours.tolist() == theirs.tolist()


def test_constants_of_every_size() -> None:
    system = ResidueArrays(ResidueNumbers(PrimeFields(2)))
    values = np.array(
        [0.0, -0.0, 1.0, 5e-324, -1.7976931348623157e308, 0.1, np.inf, -np.inf, np.nan]
    )
    found = system.lift(values)
    primes = system.numbers.fields.primes
    for k, value in enumerate(values.tolist()):
        if not math.isfinite(value):
            assert int(found.parts[-1][k]) < 0
            continue
        q = Fraction(value)
        wanted = [q.numerator * pow(q.denominator, -1, p) % p for p in primes]
        assert [int(part[k]) for part in found.parts[:-1]] == wanted


@pytest.mark.parametrize(
    "f, said",
    [
        (lambda x: 1 / (x - x), "a division by 0"),
        (lambda x: jnp.log(x - x), "a logarithm of 0"),
        (jnp.sort, "the order of numbers that depend on the inputs"),
        (jnp.argmax, "which of some numbers"),
        (lambda x: jnp.where(x > 0, jnp.inf, x), "selected by an open condition"),
        (lambda x: jnp.sum(jnp.array([1.0, jnp.inf, 0.0]) + x), "holds an infinity or NaN"),
    ],
)
def test_what_residues_do_not_tell_is_said(f: Function, said: str) -> None:
    with pytest.raises(CannotDecide, match=said):
        _same(f, f, X)


def test_there_is_an_end_to_how_many_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residue_blocks, "_MOST", 100)
    with pytest.raises(CannotDecide, match="more than 100 residues"):
        _same(lambda x: jnp.outer(x, x) ** 2, lambda x: jnp.outer(x, x), np.ones(20, np.float32))


def test_what_is_moved_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residues, "_LARGEST", 100)
    with pytest.raises(CannotDecide, match="arrays of more than 100 residues"):
        _same(lambda x: jnp.tile(x, 6), lambda x: jnp.tile(x, 6), np.ones(20, np.float32))


def test_where_nothing_is_kept_less_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    f, g, args = EQUAL["sums of exponents"]
    monkeypatch.setattr(residue_blocks, "_KEPT", 0)
    assert not _alike(f, g, *args)


# -- how likely an error is --------------------------------------------------------------------
SMALL = [p for p in range(2**9, 2**10) if fmpz(p).is_prime()]


class _Small(PrimeFields):
    """One small prime, so that errors are met."""

    def __init__(self, prime: int) -> None:
        super().__init__(1)
        self.primes = (prime,)


ZERO_SOMEWHERE: dict[str, Callable[[Any, Any], Any]] = {
    "a polynomial with many zeros": lambda s, x: _product(
        s, [x - s.constant(k) for k in range(12)]),
    "a sum of poles": lambda s, x: _total(
        s, [s.divide(s.constant(k * k - 7), x + s.constant(k)) for k in range(1, 9)]),
    "exponentials": lambda s, x: _total(
        s, [s.constant((-1) ** k * k) * s.exp(s.constant(k - 3) * x) for k in range(1, 7)]),
    "a coefficient that primes divide": lambda s, x: x * s.constant(math.prod(SMALL[::7])),
    "poles of poles": lambda s, x: s.divide(
        s.constant(1), x + s.divide(s.constant(3), x + s.constant(1))) - s.divide(
        s.constant(2), x - s.divide(s.constant(5), x)),
    "thirds": lambda s, x: x * s.constant(Fraction(1, 3)) - s.constant(Fraction(1, 7)) * x * x,
}  # fmt: skip


def _product(s: Any, xs: list[Any]) -> Any:
    result = s.constant(1)
    for x in xs:
        result = result * x
    return result


def _total(s: Any, xs: list[Any]) -> Any:
    result = s.constant(0)
    for x in xs:
        result = result + x
    return result


@pytest.mark.parametrize("name", ZERO_SOMEWHERE)
def test_errors_are_no_more_frequent_than_is_said(name: str) -> None:
    wrong = points = 0
    bounds = []
    for prime in SMALL:
        numbers = ResidueNumbers(_Small(prime))
        try:
            x = numbers.variables(50)
            found = ZERO_SOMEWHERE[name](numbers, x)
        except CannotDecide:  # a pole is met, of which nothing is said
            continue
        wrong += int((found.values.lanes == 0).sum())
        points += 50
        bounds.append(numbers.inverted.chance(numbers.size(found), 9, len(SMALL)))
    assert points >= 50
    assert wrong / points <= max(bounds)
    if name in ("a polynomial with many zeros", "exponentials"):
        assert wrong > 0  # so that the bound is met at all


@given(st.lists(st.sampled_from("+-*"), min_size=1, max_size=6), st.integers(0, 2**32))
def test_a_size_bounds_the_polynomial(operations: list[str], seed: int) -> None:
    """The polynomial itself, as a dictionary from exponents to coefficients, beside its size."""
    draw = np.random.default_rng(seed)
    numbers = ResidueNumbers(PrimeFields(2))
    pool: list[tuple[Any, dict[tuple[int, int], Fraction]]] = [
        (numbers.variables(1), {(1, 0): Fraction(1)}),
        (numbers.variables(1), {(0, 1): Fraction(1)}),
        (numbers.constant(2.5), {(0, 0): Fraction(5, 2)}),
        (numbers.constant(-3), {(0, 0): Fraction(-3)}),
    ]
    for operation in operations:
        (x, p), (y, q) = (pool[int(k)] for k in draw.integers(0, len(pool), 2))
        pool.append(_applied(operation, x, p, y, q))
    for element, polynomial in pool:
        size = numbers.size(element)
        scaled = [c * 2 ** int(size.scale) for c in polynomial.values()]
        assert all(c.denominator == 1 for c in scaled)
        assert max((sum(e) for e in polynomial), default=0) <= size.degree
        assert sum(abs(c) for c in scaled) <= 2 ** (size.bits + 1e-9)


def _applied(operation: str, x: Any, p: Any, y: Any, q: Any) -> tuple[Any, dict[Any, Fraction]]:
    made: dict[tuple[int, int], Fraction] = {}
    if operation == "*":
        for (a, b), c in p.items():
            for (d, e), f in q.items():
                made[a + d, b + e] = made.get((a + d, b + e), Fraction(0)) + c * f
        return x * y, made
    sign = 1 if operation == "+" else -1
    for exponents in {*p, *q}:
        made[exponents] = p.get(exponents, Fraction(0)) + sign * q.get(exponents, Fraction(0))
    return (x + y if sign > 0 else x - y), {e: c for e, c in made.items() if c}


def test_what_was_divided_by_counts() -> None:
    divisors = Inverted()
    plain = divisors.chance(Size(degree=2.0))
    divisors.add(range(100), Size(degree=3.0, bits=2.0))
    assert divisors.chance(Size(degree=2.0)) == plain  # it is in no number of level 0
    assert divisors.chance(Size(degree=2.0, level=1)) >= 300 * plain
    divisors.add_constant(3**40)
    assert divisors.chance(Size(degree=2.0)) > plain


def test_an_array_is_moved_with_its_places() -> None:
    system = ResidueArrays(ResidueNumbers(PrimeFields(2)))
    x = system.variables((2, 3))
    assert isinstance(x, Residues)
    moved = system.move(lambda xp, a: xp.concatenate([a, a[::-1]])[1:3], x)
    assert all(part.shape == (2, 3) for part in moved.parts)
    assert moved[0].shape == (3,) and np.asarray(moved[0, 1].parts[0]).shape == ()
