"""What compare() compares: truth values and integers too, and never nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import check_grads, compare
from jaxgrad.errors import ArgumentError, TreeMismatch
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Verdict

NOTHING: dict[str, Callable[[Any], Any]] = {
    "None": lambda x: None,
    "an empty dict": lambda x: {},
    "an empty tuple": lambda x: (),
    "empty containers": lambda x: {"w": [], "b": None},
    "an empty slice": lambda x: x[:0],
    "empty slices": lambda x: {"w": x[3:], "b": x[:0] > 0},
}


@pytest.mark.parametrize("f", NOTHING.values(), ids=NOTHING)
def test_nothing_is_not_compared(f: Any) -> None:
    with pytest.raises(ArgumentError, match=r"return no number \(.*\), so nothing is compared"):
        compare(f, f, np.ones(3, np.float32))
    with pytest.raises((ArgumentError, TreeMismatch)):
        compare(f, lambda x: {"other": f(x)}, np.ones(3, np.float32))


def test_an_empty_leaf_beside_a_number_is_no_objection() -> None:
    found = compare(lambda x: (x[:0], 2 * x), lambda x: (x[:0], x + x), np.ones(3, np.float32))
    assert found.verdict is Verdict.PROVED and len(found.leaves) == 2


def numpy_positive(x: Any) -> Any:
    np.exp(x)  # JAX's tracer gives up, so that this is NumPy code
    return x > 0


def numpy_negative(x: Any) -> Any:
    np.exp(x)
    return x < 0


def numpy_constant(x: Any) -> Any:
    np.exp(x)
    return np.array([True, False])


def host_positive(x: Any) -> Any:
    shape = jax.ShapeDtypeStruct((), bool)
    return jax.pure_callback(lambda y: np.asarray(y > 0), shape, x)


# Two functions with boolean or integer results, a point and the verdict there.
DISCRETE: dict[str, tuple[Any, Any, Any, str]] = {
    "the same": (lambda x: x > 0, lambda x: x > 0, 1.0, "PROVED"),
    "turned around": (lambda x: x > 0, lambda x: ~(x <= 0), -1.0, "PROVED"),
    "at a tie alone": (lambda x: x > 0, lambda x: x >= 0, 1.0, "AGREES"),
    "at that tie": (lambda x: x > 0, lambda x: x >= 0, 0.0, "REFUTED"),
    "the opposite": (lambda x: x > 0, lambda x: x < 0, 1.0, "REFUTED"),
    "far away": (lambda x: x > 0, lambda x: x > 1e-3, 5e-4, "REFUTED"),
    "beside a number": (lambda x: (x > 0, 2 * x), lambda x: (x > 0, x + x), 1.0, "PROVED"),
    "beside a wrong one": (lambda x: (x > 0, 2 * x), lambda x: (x > 0, x), 1.0, "REFUTED"),
    "an open one": (
        lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2 > 1, lambda x: x > 2 * x, 0.5, "UNDECIDED"
    ),
    "a place": (jnp.argmax, lambda x: jnp.argmax(x * 2), np.float32([1, 3]), "AGREES"),
    "another place": (jnp.argmax, jnp.argmin, np.float32([1, 3]), "REFUTED"),
    "NumPy code": (numpy_positive, lambda x: x > 0, 1.0, "PROVED"),
    "wrong NumPy code": (numpy_negative, lambda x: x > 0, 1.0, "REFUTED"),
    "constant NumPy code": (
        numpy_constant, lambda x: jnp.array([True, False]), 1.0, "PROVED"
    ),
    "wrong constant NumPy code": (
        numpy_constant, lambda x: jnp.array([True, True]), 1.0, "REFUTED"
    ),
    "a callback": (host_positive, lambda x: x > 0, 1.0, "AGREES"),
    "a wrong callback": (host_positive, lambda x: x < 0, 1.0, "REFUTED"),
    "a callback that rounding may turn": (
        host_positive, lambda x: x > jnp.float32(1 - 2**-24) * (1 - 2**-24), 0.0, "AGREES"
    ),
    "a callback against an open one": (
        host_positive, lambda x: jnp.exp(jnp.log(x)) > x, 1.1, "UNDECIDED"
    ),
}  # fmt: skip


@pytest.mark.parametrize("hand, auto, point, verdict", DISCRETE.values(), ids=DISCRETE)
def test_truth_values_and_integers_are_compared(
    hand: Any, auto: Any, point: Any, verdict: str
) -> None:
    found = compare(hand, auto, point)
    assert found.verdict is Verdict[verdict], found
    assert (found.counterexample is not None) == (verdict == "REFUTED")
    swapped = compare(auto, hand, point)
    assert swapped.verdict is found.verdict


def test_a_refuted_truth_value_is_told() -> None:
    found = compare(lambda x: x > 0, lambda x: x < 0, 1.0)
    assert "gradient: hand is True, auto is False" in str(found)
    undecided = compare(*DISCRETE["an open one"][:3])
    assert "the enclosures are an open comparison and False" in str(undecided)


def test_floats_of_truth_values_are_right_or_wrong() -> None:
    found = compare(lambda x: (x > 0, 2 * x), lambda x: (x > 0, x + x), 1.0)
    assert [(f.path, f.stable) for f in found.floats] == [("[0]", True), ("[1]", True)] * 2
    wrong = compare(host_positive, lambda x: x < 0, 1.0)
    assert [f.stable for f in wrong.floats] == [False, True]
    assert "UNSTABLE hand: 1.0, truth False, 0.0 digits right" in str(wrong.floats[0])
    with pytest.raises(CannotDecide, match="a comparison is open that a result is made of"):
        _ = compare(*DISCRETE["a callback against an open one"][:3]).floats


async def awaited(x: Any) -> Any:
    return x


def generated(x: Any) -> Any:
    yield x


async def both(x: Any) -> Any:
    yield x


@pytest.mark.parametrize(
    "f, kind", [(awaited, "`async def`"), (generated, "`yield`"), (both, "`yield`")]
)
def test_what_returns_no_value_is_named(f: Any, kind: str) -> None:
    message = f"is written with {kind}, so that a call returns no numbers"
    for left, right in ((f, jnp.sin), (jnp.sin, f)):
        with pytest.raises(ArgumentError, match=message):
            compare(left, right, 1.0)
    with pytest.raises(ArgumentError, match=message):
        check_grads(f, (1.0,))


def test_a_value_in_place_of_a_function_is_named() -> None:
    with pytest.raises(ArgumentError, match="not a function: give it uncalled"):
        check_grads(1.0, (1.0,))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("args", [1.0, np.ones(3, np.float32), jnp.ones(()), {"x": 1.0}], ids=type)
def test_arguments_that_are_no_tuple_are_named(args: Any) -> None:
    with pytest.raises(ArgumentError, match=r"args is one .*; give a tuple .*: \(x,\) for one"):
        check_grads(jnp.sin, args)
