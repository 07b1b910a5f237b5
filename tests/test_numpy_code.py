"""NumPy code over exact numbers computes what NumPy computes, and never rounds unseen."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret import sides
from jaxgrad.interpret.numpy_code.code import FUNCTIONS as TABLE
from jaxgrad.interpret.numpy_code.code import NumberArray
from jaxgrad.interpret.numpy_code.ufuncs import FLOAT
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring

# Dyadic, so that sums and products of a few are exact in float64.
dyadic = st.integers(-64, 64).map(lambda n: n / 8)

EXACT: dict[str, Callable[[Any, Any], Any]] = {
    "arithmetic": lambda x, y: (x + y) * x - 2.0 * y,
    "reflected": lambda x, y: 3 - x + 2 * (1.5 + y),
    "power": lambda x, y: x**2 + np.power(y, 3) + np.square(x),
    "maximum": lambda x, y: np.maximum(x, y) - np.minimum(x, 0.5),
    "where": lambda x, y: np.where(x > y, x, -y),
    "logic": lambda x, y: np.where(np.logical_and(x > 0, ~(y >= x)), x, y),
    "mask": lambda x, y: (x > 0) * y + (x <= 0),
    "sign": lambda x, y: np.sign(x) + np.abs(y),
    "sums": lambda x, y: np.sum(x * y) + x.sum() + y.mean() + np.max(x),
    "axis": lambda x, y: np.outer(x, y).sum(axis=0) + np.outer(x, y).sum(axis=1, keepdims=True)[0],
    "matmul": lambda x, y: np.outer(x, y) @ x + np.dot(y, x),
    "diag": lambda x, y: np.diag(x) @ y,
    "shape": lambda x, y: np.concatenate([x, y[::-1]]).reshape(2, -1).T.ravel(),
    "stack": lambda x, y: np.stack([x, y]).transpose(1, 0)[:, None, 1],
    "assign": lambda x, y: assigned(x, y),
    "loop": lambda x, y: sum(a * b for a, b in zip(x, y, strict=True)) + len(x) + x.size + x.ndim,
    "astype": lambda x, y: (x > y).astype(np.float64) + x.astype(np.float32).copy(),
    "einsum-free outer": lambda x, y: np.multiply.outer(x, y),
}
# Beside numbers what is none.
NO_NUMBERS = (math.inf, -math.inf, math.nan, 0.0, 0.75, -3.0)
FUNCTIONS = ["exp", "tanh", "sin", "cos", "arctan", "expm1", "cbrt", "arcsinh", "sinh", "cosh"]


def assigned(x: Any, y: Any) -> Any:
    out = np.zeros_like(x)
    out[0] = y[1]
    out[1:] = x[1:]
    return out + np.ones_like(y)


assert sides.Side  # it fills the table of functions
SYSTEM = Ball()


def balls(values: np.ndarray) -> NumberArray:
    return NumberArray(SYSTEM, SYSTEM.constants(values), values.dtype)


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_exact_operations_agree_with_numpy(name: str, data: st.DataObject) -> None:
    x, y = (np.array(data.draw(st.lists(dyadic, min_size=4, max_size=4))) for _ in range(2))
    expected = np.asarray(EXACT[name](x, y))
    found = EXACT[name](balls(x), balls(y))
    assert found.shape == expected.shape
    for ball, value in zip(found.values.reshape(-1), expected.reshape(-1), strict=True):
        assert ball.contains(arb(float(value)))
        assert float(ball.rad()) == 0 or name == "sums"  # the mean divides


@pytest.mark.parametrize("name", FUNCTIONS)
@given(value=dyadic)
def test_functions_agree_with_numpy(name: str, value: float) -> None:
    x = np.array([value])
    found = getattr(np, name)(balls(x)).values[0]
    expected = float(getattr(np, name)(x)[0])
    # NumPy's functions are good to a few ulp: 2^-50 is eight of them.
    assert abs(found - expected) <= abs(found).upper() * arb(2) ** -50


@pytest.mark.parametrize("name", FLOAT)
def test_of_infinities_and_nan_nothing_is_said_but_what_numpy_says(name: str) -> None:
    function = getattr(np, name)
    for xs in itertools.product(NO_NUMBERS, repeat=getattr(function, "nin", 3)):
        with np.errstate(all="ignore"):
            wanted = float(function(*map(np.float64, xs)))
        try:
            found = FLOAT[name][1](SYSTEM, *map(SYSTEM.constant, xs))
        except CannotDecide:
            continue
        if found.is_finite():
            assert math.isfinite(wanted) and found.overlaps(arb(wanted) * arb(1, 1e-12)), xs
        elif found > 0 or found < 0:
            assert wanted == (math.inf if found > 0 else -math.inf), xs


def test_a_number_never_turns_into_a_float() -> None:
    x = balls(np.array([0.5]))
    casts: list[Callable[[], Any]] = [
        lambda: float(x),
        lambda: np.asarray(x, float),
        lambda: np.array(x, dtype=np.float64),
        lambda: math.exp(x[0]),
        lambda: np.zeros(1).__setitem__(slice(None), x),
        lambda: int(x),
    ]
    for cast in casts:
        with pytest.raises(TypeError, match=r"does not turn into|do not fit into"):
            cast()
    with pytest.raises(ValueError, match="sequence") as caught:
        np.zeros(1)[0] = x[0]
    assert "np.zeros_like" in str(caught.value.__cause__)
    for cast in (lambda: x.astype(int), lambda: np.zeros(1).__iadd__(x)):
        with pytest.raises(UnsupportedPrimitive, match=r"does not turn into int|do not fit into"):
            cast()


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "correlate": (lambda x: np.correlate(x, x), r"np\.correlate"),
    "spacing": (np.spacing, r"np\.spacing"),
    "divide.reduce": (np.divide.reduce, r"np\.divide\.reduce"),
    "reduceat": (lambda x: np.add.reduceat(x, [0, 1]), r"np\.add\.reduceat"),
    "a function of np.linalg": (lambda x: np.linalg.inv(x[:, None]), r"np\.linalg\.inv"),
    "np.linalg.diagonal": (lambda x: np.linalg.diagonal(x[:, None]), r"np\.linalg\.diagonal"),
    "a keyword": (lambda x: np.concatenate([x, x], dtype=int), "concatenate with `dtype="),
    "out of a move": (lambda x: np.take(x, [0], out=np.zeros(1)), "take with `out="),
    "a padding that computes": (lambda x: np.pad(x, 1, mode="mean"), "mode='mean'"),
    "a norm": (lambda x: np.linalg.norm(x, 3), "ord=3"),
    "decimals": (lambda x: np.round(x, 2), "decimals"),
    "an attribute": (lambda x: x.flat, "`flat`"),
    "a method": (lambda x: x.resize(1), "`resize`"),
    "integers of reals": (lambda x: np.zeros_like(x, dtype=int).__iadd__(x), "Cannot cast"),
    "an index": (lambda x: np.ones(3)[x], "arrays used as indices|integer"),
    "truth values in float16": (lambda x: np.tanh(x > 0), "float16"),
    "unwritten": (lambda x: np.empty_like(x) + 1, "unsupported operand|Unwritten"),
    "written behind np.asarray": (lambda x: (np.asarray(x), x.fill(0)), "np.asarray"),
    "np.asarray written": (lambda x: np.asarray(x).__setitem__(0, 1), "read-only"),
    "subtracted truth values": (lambda x: (x > 0) - (x > 1), "numpy boolean subtract"),
    "where without out": (lambda x: np.exp(x, where=x > 0), "fills nothing in"),
    "ties of a sort": (lambda x: np.argsort(np.concatenate([x, x])), "not stable"),
    "another array's numbers": (lambda x: x + NumberArray(Ball(), x.values, float), "kept"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule_is_refused_by_name(name: str) -> None:
    call, text = REFUSED[name]
    errors = (UnsupportedPrimitive, CannotDecide, TypeError, ValueError, IndexError)
    with pytest.raises(errors, match=text):
        call(balls(np.array([0.5, 2.0])))


ARGUMENTS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "einsum": lambda x: ("ij->i", x),
    "pad": lambda x: (x, 1),
    "put": lambda x: (x, [0], 1.0),
    "put_along_axis": lambda x: (x, np.zeros((1, 2), int), 1.0, 0),
    "fill_diagonal": lambda x: (x, 1.0),
}


@pytest.mark.parametrize("name", TABLE)
def test_no_function_drops_a_keyword(name: str) -> None:
    function = getattr(np, name, None) or getattr(np.linalg, name)
    args = ARGUMENTS.get(name, lambda x: (x,))(balls(np.ones((2, 2))))
    for call in (TABLE[name], function):
        with pytest.raises((UnsupportedPrimitive, TypeError, ValueError), match="unheard_of"):
            call(*args, unheard_of=1)


def test_truth_values_are_not_taken_of_the_entries_of_object_arrays() -> None:
    x = np.array(balls(np.array([0.5, 2.0])))
    for truth in (np.any, np.all, lambda a: np.logical_and(a, a), lambda a: np.logical_or(a, 1)):
        with pytest.raises((TypeError, ValueError), match=r"compare it with 0|with a sequence"):
            truth(x)


def symbols(*names: str) -> NumberArray:
    system = Polynomial(Ring(64, 100))
    values = np.empty(len(names), dtype=object)
    values[:] = [system.variable(name) for name in names]
    return NumberArray(system, values, np.float64)


def test_a_choice_by_an_open_comparison_stops() -> None:
    x = symbols("x", "y")
    choices: list[Callable[[], Any]] = [
        lambda: bool(x[0] > 0),
        lambda: bool(x[:1]),
        lambda: x[x > 0],
        lambda: np.zeros(2)[x > 0],
        lambda: np.array([x[0] > 0]),
        lambda: range((x > 0).sum()),
        lambda: np.argmax(x),
        lambda: np.nonzero(x > 0),
        lambda: np.mean(x, where=x > 0),
        lambda: (x > 0) * 2 - 1,
    ]
    for choice in choices:
        with pytest.raises((CannotDecide, UnsupportedPrimitive), match=r"open|wrap around"):
            choice()
    assert bool(x[0] == x[0])
    with pytest.raises(TypeError, match="truth value"):
        bool(x)


def test_an_open_mask_selects_where_each_entry_has_a_value() -> None:
    x = symbols("x", "y")
    y = x.copy()
    y[x > 0] = 0
    assert [a.poly for a in y.values] == [a.poly for a in np.where(x > 0, 0, x).values]
    total = np.sum(x, where=x > 0)
    assert total.values[()].poly == np.sum(np.where(x > 0, x, 0)).values[()].poly
    count = np.sum(x > 0)
    assert (count.dtype, count.values[()].poly) == (int, np.sum(1.0 * (x > 0)).values[()].poly)


def test_known_integers_are_numpys_own() -> None:
    x = balls(np.array([0.5, -1.0, 2.0]))
    positive = x > 0
    assert list(range(positive.sum())) == [0, 1]
    assert np.asarray((2 * positive - 1).astype(np.int8) * np.int8(100) * 2).tolist() == [
        -56,
        56,
        -56,
    ]
    assert np.arange(3)[positive].tolist() == [0, 2]
    assert (np.arange(3) % positive.sum()).tolist() == [0, 1, 0]


def test_isinstance_takes_the_branch_that_numpy_takes() -> None:
    x = balls(np.array([0.5]))
    assert isinstance(x, np.ndarray) and not isinstance(x[0], np.ndarray)
    assert isinstance(x[0], np.float64) and isinstance(x[0], float) and np.isscalar(x[0])
    assert isinstance(x[0] > 0, np.bool_) and isinstance((x > 0).sum(), np.integer)
    assert not isinstance(balls(np.array([0.5], np.float32))[0], float)
    with pytest.raises(TypeError):
        x[0][()] = 1  # type: ignore[index]
