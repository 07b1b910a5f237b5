"""Primitives with drawn parameters: over balls every entry is where JAX puts it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxgrad.interpret.rules import RULES
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.trace import trace

SHAPE = (2, 3, 4)
AXES = st.integers(0, len(SHAPE) - 1)
INDEX_MODES = st.sampled_from(["clip", "fill", "drop", None])
Draw = Callable[[st.SearchStrategy[Any]], Any]


def _reshape(draw: Draw) -> Callable[..., Any]:
    order = draw(st.none() | st.permutations(range(3)).map(tuple))
    sizes = draw(st.permutations([2, 3, 4]) | st.sampled_from([(24,), (4, 6), (1, 12, 2)]))
    return lambda x: lax.reshape(x, sizes, order)


def _transpose(draw: Draw) -> Callable[..., Any]:
    order = draw(st.permutations(range(3)))
    return lambda x: lax.transpose(x, order)


def _slice(draw: Draw) -> Callable[..., Any]:
    bounds = [sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in SHAPE]
    strides = draw(st.none() | st.tuples(*[st.integers(1, 3)] * 3))
    starts, stops = zip(*bounds, strict=True)
    return lambda x: lax.slice(x, starts, stops, strides)


def _rev(draw: Draw) -> Callable[..., Any]:
    axes = draw(st.sets(AXES))
    return lambda x: lax.rev(x, sorted(axes))


def _pad(draw: Draw) -> Callable[..., Any]:
    sides = st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 2))
    padding = [(max(low, -1), max(high, -1), inner) for low, high, inner in
               draw(st.tuples(*[sides] * 3))]  # fmt: skip
    return lambda x: lax.pad(x, x[0, 0, 0] * 0 + 7, padding)


def _broadcast(draw: Draw) -> Callable[..., Any]:
    extra = draw(st.integers(0, 3))
    places = [i for i in range(4) if i != extra]
    shape = [5, 5, 5, 5]
    for place, size in zip(places, SHAPE, strict=True):
        shape[place] = size
    return lambda x: lax.broadcast_in_dim(x, tuple(shape), places)


def _cumulative(draw: Draw) -> Callable[..., Any]:
    function = draw(st.sampled_from([lax.cumsum, lax.cumprod, lax.cummax, lax.cummin]))
    axis, reverse = draw(AXES), draw(st.booleans())
    return lambda x: function(x, axis=axis, reverse=reverse)


def _place(draw: Draw) -> Callable[..., Any]:
    function, axis = draw(st.sampled_from([lax.argmax, lax.argmin])), draw(AXES)
    dtype = draw(st.sampled_from([np.int32, np.uint8, np.int16]))
    return lambda x: function(x, axis, dtype).astype(np.float32)


def _sort(draw: Draw) -> Callable[..., Any]:
    axis, keys = draw(AXES), draw(st.integers(1, 2))
    return lambda x: lax.sort((x // 2, x % 3, x), dimension=axis, num_keys=keys)


def _top_k(draw: Draw) -> Callable[..., Any]:
    k = draw(st.integers(1, 4))
    return lambda x: lax.top_k(x, k)[0]


def _concatenate(draw: Draw) -> Callable[..., Any]:
    axis = draw(AXES)
    return lambda x: lax.concatenate([x, 2 * x, x + 1], axis)


def _dynamic(draw: Draw) -> Callable[..., Any]:
    starts = draw(st.tuples(*[st.integers(-5, 5)] * 3))
    sizes = tuple(draw(st.integers(1, n)) for n in SHAPE)
    start = tuple(np.int32(i) for i in starts)
    if draw(st.booleans()):
        return lambda x: lax.dynamic_slice(x, start, sizes)
    return lambda x: lax.dynamic_update_slice(x, -lax.slice(x, (0, 0, 0), sizes), start)


def _gather(draw: Draw) -> Callable[..., Any]:
    places = np.array(draw(st.lists(st.integers(-6, 6), min_size=1, max_size=4)))
    axis, mode = draw(AXES), draw(INDEX_MODES)
    fill = draw(st.sampled_from([0.0, -7.0]))
    mode = "fill" if mode == "drop" else mode
    at = (slice(None),) * axis + (places,)
    if mode == "fill":
        return lambda x: x.at[at].get(mode=mode, fill_value=fill)
    return lambda x: x.at[at].get(mode="clip")


def _scatter(draw: Draw) -> Callable[..., Any]:
    places = np.array(draw(st.lists(st.integers(-6, 6), min_size=1, max_size=4)))
    axis, mode = draw(AXES), draw(INDEX_MODES)
    how = draw(st.sampled_from(["add", "multiply", "max", "min", "subtract"]))
    at = (slice(None),) * axis + (places,)
    return lambda x: getattr(x.at[at], how)(x.at[at].get(mode="clip") + 1, mode=mode)


def _dot(draw: Draw) -> Callable[..., Any]:
    batch = draw(st.sets(AXES, max_size=2))
    contract = draw(st.sets(AXES.filter(lambda axis: axis not in batch)))
    numbers = (sorted(contract), sorted(contract)), (sorted(batch), sorted(batch))
    order = draw(st.permutations(range(3)))
    places = [[order.index(axis) for axis in axes[0]] for axes in numbers]
    numbers = (numbers[0][0], places[0]), (numbers[1][0], places[1])
    return lambda x: lax.dot_general(x, lax.transpose(x + 1, order), numbers)


def _convolution(draw: Draw) -> Callable[..., Any]:
    """With the kernel cut from the image, so that both are moved."""
    each = st.tuples(*[st.integers(1, 2)] * 2)
    strides, base, inner, size = (draw(each) for _ in range(4))
    padding = draw(st.tuples(*[st.tuples(st.integers(-1, 2), st.integers(-1, 2))] * 2))
    count, channels, groups = (draw(st.integers(1, 2)) for _ in range(3))
    by_images = draw(st.booleans())
    names = draw(st.sampled_from([("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "CNWH")]))
    kinds = {"batch_group_count" if by_images else "feature_group_count": groups}
    images, features = (count * groups, channels) if by_images else (count, channels * groups)

    def function(x: Any) -> Any:
        flat, needed = x.reshape(-1), 9 * images * features
        image = jnp.resize(flat, (needed,)).reshape(images, features, 3, 3)
        kernel = jnp.resize(flat[::-1] + 1, (2 * groups, channels, *size))
        if names[0] == "NHWC":
            image, kernel = image.transpose(0, 2, 3, 1), kernel.transpose(2, 3, 1, 0)
        return lax.conv_general_dilated(
            image, kernel, strides, padding, base, inner, dimension_numbers=names, **kinds
        )

    return function


def _window(draw: Draw) -> Callable[..., Any]:
    each = st.tuples(*[st.integers(1, 2)] * 3)
    size, stride, base, inner = (draw(each) for _ in range(4))
    padding = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(-1, 2))] * 3))
    start, function = draw(st.sampled_from([(0.0, lax.add), (-np.inf, lax.max), (np.inf, lax.min)]))
    return lambda x: lax.reduce_window(
        x, start, function, size, stride, padding, base_dilation=base, window_dilation=inner
    )


def _reduce(draw: Draw) -> Callable[..., Any]:
    axes = tuple(sorted(draw(st.sets(AXES))))
    function = draw(st.sampled_from(["sum", "max", "min", "prod"]))
    return lambda x: getattr(x, function)(axes)


DRAWN = [
    _reshape, _transpose, _slice, _rev, _pad, _broadcast, _cumulative, _place, _sort, _top_k,
    _concatenate, _dynamic, _gather, _scatter, _dot, _convolution, _window, _reduce,
]  # fmt: skip


def _compared(function: Callable[..., Any], values: np.ndarray) -> int:
    """How many entries were compared, all of them equal."""
    program = trace(function, (values,))
    found = interpret(program, Ball(), [Ball().constants(values)])
    expected = function(jnp.asarray(values))
    expected = expected if isinstance(expected, tuple | list) else [expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.array_equal(ours.astype(float), np.asarray(theirs, float), equal_nan=True)
    return sum(leaf.size for leaf in found)


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.__name__[1:])
@settings(max_examples=4)
@given(data=st.data())
def test_every_entry_is_where_jax_puts_it(
    drawn: Callable[[Draw], Callable[..., Any]], data: st.DataObject
) -> None:
    function = drawn(data.draw)
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = generator.integers(-3, 4, SHAPE).astype(np.float32)
    assert _compared(function, values) == sum(
        leaf.size for leaf in jax.tree.leaves(jax.eval_shape(function, values))
    )


@pytest.mark.parametrize("name", ["transpose", "rev", "reshape", "slice"])
def test_a_parameter_that_is_not_heeded_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions: dict[str, Callable[..., Any]] = {
        "transpose": lambda x: lax.transpose(x, (1, 0, 2)),
        "rev": lambda x: lax.rev(x, (0, 2)),
        "reshape": lambda x: lax.reshape(x, (4, 3, 2), (2, 1, 0)),
        "slice": lambda x: lax.slice(x, (0, 0, 0), (2, 3, 4), (1, 1, 2)),
    }
    values = np.arange(24.0, dtype=np.float32).reshape(SHAPE)
    assert _compared(functions[name], values) in (24, 12)

    def unheeding(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        shape = equation.outvars[0].aval.shape
        return inputs[0].reshape(-1)[: math.prod(shape)].reshape(shape)

    monkeypatch.setitem(RULES, name, replace(RULES[name], meaning=unheeding))
    with pytest.raises(AssertionError):
        _compared(functions[name], values)
