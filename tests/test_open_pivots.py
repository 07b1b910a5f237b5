"""Rows that may tie for a pivot of ``lu``, where no precision tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxgrad import Verdict, check, compare
from jaxgrad.errors import CannotDecide
from jaxgrad.interpret.every_pivot import PIVOT_MATTERS
from jaxgrad.interpret.run_over import run_over
from jaxgrad.numbers import matrices
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.matrices import OPEN_PIVOT
from jaxgrad.numbers.pivot_choice import PivotChoice, first_pivots
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.random_rounding import RoundedAtRandom

HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], np.float32)


def _tied(x: Any) -> Any:
    """A matrix in whose first column all are x/3, up to sign, made in several ways."""
    return jnp.array([[x / 3, 2.0, 1.0], [1 / (3 / x), 5.0, 0.25], [-x / 3, 1.0, 4.0]])


def _solved(x: Any, b: Any) -> Any:
    return jnp.linalg.solve(_tied(x), b)


def _inverse(a: Any) -> Any:
    return jnp.linalg.inv(jax.nn.softmax(a, -1) + jnp.diag(jnp.arange(3.0)))


def _log_det(a: Any) -> Any:
    return jnp.linalg.slogdet(jax.nn.softmax(a, -1) + jnp.diag(jnp.arange(3.0)))[1]


def _lyapunov(a: Any) -> Any:
    one = jnp.eye(len(a))
    system = jnp.kron(one, a) + jnp.kron(a, one)
    return jnp.linalg.solve(system, one.reshape(-1)).reshape(a.shape)


def _complex(x: Any) -> Any:
    return jnp.linalg.solve(jnp.fft.fft(jnp.eye(3)) * x, jnp.ones(3) + 0j).real


X, RIGHT_SIDE, ZEROS = np.float32(1.7), np.array([1, 2, -1], np.float32), np.zeros((3, 3))
INDEPENDENT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "solve": (_solved, (X, RIGHT_SIDE)),
    "inv": (_inverse, (ZEROS,)),
    "slogdet": (_log_det, (ZEROS,)),
    "|det|": (lambda x: abs(jnp.prod(jnp.diagonal(lax.linalg.lu(_tied(x))[0]))), (X,)),
    "P L U": (lambda x: jnp.linalg.multi_dot(jsl.lu(_tied(x))), (X,)),
    "complex": (_complex, (X,)),
}
EXACT = {
    "lyapunov": (_lyapunov, (np.array([[2, 0.3], [0.3, 2]], np.float32),)),
    "hadamard": (jnp.linalg.solve, (HADAMARD, np.array([1, 2, -1, 0.5], np.float32))),
}
RAW: dict[str, Callable[[Any], Any]] = {
    "U": lambda x: lax.linalg.lu(_tied(x))[0][0, 0],
    "a lower row of U": lambda x: lax.linalg.lu(_tied(x))[0][1, 1],
    "L": lambda x: lax.linalg.lu(_tied(x))[0][2, 0],
    "the permutation": lambda x: x * jnp.sum(lax.linalg.lu(_tied(x))[2] * jnp.arange(3)),
    "the sign of det by U alone": lambda x: jnp.prod(jnp.diagonal(lax.linalg.lu(_tied(x))[0])),
    "two matrices": lambda x: (
        lax.linalg.lu(_tied(x))[0][0, 0] * lax.linalg.lu(2 * _tied(x))[0][0, 0]
    ),
}
WRONG: dict[str, Callable[[Any], Any]] = {
    "1.01 times": lambda g: 1.01 * g,
    "minus": lambda g: -g,
    "transposed": lambda g: g.T if np.ndim(g) == 2 else 1.01 * g,
}


def _ruled(f: Callable[..., Any], change: Callable[[Any], Any] = lambda g: g) -> Callable[..., Any]:
    """A function with a rule of its own, of which each gradient is changed."""
    ruled = jax.custom_vjp(lambda *xs: f(*xs))
    ruled.defvjp(lambda *xs: (f(*xs), xs), lambda xs, u: tuple(map(change, jax.vjp(f, *xs)[1](u))))
    return ruled


def _verdict(f: Callable[..., Any], args: tuple[Any, ...], order: int = 1) -> Any:
    return check(f, args, order=order, modes="rev", special_points=False).verdict


@pytest.mark.parametrize("name", [*INDEPENDENT, *EXACT])
def test_right_rules_agree(name: str) -> None:
    function, args = (INDEPENDENT | EXACT)[name]
    assert _verdict(_ruled(function), args) is Verdict.AGREES
    assert check(function, args, special_points=False).verdict is Verdict.AGREES


# The entry that is wrong is looked for, which takes some seconds of what has many.
_MANY = [
    pytest.param(name, change, marks=pytest.mark.slow)
    for name in ("solve", "inv", "slogdet", "P L U", "lyapunov", "hadamard")
    for change in WRONG
    if not (change == "transposed" and name in ("slogdet", "lyapunov"))  # which are symmetric
]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((name, change) for name in ("|det|", "complex") for change in ("1.01 times", "minus")),
        *_MANY,
    ],
)
def test_wrong_rules_are_refuted(name: str, change: str) -> None:
    function, args = (INDEPENDENT | EXACT)[name]
    assert _verdict(_ruled(function, WRONG[change]), args) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize("name", ["solve", "slogdet", "lyapunov"])
def test_second_derivatives(name: str) -> None:
    function, args = (INDEPENDENT | EXACT)[name]
    assert _verdict(_ruled(function), args, order=2) is Verdict.AGREES
    # At order 2 the backward rule is differentiated: one that is right and stops there is wrong.
    stopped = _ruled(function, lambda g: lax.stop_gradient(g))
    assert _verdict(stopped, args, order=2) is Verdict.REFUTED


@pytest.mark.parametrize("name", RAW)
def test_what_depends_on_the_choice_is_undecided(name: str) -> None:
    for change in (lambda g: g, *WRONG.values()):
        found = check(_ruled(RAW[name], change), (X,), modes="rev", special_points=False)
        assert found.verdict is Verdict.UNDECIDED
        assert PIVOT_MATTERS in str(found)


@pytest.mark.parametrize("name", ["U", "a lower row of U", "the permutation"])
def test_one_choice_alone_would_not_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PivotChoice, "following", lambda self: None)
    assert _verdict(_ruled(RAW[name]), (X,)) is not Verdict.UNDECIDED


@pytest.mark.parametrize("times", [1.0, 1.01])
def test_comparisons(times: float) -> None:
    def by_hand(a: Any) -> Any:
        s = jax.nn.softmax(a, -1)
        g = jnp.linalg.inv(s + jnp.diag(jnp.arange(3.0))).T * times
        return s * (g - (g * s).sum(-1, keepdims=True))

    verdict = Verdict.AGREES if times == 1 else Verdict.REFUTED
    assert compare(jax.grad(_log_det), by_hand, ZEROS).verdict is verdict
    raw = compare(RAW["U"], lambda x: times * RAW["U"](x), X)
    assert raw.verdict is not Verdict.AGREES or times == 1


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from([-1, 0, 1]), min_size=9, max_size=9),
    st.lists(st.integers(1, 7), min_size=3, max_size=3),
)
def test_inverses_hold_the_true_one(signs: list[int], diagonal: list[int]) -> None:
    """Of thirds, which no ball tells apart."""
    a = np.reshape(signs, (3, 3)) + np.diag(diagonal)
    if abs(np.linalg.det(a)) < 0.5:
        return
    with jax.enable_x64(True), precision(212):
        found = run_over(Ball(), lambda x: jnp.linalg.inv(jnp.asarray(a, x.dtype) * x / 3), 1.0)
        right = np.linalg.inv(a) * 3
        for x, y in zip(found.flat, right.flat, strict=True):
            assert float(x.rad()) < 1e-40 and abs(float(x.mid()) - y) < 1e-9


@given(st.integers(0, 2**32 - 1))
def test_every_choice_is_taken_once(seed: int) -> None:
    """Of a tree in which what is met depends on what was taken before."""

    def walk(choice: PivotChoice) -> tuple[int, ...]:
        taken: tuple[int, ...] = ()
        for _ in range(3):
            count = 1 + hash((seed, taken)) % 3
            taken += (choice.of(taken, list(range(count))),)
        return taken

    def leaves(taken: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
        if len(taken) == 3:
            return [taken]
        count = 1 + hash((seed, taken)) % 3
        return [leaf for k in range(count) for leaf in leaves((*taken, k))]

    found, choice = [], PivotChoice()
    while choice is not None:
        found.append(walk(choice))
        choice = choice.following()
    assert found == leaves()


def test_too_many_choices_are_a_budget() -> None:
    eight = np.kron(np.array([[1, 1], [1, -1]]), HADAMARD)
    with pytest.raises(CannotDecide, match=OPEN_PIVOT):
        run_over(Ball(), lambda x: jnp.linalg.inv(jnp.asarray(eight, x.dtype) * x / 3), X)


def test_a_pivot_that_may_be_zero_is_none() -> None:
    def inverse(x: Any) -> Any:
        zero = jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1
        return jnp.linalg.inv(jnp.array([[zero, 1.0], [-zero, 2.0]]))

    with pytest.raises(CannotDecide, match=OPEN_PIVOT):
        run_over(Ball(), inverse, X)


def _rounded(a: np.ndarray) -> list[Any]:
    """The factors where each operation is rounded at random."""
    numbers = RoundedAtRandom(0)
    numbers.round_to(np.float32)
    with first_pivots():
        return list(matrices.matrix_function(numbers, "lu", numbers.constants(a))[0].flat)


def test_large_matrices_stay_within_a_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.float32(np.random.default_rng(0).normal(size=(9, 9)) + 8 * np.eye(9))
    right = np.asarray(lax.linalg.lu(jnp.asarray(a))[0])
    for x, y in zip(_rounded(a), right.flat, strict=True):
        assert float(x.moved.value.mid()) == pytest.approx(float(y), abs=1e-4)
    monkeypatch.setattr(matrices, "_power_of_2", lambda *args: None)
    assert not all(x.moved.value.is_finite() for x in _rounded(a))
