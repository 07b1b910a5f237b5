"""Primitives run on arrays of a few shapes return what they return of the arrays as they are."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jax import lax
from jax.extend.core import primitives
from test_witness import _thousandth_more, misread

from jaxgrad import Verdict, compare
from jaxgrad.errors import EnginesDisagree
from jaxgrad.gradients import few_shapes
from jaxgrad.gradients.primitive_runs import bound
from jaxgrad.gradients.witness import hold_program, program_floats, run_primitives
from jaxgrad.programs.trace import Program, trace

__all__ = ["misread"]

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)


def _eighths(x: Any) -> Any:
    """Numbers of which every sum is exact, in whichever order they are added up."""
    return jnp.round(x * 8)


FUNCTIONS = {
    "functions": lambda x: jnp.sin(x) * jnp.exp(x) + lax.integer_pow(x, 3),
    "a number beside an array": lambda x: 2 * x + x[0, 0],
    "truths": lambda x: jnp.where((x > 0) & ~(x == 1), x, -x),
    "integers": lambda x: (x * 8).astype(jnp.int32) % 3 + x,
    "short floats": lambda x: x.astype(jnp.bfloat16) * 2,
    "axes of length 1": lambda x: lax.sub(x, x[:1]),
    "a number": lambda x: jnp.sin(x[0, 0]),
    "nothing": lambda x: jnp.sin(x[:0]) * 2,
    "many": lambda x: jnp.tile(x, (30, 10)) * 2,
    "a call": lambda x: jax.jit(jnp.cos)(x),
    "a product": lambda x: _eighths(x) @ _eighths(x.T),
    "a product of vectors": lambda x: jnp.dot(_eighths(x[0]), _eighths(x[1])),
    "a product of batches": lambda x: jnp.einsum("bi,bj,b->bij", x, x, x[:, 0]),
    "a sum": lambda x: _eighths(x).sum(),
    "a sum over an axis": lambda x: _eighths(x).sum(0),
    "a sum over axes": lambda x: _eighths(jnp.stack([x, x, x + 1])).sum((0, 2)),
    "a sum of nothing": lambda x: x[:0].sum(0),
    "a large sum": lambda x: jnp.tile(_eighths(x), (1, 50)).sum(1),
    "a sum of integers": lambda x: (x * 8).astype(jnp.int32).sum(0),
    "a product of numbers alone": lambda x: jnp.tensordot(x[0, 0], x, 0),
    "a large product": lambda x: (
        jnp.tile(_eighths(x), (30, 30)) @ jnp.tile(_eighths(x.T), (30, 30))
    ),
    "an empty product": lambda x: x[:, :0] @ x.T[:0],
    "a product of short floats": lambda x: (
        _eighths(x).astype(jnp.bfloat16) @ _eighths(x.T).astype(jnp.bfloat16)
    ),
    "a product of integers": lambda x: (x * 8).astype(jnp.int32) @ (x.T * 8).astype(jnp.int32),
}


def _traced(function: Any) -> tuple[Program, list[Any]]:
    program = trace(function, (X,))
    return program, [leaf.value for leaf in program.inputs]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_few_shapes_return_the_same_arrays(name: str) -> None:
    program, values = _traced(FUNCTIONS[name])
    own, few = program_floats(program, values), program_floats(program, values, True)
    for a, b in zip(own, few, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.float64(a), np.float64(b), rtol=1e-6)


@given(st.data())
def test_numpy_moves_entries_as_jax_does(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4).map(tuple))
    x = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    axes = data.draw(st.permutations(range(len(shape))))
    some = data.draw(st.sets(st.integers(0, len(shape) - 1))) if shape else set()
    low = [data.draw(st.integers(0, n)) for n in shape]
    high = [data.draw(st.integers(k, n)) for k, n in zip(low, shape, strict=True)]
    steps = [data.draw(st.integers(1, 3)) for _ in shape]
    inner = [data.draw(st.integers(0, 2)) for _ in shape]
    least = [-((n + (n - 1) * k) if n else 0) for n, k in zip(shape, inner, strict=True)]
    before = [data.draw(st.integers(k, 2)) for k in least]
    after = [data.draw(st.integers(k - min(b, 0), 2)) for k, b in zip(least, before, strict=True)]
    broad = data.draw(st.permutations(range(len(shape) + 2)))[: len(shape)]
    target = [data.draw(st.integers(0, 3)) for _ in range(len(shape) + 2)]
    for axis, n in zip(sorted(broad), shape, strict=True):
        target[axis] = n if n != 1 else target[axis]

    def moved(x: jax.Array) -> list[jax.Array]:
        return [
            lax.transpose(x, axes),
            lax.rev(x, tuple(some)),
            lax.squeeze(x, tuple(axis for axis in some if shape[axis] == 1)),
            lax.reshape(x, (x.size, 1)),
            lax.broadcast_in_dim(x, target, sorted(broad)),
            lax.slice(x, low, high, steps),
            lax.pad(x, jnp.float32(-1), list(zip(before, after, inner, strict=True))),
            *(lax.concatenate([x, x, x[:1]], k) for k in range(min(x.ndim, 1))),
            *(p for k in range(x.ndim) for p in lax.split(x, (low[k], x.shape[k] - low[k]), k)),
            *(lax.broadcasted_iota(np.int32, x.shape, k) for k in range(x.ndim)),
        ]

    program = trace(moved, (x,))
    for numpys, jaxs in zip(program_floats(program, [x], True), moved(jnp.asarray(x)), strict=True):
        assert numpys.dtype == jaxs.dtype
        np.testing.assert_array_equal(numpys, jaxs)


_BINARY = {
    "add": lax.add, "sub": lax.sub, "mul": lax.mul, "div": lax.div, "max": lax.max, "min": lax.min,
    "lt": lax.lt, "le": lax.le, "gt": lax.gt, "ge": lax.ge, "eq": lax.eq, "ne": lax.ne,
    "add_any": primitives.add_jaxvals_p.bind, "select_n": lambda x, y: lax.select(x > y, x, y),
}  # fmt: skip
_UNARY = {
    "neg": lax.neg, "abs": lax.abs, "sign": lax.sign, "sqrt": lax.sqrt, "floor": lax.floor,
    "ceil": lax.ceil, "round": lax.round, "is_finite": lax.is_finite,
    "convert_element_type": lambda x: (x > 0).astype(jnp.float32),
}  # fmt: skip
_LOGICAL = {"and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor}


@given(st.data())
def test_what_ieee_rounds_is_the_same_to_the_last_bit(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(), (1,), (3,), (3, 4), (17,), (5, 41)]))
    bits = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x, y = (bits.integers(0, 2**32, shape, np.uint32).view(np.float32) for _ in range(2))
    small = bits.integers(0, 2**23, shape, np.uint32).view(np.float32)  # 0 and below what is normal
    x = np.where(bits.integers(0, 4, shape) == 0, small, x)
    y = np.where(bits.integers(0, 4, shape) == 0, x, y)  # some tie

    def functions(x: Any, y: Any) -> list[Any]:
        truths = x > 0, y > 0
        return [
            *(each(x, y) for each in _BINARY.values()),
            *(each(x) for each in _UNARY.values()),
            *(each(*truths) for each in _LOGICAL.values()),
            ~truths[0],
            x.astype(jnp.bfloat16),
            x.astype(jnp.bfloat16) * y.astype(jnp.bfloat16),
        ]

    program = trace(functions, (np.zeros_like(x), np.zeros_like(y)))
    assert {*_BINARY, *_UNARY, *_LOGICAL, "not"} == few_shapes._EXACT
    own = run_primitives(program.as_traced, [x, y], bound)
    rows = run_primitives(program.as_traced, [x, y], few_shapes.bound_to_the_last_bit)
    for a, b in zip(own, rows, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        with np.errstate(invalid="ignore"):  # a signalling NaN
            a, b = np.float64(a), np.float64(b)
        np.testing.assert_array_equal(a, b)
        numbers = ~np.isnan(a)  # the sign of a NaN says nothing
        np.testing.assert_array_equal(np.signbit(a)[numbers], np.signbit(b)[numbers])


@given(st.data())
def test_products_of_small_integers_are_exact(data: st.DataObject) -> None:
    """Whatever is filled up with zeros, and wherever the axes of batches and sums are."""
    axes = data.draw(st.permutations("abcd"))
    batch, over, left, right = axes
    sizes = {axis: data.draw(st.sampled_from([1, 2, 3, 9])) for axis in axes}
    first = "".join(data.draw(st.permutations([batch, over, left])))
    second = "".join(data.draw(st.permutations([batch, over, right])))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))

    def drawn(names: str) -> np.ndarray:
        return generator.integers(-9, 9, [sizes[name] for name in names]).astype(np.float32)

    x, y = drawn(first), drawn(second)
    subscripts = f"{first},{second}->{batch}{left}{right}"
    program = trace(lambda x, y: jnp.einsum(subscripts, x, y), (x, y))
    (found,) = program_floats(program, [x, y], True)
    np.testing.assert_array_equal(found, np.einsum(subscripts, x, y))


@given(
    signs=st.lists(st.sampled_from([1, -1, 1.3, -0.7]), min_size=2, max_size=9),
    dtype=st.sampled_from([np.float32, np.float16]),
    others=st.integers(1, 2),
)
@example(signs=[1, 1, -1], dtype=np.float32, others=1)
@example(signs=[-1, -0.7, 1], dtype=np.float32, others=1)
def test_whether_a_sum_overflows_is_what_the_program_as_it_stands_says(
    signs: list[float], dtype: Any, others: int
) -> None:
    """In another order partial sums overflow or not: 1 + 1 − 1 and 1 − 1 + 1, of half the range."""
    large = np.sqrt(float(np.finfo(dtype).max)) * 0.8
    x = (np.array([signs]) * large).astype(dtype)
    y = np.full((len(signs), others), large, dtype)
    program = trace(lambda x, y: jnp.einsum("mk,kq->qm", x, y), (x, y))
    run = hold_program("f", program, [x, y], few_shapes=True)
    np.testing.assert_array_equal(
        np.isfinite(run.floats[0]), np.isfinite(program_floats(program, [x, y])[0])
    )


def test_a_sum_that_overflows_in_the_order_of_the_program_is_refuted() -> None:
    x, y = np.float32([[1, 1, -1]]) * np.float32(1.5e19), np.full((3, 1), 1.5e19, np.float32)

    def f(x: Any, y: Any) -> Any:
        return jnp.einsum("mk,kq->qm", x, y)

    assert np.isinf(jax.jit(f)(x, y)).all()  # else this tests nothing
    found = compare(f, lambda x, y: f(x, y) * 1, x, y)
    assert found.verdict is Verdict.REFUTED and "inf" in str(found)
    assert compare(f, lambda x, y: f(x, y) * 1, x / 4, y).verdict is Verdict.PROVED


def test_a_misreading_is_found_in_few_shapes(misread: Any) -> None:
    program, values = _traced(jnp.sin)
    assert hold_program("f", program, values, few_shapes=True).held == X.size
    misread("sin", _thousandth_more)
    with pytest.raises(EnginesDisagree):
        hold_program("f", program, values, few_shapes=True)


def test_a_primitive_of_somebody_else_is_run_as_it_is() -> None:
    """One called `sin` need not be of each entry by itself."""
    other = jax.extend.core.Primitive("sin")
    other.def_impl(lambda x: lax.rev(x, (1,)))
    other.def_abstract_eval(lambda x: x)
    program, values = _traced(other.bind)
    (found,) = program_floats(program, values, True)
    np.testing.assert_array_equal(found, X[:, ::-1])


def test_one_row_is_compiled_for_all_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = set()
    run = few_shapes.bound

    def noted(equation: Any, arguments: list[Any]) -> list[Any]:
        shapes.update(map(np.shape, arguments))
        return run(equation, arguments)

    monkeypatch.setattr(few_shapes, "bound", noted)
    for x in (X, X[0], X.T, np.stack([X, X])):
        program = trace(jnp.sin, (x,))
        program_floats(program, [leaf.value for leaf in program.inputs], True)
    assert shapes == {(few_shapes.LENGTHS[0],)}


def test_one_product_is_compiled_for_many_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = set()
    run = few_shapes.bound

    def noted(equation: Any, arguments: list[Any]) -> list[Any]:
        shapes.update((equation.primitive.name, np.shape(x)) for x in arguments)
        return run(equation, arguments)

    monkeypatch.setattr(few_shapes, "bound", noted)
    for n in range(1, 7):
        for m in range(1, 7):
            x = np.ones((n, m), np.float32)
            program = trace(lambda x: x.T @ x, (x,))
            (found,) = program_floats(program, [x], True)
            np.testing.assert_array_equal(found, x.T @ x)
    side = few_shapes.SIDES[0]
    assert shapes == {("dot_general", (side, side))}
