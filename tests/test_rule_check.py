"""check_grads(): right rules pass, planted ones are refuted, kinks are reported."""

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
from pasted_code import printed_by

from jaxgrad.comparison import compare
from jaxgrad.custom_rules import has_custom_rules, strip_custom_rules
from jaxgrad.derivative_rules.conclusions import leaf_result
from jaxgrad.derivative_rules.directions import Direction
from jaxgrad.derivative_rules.judgement import Judgement
from jaxgrad.derivative_rules.programs import Primal
from jaxgrad.derivative_rules.question import Question
from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    GradientMismatch,
    ShapeMismatch,
    TreeMismatch,
    UndecidedError,
)
from jaxgrad.networks import Chain
from jaxgrad.rule_check import check_grads
from jaxgrad.verdict import Verdict


def with_rule(primal: Callable[..., Any], tangent: Callable[..., Any]) -> Callable[..., Any]:
    """The primal with the tangent rule (point, direction) -> tangent, right or wrong."""
    function = jax.custom_jvp(primal)
    function.defjvp(lambda xs, ts: (function(*xs), tangent(xs, ts)))
    return function


def backward_only(bwd: Callable[..., Any]) -> Callable[..., Any]:
    """The sine with a rule for reverse mode alone."""
    function = jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x), x), bwd)
    return function


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


@pytest.mark.parametrize(
    ("function", "point"),
    [(jax.nn.relu, 0.0), (abs, 0.0), (jax.nn.relu6, 0.0), (jax.nn.relu6, 6.0)],
)
def test_a_kink_is_accepted_and_reported(function: Callable[..., Any], point: float) -> None:
    found = check_grads(function, (point,))
    assert found.verdict is Verdict.AGREES
    assert found.leaves[0].kinks == 2
    assert "at a kink in 2 of 2" in str(found)


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


def test_one_wrong_entry_among_many() -> None:
    scale = np.ones((40, 40), np.float32)
    scale[17, 23] = 0.95
    function = with_rule(jnp.sin, lambda xs, ts: jnp.cos(xs[0]) * ts[0] * scale)
    x = np.linspace(-1, 1, 1600, dtype=np.float32).reshape(40, 40)
    with pytest.raises(GradientMismatch):
        check_grads(function, (x,))
    assert check_grads(jnp.sin, (x,)).verdict is Verdict.AGREES


def test_a_wrong_leaf_beside_a_large_one() -> None:
    function = with_rule(
        lambda a, b: 1e6 * jnp.sin(a) + jnp.sin(b),
        lambda xs, ts: 1e6 * jnp.cos(xs[0]) * ts[0] - jnp.cos(xs[1]) * ts[1],
    )
    with pytest.raises(GradientMismatch, match="1 of 2 leaves") as caught:
        check_grads(function, (0.5, 0.25))
    assert "  b: fwd: the derivative of f by b is" in str(caught.value)


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
    [slope] = printed_by(caught.value, f=function)
    assert abs(float(slope)) > 1


@pytest.mark.parametrize("modes", [("forward",), "reverse", (), ("fwd", "rv")])
def test_misspelt_modes(modes: Any) -> None:
    with pytest.raises(ArgumentError, match='the accepted ones are "fwd" and "rev"'):
        check_grads(jnp.sin, (0.5,), modes=modes)


def test_other_arguments_that_make_no_sense() -> None:
    with pytest.raises(ArgumentError, match="order is 0"):
        check_grads(jnp.sin, (0.5,), order=0)
    with pytest.raises(ArgumentError, match="no argument is floating point"):
        check_grads(lambda n: n + 0.5, (3,))
    with pytest.raises(ArgumentError, match=r'pass modes=\("rev",\)'):
        check_grads(backward_only(lambda x, u: (u * jnp.cos(x),)), (0.5,), modes="fwd")
    with pytest.raises(UndecidedError, match="nothing to check"):
        check_grads(jnp.sin, (np.zeros(0, np.float32),))


