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


# -- compare ---------------------------------------------------------------------------------------


def _transposed(x: Any) -> Any:
    return lax.reshape(x, (2, 3), (1, 0))


def _wrapping(x: Any) -> Any:
    return (jnp.where(x > 0, jnp.int8(100), jnp.int8(-3)) ** 2).astype(jnp.float32)


def _changes_a_copy(x: Any) -> Any:
    np.exp(x)
    z = x.flatten()
    z[0] = 5.0
    return x * 1


def _changes_a_cast_copy(x: Any) -> Any:
    np.exp(x)
    z = x.astype(np.float64)
    z[0] = 5.0
    return x * 1


def _changes_a_view(x: Any) -> Any:
    np.exp(x)
    z = np.reshape(x, (3, 1))
    z[0, 0] = 5.0
    return x * 1


def _counts_two(x: Any) -> Any:
    np.exp(x)
    return ((x > 0) + (x > -1)) * x


def _asks_its_type(x: Any) -> Any:
    np.exp(x)
    return x if isinstance(x, np.ndarray) else 2 * x


def _reduces_from(start: float) -> Callable[[Any], Any]:
    def total(x: Any) -> Any:
        np.exp(x)
        return np.add.reduce(x, initial=start)

    return total


def _truncates(x: Any) -> Any:
    z = np.zeros_like(x, dtype=int)
    z[0] = np.exp(x)[0]
    return z * 1.0


def _copies_first(x: Any) -> Any:
    y = x.copy()
    y[0] = 0
    return y


def _set_first(value: float) -> Callable[[Any], Any]:
    return lambda x: x.at[0].set(value)


def _isnan(function: Any) -> Callable[[Any], Any]:
    return lambda x: jnp.where(jnp.isnan(function(x)), 5.0, 1.0)


def _one(x: Any) -> Any:
    return 1.0 + 0 * x


def _both_signs_of_log(x: Any) -> Any:
    return (jnp.log(x) >= 0) * 1.0 + (jnp.log(x) < 0) * 1.0


def _huber_slope(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.0, x, jnp.sign(x))


def _huber(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1.0, 0.5 * x * x, jnp.abs(x) - 0.5)


