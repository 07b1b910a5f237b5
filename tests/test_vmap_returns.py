"""Rules of ``custom_vmap`` that take or return something else than JAX gives and wants."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.custom_batching import custom_vmap

from jaxgrad import Verdict, check_grads, compare, sweep
from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    JaxgradError,
    ShapeMismatch,
    TraceError,
    TreeMismatch,
)

X = np.array([1.0, 2.0, 3.0], np.float32)


def batched_by(function: Callable[..., Any], rule: Callable[..., Any]) -> Any:
    """A function with a rule of its own for a batch."""
    found = custom_vmap(function)
    found.def_vmap(rule)
    return found


def line_of(rule: Callable[..., Any]) -> str:
    return f"{rule.__code__.co_filename}:{rule.__code__.co_firstlineno}"


# -- of one result ---------------------------------------------------------------------------------

PAIR = (
    "has to return a pair: what the function returns, every result with the axis of the batch in "
    "front, and the same tree of booleans, whether each is batched; "
)
WRITE = "write `return out, True`, or with jax.tree.map for several results"

ONE: dict[str, tuple[Callable[..., Any], type[JaxgradError], str]] = {
    "no return": (
        lambda n, batched, x: None,
        TreeMismatch,
        f"returns None, and {PAIR}its `return` may be missing: {WRITE}",
    ),
    "no pair": (
        lambda n, batched, x: jnp.sin(x)[0],
        TreeMismatch,
        f"returns a single value, and {PAIR}{WRITE}",
    ),
    "three": (
        lambda n, batched, x: (x, x, True),
        TreeMismatch,
        f"returns a tuple of 3, and {PAIR}{WRITE}",
    ),
    "the wrong way round": (
        lambda n, batched, x: (True, jnp.sin(x)),
        TreeMismatch,
        f"returns first the booleans and then the results, and {PAIR}{WRITE}",
    ),
    "two results": (
        lambda n, batched, x: ((x, x), (True, True)),
        TreeMismatch,
        "returns the tree PyTreeDef((*, *)) for a batch, and the function returns PyTreeDef(*)",
    ),
    "two booleans": (
        lambda n, batched, x: (jnp.sin(x), (True, True)),
        TreeMismatch,
        "says by the tree PyTreeDef((*, *)) which of its results are batched",
    ),
    "no argument left": (
        lambda batched, x: (jnp.sin(x), True),
        ArgumentError,
        "takes other arguments than JAX gives it: too many positional arguments; under def_vmap "
        "a rule takes (axis_size, in_batched, *args)",
    ),
    "a sum over all": (
        lambda n, batched, x: (jnp.sum(jnp.sin(x)), True),
        ShapeMismatch,
        "returns shape () for its result of a batch of 2 and says True for out_batched, where "
        "in_batched is [True], and the shape should be (2,); keep the axis of the batch, in front, "
        "which a sum over all axes takes away, too",
    ),
    "no array": (
        lambda n, batched, x: ("out", True),
        ArgumentError,
        "returns a str for its result, which is no array of numbers; return what the function "
        "returns, with the axis of the batch in front",
    ),
    "an array for a boolean": (
        lambda n, batched, x: (jnp.sin(x), np.array([True] * n)),
        ArgumentError,
        "says by an array of shape (2,) whether its result is batched, which is no boolean; "
        "return True or False for out_batched, such as any(jax.tree.leaves(in_batched))",
    ),
}


def _of_itself(rule: Callable[..., Any]) -> None:
    check_grads(batched_by(jnp.sin, rule), (np.float32(0.5),), modes="fwd")


def _within_bwd(rule: Callable[..., Any]) -> None:
    inner, f = batched_by(jnp.sin, rule), jax.custom_vjp(jnp.cos)
    f.defvjp(lambda x: (jnp.cos(x), x), lambda x, u: (-inner(x) * u,))
    check_grads(f, (np.float32(0.5),), modes="rev")


def _within_map(rule: Callable[..., Any]) -> None:
    check_grads(jax.vmap(batched_by(jnp.sin, rule)), (X[:2],), modes="fwd")


def _swept(rule: Callable[..., Any]) -> None:
    sweep(batched_by(jnp.sin, rule), jnp.float16, lambda x, y: ~(y > 1))


def _compared(rule: Callable[..., Any]) -> None:
    compare(jax.vmap(batched_by(jnp.sin, rule)), jnp.sin, X[:2])


def _compared_jit(rule: Callable[..., Any]) -> None:
    compare(jnp.sin, jax.jit(jax.vmap(jax.jit(batched_by(jnp.sin, rule)))), X[:2])


@pytest.mark.parametrize(
    "ask", [_of_itself, _within_bwd, _within_map, _swept, _compared, _compared_jit]
)
@pytest.mark.parametrize("name", ONE)
def test_a_rule_that_returns_something_else(name: str, ask: Callable[..., None]) -> None:
    rule, kind, said = ONE[name]
    if name == "no pair":
        rule = lambda n, batched, x: jnp.float32(0)  # noqa: E731 - of two rows JAX makes a pair
    with pytest.raises(kind) as caught:
        ask(rule)
    who = f"the custom_vmap rule of `sin` ({line_of(rule)})"
    assert str(caught.value).startswith(f"{who} {said}")
    ask(lambda n, batched, x: (jnp.sin(x), batched[0]))


def test_two_rows_for_a_pair() -> None:
    """JAX takes the two for results and booleans."""
    with pytest.raises(TreeMismatch, match="returns a single value"):
        _of_itself(lambda n, batched, x: jnp.sin(x))


def test_a_boolean_that_is_none_fails_where_the_rule_is_differentiated() -> None:
    def rule(n: int, batched: Any, x: Any) -> Any:
        return jnp.sin(x), "yes"

    with pytest.raises(TypeError, match="unsupported operand"):
        jax.vmap(jax.jacfwd(batched_by(jnp.sin, rule)))(X)
    with pytest.raises(ArgumentError, match="says by 'yes' whether its result is batched"):
        _of_itself(rule)
    assert jax.vmap(batched_by(jnp.sin, rule))(X).shape == X.shape
    _within_bwd(rule)  # JAX asks no more of it than whether it is true


def test_a_boolean_that_is_traced() -> None:
    """Where JAX traces it has none."""

    def rule(n: int, batched: Any, x: Any) -> Any:
        return jnp.sin(x), jnp.any(jnp.isfinite(x))

    with pytest.raises(TraceError, match="computes in JAX whether its result is batched"):
        _within_map(rule)


# -- of several results, and other dtypes ----------------------------------------------------------


def test_the_result_is_named() -> None:
    def both(x: Any) -> Any:
        return {"sine": jnp.sin(x), "sum": jnp.sum(x)}

    def rule(axis: int | None) -> Callable[..., Any]:
        def batched(n: int, batched: Any, x: Any) -> Any:
            out = {"sine": jnp.sin(x), "sum": jnp.sum(x, axis)}
            return out, jax.tree.map(lambda _: batched[0], out)

        return batched

    check_grads(batched_by(both, rule(-1)), (X,), modes="fwd")
    with pytest.raises(ShapeMismatch, match=r"returns shape \(\) for result\['sum'\] of a batch"):
        check_grads(batched_by(both, rule(None)), (X,), modes="fwd")


def test_the_axis_of_the_batch_at_the_end() -> None:
    def rule(n: int, batched: Any, x: Any) -> Any:
        return jnp.sin(x).T, batched[0]

    with pytest.raises(ShapeMismatch, match=r"jnp\.moveaxis\(out, -1, 0\)"):
        check_grads(batched_by(jnp.sin, rule), (X,), modes="fwd")


def test_a_result_of_which_a_rule_says_that_it_is_not_batched() -> None:
    with pytest.raises(ShapeMismatch, match=r"should be \(3,\); return True for it"):
        check_grads(batched_by(jnp.sin, lambda n, b, x: (jnp.sin(x), False)), (X,), modes="fwd")


def _cast(n: int, batched: Any, x: Any) -> Any:
    return jnp.sin(x).astype(jnp.bfloat16), batched[0]


@pytest.mark.parametrize("ask", [_of_itself, _within_bwd, _swept])
def test_another_dtype(ask: Callable[..., None]) -> None:
    said = "returns dtype bfloat16 for its result, and the function returns float"
    with pytest.raises(DtypeMismatch, match=re.escape(said)):
        ask(_cast)


def test_another_dtype_within_a_branch() -> None:
    """JAX takes it in the branch, fails where the branches meet, and keeps what it made of them."""

    def branches(cast: Callable[..., Any]) -> Callable[..., Any]:
        f = batched_by(jnp.sin, cast)
        return lambda x: jax.lax.cond(x[0] > 0, f, jnp.cos, x)

    wrong = branches(_cast)
    for _ in range(2):
        with pytest.raises(DtypeMismatch, match=r"`sin` .* returns dtype bfloat16"):
            check_grads(wrong, (X,), modes="fwd")
    check_grads(branches(lambda n, batched, x: (jnp.sin(x), batched[0])), (X,), modes="fwd")


def test_a_rule_that_asks_for_a_batch_of_itself() -> None:
    """With nothing batched it never ends."""
    f = custom_vmap(jnp.sin)
    f.def_vmap(lambda n, batched, x: (f(x), batched[0]))
    found = check_grads(f, (X,), modes="fwd")
    assert ", and under vmap" in found.evidence.text


def test_another_dtype_of_a_sweep_is_one_of_its_tiles() -> None:
    with pytest.raises(DtypeMismatch, match=r'cast it with \.astype\("float16"\)'):
        sweep(batched_by(jnp.sin, _cast), jnp.float16, lambda x, y: ~(y > 1))


def test_nothing_that_is_batched() -> None:
    always = batched_by(jnp.sin, lambda n, batched, x: (jnp.sin(x), True))
    with pytest.raises(ShapeMismatch, match=r"nothing is batched there, as in jax\.jacfwd: return"):
        compare(jnp.cos, jax.jacfwd(always), np.float32(0.5))


def test_no_rule_at_all() -> None:
    ruleless = custom_vmap(jnp.sin)
    with pytest.raises(ArgumentError, match=r"calls a custom_vmap that has no rule: .* function"):
        check_grads(lambda x: ruleless(x), (X,))


# -- what JAX takes --------------------------------------------------------------------------------


class Pair(NamedTuple):
    out: Any
    batched: Any


class Rule:
    def __call__(self, n: int, batched: Any, x: Any) -> Any:
        return jnp.sin(x), batched[0]


TAKEN: dict[str, Callable[..., Any]] = {
    "a list": lambda n, batched, x: [jnp.sin(x), batched[0]],
    "a pair with names": lambda n, batched, x: Pair(jnp.sin(x), batched[0]),
    "an iterator": lambda n, batched, x: iter((jnp.sin(x), batched[0])),
    "0 or 1": lambda n, batched, x: (jnp.sin(x), int(batched[0])),
    "a boolean of NumPy": lambda n, batched, x: (jnp.sin(x), np.any(batched)),
    "an array of one boolean": lambda n, batched, x: (jnp.sin(x), np.array(batched[0])),
    "a partial": functools.partial(lambda k, n, batched, x: (jnp.sin(x), batched[0]), 1),
    "an object": Rule(),
    "any arguments": lambda *args: (jnp.sin(args[2]), args[1][0]),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_jax_takes(name: str) -> None:
    f = batched_by(jnp.sin, TAKEN[name])
    for row in jax.vmap(jax.jacfwd(f))(X), jax.jit(jax.vmap(jax.jacfwd(f)))(X):
        np.testing.assert_allclose(row, np.cos(X), rtol=1e-6)
    found = check_grads(f, (np.float32(0.5),), modes="fwd")
    assert ", and under vmap" in found.evidence.text
    assert "not looked at" not in found.evidence.text
    assert sweep(f, jnp.float16, lambda x, y: ~(y > 1)).verdict is Verdict.PROVED
    assert compare(jax.vmap(f), jnp.sin, X).verdict is Verdict.PROVED


def test_results_that_do_not_depend_on_what_is_batched() -> None:
    f = batched_by(lambda x, k: 2.0 * k, lambda n, batched, x, k: (2.0 * k, batched[1]))
    found = check_grads(f, (X, np.float32(3.0)), modes="fwd")
    assert "not looked at" not in found.evidence.text
