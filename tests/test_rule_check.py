"""check_grads(): right rules pass, planted ones are refuted."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import given_and_true, numbers_printed_by

from benchmarks.cases import with_rule
from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.rules.conclusions import leaf_result
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.networks import Chain
from jaxgrad.programs.custom_rules import has_custom_rules, strip_custom_rules
from jaxgrad.verdict import Verdict

RIGHT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "sin": (jnp.sin, (0.5,)),
    "sin of a large argument": (lambda x: jnp.sin(1000 * x), (1000.3,)),
    "bfloat16": (jnp.sin, (jnp.bfloat16(0.5),)),
    "softplus": (jax.nn.softplus, (0.0,)),
    "logaddexp tie": (jnp.logaddexp, (1.0, 1.0)),
    "sinc": (jnp.sinc, (0.0,)),
    "power of exponent 0": (lambda x, y: x**y, (23.0, 0.0)),
    "root at 0": (jnp.sqrt, (0.0,)),
    "constants rounded to float32": (
        lambda x: jax.scipy.special.erf(jax.scipy.special.erf(x)), (np.linspace(-1, 1, 6),),
    ),
    "an integer argument": (lambda x, n: x * n, (0.5, 3)),
    "tree": (lambda p: {"y": jnp.tanh(p["w"] @ p["x"])},
             ({"w": np.eye(2, dtype=np.float32), "x": np.ones(2, np.float32)},)),
}  # fmt: skip


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", RIGHT)
def test_right_rules_pass(name: str, order: int) -> None:
    function, args = RIGHT[name]
    found = check_grads(function, args, order=order)
    assert found.verdict.passes
    assert not found.kinks


def _cosh_of_abs() -> Callable[..., Any]:
    """As exp(|x|)·i0e(x) is written: the slope of |x| at 0 is taken for 1 in one factor only."""

    def scaled(xs: Any, ts: Any) -> Any:
        (x,), (t,) = xs, ts
        return t * jnp.exp(-abs(x)) * (jnp.sinh(x) - jnp.sign(x) * jnp.cosh(x))

    even = with_rule(lambda x: jnp.exp(-abs(x)) * jnp.cosh(x), scaled)
    return lambda x: jnp.exp(abs(x)) * even(x)


WRONG: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "atan2, both signs": (
        with_rule(
            jnp.arctan2,
            lambda xs, ts: (-xs[1] * ts[0] + xs[0] * ts[1]) / (xs[0] ** 2 + xs[1] ** 2),
        ), (1.0, 2.0), 1,
    ),
    "x**n where n is 0": (
        with_rule(
            lambda x: x ** jnp.array([0, 1, 2]),
            lambda xs, ts: ts[0] * jnp.array([1.0, 1.0, 2.0]) * jnp.array([1.0, 1.0, xs[0]]),
        ), (3.0,), 1,
    ),
    "an even function through |x|": (_cosh_of_abs(), (0.0,), 1),
    "relu6 beyond the subdifferential": (
        with_rule(
            lambda x: jnp.minimum(jnp.maximum(x, 0.0), 6.0),
            lambda xs, ts: jnp.where((xs[0] >= 0) & (xs[0] <= 6), 2 * ts[0], 0 * ts[0]),
        ), (6.0,), 1,
    ),
    "logaddexp, 0 at the tie": (
        with_rule(
            lambda x, y: jnp.maximum(x, y) + jnp.log1p(jnp.exp(-abs(x - y))),
            lambda xs, ts: jnp.where(
                xs[0] == xs[1],
                0.0,
                ts[0] / (1 + jnp.exp(xs[1] - xs[0])) + ts[1] / (1 + jnp.exp(xs[0] - xs[1])),
            ),
        ), (1.0, 1.0), 1,
    ),
    "ldexp(x, 1)": (
        with_rule(lambda x: 2 * x, lambda xs, ts: jnp.where(xs[0] == 0, 1.0, 2.0) * ts[0]),
        (0.0,), 1,
    ),
    "pow, order 2": (
        with_rule(
            lambda x, y: x**y,
            lambda xs, ts: ts[0] * xs[1] * xs[0] ** jnp.where(xs[1] == 0, 1.0, xs[1] - 1)
            + ts[1] * jnp.log(xs[0]) * xs[0] ** xs[1],
        ), (23.0, 0.0), 2,
    ),
    "sign of 1e-4 sin": (
        with_rule(lambda x: 1e-4 * jnp.sin(x), lambda xs, ts: -1e-4 * jnp.cos(xs[0]) * ts[0]),
        (0.5,), 1,
    ),
    "zero in bfloat16": (
        with_rule(jnp.sin, lambda xs, ts: 0 * ts[0]), (jnp.bfloat16(0.5),), 1,
    ),
    "a second derivative at 0": (
        with_rule(lambda x: x**3 + x**2, lambda xs, ts: (3 * xs[0] ** 2 + xs[0]) * ts[0]),
        (0.0,), 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_planted_rules_are_refuted(name: str) -> None:
    function, args, order = WRONG[name]
    if order == 2:
        check_grads(function, args, special_points=False)
    with pytest.raises(GradientMismatch, match="REFUTED: the derivative rules are wrong"):
        check_grads(function, args, order=order)


def test_nan_where_there_is_a_derivative_is_refuted() -> None:
    def sinc(x: Any) -> Any:
        return jnp.where(x == 0, 1.0, jnp.sin(x) / x)

    with pytest.raises(GradientMismatch, match="is nan by the rules and"):
        check_grads(sinc, (0.0,))


def test_a_wrong_leaf_beside_a_large_one() -> None:
    function = with_rule(
        lambda a, b: 1e6 * jnp.sin(a) + jnp.sin(b),
        lambda xs, ts: 1e6 * jnp.cos(xs[0]) * ts[0] - jnp.cos(xs[1]) * ts[1],
    )
    with pytest.raises(GradientMismatch, match="1 of 2 leaves") as caught:
        check_grads(function, (0.5, 0.25))
    assert "  b: fwd: the derivative of f with respect to b is" in str(caught.value)


def test_a_vanished_gradient_is_not_zero() -> None:
    net = Chain(20)
    params = net.init(jax.random.key(0))
    x, y = jnp.float32(0.3), jnp.float32(0.7)

    @jax.custom_vjp
    def wrong(params: Any, x: Any, y: Any) -> Any:
        return net.cost(params, x, y)

    def forward(*args: Any) -> Any:
        return net.cost(*args), jax.grad(net.cost, argnums=(0, 1, 2))(*args)

    def backward(gradient: Any, u: Any) -> Any:
        params, x, y = jax.tree.map(lambda g: g * u, gradient)
        (w, b), *rest = params
        return [(w, 0 * b), *rest], x, y

    wrong.defvjp(forward, backward)
    gradient = float(jax.grad(net.cost)(params, x, y)[0][1])
    assert abs(gradient) < 1e-9
    with pytest.raises(GradientMismatch) as caught:
        check_grads(wrong, (params, x, y), modes=("rev",))
    assert "params[0][1]: rev" in str(caught.value)
    assert check_grads(net.cost, (params, x, y)).verdict.passes


def test_custom_rules_that_are_the_derivative_are_proved() -> None:
    function = with_rule(
        lambda x: x * jnp.exp(x), lambda xs, ts: (1 + xs[0]) * jnp.exp(xs[0]) * ts[0]
    )
    assert check_grads(function, (0.5,)).verdict is Verdict.PROVED


def test_the_counterexample_runs() -> None:
    function, args, order = WRONG["pow, order 2"]
    with pytest.raises(GradientMismatch) as caught:
        check_grads(function, args, order=order)
    # the last derivative is wrong: 23 or 23² appear where 1/23 and 0 should
    slope, true = given_and_true(caught.value, f=function)
    assert abs(float(slope)) > 1 > abs(float(true))


def test_infinities_of_both_signs_under_vmap_are_no_fault_of_the_rules() -> None:
    """Both ends of the domain of arccos: each entry is right, and their sum is ∞ − ∞."""

    def f(x: Any) -> Any:
        return jnp.sum(jnp.mean(jnp.arccos(x / np.float32(-1.5)), axis=1))

    x = np.array([[-1.0, -1.5, 1.5], [1.0, 0.5, -0.5]], np.float32)
    found = check_grads(f, (x,), modes="rev", special_points=False)
    assert found.verdict is Verdict.AGREES
    assert "and under vmap" in str(found)


def test_a_batching_rule_that_is_wrong() -> None:
    @jax.custom_batching.custom_vmap
    def slope(x: Any) -> Any:
        return jnp.cos(x)

    def batching(size: int, batched: Any, x: Any) -> tuple[Any, Any]:
        return jnp.cos(x[::-1]), True

    slope.def_vmap(batching)

    sine = with_rule(jnp.sin, lambda xs, ts: slope(xs[0]) * ts[0])
    with pytest.raises(GradientMismatch, match=r"wrong under jax\.vmap") as caught:
        check_grads(sine, (0.5,))
    batch, first, second = numbers_printed_by(caught.value, f=sine)
    assert batch.strip("[]").split() == [second, first]


def test_what_is_below_every_float_counts_of_the_formula_alone() -> None:
    def gaussian(end: float) -> Callable[..., Any]:
        def tangent(xs: Any, ts: Any) -> Any:
            (x,), (t,) = xs, ts
            return jnp.where(abs(x) < end, -2 * x * jnp.exp(-x * x), 0.0) * t

        return with_rule(lambda x: jnp.exp(-x * x), tangent)

    beyond = gaussian(11)  # e^(−121) is 3e-53
    assert check_grads(beyond, (0.5,)).verdict.passes
    assert check_grads(beyond, (16.0,)).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(beyond, (16.0,), exact=True)
    with pytest.raises(GradientMismatch):
        check_grads(gaussian(9), (9.1,))  # e^(−83) is 1e-36


def test_a_constant_that_is_wrong_by_more_than_its_rounding() -> None:
    def sine(constant: Any) -> Callable[..., Any]:
        return with_rule(
            lambda x: jnp.sin(x) * 0.3, lambda xs, ts: constant * jnp.cos(xs[0]) * ts[0]
        )

    third = np.float32(0.3)
    beside = np.nextafter(third, np.float32(1))
    assert check_grads(sine(beside), (0.5,)).leaves[0].bits < 26
    with pytest.raises(GradientMismatch):
        check_grads(sine(third * np.float32(1 + 2**-21)), (0.5,))
    with jax.enable_x64(True), pytest.raises(GradientMismatch):
        check_grads(sine(0.3 * (1 + 1e-9)), (np.float64(0.5),))


def test_floats_in_the_dtypes_asked_for() -> None:
    assert check_grads(jax.nn.sigmoid, (0.5,)).verdict.passes
    with pytest.raises(GradientMismatch, match="compiled they do not compute these") as caught:
        check_grads(jax.nn.sigmoid, (0.5,), dtypes=["float32"])
    assert "UNSTABLE rev float32" in str(caught.value)
    stable = with_rule(
        jax.nn.sigmoid,
        lambda xs, ts: jax.nn.sigmoid(xs[0]) * jax.nn.sigmoid(-xs[0]) * ts[0],
    )
    found = check_grads(stable, (0.5,), dtypes=["float32", "bfloat16", "float64"])
    assert {x.dtype for x in found.floats} == {"float32", "bfloat16", "float64"}
    assert not found.unstable
    with pytest.raises(ArgumentError, match="'int32', which is no floating-point dtype"):
        check_grads(stable, (0.5,), dtypes=["int32"])


def test_nan_in_floats_alone_is_refuted_at_the_given_point() -> None:
    def celu(x: Any) -> Any:
        return jnp.where(x > 0, x, jnp.expm1(x))

    assert check_grads(celu, (1.0,)).verdict.passes
    with pytest.raises(GradientMismatch, match="nan"):
        check_grads(celu, (100.0,))
    assert check_grads(jax.nn.celu, (100.0,)).verdict.passes


def test_tolerances_have_no_use_and_raise_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_grads(jnp.sin, (0.5,), atol=1e-3, rtol=1e-3, eps=1e-3)
        with pytest.raises(GradientMismatch):
            wrong = with_rule(jnp.sin, lambda xs, ts: ts[0])
            check_grads(wrong, (0.5,), atol=10.0, rtol=10.0)


def test_what_cannot_be_looked_at_is_undecided() -> None:
    with pytest.raises(UndecidedError):
        check_grads(lambda x: x * jnp.log(x), (0.0,))


def test_json() -> None:
    found = json.loads(check_grads(jnp.sin, (0.5,)).to_json())
    assert found["verdict"] == "AGREES"
    assert found["leaves"][0]["bits"] >= 106


def test_rules_are_stripped_inside_control_flow() -> None:
    wrong = with_rule(jnp.sin, lambda xs, ts: -jnp.cos(xs[0]) * ts[0])

    def f(x: Any) -> Any:
        x = jax.lax.cond(x > 0, wrong, jnp.cos, x)
        return jax.lax.scan(lambda c, _: (wrong(c), None), x, None, length=2)[0]

    closed = jax.make_jaxpr(f)(0.5)
    assert has_custom_rules(closed)
    stripped = strip_custom_rules(closed)
    assert not has_custom_rules(jax.make_jaxpr(stripped)(0.5))
    slope = jax.grad(lambda x: stripped(x)[0])(0.5)
    want = jax.grad(lambda x: jnp.sin(jnp.sin(jnp.sin(x))))(0.5)
    assert np.allclose(slope, want, rtol=1e-6)


def test_what_is_judged_of_a_leaf_is_its_derivatives_alone() -> None:
    """The value and lower derivatives that come beside one are judged, too, but do not count."""
    primal = Primal(jnp.sin, (0.5,))
    one = Direction([np.array(1.0)])
    question = Question(("fwd", "fwd"), (one, one), one)

    def found(bits: float, verdict: Verdict = Verdict.AGREES, kink: bool = False) -> Judgement:
        return Judgement(verdict, bits, kink, "1", "2")

    derivatives = [(question, found(80)), (question, found(math.inf, kink=True))]
    for verdict in (Verdict.AGREES, Verdict.UNDECIDED, Verdict.REFUTED):
        others = [(beside, found(60, verdict, kink=True)) for beside in question.beside()]
        result = leaf_result(primal, "x", [*derivatives, *others])
        assert (result.judged, result.kinks, result.bits) == (2, 1, 80)
        assert result.verdict is verdict
    assert leaf_result(primal, "x", derivatives[1:]).bits == math.inf


def test_a_value_beside_a_derivative_is_not_counted() -> None:
    sine = with_rule(jnp.sin, lambda xs, ts: jnp.cos(xs[0]) * ts[0])
    for function in (jnp.sin, sine):
        (leaf,) = check_grads(function, (0.5,), modes="fwd", special_points=False).leaves
        assert leaf.judged == 1
