"""Loops that are known to end, and programs of which all that is known is done."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.extend.core import jaxpr_as_fun

from jaxgrad.programs.counted_loops import turns_of
from jaxgrad.programs.jaxprs import equations, holds_primitive
from jaxgrad.programs.unrolled import unrolled


def _while(test: Any, body: Any, start: Any) -> Any:
    return lax.while_loop(lambda c: test(*c), lambda c: body(*c), start)


def _turns(test: Any, body: Any, *start: Any) -> int | None:
    traced = jax.make_jaxpr(lambda *c: _while(test, body, c))(*start)
    (equation,) = [e for e in equations(traced) if e.primitive.name == "while"]
    constants = len(equation.invars) - len(start)
    return None if constants else turns_of(equation.params, [np.asarray(x) for x in start])


@pytest.mark.parametrize(
    ("test", "body", "start", "turns"),
    [
        (lambda i, x: i < 7, lambda i, x: (i + 1, -x), (0, 1.0), 7),
        (lambda i, x: i < 7, lambda i, x: (i + 3, -x), (1, 1.0), 2),
        (lambda i, x: i < 7, lambda i, x: (i + 1, -x), (9, 1.0), 0),
        (lambda i, n, x: i < n, lambda i, n, x: (i + 1, n, -x), (0, 5, 1.0), 5),
        (lambda i, n, x: i < n, lambda i, n, x: (i + 1, n + 1, -x), (0, 5, 1.0), None),
        (lambda i, x: i < 7, lambda i, x: (i - 1, -x), (0, 1.0), None),
        (lambda i, x: i < 7, lambda i, x: (i + 0, -x), (0, 1.0), None),
        (lambda i, x: i <= 7, lambda i, x: (i + 1, -x), (0, 1.0), None),
        (lambda i, x: i * i < 7, lambda i, x: (i + 1, -x), (0, 1.0), None),
        (lambda i, x: x < 7, lambda i, x: (i + 1, x + 1), (0, 1.0), None),
        (lambda i, x: i < 2**31 - 1, lambda i, x: (i + 2, -x), (2**31 - 4, 1.0), None),
    ],
)
def test_how_often_a_loop_turns(test: Any, body: Any, start: Any, turns: int | None) -> None:
    assert _turns(test, body, *start) == turns


def _program(blocks: list[tuple[int, int]], turns: int) -> Any:
    def function(x: Any) -> Any:
        def body(i: Any, memory: Any, total: Any) -> Any:
            for to, source in blocks:
                block = lax.dynamic_slice(memory, (source + i, source), (2, 3))
                memory = lax.dynamic_update_slice(memory, block * 2 + x[0, 0], (to - i, to))
            return i + 1, memory, total + jnp.where(i % 2 == 0, memory.sum(), x[1, 1])

        start = jnp.zeros((4, 5)).at[:2].set(x)
        return _while(lambda i, *_: i < turns, body, (0, start, 0.0))[1:]

    return function


@settings(max_examples=10)
@given(
    blocks=st.lists(st.tuples(st.integers(-2, 5), st.integers(-2, 5)), min_size=1, max_size=3),
    turns=st.integers(0, 3),
)
def test_an_unrolled_program_computes_the_same(blocks: Any, turns: int) -> None:
    x = np.arange(10, dtype=np.float32).reshape(2, 5)
    closed = jax.make_jaxpr(_program(blocks, turns))(x)
    found = unrolled(closed)
    assert not holds_primitive(found, {"while", "dynamic_slice", "dynamic_update_slice"})
    for ours, theirs in zip(jaxpr_as_fun(found)(x), jaxpr_as_fun(closed)(x), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_block_lies_where_the_primitive_puts_it() -> None:
    """JAX counts a negative index from behind before the primitive sees it."""
    x = np.arange(6, dtype=np.float32)
    for start in (-9, -2, 0, 3, 5, 9):

        def read(y: Any, first: int = start) -> Any:
            block = lax.dynamic_slice_p.bind(y, np.int32(first), slice_sizes=(2,))
            return lax.dynamic_update_slice_p.bind(2 * y, block, np.int32(first))

        closed = jax.make_jaxpr(read)(x)
        assert np.array_equal(*(jaxpr_as_fun(p)(x)[0] for p in (unrolled(closed), closed)))


def test_a_loop_that_nobody_knows_the_end_of_is_kept() -> None:
    closed = jax.make_jaxpr(lambda x: lax.while_loop(lambda y: y < 9, lambda y: 2 * y, x))(1.0)
    found = unrolled(closed)
    assert holds_primitive(found, {"while"})
    assert jaxpr_as_fun(found)(1.0) == [16.0]


def test_a_program_that_is_too_long_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxgrad.programs.unrolled.MOST_EQUATIONS", 5)
    closed = jax.make_jaxpr(_program([(0, 1)], 2))(np.ones((2, 5), np.float32))
    assert unrolled(closed) is closed