COMPARED: dict[str, tuple[Any, ...]] = {
    # A primitive that transposes while it reshapes.
    "reshape against another": (_transposed, lambda x: x.reshape(2, 3), (X32,), FAILS),
    "reshape": (_transposed, lambda x: x.T.reshape(2, 3), (X32,), PASSES),
    "derivative of prod": (
        lambda x: x[:, ::-1],
        jax.grad(lambda x: jnp.sum(jnp.prod(x, axis=1))),
        (X32,),
        PASSES,
    ),
    "ravel in Fortran order": (
        lambda x: jnp.ravel(x, order="F"), lambda x: x.T.reshape(-1), (X32,), PASSES
    ),
    # NaN is no real number.
    "sqrt of a negative": (_isnan(lambda x: jnp.sqrt(-1 - x * x)), _one, (0.5,), FAILS),
    "log of a negative": (_isnan(jnp.log), _one, (-1.0,), FAILS),
    "signs of log": (_both_signs_of_log, _one, (-1.0,), FAILS),
    "arcsin of 2": (_isnan(jnp.arcsin), _one, (2.0,), FAILS),
    "arctanh of 2": (_isnan(jnp.arctanh), _one, (2.0,), FAILS),
    "root of a negative": (_isnan(lambda x: x**0.3), _one, (-1.0,), FAILS),
    "log of a negative, asked elsewhere": (_isnan(jnp.log), _one, (2.0,), NOT_PROVED),
    "signs of log, asked elsewhere": (_both_signs_of_log, _one, (2.0,), PASSES),
    # Integers wrap around.
    "int8 squared": (_wrapping, lambda x: jnp.where(x > 0, 10000.0, 9.0), (-0.5,), NOT_PROVED),
    "int8 squared, wrapping": (_wrapping, lambda x: jnp.where(x > 0, 10000.0, 9.0), (0.5,), FAILS),
    "int32 cubed": (
        lambda x: (jnp.where(x > 0, 2000, 1) ** 3).astype(jnp.float32),
        lambda x: jnp.where(x > 0, 8e9, 1.0),
        (-0.5,),
        NOT_PROVED,
    ),
    # NumPy's own meaning of NumPy code.
    "flatten copies": (_changes_a_copy, _set_first(5.0), (X3,), FAILS),
    "flatten copies, rightly": (_changes_a_copy, lambda x: x, (X3,), PASSES),
    "astype copies": (_changes_a_cast_copy, lambda x: x, (X3,), PASSES),
    "reshape is a view": (_changes_a_view, lambda x: x, (X3,), FAILS),
    "or of booleans": (_counts_two, lambda x: 2 * x, (X3,), FAILS),
    "type of an array": (_asks_its_type, lambda x: 2 * x, (X3,), FAILS),
    "initial of reduce": (_reduces_from(5.0), jnp.sum, (X3,), FAILS),
    "initial of reduce, rightly": (
        _reduces_from(5.0), lambda x: jnp.sum(x) + 5, (X3,), (*PASSES, Verdict.UNDECIDED)
    ),
    "integers truncate": (_truncates, lambda x: x.at[:].set(0).at[0].set(2.7), (X3,), FAILS),
    "a copy first": (
        _copies_first, _set_first(0.0), (X3,), PASSES
    ),
    # Every drawn point was a multiple of 1/8.
    "round to eighths": (lambda x: jnp.round(x * 8) / 8, lambda x: x, (0.5,), (Verdict.REFUTED,)),
    "floor to 256ths": (
        lambda x: jnp.floor(x * 256) / 256, lambda x: x, (0.5,), (Verdict.REFUTED,)
    ),
    "modulo an eighth": (
        lambda x: jnp.mod(x, 0.125) * 1e6, lambda x: 0 * x, (0.5,), (Verdict.REFUTED,)
    ),
    # Crashes and hangs.
    "indicators of two": (
        lambda x, y: jnp.where((x == 0) & (y == 0), 1.0, 0.0),
        lambda x, y: 0 * x,
        (0.5, 0.5),
        (Verdict.AGREES,),
    ),
    "booleans": (lambda x: x > 0, lambda x: x > 0, (1.0,), (*PASSES, Verdict.UNDECIDED)),
    "rounded NaN": (
        lambda x: lax.round(jnp.log(x), lax.RoundingMethod.AWAY_FROM_ZERO),
        lambda x: lax.round(jnp.log(x), lax.RoundingMethod.AWAY_FROM_ZERO),
        (-1.0,),
        FAILS,
    ),
    "maximum of open booleans": (
        lambda x: jnp.max(jnp.stack([jnp.sin(x) ** 2 + jnp.cos(x) ** 2 > 1] * 2)) * x,
        lambda x: 0 * x,
        (0.7,),
        NOT_PROVED,
    ),
    "a loop without end": (
        lambda x: lax.while_loop(lambda c: c > 0, lambda c: c * 0.5, x),
        lambda x: x * 0,
        (0.5,),
        NOT_PROVED,
    ),
    "Huber's slope": (_huber_slope, jax.grad(_huber), (0.3,), PASSES),
    "complex inside": (lambda x: jnp.real(jnp.exp(1j * x)), jnp.cos, (0.5,), NOT_PROVED),
    # Numbers that are none, at the given point.
    "NaN against 0": (
        jax.grad(lambda x: jnp.linalg.norm(x) ** 2),
        jax.grad(lambda x: jnp.sum(x * x)),
        (jnp.zeros(2),),
        (Verdict.REFUTED,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPARED)
def test_compare(name: str) -> None:
    hand, auto, args, expected = COMPARED[name]
    assert jaxgrad.compare(hand, auto, *args).verdict in expected


@pytest.mark.parametrize("nothing", [None, {}, ()], ids=str)
def test_nothing_compared_is_no_theorem(nothing: Any) -> None:
    with pytest.raises(ArgumentError):
        jaxgrad.compare(lambda x: nothing, lambda x: nothing, 1.0)


def test_what_is_left_out_of_a_proof_is_said_truly() -> None:
    text = str(jaxgrad.compare(lambda x: jnp.exp(jnp.log(x)), lambda x: x, 2.0))
    assert "PROVED" in text and "positive" in text and "vanishes (x)" not in text


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
    "complex inside": (lambda x: jnp.abs(jnp.exp(1j * x)), (F(0.3),), {}, (Verdict.UNDECIDED,)),
    "complex beside real": (_wrong_complex_beside_real, (0.5,), {}, FAILS),
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
