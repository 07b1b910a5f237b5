"""Primitives without a rule, read as the program that their own implementation is traced to."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import sparse
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

import jaxgrad
from jaxgrad import Ball, UndecidedError, Verdict, check, check_grads, compare, run_over
from jaxgrad.errors import EnginesDisagree, GradientMismatch, JaxgradError, UnsupportedPrimitive
from jaxgrad.programs.implementations import (
    implementation_program,
    is_read_by_implementation,
    why_not_read,
)
from jaxgrad.programs.meanings import MEANINGS, Meaning

X = np.float32(0.75)
V = np.array([0.3, -0.7, 1.2], np.float32)


def cube(x: Any, *, scale: float = 2.0) -> Any:
    return scale * x**3


def slope(x: Any, *, scale: float = 2.0) -> Any:
    return 3 * scale * x**2


def made(
    name: str,
    impl: Callable[..., Any] | None = cube,
    lowered: Callable[..., Any] | None = cube,
    derivative: Callable[..., Any] = slope,
) -> Callable[..., Any]:
    """A cube as a primitive, with a derivative by hand."""
    own = Primitive(name)
    own.def_abstract_eval(lambda x, **_: x)
    if impl is not None:
        own.def_impl(impl)
    if lowered is not None:
        mlir.register_lowering(own, mlir.lower_fun(lowered, multiple_results=False))
    ad.defjvp(own, lambda t, x, **params: t * derivative(x, **params))
    batching.defvectorized(own)
    return lambda x, **params: own.bind(x, **({"scale": 2.0} | params))


def steeper(x: Any, *, scale: float) -> Any:
    return 3 * scale * x**2 + 1e-4


@pytest.mark.parametrize(
    "way", [{}, {"lowered": None}, {"impl": None}], ids=["both", "impl", "lowering"]
)
def test_a_primitive_and_a_wrong_derivative(way: dict[str, Any]) -> None:
    right, wrong = made("cube", **way), made("cube", derivative=steeper, **way)
    assert compare(right, lambda x: cube(x), V).verdict is Verdict.PROVED
    assert compare(right, lambda x: cube(x, scale=2.01), V).verdict is Verdict.REFUTED
    assert check(right, (X,)).verdict is Verdict.PROVED
    for order in (1, 2):
        with pytest.raises(GradientMismatch):
            check_grads(jax.jit(wrong), (X,), order=order)


def test_second_derivatives_in_a_program() -> None:
    right, wrong = made("cube"), made("cube", derivative=steeper)
    assert check(lambda x: right(x) * x, (X,), order=2, budget=0).verdict.passes
    assert check(lambda x: wrong(x) * x, (X,), order=2).verdict is Verdict.REFUTED


def test_parameters_are_read() -> None:
    right, other = made("cube"), made("cube", derivative=lambda x, scale: 6 * x**2)
    assert check(lambda x: right(x, scale=4.0), (X,), budget=0).verdict.passes
    assert check(lambda x: other(x, scale=2.0), (X,), budget=0).verdict.passes
    assert check(lambda x: other(x, scale=4.0), (X,), budget=0).verdict is Verdict.REFUTED


def test_what_a_verdict_rests_on() -> None:
    told = "what the implementation of `cube` is traced to"
    assert told in check(made("cube"), (X,)).evidence.trusts
    assert told in compare(made("cube"), lambda x: cube(x), X).evidence.trusts
    assert told not in compare(jnp.sin, jnp.sin, X).evidence.trusts


def test_an_implementation_by_another_primitive() -> None:
    inner = made("cube")
    outer = made("outer", impl=lambda x, scale: inner(x, scale=scale) + x,
                 lowered=None, derivative=lambda x, scale: slope(x, scale=scale) + 1)  # fmt: skip
    assert check(outer, (X,)).verdict is Verdict.PROVED


TWO = np.array([[[2]], [[3]]], np.float32)
ENTRIES = np.array([[0, 0], [0, 2], [1, 1]])


def sparse_product(d: Any) -> Any:
    return sparse.BCOO((d, ENTRIES), shape=(2, 3)) @ d


# What JAX lowers as a program of its own, the same by other operations.
OF_JAX: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sparse": (sparse_product, lambda d: jnp.stack([d[0] * d[0] + d[1] * d[2], d[2] * d[1]])),
    "ragged": (
        lambda x: lax.ragged_dot(x[:, None], jnp.array([[[2.0]], [[3.0]]]), jnp.array([1, 2]))[
            :, 0
        ],
        lambda x: x * jnp.array([2.0, 3.0, 3.0]),
    ),
    "tridiagonal": (
        lambda x: lax.linalg.tridiagonal_solve(0 * x, x, 0 * x, jnp.ones((3, 1)))[:, 0],
        lambda x: 1 / x,
    ),
}


@pytest.mark.parametrize("name", OF_JAX)
def test_what_jax_lowers_as_a_program(name: str) -> None:
    f, other = OF_JAX[name]
    assert compare(f, other, V).verdict.passes
    assert compare(f, lambda x: other(x) * 1.001, V).verdict is Verdict.REFUTED
    assert check(f, (V,), budget=0).verdict is Verdict.AGREES


def test_a_sampler_is_no_program_whose_derivative_jax_takes() -> None:
    draw = lambda a: jax.random.gamma(jax.random.key(0), a)  # noqa: E731
    with pytest.raises(UndecidedError, match=r"`random_gamma` has no rule: .* an estimator"):
        check_grads(draw, (np.float32(1.5),))


def grown(name: str) -> Callable[..., Any]:
    """A primitive that calls itself, each time with another parameter."""
    return made(name, impl=lambda x, scale: again(x, scale=scale + 1), lowered=None)


again = grown("again")


def test_an_implementation_that_leads_back() -> None:
    itself = made("itself", impl=lambda x, scale: jax.jit(itself)(x, scale=scale), lowered=None)
    for f, name in ((itself, "itself"), (grown("once"), "once")):
        with pytest.raises(UndecidedError, match=f"the primitive `{name}` has no rule"):
            check_grads(f, (X,))


@pytest.mark.parametrize(
    ("impl", "said"),
    [
        (lambda x, scale: np.sin(x), "cannot be traced: TracerArrayConversionError"),
        (lambda x, scale: x if x > 0 else -x, "cannot be traced: TracerBoolConversionError"),
        (lambda x, scale: 1 / 0, "cannot be traced: ZeroDivisionError"),
        (lambda x, scale: jnp.stack([x, x]), "returns other shapes or dtypes than it says"),
        (
            lambda x, scale: jax.lax.linalg.hessenberg(x[None, None])[0][0, 0],
            "calls `hessenberg`, which",
        ),
    ],
    ids=["NumPy", "a branch", "an error", "a shape", "a primitive without a rule"],
)
def test_an_implementation_that_is_no_program(impl: Callable[..., Any], said: str) -> None:
    f = made("unread", impl=impl, lowered=None)
    with pytest.raises(UnsupportedPrimitive, match="the primitive `unread` has no rule") as caught:
        run_over(Ball(), f, 0.5)
    assert said in str(caught.value)
    with pytest.raises(JaxgradError):
        check_grads(f, (X,))


def test_an_implementation_that_is_not_what_is_compiled() -> None:
    f = made("two", lowered=lambda x, scale: 1.001 * scale * x**3)
    with pytest.raises(
        EnginesDisagree, match="the implementation of `two` is not what is compiled"
    ):
        check_grads(f, (X,))


def test_an_index_in_the_equation_is_known_to_the_implementation() -> None:
    functions = [jnp.sin, lambda x: x**2]
    chosen = Primitive("chosen")
    chosen.def_abstract_eval(lambda index, x: x)
    chosen.def_impl(lambda index, x: functions[index.item()](x))
    ad.defjvp(chosen, None, lambda t, index, x: 2 * x * t)
    square, sine = (lambda x, i=i: chosen.bind(np.array(i), x) for i in (1, 0))
    assert check(square, (X,), budget=0).verdict.passes
    assert check(sine, (X,), budget=0).verdict is Verdict.REFUTED


def test_it_is_traced_once_and_what_the_caller_says_comes_first() -> None:
    f = made("told")
    (equation,) = jax.make_jaxpr(f)(X).eqns
    assert implementation_program(equation) is implementation_program(equation)
    assert is_read_by_implementation(equation)
    jaxgrad.rule("told")(lambda x, *, scale: scale * x * x * x)
    assert not is_read_by_implementation(equation)
    assert "what jaxgrad.rule was told of `told`" in check(f, (X,), budget=0).evidence.trusts


def test_a_primitive_is_not_taken_for_one_that_is_gone() -> None:
    for k in range(64):
        own = Primitive("own")
        own.def_abstract_eval(lambda x: x)
        own.def_impl(lambda x, k=k: x + k)
        closed = jax.make_jaxpr(own.bind)(0.0)
        program = implementation_program(closed.eqns[0])
        assert program is not None and jax.core.eval_jaxpr(program.jaxpr, program.consts, 0.0) == [
            k
        ]
        del own, closed, program
        jax.clear_caches()
        gc.collect()


def calling(inner: Primitive) -> Any:
    """An equation of a primitive that is implemented by another one."""
    outer = Primitive("calling")
    outer.def_abstract_eval(lambda x: x)
    outer.def_impl(lambda x: inner.bind(x) + 1)
    return jax.make_jaxpr(outer.bind)(0.5).eqns[0]


@pytest.mark.parametrize("way", ["rule", "implementation"])
def test_what_is_said_later_is_read(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Primitive("called")
    inner.def_abstract_eval(lambda x: x)
    equation = calling(inner)
    for _ in range(2):
        assert implementation_program(equation) is None
        assert why_not_read(equation) == "its implementation calls `called`, which has none"
    if way == "rule":
        monkeypatch.setitem(MEANINGS, "called", Meaning(jnp.sin, frozenset(), ()))
    else:
        inner.def_impl(jnp.sin)
    assert implementation_program(equation) is not None
    assert why_not_read(equation) == ""


def test_a_new_implementation_is_read() -> None:
    own = Primitive("own")
    own.def_abstract_eval(lambda x: x)
    (equation,) = jax.make_jaxpr(own.bind)(0.5).eqns
    for function in (jnp.sin, jnp.cos, jnp.sin):
        own.def_impl(lambda x, function=function: function(x))
        program = implementation_program(equation)
        assert program is not None
        assert [x.primitive.name for x in program.eqns] == [function.__name__]
    own.def_impl(None)
    mlir.register_lowering(own, mlir.lower_fun(jnp.tanh, multiple_results=False))
    assert [x.primitive.name for x in implementation_program(equation).eqns] == ["tanh"]
