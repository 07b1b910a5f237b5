"""The floats of compiled derivatives: right rules are stable everywhere, lost digits are seen."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_by_slope import forward as with_rule

from jaxgrad.gradients.floats.arithmetic import unit_roundoff
from jaxgrad.gradients.floats.derivative_judgement import TrueDerivatives, judge_derivative
from jaxgrad.gradients.floats.derivatives import rule_floats
from jaxgrad.gradients.floats.programs import compile_derivatives, representable
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.primal import Primal

MODES = ("fwd", "rev")
DTYPES = (jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64)


def floats(
    f: Any, *args: Any, modes: Any = MODES, dtypes: Any = None, points: Any = ()
) -> tuple[FloatResult, ...]:
    """The results at the arguments, which are arrays, and at more points."""
    primal = Primal(f, args)
    every = [rule_floats(primal, modes, d, [primal.point, *points]) for d in dtypes or (None,)]
    return tuple(found for each in every for found in each)


def sigmoid_slope(x: Any) -> Any:
    return jax.nn.sigmoid(x) * (1 - jax.nn.sigmoid(x))


WRONG_SIGMOID = with_rule(jax.nn.sigmoid, sigmoid_slope)
RIGHT_SIGMOID = with_rule(jax.nn.sigmoid, lambda x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x))
WRONG_EXPM1 = with_rule(jnp.expm1, lambda x: jnp.expm1(x) + 1)
RIGHT_EXPM1 = with_rule(jnp.expm1, jnp.exp)


def wrong_celu(x: Any) -> Any:
    return jnp.where(x > 0, x, jnp.expm1(x))


def right_celu(x: Any) -> Any:
    return jnp.where(x > 0, x, RIGHT_EXPM1(jnp.where(x > 0, 0.0, x)))


KEEP = np.array([True, False])


def wrong_logsumexp(a: Any) -> Any:
    """The entry that is masked after the exponential (jax#23842)."""
    high = jax.lax.stop_gradient(jnp.max(a, initial=-jnp.inf, where=KEEP))
    return high + jnp.log(jnp.sum(jnp.where(KEEP, jnp.exp(a - high), 0.0)))


def right_logsumexp(a: Any) -> Any:
    high = jnp.max(a, initial=-jnp.inf, where=KEEP)
    return high + jnp.log(jnp.sum(jnp.exp(jnp.where(KEEP, a - high, -jnp.inf))))


def wrong_divergence(t: Any, q: Any) -> Any:
    return jnp.where(t == 0, 0.0, t * (jnp.log(t) - jnp.log(q)))


def right_divergence(t: Any, q: Any) -> Any:
    return jnp.where(t == 0, 0.0, t * (jnp.log(jnp.where(t == 0, 1.0, t)) - jnp.log(q)))


PAIRS: dict[str, tuple[Any, Any, tuple[Any, ...], str]] = {
    "sigmoid at 20": (WRONG_SIGMOID, RIGHT_SIGMOID, (np.float32(20),), "underflow"),
    "sigmoid at 32": (WRONG_SIGMOID, RIGHT_SIGMOID, (np.float32(32),), "underflow"),
    "expm1 at -20": (WRONG_EXPM1, RIGHT_EXPM1, (np.float32(-20),), "underflow"),
    "celu at 100": (wrong_celu, right_celu, (np.float32(100),), "nan"),
    "logsumexp": (wrong_logsumexp, right_logsumexp, (np.float32([0, 100]),), "nan"),
    "divergence at 0": (
        wrong_divergence, right_divergence, (np.float32(0), np.float32(0.5)), "nan"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_what_the_floats_lose_is_found_and_its_remedy_is_stable(name: str) -> None:
    wrong, right, args, reason = PAIRS[name]
    stable = floats(right, *args)
    # Forward and reverse, for each leaf of the arguments.
    assert [found.status for found in stable] == ["STABLE"] * 2 * len(args)
    worst = [found for found in floats(wrong, *args, modes=("rev",)) if not found.stable]
    assert [(found.status, found.reason) for found in worst] == [("UNSTABLE", reason)]
    assert worst[0].given
    assert worst[0].digits < 1


def test_only_nan_and_infinities_for_another_truth_are_grave() -> None:
    grave = {
        name
        for name, (wrong, _, args, _) in PAIRS.items()
        if any(found.grave for found in floats(wrong, *args, modes=("rev",)))
    }
    assert grave == {"celu at 100", "logsumexp", "divergence at 0"}
    (tiny,) = floats(lambda x: 1 / (1 / x), np.float32(1e-30), modes=("rev",))
    assert (tiny.grave, tiny.truth) == (True, "1.000000000")


def test_every_point_is_looked_at() -> None:
    powers = [[np.float32(2.0**k)] for k in range(-5, 6)]
    found = floats(WRONG_SIGMOID, np.float32(0), modes=("rev",), points=powers)
    (lost,) = [x for x in found if x.reason == "underflow"]
    assert lost.point == "x = 32.0"
    assert not lost.given
    assert lost.truth.startswith("1.26641")
    assert "UNSTABLE rev float32: ∂f/∂x at x = 32.0 under jit(vmap): 0.0, truth 1.26" in str(lost)


RNG = np.random.default_rng(0)
KNOWN_STABLE: dict[str, tuple[Any, Any, Any]] = {
    "sin in short floats": (jnp.sin, np.float32(1.3), (jnp.float16, jnp.bfloat16)),
    "the sum of 1000 sines": (
        lambda x: jnp.sum(jnp.sin(x)), RNG.uniform(-1e3, 1e3, 1000).astype(np.float32), None
    ),
    "cubes of large numbers": (
        lambda x: x**3, np.float32(100 * RNG.standard_normal(12)), None
    ),
    "1000 squares": (lambda x: jnp.sum(x**2), np.float32(RNG.standard_normal(1000)), None),
    "a fast sine": (lambda x: jnp.sin(1000 * x), np.float64(1.234), (jnp.float64,)),
    "exp at 20": (jnp.exp, np.float32(20), None),
    "logsumexp of large numbers": (
        jax.nn.logsumexp, np.float32([1000, 1001, 999.5]), (jnp.float32, jnp.float64)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN_STABLE)
def test_known_false_alarms_are_stable(name: str) -> None:
    f, x, dtypes = KNOWN_STABLE[name]
    for found in floats(f, x, dtypes=dtypes):
        assert found.status == "STABLE", found
        assert found.judged


WEIGHTS = np.array([1, -2, 3, -1, 2], np.float32) / 4


def normalised(x: Any) -> Any:
    centred = x - jnp.mean(x)
    scale = jax.lax.rsqrt(jnp.mean(centred**2) + jnp.asarray(0.125, x.dtype))
    return jnp.sum(WEIGHTS.astype(x.dtype) * centred * scale)


def hidden_layer(x: Any) -> Any:
    weights = WEIGHTS.astype(x.dtype)
    return jnp.sum(jnp.tanh(jnp.outer(weights, weights) @ x))


RIGHT_RULES: dict[str, tuple[Callable[..., Any], tuple[int, ...], float, float]] = {
    "sin": (jnp.sin, (), -100, 100),
    "exp": (jnp.exp, (), -8, 8),
    # Beyond 2 the digits that 1 − tanh² cancels are more than the conditioning of tanh' excuses.
    "tanh": (jnp.tanh, (), -2, 2),
    "log": (jnp.log, (), 0.0625, 100),
    "sqrt": (jnp.sqrt, (), 0.0625, 100),
    "softplus": (jax.nn.softplus, (), -8, 8),
    "rational": (lambda x: x / (1 + x * x), (), -4, 4),
    "quotient": (lambda x: (x[0] + 1) / x[1], (2,), 0.5, 4),
    "power": (lambda x: x[0] ** x[1], (2,), 0.5, 3),
    "logsumexp": (jax.nn.logsumexp, (5,), -4, 4),
    "softmax": (lambda x: jax.nn.softmax(x)[0], (5,), -1, 1),
    "normalised": (normalised, (5,), -4, 4),
    "hidden layer": (hidden_layer, (5,), -1, 1),
}


@pytest.mark.parametrize("name", RIGHT_RULES)
@settings(max_examples=2)
@given(data=st.data())
def test_right_rules_are_stable_in_every_dtype(name: str, data: st.DataObject) -> None:
    f, shape, low, high = RIGHT_RULES[name]
    entry = st.floats(low, high, width=32).map(np.float32)
    count = math.prod(shape)
    vector = st.lists(entry, min_size=count, max_size=count)
    drawn = vector.map(lambda values: np.asarray(values, np.float32).reshape(shape))
    points = data.draw(st.lists(drawn, min_size=12, max_size=12))
    modes = (data.draw(st.sampled_from(MODES)),)
    for found in floats(f, points[0], modes=modes, dtypes=DTYPES, points=[[x] for x in points]):
        assert found.status == "STABLE", found


def test_a_shift_that_a_dtype_cannot_use_is_unstable_in_it() -> None:
    """The slope of rsqrt at 1e-5 is 1.6e7, which float16 does not have."""
    for dtype, status in ((jnp.float16, "UNSTABLE"), (jnp.bfloat16, "STABLE")):
        found = floats(
            lambda x: jnp.sum((x - jnp.mean(x)) * jax.lax.rsqrt(jnp.var(x) + 1e-5) * WEIGHTS),
            np.zeros(5, np.float32), modes=("rev",), dtypes=(dtype,),
        )  # fmt: skip
        assert [x.status for x in found] == [status]


def test_float64_is_computed_in_float64_and_x64_is_left_off() -> None:
    (found,) = floats(jnp.sin, np.float32(0.1), modes=("rev",), dtypes=(jnp.float64,))
    assert found.dtype == "float64"
    assert abs(found.value - math.cos(float(np.float32(0.1)))) < 1e-15
    assert not jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]


def test_the_point_is_rounded_to_the_dtype() -> None:
    (found,) = floats(lambda x: x * x, np.float32(0.1), modes=("rev",), dtypes=(jnp.bfloat16,))
    assert found.point == f"x = {float(jnp.bfloat16(0.1))!r}"
    assert found.digits == math.inf
    subnormal = np.asarray([1e-39, -1e-37, 1.0], np.float32)
    assert representable(subnormal, np.float32).tolist() == [0.0, float(np.float32(-1e-37)), 1.0]


def test_a_coarser_dtype_inside_is_named_and_sets_the_allowance() -> None:
    def coarse(x: Any) -> Any:
        return (x.astype(jnp.bfloat16) ** 2).astype(x.dtype)

    (found,) = floats(coarse, np.float32(1.1), modes=("rev",))
    assert found.within == ("bfloat16",)
    assert found.status == "STABLE"
    relative = abs(found.value - 2.2) / 2.2
    assert unit_roundoff(np.float32) < relative
    assert "with bfloat16 inside" in str(found)


def test_overflow_of_the_truth_is_allowed_and_the_wrong_infinity_is_not() -> None:
    big = np.float32(100)  # e^100 exceeds every float32
    assert [found.stable for found in floats(jnp.exp, big)] == [True, True]
    primal = Primal(jnp.exp, (big,))
    (compiled,) = compile_derivatives(primal, "rev")
    exact = TrueDerivatives(compiled, primal.point, compiled.seeds[0])
    values = (math.inf, 3e38, -math.inf, 0.0)
    judged = {value: judge_derivative(exact, 0, (), value) for value in values}
    assert [found is not None and found.status == "STABLE" for found in judged.values()] == [
        True, True, False, False
    ]  # fmt: skip
    early = floats(lambda x: (x * 1e30) * (x * 1e30) * 1e-30 * 1e-30, np.float32(1e10))
    assert [found.stable for found in early] == [False, False]


def test_kinks_and_infinite_slopes() -> None:
    for kinked in (jax.nn.relu, jnp.sqrt):
        assert [found.stable for found in floats(kinked, np.float32(0))] == [True, True]
    (norm,) = floats(lambda x: jnp.sqrt(jnp.sum(x * x)), np.zeros(1, np.float32), modes=("rev",))
    assert (norm.reason, norm.grave) == ("nan", True)
    assert norm.truth == "-1.00000000000 from the left and 1.00000000000 from the right"


def test_outside_of_the_domain_nothing_is_asked() -> None:
    assert floats(lambda x: jnp.sqrt(x) * x, np.float32(-1)) == ()
    inside = floats(jnp.sqrt, np.float32(1), points=[[np.float32(-1)]])
    assert [(found.stable, found.judged) for found in inside] == [(True, 2)] * 2


def test_leaves_and_results_are_named() -> None:
    def two(params: Any, x: Any) -> Any:
        return {"a": x * params["w"], "b": wrong_celu(x)}

    args = {"w": np.float32([1, 2])}, np.float32(100)
    (bad,) = [found for found in floats(two, *args, modes=("rev",)) if not found.stable]
    assert (bad.path, bad.index, bad.output, bad.output_index) == ("x", (), "f['b']", ())
    assert "x = 100.0" in bad.point
    forward = floats(two, *args, modes=("fwd",))
    assert {found.path for found in forward} == {"params['w']", "x"}


def test_many_leaves_and_many_entries_are_sampled() -> None:
    def network(p: Any) -> Any:
        x = jnp.ones(8, p[0].dtype)
        for w in p:
            x = jnp.tanh(w @ x)
        return x

    params = [RNG.standard_normal((8, 8)).astype(np.float32) / 8 for _ in range(5)]
    found = floats(network, params)
    assert {x.path for x in found if x.mode == "rev"} == {f"p[{i}]" for i in range(5)}
    assert [x.path for x in found if x.mode == "fwd"] == ["a drawn direction"]
    assert [x.stable for x in found] == [True] * 6
    params[3][2, 1] = 0.0
    spoiled = floats(lambda p: network(p) + wrong_celu(100 + p[3][2, 1]), params, modes=("rev",))
    assert [(x.path, x.index, x.grave) for x in spoiled if not x.stable] == [("p[3]", (2, 1), True)]


def test_what_cannot_be_judged_is_unknown_and_says_why() -> None:
    def looped(x: Any) -> Any:
        return jax.lax.while_loop(lambda y: y < 9, lambda y: y * 1.1, x)

    (loop,) = floats(looped, np.float32(1.1), modes=("fwd",))
    assert loop.status == "UNKNOWN"
    assert "while_loop" in loop.reason
    fixed = floats(lambda x: jax.lax.add(x, jnp.float32(1)), np.float32(1), dtypes=(jnp.float16,))
    assert [(x.status, "TypeError" in x.reason) for x in fixed] == [("UNKNOWN", True)] * 2
    one_way = jax.custom_vjp(jnp.sin)
    one_way.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (jnp.cos(x) * g,))
    assert [found.mode for found in floats(one_way, np.float32(1))] == ["rev"]


def test_without_a_batching_rule_each_point_is_run() -> None:
    def host(x: Any) -> Any:
        shape = jax.ShapeDtypeStruct((), np.float32)
        return jax.pure_callback(lambda y: np.float32(np.cos(y)), shape, x)

    ruled = with_rule(jnp.sin, host)
    (found,) = floats(ruled, np.float32(1), modes=("fwd",), points=[[np.float32(2)]])
    # The callback has no formula; the one-sided derivatives of the sine are the truth.
    assert (found.status, found.compiled, found.judged) == ("STABLE", "jit", 2)
    (found,) = floats(with_rule(host, host), np.float32(1), modes=("fwd",))
    assert found.status == "UNKNOWN"
    assert "pure_callback" in found.reason


@pytest.mark.parametrize("name", ["sigmoid at 20", "logsumexp", "divergence at 0"])
def test_the_code_prints_the_float(name: str) -> None:
    wrong, _, args, _ = PAIRS[name]
    point = Primal(wrong, args).point
    elsewhere = [leaf + 0 for leaf in point]
    every = floats(wrong, *args, points=[elsewhere])
    assert len(every) == 2 * len(args)
    for found in every:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(found.code, {"f": wrong})
        assert np.array_equal(float(printed.getvalue().split()[0]), found.value, equal_nan=True)
    (short,) = floats(jnp.tanh, np.float32(3), modes=("rev",), dtypes=(jnp.bfloat16,))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(short.code, {"f": jnp.tanh})
    assert float(printed.getvalue().split()[0]) == short.value