@pytest.mark.parametrize("around", [lambda f: f, jax.checkpoint, jax.jit])
def test_a_forward_rule_that_jax_may_leave_out(around: Callable[..., Any]) -> None:
    """With ``optimize_remat`` it is an operation of its own, and the value of the function."""

    def made(value: Any, bwd: Any) -> Any:
        f = jax.custom_vjp(lambda x: x * jnp.sin(x))
        kept = lambda x: (value(x), (jnp.sin(x), jnp.cos(x), x))  # noqa: E731
        f.defvjp(kept, bwd, optimize_remat=True)
        return around(f)

    def value(x: Any) -> Any:
        return x * jnp.sin(x)

    def slope(x: Any) -> Any:
        return jnp.sin(x) + x * jnp.cos(x)

    right = made(value, lambda kept, g: ((kept[0] + kept[2] * kept[1]) * g,))
    assert check_grads(right, (0.5,), modes="rev").verdict is Verdict.PROVED
    assert compare(slope, jax.grad(right), 0.5).verdict is Verdict.PROVED
    wrong = made(value, lambda kept, g: ((kept[0] - kept[2] * kept[1]) * g,))
    with pytest.raises(GradientMismatch, match="rev: the derivative of f by x"):
        check_grads(wrong, (0.5,), modes="rev")
    assert compare(slope, jax.grad(wrong), 0.5).verdict is Verdict.REFUTED
    if around is jax.checkpoint:  # runs the function first, and the forward rule for what is kept
        return
    of_another = made(jnp.cos, lambda kept, g: ((kept[0] + kept[2] * kept[1]) * g,))
    with pytest.raises(GradientMismatch, match="the value of f"):
        check_grads(of_another, (0.5,), modes="rev")


def test_a_mode_that_a_custom_vjp_rule_has_not_is_left_out_and_named() -> None:
    found = check_grads(backward_only(lambda x, u: (u * jnp.cos(x),)), (0.5,), order=2)
    assert found.verdict is Verdict.PROVED
    assert "fwd not checked, as JAX has none for a custom_vjp rule" in found.evidence.text
    with pytest.raises(GradientMismatch):
        check_grads(backward_only(lambda x, u: (-u * jnp.cos(x),)), (0.5,))


def test_a_mode_that_jax_has_not_is_left_out_and_named() -> None:
    def loop(rule: Callable[..., Any]) -> Callable[..., Any]:
        def body(carry: Any) -> Any:
            return carry[0] + 1, rule(carry[1])

        return lambda x: jax.lax.while_loop(lambda c: c[0] < 3, body, (0, x))[1]

    found = check_grads(loop(jnp.sin), (0.5,))
    assert "rev not checked, as JAX has none: Reverse-mode" in found.evidence.text
    with pytest.raises(GradientMismatch):
        check_grads(loop(with_rule(jnp.sin, lambda xs, ts: -jnp.cos(xs[0]) * ts[0])), (0.5,))
    with pytest.raises(ArgumentError, match="JAX cannot differentiate f: Reverse-mode"):
        check_grads(loop(jnp.sin), (0.5,), modes="rev")


@pytest.mark.parametrize(
    ("bwd", "error", "text"),
    [
        (lambda x, u: (u, u), TreeMismatch, "structure"),
        (lambda x, u: u, TreeMismatch, "structure"),
        (lambda x, u: (u[:1],), ShapeMismatch, "shapes do not match"),
        (lambda x, u: (u.astype(jnp.float16),), DtypeMismatch, "x a cotangent of dtype float16"),
        (lambda x, u: (u.astype(int),), DtypeMismatch, "cast it with .astype"),
    ],
)
def test_a_malformed_cotangent_is_named_for_what_it_is(bwd: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        check_grads(backward_only(bwd), (np.ones(3, np.float32),), modes="rev")


@pytest.mark.parametrize(
    ("tangent", "error"),
    [
        (lambda xs, ts: (ts[0],), TreeMismatch),
        (lambda xs, ts: ts[0].sum(), ShapeMismatch),
        (lambda xs, ts: ts[0].astype(jnp.float16), DtypeMismatch),
    ],
)
def test_a_malformed_tangent_is_named_for_what_it_is(tangent: Any, error: Any) -> None:
    with pytest.raises(error, match="a custom derivative rule of f returns the wrong structure"):
        check_grads(with_rule(jnp.sin, tangent), (np.ones(3, np.float32),))


def test_a_reference_says_what_is_meant() -> None:
    def straight_through(x: Any) -> Any:
        return x + jax.lax.stop_gradient(jnp.round(x) - x)

    with pytest.raises(GradientMismatch):
        check_grads(straight_through, (0.3,))
    assert check_grads(straight_through, (0.3,), reference=lambda x: x).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(straight_through, (0.3,), reference=lambda x: 2 * x)
    with pytest.raises(TreeMismatch, match="a reference takes the arguments of f"):
        check_grads(straight_through, (0.3,), reference=lambda x: (x,))
    with pytest.raises(ShapeMismatch, match="a reference returns what f returns"):
        check_grads(straight_through, (0.3,), reference=lambda x: x * jnp.ones(2))


def test_a_surrogate_gradient() -> None:
    spike = with_rule(
        lambda x: (x > 0) * 1.0,
        lambda xs, ts: jax.nn.sigmoid(xs[0]) * jax.nn.sigmoid(-xs[0]) * ts[0],
    )
    assert check_grads(spike, (0.7,), reference=jax.nn.sigmoid).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(spike, (0.7,), reference=jnp.tanh)


def kernel(slope: Callable[..., Any]) -> Callable[..., Any]:
    """The sine as a callback, which has no program to look into."""

    @jax.custom_jvp
    def sine(x: Any) -> Any:
        shape = jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x))
        return jax.pure_callback(np.sin, shape, x, vmap_method="expand_dims")

    sine.defjvp(lambda xs, ts: (sine(xs[0]), slope(xs[0]) * ts[0]))
    return sine


