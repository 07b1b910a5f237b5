"""A program that is read as another than it is contradicts its own run, whatever reads it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

import jaxgrad
from jaxgrad.errors import EnginesDisagree, GradientMismatch
from jaxgrad.gradients.not_finite import TrueValues, first_not_finite
from jaxgrad.gradients.witness import WORKING, Run, enclosures, hold_program
from jaxgrad.interpret.numpy_code.code import NumberArray
from jaxgrad.interpret.rules.registry import RULES
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

X = np.arange(6, dtype=np.float32).reshape(3, 2) + 1


@pytest.fixture
def misread(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Replaces what a primitive is read as by a function of what it was read as before."""

    def plant(name: str, change: Callable[[Any, Any], Any]) -> None:
        right = RULES[name]

        def wrong(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
            return change(interpreter, right(interpreter, equation, inputs))

        monkeypatch.setitem(RULES, name, replace(right, meaning=wrong))

    yield plant


def _twice(interpreter: Any, value: Any) -> Any:
    return interpreter.system.map(lambda x: x + x, value)


def _negated(interpreter: Any, value: Any) -> Any:
    return interpreter.system.map(lambda x: -x, value)


def _reversed(interpreter: Any, value: Any) -> Any:
    return value[::-1] if isinstance(value, np.ndarray) else value


def _thousandth_more(interpreter: Any, value: Any) -> Any:
    factor = interpreter.system.constant(1.0009765625)
    return interpreter.system.map(lambda x: x * factor, value)


def _recurrent(x: Any) -> Any:
    return jax.lax.scan(lambda carry, row: (jax.nn.sigmoid(carry + row), row), x[0], x)[0]


MISREADINGS = [
    ("sin", _twice, lambda x: jnp.sin(x)),
    ("sin", _thousandth_more, lambda x: jnp.sin(x)),
    ("neg", _twice, lambda x: -x),
    ("transpose", _reversed, lambda x: x.T * 1.0),
    ("reduce_sum", _negated, lambda x: jnp.sum(x, axis=0)),
    ("dot_general", _twice, lambda x: x.T @ x),
    ("exp", _negated, lambda x: jnp.where(x > 2, jnp.exp(-x), 0)),
    ("logistic", _negated, _recurrent),
]


@pytest.mark.parametrize(("name", "change", "function"), MISREADINGS)
def test_a_misreading_is_no_verdict_of_compare(
    misread: Any, name: str, change: Any, function: Any
) -> None:
    """Both sides are misread alike, so that nothing but their own runs can tell."""
    assert jaxgrad.compare(function, function, X).verdict.passes
    misread(name, change)
    with pytest.raises(EnginesDisagree, match=r"when it is run, and is read as .* report it"):
        jaxgrad.compare(function, function, X)


def test_a_misreading_does_not_refute(misread: Any) -> None:
    misread("sin", _twice)
    with pytest.raises(EnginesDisagree):
        jaxgrad.compare(lambda x: 0 * x + jnp.sin(x), lambda x: jnp.sin(x) * 2, X)


def test_a_misreading_that_shows_at_a_drawn_point_alone_does_not_refute(misread: Any) -> None:
    def below_a_fifth(interpreter: Any, value: Any) -> Any:
        system = interpreter.system
        bound, one = system.constant(0.2), system.constant(1)

        def shifted(x: Any) -> Any:
            return x + one if system.known(system.compare("lt", x, bound)) else x

        return system.map(shifted, value)

    misread("sin", below_a_fifth)
    with pytest.raises(EnginesDisagree):
        jaxgrad.compare(jnp.sin, lambda x: 2 * jnp.sin(x / 2) * jnp.cos(x / 2), 0.5)


@pytest.mark.parametrize("modes", ["fwd", "rev"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_misreading_is_no_verdict_of_check_grads(misread: Any, modes: str, order: int) -> None:
    """The rule of cos is read by the derivatives of sin alone, in every mode and order."""
    jaxgrad.check_grads(jnp.sin, (0.5,), order, modes)
    misread("cos", _thousandth_more)
    with pytest.raises(EnginesDisagree, match="of f"):
        jaxgrad.check_grads(jnp.sin, (0.5,), order, modes)


def test_a_primal_that_is_misread_is_no_verdict_of_check_grads(misread: Any) -> None:
    misread("sin", _twice)
    with pytest.raises(EnginesDisagree, match=r"^f"):
        jaxgrad.check_grads(jnp.sin, (0.5,))


def test_numpy_code_is_held_against_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def hand(x: Any) -> Any:
        return np.exp(x) * float(1)

    jaxgrad.compare(hand, jnp.exp, np.array([0.5])).assert_agrees()
    right = NumberArray.__array_ufunc__

    def wrong(self: Any, ufunc: Any, *args: Any, **keywords: Any) -> Any:
        return right(self, np.sin if ufunc is np.exp else ufunc, *args, **keywords)

    monkeypatch.setattr(NumberArray, "__array_ufunc__", wrong)
    with pytest.raises(EnginesDisagree, match=r"^hand"):
        jaxgrad.compare(hand, jnp.exp, np.array([0.5]))


CASTS: dict[str, Callable[[Any], Any]] = {
    "astype": lambda x: np.exp(x).astype(np.float32) * np.float32(0.1),
    "half": lambda x: np.exp(x).astype(np.float16) * np.float16(0.1),
    "and back": lambda x: np.exp(x).astype(np.float16).astype(float) * float(np.float16(0.1)),
    "sum": lambda x: np.sum(np.exp(x), dtype=np.float16) * np.float16(0.1),
    "ufunc": lambda x: np.multiply(
        np.exp(x), np.float16(0.1), dtype=np.float16, casting="unsafe"
    ),
    "beyond the dtype": lambda x: (np.exp(x).astype(np.float16) * np.float16(1e-7)).astype(float),
}  # fmt: skip


@pytest.mark.parametrize("name", CASTS)
def test_numpy_code_that_converts_to_a_short_float_is_rounded_in_it(name: str) -> None:
    def auto(x: Any) -> Any:
        factor = {"astype": np.float32(0.1), "beyond the dtype": np.float16(1e-7)}
        result = jnp.exp(x) * np.float32(factor.get(name, np.float16(0.1)))
        return jnp.sum(result) if name == "sum" else result

    jaxgrad.compare(CASTS[name], auto, np.array([0.1, 0.5])).assert_agrees()


def test_a_short_float_hides_no_misreading(monkeypatch: pytest.MonkeyPatch) -> None:
    right = NumberArray.astype
    monkeypatch.setattr(NumberArray, "astype", lambda self, dtype: right(self, dtype) * 2)
    with pytest.raises(EnginesDisagree, match=r"^hand"):
        jaxgrad.compare(CASTS["half"], jnp.exp, np.array([0.1, 0.5]))


# -- NaN and infinities at the given point ---------------------------------------------------------


def _overflows(x: Any) -> Any:
    return jnp.exp(x) / (1 + jnp.exp(x))


NOT_FINITE = [
    (jax.grad(lambda x: jnp.linalg.norm(x) ** 2), jax.grad(lambda x: jnp.sum(x * x)), jnp.zeros(2)),
    (_overflows, jax.nn.sigmoid, 100.0),
    (jax.nn.sigmoid, _overflows, 100.0),
    (_overflows, _overflows, 100.0),
    (lambda x: jnp.asarray(x) * 2.0**100 * 2.0**100 / 2.0**120, lambda x: x * 2.0**80, 2.0**-60),
]


@pytest.mark.parametrize(("hand", "auto", "at"), NOT_FINITE)
def test_nan_or_infinity_where_there_is_a_number_fails(hand: Any, auto: Any, at: Any) -> None:
    found = jaxgrad.compare(hand, auto, at)
    with pytest.raises(GradientMismatch, match=r"at the given arguments hand returns .* and auto"):
        found.assert_agrees()
    shown: list[Any] = []
    names = {"hand": hand, "auto": auto, "print": lambda *printed: shown.append(printed[-1])}
    assert found.counterexample is not None
    exec(found.counterexample, names)
    assert not np.isfinite(shown).all()


@pytest.mark.parametrize(
    ("function", "at"),
    [(jax.nn.sigmoid, 100.0), (jnp.exp, 90.0), (lambda x: -jnp.exp(x), 90.0), (jnp.tanh, 1e6)],
)
def test_an_infinity_that_is_right_is_no_fault(function: Any, at: float) -> None:
    """e^90 is beyond every float32, so that inf is what a right program returns."""
    jaxgrad.compare(function, lambda x: function(x) * 1, at).assert_agrees()


def test_nan_on_both_sides_where_nothing_is_defined_proves_nothing() -> None:
    found = jaxgrad.compare(jnp.log, jnp.log, -1.0)
    assert found.verdict is jaxgrad.Verdict.UNDECIDED


def test_which_entry_is_not_finite() -> None:
    ok, nan, inf = (np.array([1.0, x]) for x in (2.0, np.nan, np.inf))
    count = np.array([1, 2])
    assert first_not_finite([count, nan], [count, ok], TrueValues(iter(()))) == (1, (1,))
    assert first_not_finite([ok], [inf], TrueValues(iter(()))) == (0, (1,))
    assert first_not_finite([ok], [ok], TrueValues(iter(()))) is None
    assert first_not_finite([inf], [nan], TrueValues(iter(()))) is None


def test_numpy_code_that_overflows_on_its_way_warns_once() -> None:
    """Where its results are looked at, as in any run; where it is held against them, no more."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found = jaxgrad.compare(
            lambda z: 1 / (1 + np.exp(-500 * z)), lambda z: jax.nn.sigmoid(500 * z), np.float32(-2)
        )
    assert found.verdict.passes
    assert [str(warning.message) for warning in warned] == ["overflow encountered in exp"]


def test_an_infinity_is_right_only_beyond_the_largest_float() -> None:
    for dtype in (np.float32, np.float64):
        largest = float(np.finfo(dtype).max)
        for sign in (1, -1):
            infinite = [np.array([sign * np.inf], dtype)]
            for factor, wrong in ((0.5, True), (1.0, True), (2.0, False), (-2.0, True)):
                truth = [np.array([sign * factor * arb(largest)])]
                found = first_not_finite(infinite, infinite, TrueValues(iter([truth])))
                assert found == ((0, (0,)) if wrong else None)
            for factor, wrong in ((1.5, False), (3.0, True)):  # beside what is beyond, a number
                truth = [np.array([sign * factor * arb(largest)])]
                beside = [np.array([sign * largest], dtype)]
                found = first_not_finite(infinite, beside, TrueValues(iter([truth])))
                assert found == ((0, (0,)) if wrong else None)


def test_beside_an_infinity_a_number_is_near_the_largest_float() -> None:
    """2x overflows in float32, and a mask that hides it returns something else than 4e38."""
    x = np.float32(2e38)
    for mask, verdict in ((-5.0, "REFUTED"), (1.0, "REFUTED"), (3.4e38, "PROVED")):

        def hand(x: Any, mask: float = mask) -> Any:
            return jnp.where(jnp.isfinite(2 * x), 2 * x, mask)

        for sides in ((hand, lambda x: 2 * x), (lambda x: 2 * x, hand)):
            assert str(jaxgrad.compare(*sides, x).verdict) == verdict


def test_each_side_is_judged_in_its_own_dtype() -> None:
    """e^100 is a float64 and no float32: beside the infinity of the one the other is a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jaxgrad.compare(np.exp, jnp.exp, np.array([100.0], np.float32)).assert_agrees()
    wide, narrow = [np.array([1e43])], [np.array([np.inf], np.float32)]
    for size, wrong in ((1e43, False), (1e38, True), (1e300, False), (-1e43, True)):
        known = TrueValues(iter([[np.array([arb(size)])]]))
        assert (first_not_finite(wide, narrow, known) is not None) is wrong
    assert first_not_finite(wide, narrow, TrueValues(iter(()))) is None
    for number, other in ((1e38, np.inf), (-1e43, np.inf), (1e43, np.nan)):
        sides = [np.array([number])], [np.array([other], np.float32)]
        for left, right in (sides, sides[::-1]):
            assert first_not_finite(left, right, TrueValues(iter(()))) == (0, (0,))


def test_keys_and_integers_are_finite() -> None:
    others = [jax.random.key(0), np.array([1, 2]), np.array([True, False])]
    for number, finite in ((1.0, True), (np.nan, False), (-np.inf, False)):
        for floats in ([*others, np.array([0.0, number])], [np.float32(number), *others]):
            assert Run(floats, 0).finite == finite
    assert Run(others, 0).finite


# -- the enclosures --------------------------------------------------------------------------------
def test_arguments_are_held_in_their_own_dtype() -> None:
    """What is below the smallest normal number of that may be flushed to 0, and nothing else."""

    for dtype in (np.float16, np.float32, np.float64):
        normal = np.finfo(dtype).smallest_normal
        for argument, flushed in ((normal / dtype(4), True), (normal, False)):
            with jax.enable_x64(True):
                program = trace(lambda x: x * 1024, (argument,))
            (found,) = enclosures(program, [argument])
            assert found[()].value.contains(0) == flushed


def test_the_error_of_the_balls_is_nothing_beside_that_of_the_floats() -> None:
    """With twice the working precision an enclosure is as wide as before."""
    numbers = [np.float64(0.7), np.float64(1.3)]
    with jax.enable_x64(True):
        program = trace(lambda x, y: x / y, tuple(numbers))
        run = hold_program("f", program, numbers)
    assert run.finite and run.held == 1
    radii = []
    for bits in (WORKING, 2 * WORKING):
        with precision(bits):
            radii.append(enclosures(program, numbers)[0][()].value.rad())
    assert 0 < radii[0] <= radii[1] * (1 + arb(2) ** -20)


@pytest.mark.parametrize("hand", [
    lambda x: 0.1, lambda x: jnp.asarray(0.1), lambda x: jnp.full((), 0.1), jax.jit(lambda x: 0.1),
])  # fmt: skip
def test_a_literal_that_is_returned_has_the_bits_of_its_dtype(hand: Any) -> None:
    found = jaxgrad.compare(hand, jax.grad(lambda x: x * 0.1), 0.5)
    assert found.verdict is jaxgrad.Verdict.PROVED
