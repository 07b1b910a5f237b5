"""What everywhere refuses, and how it says what it was asked and what it found."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import everywhere
from jaxgrad.errors import ArgumentError, NonFiniteInput, TreeMismatch
from jaxgrad.verdict import Verdict


# -- what is no box --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "lower, upper, options, said",
    [
        ((0.0,), (1.0,), {}, "give between=.*, a range of the values, or reference="),
        ((0.0,), (1.0,), {"between": (0, 1), "reference": jnp.sin}, "one of the two"),
        ((0.0,), (1.0,), {"between": (1, 0)}, "which is no range"),
        ((0.0,), (1.0,), {"between": (None, None)}, "which is no range"),
        ((0.0,), (1.0,), {"between": 1.0}, r"between is 1.0; give \(low, high\)"),
        ((0.0,), (1.0,), {"between": (0, "x")}, "between has 'x'; give rationals"),
        ((0.0,), (1.0,), {"between": (0, "1e400")}, "between has '1e400'; give rationals"),
        ((0.0,), (1.0,), {"between": (0, 1), "ulps": 2}, "give reference=, too"),
        ((0.0,), (1.0,), {"reference": jnp.sin, "ulps": -1}, "ulps is -1; it is 0 or more"),
        ((1.0,), (0.0,), {"between": (0, 1)}, "x is 1.0 in lower and 0.0 in upper; exchange them"),
        ((0.0,), (0.0,), {"between": (0, 1)}, "nothing varies between lower and upper"),
        (0.0, (1.0,), {"between": (0, 1)}, r"lower is 0.0; give a tuple of the arguments: \(x,\)"),
        ((0.0,), (1.0, 2.0), {"between": (0, 1)}, "give arguments of one structure"),
        ((0.0,), (np.ones(2),), {"between": (0, 1)}, r"shape \(\) and dtype float32 in lower and"),
        ((0.0,), (1.0,), {"between": (0, 1), "budget": -1}, "everywhere: budget is -1"),
    ],
)
def test_what_is_no_box_is_said(lower: Any, upper: Any, options: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        everywhere(lambda x: jnp.sin(x), lower, upper, **options)


def test_an_end_that_is_infinite_is_refused() -> None:
    with pytest.raises(NonFiniteInput):
        everywhere(lambda x: jnp.sin(x), (0.0,), (np.inf,), between=(0, 1))


def test_functions_of_unlike_results_are_not_compared() -> None:
    with pytest.raises(ArgumentError, match=r"f returns \[\(\)\] and the reference \[\(2,\)\]"):
        everywhere(jnp.sin, (0.0,), (1.0,), reference=lambda x: jnp.stack([x, x]))
    with pytest.raises(ArgumentError, match="something else than real numbers"):
        everywhere(lambda x: x > 0, (0.0,), (1.0,), between=(0, 1))


def test_functions_that_return_other_trees_are_not_compared() -> None:
    said = r"everywhere: f returns .*'a'.* and the reference .*; give functions that return"
    with pytest.raises(TreeMismatch, match=said):
        everywhere(lambda x: {"a": x}, (0.0,), (1.0,), reference=lambda x: (x,))
    found = everywhere(lambda x: {"a": x}, (0.0,), (1.0,), reference=lambda x: {"a": x})
    assert found.verdict is Verdict.PROVED


def test_what_is_no_function_is_said() -> None:
    with pytest.raises(ArgumentError, match="everywhere: f is 3, not a function"):
        everywhere(3, (0.0,), (1.0,), between=(0, 1))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="everywhere: reference is 3, not a function"):
        everywhere(jnp.sin, (0.0,), (1.0,), reference=3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="or none; return these"):
        everywhere(lambda x: x * jnp.zeros(0), (0.0,), (1.0,), between=(0, 1))


# -- what was asked, and what was found ------------------------------------------------------------
def test_what_is_held_fixed_has_one_value() -> None:
    with pytest.raises(
        ArgumentError, match="n differs between lower and upper and is int32, which"
    ):
        everywhere(lambda n, x: n * x, (1, 0.0), (5, 1.0), between=(-1, 2))
    found = everywhere(lambda n, x: n * x, (2, 0.0), (2, 1.0), between=(-1, 3))
    assert found.verdict is Verdict.PROVED and "n = 2 held fixed" in found.evidence.text


def test_a_statement_is_said_as_it_was_given() -> None:
    found = everywhere(lambda x: x, (0.9999999,), (2.0,), between=("0.99999987", None))
    assert found.verdict is Verdict.PROVED
    assert "every value is at least 0.99999987 for every x[] from 0.9999998" in found.evidence.text
    with jax.enable_x64(True):
        tenth = everywhere(lambda x: x, (0.0,), (0.1,), between=(None, 0.1), budget=0.2)
    assert tenth.verdict is not Verdict.PROVED  # the float is more than 1/10


def test_the_entry_that_fails_is_shown() -> None:
    def f(x: Any) -> Any:
        return {"a": x * 0, "b": jnp.stack([x * 0, x])}

    found = everywhere(f, (0.0,), (1.0,), between=(-1, "0.5"))
    assert "f['b'][1] is 1.000000000" in found.evidence.text
    near = everywhere(
        f, (0.0,), (1.0,), reference=lambda x: {"a": x * 0, "b": jnp.stack([x * 0, 2 * x])}
    )
    assert "f − reference[1] is -" in near.evidence.text


def test_where_it_is_open_is_said() -> None:
    found = everywhere(jax.grad(jax.nn.selu), (-3.0,), (3.0,), between=("0", "1.9"), budget=1)
    assert "open is x from " in found.evidence.text and "on 1 box" not in found.evidence.text
