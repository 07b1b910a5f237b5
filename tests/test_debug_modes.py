"""Neither a debug mode of JAX nor an error inside it changes a verdict or is raised as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.scipy.special import log_ndtr

from benchmarks.cases import with_rule
from jaxgrad.errors import (
    ArgumentError,
    GradientMismatch,
    JaxgradError,
    NoDerivative,
    TraceError,
    UndecidedError,
)
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.debug_modes import without_debug_modes
from jaxgrad.verdict import Verdict

HALF = np.float32(0.5)
MODES: dict[str, Callable[[], Any]] = {
    "checks": lambda: jax.enable_checks(True),
    "strict dtypes": lambda: jax.numpy_dtype_promotion("strict"),
    "strict ranks": lambda: jax.numpy_rank_promotion("raise"),
    "NaN": lambda: jax.debug_nans(True),
    "infinities": lambda: jax.debug_infs(True),
    "keys": lambda: jax.debug_key_reuse(True),
    "leaks": lambda: jax.check_tracer_leaks(True),
    "no jit": lambda: jax.disable_jit(True),
    "transfers": lambda: jax.transfer_guard("disallow"),
}


# -- debug modes ----------------------------------------------------------------------------------
def _rooted(x: Any) -> Any:
    """Its rule divides by 0 where the other branch is taken, so floats have NaN there."""
    return jnp.where(x > 0, jnp.sqrt(abs(x)), 0.0)


FUNCTIONS = {
    "remat": jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))),
    "log_ndtr": log_ndtr,
    "dtypes": lambda x: (x * 3).astype(jnp.bfloat16).astype(jnp.float32),
    "root": _rooted,
    "loop": lambda x: lax.fori_loop(0, 3, lambda i, c: c * jnp.sin(c) + i, x),
    "key": lambda x: x * jax.random.normal(jax.random.key(1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_debug_modes_change_no_verdict(name: str) -> None:
    with contextlib.ExitStack() as stack:
        for mode in MODES.values():
            stack.enter_context(mode())
        found = check_grads(FUNCTIONS[name], (HALF,), special_points=False)
    assert found == check_grads(FUNCTIONS[name], (HALF,), special_points=False)


@pytest.mark.parametrize("mode", MODES)
def test_a_debug_mode_hides_no_wrong_rule(mode: str) -> None:
    wrong = with_rule(lambda x: jnp.sin(x), lambda xs, ts: -jnp.cos(xs[0]) * ts[0])
    with MODES[mode]():
        with pytest.raises(GradientMismatch):
            check_grads(wrong, (HALF,), special_points=False)
        right = compare(
            jax.grad(jax.nn.sigmoid), lambda x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x), HALF
        )
        assert right.verdict is Verdict.PROVED and right.stable
        assert compare(jax.grad(jnp.sin), jnp.sin, HALF).verdict is Verdict.REFUTED


def test_dtypes_of_which_none_holds_the_other() -> None:
    """Float16 and bfloat16 have no common dtype under strict promotion."""
    with jax.numpy_dtype_promotion("strict"):
        found = check_grads(
            lambda x: x.astype(jnp.bfloat16), (np.float16(0.5),), order=2, special_points=False
        )
    assert found.verdict.passes


def test_debug_modes_are_restored() -> None:
    with jax.debug_nans(True):
        with without_debug_modes():
            assert np.isnan(jnp.log(-1.0))
        with pytest.raises(FloatingPointError):
            jnp.log(-1.0)


# -- values of another trace ----------------------------------------------------------------------
def _made_under_vmap(sign: float) -> Callable[..., Any]:
    """A function with a rule that closes over the argument of a function under ``vmap``."""

    def each(z: Any, x: Any) -> Any:
        @jax.custom_vjp
        def g(y: Any) -> Any:
            return x * y

        g.defvjp(lambda y: (x * y, (x,)), lambda kept, w: (sign * kept[0] * w,))
        return g(z)

    return lambda z: jnp.sum(jax.vmap(lambda x: each(z, x))(jnp.arange(3, dtype=z.dtype)))


def _rule_under_vmap(sign: float) -> Callable[..., Any]:
    def each(z: Any, x: Any) -> Any:
        @jax.custom_jvp
        def g(y: Any) -> Any:
            return x * jnp.sin(y)

        g.defjvp(lambda p, t: (g(*p), sign * x * jnp.cos(p[0]) * t[0]))
        return g(z)

    return lambda z: jnp.sum(jax.vmap(lambda x: each(z, x))(jnp.arange(3, dtype=z.dtype)))


@pytest.mark.parametrize("made", [_made_under_vmap, _rule_under_vmap])
def test_rules_made_under_vmap_are_judged(made: Callable[..., Any]) -> None:
    assert check_grads(made(1.0), (HALF,), modes="rev", special_points=False).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(made(-1.0), (HALF,), modes="rev", special_points=False)


def _rule_of_a_tracer(x: Any) -> Any:
    @jax.jit
    def outer(y: Any) -> Any:
        kept = jnp.exp(y)

        @jax.custom_jvp
        def g(z: Any) -> Any:
            return jnp.sin(z)

        g.defjvp(lambda p, t: (g(*p), (jnp.cos(p[0]) + 0 * kept) * t[0]))
        return g(y)

    return outer(x)


def test_a_rule_that_keeps_a_tracer_is_undecided() -> None:
    with pytest.raises(UndecidedError, match="holds a value of another trace"):
        check_grads(_rule_of_a_tracer, (HALF,))
    derivative = jax.grad(_rule_of_a_tracer)
    with pytest.raises(TypeError):  # JAX does not run it either
        derivative(HALF)
    with pytest.raises(TraceError, match=r"JAX traces the program, and fails to run it: \w+Error"):
        compare(derivative, derivative, HALF)


KEPT: dict[str, Callable[[Any], Any]] = {
    "stop_gradient": lambda x: jax.lax.stop_gradient(jnp.sign(x)),
    "integers": lambda x: jnp.argsort(-x),
    "truth values": lambda x: x > 0,
}


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_a_rule_may_close_over_what_no_derivative_moves(kept: Callable[[Any], Any]) -> None:
    """JAX hands the rule a number of it, whatever it was made of."""

    def ruled(factor: float) -> Callable[..., Any]:
        def f(x: Any) -> Any:
            fixed = kept(x)

            @jax.custom_vjp
            def g(z: Any) -> Any:
                return z * fixed

            g.defvjp(lambda z: (z * fixed, None), lambda _, w: (factor * w * fixed,))
            return jnp.sum(g(x))

        return f

    x = np.float32([0.5, -1.0, 2.0])
    jax.grad(ruled(1.0))(x)
    assert check(ruled(1.0), (x,), modes="rev", special_points=False).verdict.passes
    assert check(ruled(1.01), (x,), modes="rev", special_points=False).verdict is Verdict.REFUTED


def _scaled(x: Any, scale: Any) -> Any:
    return x * scale


def _not_differentiated(kind: str) -> Any:
    """A function whose second argument its rule takes as it is."""
    if kind == "custom_jvp":
        rule = jax.custom_jvp(_scaled, nondiff_argnums=(1,))
        rule.defjvp(lambda s, p, t: (p[0] * s, t[0] * s))
    else:
        rule = jax.custom_vjp(_scaled, nondiff_argnums=(1,))
        rule.defvjp(lambda x, s: (x * s, None), lambda s, _, g: (g * s,))
    return rule


@pytest.mark.parametrize("kind", ["custom_jvp", "custom_vjp"])
@pytest.mark.parametrize("scale", [2.0, 3])
def test_arguments_that_are_not_differentiated_are_held(kind: str, scale: float) -> None:
    rule = _not_differentiated(kind)
    assert check_grads(rule, (HALF, scale)).verdict is Verdict.PROVED
    if isinstance(scale, float):  # asked for by name, or within another function, it is not
        for f, named in ((rule, (0, 1)), (lambda x, s: rule(x, s), None)):
            with pytest.raises((TraceError, UndecidedError), match=r"nondiff_argnums; close over"):
                check_grads(f, (HALF, scale), argnums=named)
    assert check_grads(lambda x: rule(x, scale), (HALF,)).verdict is Verdict.PROVED


@pytest.mark.parametrize("kind", [jax.custom_jvp, jax.custom_vjp])
def test_a_rule_that_was_never_defined_is_named(kind: Any) -> None:
    rule = kind(jnp.sin)
    message = rf"has no derivative rule of a function in f: No [JV]+P defined for {kind.__name__}"
    with pytest.raises(NoDerivative, match=message):
        check_grads(lambda x: 2 * rule(x), (HALF,))
    with pytest.raises(NoDerivative, match=r"in hand: No [JV]+P defined"):
        compare(rule, rule, HALF)


def test_a_rule_that_asks_for_its_cotangent_is_told_from_the_function() -> None:
    rule = jax.custom_vjp(jnp.sin)
    rule.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jnp.cos(x) if g > 0 else g,))
    message = "^the derivative of f cannot be traced by JAX: it asks for the values"
    with pytest.raises(TraceError, match=message):
        check_grads(rule, (HALF,), modes="rev")


# -- errors inside JAX ----------------------------------------------------------------------------
def _sums_of_two(x: Any) -> Any:
    zeros = np.float32(0), np.float32(0)
    return lax.reduce_window(
        (x, jnp.ones(3, np.float32)), zeros, lambda a, b: (a[0] + b[0], a[1] + b[1]),
        (2,), (1,), "VALID",
    )[0]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "x", "reason"),
    [
        (lambda a: lax.betainc(a, np.float32(2), np.float32(0.5)), np.float32(1.5), "Betainc"),
        (_sums_of_two, np.ones(3, np.float32), "same tree structure"),
    ],
)
def test_what_jax_cannot_differentiate(function: Callable[..., Any], x: Any, reason: str) -> None:
    with pytest.raises(NoDerivative, match=f"JAX cannot differentiate f: .*{reason}"):
        check_grads(function, (x,))


def test_a_mode_that_jax_does_not_have_is_left_out() -> None:
    def sums(x: Any) -> Any:
        return lax.reduce_window(
            x, np.float32(0), lambda a, b: a + b * 1.0, (2,), (1,), "VALID"
        )  # fmt: skip

    found = check_grads(sums, (np.ones(3, np.float32),), special_points=False)
    assert found.verdict is Verdict.AGREES
    assert "rev not checked, as JAX has none: " in found.evidence.text


def test_no_mode_at_all_is_an_error_of_its_own() -> None:
    def loop(x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]

    with pytest.raises(NoDerivative, match="Reverse-mode differentiation does not work") as caught:
        check_grads(loop, (HALF,), modes="rev")
    assert isinstance(caught.value, ArgumentError)


def test_an_error_that_a_rule_raises_is_its_own() -> None:
    def broken(xs: Any, ts: Any) -> Any:
        raise LookupError("in the rule")

    with pytest.raises(LookupError, match="in the rule"):
        check_grads(with_rule(jnp.sin, broken), (HALF,))

    def misshapen(xs: Any, ts: Any) -> Any:
        return jnp.dot(jnp.ones(2), jnp.ones(3)) * ts[0]

    with pytest.raises(TypeError, match="shape"):
        check_grads(with_rule(jnp.sin, misshapen), (HALF,))


# -- nesting --------------------------------------------------------------------------------------
def _nested(depth: int) -> Callable[..., Any]:
    def nest(f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(lambda y: f(y))

    f: Callable[..., Any] = jnp.sin
    for _ in range(depth):
        f = nest(f)
    return f


def test_calls_that_are_nested_too_deeply_have_a_reason() -> None:
    with pytest.raises(TraceError, match=r"deeper than Python's limit of \d+; sys\.setrecursionl"):
        check_grads(_nested(400), (HALF,))
    with pytest.raises(TraceError):
        compare(_nested(400), jnp.sin, HALF)


def test_a_recursion_that_does_not_end_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(self: Ball, x: Any) -> Any:
        return endless(self, x)

    monkeypatch.setattr(Ball, "exp", endless)
    with pytest.raises(UndecidedError, match=r"nested deeper than Python's limit of \d+ calls"):
        check_grads(jnp.exp, (HALF,))
    found = compare(jnp.exp, lambda x: jnp.exp(x) + jnp.sin(x), HALF)
    assert found.verdict is Verdict.UNDECIDED and "nested deeper" in found.evidence.text


@pytest.mark.parametrize("depth", [20, 60])
def test_calls_that_are_nested_less_are_decided_or_named(depth: int) -> None:
    with contextlib.suppress(JaxgradError):
        assert check_grads(_nested(depth), (HALF,), special_points=False).verdict.passes
