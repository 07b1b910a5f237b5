"""NumPy code over exact numbers computes what NumPy computes, and never rounds unseen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.field import Field
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numpy_code import NumberArray

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
FUNCTIONS = ["exp", "tanh", "sin", "cos", "arctan", "expm1", "cbrt", "arcsinh", "sinh", "cosh"]


def assigned(x: Any, y: Any) -> Any:
    out = np.zeros_like(x)
    out[0] = y[1]
    out[1:] = x[1:]
    return out + np.ones_like(y)


def balls(values: np.ndarray) -> NumberArray:
    return NumberArray(Ball(), Ball().constants(values), values.dtype)


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


def test_a_number_never_turns_into_a_float() -> None:
    x = balls(np.array([0.5]))
    for cast in (lambda: float(x), lambda: np.asarray(x), lambda: math.exp(x[0])):
        with pytest.raises(TypeError, match="does not turn into"):
            cast()
    with pytest.raises(TypeError, match="does not turn into int"):
        x.astype(int)


def test_what_has_no_rule_is_named() -> None:
    x = balls(np.array([0.5]))
    with pytest.raises(UnsupportedPrimitive, match=r"np\.convolve"):
        np.convolve(x, x)
    with pytest.raises(UnsupportedPrimitive, match=r"np\.spacing"):
        np.spacing(x)
    with pytest.raises(UnsupportedPrimitive, match=r"np\.multiply\.reduce"):
        np.multiply.reduce(x)
    with pytest.raises(UnsupportedPrimitive, match="fractional exponent"):
        np.power(x, 0.25)


def test_a_branch_on_an_open_comparison_stops() -> None:
    system = Polynomial(Field(8, 100))
    values = np.empty((), dtype=object)
    values[()] = system.variable("x")
    x = NumberArray(system, values, np.float64)
    with pytest.raises(CannotDecide, match="a Python `if` on a comparison that is open"):
        bool(x > 0)
    assert bool(x == x)
    with pytest.raises(TypeError, match="truth value"):
        bool(x)
