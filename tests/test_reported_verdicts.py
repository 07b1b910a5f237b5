"""Calls whose verdict was once wrong, or that ended without one: each now has the right verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax

import jaxgrad
from jaxgrad import Verdict
from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError
from jaxgrad.evidence.cover import covers
from jaxgrad.evidence.decide import decide
from jaxgrad.evidence.enclose import enclose

X3 = np.array([1.0, 2.0, 3.0], np.float32)
X32 = np.arange(6, dtype=np.float32).reshape(3, 2) + 1
F = np.float32
PASSES = (Verdict.PROVED, Verdict.AGREES)
NOT_PROVED = (Verdict.AGREES, Verdict.REFUTED, Verdict.UNDECIDED)
FAILS = (Verdict.REFUTED, Verdict.UNDECIDED)


def _with_backward(function: Callable[..., Any], derivative: Callable[..., Any]) -> Any:
    """A function of one argument with a backward rule that multiplies by a derivative."""
    f = jax.custom_vjp(function)
    f.defvjp(lambda x: (function(x), x), lambda x, g: (g * derivative(x),))
    return f


def _with_forward(function: Callable[..., Any], rule: Callable[..., Any]) -> Any:
    f = jax.custom_jvp(function)
    f.defjvp(rule)
    return f


def _huber(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.0, 0.5 * x * x, jnp.abs(x) - 0.5)


# -- check_grads -----------------------------------------------------------------------------------


def _flat_at_0(x: Any) -> Any:
    return 1 * x


FLAT_AT_0 = _with_forward(
    _flat_at_0,
    lambda p, t: (_flat_at_0(p[0]), t[0] * (p[0] / jnp.where(p[0] == 0, 1.0, p[0]))),
)


def _stopped(x: Any) -> Any:
    return jnp.where((x > 0.1234) & (x < 0.1235), lax.stop_gradient(x), x)


STOPPED = _with_forward(_stopped, lambda p, t: jax.jvp(_stopped, p, t))


def _threshold(factor: float, at: float = 0.3) -> Any:
    return _with_forward(
        jnp.sin,
        lambda p, t: (jnp.sin(p[0]), jnp.cos(p[0]) * jnp.where(p[0] == at, factor, 1.0) * t[0]),
    )


def _wrong_value(factor: float) -> Any:
    f = jax.custom_vjp(lambda x: jnp.sum(x * x))
    f.defvjp(lambda x: (factor * jnp.sum(x * x), x), lambda x, g: (g * 2 * x,))
    return f


def _clipped(bound: float) -> Any:
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda r, g: (jnp.clip(g, -bound, bound),))
    return f


def _dropped_if_large() -> Any:
    f = jax.custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda r, g: (jnp.where(jnp.abs(g) > 1, 0.0 * g, g),))
    return f


ZERO_AT_0 = _with_forward(lambda x: x, lambda p, t: (p[0], jnp.where(p[0] == 0, 0, t[0])))


def _wrong_complex_beside_real(x: Any) -> Any:
    bad = _with_forward(lambda x: x * (1 + 1j), lambda p, t: (p[0] * (1 + 1j), t[0] * (7 + 7j)))
    return jnp.sin(x), bad(x)


def _symbolic(factor: float) -> Any:
    """x·y, with a rule that is wrong by a factor where y is differentiated alone."""
    f = jax.custom_jvp(lambda x, y: x * y)

    def rule(primals: Any, tangents: Any) -> Any:
        (x, y), (tx, ty) = primals, tangents
        alone = isinstance(tx, jax.custom_derivatives.SymbolicZero)
        return x * y, ty * x * factor if alone else tx * y + ty * x

    f.defjvp(rule, symbolic_zeros=True)
    return f


ARANGE = jnp.arange(1.0, 4.0)
CHECKED: dict[str, tuple[Any, ...]] = {
    # function, arguments, options, expected
    "prod": (lambda x: jnp.prod(x, axis=1), (X32,), {}, PASSES),
    "reshape": (lambda x: lax.reshape(x, (3, 2), (1, 0)), (X32.T,), {}, PASSES),
    "stop_gradient in the primal": (STOPPED, (0.5,), {}, NOT_PROVED),
    "three times at 0.3": (_threshold(3.0), (0.5,), {}, (Verdict.REFUTED,)),
    "a little more at 0.3": (_threshold(1.0001), (F(0.3),), {}, (Verdict.REFUTED,)),
    "right at 0.3": (_threshold(1.0), (F(0.3),), {}, PASSES),
    "value twice": (_wrong_value(2.0), (ARANGE,), {"modes": "rev"}, (Verdict.REFUTED,)),
    "value negated": (_wrong_value(-1.0), (ARANGE,), {"modes": "rev"}, (Verdict.REFUTED,)),
    "value a little more": (_wrong_value(1.0001), (ARANGE,), {"modes": "rev"}, (Verdict.REFUTED,)),
    "value right": (_wrong_value(1.0), (ARANGE,), {"modes": "rev"}, PASSES),
    "value twice, reference": (
        _wrong_value(2.0),
        (ARANGE,),
        {"modes": "rev", "reference": lambda x: jnp.sum(x * x)},
        (Verdict.REFUTED,),
    ),
    "value twice, order 2": (
        _wrong_value(2.0), (ARANGE,), {"modes": "rev", "order": 2}, (Verdict.REFUTED,)
    ),
    "jvp's value": (
        _with_forward(lambda x: x**2, lambda p, t: (3 * p[0] ** 2, 2 * p[0] * t[0])),
        (0.5,),
        {},
        (Verdict.REFUTED,),
    ),
    "clipped at 1": (_clipped(1.0), (F(0.3),), {}, (Verdict.REFUTED,)),
    "clipped at 100": (_clipped(100.0), (F(0.3),), {}, (Verdict.REFUTED,)),
    "dropped beyond 1": (_dropped_if_large(), (F(0.3),), {}, (Verdict.REFUTED,)),
    "Huber": (
        _with_backward(
            _huber, lambda x: jnp.where(jnp.abs(x) <= 1.0, x, 1.0 * jnp.sign(x))
        ),
        (F(0.3),),
        {"modes": "rev"},
        PASSES,
    ),
    "zero at 0": (
        lambda x: ZERO_AT_0(jnp.max(jnp.abs(x))), (np.array([0.3, -0.4], F),), {}, PASSES
    ),
    "another rule where one argument moves alone": (_symbolic(2.0), (0.5, 0.7), {}, NOT_PROVED),
    "that argument alone": (
        lambda y: _symbolic(2.0)(0.5, y), (0.7,), {}, (Verdict.REFUTED,)
    ),
    "that argument alone, rightly": (
        lambda y: _symbolic(1.0)(0.5, y), (0.7,), {}, (Verdict.PROVED,)
    ),
    "a result without entries": (lambda x: (x[:0], jnp.abs(x)), (ARANGE,), {"order": 2}, PASSES),
    "a wrong rule beside a result without entries": (
        _with_forward(
            lambda x: (x[:0], jnp.sin(x)),
            lambda p, t: ((p[0][:0], jnp.sin(p[0])), (t[0][:0], t[0])),
        ),
        (ARANGE,),
        {},
        (Verdict.REFUTED,),
    ),
    "an argument without entries": (lambda x, y: x * jnp.sum(y), (0.5, jnp.zeros(0)), {}, PASSES),
    "complex inside": (lambda x: jnp.abs(jnp.exp(1j * x)), (F(0.3),), {}, PASSES),
    "complex beside real": (_wrong_complex_beside_real, (0.5,), {}, (Verdict.REFUTED,)),
    "betainc": (lambda a: lax.betainc(a, 2.0, 0.5), (1.5,), {}, (*PASSES, Verdict.UNDECIDED)),
    "reduce_window of any function": (
        lambda x: lax.reduce_window(
            x, 0.0, lambda a, b: a + b + 0.1 * a * b, (2,), (1,), "VALID"
        ),
        (jnp.arange(4.0),),
        {"order": 2, "modes": ["fwd"]},
        (*PASSES, Verdict.UNDECIDED),
    ),
}  # fmt: skip


def _verdict(function: Any, args: Any, options: Any) -> Verdict:
    try:
        return jaxgrad.check_grads(function, args, **options).verdict
    except GradientMismatch:
        return Verdict.REFUTED
    except UndecidedError:
        return Verdict.UNDECIDED
    except ArgumentError as error:  # a clear word is as good as a reason
        assert "complex" in str(error) or "JAX" in str(error), error
        return Verdict.UNDECIDED


@pytest.mark.parametrize("name", CHECKED)
def test_check_grads(name: str) -> None:
    function, args, options, expected = CHECKED[name]
    assert _verdict(function, args, options) in expected


def test_a_value_that_the_rule_returns_is_named_for_what_it_is() -> None:
    with pytest.raises(GradientMismatch, match=r"value"):
        jaxgrad.check_grads(_wrong_value(2.0), (ARANGE,), modes="rev")


def test_a_rule_that_is_not_linear_is_named_for_what_it_is() -> None:
    with pytest.raises(GradientMismatch, match=r"not linear"):
        jaxgrad.check_grads(_clipped(1.0), (F(0.3),))


@pytest.mark.parametrize("special_points", [True, False])
@pytest.mark.parametrize("function", [FLAT_AT_0, lambda x: FLAT_AT_0(x) + jnp.abs(x)])
def test_a_divisor_in_a_branch_is_named_where_a_rule_is_proved(
    function: Any, special_points: bool
) -> None:
    """The rule gives 0 at 0, where the truth is 1: a proof leaves 0 out, and says so."""
    try:
        found = jaxgrad.check_grads(function, (0.5,), special_points=special_points)
    except GradientMismatch:
        return
    if found.verdict is Verdict.PROVED:
        assert "except where a divisor vanishes (x), in branches not taken too" in str(found)


@pytest.mark.parametrize(
    "function",
    [jax.scipy.special.log_ndtr, jnp.sin, lambda x: jax.checkpoint(jnp.sin)(x)],
    ids=["log_ndtr", "sin", "checkpoint"],
)
def test_jaxs_own_checks_change_no_verdict(function: Any) -> None:
    with jax.enable_checks(True):
        assert _verdict(function, (1.35,), {}) in PASSES


def test_strict_promotion_changes_no_verdict() -> None:
    def widened(x: Any) -> Any:
        return lax.convert_element_type(x, jnp.bfloat16)

    with jax.numpy_dtype_promotion("strict"):
        assert _verdict(widened, (jnp.ones(2, jnp.float16),), {"order": 2}) in PASSES


def test_a_rule_that_closes_over_a_mapped_value() -> None:
    def h(z: Any) -> Any:
        def f(x: Any) -> Any:
            g = jax.custom_vjp(lambda y: x * y)
            g.defvjp(lambda y: (x * y, x), lambda x, w: (x * w,))
            return g(z)

        return jax.vmap(f)(jnp.arange(3.0)).sum()

    assert _verdict(h, (3.14,), {"modes": ["rev"]}) in (*PASSES, Verdict.UNDECIDED)


# -- the helpers of proofs -------------------------------------------------------------------------


def test_helpers_prove_nothing_that_was_not_computed() -> None:
    slips: list[Callable[[], Any]] = [
        lambda: enclose(lambda: None),
        lambda: enclose(lambda: 2.0**0.5, 15),
        lambda: covers(lambda x: True, [(0, 1)]),
        lambda: covers(lambda x: 1.0, [(0, 1)]),
        lambda: decide(lambda x: []),
        lambda: jaxgrad.sweep(jnp.sin, jnp.float16, lambda x, y: jnp.any(y <= 0.25)),
        lambda: jaxgrad.sweep(jnp.sin, jnp.float16, lambda x, y: True),
    ]
    refused = 0
    for slip in slips:
        with pytest.raises(ArgumentError):
            slip()
        refused += 1
    assert refused == len(slips)


def test_a_cover_that_touches_zero_at_a_third_ends() -> None:
    found = covers(lambda x: (x - arb(1) / 3) ** 2, [(0, 1)])
    assert found.verdict is Verdict.UNDECIDED
