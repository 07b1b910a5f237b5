"""Number systems that come in whole arrays, each one file: compiled intervals, and residues."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from recurrence_support import require_recurrence

import jaxgrad
from jaxgrad import Interval, Intervals
from jaxgrad.errors import ArgumentError, UnsupportedPrimitive
from jaxgrad.networks import Dense


@pytest.fixture(autouse=True)
def wide_floats() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


# -- intervals -----------------------------------------------------------------------------------
def _points(args: Any) -> Any:
    """A tree of float64 arrays as one of intervals, each of one point."""
    return jax.tree.map(lambda leaf: Interval(jnp.asarray(leaf), jnp.asarray(leaf)), args)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return jax.jit(lambda *args: jaxgrad.run_over(Intervals(), function, *args))


def _enclosed(function: Callable[..., Any], *args: Any) -> int:
    """How many entries of the true values the compiled intervals hold, which is all of them."""
    found = jax.tree.leaves(
        _compiled(function)(*_points(args)), is_leaf=lambda x: isinstance(x, Interval)
    )
    true = jax.tree.leaves(jaxgrad.run_over(jaxgrad.Ball(), function, *args))
    count = 0
    for interval, balls in zip(found, true, strict=True):
        low, high = (np.asarray(part).reshape(-1) for part in interval.parts)
        for a, b, ball in zip(low, high, np.asarray(balls, object).reshape(-1), strict=True):
            assert arb(float(a)) <= ball.mid() <= arb(float(b)), (a, ball, b)
            assert b - a <= 1e-9 * (1 + abs(float(ball.mid()))), (a, ball, b)
            count += 1
    return count


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: (x * x[::-1] - 0.5) ** 3 / (2.0 + x**2),
    "softmax": jax.nn.softmax,
    "gradient of a norm": jax.grad(lambda x: jnp.sqrt(jnp.sum(x**2) + 1.0)),
    "log-sum-exp": jax.grad(jax.nn.logsumexp),
    "moves": lambda x: jnp.concatenate([x[1:], jnp.flip(x), jnp.tile(x, 2), jnp.stack([x[0]])]),
    "gather and scatter": lambda x: jnp.zeros(5).at[jnp.array([0, 3, 3, 4])].add(x)[1:],
    "pad": jax.grad(lambda x: jnp.sum(jnp.pad(x, 2, mode="reflect") ** 2)),
    "windows": jax.grad(lambda x: jnp.sum(jax.lax.reduce_window(
        x, 0.0, jax.lax.add, (2,), (1,), "SAME") ** 2)),
    "scan": lambda x: jax.lax.scan(lambda c, y: (c * y + 0.25, jnp.tanh(c)), x[0], x),
    "cumulative": lambda x: jnp.cumsum(x * x),
    "where": lambda x: jnp.where(x > 10.0, x, -x),
    "largest": lambda x: jnp.max(x) - jnp.min(x),
    "many updates of one entry": lambda x: jnp.zeros(2).at[jnp.array([1, 0, 1, 1])].max(x),
    "a fold of one's own": lambda x: jax.lax.reduce(
        x, -jnp.inf, lambda a, b: jnp.where(a > b, a, b), (0,)),
    "folds in windows": lambda x: jax.lax.reduce_window(
        x, -jnp.inf, lambda a, b: jnp.where(b > a, b, a), (2,), (1,), "VALID"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_intervals_hold_the_true_values(name: str) -> None:
    assert _enclosed(PROGRAMS[name], np.array([0.5, -1.25, 2.0, 0.1])) >= 1


@settings(max_examples=20)
@given(arrays_of.arrays(float, (3,), elements=st.floats(-3, 3, allow_subnormal=False)))
def test_intervals_of_drawn_points_hold_the_true_values(x: np.ndarray) -> None:
    assert _enclosed(PROGRAMS["arithmetic"], x) == 3


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_a_batch_of_gradients_is_one_compiled_call(activation: str) -> None:
    net = Dense((4, 5, 3), activation)
    args = net.init(jax.random.key(0)), jnp.ones(4) / 3, jnp.ones(3)
    draw = np.random.default_rng(0)
    batch = jax.tree.map(
        lambda leaf: jnp.asarray(leaf, float) + 0.1 * draw.normal(size=(6, *leaf.shape)), args
    )

    def gradient(*point: Any) -> Any:
        return jax.tree.leaves(jax.grad(net.cost)(*point))

    over = jax.jit(jax.vmap(lambda *xs: jaxgrad.run_over(Intervals(), gradient, *xs)))
    found = over(*_points(batch))
    count = 0
    for k in range(6):
        true = jaxgrad.run_over(jaxgrad.Ball(), gradient, *jax.tree.map(lambda x, k=k: x[k], batch))
        for interval, balls in zip(found, true, strict=True):
            low, high = (np.asarray(part[k]).reshape(-1) for part in interval.parts)
            for a, b, ball in zip(low, high, balls.reshape(-1), strict=True):
                assert arb(float(a)) <= ball.mid() <= arb(float(b))
                count += 1
    assert count == 6 * sum(leaf.size for leaf in jax.tree.leaves(args[0]))


def test_an_open_comparison_has_both_branches() -> None:
    x = Interval(jnp.array([-1.0, 1.0, 2.0]), jnp.array([1.0, 2.0, 3.0]))
    low, high = _compiled(lambda x: jnp.where(x > 0.0, x, 0.0))(x).parts
    np.testing.assert_allclose(low, [-1.0, 1.0, 2.0])  # of the branch x, too
    np.testing.assert_allclose(high, [1.0, 2.0, 3.0])
    assert _compiled(lambda x: jnp.where(x > 0.0, 5.0, -5.0))(x).parts[0].tolist() == [-5, 5, 5]


@pytest.mark.parametrize(
    "function, said",
    [
        (jax.scipy.special.gammaln, "lgamma is not known over the interval numbers; a method"),
        (jnp.sort, "Intervals has no method `places`"),
        (lambda x: jnp.frexp(x)[0], "is computed number by number, and the interval numbers come"),
    ],
)
def test_what_a_system_of_arrays_has_not_is_said(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(UnsupportedPrimitive, match=said):
        jaxgrad.run_over(Intervals(), function, _points(np.array([0.5, 0.25])))


def test_an_array_is_its_parts_and_nothing_else() -> None:
    with pytest.raises(ArgumentError, match="takes arrays of one shape, its parts; got none"):
        Interval()
    with pytest.raises(ArgumentError, match=r"its parts; got \(2,\), \(3,\)"):
        Interval(np.zeros(3), np.zeros(2))
    with pytest.raises(ArgumentError, match="has an __init__ of its own"):

        class Measured(jaxgrad.SystemArray):
            def __init__(self, values: Any, unit: str) -> None:
                super().__init__(values)

    with pytest.raises(ArgumentError, match=r"Interval\(2,\) is an array of a system of arrays"):
        jaxgrad.run_over(jaxgrad.Ball(), jnp.sin, _points(np.zeros(2)))


def test_an_array_ends() -> None:
    x = _points(np.array([0.5, 0.25, 1.0]))
    assert len(x) == 3 and [float(entry.parts[0]) for entry in x] == [0.5, 0.25, 1.0]
    with pytest.raises(TypeError, match="0-dimensional"):
        len(x[0])


def test_what_run_over_cannot_take_is_said() -> None:
    with pytest.raises(ArgumentError, match=r"is traced, as by jax\.jit"):
        jax.jit(lambda x: jaxgrad.run_over(jaxgrad.Ball(), jnp.sin, x))(0.5)
    with pytest.raises(ArgumentError, match="interval numbers come in whole arrays"):
        jaxgrad.run_over(Intervals(), jnp.exp, arb(1))
    third = jaxgrad.run_over(jaxgrad.Ball(), lambda x: 3 * x, Fraction(1, 3))
    assert third.contains(1) and third.rad() < 1e-12


# -- residues ------------------------------------------------------------------------------------
PRIMES = (2147483647, 2147483629, 2147483587)


class Residues(jaxgrad.SystemArray):
    """An array of remainders for each of the primes."""


class Modular(jaxgrad.ArraySystem):
    """Of a transcendental function no more is known than that equal arguments have one value."""

    name = "residue"

    def _of(self, f: Callable[..., Any], *arrays: Residues) -> Residues:
        parts = zip(PRIMES, *(array.parts for array in arrays), strict=True)
        return Residues(*(f(p, *each) % p for p, *each in parts))

    def lift(self, values: np.ndarray) -> Residues:
        values = np.asarray(values)
        exact = [Fraction(value) for value in values.reshape(-1).tolist()]
        return Residues(*(
            np.asarray([q.numerator * pow(q.denominator, -1, p) % p for q in exact], np.int64)
            .reshape(values.shape) for p in PRIMES
        ))  # fmt: skip

    def function(self, name: str, *arrays: Residues) -> Residues:
        known: dict[str, Callable[..., Any]] = {
            "add": lambda p, x, y: x + y,
            "add_any": lambda p, x, y: x + y,
            "sub": lambda p, x, y: x + p - y,
            "mul": lambda p, x, y: x * y,
            "neg": lambda p, x: p - x,
            "square": lambda p, x: x * x,
        }
        if name in known:
            return self._of(known[name], *arrays)
        if name == "div":
            inverse = self._of(lambda p, x: _each(lambda n: pow(n, -1, p), x), arrays[1])
            return self.function("mul", arrays[0], inverse)
        if name == "logistic":  # so that σ(−z) = 1 − σ(z), as JAX's derivative has it
            e = self.function("exp", arrays[0])
            return self.function("div", e, self.function("add", self.lift(np.asarray(1)), e))
        return self._of(lambda p, *xs: _each(lambda *ns: _hashed(name, ns), *xs), *arrays)

    def power(self, array: Residues, exponents: np.ndarray) -> Residues:
        return self._of(lambda p, x: _each(lambda n: pow(n, int(exponents), p), x), array)

    def reduce(self, name: str, rows: Residues) -> Residues:
        if name != "sum":
            return super().reduce(name, rows)
        return self._of(lambda p, x: x.sum(-1), rows)

    def contract(self, a: Residues, b: Residues) -> Residues:
        return self._of(lambda p, x, y: (x[..., None] * y[:, None] % p).sum(2), a, b)


def _each(f: Callable[..., int], *arrays: Any) -> Any:
    entries = zip(*(np.asarray(array).reshape(-1).tolist() for array in arrays), strict=True)
    return np.asarray([f(*each) for each in entries], np.int64).reshape(arrays[0].shape)


def _hashed(name: str, numbers: tuple[int, ...]) -> int:
    digest = hashlib.sha256(f"{name} {numbers}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _drawn(args: Any, seed: int) -> Any:
    source = random.Random(seed)

    def residues(leaf: Any) -> Residues:
        parts = ([source.randrange(p) for _ in range(leaf.size)] for p in PRIMES)
        return Residues(*(np.asarray(part, np.int64).reshape(leaf.shape) for part in parts))

    return jax.tree.map(residues, args)


def _same(f: Callable[..., Any], g: Callable[..., Any], *args: Any) -> bool:
    at = _drawn(args, 0)
    found = [
        jax.tree.leaves(
            jaxgrad.run_over(Modular(), h, *at), is_leaf=lambda x: isinstance(x, Residues)
        )
        for h in (f, g)
    ]
    pairs = list(zip(*found, strict=True))
    assert pairs
    return all(
        all(np.array_equal(x, y) for x, y in zip(a.parts, b.parts, strict=True)) for a, b in pairs
    )


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=3))
@settings(max_examples=20)
def test_residues_are_those_of_exact_numbers(entries: list[int]) -> None:
    def f(x: Any) -> Any:
        return (x * x[::-1] - 0.5) ** 3 + jnp.sum(jnp.outer(x, x)[1])

    a, b, c = (Fraction(n) for n in entries)
    rest = b * a + b * b + b * c
    half = Fraction(1, 2)
    exact = [(a * c - half) ** 3 + rest, (b * b - half) ** 3 + rest, (c * a - half) ** 3 + rest]
    found = jaxgrad.run_over(Modular(), f, Modular().lift(np.array(entries, float)))
    wanted = Modular().lift(np.array(exact, object))
    for ours, theirs in zip(found.parts, wanted.parts, strict=True):
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("widths", [(2, 3), (4, 5, 5, 3)], ids=str)
def test_the_recurrence_is_the_gradient_of_a_network(widths: tuple[int, ...]) -> None:
    require_recurrence(_same, widths)
