"""What NumPy computes of integers and truth values is what JAX does."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis.extra import numpy as arrays
from jax import lax

from jaxgrad.interpret.rules.whole_numbers import WHOLE, by_numpy

DTYPES = ("bool", "int8", "int32", "uint8", "uint32", "int64")
TWO: dict[str, Any] = {
    "add": lax.add, "sub": lax.sub, "mul": lax.mul, "max": lax.max, "min": lax.min,
    "and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor,
    "eq": lax.eq, "ne": lax.ne, "lt": lax.lt, "le": lax.le, "gt": lax.gt, "ge": lax.ge,
}  # fmt: skip
ONE: dict[str, Any] = {
    "neg": lax.neg,
    "not": lax.bitwise_not,
    "convert_element_type": lambda x: lax.convert_element_type(x, np.int16),
    "convert_element_type to bool": lambda x: lax.convert_element_type(x, bool),
    "convert_element_type to unsigned": lambda x: lax.convert_element_type(x, np.uint8),
    "broadcast_in_dim": lambda x: lax.broadcast_in_dim(x, (2, 3, 1, 4), (1, 3)),
    "reshape": lambda x: lax.reshape(x, (4, 3)),
    "squeeze": lambda x: lax.squeeze(x[:1], (0,)),
    "reduce_or": lambda x: lax.reduce_or(x, (1,)),
    "reduce_and": lambda x: lax.reduce_and(x, (0, 1)),
}
UNCHANGED = {"convert_element_type to bool": "bool", "convert_element_type to unsigned": "uint8"}
OF_NUMBERS = ("add", "sub", "mul", "neg")


def run(function: Any, *inputs: np.ndarray) -> int:
    """How many equations of a program NumPy computes, each held against JAX."""
    with jax.enable_x64(True):
        closed = jax.make_jaxpr(function)(*inputs)
        values = dict(zip(closed.jaxpr.invars, inputs, strict=True))
        known = 0
        for equation in closed.jaxpr.eqns:
            given = [np.asarray(v.val) if hasattr(v, "val") else values[v] for v in equation.invars]
            (wanted,) = map(np.asarray, [equation.primitive.bind(*given, **equation.params)])
            found = by_numpy(equation, given)
            if found is not None:
                known += 1
                assert found.dtype == wanted.dtype and found.shape == wanted.shape
                assert np.array_equal(found, wanted)
            values[equation.outvars[0]] = wanted
        return known


def drawn(data: st.DataObject, dtype: str, shape: tuple[int, ...] = (3, 4)) -> np.ndarray:
    return np.asarray(data.draw(arrays.arrays(np.dtype(dtype), shape)))


@pytest.mark.parametrize("name", TWO)
@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_two_arrays(name: str, dtype: str, data: st.DataObject) -> None:
    assume(dtype != "bool" or name not in OF_NUMBERS)
    shape = data.draw(st.sampled_from([(), (3, 4)]))
    assert run(TWO[name], drawn(data, dtype, shape), drawn(data, dtype, shape)) == 1


@pytest.mark.parametrize("name", ONE)
@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_one_array(name: str, dtype: str, data: st.DataObject) -> None:
    assume(dtype != "bool" or name not in OF_NUMBERS)
    assume(dtype != UNCHANGED.get(name))
    assert run(ONE[name], drawn(data, dtype)) >= 1


@given(st.data())
def test_a_choice_between_two(data: st.DataObject) -> None:
    which = drawn(data, "bool", data.draw(st.sampled_from([(), (3, 4)])))
    assert run(lax.select_n, which, drawn(data, "int32"), drawn(data, "int32")) == 1


@given(st.data(), st.integers(-9, 9), st.integers(-9, 9))
def test_slices_that_begin_anywhere(data: st.DataObject, row: int, column: int) -> None:
    starts = np.int32(row), np.int32(column)
    x = drawn(data, "int32")
    slices = lambda x, *starts: lax.dynamic_slice(x, starts, (2, 3))  # noqa: E731
    assert run(slices, x, *map(np.asarray, starts)) >= 1


def test_each_is_asked() -> None:
    asked = {name.partition(" ")[0] for name in (*TWO, *ONE)}
    assert asked | {"select_n", "dynamic_slice"} == set(WHOLE)


def test_keys_are_left_to_jax() -> None:
    key = jax.random.key(0)
    closed = jax.make_jaxpr(lambda k: jax.numpy.where(True, k, k))(key)
    found = [by_numpy(equation, [np.asarray(True), key, key]) for equation in closed.jaxpr.eqns]
    assert found and not any(x is not None for x in found)


def test_what_is_not_the_same_is_left_to_jax() -> None:
    x = np.arange(3, dtype=np.int32)
    of_floats: Any = lambda x: x * 2.0  # noqa: E731
    of_three: Any = lambda x: lax.select_n(x, x, x + 1, x + 2)  # noqa: E731
    turned: Any = lambda x: lax.reshape(x, (2, 2), (1, 0))  # noqa: E731
    assert run(of_floats, np.float32(1.0) * x) == 0
    assert run(of_three, x) == 2  # the sums alone
    assert run(turned, np.arange(4).reshape(2, 2)) == 0
    assert run(lambda x: lax.div(x, np.int32(2)), x) == 0