def test_a_kernel_is_judged_by_its_floats_beside_a_reference() -> None:
    x = np.linspace(-1, 1, 5, dtype=np.float32)
    found = check_grads(kernel(jnp.cos), (x,), reference=jnp.sin)
    assert found.verdict is Verdict.AGREES
    assert "the floats of f" in found.evidence.text
    with pytest.raises(UndecidedError, match="further from that of the reference"):
        check_grads(kernel(lambda x: jnp.cos(x) * (1 + 1e-4)), (x,), reference=jnp.sin)
    with pytest.raises(UndecidedError, match="with reference="):
        check_grads(kernel(jnp.cos), (x,))
    with pytest.raises(UndecidedError, match="first derivatives alone"):
        check_grads(kernel(jnp.cos), (x,), order=2, reference=jnp.sin)


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
    batch, first, _ = printed_by(caught.value, f=sine)[:3]
    assert first not in batch


def test_kinks_of_a_composition_are_told_from_a_wrong_rule() -> None:
    x = np.zeros(2, np.float32)
    weights = np.array([[1.0, -2.0], [-3.0, 0.5]], np.float32)

    def network(rule: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: jnp.array([1.0, -0.75]) @ rule(weights @ x)

    assert check_grads(network(jax.nn.relu), (x,)).verdict.passes
    steep = with_rule(lambda x: jnp.maximum(x, 0.0), lambda xs, ts: 5 * (xs[0] >= 0) * ts[0])
    with pytest.raises(GradientMismatch):
        check_grads(network(steep), (x,))
    with pytest.raises(GradientMismatch):  # differentiable, and autodiff says 0
        check_grads(lambda x: jax.nn.relu(x) - jax.nn.relu(-x), (0.0,))


@pytest.mark.parametrize(
    "function", [lambda x: jnp.sort(x), lambda x: jax.lax.top_k(x, 2)[0], lambda x: jnp.median(x)]
)
def test_a_permutation_at_a_tie_is_a_generalised_derivative(function: Callable[..., Any]) -> None:
    tied = np.ones(3, np.float32)
    assert check_grads(function, (tied,)).verdict.passes
    assert check_grads(function, (np.array([3.0, 1.0, 2.0], np.float32),)).verdict.passes
    doubled = with_rule(function, lambda xs, ts: 2 * jax.jvp(function, xs, ts)[1])
    with pytest.raises(GradientMismatch):
        check_grads(doubled, (tied,))


def test_what_is_below_every_float_counts_only_where_it_was_asked_for() -> None:
    def tangent(xs: Any, ts: Any) -> Any:
        (x,), (t,) = xs, ts
        return jnp.where(abs(x) < 11, -2 * x * jnp.exp(-x * x), 0.0) * t  # e^(−121) is 3e-53

    gaussian = with_rule(lambda x: jnp.exp(-x * x), tangent)
    assert check_grads(gaussian, (0.5,)).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(gaussian, (16.0,))


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


def test_tolerances_are_said_to_be_useless_once() -> None:
    with pytest.warns(UserWarning, match="atol, eps: not used") as caught:
        check_grads(jnp.sin, (0.5,), atol=1e-3, eps=1e-3)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_grads(jnp.sin, (0.5,))


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


def _product(slope_of_b: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    product = jax.custom_jvp(lambda a, b: a * b)
    product.defjvp(lambda p, t: (p[0] * p[1], t[0] * slope_of_b(p[1]) + t[1] * p[0]))
    return product


@pytest.mark.parametrize(
    "smaller",
    [
        jnp.minimum,
        lambda x, y: jnp.where(x < y, x, y),
        lambda x, y: jnp.sort(jnp.stack([x, y])),
        lambda x, y: jnp.min(jnp.stack([x, y])),
    ],
)  # fmt: skip
def test_where_there_is_no_hessian_none_is_the_only_right_one(smaller: Callable[..., Any]) -> None:
    """min(a, ab) has a derivative at a = 0, b = 1, and a second one along every line."""
    right, wrong = _product(lambda b: b), _product(_with_slope(3.0))
    found = check_grads(lambda a, b: smaller(a, a * b), (0.0, 1.0), order=2)
    assert found.verdict is Verdict.AGREES
    assert check_grads(lambda a, b: smaller(a, right(a, b)), (0.0, 1.0), order=2)
    with pytest.raises(GradientMismatch, match="derivative 2"):
        check_grads(lambda a, b: smaller(a, wrong(a, b)), (0.25, 0.5), order=2)


def test_what_no_branch_has_is_wrong_where_there_is_no_hessian() -> None:
    wrong = _product(_with_slope(3.0))
    with pytest.raises(GradientMismatch, match="derivative 2"):
        check_grads(lambda a, b: jnp.minimum(a, wrong(a, b)), (0.0, 1.0), order=2)


def _with_slope(slope: float) -> Callable[[Any], Any]:
    same = jax.custom_jvp(lambda b: b)
    same.defjvp(lambda p, t: (p[0], slope * t[0]))
    return same


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


def _open_from_one_side(x: Any, y: Any) -> Any:
    """Germs do not tell which way mod(m, m) goes at a tie of min(x, 2y), from one side."""
    smaller = jnp.minimum(x, 2 * y)
    return smaller + jnp.mod(jnp.max(smaller), jnp.max(smaller))


def test_a_side_that_nothing_decides_leaves_the_other_to_refute_nothing() -> None:
    x = np.array([0.0, 2.0, 0.5], np.float32)
    with pytest.raises(UndecidedError, match="floor at a jump"):
        check_grads(_open_from_one_side, (x, np.float32(1.0)), modes="fwd", special_points=False)
    doubled = with_rule(_open_from_one_side, lambda xs, ts: 2.0 * ts[0] + 0 * ts[1])
    with pytest.raises(GradientMismatch):  # beside the tie nothing is open
        check_grads(doubled, (x, np.float32(2.0)), modes="fwd", special_points=False)


@pytest.mark.parametrize("function", [jnp.sqrt, jnp.arccosh, lambda x: jnp.log(x) ** 2])
def test_at_the_end_of_a_domain_the_side_that_is_there_refutes(function: Any) -> None:
    """Of x√(x − 1) and the like at 1, which is not defined to the left."""
    times = with_rule(lambda x: (x - 1) * function(x - 1 + (function is not jnp.sqrt)),
                      lambda xs, ts: 5.0 * ts[0])  # fmt: skip
    with pytest.raises(GradientMismatch):
        check_grads(times, (1.0,), special_points=False)


def test_where_single_numbers_move_without_a_jump_it_is_none_of_a_rule() -> None:
    """mod(x, a) and the indicator of it jump together on one side of x = 0, where both move."""

    def f(z: Any) -> Any:
        rest = jnp.mod(z[0], z[1])
        return rest + (rest != 0)

    z = np.array([0.0, -1.0], np.float32)
    assert check_grads(f, (z,), special_points=False).verdict.passes
    wrong = with_rule(f, lambda xs, ts: 3.0 * ts[0][0])
    with pytest.raises(GradientMismatch):
        check_grads(wrong, (z,), special_points=False)
