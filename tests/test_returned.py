"""What is no tree of real numbers is an error that says what is where, and not JAX's own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import ArgumentError, JaxgradError, TreeMismatch
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.programs.returned import require_numbers

X = np.float32(0.5)


class Thing:
    """No number."""


OTHERS: dict[str, tuple[Any, str]] = {
    "text": ("two", r" is a value of type str, which is no array of numbers; return the gradient"),
    "an object": (Thing(), r" is a value of type Thing, which is no array"),
    "a tree with a text": (
        {"a": 1.0, "b": "two"},
        r"\['b'\] is a value of type str, which is no array",
    ),
    "a list with an object": ([1.0, Thing()], r"\[1\] is a value of type Thing, which is no array"),
    "texts": (np.array(["a", "b"]), r" is a value of type ndarray"),
    "objects": (np.array([None, 1.0], object), r" is a value of type ndarray"),
    "a date": (np.datetime64("2020-01-01"), r" is a value of type datetime64, which is no array"),
}


def returning(value: Any, numpy: bool) -> Any:
    """A function of JAX, or of NumPy alone, that returns it."""

    def f(x: Any) -> Any:
        if numpy:
            np.frexp(float(x))
        return value

    return f


@pytest.mark.parametrize("numpy", [False, True], ids=["JAX", "NumPy"])
@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_number_is_named(name: str, numpy: bool) -> None:
    value, text = OTHERS[name]
    f = returning(value, numpy)
    with pytest.raises(ArgumentError, match=f"^hand{text}"):
        compare(f, f, X)
    with pytest.raises(ArgumentError, match=f"^auto{text}"):
        compare(lambda x: 2 * x, f, X)
    if not numpy:
        for call in (lambda: check_grads(f, (X,)), lambda: check_grads(jnp.sin, (X,), reference=f)):
            with pytest.raises(JaxgradError, match="which is no array of numbers"):
                call()


def test_keys_complex_numbers_and_nothing() -> None:
    key = jax.random.key(0)
    with pytest.raises(ArgumentError, match="hand is a value of type PRNG key"):
        compare(lambda x: key, lambda x: key, X)
    with pytest.raises(ArgumentError, match="hand is a value of type complex"):
        compare(returning(1j, True), lambda x: x, X)
    with pytest.raises(ArgumentError, match="no number"):
        compare(lambda x: None, lambda x: None, X)
    with pytest.raises(TreeMismatch):
        compare(lambda x: x, lambda x: None, X)
    for value in (None, key):
        with pytest.raises(ArgumentError, match="no output is floating point"):
            check_grads(returning(value, False), (X,))


def test_numbers_of_every_kind_are_numbers() -> None:
    kept = [
        1,
        2.0,
        True,
        np.float16(1),
        jnp.bfloat16(1),
        np.ones(3),
        np.zeros((), jax.dtypes.float0),
    ]
    require_numbers("hand", [*kept, np.array([1.0, 2], object), jnp.ones(2), np.zeros((0, 2))])
    assert compare(lambda x: [x, 1], lambda x: [1 * x, 1], X).verdict.passes
    pair = lambda x: np.array([2 * x, x], object)  # noqa: E731
    assert compare(pair, pair, X).verdict.passes
