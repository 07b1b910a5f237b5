"""A predicate answers for each float by itself, and looks at what the function returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.float_formats import UNSIGNED, float_dtypes, is_zero
from jaxgrad.evidence.predicates import SAMPLE, of_each, require_elementwise
from jaxgrad.evidence.sweep import sweep
from jaxgrad.verdict import Verdict

GRADIENT = jax.jit(jax.grad(jax.nn.sigmoid))
X = jnp.asarray(np.random.default_rng(0).permutation(SAMPLE) - SAMPLE / 2, jnp.float32)
Y = jnp.sin(X)


def broadcast(answer: Any, x: jax.Array) -> jax.Array:
    return jnp.broadcast_to(answer, x.shape)


# What a predicate may do wrong about the other floats, right or not at a quarter of them.
OTHERS: dict[str, Callable[[Any, Any], Any]] = {
    "any": lambda x, y: broadcast(jnp.any(y <= 0.25), x),
    "all": lambda x, y: broadcast(jnp.all(y <= 0.2), x),
    "a maximum": lambda x, y: y >= jnp.max(y) - 0.1,
    "a sum": lambda x, y: jnp.sum(y) + y > 0.5,
    "neighbours": lambda x, y: jnp.concatenate([jnp.diff(y) >= 0, jnp.ones(1, bool)]),
    "the next one": lambda x, y: jnp.roll(y, 1) <= 0.2,
    "another order": lambda x, y: jnp.sort(y) <= 0.2,
    "the first one": lambda x, y: (y <= 0.2) | (jnp.arange(y.shape[0]) == 0),
    "the last one": lambda x, y: y[-1] + y <= 0.2,
    "how many there are": lambda x, y: (y <= 0.2) | (y.shape[0] == 1),
}

ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "a bound": lambda x, y: y <= 0.25,
    "two cases": lambda x, y: jnp.where(x > 0, y >= 0, y < 0.5),
    "the function again": lambda x, y: y == jnp.sin(x),
    "compiled": jax.jit(lambda x, y: (jnp.exp(x) * y > 1) | is_zero(y)),
    "a table": lambda x, y: jnp.asarray([0.0, 0.2])[(x > 0).astype(int)] <= y,
}


@pytest.mark.parametrize("predicate", OTHERS.values(), ids=OTHERS)
def test_what_depends_on_other_floats_is_refused(predicate: Any) -> None:
    with pytest.raises(ArgumentError, match="holds answers differently for a float when the other"):
        require_elementwise({"holds": predicate}, X, Y, about_outputs="holds")


BEHIND_WHAT_HOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "a neighbour": lambda x, y: (y <= 1) | (y <= 1.1 * jnp.roll(y, 1)),
    "near a neighbour": lambda x, y: (y <= 1) | (abs(y - jnp.roll(y, 1)) < 0.1),
    "the first place": lambda x, y: (y <= 1) | (jnp.arange(x.size) == 0),
    "the first one": lambda x, y: (y <= 1) | (x == x[0]),
    "how many there are": lambda x, y: (y <= 1) | (x.shape[0] < 100),
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16"])
@pytest.mark.parametrize("predicate", BEHIND_WHAT_HOLDS.values(), ids=BEHIND_WHAT_HOLDS)
def test_it_is_refused_behind_what_holds_of_every_output(predicate: Any, dtype: str) -> None:
    x, y = X.astype(dtype), jnp.tanh(X.astype(dtype))
    assert bool(jnp.all(predicate(x, y)))
    with pytest.raises(ArgumentError, match="holds answers differently for a float when the other"):
        require_elementwise({"holds": predicate}, x, y, about_outputs="holds")


@pytest.mark.parametrize("y", [X > 0, X.astype(int), X.astype("float8_e5m2"), X.astype("int4")])
def test_outputs_of_any_dtype_are_drawn(y: Any) -> None:
    require_elementwise({"holds": lambda x, y: y == y}, X, y, about_outputs="holds")


@pytest.mark.parametrize("predicate", OTHERS.values(), ids=OTHERS)
def test_it_is_named_among_others(predicate: Any) -> None:
    asked = {"holds": ELEMENTWISE["a bound"], "count": predicate, "last": ELEMENTWISE["two cases"]}
    with pytest.raises(ArgumentError, match=r"^count answers differently for a float"):
        require_elementwise(asked, X, Y, about_outputs="holds")


def test_what_one_of_them_raises_has_its_name() -> None:
    def fails(x: Any, y: Any) -> Any:
        raise KeyError("none")

    asked = {"holds": ELEMENTWISE["a bound"], "count": fails, "last": ELEMENTWISE["two cases"]}
    with pytest.raises(KeyError) as raised:
        require_elementwise(asked, X, Y, about_outputs="holds")
    assert raised.value.__notes__ == ["Raised while jaxgrad ran count."]


@pytest.mark.parametrize("predicate", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_what_is_elementwise_is_taken(predicate: Any) -> None:
    require_elementwise({"holds": predicate}, X, Y, about_outputs="holds")
    alone = of_each("holds", predicate)(X, Y)
    assert alone.shape == X.shape
    np.testing.assert_array_equal(alone, predicate(X, Y))


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_no_float_answers_for_another(answers: list[bool]) -> None:
    """Asked of one float at a time, every reduction is one over that float."""
    x = jnp.asarray(answers)
    for reduction in (jnp.any, jnp.all, jnp.max, jnp.min):
        alone = of_each("holds", lambda x, y, f=reduction: broadcast(f(y), x))(x, x)
        assert alone.tolist() == answers


@pytest.mark.parametrize(
    "predicate, said",
    [
        (lambda x, y: True, "True, not booleans"),
        (lambda x, y: np.True_, "True_, not booleans"),
        (lambda x, y: None, r"None \(a forgotten `return`\?\), not booleans"),
        (lambda x, y: jnp.any(y <= 0.25), r"bool\[\], not booleans of shape \[1024\]"),
        (lambda x, y: (y <= 0.25)[:, None], r"bool\[1024, 1\]"),
        (lambda x, y: (y <= 0.25)[:5], r"bool\[5\]"),
        (lambda x, y: y, r"float16\[1024\]"),
        (lambda x, y: [y <= 0.25], r"\[Array"),
        (lambda x, y: (each for each in (y <= 0.25,)), "<generator"),
    ],
)
def test_what_is_no_answer_for_each_float_is_named(predicate: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=f"sweep: holds returned .*{said}"):
        sweep(GRADIENT, jnp.float16, predicate)
    with pytest.raises(ArgumentError, match=rf"sweep: count\['it'\] returned .*{said}"):
        sweep(GRADIENT, jnp.float16, lambda x, y: y <= 0.25, count={"it": predicate})


async def awaited(x: Any, y: Any) -> Any:
    return y <= 0.25


def test_a_coroutine_is_no_answer() -> None:
    with pytest.raises(ArgumentError, match="holds returned a coroutine, not booleans"):
        sweep(GRADIENT, jnp.float16, awaited)


@pytest.mark.parametrize("predicate", [OTHERS["any"], OTHERS["neighbours"]], ids=["any", "next"])
def test_a_sweep_refuses_it_too(predicate: Any) -> None:
    for f in (GRADIENT, lambda x: x):
        with pytest.raises(ArgumentError, match="leave reductions"):
            sweep(f, jnp.float16, predicate)
    with pytest.raises(ArgumentError, match=r"count\['it'\] answers differently"):
        sweep(GRADIENT, jnp.float16, lambda x, y: y <= 0.25, count={"it": predicate})


@pytest.mark.parametrize("dtype", [d for d in float_dtypes() if d.itemsize == 1], ids=str)
def test_floats_of_every_dtype_are_mixed_up(dtype: np.dtype) -> None:
    """What depends on the others is refused where there are 256 floats, too."""
    with pytest.raises(ArgumentError, match="answers differently"):
        sweep(lambda x: x, dtype, lambda x, y: broadcast(jnp.any(y == 1), x))


@pytest.mark.parametrize("dtype", [d for d in float_dtypes() if d.itemsize <= 2], ids=str)
def test_bits_are_elementwise_whatever_becomes_of_those_of_nan(dtype: np.dtype) -> None:
    unsigned = UNSIGNED[8 * dtype.itemsize]

    def odd(_: Any, y: Any) -> Any:
        return jax.lax.bitcast_convert_type(y, unsigned) % 2 == 1

    bits = np.arange(2 ** (8 * dtype.itemsize)).astype(unsigned)
    even = (bits % 2 == 0) & ~np.isnan(bits.view(dtype).astype(np.float32))
    assert sweep(lambda x: x, dtype, odd).failures.total == int(even.sum()) > 0


@pytest.mark.parametrize(
    "predicate", [lambda x, y: x == x, lambda x, y: jnp.ones(x.shape, bool)], ids=["x", "neither"]
)
def test_what_does_not_look_at_the_output_says_nothing_of_the_function(predicate: Any) -> None:
    with pytest.raises(ArgumentError, match="sweep: holds does not look at y, so it says nothing"):
        sweep(GRADIENT, jnp.float16, predicate)
    counted = sweep(GRADIENT, jnp.float8_e5m2, lambda x, y: y <= 0.25, count={"x": predicate})
    assert counted.counts["x"].total == 256 - counted.nan_inputs


@pytest.mark.parametrize(
    "predicate",
    [lambda x, y: np.asarray(y) <= 0.25, lambda x, y: y <= 0.25 if x[0] > 0 else y < 1],
    ids=["NumPy", "if"],
)
def test_what_cannot_be_compiled_is_named(predicate: Any) -> None:
    with pytest.raises(ArgumentError, match=r"holds cannot be compiled \(.*use jax.numpy, with"):
        sweep(GRADIENT, jnp.float16, predicate)


def test_functions_are_given_uncalled() -> None:
    with pytest.raises(ArgumentError, match=r"sweep: f is 0\.25, not a function"):
        sweep(0.25, jnp.float16, lambda x, y: y <= 0.25)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="sweep: holds is True, not a function"):
        sweep(GRADIENT, jnp.float16, True)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="sweep: zero is None, not a function"):
        count: Any = {"zero": None}
        sweep(GRADIENT, jnp.float16, lambda x, y: y <= 0.25, count=count)


def test_a_sweep_compiles_where_jit_is_disabled() -> None:
    with jax.disable_jit():
        found = sweep(GRADIENT, jnp.float8_e5m2, lambda x, y: y <= 0.25)
        wrong = sweep(GRADIENT, jnp.float8_e5m2, lambda x, y: y < 0.25)
    assert found.verdict is Verdict.PROVED and wrong.verdict is Verdict.REFUTED


def test_a_function_that_would_have_to_be_awaited_is_not_swept() -> None:
    async def f(x: Any) -> Any:
        return x

    with pytest.raises(ArgumentError, match="sweep: f is written with `async def`, so that"):
        sweep(f, jnp.float16, lambda x, y: y == x)
