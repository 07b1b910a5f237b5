"""check_grads() takes arguments of every kind; what it cannot differentiate is held fixed."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from benchmarks.cases import with_rule
from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.verdict import Verdict


class Layer(NamedTuple):
    weight: Any
    bias: Any


WRONG_SINE = with_rule(jnp.sin, lambda xs, ts: -jnp.cos(xs[0]) * ts[0])
KEY = jax.random.key(3)


@pytest.mark.parametrize(
    ("function", "args", "paths"),
    [
        (lambda g, p: g(p["a"]) * p["b"][0], ({"a": 0.5, "b": [2.0]},), ["p['a']", "p['b'][0]"]),
        (lambda g, p: g(p.weight @ p.bias), (Layer(np.ones((2, 3), "f4"), np.ones(3, "f4")),),
         ["p.weight", "p.bias"]),
        (lambda g, x, n: g(x) * n, (0.5, 3), ["x"]),
        (lambda g, x, n: g(x)[n], (np.ones(3, "f4"), np.array([0, 2, 2])), ["x"]),
        (lambda g, x, p: jnp.where(p, g(x), x), (0.5, True), ["x"]),
        (lambda g, x, key: g(x) + jax.random.normal(key), (0.5, KEY), ["x"]),
        (lambda g, x, keys: g(x) * jax.random.uniform(keys[1]), (0.5, jax.random.split(KEY)),
         ["x"]),
        (lambda g, p: g(p["b"]), ({"a": None, "b": 0.5},), ["p['b']"]),
        (lambda g, x, y: g(x) + y.sum(), (0.5, np.zeros((0, 3), "f4")), ["x", "y"]),
        (lambda g, x: g(x), (np.float32(0.5),), ["x"]),
        (lambda g, x: g(x), (np.full((1, 1, 1), 0.5, "f4"),), ["x"]),
        (lambda g, x: g(x), (jnp.bfloat16(0.5),), ["x"]),
        (lambda g, x: g(x.astype("f4")), (ml_dtypes.float8_e4m3fn(0.5),), ["x"]),
        (lambda g, x: {"y": g(x), "count": jnp.argmax(x), "none": None},
         (np.array([0.5, 0.25], "f4"),), ["x"]),
    ],
)  # fmt: skip
def test_arguments(function: Any, args: tuple[Any, ...], paths: list[str]) -> None:
    # The helper passes the rule to look at, so paths start at the second parameter.
    def right(*args: Any) -> Any:
        return function(jnp.sin, *args)

    def wrong(*args: Any) -> Any:
        return function(WRONG_SINE, *args)

    names = [path.split(".")[0].split("[")[0] for path in paths]
    found = check_grads(right, args)
    assert found.verdict is Verdict.AGREES
    assert len(found.leaves) == len(names)
    with pytest.raises(GradientMismatch):
        check_grads(wrong, args)


def test_leaves_are_named_by_key_path() -> None:
    def f(params: Any, x: Any) -> Any:
        return WRONG_SINE(params["w"] @ x) + params["b"]

    params = {"w": np.eye(2, dtype=np.float32), "b": np.zeros(2, np.float32)}
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, (params, np.array([0.5, 0.25], np.float32)))
    text = str(caught.value)
    assert "2 of 3 leaves" in text
    assert (
        "params['w']: fwd: the derivative of f[0] with respect to params['w'][0, 0] is [-0.43"
        in text
    )
    assert "by the rules and [0.43" in text


def test_weak_types_are_kept() -> None:
    scale = jnp.bfloat16(3.0)
    program = jax.make_jaxpr(lambda x: x * scale)(0.5)
    assert program.out_avals[0].dtype == jnp.bfloat16
    assert check_grads(lambda x: WRONG_SINE(0.0) + x * scale, (0.5,)).verdict.passes


def test_nothing_to_look_at() -> None:
    with pytest.raises(ArgumentError, match=r"convert one with jnp\.asarray\(x, float\)"):
        check_grads(lambda n, key: n * 1.0, (3, KEY))
    with pytest.raises(ArgumentError, match="no output is floating point"):
        check_grads(jnp.argmax, (np.ones(3, np.float32),))
    with pytest.raises(UndecidedError, match="nothing to check"):
        check_grads(jnp.sum, (np.zeros((0, 2), np.float32),))
    with pytest.raises(UndecidedError, match="every argument is NaN"):
        check_grads(jnp.sin, (np.full(2, np.nan, np.float32),))
    with pytest.raises(ArgumentError, match="PRNG keys and objects are held fixed"):
        check_grads(lambda x: 0.0, ("text",))
