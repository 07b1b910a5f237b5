"""Rules of ``custom_vmap``: what they give for a batch, whichever arguments are batched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.custom_batching import custom_vmap, sequential_vmap
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from pasted_code import numbers_printed_by

import jaxgrad
from jaxgrad import GradientMismatch, Verdict, check, check_grads

X, Y = np.array([1.0, 2.0, 3.0], np.float32), np.array([0.5, 0.25, -1.0], np.float32)


def batched_by(function: Callable[..., Any], rule: Callable[..., Any]) -> Any:
    """A function with a rule of its own for a batch."""
    found = custom_vmap(function)
    found.def_vmap(rule)
    return found


def _any(batched: Any) -> bool:
    return any(jax.tree.leaves(batched))


# -- values ----------------------------------------------------------------------------------------


def _count(more: int) -> Any:
    return batched_by(
        lambda x: (jnp.sin(x), jnp.sum(x > 1.5)),
        lambda n, batched, x: (
            (jnp.sin(x), jnp.sum(x > 1.5, axis=-1) + more),
            (_any(batched),) * 2,
        ),
    )


def _compared(more: int) -> Any:
    """A boolean that comes of what the rule gives."""
    shifted = batched_by(jnp.sin, lambda n, batched, x: (jnp.sin(x) + 9 * more, _any(batched)))
    return lambda x: (jnp.cos(x), shifted(x) > 2)


def _of_primal(more: int) -> Any:
    """The function itself is by a custom_vmap, its forward rule is not."""
    sine = batched_by(jnp.sin, lambda n, batched, x: (jnp.sin(x) + more, _any(batched)))
    f = jax.custom_vjp(lambda x: sine(x))
    f.defvjp(lambda x: (jnp.sin(x), x), lambda x, u: (jnp.cos(x) * u,))
    return f


@pytest.mark.parametrize(
    ("make", "modes"), [(_count, "fwd"), (_compared, "fwd"), (_of_primal, "rev")]
)
def test_values_of_a_batch(make: Any, modes: str) -> None:
    found = check_grads(make(0), (X,), modes=modes)
    assert ", and under vmap" in found.evidence.text
    with pytest.raises(GradientMismatch, match=r"the values of f are wrong under jax\.vmap"):
        check_grads(make(1), (X,), modes=modes)


# -- some arguments alone --------------------------------------------------------------------------


def _product(wrong: Callable[[bool, bool], bool]) -> Any:
    """x · y, doubled for a batch of which some arguments are batched."""

    def rule(n: int, batched: Any, x: Any, y: Any) -> tuple[Any, bool]:
        return x * y * (2.0 if wrong(*batched) else 1.0), _any(batched)

    return batched_by(lambda x, y: x * y, rule)


ALONE = {
    "x": lambda x, y: x and not y,
    "y": lambda x, y: y and not x,
}


@pytest.mark.parametrize("name", ALONE)
def test_a_rule_that_is_wrong_for_one_argument_alone(name: str) -> None:
    f = _product(ALONE[name])
    with pytest.raises(GradientMismatch, match=rf"jax\.vmap over {name} alone") as caught:
        check_grads(f, (X, Y), modes="fwd")
    text = str(caught.value)
    assert f"under vmap over {name} alone: the value of" in text
    batch, *rows = numbers_printed_by(caught.value, f=f)
    assert not any(row.strip("[]") in batch for row in rows if row)


def test_a_rule_that_is_right_whatever_is_batched() -> None:
    found = check_grads(_product(lambda x, y: False), (X, Y), modes="fwd")
    assert ", and under vmap" in found.evidence.text
    assert "not looked at" not in found.evidence.text


def test_a_rule_that_is_wrong_where_an_argument_that_is_held_is_batched() -> None:
    def power(factor: float) -> Any:
        def rule(n: int, batched: Any, x: Any, k: Any) -> tuple[Any, bool]:
            return x**k * (factor if batched[1] else 1.0), _any(batched)

        return batched_by(lambda x, k: x**k, rule)

    args = np.float32(1.5), np.int32(3)
    assert check_grads(power(1.0), args, modes="fwd").verdict.passes
    with pytest.raises(GradientMismatch, match=r"jax\.vmap over k alone"):
        check_grads(power(2.0), args, modes="fwd")


def _backward(factor: Callable[[bool, bool], float]) -> Any:
    """sin, whose backward rule is by a custom_vmap of the point and the cotangent."""
    slope = batched_by(
        lambda x, u: jnp.cos(x) * u,
        lambda n, batched, x, u: (jnp.cos(x) * u * factor(*batched), _any(batched)),
    )
    f = jax.custom_vjp(jnp.sin)
    f.defvjp(lambda x: (jnp.sin(x), x), lambda x, u: (slope(x, u),))
    return f


@pytest.mark.parametrize(
    ("alone", "factor"),
    [
        ("the cotangent", lambda x, u: 2.0 if u and not x else 1.0),
        ("the point", lambda x, u: 2.0 if x and not u else 1.0),
    ],
)
def test_a_backward_rule_that_is_wrong_for_a_batch_of_one_kind(alone: str, factor: Any) -> None:
    """``jax.jacrev`` maps over cotangents at one point."""
    assert check_grads(_backward(lambda x, u: 1.0), (X,), modes="rev").verdict.passes
    f = _backward(factor)
    with pytest.raises(GradientMismatch, match=rf"jax\.vmap over {alone} alone") as caught:
        check_grads(f, (X,), modes="rev")
    assert f"under vmap over {alone} alone: rev: the derivative of" in str(caught.value)
    assert numbers_printed_by(caught.value, f=f)


def test_a_rule_for_batches_of_all_arguments_alone_is_no_wrong_one() -> None:
    def rule(n: int, batched: Any, x: Any, y: Any) -> tuple[Any, bool]:
        assert all(batched)
        return x * y, True

    found = check_grads(batched_by(lambda x, y: x * y, rule), (X, Y), modes="fwd")
    assert ", and under vmap" in found.evidence.text
    assert "not looked at under vmap over x alone: AssertionError" in found.evidence.text


@pytest.mark.parametrize("at", [np.float32(0.5), X])
def test_a_rule_that_says_of_all_that_it_is_batched(at: Any) -> None:
    """JAX calls it with nothing batched for a batch of tangents, and fails."""
    always = batched_by(jnp.sin, lambda n, batched, x: (jnp.sin(x), True))
    found = check_grads(always, (at,), modes="fwd")
    said = r"over the tangent alone: JAX calls the custom_vmap rule of `sin` \(.*\) with nothing"
    assert found.verdict.passes and re.search(said, found.evidence.text)
    with pytest.raises((IndexError, ValueError)):
        jax.jacfwd(always)(at)
    as_told = batched_by(jnp.sin, lambda n, batched, x: (jnp.sin(x), batched[0]))
    assert "with nothing" not in check_grads(as_told, (at,), modes="fwd").evidence.text


def test_a_rule_that_does_not_do_with_nothing_batched() -> None:
    def rule(n: int, batched: Any, x: Any) -> tuple[Any, bool]:
        return jnp.sin(x if batched[0] else x[None]), batched[0]

    found = check_grads(batched_by(jnp.sin, rule), (np.float32(0.5),), modes="fwd")
    assert "a custom_vmap rule with nothing batched there" in found.evidence.text


def test_rules_that_jax_makes() -> None:
    found = check_grads(sequential_vmap(lambda x, y: jnp.sin(x) * y), (X, Y), modes="fwd")
    assert ", and under vmap" in found.evidence.text


def test_of_many_arguments_not_each_is_batched_alone() -> None:
    def rule(n: int, batched: Any, *xs: Any) -> tuple[Any, bool]:
        return sum(xs), _any(batched)

    f = batched_by(lambda *xs: sum(xs), rule)
    found = check_grads(f, tuple(np.float32(k) for k in range(12)), modes="fwd")
    assert "not looked at under vmap over each input alone (10 left)" in found.evidence.text


# -- which rule it is ------------------------------------------------------------------------------


@custom_vmap
def innocent(x: Any) -> Any:
    return jnp.cos(x)


innocent.def_vmap(lambda n, batched, x: (jnp.cos(x), batched[0]))


@custom_vmap
def guilty(x: Any) -> Any:
    return jnp.sin(x)


@guilty.def_vmap
def _(n: int, batched: Any, x: Any) -> Any:
    return jnp.sin(x) + 1.0, batched[0]


LINE = guilty.vmap_rule.__code__.co_firstlineno


@pytest.mark.parametrize(
    "f",
    [
        lambda x: innocent(x) + guilty(x),
        lambda x: innocent(guilty(x)),
        jax.jit(lambda x: guilty(x) * innocent(x)),
        lambda x: jax.lax.cond(x[0] > 0, guilty, innocent, x),
        lambda x: jax.lax.scan(lambda c, _: (innocent(guilty(c)), None), x, None, length=2)[0],
    ],
)
def test_the_rule_is_named(f: Any) -> None:
    found = check(f, (X,), modes="fwd")
    assert found.verdict is Verdict.REFUTED
    rule = rf"the custom_vmap rule of `guilty` \(.*test_vmap_rules\.py:{LINE}\) returns"
    assert re.search(rule, found.evidence.text)


def test_the_rule_of_a_derivative_is_named() -> None:
    f = jax.custom_jvp(lambda x: -jnp.cos(x))
    f.defjvp(lambda p, t: (f(p[0]), guilty(p[0]) * t[0]))
    found = check(lambda x: f(x) + innocent(x), (X,), modes="fwd")
    rule = rf"the custom_vmap rule of `guilty` \(.*test_vmap_rules\.py:{LINE}\) makes them so"
    assert re.search(rule, found.evidence.text)


# -- what floats do not tell -----------------------------------------------------------------------


def _times(factor: float) -> tuple[Any, Any]:
    """Times the factor, under vmap and everywhere."""
    slope = batched_by(
        lambda x, u: u * jnp.exp(x),
        lambda n, batched, x, u: (u * jnp.exp(x) * factor, _any(batched)),
    )
    batch, f = jax.custom_vjp(jnp.exp), jax.custom_vjp(jnp.exp)
    batch.defvjp(lambda x: (jnp.exp(x), x), lambda x, u: (slope(x, u),))
    f.defvjp(lambda x: (jnp.exp(x), x), lambda x, u: (u * jnp.exp(x) * factor,))
    return batch, f


UNTOLD = (
    "the difference from the truth is no more than rounding may make, and too few bits agree to "
    "call them one number; a wider dtype may tell, and exact=True asks for the formula alone"
)


def test_a_difference_that_a_narrow_dtype_does_not_tell_is_left_open_with_the_reason() -> None:
    narrow, wide = (jnp.array(0.5, jnp.float8_e4m3fn),), (np.float32(0.5),)
    right = [check(f, narrow, modes="rev") for f in _times(1.0)]
    assert all(found.verdict.passes for found in right)
    assert "not decided" not in right[0].evidence.text
    batch, f = _times(1.25)
    found = check(batch, narrow, modes="rev")
    assert (
        f"not decided under vmap: {UNTOLD} (rev: the derivative of f with respect to x is"
        in str(found)
    )
    found = check(f, narrow, modes="rev")
    assert found.verdict is Verdict.UNDECIDED and found.evidence.text == UNTOLD
    for each in batch, f:
        assert check(each, wide, modes="rev").verdict is Verdict.REFUTED
        assert check(each, narrow, modes="rev", exact=True).verdict is Verdict.REFUTED
        # Of bfloat16 two roundings explain no quarter.
        short = (jnp.array(0.5, jnp.bfloat16),)
        assert check(each, short, modes="rev").verdict is Verdict.REFUTED


# -- rules that fail ------------------------------------------------------------------------------


def test_what_a_rule_raises_itself_is_its_own() -> None:
    def rule(n: int, batched: Any, x: Any) -> Any:
        raise ZeroDivisionError("not today")

    with pytest.raises(ZeroDivisionError, match="not today"):
        check_grads(batched_by(jnp.sin, rule), (X,), modes="fwd")


def test_a_function_that_closes_over_what_is_batched() -> None:
    def product(x: Any, y: Any) -> Any:
        return batched_by(lambda t: t * y, lambda n, batched, t: (t * y, batched[0]))(x)

    found = check_grads(product, (X, Y), modes="fwd")
    assert "closes over a value that is batched" in found.evidence.text
    assert ", and under vmap" not in found.evidence.text


def _primitive(name: str, factor: float) -> Callable[..., Any]:
    """x · y as a primitive of its own, times the factor for a batch of y alone."""
    made = Primitive(name)
    made.def_impl(lambda x, y: x * y)
    made.def_abstract_eval(lambda x, y: x if x.ndim else y)
    mlir.register_lowering(made, mlir.lower_fun(lambda x, y: x * y, multiple_results=False))
    ad.defjvp(made, lambda t, x, y: t * y, lambda t, x, y: t * x)

    def batch(args: Any, dims: Any) -> tuple[Any, int]:
        return made.bind(*args) * (factor if dims[0] is None else 1.0), 0

    batching.primitive_batchers[made] = batch
    jaxgrad.rule(name)(lambda x, y: x * y)
    return made.bind


def test_a_primitive_that_is_batched_wrongly_for_one_argument_alone() -> None:
    args = np.float32(0.5), np.float32(1.5)
    assert check_grads(_primitive("times1", 1.0), args).verdict.passes
    with pytest.raises(GradientMismatch, match=r"jax\.vmap over args\[1\] alone"):
        check_grads(_primitive("times2", 2.0), args)
